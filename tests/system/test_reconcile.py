"""Our counts beside LINE's, over days of UTC+9 that do not end when those of UTC do."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from emulator_support import RunningEmulator
from gateway_support import RunningGateway, running_gateway
from todoke.core.durations import parse_rfc3339
from todoke.storage import alarms as alarm_store
from todoke.storage import channels
from todoke.storage.alarms import Alarm
from todoke.storage.database import Database

EVENING = "2030-03-01T13:30:00Z"
"""Half past ten in the evening of 1 March in UTC+9."""
TODAY, TOMORROW, AFTER = "2030-03-01", "2030-03-02", "2030-03-03"
PHONE = "+886912345678"
PEOPLE = [f"+88691234567{i}" for i in range(5)]
LINE_ONLY = {"steps": [{"step": "line_notification"}]}
PREMADE = {
    "name": "premade",
    "line_template": {
        "templateKey": "example_parcel",
        "body": {"items": [{"itemKey": "example_name", "content": "{{name}}"}]},
    },
    "flexible": None,
}
URL = "/v1/reports/reconciliation"


@pytest.fixture(autouse=True)
async def begins_in_the_evening(line: RunningEmulator) -> None:
    """The clock stands there before any gateway follows it."""
    await line.control("POST", "/clock", {"mode": "paused"})
    await line.control("POST", "/clock", {"set": EVENING})


@pytest.fixture
async def evening(begins_in_the_evening: None, gateway: RunningGateway) -> RunningGateway:
    """The gateway of all tests, on that evening."""
    return gateway


async def run(gateway: RunningGateway, **asked: Any) -> list[dict[str, Any]]:
    """Asks LINE now; the rows in which anybody counted anything, or could not."""
    answer = await gateway.ok("POST", f"{URL}/run", asked)
    quiet = ("ready", "out_of_service")
    return [r for r in answer["rows"] if r["ours"] or r["line"] or r["status"] not in quiet]


async def kept(gateway: RunningGateway, **asked: str) -> list[dict[str, Any]]:
    return list((await gateway.ok("GET", URL, **asked))["rows"])


def counts(rows: list[dict[str, Any]]) -> list[tuple[str, str, int, int | None]]:
    return [(r["day"], r["kind"], r["ours"], r["line"]) for r in rows]


async def requests_for_counts(gateway: RunningGateway) -> int:
    """How many times LINE was asked for a count."""
    page = await gateway.emulator.control("GET", "/requests?limit=1000")
    return sum("/message/delivery/" in r["path"] for r in page["rows"])


async def alarms(gateway: RunningGateway) -> list[Alarm]:
    """All that were ever raised, as they are stored."""
    database = Database(f"sqlite:///{gateway.folder / 'todoke.db'}")
    async with database.read() as tx:
        account = (await channels.list_channels(tx))[0].account_id
        found = await alarm_store.list_alarms(tx, account, standing=None, before=None, limit=10)
    await database.close()
    return found


async def say_to(gateway: RunningGateway, *people: str, **more: Any) -> list[str]:
    """A notice to each, over LINE alone."""
    return [await gateway.send(p, LINE_ONLY, **more) for p in people]


async def test_counts_are_equal_also_for_a_message_that_was_released_after_midnight_in_utc_9(
    evening: RunningGateway,
) -> None:
    await evening.emulator.user(PEOPLE[0])
    await evening.emulator.user(PEOPLE[1], reception="not_set", verified=True)
    await evening.template(**PREMADE)
    await say_to(evening, *PEOPLE[:2])
    await say_to(evening, PEOPLE[0], template="premade")
    await evening.advance("2h")
    await evening.emulator.act(PEOPLE[1], "agree")
    await evening.advance("2d")
    rows = await run(evening, since=TODAY, until=TOMORROW)
    assert counts(rows) == [
        (TODAY, "template", 1, 1),
        (TODAY, "flexible", 1, 1),
        (TOMORROW, "flexible", 1, 1),
    ]
    assert {(r["status"], r["difference"], r["differs"]) for r in rows} == {("ready", 0, False)}
    assert all(r["explained_by"] == r["notes"] == [] for r in rows)


async def test_of_a_lost_event_the_notice_is_named_and_others_are_not(evening: RunningGateway) -> None:
    for phone in PEOPLE:
        await evening.emulator.user(phone)
    await say_to(evening, *PEOPLE[:3])
    await evening.settle()
    await evening.emulator.fault("webhook", "drop", next=1)
    (lost,) = await say_to(evening, PEOPLE[3])
    await evening.settle()
    # Nobody has this number: LINE said so, and counts nothing.
    await say_to(evening, "+886912340000")
    await evening.advance("3d")
    (row,) = await run(evening, since=TODAY)
    assert (row["ours"], row["line"], row["difference"], row["differs"]) == (3, 4, 1, True)
    assert [x["notice"] for x in row["explained_by"]] == [lost]
    assert "no delivery event came" in row["explained_by"][0]["reason"]
    assert row["explained_by_total"] == 1
    assert any("another system" in note for note in row["notes"])


async def test_a_request_whose_answer_was_lost_is_named_as_such(evening: RunningGateway) -> None:
    await evening.emulator.user(PHONE)
    await evening.emulator.fault("api", "disconnect_after", next=1, path="/bot/pnp/push")
    await evening.emulator.fault("webhook", "drop")
    (lost,) = await say_to(evening, PHONE)
    await evening.advance("3d")
    (row,) = await run(evening, since=TODAY)
    assert (row["difference"], [x["notice"] for x in row["explained_by"]]) == (1, [lost])
    assert "answer was lost" in row["explained_by"][0]["reason"]


async def test_what_another_system_sends_over_the_same_channel_shows_as_lines_surplus_and_is_said(
    line: RunningEmulator, tmp_path: Path
) -> None:
    async with running_gateway(line, tmp_path / "data") as gateway:
        made = await gateway.channel()
        await gateway.template()
        await line.user(PHONE)
        await say_to(gateway, PHONE)
        await line.send_flexible(made, PHONE, "tag-of-another-system")
        await gateway.advance("3d")
        (row,) = await run(gateway, since=TODAY)
    assert (row["ours"], row["line"], row["difference"]) == (1, 2, 1)
    assert row["explained_by"] == []
    assert any("another system" in note for note in row["notes"])


async def test_a_day_that_line_has_not_counted_yet_is_no_difference(evening: RunningGateway) -> None:
    await evening.emulator.user(PHONE)
    await say_to(evening, PHONE)
    await evening.settle()
    rows = [r for r in await run(evening, since=TODAY) if r["kind"] == "flexible"]
    assert [(r["status"], r["ours"], r["line"], r["difference"], r["differs"]) for r in rows] == [
        ("unready", 1, None, None, False)
    ]
    assert "not counted this day yet" in rows[0]["status_text"]


@pytest.mark.parametrize("sent", [5, 21])
async def test_a_count_that_line_hides_fits_ours_only_while_ours_is_as_small(
    line: RunningEmulator, tmp_path: Path, sent: int
) -> None:
    async with running_gateway(line, tmp_path / "data") as gateway:
        await gateway.channel(privacy_floor=50)
        await gateway.template()
        await line.user(PHONE)
        await say_to(gateway, *[PHONE] * sent)
        await gateway.advance("3d")
        (row,) = [r for r in await run(gateway, since=TODAY) if r["kind"] == "flexible"]
    assert (row["status"], row["ours"], row["line"]) == ("unavailable_for_privacy", sent, None)
    assert row["difference"] is None
    assert row["differs"] is (sent >= 20)


async def test_pushes_of_notices_and_ordinary_messages_are_counted_together(
    evening: RunningGateway,
) -> None:
    user = await evening.emulator.user(PHONE)
    channel = (await evening.ok("GET", "/v1/channels"))["channels"][0]
    await evening.emulator.act(PHONE, "add_friend", channel_id=channel["line_channel_id"])
    await evening.settle()
    bound = {"channel": "Parcels", "number": PHONE, "user_id": user["user_id"], "way": "account_link"}
    await evening.ok("POST", "/v1/bindings", bound)
    await evening.send(PHONE, {"steps": [{"step": "line_push"}]})
    message = {
        "channel": "Parcels",
        "user_id": user["user_id"],
        "messages": [{"type": "text", "text": "您好"}],
    }
    await evening.ok("POST", "/v1/messages", message)
    await evening.settle()
    # The follow event of a block is lost: LINE takes the next push, and shows nothing.
    await evening.emulator.fault("webhook", "delay", ms=3_600_000)
    await evening.emulator.act(PHONE, "block", channel_id=channel["line_channel_id"])
    unseen = await evening.send(PHONE, {"steps": [{"step": "line_push"}]})
    await evening.advance("2d")
    (row,) = await run(evening, since=TODAY)
    assert (row["kind"], row["ours"], row["line"], row["difference"]) == ("push", 3, 2, -1)
    assert unseen in [x.get("notice") for x in row["explained_by"]]
    why = next(x["reason"] for x in row["explained_by"] if x.get("notice") == unseen)
    assert "blocks the account" in why


async def test_a_channel_without_a_token_is_not_asked_and_says_so(evening: RunningGateway) -> None:
    body = {"name": "Bare", "region": "TW", "line_channel_id": "4711", "secret": "0" * 32}
    await evening.ok("POST", "/v1/channels", body)
    rows = await run(evening, channel="Bare", since="2030-02-01")
    assert {(r["status"], r["line"], r["differs"]) for r in rows} == {("no_token", None, False)}
    assert len(rows) == 3
    assert await requests_for_counts(evening) == 0


async def test_a_revoked_token_is_told_and_asked_with_once(
    evening: RunningGateway, logged: list[Any]
) -> None:
    channel = (await evening.ok("GET", "/v1/channels"))["channels"][0]
    await evening.ok("PATCH", f"/v1/channels/{channel['id']}", {"access_token": "revoked"})
    rows = await run(evening, since="2030-02-01")
    assert {r["status"] for r in rows} == {"refused"}
    assert "new channel access token" in rows[0]["detail"]
    assert await requests_for_counts(evening) == 1
    assert [x["event"] for x in logged].count("counts.not_told") == 1


async def test_the_daily_job_compares_by_itself_and_once_more_a_day_later(evening: RunningGateway) -> None:
    """Its event comes after 23 hours, as by LINE's redelivery: then the counts are equal, and the alarm ends."""
    await evening.emulator.user(PHONE)
    await evening.emulator.fault("webhook", "delay", ms=23 * 3_600_000)
    await say_to(evening, PHONE)
    await evening.advance("5h")
    assert await kept(evening) == [], "it is half past three in UTC+9: LINE may still be counting"
    await evening.advance("1h")
    (row,) = [r for r in await kept(evening) if r["kind"] == "flexible"]
    assert (row["day"], row["ours"], row["line"], row["checked_at"]) == (
        TODAY,
        0,
        1,
        "2030-03-01T19:00:00.000Z",
    )
    (alarm,) = await alarms(evening)
    assert (alarm.kind, alarm.cleared_at) == ("counts_differ", None)
    assert "2030-03-01 flexible: ours 0, LINE's 1" in alarm.text
    await evening.advance("24h")
    (row,) = [r for r in await kept(evening, since=TODAY, until=TODAY) if r["kind"] == "flexible"]
    assert (row["ours"], row["line"], row["checked_at"]) == (1, 1, "2030-03-02T19:00:00.000Z")
    assert [a.cleared_at is not None for a in await alarms(evening)] == [True]


