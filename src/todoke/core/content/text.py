"""Checks texts by rules: the fixed text of a template in full, the values of a notice as quickly as can be.

`check_values` gives of each value exactly what `check_text` gives of it: a quick search (`quick.py`) lets values pass
in which no rule can find anything, and only the rest are read in full.

What is not seen by looking at a value alone is where it meets fixed text: "{{n}} 折", "買一" + "送一". `check_fixed`
therefore reads a template's text with digits, a word and the parameter's example in its holes, which finds whatever a
template is bound to say. What only a certain value completes is found by `check_joints`, which reads each value with
JOINT characters of fixed text on either side; it needs the text of the template and costs more, so it is for whoever
does not trust the source of the values. Words of a value and of the fixed text further away are not read together.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from heapq import heapify, heappop, heapreplace
from itertools import accumulate
from urllib.parse import unquote

import msgspec

from todoke.core.content.finding import Finding, Severity
from todoke.core.content.quick import Index, quick_search
from todoke.core.content.rules import Rule
from todoke.core.content.second_look import SecondLook
from todoke.core.content.skeleton import UNKNOWN, is_shortened, of_folded, of_written
from todoke.core.content.spelling import View, leet, loose, tight
from todoke.core.content.tone import SHORTEST
from todoke.core.template_values import HOLE

LONGEST = 6_000
"""Characters of a text that are read; LINE takes 5,000 at most, and other checks refuse what is longer."""
SHORT = 200
"""Characters of a text of whose patterns the skeletons are looked for first."""
MOST_FINDINGS = 20
"""Findings of one text."""
REACH = 80
"""Characters on either side of a match that belong to its surroundings, within the sentence."""
JOINT = 16
"""Characters of fixed text on either side of a value that are read together with it."""
QUOTED = 80
"""Characters of `words`."""

_URL = re.compile(r"(?:https?|HTTPS?)://[!-~]*|\b(?:www|lin\.ee|line\.me)[./][!-~]*", re.ASCII)
_HTTP = re.compile(r"(https?://[!-~]*)")
"""The usual ones of these, which are found quickest."""
_MASK = "¦"
"""Stands for a link in the text, which the rules for text do not read."""
_BOUNDS = re.compile(r"[\n。!?;]|\. ")
_THAI = re.compile("[\u0e01-\u0e4e]")
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa\uff66-\uff9d]")
_HAN = re.compile("[\u3400-\u9fff]")


class Checker:
    """Rules, ready to be used on any number of texts. `names` are spans that name a thing, such as a book's title."""

    def __init__(
        self, rules: Iterable[Rule], names: Sequence[re.Pattern[str]] = (), second: SecondLook | None = None
    ) -> None:
        """`second`: looks at the whole of a longer text once the rules have."""
        self.rules = tuple(rules)
        self._second = second
        self.names = tuple(names)
        self._text_rules = tuple(rule for rule in self.rules if not rule.links)
        self._link_rules = tuple(rule for rule in self.rules if rule.links)
        # Every pattern that is looked for in texts, with its rule's place.
        self._patterns = [(n, each) for n, rule in enumerate(self._text_rules) for each in rule.any]
        self._index = Index(each.grams for _, each in self._patterns)
        self._suspicious_words = quick_search(_grams(self.rules))
        self._suspicious_link = quick_search(_grams(self._link_rules))

    def check_text(
        self,
        text: str,
        *,
        language: str | None = None,
        country: str | None = None,
        use_case: str | None = None,
        pointer: str = "",
    ) -> list[Finding]:
        """What the rules find in a text, in the order in which it stands there, each code once for each place.

        Without a language all rules are used; with one its own, English (people mix it into everything) and those of
        other scripts that the text has. `country` (TW, TH, JP) says the language where that is not given.
        """
        text = text[:LONGEST]
        reading = _Reading(_URL.sub(lambda found: _MASK * len(found[0]), text))
        languages = _languages(language or _SPOKEN.get(country or ""), text)
        matches: list[_Match] = []
        for n, patterns in self._may_match(reading).items():
            rule = self._text_rules[n]
            if rule.holds_for(use_case) and (not rule.languages or rule.languages & languages):
                # Only Latin words are looked for in all spellings; the other scripts have one reading that is tight.
                latin = "en" in rule.languages or not rule.languages
                for view in reading.views if latin else (reading.tight,):
                    for start, end in _first_matches(patterns, view.text):
                        matches.append(_Match(*view.original(start, end), rule, view, start, end))
        if self._link_rules:
            matches += self._links(text, use_case)
        found = self._findings(text, matches, pointer, reading) if matches else []
        return found if self._second is None else self._second.weighed(text, found, pointer)

    def _may_match(self, reading: "_Reading") -> dict[int, list[re.Pattern[str]]]:
        """Patterns that may match, in order, by the place of their rule."""
        skeleton = of_written(reading.text)
        if UNKNOWN in skeleton or is_shortened(skeleton):
            skeletons = {UNKNOWN + of_folded(view.text) for view in reading.views}
        else:
            skeletons = {skeleton}
        found = {n for each in skeletons for n in self._may_match_skeleton(each)}
        patterns: dict[int, list[re.Pattern[str]]] = {}
        for n in sorted(found):
            rule, each = self._patterns[n]
            patterns.setdefault(rule, []).append(each.regex)
        return patterns

    def _may_match_skeleton(self, skeleton: str) -> set[int]:
        found = self._index.may_match(skeleton)
        if len(skeleton) > SHORT:
            return found
        return {n for n in found if self._patterns[n][1].coarse.search(skeleton)}

    def suspicious(self, text: str) -> bool:
        """Whether there may be a finding in it; False is certain, and costs a few microseconds."""
        if self._second is not None and len(text) >= SHORTEST and self._second.may_find(text):
            return True
        return self._suspicious(text)

    def _suspicious(self, text: str) -> bool:
        if "http" in text:
            pieces = _HTTP.split(text)
            for before, link in zip(pieces[::2], pieces[1::2], strict=False):
                # One that begins inside of another word may be the end of another link: that is left to the full check.
                if self._suspicious_link(link) or "!" <= before[-1:] <= "~":
                    return True
            text = "\n".join(pieces[::2])
        return self._suspicious_words(text)

    def may_find(self, text: str) -> bool:
        """The same, looked at more closely: it takes ten times as long, and passes nearly all that have nothing."""
        if self._second is not None and len(text) >= SHORTEST and self._second.may_find(text):
            return True
        if not self._suspicious(text):
            return False
        if len(text) > SHORT or "http" in text or (self._link_rules and _URL.search(text)):
            return True
        return bool(self._may_match(_Reading(text)))

    def may_find_in(self, values: Sequence[str], together: str) -> bool:
        """The same of values, and of all of them with line breaks between."""
        if self._second is not None and len(together) >= SHORTEST:
            for value in values:
                if len(value) >= SHORTEST and self._second.may_find(value):
                    return True
        return self._suspicious(together)

    def check_values(
        self, values: Mapping[str, str], *, use_case: str | None = None, pointer: str = "/parameters"
    ) -> list[Finding]:
        """What the rules find in the parameters of a notice. Most have nothing, which is seen in microseconds."""
        if not self.may_find_in(list(values.values()), "\n".join(values.values())):
            return []
        return [
            finding
            for name, value in values.items()
            if self.suspicious(value)
            for finding in self.check_text(
                value, use_case=use_case, pointer=f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
            )
        ]

    def check_fixed(
        self,
        text: str,
        examples: Mapping[str, str] | None = None,
        *,
        language: str | None = None,
        country: str | None = None,
        use_case: str | None = None,
        pointer: str = "",
    ) -> list[Finding]:
        """What the rules find in a text with {{holes}} in which stand digits, a word, and the examples.

        Each finding once; `words` quotes the text as it is with what was put into the hole.
        """
        known = {"language": language, "country": country, "use_case": use_case, "pointer": pointer}
        fillings = [HOLE.sub(filling, text) for filling in ("8", "A")]
        if examples:
            fillings.append(HOLE.sub(lambda found: examples.get(found[1].strip(), "A"), text))
        found: dict[str, Finding] = {}
        for filled in dict.fromkeys(fillings):
            for finding in self.check_text(filled, **known):  # type: ignore[arg-type]
                found.setdefault(finding.code, finding)
        return list(found.values())

    def check_joints(
        self, text: str, values: Mapping[str, str], *, use_case: str | None = None, pointer: str = ""
    ) -> list[Finding]:
        """What arises only where a value meets the fixed text beside it, JOINT characters on either side."""
        pieces = HOLE.split(text)
        filled = [p if n % 2 == 0 else values.get(p.strip(), "") for n, p in enumerate(pieces)]
        for n in range(1, len(filled), 2):
            joint = f"{filled[n - 1][-JOINT:]}{filled[n]}{filled[n + 1][:JOINT]}"
            if self.suspicious(joint):
                break
        else:
            return []
        before = {finding.code for finding in self.check_fixed(text, use_case=use_case)}
        found = self.check_text("".join(filled), use_case=use_case, pointer=pointer)
        return [finding for finding in found if finding.code not in before]

    def _links(self, text: str, use_case: str | None) -> Iterator["_Match"]:
        for found in _URL.finditer(text):
            path = loose(unquote(found[0].partition("?")[0]))
            for rule in self._link_rules:
                if rule.holds_for(use_case) and any(each.regex.search(path.text) for each in rule.any):
                    yield _Match(*found.span(), rule, None, 0, 0)

    def _findings(
        self, text: str, matches: list["_Match"], pointer: str, reading: "_Reading"
    ) -> list[Finding]:
        named = _Named(self.names, reading.loose)
        out: list[Finding] = []
        reach: dict[str, int] = {}
        for match in sorted(matches, key=lambda x: (x.start, -x.end, x.rule.severity != Severity.ERROR)):
            start, end, rule = match.start, match.end, match.rule
            if start < reach.get(rule.code, -1) or named.holds(start, end):
                continue
            # Last, because it costs most.
            if match.view is not None and reading.excuses(rule, match.view, match.at, match.until):
                continue
            reach[rule.code] = end
            out.append(Finding(rule.code, rule.severity, pointer, text[start:end][:QUOTED], rule.remedy))
            if len(out) == MOST_FINDINGS:
                break
        return out


