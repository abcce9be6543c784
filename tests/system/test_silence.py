"""Why a notice stayed silent, told by a gateway that only sees what LINE shows it; the emulator knows the truth."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from emulator_support import RunningEmulator
from gateway_support import RunningGateway

PHONE, NEW_PHONE = "+886912345678", "+886922345678"
ALONE = {"steps": [{"step": "line_notification", "wait": "24h"}]}
CHANNELS = ("Parcels", "Bills")


class Town:
    """Two channels of one business, and one user."""

    def __init__(self, line: RunningEmulator, gateway: RunningGateway, ids: dict[str, str]) -> None:
        self.line = line
        self.gateway = gateway
        self.ids = ids

    async def send(self, channel: str = "Parcels", to: str = PHONE) -> str:
        template = "parcel" if channel == "Parcels" else "bill"
        return await self.gateway.send(to, ALONE, channel=channel, template=template)

    async def to_both(self) -> list[str]:
        sent = [await self.send(x) for x in CHANNELS]
        await self.gateway.settle()
        return sent

    async def days(self, count: int) -> None:
        for _ in range(count):
            await self.gateway.advance("24h")
        await self.gateway.advance("15m")

    async def lapse(self) -> None:
        """The user's last check by SMS is longer ago than 180 days."""
        path = f"/users/{quote(PHONE, safe='')}"
        await self.line.control("PATCH", path, {"verified_at": "2020-01-01T00:00:00Z"})

    async def silence(self, notice_id: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.gateway.notice(notice_id))["silence"]
        assert found["note"] == "likelihoods, not facts: LINE does not say why a message was not shown"
        assert sum(x["likelihood"] for x in found["causes"]) == pytest.approx(1, abs=0.03)
        return found

    async def first(self, notice_id: str) -> str:
        return str((await self.silence(notice_id))["causes"][0]["cause"])

    async def fate(self, notice_id: str) -> str:
        """What truly became of it, by the emulator's ledger."""
        tag = (await self.gateway.notice(notice_id))["attempts"][0]["delivery_tag"]
        return str(next(x["fate"] for x in await self.line.ledger() if x["delivery_tag"] == tag))


@pytest.fixture
async def town(line: RunningEmulator, gateway: RunningGateway) -> Town:
    await gateway.channel("Bills")
    await gateway.template("Bills", name="bill")
    known = (await gateway.ok("GET", "/v1/channels"))["channels"]
    return Town(line, gateway, {x["name"]: x["line_channel_id"] for x in known})


async def test_who_blocks_one_of_two_accounts_is_said_to_block_it(town: Town) -> None:
    await town.line.user(PHONE)
    await town.line.act(PHONE, "block", channel_id=town.ids["Parcels"])
    parcel, bill = await town.to_both()
    await town.days(2)
    assert (await town.gateway.notice(bill))["state"] == "delivered"
    assert await town.fate(parcel) == "blocked"
    first = (await town.silence(parcel))["causes"][0]
    assert (first["cause"], first["likelihood"] > 0.7) == ("blocked", True)
    assert "another channel" in first["evidence"][0]
    assert "silence" not in await town.gateway.notice(bill)


async def test_who_never_answers_the_question_is_said_not_to_have_consented(town: Town) -> None:
    await town.line.user(PHONE, reception="not_set")
    early, _ = await town.to_both()
    await town.days(3)
    late, _ = await town.to_both()
    await town.days(2)
    assert await town.fate(early) == "expired"
    assert [await town.first(x) for x in (early, late)] == ["no_consent", "no_consent"]


async def test_who_refuses_is_seen_by_the_422_that_follows(town: Town) -> None:
    await town.line.user(PHONE, reception="not_set")
    asked = await town.send()
    await town.gateway.settle()
    await town.line.act(PHONE, "refuse")
    await town.days(2)
    await town.send()
    await town.gateway.settle()
    assert await town.fate(asked) == "refused"
    found = await town.silence(asked)
    assert found["causes"][0]["cause"] == "no_consent"
    assert any("422" in x for x in found["causes"][0]["evidence"])


