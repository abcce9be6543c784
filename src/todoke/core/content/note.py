"""The late-duplicate note: a notice that may come by SMS and later by LINE names its time and may be ignored if done.

A policy's wait under 24 hours makes such duplicates: LINE delivers for 24 hours (`core.routing`).
"""

import re
from collections.abc import Iterable, Iterator

from todoke.core.content.codes import finding
from todoke.core.content.data import NoteData
from todoke.core.content.finding import Finding, Severity
from todoke.core.content.limits import plain
from todoke.core.durations import DAY, format_duration
from todoke.core.routing import Policy, Step
from todoke.core.template_values import Type

TIMES = frozenset({Type.DATE, Type.TIME, Type.DATETIME})


class NoteCheck:
    """Looks for the note in four languages."""

    def __init__(self, data: NoteData) -> None:
        self._ignore = re.compile(
            "|".join(x for words in data.languages.values() for x in words.ignore), re.IGNORECASE
        )
        self._times = re.compile("|".join(data.times), re.IGNORECASE)
        self._suggest = {language: words.suggest for language, words in data.languages.items()}

    def missing(self, text: str, types: Iterable[Type]) -> list[str]:
        """What a text lacks: "time", "ignore". `types`: of the parameters in it."""
        read = plain(text)
        lacks = []
        if not TIMES & set(types) and not self._times.search(read):
            lacks.append("time")
        if not self._ignore.search(read):
            lacks.append("ignore")
        return lacks

    def suggestion(self, language: str | None) -> str:
        """What to add, in the template's language."""
        tag = language or "en"
        return (
            self._suggest.get(tag)
            or self._suggest.get(tag.split("-")[0])
            or self._suggest.get("zh-Hant" if tag.startswith("zh") else "en", "")
        )

    def check(
        self, text: str, types: Iterable[Type], *, language: str | None, pointer: str, urgent: bool
    ) -> Iterator[Finding]:
        """`urgent`: the use case's own wait is under 24 hours; else the note is only good to have."""
        if not (lacks := self.missing(text, types)):
            return
        what = {
            "time": "does not name the time of what it tells of",
            "ignore": "does not say that it may be ignored if that is done",
            "time ignore": "names no time, and does not say that it may be ignored if that is done",
        }[" ".join(lacks)]
        found = finding(
            "late-note", pointer, text,
            f"This {what}. It may come twice, by SMS and late by LINE, wherever a policy waits less than 24 hours. "
            + "Add: " + self.suggestion(language or script_of(text)),
        )  # fmt: skip
        yield (
            found if urgent else Finding(found.code, Severity.NOTE, found.pointer, found.words, found.remedy)
        )


_KANA = re.compile("[\u3041-\u30ff]")
_THAI = re.compile("[\u0e01-\u0e4e]")
_HAN = re.compile("[\u3400-\u9fff]")


def script_of(text: str) -> str:
    """The language that a text seems to be in, by its letters."""
    if _THAI.search(text):
        return "th"
    return "ja" if _KANA.search(text) else "zh-Hant" if _HAN.search(text) else "en"


def wait_before_next(policy: Policy) -> int | None:
    """The wait of LINE notification before another step begins; None where none follows."""
    for step, after in zip(policy.steps, policy.steps[1:], strict=False):
        if step.step is Step.LINE_NOTIFICATION:
            return step.wait if step.wait is not None else (DAY if after else None)
    return None


def of_policy(policy: Policy, lacks: list[str], suggestion: str) -> list[str]:
    """What to say of a notice whose policy may make a late duplicate and whose SMS lacks the note."""
    wait = wait_before_next(policy)
    if wait is None or wait >= DAY or not lacks:
        return []
    what = {
        "time": "name the time of what it tells of",
        "ignore": "say that it may be ignored if that is done",
    }
    return [
        f"The policy waits {format_duration(wait)} for LINE, which may still deliver up to 24 hours later, and "
        f"the SMS does not {' or '.join(what[x] for x in lacks)}: a recipient may get it "
        f"twice. Add to the text: {suggestion}"
    ]
