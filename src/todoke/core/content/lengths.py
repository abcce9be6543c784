"""What a reviewer or a bookkeeper sees of a template's form, beyond LINE's hard limits (`core.template_shape`)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from todoke.core.content.codes import finding
from todoke.core.content.finding import Finding
from todoke.core.sms_text import segments
from todoke.core.template_values import utf16_length

SMS_SEGMENTS = 3
"""From so many on a text is worth a word about its price."""
MANY_ITEMS = 10
ALT_TEXT_SHOWN = 100
"""About as much of an alt text as a lock screen shows."""
FLEX_DEPTH = 10
"""Boxes in boxes. LINE documents no limit; phones lay deeper ones out slowly and narrow."""

_EMPTY_WORDS = re.compile(
    r"\W*(?:flex(?: message)?|message|notification|notice|news|info|alt ?text|test|title|untitled|"
    r"this is a flex message|通知|訊息|消息|新訊息|公告|メッセージ|お知らせ|"
    r"通知メッセージ|การแจ้งเตือน|แจ้งเตือน|ข้อความ)\W*",
    re.IGNORECASE,
)


def check_sms(text: str, pointer: str = "/sms") -> Iterator[Finding]:
    """What a text costs. `text` is filled with the examples."""
    size = segments(text)
    if size.segments >= SMS_SEGMENTS:
        yield finding(
            "sms-segments", pointer, text,
            f"With the examples this is {size.segments} SMS ({size.units} {size.encoding} units), each paid: "
            "shorten it, or put details behind the link",
        )  # fmt: skip


def check_line_template(form: Any, pointer: str = "/line_template") -> Iterator[Finding]:
    """Items and buttons that repeat one another, or are many."""
    body = form.get("body") if isinstance(form, Mapping) else None
    if not isinstance(body, Mapping):
        return
    pointer += "/body"
    entries = [
        (f"{pointer}/items/{n}/content", x.get("content")) for n, x in enumerate(body.get("items") or [])
    ]
    if isinstance(emphasized := body.get("emphasizedItem"), Mapping):
        entries.insert(0, (f"{pointer}/emphasizedItem/content", emphasized.get("content")))
    yield from _repeated(
        "item-duplicate",
        entries,
        "Another item says the same ({first}): leave one out, or write what this one is for",
    )
    if len(entries) > MANY_ITEMS:
        yield finding(
            "items-many", f"{pointer}/items", str(len(entries)),
            f"{len(entries)} items need scrolling on a phone: keep what this user must know",
        )  # fmt: skip
    buttons = [(f"{pointer}/buttons/{n}/url", x.get("url")) for n, x in enumerate(body.get("buttons") or [])]
    yield from _repeated(
        "button-duplicate", buttons, "Another button leads to the same address ({first}): leave one out"
    )


def check_messages(messages: Any, pointer: str, *, notification: bool) -> Iterator[Finding]:
    """Alt texts, buttons and depth of message objects. `notification`: they go out as a LINE notification."""
    for n, message in enumerate(messages if isinstance(messages, list) else []):
        if isinstance(message, Mapping) and message.get("type") == "flex":
            yield from _flex(message, f"{pointer}/{n}", notification=notification)


def _flex(message: Mapping[str, Any], pointer: str, *, notification: bool) -> Iterator[Finding]:
    alt = str(message.get("altText", ""))
    if _EMPTY_WORDS.fullmatch(alt):
        yield finding(
            "alt-text", f"{pointer}/altText", alt,
            "The lock screen and the list of chats show only this: say who writes and what happened",
        )  # fmt: skip
    elif utf16_length(alt) > ALT_TEXT_SHOWN * 4:
        yield finding(
            "alt-text", f"{pointer}/altText", alt,
            f"The lock screen shows about {ALT_TEXT_SHOWN} characters of this: begin with what happened",
        )  # fmt: skip
    buttons: list[tuple[str, Any]] = []
    for place, node, depth in walk(message.get("contents"), f"{pointer}/contents"):
        kind = node.get("type")
        if kind in ("video", "audio") and notification:
            yield finding(
                "flexible-media",
                place,
                str(kind),
                "LINE permits no video or audio in notifications: take it out",
            )
        elif kind == "image" and notification:
            yield finding(
                "flexible-image", place, str(node.get("url", "image")),
                "LINE permits no images as messages of a notification; ask at the review about this one in Flex",
            )  # fmt: skip
        elif kind == "box" and depth == FLEX_DEPTH + 1:
            yield finding(
                "flex-depth", place, f"{depth} deep", f"Put at most {FLEX_DEPTH} boxes into one another"
            )
        if (
            isinstance(action := node.get("action"), Mapping)
            and action.get("type") == "uri"
            and kind == "button"
        ):
            buttons.append((f"{place}/action/uri", action.get("uri")))
    yield from _repeated(
        "button-duplicate", buttons, "Another button leads to the same address ({first}): leave one out"
    )


def walk(node: Any, pointer: str, depth: int = 0) -> Iterator[tuple[str, Mapping[str, Any], int]]:
    """Every object in a Flex container, with its place and how many boxes it lies in, itself counted."""
    if isinstance(node, list):
        for n, child in enumerate(node):
            yield from walk(child, f"{pointer}/{n}", depth)
    elif isinstance(node, Mapping):
        depth += node.get("type") == "box"
        yield pointer, node, depth
        for key, child in node.items():
            if isinstance(child, (list, Mapping)):
                yield from walk(child, f"{pointer}/{key}", depth)


def _repeated(code: str, entries: list[tuple[str, Any]], remedy: str) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for pointer, value in entries:
        if not isinstance(value, str):
            continue
        key = " ".join(value.split())
        if key in first:
            yield finding(code, pointer, value, remedy.format(first=first[key]))
        first.setdefault(key, pointer)
