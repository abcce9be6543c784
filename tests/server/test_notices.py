"""One notice, ten thousand, a dry run, cancelling, and the list of them."""

from __future__ import annotations

from collections import Counter
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from emulator_support import RunningEmulator
from gateway_support import RunningGateway, running_gateway
from todoke.cli import show

NOTICE: dict[str, Any] = {
    "channel": "Parcels",
    "template": "parcel",
    "to": "0912345678",
    "parameters": {"name": "小明"},
}
THEN_SMS = {"steps": [{"step": "line_notification", "wait": "30m"}, {"step": "sms"}]}


async def nothing_left(gateway: RunningGateway) -> bool:
    """Whether neither LINE nor the SMS carrier was asked for anything, four days on."""
    await gateway.advance("4d")
    sms = await gateway.emulator.control("GET", "/sms")
    return not await gateway.emulator.ledger() and sms["rows"] == []


# Taking in


async def test_a_new_notice_is_shown_queued_with_its_policy_and_a_masked_number(
    gateway: RunningGateway,
) -> None:
    notice = await gateway.ok("POST", "/v1/notices", {**NOTICE, "policy": THEN_SMS, "reference": "A-1"})
    assert (notice["state"], notice["reference"], notice["to"]) == ("queued", "A-1", "0912•••678")
    assert notice["attempts"] == []
    first = notice["policy"]["steps"][0]
    assert (first["step"], first["wait"]) == ("line_notification", "30m")
    assert notice["policy"]["why"]


@pytest.mark.parametrize(
    "written", ["0912-345-678", "+886 912 345 678", "912345678", "０９１２３４５６７８", 912345678]
)
async def test_a_number_may_be_written_as_people_type_it(gateway: RunningGateway, written: str | int) -> None:
    notice = await gateway.ok("POST", "/v1/notices", {**NOTICE, "to": written})
    assert notice["to"] == "0912•••678"


async def test_a_use_case_that_allows_no_duplicate_refuses_line_beside_another_step(
    gateway: RunningGateway,
) -> None:
    await gateway.template(name="card", use_case="card_payment_alert")
    body = {**NOTICE, "template": "card", "policy": THEN_SMS}
    status, problem = await gateway.call("POST", "/v1/notices", body)
    assert (status, problem["type"]) == (422, "invalid-policy")
    notice = await gateway.ok("POST", "/v1/notices", {**NOTICE, "template": "card"})
    assert [s["step"] for s in notice["policy"]["steps"]] == ["sms"]


# Dry run


async def test_a_dry_run_explains_every_step_and_stores_and_sends_nothing(gateway: RunningGateway) -> None:
    body = {**NOTICE, "policy": THEN_SMS}
    shown = await gateway.ok("POST", "/v1/notices", body, dry_run="true")
    assert (shown["dry_run"], shown["to"], shown["country"]) == (True, "0912•••678", "TW")
    assert not shown["would_be_refused"]
    line, sms = shown["steps"]
    assert (line["step"], line["would_run"], line["kind"], line["wait"]) == (
        "line_notification",
        True,
        "flexible",
        "30m",
    )
    assert line["content"]["messages"][0]["text"].startswith("小明 您好")
    assert (sms["step"], sms["would_run"], sms["encoding"], sms["segments"]) == ("sms", True, "UCS-2", 1)
    assert sms["cost"]["currency"] == "TWD"
    assert (await gateway.ok("GET", "/v1/notices"))["notices"] == []
    assert await nothing_left(gateway)


async def test_a_dry_run_does_not_store_the_policy_or_the_idempotency_key(gateway: RunningGateway) -> None:
    headers = {"Idempotency-Key": "order-1"}
    await gateway.call("POST", "/v1/notices", {**NOTICE, "policy": THEN_SMS}, headers=headers, dry_run="true")
    assert (await gateway.ok("GET", "/v1/policies"))["policies"] == []
    status, _ = await gateway.call("POST", "/v1/notices", {**NOTICE, "to": "0987654321"}, headers=headers)
    assert status == 202


async def test_a_dry_run_says_why_a_step_can_not_run(gateway: RunningGateway) -> None:
    await gateway.template(name="line only", sms=None)
    body = {**NOTICE, "template": "line only", "policy": {"steps": [{"step": "line_push"}, {"step": "sms"}]}}
    shown = await gateway.ok("POST", "/v1/notices", body, dry_run="true")
    assert [s["would_run"] for s in shown["steps"]] == [False, False]
    assert "bound" in shown["steps"][0]["why_not"]
    assert "sms text" in shown["steps"][1]["why_not"]
    assert shown["would_be_refused"]


