"""/v1/suppressions: who is to get nothing, or no SMS. Numbers come in bodies, never in addresses."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from todoke.actions import suppressions as actions
from todoke.actions.suppressions import Wanted
from todoke.core.durations import rfc3339
from todoke.core.phone import masked
from todoke.core.suppression import Cause, Scope
from todoke.ids import is_id
from todoke.server.api.channels import named_channel
from todoke.server.api.models import SuppressionEndIn, SuppressionIn, answer, problems
from todoke.server.api.numbers import read_number
from todoke.server.auth import Account, Caller
from todoke.server.problems import Problem
from todoke.server.services import Parts
from todoke.storage import channels
from todoke.storage import suppressions as store
from todoke.storage.database import Tx
from todoke.storage.suppressions import Suppression

router = APIRouter(prefix="/v1/suppressions", tags=["Friends and recipients"])

_EXAMPLE: dict[str, Any] = {
    "id": "01K2W7J…",
    "number": "0912•••678",
    "scope": "sms",
    "reason": "opt_out",
    "note": "STOP, by SMS to example_tw",
    "by": "sms:example_tw",
    "at": "2026-08-07T09:30:00.000Z",
    "removed_at": None,
    "removed_why": None,
    "created_at": "2026-08-07T09:30:01.000Z",
}


def suppression_view(x: Suppression) -> dict[str, Any]:
    """A suppression as the API shows it; the number is masked."""
    return {
        "id": x.id,
        "number": masked(x.number),
        "scope": x.scope,
        "reason": x.reason,
        "note": x.note,
        "by": x.by,
        "at": rfc3339(x.at),
        "removed_at": None if x.removed_at is None else rfc3339(x.removed_at),
        "removed_why": x.removed_why,
        "created_at": rfc3339(x.created_at),
    }


async def regions_of(tx: Tx, account: str, channel: str | None) -> set[str]:
    """Where numbers without a country code belong: to the channel's region, or to those of all channels."""
    if channel is not None:
        return {(await named_channel(tx, account, channel)).region}
    return {c.region for c in await channels.list_channels(tx, account)}


@router.post(
    "",
    status_code=201,
    summary="Suppress a recipient",
    description="`scope` all: no notice and no ordinary message goes to the number any more; new ones are refused with "
    "the type `suppressed`, and those under way begin no further step. `sms`: only SMS steps are left out. The same "
    "again answers 200 and what stands; a weightier reason (opt_out, complaint, manual) takes its place.",
    responses={
        200: answer(_EXAMPLE, "It stood already."),
        201: answer(_EXAMPLE, "Suppressed."),
        **problems(401, 422),
    },
)
async def suppress(
    body: SuppressionIn, response: Response, account: Account, caller: Caller, parts: Parts
) -> dict[str, Any]:
    note = actions.plain(body.note, "/note")
    async with parts.database.write() as tx:
        phone = read_number(str(body.number), await regions_of(tx, account, body.channel))
        actions.unnamed(note, phone.e164, "/note")
        wanted = Wanted(number=phone.e164, scope=body.scope, reason=body.reason, note=note, by=caller[:100])
        done = await actions.suppress(tx, account, [wanted], parts.clock.now(), parts.ids)
    ((stands, new),) = done.each
    if not new:
        response.status_code = 200
    if done.told:
        parts.wake()
    return suppression_view(stands)


@router.get(
    "",
    summary="List suppressions, the newest first",
    description="Those that stand; with `ended=true` the others too. Numbers are masked: POST /v1/recipients/lookup "
    "says what holds for one number. `next` is the `cursor` of the next page.",
    responses=problems(401, 422),
)
async def list_suppressions(
    account: Account,
    parts: Parts,
    reason: Cause | None = None,
    scope: Scope | None = None,
    ended: bool = False,
    cursor: Annotated[str | None, Query(max_length=26)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    if cursor is not None and not is_id(cursor):
        raise Problem(422, "invalid-cursor", "This cursor is not one that a former page gave as next.")
    async with parts.database.read() as tx:
        rows = await store.list_suppressions(
            tx, account, reason=reason, scope=scope, ended=ended, before=cursor, limit=limit + 1
        )
    page = rows[:limit]
    shown: dict[str, Any] = {"suppressions": [suppression_view(x) for x in page]}
    return shown | ({"next": page[-1].id} if len(rows) > limit else {})


@router.get(
    "/counts",
    summary="How many are suppressed",
    description="By scope and reason, those that stand; and how many have ended.",
    responses={
        200: answer({"standing": 3, "ended": 1, "by": [{"scope": "sms", "reason": "opt_out", "count": 3}]}),
        **problems(401),
    },
)
async def counts(account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        rows = await store.counts(tx, account)
    stand = [(scope, reason, n) for scope, reason, over, n in rows if not over]
    return {
        "standing": sum(n for *_, n in stand),
        "ended": sum(n for *_, over, n in rows if over),
        "by": [{"scope": scope, "reason": reason, "count": n} for scope, reason, n in sorted(stand)],
    }


@router.delete(
    "/{suppression_id}",
    summary="End a suppression",
    description="It is kept as ended, with when and why. After an opt_out or a complaint `why` must say how the person "
    "asked for messages again.",
    responses={200: answer(_EXAMPLE), **problems(401, 404, 422)},
)
async def release(
    suppression_id: str, account: Account, parts: Parts, body: SuppressionEndIn | None = None
) -> dict[str, Any]:
    why = None if body is None else body.why
    async with parts.database.write() as tx:
        ended = await actions.release(tx, account, suppression_id, why, parts.clock.now(), parts.ids)
    parts.wake()
    return suppression_view(ended)
