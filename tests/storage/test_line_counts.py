"""What we count of one of LINE's days, and what may be counted otherwise there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import event, insert

from storage_support import Shop, new_notice, shop
from todoke.core.counting import NEAR, Comparison, Kind, Status, span
from todoke.core.durations import DAY, HOUR, MINUTE
from todoke.ids import UlidIds, floor_id
from todoke.storage import count_candidates, line_counts, notices
from todoke.storage.count_candidates import Candidates
from todoke.storage.database import Database, Tx
from todoke.storage.line_counts import LINE_WINDOW, Span
from todoke.storage.tables import attempts, bindings, friends, messages

TODAY = date(2026, 8, 7)
START, END = span(TODAY)
USER = "U" + "1" * 32


class Ledger:
    """Attempts as they are stored, their ids made when they began."""

    def __init__(self, tx: Tx, at: Shop) -> None:
        self.tx = tx
        self.shop = at

    async def attempt(self, at: int, notice: str | None = None, **values: Any) -> str:
        """An attempt of a notice of its own, or of this one; the notice's id."""
        ids = UlidIds(lambda: at)
        if notice is None:
            row = new_notice(self.shop, id=ids.new())
            await notices.insert_new(self.tx, [row])
            notice = row.id
        stored = {
            "id": ids.new(),
            "notice_id": notice,
            "step_index": 0,
            "step": "line_notification",
            "at": at,
            "gives_proof": 1,
            "closes_at": at + LINE_WINDOW,
            "open": 0,
            "late_duplicate": 0,
            **values,
        }
        await self.tx.execute(insert(attempts).values(stored))
        return notice

    async def shown(self, at: int, proof_at: int) -> str:
        return await self.attempt(at, outcome="delivered", proof_at=proof_at)

    async def pushed(self, at: int, notice: str | None = None, **values: Any) -> str:
        push = {"step": "line_push", "outcome": "accepted", "answered_at": at}
        return await self.attempt(at, notice, **{**push, **values})

    async def message(self, at: int, **values: Any) -> str:
        stored = {
            "id": UlidIds(lambda: at).new(),
            "account_id": self.shop.account_id,
            "channel_id": self.shop.channel_id,
            "user_id": USER,
            "body": "[]",
            "state": "handed_over",
            "outcome": "accepted",
            "tries": 1,
            "created_at": at,
            "answered_at": at,
            **values,
        }
        await self.tx.execute(insert(messages).values(stored))
        return str(stored["id"])

    async def notifications(self, *, more: bool, limit: int = 100, by_id: bool = True) -> Candidates:
        return await count_candidates.notifications(
            self.tx,
            self.shop.channel_id,
            [self.shop.template_id],
            Span(START, END, by_id),
            line_counts_more=more,
            limit=limit,
        )

    async def pushes(self, *, more: bool) -> list[tuple[str | None, str | None, str]]:
        found = await count_candidates.pushes(
            self.tx, self.shop.channel_id, Span(START, END, True), line_counts_more=more, limit=100
        )
        assert found.total == len(found.first)
        return [tuple(x) for x in found.first]

    async def count(self, by_id: bool, start: int = START, end: int = END) -> dict[tuple[bool, date], int]:
        """(Whether it is a push, day) → how many."""
        rows = await line_counts.count(self.tx, [self.shop.channel_id], Span(start, end, by_id))
        found: dict[tuple[bool, date], int] = {}
        for x in rows:
            key = x.template_id is None, x.day
            found[key] = found.get(key, 0) + x.number
        return found


@pytest.fixture
async def ledger(database: Database) -> AsyncIterator[Ledger]:
    async with database.write() as tx:
        yield Ledger(tx, await shop(tx))


@pytest.mark.parametrize("by_id", [True, False])
async def test_a_notification_counts_on_the_day_of_utc_9_on_which_it_was_shown(
    ledger: Ledger, by_id: bool
) -> None:
    await ledger.shown(START - 24 * HOUR, START)
    await ledger.shown(START, END - 1)
    await ledger.shown(END - 1, END)
    await ledger.shown(START - 2, START - 1)
    await ledger.attempt(START, outcome="silent")
    await ledger.attempt(START, outcome="unreachable")
    await ledger.attempt(START, step="sms", outcome="delivered", proof_at=START + 1)
    assert await ledger.count(by_id) == {(False, TODAY): 2}
    wide = await ledger.count(by_id, START - DAY, END + DAY)
    assert wide == {(False, date(2026, 8, 6)): 1, (False, TODAY): 2, (False, date(2026, 8, 8)): 1}


