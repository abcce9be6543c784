"""Suppressed recipients: told by the business, imported as a list, ended with a reason."""

import re
from collections.abc import Sequence

import msgspec

from todoke.actions import announcements
from todoke.actions.intake import Invalid, NotFound
from todoke.core.person import Person, mentions
from todoke.core.suppression import OWN_WILL, Cause, Scope, outweighs
from todoke.ids import Ids
from todoke.storage import suppressions as store
from todoke.storage.database import Tx
from todoke.storage.suppressions import Suppression

MAX_TEXT = 200
_FEWEST_DIGITS = 8
"""No text with fewer digits holds a mobile number, or its hash."""
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""Control characters, and halves of characters, which JSON can hold and no database."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A suppression as it is asked for. `number` is E.164; `by`: who asks."""

    number: str
    scope: Scope = Scope.ALL
    reason: Cause = Cause.MANUAL
    note: str | None = None
    by: str
    at: int | None = None
    """When it was said, ms; None: now."""


class Done(msgspec.Struct, frozen=True):
    """What suppressing came to: for each in turn what stands now, and whether that is new."""

    each: list[tuple[Suppression, bool]]
    told: int
    """Webhooks that were queued."""

    @property
    def new(self) -> int:
        """How many are new."""
        return sum(new for _, new in self.each)


async def suppress(tx: Tx, account_id: str, wanted: Sequence[Wanted], now: int, ids: Ids) -> Done:
    """Suppresses recipients. The same again changes nothing.

    A weightier reason takes the place of one that stands: what somebody said themselves must not end with what the
    business had decided before.
    """
    rows = await store.standing(tx, account_id, sorted({x.number for x in wanted}))
    stands = {(x.number, x.scope): x for x in rows}
    before = {x.id for x in rows}
    made: dict[str, Suppression] = {}
    replaced: list[str] = []
    done: list[tuple[Suppression, bool]] = []
    for x in wanted:
        place = (x.number, x.scope)
        known = stands.get(place)
        if known is not None and not outweighs(x.reason, known.reason):
            done.append((known, False))
            continue
        if known is not None and known.id in before:
            replaced.append(known.id)
        elif known is not None:
            del made[known.id]
        new = Suppression(
            id=ids.new(),
            account_id=account_id,
            number=x.number,
            scope=x.scope,
            reason=x.reason,
            note=x.note,
            at=now if x.at is None else x.at,
            by=x.by,
            created_at=now,
        )
        stands[place] = made[new.id] = new
        done.append((new, True))
    await store.end(tx, replaced, now, "a weightier reason came")
    await store.insert_suppressions(tx, list(made.values()))
    return Done(
        done, await announcements.of_suppressions(tx, "suppression.added", list(made.values()), now, ids)
    )


async def end(tx: Tx, stand: Sequence[Suppression], at: int, why: str | None, now: int, ids: Ids) -> int:
    """Ends suppressions that stand. Answers how many webhooks tell of it."""
    for x in stand:
        x.removed_at, x.removed_why = at, why
    await store.end(tx, [x.id for x in stand], at, why)
    return await announcements.of_suppressions(tx, "suppression.removed", stand, now, ids)


async def release(
    tx: Tx, account_id: str, suppression_id: str, why: str | None, now: int, ids: Ids
) -> Suppression:
    """Ends a suppression; one that has ended already stays as it is. Raises NotFound, Invalid without a needed why."""
    why = plain(why, "/why")
    found = await store.get(tx, account_id, suppression_id)
    if found is not None:
        unnamed(why, found.number, "/why")
    if found is None:
        raise NotFound(
            "There is no suppression with this id in this account. GET /v1/suppressions lists them."
        )
    if found.removed_at is not None:
        return found
    if why is None and found.reason in OWN_WILL:
        said = "asked for no more messages" if found.reason is Cause.OPT_OUT else "complained"
        raise Invalid(
            f"The recipient {said}: only they can take it back. Say in why how they did so, such as "
            '"asked again by phone on 7 August". It is kept.',
            "/why",
        )
    await end(tx, [found], now, why, now, ids)
    return found


def has_unfit(text: str) -> bool:
    """Whether a text holds what can't be kept."""
    return _UNFIT.search(text) is not None


def unnamed(text: str | None, number: str, pointer: str) -> None:
    """Raises Invalid where a note or a reason holds the recipient's number: notes are shown to all, numbers masked."""
    if text is None or sum(c.isdigit() for c in text) < _FEWEST_DIGITS:
        return
    if mentions(text, Person(numbers=frozenset({number}))):
        raise Invalid(
            f"{pointer.strip('/')} holds the recipient's number, which is kept beside it already. Leave it out, or "
            "write a ticket's number instead.",
            pointer,
        )


def plain(text: str | None, pointer: str) -> str | None:
    """A note or a reason as it is kept; None for an empty one. Raises Invalid."""
    text = (text or "").strip()
    if len(text) > MAX_TEXT or has_unfit(text):
        raise Invalid(
            f"{pointer.strip('/')} has at most {MAX_TEXT} characters and no control characters. Shorten it to plain "
            "text.",
            pointer,
        )
    return text or None
