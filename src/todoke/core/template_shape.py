"""The shape that a template's JSON must have, and which of its texts must keep which limit (`template_limits`)."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from todoke.core.errors import InvalidTemplate
from todoke.core.template_limits import (
    ACTIONS,
    ALT_TEXT,
    BUBBLE,
    BUTTON,
    CAROUSEL,
    DATA,
    EMPHASIZED,
    ITEM,
    OF_ACTIONS,
    SMS,
    TEXT,
    URI,
    Rule,
    Rules,
)
from todoke.core.template_values import FORBIDDEN, HOLE, unfit, utf16_length

MAX_BYTES = 64 * 1024
"""Of the template without its variants, and of each variant."""
MAX_ALL_BYTES = 256 * 1024
MAX_DEPTH = 32

FORMS = ("line_template", "flexible", "push", "sms")
_FIELDS = {"name", "channel", "use_case", "parameters", "language", "languages", *FORMS}
_KEY = re.compile(r"[A-Za-z0-9_.-]{1,100}")

_FLEXIBLE_TYPES = frozenset({"text", "flex"})
"""Of notification messages: LINE permits no images, video or audio; a sticker tells nobody anything."""
PUSH_TYPES = frozenset(
    {"text", "textV2", "sticker", "image", "video", "audio", "location", "imagemap", "template", "flex"}
)
"""LINE's kinds of message object that a push may hold."""


def rules_of(spec: Any) -> Rules:
    """The rules for every place of a template that has one. Raises InvalidTemplate for a wrong shape."""
    if not isinstance(spec, dict):
        raise InvalidTemplate("A template is a JSON object", "")
    _refuse_hostile(spec, "", 0)
    _only(spec, _FIELDS, "")
    for field in ("name", "use_case"):
        _string(spec, field, "", longest=100)
    variants = variants_of(spec)
    _refuse_large(spec, variants)
    rules: Rules = {}
    _forms(spec, "", rules)
    for key, variant in variants.items():
        pointer = f"/languages/{escaped(key)}"
        _object(variant, pointer)
        _only(variant, set(FORMS), pointer)
        _forms(variant, pointer, rules)
    return rules


