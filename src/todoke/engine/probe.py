"""Tries an endpoint out: a test webhook, now, and what to mend where it is not taken."""

import msgspec

from todoke.actions.endpoints import open_secrets
from todoke.actions.outbox import body
from todoke.carriers import Carrier, Posting
from todoke.clock import Clock, monotonic, wall
from todoke.core.announcing import TEST
from todoke.core.outcome import Answer, Outcome
from todoke.ids import Ids
from todoke.sealing import CannotUnseal, Seal
from todoke.storage import postings as store
from todoke.storage.database import Database
from todoke.storage.endpoints import Endpoint
from todoke.storage.postings import FAILED, TAKEN, PostingRow, Result


class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """What came back. `remedy`: what to mend; None where the test was taken."""

    webhook_id: str
    taken: bool
    status: int | None
    detail: str | None
    took_ms: int
    remedy: str | None


class Prober:
    """Sends one request and no more, whether the endpoint is paused or not, and writes it into its log."""

    def __init__(
        self, clock: Clock, database: Database, carrier: Carrier[Posting], seal: Seal, ids: Ids
    ) -> None:
        self._clock = clock
        self._database = database
        self._carrier = carrier
        self._seal = seal
        self._ids = ids

    async def probe(self, endpoint: Endpoint) -> Probed:
        at, began = self._clock.now(), monotonic()
        row = PostingRow(
            id=self._ids.new(),
            account_id=endpoint.account_id,
            endpoint_id=endpoint.id,
            event=TEST,
            body=body(TEST, {"endpoint": endpoint.id, "text": "This is a test."}, at, self._ids),
            tries=1,
            created_at=at,
            ended_at=at,
        )
        answer = await self._answer(endpoint, row)
        took_ms = round((monotonic() - began) * 1000)
        taken = answer.outcome is Outcome.ACCEPTED
        row.outcome, row.status, row.detail = TAKEN if taken else FAILED, answer.status, answer.detail
        result = Result(
            posting_id=row.id,
            endpoint_id=endpoint.id,
            tries=1,
            at=at,
            outcome=row.outcome,
            status=answer.status,
            detail=answer.detail,
            took_ms=took_ms,
        )
        async with self._database.write() as tx:
            await store.insert_postings(tx, [row])
            await store.insert_tries(tx, [result])
        return Probed(
            webhook_id=row.id,
            taken=taken,
            status=answer.status,
            detail=answer.detail,
            took_ms=took_ms,
            remedy=None if taken else remedy_for(answer),
        )

    async def _answer(self, endpoint: Endpoint, row: PostingRow) -> Answer:
        try:
            secret, old_secret = open_secrets(
                endpoint.secret,
                endpoint.old_secret,
                endpoint.old_secret_until,
                self._seal,
                self._clock.now(),
            )
        except CannotUnseal as error:
            return Answer(outcome=Outcome.FAILED, detail=str(error))
        message = Posting(
            url=endpoint.url,
            secret=secret,
            old_secret=old_secret,
            id=row.id,
            # By the machine's time: receivers refuse what is some minutes old, and their clocks are real.
            at=wall(),
            body=row.body.encode(),
        )
        return await self._carrier.send(message, row.id)


_REMEDIES = {
    400: "Your system did not like the request. See that it checks the signature over the body as it came, byte for "
    "byte, before any parsing, and with this endpoint's secret.",
    401: "Your system refused the signature, or wants a login. See that it has this endpoint's secret "
    "(rotate-secret makes a new one) and that nothing before it asks for credentials.",
    404: "Nothing is at this path. See that the URL is right and that the route takes POST.",
    405: "The path is there and takes no POST. Let it.",
    410: "Your system says that it wants no more of these. Take that answer out, or remove the endpoint.",
    413: "Your system takes no bodies of this size. Let it take 64 KB.",
    415: "Your system does not take application/json. Let it.",
    429: "Your system asks for a slower pace: let this path take eight requests at a time.",
}


def remedy_for(answer: Answer) -> str:
    """What somebody should mend whose endpoint answered so."""
    status = answer.status
    if status is None:
        if answer.outcome is Outcome.UNKNOWN:
            return "See that your system answers within ten seconds: store the webhook, answer, and work afterwards."
        return (
            "See that the URL is right, and that its host can be reached from this machine over the internet."
        )
    if status == 403:
        status = 401
    if (known := _REMEDIES.get(status)) is not None:
        return known
    if 300 <= status < 400:
        return "Redirects are not followed. Enter the URL to which it leads."
    if status >= 500:
        return "Your system failed at it. Its own log says why."
    return "Let your system answer 2xx once it has stored the webhook."
