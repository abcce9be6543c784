"""LINE's followers list is read page by page: resumable, patient, and never against what events know better."""

import asyncio
import tracemalloc
from collections.abc import Callable

import pytest

from engine_house import SEAL, TOKEN, House
from notice_support import START
from storage_support import ids, shop
from todoke.actions import friend_sync as actions
from todoke.actions import friends as friend_actions
from todoke.actions.friend_sync import BACKOFF_CAP, EVERY, FIRST_AFTER, State
from todoke.carriers import EventKind, InboundEvent
from todoke.carriers.line import FollowersPage
from todoke.core.durations import DAY, HOUR, MINUTE, SECOND
from todoke.engine.friend_sync import FriendSyncs
from todoke.sealing import Seal
from todoke.storage import channels, friend_syncs, friends
from todoke.storage.friend_syncs import FriendSync


def user(number: int) -> str:
    return f"U{number:032x}"


class List:
    """LINE's list as a test has it: `pages` of user IDs. `answer` may answer in its stead, by the start."""

    def __init__(self, *pages: list[str]) -> None:
        self.pages = pages
        self.asked: list[str | None] = []
        self.tokens: list[str] = []
        self.answer: Callable[[str | None], FollowersPage | None] = lambda _: None

    async def follower_ids(self, token: str, start: str | None = None) -> FollowersPage:
        self.asked.append(start)
        self.tokens.append(token)
        await asyncio.sleep(0)
        if (told := self.answer(start)) is not None:
            return told
        at = int(start or 0)
        following = str(at + 1) if at + 1 < len(self.pages) else None
        return FollowersPage(status=200, listed=tuple(self.pages[at]), next=following)


class Owns:
    """Whose the channels are."""

    def __init__(self) -> None:
        self.all = True
        self.holds = True

    def owns(self, channel_id: str) -> bool:
        return self.all

    def lease_holds(self) -> bool:
        return self.holds

    def lost(self, channel_id: str, fence: int) -> None:
        raise AssertionError("nobody takes a channel in these tests")


class Desk:
    """A house, LINE's list, and loops that read it."""

    def __init__(self, house: House, line: List) -> None:
        self.house = house
        self.line = line
        self.owns = Owns()
        self.loop = self.new_loop()

    def new_loop(self, seal: Seal = SEAL) -> FriendSyncs:
        """Another process, so to say."""
        return FriendSyncs(self.house.clock, self.house.database, self.line, seal, self.owns, ids)

    def pass_time(self, milliseconds: int) -> None:
        self.house.clock.put(self.house.clock.now() + milliseconds)

    async def ask(self) -> None:
        async with self.house.database.write() as tx:
            await actions.ask(tx, self.house.shop.channel_id, self.house.clock.now())

    async def rest(self) -> None:
        """Does all that is due now."""
        async with asyncio.timeout(20):
            while await self.loop.step():
                pass

    async def sync(self) -> FriendSync:
        async with self.house.database.read() as tx:
            found = await friend_syncs.get(tx, self.house.shop.channel_id)
        assert found is not None
        return found

    async def states(self) -> dict[str, int]:
        async with self.house.database.read() as tx:
            return await friends.counts(tx, self.house.shop.channel_id)

    async def event(self, kind: EventKind, user_id: str, at: int) -> None:
        told = InboundEvent(id=f"{kind}{at}{user_id}", kind=kind, at=at, user_id=user_id)
        async with self.house.database.write() as tx:
            await friend_actions.record_events(tx, [(self.house.shop.channel_id, told)])

    async def state_of(self, user_id: str) -> str:
        async with self.house.database.read() as tx:
            return (await friends.find(tx, self.house.shop.channel_id, [user_id]))[user_id].state


@pytest.fixture
async def desk(house: House) -> Desk:
    """Three pages, one of them empty."""
    await house.open()
    return Desk(house, List([user(n) for n in range(5)], [], [user(n) for n in range(5, 8)]))


async def test_all_pages_are_read_also_behind_an_empty_one(desk: Desk) -> None:
    await desk.ask()
    await desk.rest()
    sync = await desk.sync()
    assert (sync.state, sync.pages, sync.found, sync.error) == (State.FINISHED, 3, 8, None)
    assert (sync.started_at, sync.finished_at) == (START, START)
    assert await desk.states() == {"friend": 8}
    assert desk.line.asked == [None, "1", "2"]
    assert set(desk.line.tokens) == {TOKEN}


