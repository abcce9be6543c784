"""Who leaves day by day and what was sent before; who came after what; and what is stored of silences."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

import msgspec
import pytest

from notice_support import START
from storage_support import Shop, ids, new_notice, shop
from todoke.actions import friends as friend_actions
from todoke.carriers import EventKind, InboundEvent
from todoke.core.counting import line_day, span
from todoke.core.durations import DAY, HOUR, MINUTE
from todoke.engine import checks
from todoke.reports import block_rate, growth, number_health, silence
from todoke.storage import bindings, channel_days, channels, notices
from todoke.storage import silence as store
from todoke.storage.bindings import Binding
from todoke.storage.channel_days import Day
from todoke.storage.database import Database, Tx
from todoke.storage.tables import attempts

NOW = START
TODAY = line_day(NOW)
NUMBER, OTHER = "+886912345678", "+886912345679"


def user(number: int) -> str:
    return f"U{number:032x}"


def event(kind: EventKind, at: int, who: int, unblocked: bool | None = None) -> InboundEvent:
    return InboundEvent(id=f"{kind}-{at}-{who}", kind=kind, at=at, user_id=user(who), unblocked=unblocked)


async def hear(tx: Tx, at: Shop, *events: InboundEvent) -> None:
    await friend_actions.record_events(tx, [(at.channel_id, e) for e in events])


async def notice(
    tx: Tx, at: Shop, when: int, *, number: str = NUMBER, step: str = "line_notification", **attempt: Any
) -> str:
    """A notice with one attempt, as it is stored."""
    row = new_notice(at, number=number, created_at=when, due_at=None)
    await notices.insert_new(tx, [row])
    values = {
        "id": ids.new(),
        "notice_id": row.id,
        "step_index": 0,
        "step": step,
        "at": when,
        "gives_proof": 1,
        "closes_at": when + DAY + 10 * MINUTE,
        "outcome": "silent",
        "open": 0,
        "late_duplicate": 0,
    }
    await tx.execute(attempts.insert().values(**{**values, **attempt}))
    return row.id


async def bind(
    tx: Tx, at: Shop, who: int, number: str = NUMBER, bound_at: int = START - DAY, **more: Any
) -> None:
    values = {"id": ids.new(), "account_id": at.account_id, "provider": "default", "number": number}
    values |= {"user_id": user(who), "way": "sms", "bound_at": bound_at, "created_at": bound_at, **more}
    await bindings.insert_binding(tx, msgspec.convert(values, Binding))


async def test_follows_and_unfollows_are_counted_by_lines_day_in_any_order(database: Database) -> None:
    midnight = span(TODAY)[0]
    events = [
        event(EventKind.FOLLOW, midnight - 1, 1),
        event(EventKind.UNFOLLOW, midnight, 1),
        event(EventKind.FOLLOW, midnight + HOUR, 1, unblocked=True),
        event(EventKind.FOLLOW, midnight + HOUR, 2),
    ]
    for order in permutations(events):
        async with database.write() as tx:
            at = await shop(tx)
            for one in order:
                await hear(tx, at, one)
            found = await channel_days.since(tx, [at.channel_id], TODAY - timedelta(days=1))
        before, today = (found[Day(at.channel_id, d)] for d in (TODAY - timedelta(days=1), TODAY))
        assert (before.followed, before.unfollowed) == (1, 0)
        assert (today.followed, today.unblocked, today.unfollowed) == (2, 1, 1)


async def test_a_rise_of_the_block_rate_is_named_with_what_was_sent_before(database: Database) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        start = span(TODAY)[0]
        await hear(tx, at, *(event(EventKind.FOLLOW, start - 30 * DAY, i) for i in range(400)))
        # One a day is usual; on the last day twelve leave.
        await hear(tx, at, *(event(EventKind.UNFOLLOW, start - i * DAY + HOUR, i) for i in range(1, 28)))
        await hear(tx, at, *(event(EventKind.UNFOLLOW, start + HOUR, 100 + i) for i in range(12)))
        for age in (1, 2, 5):
            await notice(tx, at, start - age * DAY)
        channel = await channels.get_channel(tx, at.channel_id)
        assert channel is not None
        found = await block_rate.report(tx, channel, TODAY - timedelta(days=6), TODAY, NOW, by_id=False)
    assert [x["rose"] for x in found["days"]] == [False] * 6 + [True]
    today = found["days"][-1]
    assert (today["friends"], today["unfollowed"]) == (400 - 27, 12)
    (rise,) = found["rises"]
    assert rise["sent_before"] == [{"template": "parcel", "step": "line_notification", "sent": 2}]


async def rates(tx: Tx, at: Shop, days: int) -> dict[str, Any]:
    channel = await channels.get_channel(tx, at.channel_id)
    assert channel is not None
    return await block_rate.report(tx, channel, TODAY - timedelta(days=days - 1), TODAY, NOW, by_id=False)


async def test_blockers_who_were_never_friends_did_not_leave(database: Database) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        await hear(tx, at, *(event(EventKind.FOLLOW, NOW - 2 * DAY, i) for i in range(30)))
        await hear(tx, at, *(event(EventKind.UNFOLLOW, NOW - HOUR, 100 + i) for i in range(4)))
        await hear(tx, at, event(EventKind.UNFOLLOW, NOW - HOUR, 1))
        found = await rates(tx, at, 2)
        grown = await growth.report(tx, at.account_id, [at.channel_id], False, NOW - DAY, NOW + 1, NOW)
    assert [x["friends"] for x in found["days"]] == [30, 30]
    today = found["days"][-1]
    assert (today["unfollowed"], today["blocked_by_others"]) == (1, 4)
    assert today["rate"] == round(1 / 30, 6)
    assert (grown["friends"]["unfollowed"], grown["friends"]["blocked_by_others"]) == (1, 4)


async def test_however_many_strangers_block_the_account_no_rise_comes_of_it(database: Database) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        await hear(tx, at, *(event(EventKind.FOLLOW, NOW - 30 * DAY, i) for i in range(100)))
        await hear(tx, at, *(event(EventKind.UNFOLLOW, NOW - HOUR, 200 + i) for i in range(50)))
        found = await rates(tx, at, 7)
    assert found["rises"] == []
    assert [x["blocked_by_others"] for x in found["days"]] == [0] * 6 + [50]


async def test_friends_whom_only_the_followers_list_named_leave_as_others_do(database: Database) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        listed = [user(i) for i in range(3)]
        await friend_actions.record_listed(tx, at.channel_id, listed, NOW - 3 * DAY, NOW - 3 * DAY)
        # The list of a day ago has the third no more; the event that says why comes late.
        await friend_actions.record_listed(tx, at.channel_id, listed[:2], NOW - DAY, NOW - DAY)
        await friend_actions.record_unlisted(tx, at.channel_id, "", NOW - DAY, 100)
        await hear(
            tx, at, event(EventKind.UNFOLLOW, NOW - HOUR, 0), event(EventKind.UNFOLLOW, NOW - 2 * DAY, 2)
        )
        found = await rates(tx, at, 3)
    assert [x["unfollowed"] for x in found["days"]] == [1, 0, 1]
    assert [x["friends"] for x in found["days"]] == [3, 2, 2]
    assert sum(x["blocked_by_others"] for x in found["days"]) == 0


async def test_who_blocked_as_a_stranger_and_came_back_leaves_as_a_friend(database: Database) -> None:
    events = [
        event(EventKind.UNFOLLOW, NOW - 3 * HOUR, 1),
        event(EventKind.FOLLOW, NOW - 2 * HOUR, 1, unblocked=True),
        event(EventKind.UNFOLLOW, NOW - HOUR, 1),
    ]
    async with database.write() as tx:
        for pieces in ([[x] for x in events], [events], [list(reversed(events))]):
            at = await shop(tx)
            for piece in pieces:
                await hear(tx, at, *piece)
            found = await channel_days.since(tx, [at.channel_id], TODAY)
            assert found[Day(at.channel_id, TODAY)] == channel_days.Moves(
                followed=1, unblocked=1, unfollowed=1, blocked_by_others=1
            )


async def test_days_before_anything_was_known_of_a_channel_have_no_friends_and_no_rate(
    database: Database,
) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        await hear(tx, at, *(event(EventKind.FOLLOW, NOW - 2 * DAY, i) for i in range(2)))
        found = await rates(tx, at, 5)
        unheard = await rates(tx, await shop(tx), 2)
    assert [x["friends"] for x in found["days"]] == [None, None, 0, 2, 2]
    assert [x["rate"] for x in found["days"]] == [None, None, None, 0, 0]
    assert [x["friends"] for x in unheard["days"]] == [None, 0]


async def test_a_channel_without_history_has_no_usual_rate_and_no_rises(database: Database) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        await hear(tx, at, *(event(EventKind.FOLLOW, NOW - HOUR, i) for i in range(50)))
        await hear(tx, at, *(event(EventKind.UNFOLLOW, NOW - MINUTE, i) for i in range(20)))
        channel = await channels.get_channel(tx, at.channel_id)
        assert channel is not None
        found = await block_rate.report(tx, channel, TODAY, TODAY, NOW, by_id=False)
    assert found["days"][0]["usual_rate"] is None
    assert found["rises"] == []


async def test_a_friend_is_won_by_what_reached_a_number_of_theirs_shortly_before(database: Database) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        await notice(tx, at, NOW - 10 * DAY, outcome="delivered", proof_at=NOW - 10 * DAY)
        await notice(tx, at, NOW - 3 * DAY, step="sms", outcome="delivered", proof_at=NOW - 3 * DAY)
        await notice(tx, at, NOW - 3 * DAY, number=OTHER, outcome="silent")
        for who, number in ((1, NUMBER), (2, OTHER)):
            await bind(tx, at, who, number)
        follows = [event(EventKind.FOLLOW, NOW - 2 * DAY, i) for i in (1, 2, 3)]
        await hear(tx, at, *follows, event(EventKind.FOLLOW, NOW - DAY, 4, unblocked=True))
        await hear(tx, at, event(EventKind.UNFOLLOW, NOW - HOUR, 3))
        found = await growth.report(tx, at.account_id, [at.channel_id], False, NOW - 5 * DAY, NOW + 1, NOW)
    friends = found["friends"]
    assert (friends["followed"], friends["unblocked"], friends["unfollowed"]) == (4, 1, 1)
    assert (friends["new"], friends["new_stayed"]) == (3, 2)
    assert (friends["won"], friends["unattributed"]) == (1, 2)
    assert friends["by_template"] == [{"template": "parcel", "step": "sms", "won": 1, "stayed": 1}]


async def test_bindings_are_judged_after_7_and_30_days_only_if_they_are_as_old(database: Database) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        await bind(tx, at, 1, bound_at=NOW - 40 * DAY)
        await bind(tx, at, 2, bound_at=NOW - 40 * DAY, unbound_at=NOW - 20 * DAY)
        await bind(tx, at, 3, bound_at=NOW - 2 * DAY)
        found = await growth.report(tx, at.account_id, [at.channel_id], False, NOW - 60 * DAY, NOW, NOW)
    (row,) = found["bindings"]
    assert (row["way"], row["made"], row["standing"]) == ("sms", 3, 2)
    assert row["after_7d"] == {"of": 2, "standing": 2}
    assert row["after_30d"] == {"of": 2, "standing": 1}


async def test_a_silence_is_judged_by_other_channels_of_the_account_and_never_by_other_accounts(
    database: Database,
) -> None:
    async with database.write() as tx:
        mine, stranger = await shop(tx), await shop(tx)
        silent = await notice(tx, mine, NOW - 3 * DAY)
        shown = NOW - 3 * DAY + HOUR
        await notice(tx, stranger, shown, outcome="delivered", proof_at=shown)
        alone = await silence.of_notice(tx, mine.account_id, silent, NUMBER, NOW)
        second = msgspec.structs.replace(mine, channel_id=(await _second_channel(tx, mine)))
        await notice(tx, second, shown, outcome="delivered", proof_at=shown)
        beside = await silence.of_notice(tx, mine.account_id, silent, NUMBER, NOW)
        theirs = await silence.of_notice(tx, stranger.account_id, silent, NUMBER, NOW)
    assert alone is not None
    assert alone["causes"][0]["cause"] == "unknown"
    assert beside is not None
    assert beside["causes"][0]["cause"] == "blocked"
    assert theirs is None


async def _second_channel(tx: Tx, at: Shop) -> str:
    first = await channels.get_channel(tx, at.channel_id)
    assert first is not None
    made = ids.new()
    values = {**{k: getattr(first, k) for k in first.__struct_fields__}, "id": made, "name": "Bills"}
    await channels.insert_channel(tx, type(first)(**{**values, "line_channel_id": made[-20:]}))
    return made


async def test_no_more_than_so_many_notices_of_a_number_are_read(database: Database) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        made = [await notice(tx, at, NOW - (100 - i) * DAY) for i in range(100)]
        newest = await store.tries_of(tx, at.account_id, [NUMBER])
        around = await store.tries_around(tx, at.account_id, NUMBER, made[20])
    assert [x.notice_id for x in newest] == made[-store.MOST_NOTICES :]
    assert made[20] in {x.notice_id for x in around}
    assert len(around) <= store.MOST_NOTICES


async def test_an_erased_number_has_no_cause_and_no_health(database: Database) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        made = await notice(tx, at, NOW - 3 * DAY, number="")
        assert await silence.of_notice(tx, at.account_id, made, "", NOW) is None
        assert await number_health.to_refresh(tx, at.account_id, None, 10, NOW) == ([], None)
        wanted = store.Wanted(account_id=at.account_id, since=0, until=NOW, by_id=False)
        found = await silence.report(tx, wanted, NOW)
    assert (found["silent"], found["judged"]) == (1, 0)


async def test_a_number_with_thousands_of_others_before_it_comes_on_a_later_page(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(number_health, "WALKED", 10)
    async with database.write() as tx:
        at = await shop(tx)
        await notice(tx, at, NOW - 9 * DAY, outcome="delivered", proof_at=NOW - 9 * DAY)
        bad = await notice(tx, at, NOW - 8 * DAY, outcome="unreachable")
        for i in range(25):
            await notice(
                tx, at, NOW - DAY, number=f"+8869123400{i:02d}", outcome="delivered", proof_at=NOW - DAY
            )
        pages, cursor = [], None
        while True:
            rows, cursor = await number_health.to_refresh(tx, at.account_id, cursor, 100, NOW)
            pages.append([x["notice"] for x in rows])
            if cursor is None:
                break
    assert pages == [[], [], [bad]]


def test_alarms_about_webhooks_have_the_name_that_the_watch_gives_them() -> None:
    assert silence.WEBHOOK_ALARMS == (checks.WEBHOOK_TROUBLE,)
