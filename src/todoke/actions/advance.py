"""Moves notices on by our own will: cancels, takes over, resumes. All go through `core.notice.step`."""

from collections.abc import Iterable

from todoke.actions import announcements, batch_tally
from todoke.actions.record import apply
from todoke.core.notice import Cancel, Lapsed, step
from todoke.ids import Ids
from todoke.storage import batch_holds, batch_states, notice_changes
from todoke.storage import channels as channel_store
from todoke.storage import messages as message_store
from todoke.storage import notices as store
from todoke.storage.batch_states import HELD
from todoke.storage.channels import Channel
from todoke.storage.database import Tx
from todoke.storage.lookup import Lookup


class LostChannel(Exception):
    """Another process paces this channel now; nothing of ours may leave for it any more."""


async def owned_channel(tx: Tx, channel_id: str, fence: int) -> Channel:
    """The channel, if its fencing number is still ours. Raises LostChannel otherwise."""
    channel = await channel_store.get_channel(tx, channel_id)
    if channel is None or channel.fence != fence:
        raise LostChannel(channel_id)
    return channel


async def recover(tx: Tx, channel_id: str, now: int, lookup: Lookup, ids: Ids) -> int:
    """After a takeover: what its former owner had out has an unknown outcome. Answers how many there were."""
    rows = await store.load_out(tx, channel_id)
    policies = await lookup.policies(tx, {store.policy_id(r) for r in rows})
    loaded = await store.assemble(tx, rows, policies)
    changes = [(x.notice, step(x.notice, Lapsed(), now)[0]) for x in loaded]
    await notice_changes.save(tx, changes)
    await batch_states.add(
        tx, batch_tally.of_changes((x.batch_id, b, a, 1) for x, (b, a) in zip(loaded, changes, strict=True))
    )
    await announcements.of_notices(tx, changes, now, ids)
    await message_store.release_out(tx, channel_id, now)
    return len(loaded)


async def cancel(tx: Tx, notice_ids: Iterable[str], now: int, lookup: Lookup, ids: Ids) -> None:
    """No further step of these notices begins."""
    meant = list(notice_ids)
    held = await batch_holds.held_by_batch(tx, meant)
    await apply(tx, {x: [Cancel()] for x in meant}, now, lookup, ids)
    await batch_states.add(tx, {(batch_id, HELD): -count for batch_id, count in held.items()})


async def resume(tx: Tx, channel_id: str, now: int) -> None:
    """Lets a paused channel send again; what was held is due at once."""
    await channel_store.update_channel(tx, channel_id, paused_at=None, paused_why=None, paused_for=None)
    await store.release_held(tx, channel_id, now)
    await message_store.release_held(tx, channel_id, now)
