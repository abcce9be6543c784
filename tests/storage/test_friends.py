"""The friend registry: events in any order, LINE's list beside them, and what each of them outweighs."""

import random
from itertools import permutations

from notice_support import START
from storage_support import Shop, shop
from todoke.actions import friends as actions
from todoke.carriers import EventKind, InboundEvent
from todoke.core.durations import MINUTE, SECOND
from todoke.storage import friends as store
from todoke.storage.database import Database, Tx
from todoke.storage.friends import Friend

NOW = START + 10 * MINUTE


def user(number: int) -> str:
    return f"U{number:032x}"


ANNA, BO, CHEN = (user(n) for n in (1, 2, 3))


def event(kind: EventKind, at: int, user_id: str = ANNA, name: str | None = None) -> InboundEvent:
    return InboundEvent(id=name or f"{kind}-{at}-{user_id}", kind=kind, at=at, user_id=user_id)


def follow(at: int, user_id: str = ANNA, name: str | None = None) -> InboundEvent:
    return event(EventKind.FOLLOW, at, user_id, name)


def unfollow(at: int, user_id: str = ANNA, name: str | None = None) -> InboundEvent:
    return event(EventKind.UNFOLLOW, at, user_id, name)


async def put(tx: Tx, at: Shop, *events: InboundEvent) -> None:
    await actions.record_events(tx, [(at.channel_id, e) for e in events])


async def one(tx: Tx, at: Shop, user_id: str = ANNA) -> tuple[str, int, str] | None:
    found = (await store.find(tx, at.channel_id, [user_id])).get(user_id)
    return None if found is None else (found.state, found.since, found.source)


# Events


async def test_a_follow_makes_a_friend_and_says_since_when_and_from_where(database: Database) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        await put(tx, at, follow(START))
        assert await one(tx, at) == ("friend", START, "follow event")
        assert await one(tx, at, BO) is None


async def test_who_unfollows_without_ever_having_followed_is_blocked(database: Database) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        await put(tx, at, unfollow(START))
        assert await one(tx, at) == ("blocked", START, "unfollow event")


async def test_the_later_event_counts_in_whatever_order_they_come(database: Database) -> None:
    events = [follow(START), unfollow(START + 1), follow(START + 2), unfollow(START + 3)]
    async with database.write() as tx:
        for order in permutations(events):
            at = await shop(tx)
            for e in order:
                await put(tx, at, e)
            assert await one(tx, at) == ("blocked", START + 3, "unfollow event")
            together = await shop(tx)
            await put(tx, together, *order)
            assert await one(tx, together) == ("blocked", START + 3, "unfollow event")


async def test_of_two_events_of_one_millisecond_the_one_whose_id_sorts_later_counts(
    database: Database,
) -> None:
    async with database.write() as tx:
        for first, second in (("01A", "01B"), ("01B", "01A")):
            events = [follow(START, name=first), unfollow(START, name=second)]
            expected = "blocked" if second == "01B" else "friend"
            for order in (events, events[::-1]):
                at = await shop(tx)
                for e in order:
                    await put(tx, at, e)
                found = await one(tx, at)
                assert found is not None
                assert found[0] == expected


async def test_events_in_random_order_with_doubles_end_as_in_order(database: Database) -> None:
    chance = random.Random(4)
    kinds = (EventKind.FOLLOW, EventKind.UNFOLLOW)
    events = [
        event(chance.choice(kinds), START + i, user(chance.randrange(60)), f"{i:026}") for i in range(2000)
    ]
    mixed = events + chance.sample(events, 400)
    chance.shuffle(mixed)
    async with database.write() as tx:
        in_order, in_disorder = await shop(tx), await shop(tx)
        for e in events:
            await put(tx, in_order, e)
        while mixed:
            portion = [mixed.pop() for _ in range(min(len(mixed), chance.randrange(1, 90)))]
            await put(tx, in_disorder, *portion)
        ended = [
            {x.user_id: (x.state, x.since, x.source, x.event_id) for x in rows}
            for rows in [await store.page(tx, s.channel_id, None, "", 1000) for s in (in_order, in_disorder)]
        ]
    assert ended[0] == ended[1]
    assert len(ended[0]) == 60
    assert {x[0] for x in ended[0].values()} == {"friend", "blocked"}


async def test_each_channel_knows_its_own_friends_only(database: Database) -> None:
    async with database.write() as tx:
        one_channel, other = await shop(tx), await shop(tx)
        await put(tx, one_channel, follow(START))
        await put(tx, other, unfollow(START))
        assert (await one(tx, one_channel), await one(tx, other)) == (
            ("friend", START, "follow event"),
            ("blocked", START, "unfollow event"),
        )


async def test_an_event_without_a_user_changes_nothing(database: Database) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        await put(tx, at, InboundEvent(id="x", kind=EventKind.FOLLOW, at=START))
        assert await store.counts(tx, at.channel_id) == {}


# The list


async def listed(tx: Tx, at: Shop, *users: str, started_at: int = NOW, now: int = NOW + SECOND) -> None:
    await actions.record_listed(tx, at.channel_id, users, started_at, now)


