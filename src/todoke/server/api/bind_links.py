"""/v1/bind-links, what a channel says where users bind, and the funnel of binding."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from todoke.actions import bind_links as actions
from todoke.actions import bind_settings as settings_actions
from todoke.actions import bindings
from todoke.actions.bind_links import NewLink
from todoke.core.binding import State, Why
from todoke.core.durations import format_duration, parse_rfc3339, rfc3339
from todoke.core.phone import masked
from todoke.core.routing import Step
from todoke.ids import is_id
from todoke.links import Page
from todoke.reports import binding as report
from todoke.server.api.asked import KNOWN_NAMES, Since, Until
from todoke.server.api.channels import found_channel, named_channel
from todoke.server.api.models import BindLinkIn, BindSettingsIn, answer, problems
from todoke.server.api.recipients import binding_view
from todoke.server.auth import Account
from todoke.server.problems import Problem
from todoke.server.services import Parts
from todoke.storage import bind_links as store
from todoke.storage import bind_settings, content
from todoke.storage.bind_links import StoredLink
from todoke.storage.bind_settings import BindSettings
from todoke.storage.channels import Channel

router = APIRouter(prefix="/v1", tags=["Friends and recipients"])

_LINK: dict[str, Any] = {
    "id": "01K2W7M…",
    "channel": "01K2W7H…",
    "way": "api",
    "state": "open",
    "why": None,
    "number": "0912•••678",
    "user_id": None,
    "language": None,
    "notice": None,
    "binding": None,
    "created_at": "2026-08-07T09:30:00.000Z",
    "opened_at": None,
    "ended_at": None,
    "expires_at": "2026-08-14T09:30:00.000Z",
}
_MADE: dict[str, Any] = {"url": "https://notices.example.com/b/AZi…", **_LINK}
_SETTINGS: dict[str, Any] = {
    "brand": "Example Parcels",
    "consent": {},
    "consent_version": 1,
    "texts": {"en": "I agree that my mobile number is connected …"},
    "greets": True,
    "link_lasts": "7d",
    "binding_lasts": "180d",
    "basic_id": "@012abcde",
}
_FUNNEL: dict[str, Any] = {
    "rows": [
        {
            "template": "parcel",
            "way": "sms",
            "sent": 900,
            "opened": 120,
            "agreed": 81,
            "claimed": 70,
            "linked": 69,
            "bound": 66,
            "ended": {"expired": 52, "too_many_tries": 1},
        }
    ],
    "total": {
        "sent": 900,
        "opened": 120,
        "agreed": 81,
        "claimed": 70,
        "linked": 69,
        "bound": 66,
        "ended": {"expired": 52, "too_many_tries": 1},
    },
}


def _at(time: int | None) -> str | None:
    return None if time is None else rfc3339(time)


def link_view(stored: StoredLink, now: int) -> dict[str, Any]:
    """A link as the API shows it: without its address, which only who made it is given."""
    link = stored.link
    lapsed = link.state not in (State.BOUND, State.DEAD) and link.over(now)
    return {
        "id": link.id,
        "channel": stored.channel_id,
        "way": str(link.way),
        "state": str(State.DEAD if lapsed else link.state),
        "why": str(Why.EXPIRED) if lapsed else None if link.why is None else str(link.why),
        "number": None if link.number is None else masked(link.number),
        "user_id": link.user_id,
        "language": link.language,
        "notice": stored.notice_id,
        "binding": link.binding_id,
        "created_at": rfc3339(link.created_at),
        "opened_at": _at(link.opened_at),
        "agreed_at": _at(link.agreed_at),
        "claimed_at": _at(link.claimed_at),
        "linked_at": _at(link.linked_at),
        "ended_at": _at(link.expires_at if lapsed else link.ended_at),
        "expires_at": rfc3339(link.expires_at),
    }


@router.post(
    "/bind-links",
    status_code=201,
    summary="Make a link by which a user binds their number",
    description="The user opens `url`, agrees, shows their LINE account and confirms the number with a code by SMS. "
    "The link works once. Give it only to the person it is for: by your own app, mail or letter. Links in notices need "
    "no call: write `{{bind_link}}` into the template.",
    responses={201: answer(_MADE, "Made."), **problems(401, 422)},
)
async def make(body: BindLinkIn, account: Account, parts: Parts) -> dict[str, Any]:
    wanted = NewLink(
        number=None if body.number is None else str(body.number),
        user_id=body.user_id,
        language=body.language,
    )
    now = parts.clock.now()
    async with parts.database.write() as tx:
        channel = await named_channel(tx, account, body.channel)
        stored = await actions.make(tx, channel, wanted, now, parts.ids)
    return {"url": parts.links.url(Page.BIND, stored.link.id), **link_view(stored, now)}


@router.get(
    "/bind-links",
    summary="List bind links, the newest first",
    description="With where each stands: open, agreed, claimed (the LINE account is known), linked (LINE confirmed "
    "it), bound, or dead with the reason. Links in notices are in it once they were opened. Kept for 180 days.",
    responses=problems(401, 404, 422),
)
async def list_links(
    account: Account,
    parts: Parts,
    state: State | None = None,
    channel: Annotated[str | None, Query(max_length=100)] = None,
    cursor: Annotated[str | None, Query(max_length=26)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    if cursor is not None and not is_id(cursor):
        raise Problem(422, "invalid-cursor", "This cursor is not one that a former page gave as next.")
    now = parts.clock.now()
    async with parts.database.read() as tx:
        channel_id = None if channel is None else (await found_channel(tx, account, channel)).id
        rows = await store.list_links(
            tx, account, channel_id=channel_id, state=state, before=cursor, limit=limit + 1, now=now
        )
    page = rows[:limit]
    shown: dict[str, Any] = {"bind_links": [link_view(x, now) for x in page]}
    return shown | ({"next": page[-1].link.id} if len(rows) > limit else {})


@router.post(
    "/bindings/{binding_id}/doubt",
    summary="Say that a number may be another person's now",
    description="As when mail comes back or somebody else answers the phone. Nothing is pushed to the LINE user for "
    "this number until they confirm it again by a bind link. Saying it again changes nothing.",
    responses=problems(401, 404),
)
async def doubt(binding_id: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.write() as tx:
        found = await bindings.doubt(tx, account, binding_id, parts.clock.now(), parts.ids)
    parts.wake()
    return binding_view(found)


def _settings_view(channel: Channel, settings: BindSettings) -> dict[str, Any]:
    return {
        "brand": settings.brand or channel.name,
        "consent": settings.consent,
        "consent_version": settings.consent_version,
        "texts": settings_actions.texts_of(channel, settings),
        "greets": settings.greets,
        "link_lasts": format_duration(settings.link_lasts),
        "binding_lasts": format_duration(settings.binding_lasts),
        "basic_id": settings.basic_id,
    }


@router.get(
    "/channels/{channel}/binding",
    summary="What users are told who bind their number",
    description="`consent` holds your own texts; `texts` is what users see, in each language.",
    responses={200: answer(_SETTINGS), **problems(401, 404)},
)
async def read_settings(channel: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        found = await found_channel(tx, account, channel)
        return _settings_view(found, await bind_settings.settings_of(tx, found.id))


@router.put(
    "/channels/{channel}/binding",
    summary="Set what users are told who bind their number",
    description="As a whole: what is left out goes back to what comes with Todoke. `consent_version` counts up when a "
    "text changes; bindings keep the text and the version that their user agreed to.",
    responses={200: answer(_SETTINGS), **problems(401, 404, 422)},
)
async def write_settings(
    channel: str, body: BindSettingsIn, account: Account, parts: Parts
) -> dict[str, Any]:
    wanted = settings_actions.Wanted(**body.model_dump())
    async with parts.database.write() as tx:
        found = await found_channel(tx, account, channel)
        settings = await settings_actions.change(tx, found, wanted, parts.clock.now())
    return _settings_view(found, settings)


@router.get(
    "/reports/binding",
    tags=["Reports"],
    dependencies=KNOWN_NAMES,
    summary="How far users come who bind their number",
    description="Of the links that were made at or after `since` and before `until`, by template and way: how many "
    "were sent, opened, agreed to, claimed by a LINE account, confirmed by LINE, bound; and why the "
    "others ended. Links are kept for 180 days.",
    responses={200: answer(_FUNNEL), **problems(401, 404, 422)},
)
async def funnel(
    account: Account,
    parts: Parts,
    since: Since,
    channel: Annotated[str | None, Query(max_length=100)] = None,
    until: Until = None,
) -> dict[str, Any]:
    now = parts.clock.now()
    first, last = _time(since.text, since.name, 0), _time(until, "until", now + 1)
    async with parts.database.read() as tx:
        channel_id = None if channel is None else (await found_channel(tx, account, channel)).id
        steps = await store.funnel(tx, account, channel_id, first, last, now)
        sent = {
            (template, str(actions.WAYS[Step(step)])): count
            for template, step, count in await store.sent(tx, account, channel_id, first, last)
            if step in actions.WAYS
        }
        wanted = {x.template_id for x in steps if x.template_id is not None} | {x for x, _ in sent}
        names = {x.id: x.name for x in await content.templates_by_ids(tx, wanted)}
    return report.funnel(steps, sent, names)


def _time(text: str | None, name: str, default: int) -> int:
    if text is None:
        return default
    try:
        return parse_rfc3339(text)
    except (ValueError, OverflowError) as error:
        raise Problem(422, "invalid", f"{name}: {error}", [(f"query: {name}", str(error))]) from None