def variants_of(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The variants in other languages, by the tag as it was written; none where `languages` is a list or absent."""
    languages = spec.get("languages")
    return languages if isinstance(languages, dict) else {}


def _forms(node: dict[str, Any], pointer: str, rules: Rules) -> None:
    forms = [form for form in FORMS if node.get(form) is not None]
    if not forms:
        what = "This variant" if pointer else "The template"
        raise InvalidTemplate(f"{what} has nothing to send: give at least one of {', '.join(FORMS)}", pointer)
    for form in forms:
        _READERS[form](node[form], f"{pointer}/{form}", rules)


def _refuse_large(spec: dict[str, Any], variants: dict[str, Any]) -> None:
    sizes = {f"/languages/{escaped(k)}": len(msgspec.json.encode(v)) for k, v in variants.items()}
    whole = len(msgspec.json.encode(spec))
    for pointer, size in {"": whole - sum(sizes.values()), **sizes}.items():
        if size > MAX_BYTES:
            what = "This variant" if pointer else "The template"
            raise InvalidTemplate(f"{what} is larger than {MAX_BYTES // 1024} KiB: shorten it", pointer)
    if whole > MAX_ALL_BYTES:
        raise InvalidTemplate(
            f"With all its variants the template is larger than {MAX_ALL_BYTES // 1024} KiB", ""
        )


def escaped(key: str) -> str:
    """A key as part of a JSON pointer (RFC 6901)."""
    return key[:100].encode(errors="replace").decode().replace("~", "~0").replace("/", "~1")


def _refuse_hostile(node: Any, pointer: str, depth: int) -> None:
    """JSON only, not too deep, no control characters, no `{{` in names."""
    # A variant's forms lie two levels deeper than the others, and may be as deep in themselves.
    if depth > MAX_DEPTH + (2 if pointer.startswith("/languages/") else 0):
        raise InvalidTemplate(f"The template is nested deeper than {MAX_DEPTH} levels", pointer)
    if isinstance(node, str):
        if problem := unfit(node):
            raise InvalidTemplate(f"The text {problem}", pointer)
    elif isinstance(node, dict):
        for key, child in node.items():
            if not isinstance(key, str) or "{{" in key or FORBIDDEN.search(key):
                raise InvalidTemplate("A parameter can't stand in the name of a JSON field", pointer)
            _refuse_hostile(child, f"{pointer}/{escaped(key)}", depth + 1)
    elif isinstance(node, list):
        for n, child in enumerate(node):
            _refuse_hostile(child, f"{pointer}/{n}", depth + 1)
    elif isinstance(node, (int, float)):
        if not abs(node) < 2**63:  # NaN is not below anything
            raise InvalidTemplate("A number here must be finite and below 2^63", pointer)
    elif node is not None:
        raise InvalidTemplate(f"{type(node).__name__} is no JSON value", pointer)


def _line_template(form: Any, pointer: str, rules: Rules) -> None:
    _object(form, pointer)
    _only(form, {"templateKey", "body"}, pointer)
    _key(form, "templateKey", pointer)
    body = form.get("body")
    if body is None:
        return
    pointer += "/body"
    _object(body, pointer)
    _only(body, {"emphasizedItem", "items", "buttons"}, pointer)
    items: set[str] = set()
    if (emphasized := body.get("emphasizedItem")) is not None:
        items.add(_entry(emphasized, f"{pointer}/emphasizedItem", ("itemKey", "content"), rules, EMPHASIZED))
    for n, item in enumerate(_list(body, "items", pointer, 0, 15)):
        key = _entry(item, f"{pointer}/items/{n}", ("itemKey", "content"), rules, ITEM)
        if key in items:
            raise InvalidTemplate(
                f"The item {key} stands twice: LINE takes it once", f"{pointer}/items/{n}/itemKey"
            )
        items.add(key)
    buttons: set[str] = set()
    for n, button in enumerate(_list(body, "buttons", pointer, 0, 2)):
        key = _entry(button, f"{pointer}/buttons/{n}", ("buttonKey", "url"), rules, BUTTON)
        if key in buttons:
            place = f"{pointer}/buttons/{n}/buttonKey"
            raise InvalidTemplate(f"The button {key} stands twice: LINE takes it once", place)
        buttons.add(key)


def _entry(entry: Any, pointer: str, fields: tuple[str, str], rules: Rules, rule: Rule) -> str:
    """An item or a button: LINE's key and what we put there. Returns the key."""
    _object(entry, pointer)
    _only(entry, set(fields), pointer)
    _string(entry, fields[1], pointer)
    rules[f"{pointer}/{fields[1]}"] = rule
    return _key(entry, fields[0], pointer)


def _flexible(form: Any, pointer: str, rules: Rules) -> None:
    _messages(form, pointer, rules, _FLEXIBLE_TYPES)


def _push(form: Any, pointer: str, rules: Rules) -> None:
    _messages(form, pointer, rules, PUSH_TYPES)


def _messages(form: Any, pointer: str, rules: Rules, types: frozenset[str]) -> None:
    parent, _, field = pointer.rpartition("/")
    for n, message in enumerate(_list({field: form}, field, parent, 1, 5)):
        place = f"{pointer}/{n}"
        _object(message, place)
        kind = _string(message, "type", place)
        if kind not in types:
            allowed = ", ".join(sorted(types))
            raise InvalidTemplate(
                f"A message of type {kind[:20]!r} can't be sent here: use {allowed}", f"{place}/type"
            )
        if kind in ("text", "textV2"):
            _string(message, "text", place)
            rules[f"{place}/text"] = TEXT
        elif kind == "flex":
            _flex(message, place, rules)
        _actions(message, place, rules)


def _flex(message: dict[str, Any], pointer: str, rules: Rules) -> None:
    _string(message, "altText", pointer)
    rules[f"{pointer}/altText"] = ALT_TEXT
    contents = message.get("contents")
    pointer += "/contents"
    _object(contents, pointer)
    assert isinstance(contents, dict)
    kind = contents.get("type")
    if kind == "bubble":
        rules[pointer] = BUBBLE
    elif kind == "carousel":
        for n, bubble in enumerate(_list(contents, "contents", pointer, 1, 12)):
            _object(bubble, f"{pointer}/contents/{n}")
            rules[f"{pointer}/contents/{n}"] = BUBBLE
        rules[pointer] = CAROUSEL
    else:
        raise InvalidTemplate("The contents of a Flex message are a bubble or a carousel", f"{pointer}/type")


def _actions(node: Any, pointer: str, rules: Rules) -> None:
    """Rules for the actions anywhere inside a message. Depth was checked before."""
    if isinstance(node, list):
        for n, child in enumerate(node):
            _actions(child, f"{pointer}/{n}", rules)
    elif isinstance(node, dict):
        for field, rule in (("uri", URI), ("data", DATA)):
            if isinstance(node.get(field), str):
                rules[f"{pointer}/{field}"] = rule
        if node.get("type") in tuple(ACTIONS):
            for field, rule in OF_ACTIONS.items():
                if _may_grow(node.get(field), rule.limit):
                    rules[f"{pointer}/{field}"] = rule
        for key, child in node.items():
            _actions(child, f"{pointer}/{escaped(key)}", rules)


def _may_grow(text: Any, limit: int) -> bool:
    """A text that keeps a limit as it was written, and may break it when it is filled in. What breaks it already is
    told by `check_flex`, and only when the template is made.
    """
    return isinstance(text, str) and "{{" in text and holes_as_one(text) <= limit


def holes_as_one(text: str) -> int:
    """The least length of a text when it is filled in: a value has one character at least."""
    return utf16_length(HOLE.sub("x", text))


def _sms(form: Any, pointer: str, rules: Rules) -> None:
    if not isinstance(form, str) or not form.strip():
        raise InvalidTemplate("sms must be a text", pointer)
    rules[pointer] = SMS


_READERS: dict[str, Callable[[Any, str, Rules], None]] = {
    "line_template": _line_template,
    "flexible": _flexible,
    "push": _push,
    "sms": _sms,
}


def _object(node: Any, pointer: str) -> None:
    if not isinstance(node, dict):
        raise InvalidTemplate("An object is needed here", pointer)


def _only(node: dict[str, Any], fields: set[str], pointer: str) -> None:
    if unknown := sorted(set(node) - fields):
        known = ", ".join(sorted(fields))
        raise InvalidTemplate(
            f"There is no field {unknown[0][:40]!r} here, but {known}", f"{pointer}/{escaped(unknown[0])}"
        )


def _list(node: dict[str, Any], field: str, pointer: str, least: int, most: int) -> list[Any]:
    entries = node.get(field)
    if entries is None and least == 0:
        return []
    if not isinstance(entries, list) or not least <= len(entries) <= most:
        raise InvalidTemplate(f"{field} must be a list of {least} to {most}", f"{pointer}/{field}")
    return entries


def _string(node: dict[str, Any], field: str, pointer: str, longest: int = MAX_BYTES) -> str:
    text = node.get(field)
    if not isinstance(text, str) or not text.strip() or len(text) > longest:
        limit = f" of at most {longest} characters" if longest < MAX_BYTES else ""
        raise InvalidTemplate(f"{field} must be a text{limit}, not empty", f"{pointer}/{field}")
    return text


def _key(node: dict[str, Any], field: str, pointer: str) -> str:
    """LINE's name of a template, item or button: granted beforehand, so no parameter can stand in it."""
    key = _string(node, field, pointer)
    if not _KEY.fullmatch(key):
        raise InvalidTemplate(
            f"{field} must be a key that LINE granted (letters, digits, _ . -), without parameters",
            f"{pointer}/{field}",
        )
    return key
