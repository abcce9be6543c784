"""/v1/reports/forecast: what may be asked, what is answered, and what is refused."""

from __future__ import annotations

import io
import json
from datetime import date, datetime, timedelta
from typing import Any

from rich.console import Console

from command_support import run
from gateway_support import RunningGateway
from todoke.cli.forecast import forecast_lines

PATH = "/v1/reports/forecast"
CARD: dict[str, Any] = {
    "name": "card",
    "use_case": "card_payment_alert",
    "parameters": {"name": {"type": "text", "example": "王小明", "max": 20}},
    "sms": "{{name}} 您好,您的信用卡刷卡消費成功。",
    "flexible": None,
}
BOTH = {"steps": [{"step": "line_notification", "wait": "2h"}, {"step": "sms"}]}
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"count": {"US": 5}}, "/count", "not served"),
    ({"count": 0}, "/count", "from 1 to"),
    ({"count": {"TW": "many"}}, "/count", "from 1 to"),
    ({"count": {"TW": True}}, "/count", "from 1 to"),
    ({"count": {}}, "/count", "no country"),
    ({"count": 10, "numbers": ["0912345678"]}, "/count", "exclude each other"),
    ({"numbers": ["not a number", "0212345678"]}, "/numbers", "none of them"),
    ({"channel": "Nope"}, "/channel", "no channel 'Nope'"),
    ({"template": "nope"}, "/template", "no template"),
    ({"policy": "nope"}, "/policy", "no policy"),
    ({"policy": {"steps": []}}, "/policy/steps", ""),
    ({"deadline": "soon"}, "/deadline", "neither a duration"),
    ({"deadline": "2020-01-01T00:00:00Z"}, "/deadline", "in the future"),
    ({"starts_at": "tomorrow"}, "/starts_at", "is no time"),
    ({"starts_at": "2020-01-01T00:00:00Z"}, "/starts_at", "has passed"),
    ({"rate": 0}, "/rate", ""),
    ({"percent_an_hour": 1000}, "/percent_an_hour", ""),
    ({"hours": "9-18"}, "/hours", "no hours of the day"),
    ({"waits": ["30h"]}, "/waits/0", "1s to 24h"),
    ({"waits": ["\u202e1h"]}, "/waits/0", "no duration"),
    ({"language": "fr"}, "/language", "no texts in"),
    ({"most_late_duplicates": 2}, "/most_late_duplicates", ""),
    ({"nonsense": 1}, "/nonsense", "no such field"),
]


async def test_a_new_account_gets_a_forecast_from_suppositions_and_is_told_so(
    gateway: RunningGateway,
) -> None:
    asked = {"channel": "Parcels", "template": "parcel", "count": {"TW": 20_000}}
    found = await gateway.ok("POST", PATH, asked)
    assert found["notices"] == 20_000
    assert found["basis"]["supposed_share"] == 1.0
    assert "LINE publishes no such shares" in found["notes"][0]
    assert [x["wait"] for x in found["waits"]] == [
        "1m",
        "5m",
        "15m",
        "30m",
        "1h",
        "2h",
        "4h",
        "8h",
        "12h",
        "24h",
    ]
    (own,) = [x for x in found["waits"] if x["is_the_policys"]]
    assert own["wait"] == "4h"
    assert own["sms"] == found["sms"]
    assert found["recommended"]["wait"] in [x["wait"] for x in found["waits"] if x["is_recommended"]]
    assert "delivery is wanted within a day" in found["recommended"]["why"]
    for row in found["waits"]:
        for name in ("line", "sms", "late_duplicates", "not_reached", "line_notification"):
            assert 0 <= row[name]["low"] <= row[name]["expected"] <= row[name]["high"] <= 20_000
    (cost,) = found["cost"]
    # LINE's part at 0.20, the SMS part from 0.80 to 2.00.
    low = 0.2 * found["line_notification"]["expected"] + 0.8 * found["sms"]["expected"]
    assert abs(float(cost["amount"]) - low) < 2
    assert float(cost["low"]) < float(cost["amount"]) < float(cost["amount_at_most"]) < float(cost["high"])
    assert found["sms_alone"] == [
        {
            "country": "TW",
            "segments": 20_000,
            "amount": "16000.00",
            "amount_at_most": "40000.00",
            "currency": "TWD",
        }
    ]
    # The same in the address, and with nothing said at all: the only channel, and its only template.
    same = await gateway.ok("GET", PATH, channel="Parcels", template="parcel", count="20000", country="TW")
    assert same == found
    assert (await gateway.ok("GET", PATH))["notices"] == 1000
    await _commands(gateway, found)
    await _dry_run(gateway)


