"""The components of a Flex Message that hold others: box and video.

Sources: Messaging API reference, "Box" and "Video"; "Flex Message layout", "Available child components".
"""

from __future__ import annotations

from typing import Any

from line_emulator.world.messages.actions import FLEX_ACTION, FLEX_VIDEO_ACTION
from line_emulator.world.messages.fields import array, choice, https
from line_emulator.world.messages.flex_components import BUTTON, FILLER, ICON, IMAGE, SEPARATOR, TEXT
from line_emulator.world.messages.flex_styles import (
    PLACE,
    angle,
    aspect_ratio,
    border,
    color,
    corner,
    extent,
    padding,
    position_in_gradient,
    space,
)
from line_emulator.world.messages.shapes import Notes, OneOf, Shape

DEEPEST = 50
"""So many boxes may lie in each other: far more than a screen can show."""


def _children(box: dict[str, Any], path: str, notes: Notes) -> None:
    """The layout decides which components a box takes."""
    contents = box.get("contents") or ()
    if notes.boxes >= DEEPEST:
        notes.fault(f"Up to {DEEPEST} boxes in each other", f"{path}.contents")
        return
    kinds = IN_BASELINE if box.get("layout") == "baseline" else IN_LINE
    notes.boxes += 1
    for place, child in enumerate(contents):
        if notes.full:
            break
        kinds(child, f"{path}.contents[{place}]", notes)
    notes.boxes -= 1


LINEAR_GRADIENT = Shape(
    "angle startColor endColor",
    {
        "angle": angle,
        "startColor": color,
        "endColor": color,
        "centerColor": color,
        "centerPosition": position_in_gradient,
    },
)
BACKGROUND = OneOf({"linearGradient": LINEAR_GRADIENT})
BOX = Shape(
    "layout contents",
    {
        **PLACE,
        "layout": choice("horizontal vertical baseline"),
        "contents": array,
        "spacing": space,
        "backgroundColor": color,
        "borderColor": color,
        "borderWidth": border,
        "cornerRadius": corner,
        "width": extent,
        "maxWidth": extent,
        "height": extent,
        "maxHeight": extent,
        "paddingAll": padding,
        "paddingTop": padding,
        "paddingBottom": padding,
        "paddingStart": padding,
        "paddingEnd": padding,
        "justifyContent": choice("center flex-start flex-end space-between space-around space-evenly"),
        "alignItems": choice("center flex-start flex-end"),
    },
    {"action": FLEX_ACTION, "background": BACKGROUND},
    (_children,),
)
IN_LINE = OneOf(
    {"box": BOX, "button": BUTTON, "image": IMAGE, "text": TEXT, "separator": SEPARATOR, "filler": FILLER}
)
IN_BASELINE = OneOf({"icon": ICON, "text": TEXT, "filler": FILLER})

VIDEO = Shape(
    "url previewUrl altContent",
    {"url": https, "previewUrl": https, "aspectRatio": aspect_ratio},
    {"altContent": OneOf({"box": BOX, "image": IMAGE}), "action": FLEX_VIDEO_ACTION},
)
