"""How many SMS a text costs: the GSM 7-bit alphabet where it does, UCS-2 where it does not.

Source: 3GPP TS 23.038 (alphabet, extension table) and TS 23.040 (parts: 6 octets of header in each).
The national shift tables of 23.038 are left out, as carriers here do not offer them.
"""

import re
from enum import StrEnum

import msgspec

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = "\f^{}\\[~]|€"
"""These take two of the 7-bit units: an escape, and the character."""

_GSM = re.compile(f"[{re.escape(_BASIC + _EXTENSION)}]*")
_TWO_SEPTETS = re.compile(f"[{re.escape(_EXTENSION)}]")
_TWO_UTF16 = re.compile("[\U00010000-\U0010ffff]")


class Encoding(StrEnum):
    """The alphabet that carries a text."""

    GSM7 = "GSM-7"
    UCS2 = "UCS-2"
    """One character outside the GSM alphabet is enough, and the whole text costs over twice as much."""


class SmsSize(msgspec.Struct, frozen=True):
    """What a text takes by SMS."""

    encoding: Encoding
    units: int
    """7-bit units (a character of the extension table takes two) or UTF-16 code units."""
    segments: int
    """SMS that are sent and paid. An empty text is one, too."""


def segments(text: str) -> SmsSize:
    """The size of `text`. Line breaks count as they stand: CR LF takes two units, LF one."""
    if _GSM.fullmatch(text):
        return _size(text, Encoding.GSM7, 160, 153, _TWO_SEPTETS)
    return _size(text, Encoding.UCS2, 70, 67, _TWO_UTF16)


def _size(text: str, encoding: Encoding, alone: int, in_part: int, double: "re.Pattern[str]") -> SmsSize:
    doubles = len(double.findall(text))
    units = len(text) + doubles
    if units <= alone:
        return SmsSize(encoding, units, 1)
    if not doubles:
        return SmsSize(encoding, units, -(-units // in_part))
    # An escape and its character, or the halves of a surrogate pair, stay in one part: one unit may be lost.
    parts, room = 1, in_part
    for char in text:
        width = 2 if double.match(char) else 1
        if width > room:
            parts, room = parts + 1, in_part
        room -= width
    return SmsSize(encoding, units, parts)
