"""The components of a Flex Message that hold no others: button, image, icon, text with its spans,
separator, filler.

Source: Messaging API reference, "Flex Message", "Component".
"""

from __future__ import annotations

from typing import Any

from line_emulator.world.messages import fields
from line_emulator.world.messages.actions import FLEX_ACTION, FLEX_BUTTON_ACTION
from line_emulator.world.messages.fields import array, choice, flag, https, whole
from line_emulator.world.messages.flex_styles import (
    ALIGN,
    FITTING,
    GRAVITY,
    OFFSETS,
    PLACE,
    TEXT_STYLE,
    aspect_ratio,
    color,
    font_size,
    image_size,
    line_spacing,
    space,
)
from line_emulator.world.messages.shapes import Notes, OneOf, Shape

MOST_ANIMATED = 10


def _animated(image: dict[str, Any], path: str, notes: Notes) -> None:
    if image.get("animated"):
        notes.animated += 1
        if notes.animated == MOST_ANIMATED + 1:
            notes.fault(f"Up to {MOST_ANIMATED} animated images in a message", f"{path}.animated")


def _text_or_spans(component: dict[str, Any], path: str, notes: Notes) -> None:
    """Spans, or else a text that is not empty; beside spans the text is ignored."""
    spans = component.get("contents")
    if not spans:
        if not component.get("text"):
            notes.fault(fields.EMPTY, f"{path}.text")
        return
    for place, span in enumerate(spans):
        if notes.full:
            return
        SPANS(span, f"{path}.contents[{place}]", notes)


BUTTON = Shape(
    "action",
    {
        **PLACE,
        **FITTING,
        "color": color,
        "style": choice("primary secondary link"),
        "gravity": GRAVITY,
        "height": choice("md sm"),
    },
    {"action": FLEX_BUTTON_ACTION},
)
IMAGE = Shape(
    "url",
    {
        **PLACE,
        "url": https,
        "align": ALIGN,
        "gravity": GRAVITY,
        "size": image_size,
        "aspectRatio": aspect_ratio,
        "aspectMode": choice("fit cover"),
        "backgroundColor": color,
        "animated": flag,
    },
    {"action": FLEX_ACTION},
    (_animated,),
)
ICON = Shape(
    "url",
    {
        **OFFSETS,
        "url": https,
        "margin": space,
        "size": font_size,
        "aspectRatio": aspect_ratio,
        "scaling": flag,
    },
)
SPAN = Shape("", {**TEXT_STYLE, "text": fields.text()})
SPANS = OneOf({"span": SPAN})
TEXT = Shape(
    "",
    {
        **PLACE,
        **FITTING,
        **TEXT_STYLE,
        "text": fields.anything,
        "contents": array,
        "align": ALIGN,
        "gravity": GRAVITY,
        "wrap": flag,
        "lineSpacing": line_spacing,
        "maxLines": whole(),
    },
    {"action": FLEX_ACTION},
    (_text_or_spans,),
)
SEPARATOR = Shape("", {"margin": space, "color": color})
FILLER = Shape("", {"flex": whole()})
