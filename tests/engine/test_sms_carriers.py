"""The order in which SMS carriers are tried, and which of them counts as down."""

from __future__ import annotations

import pytest

from todoke.carriers import SmsMessage
from todoke.core.outcome import Answer, Outcome
from todoke.core.routing import SmsRoute
from todoke.engine.sms_carriers import DOWN_AFTER, PROBE_SECONDS, SmsCarriers

MESSAGE = SmsMessage(to="+886912345678", text="x")
TAKEN = Answer(outcome=Outcome.ACCEPTED, status=200)
NO = Answer(outcome=Outcome.FAILED, status=400, detail="the provider said no")
THROTTLED = Answer(outcome=Outcome.THROTTLED, status=429)
NO_CONTACT = [
    Answer(outcome=Outcome.FAILED, detail="could not connect"),
    Answer(outcome=Outcome.UNKNOWN, detail="no answer within 10s"),
    Answer(outcome=Outcome.UNKNOWN, status=502, detail="bad gateway"),
    Answer(outcome=Outcome.FAILED, status=401, detail="wrong password"),
    Answer(outcome=Outcome.FAILED, status=403, detail="not from this address"),
]


class Says:
    """A carrier that answers what `answer` is."""

    gives_proof = True

    def __init__(self, name: str, *countries: str, gives_proof: bool = True) -> None:
        self.name = name
        self.countries = frozenset(countries) or None
        self.gives_proof = gives_proof
        self.why_not: str | None = None
        self.answer = TAKEN
        self.sent: list[str] = []

    async def send(self, message: SmsMessage, tag: str) -> Answer:
        self.sent.append(tag)
        return self.answer


class Desk:
    """Carriers a and b, and a clock of seconds that the test moves."""

    def __init__(self, *carriers: Says) -> None:
        self.now = 1000.0
        self.a, self.b = Says("a"), Says("b")
        self.all = SmsCarriers(carriers or (self.a, self.b), now=lambda: self.now)

    def order(self, country: str = "TW") -> list[str]:
        return [r.carrier for r in self.all.routes(country)]

    async def send(self, name: str, answer: Answer) -> None:
        """A message goes to a carrier, which answers this."""
        (self.a if name == "a" else self.b).answer = answer
        self.all.began(name)
        assert await self.all.send(name, MESSAGE, "tag") == answer

    async def lose(self, name: str = "a", times: int = DOWN_AFTER, answer: Answer = NO_CONTACT[0]) -> None:
        for _ in range(times):
            await self.send(name, answer)


def test_carriers_are_tried_in_the_order_of_the_settings() -> None:
    assert Desk().order() == ["a", "b"]


def test_only_carriers_that_deliver_to_the_country_are_tried() -> None:
    desk = Desk(Says("tw", "TW"), Says("asia", "TW", "TH"), Says("all", gives_proof=False))
    assert desk.order("TW") == ["tw", "asia", "all"]
    assert desk.order("TH") == ["asia", "all"]
    assert desk.all.routes("JP") == (SmsRoute("all", gives_proof=False),)
    assert SmsCarriers([Says("tw", "TW")]).routes("JP") == ()


@pytest.mark.parametrize("answer", NO_CONTACT, ids=lambda a: a.detail)
async def test_after_five_answers_without_contact_a_carrier_is_tried_last(answer: Answer) -> None:
    desk = Desk()
    await desk.lose(times=DOWN_AFTER - 1, answer=answer)
    assert (desk.order(), desk.all.down()) == (["a", "b"], {})
    await desk.send("a", answer)
    assert desk.order() == ["b", "a"], "last, and not left out"
    assert desk.all.down() == {"a": answer.detail}
    assert not desk.all.answered("a")


@pytest.mark.parametrize("answer", [TAKEN, NO, THROTTLED], ids=lambda a: a.outcome)
async def test_any_answer_of_the_provider_itself_ends_the_count(answer: Answer) -> None:
    desk = Desk()
    await desk.lose(times=DOWN_AFTER - 1)
    await desk.send("a", answer)
    assert desk.all.answered("a")
    await desk.lose(times=DOWN_AFTER - 1)
    assert (desk.order(), desk.all.down()) == (["a", "b"], {})


async def test_after_the_probe_time_one_message_looks_again_and_the_others_go_elsewhere() -> None:
    desk = Desk()
    await desk.lose()
    desk.now += PROBE_SECONDS - 0.001
    assert desk.order() == ["b", "a"]
    desk.now += 0.001
    assert desk.order() == ["a", "b"]
    desk.all.began("a")
    assert desk.order() == ["b", "a"], "one is enough"
    assert desk.all.down() == {"a": "could not connect"}, "and it is down until that one tells otherwise"


async def test_a_probe_that_is_answered_puts_the_carrier_back_in_its_place() -> None:
    desk = Desk()
    await desk.lose()
    desk.now += PROBE_SECONDS
    await desk.send("a", TAKEN)
    assert (desk.order(), desk.all.down(), desk.all.answered("a")) == (["a", "b"], {}, True)


async def test_a_probe_without_answer_waits_the_probe_time_anew() -> None:
    desk = Desk()
    await desk.lose()
    for _ in range(3):
        desk.now += PROBE_SECONDS
        assert desk.order() == ["a", "b"]
        await desk.send("a", NO_CONTACT[1])
        assert desk.order() == ["b", "a"]
    assert desk.all.down() == {"a": NO_CONTACT[1].detail}, "the reason is the newest"


async def test_where_all_are_down_all_are_tried_in_their_order() -> None:
    desk = Desk()
    await desk.lose("a")
    await desk.lose("b")
    assert desk.order() == ["a", "b"]
    assert [*desk.all.down()] == ["a", "b"]
    desk.now += PROBE_SECONDS
    desk.all.began("a")
    assert desk.order() == ["b", "a"]


def test_a_carrier_that_knows_it_can_take_nothing_is_tried_last_and_down_with_its_own_reason() -> None:
    desk = Desk()
    desk.a.why_not = "the link is not bound"
    assert (desk.order(), desk.all.down()) == (["b", "a"], {"a": "the link is not bound"})
    desk.a.why_not = None
    assert (desk.order(), desk.all.down()) == (["a", "b"], {})


async def test_a_carrier_that_was_taken_out_of_the_settings_surely_sends_nothing() -> None:
    desk = Desk()
    answer = await desk.all.send("gone", MESSAGE, "tag")
    assert (answer.outcome, answer.detail) == (Outcome.FAILED, "the carrier gone is no longer set up")
    desk.all.began("gone")
    assert desk.order() == ["a", "b"]
    assert not desk.all.answered("gone")


async def test_the_routes_of_a_country_are_the_same_object_until_the_order_changes() -> None:
    """Facts of many notices compare them by identity."""
    desk = Desk()
    first = desk.all.routes("TW")
    assert desk.all.routes("TW") is first
    await desk.lose()
    assert desk.all.routes("TW") is not first