async def test_a_new_channel_is_read_by_itself_a_minute_later_and_then_every_week(desk: Desk) -> None:
    await desk.rest()
    assert desk.line.asked == []
    assert desk.loop.due_at == START + FIRST_AFTER
    desk.pass_time(FIRST_AFTER - 1)
    await desk.rest()
    assert desk.line.asked == []
    desk.pass_time(1)
    await desk.rest()
    assert (await desk.sync()).state == State.FINISHED
    assert desk.loop.due_at == START + FIRST_AFTER + EVERY
    desk.pass_time(EVERY)
    await desk.rest()
    assert len(desk.line.asked) == 6
    assert desk.loop.due_at == START + FIRST_AFTER + 2 * EVERY


async def test_a_channel_without_a_token_or_of_another_process_is_left_alone(house: House) -> None:
    await house.open()
    async with house.database.write() as tx:
        await channels.update_channel(tx, house.shop.channel_id, access_token=None)
    desk = Desk(house, List([user(1)]))
    await desk.ask()
    await desk.rest()
    assert (desk.line.asked, desk.loop.due_at) == ([], None)
    async with house.database.write() as tx:
        await channels.update_channel(tx, house.shop.channel_id, access_token=SEAL.close(TOKEN))
    desk.owns.all = False
    await desk.rest()
    assert (desk.line.asked, desk.loop.due_at) == ([], None)
    desk.owns.all = True
    await desk.rest()
    assert desk.line.asked == [None]


async def test_nothing_is_asked_while_it_is_in_doubt_whose_the_channel_is(desk: Desk) -> None:
    await desk.ask()
    desk.owns.holds = False
    desk.loop.wake.set()
    assert await desk.loop.step(), "it is due, so the loop is not at rest"
    assert desk.line.asked == []
    desk.owns.holds = True
    await desk.rest()
    assert (await desk.sync()).state == State.FINISHED


async def test_a_killed_process_goes_on_at_the_page_where_it_was(desk: Desk) -> None:
    await desk.ask()
    assert await desk.loop.step()
    sync = await desk.sync()
    assert (sync.state, sync.pages, sync.next) == (State.RUNNING, 1, "1")
    desk.pass_time(23 * HOUR)
    desk.loop = desk.new_loop()
    await desk.rest()
    assert desk.line.asked == [None, "1", "2"]
    sync = await desk.sync()
    assert (sync.state, sync.started_at, sync.finished_at) == (State.FINISHED, START, START + 23 * HOUR)


async def test_a_process_killed_while_it_marks_the_unlisted_goes_on_with_that(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "PORTION", 3)
    for n in range(20):
        await desk.event(EventKind.FOLLOW, user(n), START - 1)
    await desk.ask()
    while (await desk.sync()).state != State.CLOSING:
        assert await desk.loop.step()
    assert await desk.loop.step()
    assert (await desk.sync()).next == user(2)
    desk.loop = desk.new_loop()
    await desk.rest()
    assert await desk.states() == {"friend": 8, "unlisted": 12}
    assert desk.line.asked == [None, "1", "2"], "the pages are not read again"


async def test_a_page_and_where_the_next_one_begins_are_stored_together_or_not_at_all(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Exception):
        pass

    async def killed(*_: object, **__: object) -> None:
        raise Killed

    await desk.ask()
    assert await desk.loop.step()
    with monkeypatch.context() as broken:
        broken.setattr(actions.store, "put", killed)
        with pytest.raises(Killed):
            await desk.loop.step()
    assert (await desk.sync()).pages == 1
    desk.line.pages = ([], [user(9)])
    with monkeypatch.context() as broken:
        broken.setattr(actions.store, "put", killed)
        with pytest.raises(Killed):
            await desk.loop.step()
    assert await desk.states() == {"friend": 5}, "the users of the page that was not finished are not there"
    await desk.rest()
    assert await desk.states() == {"friend": 6}


async def test_a_continuation_older_than_24_hours_is_not_tried_and_the_list_is_begun_anew(desk: Desk) -> None:
    await desk.ask()
    assert await desk.loop.step()
    desk.pass_time(DAY)
    assert await desk.loop.step()
    sync = await desk.sync()
    assert (sync.state, sync.started_at, sync.pages) == (State.RUNNING, START + DAY, 1)
    assert sync.error is not None
    assert "begun anew" in sync.error
    await desk.rest()
    assert desk.line.asked == [None, None, "1", "2"]
    sync = await desk.sync()
    assert (sync.state, sync.found, sync.error) == (State.FINISHED, 8, None)


