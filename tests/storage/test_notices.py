"""Notices and attempts keep what was saved, and come back in the order in which they are due."""

import random
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from notice_support import HOUR, START
from storage_support import Shop, ids, new_notice, notice_of, shop
from todoke.core.notice import Attempt, Notice, State
from todoke.core.outcome import Outcome
from todoke.core.routing import Step
from todoke.core.standing import Lane
from todoke.storage import notice_changes, notices
from todoke.storage.database import Database
from todoke.storage.notices import NewNotice

times = st.integers(0, 2**53)
maybe_time = st.none() | times
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)

what_was_told: dict[str, st.SearchStrategy[Any]] = {
    "outcome": st.none() | st.sampled_from(Outcome),
    "open": st.booleans(),
    "answered_at": maybe_time,
    "proof_at": maybe_time,
    "late_duplicate": st.booleans(),
    "status": st.none() | st.integers(100, 599),
    "detail": st.none() | texts,
    "request_id": st.none() | texts,
    "retry_at": maybe_time,
}
attempts = st.fixed_dictionaries(
    {
        "step_index": st.integers(0, 3),
        "step": st.sampled_from(Step),
        "at": times,
        "gives_proof": st.booleans(),
        "closes_at": times,
        **what_was_told,
    }
)
moved = st.fixed_dictionaries(
    {
        "state": st.sampled_from(State),
        "reason": st.none() | st.text("abc_", max_size=40),
        "step_index": st.integers(0, 4),
        "cancelled_at": maybe_time,
        "ended_at": maybe_time,
        "due_at": maybe_time,
        "skips": st.lists(st.tuples(st.sampled_from([s.value for s in Step]), texts), max_size=3).map(tuple),
    }
)


