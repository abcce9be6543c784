"""How healthy numbers are, and which of them a business should ask its customers about."""

from collections.abc import Sequence
from typing import Any

from todoke.core.durations import rfc3339
from todoke.core.number_health import Health, Record, Result, record
from todoke.core.outcome import Outcome
from todoke.core.phone import masked
from todoke.core.routing import Step
from todoke.reports import silence
from todoke.storage import silence as store
from todoke.storage.database import Tx
from todoke.storage.silence import Tried

WALKED = 2000
"""Notices that are looked through for one page of numbers."""
_AT_ONCE = 200


async def of_number(
    tx: Tx, account_id: str, number: str, now: int
) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Why the last silent one to a number was silent, with its notice; and the number's health."""
    tries = await store.tries_of(tx, account_id, [number])
    silent = [x for x in tries if silence.is_silent(x)]
    view = await silence.last_of(tx, account_id, number, tries, silent, now)
    if view is not None:
        view |= {"notice": silent[-1].notice_id, "at": rfc3339(silent[-1].at)}
    return view, health_view(health_of(tries, now))


def health_of(tries: Sequence[Tried], now: int) -> Record:
    """The health of one number."""
    return record([r for x in tries if (r := _result(x)) is not None], now)


def _result(x: Tried) -> Result | None:
    if x.step == Step.SMS:
        if not silence.is_final(x):
            return None
        gone = x.proof_at is None
        return Result(at=x.at, line=False, shown_at=x.proof_at, refused=gone, carrier=x.carrier)
    return Result(
        at=x.at,
        line=True,
        matched=x.outcome in (Outcome.ACCEPTED, Outcome.DELIVERED, Outcome.LATE, Outcome.SILENT),
        shown_at=x.proof_at,
        refused=x.outcome == Outcome.UNREACHABLE,
        silent=silence.is_silent(x),
        channel_id=x.channel_id,
    )


def health_view(found: Record) -> dict[str, Any]:
    """As the API answers it."""
    return {
        "word": found.word,
        "why": found.why,
        "last_matched": _told(found.matched),
        "last_unmatched": _told(found.unmatched),
        "last_delivered": _told(found.shown),
        "last_silent": _told(found.silent),
        "last_sms_received": _told(found.sms_received),
        "last_sms_failed": _told(found.sms_failed),
    }


def _told(x: Result | None) -> dict[str, Any] | None:
    if x is None:
        return None
    view: dict[str, Any] = {"at": rfc3339(x.at)}
    if x.shown_at is not None:
        view["proof_at"] = rfc3339(x.shown_at)
    return view | ({"channel": x.channel_id} if x.line else {"carrier": x.carrier})


async def to_refresh(
    tx: Tx, account_id: str, before: str | None, limit: int, now: int
) -> tuple[list[dict[str, Any]], str | None]:
    """Numbers that the business should ask its customers about, each at its newest notice; and the next cursor.

    One page looks through WALKED notices at most, so it may be short, or empty, although more follow.
    """
    walked = await store.walk_numbers(tx, account_id, before, WALKED + 1)
    more, walked = len(walked) > WALKED, walked[:WALKED]
    newest = await store.newest_notices(tx, account_id, sorted({number for _, number, _ in walked}))
    candidates = [x for x in walked if newest.get(x[1]) == x[0]]
    found: list[dict[str, Any]] = []
    for i in range(0, len(candidates), _AT_ONCE):
        portion = candidates[i : i + _AT_ONCE]
        tries = silence.grouped(await store.tries_of(tx, account_id, [number for _, number, _ in portion]))
        for notice_id, number, reference in portion:
            health = health_of(tries.get(number, []), now)
            if health.word not in (Health.STALE, Health.BAD):
                continue
            about = {"number": masked(number), "notice": notice_id, "reference": reference}
            found.append({**about, "health": health_view(health)})
            if len(found) == limit:
                return found, notice_id
    return found, walked[-1][0] if more else None