async def test_a_dry_run_prices_every_step_in_the_api_and_in_the_terminal(
    line: RunningEmulator, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "prices.yaml").write_text("- {country: TW, step: callback, currency: TWD, amount: 0.05}\n")
    async with running_gateway(line, folder) as gateway:
        await gateway.channel()
        await gateway.template()
        url = f"{line.url}/nowhere"
        await gateway.ok("POST", "/v1/webhook-endpoints", {"url": url, "events": ["callback"]})
        steps = [{"step": "line_notification"}, {"step": "callback"}]
        explained = await gateway.ok(
            "POST", "/v1/notices", {**NOTICE, "policy": {"steps": steps}}, dry_run="true"
        )
        assert [s["cost"] for s in explained["steps"]] == [
            {"amount": "0.20", "currency": "TWD"},
            {"amount": "0.05", "currency": "TWD"},
        ]
        terminal = Console(width=100, file=StringIO(), record=True)
        terminal.print(show.dry_run(explained))
        shown = terminal.export_text()
        assert "0.20 TWD" in shown
        assert "0.05 TWD" in shown


async def test_a_dry_run_refuses_what_sending_would_refuse(gateway: RunningGateway) -> None:
    for change in ({"to": "0223456789"}, {"parameters": {}}, {"template": "other"}, {"deadline": "soon"}):
        real = await gateway.call("POST", "/v1/notices", {**NOTICE, **change})
        dry = await gateway.call("POST", "/v1/notices", {**NOTICE, **change}, dry_run="true")
        assert real[0] == 422
        assert dry == real


# Many


async def test_ten_thousand_notices_each_get_their_own_result_and_no_item_hides_anothers_error(
    gateway: RunningGateway,
) -> None:
    faults: dict[int, tuple[dict[str, Any], str, str]] = {
        7: ({"to": "+821012345678"}, "invalid-number", "/to"),
        1_000: ({"parameters": {}}, "invalid-parameters", "/parameters/name"),
        2_500: ({"template": "unknown"}, "not-found", "/template"),
        5_000: ({"channel": "unknown"}, "not-found", "/channel"),
        6_000: ({"colour": "red"}, "invalid-parameters", "/colour"),
        7_777: ({"policy": {"steps": []}}, "invalid-policy", "/policy/steps"),
        8_000: ({"deadline": "soon"}, "invalid", "/deadline"),
        9_999: ({"to": None}, "invalid-parameters", "/to"),
    }
    notices: list[Any] = []
    for i in range(10_000):
        notice = {**NOTICE, "to": f"+88691{i:07}", "reference": f"R{i}"}
        notices.append(notice | faults[i][0] if i in faults else notice)
    notices[3] = "not an object"
    answer = await gateway.ok("POST", "/v1/notices/batch", {"notices": notices})
    wrong = len(faults) + 1
    assert (answer["accepted"], answer["refused"], len(answer["results"])) == (10_000 - wrong, wrong, 10_000)
    for i, (_, kind, pointer) in faults.items():
        problem = answer["results"][i]["problem"]
        assert (problem["type"], problem["errors"][0]["pointer"]) == (kind, pointer), i
        assert problem["detail"]
    assert answer["results"][3]["problem"]["status"] == 422
    good = [r["id"] for i, r in enumerate(answer["results"]) if i not in faults and i != 3]
    assert len(set(good)) == 10_000 - wrong
    assert good == sorted(good), "ids are in the order of the items"
    last = await gateway.notice(answer["results"][9_998]["id"])
    assert last["reference"] == "R9998"


async def test_more_than_ten_thousand_at_once_are_refused_together(gateway: RunningGateway) -> None:
    for count in (0, 10_001):
        status, problem = await gateway.call("POST", "/v1/notices/batch", {"notices": [NOTICE] * count})
        assert (status, problem["errors"][0]["pointer"]) == (422, "/notices")
    assert await nothing_left(gateway)


# Cancelling


