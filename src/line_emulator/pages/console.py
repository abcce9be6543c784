"""`/console/…`: one channel, all users, the faults; and `/wall`, many phones at once."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse

from line_emulator.control.billing import bill, present_month
from line_emulator.control.grants import rows_of
from line_emulator.control.http import Refused, cursor, state_of
from line_emulator.faults import API_KINDS, WEBHOOK_KINDS
from line_emulator.pages import scenes
from line_emulator.pages.frame import bad, choices, console, missing, turning
from line_emulator.pages.home import newest_users, row
from line_emulator.state import State
from line_emulator.world.channels import BADGES, WEBHOOK_MODES, Channel
from line_emulator.world.japan import day_of
from line_emulator.world.ledger import FLEXIBLE_PATH, PUSH_PATH, TEMPLATE_PATH
from line_emulator.world.notifications import RECEPTIONS
from line_emulator.world.numbers import is_user_id

USERS_A_PAGE = 50
MOST_LOOKED_AT = 20_000
MOST_GRANTS = 1_000
MOST_PHONES, FIRST_PHONES = 48, 12
WEBHOOK_TEST = "/v2/bot/channel/webhook/test"
_DIGITS = re.compile(r"\+?[0-9]{0,15}", re.ASCII)
_NUMBER = re.compile(r"\+[0-9]{1,20}", re.ASCII)


PRESETS = (
    ("429 for the next 10", {"target": "api", "kind": "status_before", "status": 429, "next": 10}),
    ("500 after LINE took it", {"target": "api", "kind": "status_after", "status": 500}),
    ("5 % of webhooks lost", {"target": "webhook", "kind": "drop", "share": 0.05}),
    ("3 s late", {"target": "api", "kind": "latency", "ms": 3000}),
)
"""Faults to order by one click, as `POST /faults` takes them."""


async def start(request: Request) -> RedirectResponse:
    """`GET /console`: the console begins at the start page."""
    return RedirectResponse("/")


async def channel(request: Request) -> HTMLResponse:
    """`GET /console/channels/{channel_id}`."""
    state = state_of(request)
    state.tick()
    found = state.world.channels.get(request.path_params["channel_id"])
    if found is None:
        return missing(request, f"There is no channel {request.path_params['channel_id'][:40]}.")
    grants = rows_of(found)
    bills = bill(state, present_month(state), found.channel_id)["channels"]
    return console(
        request,
        "views/channel.html",
        "",
        channel=found,
        badges=BADGES,
        modes=WEBHOOK_MODES,
        why=_why_not(found),
        grants=grants[:MOST_GRANTS],
        grant_count=len(grants),
        days=bills[0]["days"][::-1] if bills else [],
        webhook_test=WEBHOOK_TEST,
        followers=_followers(state, found),
    )


def _why_not(channel: Channel) -> str | None:
    """Why LINE would not let this account send notifications; None if it would."""
    if channel.badge == "grey":
        return "An unverified (grey) account may not send notification messages."
    if not channel.eligible():
        return "This country asks for a certified provider."
    if not channel.may_send_templates() and not channel.may_send_flexible():
        return "No template is granted, and the flexible kind is off."
    return None


def _followers(state: State, channel: Channel) -> str:
    """How many friends the account has. What a population brings is told from its rates: to count it takes seconds."""
    world = state.world
    known = world.friends.at_end_of(day_of(state.clock.now()), channel.channel_id).reach
    expected = 0.0
    for population in world.people.populations:
        if population.channel_id in (None, channel.channel_id):
            rates = population.rates
            expected += population.count * rates.registered * (1 - rates.blocked) * rates.friend
    return f"about {known + round(expected):,}" if expected else f"{known:,}"


async def users(request: Request) -> HTMLResponse:
    """`GET /console/users?q=&reception=&verified=&cursor=`."""
    state = state_of(request)
    state.tick()
    query = request.query_params
    text = query.get("q", "").replace(" ", "").replace("-", "")
    asked = {"q": text, "reception": query.get("reception", ""), "verified": query.get("verified", "")}
    if not _DIGITS.fullmatch(text):
        return bad(request, f"{text[:50]!r} is no beginning of a number; write it like +88691.")
    if asked["reception"] not in ("", *RECEPTIONS) or asked["verified"] not in ("", "yes", "no"):
        return bad(request, "There is no such filter.")
    try:
        start = cursor(request)
    except Refused as refused:
        return bad(request, refused.message)
    rows, following = _matching(state, asked, start)
    return console(
        request,
        "views/users.html",
        "/console/users",
        users=rows,
        asked=asked,
        filtered=any(asked.values()),
        receptions=RECEPTIONS,
        count=state.world.people.size(),
        populations=state.world.people.populations,
        pages=turning(request, following),
    )


def _matching(state: State, asked: dict[str, str], start: int) -> tuple[list[dict[str, Any]], int | None]:
    """Up to a page of users that fit; where few fit, the page is short after so many were looked at."""
    prefix = f"+{asked['q'].removeprefix('+')}" if asked["q"] else ""
    found: list[dict[str, Any]] = []
    following: int | None = start
    looked = 0
    while following is not None and len(found) < USERS_A_PAGE and looked < MOST_LOOKED_AT:
        accounts, following = state.world.people.page(following, USERS_A_PAGE - len(found), prefix)
        looked += max(len(accounts), USERS_A_PAGE)
        for entry in (row(state, account) for account in accounts):
            fits = asked["verified"] in ("", "yes" if entry["verified"] else "no")
            if fits and asked["reception"] in ("", entry["reception"]):
                found.append(entry)
    return found, following


async def faults(request: Request) -> HTMLResponse:
    """`GET /console/faults`."""
    state = state_of(request)
    return console(
        request,
        "views/faults.html",
        "/console/faults",
        faults=state.faults.orders,
        plays=[scenes.shown(play) for play in reversed(request.app.state.director.plays.values())],
        shipped=scenes.shipped(),
        presets=PRESETS,
        channels=choices(state),
        kinds=[(kind, kind in API_KINDS) for kind in WEBHOOK_KINDS],
        paths=(TEMPLATE_PATH, FLEXIBLE_PATH, PUSH_PATH, "/v2/*", "/oauth2/*"),
    )


async def wall(request: Request) -> HTMLResponse:
    """`GET /wall?phones=+8869…,…`: these phones, or those of the newest users."""
    state = state_of(request)
    # A plus sign in a query means a space to browsers.
    given = [text.strip().removeprefix("+") for text in request.query_params.get("phones", "").split(",")]
    numbers = list(dict.fromkeys(text if is_user_id(text) else f"+{text}" for text in given if text))
    wrong = next((one for one in numbers if not _NUMBER.fullmatch(one) and not is_user_id(one)), None)
    if wrong is not None:
        return bad(
            request, f"{wrong[:50]!r} is no phone number; write it like +886912345678.", "No phone number"
        )
    if len(numbers) > MOST_PHONES:
        return bad(request, f"The wall shows {MOST_PHONES} phones at most.", "Too many phones")
    if "phones" not in request.query_params:
        numbers = [user["phone"] for user in newest_users(state, FIRST_PHONES)[0]]
    return console(request, "views/wall.html", "/wall", phones=numbers, most=MOST_PHONES)


async def nowhere(request: Request) -> HTMLResponse:
    """Any other path under those of the pages."""
    return missing(request, f"There is no page {request.url.path[:80]}.")
