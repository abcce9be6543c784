"""The shape that a template's JSON must have, and the limits that its texts must keep when they are filled.

Limits of notification messages: LINE's reference, "Send LINE notification message" (template and flexible).
Of messages: its message objects (text 5,000, altText 1,500), Flex (bubble 30 KB; carousel 50 KB, 12 bubbles).
"""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from todoke.core.errors import InvalidTemplate
from todoke.core.template_values import FORBIDDEN, URL

MAX_BYTES = 64 * 1024
MAX_DEPTH = 32
SMS_PARTS = 10
"""SMS that one text may take: our own limit, as each is paid."""

FORMS = ("line_template", "flexible", "push", "sms")
_FIELDS = {"name", "channel", "use_case", "parameters", "languages", *FORMS}
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")
_KEY = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_ACTION_URI = re.compile(URL.pattern + r"|tel:[0-9+*#-]+")

_FLEXIBLE_TYPES = frozenset({"text", "flex"})
"""Of notification messages: LINE permits no images, video or audio; a sticker tells nobody anything."""
PUSH_TYPES = frozenset(
    {"text", "textV2", "sticker", "image", "video", "audio", "location", "imagemap", "template", "flex"}
)
"""LINE's kinds of message object that a push may hold."""


class Rule(msgspec.Struct, frozen=True):
    """What holds for the text at one place after it was filled."""

    limit: int
    """In UTF-16 code units; of a Flex container in bytes of JSON; of an SMS the units that surely fit."""
    what: str
    """The place in words, for messages."""
    url: "re.Pattern[str] | None" = None
    sms: bool = False
    container: bool = False


_TEXT = Rule(5000, "the text of a message")
_ALT_TEXT = Rule(1500, "altText")
_EMPHASIZED = Rule(15, "the emphasized item")
_ITEM = Rule(300, "an item")
_BUTTON = Rule(1000, "the url of a button", URL)
_URI = Rule(1000, "the uri of an action", _ACTION_URI)
_DATA = Rule(300, "the data of an action")
_BUBBLE = Rule(30 * 1024, "a Flex bubble", container=True)
_CAROUSEL = Rule(50 * 1024, "a Flex carousel", container=True)
_SMS = Rule(67 * SMS_PARTS, "the SMS", sms=True)

Rules = dict[str, Rule]
"""By JSON pointer."""


def rules_of(spec: Any) -> Rules:
    """The rules for every place of a template that has one. Raises InvalidTemplate for a wrong shape."""
    if not isinstance(spec, dict):
        raise InvalidTemplate("A template is a JSON object", "")
    _refuse_hostile(spec, "", 0)
    if len(msgspec.json.encode(spec)) > MAX_BYTES:
        raise InvalidTemplate(f"The template is larger than {MAX_BYTES // 1024} KiB: shorten it", "")
    _only(spec, _FIELDS, "")
    for field in ("name", "use_case"):
        _string(spec, field, "", longest=100)
    _check_languages(spec.get("languages", []))
    forms = [form for form in FORMS if spec.get(form) is not None]
    if not forms:
        raise InvalidTemplate(
            f"The template has nothing to send: give at least one of {', '.join(FORMS)}", ""
        )
    rules: Rules = {}
    for form in forms:
        _READERS[form](spec[form], "/" + form, rules)
    return rules


def escaped(key: str) -> str:
    """A key as part of a JSON pointer (RFC 6901)."""
    return key[:100].encode(errors="replace").decode().replace("~", "~0").replace("/", "~1")


def _refuse_hostile(node: Any, pointer: str, depth: int) -> None:
    """JSON only, not too deep, no control characters, no `{{` in names."""
    if depth > MAX_DEPTH:
        raise InvalidTemplate(f"The template is nested deeper than {MAX_DEPTH} levels", pointer)
    if isinstance(node, str):
        if FORBIDDEN.search(node):
            raise InvalidTemplate(
                "Control characters are not allowed, line breaks (\\n) are: remove them", pointer
            )
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


def _check_languages(languages: Any) -> None:
    if languages is None:
        return
    if not isinstance(languages, list) or len(languages) > 20:
        raise InvalidTemplate('languages must be a list of tags: ["zh-Hant", "en"]', "/languages")
    for n, language in enumerate(languages):
        if not isinstance(language, str) or not _LANGUAGE.fullmatch(language):
            raise InvalidTemplate("A language is a tag as zh-Hant, th, ja or en", f"/languages/{n}")


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
        items.add(_entry(emphasized, f"{pointer}/emphasizedItem", ("itemKey", "content"), rules, _EMPHASIZED))
    for n, item in enumerate(_list(body, "items", pointer, 0, 15)):
        key = _entry(item, f"{pointer}/items/{n}", ("itemKey", "content"), rules, _ITEM)
        if key in items:
            raise InvalidTemplate(
                f"The item {key} stands twice: LINE takes it once", f"{pointer}/items/{n}/itemKey"
            )
        items.add(key)
    buttons: set[str] = set()
    for n, button in enumerate(_list(body, "buttons", pointer, 0, 2)):
        key = _entry(button, f"{pointer}/buttons/{n}", ("buttonKey", "url"), rules, _BUTTON)
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
            rules[f"{place}/text"] = _TEXT
        elif kind == "flex":
            _flex(message, place, rules)
        _actions(message, place, rules)


def _flex(message: dict[str, Any], pointer: str, rules: Rules) -> None:
    _string(message, "altText", pointer)
    rules[f"{pointer}/altText"] = _ALT_TEXT
    contents = message.get("contents")
    pointer += "/contents"
    _object(contents, pointer)
    assert isinstance(contents, dict)
    kind = contents.get("type")
    if kind == "bubble":
        rules[pointer] = _BUBBLE
    elif kind == "carousel":
        for n, bubble in enumerate(_list(contents, "contents", pointer, 1, 12)):
            _object(bubble, f"{pointer}/contents/{n}")
            rules[f"{pointer}/contents/{n}"] = _BUBBLE
        rules[pointer] = _CAROUSEL
    else:
        raise InvalidTemplate("The contents of a Flex message are a bubble or a carousel", f"{pointer}/type")


def _actions(node: Any, pointer: str, rules: Rules) -> None:
    """Rules for the actions anywhere inside a message. Depth was checked before."""
    if isinstance(node, list):
        for n, child in enumerate(node):
            _actions(child, f"{pointer}/{n}", rules)
    elif isinstance(node, dict):
        for field, rule in (("uri", _URI), ("data", _DATA)):
            if isinstance(node.get(field), str):
                rules[f"{pointer}/{field}"] = rule
        for key, child in node.items():
            _actions(child, f"{pointer}/{escaped(key)}", rules)


def _sms(form: Any, pointer: str, rules: Rules) -> None:
    if not isinstance(form, str) or not form.strip():
        raise InvalidTemplate("sms must be a text", pointer)
    rules[pointer] = _SMS


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
