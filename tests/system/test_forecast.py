"""What is forecast of a list, and what then becomes of it: history, forecast and outcome in one emulated town."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emulator_support import RunningEmulator
from gateway_support import RunningGateway
from todoke.core.phone import line_hash

PREFIX, SEED = "+88691", 1
POLICY = {"steps": [{"step": "line_notification", "wait": "4h"}, {"step": "sms"}]}
RATES = {"registered": 0.85, "agree": 0.72, "not_set": 0.22, "verified": 0.97, "blocked": 0.03}


def numbers(first: int, count: int) -> list[str]:
    return [f"{PREFIX}{i:07d}" for i in range(first, first + count)]


class Town:
    """People of whom some agree to notifications hours after one came; the same habits every day."""

    def __init__(self, line: RunningEmulator, gateway: RunningGateway) -> None:
        self.line = line
        self.gateway = gateway

    async def send(self, to: list[str]) -> list[str]:
        """A list to these, and a day in which some agree after two hours and some after six."""
        notices = [
            {
                "channel": "Parcels",
                "template": "parcel",
                "to": x,
                "parameters": {"name": "小明"},
                "policy": POLICY,
            }
            for x in to
        ]
        answer = await self.gateway.ok("POST", "/v1/notices/batch", {"notices": notices})
        assert answer["accepted"] == len(to)
        await self.gateway.settle()
        await self.gateway.advance("2h")
        await self._agree(to, 1)
        await self.gateway.advance("4h")
        await self._agree(to, 2)
        await self.gateway.advance("19h")
        return [x["id"] for x in answer["results"]]

    async def _agree(self, to: list[str], habit: int) -> None:
        phones = {line_hash(x): x for x in to}
        waiting = [
            phones[x["to"]] for x in await self.line.ledger() if x["fate"] == "pending" and x["to"] in phones
        ]
        for phone in waiting:
            if int(phone[-4:]) * 7919 % 8 == habit:
                await self.line.act(phone, "agree")

    async def outcome(self, ids: list[str]) -> dict[str, float]:
        """What became of these notices."""
        found: dict[str, float] = dict.fromkeys(
            ("line", "sms", "line_notification", "late_duplicates", "cost"), 0
        )
        for portion in [ids[i : i + 50] for i in range(0, len(ids), 50)]:
            for notice in await asyncio.gather(*(self.gateway.notice(x) for x in portion)):
                line = notice["attempts"][0]
                texted = any(x["step"] == "sms" for x in notice["attempts"])
                shown = "proof_at" in line
                found["line_notification"] += shown
                found["sms"] += texted
                found["line"] += shown and not texted
                found["late_duplicates"] += line.get("late_duplicate", False)
                found["cost"] += sum(float(x["amount"]) for x in notice["cost"])
        return found


@pytest.fixture
async def town(line: RunningEmulator, gateway: RunningGateway) -> Town:
    body = {"count": 3000, "seed": SEED, "prefix": PREFIX, "digits": 7, "rates": RATES}
    await line.control("POST", "/population", body)
    return Town(line, gateway)


async def test_the_outcome_of_a_list_lies_in_the_range_that_its_history_gave(town: Town) -> None:
    gateway = town.gateway
    asked = {"channel": "Parcels", "template": "parcel", "policy": POLICY, "count": {"TW": 400}}
    blind = await gateway.ok("POST", "/v1/reports/forecast", asked)
    assert blind["basis"]["own_notifications"] == 0
    assert "The account has no notifications of this channel" in blind["notes"][0]
    for day in range(4):
        await town.send(numbers(day * 250, 250))
    known = await gateway.ok("POST", "/v1/reports/forecast", asked)
    by_number = await gateway.ok(
        "POST", "/v1/reports/forecast", {**asked, "count": None, "numbers": numbers(1000, 400)}
    )
    outcome = await town.outcome(await town.send(numbers(1000, 400)))
    print(outcome)
    for forecast in (known, by_number):
        assert forecast["basis"]["own_notifications"] == 1000
        for name in ("line", "sms", "line_notification", "late_duplicates"):
            found = forecast[name]
            print(name, found)
            assert found["low"] <= outcome[name] <= found["high"], name
        (cost,) = forecast["cost"]
        assert float(cost["low"]) <= outcome["cost"] <= float(cost["high"]), cost
        # Known from a thousand notices, it is said far more narrowly than from suppositions.
        assert known["sms"]["high"] - known["sms"]["low"] < 0.16 * 400
        assert blind["sms"]["high"] - blind["sms"]["low"] > 1.5 * (known["sms"]["high"] - known["sms"]["low"])
    await _same_people_again(town, asked, known)


async def _same_people_again(town: Town, asked: dict[str, Any], before: dict[str, Any]) -> None:
    """Who was reached before will be again: a list of known numbers is forecast by their own last results."""
    again = numbers(0, 250)
    forecast = await town.gateway.ok(
        "POST", "/v1/reports/forecast", {**asked, "count": None, "numbers": again}
    )
    kinds = {x["last_result"]: x for x in forecast["basis"]["recipients"]}
    assert set(kinds) == {"shown", "silent", "no_line_user"}
    assert kinds["shown"]["matched"] > 0.95
    assert kinds["no_line_user"]["matched"] < 0.1
    outcome = await town.outcome(await town.send(again))
    print(outcome, {x: forecast[x] for x in ("line", "sms")})
    assert abs(forecast["line"]["share"] - outcome["line"] / 250) < 0.06
    assert forecast["line"]["share"] > before["line"]["share"]
