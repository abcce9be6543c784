"""What a content check says: one finding is one thing in one place that LINE's rules, or good sense, speak against."""

from enum import StrEnum

import msgspec


class Severity(StrEnum):
    """How grave a finding is."""

    ERROR = "error"
    """Must not be sent; a named person may overrule it for a template version."""
    WARNING = "warning"
    """May be sent; somebody should look first."""
    NOTE = "note"
    """Good to know."""


class Finding(msgspec.Struct, frozen=True):
    """One finding. `docs/content-check.md` lists the codes.

    `pointer` is the JSON pointer of the text in the thing that was checked, `words` what was written there that
    caused the finding (as written, not as normalised, cut to 80 characters), `remedy` what to do about it.
    """

    code: str
    severity: Severity
    pointer: str
    words: str
    remedy: str
