"""Reads what an SMSC sends, more tolerant than aiosmpplib, which refuses every status, type of number, alphabet and
empty text that is not in its lists: providers have statuses of their own, and receipts without a text.

Source: SMPP 3.4, chapters 3.2 (header, optional parameters), 4.4.2 (submit_sm_resp), 4.6.1 (deliver_sm), 5.1.3.
"""

import struct

import msgspec
from aiosmpplib import SmppCommandStatus
from aiosmpplib.state import MESSAGE_PAYLOAD

HEADER = struct.Struct("!IIII")
"""Length of the whole message, command, status, sequence number."""
MAX_LENGTH = 70_000
"""Octets of a message: message_payload may have 64 KiB. More is no SMPP."""
RESPONSE = 0x80000000
"""The bit that makes a command the answer to it."""
_MAX_ID = 65
_INTERNATIONAL = 1
"""Type of number."""


class BadPdu(Exception):
    """The octets are no such message; the text quotes none of them."""


class Delivery(msgspec.Struct, frozen=True):
    """What matters of a deliver_sm."""

    source: str
    """The address that it comes from, with a plus sign where its type says that it has a country code."""
    esm_class: int
    data_coding: int
    text: bytes
    """As sent: short_message, or message_payload where that is empty. With header, if there is one."""
    options: dict[int, bytes]
    """Optional parameters by tag; of one that is there twice the first."""


def status_name(status: int) -> str:
    """A command_status for people: `ESME_RINVDSTADR (0x0b, Invalid Dest Addr)`."""
    try:
        known = SmppCommandStatus(status)
    except ValueError:
        return f"status 0x{status:02x} (not of the standard: see the provider's manual)"
    return f"{known.name} (0x{status:02x}, {known.description})"


def message_id(body: bytes) -> str | None:
    """The id in the body of a submit_sm_resp; None if there is none."""
    return plain_id(body.partition(b"\0")[0])


def plain_id(octets: bytes) -> str | None:
    """An id as text: printable ASCII, at most 65 characters, without spaces around it. None if that leaves nothing."""
    text = octets.strip(b"\0").decode("latin-1").strip()
    return "".join(char for char in text if char.isascii() and char.isprintable())[:_MAX_ID] or None


class _Cursor:
    def __init__(self, body: bytes) -> None:
        self.body, self.at = body, 0

    def octet(self) -> int:
        if self.at >= len(self.body):
            raise BadPdu("ends too early")
        self.at += 1
        return self.body[self.at - 1]

    def string(self) -> bytes:
        end = self.body.find(b"\0", self.at)
        if end < 0:
            raise BadPdu("has a string without an end")
        begin, self.at = self.at, end + 1
        return self.body[begin:end]


def read_deliver(body: bytes) -> Delivery:
    """The body of a deliver_sm. The destination is passed over: nothing here needs it. Raises BadPdu."""
    cursor = _Cursor(body)
    cursor.string()  # service_type
    international = cursor.octet() == _INTERNATIONAL
    cursor.at += 1
    address = plain_id(cursor.string()) or ""
    source = f"+{address.removeprefix('+')}" if international and address else address
    cursor.at += 2  # destination
    cursor.string()
    esm_class = cursor.octet()
    cursor.at += 2
    cursor.string()  # schedule_delivery_time
    cursor.string()  # validity_period
    cursor.at += 2
    data_coding = cursor.octet()
    cursor.at += 1
    length = cursor.octet()
    text = body[cursor.at : cursor.at + length]
    options = _options(body[cursor.at + length :])
    return Delivery(source, esm_class, data_coding, text or options.get(MESSAGE_PAYLOAD, b""), options)


def _options(octets: bytes) -> dict[int, bytes]:
    """Optional parameters; a broken one and what follows are left out."""
    found: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(octets):
        tag, length = struct.unpack_from("!HH", octets, at)
        at += 4
        if at + length > len(octets):
            break
        found.setdefault(tag, octets[at : at + length])
        at += length
    return found
