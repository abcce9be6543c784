"""The keys that LINE granted to a channel: templates, items and buttons, as LINE's list names them.

LINE hands the lists out in forms of its own making; docs/catalogue.md says what is read. Here: a list's rows and what
is wrong with them (`rows`), files (`table`, `tree`), and templates held against a list (`check`).
"""

import hashlib
from collections.abc import Collection, Iterable
from typing import Literal

import msgspec

Kind = Literal["template", "item", "button"]
KINDS: tuple[Kind, ...] = ("template", "item", "button")


class GrantedKey(msgspec.Struct, frozen=True, kw_only=True):
    """One key of a list, with what the list says of it."""

    kind: Kind
    key: str
    use_case: str | None = None
    """The catalogue's key where the text means one of its use cases; else as the list writes it."""
    name: str | None = None
    """What the phone shows, or LINE's name for it."""
    language: str | None = None
    limits: str | None = None


class Difference(msgspec.Struct, frozen=True):
    """What became of one list in another. `changed`: before and after."""

    added: list[GrantedKey]
    removed: list[GrantedKey]
    changed: list[tuple[GrantedKey, GrantedKey]]


def ordered(keys: Iterable[GrantedKey]) -> list[GrantedKey]:
    """Templates first, then items, then buttons, each by key."""
    return sorted(keys, key=lambda x: (KINDS.index(x.kind), x.key))


def digest(keys: Iterable[GrantedKey]) -> str:
    """SHA-256 of the list, whatever order its file had: the same list is the same version."""
    return hashlib.sha256(msgspec.json.encode(ordered(keys))).hexdigest()


def difference(before: Collection[GrantedKey], after: Collection[GrantedKey]) -> Difference:
    """What `after` has that `before` has not, what it lacks, and what it says otherwise."""
    old, new = ({(x.kind, x.key): x for x in keys} for keys in (before, after))
    return Difference(
        added=ordered(x for place, x in new.items() if place not in old),
        removed=ordered(x for place, x in old.items() if place not in new),
        changed=[(old[x.kind, x.key], x) for x in ordered(after) if old.get((x.kind, x.key), x) != x],
    )
