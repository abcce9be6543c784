"""The emulator's own SMS carrier: takes messages, puts them into inboxes, posts receipts and users' answers.

Both go out at the same virtual time and are repeated with growing waits until somebody answers 2xx.
"""

from __future__ import annotations

import asyncio
from functools import partial

import aiohttp
import msgspec

from line_emulator import times
from line_emulator.bot_api.http import (
    Answer,
    Receive,
    Scope,
    Send,
    read_body,
    refusal,
    respond,
)
from line_emulator.bot_api.service import trouble_after, trouble_before
from line_emulator.control.http import fault_of
from line_emulator.faults import API_KINDS
from line_emulator.state import State
from line_emulator.world import numbers
from line_emulator.world.commands import TakeSms
from line_emulator.world.problems import Problem
from line_emulator.world.sms import Answered, Sms

PATH = "/_emulator/v1/carrier/messages"
RECEIPT_TIMEOUT = 5.0
RECEIPT_RETRIES = (60_000, 300_000, 1_800_000, 7_200_000)
"""Virtual ms from a failed post of a receipt to the next."""
RECEIPTS_AT_ONCE = 32
LONGEST_TEXT = 5000
LONGEST_FIELD = 2000
"""Of everything else in an order: it is kept, and shown in lists."""
KEEPALIVE = 3.0
"""Below the 5 seconds after which common servers close an idle connection: a post on one just being closed is lost."""


class SmsOrder(msgspec.Struct, forbid_unknown_fields=True, rename={"sender": "from"}):
    """The body of a request to the carrier."""

    to: str
    text: str
    sender: str = "SMS"
    reference: str | None = None
    receipt_url: str | None = None
    receipt_token: str | None = None
    reply_url: str | None = None


_decode = msgspec.json.Decoder(SmsOrder).decode


def _fault_of(body: bytes, error: Exception) -> str:
    if not isinstance(error, ValueError):
        return "The body is nested too deeply"
    return fault_of(body, error, SmsOrder)


class Receipt(msgspec.Struct):
    """A receipt on its way, of the message with this id; or an answer of a user, with its own id."""

    message_id: str
    url: str
    token: str | None
    body: bytes


class Carrier:
    """Answers `POST /_emulator/v1/carrier/messages`; needs no authentication, as it stands for no real
    carrier.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(RECEIPTS_AT_ONCE)
        state.texted = self.bring_back

    async def stop(self) -> None:
        """Drops receipts under way and closes the connections."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, under the faults that name this path."""
        state = self._state
        try:
            body = await read_body(receive, None)
        except ConnectionError:
            return
        state.activity.begin()
        try:
            faults = state.faults
            struck = faults.strike(faults.api, API_KINDS, PATH) if faults.api else {}
            answer = await trouble_before(struck, send)
            if answer is None and "disconnect_before" not in struck:
                answer = trouble_after(struck, send, self._take(body))
            if answer is not None:
                await respond(send, answer, None)
        finally:
            state.activity.end()

    def _take(self, body: bytes | None) -> Answer:
        if body is None:
            return refusal(Problem(413, "A request to the carrier may have 2 MB at most"))
        try:
            order = _decode(body)
        except (ValueError, RecursionError) as error:
            return refusal(Problem(400, _fault_of(body, error)))
        if not numbers.is_e164(order.to):
            text = f"to is {order.to[:50]!r}; it must be a number in E.164 form, such as +886912345678"
            return refusal(Problem(400, text))
        if not 0 < len(order.text) <= LONGEST_TEXT:
            text = f"text has {len(order.text)} characters; it must have 1 to {LONGEST_TEXT}"
            return refusal(Problem(400, text))
        for name, value in (
            ("from", order.sender),
            ("reference", order.reference),
            ("receipt_url", order.receipt_url),
            ("receipt_token", order.receipt_token),
            ("reply_url", order.reply_url),
        ):
            if len(value or "") > LONGEST_FIELD:
                return refusal(Problem(400, f"{name} may have {LONGEST_FIELD} characters at most"))
        for name, value in (("receipt_url", order.receipt_url), ("reply_url", order.reply_url)):
            if value is not None and not value.startswith(("http://", "https://")):
                return refusal(Problem(400, f"{name} must be an http or https address"))
        state = self._state
        message_id = f"sms-{state.ids.message_id()}"
        command = TakeSms(message_id, order.to, order.text, order.sender, order.reference, order.reply_url)
        command.reply_token = order.receipt_token if order.reply_url is not None else None
        sms = state.do(command).value
        if order.receipt_url is not None:
            self._owe(Receipt(message_id, order.receipt_url, order.receipt_token, _receipt(sms)))
        return Answer(202, msgspec.json.encode({"message_id": message_id}))

    def bring_back(self, answered: Answered) -> None:
        """Brings a user's answer to the sender, as a receipt is brought: with its token, and repeated."""
        sms = answered.sms
        self._owe(Receipt(sms.message_id, answered.url, answered.token, _reply(sms)))

    def _owe(self, receipt: Receipt) -> None:
        if self._state.diary is not None:
            self._state.diary.receipt(receipt.message_id, receipt)
        self._post_later(receipt, 0)

    def resume(self, receipt: Receipt, attempt: int, due: int | None) -> None:
        """Takes up a receipt of a former run: at once, or at virtual time `due`."""
        if due is None:
            self._post_later(receipt, attempt)
        else:
            self._state.clock.call_at(due, partial(self._post_later, receipt, attempt))

    def _post_later(self, receipt: Receipt, attempt: int) -> None:
        self._state.activity.begin()
        task = asyncio.get_running_loop().create_task(self._post(receipt, attempt))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _post(self, receipt: Receipt, attempt: int) -> None:
        try:
            # The time-out is for the answer: waiting for a turn must not count.
            async with self._turns:
                taken = await self._deliver(receipt)
            diary = self._state.diary
            if not taken and attempt < len(RECEIPT_RETRIES):
                clock = self._state.clock
                due = clock.now() + RECEIPT_RETRIES[attempt]
                clock.call_at(due, partial(self._post_later, receipt, attempt + 1))
                if diary is not None:
                    diary.receipt_due(receipt.message_id, attempt + 1, due)
            elif diary is not None:
                diary.receipt_ended(receipt.message_id)
        finally:
            self._state.activity.end()

    async def _deliver(self, receipt: Receipt) -> bool:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=RECEIPTS_AT_ONCE, keepalive_timeout=KEEPALIVE),
                timeout=aiohttp.ClientTimeout(total=RECEIPT_TIMEOUT),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        headers = {"Content-Type": "application/json"}
        if receipt.token is not None:
            headers["Authorization"] = f"Bearer {receipt.token}"
        try:
            async with self._session.post(
                receipt.url, data=receipt.body, headers=headers, allow_redirects=False
            ) as answer:
                return 200 <= answer.status < 300
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return False


def _receipt(sms: Sms) -> bytes:
    return msgspec.json.encode(
        {
            "message_id": sms.message_id,
            "reference": sms.reference,
            "status": "delivered" if sms.delivered else "failed",
            "at": times.render(sms.at),
        }
    )


def _reply(sms: Sms) -> bytes:
    return msgspec.json.encode(
        {
            "type": "reply",
            "id": sms.message_id,
            "from": sms.sender,
            "to": sms.to,
            "text": sms.text,
            "at": times.render(sms.at),
        }
    )
