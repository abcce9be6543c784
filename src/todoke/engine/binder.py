"""What a bind link's page shows and does: transactions, with requests to LINE and to the SMS carriers between them.

No transaction is open while a request is out. What a request needs is committed before: after a crash the user finds
the link where it was, and tries again.
"""

from collections.abc import Awaitable, Callable, Collection

import structlog
from msgspec.structs import replace

from todoke.actions import bind_links, bindings
from todoke.actions.bind_links import Place
from todoke.actions.bind_says import BindSays
from todoke.clock import Clock
from todoke.codes import Codes
from todoke.core.bind_moves import Agreed, Asked, CodeMade, CodeUnsent, Event, Opened
from todoke.core.bind_texts import LANGUAGES
from todoke.core.bind_words import consents, digits_of, sms_text
from todoke.core.binding import Next, State, Why
from todoke.core.durations import DAY
from todoke.core.errors import InvalidNumber
from todoke.core.outcome import Answer, Outcome
from todoke.core.phone import masked, parse
from todoke.engine.bind_pages import BindPages, LineLinks
from todoke.engine.bind_view import OtherNumber, View
from todoke.engine.code_sender import CodeSender
from todoke.ids import Ids
from todoke.links import Links, Page
from todoke.storage import bind_links as store
from todoke.storage import bind_settings
from todoke.storage import bindings as binding_store
from todoke.storage import channels as channel_store
from todoke.storage.database import Database, Tx

__all__ = ["Binder", "OtherNumber", "View"]

log = structlog.get_logger()

Act = Callable[[Tx, Place, int, str | None], Awaitable[View]]
"""What one act does within its transaction: place, now, the browser's mark → what the page shows then."""


