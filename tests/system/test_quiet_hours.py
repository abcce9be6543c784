"""Quiet hours across midnight, by the recipient's own clock: Taiwan, Thailand and Japan at the same moment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from emulator_support import RunningEmulator
from gateway_support import RunningGateway
from routing_support import (
    PHONE,
    clock_in,
    ended,
    line_then_sms,
    opened,
    send_each,
    sms_of,
    told,
    tried,
)

PEOPLE = {"TW": "+886912345678", "TH": "+66812345678", "JP": "+819012345678"}
NIGHTS = [
    {"country": "TW", "from": "21:00", "to": "08:00"},
    {"country": "TH", "from": "20:00", "to": "07:30"},
    {"country": "JP", "from": "22:00", "to": "06:15"},
]
MORNING = {"TW": "03-02 08:00:00", "TH": "03-02 07:30:00", "JP": "03-02 06:15:00"}
"""When each country's night is over."""


@pytest.fixture
async def gateway(line: RunningEmulator, tmp_path: Path) -> AsyncIterator[RunningGateway]:
    """On the evening of 1 March: 21:30 in Taiwan, 20:30 in Thailand, 22:30 in Japan."""
    async with opened(line, tmp_path / "data") as running:
        yield running


async def began(gateway: RunningGateway, ids: list[str]) -> dict[str, list[str]]:
    """By country: when the attempts of its notice began, as that country's clocks show it."""
    notices = [await gateway.notice(i) for i in ids]
    return {n["country"]: [clock_in(n["country"], a["at"]) for a in n["attempts"]] for n in notices}


async def test_each_country_begins_exactly_when_its_own_night_is_over(gateway: RunningGateway) -> None:
    for phone in PEOPLE.values():
        await gateway.emulator.user(phone)
    policy = line_then_sms("4h", quiet_hours=NIGHTS)
    evening = await send_each(gateway, [*PEOPLE.values()], policy)
    await gateway.settle()
    assert await began(gateway, evening) == {"TW": [], "TH": [], "JP": []}
    assert {(await gateway.notice(i))["state"] for i in evening} == {"queued"}

    # Half past midnight in Taiwan, half past eleven in Thailand, half past one in Japan.
    await gateway.advance("3h")
    night = await send_each(gateway, [*PEOPLE.values()], policy)
    await gateway.advance("1d")
    expected = {country: [at] for country, at in MORNING.items()}
    assert await began(gateway, evening) == expected
    assert await began(gateway, night) == expected
    assert {(await gateway.notice(i))["state"] for i in [*evening, *night]} == {"delivered"}
    assert await sms_of(gateway) == []


async def test_what_is_asked_for_by_day_goes_at_once_in_each_country(gateway: RunningGateway) -> None:
    policy = line_then_sms("4h", quiet_hours=NIGHTS)
    await gateway.advance("12h")
    ids = await send_each(gateway, [*PEOPLE.values()], policy)
    await gateway.settle()
    assert await began(gateway, ids) == {
        "TW": ["03-02 09:30:00"] * 2,
        "TH": ["03-02 08:30:00"] * 2,
        "JP": ["03-02 10:30:00"] * 2,
    }


async def test_quiet_hours_begin_and_end_on_the_minute(line: RunningEmulator, tmp_path: Path) -> None:
    before = datetime(2030, 3, 1, 12, 59, 59, tzinfo=UTC)  # 20:59:59 in Taiwan
    async with opened(line, tmp_path / "data", before) as gateway:
        policy = line_then_sms("4h", quiet_hours=NIGHTS)
        by_day = await gateway.send(PHONE, policy)
        await gateway.settle()
        by_night = await gateway.send(PHONE, policy)
        await gateway.advance("1d")
        starts = [clock_in("TW", (await gateway.notice(i))["attempts"][0]["at"]) for i in (by_day, by_night)]
    assert starts == ["03-01 20:59:59", "03-02 08:00:00"]


