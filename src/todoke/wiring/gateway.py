"""The whole gateway, put together: web half, working half, and what both share."""

import asyncio
from collections import Counter

import structlog
from fastapi import FastAPI

from todoke.actions.facts import Setup
from todoke.actions.reactions import Reactions
from todoke.carriers.callback import CallbackCarrier
from todoke.carriers.guarded import guarded_session
from todoke.carriers.line import (
    LineAccount,
    LineCarrier,
    LineCounts,
    LineFriends,
    LinePushCarrier,
    LineTokens,
    Transport,
    make_session,
)
from todoke.carriers.smpp import SmppCarrier
from todoke.carriers.sms_http import SmsHttpCarrier
from todoke.clock import Clock, SteppedClock, SystemClock, wall
from todoke.engine.engine import Engine
from todoke.engine.follow import Follower
from todoke.engine.friend_sync import FriendSyncs
from todoke.engine.messenger import Messenger
from todoke.engine.poster import AT_ONCE, Poster
from todoke.engine.reconciler import Comparer, Reconciler
from todoke.engine.sending import Outlets
from todoke.engine.sms_carriers import SmsCarriers
from todoke.engine.token_keeper import TokenKeeper
from todoke.engine.watch import Watch
from todoke.reports.prices import CATALOGUE, Prices, PricesError, load_prices
from todoke.server.app import make_app
from todoke.server.services import InboxWriter, Services
from todoke.settings import Settings, SettingsError, secret_from_file, unknown_names
from todoke.storage.inbox import Posted
from todoke.storage.lookup import Lookup
from todoke.wiring.base import Base
from todoke.wiring.sms import sms_carriers

log = structlog.get_logger()


def own_prices(settings: Settings) -> Prices:
    """What the business says that messages cost, before what is published. Raises SettingsError."""
    path = settings.data_dir / "prices.yaml"
    try:
        return load_prices(path) if path.exists() else CATALOGUE
    except PricesError as error:
        raise SettingsError(str(error)) from None


class Gateway:
    """All of Todoke in one process: the web half and the working half."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self._follower: Follower | None = None
        self._following: asyncio.Task[None] | None = None
        self._running = False
        settings = base.settings
        prices = own_prices(settings)
        self._http = make_session()
        self._clock: Clock = SystemClock()
        if settings.clock != "system":
            stepped = SteppedClock(wall())
            self._clock = stepped
            self._follower = Follower(self._http, settings.clock, stepped)
        receipt_secret = secret_from_file(settings.data_dir / "receipt.key")
        self._to_line = Transport(settings.line_api_base)
        line = LineCarrier(self._to_line)
        self._to_targets = guarded_session(settings.allow_private)
        # Of their own, so that slow endpoints of webhooks never hold up notices whose step is callback.
        self._to_endpoints = guarded_session(settings.allow_private, AT_ONCE)
        try:
            found = sms_carriers(settings, self._http, receipt_secret, self._store)
            sms = SmsCarriers(found)
        except SettingsError:
            # No connection was made yet; a session that is only dropped would complain beside the error.
            self._http.detach()
            self._to_targets.detach()
            self._to_endpoints.detach()
            raise
        setup = Setup(
            sms_routes=sms.routes,
            sms_began=sms.began,
            every_number_is_a_test_number=settings.line_is_emulated,
        )
        self._links = [c for c in found if isinstance(c, SmppCarrier)]
        receipt_readers = {c.name: c for c in found if isinstance(c, SmsHttpCarrier)}
        outlets = Outlets(
            line=line,
            push=LinePushCarrier(self._to_line),
            sms=sms,
            callback=CallbackCarrier(self._to_targets, settings.allow_private),
            setup=setup,
        )
        lookup = Lookup()
        refused = Counter[str]()
        poster = Poster(
            self._clock,
            base.database,
            CallbackCarrier(self._to_endpoints, settings.allow_private),
            base.seal,
        )
        line_friends = LineFriends(self._http, settings.line_api_base)
        comparer = Comparer(
            self._clock,
            base.database,
            LineCounts(self._http, settings.line_api_base),
            base.seal,
            lookup,
            base.ids,
            # Ids come from the machine's clock.
            by_id=settings.clock == "system",
        )
        self._engine = Engine(
            clock=self._clock,
            database=base.database,
            data_dir=settings.data_dir,
            outlets=outlets,
            readers={"line": line, **{c.name: c for c in found}},
            lookup=lookup,
            ids=base.ids,
            seal=base.seal,
            reactions=Reactions(base.ids),
            chores=lambda engine: [
                FriendSyncs(self._clock, base.database, line_friends, base.seal, engine.ownership),
                TokenKeeper(
                    self._clock,
                    base.database,
                    LineTokens(self._http, settings.line_api_base),
                    base.seal,
                    engine.ownership,
                    engine.use,
                ),
                poster,
                Watch(
                    self._clock,
                    base.database,
                    engine.ownership,
                    sms,
                    LineAccount(self._http, settings.line_api_base),
                    base.seal,
                    base.ids,
                    refused,
                    poster.wake.set,
                ),
                Messenger(self._clock, base.database, outlets, base.seal, engine.ownership, engine.pacers),
                Reconciler(self._clock, base.database, comparer, engine.ownership),
            ],
        )
        self._inbox = InboxWriter(base.database, self._engine.wake_inbox)
        services = Services(
            database=base.database,
            clock=self._clock,
            ids=base.ids,
            seal=base.seal,
            lookup=lookup,
            setup=setup,
            line_reader=line,
            receipt_readers=receipt_readers,
            prices=prices,
            receipt_secret=receipt_secret,
            inbox=self._inbox,
            refused=refused,
            allow_private=settings.allow_private,
            uploads=settings.data_dir / "uploads",
            base_url=settings.base_url,
            wake=self._engine.wake,
            comparer=comparer,
            is_ready=self._trouble,
        )
        self.app: FastAPI = make_app(services)

    async def _store(self, carrier: str, body: bytes) -> None:
        now = self._clock.now()
        posted = Posted(carrier=carrier, channel_id=None, headers="{}", body=body, received_at=now)
        await self._inbox.put(posted)

    def _trouble(self) -> str | None:
        if not self._running:
            return "starting or stopping"
        if self._follower is not None and not self._follower.connected:
            return f"the emulator at {self._base.settings.clock} does not answer, so time stands still"
        return None

    async def start(self) -> None:
        """Follows the clock, if it is an emulator's, then begins to work. Raises NoEmulator."""
        for name in unknown_names():
            log.warning("settings.unknown", name=name, remedy="settings are in docs/settings.md")
        if self._follower is not None:
            await self._follower.connect()
        await asyncio.gather(*(link.start() for link in self._links))
        await self._engine.start()
        if self._follower is not None:
            self._following = asyncio.create_task(self._follower.run(self._engine.settle, self._engine.wake))
        self._running = True

    async def stop(self) -> None:
        """Lets what is out be answered and recorded, then closes everything."""
        self._running = False
        await self._engine.stop()
        # Receipts that come until then are still stored.
        await asyncio.gather(*(link.stop() for link in self._links))
        if self._following is not None and self._follower is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
            await self._follower.close()
        await self._to_line.close()
        await self._http.close()
        await self._to_targets.close()
        await self._to_endpoints.close()
        await self._base.database.close()
