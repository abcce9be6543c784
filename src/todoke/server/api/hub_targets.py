"""/v1/hub-targets: the other systems that get what LINE posts."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Query

from todoke.actions import hub as actions
from todoke.actions.hub import NewTarget, TargetChange
from todoke.actions.hub_checks import Place
from todoke.carriers.line.glance import connection_check, destination_of
from todoke.carriers.passing import PassedOn
from todoke.clock import monotonic
from todoke.core.durations import parse_rfc3339, rfc3339
from todoke.core.outcome import Outcome
from todoke.engine.hub_feed import decode_headers
from todoke.ids import is_id
from todoke.sealing import CannotUnseal
from todoke.server.api.channels import named_channel
from todoke.server.api.hub_view import EXAMPLE, remedy_for, time_of, view
from todoke.server.api.models import HubPauseIn, HubReplayIn, HubTargetIn, HubTargetPatch, answer, problems
from todoke.server.auth import Account
from todoke.server.problems import Problem
from todoke.server.services import Parts, Services
from todoke.storage import channels
from todoke.storage import hub as store
from todoke.storage.database import Tx
from todoke.storage.hub import HubTarget

router = APIRouter(prefix="/v1/hub-targets", tags=["Webhook hub"])

_CURSOR = re.compile(r"s[0-9a-f]{1,15}", re.ASCII)
_NOBODY = "U" + "0" * 32
"""The account's user ID in a connection check, where LINE has not posted anything yet that would say it."""
_SKIP = {
    "request": 81_234,
    "received_at": "2026-08-07T09:30:00.000Z",
    "at": "2026-08-07T09:30:03.000Z",
    "status": 400,
    "detail": "the target said no (bad event)",
}


async def _found(tx: Tx, account: str, target_id: str) -> HubTarget:
    found = await store.get_target(tx, account, target_id) if is_id(target_id) else None
    if found is None:
        raise Problem(404, "not-found", "There is no target with this id. GET /v1/hub-targets lists them.")
    return found


def _place(parts: Services) -> Place:
    return Place(allow_private=parts.allow_private, base_url=parts.base_url)


@router.post(
    "",
    status_code=201,
    summary="Add a target",
    description="It gets what LINE posts for the channel from now on, byte for byte and with LINE's signature. "
    "`types`: only requests with an event of one of these types; left out: all. A request goes on whole, for else its "
    "signature would not hold. `headers` are sent with every request; their values are not shown again.",
    responses={201: answer(EXAMPLE), **problems(401, 409, 422)},
)
async def create_target(body: HubTargetIn, account: Account, parts: Parts) -> dict[str, Any]:
    wanted = NewTarget(**body.model_dump(exclude={"channel"}))
    async with parts.database.write() as tx:
        channel = await named_channel(tx, account, body.channel)
        made = await actions.create_target(
            tx, channel, wanted, parts.clock.now(), parts.ids, parts.seal, _place(parts)
        )
        shown = await view(tx, made, parts)
    parts.hub.changed()
    return shown


