"""The logs of webhooks posted and of requests answered: rings, bounded in entries and in bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import msgspec

WEBHOOK_ENTRIES = 20_000
WEBHOOK_BYTES = 32 * 1024 * 1024
REQUEST_ENTRIES = 5_000


class Post(msgspec.Struct, gc=False, kw_only=True):
    """One attempt to post a webhook. `at` in virtual ms; `reason` None: the receiver answered 200."""

    channel_id: str
    at: int
    url: str
    body: bytes
    signature: str
    redelivery: bool
    events: int
    number: int = 0
    status: int | None = None
    reason: str | None = None
    detail: str | None = None


class WebhookLog:
    """The newest posts; older ones are forgotten and only counted."""

    def __init__(self) -> None:
        self.posted = 0
        self._ring: deque[Post] = deque()
        self._bytes = 0

    def add(self, post: Post) -> None:
        """Enters a post and forgets the oldest beyond the limits."""
        self.posted += 1
        post.number = self.posted
        self._ring.append(post)
        self._bytes += len(post.body)
        while len(self._ring) > WEBHOOK_ENTRIES or self._bytes > WEBHOOK_BYTES:
            self._bytes -= len(self._ring.popleft().body)

    def clear(self) -> None:
        """Forgets all."""
        self._ring.clear()
        self._bytes = self.posted = 0

    def after(self, number: int, channel_id: str | None) -> Iterator[Post]:
        """The posts with a higher number, oldest first."""
        for post in self._ring:
            if post.number > number and channel_id in (None, post.channel_id):
                yield post

    def newest(self, count: int) -> list[Post]:
        """The latest posts, newest first."""
        return [self._ring[-place] for place in range(1, min(count, len(self._ring)) + 1)]


class Answered(msgspec.Struct, gc=False):
    """One request to LINE's paths and the status it got. `at` in virtual ms."""

    number: int
    at: int
    method: str
    path: str
    channel_id: str | None
    status: int
    body: bytes
    answer: bytes


RequestLog = deque[Answered]


def new_request_log() -> RequestLog:
    """An empty ring for requests."""
    return deque(maxlen=REQUEST_ENTRIES)
