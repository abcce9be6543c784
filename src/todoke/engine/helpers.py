"""Processes of the gateway's own that do a part of its work on another core: started, watched, started again, ended."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable

from todoke.clock import monotonic, wait_for
from todoke.engine.helper_link import Link, Taker, linked
from todoke.engine.loop import log

STEADY_SECONDS = 10.0
"""A helper that has lived so long is started again at once; one that ends sooner, after a growing pause."""
LONGEST_PAUSE_SECONDS = 10.0
END_SECONDS = 5.0
"""How long a helper may take to end once its link is closed, before it is killed."""


class Helper:
    """One helper process, and the next where it ends by itself.

    It lives no longer than the gateway: its link breaks with it, however the gateway ends. Neither its arguments nor
    its environment hold anything of the settings: what it must know comes in frames.
    """

    def __init__(
        self,
        module: str,
        *,
        took: Taker,
        began: Callable[[], None] = lambda: None,
        lost: Callable[[], None] = lambda: None,
    ) -> None:
        """`module` is run with `python -m`. `took` gets each frame it sends. `began`: told whenever one was started, to
        send what it must know first. `lost`: told when it is gone unasked; all that it has not answered is lost.
        """
        self.module = module
        self._took = took
        self._began = began
        self._lost = lost
        self._link: Link | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        return None if self._child is None else self._child.pid

    async def start(self) -> None:
        """Starts the process, and watches it from now on. Raises OSError."""
        ended = await self._start()
        self._watch = asyncio.create_task(self._watch_over(ended), name=self.module)

    def start_soon(self) -> None:
        """The same for those who can't wait, and at any time again: it is started unless it was. Where the machine has
        no room for it, that is tried again and again.
        """
        if self._watch is None and not self._closing.is_set():
            self._watch = asyncio.create_task(self._start_and_watch(), name=self.module)

    def send(self, frame: bytes) -> bool:
        """Sends a frame. False where no helper runs: one will be told by `began` when it does."""
        if self._link is None or not self._link.is_open:
            return False
        self._link.send(frame)
        return True

    async def room(self) -> None:
        """Waits while the helper has much to take yet."""
        if self._link is not None:
            await self._link.room()

    def kill(self) -> None:
        """Ends a helper that does not answer; another is started."""
        if self._child is not None:
            self._child.kill()

    async def close(self) -> None:
        """Ends the process: its link is closed, and it ends by that. One that is stuck is killed."""
        self._closing.set()
        if self._link is not None:
            self._link.close()
        if self._watch is not None:
            # The link closes only when it has taken all that was sent to it.
            if not (await asyncio.wait([self._watch], timeout=END_SECONDS))[0]:
                self.kill()
            await self._watch

    async def _start(self) -> asyncio.Event:
        ours, theirs = socket.socketpair()
        try:
            self._child = subprocess.Popen(  # noqa: ASYNC220, S603 - a millisecond, and it must not be cancelled halfway
                # -P: a file of ours in the working directory must not come before the program's.
                [sys.executable, "-P", "-m", self.module],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                env={name: value for name, value in os.environ.items() if not name.startswith("TODOKE_")},
                # Ctrl-C is for the gateway alone, also before the helper's own program has come to ignore it.
                process_group=0,
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        ended = asyncio.Event()
        self._link = await linked(ours, self._took, ended.set, self._broke)
        if self._closing.is_set():
            self._link.close()
        else:
            self._began()
        return ended

    async def _start_and_watch(self) -> None:
        if (ended := await self._start_again(0.0)) is not None:
            await self._watch_over(ended)

    async def _watch_over(self, ended: asyncio.Event) -> None:
        pause = 0.0
        while True:
            since = monotonic()
            await ended.wait()
            code = await self._reap()
            if self._closing.is_set():
                return
            log.error(
                "helper.ended",
                helper=self.module,
                code=code,
                why=self._said() or ("it was killed" if code < 0 else None),
                remedy="it is started again by itself; if this comes often, look for a lack of memory",
            )
            self._lost()
            steady = monotonic() - since > STEADY_SECONDS
            pause = 0.0 if steady else min(pause * 2 + 0.1, LONGEST_PAUSE_SECONDS)
            again = await self._start_again(pause)
            if again is None:
                return
            ended = again

    async def _start_again(self, pause: float) -> asyncio.Event | None:
        """None where it is closed meanwhile."""
        while True:
            await wait_for(self._closing, pause)
            if self._closing.is_set():
                return None
            try:
                return await self._start()
            except OSError as error:
                # As while the machine has no memory left.
                log.error(
                    "helper.not_started", helper=self.module, why=error.strerror, remedy="it is tried again"
                )
                pause = LONGEST_PAUSE_SECONDS

    def _broke(self, error: Exception) -> None:
        log.error("helper.unread", helper=self.module, error=type(error).__name__, exc_info=error)

    def _said(self) -> str | None:
        return None if self._link is None else self._link.last_words

    async def _reap(self) -> int:
        child = self._child
        assert child is not None
        try:
            return await asyncio.to_thread(child.wait, END_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            return await asyncio.to_thread(child.wait)
