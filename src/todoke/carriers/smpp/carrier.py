"""Sends SMS over SMPP: each part is written once, and one question decides: may the SMSC have taken it?"""

import asyncio
import secrets as random
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256

import structlog
from aiosmpplib import SmppCommandStatus, SubmitSm

from todoke.carriers import BadSignature, InboundEvent, SmsMessage
from todoke.carriers.declarations import DeclarationError
from todoke.carriers.smpp.answers import THROTTLED, not_taken, taken
from todoke.carriers.smpp.declaration import SmppDeclaration
from todoke.carriers.smpp.link import Link
from todoke.carriers.smpp.messages import Unfit, submits
from todoke.carriers.smpp.pace import Pace
from todoke.carriers.smpp.pdu import BadPdu, message_id
from todoke.carriers.smpp.receipts import ReceiptReader
from todoke.carriers.smpp.replies import Reply, Word
from todoke.clock import monotonic, wait_for
from todoke.core.outcome import Answer, Outcome

log = structlog.get_logger()

Store = Callable[[bytes], Awaitable[None]]
"""Keeps a body durably, for `read_events` later; raises if it can't."""

_MAX_PASSWORD = 8
_AGAIN = 0.5
"""Seconds after which a later part is tried again that was surely not taken."""
_FIRST_BY, _LATER_BY = 0.6, 0.9
"""The share of `timeout` after which a part is written no more: with hardly time for its answer, it would end as
`unknown` for nothing. A later part is worth more of a risk, as without it the whole is unknown anyway."""
_STORING = 10.0
"""Seconds for storing a receipt; then the SMSC is asked to bring it again."""


