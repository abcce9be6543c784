"""The logs of webhooks posted and of requests answered: rings, bounded in entries and in bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import msgspec

from line_emulator.world.ledger import Row

WEBHOOK_ENTRIES = 20_000
WEBHOOK_BYTES = 32 * 1024 * 1024
REQUEST_ENTRIES = 5_000


class Post(msgspec.Struct, gc=False, kw_only=True):
    """One attempt to post a webhook. `at` in virtual ms; `reason` None: the receiver answered 200.

    `attempt` counts from 1 over the same events; `first`: the number of the first attempt (its own, at first).
    `by_hand`: posted again on demand. `duration_ms`: real time until the answer; None: nothing was posted.
    `rows`: the ledger rows that its delivery events report; `numbers`: those of all its events.
    """

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
    attempt: int = 1
    first: int = 0
    by_hand: bool = False
    duration_ms: float | None = None
    rows: tuple[Row, ...] = ()
    numbers: tuple[int, ...] = ()


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
        post.first = post.first or post.number
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

    def find(self, number: int) -> Post | None:
        """The post with this number; None if there is none, or no more."""
        if not self._ring:
            return None
        place = number - self._ring[0].number
        return self._ring[place] if 0 <= place < len(self._ring) else None

    def before(self, number: int | None) -> Iterator[Post]:
        """The posts with a lower number (None: all), newest first."""
        for post in reversed(self._ring):
            if number is None or post.number < number:
                yield post

    def newest(self, count: int) -> list[Post]:
        """The latest posts, newest first."""
        return [self._ring[-place] for place in range(1, min(count, len(self._ring)) + 1)]


class Answered(msgspec.Struct, gc=False):
    """One request to LINE's paths and the status it got. `at` in virtual ms.

    `body` and `answer`: their beginnings, `body_size` and `answer_size` their whole lengths in bytes. `tag`: the
    delivery tag. `duration_ms`: real time from the whole request to the answer. `status` 0: the connection was
    broken on order. `fault`: the kinds of the faults that struck.
    """

    number: int
    at: int
    method: str
    path: str
    channel_id: str | None
    status: int
    body: bytes
    answer: bytes
    body_size: int = 0
    answer_size: int = 0
    tag: str | None = None
    duration_ms: float = 0.0
    fault: str | None = None


RequestLog = deque[Answered]


def new_request_log() -> RequestLog:
    """An empty ring for requests."""
    return deque(maxlen=REQUEST_ENTRIES)
