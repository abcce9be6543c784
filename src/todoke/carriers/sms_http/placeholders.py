"""The `{…}` in a declaration's strings: compiled once when it is loaded, filled for each message."""

import re
from collections.abc import Callable, Mapping

import phonenumbers

TEXT = frozenset({"text", "text_ucs2_hex"})
"""The text, and the text as UCS-2 (big endian) in hexadecimal digits."""
MESSAGE = TEXT | {"to", "to_digits", "to_national", "tag"}
"""Differ for each message: the number in E.164, without its plus, as dialled at home; the text; the delivery
tag.
"""
SETTING = frozenset({"receipt_url", "reply_url", "receipt_token"})
"""Set by us at start: where receipts and replies go, and the token by which we know them."""

Fill = Callable[[Mapping[str, str]], object]

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_SECRET = re.compile(r"secret:([A-Za-z_][A-Za-z0-9_]*)")
_BASIC = re.compile(r"basic:([A-Za-z_][A-Za-z0-9_]*):([A-Za-z_][A-Za-z0-9_]*)")


def names(node: object) -> set[str]:
    """All placeholders in a string, list or object, as `to` or `secret:NAME`."""
    if isinstance(node, str):
        return set(_PLACEHOLDER.findall(node))
    if isinstance(node, dict):
        return {name for value in node.values() for name in names(value)}
    if isinstance(node, list):
        return {name for value in node for name in names(value)}
    return set()


def unknown(node: object, known: frozenset[str] = MESSAGE | SETTING) -> list[str]:
    """The placeholders in `node` that are none of `known`, no secret and no pair of secrets."""
    return sorted(
        name
        for name in names(node)
        if name not in known and not _SECRET.fullmatch(name) and not _BASIC.fullmatch(name)
    )


def secrets_in(*nodes: object) -> set[str]:
    """The names of the secrets that these parts of a declaration want."""
    found = (_SECRET.fullmatch(name) or _BASIC.fullmatch(name) for node in nodes for name in names(node))
    return {secret for match in found if match for secret in match.groups()}


def basics_in(*nodes: object) -> dict[str, tuple[str, str]]:
    """The placeholders `basic:USER:PASSWORD` in these parts, each with the names of its two secrets."""
    found = (_BASIC.fullmatch(name) for node in nodes for name in names(node))
    return {match[0]: (match[1], match[2]) for match in found if match}


def compiled(node: object, constants: Mapping[str, str]) -> Fill:
    """A function that fills `node` from a mapping of MESSAGE values; `constants` (secrets, SETTING) are
    filled now.
    """
    if isinstance(node, dict):
        members = [(str(key), compiled(value, constants)) for key, value in node.items()]
        return lambda values: {key: fill(values) for key, fill in members}
    if isinstance(node, list):
        items = [compiled(value, constants) for value in node]
        return lambda values: [fill(values) for fill in items]
    if not isinstance(node, str):
        return lambda values: node
    # split() puts the names of placeholders at the odd places, the text between them at the even ones.
    parts: list[tuple[bool, str]] = []
    for i, part in enumerate(_PLACEHOLDER.split(node)):
        is_name = i % 2 == 1
        of_message = is_name and part not in constants
        parts.append((of_message, constants[part] if is_name and not of_message else part))
    if not any(of_message for of_message, _ in parts):
        text = "".join(part for _, part in parts)
        return lambda values: text
    return lambda values: "".join([values[part] if of_message else part for of_message, part in parts])


def national(e164: str) -> str:
    """The number as dialled inside its country, digits only: `+886912345678` → `0912345678`.

    Raises ValueError if `e164` is no number; numbers of notices have been parsed before.
    """
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException as exc:
        raise ValueError("not a number in E.164") from exc
    text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    return "".join(char for char in text if char.isdecimal())