async def test_pushes_count_when_line_took_them_those_of_notices_and_ordinary_ones_alike(
    ledger: Ledger,
) -> None:
    notice = await ledger.pushed(START, outcome="unknown")
    await ledger.pushed(START + MINUTE, notice, status=409)
    await ledger.pushed(END - 1, answered_at=END)
    await ledger.message(START - 5 * DAY, answered_at=START)
    await ledger.message(START, outcome="unknown")
    assert await ledger.count(True) == {(True, TODAY): 2}


async def test_replies_are_no_pushes_however_they_ended(ledger: Ledger) -> None:
    await ledger.message(START + HOUR, reply_until=START + HOUR + MINUTE)
    await ledger.message(
        START + HOUR, outcome="unknown", unknown_since=START + HOUR, reply_until=START + HOUR + MINUTE
    )
    assert await ledger.count(True) == {}
    assert await ledger.pushes(more=True) == []


async def test_another_channel_s_messages_are_not_counted(ledger: Ledger) -> None:
    other = Ledger(ledger.tx, await shop(ledger.tx))
    await other.shown(START, START)
    await other.message(START)
    await other.attempt(START, outcome="silent")
    assert await ledger.count(True) == {}
    assert await ledger.notifications(more=True) == Candidates([], 0)
    assert await line_counts.active(ledger.tx, Span(START, END, True)) == {other.shop.channel_id}


@pytest.mark.parametrize(
    ("attempt", "used"),
    [
        ({"outcome": "delivered", "proof_at": START}, True),
        ({"outcome": "silent"}, True),
        ({"outcome": None}, True),
        ({"at": START - 23 * HOUR, "outcome": "silent"}, True),
        ({"at": START - 25 * HOUR, "outcome": "silent"}, False),
        ({"at": START - HOUR, "outcome": "delivered", "proof_at": START - 1}, False),
        ({"outcome": "unreachable"}, False),
        ({"at": END, "outcome": "accepted"}, False),
        ({"step": "line_push", "outcome": "accepted"}, True),
        ({"at": START - 1, "step": "line_push", "outcome": "accepted"}, False),
        ({"step": "sms", "outcome": "accepted"}, False),
    ],
)
async def test_a_day_is_in_use_if_line_may_have_shown_something_of_ours(
    ledger: Ledger, attempt: dict[str, Any], used: bool
) -> None:
    at = attempt.pop("at", START)
    await ledger.attempt(at, **attempt)
    assert (await line_counts.active(ledger.tx, Span(START, END, True)) != set()) is used


async def test_what_was_not_proved_is_named_first_if_it_was_sent_on_that_day(ledger: Ledger) -> None:
    before = await ledger.attempt(START - HOUR, outcome="silent")
    silent = await ledger.attempt(START + HOUR, outcome="silent")
    unknown = await ledger.attempt(START + 2 * HOUR, outcome="unknown")
    waiting = await ledger.attempt(END - HOUR, outcome="accepted", open=1)
    await ledger.shown(START + HOUR, START + HOUR)
    await ledger.attempt(START + HOUR, outcome="failed")
    found = await ledger.notifications(more=True)
    assert [(x.notice_id, x.why) for x in found.first] == [
        (silent, "silent"),
        (unknown, "unknown"),
        (waiting, "waiting"),
        (before, "silent"),
    ]
    assert await ledger.notifications(more=False) == Candidates([], 0)
    few = await ledger.notifications(more=True, limit=2)
    assert ([x.notice_id for x in few.first], few.total) == ([silent, unknown], 4)


async def test_what_was_shown_within_minutes_of_midnight_may_count_for_the_other_day(ledger: Ledger) -> None:
    early_outside = await ledger.shown(START - HOUR, START - NEAR)
    early_inside = await ledger.shown(START - HOUR, START + NEAR - 1)
    late_inside = await ledger.shown(END - HOUR, END - NEAR)
    late_outside = await ledger.shown(END - HOUR, END + NEAR - 1)
    await ledger.shown(START - HOUR, START - NEAR - 1)
    await ledger.shown(START - HOUR, START + NEAR)
    await ledger.shown(END - HOUR, END - NEAR - 1)
    await ledger.shown(END - HOUR, END + NEAR)
    line_more, we_more = await ledger.notifications(more=True), await ledger.notifications(more=False)
    assert {x.notice_id for x in line_more.first} == {early_outside, late_outside}
    assert {x.notice_id for x in we_more.first} == {early_inside, late_inside}
    assert {x.why for x in line_more.first + we_more.first} == {"midnight"}
    assert await ledger.notifications(more=True, by_id=False) == line_more


