"""Keeps one link to the SMSC bound: connects, waits for its end, connects again, slower each time it fails."""

import asyncio

import structlog

from todoke.carriers.smpp.declaration import SmppDeclaration, seconds
from todoke.carriers.smpp.replies import NotBound
from todoke.carriers.smpp.session import Hear, Session
from todoke.clock import monotonic, wait_for

log = structlog.get_logger()


class Link:
    """`how`: transceiver, transmitter or receiver."""

    def __init__(self, declaration: SmppDeclaration, password: str, how: str, hear: Hear) -> None:
        self.how = how
        self.session: Session | None = None
        self._why = "not started"
        self._declaration = declaration
        self._password = password
        self._hear = hear
        self._task: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()
        self._stop = asyncio.Event()

    @property
    def bound(self) -> bool:
        """Whether requests can be made now."""
        return self.session is not None and self.session.bound

    @property
    def why_not(self) -> str | None:
        """Why it is not bound; None if it is."""
        if self.bound:
            return None
        return self._why if self.session is None else self.session.why or "the session is ending"

    async def start(self) -> None:
        """Returns after the first try, whatever came of it; goes on trying by itself."""
        if self._task is not None:
            return
        self._stop.clear()
        self._tried.clear()
        self._task = asyncio.create_task(self._keep())
        await self._tried.wait()

    async def stop(self, grace: float) -> None:
        """Unbinds after at most `grace` seconds, and tries no more."""
        if self._task is None:
            return
        self._stop.set()
        if self.session is not None:
            await self.session.close(grace, "stopped")
        else:
            self._task.cancel()  # it may hang in connecting
        await asyncio.gather(self._task, return_exceptions=True)
        self._task, self.session, self._why = None, None, "stopped"

    async def _keep(self) -> None:
        first = seconds(self._declaration.reconnect.first)
        most = seconds(self._declaration.reconnect.most)
        delay = first
        while not self._stop.is_set():
            since = monotonic()
            try:
                refused = await self._once()
            except Exception as exc:  # a defect, and no reason to leave the provider without a link for ever
                self.session, self._why, refused = None, "a defect of Todoke: see the log", False
                log.error("smpp.failed", carrier=self._declaration.name, exc_info=exc)
            finally:
                self._tried.set()
            # A link that breaks as soon as it is bound must not make us hammer at the SMSC.
            if monotonic() - since > max(delay, self._declaration.timeout_seconds):
                delay = first
            await wait_for(self._stop, most if refused else delay)
            delay = min(delay * 2, most)

    async def _once(self) -> bool:
        """One session, from connecting to its end. True if the SMSC refused our name or password."""
        name = self._declaration.name
        session: Session | None = None
        try:
            session = await Session.connect(self._declaration, self._hear)
            await session.bind(self.how, self._declaration, self._password)
        except NotBound as exc:
            self._why = str(exc)
            log.warning("smpp.not_bound", carrier=name, bind=self.how, why=self._why)
            return exc.refused
        except asyncio.CancelledError:
            if session is not None:
                await session.close(0, "stopped")
            raise
        self.session = session
        log.info("smpp.bound", carrier=name, bind=self.how)
        self._tried.set()
        why = await session.ended()
        self.session, self._why = None, why
        if not self._stop.is_set():
            log.warning("smpp.lost", carrier=name, bind=self.how, why=why)
        return False
