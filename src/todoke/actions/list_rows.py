"""Rows of a list as notices. Lists have millions: what is the same for all rows is worked out once.

What a row comes to is said by `intake.make_notice`. In front of it stands a quick way for rows in which nothing is the
matter, as nearly all; whatever it is not sure of goes the long way, so every refusal is that of `make_notice`.
"""

from collections.abc import Iterator, Sequence

import msgspec

from todoke.actions import content_check
from todoke.actions.intake import (
    MAX_REFERENCE,
    Target,
    Wanted,
    deadline_of,
    lane_of,
    language_of,
    make_notice,
)
from todoke.core.columns import Columns
from todoke.core.errors import InvalidParameters, TodokeError
from todoke.core.phone import Phone, parse_quickly
from todoke.core.template import in_language
from todoke.core.template_quick import QuickCheck
from todoke.ids import Ids
from todoke.storage.batches import Batch
from todoke.storage.notices import NewNotice

_MOST_LANGUAGES = 100
_MOST_MOMENTS = 1000
_json = msgspec.json.Encoder().encode


_Read = tuple[Phone, str, dict[str, str], str | None, int | None, int | None]
"""A row in which nothing is the matter but perhaps what its values say: the number, in which language, the values, the
reference, when the event is, the deadline."""


class _Reserved:
    """Ids that were made together: the notices of a list stand in its order."""

    def __init__(self, ids: Iterator[str]) -> None:
        self._ids = ids

    def new(self) -> str:
        return next(self._ids)

    def several(self, count: int) -> Iterator[str]:
        return (self.new() for _ in range(count))


class Rows:
    """Makes notices of a batch's rows, at one moment."""

    def __init__(self, target: Target, batch: Batch, columns: Columns, now: int, ids: Ids) -> None:
        self._target = target
        self._batch = batch
        self._columns = columns
        self._now = now
        self._ids = ids
        self._region = target.channel.region
        self._places = dict(columns.parameters)
        at = (columns.number, columns.reference, columns.language, columns.event_at, *self._places.values())
        self._cells = 1 + max(x for x in at if x is not None)
        self._languages: dict[str | None, tuple[str, QuickCheck] | None] = {}
        self._moments: dict[str, tuple[int | None, int | None]] = {}
        self._event = next((name for name, x in target.template.parameters.items() if x.event), None)
        self._deadline = deadline_of(target.policy, now)
        self._gated = target.gate.why is not None
        self._may_pass = not target.checked.standing
        self._lane = lane_of(target.policy)
        self._source = None if target.source is None else target.source.id

    def take(self, rows: Sequence[list[str]]) -> list[NewNotice | str]:
        """Of each row the notice, or why it is refused. A cell that a row lacks is an empty one."""
        width = self._columns.width
        ids = _Reserved(self._ids.several(len(rows)))
        found: list[NewNotice | str] = []
        full = [row if len(row) >= self._cells else self._filled_up(row) for row in rows]
        for row, notice in zip(full, self.quickly(full, ids), strict=True):
            if len(row) > width and any(row[width:]):
                many = f"This row has {len(row)} cells, the header {width}. Quote cells that hold a comma."
                found.append(many)
            else:
                found.append(notice or self.slowly(row, ids))
        return found

    def _filled_up(self, row: list[str]) -> list[str]:
        return row + [""] * (self._cells - len(row))

    def slowly(self, row: Sequence[str], ids: Ids) -> NewNotice | str:
        """The same of a row that has all cells in use, by `make_notice`."""
        columns = self._columns
        wanted = Wanted(
            to=row[columns.number],
            parameters={name: row[at].strip() for name, at in columns.parameters if row[at].strip()},
            reference=None if columns.reference is None else row[columns.reference].strip() or None,
            batch_id=self._batch.id,
            language=self._asked(row),
            event_at=self._said_event(row),
        )
        try:
            notice, _ = make_notice(self._target, wanted, self._now, ids)
        except InvalidParameters as error:
            return " ".join(message for _, message in error.problems) or error.message
        except TodokeError as error:
            return error.message
        return notice

    def quickly(self, rows: Sequence[Sequence[str]], ids: Ids) -> list[NewNotice | None]:
        """The same of many; None says nothing, only that a row must be looked at more closely."""
        values_check = self._target.checked.values
        read = [self._read(row) for row in rows]
        harmless = iter(values_check.harmless([x[2] for x in read if x is not None]))
        return [
            self._notice(x, ids)
            if x is not None and (next(harmless) or not values_check.errors(x[2]))
            else None
            for x in read
        ]

    def _read(self, row: Sequence[str]) -> _Read | None:
        if not self._may_pass:
            return None
        asked = self._asked(row)
        known = self._languages[asked] if asked in self._languages else self._in_language(asked)
        phone = parse_quickly(row[self._columns.number], self._region)
        if known is None or phone is None:
            return None
        language, check = known
        values = check.values(row)
        if values is None or (self._gated and self._target.gate.why_not(phone.e164) is not None):
            return None
        reference = None
        if self._columns.reference is not None:
            reference = row[self._columns.reference].strip() or None
            if reference is not None and (len(reference) > MAX_REFERENCE or not reference.isprintable()):
                return None
        event_at, deadline_at = None, self._deadline
        event = self._said_event(row)
        if event is not None or self._event is not None:
            moment = self._moment(event, values)
            if moment is None:
                return None
            event_at, last = moment
            if last is not None and (deadline_at is None or last < deadline_at):
                deadline_at = last
        return phone, language, values, reference, event_at, deadline_at

    def _notice(self, x: _Read, ids: Ids) -> NewNotice:
        target = self._target
        phone, language, values, reference, event_at, deadline_at = x
        return NewNotice(
            id=ids.new(),
            account_id=target.account_id,
            channel_id=target.channel.id,
            template_id=target.template_row.id,
            policy_id=target.policy_id,
            batch_id=self._batch.id,
            reference=reference,
            number=phone.e164,
            country=phone.country,
            parameters=_json(values).decode(),
            created_at=self._now,
            deadline_at=deadline_at,
            due_at=self._now,
            lane=self._lane,
            source_id=self._source,
            language=language,
            event_at=event_at,
        )

    def _asked(self, row: Sequence[str]) -> str | None:
        """In which language."""
        at = self._columns.language
        return (None if at is None else row[at].strip()) or self._batch.language

    def _said_event(self, row: Sequence[str]) -> str | None:
        at = self._columns.event_at
        return None if at is None else row[at].strip() or None

    def _in_language(self, asked: str | None) -> tuple[str, QuickCheck] | None:
        """Which language a row is in that asks for this one, and what checks its parameters; None: look closer."""
        try:
            language = language_of(self._target, asked)
        except TodokeError:
            return None
        found = language, QuickCheck(in_language(self._target.template, language), self._places)
        if len(self._languages) < _MOST_LANGUAGES:
            self._languages[asked] = found
        return found

    def _moment(self, event: str | None, values: dict[str, str]) -> tuple[int | None, int | None] | None:
        """When the event is, and after which moment no step may begin; None: look closer.

        Appointments, pick-up days and trains come again and again in a list.
        """
        said = event if event is not None else values[self._event or ""]
        if said not in self._moments:
            target = self._target
            try:
                found, last = content_check.timed(
                    target.checked, target.timing, target.template, values, event, self._region, self._now
                )
            except TodokeError:
                return None
            if len(self._moments) >= _MOST_MOMENTS:
                self._moments.clear()
            self._moments[said] = None if found is None else found.begins, last
        return self._moments[said]
