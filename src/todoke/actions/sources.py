"""Sources: where numbers came from, and on what ground they may be used. The business says so, per list."""

from typing import Any

import msgspec

from todoke.actions.channels import Conflict
from todoke.actions.intake import Invalid, NotFound
from todoke.actions.suppressions import has_unfit
from todoke.core.durations import parse_rfc3339
from todoke.core.suppression import Ground
from todoke.ids import Ids
from todoke.storage import sources as store
from todoke.storage.database import Tx
from todoke.storage.sources import Source

MOST = 1000
"""Sources of an account, ended ones too."""
LONGEST_NAME = 100
LONGEST_ORIGIN = 500


class NewSource(msgspec.Struct, frozen=True, kw_only=True):
    """A source as it is asked for; times are RFC 3339."""

    name: str
    ground: Ground
    origin: str
    collected_from: str | None = None
    collected_until: str | None = None


async def create(tx: Tx, account_id: str, wanted: NewSource, now: int, ids: Ids) -> tuple[Source, bool]:
    """A new source; the same again answers the one that stands. The second part: whether it is new.

    Raises Invalid, and Conflict where another source has the name or there are too many.
    """
    made = _checked(
        Source(
            id=ids.new(),
            account_id=account_id,
            name=wanted.name.strip(),
            ground=wanted.ground,
            origin=wanted.origin.strip(),
            collected_from=_moment(wanted.collected_from, "/collected_from"),
            collected_until=_moment(wanted.collected_until, "/collected_until"),
            created_at=now,
        )
    )
    before = await store.find(tx, account_id, made.name)
    if before is not None:
        same = msgspec.structs.replace(made, id=before.id, created_at=before.created_at)
        if same == before:
            return before, False
        raise Conflict(
            f"There is another source {made.name!r} already. PATCH /v1/sources/{{id}} changes it; or give this one "
            "a name of its own, such as with the month in it.",
            "/name",
        )
    if await store.count(tx, account_id) >= MOST:
        raise Conflict(f"There are {MOST:,} sources, which is the most. One source may stand for many lists.")
    await store.insert_source(tx, made)
    return made, True


async def change(tx: Tx, account_id: str, source: str, changes: dict[str, Any], now: int) -> Source:
    """Changes what is given: origin, ground, collected_from, collected_until, ended. Raises NotFound, Invalid.

    The name stays: notices and lists outside know the source by it.
    """
    found = await found_source(tx, account_id, source)
    for name in ("ground", "origin"):
        if changes.get(name) is not None:
            setattr(found, name, changes[name].strip() if name == "origin" else changes[name])
    for name in ("collected_from", "collected_until"):
        if name in changes:
            setattr(found, name, _moment(changes[name], f"/{name}"))
    if (ended := changes.get("ended")) is not None:
        found.ended_at = (found.ended_at or now) if ended else None
    await store.update_source(tx, _checked(found))
    return found


async def end(tx: Tx, account_id: str, source: str, now: int) -> Source:
    """No new notice may name it. What was sent keeps it. Raises NotFound."""
    return await change(tx, account_id, source, {"ended": True}, now)


async def found_source(tx: Tx, account_id: str, name_or_id: str) -> Source:
    """Raises NotFound."""
    if (found := await store.find(tx, account_id, name_or_id)) is None:
        raise NotFound("There is no source with this name or id in this account. GET /v1/sources lists them.")
    return found


def _checked(source: Source) -> Source:
    if not source.name or len(source.name) > LONGEST_NAME or not source.name.isprintable():
        raise Invalid(f"A source needs a name of 1 to {LONGEST_NAME} printable characters.", "/name")
    if not source.origin or len(source.origin) > LONGEST_ORIGIN or has_unfit(source.origin):
        raise Invalid(
            f"origin says in 1 to {LONGEST_ORIGIN} characters how the numbers were got and what the people were told, "
            'such as "order form of the shop, box 3: text me when the parcel is there".',
            "/origin",
        )
    begins, ends = source.collected_from, source.collected_until
    if begins is not None and ends is not None and ends < begins:
        raise Invalid("collected_until lies before collected_from. Exchange them.", "/collected_until")
    return source


def _moment(text: str | None, pointer: str) -> int | None:
    if text is None:
        return None
    try:
        at = parse_rfc3339(text)
        if at < 0:
            raise ValueError("The time lies before 1970.")
    except (ValueError, OverflowError) as error:
        raise Invalid(
            f"{pointer.strip('/')}: {error} Write a time such as 2026-08-07T00:00:00+08:00.", pointer
        ) from None
    return at
