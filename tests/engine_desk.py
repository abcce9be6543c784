"""A messenger on a database of its own, with LINE's side of pushes and replies as a test says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from engine_house import SEAL, House
from notice_support import HOUR, START
from storage_support import ids
from todoke.actions import messages as actions
from todoke.carriers import LinePush, LineReply
from todoke.core.message import Message
from todoke.core.outcome import Answer, Outcome
from todoke.engine.deliver import Ownership
from todoke.engine.messenger import Messenger
from todoke.engine.sending import Outlets, PacerBook
from todoke.storage import channels, friends, messages
from todoke.storage.friends import Friend
from todoke.storage.messages import Stored

USER = "U" + "1" * 32
DAY = 24 * HOUR
TEXTS = [{"type": "text", "text": "Hello"}]
ACCEPTED = Answer(outcome=Outcome.ACCEPTED, status=200, request_id="R1")
UNKNOWN = Answer(outcome=Outcome.UNKNOWN, detail="no answer in time")


class Owned:
    """Ownership as a test says: all channels, with the fencing number that they begin with."""

    def __init__(self) -> None:
        self.mine = True
        self.sure = True
        self.given_up: list[str] = []
        self.asked = 0

    def owns(self, channel_id: str) -> bool:
        return self.mine

    def fence(self, channel_id: str) -> int | None:
        return 0 if self.mine else None

    def lease_holds(self) -> bool:
        self.asked += 1
        return self.sure

    def lost(self, channel_id: str, fence: int) -> None:
        self.given_up.append(channel_id)
        self.mine = False


class Pushes:
    """LINE's side of a push: `answer` says what becomes of each, `sent` is what came."""

    def __init__(self) -> None:
        self.sent: list[LinePush] = []
        self.open = 0
        self.most_open = 0
        self.answer: Callable[[LinePush], Answer] = lambda _: ACCEPTED
        self.gate = asyncio.Event()
        self.gate.set()

    async def send(self, message: LinePush, tag: str) -> Answer:
        self.sent.append(message)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            await self.gate.wait()
        finally:
            self.open -= 1
        return self.answer(message)

    @property
    def keys(self) -> list[str]:
        return [x.retry_key for x in self.sent]


class Replies:
    """LINE's side of a reply."""

    def __init__(self) -> None:
        self.sent: list[LineReply] = []
        self.answer: Callable[[LineReply], Answer] = lambda _: ACCEPTED
        self.gate = asyncio.Event()
        self.gate.set()

    async def send(self, message: LineReply, tag: str) -> Answer:
        self.sent.append(message)
        await self.gate.wait()
        return self.answer(message)

    @property
    def tokens(self) -> list[str]:
        return [x.reply_token for x in self.sent]


class Desk:
    """A messenger on a database of its own."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.pushes = Pushes()
        self.replies = Replies()
        self.owned = Owned()
        self.pacers = PacerBook()
        self.messenger = self.another()

    def another(self) -> Messenger:
        """One more process, so to say."""
        one = self.house.carrier
        outlets = Outlets(
            line=self.house.departures,
            push=self.pushes,
            reply=self.replies,
            sms=self.house.sms,
            callback=one,
            setup=self.house.setup,
        )
        ownership: Ownership = self.owned
        return Messenger(self.house.clock, self.house.database, outlets, SEAL, ownership, self.pacers, ids)

    async def befriend(self, state: str = "friend") -> None:
        async with self.house.database.write() as tx:
            known = await friends.find(tx, self.house.shop.channel_id, [USER])
            row = Friend(
                channel_id=self.house.shop.channel_id,
                user_id=USER,
                state=state,
                since=START,
                source="follow event",
            )
            await friends.put(tx, [row], [(x.channel_id, x.user_id) for x in known.values()])

    async def ask(self, count: int = 1) -> list[str]:
        """Messages, due now; their ids."""
        made = []
        async with self.house.database.write() as tx:
            for _ in range(count):
                message = Message(
                    id=ids.new(), created_at=self.house.clock.now(), due_at=self.house.clock.now()
                )
                stored = Stored(
                    message=message,
                    account_id=self.house.shop.account_id,
                    channel_id=self.house.shop.channel_id,
                    user_id=USER,
                    reference=None,
                    body=json.dumps(TEXTS),
                )
                await messages.insert_message(tx, stored)
                made.append(message.id)
        return made

    async def answer(
        self, reply_token: str | None, reply_until: int | None = None, user_id: str = USER
    ) -> str:
        """An answer to what a user just did, due now; its id."""
        shop = self.house.shop
        async with self.house.database.write() as tx:
            stored = await actions.answer(
                tx,
                shop.account_id,
                shop.channel_id,
                user_id,
                reply_token,
                reply_until,
                TEXTS,
                self.house.clock.now(),
                ids,
            )
        return stored.message.id

    async def message(self, message_id: str) -> Message:
        async with self.house.database.read() as tx:
            return (await messages.load_by_ids(tx, [message_id]))[message_id]

    async def rest(self) -> None:
        """Does all that is due now."""
        async with asyncio.timeout(60):
            while await self.messenger.step():
                pass

    async def passes(self, milliseconds: int) -> None:
        """Time passes, and the messenger works whenever it asked for that."""
        clock = self.house.clock
        end = clock.now() + milliseconds
        await self.rest()
        while self.messenger.due_at is not None and self.messenger.due_at <= end:
            clock.put(self.messenger.due_at)
            await self.rest()
        clock.put(end)
        await self.rest()

    async def paused(self) -> bool:
        async with self.house.database.read() as tx:
            channel = await channels.get_channel(tx, self.house.shop.channel_id)
        assert channel is not None
        return channel.paused_at is not None
