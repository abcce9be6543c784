"""Lets notices go that their batch holds back, as its plan says; holds or cancels long batches in portions."""

from collections.abc import Callable

from todoke.actions import batches as actions
from todoke.clock import Clock
from todoke.core.release import Turn
from todoke.engine.deliver import Ownership
from todoke.engine.loop import Loop
from todoke.ids import Ids
from todoke.storage import batch_holds, batch_states, channels
from todoke.storage import batches as store
from todoke.storage.batch_states import Counts
from todoke.storage.batches import Batch
from todoke.storage.channels import Channel
from todoke.storage.database import Database
from todoke.storage.lookup import Lookup


class Releaser(Loop):
    """One for all batches of the channels that this process paces; a portion of each in turn.

    What was let go is committed with how much that was, so a killed process goes on where it was, and two that both
    believe a channel theirs never let more go than the plan says.
    """

    name = "releaser"
    heeds_stored_only = True

    def __init__(
        self,
        clock: Clock,
        database: Database,
        lookup: Lookup,
        ids: Ids,
        ownership: Ownership,
        woken: Callable[[str], None],
        posted: Callable[[], None] = lambda: None,
    ) -> None:
        """`woken`: told the channel whose notices were let go; `posted`: that there are webhooks to post."""
        super().__init__(clock)
        self._database = database
        self._lookup = lookup
        self._ids = ids
        self._ownership = ownership
        self._woken = woken
        self._posted = posted

    async def step(self) -> bool:
        now = self.clock.now()
        async with self._database.read(quick=True) as tx:
            going = [x for x in await store.going(tx) if self._ownership.owns(x.channel_id)]
            counts = await batch_states.of_batches(tx, [x.id for x in going])
            known = {x: await channels.get_channel(tx, x) for x in {x.channel_id for x in going}}
        worked, due = False, []
        for batch in going:
            channel = known[batch.channel_id]
            assert channel is not None
            if batch.sweep is not None:
                await self._sweep(batch.id)
                worked = True
            elif counts[batch.id].held and batch.paused_at is None:
                turn = await self._release(batch, channel, counts[batch.id], now)
                worked = worked or turn.many > 0
                due.append(turn.next_at)
            elif actions.pace_of(batch).is_due(counts[batch.id].begun, now):
                async with self._database.write(quick=True) as tx:
                    await actions.note_pace(tx, batch, counts[batch.id], now)
        for channel_id in {x.channel_id for x in going if counts[x.id].held}:
            ended, next_at = await self._end_expired(channel_id, now)
            worked = worked or ended
            due.append(next_at)
        self.due_at = min((x for x in due if x is not None), default=None)
        return worked

    async def _sweep(self, batch_id: str) -> None:
        async with self._database.write() as tx:
            batch = await store.get_batch(tx, batch_id)
            if batch is None or batch.sweep is None:
                return
            await actions.sweep(tx, batch, self.clock.now(), self._lookup, self._ids)
        self._woken(batch.channel_id)
        self._posted()

    async def _release(self, batch: Batch, channel: Channel, counts: Counts, now: int) -> Turn:
        turn = actions.turn_of(batch, counts, channel.region, now)
        if not turn.many:
            return turn
        async with self._database.write() as tx:
            current = await store.get_batch(tx, batch.id)
            if current is None or current.paused_at is not None or current.sweep is not None:
                return Turn(0, None, "")
            owned = await channels.get_channel(tx, channel.id)
            if owned is None or owned.fence != self._ownership.fence(channel.id):
                return Turn(0, None, "")
            policy = (await self._lookup.policies(tx, [batch.policy_id]))[batch.policy_id]
            released = await actions.release(tx, current, channel.region, policy, now, self._ids)
        if released.many:
            self._woken(channel.id)
        if released.told:
            self._posted()
        return Turn(released.many, released.turn.next_at, released.turn.why)

    async def _end_expired(self, channel_id: str, now: int) -> tuple[bool, int | None]:
        async with self._database.read(quick=True) as tx:
            next_at = await batch_holds.next_expiry(tx, channel_id)
        if next_at is None or next_at > now:
            return False, next_at
        async with self._database.write() as tx:
            ended = await actions.end_expired(tx, channel_id, self._lookup, now)
        self._woken(channel_id)
        return ended > 0, None
