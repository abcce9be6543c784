"""Which template, item and button keys exist. LINE publishes a few for Japan; all others are granted per
account.

Source: LINE notification messages reference (the keys of its examples). Keys that begin with `example_`
are made up, are accepted everywhere and are marked by that name as nobody's real key.
"""

from __future__ import annotations

import line_catalogue

EXAMPLE_PREFIX = "example_"

_PUBLISHED = line_catalogue.published_keys()

# All published keys stand in LINE's Japanese examples.
PUBLISHED_TEMPLATES: dict[str, frozenset[str]] = {"JP": frozenset(_PUBLISHED.templates)}
PUBLISHED_ITEMS: dict[str, frozenset[str]] = {"JP": frozenset(_PUBLISHED.items)}
PUBLISHED_BUTTONS: dict[str, frozenset[str]] = {"JP": frozenset(_PUBLISHED.buttons)}
REGIONS = tuple(sorted(line_catalogue.countries()))


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
