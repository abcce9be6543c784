"""What follows from what users do in the chat, told without a network: who is given a link, and how many."""

from __future__ import annotations

from typing import Any

import pytest
import structlog
from msgspec.structs import replace

from notice_support import START
from storage_support import Shop, ids, shop
from todoke.actions import bind_links
from todoke.actions.bind_says import REFERENCE, BindSays
from todoke.actions.bind_talk import BindTalk
from todoke.actions.friends import record_events
from todoke.actions.proofs import Found
from todoke.carriers import EventKind, InboundEvent
from todoke.codes import Codes
from todoke.core.bind_words import BIND_DATA, UNBIND_DATA
from todoke.core.binding import CHAT_ANSWERS_AN_HOUR, LINKS_A_DAY, State, Way, Why
from todoke.core.durations import DAY, HOUR
from todoke.links import Links, Page
from todoke.storage import bind_links as store
from todoke.storage import channels, messages
from todoke.storage.database import Database, Tx

USER = "U" + "a" * 32
LINKS = Links("a key of the tests", "https://notices.example.com")


def talk(**changes: Any) -> BindTalk:
    return BindTalk(
        ids,
        LINKS,
        Codes("a key of the tests"),
        BindSays(ids, LINKS),
        lambda x: f"https://line.me/{x}",
        **changes,
    )


class Chat:
    """A user in the chat of one channel."""

    def __init__(self, tx: Tx, at: Shop, **changes: Any) -> None:
        self.tx = tx
        self.at = at
        self.talk = talk(**changes)

    async def does(self, kind: EventKind, text: str | None = None, now: int = START, **more: Any) -> None:
        event = InboundEvent(
            id=ids.new(), kind=kind, at=now, user_id=USER, text=text, reply_token="r", **more
        )
        if kind in (EventKind.FOLLOW, EventKind.UNFOLLOW):
            await record_events(self.tx, [(self.at.channel_id, event)])
        await self.talk.hear(self.tx, [Found(event, "line", self.at.channel_id)], now)

    async def answers(self) -> list[str]:
        return [x.body for x in await messages.list_messages(self.tx, self.at.account_id, limit=100)]

    async def links(self, now: int = START) -> list[store.StoredLink]:
        return await store.live_of_user(self.tx, self.at.channel_id, USER, now)


async def test_a_follow_asks_for_one_greeting_however_often_it_comes(database: Database) -> None:
    async with database.write() as tx:
        chat = Chat(tx, await shop(tx))
        for _ in range(3):
            await chat.does(EventKind.FOLLOW)
        (link,) = await chat.links()
        (due,) = await store.to_greet(tx, [chat.at.channel_id], 10)
        assert (due.link.id, due.reply_token, due.greets_at) == (link.link.id, "r", START)
        assert await chat.answers() == []


async def test_a_gateway_that_nobody_can_reach_greets_nobody(database: Database) -> None:
    async with database.write() as tx:
        chat = Chat(tx, await shop(tx), opens=False)
        await chat.does(EventKind.FOLLOW)
        assert await chat.links() == []


async def test_a_follow_of_the_day_before_yesterday_is_not_greeted(database: Database) -> None:
    async with database.write() as tx:
        chat = Chat(tx, await shop(tx))
        event = InboundEvent(id="e", kind=EventKind.FOLLOW, at=START - 2 * DAY, user_id=USER)
        await chat.talk.hear(tx, [Found(event, "line", chat.at.channel_id)], START)
        assert await chat.links() == []


async def test_a_tap_in_the_menu_brings_the_same_link_again_and_no_end_of_them(database: Database) -> None:
    async with database.write() as tx:
        chat = Chat(tx, await shop(tx))
        await chat.does(EventKind.FOLLOW)
        for _ in range(3):
            await chat.does(EventKind.POSTBACK, BIND_DATA)
        (link,) = await chat.links()
        said = await chat.answers()
        assert len(said) == 3
        assert all(LINKS.url(Page.BIND, link.link.id) in x for x in said)


async def test_links_of_one_user_are_counted_by_the_day(database: Database) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        channel = await channels.get_channel(tx, at.channel_id)
        assert channel is not None
        settings = await bind_links.bind_settings.settings_of(tx, channel.id)

        async def wants(now: int) -> store.StoredLink | None:
            return await bind_links.personal(tx, channel, settings, USER, Way.CHAT, now, ids)

        seen = []
        for n in range(LINKS_A_DAY):
            made = await wants(START + n)
            assert made is not None
            seen.append(made.link.id)
            # It was used up as far as a code.
            changed = bind_links.replace(made.link, codes_sent=1, state=State.LINKED)
            await store.save(tx, changed)
        assert len(set(seen)) == LINKS_A_DAY
        assert await wants(START + HOUR) is None
        replaced = await store.get_link(tx, seen[0])
        assert replaced is not None
        assert (replaced.link.state, replaced.link.why) == (State.DEAD, Why.REPLACED)
        assert await wants(START + 2 * DAY) is not None


async def test_who_has_left_is_told_to_add_the_account_first(database: Database) -> None:
    async with database.write() as tx:
        chat = Chat(tx, await shop(tx))
        await chat.does(EventKind.UNFOLLOW)
        await chat.does(EventKind.MESSAGE, "綁定", START + 1)
        (said,) = await chat.answers()
        assert "加入好友" in said
        assert await chat.links() == []


