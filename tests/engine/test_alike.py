"""What is decided once for many notices is what each would have got alone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alike_support import (
    ACCEPTED,
    BAD,
    NO_MATCH,
    TAKEN_BEFORE,
    TOO_MANY,
    a_policy,
    asked,
    batch,
    bind,
    other_template,
    suppress,
    taken,
    told,
    wish,
    with_link,
)
from engine_house import House
from notice_support import HOUR, LINE_ALONE, SMS_ALONE, START, policy
from storage_support import fresh_database, ids, shop
from todoke.actions import alike, claiming
from todoke.actions.advance import cancel
from todoke.actions.alike import AnswerTo
from todoke.actions.record import Recorded, prepare, record
from todoke.carriers import EventKind
from todoke.core.outcome import Answer
from todoke.core.routing import Frequency
from todoke.storage.database import Database
from todoke.storage.lookup import Lookup


@pytest.fixture
async def other_house(tmp_path: Path) -> AsyncIterator[House]:
    folder = tmp_path / "other"
    folder.mkdir()
    async with fresh_database("sqlite", folder) as database:
        yield House(database, folder)


async def rows(database: Database, order: list[str]) -> list[Any]:
    """All that is stored of these notices, with their ids and their attempts' by place, what is counted, and what is
    posted of them.
    """
    places = {x: f"notice {i}" for i, x in enumerate(order)}
    async with database.read() as tx:
        tags = await tx.exec_driver_sql("SELECT id, notice_id FROM attempts ORDER BY id")
        places |= {tag: f"attempt of {places[of]}" for tag, of in tags if of in places}
        found: list[Any] = []
        for text in (
            "SELECT id, state, reason, step_index, skips, cancelled_at, ended_at, due_at, lane FROM notices",
            "SELECT * FROM attempts",
            "SELECT accepted, delivered, unmatched, over_quota, last_event_at FROM channel_hours",
            "SELECT at FROM events_seen",
            "SELECT state, count FROM batch_states WHERE count <> 0",
        ):
            for row in await tx.exec_driver_sql(text):
                found.append(tuple(places.get(x, x) if isinstance(x, str) else x for x in row))
        for (body,) in await tx.exec_driver_sql("SELECT body FROM postings"):
            data = json.loads(body)["data"]
            tried = data["attempt"] and {**data["attempt"], "delivery_tag": None}
            found.append((json.loads(body)["type"], places[data["id"]], data["state"], data["reason"], tried))
    return sorted(found, key=repr)


async def play(house: House, is_kept: bool) -> tuple[list[Any], list[int]]:
    """Forty notices of two templates are claimed, answered and proven, in every order that there may be; the same
    again by reading each of them where nothing is kept.
    """
    await house.open()
    await wish(house)
    other = await other_template(house)
    order = await house.ask(24)
    order += await asked(house, 16, template_id=other, deadline_at=START + HOUR)
    got = await taken(house, keep=is_kept)
    items = {x.notice_id: x for x in got.to_send}
    tags = [items[x].attempt_id for x in order]
    working = house.lookup.working if is_kept else None
    counts: list[int] = []
    seen: list[Any] = []

    async def happens(
        now: int, answers: list[tuple[int, Answer]], events: Iterable[Any], by: str | None = None
    ) -> None:
        house.clock.put(now)
        made = [
            AnswerTo(order[i], tags[i], msgspec.structs.replace(x, request_id=f"r-{i}")) for i, x in answers
        ]
        posted = [told(house, [(kind, tags[i], at) for kind, i, at in events], by)]
        async with house.database.write() as tx:
            done = await record(tx, made, posted, now, house.lookup, house.reactions, working)
        if working is not None:
            working.keep(done.moved, done.alike)
        counts.extend((done.unknown_tags, done.late_duplicates, len(done.illegal), len(done.paused)))
        seen.append(await rows(house.database, order))

    proof, not_proven = EventKind.PROOF, EventKind.NO_PROOF
    await happens(
        START + 1,
        [
            *((i, ACCEPTED) for i in range(6)),
            *((i, TAKEN_BEFORE) for i in range(36, 40)),
            *((i, NO_MATCH) for i in range(6, 11)),
            *((i, TOO_MANY) for i in range(11, 16)),
            (16, BAD),
            *((i, ACCEPTED) for i in range(24, 36)),
            (0, NO_MATCH),
        ],
        [
            *((proof, i, START + 1 + i) for i in range(17, 24)),
            *((proof, i, START - i) for i in range(24, 30)),
            (proof, 25, START + 9),
            (not_proven, 26, START + 9),
            (proof, 30, START + 1),
            (not_proven, 35, START + 1),
        ],
    )
    await happens(START + 2, [], [(proof, i, START + 2) for i in (31, 32, 33, 34)], ids.new())
    async with house.database.write() as tx:
        await cancel(tx, [order[1]], START + 2, Lookup(), ids)
    if working is not None:
        working.clear()
    await happens(
        START + 3,
        [(i, ACCEPTED) for i in range(17, 24)],
        [(proof, i, START + 3 + i) for i in (1, 2, 3, 4, 5, 31, 32, 33, 34, 35)],
    )
    return seen, counts


async def test_what_is_told_of_many_is_written_as_if_each_had_been_told_alone(
    house: House, other_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided: list[int] = []
    sort = alike.sort

    def noted(*given: Any) -> alike.Sorted:
        found = sort(*given)
        decided.append(sum(len(x.tellings) for x in found.told))
        return found

    monkeypatch.setattr(alike, "sort", noted)
    together = await play(house, is_kept=True)
    assert decided[0] >= 25
    alone = await play(other_house, is_kept=False)
    assert together == alone


async def mixed(house: House) -> list[str]:
    """Notices of all kinds, due at once."""
    house.carrier.countries = frozenset({"TW"})
    await house.open(test_numbers='["+886900000001"]')
    await wish(house)
    some, others = await batch(house), await batch(house)
    many = [
        *(await house.ask(12)),
        *(await asked(house, 8, deadline_at=START + HOUR)),
        *(await asked(house, 6, deadline_at=START - 1)),
        *(await asked(house, 5, language="en")),
        *(await asked(house, 3, country="TH")),
        *(await asked(house, 5, batch_id=some)),
        *(await asked(house, 7, batch_id=others)),
        *(await asked(house, 5, template_id=await with_link(house))),
    ]
    async with house.database.write() as tx:
        line_alone, sms_alone = await shop(tx, steps=LINE_ALONE), await shop(tx, steps=SMS_ALONE)
    # One of another country, where no SMS goes, is the first of each.
    for policy_id in (line_alone.policy_id, sms_alone.policy_id):
        many += await asked(house, 4, policy_id=policy_id, country="TH", batch_id=some)
        many += await asked(house, 6, policy_id=policy_id, batch_id=some)
    often = await a_policy(house, policy("line_notification 4h", frequency=(Frequency(3, HOUR),)))
    many += await asked(house, 2, number="+886922222222")
    many += await asked(house, 6, policy_id=often, number="+886922222222")
    pushes = await a_policy(house, policy("line_push 1h", "line_notification 4h"))
    many += await asked(house, 5, policy_id=pushes)
    many += await asked(house, 4, policy_id=pushes, number="+886933333333")
    await bind(house, "+886933333333")
    unwanted = await asked(house, 6, number="+886911111111")
    await suppress(house, "+886911111111")
    return many + unwanted


async def test_what_many_get_that_stand_alike_is_what_each_would_get(
    house: House, other_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    for here, fewest in ((house, claiming.ALIKE), (other_house, 10**9)):
        monkeypatch.setattr(claiming, "ALIKE", fewest)
        order = await mixed(here)
        first = await taken(here)
        assert bool(first.alike) == (fewest < 10**9)
        again = await taken(here, START + 2 * HOUR)
        sent = [
            (
                order.index(x.notice_id),
                x.begun.step,
                x.begun.at,
                x.number,
                {name: text.replace(x.attempt_id, "") for name, text in x.parameters.items()},
                x.common.user_id,
                x.common.language,
                x.reference,
            )
            for x in (*first.to_send, *again.to_send)
        ]
        assert len({x.attempt_id for x in first.to_send}) == len(first.to_send)
        assert all(x.attempt.id == x.attempt_id for x in first.to_send)
        seen.append((sent, await rows(here.database, order)))
    assert seen[0] == seen[1]
    assert len(seen[0][0]) > 30


async def test_what_was_prepared_is_recorded_as_it_would_have_been_without(house: House) -> None:
    await house.open()
    order = await house.ask(6)
    tags = [x.attempt_id for x in (await taken(house)).to_send]
    request = told(house, [(EventKind.PROOF, tag, START) for tag in tags])
    answers = [AnswerTo(x, tag, ACCEPTED) for x, tag in zip(order, tags, strict=True)]
    working = house.lookup.working
    async with house.database.read(quick=True) as tx:
        prepared = await prepare(tx, answers, [request], START, working)
    assert [len(x.tellings) for x in prepared.many.told] == [6]
    async with house.database.write(quick=True) as tx:
        done: Recorded = await record(
            tx, answers, [request], START, house.lookup, house.reactions, working, prepared
        )
    assert done.only_notices
    working.keep(done.moved, done.alike)
    assert [(await house.notice(x)).state for x in order] == ["delivered"] * 6
    assert [working.get(x) for x in order] == [None] * 6


async def test_whose_number_may_not_be_written_to_stands_alone(house: House) -> None:
    house.setup = msgspec.structs.replace(house.setup, every_number_is_a_test_number=False)
    # On a channel in live mode, since no review has let the template out.
    for mode in ("test", "live"):
        await house.open(mode=mode, test_numbers='["+886900000001"]')
        allowed = await asked(house, 5, number="+886900000001")
        others = await asked(house, 5)
        sent = {x.notice_id for x in (await taken(house)).to_send if x.begun.step == "line_notification"}
        assert sent == set(allowed)
        ended = [await house.notice(x) for x in others]
        assert [bool(x.skips) or x.reason == "not_live" for x in ended] == [True] * 5
