"""Makes one SMS into the submit_sm messages that carry it: alphabet, parts, addresses.

Sources: SMPP 3.4 (4.4.1 submit_sm, 5.2.12 esm_class, 5.2.19 data_coding, 5.3.2.32 message_payload); 3GPP TS 23.040
(9.2.3.24.1 concatenation, 8-bit reference). The number of parts is that of `core.sms_text.segments`.
"""

import re

from aiosmpplib import NPI, TON, PhoneNumber, SubmitSm
from aiosmpplib.codec import ESCAPE, GSM_BASIC_ENCODE_MAP, GSM_EXTENDED_ENCODE_MAP

from todoke.carriers import SmsMessage
from todoke.carriers.smpp.declaration import SmppDeclaration
from todoke.core.sms_text import Encoding, segments

MAX_PARTS = 255
"""The header counts in one octet."""
_E164 = re.compile(r"\+[1-9][0-9]{4,14}")
_UDHI = 0x40
_HEADER = (5, 0, 3)
"""Length of the header; element 0, concatenation with an 8-bit reference; length of the element."""
_ALONE = {Encoding.GSM7: 160, Encoding.UCS2: 140}
"""Octets of a text that needs no parts: SMPP sends a septet in an octet of its own."""
_ROOM = {Encoding.GSM7: 153, Encoding.UCS2: 134}
"""Octets of text in a part with a header."""
_CODECS = {Encoding.GSM7: "gsm0338", Encoding.UCS2: "ucs2"}

_GSM = {
    **{char: bytes((code,)) for char, code in GSM_BASIC_ENCODE_MAP.items()},
    **{char: bytes((ESCAPE, code)) for char, code in GSM_EXTENDED_ENCODE_MAP.items()},
}


class Unfit(Exception):
    """This message can't be sent through this provider; the text says why, without number or text."""


def split(text: str, encoding: Encoding) -> list[bytes]:
    """The octets of each part, without header. No escape is parted from its character, no surrogate from its twin.

    Raises Unfit for what no alphabet has (half a surrogate pair).
    """
    room, parts = _ROOM[encoding], [bytearray()]
    for char in text:
        try:
            octets = _GSM[char] if encoding is Encoding.GSM7 else char.encode("utf-16-be")
        except (KeyError, UnicodeError) as exc:
            raise Unfit(f"a character of the text has no place in {encoding}") from exc
        if len(parts[-1]) + len(octets) > room:
            parts.append(bytearray())
        parts[-1] += octets
    return [bytes(part) for part in parts]


def submits(declaration: SmppDeclaration, message: SmsMessage, reference: int) -> list[SubmitSm]:
    """The messages to send, in order. `reference`, 0 to 255, is what holds the parts of one text together.

    Raises Unfit.
    """
    if not _E164.fullmatch(message.to):
        raise Unfit("the number is not in the international form")
    if not message.text:
        raise Unfit("the text is empty")
    encoding = segments(message.text).encoding
    if encoding is Encoding.GSM7 and "gsm7" not in declaration.encodings:
        encoding = Encoding.UCS2
    elif encoding is Encoding.UCS2 and "ucs2" not in declaration.encodings:
        raise Unfit("the text needs UCS-2, which this provider does not take by its declaration")
    parts = split(message.text, encoding)
    whole = b"".join(parts)
    if len(whole) <= _ALONE[encoding]:
        return [_submit(declaration, message, encoding, whole)]
    if declaration.long_messages == "payload":
        if len(whole) > 0xFFFF:
            raise Unfit("the text is over 64 KiB")
        return [_submit(declaration, message, encoding)]
    if len(parts) > MAX_PARTS:
        raise Unfit(f"the text takes {len(parts)} parts, more than {MAX_PARTS}")
    return [
        _submit(
            declaration, message, encoding, bytes((*_HEADER, reference, len(parts), number)) + part, _UDHI
        )
        for number, part in enumerate(parts, 1)
    ]


def _submit(
    declaration: SmppDeclaration,
    message: SmsMessage,
    encoding: Encoding,
    octets: bytes = b"",
    esm_class: int = 0,
) -> SubmitSm:
    """Without `octets` the text goes whole, in message_payload."""
    source, dest = declaration.source, declaration.dest
    submit = SubmitSm(
        # With octets set this is not looked at; it only must not be empty.
        short_message="-" if octets else "",
        message_payload="" if octets else message.text,
        source=PhoneNumber(source.address, TON(source.ton), NPI(source.npi)),
        destination=PhoneNumber(message.to.removeprefix("+"), TON(dest.ton), NPI(dest.npi)),
        service_type=declaration.service_type,
        esm_class=esm_class,
        registered_delivery=1 if declaration.receipts else 0,
        encoding=_CODECS[encoding],
    )
    if octets:
        submit.set_encoded_message(octets)
    return submit
