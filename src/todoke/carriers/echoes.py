"""The words of a receiver's answer that may be shown: none that repeat what we sent, which is personal data."""

import json
from collections.abc import Iterator
from typing import Any

from todoke.carriers.cleaning import clean

WORDS = 100
"""Characters of an answer that are shown."""
ECHO = 8
"""So many characters in a row that also stand in what we sent make an answer an echo."""
ECHO_BEYOND_ASCII = 2
"""The same of characters beyond ASCII: a Chinese name has two or three."""
COMPARED = 64 * 1024
"""With a larger body an answer's words are not shown: to look for them in it would take its time."""


def words_of(answer: bytes | None, sent: bytes) -> str:
    """The first line of an answer, if it is words and repeats nothing of the JSON that we sent."""
    text = (answer or b"").decode("utf-8", "replace").lstrip()
    line = clean(text.split("\n", 1)[0], WORDS)
    if text[:1] in ("<", "\x1f") or "\ufffd" in line or len(sent) > COMPARED:
        return ""
    # The receiver may have escaped what we had not, or the other way round.
    known = _bare(_all_forms(sent))
    said = {_bare(line), _bare(_unescaped(line))}
    return "" if any(part in known for form in said for part in _parts(form)) else line


def without_words(status: int | None, detail: str | None) -> str:
    """What a request came to, for logs, alarms and whoever gets those: nothing that the receiver wrote.

    Its words stand in `detail` only where it answered, that is, where there is a `status`.
    """
    if status is None:
        return detail or "it did not answer"
    if 300 <= status < 400:
        return f"it answered {status}, and redirects are not followed"
    return f"it answered {status}"


def _parts(said: str) -> Iterator[str]:
    for length, counts in ((ECHO, lambda _: True), (ECHO_BEYOND_ASCII, _beyond_ascii)):
        for at in range(len(said) - length + 1):
            part = said[at : at + length]
            if counts(part):
                yield part
    if 0 < len(said) < ECHO:
        yield said


def _beyond_ascii(part: str) -> bool:
    return all(ch > "\x7f" and ch.isalnum() for ch in part)


def _bare(text: str) -> str:
    """Without what is lost on the way of a text through somebody's log: spaces, and which letters are capitals."""
    return "".join(text.split()).casefold()


def _unescaped(line: str) -> str:
    try:
        found = line.encode("latin-1", "backslashreplace").decode("unicode_escape")
        return found.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    except ValueError:
        return ""


def _all_forms(sent: bytes) -> str:
    """What we sent as it stands, and as whoever reads the JSON sees it."""
    text = sent.decode("utf-8", "replace")
    try:
        return "\n".join((text, *_texts(json.loads(text))))
    except (ValueError, RecursionError):
        return text


def _texts(value: Any) -> Iterator[str]:
    """All texts of a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
