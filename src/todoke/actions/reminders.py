"""Refuses the reminder too many: so many of one event to one number, and no more."""

from collections import Counter
from collections.abc import Sequence

from todoke.actions.intake import Target
from todoke.core.content.timing import Timing, too_often
from todoke.core.errors import Untimely
from todoke.storage import reminders as store
from todoke.storage.database import Tx
from todoke.storage.notices import NewNotice


async def refused(tx: Tx, asked: Sequence[tuple[Target, NewNotice]]) -> dict[str, Untimely]:
    """Those of new notices that are one reminder too many, by id. In the transaction that stores the others."""
    by_use_case: dict[tuple[str, str], list[tuple[Target, NewNotice]]] = {}
    for target, notice in asked:
        if target.timing is Timing.REMINDER and notice.event_at is not None:
            key = (notice.account_id, target.template_row.use_case)
            by_use_case.setdefault(key, []).append((target, notice))
    found: dict[str, Untimely] = {}
    for (account_id, use_case), reminders in by_use_case.items():
        sent = Counter(await store.before(tx, account_id, use_case, [x.number for _, x in reminders]))
        for target, notice in reminders:
            assert notice.event_at is not None
            key_of = (notice.number, notice.event_at)
            why = too_often(sent[key_of], target.checked.check.data.timing)
            if why is None:
                sent[key_of] += 1
            else:
                found[notice.id] = Untimely(why.reason, why.message, "/event_at")
    return found


async def refuse(tx: Tx, target: Target, notice: NewNotice) -> None:
    """Raises Untimely where a new notice is one reminder too many."""
    for error in (await refused(tx, [(target, notice)])).values():
        raise error
