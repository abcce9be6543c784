"""/v1/channels/{channel}/friends: who is a friend of a channel, and the reading of LINE's followers list."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from todoke.actions import friend_sync as actions
from todoke.actions.friends import STATES
from todoke.core.durations import rfc3339
from todoke.server.api.channels import found_channel
from todoke.server.api.models import answer, problems
from todoke.server.auth import Account
from todoke.server.problems import Problem
from todoke.server.services import Parts
from todoke.storage import friend_syncs
from todoke.storage import friends as store
from todoke.storage.channels import Channel
from todoke.storage.friend_syncs import FriendSync
from todoke.storage.friends import Friend

router = APIRouter(prefix="/v1/channels/{channel}/friends", tags=["Friends and recipients"])

_SYNC: dict[str, Any] = {
    "state": "finished",
    "started_at": "2026-08-07T09:30:00.000Z",
    "finished_at": "2026-08-07T09:31:10.000Z",
    "pages": 21,
    "found": 20480,
    "error": None,
    "due_at": "2026-08-14T09:31:10.000Z",
}
_EXAMPLE = {"counts": {"friend": 20480, "blocked": 310, "unlisted": 12}, "sync": _SYNC}


def _at(time: int | None) -> str | None:
    return None if time is None else rfc3339(time)


def sync_view(sync: FriendSync | None) -> dict[str, Any]:
    """A reading of the followers list as the API shows it; None: there never was one."""
    if sync is None:
        return {**dict.fromkeys(_SYNC), "state": "never", "pages": 0, "found": 0}
    return {
        "state": sync.state,
        "started_at": rfc3339(sync.started_at),
        "finished_at": _at(sync.finished_at),
        "pages": sync.pages,
        "found": sync.found,
        "error": sync.error,
        "due_at": _at(sync.due_at),
    }


def friend_view(friend: Friend) -> dict[str, Any]:
    """How a user stands to a channel: since when, and where that is known from."""
    return {"state": friend.state, "since": rfc3339(friend.since), "source": friend.source}


def _paused(channel: Channel) -> str:
    why = (channel.paused_why or "no reason given").rstrip(".")
    return f"The channel is paused, and LINE is not asked for anything: {why}."


@router.post(
    "/sync",
    status_code=202,
    summary="Read LINE's followers list",
    description="It begins at once, page after page, and goes on after a restart. GET …/friends says how far it is. "
    "By itself it is read when a channel is new, and then every week. LINE gives it to verified and premium accounts "
    "only.",
    responses={202: answer({"sync": _SYNC | {"state": "queued"}}, "Asked for."), **problems(401, 404, 409)},
)
async def sync_friends(channel: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.write() as tx:
        found = await found_channel(tx, account, channel)
        if found.access_token is None:
            detail = (
                "The channel has no access token, so LINE can't be asked. `todoke doctor` says why. Set one with "
                "`todoke channels token`, or PATCH /v1/channels/{id}."
            )
            raise Problem(409, "no-access-token", detail)
        if found.paused_at is not None:
            raise Problem(409, "channel-paused", f"{_paused(found)} Resume it first.")
        sync = await actions.ask(tx, found.id, parts.clock.now())
    parts.wake()
    return {"sync": sync_view(sync)}


@router.get(
    "",
    summary="Count friends",
    description="By state: `friend`, `blocked`, `unlisted` (was a friend, and LINE's list has them no more). `sync` is "
    "the last reading of the list: `never`, `queued`, `running`, `closing`, `waiting` (goes on at `due_at`; `error` "
    "says what was wrong), `denied` (needs another access token), `unverified` (LINE gives this account no list) or "
    "`finished`.",
    responses={200: answer(_EXAMPLE), **problems(401, 404)},
)
async def get_friends(channel: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        found = await found_channel(tx, account, channel)
        counts = await store.counts(tx, found.id)
        sync = await friend_syncs.get(tx, found.id)
    shown = sync_view(sync)
    if found.paused_at is not None and shown["state"] != "finished":
        shown["error"] = shown["error"] or _paused(found)
    return {
        "channel": found.id,
        "counts": {state: counts.get(state, 0) for state in STATES},
        "sync": shown,
    }


@router.get(
    "/list",
    summary="List users of a channel",
    description="By user ID. `since` and `source` say since when a user is in this state, and where that is known "
    "from: `follow event`, `unfollow event` or `followers list`. `next` is the `cursor` of the next page.",
    responses=problems(401, 404, 422),
)
async def list_friends(
    channel: str,
    account: Account,
    parts: Parts,
    state: Literal["friend", "blocked", "unlisted"] | None = None,
    cursor: Annotated[str | None, Query(max_length=100, pattern=r"^[!-~]+$")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> dict[str, Any]:
    async with parts.database.read() as tx:
        found = await found_channel(tx, account, channel)
        rows = await store.page(tx, found.id, state, cursor or "", limit + 1)
    page = rows[:limit]
    shown: dict[str, Any] = {"friends": [{"user_id": x.user_id, **friend_view(x)} for x in page]}
    return shown | ({"next": page[-1].user_id} if len(rows) > limit else {})
