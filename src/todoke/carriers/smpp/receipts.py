"""Delivery receipts: from a deliver_sm to the body that is stored, and from that to the event it stands for.

Sources: SMPP 3.4, 5.2.12 (esm_class), 5.2.28 (message states), 5.3.2.35 (message_state), 5.3.2.12
(receipted_message_id), appendix B (the text of a receipt, which every SMSC writes a little differently).
What is stored holds no number and no text, but where a phone sent a word that opts out or in again.
"""

import re
from datetime import datetime
from hashlib import blake2b
from secrets import token_bytes

import msgspec
from aiosmpplib.state import MESSAGE_STATE, RECEIPTED_MESSAGE_ID

from todoke.carriers import BadEvent, EventKind, InboundEvent
from todoke.carriers.replies import Reply, e164, event, regions_of, word_in
from todoke.carriers.smpp.declaration import SmppDeclaration
from todoke.carriers.smpp.pdu import Delivery, plain_id, read_deliver

_UDHI = 0x40
_TYPE = 0x3C
_RECEIPT = 0x04
_INTERMEDIATE = 0x20
_LAST_MILLI = 253_402_300_799_999  # of the year 9999

_STATES = (
    "SCHEDULED",
    "ENROUTE",
    "DELIVRD",
    "EXPIRED",
    "DELETED",
    "UNDELIV",
    "ACCEPTD",
    "UNKNOWN",
    "REJECTD",
)
"""By the number of message_state."""
_SPELT = {
    **{name: name for name in _STATES},
    "DELIVERD": "DELIVRD",
    "DELIVERED": "DELIVRD",
    "EXPIRD": "EXPIRED",
    "UNDELIVERABLE": "UNDELIV",
    "UNDELIVERED": "UNDELIV",
    "UNDELIVRD": "UNDELIV",
    "ACCEPTED": "ACCEPTD",
    "REJECTED": "REJECTD",
}
_KINDS = {
    "DELIVRD": EventKind.PROOF,
    **dict.fromkeys(("EXPIRED", "DELETED", "UNDELIV", "REJECTD"), EventKind.NO_PROOF),
}
_PASSING = frozenset({"SCHEDULED", "ENROUTE", "ACCEPTD"})

_TEXT = re.compile(r"\btext\s*:", re.IGNORECASE)
_ID = re.compile(
    r"(?<![A-Za-z0-9_])id\s*:[ \t]*(?!(?:sub|dlvrd|submit|done|stat|err)\b)([^\s,;]+)", re.IGNORECASE
)
_STAT = re.compile(r"(?<![A-Za-z0-9_])stat(?:us)?\s*:\s*([A-Za-z]{1,20})(?![A-Za-z:])", re.IGNORECASE)
_ERR = re.compile(r"(?<![A-Za-z0-9_])err(?:or)?\s*:[ \t]*([A-Za-z0-9]{1,8})(?![A-Za-z0-9:])", re.IGNORECASE)
_DONE = re.compile(r"done[ _]?date\s*:[ \t]*([0-9]{10,14})(?![0-9])", re.IGNORECASE)

_FORMATS = {10: "%y%m%d%H%M", 12: "%y%m%d%H%M%S", 14: "%Y%m%d%H%M%S"}


class Stored(msgspec.Struct, frozen=True, omit_defaults=True):
    """A deliver_sm as it is kept until it is read. Sizes are limited, as anybody's bytes may be handed to `read`."""

    hash: str
    """Keyed, and the same for the same news, so that a receipt that comes twice counts once."""
    receipt: bool = False
    """False: a message from a phone, of which only the next two are kept, and only where it is a word."""
    number: str | None = None
    word: str | None = None
    """As our table writes it, never the text itself."""
    id: str | None = None
    """The message's id, in the form in which answers to submit_sm are kept."""
    stat: str | None = None
    """The state that the text names, as the standard spells it where it knows it."""
    state: str | None = None
    """The state of the parameter message_state."""
    err: str | None = None
    done: str | None = None
    intermediate: bool = False


