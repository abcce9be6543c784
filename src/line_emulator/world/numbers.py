"""Phone numbers and user IDs: the digest that LINE takes, the countries it serves, IDs that need no table.

Source: LINE notification messages reference, "phone numbers" (E.164, then SHA-256 in hex).
"""

from __future__ import annotations

import hashlib
import re

import line_catalogue

_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_USER_ID = re.compile(r"U[0-9a-f]{32}", re.ASCII)
_FIXED_LINE = {"+886": "2345678", "+66": "23457", "+81": ""}
_HALF = 64
_MASK = (1 << _HALF) - 1
_ROUNDS = 4

LANGUAGES = {"+" + country.calling_code: country.language for country in line_catalogue.countries().values()}
"""The language of each country that LINE serves, by its calling code."""


def is_e164(phone: str) -> bool:
    """Whether this is a number in E.164 form: a plus sign and 7 to 15 digits."""
    return _E164.fullmatch(phone) is not None


def digest(phone: str) -> bytes:
    """SHA-256 of the number with its plus sign: what `to` carries in hex."""
    return hashlib.sha256(phone.encode()).digest()


def parse_digest(text: str) -> bytes | None:
    """The 32 bytes of a hex digest, upper or lower case; None if it is none."""
    if len(text) != 64:
        return None
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        return None
    # fromhex skips white space, so a shorter result means that there was some.
    return raw if len(raw) == 32 else None


def country_code(phone: str) -> str | None:
    """The calling code if LINE serves that country (Japan, Thailand, Taiwan), else None."""
    for code in LANGUAGES:
        if phone.startswith(code):
            return code
    return None


def served(phone: str) -> bool:
    """Whether LINE can notify this number: a served country, and not a fixed line, which can't be
    checked by SMS.

    Only ranges that are surely fixed are refused: the emulator takes numbers that no operator has given out.
    """
    code = country_code(phone)
    if code is None:
        return False
    rest = phone[len(code) :]
    if code == "+81":
        return rest[:1] not in "123456789" or rest[:2] in ("60", "70", "80", "90")
    return rest[:1] not in _FIXED_LINE[code]


def _round(value: int, key: bytes, number: int) -> int:
    raw = hashlib.blake2b(value.to_bytes(8), key=key, salt=bytes([number]), digest_size=8).digest()
    return int.from_bytes(raw)


def _key(provider: str) -> bytes:
    return hashlib.sha256(b"user-id\0" + provider.encode()).digest()


def user_id(account: int, provider: str) -> str:
    """LINE's user ID of an account (a number under 2^64) at a provider: the same person has another one
    at another.

    The ID is the account's number, enciphered by provider (a Feistel network), so no table of IDs is
    needed: that is what keeps an untouched user of a population at a few bytes.
    """
    key = _key(provider)
    left, right = account, 0
    for number in range(_ROUNDS):
        left, right = right, left ^ _round(right, key, number)
    return f"U{left << _HALF | right:032x}"


def account_of(identifier: str, provider: str) -> int | None:
    """The account behind a user ID of this provider; None if no such ID was ever given out."""
    if not is_user_id(identifier):
        return None
    key = _key(provider)
    value = int(identifier[1:], 16)
    left, right = value >> _HALF, value & _MASK
    for number in reversed(range(_ROUNDS)):
        left, right = right ^ _round(left, key, number), left
    return left if right == 0 else None


def is_address(text: str) -> bool:
    """Whether a user may be addressed so: by a number in E.164 form, or by a user ID (of provider "default"),
    which is what is left to a user whose number was given to somebody else.
    """
    return is_e164(text) or is_user_id(text)


def is_user_id(text: str) -> bool:
    """Whether the text has the form of a user ID: U and 32 lower-case hex digits."""
    return _USER_ID.fullmatch(text) is not None
