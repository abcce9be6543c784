"""Everything that the emulator's parts share while it runs; built by `wiring` only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from line_emulator.bot_api.limits import RateLimits
from line_emulator.clockwork.activity import Activity
from line_emulator.clockwork.clock import Clock
from line_emulator.clockwork.followers import Followers
from line_emulator.clockwork.travel import Traveller
from line_emulator.faults import Faults
from line_emulator.ids import Ids
from line_emulator.keeping.diary import Diary
from line_emulator.posting.webhooks import Webhooks
from line_emulator.weblog import RequestLog
from line_emulator.world import Effects, World, handle
from line_emulator.world.channels import Channel
from line_emulator.world.commands import Command, Tick
from line_emulator.world.sms import Answered


def _nobody(*news: object) -> None:
    """Told where nobody listens."""


class State:
    """The world and what surrounds it. `fresh`: nothing has happened since a reset, and nobody moved the clock
    forward, so it may be set back. `counted`: called with the path of each answered request to LINE; `emptied`:
    called by a reset; `texted`: called with a user's answer to an SMS.
    """

    def __init__(
        self,
        *,
        world: World,
        clock: Clock,
        activity: Activity,
        faults: Faults,
        ids: Ids,
        webhooks: Webhooks,
        followers: Followers,
        traveller: Traveller,
        requests: RequestLog,
        limits: RateLimits,
    ) -> None:
        self.world = world
        self.clock = clock
        self.activity = activity
        self.faults = faults
        self.ids = ids
        self.webhooks = webhooks
        self.followers = followers
        self.traveller = traveller
        self.requests = requests
        self.limits = limits
        self.tokens: dict[bytes, Channel] = {}
        self.fresh = False
        self.diary: Diary | None = None
        self.counted: Callable[[str], None] | None = None
        self.emptied: Callable[[], None] = _nobody
        self.texted: Callable[[Answered], None] = _nobody
        self.url = ""
        self._watchers: set[asyncio.Event] = set()
        clock.changed = self._clock_changed
        clock.rang = self.tell_watchers
        webhooks.do = self.do

    def write_into(self, diary: Diary) -> None:
        """Writes down from now on whatever happens."""
        self.diary = self.webhooks.diary = self.faults.diary = diary
        diary.began(self.ids.events, self.fresh)

    def stop_writing(self) -> None:
        """Closes the state file, if there is one."""
        diary = self.diary
        self.diary = self.webhooks.diary = self.faults.diary = None
        if diary is not None:
            diary.close()

    def _clock_changed(self) -> None:
        if self.diary is not None:
            self.diary.moved()
        self.tell_watchers()

    @contextmanager
    def watch(self) -> Iterator[asyncio.Event]:
        """An event that is set whenever something may have changed; whoever watches clears it and looks."""
        news = asyncio.Event()
        self._watchers.add(news)
        try:
            yield news
        finally:
            self._watchers.discard(news)

    def tell_watchers(self) -> None:
        """Something may have changed that a page shows."""
        for news in self._watchers:
            news.set()

    def do(self, command: Command) -> Effects:
        """Hands a command to the world, now, and lets its events go out."""
        self.fresh = False
        now = self.clock.now()
        effects = handle(self.world, command, now)
        if self.diary is not None:
            self.diary.command(now, command)
        if effects.events:
            self.webhooks.emit(effects.events)
        if self._watchers:
            self.tell_watchers()
        return effects

    def tick(self) -> None:
        """Lets everything silent that is due happen, before somebody reads."""
        handle(self.world, Tick(), self.clock.now())

    def learn_tokens(self) -> None:
        """Rebuilds the table from `Authorization` headers to channels, after a token came or went."""
        self.tokens = {
            b"Bearer " + channel.access_token.encode(): channel
            for channel in self.world.channels.values()
            if channel.access_token is not None
        }

    def reset(self) -> None:
        """Back to empty: no channels, users, faults or logs. The clock keeps its time and mode."""
        self.emptied()
        self.world = World()
        self.clock.clear()
        self.faults.remove()
        self.webhooks.reset(self.world)
        self.requests.clear()
        self.limits.clear()
        self.learn_tokens()
        self.fresh = True
        if self.diary is not None:
            self.diary.reset(self.ids.events)
        self.tell_watchers()
