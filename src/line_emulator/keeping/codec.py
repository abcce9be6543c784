"""Commands as they stand in the state file: by their own fields, channels by their ids.

Nothing here knows a single command: a new one is written and read by its annotations. The exceptions: a channel
is written out where it is itself the news (`AddChannel`), a body is left out where the raw bytes that it was read
from stand beside it.
"""

from __future__ import annotations

import inspect
import typing
from functools import cache
from typing import Any

import msgspec

from line_emulator.world import World, commands
from line_emulator.world.channels import Channel
from line_emulator.world.population import Population

_REFERENCE, _CHANNEL, _POPULATION, _RAW, _FROM_RAW, _PLAIN = range(6)
_KINDS: dict[str, type] = {kind.__name__: kind for kind in typing.get_args(commands.Command)}
_POPULATION_FIELDS = tuple(inspect.signature(Population).parameters)
_POPULATION_TYPES = typing.get_type_hints(Population.__init__)

Encoded = tuple[str, bytes, list[bytes]]
"""The name of a command, its fields as JSON, and those that are bytes."""


class Unreadable(Exception):
    """A record that this version of the emulator does not understand; the text says why."""


@cache
def _plan(kind: type) -> tuple[tuple[str, int, Any], ...]:
    """How each field of a command is written: (name, way, type)."""
    hints = typing.get_type_hints(kind)
    found: list[tuple[str, int, Any]] = []
    for name, hint in hints.items():
        if hint is Channel or hint == Channel | None:
            way = _CHANNEL if kind is commands.AddChannel else _REFERENCE
        elif hint is Population:
            way = _POPULATION
        elif hint is bytes:
            way = _RAW
        elif name == "body" and hints.get("raw") is bytes:
            way = _FROM_RAW
        else:
            way = _PLAIN
        found.append((name, way, hint))
    return tuple(found)


def encode(command: commands.Command) -> Encoded:
    """A command as it is written."""
    fields: dict[str, Any] = {}
    blobs: list[bytes] = []
    for name, way, _ in _plan(type(command)):
        value = getattr(command, name)
        if way in (_PLAIN, _CHANNEL):
            fields[name] = value
        elif way == _RAW:
            blobs.append(value)
        elif way == _REFERENCE:
            fields[name] = None if value is None else value.channel_id
        elif way == _POPULATION:
            fields[name] = {part: getattr(value, part) for part in _POPULATION_FIELDS}
    return type(command).__name__, msgspec.json.encode(fields), blobs


def decode(name: str, data: bytes, blobs: list[bytes], world: World) -> commands.Command:
    """The command again, over the channels of this world. Raises Unreadable."""
    kind = _KINDS.get(name)
    if kind is None:
        raise Unreadable(f"it has a command {name}, which this version does not know")
    try:
        fields = msgspec.json.decode(data)
        rest = iter(blobs)
        values: dict[str, Any] = {}
        raw = b""
        for field, way, hint in _plan(kind):
            if way == _RAW:
                values[field] = raw = next(rest)
            elif way != _FROM_RAW and field in fields:
                values[field] = _value(fields[field], way, hint, world)
        if any(way == _FROM_RAW for _, way, _ in _plan(kind)):
            values["body"] = msgspec.json.decode(raw)
        return kind(**values)  # type: ignore[no-any-return]
    except (ValueError, TypeError, KeyError, StopIteration) as error:
        raise Unreadable(f"its command {name} is not as this version writes it ({error})") from None


def _value(value: Any, way: int, hint: Any, world: World) -> Any:
    if way == _REFERENCE:
        return None if value is None else world.channels[value]
    if way == _CHANNEL:
        return _channel(msgspec.convert(value, Channel), world)
    if way == _POPULATION:
        return Population(
            **{name: msgspec.convert(part, _POPULATION_TYPES[name]) for name, part in value.items()}
        )
    return msgspec.convert(value, hint)


def _channel(new: Channel, world: World) -> Channel:
    """A known channel keeps its identity: others refer to it."""
    known = world.channels.get(new.channel_id)
    if known is None:
        return new
    for name in new.__struct_fields__:
        setattr(known, name, getattr(new, name))
    return known
