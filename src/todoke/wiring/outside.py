"""All by which requests leave the process: sessions, LINE, SMS carriers, the business's own systems."""

import asyncio
import os
from functools import partial

from todoke.carriers import EventReader
from todoke.carriers.callback import CallbackCarrier
from todoke.carriers.guarded import guarded_session
from todoke.carriers.line import (
    LineCarrier,
    LineLinking,
    LinePushCarrier,
    LineReplyCarrier,
    Transport,
    make_session,
)
from todoke.carriers.passing import Passing
from todoke.carriers.replies import place_of
from todoke.carriers.sessions import Session
from todoke.carriers.sms_http import SmsHttpCarrier
from todoke.engine.courier.departures import CourierDepartures
from todoke.engine.outgoing import Departures, InProcess
from todoke.engine.poster import AT_ONCE
from todoke.engine.sending import send_failed
from todoke.engine.sms_carriers import SmsCarriers
from todoke.settings import Settings, secret_from_file
from todoke.wiring.sms import Store, sms_carriers


class Outside:
    """Made in a running event loop; closed by `close`."""

    def __init__(self, settings: Settings, store: Store) -> None:
        """`store`: keeps what a carrier told over its own link. Raises SettingsError."""
        self.http = Session(make_session)
        """To LINE where not every request counts, to SMS carriers, to the emulator's clock."""
        self._to_line = Transport(settings.line_api_base)
        self._to_targets = Session(partial(guarded_session, settings.allow_private))
        # Of their own, so that slow endpoints of webhooks never hold up notices whose step is callback.
        self._to_endpoints = Session(partial(guarded_session, settings.allow_private, AT_ONCE))
        # Without a limit: each target has its own, and none shall wait for another's connections.
        self._to_hub = Session(partial(guarded_session, settings.allow_private, 0))
        self.receipt_secret = secret_from_file(settings.data_dir / "receipt.key")
        found = sms_carriers(settings, self.http, self.receipt_secret, store)
        self.sms = SmsCarriers(found)
        self.line = LineCarrier(self._to_line)
        here = InProcess(self.line, send_failed)
        self.departures: Departures = here
        if settings.courier:
            self.departures = CourierDepartures(settings.line_api_base, os.getpid(), here)
        self.push = LinePushCarrier(self._to_line)
        self.reply = LineReplyCarrier(self._to_line)
        self.linking = LineLinking(self.http, settings.line_api_base)
        self.callback = CallbackCarrier(self._to_targets, settings.allow_private)
        self.endpoints = CallbackCarrier(self._to_endpoints, settings.allow_private)
        self.passing = Passing(self._to_hub, settings.allow_private)
        self._links = [c for c in found if not isinstance(c, SmsHttpCarrier)]
        self.receipt_readers = {c.name: c for c in found if isinstance(c, SmsHttpCarrier)}
        self.reply_readers = {
            name: c.replies for name, c in self.receipt_readers.items() if c.replies is not None
        }
        self.readers: dict[str, EventReader] = {
            "line": self.line,
            **{c.name: c for c in found},
            **{place_of(name): replies for name, replies in self.reply_readers.items()},
        }
        """Who reads what is in the inbox, by the name of who posted it."""

    @property
    def _sessions(self) -> tuple[Session, ...]:
        return (self.http, self._to_targets, self._to_endpoints, self._to_hub)

    async def start(self) -> None:
        """Opens the links that carriers keep standing."""
        await self.departures.start()
        await asyncio.gather(*(link.start() for link in self._links))

    async def stop(self) -> None:
        """Ends those; receipts that come until then are still stored."""
        await asyncio.gather(*(link.stop() for link in self._links))
        await self.departures.close()

    async def close(self) -> None:
        """Closes all connections. Nothing can leave afterwards."""
        await self._to_line.close()
        for session in self._sessions:
            await session.close()
