"""Posts the webhooks of the outbox to the business's own systems, as often as it takes."""

import asyncio
from collections import Counter

from todoke.actions.endpoint_health import judge
from todoke.actions.endpoints import open_secrets
from todoke.actions.outbox import result_of
from todoke.carriers import Carrier, Posting
from todoke.carriers.echoes import without_words
from todoke.clock import Clock, monotonic, wall
from todoke.core.durations import MINUTE
from todoke.core.outcome import Answer, Outcome
from todoke.engine.loop import IDLE_SECONDS, Loop, log
from todoke.engine.metrics import POSTINGS
from todoke.ids import Ids
from todoke.sealing import CannotUnseal, Seal
from todoke.storage import postings as store
from todoke.storage.database import Database, Tx
from todoke.storage.endpoints import Endpoint
from todoke.storage.postings import DuePosting, Result

AT_ONCE_EACH = 8
"""Requests to one endpoint that may be open at the same time."""
LOOK_AHEAD = 4 * AT_ONCE_EACH
"""What is looked at of each endpoint, for some of it may have to wait for an earlier one about the same thing."""
AT_ONCE = 256
"""And to all together."""
LEASE = MINUTE
"""A request takes ten seconds at most; one that is out for a minute was lost with the process that sent it."""


class Poster(Loop):
    """Claims what is due, commits the try, sends, records. Any process may do so: a claim is a lease of its own.

    A step returns as soon as any request is answered, and not before all are: a slow endpoint holds up only itself.
    Of what one endpoint is told about one thing, such as a notice, one request is open at a time, so that it comes in
    order where nothing has to be repeated.
    """

    name = "poster"
    heeds_stored_only = True

    def __init__(
        self, clock: Clock, database: Database, carrier: Carrier[Posting], seal: Seal, ids: Ids
    ) -> None:
        super().__init__(clock)
        self._ids = ids
        self._database = database
        self._carrier = carrier
        self._seal = seal
        self._out: dict[asyncio.Task[None], DuePosting] = {}
        self._results: list[Result] = []

    async def step(self) -> bool:
        if self._results or await self._anything_due():
            for posting in await self._record_and_claim():
                task = asyncio.create_task(self._send(posting))
                self._out[task] = posting
                task.add_done_callback(self._out.pop)
        elif not self._out:
            async with self._database.read(quick=True) as tx:
                self.due_at = await store.next_due(tx)
            return False
        await self._until_something_happens()
        return True

    async def _anything_due(self) -> bool:
        async with self._database.read(quick=True) as tx:
            return bool(self._chosen(await store.due(tx, self.clock.now(), LOOK_AHEAD)))

    async def _record_and_claim(self) -> list[DuePosting]:
        """Both in one commit. What is claimed is read where nobody else can write, so that nobody else claims it."""
        results, self._results = self._results, []
        try:
            async with self._database.write(quick=True) as tx:
                paused = await self._record(tx, results)
                claimed = self._chosen(await store.due(tx, self.clock.now(), LOOK_AHEAD))
                await store.begin_tries(tx, [x.id for x in claimed], self.clock.now() + LEASE)
                if not paused:
                    self._database.leave_plans()
        except BaseException:
            self._results = results + self._results
            raise
        for result in results:
            POSTINGS.labels(result.outcome).inc()
        _complain(paused)
        return claimed

    async def _record(self, tx: Tx, results: list[Result]) -> list[Endpoint]:
        """Answers the endpoints that take nothing any more, and so were paused."""
        if not results:
            return []
        await store.record_results(tx, results)
        return await judge(tx, results, self.clock.now(), self._ids)

    def _chosen(self, found: list[DuePosting]) -> list[DuePosting]:
        """As many as may leave now. What is out is leased, so none of it is among what is found."""
        if self._stopping:
            return []
        busy = Counter(x.endpoint_id for x in self._out.values())
        told_of = {(x.endpoint_id, x.about) for x in self._out.values()}
        chosen: list[DuePosting] = []
        for posting in found:
            if len(chosen) + len(self._out) >= AT_ONCE:
                break
            subject = (posting.endpoint_id, posting.about)
            if busy[posting.endpoint_id] < AT_ONCE_EACH and (posting.about is None or subject not in told_of):
                busy[posting.endpoint_id] += 1
                told_of.add(subject)
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
        at, began = self.clock.now(), monotonic()
        answer = await self._answer(posting)
        took_ms = round((monotonic() - began) * 1000)
        result = result_of(posting, answer, at, took_ms, self.clock.now())
        if result.ended_at is not None and answer.outcome is not Outcome.ACCEPTED:
            log.warning(
                "webhook.given_up",
                endpoint=posting.endpoint_id,
                webhook=posting.id,
                of=posting.event,
                tries=result.tries,
                why=without_words(answer.status, answer.detail),
            )
        self._results.append(result)

    async def _answer(self, posting: DuePosting) -> Answer:
        try:
            secret, old_secret = open_secrets(
                posting.secret,
                posting.old_secret,
                posting.old_secret_until,
                self._seal,
                self.clock.now(),
            )
            message = Posting(
                url=posting.url,
                secret=secret,
                old_secret=old_secret,
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
                paused = await self._record(tx, self._results)
            self._results = []
            _complain(paused)


def _complain(paused: list[Endpoint]) -> None:
    for endpoint in paused:
        log.error(
            "webhook.endpoint_paused",
            endpoint=endpoint.id,
            why=endpoint.paused_why,
            remedy="mend it, then todoke webhooks test, then todoke webhooks resume",
        )
