"""Users: made, shown, changed, and what they see. What they do is in `acts`."""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from starlette.requests import Request
from starlette.responses import Response

from line_emulator import times
from line_emulator.control.http import (
    Refused,
    answer,
    check,
    cursor,
    known_parameters,
    moment,
    read,
    state_of,
    whole,
)
from line_emulator.screen import screen
from line_emulator.world import Effects, accounts, numbers
from line_emulator.world.commands import ChangeUser, PutUser
from line_emulator.world.notifications import RECEPTIONS
from line_emulator.world.people import TWO_YEARS, Account, Tie

PAGE = 100
MOST_CHANNELS = 100
LONGEST_TEXT = 1000
_VERSION = re.compile(r"[0-9]{1,4}(\.[0-9]{1,4}){0,3}", re.ASCII)
_PREFIX = re.compile(r"\+?[0-9]{0,15}", re.ASCII)


class UserBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What `POST /users` and `PATCH /users/{phone}` take. `verified` true means: just now; false: never
    by SMS.
    """

    phone: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    language: str | UnsetType = UNSET
    reception: str | UnsetType = UNSET
    verified: bool | UnsetType = UNSET
    verified_at: str | UnsetType | None = UNSET
    privacy_policy: bool | UnsetType = UNSET
    app_version: str | UnsetType = UNSET
    created_at: str | UnsetType = UNSET
    sms_reachable: bool | UnsetType = UNSET
    profile_consent: bool | UnsetType = UNSET
    picture_url: str | UnsetType | None = UNSET
    status_message: str | UnsetType | None = UNSET

    def given(self, now: int) -> dict[str, Any]:
        """What was named, checked, in the world's own terms. Raises Refused."""
        values = {
            name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not UNSET
        }
        if "reception" in values and values["reception"] not in RECEPTIONS:
            raise Refused(400, f"reception is {values['reception']!r}; it must be agree, reject or not_set")
        if "app_version" in values and not _VERSION.fullmatch(values["app_version"]):
            raise Refused(400, f"app_version is {values['app_version']!r}; write it like 15.9.0")
        if "language" in values and values["language"] not in screen.LANGUAGES:
            text = f"language is {values['language'][:50]!r}; it must be one of {', '.join(screen.LANGUAGES)}"
            raise Refused(400, text)
        for name in ("name", "picture_url", "status_message"):
            if not 1 <= len(values.get(name) or "-") <= LONGEST_TEXT or values.get(name) == "":
                raise Refused(400, f"{name} must have 1 to {LONGEST_TEXT} characters")
        if "created_at" in values:
            values["created_at"] = moment(values["created_at"], "created_at")
        verified = values.pop("verified", None)
        if values.get("verified_at") is not None:
            values["verified_at"] = moment(values["verified_at"], "verified_at")
        elif verified is not None:
            values["verified_at"] = now if verified else None
        return values


class NewUserBody(UserBody, forbid_unknown_fields=True, kw_only=True):
    """What `POST /users` takes. `takes_over`: a number that somebody has becomes a new user's."""

    takes_over: bool | UnsetType = UNSET


def phone_of(request: Request) -> str:
    """The number in the path, which may be given as a user ID. Raises Refused (404)."""
    text: str = request.path_params["phone"]
    if numbers.is_user_id(text.strip()):
        return state_of(request).world.people.address(text.strip())
    # A plus sign that was not percent-encoded may arrive as a space.
    phone = "+" + text.strip().removeprefix("+")
    if not numbers.is_e164(phone):
        form = "write it like +886912345678 (in a path %2B886912345678)"
        raise Refused(404, f"{text[:50]} is no E.164 number; {form}")
    return phone


def _nobody(phone: str) -> Refused:
    return Refused(
        404, f"There is no LINE user with the number {phone}; make one with POST /_emulator/v1/users"
    )


def done(effects: Effects, phone: str) -> Effects:
    """What came of it. Raises Refused."""
    if effects.problem is not None and effects.problem == accounts.unknown(phone):
        raise _nobody(phone)
    check(effects.problem)
    return effects


def _find(request: Request) -> Account:
    phone = phone_of(request)
    state = state_of(request)
    state.tick()
    account = state.world.people.find_phone(phone)
    if account is None:
        raise _nobody(phone)
    return account


