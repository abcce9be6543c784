"""How many reminders of one event a number has had."""

from collections.abc import Collection

from sqlalchemy import exists, func, or_, select

from todoke.core.states import State
from todoke.storage import notice_keys
from todoke.storage.database import Tx, portions
from todoke.storage.tables import attempts as a
from todoke.storage.tables import notices as n
from todoke.storage.tables import templates as t


async def before(
    tx: Tx, account_id: str, use_case: str, numbers: Collection[str]
) -> dict[tuple[str, int], int]:
    """(number, time of the event) → notices of this use case that were sent or may still be.

    One that was cancelled counts where something of it had gone out before.
    Found by the index over numbers.
    """
    found: dict[tuple[str, int], int] = {}
    for portion in portions(sorted(set(numbers))):
        query = (
            select(n.c.number, n.c.event_at, func.count())
            .select_from(n.join(t, t.c.id == n.c.template_id))
            .where(
                notice_keys.of_numbers(portion),
                n.c.account_id == account_id,
                n.c.event_at.is_not(None),
                n.c.state != str(State.REFUSED),
                or_(n.c.state != str(State.CANCELLED), exists().where(a.c.notice_id == n.c.id)),
                t.c.use_case == use_case,
            )
            .group_by(n.c.number, n.c.event_at)
        )
        found.update({(row[0], row[1]): row[2] for row in await tx.execute(query)})
    return found
