"""Makes what the page of a bind link shows, from the link and all around it."""

from typing import Protocol

import structlog
from msgspec.structs import replace

from todoke.actions import bindings
from todoke.actions.bind_links import Place
from todoke.clock import Clock
from todoke.core.bind_words import claiming, consents
from todoke.core.binding import TRIES, Next, Why, shown
from todoke.core.durations import DAY, MINUTE
from todoke.core.phone import masked
from todoke.engine.bind_view import OtherNumber, View
from todoke.links import Links, Page
from todoke.sealing import CannotUnseal, Seal
from todoke.storage import bind_links as store
from todoke.storage import bind_settings
from todoke.storage import bindings as binding_store
from todoke.storage.bind_settings import BindSettings
from todoke.storage.channels import Channel
from todoke.storage.database import Database, Tx

log = structlog.get_logger()

NO_ANSWER_LASTS = MINUTE
"""How long LINE is not asked again for what it did not tell."""


class Told(Protocol):
    """What LINE said to a request."""

    @property
    def ok(self) -> bool: ...


class ToldToken(Told, Protocol):
    @property
    def link_token(self) -> str: ...

    @property
    def not_a_friend(self) -> bool: ...


class ToldId(Told, Protocol):
    @property
    def basic_id(self) -> str: ...


class LineLinks(Protocol):
    """What is asked of LINE."""

    @property
    def emulated(self) -> bool: ...

    async def link_token(self, user_id: str, access_token: str) -> ToldToken: ...

    async def basic_id(self, access_token: str) -> ToldId: ...

    def dialog_url(self, link_token: str, nonce: str) -> str: ...

    def chat_url(self, basic_id: str, text: str) -> str: ...

    def friend_url(self, basic_id: str) -> str: ...


class BindPages:
    """Reads, and asks LINE for the account's own address where nobody knows it yet."""

    def __init__(self, clock: Clock, database: Database, seal: Seal, links: Links, line: LineLinks) -> None:
        self._not_asked_until: dict[str, int] = {}
        self._clock = clock
        self._database = database
        self._seal = seal
        self._links = links
        self._line = line

    async def view(
        self, tx: Tx, place: Place | Why, now: int, mark: str | None, why: Why | None = None
    ) -> View:
        """What the page shows. `why`: what stood in the way of what was just tried.

        `mark`: of the browser. From the code on the page is only for the one from which LINE confirmed the
        user: whoever else was given the address must not have their number's code entered for that LINE account.
        """
        if isinstance(place, Why):
            return View(next=Next.SORRY, why=place)
        link = place.link
        next, over = shown(link, now)
        if next is Next.DONE and not link.is_confirmed_in(mark):
            next, over = Next.SORRY, Why.USED
        if next is Next.DONE:
            why = None
        elif next is Next.CODE and not link.is_confirmed_in(mark):
            next, why = Next.LINK, why or Why.OTHER_BROWSER
        elif why in (Why.SUPPRESSED, Why.SMS_SUPPRESSED):
            # Not the link's end: it goes on once that is taken back.
            next = Next.SORRY
        view = View(
            next=next,
            why=over or why,
            language=link.language,
            brand=place.brand,
            answers=self.answers(place.settings),
            country=place.channel.region,
            number=None if link.number is None else masked(link.number),
            asks_number=link.may_change_number,
        )
        match next:
            case Next.AGREE:
                return replace(
                    view,
                    consents=consents(place.settings.consent, place.brand),
                    consent_version=place.settings.consent_version,
                )
            case Next.CHAT:
                return replace(view, word=claiming(link.word or ""))
            case Next.CODE:
                return await self._code_view(tx, place, view, now)
            case Next.DONE:
                url = None
                if link.binding_id is not None:
                    url = self._links.url(Page.UNBIND, link.binding_id)
                return replace(view, unbind_url=url)
        return view

    def answers(self, settings: BindSettings) -> bool:
        """Whether a channel's chat answers the words that ask for a link."""
        return settings.greets and (self._links.secure or self._line.emulated)

    async def _code_view(self, tx: Tx, place: Place, view: View, now: int) -> View:
        link = place.link
        assert link.number is not None
        assert link.user_id is not None
        account = place.stored.account_id
        sent = await store.codes_since(tx, account, link.number, link.user_id, now - DAY)
        until = link.code_lasts_until(now)
        others = None
        if not link.asks_number:
            provider = place.channel.provider
            bound = await binding_store.of_number(tx, account, link.number, provider, bindings.MOST_OTHERS)
            others = sum(x.user_id != link.user_id for x in bound)
        return replace(
            view,
            code_sent_at=None if until is None else link.code_at,
            code_lasts_until=until,
            may_send_at=link.may_send_at(sent, now),
            tries_left=TRIES - link.code_tries,
            others=others,
            other_numbers=tuple(await self.other_numbers(tx, place)),
        )

    async def other_numbers(self, tx: Tx, place: Place) -> list[OtherNumber]:
        """What else the link's LINE user has bound."""
        user_id = place.link.user_id
        if user_id is None:
            return []
        found = await binding_store.of_user(tx, place.stored.account_id, place.channel.provider, user_id)
        return [OtherNumber(x.id, masked(x.number)) for x in found if x.number != place.link.number]

    async def with_addresses(self, view: View, place: Place | Why) -> View:
        """Adds what opens LINE, where the page needs it. No transaction may be open: LINE may have to be asked."""
        if isinstance(place, Why) or (view.next is not Next.CHAT and view.why is not Why.NOT_A_FRIEND):
            return view
        basic_id = place.settings.basic_id or await self._ask_basic_id(place.channel)
        if basic_id is None:
            return view
        chat = None if view.word is None else self._line.chat_url(basic_id, view.word)
        return replace(view, chat_url=chat, friend_url=self._line.friend_url(basic_id))

    async def _ask_basic_id(self, channel: Channel) -> str | None:
        """The account's LINE ID from LINE, kept for the next time."""
        access_token = self.token_of(channel)
        # Open pages ask again and again; LINE is not asked as often while it does not tell.
        if access_token is None or self._clock.now() < self._not_asked_until.get(channel.id, 0):
            return None
        answer = await self._line.basic_id(access_token)
        if not answer.ok:
            self._not_asked_until[channel.id] = self._clock.now() + NO_ANSWER_LASTS
            return None
        async with self._database.write() as tx:
            await bind_settings.put_basic_id(tx, channel.id, answer.basic_id, self._clock.now())
        return answer.basic_id

    def token_of(self, channel: Channel) -> str | None:
        """The channel's access token; None where it has none that can be read."""
        if channel.access_token is None:
            return None
        try:
            return self._seal.open(channel.access_token)
        except CannotUnseal as error:
            log.error("channel.sealed", channel=channel.id, why=str(error))
            return None