async def test_who_must_pass_the_check_again_falls_silent_everywhere_at_once(town: Town) -> None:
    await town.line.user(PHONE)
    await town.to_both()
    await town.days(1)
    await town.lapse()
    await town.to_both()
    await town.days(3)
    parcel, bill = await town.to_both()
    await town.days(2)
    assert await town.fate(parcel) == "expired"
    assert [await town.first(x) for x in (parcel, bill)] == ["no_verification", "no_verification"]


async def test_a_number_given_up_while_a_message_waited_is_said_to_be_changed(town: Town) -> None:
    await town.line.user(PHONE)
    await town.to_both()
    await town.days(1)
    await town.lapse()
    waits, _ = await town.to_both()
    await town.line.act(PHONE, "change_number", phone=NEW_PHONE)
    await town.days(2)
    await town.to_both()
    assert await town.fate(waits) == "number_changed"
    assert await town.first(waits) == "number_changed"


async def test_events_that_were_lost_for_an_hour_are_seen_by_the_others_of_that_hour(town: Town) -> None:
    numbers = [f"+8869123456{i:02d}" for i in range(12)]
    for number in numbers:
        await town.line.user(number)
    for _ in range(2):
        for number in numbers:
            await town.send(to=number)
        await town.gateway.advance("2h")
    await town.line.fault("webhook", "drop")
    lost = [await town.send(to=number) for number in numbers]
    await town.gateway.settle()
    await town.line.control("DELETE", "/faults")
    await town.days(2)
    assert await town.fate(lost[0]) == "delivered"
    assert [await town.first(x) for x in lost] == ["unseen"] * 12
    report = await town.gateway.ok("GET", "/v1/reports/silence")
    assert (report["silent"], report["judged"], report["by_first_cause"]["unseen"]) == (12, 12, 12)
    assert report["share_without_evidence"] == 0


async def test_a_request_whose_answer_was_lost_may_never_have_arrived(town: Town) -> None:
    await town.line.user(PHONE)
    await town.line.fault("api", "disconnect_before", next=1)
    lost = await town.send()
    await town.gateway.settle()
    await town.days(2)
    first = (await town.silence(lost))["causes"][0]
    assert first["cause"] == "unseen"
    assert "answer to the request was lost" in first["evidence"][0]


async def test_a_first_silence_of_which_nothing_is_known_has_no_cause(town: Town) -> None:
    await town.line.user(PHONE, reception="not_set")
    only = await town.send()
    await town.days(2)
    found = await town.silence(only)
    assert [(x["cause"], x["likelihood"]) for x in found["causes"]] == [("unknown", 1.0)]
    report = await town.gateway.ok("GET", "/v1/reports/silence", channel="Parcels")
    assert (report["by_first_cause"]["unknown"], report["share_without_evidence"]) == (1, 1)
    assert (await town.gateway.ok("GET", "/v1/reports/silence", channel="Bills"))["silent"] == 0


async def test_a_notice_has_no_silence_before_its_time_is_over(town: Town) -> None:
    await town.line.user(PHONE, reception="not_set")
    waits = await town.send()
    await town.gateway.settle()
    assert "silence" not in await town.gateway.notice(waits)
    await town.gateway.advance("23h")
    assert "silence" not in await town.gateway.notice(waits)