class _Match(msgspec.Struct, frozen=True, gc=False):
    """Where a rule's pattern stands, from `start` to `end` of the text; in which view, and where there."""

    start: int
    end: int
    rule: Rule
    view: View | None
    """None for a link."""
    at: int
    until: int


class _Named:
    """The spans of a text that name a thing."""

    def __init__(self, names: Iterable[re.Pattern[str]], view: View) -> None:
        spans = sorted(view.original(*found.span()) for name in names for found in name.finditer(view.text))
        self._starts = [start for start, _ in spans]
        self._ends = list(accumulate((end for _, end in spans), max))  # of all that begin no later

    def holds(self, start: int, end: int) -> bool:
        """Whether all of this lies in one of them."""
        at = bisect_right(self._starts, start)
        return at > 0 and end <= self._ends[at - 1]


class _Reading:
    """A text and its views, each made when it is first wanted."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._bounds: dict[int, list[int]] = {}

    @cached_property
    def loose(self) -> View:
        return loose(self.text)

    @cached_property
    def tight(self) -> View:
        return tight(self.loose)

    @cached_property
    def views(self) -> list[View]:
        views: list[View] = []
        for view in (self.loose, self.tight, *leet(self.tight)):
            if all(view.text != other.text for other in views):
                views.append(view)
        return views

    def excuses(self, rule: Rule, view: View, start: int, end: int) -> bool:
        """Whether the surroundings of a match are such that it is no finding."""
        text = view.text
        if rule.unless and any(
            other.start() < end and start < other.end()
            for other in rule.unless.regex.finditer(text, max(0, start - 40), end + 40)
        ):
            return True
        if rule.unless_text and rule.unless_text.regex.search(text, max(0, start - REACH), end + REACH):
            return True
        if not rule.near and not rule.unless_near:
            return False
        bounds = self._bounds.get(id(view))  # the views live as long as this does
        if bounds is None:
            bounds = self._bounds[id(view)] = [x.end() for x in _BOUNDS.finditer(text)]
        sentence = _sentence(bounds, text, start, end)
        if rule.near and not rule.near.regex.search(text, *sentence):
            return True
        return bool(rule.unless_near and rule.unless_near.regex.search(text, *sentence))


def _grams(rules: Iterable[Rule]) -> frozenset[str]:
    return frozenset(gram for rule in rules for each in rule.any for gram in each.grams)


_SPOKEN = {"TW": "zh-Hant", "TH": "th", "JP": "ja"}


def _languages(language: str | None, text: str) -> frozenset[str]:
    if language is None:
        return frozenset(("zh-Hant", "th", "ja", "en"))
    found = {language, "en"}
    if _THAI.search(text):
        found.add("th")
    if _KANA.search(text):
        found.add("ja")
    elif _HAN.search(text) and language != "ja":
        found.add("zh-Hant")
    return frozenset(found)


def _first_matches(patterns: list[re.Pattern[str]], text: str) -> Iterator[tuple[int, int]]:
    """Where any of the patterns stands, as if they were one alternative: the first one that begins soonest."""
    heap = [(m.start(), n, m.end()) for n, each in enumerate(patterns) if (m := each.search(text))]
    heapify(heap)
    at = 0
    while heap:
        start, n, end = heap[0]
        if start >= at:
            yield start, end
            at = end
        if again := patterns[n].search(text, at):
            heapreplace(heap, (again.start(), n, again.end()))
        else:
            heappop(heap)


def _sentence(bounds: list[int], text: str, start: int, end: int) -> tuple[int, int]:
    """From where to where the sentence of a match goes, REACH on either side at most."""
    at = bisect_left(bounds, start + 1)
    first = bounds[at - 1] if at else 0
    at = bisect_left(bounds, end)
    last = bounds[at] if at < len(bounds) else len(text)
    return max(first, start - REACH), min(last, end + REACH)
