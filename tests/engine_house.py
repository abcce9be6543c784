"""Engines on one database, with a carrier that answers as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from notice_support import START
from storage_support import Shop, ids, new_notice, notice_of, shop
from todoke.actions.facts import Setup
from todoke.actions.reactions import Reactions
from todoke.carriers import LineNotification, LinePush, Posting, SmsMessage
from todoke.clock import SteppedClock
from todoke.core.notice import Notice
from todoke.core.outcome import Answer, Outcome
from todoke.core.standing import Lane
from todoke.engine.engine import Engine
from todoke.engine.outgoing import InProcess, broke
from todoke.engine.sending import Outlets, send_failed
from todoke.engine.sms_carriers import SmsCarriers
from todoke.sealing import Seal
from todoke.storage import notices
from todoke.storage.database import Database
from todoke.storage.lookup import Lookup

SEAL = Seal("a secret key of the tests")
TOKEN = "a token"
ALL = dict.fromkeys(Lane, 1000)
"""So many of each lane that nothing is left."""


def bind_link(attempt_id: str) -> str:
    """As long as those of an installation at this address."""
    return f"https://notices.example.com/b/{attempt_id:-<32}"


async def until(happened: Callable[[], bool]) -> None:
    """Lets the loops run until something has happened, which it does soon or never."""
    async with asyncio.timeout(20):
        for _ in range(1_000_000):
            if happened():
                return
            await asyncio.sleep(0)
    raise AssertionError("it did not happen")


class TellsOutcomes:
    """A carrier for all kinds of message. `answer` says what becomes of each; `sent` is what it was asked."""

    name = "tells"
    gives_proof = True
    countries: frozenset[str] | None = None
    why_not: str | None = None

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.tokens: list[str] = []
        self.answer: Callable[[str], Answer] = lambda _: Answer(outcome=Outcome.ACCEPTED, status=200)
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked: set[asyncio.Task[Answer]] = set()

    async def send(self, message: LineNotification | LinePush | Posting | SmsMessage, tag: str) -> Answer:
        self.sent.append(tag)
        if isinstance(message, LineNotification):
            self.tokens.append(message.access_token)
            if not message.access_token:
                return Answer(outcome=Outcome.DENIED, detail="not sent: no token")
        await self.gate.wait()
        return self.answer(tag)

    def begin(self, message: LineNotification, tag: str, done: Callable[[Answer], None]) -> None:
        task = asyncio.create_task(self.send(message, tag))
        self.asked.add(task)
        task.add_done_callback(self.asked.discard)
        task.add_done_callback(lambda task: done(self._came_of(task)))

    @staticmethod
    def _came_of(task: asyncio.Task[Answer]) -> Answer:
        error = task.exception()
        return task.result() if error is None else broke(error)


class House:
    """One database, one shop in it, one carrier, and as many engines as a test starts."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self.clock = SteppedClock(START)
        self.carrier = TellsOutcomes()
        self.departures: Any = InProcess(self.carrier, send_failed)
        self.lookup = Lookup()
        self.sms = SmsCarriers([self.carrier])
        self.setup = Setup(
            sms_routes=self.sms.routes,
            sms_began=self.sms.began,
            every_number_is_a_test_number=True,
            bind_link=bind_link,
        )
        self.reactions = Reactions(ids)
        self.engines: list[Engine] = []
        self.shop: Shop

    async def open(self, seal: Seal = SEAL, **changes: Any) -> Shop:
        async with self.database.write() as tx:
            self.shop = await shop(tx, token=seal.close(TOKEN), **changes)
        return self.shop

    async def ask(self, count: int = 1, at: Shop | None = None) -> list[str]:
        """Notices, due now; their ids."""
        rows = [new_notice(at or self.shop) for _ in range(count)]
        async with self.database.write() as tx:
            await notices.insert_new(tx, rows)
        return [r.id for r in rows]

    async def notice(self, notice_id: str, at: Shop | None = None) -> Notice:
        async with self.database.read() as tx:
            return await notice_of(tx, at or self.shop, notice_id)

    def outlets(self) -> Outlets:
        one = self.carrier
        return Outlets(
            line=self.departures, push=one, reply=one, sms=self.sms, callback=one, setup=self.setup
        )

    def engine(self) -> Engine:
        """A process, so to say; not started."""
        made = Engine(
            clock=self.clock,
            database=self.database,
            data_dir=self.folder,
            outlets=self.outlets(),
            readers={},
            lookup=Lookup(),
            ids=ids,
            seal=SEAL,
            reactions=self.reactions,
        )
        self.engines.append(made)
        return made
