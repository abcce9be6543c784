"""All by which requests leave the process: sessions, LINE, SMS carriers, the business's own systems."""

import asyncio

import aiohttp

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
from todoke.carriers.smpp import SmppCarrier
from todoke.carriers.sms_http import SmsHttpCarrier
from todoke.engine.poster import AT_ONCE
from todoke.engine.sms_carriers import SmsCarriers
from todoke.settings import Settings, SettingsError, secret_from_file
from todoke.wiring.sms import Store, sms_carriers


class Outside:
    """Made in a running event loop; closed by `close`."""

    def __init__(self, settings: Settings, store: Store) -> None:
        """`store`: keeps what a carrier told over its own link. Raises SettingsError."""
        self.http = make_session()
        """To LINE where not every request counts, to SMS carriers, to the emulator's clock."""
        self._to_line = Transport(settings.line_api_base)
        self._to_targets = guarded_session(settings.allow_private)
        # Of their own, so that slow endpoints of webhooks never hold up notices whose step is callback.
        self._to_endpoints = guarded_session(settings.allow_private, AT_ONCE)
        # Without a limit: each target has its own, and none shall wait for another's connections.
        self._to_hub = guarded_session(settings.allow_private, 0)
        self.receipt_secret = secret_from_file(settings.data_dir / "receipt.key")
        try:
            found = sms_carriers(settings, self.http, self.receipt_secret, store)
            self.sms = SmsCarriers(found)
        except SettingsError:
            # No connection was made yet; a session that is only dropped would complain beside the error.
            for session in self._sessions:
                session.detach()
            raise
        self.line = LineCarrier(self._to_line)
        self.push = LinePushCarrier(self._to_line)
        self.reply = LineReplyCarrier(self._to_line)
        self.linking = LineLinking(self.http, settings.line_api_base)
        self.callback = CallbackCarrier(self._to_targets, settings.allow_private)
        self.endpoints = CallbackCarrier(self._to_endpoints, settings.allow_private)
        self.passing = Passing(self._to_hub, settings.allow_private)
        self._links = [c for c in found if isinstance(c, SmppCarrier)]
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
    def _sessions(self) -> tuple[aiohttp.ClientSession, ...]:
        return (self.http, self._to_targets, self._to_endpoints, self._to_hub)

    async def start(self) -> None:
        """Opens the links that carriers keep standing."""
        await asyncio.gather(*(link.start() for link in self._links))

    async def stop(self) -> None:
        """Ends those links; receipts that come until then are still stored."""
        await asyncio.gather(*(link.stop() for link in self._links))

    async def close(self) -> None:
        """Closes all connections. Nothing can leave afterwards."""
        await self._to_line.close()
        for session in self._sessions:
            await session.close()
