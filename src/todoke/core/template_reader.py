"""Reads the texts of a template: where parameters stand in them, what fills them, which limits they must keep."""

import re
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

import msgspec

from todoke.core.errors import InvalidTemplate
from todoke.core.masking import SIGN
from todoke.core.sms_text import Encoding, segments
from todoke.core.template_limits import SMS_PARTS, Rule, Rules
from todoke.core.template_shape import escaped
from todoke.core.template_values import BIND_LINK, HOLE, LINK_ROOM, Parameter, utf16_length

MAX_HOLES = 200
"""Places for parameters in one template: with MAX_VALUE it bounds what a filled one can come to."""

_LONGEST_LINK = "https://" + "x" * (LINK_ROOM - 8)

Fill = Callable[[Mapping[str, str]], Any]
"""Makes the filled form from checked parameters."""


class Text(msgspec.Struct, frozen=True):
    """One string of a template as it was written."""

    pointer: str
    text: str
    names: tuple[str, ...]
    """The parameters in it, in order, with repeats."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A text with parameters, and the rule that it must keep when they are filled in."""

    pointer: str
    rule: Rule
    names: tuple[str, ...]
    fixed: int
    """Length of what is not a parameter."""
    safe: int
    """A value as long as this can't break the rule, in whichever parameter."""
    fill: Fill


def length_of(text: str, rule: Rule) -> int:
    """What a text takes of the room that its rule gives."""
    return len(msgspec.json.encode(text)) - 2 if rule.container else utf16_length(text)


def unit_of(rule: Rule) -> str:
    """What that is counted in, for messages."""
    return "bytes" if rule.container else "characters"


def few_parts(text: str) -> bool:
    """Whether it fits into as many SMS as one text may take."""
    return segments(text).segments <= SMS_PARTS


def is_gsm(text: str) -> bool:
    """Whether the cheap alphabet of SMS has all of a text."""
    return segments(text).encoding is Encoding.GSM7


def in_gsm(fill: Fill) -> Fill:
    """The same with signs of masking that this alphabet has: one • would make of every SMS two."""
    return lambda values: fill(values).replace(SIGN, "*")


def some_of(names: list[str]) -> str:
    """Names for a message, the first of many."""
    return ", ".join(names[:8]) + (" …" if len(names) > 8 else "") if names else "none"


def constant(value: Any) -> Fill:
    """What fills a form that has no parameter."""
    # The caller adds `to` to the outermost dict, so that one is never shared.
    return (lambda values: dict(value)) if isinstance(value, dict) else (lambda values: value)


