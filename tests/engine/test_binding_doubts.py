"""Which bindings routing relies on, and which of them carriers' words put in doubt."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from sqlalchemy import event

from engine_house import House
from notice_support import HOUR, START
from storage_support import ids, new_notice
from todoke.actions import doubts
from todoke.actions.facts import Asked, FactBook, Known
from todoke.core.notice import Answered, Attempt, Event, NoProof, Proof
from todoke.core.outcome import Answer, Outcome
from todoke.core.routing import Friendship, Step
from todoke.storage import bind_settings, bindings, channels, friends, notices
from todoke.storage.bind_settings import BindSettings
from todoke.storage.bindings import Binding
from todoke.storage.friends import Friend

NUMBER = "+886912345678"
ONE, OTHER = "U" + "1" * 32, "U" + "2" * 32
DAY = 24 * HOUR
UNREACHABLE = Answer(outcome=Outcome.UNREACHABLE, status=422)


class Town:
    """Users, their bindings, and notices to their number."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.shop = house.shop

    async def bind(self, user_id: str = ONE, **changes: Any) -> str:
        values: dict[str, Any] = {
            "id": ids.new(),
            "account_id": self.shop.account_id,
            "provider": "default",
            "number": NUMBER,
            "user_id": user_id,
            "way": "link:sms",
            "link_id": ids.new(),
            "bound_at": START,
            "created_at": START,
        }
        made = Binding(**{**values, **changes})
        async with self.house.database.write() as tx:
            await bindings.insert_binding(tx, made)
        return made.id

    async def stands(self, user_id: str, state: str, since: int = START) -> None:
        row = Friend(
            channel_id=self.shop.channel_id, user_id=user_id, state=state, since=since, source="follow event"
        )
        async with self.house.database.write() as tx:
            await friends.put(tx, [row], [])

    async def known(self, now: int) -> Known:
        async with self.house.database.read() as tx:
            channel = await channels.get_channel(tx, self.shop.channel_id)
            assert channel is not None
            templates = await self.house.lookup.templates(tx, [self.shop.template_id])
            asked = Asked(
                number=NUMBER,
                country="TW",
                template_id=self.shop.template_id,
                template=templates[self.shop.template_id],
                policy=self.shop.policy,
            )
            book = FactBook(channel, self.house.setup)
            await book.read(tx, [asked])
            return await book.of(tx, asked, now)

    async def follow(self, step: Step, happened: Any, sent_at: int = START + HOUR) -> None:
        """A request left, and this was told of it."""
        row = new_notice(self.shop)
        attempt = Attempt(
            id="a", step_index=0, step=step, at=sent_at, gives_proof=True, closes_at=sent_at + DAY
        )
        async with self.house.database.write() as tx:
            await notices.insert_new(tx, [row])
            policies = await self.house.lookup.policies(tx, [self.shop.policy_id])
            (loaded,) = await notices.assemble(tx, await notices.load_by_ids(tx, [row.id]), policies)
            loaded.notice = msgspec.structs.replace(loaded.notice, attempts=(attempt,))
            told: dict[str, list[Event]] = {row.id: [happened]}
            await doubts.follow(tx, {row.id: loaded}, told, sent_at + HOUR, ids)

    async def binding(self, binding_id: str) -> Binding:
        async with self.house.database.read() as tx:
            found = await bindings.find(tx, binding_id)
        assert found is not None
        return found


@pytest.fixture
async def town(house: House) -> Town:
    await house.open()
    return Town(house)


async def test_a_binding_counts_as_long_as_its_channel_says_from_its_last_confirmation(town: Town) -> None:
    await town.bind()
    await town.stands(ONE, "friend")
    assert (await town.known(START + 180 * DAY - 1)).user_id == ONE
    old = await town.known(START + 180 * DAY)
    assert (old.user_id, old.facts.user_bound) == (None, False)
    assert "more than 180d ago" in (old.facts.binding_doubt or "")
    async with town.house.database.write() as tx:
        await bind_settings.put(tx, BindSettings(channel_id=town.shop.channel_id, binding_lasts=DAY))
    assert "more than 1d ago" in ((await town.known(START + DAY)).facts.binding_doubt or "")


async def test_a_confirmation_lets_it_count_anew(town: Town) -> None:
    await town.bind(confirmed_at=START + 100 * DAY)
    assert (await town.known(START + 200 * DAY)).user_id == ONE


async def test_what_the_business_told_does_not_age(town: Town) -> None:
    await town.bind(link_id=None)
    assert (await town.known(START + 5000 * DAY)).user_id == ONE


async def test_of_several_bindings_only_those_that_count_are_pushed_to(town: Town) -> None:
    await town.bind(ONE, doubted_at=START, doubted_why="unmatched")
    await town.bind(OTHER)
    await town.stands(ONE, "friend")
    await town.stands(OTHER, "friend")
    assert (await town.known(START + DAY)).user_id == OTHER


