"""Targets of the webhook hub: made, changed, paused, replayed, removed; and how far each of them is."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from todoke.actions.alarms import clear_alarm, raise_alarm
from todoke.actions.channels import Conflict
from todoke.actions.hub_checks import Place, checked_types, checked_url, sealed
from todoke.actions.intake import Invalid
from todoke.carriers.echoes import without_words
from todoke.ids import Ids
from todoke.sealing import Seal
from todoke.storage import hub as store
from todoke.storage.channels import Channel
from todoke.storage.database import Tx
from todoke.storage.hub import HubTarget, Progress, Skip

FAILING = "hub_target_failing"
"""The kind of alarm about a target."""
MOST = 10
"""Targets of a channel."""
TOO_OLD = "not taken within the 30 days for which LINE's requests are kept"


class NewTarget(msgspec.Struct, kw_only=True):
    """A target as it is asked for."""

    name: str
    url: str
    types: Sequence[str] | None = None
    headers: Mapping[str, str] | None = None


class TargetChange(msgspec.Struct, kw_only=True):
    """What may change; None leaves a field as it is, an empty one means all types, or no headers."""

    name: str | None = None
    url: str | None = None
    types: Sequence[str] | None = None
    headers: Mapping[str, str] | None = None


class Report(msgspec.Struct, kw_only=True):
    """What the engine writes down about one target at a time."""

    target: HubTarget
    fence: int | None
    """The fencing number with which this process holds the channel."""
    progress: Progress
    replay: tuple[int, int | None] | None = None
    """Which replay (when it was asked for), and how far it is; None: it is over."""
    skips: Sequence[Skip] = ()
    gone: bool = False
    """It answered that it wants no more."""
    alarm: bool | None = None
    """True: to be raised; False: to be cleared."""


async def create_target(
    tx: Tx, channel: Channel, wanted: NewTarget, now: int, ids: Ids, seal: Seal, place: Place
) -> HubTarget:
    """A new target, which gets what comes from now on. Raises Invalid, or Conflict."""
    target = HubTarget(
        id=ids.new(),
        account_id=channel.account_id,
        channel_id=channel.id,
        name=wanted.name,
        url=checked_url(wanted.url, place),
        types=checked_types(wanted.types),
        headers=sealed(wanted.headers, seal),
        created_at=now,
        position=await store.newest(tx),
    )
    others = await store.of_channel(tx, channel.id)
    _check_name(target, others)
    if len(others) >= MOST:
        raise Conflict(
            f"The channel has {MOST} targets already, which is the most. Remove one with "
            "DELETE /v1/hub-targets/{id}."
        )
    await store.insert_target(tx, target)
    return target


async def change_target(
    tx: Tx, target: HubTarget, change: TargetChange, seal: Seal, place: Place
) -> HubTarget:
    """Changes a target; what has still to be passed on goes by the new values. Raises Invalid, or Conflict."""
    values: dict[str, Any] = {}
    if change.name is not None:
        values["name"] = change.name
    if change.url is not None:
        values["url"] = checked_url(change.url, place)
    if change.types is not None:
        values["types"] = checked_types(change.types)
    if change.headers is not None:
        values["headers"] = sealed(change.headers, seal)
    changed = msgspec.structs.replace(target, **values)
    _check_name(changed, await store.of_channel(tx, target.channel_id))
    if values:
        await store.update_target(tx, target.id, **values)
    return changed


async def remove_target(tx: Tx, target: HubTarget, now: int, ids: Ids) -> None:
    """It gets nothing more, at once."""
    await store.update_target(tx, target.id, removed_at=now)
    await clear_alarm(tx, kind=FAILING, about=target.id, now=now, ids=ids)


async def pause_target(tx: Tx, target: HubTarget, why: str | None, now: int, ids: Ids) -> None:
    """It gets nothing until it is resumed, and then all that came meanwhile, as far as that is kept."""
    if target.paused_at is None:
        why = why or "by request"
        await store.update_target(tx, target.id, paused_at=now, paused_why=why[:200], due_at=None)
        await clear_alarm(tx, kind=FAILING, about=target.id, now=now, ids=ids)


async def resume_target(tx: Tx, target: HubTarget, now: int, ids: Ids) -> None:
    """It gets what it has not had. What it failed at before counts no more."""
    await store.update_target(
        tx, target.id, paused_at=None, paused_why=None, tries=0, due_at=None, failing_since=None
    )
    await clear_alarm(tx, kind=FAILING, about=target.id, now=now, ids=ids)


async def ask_replay(tx: Tx, target: HubTarget, since: int, until: int | None, now: int) -> int:
    """Passes on once more what came in that time, at most up to now. Answers how many requests that is.

    A replay that runs is replaced. Raises Invalid.
    """
    if since > now:
        raise Invalid("`from` lies in the future: nothing has come since.", "/from")
    until = now if until is None else until
    if until < since:
        raise Invalid("`until` lies before `from`.", "/until")
    found = await store.span(tx, target.channel_id, since, min(until, now))
    if found is None:
        await end_replay(tx, target)
        return 0
    first, last = found
    await store.update_target(
        tx, target.id, replay_asked_at=now, replay_position=first - 1, replay_until=last
    )
    return await store.count_between(tx, target.channel_id, first - 1, last)


async def end_replay(tx: Tx, target: HubTarget) -> None:
    """What a replay has not passed on yet stays as it was."""
    await store.update_target(tx, target.id, replay_asked_at=None, replay_position=None, replay_until=None)


async def record(tx: Tx, reports: Sequence[Report], channels: Mapping[str, str], now: int, ids: Ids) -> bool:
    """Writes down how far targets are; `channels`: their names. Whether alarms were raised or cleared.

    Left out are those of channels that another process owns by now: it knows better.
    """
    fences = await store.fences(tx, {x.target.channel_id for x in reports})
    told = False
    for x in reports:
        if x.fence is None or fences.get(x.target.channel_id) != x.fence:
            continue
        target = x.target
        await store.save_progress(tx, target.id, x.progress)
        if x.replay is not None:
            await store.save_replay(tx, target.id, *x.replay)
        await store.add_skips(tx, x.skips)
        if x.gone:
            why = "it answered 410: it wants no more"
            await store.update_target(tx, target.id, paused_at=now, paused_why=why, due_at=None)
        told |= await _tell(tx, x, channels.get(target.channel_id, "?"), now, ids)
    return told


async def _tell(tx: Tx, report: Report, channel: str, now: int, ids: Ids) -> bool:
    target = report.target
    if report.gone:
        text = f"The target {target.name} of the channel {channel} is paused: it answered that it wants no more (410)."
        remedy = f"Remove it, or mend it and let it go on: todoke hub resume {target.id}."
    elif report.alarm:
        why = without_words(report.progress.last_status, report.progress.last_detail)
        text = f"The target {target.name} of the channel {channel} has taken nothing for 15 minutes: {why}."
        remedy = (
            "See that it is up and that its URL here is right (todoke hub test). What it misses is kept for 30 days "
            "and passed on when it is back."
        )
    elif report.alarm is False:
        return await clear_alarm(tx, kind=FAILING, about=target.id, now=now, ids=ids)
    else:
        return False
    return await raise_alarm(
        tx,
        kind=FAILING,
        about=target.id,
        account_id=target.account_id,
        text=text,
        remedy=remedy,
        now=now,
        ids=ids,
    )


async def count_dropped(tx: Tx, before: int, up_to: int, now: int) -> None:
    """Notes for every target what the inbox is about to drop before it got it: what was applied before that time, up to
    a number of the inbox.
    """
    for target in await store.list_targets(tx):
        found = await store.unread_and_old(tx, target, before, up_to)
        if found is not None:
            count, last = found
            await store.update_target(tx, target.id, skipped=target.skipped + count)
            detail = f"{count:,} requests up to this one: {TOO_OLD}"
            await store.add_skips(tx, [Skip(target_id=target.id, inbox_id=last, at=now, detail=detail)])


def _check_name(target: HubTarget, others: Sequence[HubTarget]) -> None:
    if any(x.name == target.name and x.id != target.id for x in others):
        raise Conflict(f"The channel has a target {target.name!r} already. Choose another name.", "/name")
