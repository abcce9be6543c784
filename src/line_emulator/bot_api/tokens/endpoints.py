"""The eight endpoints for channel access tokens.

Source: Messaging API reference, "Channel access token". LINE's own errors are quoted from there; the answers
to other faults are in OAuth's manner.
"""

from __future__ import annotations

import re

from line_emulator.bot_api.http import Answer, Request, refusal, success
from line_emulator.bot_api.tokens import assertion
from line_emulator.bot_api.tokens.forms import (
    GRANT,
    Fields,
    missing,
    oauth_refusal,
    read_form,
    read_query,
)
from line_emulator.state import State
from line_emulator.world import problems
from line_emulator.world.channels import Channel
from line_emulator.world.commands import IssueToken, RevokeToken
from line_emulator.world.tokens import SHORT_LIVED, SHORT_LIVED_LASTS, STATELESS, STATELESS_LASTS, V2_1

SHORT_LIVED_RATE = 370
NEVER = 100 * 365 * 86_400
"""Seconds: what verification says of a long-lived token."""
_SCOPE, _SCOPE_V2 = "profile chat_message.write", "P CM"
_OPAQUE = re.compile(r"[A-Za-z0-9+/]+={0,2}", re.ASCII)
_ASSERTION = ("client_assertion_type", "client_assertion")
_SECRET = ("client_id", "client_secret")
_NOT_JWS = "The access token not JWS"
_MALFORMED = "The access token malformed"


def issue_v2_1(state: State, request: Request) -> Answer:
    """`POST /oauth2/v2.1/token`: by assertion, for as long as its `token_exp` says."""
    fields = read_form(request, "grant_type", *_ASSERTION)
    if isinstance(fields, Answer):
        return fields
    if fields["grant_type"] != GRANT:
        return _unknown_grant()
    checked = assertion.check(state, fields, issues=True)
    if isinstance(checked, Answer):
        return checked
    key_id = state.ids.token_key_id()
    return _issue(state, request, checked.channel, V2_1, checked.claims["token_exp"] * 1000, key_id)


def issue_stateless(state: State, request: Request) -> Answer:
    """`POST /oauth2/v3/token`: by secret or by assertion, for a quarter of an hour."""
    fields = read_form(request, "grant_type")
    if isinstance(fields, Answer):
        return fields
    if fields["grant_type"] != GRANT:
        return _unknown_grant()
    if fields.keys() >= set(_ASSERTION):
        checked = assertion.check(state, fields, issues=False)
        if isinstance(checked, Answer):
            return checked
        channel: Channel | None = checked.channel
    elif fields.keys() >= set(_SECRET):
        channel = state.world.channels.get(fields["client_id"])
        if channel is None or channel.secret != fields["client_secret"]:
            return oauth_refusal("invalid_request", "Invalid 'client_credentials'.")
    else:
        return missing()
    assert channel is not None
    return _issue(state, request, channel, STATELESS, STATELESS_LASTS)


def issue_short_lived(state: State, request: Request) -> Answer:
    """`POST /v2/oauth/accessToken`: by secret, for 30 days."""
    fields = read_form(request, "grant_type", *_SECRET)
    if isinstance(fields, Answer):
        return fields
    if fields["grant_type"] != GRANT:
        return _unknown_grant()
    channel = _client(state, fields)
    if isinstance(channel, Answer):
        return channel
    return _issue(state, request, channel, SHORT_LIVED, SHORT_LIVED_LASTS)


def verify_v2_1(state: State, request: Request) -> Answer:
    """`GET /oauth2/v2.1/verify`: of a token of v2.1, or a stateless one."""
    fields = read_query(request, "access_token")
    if isinstance(fields, Answer):
        return fields
    fault = _form_fault(fields["access_token"])
    if fault is not None:
        return oauth_refusal("invalid_request", fault)
    now = state.clock.now()
    token = state.world.tokens.find(fields["access_token"], now)
    if token is None:
        # A token that ended is forgotten in time, so one that never was can't be told from it.
        return oauth_refusal("invalid_request", "The access token expired")
    return _over_rate(state, request, token.channel) or success(
        {
            "client_id": token.channel.channel_id,
            "expires_in": (token.expires_at - now) // 1000,
            "scope": _SCOPE,
        }
    )


