"""Scenarios: steps at their moments, from files with clear faults, to the end or ended before."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator_support import TEMPLATE_PATH, RunningEmulator, Sink, running_emulator
from line_emulator import times
from line_emulator.scenarios.script import LARGEST, BadScenario, read

PHONE, OTHER = "+819012345678", "+819087654321"
EXAMPLES = sorted((Path(__file__).parents[2] / "src" / "line_emulator" / "scenarios/examples").glob("*.yaml"))


async def play(emulator: RunningEmulator, *steps: dict[str, Any], expect: int = 200) -> dict[str, Any]:
    found: dict[str, Any] = await emulator.control(
        "POST", "/scenarios", {"name": "Test", "steps": list(steps)}, expect
    )
    return found


async def states(emulator: RunningEmulator) -> list[str]:
    playing = (await emulator.control("GET", "/scenarios"))["scenarios"]
    return [step["state"] for scenario in playing for step in scenario["steps"]]


async def test_a_fault_is_in_force_from_its_moment_to_its_end(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    await emulator.clock(mode="paused")
    made = await play(
        emulator,
        {"at": "10m", "fault": {"target": "api", "kind": "status_before", "status": 500}, "for": "5m"},
    )
    assert (made["state"], made["steps"][0]["state"]) == ("playing", "waiting")
    statuses = []
    for wait in ("599s", "1s", "299s", "1s"):
        await emulator.clock(advance=wait)
        statuses.append(((await emulator.send(channel, PHONE)).status, (await states(emulator))[0]))
    assert statuses == [(202, "waiting"), (500, "in force"), (500, "in force"), (202, "done")]
    shown = await emulator.control("GET", f"/scenarios/{made['id']}")
    assert shown["state"] == "done"
    step = shown["steps"][0]
    assert times.parse(step["done_at"]) - times.parse(shown["started_at"]) == 600_000


async def test_a_token_is_revoked_after_exactly_so_many_requests_and_given_back(
    emulator: RunningEmulator,
) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    await emulator.clock(mode="paused")
    await play(
        emulator,
        {"after": 7, "path": TEMPLATE_PATH, "channel": {"access_token": None}, "for": "10m"},
    )
    await emulator.send_flexible(channel, PHONE)  # Of another path: does not count.
    replies = await asyncio.gather(*(emulator.send(channel, PHONE) for _ in range(20)))
    assert sorted(reply.status for reply in replies) == [202] * 7 + [401] * 13
    await emulator.clock(advance="10m")
    assert (await emulator.send(channel, PHONE)).status == 202


async def test_after_counts_every_request_to_line_where_no_path_is_given_or_those_that_begin_so(
    emulator: RunningEmulator,
) -> None:
    channel = await emulator.channel()
    await play(
        emulator,
        {"after": 2, "channel": {"name": "Two"}},
        {"after": 2, "path": "/v2/bot/i*", "channel": {"name": "Info"}},
    )
    await emulator.control("GET", "/clock")
    await emulator.get(channel, "/v2/bot/info")
    await emulator.get(channel, "/v2/bot/channel/webhook/endpoint")
    named = (await emulator.control("GET", "/channels"))["channels"][0]["name"]
    assert named == "Two"
    await emulator.get(channel, "/v2/bot/info")
    named = (await emulator.control("GET", "/channels"))["channels"][0]["name"]
    assert named == "Info"


async def test_an_outage_of_requests_counts_too(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    await emulator.fault("api", "status_before", status=500)
    await play(emulator, {"after": 3, "clear_faults": True})
    statuses = [(await emulator.send(channel, PHONE)).status for _ in range(5)]
    assert statuses == [500, 500, 500, 202, 202]


async def test_a_channel_gets_all_its_former_values_back(emulator: RunningEmulator) -> None:
    channel = await emulator.channel(rate_limit=300, templates=["example_x"], item_keys=["a"])
    other = await emulator.channel(rate_limit=5)
    await emulator.clock(mode="paused")
    change = {"rate_limit": 1, "templates": None, "item_keys": [], "redelivery_schedule": ["1m"]}
    await play(emulator, {"at": "1m", "channel": change, "for": "1h"})
    await emulator.clock(advance="1m")
    path = f"/channels/{channel['channel_id']}"
    during = await emulator.control("GET", path)
    assert (during["rate_limit"], during["templates"], during["item_keys"]) == (1, None, [])
    await emulator.clock(advance="1h")
    assert await emulator.control("GET", path) == channel
    assert await emulator.control("GET", f"/channels/{other['channel_id']}") == other


async def test_a_share_of_a_population_acts_and_the_same_seed_finds_the_same_users(
    emulator: RunningEmulator,
) -> None:
    await emulator.channel()
    body = {"count": 2000, "seed": 3, "prefix": "+88691", "digits": 7, "rates": {"not_set": 0.5}}
    await emulator.control("POST", "/population", body)
    await emulator.clock(mode="paused")
    await play(
        emulator,
        {"at": "1m", "act": {"action": "block", "who": {"share": 0.3, "seed": 5}}},
        {"at": "2m", "act": {"action": "unblock", "who": {"share": 0.3, "seed": 5}}},
        {"at": "3m", "act": {"action": "agree", "who": {"share": 1, "reception": "not_set"}}},
        {"at": "4m", "user": {"who": {"share": 1, "prefix": "+886910000"}, "language": "th"}},
    )
    await emulator.clock(advance="1m")
    blocked = await blocking(emulator)
    assert 500 < len(blocked) < 700
    await emulator.clock(advance="1m")
    assert await blocking(emulator) == set()
    await emulator.clock(advance="2m")
    people = [account for _, account in emulator.state.world.people.everybody()]
    assert {account.reception for account in people} == {"agree"}
    thai = {account.phone for account in people if account.language == "th"}
    assert thai == {f"+88691{number:07d}" for number in range(1000)}
    steps = (await emulator.control("GET", "/scenarios"))["scenarios"][0]["steps"]
    assert [step["state"] for step in steps] == ["done"] * 4
    assert [step["users"] for step in steps[:2]] == [len(blocked)] * 2
    assert 900 < steps[2]["users"] < 1100
    assert steps[3]["users"] == 1000


async def blocking(emulator: RunningEmulator) -> set[str]:
    channel_id = next(iter(emulator.state.world.channels))
    people = emulator.state.world.people.everybody()
    return {account.phone for _, account in people if account.tie(channel_id).blocked}


async def test_one_user_acts_and_verifies(emulator: RunningEmulator, sink: Sink) -> None:
    channel = await emulator.channel(webhook_url=sink.url)
    await emulator.user(PHONE, reception="not_set", verified=False)
    await emulator.clock(mode="paused")
    await emulator.send(channel, PHONE)
    who = {"who": {"phone": PHONE}}
    await play(
        emulator,
        {"at": "1h", "act": {"action": "agree", **who}},
        {"at": "2h", "act": {"action": "verify", **who}},
    )
    await emulator.clock(advance="119m")
    assert sink.events == []
    await emulator.clock(advance="1m")
    assert [event["type"] for event in sink.events] == ["delivery"]


async def test_a_scenario_sets_speed_and_pauses_the_clock_at_its_moment(emulator: RunningEmulator) -> None:
    before = times.parse((await emulator.clock(mode="paused"))["now"])
    await play(
        emulator,
        {"at": "1h", "clock": {"speed": 50_000}},
        {"at": "30h", "clock": {"mode": "paused", "speed": 2}},
        {"at": "30h", "channel": {"name": "never mind"}},
    )
    await emulator.clock(mode="real", speed=30_000)
    with emulator.state.watch() as news:
        async with asyncio.timeout(30):
            while emulator.state.clock.mode == "real":
                await news.wait()
                news.clear()
    view = await emulator.control("GET", "/clock")
    assert (view["mode"], view["speed"]) == ("paused", 2)
    assert times.parse(view["now"]) - before == 30 * 3_600_000


async def test_a_step_that_can_not_be_done_says_why_and_the_others_go_on(emulator: RunningEmulator) -> None:
    await emulator.channel()
    await emulator.clock(mode="paused")
    await play(
        emulator,
        {"at": "1s", "act": {"action": "agree", "who": {"phone": OTHER}}},
        {"at": "2s", "channel": {"channel_id": "2999999999", "name": "x"}},
        {"at": "3s", "channel": {"name": "There"}},
    )
    await emulator.clock(advance="3s")
    steps = (await emulator.control("GET", "/scenarios"))["scenarios"][0]["steps"]
    assert [step["state"] for step in steps] == ["failed", "failed", "done"]
    assert OTHER in steps[0]["error"]
    assert "2999999999" in steps[1]["error"]


async def test_ending_a_scenario_stops_what_is_to_come_and_puts_back_what_lasts(
    emulator: RunningEmulator,
) -> None:
    await emulator.channel(rate_limit=300)
    await emulator.clock(mode="paused")
    made = await play(
        emulator,
        {"at": "0s", "fault": {"target": "api", "kind": "status_before"}, "for": "1h"},
        {"at": "0s", "channel": {"rate_limit": 1}, "for": "1h"},
        {"at": "1m", "channel": {"name": "Never"}},
    )
    await emulator.clock(advance="1s")
    assert await states(emulator) == ["in force", "in force", "waiting"]
    await emulator.control("DELETE", f"/scenarios/{made['id']}")
    await emulator.clock(advance="2h")
    assert (await emulator.control("GET", "/faults"))["faults"] == []
    channel = (await emulator.control("GET", "/channels"))["channels"][0]
    assert (channel["name"], channel["rate_limit"]) == ("Shop", 300)
    assert await emulator.control("GET", "/scenarios") == {"scenarios": []}
    await emulator.control("DELETE", f"/scenarios/{made['id']}", expect=404)
    assert await emulator.control("DELETE", "/scenarios") == {"removed": 0}


async def test_a_reset_ends_all_scenarios(emulator: RunningEmulator) -> None:
    await emulator.channel()
    await emulator.clock(mode="paused")
    await play(emulator, {"at": "1m", "fault": {"target": "api", "kind": "status_before"}})
    await play(emulator, {"after": 1, "fault": {"target": "api", "kind": "status_before"}})
    await emulator.control("POST", "/reset")
    channel = await emulator.channel()
    await emulator.clock(advance="1h")
    await emulator.get(channel, "/v2/bot/info")
    assert (await emulator.control("GET", "/faults"))["faults"] == []
    assert await states(emulator) == []


async def test_a_scenario_goes_on_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "line.state"
    steps = (
        {"at": "1m", "fault": {"target": "api", "kind": "status_before", "status": 500}, "for": "1h"},
        {"at": "1m", "channel": {"rate_limit": 7}, "for": "1h"},
        {"at": "2m", "channel": {"name": "Later"}},
        {"after": 2, "channel": {"certified": False}},
    )
    async with running_emulator(state_file=path) as emulator:
        await emulator.channel(rate_limit=300)
        await emulator.clock(mode="paused")
        await play(emulator, *steps)
        ended = await play(emulator, {"at": "3m", "channel": {"name": "Never"}})
        await emulator.control("DELETE", f"/scenarios/{ended['id']}")
        await emulator.clock(advance="90s")
        before = await emulator.control("GET", "/scenarios")
    async with running_emulator(state_file=path) as emulator:
        assert await emulator.control("GET", "/scenarios") == before
        assert await states(emulator) == ["in force", "in force", "waiting", "waiting"]
        await emulator.clock(advance="1h")
        channel = (await emulator.control("GET", "/channels"))["channels"][0]
        assert (channel["name"], channel["rate_limit"]) == ("Later", 300)
        assert (await emulator.control("GET", "/faults"))["faults"] == []
        for _ in range(2):
            await emulator.request("GET", "/v2/bot/info")
        assert await states(emulator) == ["done"] * 4
    async with running_emulator(state_file=path) as emulator:
        assert await states(emulator) == ["done"] * 4


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
async def test_every_example_is_read_and_played_to_its_end(emulator: RunningEmulator, path: Path) -> None:
    channel = await emulator.channel(region="TW")
    body = {
        "count": 300,
        "seed": 3,
        "prefix": "+88691",
        "digits": 7,
        "rates": {"not_set": 0.4, "verified": 0.5},
    }
    await emulator.control("POST", "/population", body)
    await emulator.clock(mode="paused")
    before = await emulator.control("GET", f"/channels/{channel['channel_id']}")
    text = await asyncio.to_thread(path.read_bytes)
    reply = await emulator.request("POST", "/_emulator/v1/scenarios", text)
    assert reply.status == 200, reply
    made = reply.json
    assert made["name"]
    assert made["about"]
    for number in range(110):
        await emulator.send(channel, f"+88691{number:07d}", body={"templateKey": "example_x"})
    await emulator.clock(advance="12h")
    shown = await emulator.control("GET", f"/scenarios/{made['id']}")
    assert [step["state"] for step in shown["steps"]] == ["done"] * len(made["steps"])
    left = [fault for fault in (await emulator.control("GET", "/faults"))["faults"] if not fault["next"]]
    assert left == []
    assert await emulator.control("GET", f"/channels/{channel['channel_id']}") == before


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 5


STEP = "  - at: 1m\n    channel: {name: x}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "name: x\nsteps:\n  - at: 10\n    clear_faults: true\n",
            r'step 1 \(line 3\): at is 10; write it like "10m"',
        ),
        (
            "name: x\nsteps:\n" + STEP + "  - at: soon\n    clear_faults: true\n",
            r"step 2 \(line 5\): 'soon' is no dur",
        ),
        ("name: x\nsteps:\n  - clear_faults: true\n", r"step 1 \(line 3\): say when"),
        ("name: x\nsteps:\n  - {at: 1m, after: 5, clear_faults: true}\n", "say when"),
        ("name: x\nsteps:\n  - {at: 1m}\n", "say what to do: exactly one of fault, clear_faults, act"),
        ("name: x\nsteps:\n  - {at: 1m, clear_faults: true, clock: {speed: 2}}\n", "exactly one"),
        ("name: x\nsteps:\n  - {at: 1m, clear_faults: false}\n", "clear_faults takes true"),
        ("name: x\nsteps:\n  - {at: 1m, explode: true}\n", "explode"),
        ("name: x\nsteps:\n  - {after: 0, clear_faults: true}\n", "after must be 1 or more"),
        ("name: x\nsteps:\n  - {at: 1m, path: /x, clear_faults: true}\n", "path goes with after"),
        ("name: x\nsteps:\n  - {at: 1m, for: 1m, clear_faults: true}\n", "for goes with"),
        ("name: x\nsteps:\n  - {at: 1m, fault: {target: moon, kind: drop}}\n", "target is 'moon'"),
        ("name: x\nsteps:\n  - {at: 1m, fault: {target: api}}\n", "kind"),
        ("name: x\nsteps:\n  - {at: 1m, channel: {rate_limit: 0}}\n", "rate_limit must lie between"),
        ("name: x\nsteps:\n  - {at: 1m, channel: {colour: red}}\n", "colour"),
        ("name: x\nsteps:\n  - {at: 1m, clock: {speed: 0}}\n", "speed is 0"),
        ("name: x\nsteps:\n  - {at: 1m, clock: {advance: 1h}}\n", "speed and mode"),
        (
            "name: x\nsteps:\n  - {at: 1m, act: {action: fly, who: {share: 1}}}\n",
            "action is 'fly'; it must be one of",
        ),
        ("name: x\nsteps:\n  - {at: 1m, act: {action: agree}}\n", "who"),
        (
            "name: x\nsteps:\n  - {at: 1m, act: {action: agree, who: {}}}\n",
            "name one user by phone, or a share",
        ),
        ("name: x\nsteps:\n  - {at: 1m, act: {action: agree, who: {share: 2}}}\n", "share is 2"),
        ("name: x\nsteps:\n  - {at: 1m, act: {action: agree, who: {share: .nan}}}\n", "share is nan"),
        (
            "name: x\nsteps:\n  - {at: 1m, user: {who: {share: 1}, reception: maybe}}\n",
            "reception is 'maybe'",
        ),
        ("name: x\nsteps: 5\n", "a list of steps"),
        (
            "name: x\nstep:\n" + STEP,
            "unknown key `step` at the top: did you mean `steps`. Known: name, steps, about",
        ),
        ("name: x\n", "lacks steps at the top"),
        (
            "name: x\nsteps:\n  - {at: 1m, fault: {targt: api, kind: drop}}\n",
            r"step 1 \(line 3\): unknown field `targt` in fault: did you mean `target`. Known: target, kind, share",
        ),
        (
            "name: x\nsteps:\n  - at: 1m\n\tclear_faults: true\n",
            r"line 4, column 1: .* in `clear_faults: true`; indent with spaces, steps equally deep",
        ),
        (
            "name: x\nsteps:\n  - at: 1m\n    clear_faults: true\n - at: 2m\n",
            r"line 5, .* in `- at: 2m`; indent with spaces, steps equally deep",
        ),
        ("name: x\nsteps: []\n", "has 0 steps"),
        ("steps:\n" + STEP, "lacks name at the top; write name:"),
        ("name: x\ncolour: red\nsteps:\n" + STEP, "colour"),
        ("name: x\nsteps:\n" + STEP * 1001, "has 1001 steps"),
        ("name: [x\nsteps: 5\n", "line 2, column"),
        ("name: &a x\nsteps: [*a, *a]\n", "line 1: anchors and aliases"),
        ("name: x\nsteps: " + "[" * 30 + "]" * 30, "nested too deeply"),
        ("[" * 100_000, "nested too deeply"),
        ("name: !!python/object/apply:os.system ['true']\nsteps: []\n", "line 1"),
        ("x" * (LARGEST + 1), "larger than 256 kB"),
        ("name: \x00", "neither YAML nor JSON"),
        ("", "must be a mapping"),
        ("- 1", "must be a mapping"),
        ('{"name": "x", "steps": [{"at": "1m", "clear_faults": 3}]}', "step 1: clear_faults"),
    ],
)
def test_a_bad_file_is_refused_with_its_step_line_and_the_remedy(text: str, told: str) -> None:
    with pytest.raises(BadScenario, match=told):
        read(text, "x.yaml")


def test_telephone_numbers_need_no_quotes() -> None:
    text = "name: x\nsteps:\n  - {at: 1m, act: {action: agree, who: {phone: +819012345678}}}\n"
    act = read(text).steps[0].act
    assert act is not None
    assert act.who.phone == "+819012345678"


@given(st.text(max_size=300) | st.binary(max_size=300))
def test_no_text_makes_the_reader_fail_otherwise(text: str | bytes) -> None:
    for whole in (text, "name: x\nsteps:\n  - " + text if isinstance(text, str) else b"steps:\n  - " + text):
        with suppress(BadScenario):
            read(whole)


async def test_ending_a_scenario_puts_back_the_speed_and_mode_that_its_steps_set(
    emulator: RunningEmulator,
) -> None:
    await emulator.clock(mode="paused", speed=2)
    steps = [{"at": "1m", "clock": {"speed": 50}}, {"at": "2m", "clock": {"speed": 70}}]
    await play(emulator, *steps)
    await emulator.clock(advance="5m")
    assert (await emulator.control("GET", "/clock"))["speed"] == 70
    assert (await emulator.control("DELETE", "/scenarios"))["removed"] == 1
    found = await emulator.control("GET", "/clock")
    assert (found["speed"], found["mode"]) == (2, "paused")


async def test_a_speed_that_somebody_set_since_stays_when_a_scenario_is_ended(
    emulator: RunningEmulator,
) -> None:
    await emulator.clock(mode="paused")
    await play(emulator, {"at": "1m", "clock": {"speed": 50}})
    await emulator.clock(advance="5m")
    assert await states(emulator) == ["done"]
    await emulator.clock(speed=9)
    await emulator.control("DELETE", "/scenarios")
    assert (await emulator.control("GET", "/clock"))["speed"] == 9


async def test_the_speed_to_put_back_outlasts_a_restart(tmp_path: Path) -> None:
    async with running_emulator(state_file=tmp_path / "state") as emulator:
        await emulator.clock(mode="paused", speed=2)
        await play(emulator, {"at": "1m", "clock": {"speed": 50}})
        await emulator.clock(advance="5m")
    async with running_emulator(state_file=tmp_path / "state") as emulator:
        assert await states(emulator) == ["done"]
        assert (await emulator.control("GET", "/clock"))["speed"] == 50
        await emulator.control("DELETE", "/scenarios")
        assert (await emulator.control("GET", "/clock"))["speed"] == 2


async def test_a_bad_scenario_is_400_and_a_huge_one_413(emulator: RunningEmulator) -> None:
    refused = await play(emulator, {"at": "1m"}, expect=400)
    assert "step 1: say what to do" in refused["message"]
    huge = await emulator.request("POST", "/_emulator/v1/scenarios", b" " * (LARGEST + 1))
    assert huge.status == 413
    for number in ("5", "99999999999999999999"):
        await emulator.control("GET", f"/scenarios/{number}", expect=404)


async def test_a_hundred_scenarios_are_played_at_a_time_and_those_that_are_over_make_room(
    emulator: RunningEmulator,
) -> None:
    await emulator.clock(mode="paused")
    for _ in range(99):
        await play(emulator, {"at": "1h", "clear_faults": True})
    await play(emulator, {"at": "1m", "clear_faults": True})
    refused = await play(emulator, {"at": "1m", "clear_faults": True}, expect=400)
    assert "DELETE" in refused["message"]
    await emulator.clock(advance="1m")
    await play(emulator, {"at": "1m", "clear_faults": True})
