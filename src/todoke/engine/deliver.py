"""One channel's sending: claim what is due, commit the attempts, send them at LINE's rate, hand on the answers."""

import asyncio
from typing import Protocol

from todoke.actions.advance import LostChannel, Setup, ToSend, claim
from todoke.carriers import Carrier, LineNotification, SmsMessage
from todoke.clock import Clock
from todoke.core.outcome import Answer, Outcome
from todoke.core.routing import Step
from todoke.core.template import render_line, render_sms
from todoke.engine.loop import Loop, log
from todoke.engine.pacer import Pacer
from todoke.engine.recorder import Recorder
from todoke.ids import Ids
from todoke.sealing import CannotUnseal, Seal
from todoke.storage import notices as notice_store
from todoke.storage.channels import Channel
from todoke.storage.database import Database
from todoke.storage.lookup import Lookup

BATCH = 256
"""Notices claimed and not yet answered, at most: after a crash so many of a channel have an unknown outcome."""
REFILL = BATCH // 2
"""More are claimed when no more than so many are left."""
AT_ONCE = 128
"""Requests of one channel that may be open at the same time: LINE's 2,000 a second, each 60 ms on its way."""
THROTTLE_SECONDS = 1.0
DOUBT_SECONDS = 0.1


class Ownership(Protocol):
    """Whose a channel is; `todoke.engine.owners.Owners` knows."""

    def owns(self, channel_id: str) -> bool:
        """Whether this process paces the channel, as far as it knows."""
        ...

    def lease_holds(self) -> bool:
        """Whether that is sure for long enough to send a request."""
        ...

    def lost(self, channel_id: str, fence: int) -> None:
        """Another process paces it now; `fence` is the number we had."""
        ...


class Outlets:
    """What sending needs besides a channel: the carriers, and what they offer."""

    def __init__(
        self, line: Carrier[LineNotification], sms: Carrier[SmsMessage] | None, setup: Setup
    ) -> None:
        self.line = line
        self.sms = sms
        self.setup = setup


class Deliver(Loop):
    """Sends the notices of one channel, for as long as this process owns it."""

    name = "deliver"

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
    ) -> None:
        super().__init__(clock)
        self.channel_id = channel.id
        self._database = database
        self._fence = fence
        self._outlets = outlets
        self._recorder = recorder
        self._lookup = lookup
        self._ids = ids
        self._seal = seal
        self._ownership = ownership
        self._pacer = Pacer(channel.rate)
        self._token: tuple[bytes | None, str] = (None, "")
        self._queue: asyncio.Queue[ToSend] = asyncio.Queue()
        self._senders = [asyncio.create_task(self._send_all()) for _ in range(AT_ONCE)]

    async def step(self) -> bool:
        out = self._recorder.out(self.channel_id)
        if out > REFILL:
            self.due_at = None
            return False
        now = self.clock.now()
        try:
            async with self._database.write(quick=True) as tx:
                claimed = await claim(
                    tx,
                    self.channel_id,
                    self._fence,
                    now,
                    BATCH - out,
                    self._ids,
                    self._lookup,
                    self._outlets.setup,
                )
        except LostChannel:
            log.warning("channel.lost", channel=self.channel_id)
            self._ownership.lost(self.channel_id, self._fence)
            self.stop()
            return False
        if not claimed.looked_at:
            async with self._database.read(quick=True) as tx:
                self.due_at = await notice_store.next_due(tx, self.channel_id)
            return False
        for move in claimed.illegal:
            log.error("notice.illegal_move", why=move, remedy="this is a defect of Todoke; please report it")
        self._use(claimed.channel)
        self._recorder.claimed(self.channel_id, len(claimed.to_send))
        for item in claimed.to_send:
            self._queue.put_nowait(item)
        return True

    def _use(self, channel: Channel) -> None:
        self._pacer.set_rate(channel.rate)
        if channel.access_token is None or channel.access_token == self._token[0]:
            return
        try:
            token = self._seal.open(channel.access_token)
        except CannotUnseal as error:
            # Attempts are committed by now. Without a token the carrier denies each, which pauses the channel.
            log.error("channel.sealed", channel=channel.id, why=str(error))
            token = ""
        self._token = (channel.access_token, token)

    async def _send_all(self) -> None:
        while True:
            item = await self._queue.get()
            try:
                if not await self._may_send():
                    # Its new owner holds the attempt for unknown; sending it now might send it twice.
                    self._recorder.dropped(self.channel_id, 1)
                    continue
                answer = await self._send(item)
            except asyncio.CancelledError:
                self._recorder.dropped(self.channel_id, 1)
                raise
            except Exception as error:
                # Whatever broke, the request may have left: claiming anything else could lose a notice.
                log.exception("send.error", attempt=item.attempt_id, error=type(error).__name__)
                answer = Answer(outcome=Outcome.UNKNOWN, detail=f"internal error: {type(error).__name__}")
            self._recorder.add(self.channel_id, item.notice_id, item.attempt_id, answer)
            if self._recorder.out(self.channel_id) == REFILL:
                self.wake.set()

    async def _may_send(self) -> bool:
        """Whether the channel is ours. Waits while that is in doubt, as when the database has just stalled."""
        while self._ownership.owns(self.channel_id):
            if self._ownership.lease_holds():
                return True
            await asyncio.sleep(DOUBT_SECONDS)
        return False

    async def _send(self, item: ToSend) -> Answer:
        if item.step is Step.SMS:
            assert self._outlets.sms is not None
            text = render_sms(item.template, item.parameters)
            return await self._outlets.sms.send(SmsMessage(to=item.number, text=text), item.attempt_id)
        flexible, payload = render_line(item.template, item.parameters)
        message = LineNotification(
            to=item.number, flexible=flexible, payload=payload, access_token=self._token[1]
        )
        await self._pacer.turn()
        answer = await self._outlets.line.send(message, item.attempt_id)
        if answer.outcome is Outcome.THROTTLED and not answer.quota_used_up:
            self._pacer.hold((answer.retry_after or 0) / 1000 or THROTTLE_SECONDS)
        return answer

    async def close(self) -> None:
        """Ends the senders. What is still out then will not be recorded: its outcome is unknown."""
        for sender in self._senders:
            sender.cancel()
        await asyncio.gather(*self._senders, return_exceptions=True)
        self._recorder.dropped(self.channel_id, self._queue.qsize())