async def test_a_bound_friend_who_unfollows_is_known_to_block_and_is_counted(town: Town) -> None:
    user = await town.line.user(PHONE, reception="not_set")
    await town.line.act(PHONE, "add_friend", channel_id=town.ids["Parcels"])
    body = {"channel": "Parcels", "number": PHONE, "user_id": user["user_id"], "way": "test"}
    await town.gateway.ok("POST", "/v1/bindings", body)
    notice = await town.send()
    await town.gateway.settle()
    await town.line.act(PHONE, "block", channel_id=town.ids["Parcels"])
    await town.days(2)
    assert await town.fate(notice) == "blocked"
    assert await town.first(notice) == "blocked"
    (channel,) = (await town.gateway.ok("GET", "/v1/reports/block-rate", channel="Parcels"))["channels"]
    counted = [(x["followed"], x["unfollowed"]) for x in channel["days"] if x["followed"] or x["unfollowed"]]
    assert counted in ([(1, 1)], [(1, 0), (0, 1)])
    assert channel["known_blockers"] == 1
    grown = await town.gateway.ok("GET", "/v1/reports/growth")
    assert (grown["friends"]["new"], grown["friends"]["new_stayed"]) == (1, 0)


async def test_a_lookup_says_how_healthy_a_number_is_and_why_the_last_silence_was(town: Town) -> None:
    await town.line.user(PHONE)
    await town.to_both()
    seen = await town.gateway.ok("POST", "/v1/recipients/lookup", {"number": PHONE})
    assert seen["health"]["word"] == "fresh"
    assert seen["health"]["last_delivered"]["proof_at"]
    assert "silence" not in seen
    await town.line.act(PHONE, "block", channel_id=town.ids["Bills"])
    await town.to_both()
    await town.days(2)
    known = await town.gateway.ok("POST", "/v1/recipients/lookup", {"number": PHONE})
    assert known["silence"]["causes"][0]["cause"] == "blocked"
    assert known["silence"]["notice"]
    assert known["health"]["last_silent"]["at"]
    assert PHONE not in str(known)


async def test_numbers_to_refresh_are_named_by_their_notices_page_by_page(town: Town) -> None:
    gone, kept = "+886912345601", "+886912345602"
    for number in (gone, kept):
        await town.line.user(number)
        await town.send(to=number)
    await town.gateway.settle()
    await town.line.act(gone, "change_number", phone=NEW_PHONE)
    last = await town.send(to=gone)
    await town.send(to=kept)
    await town.gateway.settle()
    found = await town.gateway.ok("GET", "/v1/reports/number-health")
    assert [(x["notice"], x["number"], x["health"]["word"]) for x in found["numbers"]] == [
        (last, "0912•••601", "stale")
    ]
    assert "next" not in found
    first = await town.gateway.ok("GET", "/v1/reports/number-health", limit="1")
    again = await town.gateway.ok("GET", "/v1/reports/number-health", cursor=first["next"])
    assert again["numbers"] == []


@pytest.mark.parametrize(
    ("name", "query", "status", "says"),
    [
        ("silence", {"from": "yesterday"}, 422, "no time"),
        ("silence", {"from": "0001-01-01T00:00:00Z"}, 422, "out of range"),
        ("silence", {"from": "2030-01-01T00:00:00Z", "until": "2029-01-01T00:00:00Z"}, 422, "before until"),
        ("silence", {"channel": "Nobody"}, 404, "Nobody"),
        ("growth", {"until": "9999-12-31T23:59:59Z"}, 422, "out of range"),
        ("block-rate", {"from": "2026-02-30"}, 422, "no day"),
        ("block-rate", {"from": "0001-01-01", "until": "0001-01-02"}, 422, "out of range"),
        ("block-rate", {"from": "2020-01-01"}, 422, "92 days"),
        ("block-rate", {"until": "2999-01-01"}, 422, "has not come"),
        ("number-health", {"cursor": "x"}, 422, "cursor"),
        ("number-health", {"limit": "0"}, 422, "limit"),
    ],
)
async def test_what_cannot_be_asked_is_refused_with_the_place_and_the_remedy(
    gateway: RunningGateway, name: str, query: dict[str, str], status: int, says: str
) -> None:
    answered, problem = await gateway.call("GET", f"/v1/reports/{name}", **query)
    assert answered == status
    assert says in str(problem)
