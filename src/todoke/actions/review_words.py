"""What people write about reviews: their name, their reason, their evidence. Checked, as it is kept."""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from todoke.actions.intake import Invalid
from todoke.storage.attachments import Attachment

MOST_WHY = 2000
MOST_EVIDENCE = 10
_SPACES = "\u3000\u00a0\u200b\u200c\u200d"
"""Not printable to Python, and usual in Japanese and Thai."""
_FILLERS = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and signs to Unicode, and nothing is seen of them."""
_KINDS = ("reference", "link", "attachment", "note")
_SHOWS = frozenset(_KINDS[:3])
"""What can be looked up. A note stands beside these, and is no evidence by itself."""


def words(value: Any, pointer: str, most: int, *, lines: bool = True) -> str:
    """A text of 1 to so many characters, without control characters and marks that turn writing round.

    Raises Invalid with the place.
    """
    if not isinstance(value, str):
        raise Invalid("This must be a text.", pointer)
    text = unicodedata.normalize("NFC", value.replace("\r\n", "\n")).strip()
    if not text.strip(_SPACES + _FILLERS + " \n\t"):
        raise Invalid("This must not be empty.", pointer)
    if len(text) > most:
        raise Invalid(f"This has {len(text):,} characters, and {most:,} are the most.", pointer)
    for c in text:
        if not (c.isprintable() or c in _SPACES or (lines and c in "\n\t")):
            raise Invalid(
                f"This holds the character U+{ord(c):04X}, which nobody can see. Leave it out.", pointer
            )
    return text


def person(value: Any, pointer: str = "/by") -> str:
    """The name of the person who does it."""
    if value is None or (isinstance(value, str) and not value.strip()):
        raise Invalid("Say who does this: by names a person.", pointer)
    name = words(value, pointer, 100, lines=False)
    if not any(c.isalnum() and c not in _FILLERS for c in name):
        raise Invalid("Say who does this: a person's name has letters.", pointer)
    return name


def reason(value: Any, pointer: str = "/why") -> str:
    """Why they do it."""
    if value is None or (isinstance(value, str) and not value.strip()):
        raise Invalid("Say why: it stands in the history.", pointer)
    return words(value, pointer, MOST_WHY)


def evidence(value: Any, attachments: Sequence[Attachment]) -> list[dict[str, str]]:
    """Evidence as it is kept: a list of references, links, attachments and notes.

    A plain text is an attachment where it is the id or name of one, a link where it is one, else a reference.
    """
    if value is None:
        return []
    given = value if isinstance(value, list) else [value]
    if len(given) > MOST_EVIDENCE:
        raise Invalid(f"At most {MOST_EVIDENCE} pieces of evidence go with a move.", "/evidence")
    kept: list[dict[str, str]] = []
    for i, one in enumerate(given):
        place = f"/evidence/{i}" if isinstance(value, list) else "/evidence"
        kept.append(
            _named(one, place, attachments) if isinstance(one, Mapping) else _plain(one, place, attachments)
        )
    return [x for x in kept if x]


def _plain(value: Any, place: str, attachments: Sequence[Attachment]) -> dict[str, str]:
    if isinstance(value, str) and not value.strip():
        return {}
    text = words(value, place, MOST_WHY)
    if (found := _attachment(text, attachments)) is not None:
        return found
    return {"link" if _is_link(text) else "reference": text}


def shows_something(kept: Sequence[Mapping[str, str]]) -> bool:
    """Whether evidence has something that can be looked up."""
    return any(_SHOWS & x.keys() for x in kept)


def _is_link(text: str) -> bool:
    if not text.startswith(("https://", "http://")) or any(c.isspace() for c in text):
        return False
    try:
        return bool(urlsplit(text).hostname)
    except ValueError:
        return False


def _named(value: Mapping[str, Any], place: str, attachments: Sequence[Attachment]) -> dict[str, str]:
    kept: dict[str, str] = {}
    for kind, text in value.items():
        if kind not in _KINDS:
            raise Invalid(
                f"Evidence has {', '.join(_KINDS)}, and no {str(kind)[:40]!a}.", f"{place}/{_shown(kind)}"
            )
        text = words(text, f"{place}/{kind}", MOST_WHY)
        if kind == "link" and not _is_link(text):
            raise Invalid("A link is an address that begins with https:// or http://.", f"{place}/link")
        if kind == "attachment":
            found = _attachment(text, attachments)
            if found is None:
                raise Invalid(
                    "There is no such attachment on this application. Add the file first; its id or name says which.",
                    f"{place}/attachment",
                )
            kept |= found
        else:
            kept[kind] = text
    return kept


def _shown(name: str) -> str:
    """A name of a field that was made up, as a pointer may hold it."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name[:40])


def _attachment(text: str, attachments: Sequence[Attachment]) -> dict[str, str] | None:
    for file in reversed(attachments):
        if text in (file.id, file.name):
            return {"attachment": file.id, "name": file.name, "digest": file.digest}
    return None