async def test_a_cancelled_notice_begins_no_further_step(gateway: RunningGateway) -> None:
    await gateway.emulator.user("+886912345678", reception="not_set", verified=True)
    notice_id = await gateway.send("0912345678", THEN_SMS)
    await gateway.settle()
    cancelled = await gateway.ok("POST", f"/v1/notices/{notice_id}/cancel")
    # LINE has it still: the attempt stays open, and the notice waits for its end.
    assert cancelled["state"] == "waiting"
    again = await gateway.ok("POST", f"/v1/notices/{notice_id}/cancel")
    assert again == cancelled
    await gateway.advance("25h")
    notice = await gateway.notice(notice_id)
    assert (notice["state"], notice["reason"]) == ("cancelled", "cancelled")
    assert [a["outcome"] for a in notice["attempts"]] == ["silent"]
    assert (await gateway.emulator.control("GET", "/sms"))["rows"] == []


async def test_a_notice_that_is_held_back_is_cancelled_at_once(
    gateway: RunningGateway, logged: list[Any]
) -> None:
    (channel,) = (await gateway.ok("GET", "/v1/channels"))["channels"]
    await gateway.emulator.control("PATCH", f"/channels/{channel['line_channel_id']}", {"access_token": None})
    notice_id = await gateway.send("0912345678", THEN_SMS)
    await gateway.settle()
    assert (await gateway.notice(notice_id))["state"] == "queued"
    assert (await gateway.ok("POST", f"/v1/notices/{notice_id}/cancel"))["state"] == "cancelled"
    paused, alarm = (line for line in logged if line["log_level"] == "error")
    assert (paused["event"], alarm["event"]) == ("channel.paused", "alarm.raised")
    logged.remove(paused)


async def test_cancelling_what_has_ended_changes_nothing(gateway: RunningGateway) -> None:
    await gateway.emulator.user("+886912345678")
    notice_id = await gateway.send("0912345678")
    await gateway.settle()
    before = await gateway.notice(notice_id)
    assert before["state"] == "delivered"
    assert await gateway.ok("POST", f"/v1/notices/{notice_id}/cancel") == before


async def test_an_unknown_notice_is_404_to_read_and_to_cancel(gateway: RunningGateway) -> None:
    for method, path in (("GET", "/v1/notices/01ARZ3NDEKTSV4RRFFQ69G5FAV"), ("POST", "/v1/notices/x/cancel")):
        status, problem = await gateway.call(method, path)
        assert (status, problem["type"]) == (404, "not-found")


# Listing


async def test_the_list_pages_through_all_notices_newest_first_without_gap_or_repeat(
    gateway: RunningGateway,
) -> None:
    many = [{**NOTICE, "to": f"+88691{i:07}", "reference": f"R{i % 3}"} for i in range(57)]
    results = (await gateway.ok("POST", "/v1/notices/batch", {"notices": many}))["results"]
    wanted = [r["id"] for r in reversed(results)]
    found: list[str] = []
    query = {"limit": "10"}
    while True:
        page = await gateway.ok("GET", "/v1/notices", **query)
        assert len(page["notices"]) <= 10
        found += [n["id"] for n in page["notices"]]
        if "next" not in page:
            break
        # What comes in meanwhile does not disturb the pages that follow.
        await gateway.send("0912345678")
        query["cursor"] = page["next"]
    assert found == wanted


async def test_the_list_is_filtered_by_state_reference_and_batch(gateway: RunningGateway) -> None:
    await gateway.emulator.user("+886910000001")
    await gateway.emulator.user("+886910000002", reception="not_set")
    many = [{**NOTICE, "to": f"+88691{i:07}", "reference": f"R{i}", "policy": THEN_SMS} for i in (1, 2)]
    await gateway.ok("POST", "/v1/notices/batch", {"notices": many})
    _, batch = await gateway.upload("phone,name\n0910000002,小明\n".encode())
    await gateway.settle()

    async def references(**query: str) -> list[str]:
        return [n["reference"] for n in (await gateway.ok("GET", "/v1/notices", **query))["notices"]]

    assert await references(state="delivered") == ["R1"]
    assert await references(reference="R2") == ["R2"]
    assert await references(reference="R2", state="delivered") == []
    assert await references(batch=batch["id"]) == [None]
    assert Counter(await references(state="waiting")) == Counter([None, "R2"])
    assert await references(reference="nobody's") == []


@pytest.mark.parametrize(
    "query", [{"state": "lost"}, {"limit": "0"}, {"limit": "501"}, {"cursor": "x"}, {"batch": "x" * 27}]
)
async def test_a_filter_that_makes_no_sense_is_422(gateway: RunningGateway, query: dict[str, str]) -> None:
    status, problem = await gateway.call("GET", "/v1/notices", **query)
    assert status == 422
    assert problem["detail"]
