"""Checks the values of notices: quickly, as there are many, and most have nothing in them."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from todoke.core.content.addresses import HOLE, INVISIBLE
from todoke.core.content.finding import Finding, Severity
from todoke.core.content.places import filled
from todoke.core.template import Template
from todoke.core.template_reader import Text
from todoke.core.template_values import HOLE as HOLES

if TYPE_CHECKING:
    from todoke.core.content.check import ContentCheck

_LETTER = "A-Za-z\uff21-\uff3a\uff41-\uff5a"
# Unrolled, as a repeat of a group takes ten times as long; the look behind comes last, where it is seldom asked.
_ID = re.compile(f"[{_LETTER}](?<![{_LETTER}0-9].)[^\\w\n]?\\d(?:[^\\w\n]?\\d){{8}}(?!\\d)").search
# Both begin where digits begin: from within, a run is only shorter.
_NUMBER = re.compile("(?<!\\d)(?<!\\d[^\\w\n])\\d" + "[^\\w\n]?\\d" * 12).search
_TWELVE = re.compile("(?<!\\d)(?<!\\d[^\\w\n])\\d" + "[^\\w\n]?\\d" * 11).search
_LINK = re.compile(
    f"[:\uff1a.\uff0e\u3002\uff61](?=[{INVISIBLE}]*[/\uff0f\\\\{_LETTER}])|%(?:25)*3[Aa]"
).search
"""What values have in which an error could be found that is none of the rules for text."""
BESIDE = 24
"""Characters before a value in which a word says what it is."""
MOST_SHAPES = 1000
"""Shapes of addresses that are remembered for a template."""
MOST_KNOWN = 4000
"""Values that are remembered for a template, up to LONGEST_KNOWN characters each; then it begins anew."""
LONGEST_KNOWN = 200
_TOGETHER = 16
"""Notices whose values are looked at in one go: with more there is something in nearly every go."""
_TOGETHER_COLUMN = 64
"""Values of one parameter that are looked at in one go."""
_NONE: frozenset[str] = frozenset()
_LONG_NUMBERS = re.compile("[0-9]{5,}").sub


class ValuesCheck:
    """Checks the values of the notices of one template."""

    def __init__(
        self,
        check: "ContentCheck",
        template: Template,
        country: str | None,
        excused: frozenset[tuple[str, str]],
    ) -> None:
        self._check = check
        self.template = template
        self._country = country
        self.excused = excused
        """Overruled codes, each with its parameter."""
        # Parameters and the shapes of their addresses in which nothing was found. Most notices differ in a number, and
        # numbers are looked at in all values, whatever is remembered.
        self._harmless: set[tuple[str, str]] = set()
        # Values in which nothing was found, by parameter: shops, dates and products come again and again.
        self._known: dict[str, set[str]] = {}
        self._count = 0
        # Beside a word such as マイナンバー in the fixed text, digits are what it says.
        self._named = frozenset(
            name
            for each in (template, *template.variants.values())
            for text in each.texts
            for name in _behind(text.text, check.names_an_id)
        )
        # Addresses whose host a value has a part in: where they lead is known of each notice only.
        self._open_ends = tuple(
            (text, names)
            for text in dict.fromkeys(
                x for each in (template, *template.variants.values()) for x in each.texts
            )
            if text.names and (names := self._in_hosts(text))
        )

    def _in_hosts(self, text: Text) -> tuple[str, ...]:
        """The parameters that are a part of an address's host."""
        found = []
        for name in dict.fromkeys(text.names):
            marked = filled(text.text, {other: "x" for other in text.names if other != name})
            if any(HOLE in x.host + x.port for x in self._check.links.find(marked)):
                found.append(name)
        return tuple(found)

    def errors(self, values: Mapping[str, str]) -> list[Finding]:
        """What must not be sent. Of most values it is seen in microseconds that there is nothing."""
        known = self._known
        new = {name: value for name, value in values.items() if value not in known.get(name, _NONE)}
        if not (new or self._open_ends):
            return []
        joined = "\n".join(new.values())
        numbers = self._may_hold_numbers(joined)
        unread = new
        if "://" in joined and self._harmless and not self._open_ends:
            harmless = self._harmless
            unread = {
                name: value
                for name, value in new.items()
                if "://" not in value or (name, _LONG_NUMBERS("0", value)) not in harmless
            }
            joined = "\n".join(unread.values())
        links = _LINK(joined) is not None or bool(self._open_ends)
        texts = list(unread.values())
        suspicious = [x for x in self._check.checkers if x.may_find_in(texts, joined)]
        words = any(checker.may_find(text) for checker in suspicious for text in texts)
        found = []
        if numbers or links or words:
            read = new
            if not (links or words):
                read = {name: value for name, value in new.items() if _ID(value) or _TWELVE(value)}
            found = self._found(read, values, words=words, links=links, numbers=numbers)
            if not found:
                self._remember_shapes(unread)
        if not found:
            self._remember(new)
        return [x for x in found if x.severity is Severity.ERROR]

    def harmless(self, many: Sequence[Mapping[str, str]]) -> list[bool]:
        """Of each notice's values whether surely `errors` finds nothing in them; False says nothing.

        Many at a time cost a third: whatever stands in a value stands in all of them with line breaks between.
        """
        if self._open_ends:
            return [False] * len(many)
        known = self._known
        new = [
            [value for name, value in values.items() if value not in known.get(name, _NONE)]
            for values in many
        ]
        sure = [True] * len(many)
        for first in range(0, len(many), _TOGETHER):
            self._sift(new, first, min(first + _TOGETHER, len(many)), sure)
        for values, is_sure, some in zip(many, sure, new, strict=True):
            if is_sure and some:
                self._remember(values)
        return sure

    def unsure(self, columns: Mapping[str, Sequence[str]]) -> set[int]:
        """Of many notices those in which `errors` may find something, by their places; of all others it is sure that
        it finds nothing. `columns`: by parameter the values of all of them.

        What is found in a notice is found in one of its values, so each value is looked at once, wherever it stands.
        """
        if self._open_ends:
            return set(range(max(map(len, columns.values()), default=0)))
        found: set[int] = set()
        for name, texts in columns.items():
            fresh = set(texts) - self._known.get(name, _NONE)
            if not fresh:
                continue
            doubtful = self._doubtful(list(fresh))
            if doubtful:
                found.update(n for n, text in enumerate(texts) if text in doubtful)
            # Of a column in which hardly a value comes again, none need be remembered.
            if 2 * len(fresh) <= len(texts):
                self._remember_all(name, fresh - doubtful)
        return found

    def _doubtful(self, texts: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for first in range(0, len(texts), _TOGETHER_COLUMN):
            some = [[text] for text in texts[first : first + _TOGETHER_COLUMN]]
            sure = [True] * len(some)
            self._sift(some, 0, len(some), sure)
            found.update(x for (x,), is_sure in zip(some, sure, strict=True) if not is_sure)
        return found

    def _remember_all(self, name: str, texts: Iterable[str]) -> None:
        if self._count > MOST_KNOWN:
            self.forget()
        short = [x for x in texts if len(x) <= LONGEST_KNOWN and "://" not in x]
        self._known.setdefault(name, set()).update(short)
        self._count += len(short)

    def _sift(self, new: Sequence[Sequence[str]], first: int, last: int, sure: list[bool]) -> None:
        """Of the notices from `first` to before `last` those that are not sure, found by quarters."""
        texts = [text for each in new[first:last] for text in each]
        if not texts or self._nothing_in(texts):
            return
        if last - first == 1:
            sure[first] = False
            return
        # With halves every character would be read twice as often.
        step = -(-(last - first) // 4)
        for begin in range(first, last, step):
            self._sift(new, begin, min(begin + step, last), sure)

    def _nothing_in(self, texts: Sequence[str]) -> bool:
        joined = "\n".join(texts)
        if "://" in joined or _LINK(joined) is not None or self._may_hold_numbers(joined):
            return False
        return not any(checker.may_find_in(texts, joined) for checker in self._check.checkers)

    def _may_hold_numbers(self, joined: str) -> bool:
        return _ID(joined) is not None or (
            _TWELVE(joined) is not None
            and (_NUMBER(joined) is not None or bool(self._named) or self._check.names_an_id(joined))
        )

    def forget(self) -> None:
        """What it remembers of values only saves time."""
        self._known.clear()
        self._harmless.clear()
        self._count = 0

    def _remember_shapes(self, values: Mapping[str, str]) -> None:
        for name, value in values.items():
            if "://" not in value or len(self._harmless) >= MOST_SHAPES:
                continue
            # Where words may be found with other digits, a shape says nothing.
            if not any(checker.suspicious(value) for checker in self._check.checkers):
                self._harmless.add((name, _LONG_NUMBERS("0", value)))

    def _remember(self, values: Mapping[str, str]) -> None:
        if self._count > MOST_KNOWN:
            self.forget()
        for name, value in values.items():
            if len(value) <= LONGEST_KNOWN and "://" not in value:
                self._known.setdefault(name, set()).add(value)
                self._count += 1

    def all(self, values: Mapping[str, str]) -> list[Finding]:
        """Everything there is to say."""
        return self._found(values, values, words=True, links=True, numbers=True)

    def _found(
        self,
        values: Mapping[str, str],
        all_values: Mapping[str, str],
        *,
        words: bool,
        links: bool,
        numbers: bool,
    ) -> list[Finding]:
        check, template = self._check, self.template
        found: list[Finding] = []
        for name, value in values.items():
            if (declared := template.parameters.get(name)) is not None:
                found += (
                    x
                    for x in check.value(
                        value, declared, template.use_case, self._country, f"/parameters/{name}",
                        words=words, links=links, numbers=numbers, named=name in self._named,
                    )
                    if (x.code, name) not in self.excused
                )  # fmt: skip
        for text, names in self._open_ends if links else ():
            put_in = filled(text.text, {name: all_values.get(name, "") for name in names})
            pointer = f"/parameters/{names[0]}"
            found += check.kept(
                x
                for x in check.links.check(put_in, use_case=template.use_case, pointer=pointer)
                if not any((x.code, name) in self.excused for name in names)
            )
        return list(dict.fromkeys(found))


def _behind(text: str, says: Callable[[str], bool]) -> list[str]:
    """The parameters that stand close behind words of which that is so, in the same line."""
    return [
        hole[1].strip()
        for hole in HOLES.finditer(text)
        if says(HOLES.sub("\n", text[max(0, hole.start() - BESIDE) : hole.start()]).rpartition("\n")[2])
    ]
