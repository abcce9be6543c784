"""Reply tokens: good once, for a minute after the webhook went out, and never past 20 minutes after the event.

Source: Messaging API reference, "Send reply message", "Reply token". Its time limits are LINE's own words: "use
beyond one minute isn't guaranteed"; that it surely fails then is this emulator's choice.
"""

from __future__ import annotations

import hashlib

import msgspec

LASTS = 60_000
AT_MOST = 1_200_000
MOST_KEPT = 100_000
"""Beyond so many unused tokens the oldest are void, so that users who write to nobody cost no memory."""


class Grant(msgspec.Struct, gc=False):
    """Whom a token may answer. Times in ms; good before `until`."""

    channel_id: str
    user_id: str
    event_at: int
    until: int


class ReplyTokens:
    """The tokens that were not used yet, in the order of their events."""

    def __init__(self) -> None:
        self._grants: dict[str, Grant] = {}
        self._number = 0

    def issue(self, secret: str, channel_id: str, user_id: str, now: int) -> str:
        """A new token. It follows from the channel's secret and a running number, so that no chance is needed
        and nobody else can guess it.
        """
        self._forget(now)
        self._number += 1
        key = hashlib.blake2b(secret.encode("utf-8", "surrogatepass"), digest_size=32).digest()
        text = f"{channel_id} {self._number}".encode()
        token = hashlib.blake2b(text, key=key, digest_size=16).hexdigest()
        self._grants[token] = Grant(channel_id, user_id, now, now + LASTS)
        return token

    def renew(self, channel_id: str, token: str, now: int) -> None:
        """The event goes out (again) at `now`: another minute, unless the token is used or too old."""
        grant = self._grants.get(token)
        if grant is not None and grant.channel_id == channel_id:
            grant.until = min(now + LASTS, grant.event_at + AT_MOST)

    def holder(self, channel_id: str, token: str, now: int) -> str | None:
        """The user ID that this token may answer at `now`; None if it is not good (any more)."""
        grant = self._grants.get(token)
        if grant is None or grant.channel_id != channel_id or now >= grant.until:
            return None
        return grant.user_id

    def use(self, token: str) -> None:
        """The token is spent."""
        self._grants.pop(token, None)

    def _forget(self, now: int) -> None:
        grants = self._grants
        while grants:
            oldest = next(iter(grants))
            if now < grants[oldest].event_at + AT_MOST and len(grants) < MOST_KEPT:
                return
            del grants[oldest]
