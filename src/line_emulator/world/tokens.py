"""Channel access tokens that end, and the keys that sign for them.

Source: Messaging API reference, "Channel access token"; LINE Platform basics, "Channel access token";
Messaging API, "Issue channel access token v2.1" (the claims of the assertion).
"""

from __future__ import annotations

from typing import Any

import msgspec

from line_emulator.world.channels import Channel

STATELESS, SHORT_LIVED, V2_1 = "stateless", "short-lived", "v2.1"
STATELESS_LASTS = 900_000
SHORT_LIVED_LASTS = 30 * 86_400_000
MOST_TOKENS = 30
"""Valid tokens of one channel, of the short-lived kind and of v2.1 each."""
MOST_KEYS = 10
AUDIENCE = "https://api.line.me/"
LONGEST_TOKEN = 30 * 86_400
"""Seconds: the largest `token_exp`."""
LONGEST_ASSERTION = 30 * 60
"""Seconds: how far ahead `exp` may lie."""


class Token(msgspec.Struct, frozen=True, gc=False):
    """A token that was issued. `expires_at` in ms; `key_id`: what LINE calls a token of v2.1 by."""

    channel: Channel
    kind: str
    expires_at: int
    key_id: str | None = None


class SigningKey(msgspec.Struct, frozen=True):
    """The public half of an assertion signing key, registered for one channel under `kid`."""

    kid: str
    channel_id: str
    modulus: int
    exponent: int


class TokenBook:
    """All tokens that end, and all signing keys by their `kid`.

    Expired tokens are forgotten when another of the kind is issued, so the book holds 30 of each limited kind
    for a channel, and of stateless ones what a quarter of an hour brings.
    """

    def __init__(self) -> None:
        self.keys: dict[str, SigningKey] = {}
        self._tokens: dict[str, Token] = {}
        self._limited: dict[tuple[str, str], list[str]] = {}
        self._stateless: dict[str, None] = {}

    def find(self, token: str, now: int) -> Token | None:
        """The token, if it was issued, not revoked and is still good at `now`."""
        found = self._tokens.get(token)
        return found if found is not None and now < found.expires_at else None

    def add(self, text: str, token: Token, now: int) -> None:
        """Keeps a new token, and forgets expired ones."""
        if token.kind == STATELESS:
            self._forget_stateless(now)
            self._stateless[text] = None
        else:
            self.valid(token.channel, token.kind, now).append(text)
        self._tokens[text] = token

    def valid(self, channel: Channel, kind: str, now: int) -> list[str]:
        """The channel's valid tokens of a limited kind, oldest first: the book's own list."""
        listed = self._limited.setdefault((channel.channel_id, kind), [])
        for text in [text for text in listed if self._tokens[text].expires_at <= now]:
            listed.remove(text)
            del self._tokens[text]
        return listed

    def key_ids(self, channel: Channel, now: int) -> list[str]:
        """The key ids of the channel's valid tokens of v2.1, oldest first."""
        return [self._tokens[text].key_id or "" for text in self.valid(channel, V2_1, now)]

    def remove(self, text: str) -> None:
        """Forgets a token of a limited kind."""
        token = self._tokens.pop(text)
        self._limited[token.channel.channel_id, token.kind].remove(text)

    def keys_of(self, channel_id: str) -> list[SigningKey]:
        """The signing keys of a channel, in the order of their registration."""
        return [key for key in self.keys.values() if key.channel_id == channel_id]

    def _forget_stateless(self, now: int) -> None:
        # All last equally long, so the oldest is the first to expire.
        while self._stateless:
            oldest = next(iter(self._stateless))
            if self._tokens[oldest].expires_at > now:
                return
            del self._stateless[oldest], self._tokens[oldest]


def claims_fault(claims: dict[str, Any], now: int, issues: bool) -> str | None:
    """What is wrong with the claims of an assertion at `now` (ms), in LINE's manner; None if nothing is.

    `issues`: it asks for a token of v2.1 and must say how long that is to last. `iss` is checked with the key.
    """
    if claims.get("sub") != claims.get("iss"):
        return "Invalid sub"
    if claims.get("aud") not in (AUDIENCE, [AUDIENCE]):
        return "Invalid aud"
    expiry: Any = claims.get("exp")
    # A boolean is an int to Python. RFC 7519 allows fractions of a second.
    if type(expiry) not in (int, float) or not now < expiry * 1000 <= now + LONGEST_ASSERTION * 1000:
        return "Invalid exp"
    if issues:
        lifetime = claims.get("token_exp")
        if type(lifetime) is not int or not 1 <= lifetime <= LONGEST_TOKEN:
            return "Invalid token_exp"
    return None