async def test_a_start_that_line_refuses_is_begun_anew_at_once_and_the_error_says_so(desk: Desk) -> None:
    refused = FollowersPage(error="Invalid start param", status=400, expired_start=True)
    desk.line.answer = lambda start: refused if start == "2" and desk.line.asked.count("2") == 1 else None
    await desk.ask()
    for _ in range(3):
        assert await desk.loop.step()
    sync = await desk.sync()
    assert (sync.state, sync.due_at, sync.next) == (State.WAITING, START, None)
    assert sync.error == "Invalid start param; begun anew"
    await desk.rest()
    assert desk.line.asked == [None, "1", "2", None, "1", "2"]
    assert (await desk.sync()).state == State.FINISHED


async def test_a_list_that_always_breaks_off_is_tried_less_and_less_often(desk: Desk) -> None:
    refused = FollowersPage(error="Invalid start param", status=400, expired_start=True)
    desk.line.answer = lambda start: refused if start else None
    await desk.ask()
    waits = []
    for _ in range(9):
        await desk.rest()
        due = (await desk.sync()).due_at
        assert due is not None
        waits.append(due - desk.house.clock.now())
        desk.pass_time(waits[-1])
    # The first beginning anew comes at once and is over when the loop rests.
    assert waits[:3] == [60 * SECOND, 120 * SECOND, 240 * SECOND]
    assert waits[-1] == BACKOFF_CAP
    assert len(desk.line.asked) == 2 * (len(waits) + 1)


async def test_trouble_on_the_way_is_waited_out_and_the_list_goes_on_where_it_was(desk: Desk) -> None:
    broken = FollowersPage(error="the connection to LINE broke (OSError): try again", retryable=True)
    desk.line.answer = lambda start: broken if start == "1" and desk.line.asked.count("1") < 3 else None
    await desk.ask()
    await desk.rest()
    sync = await desk.sync()
    assert (sync.state, sync.due_at, sync.error) == (State.WAITING, START + 30 * SECOND, broken.error)
    assert desk.loop.due_at == sync.due_at
    desk.pass_time(30 * SECOND)
    await desk.rest()
    assert desk.loop.due_at == START + 90 * SECOND
    desk.pass_time(60 * SECOND)
    await desk.rest()
    sync = await desk.sync()
    assert (sync.state, sync.error, sync.tries) == (State.FINISHED, None, 0)
    assert desk.line.asked == [None, "1", "1", "1", "2"]


async def test_line_is_not_asked_before_it_wants_to_be(desk: Desk) -> None:
    slow_down = FollowersPage(error="too many", status=429, retryable=True, retry_after=10 * MINUTE)
    desk.line.answer = lambda _: slow_down if len(desk.line.asked) == 1 else None
    await desk.ask()
    await desk.rest()
    assert (await desk.sync()).due_at == START + 10 * MINUTE


async def test_an_unverified_account_is_a_state_of_its_own_and_not_asked_again_for_a_day(desk: Desk) -> None:
    error = (
        "Access to this API is not available for your account: LINE lists followers of verified accounts only"
    )
    desk.line.answer = lambda _: FollowersPage(error=error, status=403)
    await desk.event(EventKind.FOLLOW, user(1), START - 1)
    await desk.ask()
    await desk.rest()
    sync = await desk.sync()
    assert (sync.state, sync.error, sync.due_at) == (State.UNVERIFIED, error, START + DAY)
    assert await desk.states() == {"friend": 1}, "events are still known"
    desk.pass_time(DAY - 1)
    await desk.rest()
    assert len(desk.line.asked) == 1
    desk.pass_time(1)
    desk.line.answer = lambda _: None
    await desk.rest()
    assert (await desk.sync()).state == State.FINISHED


async def test_a_refused_token_does_not_pause_the_channel_and_a_new_one_goes_on_where_it_was(
    desk: Desk,
) -> None:
    desk.line.answer = lambda start: (
        FollowersPage(error="Authentication failed", status=401)
        if start == "1" and desk.line.tokens[-1] == TOKEN
        else None
    )
    await desk.ask()
    await desk.rest()
    assert (await desk.sync()).state == State.DENIED
    async with desk.house.database.read() as tx:
        channel = await channels.get_channel(tx, desk.house.shop.channel_id)
    assert channel is not None
    assert channel.paused_at is None
    desk.pass_time(HOUR)
    await desk.rest()
    assert len(desk.line.asked) == 2
    async with desk.house.database.write() as tx:
        now = desk.house.clock.now()
        await channels.update_channel(tx, channel.id, access_token=SEAL.close("a new token"), token_at=now)
    await desk.rest()
    assert desk.line.asked == [None, "1", "1", "2"]
    assert (await desk.sync()).state == State.FINISHED


