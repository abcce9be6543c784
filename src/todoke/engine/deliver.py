"""One channel's sending: claim what is due, commit the attempts, send them at LINE's rate, hand on the answers."""

import asyncio
from collections.abc import Callable, Set
from functools import partial
from typing import Protocol

from todoke.actions import live
from todoke.actions.advance import LostChannel
from todoke.actions.alike import AnswerTo
from todoke.actions.claiming import ToSend, ahead, claim, write
from todoke.clock import Clock
from todoke.core.outcome import Answer, Outcome
from todoke.core.routing import LINE_STEPS, Step
from todoke.core.standing import Lane
from todoke.core.states import LEASE
from todoke.engine.loop import Loop, log
from todoke.engine.notifications import Notifications
from todoke.engine.recorder import Recorder
from todoke.engine.sending import Outlets, PacerBook, Sender
from todoke.ids import Ids
from todoke.sealing import CannotUnseal, Seal
from todoke.storage import channels as channel_store
from todoke.storage import notices as notice_store
from todoke.storage.channels import Channel
from todoke.storage.database import Database
from todoke.storage.lookup import Lookup
from todoke.storage.notice_changes import Stale

AHEAD_SECONDS = 0.128
"""What a channel sends in this time is claimed and not yet answered, at most: after a crash so many notices of a lane
have an unknown outcome. So have those whose answers wait to be recorded, some twice as many, nearly all accepted. More
are claimed when no more than half of it is left."""
FEWEST = 64
"""Where that is fewer."""
AT_ONCE = 128
"""Requests of one lane that may be open at the same time: LINE's 2,000 a second, each 60 ms on its way."""
DOUBT_SECONDS = 0.1
STALE = 5_000
"""Milliseconds after its claim from which an attempt is held against the gate again before it leaves."""
LONGEST_WAIT = LEASE // 2
"""Milliseconds after its claim from which an attempt does not leave: well before it counts as lost, and others begin.
LINE may ask a channel to wait for longer.
"""


class Ownership(Protocol):
    """Whose a channel is; `todoke.engine.owners.Owners` knows."""

    def owns(self, channel_id: str) -> bool:
        """Whether this process paces the channel, as far as it knows."""
        ...

    def fence(self, channel_id: str) -> int | None:
        """The fencing number that this process holds the channel with; None: it does not."""
        ...

    def lease_holds(self) -> bool:
        """Whether that is sure for long enough to send a request."""
        ...

    def lease_until(self) -> float:
        """Up to when, by `monotonic`, a request may leave for any channel that is ours."""
        ...

    def lost(self, channel_id: str, fence: int) -> None:
        """Another process paces it now; `fence` is the number we had."""
        ...


class _Queue:
    """What is claimed of one lane, and those who send it."""

    def __init__(self, channel_id: str, lane: Lane) -> None:
        self.place = (channel_id, lane)
        self.items: asyncio.Queue[ToSend] = asyncio.Queue()
        self.senders: list[asyncio.Task[None]] = []


