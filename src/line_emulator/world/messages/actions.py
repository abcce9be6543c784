"""Action objects: what happens on a tap. Which kinds a place takes, and what their label may be, depends on
the place.

Source: Messaging API reference, "Action objects" and "Specifications of the label".
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from line_emulator.world.messages.fields import anything, choice, link, text
from line_emulator.world.messages.shapes import Notes, OneOf, Shape

DATA = text(300, least=0)
_FORMS = {
    "date": re.compile(r"(\d{4}-\d\d-\d\d)", re.ASCII),
    "time": re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d", re.ASCII),
    "datetime": re.compile(r"(\d{4}-\d\d-\d\d)[Tt](?:[01]\d|2[0-3]):[0-5]\d", re.ASCII),
}
_FIRST_YEAR, _LAST_YEAR = 1900, 2100


def _one_text(action: dict[str, Any], path: str, notes: Notes) -> None:
    if action.get("displayText") is not None and action.get("text") is not None:
        notes.fault("displayText and text can't both be specified", f"{path}.displayText")


def _picker(action: dict[str, Any], path: str, notes: Notes) -> None:
    """The form of the three times, and min < max with `initial` between them."""
    mode = action.get("mode")
    if mode not in _FORMS:
        return
    times = {name: action[name] for name in ("min", "initial", "max") if action.get(name) is not None}
    wrong = [name for name, value in times.items() if not _is_time(mode, value)]
    for name in wrong:
        notes.fault("invalid datetime format for the specified mode", f"{path}.{name}")
    # Of one form, so the order of the texts is the order of the times.
    ordered = [value.upper() for value in times.values()]
    same = times.get("min") is not None and times.get("max") is not None and ordered[0] == ordered[-1]
    if not wrong and (ordered != sorted(ordered) or same):
        notes.fault("invalid date time order", path)


def _is_time(mode: str, value: str) -> bool:
    form = _FORMS[mode].fullmatch(value)
    if form is None or mode == "time":
        return form is not None
    try:
        return _FIRST_YEAR <= date.fromisoformat(form[1]).year <= _LAST_YEAR
    except ValueError:
        return False


POSTBACK = Shape(
    "data",
    {
        "data": DATA,
        "displayText": text(300),
        "text": text(300),
        "inputOption": choice("closeRichMenu openRichMenu openKeyboard openVoice"),
        "fillInText": text(300),
    },
    rules=(_one_text,),
)
MESSAGE = Shape("text", {"text": text(300)})
ALT_URI = Shape("", {"desktop": link})
URI = Shape("uri", {"uri": link}, {"altUri": ALT_URI})
DATETIME_PICKER = Shape(
    "data mode",
    {
        "data": DATA,
        "mode": choice("date time datetime"),
        "initial": anything,
        "max": anything,
        "min": anything,
    },
    rules=(_picker,),
)
CLIPBOARD = Shape("clipboardText", {"clipboardText": text(1000)})
CAMERA = CAMERA_ROLL = LOCATION = Shape("", {})
RICH_MENU_SWITCH = Shape("richMenuAliasId data", {"richMenuAliasId": text(32, least=0), "data": DATA})

ANYWHERE = {
    "postback": POSTBACK,
    "message": MESSAGE,
    "uri": URI,
    "datetimepicker": DATETIME_PICKER,
    "clipboard": CLIPBOARD,
}
QUICK_REPLY_ONLY = {"camera": CAMERA, "cameraRoll": CAMERA_ROLL, "location": LOCATION}
RICH_MENU_ONLY = {"richmenuswitch": RICH_MENU_SWITCH}
ALL = {**ANYWHERE, **QUICK_REPLY_ONLY, **RICH_MENU_ONLY}
"""Every kind of action by its `type`, without the label."""


def _labelled(kinds: dict[str, Shape], longest: int, needed: bool) -> OneOf:
    label, needs = {"label": text(longest)}, "label" if needed else ""
    return OneOf({name: shape.extended(label, needs=needs) for name, shape in kinds.items()})


TEMPLATE_ACTION = _labelled(ANYWHERE, 20, needed=True)
DEFAULT_ACTION = _labelled(ANYWHERE, 20, needed=False)
IMAGE_CAROUSEL_ACTION = _labelled(ANYWHERE, 12, needed=False)
QUICK_REPLY_ACTION = _labelled({**ANYWHERE, **QUICK_REPLY_ONLY}, 20, needed=True)
FLEX_BUTTON_ACTION = _labelled(ANYWHERE, 40, needed=True)
FLEX_ACTION = _labelled(ANYWHERE, 40, needed=False)
FLEX_VIDEO_ACTION = _labelled({"uri": URI}, 40, needed=False)
