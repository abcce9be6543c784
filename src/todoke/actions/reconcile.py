"""Keeps comparisons of our counts with LINE's, and raises an alarm for as long as they differ."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from todoke.actions.alarms import clear_alarm, raise_alarm
from todoke.core.counting import LAST, Comparison, line_day
from todoke.core.durations import DAY
from todoke.ids import Ids
from todoke.storage import line_counts as store
from todoke.storage.channels import Channel
from todoke.storage.database import Tx

ALARM = "counts_differ"
_SHOWN = 5


async def keep(
    tx: Tx, comparisons: Sequence[Comparison], channels: Mapping[str, Channel], now: int, ids: Ids
) -> list[str]:
    """Stores comparisons, of these channels by id. Answers the texts of alarms that were raised just now."""
    await store.put(tx, comparisons)
    return await review(tx, channels, now, ids)


async def review(tx: Tx, channels: Mapping[str, Channel], now: int, ids: Ids) -> list[str]:
    """Raises or clears each channel's alarm by its comparisons of the last days. Answers the texts of new ones."""
    today = line_day(now)
    since = today - timedelta(days=LAST // DAY)
    differing: dict[str, list[Comparison]] = {}
    for x in await store.compared(tx, channels, since, today):
        if x.surplus:
            differing.setdefault(x.channel_id, []).append(x)
    raised = []
    for channel in channels.values():
        if found := differing.get(channel.id):
            text = _text(channel, found)
            new = await raise_alarm(
                tx,
                kind=ALARM,
                about=channel.id,
                account_id=channel.account_id,
                text=text,
                remedy=_remedy(channel, found),
                now=now,
                ids=ids,
            )
            raised += [text] if new else []
        else:
            await clear_alarm(tx, kind=ALARM, about=channel.id, now=now, ids=ids)
    return raised


def _text(channel: Channel, found: Sequence[Comparison]) -> str:
    newest = sorted(found, key=lambda x: (x.day, x.kind), reverse=True)
    told = [f"{x.day.isoformat()} {x.kind}: ours {x.ours}, LINE's {_theirs(x)}" for x in newest[:_SHOWN]]
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"Our counts for {channel.name} and LINE's differ. {'; '.join(told)}{more}."


def _theirs(x: Comparison) -> str:
    return "under 20" if x.theirs is None else str(x.theirs)


def _remedy(channel: Channel, found: Sequence[Comparison]) -> str:
    newest = max(x.day for x in found).isoformat()
    return (
        f"todoke reconcile --date {newest} --channel {channel.id} names the notices that may differ; "
        "docs/reconciliation.md says what a difference can mean."
    )