def verify(state: State, request: Request) -> Answer:
    """`POST /v2/oauth/verify`: of a short-lived or long-lived token."""
    fields = read_form(request, "access_token")
    if isinstance(fields, Answer):
        return fields
    text, now = fields["access_token"], state.clock.now()
    token = state.world.tokens.find(text, now)
    if token is not None and token.kind == SHORT_LIVED:
        channel: Channel | None = token.channel
        left = (token.expires_at - now) // 1000
    else:
        channel, left = state.tokens.get(b"Bearer " + text.encode()), NEVER
    if channel is None:
        opaque = _OPAQUE.fullmatch(text) is not None
        return oauth_refusal(
            "invalid_request", f"access_token {'invalid' if opaque else 'in invalid format'}"
        )
    return _over_rate(state, request, channel) or success(
        {"client_id": channel.channel_id, "expires_in": left, "scope": _SCOPE_V2}
    )


def key_ids(state: State, request: Request) -> Answer:
    """`GET /oauth2/v2.1/tokens/kid`: the key ids of all valid tokens of v2.1."""
    fields = read_query(request, *_ASSERTION)
    if isinstance(fields, Answer):
        return fields
    checked = assertion.check(state, fields, issues=False)
    if isinstance(checked, Answer):
        return checked
    channel = checked.channel
    return _over_rate(state, request, channel) or success(
        {"kids": state.world.tokens.key_ids(channel, state.clock.now())}
    )


def revoke_v2_1(state: State, request: Request) -> Answer:
    """`POST /oauth2/v2.1/revoke`: 200 also for a token that is not (or no longer) one of this channel's."""
    fields = read_form(request, *_SECRET, "access_token")
    if isinstance(fields, Answer):
        return fields
    channel = _client(state, fields)
    if isinstance(channel, Answer):
        return channel
    fault = _form_fault(fields["access_token"])
    if fault is not None:
        return oauth_refusal("invalid_request", fault)
    over = _over_rate(state, request, channel)
    if over is None:
        state.do(RevokeToken(fields["access_token"], channel))
    return over or Answer(200, b"")


def revoke(state: State, request: Request) -> Answer:
    """`POST /v2/oauth/revoke`: of a short-lived or long-lived token; 200 also for one that is not valid."""
    fields = read_form(request, "access_token")
    if isinstance(fields, Answer):
        return fields
    text = fields["access_token"]
    if b"Bearer " + text.encode() not in state.tokens and not _OPAQUE.fullmatch(text):
        return oauth_refusal("invalid_request")
    if state.do(RevokeToken(text)).value:
        state.learn_tokens()
    return Answer(200, b"")


def _issue(
    state: State, request: Request, channel: Channel, kind: str, lifetime: int, key_id: str | None = None
) -> Answer:
    over = _over_rate(state, request, channel)
    if over is not None:
        return over
    token = state.ids.access_token() if kind == SHORT_LIVED else state.ids.signed_token()
    problem = state.do(IssueToken(channel, token, kind, lifetime, key_id)).problem
    if problem is not None:
        return refusal(problem)
    answer = {"access_token": token, "token_type": "Bearer", "expires_in": lifetime // 1000}
    return success(answer if key_id is None else answer | {"key_id": key_id})


def _over_rate(state: State, request: Request, channel: Channel) -> Answer | None:
    """Notes who speaks, and refuses what comes too often."""
    request.channel = channel
    short_lived = request.path == "/v2/oauth/accessToken"
    capacity = SHORT_LIVED_RATE if short_lived else channel.rate_limit
    if state.limits.take(channel.channel_id, f"{request.method} {request.path}", capacity, 1):
        return None
    return refusal(problems.RATE_LIMITED)


def _client(state: State, fields: Fields) -> Channel | Answer:
    channel = state.world.channels.get(fields["client_id"])
    if channel is None:
        return oauth_refusal("invalid_client", "invalid client_id")
    if channel.secret != fields["client_secret"]:
        return oauth_refusal("invalid_client", "invalid client_secret")
    return channel


def _form_fault(token: str) -> str | None:
    """What LINE says of a text that can't be a token of v2.1; None if it might be one."""
    parts = token.split(".")
    if len(parts) != 3 or not all(map(assertion.segment, parts)):
        return _NOT_JWS
    return None if assertion.json_segment(parts[0]) is not None else _MALFORMED


def _unknown_grant() -> Answer:
    return oauth_refusal("unsupported_grant_type", f"grant_type must be {GRANT}")
