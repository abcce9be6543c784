"""What the checks other than the rules for text work with, as data: `todoke.rules.checks` holds the files."""

from typing import Literal

import msgspec

Show = Literal["shown", "masked", "forbidden"]
"""How personal data may stand in a notice."""


class Domains(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Domains and what is the matter with them."""

    domains: tuple[str, ...]
    code: str = ""
    kind: str = ""


class LinkData(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is known of addresses: links.yaml."""

    shorteners: tuple[Domains, ...]
    line: tuple[Domains, ...]
    elsewhere: tuple[Domains, ...]
    campaign: tuple[tuple[str, ...], ...]
    front_pages: frozenset[str]
    front_page_fits: frozenset[str]
    tracking: frozenset[str]
    endings: tuple[str, ...]


class Contradiction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words that speak against a use case, and why."""

    words: tuple[str, ...]
    why: str


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a use case is for: limits.yaml."""

    countries: tuple[str, ...]
    limit: str | None
    asks: str
    contradicts: tuple[Contradiction, ...] = ()


class PersonalKind(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How one kind of personal data may stand in a notice: personal.yaml."""

    usual: Show
    no_verification: Show
    what: str
    strict: bool = False
    """In full it is an error in every mode."""


class PersonalData(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The kinds that a parameter may be, and the words beside which a number is a national ID."""

    kinds: dict[str, PersonalKind]
    id_words: tuple[str, ...]


class NoteWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a language says that a message may be ignored, and what to add where it is not said."""

    ignore: tuple[str, ...]
    suggest: str


class NoteData(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The late-duplicate note: notes.yaml."""

    languages: dict[str, NoteWords]
    times: tuple[str, ...]


class TimingData(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds and a count: timing.yaml."""

    completion_within: int
    reminder_ahead: int
    reminder_times: int


class CheckData(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. `version` names the content of the files."""

    links: LinkData
    limits: dict[str, Limit]
    personal: PersonalData
    notes: NoteData
    timing: TimingData
    version: str