@given(
    first=moved,
    second=moved,
    tried=st.lists(attempts, max_size=4),
    told=st.lists(st.fixed_dictionaries(what_was_told), min_size=4, max_size=4),
    deadline=maybe_time,
    quick=st.booleans(),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_notice_and_its_attempts_come_back_as_they_were_saved(
    database: Database,
    first: dict[str, Any],
    second: dict[str, Any],
    tried: list[dict[str, Any]],
    told: list[dict[str, Any]],
    deadline: int | None,
    quick: bool,
) -> None:
    async with database.write(quick=quick) as tx:
        at = await shop(tx)
        row = new_notice(at, deadline_at=deadline)
        await notices.insert_new(tx, [row])
        fresh = await notice_of(tx, at, row.id)
    assert fresh == Notice(id=row.id, policy=at.policy, created_at=START, due_at=START, deadline_at=deadline)
    sent = msgspec.structs.replace(
        fresh, **first, attempts=tuple(Attempt(id=ids.new(), **values) for values in tried)
    )
    async with database.write(quick=quick) as tx:
        await notice_changes.save(tx, [(fresh, sent)])
    async with database.read(quick=quick) as tx:
        assert await notice_of(tx, at, row.id) == sent
    answered = msgspec.structs.replace(
        sent,
        **second,
        attempts=tuple(
            msgspec.structs.replace(a, **values) for a, values in zip(sent.attempts, told, strict=False)
        ),
    )
    async with database.write(quick=quick) as tx:
        await notice_changes.save(tx, [(sent, answered)])
        assert await notice_of(tx, at, row.id) == answered


async def saved(database: Database, changes: list[tuple[Notice, Notice]]) -> None:
    async with database.write() as tx:
        await notice_changes.save(tx, changes)


few_told = st.fixed_dictionaries(
    {
        "outcome": st.sampled_from([None, Outcome.ACCEPTED, Outcome.DELIVERED]),
        "open": st.booleans(),
        "answered_at": st.sampled_from([None, START]),
        "proof_at": st.sampled_from([None, START]),
        "status": st.sampled_from([None, 202]),
        "detail": st.sampled_from([None, "a word"]),
    }
)


@given(
    courses=st.lists(st.tuples(moved, few_told, moved, few_told), min_size=1, max_size=3),
    of_each=st.lists(
        st.tuples(st.integers(0, 2), st.none() | texts, st.none() | texts, maybe_time),
        min_size=12,
        max_size=24,
    ),
    quick=st.booleans(),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_many_that_move_alike_come_back_as_each_was_saved(
    database: Database,
    courses: list[tuple[dict[str, Any], ...]],
    of_each: list[tuple[int, str | None, str | None, int | None]],
    quick: bool,
) -> None:
    """Those that change alike are written by one statement, but for what their carrier called each request, and for the
    moment of each proof.
    """
    async with database.write(quick=quick) as tx:
        at = await shop(tx)
        rows = [new_notice(at) for _ in of_each]
        await notices.insert_new(tx, rows)
        fresh = [await notice_of(tx, at, row.id) for row in rows]
    same = {
        "step_index": 0,
        "step": Step.LINE_NOTIFICATION,
        "at": START,
        "gives_proof": True,
        "closes_at": START,
    }
    sent, answered = [], []
    for notice, (number, first_name, second_name, moment) in zip(fresh, of_each, strict=True):
        first, first_told, second, second_told = courses[number % len(courses)]
        attempt = Attempt(id=ids.new(), **same, **first_told, request_id=first_name)
        sent.append(msgspec.structs.replace(notice, **first, attempts=(attempt,)))
        later = {**second_told, "request_id": second_name}
        if later["proof_at"] is not None:
            later["proof_at"] = moment
        told = msgspec.structs.replace(attempt, **later)
        answered.append(msgspec.structs.replace(sent[-1], **second, attempts=(told,)))
    for before, after in ((fresh, sent), (sent, answered)):
        async with database.write(quick=quick) as tx:
            await notice_changes.save(tx, list(zip(before, after, strict=True)))
            assert [await notice_of(tx, at, x.id) for x in after] == after
    otherwise = [msgspec.structs.replace(x, due_at=(x.due_at or 0) + 1) for x in answered]
    with pytest.raises(notice_changes.Stale):
        await saved(database, list(zip(otherwise, answered, strict=True)))


async def test_what_sending_needs_comes_back_with_the_notice(database: Database) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        row = new_notice(at, number="+819012345678", country="JP", parameters='{"name":"花子"}')
        await notices.insert_new(tx, [row])
        (loaded,) = await notices.assemble(
            tx, await notices.load_by_ids(tx, [row.id]), {at.policy_id: at.policy}
        )
    assert (loaded.channel_id, loaded.template_id) == (at.channel_id, at.template_id)
    assert (loaded.number, loaded.country, loaded.parameters) == ("+819012345678", "JP", '{"name":"花子"}')


async def test_an_id_stands_once(database: Database) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        row = new_notice(at)
        await notices.insert_new(tx, [row])
    with pytest.raises(IntegrityError):
        async with database.write() as tx:
            await notices.insert_new(tx, [new_notice(at), row])
    async with database.read() as tx:
        assert len(await notices.load_due(tx, at.channel_id, Lane.LINE, START, 10)) == 1


async def stored(database: Database, rows: list[NewNotice]) -> None:
    async with database.write() as tx:
        await notices.insert_new(tx, rows)


@given(
    dues=st.lists(st.integers(0, 9), max_size=12),
    others=st.lists(st.integers(0, 9), max_size=3),
    now=st.integers(0, 9),
    limit=st.integers(1, 8),
    seed=st.randoms(use_true_random=False),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_longest_due_comes_first_and_nothing_before_its_time(
    database: Database, dues: list[int], others: list[int], now: int, limit: int, seed: random.Random
) -> None:
    async with database.write() as tx:
        at, other = await shop(tx), await shop(tx)
    rows = [new_notice(at, due_at=d) for d in dues] + [new_notice(other, due_at=d) for d in others]
    seed.shuffle(rows)
    await stored(database, rows)
    expected = sorted((r.due_at, r.id) for r in rows if r.channel_id == at.channel_id)
    async with database.read() as tx:
        due = await notices.load_due(tx, at.channel_id, Lane.LINE, now, limit)
        assert [r[0] for r in due] == [i for d, i in expected if d <= now][:limit]
        assert await notices.next_due(tx, at.channel_id) == (expected[0][0] if expected else None)


async def test_each_lane_has_its_own_due_notices(database: Database) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        line, other = new_notice(at, due_at=5), new_notice(at, due_at=3, lane=Lane.OTHER)
        await notices.insert_new(tx, [line, other])
        assert [r[0] for r in await notices.load_due(tx, at.channel_id, Lane.LINE, 9, 9)] == [line.id]
        assert [r[0] for r in await notices.load_due(tx, at.channel_id, Lane.OTHER, 9, 9)] == [other.id]
        assert await notices.next_due(tx, at.channel_id) == 3
        assert await notices.next_due(tx, at.channel_id, [Lane.LINE]) == 5
        assert await notices.next_due(tx, at.channel_id, []) is None


async def moved_to(database: Database, at: Shop, row: NewNotice, **values: Any) -> None:
    async with database.write() as tx:
        before = await notice_of(tx, at, row.id)
        await notice_changes.save(tx, [(before, msgspec.structs.replace(before, **values))])


@pytest.mark.parametrize(
    ("state", "due", "after"),
    [
        ("queued", None, START),
        ("queued", START + HOUR, START),
        ("queued", START - HOUR, START - HOUR),
        ("waiting", START + HOUR, START),
        ("sending", START + HOUR, START + HOUR),
        ("delivered", START + HOUR, START + HOUR),
        ("not_delivered", None, None),
        ("cancelled", None, None),
    ],
)
async def test_a_released_channel_makes_due_what_was_held_and_nothing_else(
    database: Database, state: str, due: int | None, after: int | None
) -> None:
    async with database.write() as tx:
        at, other = await shop(tx), await shop(tx)
    mine, theirs = new_notice(at), new_notice(other)
    await stored(database, [mine, theirs])
    await moved_to(database, at, mine, state=State(state), due_at=due)
    await moved_to(database, other, theirs, state=State(state), due_at=due)
    async with database.write() as tx:
        await notices.release_held(tx, at.channel_id, START)
        assert (await notice_of(tx, at, mine.id)).due_at == after
        assert (await notice_of(tx, other, theirs.id)).due_at == due


async def test_what_is_out_is_found_by_its_channel(database: Database) -> None:
    async with database.write() as tx:
        at, other = await shop(tx), await shop(tx)
    out, idle, theirs = new_notice(at), new_notice(at), new_notice(other)
    await stored(database, [out, idle, theirs])
    await moved_to(database, at, out, state=State.SENDING, due_at=START + HOUR)
    await moved_to(database, other, theirs, state=State.SENDING, due_at=START + HOUR)
    async with database.read() as tx:
        assert [r[0] for r in await notices.load_out(tx, at.channel_id)] == [out.id]


async def test_attempts_are_found_by_their_tag_among_any_number_of_others(database: Database) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        row = new_notice(at)
        await notices.insert_new(tx, [row])
        before = await notice_of(tx, at, row.id)
        line, sms = (
            Attempt(
                id=ids.new(),
                step_index=i,
                step=s,
                at=START,
                gives_proof=True,
                closes_at=START,
                request_id=f"request {i}",
                carrier="relay" if s is Step.SMS else None,
            )
            for i, s in enumerate((Step.LINE_NOTIFICATION, Step.SMS))
        )
        await notice_changes.save(tx, [(before, msgspec.structs.replace(before, attempts=(line, sms)))])
    many = [f"foreign {i}" for i in range(300_000)]
    async with database.read() as tx:
        owners = await notices.owners_of(tx, [*many, line.id, sms.id])
        assert owners == {
            line.id: (row.id, row.channel_id, Step.LINE_NOTIFICATION, None),
            sms.id: (row.id, row.channel_id, Step.SMS, "relay"),
        }


async def test_units_are_kept_for_the_attempts_that_have_them(database: Database) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        row = new_notice(at)
        await notices.insert_new(tx, [row])
        before = await notice_of(tx, at, row.id)
        one, two = (
            Attempt(id=ids.new(), step_index=0, step=Step.SMS, at=0, gives_proof=True, closes_at=0)
            for _ in range(2)
        )
        after = msgspec.structs.replace(before, attempts=(one, two))
        await notice_changes.save(tx, [(before, after)], {two.id: 3})
        found = await tx.exec_driver_sql("SELECT id, units FROM attempts ORDER BY id")
        assert [tuple(r) for r in found] == [(one.id, None), (two.id, 3)]