class Deliver(Loop):
    """Sends the notices of one channel, for as long as this process owns it."""

    name = "deliver"
    heeds_stored_only = True

    def __init__(
        self,
        clock: Clock,
        database: Database,
        channel: Channel,
        fence: int,
        outlets: Outlets,
        recorder: Recorder,
        lookup: Lookup,
        ids: Ids,
        seal: Seal,
        ownership: Ownership,
        pacers: PacerBook,
        posted: Callable[[], None] = lambda: None,
    ) -> None:
        """`posted`: told when there are webhooks to post."""
        super().__init__(clock)
        self._posted = posted
        self.channel_id = channel.id
        self._database = database
        self._fence = fence
        self._outlets = outlets
        self._recorder = recorder
        self._lookup = lookup
        self._ids = ids
        self._seal = seal
        self._ownership = ownership
        self._pacers = pacers
        self._sender = Sender(outlets, pacers.of(channel), seal)
        self._token: tuple[bytes | None, str] = (None, "")
        self._queues = {lane: _Queue(channel.id, lane) for lane in Lane}
        self._most = 0
        self._full: Set[Lane] = frozenset()
        """The lanes that had no room for more at the last look."""
        self._set_rate(channel)
        self._notifications = Notifications(
            outlets.line,
            channel,
            self._queues[Lane.LINE].place,
            recorder,
            clock,
            stale=STALE,
            sure_until=self._sure_until,
            may_send=self._may_send,
            why_no_more=self._why_no_more,
            told=self._wake_if_there_is_room,
        )

    async def step(self) -> bool:
        limits = {
            lane: self._most - self._recorder.out(queue.place)
            for lane, queue in self._queues.items()
            if self._has_room(lane)
        }
        self._full = self._queues.keys() - limits.keys()
        if not limits:
            self.due_at = None
            return False
        now = self.clock.now()
        what = (self.channel_id, self._fence, now, limits, self._ids, self._lookup, self._outlets.setup)
        try:
            # Decided beside the writers, as far as that can be: the writer's turn is for writing.
            moment = self._database.moment()
            async with self._database.read(quick=True) as tx:
                plan = await ahead(tx, *what)
                if plan is None:
                    due_at = await notice_store.next_due(tx, self.channel_id, limits)
                    if due_at is None or due_at > now:
                        self.due_at = due_at
                        return False
            async with self._database.write(quick=True) as tx:
                if plan is not None and self._database.is_as_at(moment):
                    claimed = await write(tx, plan, now, self._ids)
                else:
                    claimed = await claim(tx, *what)
                self._database.leave_plans()
        except Stale:
            # Somebody moved one of them meanwhile, as the recorder does: read them again.
            return True
        except LostChannel:
            log.warning("channel.lost", channel=self.channel_id)
            self._ownership.lost(self.channel_id, self._fence)
            self.stop()
            return False
        for move in claimed.illegal:
            log.error("notice.illegal_move", why=move, remedy="this is a defect of Todoke; please report it")
        if claimed.announced:
            self._posted()
        self._lookup.working.keep(claimed.moved, claimed.alike)
        self.use(claimed.channel)
        notifications: list[ToSend] = []
        others: list[ToSend] = []
        for item in claimed.to_send:
            (notifications if item.common.begun.step is Step.LINE_NOTIFICATION else others).append(item)
        self._recorder.claimed(self._queues[Lane.LINE].place, len(notifications))
        for item in others:
            queue = self._queues[Lane.LINE if item.begun.step in LINE_STEPS else Lane.OTHER]
            self._recorder.claimed(queue.place, 1)
            queue.items.put_nowait(item)
            if len(queue.senders) < AT_ONCE:
                queue.senders.append(asyncio.create_task(self._send_all(queue)))
        if notifications:
            self._notifications.hand_over(notifications)
        return True

    def use(self, channel: Channel) -> None:
        """Sends with this channel's access token from now on, also what was claimed before."""
        self._pacers.of(channel)
        rate = self._rate
        self._set_rate(channel)
        if channel.access_token is None or channel.access_token == self._token[0]:
            if rate != channel.rate:
                self._notifications.use(*self._token, channel.rate)
            return
        try:
            token = self._seal.open(channel.access_token)
        except CannotUnseal as error:
            # Attempts are committed by now. Without a token the carrier denies each, which pauses the channel.
            log.error("channel.sealed", channel=channel.id, why=str(error))
            token = ""
        self._token = (channel.access_token, token)
        self._notifications.use(*self._token, channel.rate)

    def _set_rate(self, channel: Channel) -> None:
        self._rate = channel.rate
        self._most = max(int(channel.rate * AHEAD_SECONDS), FEWEST)

    async def _send_all(self, queue: _Queue) -> None:
        while True:
            item = await queue.items.get()
            sealed = None
            try:
                if not await self._may_send():
                    # Its new owner holds the attempt for unknown; sending it now might send it twice.
                    self._recorder.dropped(queue.place, 1)
                    continue
                sealed, token = self._token
                answer = await self._sender.send(item, token, partial(self._why_no_more, item))
            except asyncio.CancelledError:
                self._recorder.dropped(queue.place, 1)
                raise
            except Exception as error:
                # Whatever broke, the request may have left: claiming anything else could lose a notice.
                log.exception("send.error", attempt=item.attempt_id, error=type(error).__name__)
                answer = Answer(outcome=Outcome.UNKNOWN, detail=f"internal error: {type(error).__name__}")
            told = AnswerTo(item.notice_id, item.attempt_id, answer, item.begun.carrier, sealed)
            self._recorder.add(queue.place, told)
            self._wake_if_there_is_room()

    def recorded(self, may_be_due: bool) -> None:
        """Something was written down; perhaps something of this channel that is due now."""
        if may_be_due:
            self.wake.set()
        else:
            self._wake_if_there_is_room()

    def _has_room(self, lane: Lane) -> bool:
        """Whether half of what was claimed has been answered, and not much of that is unrecorded (answers wait for
        their events): what is sent faster than it is recorded would only be read again later, when it is no longer at
        hand.
        """
        place = self._queues[lane].place
        return (
            self._recorder.out(place) <= self._most // 2
            and self._recorder.unrecorded(place) <= 2 * self._most
        )

    def _wake_if_there_is_room(self) -> None:
        for lane in self._full:
            if self._has_room(lane):
                self.wake.set()

    async def _why_no_more(self, item: ToSend) -> str | None:
        """Why an attempt must not leave that has waited since it was claimed, as while LINE asked us to."""
        if not self._ownership.owns(self.channel_id) or not self._ownership.lease_holds():
            return "another process may pace the channel now"
        waited = self.clock.now() - item.begun.at
        if waited < STALE:
            return None
        if waited >= LONGEST_WAIT:
            return "it has waited for too long"
        async with self._database.read(quick=True) as tx:
            channel = await channel_store.get_channel(tx, self.channel_id)
            assert channel is not None
            return await live.why_no_more(
                tx,
                channel,
                item.common.template_id,
                item.number,
                every_number_is_a_test_number=self._outlets.setup.every_number_is_a_test_number,
            )

    def _sure_until(self) -> float | None:
        """Up to when the channel is surely ours; None: that is in doubt."""
        sure = self._ownership.owns(self.channel_id) and self._ownership.lease_holds()
        return self._ownership.lease_until() if sure else None

    async def _may_send(self) -> bool:
        """Whether the channel is ours. Waits while that is in doubt, as when the database has just stalled."""
        while self._ownership.owns(self.channel_id):
            if self._ownership.lease_holds():
                return True
            await asyncio.sleep(DOUBT_SECONDS)
        return False

    async def close(self) -> None:
        """Ends the senders. What is still out then will not be recorded: its outcome is unknown."""
        await self._notifications.close()
        for queue in self._queues.values():
            for sender in queue.senders:
                sender.cancel()
            await asyncio.gather(*queue.senders, return_exceptions=True)
            self._recorder.dropped(queue.place, queue.items.qsize())