async def test_the_daily_job_asks_three_times_for_each_day_in_use_and_never_for_others(
    evening: RunningGateway,
) -> None:
    await evening.emulator.user(PHONE)
    await say_to(evening, PHONE)
    await evening.advance("12d")
    # Three kinds, on the next day and once more.
    assert await requests_for_counts(evening) == 6
    assert {r["day"] for r in await kept(evening, since=TODAY, until="2030-03-13")} == {TODAY}


async def test_a_difference_that_stays_is_an_alarm_for_a_week_and_no_longer(evening: RunningGateway) -> None:
    await evening.emulator.user(PHONE)
    await evening.emulator.fault("webhook", "drop")
    await say_to(evening, PHONE)
    await evening.advance("6d")
    assert [a.cleared_at for a in await alarms(evening)] == [None]
    await evening.advance("3d")
    (alarm,) = await alarms(evening)
    assert alarm.cleared_at == parse_rfc3339("2030-03-08T15:00:00Z")
    assert [r["differs"] for r in await kept(evening, since=TODAY, until=TODAY)].count(True) == 1


async def test_line_that_does_not_answer_is_asked_again_in_an_hour(
    evening: RunningGateway, logged: list[Any]
) -> None:
    await evening.emulator.user(PHONE)
    await say_to(evening, PHONE)
    await evening.settle()
    broken = await evening.emulator.fault(
        "api", "status_before", status=500, path="/v2/bot/message/delivery/pnp/templated"
    )
    await evening.advance("6h")
    (row,) = [r for r in await kept(evening) if r["kind"] == "flexible"]
    assert (row["status"], row["ours"], row["line"], row["differs"]) == ("no_answer", 1, None, False)
    assert broken is not None
    await evening.emulator.control("DELETE", "/faults")
    await evening.advance("1h")
    (row,) = [r for r in await kept(evening) if r["kind"] == "flexible"]
    assert (row["status"], row["ours"], row["line"], row["checked_at"]) == (
        "ready",
        1,
        1,
        "2030-03-01T20:00:00.000Z",
    )
    assert [x["event"] for x in logged].count("counts.not_told") == 1