class Reader:
    """Turns the JSON of a form into functions, and gathers on its way what is to be known about the texts."""

    def __init__(self, parameters: dict[str, Parameter], rules: Rules) -> None:
        self.parameters = parameters
        self.rules = rules
        self.texts: list[Text] = []
        self.places: list[Place] = []
        self.holes: list[str] = []

    def tree(self, node: Any, pointer: str) -> tuple[Any, Fill | None]:
        """The node as it is without parameters, and what fills it: None where it has none."""
        before = len(self.holes)
        if isinstance(node, str):
            return self.string(node, pointer)
        if isinstance(node, dict):
            fixed: Any = {}
            parts: list[tuple[Any, Fill]] = []
            for key, child in node.items():
                fixed[key], fill = self.tree(child, f"{pointer}/{escaped(key)}")
                if fill:
                    parts.append((key, fill))
        elif isinstance(node, list):
            fixed, parts = [], []
            for n, child in enumerate(node):
                plain, fill = self.tree(child, f"{pointer}/{n}")
                fixed.append(plain)
                if fill:
                    parts.append((n, fill))
        else:
            return node, None
        whole = _filler(fixed, parts) if parts else None
        if pointer in self.rules:
            self.keep_rule(pointer, tuple(self.holes[before:]), len(msgspec.json.encode(fixed)), whole)
        return fixed, whole

    def string(self, text: str, pointer: str) -> tuple[str, Fill | None]:
        """A text as it is without parameters (empty in their place), and what fills it."""
        pieces = HOLE.split(text)
        fixed, names = pieces[::2], tuple(name.strip() for name in pieces[1::2])
        if any("{{" in piece or "}}" in piece for piece in fixed):
            raise InvalidTemplate("Braces without their other half: write {{name}}", pointer)
        for name in names:
            if name == BIND_LINK:
                _refuse_item(pointer)
            elif name not in self.parameters:
                known = some_of(list(self.parameters))
                raise InvalidTemplate(
                    f"{{{{{name[:40]}}}}} is not declared: add it under parameters, which has {known}",
                    pointer,
                )
        if names and pointer.endswith("/type"):
            raise InvalidTemplate("A parameter can't stand in a type", pointer)
        self.holes += names
        if len(self.holes) > MAX_HOLES:
            raise InvalidTemplate(f"More than {MAX_HOLES} places for parameters: use fewer", pointer)
        self.texts.append(Text(pointer, text, names))
        plain = "".join(fixed)
        fill = _text_filler(fixed, names) if names else None
        self.keep_rule(pointer, names, utf16_length(plain), fill or constant(plain))
        return plain, fill

    def keep_rule(self, pointer: str, names: tuple[str, ...], fixed: int, fill: Fill | None) -> None:
        """Refuses a text whose fixed part breaks its rule; notes the others, to be looked at when filled."""
        rule = self.rules.get(pointer)
        if rule is None:
            return
        if links := names.count(BIND_LINK):
            # The address stands there like text that was written, and so does its length.
            names, fixed = tuple(x for x in names if x != BIND_LINK), fixed + links * LINK_ROOM
            fill = _linked(fill)
        text = fill({name: "" for name in names}) if fill and not rule.container else ""
        # A value is never empty, so each takes one character at least.
        if fixed + len(names) > rule.limit and not (rule.sms and few_parts(text)):
            limit = f"{SMS_PARTS} SMS" if rule.sms else f"{rule.limit} {unit_of(rule)}"
            raise InvalidTemplate(
                f"{rule.what} is too long ({fixed + len(names)}, at most {limit}): shorten it", pointer
            )
        if names and fill:
            # A value is taken for twice its characters, which UTF-16 never exceeds, nor half of JSON's bytes.
            safe = (rule.limit - fixed) // len(names) // (2 if rule.container else 1)
            self.places.append(
                Place(pointer=pointer, rule=rule, names=names, fixed=fixed, safe=safe, fill=fill)
            )
        elif rule.url and not rule.url.fullmatch(text):
            raise InvalidTemplate("Not an address: write https://…, percent-encoded", pointer)


_LINE_TEMPLATE = re.compile(r"(?:/languages/[^/]+)?/line_template/")


def _refuse_item(pointer: str) -> None:
    if _LINE_TEMPLATE.match(pointer) and not pointer.endswith("/url"):
        raise InvalidTemplate(
            f"{{{{{BIND_LINK}}}}} would be no link in an item: put it into the url of a button", pointer
        )


def _linked(fill: Fill | None) -> Fill | None:
    """The same, filled with a bind link of the greatest length too."""
    return fill and (lambda values: fill({**values, BIND_LINK: _LONGEST_LINK}))


def _filler(fixed: Any, parts: list[tuple[Any, Fill]]) -> Fill:
    """Copies a dict or list and fills only those entries that hold parameters."""

    def fill(values: Mapping[str, str]) -> Any:
        filled = fixed.copy()
        for key, part in parts:
            filled[key] = part(values)
        return filled

    return fill


def _text_filler(fixed: list[str], names: tuple[str, ...]) -> Fill:
    if len(names) == 1 and not any(fixed):
        return itemgetter(names[0])
    # The % operator is the quickest way to fill by name, and does not look into the values.
    pieces = [fixed[0].replace("%", "%%")]
    for name, after in zip(names, fixed[1:], strict=True):
        pieces += (f"%({name})s", after.replace("%", "%%"))
    return "".join(pieces).__mod__