async def closed(tx: Tx, at: Shop, started_at: int = NOW, portion: int = 1000) -> int:
    after, changed = "", 0
    while True:
        until, some = await actions.record_unlisted(tx, at.channel_id, after, started_at, portion)
        changed += some
        if until is None:
            return changed
        after = until


async def test_who_is_listed_is_a_friend_since_the_reading_began(database: Database) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        await listed(tx, at, ANNA, BO, ANNA)
        assert await one(tx, at) == ("friend", NOW, "followers list")
        assert await store.counts(tx, at.channel_id) == {"friend": 2}


async def test_a_friend_known_from_an_event_keeps_since_when(database: Database) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        await put(tx, at, follow(START))
        await listed(tx, at, ANNA)
        assert await one(tx, at) == ("friend", START, "follow event")


async def test_an_unfollow_before_the_reading_began_loses_to_the_list(database: Database) -> None:
    """The follow event that must have come after it was lost."""
    async with database.write() as tx:
        at = await shop(tx)
        await put(tx, at, unfollow(NOW - 1))
        await listed(tx, at, ANNA)
        assert await one(tx, at) == ("friend", NOW, "followers list")
        # The same event again, late, changes nothing either.
        await put(tx, at, unfollow(NOW - 1, name="again"))
        assert await one(tx, at) == ("friend", NOW, "followers list")


async def test_an_unfollow_since_the_reading_began_wins_whether_it_comes_before_or_after_the_page(
    database: Database,
) -> None:
    async with database.write() as tx:
        for at_time in (NOW, NOW + 5 * SECOND):
            before, after = await shop(tx), await shop(tx)
            await put(tx, before, unfollow(at_time))
            await listed(tx, before, ANNA)
            await listed(tx, after, ANNA)
            await put(tx, after, unfollow(at_time))
            for at in (before, after):
                assert await one(tx, at) == ("blocked", at_time, "unfollow event")
                assert await closed(tx, at) == 0
                assert await one(tx, at) == ("blocked", at_time, "unfollow event")


async def test_a_friend_of_before_whom_the_list_does_not_name_is_unlisted(database: Database) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        await put(tx, at, follow(START), follow(START, BO), unfollow(START, CHEN))
        await listed(tx, at, BO)
        assert await closed(tx, at) == 1
        assert await one(tx, at) == ("unlisted", NOW, "followers list")
        assert await one(tx, at, BO) == ("friend", START, "follow event")
        assert await one(tx, at, CHEN) == ("blocked", START, "unfollow event"), "a block stays a block"


async def test_who_followed_while_the_list_was_read_stays_a_friend_though_not_on_it(
    database: Database,
) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        await put(tx, at, follow(NOW))
        assert await closed(tx, at) == 0
        assert await one(tx, at) == ("friend", NOW, "follow event")


async def test_who_was_listed_the_last_time_and_is_not_now_is_unlisted_and_comes_back_when_listed_again(
    database: Database,
) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        await listed(tx, at, ANNA, BO)
        assert await closed(tx, at) == 0
        second, third = NOW + 7 * MINUTE, NOW + 14 * MINUTE
        await listed(tx, at, BO, started_at=second, now=second)
        assert await closed(tx, at, second) == 1
        assert await one(tx, at) == ("unlisted", second, "followers list")
        await listed(tx, at, ANNA, BO, started_at=third, now=third)
        assert await closed(tx, at, third) == 0
        assert await one(tx, at) == ("friend", third, "followers list")


async def test_a_later_event_takes_an_unlisted_user_out_of_that_state(database: Database) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        await put(tx, at, follow(START))
        await closed(tx, at)
        await put(tx, at, unfollow(NOW - 1))
        assert await one(tx, at) == ("unlisted", NOW, "followers list"), (
            "it happened before the list was made"
        )
        await put(tx, at, follow(NOW + 1))
        assert await one(tx, at) == ("friend", NOW + 1, "follow event")


async def test_portions_of_whatever_size_close_the_same_users(database: Database) -> None:
    async with database.write() as tx:
        for portion in (1, 3, 10, 11, 1000):
            at, other = await shop(tx), await shop(tx)
            for s in (at, other):
                await put(tx, s, *(follow(START, user(n)) for n in range(10)))
            await listed(tx, at, *(user(n) for n in range(0, 10, 2)))
            assert await closed(tx, at, portion=portion) == 5
            rows = await store.page(tx, at.channel_id, "unlisted", "", 100)
            assert [x.user_id for x in rows] == [user(n) for n in range(1, 10, 2)]
            assert await store.counts(tx, other.channel_id) == {"friend": 10}


async def test_pages_follow_each_other_without_gap_or_double(database: Database) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        await put(tx, at, *(follow(START, user(n)) for n in range(7)), unfollow(START + 1, user(3)))
        found: list[Friend] = []
        after = ""
        while rows := await store.page(tx, at.channel_id, "friend", after, 2):
            found += rows
            after = rows[-1].user_id
        assert [x.user_id for x in found] == [user(n) for n in (0, 1, 2, 4, 5, 6)]
