"""Channels: made, listed, changed."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from starlette.requests import Request
from starlette.responses import Response

from line_emulator import times
from line_emulator.bot_api.channel import valid_endpoint
from line_emulator.control.http import Refused, answer, read, state_of
from line_emulator.state import State
from line_emulator.world.channels import BADGES, REGIONS, WEBHOOK_MODES, Channel
from line_emulator.world.commands import AddChannel
from line_emulator.world.keys import TEMPLATE

_TEN_DIGITS = re.compile(r"[0-9]{10}", re.ASCII)
LONGEST_SCHEDULE = 100
LONGEST_NAME = 200
LONGEST_SECRET = 1000
MOST_KEYS, LONGEST_KEY = 5000, 200
_KEY_SETS = (
    "templates",
    "item_keys",
    "button_keys",
    "no_verification_templates",
    "absent_items",
    "masked_items",
)


class ChannelBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What `POST /channels` and `PATCH /channels/{channel_id}` take; what is not named keeps its value
    or default.
    """

    name: str | UnsetType = UNSET
    region: str | UnsetType = UNSET
    badge: str | UnsetType = UNSET
    certified: bool | UnsetType = UNSET
    provider: str | UnsetType = UNSET
    webhook_url: str | UnsetType | None = UNSET
    webhook_active: bool | UnsetType = UNSET
    templates: list[str] | UnsetType | None = UNSET
    item_keys: list[str] | UnsetType = UNSET
    button_keys: list[str] | UnsetType = UNSET
    flexible: bool | UnsetType = UNSET
    reject_visible: bool | UnsetType = UNSET
    unblock_releases: bool | UnsetType = UNSET
    webhook_mode: str | UnsetType = UNSET
    switcher_secret: str | UnsetType | None = UNSET
    redelivery: bool | UnsetType = UNSET
    redelivery_schedule: list[str] | UnsetType | None = UNSET
    rate_limit: int | UnsetType = UNSET
    privacy_floor: int | UnsetType = UNSET
    monthly_quota: int | UnsetType | None = UNSET
    per_user_limit: int | UnsetType | None = UNSET
    no_verification_templates: list[str] | UnsetType = UNSET
    absent_items: list[str] | UnsetType = UNSET
    masked_items: list[str] | UnsetType = UNSET
    channel_id: str | UnsetType = UNSET
    access_token: str | UnsetType | None = UNSET
    channel_secret: str | UnsetType = UNSET

    def given(self) -> dict[str, Any]:
        """What was named, checked, in the channel's own terms. Raises Refused."""
        values = {
            name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not UNSET
        }
        _one_of(values, "region", REGIONS)
        _one_of(values, "badge", BADGES)
        for name in ("name", "provider"):
            if len(values.get(name, "")) > LONGEST_NAME:
                raise Refused(400, f"{name} must have {LONGEST_NAME} characters at most")
        if not 1 <= values.get("rate_limit", 1) <= 1_000_000:
            raise Refused(400, "rate_limit must lie between 1 and 1000000 requests a second")
        if values.get("privacy_floor", 0) < 0:
            raise Refused(400, "privacy_floor must be 0 or more")
        if (values.get("monthly_quota") or 0) < 0 or (values.get("per_user_limit") or 0) < 0:
            raise Refused(400, "monthly_quota and per_user_limit must be null (no limit), or 0 or more")
        if "access_token" in values and not _printable(values["access_token"]):
            raise Refused(400, "access_token must be null or 1 to 1000 visible ASCII characters")
        _one_of(values, "webhook_mode", WEBHOOK_MODES)
        if values.get("redelivery_schedule") is not None:
            values["redelivery_schedule"] = _schedule(values["redelivery_schedule"])
        if "switcher_secret" in values and not _printable(values["switcher_secret"]):
            raise Refused(400, "switcher_secret must be null or 1 to 1000 visible ASCII characters")
        if "channel_secret" in values:
            if len(values["channel_secret"]) > LONGEST_SECRET:
                raise Refused(400, f"channel_secret must have {LONGEST_SECRET} characters at most")
            values["secret"] = values.pop("channel_secret")
        for name in _KEY_SETS:
            if values.get(name) is not None:
                values[name] = _keys(name, values[name])
        return values


def _keys(name: str, keys: list[str]) -> frozenset[str]:
    if len(keys) > MOST_KEYS or any(len(key) > LONGEST_KEY for key in keys):
        raise Refused(400, f"{name} must be {MOST_KEYS} keys at most, of {LONGEST_KEY} characters at most")
    return frozenset(keys)


def _printable(token: str | None) -> bool:
    return token is None or (0 < len(token) <= 1000 and all("!" <= letter <= "~" for letter in token))


