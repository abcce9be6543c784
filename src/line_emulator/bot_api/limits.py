"""LINE's rate limits: one token bucket per channel and endpoint, refilled in real time whatever the
virtual clock does.

Source: Messaging API reference, "Rate limits". The capacity [choice] is what one second allows (for
hourly and minutely limits: the whole allowance).
"""

from __future__ import annotations

import time

import msgspec


class Bucket(msgspec.Struct, gc=False):
    """Tokens left, and when (monotonic seconds) that was so."""

    tokens: float
    since: float


class RateLimits:
    """All buckets. They are made when first used and are as many as channels times endpoints."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def take(self, channel_id: str, endpoint: str, capacity: int, seconds: float) -> bool:
        """Takes one token where `capacity` refill in `seconds`; False if there is none."""
        now = time.monotonic()
        bucket = self._buckets.get((channel_id, endpoint))
        if bucket is None:
            bucket = self._buckets[channel_id, endpoint] = Bucket(float(capacity), now)
        tokens = bucket.tokens + (now - bucket.since) * capacity / seconds
        bucket.since = now
        if tokens > capacity:
            tokens = float(capacity)
        if tokens < 1:
            bucket.tokens = tokens
            return False
        bucket.tokens = tokens - 1
        return True

    def clear(self) -> None:
        """Fills all buckets."""
        self._buckets.clear()
