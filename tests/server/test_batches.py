"""Batches over the API: planned, paused, resumed, cancelled, scored; their files."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from typing import Any

from command_support import run
from gateway_support import RunningGateway
from todoke.cli.batch_show import short_left

SMS_ONLY = '{"steps": [{"step": "sms"}]}'


def rows(count: int, first: int = 0) -> str:
    return "phone,name\n" + "".join(f"09{i:08},小明\n" for i in range(first, first + count))


async def upload(gateway: RunningGateway, content: str, **fields: str) -> Any:
    status, batch = await gateway.upload(content.encode(), **fields)
    assert status in (200, 202), batch
    return batch


async def read(gateway: RunningGateway, batch: Any) -> Any:
    return await gateway.ok("GET", f"/v1/batches/{batch['id']}")


async def sms_sent(gateway: RunningGateway) -> int:
    return len((await gateway.emulator.control("GET", "/sms"))["rows"])


async def test_a_list_goes_out_in_waves_at_its_time_and_can_be_paused_planned_anew_and_cancelled(
    gateway: RunningGateway,
) -> None:
    now = datetime.fromisoformat((await gateway.emulator.control("GET", "/clock"))["now"])
    starts = f"{now + timedelta(hours=2):%Y-%m-%dT%H}:00:00Z"
    batch = await upload(
        gateway, rows(120), policy=SMS_ONLY, starts_at=starts, percent_an_hour="25", rate="1000"
    )
    assert batch["plan"] == {
        "starts_at": starts.replace("Z", ".000Z"),
        "rate": 1000,
        "percent_an_hour": 25.0,
        "hours": None,
    }
    await gateway.settle()
    waiting = await read(gateway, batch)
    assert (waiting["state"], waiting["open"], waiting["held"], waiting["ended_at"]) == (
        "scheduled",
        120,
        120,
        None,
    )
    assert (waiting["held_up_by"]["cause"], waiting["held_up_by"]["until"]) == (
        "scheduled",
        waiting["plan"]["starts_at"],
    )
    assert waiting["time_left"]["seconds"] >= 4 * 3600
    assert await sms_sent(gateway) == 0

    await gateway.advance("3h")
    under_way = await read(gateway, batch)
    # Thirty an hour, one every two minutes.
    assert 20 <= under_way["begun"] == await sms_sent(gateway) <= 61
    assert under_way["state"] == "sending"
    assert under_way["held_up_by"]["cause"] == "waves"

    paused = await gateway.ok("POST", f"/v1/batches/{batch['id']}/pause")
    assert paused["state"] == "paused"
    assert paused["time_left"]["seconds_at_most"] is None
    assert "paused" in paused["time_left"]["why"]
    await gateway.advance("2h")
    assert await sms_sent(gateway) == under_way["begun"]
    assert (await read(gateway, batch))["state"] == "paused"

    await gateway.ok("POST", f"/v1/batches/{batch['id']}/resume")
    status, problem = await gateway.call("PATCH", f"/v1/batches/{batch['id']}", {"rate": 0})
    assert (status, problem["type"], problem["errors"][0]["pointer"]) == (422, "invalid-plan", "/rate")
    for field, value in (("rate", True), ("rate", "10"), ("percent_an_hour", "5"), ("percent_an_hour", True)):
        assert (await gateway.call("PATCH", f"/v1/batches/{batch['id']}", {field: value}))[0] == 422, value
    changed = await gateway.ok(
        "PATCH", f"/v1/batches/{batch['id']}", {"rate": 10, "percent_an_hour": None, "starts_at": None}
    )
    assert changed["plan"]["rate"] == 10
    await gateway.advance("1h")
    slow = (await read(gateway, batch))["begun"] - under_way["begun"]
    assert 0 < slow <= 10
    cancelled = await gateway.ok("POST", f"/v1/batches/{batch['id']}/cancel")
    assert cancelled["states"]["cancelled"] == 120 - under_way["begun"] - slow
    await gateway.advance("3h")
    assert await sms_sent(gateway) == under_way["begun"] + slow
    over = await read(gateway, batch)
    assert (over["state"], over["held_up_by"], over["time_left"]) == ("cancelled", None, None)
    for what in ("pause", "resume"):
        status, problem = await gateway.call("POST", f"/v1/batches/{batch['id']}/{what}")
        assert (status, problem["type"]) == (409, "batch-over")
    assert (await gateway.ok("POST", f"/v1/batches/{batch['id']}/cancel"))["cancelled_at"]
    assert (await gateway.call("POST", "/v1/batches/nobody/pause"))[0] == 404


async def test_a_plan_that_makes_no_sense_is_refused_before_anything_is_stored(
    gateway: RunningGateway,
) -> None:
    for field, value in (
        ("starts_at", "tomorrow"),
        ("starts_at", "2019-08-10T09:00+08:00"),
        ("rate", "0"),
        ("percent_an_hour", "nan"),
        ("hours", "9-17"),
    ):
        status, problem = await gateway.upload(rows(1).encode(), **{field: value})
        assert status == 422, field
        assert field in problem["errors"][0]["pointer"], problem
    assert (await gateway.ok("GET", "/v1/batches"))["batches"] == []


async def test_results_hold_times_cost_and_late_duplicates_and_can_be_of_what_failed_only(
    gateway: RunningGateway,
) -> None:
    await gateway.emulator.user("+886912345678")
    batch = await upload(gateway, "phone,name\n0912345678,小明\n0912345679,小華\n")
    await gateway.settle()
    text = await gateway.ok("GET", f"/v1/batches/{batch['id']}/results.csv")
    shown, by_sms = list(csv.DictReader(io.StringIO(text)))
    assert (shown["delivered_by"], by_sms["delivered_by"]) == ("line_notification", "sms")
    for row in (shown, by_sms):
        assert row["late_duplicates"] == "0"
        assert row["created_at"] <= row["first_request_at"] <= row["delivered_at"]
        assert (row["currency"], row["country"]) == ("TWD", "TW")
        assert float(row["cost"]) > 0
    failing = await upload(
        gateway, rows(2), policy='{"steps": [{"step": "line_notification", "wait": "1m"}]}'
    )
    await gateway.advance("2m")
    text = await gateway.ok("GET", f"/v1/batches/{failing['id']}/results.csv", only="failed")
    assert [r["state"] for r in csv.DictReader(io.StringIO(text))] == ["not_delivered"] * 2
    for only in ("open", "late_duplicates"):
        text = await gateway.ok("GET", f"/v1/batches/{batch['id']}/results.csv", only=only)
        assert len(text.splitlines()) == 1
    assert (await gateway.call("GET", f"/v1/batches/{batch['id']}/results.csv", only="all"))[0] == 422


async def test_a_list_is_scored_by_what_was_seen_of_its_numbers(gateway: RunningGateway) -> None:
    await gateway.emulator.user("+886912345678")
    await upload(gateway, "phone,name\n0912345678,小明\n0912345679,小華\n")
    await gateway.settle()
    body = {"number": "0900000005", "scope": "all", "reason": "manual"}
    await gateway.ok("POST", "/v1/suppressions", body)
    content = rows(8) + "0912345678,小明\n0912345679,小華\nbad,x\n"
    looked = await upload(gateway, content, dry_run="true")
    score = looked["score"]
    assert score["list"] == {"rows": 11, "whole": True, "looked_at": 11}
    assert score["numbers"] == 10
    assert (score["shares"]["never_seen"], score["shares"]["shown"], score["shares"]["unmatched"]) == (
        0.8,
        0.1,
        0.1,
    )
    assert score["shares"]["suppressed"] == 0.1
    assert "suppressed" in " ".join(score["advice"])
    # Seven unknown, two fresh (one over LINE, one by SMS); the suppressed one counts nothing.
    assert score["health"] == {"fresh": 0.2, "unknown": 0.8, "stale": 0.0, "bad": 0.0}
    assert (score["score"], score["word"]) == (69, "fair")
    # One truth: how many it will reach tells the forecast alone.
    assert "expected" not in score
    batch = await upload(gateway, content)
    await gateway.settle()
    stored = await gateway.ok("GET", f"/v1/batches/{batch['id']}/score")
    # What the list itself brought says nothing of how good it was before; the suppressed row was refused.
    assert stored["list"] == {"rows": 9, "whole": True, "looked_at": 9}
    assert stored["shares"]["shown"] == round(1 / 9, 4)
    assert (await gateway.call("GET", "/v1/batches/nobody/score"))[0] == 404


def test_the_time_left_fits_a_column_and_is_rounded_outwards() -> None:
    ranges = {
        (0, 0): "",
        (None, None): "unknown",
        (40, 55): "40-55s",
        (200, 460): "3-8m",
        (8_900, 10_000): "2.4-2.8h",
        (61_000, 65_500): "16-19h",
        (90_000, None): "over 25h",
        (200_000, 300_000): "2.3-3.5d",
        (3_600, 3_600): "1h",
    }
    for (least, most), words in ranges.items():
        assert short_left({"time_left": {"seconds": least, "seconds_at_most": most}}) == words
    assert short_left({"time_left": None}) == ""


async def test_the_commands_show_and_steer_batches(gateway: RunningGateway) -> None:
    path = gateway.folder / "list.csv"
    path.write_text(rows(60))
    taken = await run(
        gateway,
        *("import", str(path), "-c", "Parcels", "-t", "parcel", "--percent-an-hour", "50", "--hours"),
        *("00:00-23:59", "--json"),
    )
    batch = taken.split('"batch": "')[1][:26]
    await gateway.settle()
    listed = await run(gateway, "batches", "list")
    assert batch in listed
    assert "sending" in listed
    shown = await run(gateway, "batches", "show", batch)
    assert "50% of the list an hour" in shown
    assert "held back" in shown
    assert "the plan lets 30 an hour go" in shown
    assert "paused" in await run(gateway, "batches", "pause", batch)
    assert "Plan: 7 an hour" in await run(
        gateway, *("batches", "plan", batch, "--rate", "7", "--percent-an-hour", "none", "--hours", "none")
    )
    assert "none, not 'x'" in await run(gateway, "batches", "plan", batch, "--rate", "x", code=2)
    for option in ("--rate", "--percent-an-hour"):
        assert "none, not 'nan'" in await run(gateway, "batches", "plan", batch, option, "nan", code=2)
    await run(gateway, "batches", "resume", batch)
    scored = await run(gateway, "batches", "score", batch)
    assert "Numbers 70 of 100 (fair)" in scored
    assert "todoke forecast --batch" in scored
    out = gateway.folder / "results.csv"
    await run(gateway, "batches", "results", batch, str(out), "--only", "open")
    assert len(out.read_text().splitlines()) == 60
    assert "cancelled" in await run(gateway, "batches", "cancel", batch)
