"""/v1/bindings and /v1/recipients: numbers and the LINE users behind them.

Numbers come in bodies, never in addresses.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from todoke.actions import bindings as actions
from todoke.actions.bindings import NewBinding
from todoke.core.durations import rfc3339
from todoke.core.phone import masked
from todoke.ids import is_id
from todoke.server.api.channels import named_channel
from todoke.server.api.friends import friend_view
from todoke.server.api.models import BindingIn, LookupIn, UnbindIn, answer, problems
from todoke.server.api.numbers import read_number
from todoke.server.api.silence import health_of
from todoke.server.api.sources import source_view
from todoke.server.api.suppressions import suppression_view
from todoke.server.auth import Account
from todoke.server.problems import Problem
from todoke.server.services import Parts, Services
from todoke.storage import bindings as store
from todoke.storage import channels, friends, reporting, sources, suppressions
from todoke.storage.bindings import Binding
from todoke.storage.channels import Channel
from todoke.storage.database import Tx

router = APIRouter(prefix="/v1", tags=["Friends and recipients"])

MOST_BINDINGS = 100
MOST_SUPPRESSIONS = 100
LAST_NOTICES = 20
MOST_ARCHIVED = 200
OWN_ACT = (
    "LINE and the law of personal data want a binding to be the user's own act: a login, or an account link, of which "
    "they were told what it is for. Never bind from lists that were bought or guessed."
)
_BINDING: dict[str, Any] = {
    "id": "01K2W7J…",
    "number": "0912•••678",
    "provider": "default",
    "user_id": "U0123456789abcdef0123456789abcdef",
    "way": "account_link",
    "consent": "We use your number for news of your parcels.",
    "consent_version": None,
    "language": None,
    "bind_link": None,
    "bound_at": "2026-08-07T09:30:00.000Z",
    "confirmed_at": None,
    "doubted_at": None,
    "doubted_why": None,
    "unbound_at": None,
    "unbound_why": None,
    "created_at": "2026-08-07T09:30:01.000Z",
}
_SHOWN = {
    "at": "2026-08-07T09:30:00.000Z",
    "proof_at": "2026-08-07T09:30:02.000Z",
    "channel": "01K2W7H…",
}
_LOOKUP: dict[str, Any] = {
    "number": "0912•••678",
    "country": "TW",
    "bindings": [
        {
            **{k: _BINDING[k] for k in ("id", "provider", "user_id", "way")},
            "since": "2026-08-07T09:30:00.000Z",
            "confirmed_at": None,
            "doubted_at": "2026-08-20T02:00:00.000Z",
            "doubted_why": "unmatched",
            "channels": [
                {
                    "channel": "01K2W7H…",
                    "name": "Parcels",
                    "state": "friend",
                    "since": "2026-08-01T02:00:00.000Z",
                    "source": "follow event",
                }
            ],
        }
    ],
    "notices": [
        {
            "id": "01K2W7K…",
            "state": "delivered",
            "reason": None,
            "channel": "01K2W7H…",
            "created_at": "2026-08-07T09:30:00.000Z",
        }
    ],
    "suppressions": [],
    "sources": [],
    "health": {
        "word": "fresh",
        "why": "a message reached it over LINE 13 days ago",
        "last_matched": _SHOWN,
        "last_unmatched": None,
        "last_delivered": _SHOWN,
        "last_silent": None,
        "last_sms_received": None,
        "last_sms_failed": None,
    },
}


def _at(time: int | None) -> str | None:
    return None if time is None else rfc3339(time)


def binding_view(binding: Binding) -> dict[str, Any]:
    """A binding as the API shows it; the number is masked."""
    return {
        "id": binding.id,
        "number": masked(binding.number),
        "provider": binding.provider,
        "user_id": binding.user_id,
        "way": binding.way,
        "consent": binding.consent,
        "consent_version": binding.consent_version,
        "language": binding.language,
        "bind_link": binding.link_id,
        "bound_at": rfc3339(binding.bound_at),
        "confirmed_at": _at(binding.confirmed_at),
        "doubted_at": _at(binding.doubted_at),
        "doubted_why": binding.doubted_why,
        "unbound_at": _at(binding.unbound_at),
        "unbound_why": binding.unbound_why,
        "created_at": rfc3339(binding.created_at),
    }


@router.post(
    "/bindings",
    status_code=201,
    summary="Bind a number to a LINE user",
    description="Says that the user bound the number to their LINE account in your own system. Then a `line_push` step "
    "finds them, if they are a friend. The same again answers 200 and the binding that stands; another user of "
    f"the number is added, not exchanged. {OWN_ACT}",
    responses={
        200: answer(_BINDING, "It stood already."),
        201: answer(_BINDING, "Bound."),
        **problems(401, 422),
    },
)
async def bind(body: BindingIn, response: Response, account: Account, parts: Parts) -> dict[str, Any]:
    wanted = NewBinding(
        number=str(body.number),
        user_id=body.user_id,
        way=body.way,
        consent=body.consent,
        bound_at=body.bound_at,
    )
    async with parts.database.write() as tx:
        channel = await named_channel(tx, account, body.channel)
        binding, new = await actions.bind(tx, channel, wanted, parts.clock.now(), parts.ids)
    if not new:
        response.status_code = 200
    return binding_view(binding) | {"notes": [OWN_ACT]}


@router.get(
    "/bindings",
    summary="List bindings, the newest first",
    description="Those that stand; with `ended=true` the others too. Numbers are masked. `next` is the `cursor` of the "
    "next page.",
    responses=problems(401, 422),
)
async def list_bindings(
    account: Account,
    parts: Parts,
    ended: bool = False,
    cursor: Annotated[str | None, Query(max_length=26)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    if cursor is not None and not is_id(cursor):
        raise Problem(422, "invalid-cursor", "This cursor is not one that a former page gave as next.")
    async with parts.database.read() as tx:
        rows = await store.list_bindings(tx, account, ended=ended, before=cursor, limit=limit + 1)
    page = rows[:limit]
    shown: dict[str, Any] = {"bindings": [binding_view(x) for x in page]}
    return shown | ({"next": page[-1].id} if len(rows) > limit else {})


@router.delete(
    "/bindings/{binding_id}",
    summary="Unbind",
    description="The number leads to this user no more. The binding is kept as ended, with when and why.",
    responses={200: answer(_BINDING), **problems(401, 404, 422)},
)
async def unbind(
    binding_id: str, account: Account, parts: Parts, body: UnbindIn | None = None
) -> dict[str, Any]:
    why = None if body is None else body.why
    async with parts.database.write() as tx:
        return binding_view(await actions.unbind(tx, account, binding_id, why, parts.clock.now(), parts.ids))


@router.post(
    "/recipients/lookup",
    summary="What is known of a number",
    description="Its bindings, how each user stands to the channels, the last notices, suppressions, where the number "
    "came from, and over all channels its "
    "health and why the last silent notification may have been so. The number stands in the body, so that no log of "
    "addresses holds it.",
    responses={200: answer(_LOOKUP), **problems(401, 422)},
)
async def lookup(body: LookupIn, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        if body.channel is None:
            asked = await channels.list_channels(tx, account)
        else:
            asked = [await named_channel(tx, account, body.channel)]
        phone = read_number(str(body.number), {c.region for c in asked})
        provider = asked[0].provider if body.channel is not None else None
        bound = await store.of_number(tx, account, phone.e164, provider, MOST_BINDINGS)
        shown = await _with_friendships(tx, bound, asked)
        channel_id = asked[0].id if body.channel is not None else None
        notices = await reporting.notices_of_number(tx, account, phone.e164, channel_id, LAST_NOTICES)
        archived = await _archived(tx, account, phone.e164, channel_id, notices, parts)
        suppressed = await suppressions.of_number(tx, account, phone.e164, MOST_SUPPRESSIONS)
        used = await sources.of_number(tx, account, phone.e164)
        health = await health_of(tx, account, phone.e164, parts)
    return {
        "number": masked(phone.e164),
        "country": phone.country,
        "bindings": shown,
        "notices": [
            {
                "id": x.id,
                "state": x.state,
                "reason": x.reason,
                "channel": x.channel_id,
                "created_at": rfc3339(x.created_at),
            }
            for x in notices
        ]
        + archived,
        "suppressions": [suppression_view(x) for x in suppressed],
        "sources": [
            {
                **source_view(x.source),
                "since": rfc3339(x.first),
                "last_at": rfc3339(x.last),
                "notices": x.notices,
            }
            for x in used
        ],
        **health,
    }


async def _archived(
    tx: Tx,
    account: str,
    number: str,
    channel_id: str | None,
    notices: list[reporting.NoticeRow],
    parts: Services,
) -> list[dict[str, Any]]:
    """Notices to a number from the archive, where there are few others."""
    if len(notices) >= LAST_NOTICES:
        return []
    known = {x.id for x in notices}
    kept = [x for x in await parts.archive.to_numbers(account, [number], MOST_ARCHIVED) if x.id not in known]
    return [
        {
            "id": x.id,
            "state": x.notice["state"],
            "reason": x.notice.get("reason"),
            "channel": x.notice["channel_id"],
            "created_at": rfc3339(x.notice["created_at"]),
            "archived": True,
        }
        for x in kept
        if channel_id in (None, x.notice["channel_id"])
    ][: LAST_NOTICES - len(notices)]


async def _with_friendships(tx: Tx, bound: list[Binding], asked: list[Channel]) -> list[dict[str, Any]]:
    known = await friends.in_channels(tx, (c.id for c in asked), (b.user_id for b in bound)) if bound else []
    stands = {(x.channel_id, x.user_id): friend_view(x) for x in known}
    unknown = {"state": "unknown", "since": None, "source": None}
    return [
        {
            "id": b.id,
            "provider": b.provider,
            "user_id": b.user_id,
            "way": b.way,
            "since": rfc3339(b.bound_at),
            "confirmed_at": _at(b.confirmed_at),
            "doubted_at": _at(b.doubted_at),
            "doubted_why": b.doubted_why,
            "channels": [
                {"channel": c.id, "name": c.name, **stands.get((c.id, b.user_id), unknown)}
                for c in asked
                if c.provider == b.provider
            ],
        }
        for b in bound
    ]
