"""Alarms: raised once, told to the account's endpoints, cleared once."""

from typing import Any

from todoke.actions.outbox import queue
from todoke.core.durations import rfc3339
from todoke.ids import Ids
from todoke.storage import alarms as store
from todoke.storage.alarms import Alarm
from todoke.storage.database import Tx

RAISED = "alarm.raised"
CLEARED = "alarm.cleared"


async def raise_alarm(
    tx: Tx, *, kind: str, about: str, account_id: str | None, text: str, remedy: str, now: int, ids: Ids
) -> bool:
    """Raises an alarm unless it stands; one that stands gets the new text. Whether it was raised just now.

    `about`: a channel's id, a carrier's name. `account_id` None: about the gateway, told to every account.
    `text` and `remedy` hold nothing of a recipient. Whoever called logs it after the commit.
    """
    standing = await store.find_standing(tx, kind, about)
    if standing is not None:
        if (standing.text, standing.remedy) != (text, remedy):
            await store.change_text(tx, standing.id, text, remedy)
        return False
    alarm = Alarm(
        id=ids.new(), account_id=account_id, kind=kind, about=about, text=text, remedy=remedy, raised_at=now
    )
    await store.insert_alarm(tx, alarm)
    await queue(tx, account_id, RAISED, view(alarm), now, ids, alarm.id)
    return True


async def clear_alarm(tx: Tx, *, kind: str, about: str, now: int, ids: Ids) -> bool:
    """Ends an alarm. Whether it stood."""
    alarm = await store.find_standing(tx, kind, about)
    if alarm is None:
        return False
    await store.end_alarm(tx, alarm.id, now)
    alarm.cleared_at = now
    await queue(tx, alarm.account_id, CLEARED, view(alarm), now, ids, alarm.id)
    return True


def view(alarm: Alarm) -> dict[str, Any]:
    """An alarm as the API and the webhooks show it."""
    return {
        "id": alarm.id,
        "kind": alarm.kind,
        "about": alarm.about,
        "text": alarm.text,
        "remedy": alarm.remedy,
        "raised_at": rfc3339(alarm.raised_at),
        "cleared_at": None if alarm.cleared_at is None else rfc3339(alarm.cleared_at),
    }