async def _commands(gateway: RunningGateway, found: dict[str, Any]) -> None:
    said = await run(gateway, "forecast", "-c", "Parcels", "-t", "parcel", "-n", "TW=20,000")
    assert "20,000 notices, Parcels parcel" in said
    assert f"Recommended wait: {found['recommended']['wait']}" in said
    told = json.loads(await run(gateway, "forecast", "-n", "TW=20000", "--json"))
    assert told["sms"] == found["sms"]
    assert "is no count" in await run(gateway, "forecast", "-n", "many", code=2)
    console = Console(width=80, file=io.StringIO())
    console.print(forecast_lines(found))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    rows = [x for x in lines if x.startswith(("1m ", "4h ", "24h "))]
    assert len(rows) == 3
    assert all("TWD" in x and "(" in x and x.rstrip()[-1] in "smhd" for x in rows), rows


async def _dry_run(gateway: RunningGateway) -> None:
    """A list that is only looked at says what it would come to, with the whole list's length and its plan."""
    rows = "".join(f"09{i:08d},小明\n" for i in range(12_000_000, 12_001_500))
    status, looked = await gateway.upload(
        f"phone,name\n{rows}".encode(), dry_run="true", percent_an_hour="50"
    )
    assert status == 200, looked
    assert (looked["accepted"], looked["forecast"]["notices"]) == (1000, 1500)
    assert looked["forecast"]["sending_takes"] == "2h"
    assert looked["forecast"]["basis"]["rows_looked_at"] == 1000
    _, nothing = await gateway.upload(b"phone,name\nnobody,x\n", dry_run="true")
    assert nothing["forecast"] is None


async def test_plans_quiet_hours_orders_and_the_law_change_the_forecast(gateway: RunningGateway) -> None:
    today = (await gateway.emulator.control("GET", "/clock"))["now"][:10]
    # Ten in the morning in Taiwan.
    starts = f"{date.fromisoformat(today) + timedelta(days=1)}T02:00:00Z"
    count = {"channel": "Parcels", "template": "parcel", "count": 1000, "starts_at": starts}
    plain = await gateway.ok("POST", PATH, {**count, "policy": BOTH})
    waves = await gateway.ok("POST", PATH, {**count, "policy": BOTH, "percent_an_hour": 10})
    assert plain["sending_takes"] == "0s"
    assert waves["sending_takes"] == "10h"
    assert waves["sms"]["expected"] == plain["sms"]["expected"]
    assert waves["time"]["last_step_begins"] == "12h"
    at_work = await gateway.ok("POST", PATH, {**count, "policy": BOTH, "rate": 200, "hours": "10:00-12:00"})
    # Five hours of sending, two a day: it ends in the first hour of the third day, and the SMS two hours after that.
    assert at_work["time"]["last_step_begins"] == "51h"
    # Noon, when the waits are over, lies in these hours.
    quiet = {**BOTH, "quiet_hours": [{"country": "TW", "from": "11:00", "to": "20:00"}]}
    held = await gateway.ok("POST", PATH, {**count, "policy": quiet})
    assert held["time"]["last_step_begins"] == "10h"
    assert held["sms"]["expected"] < plain["sms"]["expected"]
    cut = await gateway.ok("POST", PATH, {**count, "starts_at": None, "policy": BOTH, "deadline": "1h"})
    assert cut["not_reached"]["expected"] > plain["not_reached"]["expected"] + 50
    assert cut["late_duplicates"]["expected"] == 0
    assert "The deadline is 1h" in cut["recommended"]["why"]
    alone = await gateway.ok("POST", PATH, {**count, "policy": {"steps": [{"step": "line_notification"}]}})
    assert alone["waits"] == []
    assert "no wait to choose" in alone["recommended"]["why"]
    # Prices that nobody told are in no amount, and currencies are never added up.
    both = await gateway.ok("POST", PATH, {**count, "count": {"TW": 500, "TH": 500}, "policy": BOTH})
    assert both["by_country"] == {"TH": 500, "TW": 500}
    assert {(x["country"], x["step"]) for x in both["unknown_prices"]} >= {("TH", "sms")}
    assert "Prices are not known for" in both["notes"][-1]
    await gateway.template(**CARD)
    law = await gateway.ok("POST", PATH, {"channel": "Parcels", "template": "card", "count": 10})
    assert law["recommended"]["wait"] is None
    assert "allows no duplicate by law" in law["recommended"]["why"]
    status, problem = await gateway.call("POST", PATH, {"template": "card", "count": 10, "policy": BOTH})
    assert (status, problem["errors"][0]["pointer"]) == (422, "/policy/steps")


