"""What is wrong with a body, in words for its writer: the field, the value found there, and how to write it.

msgspec says where and which types; the names and values nearby are found here, on the way of errors only.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import inspect

_PHONE, _MOMENT = "+886912345678", "2026-08-10T00:00:00Z"
EXAMPLES: dict[str, Any] = {
    "about": "What it rehearses",
    "access_token": "token-1",
    "advance": "24h",
    "app_version": "15.9.0",
    "at": "10m",
    "channel_id": "1234567890",
    "count": 1000,
    "created_at": _MOMENT,
    "digits": 7,
    "for": "5m",
    "generate": True,
    "ms": 1000,
    "name": "Shop",
    "next": 3,
    "phone": _PHONE,
    "pin": "123456",
    "prefix": "+88691",
    "reception": "agree",
    "redelivery_schedule": ["1m", "5m"],
    "region": "TW",
    "seed": 1,
    "set": _MOMENT,
    "share": 0.5,
    "speed": 60,
    "status": 500,
    "text": "Hello",
    "to": _PHONE,
    "verified_at": _MOMENT,
    "webhook_url": "http://127.0.0.1:9000/hook",
}
_WHOLE: dict[str, Any] = {
    "action": "agree",
    "target": "api",
    "kind": "latency",
    "messages": [{"type": "text", "text": "Hello"}],
}
"""Examples that fit only where the field is required."""
QUOTES = """JSON wants double quotes; in a shell: -d '{"phone": "+886912345678"}'"""
_TYPES = {
    "str": 'text in quotes ("…")',
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list ([…])",
    "object": "an object ({…})",
    "null": "null",
}
_EXPECTED = re.compile(r"Expected `([^`]*)`, got `[^`]*`")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d{1,9})\]")
LONGEST_NAME, LONGEST_VALUE = 50, 60


def explain(error: str, data: Any, kind: Any) -> str:
    """msgspec's complaint about `data`, which was to be a `kind`, in words."""
    problem, separator, place = error.rpartition(" - at `$")
    if not separator:
        problem, place = error, ""
    place = place.removesuffix("`")
    if (unknown := _UNKNOWN.fullmatch(problem)) is not None:
        return _unknown_field(unknown[1], place, kind)
    if (missing := _MISSING.fullmatch(problem)) is not None:
        return f"{_joined(place, missing[1])} is missing{_like(missing[1])}"
    name = _joined(place, "")
    known, value = _value(data, place)
    told = f"{name} is {_shown(value)}" if known and name else (name or "The body")
    if not name and known:
        told = f"The body is {_shown(value)}"
    if (expected := _EXPECTED.fullmatch(problem)) is not None:
        example = _like(re.split(r"[.\[]", name)[-1])
        return told + (example or f"; it must be {_types(expected[1])}")
    values = [value for info in _infos(kind, place) for value in getattr(info, "values", ())]
    if values:
        return f"{told}; it must be one of {', '.join(map(str, values))}"
    return f"{told}: {problem}"


def nearest(name: str, known: Iterable[str]) -> str:
    """`did you mean x? Known: x, y`, without the question where nothing is alike."""
    names = list(known)
    near = difflib.get_close_matches(name[:LONGEST_NAME], names, 1)
    return (f"did you mean `{near[0]}`? " if near else "") + f"Known: {', '.join(names)}"


def malformed(body: bytes, error: str) -> str:
    """What is wrong with a body that is no JSON."""
    if re.search(rb",\s*[}\]]", body):
        return f"The body is no JSON: {error}. Take away the comma before the closing bracket. {QUOTES}"
    return f"The body is no JSON: {error}. {QUOTES}"


def required(kind: Any) -> list[str]:
    """The fields that a body of this kind must have."""
    fields = [field for info in _infos(kind, "") for field in _fields(info)]
    return [field.encode_name for field in fields if field.required]


def sample(names: Iterable[str]) -> str:
    """A body with these fields, as JSON."""
    body = {name: _WHOLE.get(name, EXAMPLES.get(name, "…")) for name in names}
    return msgspec.json.format(msgspec.json.encode(body), indent=0).decode()


def _unknown_field(name: str, place: str, kind: Any) -> str:
    known = [field.encode_name for info in _infos(kind, place) for field in _fields(info)]
    where = f" in {_joined(place, '')}" if place else ""
    told = f"unknown field `{name[:LONGEST_NAME]}`{where}"
    return f"{told}: {nearest(name, known)}" if known else told


def _joined(place: str, name: str) -> str:
    return f"{place}.{name}".strip(".") if name else place.lstrip(".")


def _like(name: str) -> str:
    return f"; write it like {_json(EXAMPLES[name])}" if name in EXAMPLES else ""


def _types(expected: str) -> str:
    return " or ".join(_TYPES.get(part.strip(), part.strip()) for part in expected.split("|"))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    try:
        text = _json(value)
    except (ValueError, TypeError, OverflowError):
        text = ascii(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def _value(data: Any, place: str) -> tuple[bool, Any]:
    """What stands at this place, and whether that is known."""
    if "[...]" in place or "`" in place:
        return False, None
    for name, number in _STEP.findall(place):
        try:
            data = data[int(number)] if number else data[name]
        except (LookupError, TypeError):
            return False, None
    return True, data


@lru_cache(100)
def _info(kind: Any) -> Any:
    return inspect.type_info(kind)


def _infos(kind: Any, place: str) -> list[Any]:
    """What msgspec knows of the types that may stand at this place."""
    found = _parts(_info(kind))
    for name, _ in _STEP.findall(place.replace("[...]", "[0]")):
        inner: list[Any] = []
        for info in found:
            if name:
                inner += [field.type for field in _fields(info) if field.encode_name == name]
            else:
                inner += [getattr(info, "item_type", None), getattr(info, "value_type", None)]
        found = [part for info in inner if info is not None for part in _parts(info)]
    if not place:
        # A body may be one object or a list of them.
        found += [part for info in found if hasattr(info, "item_type") for part in _parts(info.item_type)]
        found = [info for place, info in enumerate(found) if info not in found[:place]]
    return found


def _parts(info: Any) -> list[Any]:
    return list(info.types) if isinstance(info, inspect.UnionType) else [info]


def _fields(info: Any) -> tuple[inspect.Field, ...]:
    return info.fields if isinstance(info, inspect.StructType) else ()
