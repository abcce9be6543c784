"""What Todoke writes into chats about bindings: as a reply to what a user just did, or by itself."""

from typing import NamedTuple

from todoke.actions import messages
from todoke.actions.bind_links import Place
from todoke.actions.bindings import Confirmed
from todoke.carriers import InboundEvent
from todoke.core.bind_texts import Say
from todoke.core.bind_words import OF_COUNTRY, said
from todoke.core.binding import CHAT_ANSWERS_AN_HOUR
from todoke.core.durations import HOUR
from todoke.core.message import REPLY_LASTS, RESERVED
from todoke.core.phone import masked
from todoke.ids import Ids
from todoke.links import Links, Page
from todoke.storage import bind_links as store
from todoke.storage import bind_settings
from todoke.storage import messages as message_store
from todoke.storage.bind_links import StoredLink
from todoke.storage.bind_settings import BindSettings
from todoke.storage.bindings import Binding
from todoke.storage.channels import Channel
from todoke.storage.database import Tx

REFERENCE = f"{RESERVED}binding"
"""What the messages are found by."""


class Room(NamedTuple):
    """A channel in which somebody is talked to."""

    channel: Channel
    settings: BindSettings

    @property
    def brand(self) -> str:
        return self.settings.brand or self.channel.name

    @property
    def language(self) -> str:
        return OF_COUNTRY[self.channel.region]


class BindSays:
    """Writes messages, each in the caller's transaction."""

    def __init__(self, ids: Ids, links: Links) -> None:
        self._ids = ids
        self._links = links

    async def greet(self, tx: Tx, room: Room, greeted: StoredLink, name: str | None, now: int) -> None:
        """Writes a greeting that is due; `name` as the user shows it, None where LINE does not tell."""
        user_id = greeted.link.user_id
        assert user_id is not None
        await store.set_greeting(tx, greeted.link.id, None, None, None)
        if await self._has_heard_enough(tx, room, user_id, now):
            return
        texts = said(
            Say.GREETING,
            greeted.link.language or room.language,
            url=self._links.url(Page.BIND, greeted.link.id),
            brand=room.brand,
            name=name or "",
        )
        await messages.answer(
            tx,
            room.channel.account_id,
            room.channel.id,
            user_id,
            greeted.reply_token,
            greeted.reply_until,
            texts,
            now,
            self._ids,
            REFERENCE,
        )

    async def bound(
        self, tx: Tx, place: Place, confirmed: Confirmed, now: int, event: InboundEvent | None = None
    ) -> None:
        """Tells the user that they are connected, and those who had the number before that they no longer are."""
        room, binding = Room(place.channel, place.settings), confirmed.binding
        await self.say(
            tx,
            room,
            event if event is not None and event.user_id == binding.user_id else None,
            binding.user_id,
            Say.BOUND,
            now,
            language=place.language,
            url=self._links.url(Page.UNBIND, binding.id),
            number=masked(binding.number),
        )
        for other in confirmed.moved:
            await self.say(tx, room, None, other.user_id, Say.MOVED, now, language=other.language)

    async def unbound(self, tx: Tx, channel: Channel, binding: Binding, now: int) -> None:
        """Tells the user that their binding has ended as they wanted."""
        room = Room(channel, await bind_settings.settings_of(tx, channel.id))
        await self.say(tx, room, None, binding.user_id, Say.UNBOUND, now, language=binding.language)

    async def say(
        self,
        tx: Tx,
        room: Room,
        event: InboundEvent | None,
        user_id: str,
        say: Say,
        now: int,
        *,
        language: str | None = None,
        url: str | None = None,
        data: str | None = None,
        **values: str,
    ) -> None:
        """`event`: what the user just did, to which this is the answer; None: it comes by itself.

        In standby another of the account's programs talks to the user, so nothing is answered. Nor is it to whom the
        same channel has answered much in the last hour, but that they are bound.
        """
        if event is not None and (
            event.standby or (say is not Say.BOUND and await self._has_heard_enough(tx, room, user_id, now))
        ):
            return
        texts = said(say, language or room.language, url=url, data=data, brand=room.brand, **values)
        await messages.answer(
            tx,
            room.channel.account_id,
            room.channel.id,
            user_id,
            None if event is None else event.reply_token,
            None if event is None else event.at + REPLY_LASTS,
            texts,
            now,
            self._ids,
            REFERENCE,
        )

    async def _has_heard_enough(self, tx: Tx, room: Room, user_id: str, now: int) -> bool:
        """Whoever writes without end, or has a program do so, must not fill the database and the quota of pushes."""
        since = now - HOUR
        said = await message_store.count_to_user(tx, room.channel.id, user_id, REFERENCE, since)
        return said >= CHAT_ANSWERS_AN_HOUR