async def test_bound_friends_blockers_and_the_suppressed_are_known_and_a_held_batch_is_one(
    gateway: RunningGateway,
) -> None:
    line = gateway.emulator
    (channel,) = (await gateway.ok("GET", "/v1/channels"))["channels"]
    friend, blocker, silenced, stranger = (f"+88691234567{i}" for i in range(4))
    for phone in (friend, blocker):
        user = await line.user(phone)
        await line.act(phone, "add_friend", channel_id=channel["line_channel_id"])
        binding = {"channel": "Parcels", "number": phone, "user_id": user["user_id"], "way": "login"}
        await gateway.ok("POST", "/v1/bindings", binding)
    await line.act(blocker, "block", channel_id=channel["line_channel_id"])
    await gateway.ok("POST", "/v1/suppressions", {"number": silenced, "scope": "all", "reason": "opt_out"})
    await gateway.settle()
    steps = {"steps": [{"step": "line_push"}, *BOTH["steps"]]}
    numbers = [friend] * 30 + [blocker] * 30 + [silenced] * 30 + [stranger] * 30 + ["nonsense"]
    found = await gateway.ok("POST", PATH, {"numbers": numbers, "policy": steps})
    assert (found["notices"], found["refused_numbers"]) == (120, 1)
    # Of a push nearly all are taken; the others of that friend go on to LINE's notification.
    assert 28 <= found["line_push"]["expected"] <= 30
    # The blocker gets an SMS for sure, the suppressed nothing at all, the stranger an SMS where LINE fails.
    assert 29 + 9 <= found["sms"]["expected"] <= 30 + 16
    assert 30 <= found["not_reached"]["expected"] <= 33
    assert sum(x["notices"] for x in found["basis"]["recipients"]) == 60
    rows = "".join(f"09{i:08d},小明\n" for i in range(12_000_000, 12_000_200))
    _, batch = await gateway.upload(f"phone,name\n{rows}".encode(), rate="100")
    await gateway.settle()
    held = await gateway.ok("GET", PATH, batch=batch["id"])
    assert (held["notices"], held["sending_takes"], held["basis"]["rows_looked_at"]) == (200, "2h", None)


async def test_what_cannot_be_forecast_is_refused_with_place_and_remedy(gateway: RunningGateway) -> None:
    for changes, pointer, says in REFUSED:
        body = {"channel": "Parcels", "template": "parcel", **changes}
        status, problem = await gateway.call("POST", PATH, body)
        assert status == 422, (changes, problem)
        assert pointer in [x["pointer"] for x in problem["errors"]], (changes, problem)
        assert says in problem["detail"], (changes, problem)
        assert "912345678" not in json.dumps(problem)
    assert (await gateway.call("POST", PATH, {"batch": "01K2W7M0000000000000000000"}))[0] == 404
    for query in ({"count": "many"}, {"count": "-1"}, {"country": "US"}, {"policy": "{"}, {"colour": "red"}):
        status, problem = await gateway.call("GET", PATH, **query)
        assert (status, problem["errors"][0]["pointer"]) == (422, f"query: {next(iter(query))}"), problem


async def test_a_list_that_was_made_earlier_and_sent_later_is_no_history_of_the_other(
    gateway: RunningGateway,
) -> None:
    await gateway.emulator.user("+886912345678")
    now = datetime.fromisoformat((await gateway.emulator.control("GET", "/clock"))["now"])
    content = "phone,name\n0912345678,小明\n".encode()
    await gateway.upload(content, starts_at=(now + timedelta(hours=2)).isoformat())
    await gateway.upload(content)
    await gateway.settle()
    await gateway.advance("3h")
    found = await gateway.ok("POST", PATH, {"channel": "Parcels", "template": "parcel", "count": 10})
    assert found["basis"]["own_notifications"] == 2
    assert {x["last_result"] for x in found["basis"]["recipients"]} == {"never_sent"}
    known = {"channel": "Parcels", "template": "parcel", "numbers": ["0912345678"]}
    found = await gateway.ok("POST", PATH, known)
    assert {x["last_result"] for x in found["basis"]["recipients"]} == {"shown"}
