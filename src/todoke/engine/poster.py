"""Posts the webhooks of the outbox to the business's own systems, as often as it takes."""

import asyncio
from collections import Counter

from todoke.actions.endpoints import result_of
from todoke.carriers import Carrier, Posting
from todoke.clock import Clock, wall
from todoke.core.durations import MINUTE
from todoke.core.outcome import Answer, Outcome
from todoke.engine.loop import IDLE_SECONDS, Loop, log
from todoke.engine.metrics import POSTINGS
from todoke.sealing import CannotUnseal, Seal
from todoke.storage import postings as store
from todoke.storage.database import Database
from todoke.storage.postings import DuePosting, Result

AT_ONCE_EACH = 4
"""Requests to one endpoint that may be open at the same time."""
AT_ONCE = 256
"""And to all together."""
LEASE = MINUTE
"""A request takes ten seconds at most; one that is out for a minute was lost with the process that sent it."""


class Poster(Loop):
    """Claims what is due, commits the try, sends, records. Any process may do so: a claim is a lease of its own.

    A step returns as soon as any request is answered, and not before all are: a slow endpoint holds up only itself.
    """

    name = "poster"

    def __init__(self, clock: Clock, database: Database, carrier: Carrier[Posting], seal: Seal) -> None:
        super().__init__(clock)
        self._database = database
        self._carrier = carrier
        self._seal = seal
        self._out: dict[asyncio.Task[None], str] = {}
        self._results: list[Result] = []

    async def step(self) -> bool:
        if self._results or await self._anything_due():
            for posting in await self._record_and_claim():
                task = asyncio.create_task(self._send(posting))
                self._out[task] = posting.endpoint_id
                task.add_done_callback(self._out.pop)
        elif not self._out:
            async with self._database.read(quick=True) as tx:
                self.due_at = await store.next_due(tx)
            return False
        await self._until_something_happens()
        return True

    async def _anything_due(self) -> bool:
        async with self._database.read(quick=True) as tx:
            return bool(self._chosen(await store.due(tx, self.clock.now(), AT_ONCE_EACH)))

    async def _record_and_claim(self) -> list[DuePosting]:
        """Both in one commit. What is claimed is read where nobody else can write, so that nobody else claims it."""
        results, self._results = self._results, []
        try:
            async with self._database.write(quick=True) as tx:
                await store.record_results(tx, results)
                claimed = self._chosen(await store.due(tx, self.clock.now(), AT_ONCE_EACH))
                await store.begin_tries(tx, [x.id for x in claimed], self.clock.now() + LEASE)
        except BaseException:
            self._results = results + self._results
            raise
        for result in results:
            POSTINGS.labels(result.outcome).inc()
        return claimed

    def _chosen(self, found: list[DuePosting]) -> list[DuePosting]:
        """As many as may leave now. What is out is leased, so none of it is among what is found."""
        if self._stopping:
            return []
        busy = Counter(self._out.values())
        chosen: list[DuePosting] = []
        for posting in found[: max(AT_ONCE - len(self._out), 0)]:
            if busy[posting.endpoint_id] < AT_ONCE_EACH:
                busy[posting.endpoint_id] += 1
                chosen.append(posting)
        return chosen

    async def _until_something_happens(self) -> None:
        """A request was answered, somebody asks for a look, or more may be due meanwhile."""
        if not self._out or self._results:
            return
        woken = asyncio.create_task(self.wake.wait())
        try:
            await asyncio.wait([*self._out, woken], timeout=IDLE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()

    async def _send(self, posting: DuePosting) -> None:
        answer = await self._answer(posting)
        result = result_of(posting, answer, self.clock.now())
        if result.ended_at is not None and answer.outcome is not Outcome.ACCEPTED:
            log.warning(
                "webhook.given_up",
                endpoint=posting.endpoint_id,
                webhook=posting.id,
                of=posting.event,
                tries=result.tries,
                why=answer.detail,
            )
        self._results.append(result)

    async def _answer(self, posting: DuePosting) -> Answer:
        try:
            message = Posting(
                url=posting.url,
                secret=self._seal.open(posting.secret),
                id=posting.id,
                # By the machine's time: receivers refuse what is some minutes old, and their clocks are real.
                at=wall(),
                body=posting.body.encode(),
            )
            return await self._carrier.send(message, posting.id)
        except CannotUnseal as error:
            return Answer(outcome=Outcome.FAILED, detail=str(error))
        except Exception as error:
            log.exception("webhook.error", webhook=posting.id, error=type(error).__name__)
            return Answer(outcome=Outcome.UNKNOWN, detail=f"internal error: {type(error).__name__}")

    async def run(self) -> None:
        """As every loop; at the end it waits for what is out and records it."""
        await super().run()
        if self._out:
            await asyncio.wait(self._out)
        if self._results:
            async with self._database.write() as tx:
                await store.record_results(tx, self._results)
            self._results = []
