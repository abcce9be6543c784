"""What LINE checks in a rich menu and its picture.

Source: Messaging API reference, "Rich menu object", "Create rich menu", "Upload rich menu image". Where the reference
gives a limit but no text for it, the text is this emulator's choice, as is that an area must lie within the menu.
"""

from __future__ import annotations

from typing import Any

from line_emulator.world import limits, problems
from line_emulator.world.limits import Faults, WrongType
from line_emulator.world.messages import PUSH_TYPES
from line_emulator.world.messages.actions import ANYWHERE, RICH_MENU_ONLY
from line_emulator.world.messages.fields import text
from line_emulator.world.messages.shapes import Notes, OneOf
from line_emulator.world.problems import Problem

NAME_LIMIT, BAR_LIMIT, LABEL_LIMIT = 300, 14, 20
MOST_AREAS = 20
NARROWEST, WIDEST, LOWEST = 800, 2500, 250
LEAST_RATIO = 1.45
IMAGE_LIMIT = 1024 * 1024
IMAGE_TYPES = ("image/jpeg", "image/png")

_SHAPES = {
    name: shape.extended({"label": text(LABEL_LIMIT)})
    for name, shape in {**ANYWHERE, **RICH_MENU_ONLY}.items()
}
_ACTION = OneOf(_SHAPES)
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of JPEG that begin a frame, and so carry its size."""


def menu_problem(body: dict[str, Any]) -> Problem | None:
    """What is wrong with a rich menu object; None if nothing is."""
    faults: Faults = []
    try:
        size = _size(body, faults)
        for name, longest in (("name", NAME_LIMIT), ("chatBarText", BAR_LIMIT)):
            if _given(body, name, name, faults):
                limits.text(body, name, name, faults, longest)
        if _given(body, "selected", "selected", faults):
            limits.flag(body, "selected")
        if _given(body, "areas", "areas", faults):
            for place, area in enumerate(limits.sequence(body["areas"], "areas", 0, MOST_AREAS, faults)):
                _area(limits.mapping(area, f"areas[{place}]"), f"areas[{place}]", size, faults)
    except WrongType as wrong:
        return wrong.problem()
    return problems.body_errors(faults[:100]) if faults else None


def trimmed(body: dict[str, Any]) -> dict[str, Any]:
    """A valid rich menu with the properties that LINE knows, and no others."""
    return {
        "size": {name: body["size"][name] for name in ("width", "height")},
        "selected": body["selected"],
        "name": body["name"],
        "chatBarText": body["chatBarText"],
        "areas": [
            {
                "bounds": {name: area["bounds"][name] for name in ("x", "y", "width", "height")},
                "action": _trimmed_action(area["action"]),
            }
            for area in body["areas"]
        ],
    }


def _trimmed_action(action: dict[str, Any]) -> dict[str, Any]:
    names = _SHAPES[action["type"]].names()
    found = {name: value for name, value in action.items() if name in names or name == "type"}
    if found.get("altUri") is not None:
        found["altUri"] = {"desktop": found["altUri"].get("desktop")}
    return found


def _given(holder: dict[str, Any], name: str, path: str, faults: Faults) -> bool:
    if holder.get(name) is not None:
        return True
    faults.append(("must be specified", path))
    return False


def _number(holder: dict[str, Any], name: str, path: str, least: int, faults: Faults) -> int | None:
    if not _given(holder, name, f"{path}.{name}", faults):
        return None
    value = holder[name]
    if type(value) is not int:
        raise WrongType(f"{path}.{name}")
    if value < least:
        faults.append((f"must be greater than or equal to {least}", f"{path}.{name}"))
        return None
    return value


def _size(body: dict[str, Any], faults: Faults) -> tuple[int, int] | None:
    if not _given(body, "size", "size", faults):
        return None
    size = limits.mapping(body["size"], "size")
    width = _number(size, "width", "size", NARROWEST, faults)
    height = _number(size, "height", "size", LOWEST, faults)
    if width is not None and width > WIDEST:
        faults.append((f"must be less than or equal to {WIDEST}", "size.width"))
    elif width is not None and height is not None and width < LEAST_RATIO * height:
        faults.append((f"width / height must be {LEAST_RATIO} or more", "size"))
    return None if width is None or height is None else (width, height)


def _area(area: dict[str, Any], path: str, size: tuple[int, int] | None, faults: Faults) -> None:
    if _given(area, "bounds", f"{path}.bounds", faults):
        bounds = limits.mapping(area["bounds"], f"{path}.bounds")
        left, top, width, height = (
            _number(bounds, name, f"{path}.bounds", least, faults)
            for name, least in (("x", 0), ("y", 0), ("width", 1), ("height", 1))
        )
        right = None if left is None or width is None else left + width
        bottom = None if top is None or height is None else top + height
        if size is not None and ((right or 0) > size[0] or (bottom or 0) > size[1]):
            faults.append(("must lie within the size of the rich menu", f"{path}.bounds"))
    if _given(area, "action", f"{path}.action", faults):
        _ACTION(area["action"], f"{path}.action", Notes(PUSH_TYPES, faults))


def image_fits(image: bytes) -> bool:
    """Whether this is a JPEG or PNG of a size that a rich menu may have."""
    size = image_size(image)
    if size is None or len(image) > IMAGE_LIMIT:
        return False
    width, height = size
    return NARROWEST <= width <= WIDEST and height >= LOWEST and width >= LEAST_RATIO * height


def image_size(image: bytes) -> tuple[int, int] | None:
    """Width and height in pixels, as the head of a JPEG or PNG says; None if it is neither."""
    if image.startswith(_PNG) and image[12:16] == b"IHDR" and len(image) >= 24:
        return int.from_bytes(image[16:20]), int.from_bytes(image[20:24])
    if not image.startswith(_JPEG):
        return None
    place = 2
    while place + 9 <= len(image) and image[place] == 0xFF:
        if image[place + 1] in _FRAMES:
            return int.from_bytes(image[place + 7 : place + 9]), int.from_bytes(image[place + 5 : place + 7])
        place += 2 + int.from_bytes(image[place + 2 : place + 4])
    return None
