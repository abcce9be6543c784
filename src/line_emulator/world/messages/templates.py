"""Template messages: buttons, confirm, carousel, image carousel.

Source: Messaging API reference, "Template messages".
"""

from __future__ import annotations

from typing import Any

from line_emulator.world import limits
from line_emulator.world.messages.actions import DEFAULT_ACTION, IMAGE_CAROUSEL_ACTION, TEMPLATE_ACTION
from line_emulator.world.messages.common import ALT_TEXT, message
from line_emulator.world.messages.fields import choice, https, pattern, text
from line_emulator.world.messages.shapes import Many, Notes, OneOf, Rule, Shape

COLUMNS = 10
WITH_IMAGE_OR_TITLE = 60
"""The limit of a text beside an image or a title."""

_RGB = pattern(r"#[0-9A-Fa-f]{6}")
_IMAGE_STYLE = {"imageAspectRatio": choice("rectangle square"), "imageSize": choice("cover contain")}


def _shorter_text(longest: int) -> Rule:
    """With an image or a title the text is at most 60 long; what is over `longest` is noted elsewhere."""

    def rule(holder: dict[str, Any], path: str, notes: Notes) -> None:
        beside = holder.get("thumbnailImageUrl") is not None or holder.get("title") is not None
        if beside and WITH_IMAGE_OR_TITLE < limits.units(holder.get("text") or "") <= longest:
            notes.fault(f"Length must be between 0 and {WITH_IMAGE_OR_TITLE}", f"{path}.text")

    return rule


def _alike(holder: dict[str, Any], path: str, notes: Notes) -> None:
    """All columns have the same number of actions, and an image or a title all or none of them."""
    columns = (holder.get("columns") or [])[:COLUMNS]
    for place, column in enumerate(columns):
        where, first = f"{path}.columns[{place}]", columns[0]
        if len(column.get("actions") or ()) != len(first.get("actions") or ()):
            notes.fault("The number of actions must be the same in all columns", f"{where}.actions")
        for name in ("thumbnailImageUrl", "title"):
            if (column.get(name) is None) != (first.get(name) is None):
                notes.fault("Must be specified in all columns or in none", f"{where}.{name}")


BUTTONS = Shape(
    "text actions",
    {
        "thumbnailImageUrl": https,
        "imageBackgroundColor": _RGB,
        **_IMAGE_STYLE,
        "title": text(40),
        "text": text(160),
    },
    {"defaultAction": DEFAULT_ACTION, "actions": Many(TEMPLATE_ACTION, 1, 4)},
    (_shorter_text(160),),
)
CONFIRM = Shape("text actions", {"text": text(240)}, {"actions": Many(TEMPLATE_ACTION, 2, 2)})
COLUMN = Shape(
    "text actions",
    {"thumbnailImageUrl": https, "imageBackgroundColor": _RGB, "title": text(40), "text": text(120)},
    {"defaultAction": DEFAULT_ACTION, "actions": Many(TEMPLATE_ACTION, 1, 3)},
    (_shorter_text(120),),
)
CAROUSEL = Shape("columns", _IMAGE_STYLE, {"columns": Many(COLUMN, 1, COLUMNS)}, (_alike,))
IMAGE_COLUMN = Shape("imageUrl action", {"imageUrl": https}, {"action": IMAGE_CAROUSEL_ACTION})
IMAGE_CAROUSEL = Shape("columns", {}, {"columns": Many(IMAGE_COLUMN, 1, COLUMNS)})

TEMPLATES = {"buttons": BUTTONS, "confirm": CONFIRM, "carousel": CAROUSEL, "image_carousel": IMAGE_CAROUSEL}
TEMPLATE = message("altText template", {"altText": ALT_TEXT}, {"template": OneOf(TEMPLATES)})
