"""How LINE's objects are written down here: a `Shape` is a table of properties, `Many` an array, `OneOf`
objects told apart by their `type`.

A table's entry is either a small check from `fields` (one value, no path) or another of these (nested).
Null counts as absent, properties that the table does not name are ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from line_emulator.world import limits
from line_emulator.world.limits import Faults, WrongType
from line_emulator.world.messages.fields import WRONG_TYPE, Check, one_of

MOST_FAULTS = 100
"""After so many faults a request is not looked at any further."""


class Allowed(msgspec.Struct, frozen=True):
    """What one way of sending takes: types of message objects, mentions of users, videos inside Flex."""

    types: tuple[str, ...]
    mentions: bool = False
    flex_video: bool = True


class Notes:
    """What one look at a request has found so far, and what its way of sending allows."""

    __slots__ = ("allowed", "animated", "boxes", "faults")

    def __init__(self, allowed: Allowed, faults: Faults) -> None:
        self.allowed = allowed
        self.faults = faults
        self.animated = 0
        """Animated images of the present message."""
        self.boxes = 0
        """Boxes around the present component."""

    def fault(self, text: str, path: str) -> None:
        """Notes one fault."""
        self.faults.append((text, path))

    @property
    def full(self) -> bool:
        """Whether enough faults are noted for one answer."""
        return len(self.faults) >= MOST_FAULTS


class Nested(Protocol):
    """A check of an object or array: notes faults with their paths. Raises WrongType."""

    def __call__(self, value: Any, path: str, notes: Notes, /) -> None: ...


Rule = Callable[[dict[str, Any], str, Notes], None]
"""A check across the properties of one object, whose JSON types are known to be right by then."""


class Shape:
    """One kind of object: the properties that it needs, those that it may have, and rules across them.

    `values` are checked by themselves, `parts` are objects and arrays. A property of either that is named in
    `needs` must be there. Faults come in this order: what is missing, the values and parts in the order of
    the request, the rules.
    """

    __slots__ = ("needs", "parts", "rules", "values")

    def __init__(
        self,
        needs: str,
        values: Mapping[str, Check],
        parts: Mapping[str, Nested] | None = None,
        rules: tuple[Rule, ...] = (),
    ) -> None:
        self.needs = tuple(needs.split())
        self.values = dict(values)
        self.parts = dict(parts or {})
        self.rules = rules

    def __call__(self, value: Any, path: str, notes: Notes) -> None:
        """Notes the faults of an object. Raises WrongType if it is none, or a property has a wrong type."""
        holder = limits.mapping(value, path)
        if notes.full:
            return
        for name in self.needs:
            if holder.get(name) is None:
                notes.fault("May not be empty", f"{path}.{name}")
        for name, entry in holder.items():
            if entry is None:
                continue
            check = self.values.get(name)
            if check is not None:
                fault = check(entry)
                if fault is WRONG_TYPE:
                    raise WrongType(f"{path}.{name}")
                if fault is not None:
                    notes.fault(fault, f"{path}.{name}")
            elif name in self.parts:
                self.parts[name](entry, f"{path}.{name}", notes)
        # A full list of faults means that parts were left unread, so rules could meet any type.
        for rule in () if notes.full else self.rules:
            rule(holder, path, notes)

    def names(self) -> set[str]:
        """The properties that this kind of object has, without `type`."""
        return {*self.values, *self.parts}

    def extended(
        self, values: Mapping[str, Check], parts: Mapping[str, Nested] | None = None, needs: str = ""
    ) -> Shape:
        """The same with more properties, or with other checks for some."""
        return Shape(
            " ".join((*self.needs, *needs.split())),
            {**self.values, **values},
            {**self.parts, **(parts or {})},
            self.rules,
        )


class Many:
    """An array of `least` to `most` entries of one kind. Entries beyond `most` are not looked at."""

    __slots__ = ("entry", "least", "most")

    def __init__(self, entry: Nested, least: int, most: int) -> None:
        self.entry = entry
        self.least = least
        self.most = most

    def __call__(self, value: Any, path: str, notes: Notes) -> None:
        """Notes the faults of the array and of its entries."""
        for place, entry in enumerate(limits.sequence(value, path, self.least, self.most, notes.faults)):
            self.entry(entry, f"{path}[{place}]", notes)


class OneOf:
    """An object of one of several kinds, told apart by `type`."""

    __slots__ = ("kinds",)

    def __init__(self, kinds: Mapping[str, Nested]) -> None:
        self.kinds = kinds

    def __call__(self, value: Any, path: str, notes: Notes) -> None:
        """Notes an unknown type, or the faults of the object."""
        holder = limits.mapping(value, path)
        kind = holder.get("type")
        if kind is not None and type(kind) is not str:
            raise WrongType(f"{path}.type")
        check = None if kind is None else self.kinds.get(kind)
        if check is None:
            notes.fault(one_of(self.kinds), f"{path}.type")
        else:
            check(holder, path, notes)
