"""Flex Messages: the message, its containers, and the blocks of a bubble.

Sources: Messaging API reference, "Flex Message", "Container"; "Flex Message layout", "Offset".
"""

from __future__ import annotations

from typing import Any

import msgspec

from line_emulator.world.messages.actions import FLEX_ACTION
from line_emulator.world.messages.common import ALT_TEXT, message
from line_emulator.world.messages.fields import choice, flag, one_of
from line_emulator.world.messages.flex_boxes import BOX, VIDEO
from line_emulator.world.messages.flex_components import IMAGE
from line_emulator.world.messages.flex_styles import color
from line_emulator.world.messages.shapes import Many, Notes, OneOf, Shape

BUBBLES = 12
KILOBYTE = 1024
BUBBLE_LIMIT = 30
CAROUSEL_LIMIT = 50
"""Kilobytes of JSON, written without spaces in UTF-8."""
_SIZE = "mega"
"""A bubble's size where none is given."""
_VIDEO_SIZES = ("kilo", "mega", "giga")
_BLOCKS = ("header", "hero", "body", "footer")


def _blocks(bubble: dict[str, Any], path: str, notes: Notes) -> None:
    """At least one block, none of which begins with a component placed absolutely."""
    blocks = [(name, bubble[name]) for name in _BLOCKS if bubble.get(name) is not None]
    if not blocks:
        notes.fault("At least one block must be specified", path)
    for name, block in blocks:
        contents = block.get("contents") if block.get("type") == "box" else None
        if contents and contents[0].get("position") == "absolute":
            notes.fault(
                "The first component of a block can't be absolute", f"{path}.{name}.contents[0].position"
            )


def _video(bubble: dict[str, Any], path: str, notes: Notes) -> None:
    """A video needs a bubble of some width, and a way of sending that takes videos."""
    if (bubble.get("hero") or {}).get("type") != "video":
        return
    if not notes.allowed.flex_video:
        notes.fault(one_of(("box", "image")), f"{path}.hero.type")
    if bubble.get("size", _SIZE) not in (None, *_VIDEO_SIZES):
        notes.fault(one_of(_VIDEO_SIZES), f"{path}.size")


def _one_width(carousel: dict[str, Any], path: str, notes: Notes) -> None:
    """All bubbles of a carousel have the same size."""
    bubbles = (carousel.get("contents") or [])[:BUBBLES]
    for place, bubble in enumerate(bubbles):
        if (bubble.get("size") or _SIZE) != (bubbles[0].get("size") or _SIZE):
            notes.fault("Must be the same in all bubbles of a carousel", f"{path}.contents[{place}].size")


BLOCK_STYLE = Shape("", {"backgroundColor": color, "separator": flag, "separatorColor": color})
BUBBLE_STYLES = Shape("", {}, dict.fromkeys(_BLOCKS, BLOCK_STYLE))
_BOX = OneOf({"box": BOX})
BUBBLE_IN_CAROUSEL = Shape(
    "",
    {"size": choice("nano micro deca hecto kilo mega giga"), "direction": choice("ltr rtl")},
    {
        "header": _BOX,
        "hero": OneOf({"box": BOX, "image": IMAGE}),
        "body": _BOX,
        "footer": _BOX,
        "styles": BUBBLE_STYLES,
        "action": FLEX_ACTION,
    },
    (_blocks,),
)
BUBBLE = Shape(
    "",
    BUBBLE_IN_CAROUSEL.values,
    {**BUBBLE_IN_CAROUSEL.parts, "hero": OneOf({"box": BOX, "image": IMAGE, "video": VIDEO})},
    (_blocks, _video),
)


def _bubble(value: dict[str, Any], path: str, notes: Notes) -> None:
    if _fits(value, "bubble", BUBBLE_LIMIT, path, notes):
        BUBBLE(value, path, notes)


def _bubble_in_carousel(value: dict[str, Any], path: str, notes: Notes) -> None:
    if _fits(value, "bubble", BUBBLE_LIMIT, path, notes):
        BUBBLE_IN_CAROUSEL(value, path, notes)


def _carousel(value: dict[str, Any], path: str, notes: Notes) -> None:
    if _fits(value, "carousel", CAROUSEL_LIMIT, path, notes):
        CAROUSEL(value, path, notes)


def _fits(value: dict[str, Any], kind: str, limit: int, path: str, notes: Notes) -> bool:
    """Whether a container is within its size; only then is it worth, and safe, to look inside."""
    try:
        size = len(msgspec.json.encode(value))
    except (ValueError, RecursionError):
        size = limit * KILOBYTE + 1
    if size <= limit * KILOBYTE:
        return True
    notes.fault(
        f"Too large flex message. The maximum size of JSON data that defines a {kind} is {limit} KB", path
    )
    return False


CAROUSEL = Shape(
    "contents", {}, {"contents": Many(OneOf({"bubble": _bubble_in_carousel}), 1, BUBBLES)}, (_one_width,)
)
CONTAINERS = {"bubble": _bubble, "carousel": _carousel}
FLEX = message("altText contents", {"altText": ALT_TEXT}, {"contents": OneOf(CONTAINERS)})
