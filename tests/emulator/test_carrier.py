"""The emulator's own SMS carrier: messages, inboxes, receipts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator_support import RunningEmulator, Sink

PHONE = "+886912345678"
CARRIER = "/_emulator/v1/carrier/messages"


async def order(emulator: RunningEmulator, **values: Any) -> dict[str, Any]:
    body = {"to": PHONE, "text": "Your parcel is here", **values}
    answer: dict[str, Any] = await emulator.control("POST", "/carrier/messages", body, expect=202)
    return answer


async def test_a_message_reaches_the_inbox_of_any_number_and_the_list(emulator: RunningEmulator) -> None:
    taken = await order(emulator, reference="notice-1", **{"from": "Shop"})
    screen = await emulator.screen(PHONE)
    assert screen["line_user"] is False
    assert [(sms["from"], sms["text"]) for sms in screen["sms"]] == [("Shop", "Your parcel is here")]
    rows = (await emulator.control("GET", "/sms"))["rows"]
    assert rows[0]["message_id"] == taken["message_id"]
    assert (rows[0]["to"], rows[0]["reference"]) == (PHONE, "notice-1")


async def test_the_list_is_found_by_reference_and_number_and_comes_in_pages(
    emulator: RunningEmulator,
) -> None:
    for number in range(3):
        await order(emulator, reference=f"notice-{number}")
    await order(emulator, to="+819012345678")
    assert len((await emulator.control("GET", "/sms?reference=notice-1"))["rows"]) == 1
    assert len((await emulator.control("GET", "/sms?to=%2B819012345678"))["rows"]) == 1
    page = await emulator.control("GET", "/sms?limit=3")
    rest = await emulator.control("GET", f"/sms?cursor={page['next']}")
    assert (len(page["rows"]), len(rest["rows"]), "next" in rest) == (3, 1, False)


@pytest.mark.parametrize(("reachable", "status"), [(True, "delivered"), (False, "failed")])
async def test_a_receipt_says_whether_the_phone_was_reached(
    emulator: RunningEmulator, sink: Sink, reachable: bool, status: str
) -> None:
    await emulator.user(PHONE, sms_reachable=reachable)
    now = (await emulator.clock(mode="paused"))["now"]
    taken = await order(emulator, reference="notice-1", receipt_url=sink.url, receipt_token="secret-1")
    await sink.until(lambda: bool(sink.requests))
    headers, body = sink.requests[0]
    assert headers["authorization"] == "Bearer secret-1"
    expected = {
        "message_id": taken["message_id"],
        "reference": "notice-1",
        "status": status,
        "at": now,
    }
    assert json.loads(body) == expected
    assert len((await emulator.screen(PHONE))["sms"]) == reachable


async def test_a_receipt_that_nobody_takes_comes_again_later(emulator: RunningEmulator, sink: Sink) -> None:
    sink.status = 503
    await emulator.clock(mode="paused")
    await order(emulator, receipt_url=sink.url)
    await emulator.clock(advance="30s")
    assert len(sink.requests) == 1
    sink.status = 200
    await emulator.clock(advance="24h")
    assert len(sink.requests) == 2


async def test_a_receipt_is_given_up_after_some_tries(emulator: RunningEmulator, sink: Sink) -> None:
    sink.status = 503
    await emulator.clock(mode="paused")
    await order(emulator, receipt_url=sink.url)
    await emulator.clock(advance="30d")
    assert len(sink.requests) == 5


@pytest.mark.parametrize(
    "body",
    [
        {"to": "0912345678", "text": "x"},
        {"to": PHONE, "text": ""},
        {"to": PHONE},
        {"to": PHONE, "text": "x", "receipt_url": "ftp://x"},
        {"to": PHONE, "text": "x", "reply_url": "ftp://x"},
        {"to": PHONE, "text": "x", "receit_url": "http://127.0.0.1"},
        [],
    ],
)
async def test_a_message_that_cannot_be_sent_is_400_with_the_reason(
    emulator: RunningEmulator, body: Any
) -> None:
    assert (await emulator.control("POST", "/carrier/messages", body, expect=400))["message"]


async def test_a_fault_that_names_the_carriers_path_strikes_it(emulator: RunningEmulator) -> None:
    await emulator.fault("api", "status_before", status=503, path=CARRIER, next=1)
    await emulator.fault("api", "status_after", status=500, path="/_emulator/v1/carrier/*", next=1)
    body = {"to": PHONE, "text": "x"}
    await emulator.control("POST", "/carrier/messages", body, expect=503)
    assert (await emulator.control("GET", "/sms"))["count"] == 0
    await emulator.control("POST", "/carrier/messages", body, expect=500)
    assert (await emulator.control("GET", "/sms"))["count"] == 1


# Answers


async def test_a_user_answers_an_sms_and_the_sender_hears_it(emulator: RunningEmulator, sink: Sink) -> None:
    await emulator.user(PHONE)
    now = (await emulator.clock(mode="paused"))["now"]
    await order(emulator, reply_url=sink.url, receipt_token="secret-1", **{"from": "Shop"})
    shown = await emulator.act(PHONE, "send_sms", text="STOP")
    assert shown["phone"] == PHONE
    await sink.until(lambda: bool(sink.requests))
    headers, body = sink.requests[0]
    assert headers["authorization"] == "Bearer secret-1"
    heard = json.loads(body)
    assert heard.pop("id").startswith("sms-")
    assert heard == {"type": "reply", "from": PHONE, "to": "Shop", "text": "STOP", "at": now}
    asked, answer = (await emulator.screen(PHONE))["sms"]
    assert (asked["from"], asked["answerable"]) == ("Shop", True)
    assert answer == {"at": now, "from": PHONE, "to": "Shop", "text": "STOP", "by": "user"}
    assert (await emulator.control("GET", "/sms"))["count"] == 1


async def test_a_number_without_line_answers_too(emulator: RunningEmulator, sink: Sink) -> None:
    await order(emulator, reply_url=sink.url)
    assert await emulator.act(PHONE, "send_sms", text="STOP") == {"phone": PHONE}
    await sink.until(lambda: bool(sink.requests))
    assert "authorization" not in sink.requests[0][0]


async def test_an_answer_goes_to_the_named_sender_and_to_its_newest_address(
    emulator: RunningEmulator, sink: Sink
) -> None:
    await order(emulator, reply_url=sink.url + "?old", **{"from": "Shop"})
    await order(emulator, reply_url=sink.url, receipt_token="new", **{"from": "Shop"})
    await order(emulator, **{"from": "Shop"})
    await order(emulator, reply_url=sink.url, **{"from": "Bank"})
    await emulator.act(PHONE, "send_sms", text="1", to="Shop")
    await emulator.act(PHONE, "send_sms", text="2")
    await sink.until(lambda: len(sink.requests) == 2)
    heard = {json.loads(body)["to"]: headers for headers, body in sink.requests}
    assert heard["Shop"]["authorization"] == "Bearer new"
    assert "authorization" not in heard["Bank"]


async def test_an_answer_that_nobody_hears_is_refused_with_the_reason(emulator: RunningEmulator) -> None:
    text = "hello"
    assert "no SMS" in (await emulator.act(PHONE, "send_sms", 400, text=text))["message"]
    await order(emulator, **{"from": "Shop"})
    assert "reply_url" in (await emulator.act(PHONE, "send_sms", 400, text=text))["message"]
    assert "reply_url" in (await emulator.act(PHONE, "send_sms", 400, text=text, to="Shop"))["message"]
    assert "Bank" in (await emulator.act(PHONE, "send_sms", 400, text=text, to="Bank"))["message"]
    for empty in ("", " \n", None):
        assert "needs a text" in (await emulator.act(PHONE, "send_sms", 400, text=empty))["message"]
    assert "5000" in (await emulator.act(PHONE, "send_sms", 400, text="x" * 5001))["message"]
    assert len((await emulator.screen(PHONE))["sms"]) == 1


async def test_an_answer_that_nobody_takes_comes_again_later(emulator: RunningEmulator, sink: Sink) -> None:
    sink.status = 503
    await emulator.clock(mode="paused")
    await order(emulator, reply_url=sink.url)
    await emulator.act(PHONE, "send_sms", text="STOP")
    await emulator.clock(advance="30s")
    assert len(sink.requests) == 1
    sink.status = 200
    await emulator.clock(advance="24h")
    assert len(sink.requests) == 2
    assert sink.requests[0][1] == sink.requests[1][1]


async def test_the_former_holder_of_a_number_answers_nobody_in_its_name(
    emulator: RunningEmulator, sink: Sink
) -> None:
    former = await emulator.user(PHONE)
    await order(emulator, reply_url=sink.url)
    await emulator.user(PHONE, takes_over=True)
    screen = await emulator.screen(former["user_id"])
    assert [("answerable" in sms, sms["to"]) for sms in screen["sms"]] == [(False, PHONE)]
    await emulator.act(former["user_id"], "send_sms", 400, text="STOP")
    await emulator.act(PHONE, "send_sms", 400, text="STOP")


async def test_a_scenario_lets_a_user_answer(emulator: RunningEmulator, sink: Sink) -> None:
    await emulator.user(PHONE)
    await order(emulator, reply_url=sink.url)
    act = {"action": "send_sms", "text": "STOP", "who": {"phone": PHONE}}
    await emulator.control("POST", "/scenarios", {"name": "opt out", "steps": [{"at": "0s", "act": act}]})
    await sink.until(lambda: bool(sink.requests))
    assert json.loads(sink.requests[0][1])["text"] == "STOP"
