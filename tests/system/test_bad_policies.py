"""Policies and SMS declarations that can't be right: refused with the place and the remedy, wherever they come in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import line_catalogue
from emulator_support import RunningEmulator
from gateway_support import RunningGateway
from routing_support import DECLARATION, PHONE, line_then_sms, opened, told
from system.test_commands import Shell, serving

UNLAWFUL = "card_payment_alert"
QUIET = {"country": "TW", "from": "21:00", "to": "08:00"}
SMS = [{"step": "sms"}]
BAD: dict[str, tuple[Any, str, str]] = {
    "no steps": ({"steps": []}, "/steps", "at least one step"),
    "steps left out": ({"deadline": "4h"}, "/steps", "at least one step"),
    "steps no list": ({"steps": "sms"}, "/steps", "at least one step"),
    "a step twice": ({"steps": [*SMS, {"step": "line_push"}, *SMS]}, "/steps/2/step", "stands twice"),
    "a wait past the deadline": (
        line_then_sms("4h", deadline="4h"),
        "/steps/0/wait",
        "until the deadline has passed",
    ),
    "an unknown step": ({"steps": [{"step": "email"}]}, "/steps/0/step", "no step 'email'"),
    "a step that is a list": ({"steps": [{"step": ["sms"]}]}, "/steps/0/step", "There is no step"),
    "a step with more": ({"steps": [{"step": "sms", "to": "x"}]}, "/steps/0", '"step" and perhaps "wait"'),
    "a wait that is none": ({"steps": [{"step": "sms", "wait": "soon"}]}, "/steps/0/wait", "'soon'"),
    "a wait of a year": ({"steps": [{"step": "sms", "wait": "365d"}]}, "/steps/0/wait", "at most 30 days"),
    "a deadline that is none": ({"steps": SMS, "deadline": "tomorrow"}, "/deadline", "'tomorrow'"),
    "on_unknown": ({"steps": SMS, "on_unknown": "again"}, "/on_unknown", '"wait" or "next"'),
    "an unknown field": ({"steps": SMS, "stepz": 1}, "/stepz", "no field 'stepz'"),
    "a frequency of none": (
        {"steps": SMS, "frequency": [{"at_most": 0, "per": "7d"}]},
        "/frequency/0/at_most",
        "from 1 to 1000",
    ),
    "a frequency of true": (
        {"steps": SMS, "frequency": [{"at_most": True, "per": "7d"}]},
        "/frequency/0/at_most",
        "whole number",
    ),
    "a frequency without a window": ({"steps": SMS, "frequency": [{"at_most": 2}]}, "/frequency/0", '"per"'),
    "a window of null": (
        {"steps": SMS, "frequency": [{"at_most": 2, "per": None}]},
        "/frequency/0/per",
        "such as 7d",
    ),
    "a frequency that is no list": ({"steps": SMS, "frequency": {"at_most": 2}}, "/frequency", "a list"),
    "a frequency of no use case": (
        {"steps": SMS, "frequency": [{"at_most": 2, "per": "7d", "use_case": "no such!"}]},
        "/frequency/0/use_case",
        "no use case",
    ),
    "a country not served": (
        {"steps": SMS, "quiet_hours": [{**QUIET, "country": "KR"}]},
        "/quiet_hours/0/country",
        "TW, TH or JP",
    ),
    "an hour that is none": (
        {"steps": SMS, "quiet_hours": [QUIET, {**QUIET, "to": "24:30"}]},
        "/quiet_hours/1/to",
        "like 21:00",
    ),
    "a night of no length": (
        {"steps": SMS, "quiet_hours": [{**QUIET, "to": "21:00"}]},
        "/quiet_hours/0",
        "all day",
    ),
    "an end left out": (
        {"steps": SMS, "quiet_hours": [{"country": "TW", "from": "21:00"}]},
        "/quiet_hours/0",
        '"country", "from" and "to"',
    ),
    "quiet_past_deadline": (
        {"steps": SMS, "quiet_hours": [QUIET], "quiet_past_deadline": "maybe"},
        "/quiet_past_deadline",
        '"hold"',
    ),
    "exempt ones no list": ({"steps": SMS, "quiet_exempt": "bill"}, "/quiet_exempt", "a list"),
}


@pytest.fixture
async def gateway(line: RunningEmulator, tmp_path: Path) -> AsyncIterator[RunningGateway]:
    async with opened(line, tmp_path / "data") as running:
        yield running


def notice(**more: Any) -> dict[str, Any]:
    return {"channel": "Parcels", "template": "parcel", "to": PHONE, "parameters": {"name": "小明"}, **more}


async def test_a_bad_policy_is_refused_with_its_place_and_remedy_wherever_it_comes_in(
    gateway: RunningGateway,
) -> None:
    for case, (policy, pointer, words) in BAD.items():
        wrong = [
            (await gateway.call("POST", "/v1/policies", {"name": "p", **policy}), pointer),
            (await gateway.call("POST", "/v1/notices", notice(policy=policy)), f"/policy{pointer}"),
            (
                await gateway.call("POST", "/v1/notices", notice(policy=policy), dry_run="true"),
                f"/policy{pointer}",
            ),
        ]
        for (status, problem), at in wrong:
            assert status == 422, (case, problem)
            assert problem["type"].endswith("invalid-policy"), (case, problem)
            assert [e["pointer"] for e in problem["errors"]] == [at], case
            assert words in problem["errors"][0]["message"], (case, problem)
        both = {"notices": [notice(policy=policy), notice()]}
        answer = await gateway.ok("POST", "/v1/notices/batch", both)
        assert (answer["accepted"], answer["refused"]) == (1, 1), case
        refused = answer["results"][0]["problem"]
        assert (refused["status"], refused["errors"][0]["pointer"]) == (422, f"/policy{pointer}"), case
        assert words in refused["detail"], case
    assert (await gateway.ok("GET", "/v1/policies"))["policies"] == []


async def test_a_policy_that_nobody_made_is_named(gateway: RunningGateway) -> None:
    status, problem = await gateway.call("POST", "/v1/notices", notice(policy="nobody's"))
    assert (status, problem["errors"][0]["pointer"]) == (422, "/policy")
    assert "todoke policies list" in problem["detail"]


# Where a duplicate would break the law


async def test_line_beside_another_step_is_refused_for_a_use_case_that_allows_no_duplicate(
    gateway: RunningGateway,
) -> None:
    assert UNLAWFUL in line_catalogue.duplicate_unlawful()
    await gateway.template(name="card", use_case=UNLAWFUL)
    await gateway.ok("POST", "/v1/policies", {"name": "both", **line_then_sms("24h")})
    for policy in (line_then_sms("24h"), "both", {"steps": [*SMS, {"step": "line_notification"}]}):
        body = notice(template="card", policy=policy)
        for query in ({}, {"dry_run": "true"}):
            status, problem = await gateway.call("POST", "/v1/notices", body, **query)
            assert (status, problem["errors"][0]["pointer"]) == (422, "/policy/steps")
            assert f"{UNLAWFUL} allows no duplicate" in problem["detail"]
        answer = await gateway.ok("POST", "/v1/notices/batch", {"notices": [body, notice(template="card")]})
        assert [("problem" in r) for r in answer["results"]] == [True, False]
        assert answer["results"][0]["problem"]["errors"][0]["pointer"] == "/policy/steps"
    status, problem = await gateway.upload(b"to,name\n0912345678,x\n", template="card", policy="both")
    assert status == 422
    assert f"{UNLAWFUL} allows no duplicate" in problem["detail"]
    await gateway.settle()
    assert await gateway.emulator.ledger() == []


@pytest.mark.parametrize(
    ("policy", "sent"),
    [
        (None, [("sms", "delivered")]),
        ({"steps": [{"step": "line_notification"}]}, [("line_notification", "unreachable")]),
        ({"steps": [{"step": "line_push"}, {"step": "sms"}]}, [("sms", "delivered")]),
    ],
    ids=["by default SMS alone", "LINE alone", "without LINE notification"],
)
async def test_what_can_make_no_duplicate_is_allowed(
    gateway: RunningGateway, policy: Any, sent: list[tuple[str, str]]
) -> None:
    await gateway.template(name="card", use_case=UNLAWFUL)
    body = notice(template="card") | ({} if policy is None else {"policy": policy})
    answer = await gateway.ok("POST", "/v1/notices", body)
    if policy is None:
        assert answer["policy"]["why"] == f"{UNLAWFUL} allows no duplicate: SMS alone"
        assert [s["step"] for s in answer["policy"]["steps"]] == ["sms"]
    await gateway.advance("2d")
    assert told(await gateway.notice(answer["id"])) == sent


# Declarations of SMS carriers, at the start of the real command


def declare(folder: Path, url: str, *without: str) -> None:
    (folder / "data" / "carriers").mkdir(parents=True, exist_ok=True)
    text = DECLARATION.format(name="mine", url=url)
    kept = [line for line in text.splitlines() if not any(line.startswith(x) for x in without)]
    (folder / "data" / "carriers" / "mine.yaml").write_text("\n".join(kept) + "\n")


@pytest.mark.parametrize("command", ["serve", "doctor"])
async def test_a_declaration_with_a_missing_field_is_named_with_file_field_and_remedy(
    tmp_path: Path, command: str
) -> None:
    shell = Shell(tmp_path, SMS_CARRIER="mine")
    declare(tmp_path, "https://sms.example.com/send", "success:")
    if command == "serve":
        await shell.fails(command, say=("mine.yaml: success: is missing: add it",))
        return
    code, out, err = await shell.run(command)
    assert code > 0
    assert "mine.yaml: success: is missing: add it" in out
    assert "Traceback" not in out + err


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.7", "[::1]", "localhost"])
async def test_a_private_address_is_refused_at_the_start(tmp_path: Path, host: str) -> None:
    shell = Shell(tmp_path, SMS_CARRIER="mine")
    declare(tmp_path, f"https://{host}/send")
    await shell.fails(
        "serve", say=("mine.yaml: url", host.strip("[]"), "this machine or network", "use the public host")
    )


async def test_a_private_address_is_taken_where_the_settings_allow_it(tmp_path: Path) -> None:
    shell = Shell(tmp_path, SMS_CARRIER="mine", ALLOW_PRIVATE="yes")
    declare(tmp_path, "https://10.0.0.7/send")
    async with serving(shell):
        pass