class SmppCarrier:
    """The carrier for SMS over one SMPP provider; a `Carrier[SmsMessage]`. It sends between `start` and `stop`.

    `secrets`: name to value, for the password; it never stands in an error or a detail. `store` is given each receipt
    before the SMSC hears that it came. Raises DeclarationError for a password that is not set or can't be sent.
    """

    def __init__(self, declaration: SmppDeclaration, secrets: Mapping[str, str], store: Store) -> None:
        self.declaration = declaration
        password = _password(declaration, secrets)
        hows = ["transceiver"] if declaration.bind == "transceiver" else ["transmitter", "receiver"]
        self._links = [Link(declaration, password, how, self._hear) for how in hows]
        self._sender = self._links[0]
        self._pace = Pace(declaration.window, declaration.rate)
        self._store = store
        key = sha256(f"{declaration.name}\0{declaration.system_id}\0{password}".encode()).digest()
        self._receipts = ReceiptReader(declaration, key)
        # Not from 0 at each start: a phone would mix a text's parts with those of one just before.
        self._reference = random.randbelow(256)
        self._running = False
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def name(self) -> str:
        """As in the declaration."""
        return self.declaration.name

    @property
    def gives_proof(self) -> bool:
        """Whether a final receipt follows an accepted message."""
        return self.declaration.receipts

    @property
    def countries(self) -> frozenset[str] | None:
        """Where it delivers to; None: everywhere."""
        return None if self.declaration.countries is None else frozenset(self.declaration.countries)

    @property
    def connected(self) -> bool:
        """Whether all links are bound: one, or with `bind: transmitter+receiver` two."""
        return all(link.bound for link in self._links)

    @property
    def why_not(self) -> str | None:
        """Why it can't take a message now, for people; None if it can."""
        return self._sender.why_not

    @property
    def why_no_receipts(self) -> str | None:
        """Why no receipt can come now; None if one can. Differs from `why_not` where receipts have their own link."""
        return self._links[-1].why_not

    async def start(self) -> None:
        """Connects. Returns after the first try, at most twice `timeout` later, and keeps the link up from then on."""
        self._running = True
        await asyncio.gather(*(link.start() for link in self._links))

    async def stop(self, grace: float = 5.0) -> None:
        """Begins no more messages, waits up to `grace` seconds for those that are under way, unbinds."""
        self._running = False
        until = monotonic() + grace
        await wait_for(self._idle, grace)
        await asyncio.gather(*(link.stop(max(until - monotonic(), 0)) for link in self._links))

    async def send(self, message: SmsMessage, tag: str) -> Answer:
        """Sends all parts, one after the other's answer: a number that is refused is refused at the first.

        Raises nothing for what the SMSC or the network does. A part is written a second time only if it was surely
        not taken and parts before it were. `tag` has no place in SMPP.
        """
        began = monotonic()
        try:
            parts = submits(self.declaration, message, self._reference)
        except Unfit as exc:
            return Answer(outcome=Outcome.INVALID, detail=f"not sent: {exc}")
        if len(parts) > 1:
            self._reference = (self._reference + 1) % 256
        self._under_way += 1
        self._idle.clear()
        try:
            return await self._send_all(parts, began)
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    def check(self, headers: Mapping[str, str], body: bytes, secret: str) -> None:
        """Raises BadSignature, always: receipts come over the bound link, never by HTTP."""
        raise BadSignature(f"{self.name} brings its receipts over SMPP: nothing posted here can be from it")

    def read_events(self, headers: Mapping[str, str], body: bytes, now: int) -> list[InboundEvent]:
        """The event of a body that was given to `store`. Raises BadEvent."""
        return self._receipts.read(body, now)

    async def _send_all(self, parts: list[SubmitSm], began: float) -> Answer:
        ids: list[str | None] = []
        for part in parts:
            reply = await self._send_part(part, began, again=bool(ids))
            if reply is None:
                if not ids:
                    return Answer(
                        outcome=Outcome.THROTTLED, detail="not sent: window or rate left no room in time"
                    )
                reply = Reply(Word.NOT_WRITTEN, "window or rate left no room in time")
            if reply.word is not Word.ANSWERED or reply.status != 0:
                return not_taken(reply, len(ids), len(parts), self.declaration.unclear)
            ids.append(self._receipts.submitted_id(message_id(reply.body)))
        return taken(ids)

    async def _send_part(self, part: SubmitSm, began: float, again: bool) -> Reply | None:
        """None if there was no slot in time."""
        timeout = self.declaration.timeout_seconds
        write_by = began + timeout * (_LATER_BY if again else _FIRST_BY)
        while True:
            reply = await self._submit(part, write_by, began + timeout, first=not again)
            if reply is None or not again:
                return reply
            throttled = reply.word is Word.ANSWERED and reply.status in THROTTLED
            if not throttled and reply.word is not Word.NOT_WRITTEN:
                return reply
            if monotonic() + _AGAIN >= write_by or (not self._running and not self._sender.bound):
                return reply
            await asyncio.sleep(_AGAIN)

    async def _submit(self, part: SubmitSm, write_by: float, answer_by: float, first: bool) -> Reply | None:
        if not self._sender.bound:
            return self._not_bound()
        async with self._pace.slot(write_by) as free:
            if not free:
                return None
            # Looked up after the wait: it may be another session by now, or none.
            session = self._sender.session
            if session is None:
                return self._not_bound()
            if first and not self._running:
                return Reply(Word.NOT_WRITTEN, "the program is stopping")
            reply = await session.request(part, write_by, answer_by)
            if reply.word is Word.ANSWERED and reply.status == SmppCommandStatus.ESME_RINVBNDSTS:
                session.abandon("the SMSC says that we are not bound")
                return self._not_bound()
            return reply

    def _not_bound(self) -> Reply:
        return Reply(Word.NOT_WRITTEN, f"not bound to the SMSC: {self._sender.why_not}")

    async def _hear(self, body: bytes) -> SmppCommandStatus:
        """Stores what a deliver_sm tells. Only then it is confirmed; what can't be stored now must come again."""
        try:
            kept = self._receipts.to_store(body)
        except BadPdu as exc:
            log.warning("smpp.unreadable", carrier=self.name, why=f"a deliver_sm {exc}")
            return SmppCommandStatus.ESME_RX_P_APPN
        try:
            async with asyncio.timeout(_STORING):
                await self._store(kept)
        except Exception as exc:
            log.error("smpp.not_stored", carrier=self.name, exc_info=exc)
            return SmppCommandStatus.ESME_RX_T_APPN
        return SmppCommandStatus.ESME_ROK


def _password(declaration: SmppDeclaration, secrets: Mapping[str, str]) -> str:
    file, name = f"SMS carrier {declaration.name}", f"secret {declaration.secret_name}"
    password = secrets.get(declaration.secret_name, "")
    if not password:
        raise DeclarationError(file, name, "is not set: the declaration uses it, set its value")
    if not (password.isascii() and password.isprintable()):
        raise DeclarationError(file, name, "holds a character that is no printable ASCII: set it anew")
    if len(password) > _MAX_PASSWORD:
        raise DeclarationError(file, name, f"has over {_MAX_PASSWORD} characters, which SMPP 3.4 can't carry")
    return password