async def create(request: Request) -> Response:
    """`POST /users`: makes the user; for a known number, sets exactly these values, and those not named to their
    defaults: it then answers `"replaced": true`. With `takes_over` the number becomes a new user's, and
    `took_over_from` is the user ID (and from now on the address) of who had it.
    """
    state = state_of(request)
    now = state.clock.now()
    values = (await read(request, NewUserBody, ("phone",))).given(now)
    phone = values.pop("phone", None)
    if phone is None:
        raise Refused(400, "phone is missing; write it in E.164 form, such as +886912345678")
    if not numbers.is_e164(phone):
        raise Refused(400, f"phone is {phone[:50]!r}; it must be in E.164 form, such as +886912345678")
    values.setdefault("reception", None)
    values.setdefault("verified_at", now)
    values.setdefault("created_at", now - TWO_YEARS)
    former = state.world.people.find_phone(phone)
    account = state.do(PutUser(phone=phone, **values)).value
    shown = view(account, request)
    if former is not None and account.number == former.number:
        shown["replaced"] = True
    elif former is not None:
        shown["took_over_from"] = numbers.user_id(former.number, "default")
    return answer(shown)


async def show(request: Request) -> Response:
    """`GET /users/{phone}`."""
    return answer(view(_find(request), request))


async def change(request: Request) -> Response:
    """`PATCH /users/{phone}`."""
    state = state_of(request)
    values = (await read(request, UserBody)).given(state.clock.now())
    phone = phone_of(request)
    if values.pop("phone", phone) != phone:
        raise Refused(400, "A number is changed by the action change_number, not here")
    effects = done(state.do(ChangeUser(phone, values)), phone)
    return answer(view(effects.value, request))


async def look(request: Request) -> Response:
    """`GET /users/{phone}/screen`: all that this user sees. A number without LINE sees its SMS inbox."""
    state = state_of(request)
    state.tick()
    phone = phone_of(request)
    account = state.world.people.find_phone(phone)
    if account is None and phone not in state.world.sms.inboxes:
        raise _nobody(phone)
    shown = screen.view(state.world, phone, account, state.clock.now())
    return answer(screen.clocked(shown, state.clock.mode, state.clock.speed))


async def listing(request: Request) -> Response:
    """`GET /users?prefix=&cursor=&limit=`: users whose number begins so, up to 100 a page: first those made one by
    one, then the members of populations. A page may be short although `next` says that more follow. Besides, the
    populations, and how many numbers there are in all.
    """
    state = state_of(request)
    known_parameters(request, "prefix", "cursor", "limit")
    state.tick()
    people = state.world.people
    limit = whole(request, "limit", PAGE, 1, PAGE)
    accounts, following = people.page(cursor(request), limit, _prefix(request))
    populations = [
        {
            "count": population.count,
            "seed": population.seed,
            "prefix": population.prefix,
            "digits": population.digits,
            "channel_id": population.channel_id,
            "rates": population.rates,
        }
        for population in people.populations
    ]
    found = {
        "users": [view(account, request) for account in accounts],
        "populations": populations,
        "count": people.size(),
    }
    if following is not None:
        found["next"] = str(following)
    return answer(found)


def _prefix(request: Request) -> str:
    text = request.query_params.get("prefix", "").strip()
    if not text:
        # Users whose number was given to somebody else have none that could begin with a plus sign.
        return ""
    if not _PREFIX.fullmatch(text):
        raise Refused(400, f"prefix is {text!r}; it must be the beginning of an E.164 number, such as +88691")
    return "+" + text.removeprefix("+")


def view(account: Account, request: Request) -> dict[str, Any]:
    """A user as JSON. `user_id` is the one at provider "default"; `user_ids` has all."""
    state = state_of(request)
    channels = state.world.channels
    providers = {"default", *(channel.provider for channel in channels.values())}
    return {
        "phone": account.phone,
        "user_id": numbers.user_id(account.number, "default"),
        "user_ids": {name: numbers.user_id(account.number, name) for name in sorted(providers)},
        "name": account.name,
        "language": account.language,
        "reception": account.reception,
        "verified": account.verified(state.clock.now()),
        "verified_at": times.render_or_none(account.verified_at),
        "privacy_policy": account.privacy_policy,
        "app_version": account.app_version,
        "created_at": times.render(account.created_at),
        "sms_reachable": account.sms_reachable,
        "profile_consent": account.profile_consent,
        "picture_url": account.picture_url,
        "status_message": account.status_message,
        "deleted": account.deleted,
        "channels": {
            channel_id: _tie(account.tie(channel_id)) for channel_id in islice(channels, MOST_CHANNELS)
        },
    }


def _tie(tie: Tie) -> dict[str, bool]:
    return {
        "friend": tie.friend,
        "blocked": tie.blocked,
        "hidden": tie.hidden,
        "deleted_from_block_list": tie.unlisted,
    }