async def test_a_tap_to_unbind_asks_first_and_without_a_binding_says_so(database: Database) -> None:
    async with database.write() as tx:
        chat = Chat(tx, await shop(tx))
        await chat.does(EventKind.POSTBACK, UNBIND_DATA)
        (said,) = await chat.answers()
        assert "目前沒有" in said


@pytest.mark.parametrize(
    "event",
    [
        {"kind": EventKind.MESSAGE, "text": "hello"},
        {"kind": EventKind.MESSAGE, "text": None},
        {"kind": EventKind.MESSAGE, "text": "123456"},
        {"kind": EventKind.POSTBACK, "text": "buy=1"},
        {"kind": EventKind.LINKED, "nonce": "the business's own", "linked": True},
        {"kind": EventKind.LINKED, "nonce": None, "linked": False},
    ],
)
async def test_what_is_not_for_us_is_left_to_others(database: Database, event: dict[str, Any]) -> None:
    async with database.write() as tx:
        chat = Chat(tx, await shop(tx))
        await chat.does(**event)
        assert await chat.answers() == []


@pytest.mark.parametrize(
    ("mode", "numbers", "everyone", "why"),
    [
        ("live", "[]", False, None),
        ("test", "[]", False, Why.NOT_A_TEST_NUMBER),
        ("test", '["+886912345678"]', False, None),
        ("test", "[]", True, None),
    ],
)
async def test_in_test_mode_only_test_numbers_are_bound(
    database: Database, mode: str, numbers: str, everyone: bool, why: Why | None
) -> None:
    async with database.write() as tx:
        at = await shop(tx, mode=mode, test_numbers=numbers)
        channel = await channels.get_channel(tx, at.channel_id)
        assert channel is not None
        assert await bind_links.objection(tx, channel, "+886912345678", everyone) is why


async def test_one_event_that_can_not_be_followed_keeps_no_other_from_being_heard(database: Database) -> None:
    async with database.write() as tx:
        chat = Chat(tx, await shop(tx))
        says = chat.talk._says.say
        calls = []

        async def fails_once(*given: Any, **more: Any) -> None:
            calls.append(1)
            if len(calls) == 1:
                raise ValueError("the user's own words")
            await says(*given, **more)

        chat.talk._says.say = fails_once  # type: ignore[method-assign]
        found = [
            Found(
                InboundEvent(id=ids.new(), kind=EventKind.POSTBACK, at=START, user_id=user, text=UNBIND_DATA),
                "line",
                chat.at.channel_id,
            )
            for user in ("U" + "b" * 32, USER)
        ]
        with structlog.testing.capture_logs() as logs:
            await chat.talk.hear(tx, found, START)
        assert len(await chat.answers()) == 1
        (entry,) = logs
        assert (entry["event"], entry["event_id"], entry["error"]) == (
            "binding.event",
            found[0].event.id,
            "ValueError",
        )
        assert "own words" not in str(entry)


async def test_a_hostile_name_of_a_channel_is_said_without_what_turns_text_around(database: Database) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        await channels.update_channel(tx, at.channel_id, name="A\x85\u202eB")
        chat = Chat(tx, at)
        await chat.does(EventKind.POSTBACK, UNBIND_DATA)
        (said,) = await chat.answers()
        assert "「AB」" in said


async def test_who_writes_without_end_is_answered_so_often_an_hour(database: Database) -> None:
    async with database.write() as tx:
        chat = Chat(tx, await shop(tx))
        for n in range(CHAT_ANSWERS_AN_HOUR + 5):
            await chat.does(EventKind.MESSAGE, "unlink", START + n)
        assert len(await chat.answers()) == CHAT_ANSWERS_AN_HOUR
        await chat.does(EventKind.MESSAGE, "unlink", START + 2 * HOUR)
        assert len(await chat.answers()) == CHAT_ANSWERS_AN_HOUR + 1
        (first, *_) = await messages.load_due(tx, chat.at.channel_id, START, 1)
        await messages.save(tx, [replace(first.message, due_at=None, ended_at=START)])
        await messages.forget(tx, REFERENCE, START)
        assert len(await chat.answers()) == CHAT_ANSWERS_AN_HOUR + 1
        await messages.forget(tx, REFERENCE, START + 1)
        assert len(await chat.answers()) == CHAT_ANSWERS_AN_HOUR


@pytest.mark.parametrize("text", ["unlink", "link", BIND_DATA])
async def test_while_another_program_has_the_chat_nothing_is_answered(database: Database, text: str) -> None:
    async with database.write() as tx:
        chat = Chat(tx, await shop(tx))
        await chat.does(EventKind.FOLLOW, standby=True)
        for kind in (EventKind.MESSAGE, EventKind.POSTBACK):
            await chat.does(kind, text, standby=True)
        assert await chat.answers() == []
        assert await chat.links() == []


async def test_greetings_of_channels_of_other_processes_keep_nobody_waiting(database: Database) -> None:
    async with database.write() as tx:
        first, second = Chat(tx, await shop(tx)), Chat(tx, await shop(tx))
        await first.does(EventKind.FOLLOW)
        await second.does(EventKind.FOLLOW, now=START + 1)
        assert set(await store.channels_to_greet(tx)) == {first.at.channel_id, second.at.channel_id}
        (due,) = await store.to_greet(tx, [second.at.channel_id], 1)
        assert due.channel_id == second.at.channel_id
