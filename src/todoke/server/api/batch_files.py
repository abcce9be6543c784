"""/v1/batches/{id}: the refused rows and the results, as files for spreadsheets, streamed."""

import csv
import io
import json
import re
from collections.abc import AsyncIterator, Iterable
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response, StreamingResponse

from todoke.core.durations import rfc3339
from todoke.core.phone import masked
from todoke.reports.archived import batch_page
from todoke.reports.prices import Prices, cost_of
from todoke.server.api.batch_view import found_batch
from todoke.server.api.models import problems
from todoke.server.auth import Account
from todoke.server.services import Parts
from todoke.storage import batches as store
from todoke.storage import reporting

router = APIRouter(prefix="/v1/batches", tags=["Batches"])

BYTE_ORDER_MARK = "\ufeff"
Bom = Annotated[bool, Query(description="Begin with a byte order mark, which Excel needs to read UTF-8.")]
_PAGE = 1000


# By OWASP's list (https://owasp.org/www-community/attacks/CSV_Injection). Spreadsheets in East Asia also take the
# full-width signs for the beginning of a formula, and some leave out blanks in front of it. A number with one sign is
# none; one with several, as +886-912-345-678, would be worked out.
_FORMULA = re.compile(r"[\t\r\n]|[\s\u200b-\u200f\u2060\ufeff\0]*(?:[=@＝＠]|[+＋－-](?![\d\s().]*$))")


def safe_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula. Numbers with a sign stay as they are."""
    return "'" + text if _FORMULA.match(text) else text


def csv_text(rows: Iterable[Iterable[str]]) -> str:
    """Rows as a file that spreadsheets open without running anything."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([safe_cell(c) for c in row] for row in rows)
    return out.getvalue()


def _download(chunks: AsyncIterator[str], name: str) -> StreamingResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(chunks, media_type="text/csv; charset=utf-8", headers=headers)


@router.get(
    "/{batch_id}/rejects.csv",
    summary="The refused rows",
    description="`line,reason`, then the columns of the file as they were.",
    response_class=StreamingResponse,
    responses=problems(401, 404),
)
async def rejects_csv(batch_id: str, account: Account, parts: Parts, bom: Bom = False) -> Response:
    mark = BYTE_ORDER_MARK if bom else ""
    async with parts.database.read() as tx:
        batch = await found_batch(tx, account, batch_id)

    async def chunks() -> AsyncIterator[str]:
        yield mark + csv_text([["line", "reason", *json.loads(batch.header or "[]")]])
        line = 0
        while True:
            async with parts.database.read() as tx:
                rejects = await store.rejects_after(tx, batch.id, line, _PAGE)
            if not rejects:
                return
            line = rejects[-1].line
            yield csv_text([str(r.line), r.reason, *json.loads(r.original)] for r in rejects)

    return _download(chunks(), f"rejects-{batch.id}.csv")


_HEADER = (
    "id",
    "reference",
    "to",
    "state",
    "reason",
    "steps",
    "late_duplicates",
    "ended_at",
    "country",
    "language",
    "created_at",
    "first_request_at",
    "delivered_by",
    "delivered_at",
    "cost",
    "cost_at_most",
    "currency",
    "detail",
)
FAILED = ("not_delivered", "refused")
OPEN = ("queued", "sending", "waiting")
_STATES = {"failed": FAILED, "open": OPEN}
Only = Annotated[
    Literal["failed", "open", "late_duplicates"] | None,
    Query(
        description=(
            "`failed`: what was not delivered or refused; `open`: what has not ended; `late_duplicates`: what may have "
            "come twice."
        )
    ),
]


@router.get(
    "/{batch_id}/results.csv",
    summary="What became of every notice of a batch",
    description=(
        "A row a notice, in the order of the file: id, reference, masked number, state, reason, steps with outcomes, "
        "late duplicates, times (RFC 3339, UTC), which step's proof came first and when, cost, and what the last "
        "carrier said."
    ),
    response_class=StreamingResponse,
    responses=problems(401, 404, 422),
)
async def results_csv(
    batch_id: str, account: Account, parts: Parts, bom: Bom = False, only: Only = None
) -> Response:
    mark = BYTE_ORDER_MARK if bom else ""
    async with parts.database.read() as tx:
        batch = await found_batch(tx, account, batch_id)

    async def chunks() -> AsyncIterator[str]:
        yield mark + csv_text([_HEADER])
        after = ""
        while True:
            async with parts.database.read() as tx:
                page = await batch_page(
                    tx, parts.archive, account, batch.id, after, _PAGE, _STATES.get(only or "")
                )
            results = [_result(r, attempts, parts.prices) for r, attempts in page.rows]
            if only == "late_duplicates":
                results = [r for r in results if r[6] != "0"]
            yield csv_text(results)
            if page.last is None:
                return
            after = page.last

    return _download(chunks(), f"results-{batch.id}.csv")


def _result(row: reporting.NoticeRow, attempts: list[reporting.AttemptRow], prices: Prices) -> list[str]:
    proven = min((a for a in attempts if a.proof_at is not None), key=lambda a: a.proof_at or 0, default=None)
    return [
        row.id,
        row.reference or "",
        masked(row.number),
        row.state,
        row.reason or "",
        " ".join(f"{a.step}:{a.outcome or 'sending'}" for a in attempts),
        str(sum(a.late_duplicate for a in attempts)),
        _at(row.ended_at),
        row.country,
        row.language or "",
        _at(row.created_at),
        _at(attempts[0].at if attempts else None),
        "" if proven is None else proven.step,
        "" if proven is None else _at(proven.proof_at),
        *_cost([c for a in attempts if (c := cost_of(a, row.country, prices)) is not None]),
        next((a.detail for a in reversed(attempts) if a.detail), ""),
    ]


def _at(time: int | None) -> str:
    return "" if time is None else rfc3339(time)


def _cost(costs: list[dict[str, Any]]) -> list[str]:
    """The sum, its upper end where prices are ranges, and the currency; "unknown" where a price is not known."""
    if not costs:
        return ["0", "0", ""]
    currencies = {c["currency"] for c in costs}
    if len(currencies) > 1 or any(c["amount"] is None for c in costs):
        return ["unknown", "unknown", " ".join(sorted(x for x in currencies if x))]
    low = sum((Decimal(c["amount"]) for c in costs), Decimal())
    high = sum((Decimal(c.get("amount_at_most", c["amount"])) for c in costs), Decimal())
    return [str(low), str(high), str(costs[0]["currency"])]