class Binder:
    """Opens links and takes them on, one act of the user at a time.

    Every method takes the last part of the link's address, whatever stands there, and never raises for what users,
    LINE or carriers do. Only `open` and the acts write; what a prefetch opens changes nothing but the time of opening.

    `browser`: what the browser keeps, as `line_url` was given it; None: nothing. Codes are sent, shown and taken only
    where LINE confirmed the user: an address can be passed on, and the number's owner must not be led to enter their
    code for somebody else's LINE account.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        database: Database,
        ids: Ids,
        links: Links,
        codes: Codes,
        says: BindSays,
        line: LineLinks,
        pages: BindPages,
        sender: CodeSender,
        every_number_is_a_test_number: bool,
        wake: Callable[[], None],
    ) -> None:
        """`wake`: something was written that loops of the engine may have to do with."""
        self._clock = clock
        self._database = database
        self._ids = ids
        self._links = links
        self._codes = codes
        self._says = says
        self._line = line
        self._views = pages
        self._sender = sender
        self._everyone = every_number_is_a_test_number
        self._wake = wake

    async def open(self, token: str, browser: str | None) -> View:
        """The page was asked for (GET). A link that has done its work answers SORRY, USED."""
        link_id = self._links.read(Page.BIND, token)
        if link_id is None:
            return View(next=Next.SORRY, why=Why.FORGED)
        now, mark = self._clock.now(), self._mark(link_id, browser)
        async with self._database.read() as tx:
            place = await bind_links.place_of(tx, link_id)
            known = isinstance(place, Why) or place.link.opened_at is not None or place.link.over(now)
            if known:
                view = await self._views.view(tx, place, now, mark)
        if not known:
            async with self._database.write() as tx:
                place = await bind_links.place_of(tx, link_id)
                if isinstance(place, Place):
                    place, _ = await bind_links.move(tx, place, Opened(), now)
                view = await self._views.view(tx, place, now, mark)
        if view.next is Next.DONE:
            view = replace(view, next=Next.SORRY, why=Why.USED, unbind_url=None)
        return await self._views.with_addresses(view, place)

    async def look(self, token: str, browser: str | None, *, addresses: bool = True) -> View:
        """The same without writing anything, for a page that is open and waits for what happens in LINE.

        For ten minutes after success it answers DONE. `addresses`: those that open LINE are wanted.
        """
        link_id = self._links.read(Page.BIND, token)
        if link_id is None:
            return View(next=Next.SORRY, why=Why.FORGED)
        async with self._database.read() as tx:
            place = await bind_links.place_of(tx, link_id)
            view = await self._views.view(tx, place, self._clock.now(), self._mark(link_id, browser))
        return await self._views.with_addresses(view, place) if addresses else view

    async def agree(
        self, token: str, number: str | None, language: str, consent_version: int, browser: str | None
    ) -> View:
        """The user agreed to the consent text of this version in this language.

        `number`: as typed, where the link asks for it; else it is ignored. Until a code was sent another one may be
        given.
        """

        async def act(tx: Tx, place: Place, now: int, mark: str | None) -> View:
            return await self._agree(tx, place, number, language, consent_version, now, mark)

        return await self._act(token, browser, act)

    async def _agree(
        self,
        tx: Tx,
        place: Place,
        typed: str | None,
        language: str,
        version: int,
        now: int,
        mark: str | None,
    ) -> View:
        link, number = place.link, place.link.number
        if link.state is State.LINKED and not link.is_confirmed_in(mark):
            return await self._views.view(tx, place, now, mark)
        if link.may_change_number and (typed is not None or number is None):
            try:
                number = parse(typed or "", place.channel.region, "/number").e164
            except InvalidNumber as error:
                view = await self._views.view(tx, place, now, mark, Why.BAD_NUMBER)
                return replace(view, number_reason=error.reason)
        if number is not None and link.state is not State.BOUND:
            why = await bind_links.objection(tx, place.channel, number, self._everyone)
            if why is not None:
                return await self._views.view(tx, place, now, mark, why)
        if link.state is State.OPEN and version != place.settings.consent_version:
            return await self._views.view(tx, place, now, mark, Why.CONSENT_CHANGED)
        language = language if language in LANGUAGES else place.language
        event = Agreed(
            number=number,
            language=language,
            consent=consents(place.settings.consent, place.brand)[language],
            consent_version=place.settings.consent_version,
            word=self._codes.word(),
        )
        place, why = await bind_links.move(tx, place, event, now)
        return await self._views.view(tx, place, now, mark, why)

    def new_browser(self) -> str:
        """Something for a browser to keep."""
        return self._codes.browser()

    def _mark(self, link_id: str, browser: str | None) -> str | None:
        return None if browser is None else self._codes.mark(link_id, browser)

    async def line_url(self, token: str, browser: str) -> str | View:
        """Where to redirect this browser to: LINE's account link dialog. A View where that can't be."""
        found = await self._asked(token, browser)
        if isinstance(found, View):
            return found
        link, channel = found.link, found.channel
        assert link.user_id is not None
        assert link.nonce is not None
        access_token = self._views.token_of(channel)
        answer = None if access_token is None else await self._line.link_token(link.user_id, access_token)
        if answer is not None and answer.ok:
            return self._line.dialog_url(answer.link_token, link.nonce + self._codes.mark(link.id, browser))
        no_friend = answer is not None and answer.not_a_friend
        async with self._database.read() as tx:
            place = await bind_links.place_of(tx, link.id)
            why = Why.NOT_A_FRIEND if no_friend else Why.LINE_DOWN
            mark = self._mark(link.id, browser)
            view = await self._views.view(tx, place, self._clock.now(), mark, why)
        return await self._views.with_addresses(view, place)

    async def _asked(self, token: str, browser: str) -> Place | View:
        """The link with its nonce, committed before LINE is asked: its event may come before LINE's answer does."""
        link_id = self._links.read(Page.BIND, token)
        if link_id is None:
            return View(next=Next.SORRY, why=Why.FORGED)
        async with self._database.write() as tx:
            place, now = await bind_links.place_of(tx, link_id), self._clock.now()
            mark = self._mark(link_id, browser)
            if isinstance(place, Why):
                return await self._views.view(tx, place, now, mark)
            why = await bind_links.objection_meanwhile(tx, place, self._everyone)
            if why is None:
                place, why = await bind_links.move(tx, place, Asked(self._codes.nonce()), now)
            view = None if why is None else await self._views.view(tx, place, now, mark, why)
        return place if view is None else await self._views.with_addresses(view, place)

    async def send_code(
        self,
        token: str,
        browser: str | None,
        keeps_others: bool = False,
        keeps_numbers: Collection[str] = (),
    ) -> View:
        """Sends a code by SMS.

        `keeps_others`: the number's other LINE accounts are the user's too. `keeps_numbers`: ids of the bindings
        among `other_numbers` which stay.
        """
        code = self._codes.new()
        made: list[Place] = []

        async def act(tx: Tx, place: Place, now: int, mark: str | None) -> View:
            if place.link.state is State.LINKED and not place.link.is_confirmed_in(mark):
                return await self._views.view(tx, place, now, mark)
            changed = await self._make_code(tx, place, code, keeps_others, keeps_numbers, now)
            if isinstance(changed, Why):
                # What a refusal may have changed is the end of a link whose time is over.
                again = await bind_links.place_of(tx, place.link.id)
                return await self._views.view(tx, again, now, mark, changed)
            made.append(changed)
            return await self._views.view(tx, changed, now, mark)

        view = await self._act(token, browser, act)
        if not made:
            return view
        answer = await self._bring(made[0], code)
        if answer.outcome is Outcome.ACCEPTED:
            return view
        if answer.outcome is Outcome.UNKNOWN:
            return replace(view, why=Why.SMS_UNKNOWN)
        link_id, number = made[0].link.id, made[0].link.number or ""
        unsent = CodeUnsent(self._codes.hashed(link_id, number, code))

        async def take_back(tx: Tx, place: Place, now: int, mark: str | None) -> View:
            place, _ = await bind_links.move(tx, place, unsent, now)
            return await self._views.view(tx, place, now, mark, Why.SMS_FAILED)

        return await self._act(token, browser, take_back)

    async def _make_code(
        self, tx: Tx, place: Place, code: str, keeps_others: bool, keeps_numbers: Collection[str], now: int
    ) -> Place | Why:
        link = place.link
        if link.state is State.LINKED:
            assert link.number is not None
            assert link.user_id is not None
            why = await bind_links.objection(tx, place.channel, link.number, self._everyone, by_sms=True)
            if why is not None:
                return why
            if not self._sender.can_reach(link.number):
                return Why.NO_SMS
            others = await self._views.other_numbers(tx, place)
            sent = await store.codes_since(tx, place.stored.account_id, link.number, link.user_id, now - DAY)
            event: Event = CodeMade(
                code=self._codes.hashed(link.id, link.number, code),
                sent_today=sent,
                keeps_others=keeps_others,
                keeps_numbers=tuple(x.binding_id for x in others if x.binding_id in keeps_numbers),
            )
        else:
            event = CodeMade(code="", sent_today=0)
        place, why = await bind_links.move(tx, place, event, now)
        return place if why is None else why

    async def _bring(self, place: Place, code: str) -> Answer:
        number = place.link.number or ""
        return await self._sender.send(place.link.id, number, sms_text(place.language, place.brand, code))

    async def enter_code(self, token: str, code: str, browser: str | None) -> View:
        """The user entered a code; DONE if it is the one."""
        digits = digits_of(code)

        async def act(tx: Tx, place: Place, now: int, mark: str | None) -> View:
            if place.link.state is State.LINKED and not place.link.is_confirmed_in(mark):
                return await self._views.view(tx, place, now, mark)
            if digits is None:
                return await self._views.view(tx, place, now, mark, Why.WRONG_CODE)
            place, why, confirmed = await bind_links.enter_code(
                tx, place, digits, self._codes, now, self._ids, self._everyone
            )
            if confirmed is not None:
                await self._says.bound(tx, place, confirmed, now)
            return await self._views.view(tx, place, now, mark, why)

        return await self._act(token, browser, act)

    async def unbind_view(self, token: str) -> View:
        """The page for ending a binding: UNBIND (asks to confirm), UNBOUND (has ended), or SORRY with FORGED."""
        return await self._unbinding(token, confirmed=False)

    async def unbind(self, token: str) -> View:
        """The user confirmed: UNBOUND."""
        return await self._unbinding(token, confirmed=True)

    async def _unbinding(self, token: str, *, confirmed: bool) -> View:
        binding_id = self._links.read(Page.UNBIND, token)
        if binding_id is None:
            return View(next=Next.SORRY, why=Why.FORGED)
        async with self._database.write() if confirmed else self._database.read() as tx:
            binding = await binding_store.find(tx, binding_id)
            if binding is None:
                return View(next=Next.SORRY, why=Why.ERASED)
            now = self._clock.now()
            link = None if binding.link_id is None else await store.get_link(tx, binding.link_id)
            channels = [
                x
                for x in await channel_store.list_channels(tx, binding.account_id)
                if x.provider == binding.provider
            ]
            channel = next((x for x in channels if link and x.id == link.channel_id), None)
            channel = channel or next(iter(channels), None)
            if channel is None:
                return View(next=Next.SORRY, why=Why.NO_CHANNEL)
            if confirmed and binding.unbound_at is None:
                await bindings.end(tx, binding, bindings.BY_USER_PAGE, now, self._ids)
                await self._says.unbound(tx, channel, binding, now)
            settings = await bind_settings.settings_of(tx, channel.id)
        self._wake()
        return View(
            next=Next.UNBIND if binding.unbound_at is None else Next.UNBOUND,
            language=binding.language,
            brand=settings.brand or channel.name,
            answers=self._views.answers(settings),
            country=channel.region,
            number=masked(binding.number),
        )

    async def _act(self, token: str, browser: str | None, act: Act) -> View:
        """One act of the user: its transaction, and what the page shows then."""
        link_id = self._links.read(Page.BIND, token)
        if link_id is None:
            return View(next=Next.SORRY, why=Why.FORGED)
        async with self._database.write() as tx:
            place = await bind_links.place_of(tx, link_id)
            now, mark = self._clock.now(), self._mark(link_id, browser)
            if isinstance(place, Why):
                view = await self._views.view(tx, place, now, mark)
            else:
                view = await act(tx, place, now, mark)
        self._wake()
        return await self._views.with_addresses(view, place)
