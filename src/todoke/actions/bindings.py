"""Numbers bound to LINE users by the users' own act, and unbound."""

import re
from typing import NamedTuple

import msgspec

from todoke.actions import announcements
from todoke.actions.intake import Invalid, NotFound
from todoke.core.binding import Link
from todoke.core.durations import MINUTE, parse_rfc3339
from todoke.core.phone import parse
from todoke.ids import Ids
from todoke.storage import bindings as store
from todoke.storage.bindings import Binding
from todoke.storage.channels import Channel
from todoke.storage.database import Tx

CLOCKS_DIFFER = 5 * MINUTE
"""So far ahead of ours another system's clock may be."""
MOST_OTHERS = 1_000
"""LINE users of one number that are looked at; nobody has so many."""
BY_LINK = "link:"
"""With the way of the link after it, `way` of what users bound by a link."""
BY_USER_PAGE, BY_USER_CHAT = "the user, by the link to disconnect", "the user, in the chat"
MOVED = "moved: another LINE user confirmed the number"
NO_LONGER_THEIRS = "the user confirmed another number and did not keep this one"
BY_BUSINESS = "business"
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""Control characters, and halves of characters, which JSON can hold and no database."""


class NewBinding(msgspec.Struct, frozen=True, kw_only=True):
    """A binding as it is asked for."""

    number: str
    user_id: str
    way: str
    consent: str | None = None
    bound_at: str | None = None


async def bind(tx: Tx, channel: Channel, wanted: NewBinding, now: int, ids: Ids) -> tuple[Binding, bool]:
    """Binds a number to a user of the channel's provider. The second part: whether that is new.

    The same again changes nothing. Other users of the number stay bound: one number may serve several LINE
    accounts, such as somebody's old one and their new one.
    """
    number = parse(wanted.number, channel.region, "/number").e164
    consent = _text(wanted.consent, "/consent")
    at = now if wanted.bound_at is None else _moment(wanted.bound_at, now)
    before = await store.standing(tx, channel.account_id, channel.provider, number, wanted.user_id)
    if before is not None:
        return before, False
    made = Binding(
        id=ids.new(),
        account_id=channel.account_id,
        provider=channel.provider,
        number=number,
        user_id=wanted.user_id,
        way=wanted.way,
        consent=consent,
        bound_at=at,
        created_at=now,
    )
    await _begin(tx, made, now, ids)
    return made, True


async def unbind(tx: Tx, account_id: str, binding_id: str, why: str | None, now: int, ids: Ids) -> Binding:
    """Ends a binding; one that has ended already stays as it is. Raises NotFound."""
    why = _text(why, "/why")
    found = await store.get_binding(tx, account_id, binding_id)
    if found is None:
        raise NotFound("There is no binding with this id in this account. GET /v1/bindings lists them.")
    if found.unbound_at is None:
        await end(tx, found, why, now, ids)
    return found


async def doubt(tx: Tx, account_id: str, binding_id: str, now: int, ids: Ids) -> Binding:
    """The business has reason to think that the number is another person's: nothing is pushed until it is confirmed.

    Raises NotFound.
    """
    found = await store.get_binding(tx, account_id, binding_id)
    if found is None:
        raise NotFound("There is no binding with this id in this account. GET /v1/bindings lists them.")
    if found.unbound_at is None and found.doubted_at is None:
        found.doubted_at, found.doubted_why = now, BY_BUSINESS
        await store.doubt(tx, [found.id], now, BY_BUSINESS)
        await announcements.of_bindings(tx, "binding.doubted", [found], now, ids)
    return found


class Confirmed(NamedTuple):
    """What a link came to: the binding, and those that ended by it."""

    binding: Binding
    moved: list[Binding]
    """Of other users with this number."""
    dropped: list[Binding]
    """Of the same user with other numbers."""


async def bind_by_link(
    tx: Tx, channel: Channel, link: Link, binding_id: str, now: int, ids: Ids
) -> Confirmed:
    """Binds the link's number to its user, or confirms the binding that stands; then that one keeps its id.

    Others of the number end unless the user said that they are theirs too, and so do the user's other numbers
    unless they were ticked.
    """
    assert link.number is not None
    assert link.user_id is not None
    account, provider = channel.account_id, channel.provider
    standing = await store.standing(tx, account, provider, link.number, link.user_id)
    binding = standing or Binding(
        id=binding_id,
        account_id=account,
        provider=provider,
        number=link.number,
        user_id=link.user_id,
        way="",
        bound_at=now,
        created_at=now,
    )
    binding.way, binding.link_id = BY_LINK + link.way, link.id
    binding.consent, binding.consent_version = link.consent, link.consent_version
    binding.language = link.language
    binding.confirmed_at, binding.doubted_at, binding.doubted_why = now, None, None
    if standing is None:
        await _begin(tx, binding, now, ids)
    else:
        await store.confirm(tx, binding)
        await announcements.of_bindings(tx, "binding.confirmed", [binding], now, ids)
    moved: list[Binding] = []
    dropped: list[Binding] = []
    if not link.keeps_others:
        for other in await store.of_number(tx, account, link.number, provider, MOST_OTHERS):
            if other.user_id != link.user_id:
                await end(tx, other, MOVED, now, ids)
                moved.append(other)
    for other in await store.of_user(tx, account, provider, link.user_id):
        if other.number != link.number and other.id not in link.keeps_numbers:
            await end(tx, other, NO_LONGER_THEIRS, now, ids)
            dropped.append(other)
    return Confirmed(binding, moved, dropped)


async def contradicted(tx: Tx, channel: Channel, link: Link) -> bool:
    """Whether the link's number is bound to another user, or its user to another number."""
    assert link.number is not None
    assert link.user_id is not None
    of_number = await store.of_number(tx, channel.account_id, link.number, channel.provider, MOST_OTHERS)
    of_user = await store.of_user(tx, channel.account_id, channel.provider, link.user_id)
    return any(x.user_id != link.user_id for x in of_number) or any(x.number != link.number for x in of_user)


async def unbind_user(tx: Tx, channel: Channel, user_id: str, why: str, now: int, ids: Ids) -> list[Binding]:
    """Ends all that a LINE user has bound. Answers what that was."""
    found = await store.of_user(tx, channel.account_id, channel.provider, user_id)
    for binding in found:
        await end(tx, binding, why, now, ids)
    return found


async def end(tx: Tx, binding: Binding, why: str | None, now: int, ids: Ids) -> None:
    """Every binding that ends does so here."""
    binding.unbound_at, binding.unbound_why = now, why
    await store.end(tx, binding.id, now, why)
    await announcements.of_bindings(tx, "binding.ended", [binding], now, ids)


async def _begin(tx: Tx, binding: Binding, now: int, ids: Ids) -> None:
    """Every binding that is made is made here."""
    await store.insert_binding(tx, binding)
    await announcements.of_bindings(tx, "binding.bound", [binding], now, ids)


def _text(text: str | None, pointer: str) -> str | None:
    if text is not None and _UNFIT.search(text):
        raise Invalid(
            f"{pointer} holds control characters or halves of characters. Write plain text.", pointer
        )
    return text or None


def _moment(text: str, now: int) -> int:
    try:
        at = parse_rfc3339(text)
    except (ValueError, OverflowError) as error:
        raise Invalid(f"bound_at: {error}", "/bound_at") from None
    if not 0 <= at <= now + CLOCKS_DIFFER:
        raise Invalid(
            f"bound_at is {text[:40]!r}. Give the past moment of the user's act, or leave it out for now.",
            "/bound_at",
        )
    return at
