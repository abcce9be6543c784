"""Why a request was rejected, as the emulator tells its tester: LINE answers 422 to all of them alike.

A digest that fits a known number written in another form is told as such. That is looked for only when somebody
reads the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from line_emulator.state import State
from line_emulator.world import numbers
from line_emulator.world.ledger import NOBODY, Row

MOST_USERS = 1000
"""So many users made one by one are looked at for a number in another form."""
SCAN = 50_000
"""So many rows are looked at for those of one page of requests."""


class Reasons:
    """The reasons of rows, for one answer: the table of forms is built where it is needed, and once."""

    def __init__(self, state: State) -> None:
        self._state = state

    def of(self, row: Row) -> str | None:
        """Why this row was rejected; None if it was not."""
        if row.reason == NOBODY and isinstance(row.to, bytes):
            return self._forms.get(row.to, NOBODY)
        return row.reason

    @cached_property
    def _forms(self) -> dict[bytes, str]:
        found: dict[bytes, str] = {}
        for account in self._state.world.people.singles(MOST_USERS):
            for form, words in other_forms(account.phone) if numbers.is_e164(account.phone) else ():
                text = f"this is the hash of {words}; LINE wants that of {account.phone}"
                found.setdefault(numbers.digest(form), text)
        return found


def other_forms(phone: str) -> Iterator[tuple[str, str]]:
    """How else people write this number, each with words for it."""
    bare = phone.removeprefix("+")
    yield bare, bare
    yield f"{phone}\n", f"{phone} with a line break behind it"
    code = numbers.country_code(phone)
    if code is not None:
        rest = phone.removeprefix(code)
        yield f"0{rest}", f"0{rest}"
        yield rest, rest
        yield f"{code}0{rest}", f"{code}0{rest}"


def of_requests(state: State, request_numbers: set[int]) -> dict[int, str | None]:
    """The reasons of these requests, by number; those whose rows lie far back are left out."""
    reasons = Reasons(state)
    found: dict[int, str | None] = {}
    rows = state.world.ledger.rows
    for place in range(len(rows) - 1, max(-1, len(rows) - 1 - SCAN), -1):
        if len(found) == len(request_numbers):
            break
        row = rows[place]
        if row.request_no in request_numbers:
            found[row.request_no] = reasons.of(row)
    return found
