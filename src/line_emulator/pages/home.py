"""`GET /`: what this is, the clock, channels, users, the ledger's sums, the latest webhooks."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse

from line_emulator import times
from line_emulator.control.http import state_of
from line_emulator.control.records import summary_of
from line_emulator.pages.rendering import page
from line_emulator.state import State
from line_emulator.world.ledger import FATES

LATEST = 12
MOST_CHANNELS = 50


async def home(request: Request) -> HTMLResponse:
    """The index page."""
    state = state_of(request)
    state.tick()
    return page("index.html", **_values(state, request))


def _values(state: State, request: Request) -> dict[str, Any]:
    channels = list(state.world.channels.values())
    fates = summary_of(state)["fate"]
    posts = [
        {
            "at": times.render(post.at)[:19].replace("T", " "),
            "channel": post.channel_id,
            "events": post.events,
            "result": post.status if post.reason is None else post.reason.replace("_", " "),
            "ok": post.reason is None,
            "again": post.redelivery,
        }
        for post in state.webhooks.log.newest(LATEST)
    ]
    return {
        "base_url": str(request.base_url).rstrip("/"),
        "now": times.render(state.clock.now())[:19].replace("T", " "),
        "mode": state.clock.mode,
        "followers": state.followers.names(),
        "channels": channels[:MOST_CHANNELS],
        "channel_count": len(channels),
        "users": state.world.people.size(),
        "fates": [(fate, fates.get(fate, 0)) for fate in FATES],
        "total": sum(fates.values()),
        "posts": posts,
        "posted": state.webhooks.log.posted,
        "sms": len(state.world.sms.taken),
        "faults": len(state.faults.orders),
    }