async def test_that_a_doubted_user_blocks_the_account_holds_no_notification_up(town: Town) -> None:
    """The number may be somebody else's, who does not block it."""
    await town.bind(doubted_at=START, doubted_why="sms_failed")
    await town.stands(ONE, "blocked")
    assert (await town.known(START + DAY)).facts.friendship is Friendship.UNKNOWN


@pytest.mark.parametrize(
    ("step", "happened", "why"),
    [
        (Step.LINE_NOTIFICATION, Answered("a", UNREACHABLE), "unmatched"),
        (Step.SMS, NoProof("a", START + HOUR), "sms_failed"),
    ],
)
async def test_a_sign_puts_bindings_in_doubt_that_were_shown_before_the_request_left(
    town: Town, step: Step, happened: Event, why: str
) -> None:
    before = await town.bind(ONE, bound_at=START)
    told = await town.bind(OTHER, bound_at=START, link_id=None, provider="another")
    at_once = await town.bind("U" + "3" * 32, bound_at=START + HOUR)
    confirmed = await town.bind("U" + "4" * 32, bound_at=START, confirmed_at=START + HOUR + 1)
    elsewhere = await town.bind("U" + "5" * 32, number="+886987654321")
    await town.follow(step, happened, sent_at=START + HOUR)
    assert [(await town.binding(x)).doubted_why for x in (before, told)] == [why, why]
    assert (await town.binding(before)).doubted_at == START + 2 * HOUR
    for binding_id in (at_once, confirmed, elsewhere):
        assert (await town.binding(binding_id)).doubted_at is None


async def test_another_accounts_bindings_of_the_number_stay_as_they_are(town: Town) -> None:
    mine = await town.bind()
    other_shop = (await town.house.open()).account_id
    theirs = await town.bind(OTHER, account_id=other_shop)
    await town.follow(Step.LINE_NOTIFICATION, Answered("a", UNREACHABLE))
    assert (await town.binding(mine)).doubted_at is not None
    assert (await town.binding(theirs)).doubted_at is None


async def test_a_proof_ends_the_bindings_whose_users_all_had_blocked_the_account_before(town: Town) -> None:
    first, second = await town.bind(ONE), await town.bind(OTHER)
    await town.stands(ONE, "blocked")
    await town.stands(OTHER, "blocked")
    await town.follow(Step.LINE_NOTIFICATION, Proof("a", START + HOUR))
    for binding_id in (first, second):
        ended = await town.binding(binding_id)
        assert (ended.unbound_why, ended.unbound_at) == ("delivered_elsewhere", START + 2 * HOUR)


@pytest.mark.parametrize(
    "standing",
    [None, ("friend", START), ("unlisted", START), ("blocked", START + HOUR), ("blocked", START + 2 * HOUR)],
)
async def test_a_proof_that_one_of_them_could_have_seen_ends_nothing(
    town: Town, standing: tuple[str, int] | None
) -> None:
    first, second = await town.bind(ONE), await town.bind(OTHER)
    await town.stands(ONE, "blocked")
    if standing is not None:
        await town.stands(OTHER, *standing)
    await town.follow(Step.LINE_NOTIFICATION, Proof("a", START + HOUR))
    for binding_id in (first, second):
        assert (await town.binding(binding_id)).unbound_at is None


async def test_a_proof_leaves_bindings_alone_that_were_made_since(town: Town) -> None:
    """The new holder bound the number, saw the notice late, and blocks the account by now."""
    new = await town.bind(ONE, bound_at=START + HOUR)
    await town.stands(ONE, "blocked")
    await town.follow(Step.LINE_NOTIFICATION, Proof("a", START + HOUR))
    assert (await town.binding(new)).unbound_at is None


async def test_where_nobody_ever_bound_a_number_a_sign_costs_one_small_question(town: Town) -> None:
    asked: list[str] = []
    row = new_notice(town.shop)
    attempt = Attempt(
        id="a", step_index=0, step=Step.LINE_NOTIFICATION, at=START, gives_proof=True, closes_at=START + DAY
    )
    async with town.house.database.write() as tx:
        await notices.insert_new(tx, [row])
        policies = await town.house.lookup.policies(tx, [town.shop.policy_id])
        (loaded,) = await notices.assemble(tx, await notices.load_by_ids(tx, [row.id]), policies)
        loaded.notice = msgspec.structs.replace(loaded.notice, attempts=(attempt,))
        event.listen(tx.sync_connection, "before_cursor_execute", lambda *x: asked.append(x[2]))
        await doubts.follow(tx, {row.id: loaded}, {row.id: [Proof("a", START)]}, START, ids)
        assert len(asked) == 1
        taken = Answered("a", Answer(outcome=Outcome.ACCEPTED))
        await doubts.follow(tx, {row.id: loaded}, {row.id: [taken]}, START, ids)
        assert len(asked) == 2
