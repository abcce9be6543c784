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
    """In LINE's own list."""
    key: str
    """Todoke's name for it."""
    name: str
    """As LINE's list writes it."""
    urgency: Urgency
    category: str | None = None
    limits: str | None = None


class PublishedKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The keys that stand in LINE's public reference. All others are granted to an account."""

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
    """LINE's list for a country, in its order; empty for Japan. KeyError where the country is not served."""
    return _use_cases()[country]


def use_case(country: str, key: str) -> UseCase | None:
    """None where the country's list does not have it. KeyError where the country is not served."""
    return _use_cases_by_key()[country].get(key)


def published_keys() -> PublishedKeys:
    """Template, item and button keys from LINE's public API reference."""
    return _typed("use_cases.yaml", "published_keys", PublishedKeys)


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
    """What a phone may show for a published template, item or button key: this project's reading, not LINE's text.
    None for any other key.
    """
    return _typed("labels.yaml", "published_keys", dict[str, str]).get(key)


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
