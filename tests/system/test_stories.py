"""Single notices through trouble: late proof, unknown outcomes, refused connections, unruly webhooks, restarts."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from emulator_support import RunningEmulator
from gateway_support import RunningGateway, running_gateway

PHONE = "+886912345678"
LINE_PATH = "/bot/pnp/push"
SMS_PATH = "/_emulator/v1/carrier/messages"


def policy(wait: str, **more: Any) -> dict[str, Any]:
    return {"steps": [{"step": "line_notification", "wait": wait}, {"step": "sms"}], **more}


def told(notice: Any) -> list[tuple[str, str]]:
    """Each attempt as step and outcome."""
    return [(a["step"], a["outcome"]) for a in notice["attempts"]]


async def texts(gateway: RunningGateway) -> list[dict[str, Any]]:
    return list((await gateway.emulator.control("GET", "/sms"))["rows"])


async def ledger(gateway: RunningGateway) -> list[tuple[int, str]]:
    return [(row["status"], row["fate"]) for row in await gateway.emulator.ledger()]


async def pending_user(gateway: RunningGateway, phone: str = PHONE, **more: Any) -> None:
    """A user who sees nothing before agreeing."""
    await gateway.emulator.user(phone, reception="not_set", verified=True, **more)


# Late


async def test_a_message_seen_after_the_sms_left_is_a_late_duplicate_counted_and_paid_once(
    gateway: RunningGateway,
) -> None:
    await pending_user(gateway)
    notice_id = await gateway.send("0912345678", policy("4h"))
    await gateway.advance("23h")
    before = await gateway.notice(notice_id)
    assert (before["state"], told(before)) == (
        "delivered",
        [("line_notification", "accepted"), ("sms", "delivered")],
    )
    await gateway.emulator.act(PHONE, "agree")
    await gateway.advance("4d")
    notice = await gateway.notice(notice_id)
    assert told(notice) == [("line_notification", "late"), ("sms", "delivered")]
    assert notice["attempts"][0]["late_duplicate"] is True
    assert (notice["state"], notice["ended_at"]) == ("delivered", before["ended_at"]), "the end stays"
    assert [e["event"] for e in notice["timeline"]].count("late_proof") == 1
    assert Counter(c["step"] for c in notice["cost"]) == {"line_notification": 1, "sms": 1}
    funnel = await gateway.ok("GET", "/v1/reports/funnel")
    assert (funnel["late_duplicates"], funnel["states"]["delivered"], funnel["asked"]) == (1, 1, 1)
    assert funnel["delivered_by"] == {"sms": 1}
    cost = await gateway.ok("GET", "/v1/reports/cost")
    assert {(c["step"], c["messages"]) for c in cost["lines"]} == {("line_notification", 1), ("sms", 1)}
    assert len(await texts(gateway)) == 1


async def test_a_deadline_shorter_than_the_wait_stops_the_next_step_and_leaves_line_its_time(
    gateway: RunningGateway,
) -> None:
    """By the notice's own deadline; the policy's own would be refused, as no later step could ever run."""
    status, problem = await gateway.call("POST", "/v1/policies", {"name": "p", **policy("4h", deadline="1h")})
    assert (status, problem["errors"][0]["pointer"]) == (422, "/steps/0/wait")
    await pending_user(gateway)
    await pending_user(gateway, "+886912345679")
    ids = [await gateway.send(to, policy("4h"), deadline="1h") for to in ("0912345678", "0912345679")]
    await gateway.advance("5h")
    assert [(await gateway.notice(i))["state"] for i in ids] == ["waiting", "waiting"]
    await gateway.emulator.act(PHONE, "agree")
    await gateway.advance("20h")
    seen, unseen = [await gateway.notice(i) for i in ids]
    assert (seen["state"], told(seen)) == ("delivered", [("line_notification", "delivered")])
    assert (unseen["state"], unseen["reason"]) == ("not_delivered", "deadline")
    assert told(unseen) == [("line_notification", "silent")]
    assert await texts(gateway) == []


async def test_cancelling_while_line_has_it_sends_no_sms_and_lines_proof_still_counts(
    gateway: RunningGateway,
) -> None:
    await pending_user(gateway)
    notice_id = await gateway.send("0912345678", policy("30m"))
    await gateway.settle()
    assert (await gateway.ok("POST", f"/v1/notices/{notice_id}/cancel"))["state"] == "waiting"
    await gateway.advance("5h")
    await gateway.emulator.act(PHONE, "agree")
    await gateway.settle()
    notice = await gateway.notice(notice_id)
    assert (notice["state"], told(notice)) == ("delivered", [("line_notification", "delivered")])
    assert await texts(gateway) == []


async def test_an_sms_that_fails_leaves_the_end_to_line_which_may_still_deliver(
    gateway: RunningGateway,
) -> None:
    await pending_user(gateway, sms_reachable=False)
    await pending_user(gateway, "+886912345679", sms_reachable=False)
    ids = [await gateway.send(to, policy("30m")) for to in ("0912345678", "0912345679")]
    await gateway.advance("5h")
    assert [(await gateway.notice(i))["state"] for i in ids] == ["waiting", "waiting"]
    await gateway.emulator.act(PHONE, "agree")
    await gateway.advance("20h")
    seen, unseen = [await gateway.notice(i) for i in ids]
    assert (seen["state"], told(seen)) == ("delivered", [("line_notification", "late"), ("sms", "failed")])
    assert seen["attempts"][0]["late_duplicate"] is False, "the SMS surely failed: nobody got it twice"
    assert unseen["state"] == "not_delivered"
    assert told(unseen) == [("line_notification", "silent"), ("sms", "failed")]


# Unknown outcomes


@pytest.mark.parametrize(
    ("fault", "taken"),
    [
        ({"kind": "disconnect_after"}, True),
        ({"kind": "disconnect_before"}, False),
        ({"kind": "status_after", "status": 500}, True),
        ({"kind": "status_before", "status": 500}, False),
        ({"kind": "status_before", "status": 503}, False),
    ],
    ids=lambda x: "-".join(map(str, x.values())) if isinstance(x, dict) else None,
)
async def test_an_unknown_outcome_is_never_requested_twice_and_goes_on_to_the_sms(
    gateway: RunningGateway, fault: dict[str, Any], taken: bool
) -> None:
    await pending_user(gateway)
    await gateway.emulator.fault("api", next=1, path=LINE_PATH, **fault)
    notice_id = await gateway.send("0912345678", policy("30m"))
    await gateway.settle()
    waiting = await gateway.notice(notice_id)
    assert (waiting["state"], told(waiting)) == ("waiting", [("line_notification", "unknown")])
    await gateway.advance("25h")
    notice = await gateway.notice(notice_id)
    assert (notice["state"], told(notice)) == (
        "delivered",
        [("line_notification", "unknown"), ("sms", "delivered")],
    )
    # A second request, free of the fault, would stand in the ledger.
    assert len(await gateway.emulator.ledger()) == taken
    assert len(await texts(gateway)) == 1


async def test_an_unknown_outcome_that_line_took_is_proven_by_its_event(gateway: RunningGateway) -> None:
    await gateway.emulator.user(PHONE)
    await gateway.emulator.fault("api", "disconnect_after", next=1, path=LINE_PATH)
    notice_id = await gateway.send("0912345678", policy("30m"))
    await gateway.advance("25h")
    notice = await gateway.notice(notice_id)
    assert (notice["state"], told(notice)) == ("delivered", [("line_notification", "delivered")])
    assert await texts(gateway) == []


async def test_a_policy_may_go_on_at_once_where_the_outcome_is_unknown(gateway: RunningGateway) -> None:
    await pending_user(gateway)
    await gateway.emulator.fault("api", "disconnect_before", next=1, path=LINE_PATH)
    notice_id = await gateway.send("0912345678", policy("4h", on_unknown="next"))
    await gateway.settle()
    assert told(await gateway.notice(notice_id)) == [("line_notification", "unknown"), ("sms", "delivered")]


async def test_an_sms_whose_outcome_is_unknown_is_never_sent_again(gateway: RunningGateway) -> None:
    await gateway.emulator.fault("api", "disconnect_before", next=1, path=SMS_PATH)
    notice_id = await gateway.send("0912345678", policy("30m"))
    await gateway.advance("4d")
    notice = await gateway.notice(notice_id)
    assert told(notice) == [("line_notification", "unreachable"), ("sms", "unknown")]
    assert notice["state"] == "not_delivered"
    assert await texts(gateway) == []


# Surely not taken


async def test_a_429_is_tried_again_with_backoff_and_delivered_once(gateway: RunningGateway) -> None:
    await gateway.emulator.user(PHONE)
    await gateway.emulator.fault("api", "status_before", status=429, next=3, path=LINE_PATH)
    notice_id = await gateway.send("0912345678", policy("30m"))
    await gateway.advance("10m")
    notice = await gateway.notice(notice_id)
    assert (notice["state"], told(notice)) == (
        "delivered",
        [("line_notification", "throttled")] * 3 + [("line_notification", "delivered")],
    )
    times = [a["at"] for a in notice["attempts"]]
    assert times == sorted(set(times)), "each try comes later than the one before"
    assert await ledger(gateway) == [(200, "delivered")]
    assert await texts(gateway) == []


async def test_a_429_that_does_not_end_lets_the_sms_go_when_the_wait_is_over(gateway: RunningGateway) -> None:
    await gateway.emulator.user(PHONE)
    await gateway.emulator.fault("api", "status_before", status=429, path=LINE_PATH)
    notice_id = await gateway.send("0912345678", policy("5s"))
    await gateway.advance("25h")
    notice = await gateway.notice(notice_id)
    assert notice["state"] == "delivered"
    assert set(told(notice)[:-1]) == {("line_notification", "throttled")}
    assert told(notice)[-1] == ("sms", "delivered")
    assert await ledger(gateway) == []


async def test_a_refused_connection_is_tried_again_and_the_sms_goes_when_the_wait_is_over(
    line: RunningEmulator, tmp_path: Path
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{probe.getsockname()[1]}"
    folder = tmp_path / "data"
    (folder / "carriers").mkdir(parents=True)
    own = Path(__file__).parents[2] / "src/todoke/carriers/sms_http/declarations/emulator.yaml"
    text = own.read_text().replace("{base}", line.url)
    (folder / "carriers" / "still.yaml").write_text(text.replace("name: emulator", "name: still"))
    async with running_gateway(line, folder, line_api_base=closed, sms_carrier="still") as gateway:
        await gateway.channel()
        await gateway.template()
        notice_id = await gateway.send("0912345678", policy("30m"))
        await gateway.advance("25m")
        early = await gateway.notice(notice_id)
        assert early["state"] == "queued"
        assert set(told(early)) == {("line_notification", "failed")}
        assert len(early["attempts"]) > 3
        await gateway.advance("1h")
        notice = await gateway.notice(notice_id)
        assert (notice["state"], told(notice)[-1]) == ("delivered", ("sms", "delivered"))
        assert "could not connect" in notice["attempts"][0]["detail"]
        starts = [a["at"] for a in notice["attempts"]]
        assert starts == sorted(set(starts))
        assert len(await texts(gateway)) == 1


# Unruly webhooks


async def send_many(gateway: RunningGateway, phones: list[str]) -> list[str]:
    """A notice to each, in one call; the ids."""
    base = {"channel": "Parcels", "template": "parcel", "parameters": {"name": "x"}, "policy": policy("30m")}
    answer = await gateway.ok("POST", "/v1/notices/batch", {"notices": [base | {"to": p} for p in phones]})
    assert answer["refused"] == 0
    return [r["id"] for r in answer["results"]]


async def read_many(gateway: RunningGateway, ids: list[str]) -> list[Any]:
    """The same notices as the list shows them, in this order."""
    found: dict[str, Any] = {}
    query = {"limit": "500"}
    while True:
        page = await gateway.ok("GET", "/v1/notices", **query)
        found |= {n["id"]: n for n in page["notices"]}
        if "next" not in page:
            return [found[i] for i in ids]
        query["cursor"] = page["next"]


@pytest.mark.parametrize(
    "faults",
    [
        [{"kind": "duplicate"}],
        [{"kind": "reorder", "share": 0.5}],
        [{"kind": "delay", "ms": 600_000, "share": 0.5}],
        [{"kind": "duplicate"}, {"kind": "delay", "ms": 1_200_000, "share": 0.5}, {"kind": "reorder"}],
        [{"kind": "disconnect_after"}],
    ],
    ids=["doubled", "reordered", "delayed", "all of it", "answer lost"],
)
async def test_webhooks_doubled_late_or_out_of_order_come_to_the_same_ends(
    gateway: RunningGateway, faults: list[dict[str, Any]]
) -> None:
    people = [f"+8869123456{i:02}" for i in range(40)]
    for i, phone in enumerate(people):
        await gateway.emulator.user(phone, reception="agree" if i % 4 else "not_set")
    for fault in faults:
        await gateway.emulator.fault("webhook", **fault)
    ids = await send_many(gateway, people)
    await gateway.advance("2h")
    for phone in people[::4]:
        await gateway.emulator.act(phone, "agree")
    await gateway.advance("25h")
    notices = await read_many(gateway, ids)
    assert {n["state"] for n in notices} == {"delivered"}
    for i, notice in enumerate(notices):
        expected = (
            [("line_notification", "delivered")]
            if i % 4
            else [("line_notification", "late"), ("sms", "delivered")]
        )
        assert told(notice) == expected
    rows = {r["delivery_tag"]: r for r in await gateway.emulator.ledger()}
    assert len(rows) == len(people)
    # LINE's own time of the event counts, however late it came.
    assert [n["attempts"][0]["proof_at"] for n in notices] == [
        rows[n["attempts"][0]["delivery_tag"]]["seen_at"] for n in notices
    ]
    funnel = await gateway.ok("GET", "/v1/reports/funnel")
    assert (funnel["late_duplicates"], funnel["line_notification"]["shown"]) == (10, 40)
    assert len(await texts(gateway)) == 10


async def test_an_event_that_never_comes_leaves_the_attempt_silent_and_the_sms_goes(
    gateway: RunningGateway,
) -> None:
    await gateway.emulator.user(PHONE)
    await gateway.emulator.fault("webhook", "drop")
    notice_id = await gateway.send("0912345678", policy("4h"))
    await gateway.advance("25h")
    notice = await gateway.notice(notice_id)
    assert (notice["state"], told(notice)) == (
        "delivered",
        [("line_notification", "silent"), ("sms", "delivered")],
    )
    (silence,) = [e["text"] for e in notice["timeline"] if e["event"] == "silent"]
    for cause in ("blocks the account", "agree", "verify", "changed", "did not reach this gateway"):
        assert cause in silence


async def test_an_event_that_comes_after_the_attempt_was_closed_is_added_and_the_end_stays(
    gateway: RunningGateway,
) -> None:
    await gateway.emulator.user(PHONE, sms_reachable=False)
    await gateway.emulator.fault("webhook", "delay", ms=30 * 3_600_000)
    notice_id = await gateway.send("0912345678", {"steps": [{"step": "line_notification"}]})
    await gateway.advance("25h")
    before = await gateway.notice(notice_id)
    assert (before["state"], before["reason"]) == ("not_delivered", "silent")
    await gateway.advance("6h")
    notice = await gateway.notice(notice_id)
    assert (notice["state"], notice["ended_at"]) == ("not_delivered", before["ended_at"])
    assert told(notice) == [("line_notification", "delivered")]
    assert (await gateway.ok("GET", "/v1/reports/funnel"))["line_notification"]["shown"] == 1


async def test_what_line_posts_late_has_its_time_of_arrival_and_of_the_event(gateway: RunningGateway) -> None:
    await gateway.emulator.user(PHONE)
    await gateway.emulator.fault("webhook", "delay", ms=3 * 3_600_000)
    notice_id = await gateway.send("0912345678", {"steps": [{"step": "line_notification", "wait": "30h"}]})
    await gateway.advance("5h")
    notice = await gateway.notice(notice_id)
    posts = (await gateway.emulator.control("GET", "/webhooks"))["rows"]
    assert [post["at"] for post in posts if "delivery" in post["body"]] == [notice["ended_at"]]
    assert notice["attempts"][0]["proof_at"] == notice["attempts"][0]["at"]


# Stopping and starting


async def test_a_stop_and_a_start_in_the_middle_lose_nothing_and_double_nothing(
    line: RunningEmulator, tmp_path: Path
) -> None:
    people = [f"+88691234{i:04}" for i in range(1500)]
    for i, phone in enumerate(people):
        if i % 30 == 1:
            await line.user(phone)
        elif i % 30 == 2:
            await line.user(phone, reception="not_set")
    folder = tmp_path / "data"

    async with running_gateway(line, folder) as gateway:
        port = int(gateway.url.rpartition(":")[2])
        await gateway.channel(redelivery=True)
        await gateway.template()
        # Slow answers: the stop comes while some are out, some done and some not begun.
        await line.fault("api", "latency", ms=20, path=LINE_PATH)
        ids = await send_many(gateway, people)
        await first_answer(line)
    assert 0 < len(await line.ledger()) < len(people), "the stop came in the middle"
    await line.control("DELETE", "/faults")
    async with running_gateway(line, folder, port=port) as gateway:
        await gateway.advance("29m")
    async with running_gateway(line, folder, port=port) as gateway:
        await gateway.advance("25h")
        notices = await read_many(gateway, ids)
    asked = Counter(row["to"] for row in await line.ledger())
    assert len(asked) == len(people)
    assert set(asked.values()) == {1}, "nobody was asked for twice"
    assert {n["state"] for n in notices} == {"delivered"}
    outcomes = Counter(a["outcome"] for n in notices for a in n["attempts"])
    assert outcomes["unknown"] == 0, "a graceful stop waits for the answers that are out"
    inboxes = {phone: len((await line.screen(phone))["sms"]) for i, phone in enumerate(people) if i % 30 < 3}
    for i, phone in enumerate(people):
        if i % 30 in (0, 2):
            assert inboxes[phone] == 1, "who has no LINE or never agreed got one SMS"
        elif i % 30 == 1:
            assert inboxes[phone] == 0, (
                "who saw it over LINE got none, though events came while nobody listened"
            )


async def first_answer(line: RunningEmulator) -> None:
    """Returns as soon as LINE has taken a request."""
    taken = asyncio.Event()
    add = line.state.world.ledger.add

    def watched(row: Any) -> None:
        add(row)
        taken.set()

    line.state.world.ledger.add = watched
    async with asyncio.timeout(10):
        await taken.wait()
    line.state.world.ledger.add = add


@pytest.mark.parametrize("region", ["TW", "TH", "JP"])
async def test_an_account_of_any_country_reaches_numbers_of_all_three(
    gateway: RunningGateway, region: str
) -> None:
    people = ("+886912345678", "+66812345678", "+819012345678")
    for phone in people:
        await gateway.emulator.user(phone)
    await gateway.channel("Other", region)
    await gateway.template("Other", name="other")
    ids = [await gateway.send(p, channel="Other", template="other") for p in people]
    await gateway.settle()
    assert [(n := await gateway.notice(i))["state"] + n["country"] for i in ids] == [
        "deliveredTW",
        "deliveredTH",
        "deliveredJP",
    ]
