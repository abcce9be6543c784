"""Numbers bound to LINE users by the users' own act, and unbound."""

import re

import msgspec

from todoke.actions.intake import Invalid, NotFound
from todoke.core.durations import MINUTE, parse_rfc3339
from todoke.core.phone import parse
from todoke.ids import Ids
from todoke.storage import bindings as store
from todoke.storage.bindings import Binding
from todoke.storage.channels import Channel
from todoke.storage.database import Tx

CLOCKS_DIFFER = 5 * MINUTE
"""So far ahead of ours another system's clock may be."""
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
    await store.insert_binding(tx, made)
    return made, True


async def unbind(tx: Tx, account_id: str, binding_id: str, why: str | None, now: int) -> Binding:
    """Ends a binding; one that has ended already stays as it is. Raises NotFound."""
    why = _text(why, "/why")
    found = await store.get_binding(tx, account_id, binding_id)
    if found is None:
        raise NotFound("There is no binding with this id in this account. GET /v1/bindings lists them.")
    if found.unbound_at is None:
        found.unbound_at, found.unbound_why = now, why
        await store.end(tx, found.id, now, why)
    return found


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