class ReceiptReader:
    """The receipts of one provider. `key`: at most 64 octets that nobody outside knows, for hashes."""

    def __init__(self, declaration: SmppDeclaration, key: bytes) -> None:
        self._name = declaration.name
        self._form = declaration.receipt_id
        self._utc_offset = declaration.utc_offset
        self._key = key
        self._regions = regions_of(declaration.countries)

    def submitted_id(self, found: str | None) -> str | None:
        """The id in an answer to submit_sm, in the form in which receipts name it."""
        if found is None or self._form == "same":
            return found
        return _number(found, 16 if self._form == "decimal_of_hex" else 10, self._form) or found

    def to_store(self, body: bytes) -> bytes:
        """What to keep of the body of a deliver_sm, as JSON. Raises BadPdu."""
        return msgspec.json.encode(self._stored(read_deliver(body), body))

    def read(self, body: bytes, now: int) -> list[InboundEvent]:
        """The event of a stored body, none for a passing state. Raises BadEvent if `body` is not from `to_store`."""
        try:
            stored = msgspec.json.decode(body, type=Stored)
        except (msgspec.MsgspecError, ValueError, RecursionError) as exc:
            raise BadEvent(f"A stored receipt of {self._name} can't be read") from exc
        fields = (stored.hash, stored.id, stored.stat, stored.state, stored.err, stored.done)
        if not all(text is None or _fit(text) for text in fields):
            raise BadEvent(
                f"A stored receipt of {self._name} holds a field that is too long or no plain text"
            )
        event_id = f"{self._name}-{stored.hash}"
        if not stored.receipt and stored.word is not None:
            return [event(self._name, Reply(stored.hash, stored.number or "", stored.word, now))]
        if not stored.receipt:
            return [InboundEvent(id=event_id, kind=EventKind.OTHER, at=now, detail="a message from a phone")]
        kind, detail = self._judged(stored)
        if kind is None:
            return []
        at = min(self._millis(stored.done, now), now)  # a receipt can't tell what is still to come
        return [InboundEvent(id=event_id, kind=kind, at=at, message_id=stored.id, detail=detail)]

    def _judged(self, stored: Stored) -> tuple[EventKind | None, str | None]:
        states = {state for state in (stored.stat, stored.state) if state is not None}
        named = " and ".join(sorted(states)) or "no state"
        if stored.intermediate or (states and states <= _PASSING):
            return None, None
        kinds = {_KINDS.get(state) for state in states}
        kind = kinds.pop() if len(kinds) == 1 else None
        if stored.id is None:
            return EventKind.OTHER, f"receipt of {self._name} without a message id ({named})"
        if kind is None:
            return EventKind.OTHER, f"receipt of {self._name} that decides nothing ({named})"
        if kind is EventKind.PROOF:
            return kind, None
        return kind, f"{self._name}: {named}" + (f", err {stored.err}" if stored.err else "")

    def _stored(self, delivery: Delivery, body: bytes) -> Stored:
        kind = delivery.esm_class & _TYPE
        state = _state(delivery.options.get(MESSAGE_STATE))
        tlv_id = plain_id(delivery.options.get(RECEIPTED_MESSAGE_ID, b""))
        if kind not in (_RECEIPT, _INTERMEDIATE) and (state is None or tlv_id is None):
            return self._from_phone(delivery, body)
        text = _decoded(delivery)
        text = text[: found.start()] if (found := _TEXT.search(text)) else text
        text_id = plain_id(found[1].encode("latin-1", "ignore")) if (found := _ID.search(text)) else None
        spelt = found[1].upper() if (found := _STAT.search(text)) else None
        stat = None if spelt is None else _SPELT.get(spelt, spelt)
        message_id = self._receipted_id(text_id, tlv_id)
        done = found[1] if (found := _DONE.search(text)) else None
        # With the time, as some SMSCs use their ids again, within days.
        named = "\0".join((message_id or "", stat or "", state or "", done or "")).encode()
        return Stored(
            hash=self._hash(b"receipt", named if message_id is not None else body),
            receipt=True,
            id=message_id,
            stat=stat,
            state=state,
            err=found[1] if (found := _ERR.search(text)) else None,
            done=done,
            intermediate=kind == _INTERMEDIATE,
        )

    def _from_phone(self, delivery: Delivery, body: bytes) -> Stored:
        """A message from a phone: whom it is from, where it is a word; of every other only that it came."""
        word = word_in(_decoded(delivery).replace("\0", ""))
        number = None if word is None else e164(delivery.source, self._regions)
        if number is None:
            return Stored(hash=self._hash(b"message", body))
        # SMPP gives them no names, and who says STOP a second time says it in the same octets. So each counts; one
        # that the SMSC brings twice changes nothing the second time.
        return Stored(hash=self._hash(b"word", body + token_bytes(8)), number=number, word=word)

    def _receipted_id(self, in_text: str | None, in_option: str | None) -> str | None:
        """By the standard the option holds the id of the answer, and the text may cut it off at ten characters. Where
        the text has another form, it is the text that was declared, and the option is taken for the answer's id.
        """
        if self._form == "same":
            return in_option or in_text
        if in_text is not None:
            return _number(in_text, 10 if self._form == "decimal_of_hex" else 16, self._form) or in_text
        return self.submitted_id(in_option)

    def _hash(self, what: bytes, named: bytes) -> str:
        return blake2b(what + b"\0" + named, digest_size=20, key=self._key).hexdigest()

    def _millis(self, done: str | None, now: int) -> int:
        """A receipt's time in ms since 1970; `now` where it can't be read: better a rough time than no proof."""
        try:
            when = datetime.strptime(done or "", _FORMATS.get(len(done or ""), "%Y"))
            millis = int(datetime.fromisoformat(f"{when.isoformat()}{self._utc_offset}").timestamp() * 1000)
        except (ValueError, OverflowError, OSError):
            return now
        return millis if 0 <= millis <= _LAST_MILLI else now


def _fit(text: str) -> bool:
    return 0 < len(text) <= 100 and text.isascii() and text.isprintable()


def _number(text: str, base: int, form: str) -> str | None:
    """An id written to `base`, rewritten as receipts of this form have it; None if it is no such number."""
    if not text.isalnum() or len(text) > 40:
        return None
    try:
        value = int(text, base)
    except ValueError:
        return None
    return str(value) if form == "decimal_of_hex" else f"{value:x}"


def _state(octets: bytes | None) -> str | None:
    if octets is None or len(octets) != 1:
        return None
    return _STATES[octets[0]] if octets[0] < len(_STATES) else "UNKNOWN"


def _decoded(delivery: Delivery) -> str:
    octets = delivery.text
    if delivery.esm_class & _UDHI and octets:
        octets = octets[octets[0] + 1 :]
    if delivery.data_coding == 8:
        return octets.decode("utf-16-be", "replace")
    # Fields of a receipt are ASCII in every other alphabet, but for the underscore of GSM 03.38.
    return octets.decode("latin-1").replace("\x11", "_")