async def test_a_gateway_that_was_down_for_days_makes_up_for_them(
    line: RunningEmulator, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    async with running_gateway(line, folder) as gateway:
        await gateway.channel()
        await gateway.template()
        await line.user(PHONE)
        await say_to(gateway, PHONE)
        await gateway.settle()
    await line.control("POST", "/clock", {"advance": "4d"})
    async with running_gateway(line, folder) as gateway:
        await gateway.settle()
        rows = [r for r in await kept(gateway) if r["ours"]]
    assert counts(rows) == [(TODAY, "flexible", 1, 1)]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"since": "7 August"}, "/since"),
        ({"since": "2030-13-01"}, "/since"),
        ({"until": "20300301"}, "/until"),
        ({"since": TOMORROW, "until": TODAY}, "/since"),
        ({"since": "2029-01-01", "until": "2030-01-01"}, "/since"),
        ({"since": "0001-01-01"}, "/since"),
        ({"until": "9999-12-31"}, "/since"),
        ({"days": 0}, "/days"),
        ({"days": 3, "since": TODAY}, "/days"),
        ({"day": TODAY}, "/day"),
        ({"since": 20300301}, "/since"),
    ],
)
async def test_days_that_make_no_sense_are_refused_with_their_place(
    gateway: RunningGateway, body: Any, pointer: str
) -> None:
    status, problem = await gateway.call("POST", f"{URL}/run", body)
    assert (status, problem["errors"][0]["pointer"]) == (422, pointer)
    query = {k: str(v) for k, v in body.items() if k in ("since", "until")}
    if query and "days" not in body and not isinstance(body.get("since"), int):
        status, problem = await gateway.call("GET", URL, **query)
        assert status == 422
        assert problem["errors"][0]["pointer"].startswith("query: ")


