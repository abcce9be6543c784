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
    AddPopulation,
    PutUser,
    SendFlexible,
    SendPush,
    SendTemplate,
    Tick,
)
from line_emulator.world.ledger import FATES, PUSH_PATH, Row
from line_emulator.world.people import Account
from line_emulator.world.population import Population, Rates

DAY = 86_400_000
PHONES = ("+886912345678", "+819012345678", "+66812345678")
MEMBERS = ("+886980000000", "+886980000001")
NUMBERS = (*PHONES, *MEMBERS, "+886987654321")
ACTIONS = (
    "agree",
    "refuse",
    "request_pin",
    "enter_pin",
    "block",
    "unblock",
    "hide",
    "hide_only",
    "unhide",
    "delete_from_hidden_list",
    "delete_from_block_list",
    "delete_chat",
    "add_friend",
    "send_message",
)
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
        rates = Rates(agree=0.5, not_set=0.5, verified=0.0, friend=0.5)
        members = Population(count=2, seed=3, prefix="+88698", digits=7, rates=rates)
        handle(self.world, AddPopulation(members), 0)
        self.gone: list[Account] = []

    def note(self, effects: Any) -> None:
        self.reported += [event.row for event in effects.events if event.row is not None]

    @rule(phone=st.sampled_from(NUMBERS), which=st.integers(0, 1), flexible=st.booleans())
    def send(self, phone: str, which: int, flexible: bool) -> None:
        digest = hashlib.sha256(phone.encode()).hexdigest()
        sender = self.channels[which]
        if flexible:
            body: dict[str, Any] = {"to": digest, "messages": [{"type": "text", "text": "x"}]}
            self.note(handle(self.world, SendFlexible(sender, body, b"", None, 1), self.now))
        else:
            body = {"to": digest, "templateKey": "shipment_completed_ja"}
            self.note(handle(self.world, SendTemplate(sender, body, b"", None, 1), self.now))

    @rule(phone=st.sampled_from(NUMBERS), which=st.integers(0, 1))
    def push(self, phone: str, which: int) -> None:
        account = self.world.people.find_phone(phone)
        for known in [account, *self.gone] if account is not None else self.gone:
            body = {
                "to": numbers.user_id(known.number, "default"),
                "messages": [{"type": "text", "text": "x"}],
            }
            effects = handle(self.world, SendPush(self.channels[which], body, b"", 1, 1), self.now)
            assert effects.problem is None

    @rule(
        phone=st.sampled_from(NUMBERS),
        which=st.integers(0, 1),
        pin=st.sampled_from(["123456", "000000"]),
        action=st.sampled_from(ACTIONS),
    )
    def act(self, phone: str, which: int, pin: str, action: str) -> None:
        channel_id = self.channels[which].channel_id
        command = Act(phone, action, "123456", channel_id, pin, text="x")
        self.note(handle(self.world, command, self.now))

    @rule(
        phone=st.sampled_from(NUMBERS),
        new=st.sampled_from(NUMBERS),
        action=st.sampled_from(["change_number", "request_number_change", "confirm_number_change"]),
    )
    def move(self, phone: str, new: str, action: str) -> None:
        before = self.world.people.find_phone(phone)
        command = Act(phone, action, "123456", pin="123456", new_phone=new)
        effects = handle(self.world, command, self.now)
        self.note(effects)
        if before is not None and effects.problem is None and action == "change_number":
            assert self.world.people.find_phone(new) is not None
            assert before.phone == phone or before.phone == new

    @rule(phone=st.sampled_from(NUMBERS))
    def delete_account(self, phone: str) -> None:
        account = self.world.people.find_phone(phone)
        self.note(handle(self.world, Act(phone, "delete_account", "123456"), self.now))
        assert self.world.people.find_phone(phone) is None
        if account is not None:
            number, people = numbers.user_id(account.number, "default"), self.world.people
            self.gone += [found for found in [people.find_user_id(number, "default")] if found is not None]

    @rule(phone=st.sampled_from(NUMBERS), reception=st.sampled_from(["agree", "not_set", None]))
    def register(self, phone: str, reception: str | None) -> None:
        if self.world.people.find_phone(phone) is None:
            handle(self.world, PutUser(phone, reception, None, self.now - 800 * DAY), self.now)

    @rule(ms=st.sampled_from([1, 600_000, 3_600_000, DAY - 1, DAY, 180 * DAY]))
    def wait(self, ms: int) -> None:
        self.now += ms
        handle(self.world, Tick(), self.now)

    @invariant()
    def an_event_comes_once_for_each_message_seen_and_for_no_other(self) -> None:
        rows = [row for row in self.world.ledger.rows if row.fate == "delivered"]
        seen = [row for row in rows if row.path != PUSH_PATH]
        assert sorted(map(id, seen)) == sorted(map(id, self.reported))
        assert sum(self.world.counts.values()) == len(rows)

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
    def what_is_pending_waits_with_one_user_and_within_its_24_hours(self) -> None:
        waiting = [row for account in self.world.people.by_digest.values() for row in account.pending]
        pending = [row for row in self.world.ledger.rows if row.fate == "pending"]
        assert sorted(map(id, waiting)) == sorted(map(id, pending))

    @invariant()
    def a_deleted_account_never_gets_anything(self) -> None:
        for account in self.gone:
            assert account.deleted
            assert list(account.entries) == []
            assert (*account.pending, *account.held, *account.ties) == ()

    @invariant()
    def everybody_is_found_once_and_under_their_own_number(self) -> None:
        people = self.world.people
        listed = [account for _, account in people.everybody()]
        assert len({account.number for account in listed}) == len(listed) == len({a.phone for a in listed})
        for account in listed:
            found = people.find_phone(account.phone)
            assert found is not None
            assert found.number == account.number
            assert account.digest == numbers.digest(account.phone)

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
