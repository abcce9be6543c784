"""Where texts stand in a template, and what stands in them: forms, fields, holes for parameters."""

from collections.abc import Mapping

from todoke.core.content.addresses import HOLE
from todoke.core.template import Template
from todoke.core.template_values import BIND_LINK
from todoke.core.template_values import HOLE as HOLES

SPOKEN = {"TW": "zh-Hant", "TH": "th", "JP": "ja"}
"""What accounts of a country write in, where the template does not say."""
SHOWN = frozenset(
    {
        *("text", "altText", "label", "displayText", "content", "title", "sms", "fillInText", "address"),
        # A code that is copied by a tap, and the name that a sender goes by.
        *("clipboardText", "name"),
    }
)
"""Fields whose texts people see."""
TAPPED = frozenset({"uri", "linkUri", "desktop"})
"""Fields that hold an address to go to. A button's `url` in a LINE template is one, too."""
LOADED = frozenset(
    {"url", "originalContentUrl", "previewImageUrl", "baseUrl", "iconUrl", "thumbnailImageUrl"}
)
"""Fields that hold an address to load something from."""


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with these values, and HOLE for all others."""
    return HOLES.sub(lambda hole: values.get(hole[1].strip(), HOLE), text)


def without_holes(text: str) -> str:
    """The text with one character where a parameter goes, and without bind links, which are Todoke's own."""
    return HOLES.sub(lambda hole: " " if hole[1].strip() == BIND_LINK else HOLE, text)


def field_of(pointer: str) -> str:
    return pointer.rpartition("/")[2]


def form_of(pointer: str) -> str:
    """Which form a pointer lies in: `/sms`, `/languages/th/flexible/0/text`."""
    parts = pointer.split("/")
    return parts[3] if parts[1] == "languages" and len(parts) > 3 else parts[1]


def variant_pointer(template: Template) -> str:
    """Where a variant's own forms stand; empty where it has none."""
    for text in template.texts:
        if text.pointer.startswith("/languages/"):
            return "/".join(text.pointer.split("/")[:3])
    return ""
