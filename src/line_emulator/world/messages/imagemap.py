"""Imagemap messages: an image with areas to tap, and a video on it.

Source: Messaging API reference, "Imagemap message".
"""

from __future__ import annotations

from line_emulator.world.messages.common import ALT_TEXT, message
from line_emulator.world.messages.fields import exactly, https, link, text, whole
from line_emulator.world.messages.shapes import Many, OneOf, Shape

WIDTH = 1040
MOST_ACTIONS = 50
_LABEL = text(100)

BASE_SIZE = Shape("width height", {"width": exactly(WIDTH), "height": whole(1)})
AREA = Shape("x y width height", {"x": whole(), "y": whole(), "width": whole(1), "height": whole(1)})
ACTIONS = {
    "uri": Shape("linkUri area", {"linkUri": link, "label": _LABEL}, {"area": AREA}),
    "message": Shape("text area", {"text": text(400), "label": _LABEL}, {"area": AREA}),
    "clipboard": Shape("clipboardText area", {"clipboardText": text(1000), "label": _LABEL}, {"area": AREA}),
}
EXTERNAL_LINK = Shape("linkUri label", {"linkUri": link, "label": text(30)})
VIDEO = Shape(
    "originalContentUrl previewImageUrl area",
    {"originalContentUrl": https, "previewImageUrl": https},
    {"area": AREA, "externalLink": EXTERNAL_LINK},
)
IMAGEMAP = message(
    "baseUrl altText baseSize actions",
    {"baseUrl": https, "altText": ALT_TEXT},
    {"baseSize": BASE_SIZE, "video": VIDEO, "actions": Many(OneOf(ACTIONS), 1, MOST_ACTIONS)},
)
