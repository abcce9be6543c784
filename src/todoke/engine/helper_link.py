"""Frames between the gateway and a helper process of its own, and a helper's side of that.

A frame is four bytes of length, lowest first, and so many bytes. The highest bit of the length marks a helper's last
words: why it ends. The link is a Unix socket, the helper's standard input. Helpers import this first, so it imports
little.
"""

import asyncio
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterator

MOST_BYTES = 64 * 1024 * 1024
"""Of a frame. What is longer is no frame of ours."""
LAST_WORDS = 1 << 31

Taker = Callable[[bytes], None]


class Link(asyncio.Protocol):
    """One end of a link, in an event loop."""

    def __init__(self, took: Taker, ended: Callable[[], None], broke: Callable[[Exception], None]) -> None:
        """`took` gets each frame; what it raises goes to `broke` and ends the link. `ended`: told once, when either
        side has closed the link or the other is gone.
        """
        self.last_words: str | None = None
        self._took = took
        self._ended = ended
        self._broke = broke
        self._transport: asyncio.Transport | None = None
        self._rest = bytearray()
        self._room = asyncio.Event()
        self._room.set()

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def send(self, frame: bytes) -> None:
        """Sends a frame; nothing where the link has ended."""
        if self._transport is not None:
            self._transport.write(len(frame).to_bytes(4, "little") + frame)

    async def room(self) -> None:
        """Waits while more is on its way than the other side has taken; for those who send much."""
        await self._room.wait()

    def close(self) -> None:
        """Ends the link, once what was sent has left."""
        if self._transport is not None:
            self._transport.close()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        rest = self._rest
        rest += data
        at = 0
        while len(rest) - at >= 4:
            length = int.from_bytes(rest[at : at + 4], "little")
            size = length & ~LAST_WORDS
            if size > MOST_BYTES:
                self.close()
                return
            if len(rest) - at - 4 < size:
                break
            frame = bytes(rest[at + 4 : at + 4 + size])
            at += 4 + size
            if length & LAST_WORDS:
                self.last_words = frame.decode(errors="replace")[:500]
                continue
            try:
                self._took(frame)
            except Exception as error:
                self._broke(error)
                self.close()
                return
        del rest[:at]

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._room.set()
        self._ended()


async def linked(
    end: socket.socket, took: Taker, ended: Callable[[], None], broke: Callable[[Exception], None]
) -> Link:
    """A link over one end of a socket pair, in the running event loop; see `Link`."""
    loop = asyncio.get_running_loop()
    end.setblocking(False)
    _, link = await loop.create_unix_connection(lambda: Link(took, ended, broke), sock=end)
    return link


def own_end() -> socket.socket:
    """A helper's end of its link, for `linked`."""
    return socket.socket(fileno=os.dup(0))


def begin() -> None:
    """A helper's first call. It ends with its link, so that Ctrl-C in a terminal, or a service manager's signal to all
    processes, lets the gateway record first what the helper has out.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.excepthook = _last_words


def _last_words(kind: type[BaseException], error: BaseException, trace: object) -> None:
    say_why(error)


def say_why(error: BaseException) -> None:
    """A helper's last words: why it ends. Types, files and lines: an exception's text may hold a number."""
    found = traceback.extract_tb(error.__traceback__)[-8:]
    places = " > ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in found)
    said = f"{type(error).__name__} at {places}".encode()[:2000]
    os.set_blocking(0, True)
    os.write(0, (len(said) | LAST_WORDS).to_bytes(4, "little") + said)


def orphaned(gateway: int) -> bool:
    """Whether the gateway of this process id, which has started us, is gone."""
    return os.getppid() != gateway


# For helpers without an event loop


def received() -> Iterator[bytes]:
    """The gateway's frames as they come; ends when it has closed the link or is gone."""
    while (head := _exactly(4)) is not None:
        frame = _exactly(int.from_bytes(head, "little"))
        if frame is None:
            return
        yield frame


def answer(frame: bytes) -> None:
    """Sends a frame to the gateway. Raises BrokenPipeError where it is gone."""
    rest = memoryview(len(frame).to_bytes(4, "little") + frame)
    while rest:
        rest = rest[os.write(0, rest) :]


def _exactly(size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        part = os.read(0, min(size - len(parts), 1 << 20))
        if not part:
            return None
        parts += part
    return bytes(parts)
