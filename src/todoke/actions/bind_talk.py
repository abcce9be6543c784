"""What users do in the chat about bindings, and what Todoke answers there.

Whoever adds the account is greeted with a link; a tap in the menu, or a word, gets one; a link's word shows whose page
is open; the six digits of a code may come here too; LINE tells how account links ended. All else that users write is
somebody else's, and costs one look at the text.
"""

from collections.abc import Callable, Iterable, Sequence

import structlog

from todoke.actions import bind_links, bindings
from todoke.actions.bind_links import Place
from todoke.actions.bind_says import BindSays, Room
from todoke.actions.friend_sync import State as SyncState
from todoke.actions.proofs import Found
from todoke.carriers import EventKind, InboundEvent
from todoke.codes import Codes, nonce_and_mark
from todoke.core.bind_moves import Claimed, LinkFailed
from todoke.core.bind_texts import Say
from todoke.core.bind_words import (
    BIND_DATA,
    UNBIND_DATA,
    UNBIND_SURELY_DATA,
    Heard,
    Wish,
    understood,
)
from todoke.core.binding import TRIES, State, Way, Why, counts
from todoke.core.durations import DAY
from todoke.core.message import REPLY_LASTS
from todoke.core.phone import masked
from todoke.core.routing import Friendship
from todoke.ids import Ids
from todoke.links import Links, Page
from todoke.storage import bind_links as store
from todoke.storage import bind_settings, friend_syncs, friends
from todoke.storage import bindings as binding_store
from todoke.storage import channels as channel_store
from todoke.storage.bindings import Binding
from todoke.storage.database import StorageError, Tx
from todoke.storage.sqlite import ERRORS as DATABASE_ERRORS

log = structlog.get_logger()

TOO_LATE = DAY
"""Events that are older get no greeting and no link: the user has long gone."""
_SURELY = Heard(Wish.UNBIND, "surely")
_POSTBACKS = {BIND_DATA: Heard(Wish.BIND), UNBIND_DATA: Heard(Wish.UNBIND), UNBIND_SURELY_DATA: _SURELY}


