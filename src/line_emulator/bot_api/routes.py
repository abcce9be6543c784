"""The table of LINE's endpoints that this emulator has, with their rate limits."""

from __future__ import annotations

from line_emulator.bot_api import channel, notifications, tokens, users
from line_emulator.bot_api.service import Handler, LineApi, Route
from line_emulator.state import State
from line_emulator.world.ledger import FLEXIBLE_PATH, PUSH_PATH, TEMPLATE_PATH

_ENDPOINT = "/v2/bot/channel/webhook/endpoint"
_ROUTES: list[tuple[str, str, Handler, str, int | None, float]] = [
    ("POST", TEMPLATE_PATH, notifications.send_template, "json", None, 1),
    ("POST", FLEXIBLE_PATH, notifications.send_flexible, "json", None, 1),
    ("GET", "/v2/bot/message/delivery/pnp/templated", notifications.count_templates, "none", None, 1),
    ("GET", "/v2/bot/message/delivery/pnp", notifications.count_flexible, "none", None, 1),
    ("POST", PUSH_PATH, users.push, "json", None, 1),
    ("GET", "/v2/bot/profile/{userId}", users.profile, "none", None, 1),
    ("GET", "/v2/bot/followers/ids", users.followers, "none", None, 1),
    ("GET", "/v2/bot/info", channel.info, "none", None, 1),
    ("GET", _ENDPOINT, channel.get_endpoint, "none", 1000, 60),
    ("PUT", _ENDPOINT, channel.put_endpoint, "json", 1000, 60),
    ("POST", "/v2/bot/channel/webhook/test", channel.try_endpoint, "optional", 60, 3600),
    ("POST", "/oauth2/v3/token", tokens.issue, "open", None, 1),
]


def line_api(state: State) -> LineApi:
    """LINE's paths over this state."""
    return LineApi(
        state,
        {
            (method, path): Route(f"{method} {path}", handler, body, capacity, seconds)
            for method, path, handler, body, capacity, seconds in _ROUTES
        },
    )