def _schedule(waits: list[str]) -> tuple[int, ...]:
    if len(waits) > LONGEST_SCHEDULE:
        raise Refused(
            400, f"redelivery_schedule has {len(waits)} waits; it may have {LONGEST_SCHEDULE} at most"
        )
    try:
        return tuple(times.parse_duration(wait) for wait in waits)
    except ValueError as error:
        raise Refused(400, f"redelivery_schedule: {error}") from None


def _one_of(values: dict[str, Any], name: str, allowed: tuple[str, ...]) -> None:
    if name in values and values[name] not in allowed:
        raise Refused(400, f"{name} is {values[name]!r}; it must be one of {', '.join(allowed)}")


def _webhook(url: str | None, channel_id: str) -> str | None:
    if url is None:
        return None
    url = url.replace("{channel_id}", channel_id)
    if not valid_endpoint(url):
        raise Refused(400, f"webhook_url is {url[:500]!r}; it must be https, or http on a loopback address")
    return url


async def create(request: Request) -> Response:
    """`POST /channels`."""
    state = state_of(request)
    values = (await read(request, ChannelBody, ("name", "region"))).given()
    if "name" not in values:
        raise Refused(400, 'name is missing; write it like "Shop"')
    if "region" not in values:
        raise Refused(400, f"region is missing; it must be one of {', '.join(REGIONS)}")
    channel_id = values.pop("channel_id", None) or _free_id(state)
    if not _TEN_DIGITS.fullmatch(channel_id):
        raise Refused(400, f"channel_id is {channel_id!r}; it must have ten digits")
    if channel_id in state.world.channels:
        raise Refused(400, f"There is already a channel {channel_id}; change it with PATCH")
    values["webhook_url"] = _webhook(values.get("webhook_url"), channel_id)
    values.setdefault("access_token", state.ids.access_token())
    values.setdefault("secret", state.ids.secret())
    ids = state.ids
    channel = Channel(channel_id=channel_id, bot_user_id=ids.bot_user_id(), basic_id=ids.basic_id(), **values)
    state.do(AddChannel(channel))
    state.learn_tokens()
    return answer(view(channel, secrets=True))


def _free_id(state: State) -> str:
    while (channel_id := state.ids.channel_id()) in state.world.channels:
        pass
    return channel_id


def find(request: Request) -> Channel:
    """The channel that the path names. Raises Refused (404)."""
    channel_id = request.path_params["channel_id"]
    channel = state_of(request).world.channels.get(channel_id)
    if channel is None:
        raise Refused(404, f"There is no channel {channel_id}")
    return channel


async def change(request: Request) -> Response:
    """`PATCH /channels/{channel_id}`: `"access_token": null` revokes the token."""
    state, channel = state_of(request), find(request)
    values = (await read(request, ChannelBody)).given()
    if values.pop("channel_id", channel.channel_id) != channel.channel_id:
        raise Refused(400, "channel_id can't be changed")
    apply(state, channel, values)
    return answer(view(channel, secrets=True))


def apply(state: State, channel: Channel, values: dict[str, Any]) -> None:
    """Gives a channel these values, as `ChannelBody.given` has them. Raises Refused."""
    if "webhook_url" in values:
        values["webhook_url"] = _webhook(values["webhook_url"], channel.channel_id)
    for name, value in values.items():
        setattr(channel, name, value)
    _keep_grants(channel, values)
    channel.learn_keys()
    state.do(AddChannel(channel))
    state.learn_tokens()


def _keep_grants(channel: Channel, named: dict[str, Any]) -> None:
    """Naming the templates by hand drops what the imported list says of all others."""
    if "templates" not in named:
        return
    kept = channel.templates or frozenset()
    owners = [grant.key if grant.kind == TEMPLATE else grant.template for grant in channel.grants]
    pairs = zip(channel.grants, owners, strict=True)
    channel.grants = tuple(grant for grant, owner in pairs if kept and (owner is None or owner in kept))


async def show(request: Request) -> Response:
    """`GET /channels/{channel_id}`, with its secrets."""
    return answer(view(find(request), secrets=True))


async def listing(request: Request) -> Response:
    """`GET /channels`, without secrets."""
    channels = state_of(request).world.channels.values()
    return answer({"channels": [view(channel, secrets=False) for channel in channels]})


def view(channel: Channel, secrets: bool) -> dict[str, Any]:
    """A channel as JSON."""
    hidden = {"grants", "forms", "other_form", "labels", "secret", "switcher_secret", "access_token"}
    shown = {name: getattr(channel, name) for name in channel.__struct_fields__ if name not in hidden}
    for name in _KEY_SETS:
        if shown[name] is not None:
            shown[name] = sorted(shown[name])
    if channel.redelivery_schedule is not None:
        shown["redelivery_schedule"] = [times.render_duration(wait) for wait in channel.redelivery_schedule]
    shown["granted_keys"] = len(channel.grants)
    if secrets:
        shown |= {"channel_secret": channel.secret, "access_token": channel.access_token}
        shown["switcher_secret"] = channel.switcher_secret
    return shown