class BindTalk:
    """Answers users. `friend_url`: a LINE ID → the address at which the account is added as a friend."""

    def __init__(
        self,
        ids: Ids,
        links: Links,
        codes: Codes,
        says: BindSays,
        friend_url: Callable[[str], str],
        *,
        opens: bool = True,
        every_number_is_a_test_number: bool = True,
    ) -> None:
        """`opens`: users can open our addresses; else nobody is given one."""
        self._everyone = every_number_is_a_test_number
        self._ids = ids
        self._opens = opens
        self._says = says
        self._links = links
        self._codes = codes
        self._friend_url = friend_url

    async def hear(self, tx: Tx, heard: Sequence[Found], now: int) -> None:
        """Takes what users did, in the transaction in which it is written down.

        What one user did must not keep what all others did from being written down: where it can't be followed it is
        left. Only what the database raises goes on, for then nothing can be written.
        """
        rooms: dict[str, Room | None] = {}
        for x in heard:
            event, channel_id = x.event, x.channel_id
            wish = _wish(event)
            if channel_id is None or (
                wish is None and event.kind not in (EventKind.FOLLOW, EventKind.LINKED)
            ):
                continue
            if channel_id not in rooms:
                channel = await channel_store.get_channel(tx, channel_id)
                settings = await bind_settings.settings_of(tx, channel_id)
                rooms[channel_id] = None if channel is None else Room(channel, settings)
            if (room := rooms[channel_id]) is None:
                continue
            try:
                await self._follow(tx, room, event, wish, now)
            except (StorageError, *DATABASE_ERRORS):
                raise
            except Exception as error:
                # Not its text, which may quote the user's.
                log.error("binding.event", channel=channel_id, event_id=event.id, error=type(error).__name__)

    async def _follow(self, tx: Tx, room: Room, event: InboundEvent, wish: Heard | None, now: int) -> None:
        if event.kind is EventKind.LINKED:
            await self._linked(tx, room, event, now)
        elif event.user_id is None or now - event.at > TOO_LATE:
            return
        elif wish is not None:
            await self._wished(tx, room, event, event.user_id, wish, now)
        elif not event.standby:
            await self._followed(tx, room, event, event.user_id, now)

    async def _wished(
        self, tx: Tx, room: Room, event: InboundEvent, user_id: str, heard: Heard, now: int
    ) -> None:
        match heard.wish:
            case Wish.CLAIM:
                await self._claim(tx, room, event, user_id, heard.text, now)
            case Wish.CODE:
                await self._code(tx, room, event, user_id, heard.text, now)
            case Wish.UNBIND:
                await self._unbind(tx, room, event, user_id, heard, now)
            case Wish.BIND:
                by_tap = event.kind is EventKind.POSTBACK
                if self._opens and not event.standby and (by_tap or room.settings.greets):
                    way = Way.MENU if by_tap else Way.CHAT
                    await self._invite(tx, room, event, user_id, way, now)

    async def _followed(self, tx: Tx, room: Room, event: InboundEvent, user_id: str, now: int) -> None:
        """Greets: with the link that the user has in hand, or with one of their own. The greeter does it."""
        live = await store.live_of_user(tx, room.channel.id, user_id, now)
        in_hand = next((x for x in live if x.link.state in (State.CLAIMED, State.LINKED)), None)
        if in_hand is not None:
            url = self._links.url(Page.BIND, in_hand.link.id)
            language = in_hand.link.language
            await self._says.say(tx, room, event, user_id, Say.GO_ON, now, url=url, language=language)
            return
        if not (self._opens and room.settings.greets) or await self._standing(tx, room, user_id, now):
            return
        link = await bind_links.personal(tx, room.channel, room.settings, user_id, Way.FOLLOW, now, self._ids)
        if link is not None:
            until = event.at + REPLY_LASTS
            await store.set_greeting(tx, link.link.id, now, event.reply_token, until)

    async def _invite(
        self, tx: Tx, room: Room, event: InboundEvent, user_id: str, way: Way, now: int
    ) -> None:
        if await self._is_no_friend(tx, room, user_id):
            await self._add_first(tx, room, event, user_id, now)
            return
        link = await bind_links.personal(tx, room.channel, room.settings, user_id, way, now, self._ids)
        if link is None:
            return
        url = self._links.url(Page.BIND, link.link.id)
        standing = await self._standing(tx, room, user_id, now)
        say = Say.STANDS if standing else Say.INVITATION
        await self._says.say(tx, room, event, user_id, say, now, url=url, number=_masked(standing))

    async def _claim(
        self, tx: Tx, room: Room, event: InboundEvent, user_id: str, word: str, now: int
    ) -> None:
        found = await store.of_word(tx, room.channel.id, word)
        if found is None:
            await self._says.say(tx, room, event, user_id, Say.LINK_OVER, now)
            return
        place = Place(found, room.channel, room.settings)
        place, why = await bind_links.move(tx, place, Claimed(user_id), now)
        language = place.language
        if why is Why.IN_USE:
            await self._says.say(tx, room, event, user_id, Say.IN_USE, now, language=language)
        elif why is not None:
            await self._says.say(tx, room, event, user_id, Say.LINK_OVER, now, language=language)
        elif await self._is_no_friend(tx, room, user_id):
            await self._add_first(tx, room, event, user_id, now, language)
        else:
            url = self._links.url(Page.BIND, place.link.id)
            await self._says.say(tx, room, event, user_id, Say.GO_ON, now, url=url, language=language)

    async def _code(
        self, tx: Tx, room: Room, event: InboundEvent, user_id: str, digits: str, now: int
    ) -> None:
        live = await store.live_of_user(tx, room.channel.id, user_id, now)
        waits = [x for x in live if x.link.state is State.LINKED and x.link.code is not None]
        if not waits:
            return  # Six digits may be anything to whoever else reads this chat.
        place = Place(max(waits, key=lambda x: x.link.code_at or 0), room.channel, room.settings)
        place, why, confirmed = await bind_links.enter_code(
            tx, place, digits, self._codes, now, self._ids, self._everyone
        )
        if confirmed is not None:
            await self._says.bound(tx, place, confirmed, now, event)
            return
        say = {Why.WRONG_CODE: Say.WRONG_CODE, Why.TOO_MANY_TRIES: Say.TOO_MANY_TRIES}.get(
            why or Why.NO_CODE, Say.NO_CODE
        )
        left = str(TRIES - place.link.code_tries)
        await self._says.say(tx, room, event, user_id, say, now, language=place.language, left=left)

    async def _linked(self, tx: Tx, room: Room, event: InboundEvent, now: int) -> None:
        """How an account link ended. One whose nonce is not ours belongs to the business's own system."""
        nonce, browser = nonce_and_mark(event.nonce or "")
        found = await store.of_nonce(tx, room.channel.id, nonce) if nonce else None
        if found is None:
            return
        place = Place(found, room.channel, room.settings)
        before = place.link.state
        if event.linked:
            place, why, confirmed = await bind_links.linked(
                tx, place, event.user_id, browser, now, self._ids, self._everyone
            )
            if confirmed is not None:
                await self._says.bound(tx, place, confirmed, now, event)
            elif why is None and event.user_id is not None and before is State.CLAIMED:
                url = self._links.url(Page.BIND, place.link.id)
                language = place.language
                await self._says.say(
                    tx, room, event, event.user_id, Say.CODE_NEXT, now, url=url, language=language
                )
        else:
            place, why = await bind_links.move(tx, place, LinkFailed(), now)
        owner = place.link.user_id
        if event.standby:
            return
        if place.link.why is Why.NOT_YOURS and before is not State.DEAD and owner is not None:
            language = place.language
            await self._says.say(tx, room, None, owner, Say.NOT_YOURS, now, language=language)

    async def _unbind(
        self, tx: Tx, room: Room, event: InboundEvent, user_id: str, heard: Heard, now: int
    ) -> None:
        """Words end the bindings at once; a tap in a menu, which is easily done by mistake, asks first."""
        found = await binding_store.of_user(tx, room.channel.account_id, room.channel.provider, user_id)
        if not found:
            await self._says.say(tx, room, event, user_id, Say.NOT_BOUND, now)
        elif event.kind is EventKind.POSTBACK and heard is not _SURELY:
            await self._says.say(
                tx, room, event, user_id, Say.SURE, now, data=UNBIND_SURELY_DATA, number=_masked(found)
            )
        else:
            await bindings.unbind_user(tx, room.channel, user_id, bindings.BY_USER_CHAT, now, self._ids)
            await self._says.say(tx, room, event, user_id, Say.UNBOUND, now)

    async def _standing(self, tx: Tx, room: Room, user_id: str, now: int) -> list[Binding]:
        """What the user has bound that can be relied on."""
        found = await binding_store.of_user(tx, room.channel.account_id, room.channel.provider, user_id)
        lasts = room.settings.binding_lasts
        return [
            x
            for x in found
            # What the business's own system told of does not grow old by our count.
            if (x.link_id is None and x.doubted_at is None)
            or counts(x.confirmed_at or x.bound_at, x.doubted_at, lasts, now)
        ]

    async def _is_no_friend(self, tx: Tx, room: Room, user_id: str) -> bool:
        """Whether the user surely is no friend. Where LINE gives no followers list, nobody knows of old friends."""
        known = (await friends.find(tx, room.channel.id, [user_id])).get(user_id)
        if known is not None:
            return known.state != Friendship.FRIEND
        sync = await friend_syncs.get(tx, room.channel.id)
        return sync is not None and sync.state == SyncState.FINISHED

    async def _add_first(
        self, tx: Tx, room: Room, event: InboundEvent, user_id: str, now: int, language: str | None = None
    ) -> None:
        basic_id = room.settings.basic_id
        url = None if basic_id is None else self._friend_url(basic_id)
        await self._says.say(tx, room, event, user_id, Say.ADD_FIRST, now, url=url, language=language)


def _wish(event: InboundEvent) -> Heard | None:
    if event.kind is EventKind.MESSAGE:
        return understood(event.text)
    if event.kind is EventKind.POSTBACK:
        return _POSTBACKS.get(event.text or "")
    return None


def _masked(found: Iterable[Binding]) -> str:
    return ", ".join(dict.fromkeys(masked(x.number) for x in found))