@router.get(
    "",
    summary="List targets",
    description="With the health of each, as in `GET /v1/hub-targets/{target_id}`.",
    responses={200: answer({"hub_targets": [EXAMPLE]}), **problems(401)},
)
async def list_targets(account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        found = await store.list_targets(tx, account)
        return {"hub_targets": [await view(tx, x, parts) for x in found]}


@router.get(
    "/{target_id}",
    summary="Read a target and its health",
    description="`state`: `ok`, `behind` (it has not had all yet), `failing` (nothing is taken, or what came last was "
    "skipped), `paused`. `lag`: how many requests it has still to get, those of types that it does not want included "
    "until they are looked at, and for how long the oldest has been waiting. `taken`, `skipped`: how many so far.",
    responses={200: answer(EXAMPLE), **problems(401, 404)},
)
async def get_target(target_id: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        return await view(tx, await _found(tx, account, target_id), parts)


@router.patch(
    "/{target_id}",
    summary="Change a target",
    description="What is left out stays. Empty `types`: all; empty `headers`: none. What waits goes to the new URL, at "
    "once.",
    responses={200: answer(EXAMPLE), **problems(401, 404, 409, 422)},
)
async def change_target(
    target_id: str, body: HubTargetPatch, account: Account, parts: Parts
) -> dict[str, Any]:
    change = TargetChange(**body.model_dump())
    async with parts.database.write() as tx:
        found = await _found(tx, account, target_id)
        await actions.change_target(tx, found, change, parts.seal, _place(parts))
        shown = await view(tx, await _found(tx, account, target_id), parts)
    parts.hub.changed()
    return shown


@router.delete(
    "/{target_id}",
    status_code=204,
    summary="Remove a target",
    description="It gets nothing more, at once.",
    responses=problems(401, 404),
)
async def remove_target(target_id: str, account: Account, parts: Parts) -> None:
    async with parts.database.write() as tx:
        found = await _found(tx, account, target_id)
        await actions.remove_target(tx, found, parts.clock.now(), parts.ids)
    parts.hub.changed()
    parts.wake()


@router.post(
    "/{target_id}/pause",
    summary="Pause a target",
    description="It gets nothing until it is resumed, and then all that came meanwhile, as far as that is kept: for 30 "
    "days.",
    responses={200: answer(EXAMPLE), **problems(401, 404, 422)},
)
async def pause_target(
    target_id: str, account: Account, parts: Parts, body: HubPauseIn | None = None
) -> dict[str, Any]:
    async with parts.database.write() as tx:
        found = await _found(tx, account, target_id)
        why = None if body is None else body.why
        await actions.pause_target(tx, found, why, parts.clock.now(), parts.ids)
        shown = await view(tx, await _found(tx, account, target_id), parts)
    parts.hub.changed()
    parts.wake()
    return shown


@router.post(
    "/{target_id}/resume",
    summary="Let a target go on",
    description="It gets what came since it was paused. One that fails is tried at once.",
    responses={200: answer(EXAMPLE), **problems(401, 404)},
)
async def resume_target(target_id: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.write() as tx:
        found = await _found(tx, account, target_id)
        await actions.resume_target(tx, found, parts.clock.now(), parts.ids)
        shown = await view(tx, await _found(tx, account, target_id), parts)
    parts.hub.changed()
    parts.wake()
    return shown


@router.post(
    "/{target_id}/test",
    summary="Try a target",
    description="Posts what LINE posts to check a webhook URL: signed, and without any event. Answers what came back: "
    "`taken`, `status`, `took_ms`, `detail`, and as `remedy` what to mend.",
    responses={
        200: answer({"taken": True, "status": 200, "detail": None, "took_ms": 23, "remedy": None}),
        **problems(401, 404, 409),
    },
)
async def test_target(target_id: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        target = await _found(tx, account, target_id)
        channel = await channels.get_channel(tx, target.channel_id)
        last = await store.last_body(tx, target.channel_id)
    assert channel is not None
    try:
        secret = parts.seal.open(channel.secret)
        headers = {} if target.headers is None else decode_headers(parts.seal.open(target.headers))
    except CannotUnseal as error:
        raise Problem(409, "sealed", str(error)) from None
    destination = None if last is None else destination_of(last)
    signed, check = connection_check(secret, destination or _NOBODY)
    begun = monotonic()
    found = await parts.passing.send(
        PassedOn(url=target.url, target_id=target.id, body=check, signed=signed, headers=headers)
    )
    return {
        "taken": found.outcome is Outcome.ACCEPTED,
        "status": found.status,
        "detail": found.detail,
        "took_ms": round((monotonic() - begun) * 1000),
        "remedy": remedy_for(found),
    }


@router.post(
    "/{target_id}/replay",
    status_code=202,
    summary="Pass on once more",
    description="What LINE posted from `from` on, up to now or up to `until`, as far as it is kept: for 30 days. It "
    "goes beside what is new, with the header `Todoke-Replay: yes`. A replay that runs is replaced by the new one. "
    "`requests`: how many there are; those of types that the target does not want are left out on the way.",
    responses={202: answer({**EXAMPLE, "requests": 120}), **problems(401, 404, 422)},
)
async def replay_target(target_id: str, body: HubReplayIn, account: Account, parts: Parts) -> dict[str, Any]:
    since = _parsed(body.from_, "/from")
    until = None if body.until is None else _parsed(body.until, "/until")
    async with parts.database.write() as tx:
        found = await _found(tx, account, target_id)
        count = await actions.ask_replay(tx, found, since, until, parts.clock.now())
        shown = await view(tx, await _found(tx, account, target_id), parts)
    parts.hub.changed()
    return shown | {"requests": count}


@router.delete(
    "/{target_id}/replay",
    summary="End a replay",
    description="What it has not passed on yet is left out.",
    responses={200: answer(EXAMPLE), **problems(401, 404)},
)
async def end_replay(target_id: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.write() as tx:
        await actions.end_replay(tx, await _found(tx, account, target_id))
        shown = await view(tx, await _found(tx, account, target_id), parts)
    parts.hub.changed()
    return shown


@router.get(
    "/{target_id}/skips",
    summary="List what a target did not get",
    description="Requests that it refused for good, and those that were too old when it was back; the newest first, of "
    "the last 30 days. `next` is the `cursor` of the next page; it is absent on the last one.",
    responses={200: answer({"skips": [_SKIP]}), **problems(401, 404, 422)},
)
async def list_skips(
    target_id: str,
    account: Account,
    parts: Parts,
    cursor: Annotated[str | None, Query(max_length=26)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    before = None if cursor is None else _place_of(cursor)
    async with parts.database.read() as tx:
        target = await _found(tx, account, target_id)
        found = await store.list_skips(tx, target.id, before, limit + 1)
    shown = [
        {
            "request": skip.inbox_id,
            "received_at": time_of(received_at),
            "at": rfc3339(skip.at),
            "status": skip.status,
            "detail": skip.detail,
        }
        for skip, received_at in found[:limit]
    ]
    return {"skips": shown} | ({"next": _cursor(found[limit - 1][0].inbox_id)} if len(found) > limit else {})


def _cursor(inbox_id: int) -> str:
    return f"s{inbox_id:x}"


def _place_of(cursor: str) -> int:
    if not _CURSOR.fullmatch(cursor):
        raise Problem(422, "invalid-cursor", "This cursor is not one that a former page gave as next.")
    return int(cursor[1:], 16)


def _parsed(text: str, pointer: str) -> int:
    try:
        return parse_rfc3339(text)
    except (ValueError, OverflowError) as error:
        raise Problem(422, "invalid", str(error), [(pointer, str(error))]) from None
