"""Fills a data folder with notices that have ended, as the gateway would have left them: `python -m bench.growth_data
FOLDER COUNT`. The gateway must have sent something over each channel before, and must not run.

Numbers and references are random, so that their indexes are as large and as scattered as in the worst case.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from todoke.engine.key_levels import MOST
from todoke.ids import floor_id
from todoke.storage.notice_keys import LAST, NUMBERS, REFERENCES, Keys

DAY = 86_400_000
PORTION = 20_000
BY_SMS = 0.15
"""The share of notices that LINE could not match, and that went on by SMS."""
EVENTS_KEPT = 30 * DAY
EVENTS_A_REQUEST = 10
SORTED_AT_ONCE = 500_000
"""Notices whose keys are put in order in one go: then each page is changed a few times only."""
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Place(NamedTuple):
    """What notices of one channel stand on."""

    account_id: str
    channel_id: str
    template_id: str
    policy_id: str


class Filled(NamedTuple):
    """`seconds`: how long it took; `size`: bytes of the database file then."""

    notices: int
    seconds: float
    size: int


def fill(database: Path, count: int, *, days: int = 90, seed: int = 1) -> Filled:
    """Adds `count` notices that were taken in over the last `days`, each with its attempts and delivery event."""
    begun = time.monotonic()
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        # A power cut may cost the file; nobody else has it open.
        for pragma in (
            "journal_mode = OFF",
            "synchronous = OFF",
            "cache_size = -2000000",
            "locking_mode = EXCLUSIVE",
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        places = _places(connection)
        connection.execute("BEGIN")
        found_by = [_Keys(connection, NUMBERS, 6), _Keys(connection, REFERENCES, 5)]
        for rows in _portions(random.Random(seed), places, count, days):
            rows.store(connection)
            for keys in found_by:
                keys.add(rows.notices)
        for keys in found_by:
            keys.store()
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
    return Filled(count, time.monotonic() - begun, database.stat().st_size)


class _Keys:
    """What the notices are found by. The first levels are made as full as they may be, so that what comes next costs
    what it costs in the long run.
    """

    def __init__(self, connection: sqlite3.Connection, keys: Keys, column: int) -> None:
        """`column`: of the rows of notices."""
        table = keys.table.name
        self._connection = connection
        self._column = column
        self._insert = f"INSERT INTO {table} (level, {keys.column}, notice_id) VALUES (?, ?, ?)"
        counted = connection.execute(f"SELECT level, count(*) FROM {table} GROUP BY level").fetchall()
        held = dict(counted)
        self._room = {level: max(most - held.get(level, 0), 0) for level, most in MOST.items()}
        self._entries: list[tuple[str, str]] = []

    def add(self, notices: list[tuple[Any, ...]]) -> None:
        self._entries += [(row[self._column], row[0]) for row in notices]
        if len(self._entries) >= SORTED_AT_ONCE:
            self.store()

    def store(self) -> None:
        rest, self._entries = self._entries, []
        for level in (*MOST, LAST):
            count = min(self._room.get(level, len(rest)), len(rest))
            if level in self._room:
                self._room[level] -= count
            some, rest = sorted(rest[:count]), rest[count:]
            self._connection.executemany(self._insert, [(level, *entry) for entry in some])


def _places(connection: sqlite3.Connection) -> list[Place]:
    found = connection.execute(
        "SELECT account_id, channel_id, max(template_id), max(policy_id) FROM notices GROUP BY account_id, channel_id"
    ).fetchall()
    if not found:
        raise SystemExit(
            "Send a notice over each channel first: what is stored stands on its template and policy."
        )
    return [Place(*row) for row in found]


class _Rows:
    """Rows of one portion, by table."""

    def __init__(self) -> None:
        self.notices: list[tuple[Any, ...]] = []
        self.attempts: list[tuple[Any, ...]] = []
        self.events: list[tuple[str, int]] = []
        self.posted: list[tuple[Any, ...]] = []

    def store(self, connection: sqlite3.Connection) -> None:
        connection.executemany(
            "INSERT INTO notices (id, account_id, channel_id, template_id, policy_id, reference, number, country, "
            "parameters, state, step_index, skips, created_at, ended_at, lane) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, 'TW', ?, 'delivered', ?, NULL, ?, ?, 0)",
            self.notices,
        )
        connection.executemany(
            "INSERT INTO attempts (id, notice_id, step_index, step, at, gives_proof, closes_at, outcome, open, "
            "answered_at, proof_at, late_duplicate, status, detail, request_id, units, carrier, spare) "
            "VALUES (?, ?, ?, ?, ?, 1, ?, ?, 0, ?, ?, 0, ?, ?, ?, ?, ?, 0)",
            self.attempts,
        )
        connection.executemany("INSERT INTO events_seen (id, at) VALUES (?, ?)", self.events)
        connection.executemany(
            "INSERT INTO inbox (carrier, channel_id, headers, body, received_at, applied_at) "
            "VALUES ('line', ?, '{}', ?, ?, ?)",
            self.posted,
        )


def _portions(draw: random.Random, places: list[Place], count: int, days: int) -> Iterator[_Rows]:
    now = time.time_ns() // 1_000_000
    first, step = now - days * DAY, days * DAY / count
    body = (
        b'{"destination":"U'
        + b"0" * 32
        + b'","events":['
        + b'{"type":"delivery"}' * EVENTS_A_REQUEST * 12
        + b"]}"
    )
    rows = _Rows()
    for i in range(count):
        at = int(first + i * step)
        place = places[i % len(places)]
        _notice(rows, draw, place, at, i)
        if at > now - EVENTS_KEPT:
            rows.events.append((_id(draw, at + 2000), at + 2000))
            if i % EVENTS_A_REQUEST == 0:
                rows.posted.append((place.channel_id, body, at + 2000, at + 2100))
        if len(rows.notices) == PORTION:
            yield rows
            rows = _Rows()
    yield rows


def _id(draw: random.Random, at: int) -> str:
    value = draw.getrandbits(80)
    return floor_id(at)[:10] + "".join([_ALPHABET[value >> shift & 31] for shift in range(75, -1, -5)])


def _notice(rows: _Rows, draw: random.Random, place: Place, at: int, i: int) -> None:
    notice_id = _id(draw, at)
    by_sms = draw.random() < BY_SMS
    number = f"+8869{draw.randrange(100_000_000):08d}"
    parameters = f'{{"name":"王小明{i % 97}","parcel":"TW2026{i:07d}"}}'
    ended = at + (14_400_000 if by_sms else 0) + 3000
    rows.notices.append(
        (notice_id, *place, f"{draw.getrandbits(48):012x}", number, parameters, int(by_sms), at, ended)
    )
    request = f"{draw.getrandbits(128):032x}"
    line: tuple[Any, ...] = ("unreachable", at + 1100, None, 422, "no such user", request, None, None)
    if not by_sms:
        line = ("delivered", at + 1100, ended, 202, None, request, None, None)
    tried = [(0, "line_notification", at + 1000, at + 1000 + DAY + 600_000, *line)]
    if by_sms:
        sms = ("delivered", ended - 500, ended, 200, None, request, 1, "emulator")
        tried.append((1, "sms", ended - 1000, ended - 1000 + 3 * DAY, *sms))
    for step_index, step, begun, closes, *told in tried:
        rows.attempts.append((_id(draw, begun), notice_id, step_index, step, begun, closes, *told))


def main() -> None:
    """Fills the folder that was named."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.growth_data", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("folder", type=Path, help="a data folder of Todoke")
    parser.add_argument("count", type=int, help="notices to add")
    parser.add_argument("--days", type=int, default=90, help="the days over which they came (90)")
    asked = parser.parse_args()
    done = fill(asked.folder / "todoke.db", asked.count, days=asked.days)
    print(f"{done.notices:,} notices in {done.seconds:.0f} s; the file has {done.size / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
