"""Rows of a list as notices. Lists have millions: what is the same for all rows is worked out once.

What a row comes to is said by `wanted.made`. In front of it stand two quick ways for rows in which nothing is the
matter, as nearly all: many rows column by column, and one by itself. Whatever they are not sure of goes the long way,
so every refusal is that of `made`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Protocol

import msgspec

from todoke.core.columns import Columns
from todoke.core.errors import InvalidParameters, TodokeError
from todoke.core.phone import Phone, parse_many, parse_quickly
from todoke.core.template import in_language
from todoke.core.template_quick import QuickCheck
from todoke.core.wanted import MAX_REFERENCE, Terms, Wanted, language_of, made, timed

_MOST_LANGUAGES = 100
_MOST_MOMENTS = 1000
_MOST_TOGETHER = 8
"""Ways to write a language in rows that are looked at together."""
_json = msgspec.json.Encoder().encode

OF_EACH = ("id", "reference", "number", "country", "parameters", "deadline_at", "language", "event_at")
"""What a row of a list says itself, in the order of `Taken`; all else its notice has in common with the others."""
Taken = tuple[str, str | None, str, str, str, int | None, str, int | None]

_Read = tuple[Phone, str, dict[str, str], str | None, int | None, int | None]
"""A row in which nothing is the matter but perhaps what its values say: the number, in which language, the values, the
reference, when the event is, the deadline."""


class Reject(msgspec.Struct):
    """A refused row: its line in the file, why, and the row as it was (JSON list of cells)."""

    line: int
    reason: str
    original: str


class Ids(Protocol):
    """Makes ids: see `todoke.ids`."""

    def several(self, count: int) -> Iterator[str]: ...


class Rows:
    """Makes notices of a list's rows, at one moment."""

    def __init__(self, terms: Terms, language: str | None, columns: Columns, now: int, ids: Ids) -> None:
        """`language`: what the list is in where a row does not say."""
        self._terms = terms
        self._language = language
        self._columns = columns
        self._now = now
        self._ids = ids
        self._places = dict(columns.parameters)
        at = (columns.number, columns.reference, columns.language, columns.event_at, *self._places.values())
        self._cells = 1 + max(x for x in at if x is not None)
        self._languages: dict[str | None, tuple[str, QuickCheck] | None] = {}
        self._moments: dict[str, tuple[int | None, int | None]] = {}
        self._event = next((name for name, x in terms.template.parameters.items() if x.event), None)
        self._deadline = terms.deadline(now)
        self._gated = terms.gate.why is not None
        self._may_pass = not terms.standing
        self._by_columns = self._may_pass and not self._gated

    def take(self, rows: Sequence[list[str]]) -> list[Taken | str]:
        """Of each row the notice, or why it is refused. A cell that a row lacks is an empty one."""
        ids = list(self._ids.several(len(rows)))
        width, cells = self._columns.width, self._cells
        full = [row if len(row) >= cells else self._filled_up(row) for row in rows]
        taken = self.by_columns(full, ids)
        left = [at for at, x in enumerate(taken) if x is None]
        ones = dict(zip(left, self.quickly([full[at] for at in left], [ids[at] for at in left]), strict=True))
        found: list[Taken | str] = [
            x or ones[at] or self.slowly(full[at], ids[at]) for at, x in enumerate(taken)
        ]
        for at, row in enumerate(full):
            if len(row) > width and any(row[width:]):
                found[at] = (
                    f"This row has {len(row)} cells, the header {width}. Quote cells that hold a comma."
                )
        return found

    def by_columns(self, rows: Sequence[Sequence[str]], ids: Sequence[str]) -> list[Taken | None]:
        """The notices of many rows that have all cells in use, looked at column by column. None says nothing, only
        that a row must be looked at by itself.
        """
        if not self._by_columns or not rows:
            return [None] * len(rows)
        at = self._columns.language
        asked = [self._language] if at is None else [row[at].strip() or self._language for row in rows]
        counts = Counter(asked)
        if len(counts) == 1:
            return self._alike(rows, ids, asked[0])
        found: list[Taken | None] = [None] * len(rows)
        for language, _ in counts.most_common(_MOST_TOGETHER):
            places = [n for n, x in enumerate(asked) if x == language]
            taken = self._alike([rows[n] for n in places], [ids[n] for n in places], language)
            for n, x in zip(places, taken, strict=True):
                found[n] = x
        return found

    def _alike(
        self, rows: Sequence[Sequence[str]], ids: Sequence[str], asked: str | None
    ) -> list[Taken | None]:
        """The same of rows in one language."""
        columns = self._columns
        if (known := self._known(asked)) is None:
            return [None] * len(rows)
        language, check = known
        cells = list(zip(*rows, strict=False))
        odd: set[int] = set()
        numbers, countries = parse_many(cells[columns.number], self._terms.region, odd)
        values = check.columns(cells, odd)
        if values is None:
            return [None] * len(rows)
        references: Iterable[str | None] = repeat(None)
        if columns.reference is not None:
            references = _references(cells[columns.reference], odd)
        deadlines, events = self._moments_of(cells, values, odd)
        for n in self._terms.values.unsure(values):
            if n not in odd and self._terms.values.errors({name: texts[n] for name, texts in values.items()}):
                odd.add(n)
        taken: list[Taken | None] = list(
            zip(
                ids, references, numbers, countries, check.written(values), deadlines,
                repeat(language), events,
            )
        )  # fmt: skip
        for n in odd:
            taken[n] = None
        return taken

    def _moments_of(
        self, cells: Sequence[Sequence[str]], values: Mapping[str, Sequence[str]], odd: set[int]
    ) -> tuple[Iterable[int | None], Iterable[int | None]]:
        """Deadlines, and when the events are."""
        at, name = self._columns.event_at, self._event
        if at is None and name is None:
            return repeat(self._deadline), repeat(None)
        own = values[name] if name is not None else repeat("")
        said = repeat(None) if at is None else [text.strip() or None for text in cells[at]]
        deadlines, events = list[int | None](), list[int | None]()
        for n, (mine, event) in enumerate(zip(own, said, strict=False)):
            found = None
            if n not in odd and (event is not None or name is not None):
                found = self._moment(event, mine)
                if found is None:
                    odd.add(n)
            event_at, last = found or (None, None)
            deadlines.append(self._deadline if last is None else min(last, self._deadline or last))
            events.append(event_at)
        return deadlines, events

    def _filled_up(self, row: list[str]) -> list[str]:
        return row + [""] * (self._cells - len(row))

    def slowly(self, row: Sequence[str], notice_id: str) -> Taken | str:
        """The same of a row that has all cells in use, by `made`."""
        columns = self._columns
        wanted = Wanted(
            to=row[columns.number],
            parameters={name: row[at].strip() for name, at in columns.parameters if row[at].strip()},
            reference=None if columns.reference is None else row[columns.reference].strip() or None,
            language=self._asked(row),
            event_at=self._said_event(row),
        )
        try:
            x = made(self._terms, wanted, self._now)
        except InvalidParameters as error:
            return " ".join(message for _, message in error.problems) or error.message
        except TodokeError as error:
            return error.message
        return (
            *(notice_id, x.reference, x.phone.e164, x.phone.country, x.parameters),
            *(x.deadline_at, x.language, x.event_at),
        )

    def quickly(self, rows: Sequence[Sequence[str]], ids: Sequence[str]) -> list[Taken | None]:
        """The same of many; None says nothing, only that a row must be looked at more closely."""
        values_check = self._terms.values
        read = [self._read(row) for row in rows]
        harmless = iter(values_check.harmless([x[2] for x in read if x is not None]))
        return [
            self._taken(x, notice_id)
            if x is not None and (next(harmless) or not values_check.errors(x[2]))
            else None
            for x, notice_id in zip(read, ids, strict=True)
        ]

    def _read(self, row: Sequence[str]) -> _Read | None:
        if not self._may_pass:
            return None
        known = self._known(self._asked(row))
        phone = parse_quickly(row[self._columns.number], self._terms.region)
        if known is None or phone is None:
            return None
        language, check = known
        values = check.values(row)
        if values is None or (self._gated and self._terms.gate.why_not(phone.e164) is not None):
            return None
        reference = None
        if self._columns.reference is not None:
            reference = row[self._columns.reference].strip() or None
            if reference is not None and (len(reference) > MAX_REFERENCE or not reference.isprintable()):
                return None
        event_at, deadline_at = None, self._deadline
        event = self._said_event(row)
        if event is not None or self._event is not None:
            moment = self._moment(event, values[self._event] if self._event is not None else "")
            if moment is None:
                return None
            event_at, last = moment
            if last is not None and (deadline_at is None or last < deadline_at):
                deadline_at = last
        return phone, language, values, reference, event_at, deadline_at

    @staticmethod
    def _taken(x: _Read, notice_id: str) -> Taken:
        phone, language, values, reference, event_at, deadline_at = x
        parameters = _json(values).decode()
        return notice_id, reference, phone.e164, phone.country, parameters, deadline_at, language, event_at

    def _asked(self, row: Sequence[str]) -> str | None:
        """In which language."""
        at = self._columns.language
        return (None if at is None else row[at].strip()) or self._language

    def _said_event(self, row: Sequence[str]) -> str | None:
        at = self._columns.event_at
        return None if at is None else row[at].strip() or None

    def _known(self, asked: str | None) -> tuple[str, QuickCheck] | None:
        """Which language a row is in that asks for this one, and what checks its parameters; None: look closer."""
        if asked in self._languages:
            return self._languages[asked]
        terms = self._terms
        try:
            language = language_of(terms.template, terms.region, asked)
        except TodokeError:
            return None
        found = language, QuickCheck(in_language(terms.template, language), self._places)
        if len(self._languages) < _MOST_LANGUAGES:
            self._languages[asked] = found
        return found

    def _moment(self, event: str | None, own: str) -> tuple[int | None, int | None] | None:
        """When the event is, and after which moment no step may begin; None: look closer. `own`: what the notice's
        parameter says of it, which counts where the row says nothing.

        Appointments, pick-up days and trains come again and again in a list.
        """
        said = event if event is not None else own
        if said not in self._moments:
            try:
                found, last = timed(self._terms, {self._event or "": own}, event, self._now)
            except TodokeError:
                return None
            if len(self._moments) >= _MOST_MOMENTS:
                self._moments.clear()
            self._moments[said] = None if found is None else found.begins, last
        return self._moments[said]


def _references(column: Sequence[str], odd: set[int]) -> Sequence[str | None]:
    """The references of a column."""
    texts = list(map(str.strip, column))
    if not "".join(texts).isprintable() or max(map(len, texts)) > MAX_REFERENCE:
        odd.update(n for n, x in enumerate(texts) if len(x) > MAX_REFERENCE or not x.isprintable())
    return texts if all(texts) else [x or None for x in texts]
