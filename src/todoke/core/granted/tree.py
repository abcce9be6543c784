"""A list of granted keys as YAML, or as JSON, which is YAML too.

It is read from the parser's events: so every fault has its line, a name that stands twice is seen, and an alias can't
make a small file large. Reading ends where something is nested too deep: the parser's own time grows with the square.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from todoke.core.granted.rows import FIELDS, Reading
from todoke.core.granted.table import decoded

LISTS = {"templates": "template", "items": "item", "buttons": "button"}
_FORM = "Write templates:, items: and buttons:, each a list of keys or of objects with a key."
_DEEPEST = 50
"""Of what is passed over; a list of keys needs three levels."""
_PAIR = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_START = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_END = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


class _WrongError(Exception):
    """The file has another form, so that what follows can't be understood. Its fault is noted."""


class _Events:
    """The events of a document, one at a time."""

    def __init__(self, text: str, reading: Reading) -> None:
        self.reading = reading
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=_LOADER))
        for kind in (yaml.StreamStartEvent, yaml.DocumentStartEvent):
            if not isinstance(next(self._events, None), kind):
                self.refuse(1, "", "The file is empty. " + _FORM)

    def next(self) -> Any:
        event = next(self._events)
        if isinstance(event, yaml.AliasEvent):
            self.refuse(line_of(event), "", "References (*name) are not read. Write the row out.")
        return event

    def refuse(self, line: int, value: str, remedy: str) -> None:
        """Notes a fault after which nothing more can be read. Raises always."""
        self.reading.fault(line, "", value, remedy)
        raise _WrongError

    def end(self) -> None:
        """After the document nothing may follow, or it would be lost in silence."""
        next(self._events)
        if not isinstance(event := next(self._events), yaml.StreamEndEvent):
            self.refuse(line_of(event), "", "A second document begins here (---). Put all into one.")

    def mapping(self) -> Iterator[tuple[int, str]]:
        """The names of a mapping that has begun, each with its line; the caller takes each value."""
        seen: set[str] = set()
        while not isinstance(event := self.next(), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                self.refuse(line_of(event), "", "A name must be a text. " + _FORM)
            if event.value in seen:
                self.reading.fault(
                    line_of(event), "", event.value, "This name stands here twice. Take one away."
                )
            seen.add(event.value)
            yield line_of(event), event.value

    def skip(self) -> None:
        """Passes over a value, however deep."""
        depth = 0
        while True:
            event = self.next()
            depth += isinstance(event, _START) - isinstance(event, _END)
            if depth == 0:
                return
            if depth > _DEEPEST:
                self.refuse(line_of(event), "", "This is nested too deep. " + _FORM)


def line_of(event: Any) -> int:
    """Where an event stands, counted from 1."""
    return int(event.start_mark.line) + 1


def read(raw: bytes, codec: str = "utf-8") -> Reading:
    """The list in a YAML or JSON file: `{templates: [...], items: [...], buttons: [...]}`."""
    reading = Reading()
    text = decoded(raw, codec, reading)
    if text is None:
        return reading
    try:
        events = _Events(_paired(text.removeprefix("\ufeff")), reading)
        _document(events)
        events.end()
    except _WrongError:
        return reading.end()
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = 1 if mark is None else mark.line + 1
        problem = str(getattr(error, "problem", None) or "it can't be read")[:120]
        reading.fault(line, "", "", f"This is no YAML: {problem}. Look at this line and the one above it.")
    return reading.end()


def _paired(text: str) -> str:
    """The text with what JSON writes as two escapes as one character: YAML knows no such pairs."""

    def one(found: re.Match[str]) -> str:
        high, low = int(found[2], 16), int(found[3], 16)
        return found[1] + chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))

    return _PAIR.sub(one, text) if "\\u" in text else text


def _document(events: _Events) -> None:
    start = events.next()
    if not isinstance(start, yaml.MappingStartEvent):
        events.refuse(line_of(start), "", _FORM)
    for line, name in events.mapping():
        if name not in LISTS:
            events.reading.fault(line, "", name, "There is no such list. " + _FORM)
            events.skip()
            continue
        start = events.next()
        if isinstance(start, yaml.ScalarEvent) and start.value in ("", "~", "null"):
            continue
        if not isinstance(start, yaml.SequenceStartEvent):
            events.refuse(line_of(start), name, f"{name} must be a list. " + _FORM)
        while not isinstance(event := events.next(), yaml.SequenceEndEvent):
            _row(events, LISTS[name], event)


def _row(events: _Events, kind: str, event: Any) -> None:
    line = line_of(event)
    if isinstance(event, yaml.ScalarEvent):
        row = {"key": event.value}
    elif isinstance(event, yaml.MappingStartEvent):
        row = dict(_cells(events))
    else:
        events.refuse(line, "", "A row is a key, or an object with a key. " + _FORM)
    if not events.reading.take(line, row | {"kind": kind}):
        raise _WrongError


def _cells(events: _Events) -> Iterator[tuple[str, str]]:
    for line, name in events.mapping():
        value = events.next()
        if not isinstance(value, yaml.ScalarEvent):
            events.refuse(line_of(value), name, f"{name} must be a text.")
        if name not in FIELDS[1:] and name != "template":
            events.reading.fault(
                line, "", name, f"There is no such field. Those known are {', '.join(FIELDS[1:])}."
            )
        elif value.style in (None, "") and value.value in ("~", "null"):
            continue
        else:
            yield name, value.value
