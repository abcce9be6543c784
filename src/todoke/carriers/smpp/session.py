"""One bound connection to an SMSC, from connecting to its end. It is never used again after that.

What it is exact about: whether a request may have left this machine. A message is handed to the connection only when
nothing else waits in its buffer, so of all that is in flight when the link breaks only what was really written is in
doubt; the rest has surely not left and can't leave later.
Source: SMPP 3.4, chapters 2 (sessions), 4.1 (bind), 4.2 (unbind), 4.3 (generic_nack), 4.11 (enquire_link).
"""

import asyncio
import os
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from aiosmpplib import (
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    SmppCommand,
    SmppCommandStatus,
    SmppMessage,
    Unbind,
    UnbindResp,
)

from todoke.carriers.smpp.declaration import SmppDeclaration, seconds
from todoke.carriers.smpp.pdu import HEADER, MAX_LENGTH, RESPONSE, status_name
from todoke.carriers.smpp.replies import NotBound, Reply, Word
from todoke.clock import monotonic

BINDS: dict[str, type[BindTransceiver]] = {
    "transceiver": BindTransceiver,
    "transmitter": BindTransmitter,
    "receiver": BindReceiver,
}
Hear = Callable[[bytes], Awaitable[SmppCommandStatus]]
"""Takes the body of a deliver_sm, answers with the status for its deliver_sm_resp."""

_HEARING = 500
"""Messages of the SMSC that are worked on at once; then nothing more is read until one is done."""
_LAST_WORDS = 2.0
"""Seconds for the answer to unbind, and for answers still on their way when the SMSC unbinds."""
_NO_ANSWER_DUE = frozenset({SmppCommand.OUTBIND, SmppCommand.ALERT_NOTIFICATION})
_REFUSED = frozenset(
    {SmppCommandStatus.ESME_RBINDFAIL, SmppCommandStatus.ESME_RINVPASWD, SmppCommandStatus.ESME_RINVSYSID}
)


