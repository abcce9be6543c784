"""Text messages: plain with LINE emojis, and version 2 with substitutions.

Source: Messaging API reference, "Text message" and "Text message (v2)".
"""

from __future__ import annotations

import re
from typing import Any

from line_emulator.world import limits
from line_emulator.world.messages import fields
from line_emulator.world.messages.common import message
from line_emulator.world.messages.fields import anything, one_of, whole
from line_emulator.world.messages.shapes import Many, Notes, OneOf, Shape

TEXT_LIMIT = 5000
EMOJIS = 20
MENTIONS = 20
SUBSTITUTIONS = 100
PLACEHOLDER = "$"
_SHOWN = 40
"""So much of a wrong key is repeated in the answer."""

_KEY = re.compile(r"[a-zA-Z0-9_]{1,20}", re.ASCII)
# Either an escaped brace, or a pair of braces with a key, or a brace that stands alone.
_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


def _emoji_places(holder: dict[str, Any], path: str, notes: Notes) -> None:
    """Every index, in UTF-16 code units, must be that of a `$`."""
    text, emojis = holder.get("text"), holder.get("emojis")
    if not text or not emojis:
        return
    wide = text.encode("utf-16-le", "surrogatepass")
    for place, emoji in enumerate(emojis[:EMOJIS]):
        index = emoji.get("index")
        if index is not None and index >= 0 and wide[2 * index : 2 * index + 2] != b"$\0":
            notes.fault(fields.MALFORMED, f"{path}.emojis[{place}].index")


EMOJI = Shape(
    "index productId emojiId", {"index": whole(), "productId": fields.text(), "emojiId": fields.text()}
)
TEXT = message(
    "text",
    {"text": fields.text(TEXT_LIMIT), "quoteToken": anything},
    {"emojis": Many(EMOJI, 0, EMOJIS)},
    (_emoji_places,),
)


def is_plain(value: Any) -> bool:
    """Whether this is surely a right text message: nothing but a short text. Most requests carry just that,
    so it is worth a look before the tables.
    """
    return (
        type(value) is dict
        and len(value) == 2
        and value.get("type") == "text"
        and type(value.get("text")) is str
        and 0 < 2 * len(value["text"]) <= TEXT_LIMIT
    )


MENTIONEE = OneOf({"user": Shape("userId", {"userId": fields.text()}), "all": Shape("", {})})
MENTION = Shape("mentionee", {}, {"mentionee": MENTIONEE})
SUBSTITUTE_EMOJI = Shape("productId emojiId", {"productId": fields.text(), "emojiId": fields.text()})
SUBSTITUTE = OneOf({"mention": MENTION, "emoji": SUBSTITUTE_EMOJI})


def _substitution(value: Any, path: str, notes: Notes) -> None:
    """At most 100 objects by keys of 1 to 20 letters, digits and underscores; mentions where allowed."""
    substitutes = limits.mapping(value, path)
    if len(substitutes) > SUBSTITUTIONS:
        notes.fault(f"Size must be between 0 and {SUBSTITUTIONS}", path)
        return
    for key, substitute in substitutes.items():
        if not _KEY.fullmatch(key):
            notes.fault(_wrong_key(key), path)
            continue
        where = f'{path}["{key}"]'
        SUBSTITUTE(substitute, where, notes)
        if substitute.get("type") == "mention" and not notes.allowed.mentions:
            notes.fault(one_of(("emoji",)), f"{where}.type")


def _wrong_key(key: str) -> str:
    shown = key if len(key) <= _SHOWN else f"{key[:_SHOWN]}…"
    return f"The key '{shown}' enclosed in '{{}}' does not match the pattern '^[a-zA-Z0-9_]{{1,20}}$'."


def _placeholders(holder: dict[str, Any], path: str, notes: Notes) -> None:
    """Braces come in pairs, with a key of `substitution` inside; `{{` and `}}` stand for themselves."""
    text, where = holder.get("text") or "", f"{path}.text"
    substitutes = holder.get("substitution") or {}
    if len(substitutes) > SUBSTITUTIONS or len(text) > TEXT_LIMIT:
        return
    used = {"mention": 0, "emoji": 0}
    for found in _BRACES.finditer(text):
        if notes.full:
            return
        key = found[1]
        if key is None:
            if found[0] in ("{", "}"):
                notes.fault("'{' and '}' must be used in pairs.", where)
                return
        elif not _KEY.fullmatch(key):
            notes.fault(_wrong_key(key), where)
        elif key not in substitutes:
            notes.fault(f"The key '{key}' enclosed in '{{}}' is not in substitution.", where)
        elif substitutes[key].get("type") in used:
            used[substitutes[key]["type"]] += 1
    for kind, most in (("mention", MENTIONS), ("emoji", EMOJIS)):
        if used[kind] > most:
            notes.fault(f"The number of {kind} substitutions must be between 0 and {most}", where)


TEXT_V2 = message(
    "text",
    {"text": fields.text(TEXT_LIMIT), "quoteToken": anything},
    {"substitution": _substitution},
    (_placeholders,),
)
