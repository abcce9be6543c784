"""Programs that follow the virtual clock over a WebSocket. The connection is the registration: who dies
is gone at once.

Messages are JSON with times in ms since the epoch. To the follower: `clock` (now, mode) and `settle`
(id, now). From it: `settled` (id, now, next_due or null, worked). The mode is `real` only where the follower
is to count on by itself: a clock with a speed of its own is `paused` to it, and moves by `settle`.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from line_emulator.clockwork.activity import Activity
from line_emulator.clockwork.clock import PAUSED, REAL, Clock

_CHECK_EVERY = 1.0


class FollowerSilent(Exception):
    """A follower is connected and does not answer; `name` says which."""

    def __init__(self, name: str, seconds: float) -> None:
        super().__init__(
            f"The clock follower {name!r} has not answered for {seconds:.0f} s and nothing moved; "
            "the clock stands where it was. Stop that program, or see why it hangs, and advance again."
        )
        self.name = name


class Follower:
    """One connected program."""

    def __init__(self, name: str, socket: WebSocket) -> None:
        self.name = name
        self.socket = socket
        self.next_due: int | None = None
        self.last_seen = time.monotonic()
        self.waiting: tuple[int, asyncio.Future[bool]] | None = None

    def hear(self, message: dict[str, Any]) -> None:
        """Takes an answer; one to an older question is ignored."""
        self.last_seen = time.monotonic()
        if self.waiting is None or message.get("type") != "settled" or message.get("id") != self.waiting[0]:
            return
        due = message.get("next_due")
        self.next_due = int(due) if due is not None else None
        future = self.waiting[1]
        if not future.done():
            future.set_result(bool(message.get("worked")))

    def leave(self) -> None:
        """The connection is gone: nobody waits for it any more."""
        if self.waiting is not None and not self.waiting[1].done():
            self.waiting[1].set_result(False)


class Followers:
    """All followers. `patience`: real seconds without any sign of life after which a settle gives up."""

    def __init__(self, clock: Clock, activity: Activity, patience: float = 120.0) -> None:
        self._clock = clock
        self._activity = activity
        self._patience = patience
        self._all: set[Follower] = set()
        self._settles = 0

    def names(self) -> list[str]:
        """The names of those connected."""
        return sorted(follower.name for follower in self._all)

    def next_due(self, after: int) -> int | None:
        """The earliest time after `after` at which any follower has something to do."""
        due = [f.next_due for f in self._all if f.next_due is not None and f.next_due > after]
        return min(due, default=None)

    async def serve(self, socket: WebSocket) -> None:
        """One follower's connection, for as long as it lasts."""
        await socket.accept()
        follower = Follower(socket.query_params.get("name") or "unnamed", socket)
        self._all.add(follower)
        try:
            await self._tell(follower)
            while True:
                message = msgspec.json.decode(await socket.receive_text())
                if isinstance(message, dict):
                    follower.hear(message)
        except (WebSocketDisconnect, ValueError, TypeError, KeyError, RuntimeError, OSError):
            pass
        finally:
            self._all.discard(follower)
            follower.leave()

    async def tell_all(self) -> None:
        """Tells everybody the time and the mode, after a change."""
        for follower in list(self._all):
            await self._tell(follower)

    async def settle(self, now: int) -> bool:
        """Lets every follower do all that is due at `now`. True if any of them did something.

        Raises FollowerSilent if one neither answers nor leaves.
        """
        self._settles += 1
        number = self._settles
        asked: dict[asyncio.Future[bool], Follower] = {}
        for follower in list(self._all):
            future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            follower.waiting = number, future
            asked[future] = follower
            await self._send(follower, {"type": "settle", "id": number, "now": now})
        started = time.monotonic()
        waiting = set(asked)
        while waiting:
            _, waiting = await asyncio.wait(waiting, timeout=min(_CHECK_EVERY, self._patience))
            for future in waiting:
                seen = max(started, self._activity.last_change, asked[future].last_seen)
                if time.monotonic() - seen >= self._patience:
                    raise FollowerSilent(asked[future].name, self._patience)
        return any(future.result() for future in asked)

    async def _tell(self, follower: Follower) -> None:
        mode = REAL if self._clock.runs else PAUSED
        await self._send(follower, {"type": "clock", "now": self._clock.now(), "mode": mode})

    async def _send(self, follower: Follower, message: dict[str, Any]) -> None:
        try:
            await follower.socket.send_text(msgspec.json.encode(message).decode())
        except (WebSocketDisconnect, RuntimeError, OSError):
            self._all.discard(follower)
            follower.leave()