class Session:
    """Made by `connect`, bound by `bind`. `hear` is called for each deliver_sm, several at once."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        declaration: SmppDeclaration,
        hear: Hear,
    ) -> None:
        self.bound = False
        """Whether requests may be made."""
        self.why = ""
        """Why it ended."""
        self._reader, self._writer = reader, writer
        self._timeout = declaration.timeout_seconds
        self._interval = seconds(declaration.enquire_link)
        self._hear = hear
        self._writing = asyncio.Lock()
        self._sequence = 0
        self._open: dict[int, tuple[int, asyncio.Future[Reply]]] = {}
        self._heard = monotonic()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()
        # Not 0: with TLS that would mean "full" for an empty buffer. See `_drained`.
        writer.transport.set_write_buffer_limits(high=1, low=0)
        self._reading = asyncio.create_task(self._read())
        self._keeping: asyncio.Task[None] | None = None

    @classmethod
    async def connect(cls, declaration: SmppDeclaration, hear: Hear) -> "Session":
        """A connection, not yet bound. Raises NotBound."""
        where = f"{declaration.host}:{declaration.port}"
        try:
            tls = ssl.create_default_context(cafile=declaration.ca_file) if declaration.tls else None
        except (OSError, ValueError) as exc:
            raise NotBound("the file of ca_file can't be read: it must hold certificates as PEM") from exc
        try:
            async with asyncio.timeout(declaration.timeout_seconds):
                reader, writer = await asyncio.open_connection(declaration.host, declaration.port, ssl=tls)
        except TimeoutError as exc:
            raise NotBound(
                f"no connection to {where} in time: is the host right, is a firewall in between?"
            ) from exc
        except ssl.SSLError as exc:
            reason = getattr(exc, "verify_message", "") or exc.reason or "no handshake"
            raise NotBound(f"TLS with {where} failed: {reason}") from exc
        except (OSError, UnicodeError) as exc:
            # asyncio puts the address into the error's text again; the number says it shorter.
            number = getattr(exc, "errno", None) or 0
            why = os.strerror(number) if number > 0 else "no connection"
            raise NotBound(f"could not connect to {where}: {why}") from exc
        return cls(reader, writer, declaration, hear)

    async def bind(self, how: str, declaration: SmppDeclaration, password: str) -> None:
        """Binds as transceiver, transmitter or receiver. Raises NotBound; the connection is closed then."""
        request = BINDS[how](
            system_id=declaration.system_id, password=password, system_type=declaration.system_type
        )
        reply = await self._ask(request, self._timeout)
        if reply.word is Word.ANSWERED and reply.status == 0 and not self._ended.is_set():
            self.bound = True
            self._keeping = asyncio.create_task(self._keep_alive())
            return
        why, refused = f"no answer to the bind: {self.why or reply.why}", False
        if reply.word is Word.ANSWERED:
            why = f"the SMSC refused to bind: {status_name(reply.status)}"
            if refused := reply.status in _REFUSED:
                why += ": check system_id, password and system_type"
        self._end(why)
        raise NotBound(why, refused)

    async def request(self, message: SmppMessage, write_by: float, answer_by: float) -> Reply:
        """Sends a request, if the link takes it until `write_by`, and waits for its answer until `answer_by` (both
        monotonic seconds). Raises nothing for what the network does. If the caller is cancelled, the message may have
        left.
        """
        if not self.bound:
            return Reply(Word.NOT_WRITTEN, self.why or "the session is ending")
        return await self._request(message, write_by, answer_by, needs_bound=True)

    def abandon(self, why: str) -> None:
        """Ends it at once."""
        self._end(why)

    async def ended(self) -> str:
        """Waits for the end, and says why."""
        await self._ended.wait()
        return self.why

    async def close(self, grace: float, why: str) -> None:
        """Takes no more requests, waits up to `grace` seconds for what is out and for receipts being stored, unbinds,
        closes.
        """
        was_bound, self.bound = self.bound, False
        until = monotonic() + grace
        await self._wait_for_answers(grace)
        if self._tasks and not self._ended.is_set():
            await asyncio.wait(self._tasks, timeout=max(until - monotonic(), 0))
        if was_bound:
            await self._ask(Unbind(), min(_LAST_WORDS, self._timeout))
        self._end(why)
        for task in self._tasks:
            task.cancel()  # a receipt that is not stored yet will be brought again

    async def _ask(self, message: SmppMessage, seconds: float) -> Reply:
        """A request of the link's own."""
        until = monotonic() + seconds
        return await self._request(message, until, until)

    async def _request(
        self, message: SmppMessage, write_by: float, answer_by: float, needs_bound: bool = False
    ) -> Reply:
        written = False
        try:
            async with asyncio.timeout(max(write_by - monotonic(), 0)), self._writing:
                await self._drained()
                if self._ended.is_set() or (needs_bound and not self.bound):
                    return Reply(Word.NOT_WRITTEN, self.why or "the session is ending")
                self._sequence = sequence = self._sequence % 0x7FFFFFFF + 1
                message.sequence_num = sequence
                octets = message.pdu()
                answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
                self._open[sequence] = (message.smpp_command | RESPONSE, answer)
                written = True
                self._writer.write(octets)
        except (TimeoutError, OSError) as exc:
            if not written:
                late = isinstance(exc, TimeoutError)
                why = "the link took no more in time" if late else self.why or "the link broke"
                return Reply(Word.NOT_WRITTEN, why)
        try:
            async with asyncio.timeout(max(answer_by - monotonic(), 0)):
                return await answer
        except TimeoutError:
            return Reply(Word.NO_WORD, "no answer in time")
        finally:
            del self._open[sequence]

    async def _read(self) -> None:
        why = "reading broke off"
        try:
            while True:
                length, command, status, sequence = HEADER.unpack(await self._reader.readexactly(HEADER.size))
                if not HEADER.size <= length <= MAX_LENGTH:
                    why = "the SMSC sent what is no SMPP: are host and port right?"
                    return
                body = await self._reader.readexactly(length - HEADER.size)
                self._heard = monotonic()
                if command & RESPONSE:
                    self._answered(command, status, sequence, body)
                    continue
                if len(self._tasks) >= _HEARING:
                    await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
                if command == SmppCommand.UNBIND:
                    self.bound = False
                self._start(self._serve(command, sequence, body))
        except asyncio.IncompleteReadError:
            why = "the SMSC closed the link"
        except OSError as exc:
            why = f"the link broke: {exc.strerror or 'no reason given'}"
        finally:
            self._end(why)

    def _answered(self, command: int, status: int, sequence: int, body: bytes) -> None:
        awaited, answer = self._open.get(sequence, (None, None))
        # An answer that comes after its time, or fits no request: there is nobody to tell.
        if answer is not None and not answer.done() and command in (awaited, SmppCommand.GENERIC_NACK):
            # A refusal without a reason is still no: generic_nack means it was not understood.
            if command == SmppCommand.GENERIC_NACK and status == 0:
                status = SmppCommandStatus.ESME_RINVCMDID
            answer.set_result(Reply(Word.ANSWERED, status=status, body=body))

    async def _serve(self, command: int, sequence: int, body: bytes) -> None:
        if command == SmppCommand.DELIVER_SM:
            status = await self._hear(body)
            await self._respond(DeliverSmResp(sequence_num=sequence, command_status=status))
        elif command == SmppCommand.ENQUIRE_LINK:
            await self._respond(EnquireLinkResp(sequence_num=sequence))
        elif command == SmppCommand.UNBIND:
            await self._respond(UnbindResp(sequence_num=sequence))
            await self._wait_for_answers(_LAST_WORDS)
            self._end("the SMSC ended the session (unbind)")
        elif command not in _NO_ANSWER_DUE:
            status = SmppCommandStatus.ESME_RINVCMDID
            await self._respond(GenericNack(sequence_num=sequence, command_status=status))

    async def _respond(self, message: SmppMessage) -> None:
        try:
            async with self._writing:
                await self._drained()
                if not self._ended.is_set():
                    self._writer.write(message.pdu())
        except OSError:
            return  # The SMSC will ask again over the next link.

    async def _drained(self) -> None:
        """Waits until all that was written has gone to the operating system (with TLS: nearly all). Raises OSError."""
        await self._writer.drain()
        while self._writer.transport.get_write_buffer_size() and not self._ended.is_set():  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # a single octet is left, which is under the limit

    async def _keep_alive(self) -> None:
        while True:
            wait = self._heard + self._interval - monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
                continue
            before = self._heard
            reply = await self._ask(EnquireLink(), self._timeout)
            if reply.word is not Word.ANSWERED and self._heard == before:
                self._end("the SMSC does not answer (enquire_link)")
                return

    async def _wait_for_answers(self, at_most: float) -> None:
        open_ones = [answer for _, answer in self._open.values()]
        if open_ones:
            await asyncio.wait(open_ones, timeout=at_most)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _end(self, why: str) -> None:
        """Once. What is written in part is cut off, so that nothing leaves after its outcome was told."""
        if self._ended.is_set():
            return
        self.bound, self.why = False, why
        self._ended.set()
        self._writer.transport.abort()
        self._reading.cancel()
        if self._keeping is not None:
            self._keeping.cancel()
        for _, answer in self._open.values():
            if not answer.done():
                answer.set_result(Reply(Word.NO_WORD, why))
