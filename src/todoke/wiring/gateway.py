"""The whole gateway, put together: web half, working half, and what both share."""

import asyncio
import os
from collections import Counter
from collections.abc import Collection, Sequence
from functools import partial

import structlog
from fastapi import FastAPI

from todoke.actions.bind_says import BindSays
from todoke.actions.bind_talk import BindTalk
from todoke.actions.facts import Setup
from todoke.actions.reactions import Reactions
from todoke.carriers.line import LineAccount, LineCounts, LineFriends, LineTokens
from todoke.carriers.line.cutting import without
from todoke.carriers.line.glance import glance
from todoke.clock import Clock, SteppedClock, SystemClock, wall
from todoke.engine.archiver import Archiver
from todoke.engine.bind_pages import BindPages
from todoke.engine.binder import Binder
from todoke.engine.code_sender import CodeSender
from todoke.engine.engine import Engine
from todoke.engine.eraser import Eraser
from todoke.engine.follow import Follower
from todoke.engine.friend_sync import FriendSyncs
from todoke.engine.greeter import Greeter
from todoke.engine.hub import Hub
from todoke.engine.loop import Loop
from todoke.engine.messenger import Messenger
from todoke.engine.metrics import count_words
from todoke.engine.poster import Poster
from todoke.engine.probe import Prober
from todoke.engine.reconciler import Comparer, Reconciler
from todoke.engine.sending import Outlets
from todoke.engine.token_keeper import TokenKeeper
from todoke.engine.watch import Watch
from todoke.links import Page
from todoke.previews import Painter
from todoke.reports.prices import CATALOGUE, Prices, PricesError, load_prices
from todoke.server.app import make_app
from todoke.server.inbox_writer import InboxWriter
from todoke.server.known import Known
from todoke.server.notice_writer import NoticeWriter
from todoke.server.services import Services
from todoke.settings import Settings, SettingsError, unknown_names
from todoke.storage.archive import Archive
from todoke.storage.inbox import Posted
from todoke.storage.lookup import Lookup
from todoke.wiring.base import Base
from todoke.wiring.outside import Outside

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
        self._outside = Outside(settings, self._store)
        self._clock: Clock = SystemClock()
        if settings.clock != "system":
            stepped = SteppedClock(wall())
            self._clock = stepped
            self._follower = Follower(self._outside.http, settings.clock, stepped)
        self._setup = Setup(
            sms_routes=self._outside.sms.routes,
            sms_began=self._outside.sms.began,
            every_number_is_a_test_number=settings.line_is_emulated,
            bind_link=partial(base.links.url, Page.BIND),
        )
        self._outlets = Outlets(
            line=self._outside.departures,
            push=self._outside.push,
            reply=self._outside.reply,
            sms=self._outside.sms,
            callback=self._outside.callback,
            setup=self._setup,
        )
        self._lookup = Lookup()
        self._archive = Archive(settings.data_dir / "archive")
        self._refused = Counter[str]()
        self._says = BindSays(base.ids, base.links)
        self._poster = Poster(self._clock, base.database, self._outside.endpoints, base.seal, base.ids)
        self._comparer = Comparer(
            self._clock,
            base.database,
            LineCounts(self._outside.http, settings.line_api_base),
            base.seal,
            self._lookup,
            base.ids,
            # Ids come from the machine's clock.
            by_id=settings.clock == "system",
        )
        self._engine = Engine(
            clock=self._clock,
            database=base.database,
            data_dir=settings.data_dir,
            outlets=self._outlets,
            readers=self._outside.readers,
            lookup=self._lookup,
            ids=base.ids,
            seal=base.seal,
            reactions=self._reactions(),
            posted=self._poster.wake.set,
            chores=self._chores,
            # Where there is but one core, or the time is made up, another process would only be in the way.
            reads_beside=settings.clock == "system" and (os.cpu_count() or 1) > 1,
        )
        self._inbox = InboxWriter(base.database, self._stored)
        self._known = Known()
        self._notices = NoticeWriter(
            base.database, self._clock, base.ids, self._lookup, self._setup, self._known, self._noticed
        )
        self.app: FastAPI = make_app(self._services(prices))

    def _reactions(self) -> Reactions:
        """What follows from what users do."""
        base = self._base
        talk = BindTalk(
            base.ids,
            base.links,
            base.codes,
            self._says,
            self._outside.linking.friend_url,
            # A gateway whose address nobody else can open must not write to users about it.
            opens=base.settings.line_is_emulated or base.settings.base_url.startswith("https://"),
            every_number_is_a_test_number=base.settings.line_is_emulated,
        )
        return Reactions(base.ids, on_words=count_words, bind_talk=talk, archived=self._archive.accounts_of)

    def _chores(self, engine: Engine) -> Sequence[Loop]:
        """The loops that work beside the notices."""
        base, clock, outside = self._base, self._clock, self._outside
        http, line_api_base = outside.http, base.settings.line_api_base
        database, seal, ids, ownership = base.database, base.seal, base.ids, engine.ownership
        wake_poster = self._poster.wake.set
        self._hub = Hub(clock, database, outside.passing, glance, seal, ids, ownership, wake_poster)
        return [
            FriendSyncs(clock, database, LineFriends(http, line_api_base), seal, ownership, ids),
            TokenKeeper(clock, database, LineTokens(http, line_api_base), seal, ownership, engine.use),
            self._poster,
            Watch(
                clock,
                database,
                ownership,
                outside.sms,
                LineAccount(http, line_api_base),
                seal,
                ids,
                self._refused,
                wake_poster,
            ),
            Greeter(clock, database, self._says, outside.linking, seal, ownership),
            Messenger(clock, database, self._outlets, seal, ownership, engine.pacers, ids),
            Reconciler(clock, database, self._comparer, ownership),
            Archiver(clock, database, self._archive, base.settings.keep_days, base.settings.archive_days),
            self._hub,
        ]

    def _services(self, prices: Prices) -> Services:
        """What the web half works with."""
        base, outside = self._base, self._outside
        return Services(
            database=base.database,
            clock=self._clock,
            ids=base.ids,
            seal=base.seal,
            lookup=self._lookup,
            setup=self._setup,
            line_reader=outside.line,
            receipt_readers=outside.receipt_readers,
            reply_readers=outside.reply_readers,
            prices=prices,
            receipt_secret=outside.receipt_secret,
            inbox=self._inbox,
            known=self._known,
            notices=self._notices,
            refused=self._refused,
            allow_private=base.settings.allow_private,
            uploads=base.settings.data_dir / "uploads",
            base_url=base.settings.base_url,
            prober=Prober(self._clock, base.database, outside.endpoints, base.seal, base.ids),
            wake=self._engine.wake,
            noticed=self._noticed,
            comparer=self._comparer,
            links=base.links,
            painter=Painter(base.settings.chromium),
            binder=self._binder(),
            hub=self._hub,
            passing=outside.passing,
            archive=self._archive,
            eraser=Eraser(
                self._clock,
                base.database,
                base.ids,
                self._lookup,
                base.seal,
                without,
                base.settings.data_dir / "uploads",
                self._hub.erased,
                self._archive,
            ),
            is_ready=self._trouble,
        )

    def _binder(self) -> Binder:
        base, linking = self._base, self._outside.linking
        return Binder(
            clock=self._clock,
            database=base.database,
            ids=base.ids,
            links=base.links,
            codes=base.codes,
            says=self._says,
            line=linking,
            pages=BindPages(self._clock, base.database, base.seal, base.links, linking),
            sender=CodeSender(self._outside.sms, base.ids),
            every_number_is_a_test_number=base.settings.line_is_emulated,
            wake=self._engine.wake,
        )

    def _stored(self) -> None:
        """Something that was posted to us is in the inbox."""
        self._engine.wake_inbox()
        self._hub.arrived()

    def _noticed(self, channel_ids: Collection[str], announced: int) -> None:
        """New notices are stored, and webhooks that tell of them."""
        self._engine.wake_channels(channel_ids)
        if announced:
            self._poster.wake.set()

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
        self._lookup.desks.load()
        await self._outside.start()
        await self._engine.start()
        if self._follower is not None:
            self._following = asyncio.create_task(self._follower.run(self._engine.settle, self._engine.wake))
        self._running = True

    async def stop(self) -> None:
        """Lets what is out be answered and recorded, then closes everything."""
        self._running = False
        await self._engine.stop()
        await self._outside.stop()
        if self._following is not None and self._follower is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
            await self._follower.close()
        await self._outside.close()
        await self._base.database.close()
