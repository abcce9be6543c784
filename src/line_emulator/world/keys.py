"""Which template, item and button keys exist. LINE publishes a few for Japan; all others are granted per
account.

Source: LINE notification messages reference (the keys of its examples). Keys that begin with `example_`
are made up, are accepted everywhere and are marked by that name as nobody's real key.
"""

from __future__ import annotations

import msgspec

import line_catalogue

EXAMPLE_PREFIX = "example_"
PUBLISHED, GRANTED, MADE_UP = "published", "granted", "made_up"
"""Where a key comes from: LINE's public reference; a list imported for this channel; nobody."""
TEMPLATE, ITEM, BUTTON = "template", "item", "button"
KINDS = (TEMPLATE, ITEM, BUTTON)

_PUBLISHED = line_catalogue.published_keys()

# All published keys stand in LINE's Japanese examples.
PUBLISHED_TEMPLATES: dict[str, frozenset[str]] = {"JP": frozenset(_PUBLISHED.templates)}
PUBLISHED_ITEMS: dict[str, frozenset[str]] = {"JP": frozenset(_PUBLISHED.items)}
PUBLISHED_BUTTONS: dict[str, frozenset[str]] = {"JP": frozenset(_PUBLISHED.buttons)}
REGIONS = tuple(sorted(line_catalogue.countries()))
_PUBLISHED_ANYWHERE = frozenset((*_PUBLISHED.templates, *_PUBLISHED.items, *_PUBLISHED.buttons))


class Grant(msgspec.Struct, frozen=True):
    """One key that LINE granted to an account, as imported for its channel.

    `template`: the one template that an item or button belongs to; None: any. `label`: what the user sees;
    None: not said.
    """

    kind: str
    key: str
    template: str | None = None
    label: str | None = None


class Form(msgspec.Struct, frozen=True):
    """The item and button keys that one template takes: its own, and those that all take, which are shared so
    that many templates stay small. `examples`: made-up keys besides.
    """

    items: frozenset[str]
    buttons: frozenset[str]
    shared_items: frozenset[str] = frozenset()
    shared_buttons: frozenset[str] = frozenset()
    examples: bool = False

    def has_item(self, key: str) -> bool:
        """Whether the template has this item."""
        return (
            key in self.items
            or key in self.shared_items
            or (self.examples and key.startswith(EXAMPLE_PREFIX))
        )

    def has_button(self, key: str) -> bool:
        """Whether the template has this button."""
        return (
            key in self.buttons
            or key in self.shared_buttons
            or (self.examples and key.startswith(EXAMPLE_PREFIX))
        )


def source_of(key: str, imported: bool, named: bool) -> str | None:
    """Where a key comes from. `imported`: it is in the channel's imported list; `named`: by hand in its settings."""
    if key.startswith(EXAMPLE_PREFIX):
        return MADE_UP
    if imported:
        return GRANTED
    if key in _PUBLISHED_ANYWHERE:
        return PUBLISHED
    return GRANTED if named else None


def label_of(key: str) -> str:
    """A label for a key that no list names: this project's reading of a published one, else the key in words."""
    published = line_catalogue.key_label(key)
    if published is not None:
        return published
    if key.startswith(EXAMPLE_PREFIX):
        return key.removeprefix(EXAMPLE_PREFIX).replace("_", " ").strip().capitalize() or key
    return key


def regions_of(region: str, granted: frozenset[str] | None) -> list[str]:
    """The countries whose keys an account may use: its own, and those of templates granted to it by name."""
    found = [region]
    for other in REGIONS:
        if other != region and granted and granted & PUBLISHED_TEMPLATES.get(other, frozenset()):
            found.append(other)
    return found


def union(tables: dict[str, frozenset[str]], regions: list[str]) -> frozenset[str]:
    """All keys of these countries together."""
    return frozenset().union(*(tables.get(region, frozenset()) for region in regions))
