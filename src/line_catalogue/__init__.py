"""What is publicly known about LINE's side, as data: countries, use cases, published keys, labels, prices.

It may import msgspec and PyYAML; gateway and emulator may import it, the one thing that they share.
Never here: behaviour, or anything of `todoke` or `line_emulator`. The YAML files name their sources.
"""

from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
import yaml

Urgency = Literal["over 1d", "1d", "1h", "5m"]
"""How soon the user must have a notice."""

Timing = Literal["completion", "reminder", "none"]
"""When a notice may be sent: `completion`, within a day of the event that it tells of; `reminder`, at most 7 days ahead
of the event and at most twice; `none`, no such rule. This project's reading of each use case.
"""
Kind = Literal["template", "item", "button"]
"""What a key of LINE's stands for."""

_T = TypeVar("_T")


class Country(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A country that LINE notification messages serve."""

    calling_code: str
    """Without the plus sign: `886`."""
    time_zone: str
    currency: str
    language: str
    """The language that accounts there write in; one of the keys of `names`."""
    names: dict[str, str]
    """By language: zh-Hant, th, ja, en."""


class UseCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A use case that LINE allows in one country."""

    number: int
    """Its place in LINE's own list."""
    key: str
    """Todoke's name for it."""
    name: str
    """As LINE's list writes it: one of the values of `names`. The other names are this project's translations."""
    names: dict[str, str]
    """By language: zh-Hant, th, ja, en."""
    urgency: Urgency
    timing: Timing
    category: str | None = None
    limit_texts: dict[str, str] = {}
    """What LINE limits it to, by language (all four); empty where LINE's list names no limit."""

    @property
    def limits(self) -> str | None:
        """The limits in English; None where LINE's list names none."""
        return self.limit_texts.get("en")


class PublishedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that stands in LINE's public documentation. Published is not granted: LINE grants to each account."""

    country: str
    """Whose accounts may use it: LINE's keys differ by country."""
    kind: Kind
    key: str
    source: str
    """Where it stands: an address, and which part of the page."""
    name: str | None = None
    """LINE's name for a template; None where our copy of the page does not show it."""
    text: str | None = None
    """What the phone shows, by LINE's page: of a template its title; None where our copy does not show it."""
    use_case: str | None = None
    """The use case of the catalogue that the template belongs to."""


class PublishedKeys(msgspec.Struct, frozen=True):
    """The published keys that are known here. All others come from the list that LINE granted to an account."""

    keys: tuple[PublishedKey, ...]
    templates: tuple[str, ...]
    items: tuple[str, ...]
    buttons: tuple[str, ...]


class UrgencyAdvice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """LINE's advice: which channel for what must be read within a time."""

    within: Urgency
    channels: tuple[str, ...]
    examples: tuple[str, ...]


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a message costs by one step in one country: a range where the source gives one."""

    country: str
    step: str
    currency: str
    lowest: Decimal
    highest: Decimal
    charged: str | None = None
    """What is charged and when, where the source says so."""


def countries() -> dict[str, Country]:
    """By ISO 3166-1 code: TW, TH, JP."""
    return _typed("countries.yaml", None, dict[str, Country])


def use_cases(country: str) -> tuple[UseCase, ...]:
    """LINE's list for a country, in its order; Japan's is the part that we have. KeyError for other countries."""
    return _use_cases()[country]


def use_case(country: str, key: str) -> UseCase | None:
    """None where the country's list does not have it. KeyError where the country is not served."""
    return _use_cases_by_key()[country].get(key)


@cache
def published_keys() -> PublishedKeys:
    """Template, item and button keys from LINE's public documentation, those of its examples first."""
    raw = dict(_file("use_cases.yaml")["published_keys"])
    sources = raw.pop("sources")
    keys = tuple(
        msgspec.convert(
            row | {"country": country, "kind": kind, "source": sources[row["source"]]}, PublishedKey
        )
        for country, kinds in raw.items()
        for kind, rows in kinds.items()
        for row in rows
    )
    return PublishedKeys(
        keys=keys,
        templates=tuple(x.key for x in keys if x.kind == "template"),
        items=tuple(x.key for x in keys if x.kind == "item"),
        buttons=tuple(x.key for x in keys if x.kind == "button"),
    )


def is_published(country: str, kind: str, key: str) -> bool:
    """Whether LINE's public documentation, as far as known here, shows this key for accounts of this country."""
    return (country, kind, key) in _published()


def use_case_named(country: str, name: str) -> UseCase | None:
    """The use case that people mean by a text: its key, or its name in any of the languages.

    None where it is none of the country's list. KeyError where the country is not served.
    """
    return _use_case_names()[country].get("".join(name.casefold().split()))


def urgency_advice() -> tuple[UrgencyAdvice, ...]:
    """From the least to the most urgent."""
    return _typed("use_cases.yaml", "urgency_advice", tuple[UrgencyAdvice, ...])


def duplicate_unlawful() -> frozenset[str]:
    """Keys of use cases that allow no LINE notification beside another step."""
    return _typed("use_cases.yaml", "duplicate_unlawful", frozenset[str])


def waits() -> dict[Urgency, str]:
    """By urgency: how long LINE gets before SMS (`24h`), or `sms_first`."""
    return _typed("use_cases.yaml", "waits", dict[Urgency, str])


def prices() -> tuple[Price, ...]:
    """What is published. A country and step without a row has an unknown price, not a price of nothing."""
    return _typed("use_cases.yaml", "prices", tuple[Price, ...])


def label(language: str) -> str:
    """What the phone shows beside the icon of a notification, by the app's language (`ja`, `zh-Hant` …)."""
    labels = _typed("labels.yaml", "important_notification", dict[str, str])
    return labels.get(language) or labels["en"]


def key_label(key: str) -> str | None:
    """What a phone may show for a published template, item or button key: LINE's text where its pages show it, else
    this project's reading of the key. None for any other key.
    """
    return _published_texts().get(key)


@cache
def _published_texts() -> dict[str, str]:
    shown = {x.key: x.text for x in published_keys().keys if x.text is not None}
    return _typed("labels.yaml", "published_keys", dict[str, str]) | shown


@cache
def _published() -> frozenset[tuple[str, str, str]]:
    return frozenset((x.country, x.kind, x.key) for x in published_keys().keys)


@cache
def _use_case_names() -> dict[str, dict[str, UseCase]]:
    return {
        country: {
            "".join(n.casefold().split()): case for case in cases for n in (*case.names.values(), case.key)
        }
        for country, cases in _use_cases().items()
    }


def _use_cases() -> dict[str, tuple[UseCase, ...]]:
    return _typed("use_cases.yaml", "use_cases", dict[str, tuple[UseCase, ...]])


@cache
def _use_cases_by_key() -> dict[str, dict[str, UseCase]]:
    return {country: {case.key: case for case in cases} for country, cases in _use_cases().items()}


@cache
def _file(name: str) -> dict[str, Any]:
    content = yaml.safe_load((Path(__file__).parent / name).read_text(encoding="utf-8"))
    assert isinstance(content, dict), name
    return content


_shared: dict[tuple[str, str | None], Any] = {}


def _typed(name: str, part: str | None, kind: type[_T]) -> _T:
    """A part of a file as `kind`, read once: callers share it and leave it as it is."""
    if (name, part) not in _shared:
        _shared[name, part] = msgspec.convert(_file(name) if part is None else _file(name)[part], kind)
    found: _T = _shared[name, part]
    return found
