"""Follows an emulator's clock: does what is due when the emulator says so, and tells when it is idle.

The connection is the registration: a gateway that dies is no follower any more. The messages are described
in `docs/emulator.md`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec

from todoke.clock import SteppedClock
from todoke.engine.loop import log

if TYPE_CHECKING:
    import aiohttp

    from todoke.carriers.sessions import Http

RETRY_SECONDS = 1.0


class NoEmulator(Exception):
    """Nobody answers where the emulator's clock should be."""


class _Message(msgspec.Struct):
    type: str
    now: int
    id: int = 0
    mode: str = "paused"


Settle = Callable[[], Awaitable[tuple[int | None, bool]]]


class Follower:
    """Keeps a SteppedClock at an emulator's time."""

    def __init__(self, http: "Http", base: str, clock: SteppedClock) -> None:
        self._http = http
        self._base = base.rstrip("/")
        self._clock = clock
        self.connected = False
        self._socket: aiohttp.ClientWebSocketResponse | None = None

    async def connect(self) -> None:
        """Registers, and takes over the emulator's time. Raises NoEmulator."""
        import aiohttp  # noqa: PLC0415

        url = f"{self._base}/_emulator/v1/clock/follow?name=todoke"
        try:
            self._socket = await self._http.ws_connect(
                url, heartbeat=30, timeout=aiohttp.ClientWSTimeout(ws_close=5)
            )
            first = msgspec.json.decode(await self._socket.receive_str(timeout=5), type=_Message)
        except (aiohttp.ClientError, OSError, TimeoutError, TypeError, msgspec.MsgspecError) as error:
            raise NoEmulator(
                f"TODOKE_CLOCK names {self._base}, but no emulator answers there. "
                "Start it (line-emulator serve), or set TODOKE_CLOCK=system."
            ) from error
        self._clock.put(first.now, running=first.mode == "real")
        self.connected = True

    async def run(self, settle: Settle, woken: Callable[[], None]) -> None:
        """Obeys until cancelled; connects again when the emulator was restarted."""
        while True:
            try:
                if self._socket is None:
                    await self.connect()
                    woken()
                await self._obey(settle, woken)
            except NoEmulator:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self.connected = False
            self._socket = None
            log.warning("clock.lost", emulator=self._base)
            await asyncio.sleep(RETRY_SECONDS)

    async def _obey(self, settle: Settle, woken: Callable[[], None]) -> None:
        import aiohttp  # noqa: PLC0415

        assert self._socket is not None
        async for frame in self._socket:
            if frame.type is not aiohttp.WSMsgType.TEXT:
                break
            message = msgspec.json.decode(frame.data, type=_Message)
            if message.type == "clock":
                runs = message.mode == "real"
                self._clock.put(message.now, running=runs)
                # Where the time stands, what became due is asked for by `settle`.
                if runs:
                    woken()
            elif message.type == "settle":
                self._clock.put(message.now)
                next_due, worked = await settle()
                answer = {
                    "type": "settled",
                    "id": message.id,
                    "now": message.now,
                    "next_due": next_due,
                    "worked": worked,
                }
                await self._socket.send_str(msgspec.json.encode(answer).decode())

    async def close(self) -> None:
        if self._socket is not None:
            await self._socket.close()
