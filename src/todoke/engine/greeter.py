"""Greets who has just added an account: asks LINE for the user's name, then writes the message with their bind link."""

import asyncio
from typing import Protocol

from todoke.actions.bind_says import BindSays, Room
from todoke.clock import Clock
from todoke.engine.deliver import Ownership
from todoke.engine.loop import Loop, log
from todoke.sealing import Seal
from todoke.storage import bind_links as store
from todoke.storage import bind_settings
from todoke.storage import channels as channel_store
from todoke.storage.bind_links import StoredLink
from todoke.storage.channels import Channel
from todoke.storage.database import Database, StorageError, Tx
from todoke.storage.sqlite import ERRORS as DATABASE_ERRORS

BATCH = 64
"""Greetings that are made at a time, and questions to LINE at once."""
NAME_SECONDS = 5.0
"""How long a greeting waits for the name; then it goes without one. A reply is free within a minute only."""


class Told(Protocol):
    """What LINE said; `name` is None where it shows none, or did not answer."""

    @property
    def name(self) -> str | None: ...


class Names(Protocol):
    """Who knows users' names."""

    async def display_name(self, user_id: str, access_token: str) -> Told: ...


class Greeter(Loop):
    """Makes the greetings of all channels that this process owns. A crash leaves them due."""

    name = "greeter"
    heeds_stored_only = True

    def __init__(
        self,
        clock: Clock,
        database: Database,
        says: BindSays,
        names: Names,
        seal: Seal,
        ownership: Ownership,
    ) -> None:
        super().__init__(clock)
        self._database = database
        self._says = says
        self._names = names
        self._seal = seal
        self._ownership = ownership

    async def step(self) -> bool:
        async with self._database.read(quick=True) as tx:
            waiting = [x for x in await store.channels_to_greet(tx) if self._ownership.owns(x)]
            mine = await store.to_greet(tx, waiting, BATCH)
        if not mine:
            return False
        async with self._database.read() as tx:
            channels = {x: await channel_store.get_channel(tx, x) for x in {y.channel_id for y in mine}}
        names = await asyncio.gather(*(self._name(x, channels[x.channel_id]) for x in mine))
        async with self._database.write() as tx:
            now = self.clock.now()
            for greeted, name in zip(mine, names, strict=True):
                # Meanwhile the link may have been erased, or another process have taken the channel over.
                still = await store.get_link(tx, greeted.link.id)
                channel = channels[greeted.channel_id]
                if still is None or still.greets_at is None or channel is None:
                    await store.set_greeting(tx, greeted.link.id, None, None, None)
                    continue
                room = Room(channel, await bind_settings.settings_of(tx, channel.id))
                await self._greet(tx, room, still, name, now)
        return True

    async def _greet(self, tx: Tx, room: Room, greeted: StoredLink, name: str | None, now: int) -> None:
        """One that can't be made is dropped: it must not keep the others from theirs."""
        try:
            await self._says.greet(tx, room, greeted, name, now)
        except (StorageError, *DATABASE_ERRORS):
            raise
        except Exception as error:
            # Not its text, which may quote the name.
            log.error("greeter.dropped", link=greeted.link.id, error=type(error).__name__)
            await store.set_greeting(tx, greeted.link.id, None, None, None)

    async def _name(self, greeted: StoredLink, channel: Channel | None) -> str | None:
        if channel is None or channel.access_token is None or greeted.link.user_id is None:
            return None
        try:
            access_token = self._seal.open(channel.access_token)
            async with asyncio.timeout(NAME_SECONDS):
                return (await self._names.display_name(greeted.link.user_id, access_token)).name
        except Exception as error:
            log.warning("greeter.name", channel=channel.id, error=type(error).__name__)
            return None
