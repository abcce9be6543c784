"""Sends ordinary messages: claim what is due, commit the tries, push or reply at the channel's pace, record the
answers.
"""

import asyncio
import json
from collections import Counter

from todoke.actions.advance import LostChannel
from todoke.actions.messages import Claim, Told, ToPush, claim, record
from todoke.carriers import LinePush, LineReply
from todoke.clock import Clock
from todoke.core.outcome import Answer, Outcome
from todoke.engine.deliver import DOUBT_SECONDS, Ownership
from todoke.engine.loop import Loop, log
from todoke.engine.metrics import MESSAGES
from todoke.engine.sending import Outlets, PacerBook, paced
from todoke.ids import Ids, as_uuid
from todoke.sealing import CannotUnseal, Seal
from todoke.storage import messages as store
from todoke.storage.channels import Channel
from todoke.storage.database import Database

BATCH = 128
"""Messages of one channel that are claimed at a time, at most."""
AT_ONCE = 32
"""Requests of one channel that may be open at the same time."""
PATIENCE_SECONDS = 15.0
"""How long a message waits for its turn where the channel is slow or LINE has asked it to wait; then another try is
made later. A channel shall not hold the others up."""


class Messenger(Loop):
    """Sends the messages of all channels that this process owns."""

    name = "messenger"
    heeds_stored_only = True

    def __init__(
        self,
        clock: Clock,
        database: Database,
        outlets: Outlets,
        seal: Seal,
        ownership: Ownership,
        pacers: PacerBook,
        ids: Ids,
    ) -> None:
        super().__init__(clock)
        self._ids = ids
        self._database = database
        self._outlets = outlets
        self._seal = seal
        self._ownership = ownership
        self._pacers = pacers
        self._told: list[Told] = []

    async def step(self) -> bool:
        # Of a step whose commit failed: answered, and not yet written down.
        await self._record()
        async with self._database.read(quick=True) as tx:
            due = await store.next_due(tx)
        now = self.clock.now()
        mine = {channel_id: at for channel_id, at in due.items() if self._ownership.owns(channel_id)}
        ready = [channel_id for channel_id, at in mine.items() if at <= now]
        self.due_at = min((at for at in mine.values() if at > now), default=None)
        if not ready:
            return False
        claims = await self._claim(ready, now)
        try:
            await asyncio.gather(*(self._send(x) for x in claims))
        finally:
            await self._record()
        return any(x.looked_at for x in claims)

    async def _claim(self, channel_ids: list[str], now: int) -> list[Claim]:
        claims: list[Claim] = []
        everyone = self._outlets.setup.every_number_is_a_test_number
        async with self._database.write() as tx:
            for channel_id in channel_ids:
                fence = self._ownership.fence(channel_id)
                if fence is None or self._stopping:
                    continue
                try:
                    claims.append(await claim(tx, channel_id, fence, now, BATCH, everyone, self._ids))
                except LostChannel:
                    log.warning("channel.lost", channel=channel_id)
                    self._ownership.lost(channel_id, fence)
        return claims

    async def _send(self, claimed: Claim) -> None:
        if not claimed.to_push:
            return
        channel, sealed, token = claimed.channel, claimed.channel.access_token, ""
        try:
            token = self._seal.open(sealed or b"")
        except CannotUnseal as error:
            # The tries are committed by now. Without a token the carrier denies each, which pauses the channel.
            log.error("channel.sealed", channel=channel.id, why=str(error))
            sealed = None
        items = iter(claimed.to_push)

        async def sender() -> None:
            for item in items:
                answer = await self._try(item, channel, token) if await self._may_send(channel.id) else None
                self._told.append(Told(item, answer, sealed))

        await asyncio.gather(*(sender() for _ in range(min(AT_ONCE, len(claimed.to_push)))))

    async def _try(self, item: ToPush, channel: Channel, token: str) -> Answer:
        stored, pacers = item.stored, self._pacers.of(channel)
        messages, tag = json.loads(stored.body), stored.message.id
        try:
            if item.reply_token is not None:
                reply = LineReply(reply_token=item.reply_token, messages=messages, access_token=token)
                return await paced(pacers.replies, self._outlets.reply, reply, tag, PATIENCE_SECONDS)
            push = LinePush(
                user_id=stored.user_id, messages=messages, retry_key=as_uuid(tag), access_token=token
            )
            return await paced(pacers.pushes, self._outlets.push, push, tag, PATIENCE_SECONDS)
        except Exception as error:
            # Whatever broke, the request may have left. A push's retry key makes another one safe; a reply ends.
            log.exception("message.error", message=stored.message.id, error=type(error).__name__)
            return Answer(outcome=Outcome.UNKNOWN, detail=f"internal error: {type(error).__name__}")

    async def _may_send(self, channel_id: str) -> bool:
        """Whether the channel is ours. Waits while that is in doubt, as when the database has just stalled."""
        while self._ownership.owns(channel_id) and not self._stopping:
            if self._ownership.lease_holds():
                return True
            await asyncio.sleep(DOUBT_SECONDS)
        return False

    async def _record(self) -> None:
        if not self._told:
            return
        told, self._told = self._told, []
        try:
            async with self._database.write() as tx:
                paused = await record(tx, told, self.clock.now(), self._ids)
        except BaseException:
            self._told = told + self._told
            raise
        for outcome, count in Counter(x.answer.outcome for x in told if x.answer is not None).items():
            MESSAGES.labels(outcome).inc(count)
        for why in paused:
            log.error("channel.paused", why=why, remedy="see todoke doctor")