async def test_a_token_that_can_not_be_read_is_said_and_nothing_is_asked(desk: Desk) -> None:
    desk.loop = desk.new_loop(Seal("another key"))
    await desk.ask()
    await desk.rest()
    sync = await desk.sync()
    assert (sync.state, desk.line.asked) == (State.DENIED, [])
    assert sync.error is not None
    assert "TODOKE_SECRET_KEY" in sync.error


async def test_two_processes_that_read_the_same_list_count_no_page_twice(desk: Desk) -> None:
    """A process that lost the channel while its request was out."""
    await desk.ask()
    other = desk.new_loop()
    assert await desk.loop.step()
    await asyncio.gather(desk.loop.step(), other.step())
    assert (await desk.sync()).pages == 2
    await desk.rest()
    sync = await desk.sync()
    assert (sync.state, sync.pages, sync.found) == (State.FINISHED, 3, 8)


async def test_asking_again_while_it_is_read_changes_nothing_and_afterwards_reads_anew(desk: Desk) -> None:
    await desk.ask()
    assert await desk.loop.step()
    await desk.ask()
    await desk.rest()
    assert desk.line.asked == [None, "1", "2"]
    desk.pass_time(1)
    await desk.ask()
    sync = await desk.sync()
    assert (sync.state, sync.finished_at, sync.found) == (State.QUEUED, START, 8), (
        "the last one is still told"
    )
    await desk.rest()
    assert len(desk.line.asked) == 6
    assert ((await desk.sync()).finished_at, (await desk.sync()).found) == (START + 1, 8)


async def test_what_happens_while_the_list_is_read_counts_for_more_than_the_list(desk: Desk) -> None:
    gone, came, lost = user(0), user(50), user(60)
    await desk.event(EventKind.FOLLOW, lost, START - 1)
    await desk.ask()
    assert await desk.loop.step()
    desk.pass_time(SECOND)
    await desk.event(EventKind.UNFOLLOW, gone, desk.house.clock.now())
    await desk.event(EventKind.UNFOLLOW, user(7), desk.house.clock.now())
    await desk.event(EventKind.FOLLOW, came, desk.house.clock.now())
    await desk.rest()
    states = [await desk.state_of(u) for u in (gone, user(7), came, lost, user(1))]
    assert states == ["blocked", "blocked", "friend", "unlisted", "friend"]


async def test_a_list_without_an_end_is_given_up_for_a_day(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("todoke.engine.friend_sync.MOST_PAGES", 10)
    desk.line.answer = lambda start: FollowersPage(
        status=200, listed=(), next="b" if start in (None, "a") else "a"
    )
    await desk.ask()
    await desk.rest()
    sync = await desk.sync()
    assert (sync.state, sync.due_at, len(desk.line.asked)) == (State.WAITING, START + DAY, 10)
    assert sync.error is not None
    assert "no end" in sync.error


async def test_one_channel_that_line_refuses_does_not_hold_up_another(desk: Desk) -> None:
    async with desk.house.database.write() as tx:
        other = await shop(tx, token=SEAL.close("other"))
        await actions.ask(tx, other.channel_id, START)
    desk.line.answer = lambda _: (
        FollowersPage(error="gone", retryable=True) if desk.line.tokens[-1] == TOKEN else None
    )
    await desk.ask()
    await desk.rest()
    async with desk.house.database.read() as tx:
        assert await friends.counts(tx, other.channel_id) == {"friend": 8}
    assert (await desk.sync()).state == State.WAITING


async def test_a_long_list_takes_the_memory_of_a_page(house: House) -> None:
    await house.open()
    desk = Desk(house, List([]))

    def page(start: str | None) -> FollowersPage:
        at = int(start or 0)
        listed = tuple(user(at * 1000 + n) for n in range(1000))
        return FollowersPage(status=200, listed=listed, next=str(at + 1) if at < 29 else None)

    desk.line.answer = page
    await desk.ask()
    for _ in range(4):
        assert await desk.loop.step()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        await desk.rest()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert (await desk.sync()).found == 30_000
    # 26,000 user IDs alone would take more than 2 MB.
    assert grown < 500_000
