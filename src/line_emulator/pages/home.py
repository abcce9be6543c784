"""`GET /`: what this is, where to point an SDK, the clock, who is there, and what became of the notices."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse

from line_emulator.control.http import state_of
from line_emulator.control.records import summary_of
from line_emulator.pages import example
from line_emulator.pages.frame import CONTROL, choices, console
from line_emulator.screen.texts import LANGUAGES
from line_emulator.state import State
from line_emulator.world.channels import BADGES, REGIONS
from line_emulator.world.ledger import FATES
from line_emulator.world.notifications import RECEPTIONS
from line_emulator.world.people import Account

LATEST = 8
MOST_CHANNELS, MOST_USERS = 8, 8


async def home(request: Request) -> HTMLResponse:
    """The index page."""
    state = state_of(request)
    state.tick()
    return console(request, "index.html", "/", **_values(state, request))


def _values(state: State, request: Request) -> dict[str, Any]:
    channels = list(state.world.channels.values())
    users, more = newest_users(state, MOST_USERS)
    fates = summary_of(state)["fate"]
    base_url = str(request.base_url).rstrip("/")
    asked = request.query_params
    first = example.first_notification(state, base_url, asked.get("from", ""), asked.get("template", ""))
    return {
        "base_url": base_url,
        "channels": channels[::-1][:MOST_CHANNELS],
        "channel_count": len(channels),
        "users": users,
        "more_users": more,
        "user_count": state.world.people.size(),
        "fates": [(fate, fates.get(fate, 0)) for fate in FATES],
        "total": sum(fates.values()),
        "posts": state.webhooks.log.newest(LATEST),
        "posted": state.webhooks.log.posted,
        "sms": len(state.world.sms.taken),
        "faults": state.faults.orders,
        "names": dict(choices(state)),
        "first": first,
        "example_users": json.dumps(example.USERS),
        "regions": REGIONS,
        "badges": BADGES,
        "languages": LANGUAGES,
        "receptions": RECEPTIONS,
        "endpoints": CONTROL,
    }


def newest_users(state: State, limit: int) -> tuple[list[dict[str, Any]], bool]:
    """Users made one by one, the newest first; where there are none, the first members of the populations."""
    people = state.world.people
    singles = newest_accounts(state, limit)
    if singles:
        return [row(state, account) for account in singles], people.size() > limit
    accounts, following = people.page(0, limit)
    return [row(state, account) for account in accounts], following is not None


def newest_accounts(state: State, limit: int) -> list[Account]:
    """Users made one by one, the newest first."""
    accounts = reversed(state.world.people.by_number.values())
    return list(islice((account for account in accounts if not account.deleted), limit))


def row(state: State, account: Account) -> dict[str, Any]:
    """A user as one row of a table."""
    return {
        "phone": account.phone,
        "name": account.name,
        "language": account.language,
        "reception": account.reception,
        "verified": account.verified(state.clock.now()),
        "pending": len(account.pending),
        "app_version": account.app_version,
        "privacy_policy": account.privacy_policy,
        "blocks": sum(tie.blocked for tie in account.ties.values()) or int(account.origin_blocked),
    }
