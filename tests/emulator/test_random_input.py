"""Whatever comes in, the world answers: no exception, no event without a message seen, no fate out of the list."""

from __future__ import annotations

import hashlib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from line_emulator.bot_api.service import locate
from line_emulator.world import World, handle, numbers, rules
from line_emulator.world.channels import Channel
from line_emulator.world.commands import (
    Act,
    AddChannel,
    PutUser,
    SendFlexible,
    SendPush,
    SendTemplate,
    Tick,
)
from line_emulator.world.ledger import FATES, Row
from line_emulator.world.population import Population, Rates

DAY = 86_400_000
PHONES = ("+886912345678", "+819012345678", "+66812345678")
NAMES = st.sampled_from(
    [
        "to",
        "templateKey",
        "body",
        "items",
        "emphasizedItem",
        "buttons",
        "itemKey",
        "buttonKey",
        "content",
        "url",
        "messages",
        "type",
        "text",
        "contents",
        "altText",
        "customAggregationUnits",
        "notificationDisabled",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
WORDS = st.sampled_from(
    ["text", "flex", "template", "sticker", "bubble", "carousel", "date_002_ja", "a" * 64]
)
JSON = st.recursive(
    SCALARS | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=25,
)
BODIES = st.dictionaries(NAMES, JSON, max_size=6)


def channel(number: int = 1, **values: Any) -> Channel:
    settings: dict[str, Any] = {"region": "JP", "badge": "green", **values}
    return Channel(
        channel_id=f"200000000{number}",
        name="Shop",
        secret="s",
        bot_user_id="U1",
        basic_id="@shop",
        access_token=f"t{number}",
        **settings,
    )


@settings(max_examples=300, deadline=None)
@given(BODIES, st.none() | st.text(max_size=120))
def test_any_json_gets_an_answer_in_lines_form(body: dict[str, Any], tag: str | None) -> None:
    world, sender = World(), channel()
    for command in (
        SendTemplate(sender, body, b"", tag, 1),
        SendFlexible(sender, body, b"", tag, 1),
        SendPush(sender, body, b"", 1, 1),
    ):
        problem = handle(world, command, 0).problem
        assert problem is not None
        assert problem.status in (400, 422)
        assert b'"message"' in problem.body()


@given(st.binary(max_size=200))
def test_any_bytes_can_be_located_as_broken_json(body: bytes) -> None:
    assert locate(body).status == 400


@given(st.integers(0, 2**63), st.sampled_from(["default", "second", "第三"]))
def test_a_user_id_leads_back_to_its_account_at_its_own_provider_only(account: int, provider: str) -> None:
    user_id = numbers.user_id(account, provider)
    assert numbers.is_user_id(user_id)
    assert numbers.account_of(user_id, provider) == account
    assert numbers.account_of(user_id, provider + "x") is None


@given(st.text(max_size=70))
def test_a_digest_is_64_hex_digits_and_nothing_else(text: str) -> None:
    raw = numbers.parse_digest(text)
    assert (raw is not None) is (
        len(text) == 64 and all(letter in "0123456789abcdefABCDEF" for letter in text)
    )


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 400), st.integers(0, 2**62), st.floats(0, 1))
def test_every_number_of_a_population_is_found_by_its_digest(count: int, seed: int, agree: float) -> None:
    rates = Rates(agree=agree, registered=0.5)
    population = Population(count=count, seed=seed, prefix="+88691", digits=7, rates=rates)
    for index in range(count):
        phone = population.phone(index)
        assert population.index_of_digest(numbers.digest(phone)) == index
        assert population.index_of_phone(phone) == index
        assert population.traits(index) == population.traits(index)
    assert population.index_of_digest(numbers.digest("+886900000000")) is None
    assert population.index_of_phone(population.phone(count)) is None


class Story(RuleBasedStateMachine):
    """Users and senders do anything in any order; the ledger must stay believable."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.now = 0
        self.reported: list[Row] = []
        self.channels = [channel(1), channel(2, reject_visible=False, unblock_releases=True)]
        for made in self.channels:
            handle(self.world, AddChannel(made), 0)
        for phone, reception in zip(PHONES, ("not_set", "agree", "reject"), strict=True):
            handle(self.world, PutUser(phone, reception, None, -800 * DAY), 0)

    def note(self, effects: Any) -> None:
        self.reported += [event.row for event in effects.events if event.row is not None]

    @rule(phone=st.sampled_from(PHONES), which=st.integers(0, 1), flexible=st.booleans())
    def send(self, phone: str, which: int, flexible: bool) -> None:
        digest = hashlib.sha256(phone.encode()).hexdigest()
        sender = self.channels[which]
        if flexible:
            body: dict[str, Any] = {"to": digest, "messages": [{"type": "text", "text": "x"}]}
            self.note(handle(self.world, SendFlexible(sender, body, b"", None, 1), self.now))
        else:
            body = {"to": digest, "templateKey": "shipment_completed_ja"}
            self.note(handle(self.world, SendTemplate(sender, body, b"", None, 1), self.now))

    @rule(
        phone=st.sampled_from(PHONES),
        which=st.integers(0, 1),
        pin=st.sampled_from(["123456", "000000"]),
        action=st.sampled_from(
            ["agree", "refuse", "request_pin", "enter_pin", "block", "unblock", "hide", "add_friend"]
        ),
    )
    def act(self, phone: str, which: int, pin: str, action: str) -> None:
        channel_id = self.channels[which].channel_id
        self.note(handle(self.world, Act(phone, action, "123456", channel_id, pin), self.now))

    @rule(ms=st.sampled_from([1, 600_000, 3_600_000, DAY - 1, DAY, 180 * DAY]))
    def wait(self, ms: int) -> None:
        self.now += ms
        handle(self.world, Tick(), self.now)

    @invariant()
    def an_event_comes_once_for_each_message_seen_and_for_no_other(self) -> None:
        seen = [row for row in self.world.ledger.rows if row.fate == "delivered"]
        assert sorted(map(id, seen)) == sorted(map(id, self.reported))
        assert sum(self.world.counts.values()) == len(seen)

    @invariant()
    def times_and_fates_agree(self) -> None:
        for row in self.world.ledger.rows:
            assert row.fate in FATES
            assert (row.seen_at is not None) is (row.fate == "delivered")
            assert (row.status == 422) is (row.fate == "rejected")
            if row.seen_at is not None:
                assert row.at <= row.seen_at < row.at + DAY or row.seen_at == row.at
            if row.fate == "pending":
                assert self.now < row.at + DAY

    @invariant()
    def the_sums_are_those_of_the_rows(self) -> None:
        ledger = self.world.ledger
        counted = sum(count for *_, count in ledger.groups(None))
        assert counted == len(ledger.rows)


Story.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestStory = Story.TestCase


@given(BODIES)
def test_checking_a_body_never_changes_it(body: dict[str, Any]) -> None:
    before = repr(body)
    rules.template_problem(body, channel())
    rules.flexible_problem(body)
    assert repr(body) == before