async def test_an_exempt_use_case_goes_at_once_and_another_of_the_same_policy_waits(
    gateway: RunningGateway,
) -> None:
    await gateway.template(name="outage", use_case="outage")
    policy = line_then_sms("4h", quiet_hours=NIGHTS, quiet_exempt=["outage"])
    pressing = await gateway.send(PHONE, policy, template="outage")
    other = await gateway.send(PHONE, policy)
    await gateway.settle()
    assert told(await gateway.notice(pressing)) == [
        ("line_notification", "unreachable"),
        ("sms", "delivered"),
    ]
    assert told(await gateway.notice(other)) == []


@pytest.mark.parametrize(
    ("rule", "deadline", "attempts", "end"),
    [
        ("send", "4h", ["0:00:00", "0:00:00"], ("delivered", None, "0:00:00")),
        ("hold", "4h", [], ("not_delivered", "deadline", "4:00:00")),
        # Half past ten hours to the morning: a deadline on the very minute is too early for a step to begin.
        ("send", "630m", ["0:00:00", "0:00:00"], ("delivered", None, "0:00:00")),
        ("hold", "630m", [], ("not_delivered", "deadline", "10:30:00")),
        ("send", "631m", ["10:30:00", "10:30:00"], ("delivered", None, "10:30:00")),
        ("hold", "631m", ["10:30:00", "10:30:00"], ("delivered", None, "10:30:00")),
    ],
)
async def test_a_deadline_inside_the_night_sends_or_holds_as_the_policy_says(
    gateway: RunningGateway, rule: str, deadline: str, attempts: list[str], end: tuple[Any, ...]
) -> None:
    policy = line_then_sms("30m", quiet_hours=NIGHTS, quiet_past_deadline=rule)
    notice_id = await gateway.send(PHONE, policy, deadline=deadline)
    await gateway.advance("1d")
    notice = await gateway.notice(notice_id)
    assert [at for _, _, at in tried(notice)] == attempts
    assert ended(notice) == end


async def test_a_step_whose_turn_comes_at_night_is_held_while_line_can_still_deliver(
    line: RunningEmulator, tmp_path: Path
) -> None:
    afternoon = datetime(2030, 3, 1, 10, 0, tzinfo=UTC)  # 18:00 in Taiwan: four hours later it is quiet
    people = [PHONE, "+886912345679"]
    async with opened(line, tmp_path / "data", afternoon) as gateway:
        for phone in people:
            await line.user(phone, reception="not_set")
        ids = await send_each(gateway, people, line_then_sms("4h", quiet_hours=NIGHTS))
        await gateway.advance("330m")
        assert [told(await gateway.notice(i)) for i in ids] == [[("line_notification", "accepted")]] * 2
        await line.act(PHONE, "agree")  # at half past eleven
        await gateway.advance("2d")
        agreed, never = [await gateway.notice(i) for i in ids]
    assert tried(agreed, afternoon) == [("line_notification", "delivered", "0:00:00")]
    assert ended(agreed, afternoon) == ("delivered", None, "5:30:00")
    assert tried(never, afternoon) == [
        ("line_notification", "silent", "0:00:00"),
        ("sms", "delivered", "14:00:00"),
    ]
    assert clock_in("TW", never["attempts"][1]["at"]) == MORNING["TW"]


async def test_held_by_night_a_step_gets_its_whole_wait_in_the_morning(gateway: RunningGateway) -> None:
    await gateway.emulator.user(PHONE, reception="not_set")
    notice_id = await gateway.send(PHONE, line_then_sms("4h", quiet_hours=NIGHTS))
    await gateway.advance("2d")
    notice = await gateway.notice(notice_id)
    assert [clock_in("TW", a["at"]) for a in notice["attempts"]] == [MORNING["TW"], "03-02 12:00:00"]


async def test_cancelled_in_the_night_nothing_ever_leaves(gateway: RunningGateway) -> None:
    notice_id = await gateway.send(PHONE, line_then_sms("4h", quiet_hours=NIGHTS))
    await gateway.advance("2h")
    await gateway.ok("POST", f"/v1/notices/{notice_id}/cancel")
    await gateway.advance("2d")
    notice = await gateway.notice(notice_id)
    assert (tried(notice), ended(notice)) == ([], ("cancelled", "cancelled", "2:00:00"))
    assert await gateway.emulator.ledger() == []
    assert await sms_of(gateway) == []
