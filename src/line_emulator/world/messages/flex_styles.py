"""The values that style Flex components: colours, sizes, margins, angles, aspect ratios.

Sources: Messaging API reference, "Flex Message"; "Flex Message layout". The texts for a wrong unit or a
value out of its range are those that LINE's Flex Message Simulator is reported to show.
"""

from __future__ import annotations

import re
from typing import Any

from line_emulator.world.messages.fields import MALFORMED, WRONG_TYPE, Check, choice, flag, pattern, whole

_LENGTH = re.compile(r"(-?\d{1,9}(?:\.\d{1,9})?)(px|%|deg)", re.ASCII)
_RATIO = re.compile(r"(\d{1,6}(?:\.\d{1,9})?):(\d{1,6}(?:\.\d{1,9})?)", re.ASCII)
_SIDE = 100_000
_TALLEST = 3

_SPACES = "none xs sm md lg xl xxl"
_SIZES = "xxs xs sm md lg xl xxl 3xl 4xl 5xl"


def measure(
    units: str,
    keywords: str = "",
    least: float | None = 0,
    below: float | None = None,
    most: float | None = None,
) -> Check:
    """A number with one of these units, or a keyword. `least` and `most` belong to the range, `below` not."""
    words, known = keywords.split(), units.split()

    def check(value: Any) -> str | None:
        if type(value) is not str:
            return WRONG_TYPE
        if value in words:
            return None
        found = _LENGTH.fullmatch(value)
        if found is None:
            return MALFORMED
        if found[2] not in known:
            return "invalid unit"
        number = float(found[1])
        if least is not None and number < least:
            return "lower limit exceeded"
        over = (below is not None and number >= below) or (most is not None and number > most)
        return "upper limit exceeded" if over else None

    return check


def aspect_ratio(value: Any) -> str | None:
    """`width:height`, each from 1 to 100,000, the height at most three times the width."""
    if type(value) is not str:
        return WRONG_TYPE
    found = _RATIO.fullmatch(value)
    if found is None:
        return MALFORMED
    width, height = float(found[1]), float(found[2])
    if not (1 <= width <= _SIDE and 1 <= height <= _SIDE):
        return MALFORMED
    return None if height <= _TALLEST * width else "aspect ratio must be in the range (0 < (h/w) <= 3)"


color = pattern(r"#(?:[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})")
space = measure("px", _SPACES)
padding = measure("px %", _SPACES)
extent = measure("px %")
corner = measure("px", _SPACES)
border = measure("px", "none light normal medium semi-bold bold")
image_size = measure("px %", f"{_SIZES} full")
font_size = measure("px", _SIZES)
line_spacing = measure("px")
angle = measure("deg", below=360)
position_in_gradient = measure("%", most=100)

_offset = measure("px %", _SPACES, least=None)
OFFSETS: dict[str, Check] = {
    "position": choice("relative absolute"),
    "offsetTop": _offset,
    "offsetBottom": _offset,
    "offsetStart": _offset,
    "offsetEnd": _offset,
}
PLACE: dict[str, Check] = {"flex": whole(), "margin": space, **OFFSETS}
"""What most components have: their share of the box, the space before them, their offset."""

TEXT_STYLE: dict[str, Check] = {
    "size": font_size,
    "color": color,
    "weight": choice("regular bold"),
    "style": choice("normal italic"),
    "decoration": choice("none underline line-through"),
}
FITTING: dict[str, Check] = {"adjustMode": choice("shrink-to-fit"), "scaling": flag}
ALIGN = choice("start end center")
GRAVITY = choice("top bottom center")
