"""Bind links: made, looked up with all that belongs to them, and moved, one act at a time."""

import json
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from todoke.actions import bindings
from todoke.actions.bindings import Confirmed
from todoke.actions.intake import Invalid
from todoke.actions.refusals import refuse_suppressed
from todoke.codes import Codes
from todoke.core.bind_moves import (
    CodeEntered,
    Died,
    Event,
    Linked,
    Moved,
    Trusted,
    step,
)
from todoke.core.bind_texts import LANGUAGES
from todoke.core.bind_words import OF_COUNTRY
from todoke.core.binding import LINKS_A_DAY, PERSONAL_LASTS, Link, State, Way, Why, needs_code
from todoke.core.durations import DAY, HOUR
from todoke.core.phone import parse
from todoke.core.routing import Step
from todoke.core.suppression import Scope
from todoke.ids import Ids
from todoke.storage import bind_links as store
from todoke.storage import bind_settings, suppressions
from todoke.storage import channels as channel_store
from todoke.storage.bind_links import OfAttempt, StoredLink
from todoke.storage.bind_settings import BindSettings
from todoke.storage.channels import Channel
from todoke.storage.database import Tx
from todoke.storage.lookup import decode_policy

PERSONAL = (Way.FOLLOW, Way.MENU, Way.CHAT)
"""Links that were given to a LINE user in the chat; the number is asked for."""
WAYS = {
    Step.SMS: Way.SMS,
    Step.LINE_NOTIFICATION: Way.NOTIFICATION,
    Step.LINE_PUSH: Way.PUSH,
}
USER_ID_LENGTH = 100


class Place(NamedTuple):
    """A link with what belongs to it, as it stands in one transaction."""

    stored: StoredLink
    channel: Channel
    settings: BindSettings
    new: bool = False
    """It stands in a notice and has no row yet."""

    @property
    def link(self) -> Link:
        return self.stored.link

    @property
    def brand(self) -> str:
        """The name that users know the business by."""
        return self.settings.brand or self.channel.name

    @property
    def language(self) -> str:
        """In which the user is written to."""
        return self.link.language or OF_COUNTRY[self.channel.region]


class NewLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link as it is asked for over the API."""

    number: str | None = None
    user_id: str | None = None
    language: str | None = None


async def make(tx: Tx, channel: Channel, wanted: NewLink, now: int, ids: Ids) -> StoredLink:
    """A link for a number, for a LINE user, for both or for nobody in particular.

    Raises Invalid, InvalidNumber, Suppressed.
    """
    number = None if wanted.number is None else parse(wanted.number, channel.region, "/number").e164
    if number is not None:
        await refuse_suppressed(tx, channel.account_id, number, "/number")
    if wanted.language is not None and wanted.language not in LANGUAGES:
        raise Invalid(
            f"language is {wanted.language[:20]!r}. Use one of {', '.join(LANGUAGES)}.", "/language"
        )
    settings = await bind_settings.settings_of(tx, channel.id)
    lasts = settings.link_lasts
    made = Link(
        id=ids.new(),
        way=Way.API,
        created_at=now,
        expires_at=now + (lasts if wanted.user_id is None else min(lasts, PERSONAL_LASTS)),
        number=number,
        user_id=wanted.user_id,
        asks_number=number is None,
        language=wanted.language,
    )
    stored = StoredLink(link=made, account_id=channel.account_id, channel_id=channel.id)
    await store.insert_link(tx, stored)
    return stored


async def personal(
    tx: Tx, channel: Channel, settings: BindSettings, user_id: str, way: Way, now: int, ids: Ids
) -> StoredLink | None:
    """A link for a LINE user, which asks for the number; the one that they have, where that is as good.

    None: they were given too many today.
    """
    for known in await store.live_of_user(tx, channel.id, user_id, now):
        if known.link.way not in PERSONAL:
            continue
        if known.link.may_change_number and known.link.expires_at - now > HOUR:
            return known
        await store.save(tx, step(known.link, Died(Why.REPLACED), now).link)
    if await store.count_made(tx, channel.id, user_id, PERSONAL, now - DAY) >= LINKS_A_DAY:
        return None
    made = Link(
        id=ids.new(),
        way=way,
        created_at=now,
        expires_at=now + min(settings.link_lasts, PERSONAL_LASTS),
        user_id=user_id,
        asks_number=True,
    )
    stored = StoredLink(link=made, account_id=channel.account_id, channel_id=channel.id)
    await store.insert_link(tx, stored)
    return stored


async def place_of(tx: Tx, link_id: str) -> Place | Why:
    """The link of an id that our own token held; a link in a notice is made up from its attempt."""
    stored, new = await store.get_link(tx, link_id), False
    found = None if stored is not None else await store.of_attempt(tx, link_id)
    if found is not None:
        if found.erased:
            return Why.ERASED
        new = True
    channel_id = stored.channel_id if stored is not None else found.channel_id if found else None
    if channel_id is None:
        return Why.GONE
    channel = await channel_store.get_channel(tx, channel_id)
    if channel is None:
        return Why.NO_CHANNEL
    settings = await bind_settings.settings_of(tx, channel_id)
    if found is not None:
        stored = _of_notice(link_id, found, settings)
    assert stored is not None
    return Place(stored, channel, settings, new)


def _of_notice(link_id: str, found: OfAttempt, settings: BindSettings) -> StoredLink:
    way = WAYS.get(Step(found.step), Way.API)
    link = Link(
        id=link_id,
        way=way,
        created_at=found.at,
        expires_at=found.at + settings.link_lasts,
        number=found.number,
        trusted=way is Way.NOTIFICATION and decode_policy(found.policy).trust_links,
    )
    return StoredLink(
        link=link,
        account_id=found.account_id,
        channel_id=found.channel_id,
        notice_id=found.notice_id,
        template_id=found.template_id,
    )


async def move(tx: Tx, place: Place, event: Event, now: int) -> tuple[Place, Why | None]:
    """Moves a link and writes it down."""
    return await _write(tx, place, step(place.link, event, now))


async def _write(tx: Tx, place: Place, moved: Moved) -> tuple[Place, Why | None]:
    changed = place._replace(stored=replace(place.stored, link=moved.link))
    if moved.link is place.link or moved.link == place.link:
        return changed, moved.why
    if place.new:
        await store.insert_link(tx, changed.stored)
    else:
        await store.save(tx, moved.link)
    return changed._replace(new=False), moved.why


async def enter_code(
    tx: Tx, place: Place, digits: str, codes: Codes, now: int, ids: Ids, everyone: bool
) -> tuple[Place, Why | None, Confirmed | None]:
    """The user entered a code. With the right one the number is bound. `everyone`: each number is a test number."""
    if (why := await objection_meanwhile(tx, place, everyone)) is not None:
        return place, why, None
    hashed = codes.hashed(place.link.id, place.link.number or "", digits)
    binding_id = ids.new()
    moved = step(place.link, CodeEntered(hashed, binding_id), now)
    return await _bound(tx, place, moved, binding_id, now, ids)


async def linked(
    tx: Tx, place: Place, user_id: str | None, browser: str | None, now: int, ids: Ids, everyone: bool
) -> tuple[Place, Why | None, Confirmed | None]:
    """LINE confirmed a user, from the browser with this mark. Where no code is needed the number is bound."""
    if (why := await objection_meanwhile(tx, place, everyone)) is not None:
        return *await move(tx, place, Died(why), now), None
    moved = step(place.link, Linked(user_id, browser), now)
    binding_id = ids.new()
    if moved.why is None and not needs_code(
        moved.link, await bindings.contradicted(tx, place.channel, moved.link)
    ):
        moved = step(moved.link, Trusted(binding_id), now)
    return await _bound(tx, place, moved, binding_id, now, ids)


async def _bound(
    tx: Tx, place: Place, moved: Moved, binding_id: str, now: int, ids: Ids
) -> tuple[Place, Why | None, Confirmed | None]:
    confirmed = None
    if moved.why is None and moved.link.state is State.BOUND:
        confirmed = await bindings.bind_by_link(tx, place.channel, moved.link, binding_id, now, ids)
        moved = Moved(replace(moved.link, binding_id=confirmed.binding.id))
    place, why = await _write(tx, place, moved)
    return place, why, confirmed


async def objection_meanwhile(tx: Tx, place: Place, everyone: bool) -> Why | None:
    """What was said against the number since its user agreed."""
    link = place.link
    if link.number is None or link.state not in (State.CLAIMED, State.LINKED):
        return None
    return await objection(tx, place.channel, link.number, everyone)


async def objection(
    tx: Tx, channel: Channel, number: str, everyone: bool, *, by_sms: bool = False
) -> Why | None:
    """Why this number may not be bound, or not be sent a code: a channel in test mode, a suppression."""
    if not everyone and channel.mode != "live" and number not in json.loads(channel.test_numbers):
        return Why.NOT_A_TEST_NUMBER
    scopes = (await suppressions.scopes_of(tx, channel.account_id, [number])).get(number, set())
    if Scope.ALL in scopes:
        return Why.SUPPRESSED
    return Why.SMS_SUPPRESSED if by_sms and Scope.SMS in scopes else None