async def test_pushes_in_doubt_are_named_unless_their_repetition_was_taken_on_that_day(
    ledger: Ledger,
) -> None:
    doubtful = await ledger.pushed(START + HOUR, outcome="unknown", answered_at=START + HOUR)
    settled = await ledger.pushed(START + HOUR, outcome="unknown", answered_at=START + HOUR)
    await ledger.pushed(START + 2 * HOUR, settled, status=409)
    await ledger.message(START + HOUR)
    message = await ledger.message(START + HOUR, outcome="unknown", unknown_since=START + HOUR)
    assert await ledger.pushes(more=True) == [
        (doubtful, None, "push_unknown"),
        (None, message, "push_unknown"),
    ]
    assert await ledger.pushes(more=False) == []


async def test_a_push_that_line_had_taken_the_day_before_may_count_there(ledger: Ledger) -> None:
    notice = await ledger.pushed(START - HOUR, outcome="unknown", answered_at=START - HOUR)
    await ledger.pushed(START + HOUR, notice, status=409)
    message = await ledger.message(START - HOUR, status=409, answered_at=START + HOUR)
    assert await ledger.pushes(more=False) == [
        (notice, None, "push_repeated"),
        (None, message, "push_repeated"),
    ]


@pytest.mark.parametrize(
    ("state", "since", "named"),
    [
        ("blocked", START, True),
        ("blocked", START + 2 * HOUR, False),
        ("unlisted", END, True),
        ("friend", START, False),
    ],
)
async def test_pushes_to_who_blocked_the_account_by_then_are_named(
    ledger: Ledger, state: str, since: int, named: bool
) -> None:
    at = ledger.shop
    await ledger.tx.execute(
        insert(friends).values(
            channel_id=at.channel_id, user_id=USER, state=state, since=since, source="test", event_id=""
        )
    )
    await ledger.tx.execute(
        insert(bindings).values(
            id=UlidIds().new(),
            account_id=at.account_id,
            provider="default",
            number="+886912345678",
            user_id=USER,
            way="test",
            bound_at=START,
            created_at=START,
        )
    )
    notice = await ledger.pushed(START + HOUR)
    message = await ledger.message(START + HOUR)
    wanted = [(notice, None, "push_blocked"), (None, message, "push_blocked")]
    assert await ledger.pushes(more=False) == (wanted if named else [])


async def test_a_walk_over_a_day_reads_attempts_and_messages_by_their_keys(ledger: Ledger) -> None:
    """What keeps it cheap at ten million notices; the plan is SQLite's own word for it."""
    run: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        run.append((statement, parameters))

    connection = ledger.tx.sync_connection
    event.listen(connection, "before_cursor_execute", note)
    await ledger.count(True)
    await line_counts.active(ledger.tx, Span(START, END, True))
    await ledger.notifications(more=True)
    await ledger.pushes(more=True)
    await ledger.pushes(more=False)
    event.remove(connection, "before_cursor_execute", note)
    assert len(run) == 9
    for statement, parameters in run:
        explained = await ledger.tx.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters)
        plan = [row[3] for row in explained]
        assert any("USING PRIMARY KEY (id>? AND id<?)" in line for line in plan), plan
        assert not any(line.startswith("SCAN") and "subquery" not in line for line in plan), plan


def test_the_floor_of_a_time_sorts_before_its_ids_and_after_those_of_the_time_before() -> None:
    assert UlidIds(lambda: START - 1).new() < floor_id(START) <= UlidIds(lambda: START).new()
    assert floor_id(-5) == "0" * 26


async def test_a_later_comparison_takes_the_place_of_the_earlier_one(ledger: Ledger) -> None:
    first = Comparison(
        channel_id=ledger.shop.channel_id,
        day=TODAY,
        kind=Kind.PUSH,
        ours=3,
        theirs=None,
        status=Status.NO_ANSWER,
        detail="later",
        checked_at=END,
    )
    second = Comparison(
        channel_id=ledger.shop.channel_id,
        day=TODAY,
        kind=Kind.PUSH,
        ours=3,
        theirs=3,
        status=Status.READY,
        checked_at=END + HOUR,
    )
    await line_counts.put(ledger.tx, [first])
    await line_counts.put(ledger.tx, [second])
    at = [ledger.shop.channel_id]
    assert await line_counts.compared(ledger.tx, at, TODAY, TODAY) == [second]
    assert await line_counts.compared(ledger.tx, at, date(2026, 8, 8), date(2026, 8, 9)) == []
