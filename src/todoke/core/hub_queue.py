"""Requests that wait to be passed on to one target of the webhook hub, in order for each user."""

from collections import deque
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

import msgspec


class Request(msgspec.Struct, eq=False, kw_only=True):
    """One of LINE's requests on its way to one target."""

    id: int
    """Its number in the inbox."""
    received_at: int
    size: int
    users: frozenset[str]
    """The users, groups and rooms that its events are of."""
    replay: bool = False
    tries: int = 0
    refusals: int = 0
    strikes: int = 0
    """How often it failed after the target had taken another one."""
    taken_before: int = 0
    ahead: int = 0
    """For how many of its users another request stands before it."""


R = TypeVar("R", bound=Request)


class Queue(Generic[R]):
    """Requests that are not done with, in order for each user."""

    def __init__(self) -> None:
        self._of_user: dict[str, deque[R]] = {}
        self._ready: list[tuple[bool, int, int, R]] = []
        self._later: list[tuple[int, int, R]] = []
        self._added = 0
        self._count = 0
        self._roots = 0
        self.size = 0
        """Bytes of all bodies."""

    def __len__(self) -> int:
        return self._count

    @property
    def roots(self) -> int:
        """How many wait for no other one."""
        return self._roots

    @property
    def ready(self) -> int:
        """How many may leave now."""
        return len(self._ready)

    @property
    def next_due(self) -> int | None:
        """When the first of those that failed may leave again."""
        return self._later[0][0] if self._later else None

    def add(self, request: R) -> None:
        for user in request.users:
            line = self._of_user.setdefault(user, deque())
            request.ahead += bool(line)
            line.append(request)
        self._count += 1
        self.size += request.size
        if not request.ahead:
            self._free(request)

    def _free(self, request: R) -> None:
        self._roots += 1
        self._make_ready(request)

    def take(self, now: int, least_tried: bool = False) -> R | None:
        """The first that may leave; the caller sends it, and then calls `again` or `done`.

        `least_tried`: rather one that has failed less often than others.
        """
        while self._later and self._later[0][0] <= now:
            self._make_ready(heappop(self._later)[-1])
        if not self._ready:
            return None
        if not least_tried:
            return heappop(self._ready)[-1]
        chosen = min(self._ready, key=lambda x: (x[-1].tries, *x[:3]))
        self._ready.remove(chosen)
        heapify(self._ready)
        return chosen[-1]

    def _make_ready(self, request: R) -> None:
        """What is new goes before a replay, and the older before the newer."""
        self._added += 1
        heappush(self._ready, (request.replay, request.id, self._added, request))

    def again(self, request: R, due_at: int) -> None:
        """One that was taken out leaves once more, not before `due_at`."""
        self._added += 1
        heappush(self._later, (due_at, self._added, request))

    def hurry(self) -> None:
        """Nobody waits for his time any more."""
        for _, _, request in self._later:
            self._make_ready(request)
        self._later.clear()

    def done(self, request: R) -> None:
        """One that was taken out is done with: those behind it move up."""
        self._count -= 1
        self._roots -= 1
        self.size -= request.size
        for user in request.users:
            line = self._of_user[user]
            line.popleft()
            if not line:
                del self._of_user[user]
                continue
            line[0].ahead -= 1
            if not line[0].ahead:
                self._free(line[0])
