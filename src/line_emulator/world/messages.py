"""Message objects: the parts of LINE's validation that notification messages and ordinary pushes share.

Covered: number and type of messages, texts, alternative texts, the outline of Flex. Source: Messaging
API reference, "Message objects". Images, video and audio may not be sent as a flexible notification
(LINE notification messages, "flexible").
"""

from __future__ import annotations

from typing import Any

from line_emulator.world import limits
from line_emulator.world.limits import Faults, WrongType

MOST_MESSAGES = 5
TEXT_LIMIT = 5000
ALT_TEXT_LIMIT = 1500
BUBBLES = 12

FLEXIBLE_TYPES = ("text", "textV2", "sticker", "location", "template", "flex")
PUSH_TYPES = (*FLEXIBLE_TYPES, "image", "video", "audio", "imagemap", "coupon")
_REQUIRED = {
    "sticker": ("packageId", "stickerId"),
    "image": ("originalContentUrl", "previewImageUrl"),
    "video": ("originalContentUrl", "previewImageUrl"),
    "audio": ("originalContentUrl",),
    "location": ("title", "address"),
    "imagemap": ("baseUrl", "altText"),
    "coupon": ("couponId",),
}


def check(body: dict[str, Any], allowed: tuple[str, ...], faults: Faults) -> None:
    """Notes the faults of `messages`. Raises WrongType where a value has the wrong JSON type."""
    found = limits.sequence(body.get("messages"), "messages", 1, MOST_MESSAGES, faults)
    for place, entry in enumerate(found[:MOST_MESSAGES]):
        path = f"messages[{place}]"
        _message(limits.mapping(entry, path), path, allowed, faults)


def _message(message: dict[str, Any], path: str, allowed: tuple[str, ...], faults: Faults) -> None:
    kind = message.get("type")
    if kind is not None and type(kind) is not str:
        raise WrongType(f"{path}.type")
    if kind not in allowed:
        faults.append((f"Must be one of the following values: [{', '.join(allowed)}]", f"{path}.type"))
    elif kind in ("text", "textV2"):
        limits.text(message, "text", f"{path}.text", faults, TEXT_LIMIT)
    elif kind in ("flex", "template"):
        limits.text(message, "altText", f"{path}.altText", faults, ALT_TEXT_LIMIT)
        part = "contents" if kind == "flex" else "template"
        if message.get(part) is None:
            faults.append(("May not be empty", f"{path}.{part}"))
        elif kind == "flex":
            _container(limits.mapping(message[part], f"{path}.{part}"), f"{path}.{part}", faults)
        else:
            limits.mapping(message[part], f"{path}.{part}")
    else:
        for name in _REQUIRED[kind]:
            limits.text(message, name, f"{path}.{name}", faults)


def _container(container: dict[str, Any], path: str, faults: Faults) -> None:
    kind = container.get("type")
    if kind == "carousel":
        for place, bubble in enumerate(
            limits.sequence(container.get("contents"), f"{path}.contents", 1, BUBBLES, faults)
        ):
            limits.mapping(bubble, f"{path}.contents[{place}]")
    elif kind == "bubble":
        for part in ("header", "hero", "body", "footer", "styles"):
            if container.get(part) is not None:
                limits.mapping(container[part], f"{path}.{part}")
    elif kind is None or type(kind) is str:
        faults.append(("Must be one of the following values: [bubble, carousel]", f"{path}.type"))
    else:
        raise WrongType(f"{path}.type")
