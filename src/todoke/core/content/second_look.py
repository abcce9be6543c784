"""The second look at a text: what the rules found in what reads like a plain notice is a warning, and what reads like
advertising is a finding though no rule knew its words.
"""

import re
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from todoke.core.content.finding import Finding, Severity
from todoke.core.content.spelling import loose, tight
from todoke.core.content.tone import SHORTEST, Tone

CODE = "reads-like-advertising"
HONEST = 0.08
"""Below it, in every reading, a text is taken for a plain notice that happens to have such words in it."""
ADVERTISING = 0.55
"""Above it a text is taken for advertising, whatever its words."""
AROUND = 80
"""Characters on either side of what was found that must read like a plain notice, too: a long text hides none."""
QUOTED = 80
_LINK = re.compile(r"https?://[!-~]*")
_SENTENCE = re.compile(r"[^\n。！？!?；]+[\n。！？!?；]?")


class SecondLook:
    """`remedy`: what to do about a text that reads like advertising. `tone`: called when there is a text to look at."""

    def __init__(self, tone: Callable[[], Tone], remedy: str) -> None:
        self._tone = tone
        self._remedy = remedy

    def may_find(self, text: str) -> bool:
        """Whether it would look at this text at all. An address on the web is no text."""
        return _LINK.fullmatch(text) is None and len(text) >= SHORTEST

    def weighed(self, text: str, found: list[Finding], pointer: str) -> list[Finding]:
        """What the rules found, weighed by how the whole reads."""
        if not self.may_find(text):
            return found
        errors = [x for x in found if x.severity is Severity.ERROR]
        if errors and self._is_honest(text, errors):
            return [replace(x, severity=Severity.WARNING) if x in errors else x for x in found]
        if not errors and max(self._tone().of(text), self._tone().of(loose(text).text)) > ADVERTISING:
            return [
                *found,
                Finding(CODE, Severity.ERROR, pointer, self._loudest(text)[:QUOTED], self._remedy),
            ]
        return found

    def _is_honest(self, text: str, errors: Sequence[Finding]) -> bool:
        for part in (text, *(_around(text, x.words) for x in errors[:3])):
            read = loose(part)
            if max(self._tone().of(x) for x in (part, read.text, tight(read).text)) >= HONEST:
                return False
        return True

    def _loudest(self, text: str) -> str:
        """The sentence that reads most like advertising."""
        sentences = [x[0].strip() for x in _SENTENCE.finditer(text) if x[0].strip()][:100]
        return max(sentences, key=self._tone().of, default=text)


def _around(text: str, words: str) -> str:
    at = text.find(words)
    if at < 0 or len(text) <= 2 * AROUND + len(words):
        return text
    return text[max(0, at - AROUND) : at + len(words) + AROUND]
