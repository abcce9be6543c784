"""Stateless channel access tokens, by the channel's secret.

Source: Messaging API reference, "Issue stateless channel access token" (v3): good for 15 minutes, any
number, irrevocable.
"""

from __future__ import annotations

from urllib.parse import parse_qs

import msgspec

from line_emulator.bot_api.http import Answer, Request, success
from line_emulator.state import State
from line_emulator.world.commands import IssueToken

LIFETIME = 900_000


def issue(state: State, request: Request) -> Answer:
    """`POST /oauth2/v3/token` with a form: `grant_type`, `client_id`, `client_secret`."""
    if not request.content_type.lower().startswith("application/x-www-form-urlencoded"):
        return _refusal("invalid_request", "The content type must be application/x-www-form-urlencoded")
    form = {name: values[0] for name, values in parse_qs(request.body.decode("latin-1")).items()}
    for name in ("grant_type", "client_id", "client_secret"):
        if name not in form:
            return _refusal("invalid_request", f"{name} is missing")
    if form["grant_type"] != "client_credentials":
        return _refusal("unsupported_grant_type", "grant_type must be client_credentials")
    channel = state.world.channels.get(form["client_id"])
    if channel is None or channel.secret != form["client_secret"]:
        return _refusal("invalid_client", "client_id or client_secret is wrong")
    token = state.ids.access_token()
    state.do(IssueToken(channel, token, state.clock.now() + LIFETIME))
    return success({"token_type": "Bearer", "access_token": token, "expires_in": LIFETIME // 1000})


def _refusal(error: str, description: str) -> Answer:
    return Answer(400, msgspec.json.encode({"error": error, "error_description": description}))