async def test_an_unknown_channel_and_one_of_another_account_are_the_same_404(
    gateway: RunningGateway,
) -> None:
    status, problem = await gateway.call("POST", f"{URL}/run", {"channel": "Nobody"})
    assert (status, problem["type"]) == (404, "not-found")
    status, _ = await gateway.call("GET", URL, channel="Nobody")
    assert status == 404


# On the command line


async def todoke(gateway: RunningGateway, *arguments: str) -> tuple[int, str, str]:
    """The real command against this gateway: its exit code, what it printed, its complaints."""
    environment = {
        "HOME": str(gateway.folder),
        "PATH": os.environ["PATH"],
        "COLUMNS": "160",
        "TODOKE_DATA_DIR": str(gateway.folder),
        "TODOKE_BASE_URL": gateway.url,
    }
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).parent / "todoke"),
        "reconcile",
        *arguments,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_the_command_tells_equal_counts_and_ends_well(evening: RunningGateway) -> None:
    await evening.emulator.user(PHONE)
    await say_to(evening, PHONE)
    await evening.advance("12h")
    code, out, err = await todoke(evening, "--strict")
    assert (code, err) == (0, "")
    assert TODAY in out
    assert "flexible notifications" in out
    assert "All counts are equal" in out
    assert "template" not in out, "a kind that nobody used is no news"


async def test_the_command_names_the_notice_and_fails_only_where_it_is_asked_to(
    evening: RunningGateway,
) -> None:
    await evening.emulator.user(PHONE)
    await evening.emulator.fault("webhook", "drop")
    (lost,) = await say_to(evening, PHONE)
    await evening.advance("2d")
    code, out, err = await todoke(evening, "--date", TODAY, "--channel", "Parcels")
    assert (code, err) == (0, "")
    assert "+1" in out
    assert lost in out
    assert "another system" in " ".join(out.split())
    code, _, _ = await todoke(evening, "--days", "2", "--strict")
    assert code == 1
    code, out, _ = await todoke(evening, "--date", TODAY, "--strict", "--json")
    assert code == 1
    assert [r["difference"] for r in json.loads(out)["rows"] if r["differs"]] == [1]


async def test_the_command_says_honestly_what_line_does_not_tell(evening: RunningGateway) -> None:
    await evening.emulator.user(PHONE)
    await say_to(evening, PHONE)
    await evening.settle()
    code, out, _ = await todoke(evening, "--date", TODAY)
    assert code == 0
    assert "LINE has not counted this day yet" in " ".join(out.split())
    assert "equal" not in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--date", "7 August"), "--date"),
        (("--date", TODAY, "--days", "3"), "either --date or --days"),
        (("--days", "0"), "--days"),
        (("--channel", "Nobody"), "There is no channel 'Nobody'"),
    ],
)
async def test_the_command_refuses_what_it_can_t_use(
    gateway: RunningGateway, arguments: tuple[str, ...], words: str
) -> None:
    code, out, err = await todoke(gateway, *arguments)
    assert code > 0
    assert out == ""
    assert words in err
    assert "Traceback" not in err
