"""Stories of single notices through their steps: what is sent when, how it ends, what is counted and what it costs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from emulator_support import RunningEmulator
from gateway_support import RunningGateway
from routing_support import (
    PHONE,
    bound,
    ended,
    later,
    line_then_sms,
    notifications,
    opened,
    skipped,
    sms_of,
    told,
    tried,
)

LONG_SMS = "{{name}} 您好,您的包裹已於 8 月 7 日送達門市。若已取件請忽略。" + "請攜帶證件領取。" * 5
"""77 characters with a name of two: two segments in UCS-2."""
PUSH_FIRST = {"steps": [{"step": "line_push"}, {"step": "line_notification", "wait": "4h"}, {"step": "sms"}]}
SMS_FIRST = {"steps": [{"step": "sms", "wait": "1h"}, {"step": "line_notification", "wait": "24h"}]}


@pytest.fixture
async def gateway(line: RunningEmulator, tmp_path: Path) -> AsyncIterator[RunningGateway]:
    async with opened(line, tmp_path / "data") as running:
        yield running


async def pending_user(gateway: RunningGateway, phone: str = PHONE, **more: Any) -> None:
    """A user who sees nothing before agreeing."""
    await gateway.emulator.user(phone, reception="not_set", **more)


def only_channel(gateway: RunningGateway) -> dict[str, Any]:
    (found,) = gateway.emulator.state.world.channels.values()
    return {"channel_id": found.channel_id, "access_token": found.access_token}


async def shown_by_line(gateway: RunningGateway, day: str) -> int:
    """LINE's count of flexible notifications shown on a day of UTC+9."""
    path = f"/v2/bot/message/delivery/pnp?date={day}"
    return int((await gateway.emulator.get(only_channel(gateway), path)).json["success"])


# Late


async def test_a_user_who_agrees_at_hour_23_is_a_late_duplicate_counted_once_and_billed_as_shown(
    gateway: RunningGateway,
) -> None:
    await gateway.template(sms=LONG_SMS)
    await pending_user(gateway)
    notice_id = await gateway.send("0912345678", line_then_sms("4h"))
    await gateway.advance("23h")
    before = await gateway.notice(notice_id)
    assert ended(before) == ("delivered", None, "4:00:00")
    await gateway.emulator.act(PHONE, "agree")
    await gateway.advance("4d")

    notice = await gateway.notice(notice_id)
    assert tried(notice) == [
        ("line_notification", "late", "0:00:00"),
        ("sms", "delivered", "4:00:00"),
    ]
    assert [later(a["proof_at"]) for a in notice["attempts"]] == ["23:00:00", "4:00:00"]
    assert notice["attempts"][0]["late_duplicate"] is True
    assert ended(notice) == ended(before), "the end stays"
    assert [later(e["at"]) for e in notice["timeline"] if e["event"] == "late_proof"] == ["23:00:00"]

    # Asked for on 1 March, 22:30 in UTC+9; shown on the 2nd.
    assert [await shown_by_line(gateway, day) for day in ("20300301", "20300302", "20300303")] == [0, 1, 0]
    compared = await gateway.ok(
        "POST", "/v1/reports/reconciliation/run", {"since": "2030-03-01", "until": "2030-03-03"}
    )
    flexible = {r["day"]: (r["ours"], r["line"]) for r in compared["rows"] if r["kind"] == "flexible"}
    assert flexible["2030-03-02"] == (1, 1)
    assert not [r for r in compared["rows"] if r["differs"]]

    funnel = await gateway.ok("GET", "/v1/reports/funnel")
    assert (funnel["asked"], funnel["late_duplicates"], funnel["delivered_by"]) == (1, 1, {"sms": 1})
    cost = await gateway.ok("GET", "/v1/reports/cost")
    assert cost["lines"] == [
        {"country": "TW", "step": "line_notification", "messages": 1, "amount": "0.20", "currency": "TWD"},
        {
            "country": "TW",
            "step": "sms",
            "messages": 1,
            "segments": 2,
            "carrier": "emulator",
            "amount": "1.60",
            "amount_at_most": "4.00",
            "currency": "TWD",
        },
    ]
    assert cost["totals"] == [{"amount": "1.80", "amount_at_most": "4.20", "currency": "TWD"}]
    screen = await gateway.emulator.screen(PHONE)
    kinds = [m["kind"] for chat in screen["chats"] for m in chat["messages"]]
    assert (kinds.count("notification"), len(screen["sms"])) == (1, 1)


# Friends


async def test_a_friend_gets_a_push_and_no_notification(gateway: RunningGateway) -> None:
    user_id = await bound(gateway, only_channel(gateway), "add_friend")
    notice_id = await gateway.send("0912345678")
    await gateway.advance("4d")
    notice = await gateway.notice(notice_id)
    assert tried(notice) == [("line_push", "accepted", "0:00:01")]
    assert ended(notice) == ("handed_over", None, "0:00:01")
    assert "SMS" in notice["policy"]["why"]
    (row,) = await gateway.emulator.ledger()
    assert (row["path"], row["to"], row["times_seen"]) == ("/v2/bot/message/push", user_id, 1)
    (chat,) = (await gateway.emulator.screen(PHONE))["chats"]
    assert [m["text"] for m in chat["messages"]] == ["小明 您好,您的包裹已於 8 月 7 日送達門市。"]
    assert await sms_of(gateway) == []
    funnel = await gateway.ok("GET", "/v1/reports/funnel")
    assert (funnel["states"]["handed_over"], funnel["line_notification"]["requested"]) == (1, 0)


async def test_a_bound_user_who_is_no_friend_gets_the_notification(gateway: RunningGateway) -> None:
    await bound(gateway, only_channel(gateway))
    notice_id = await gateway.send("0912345678", PUSH_FIRST)
    await gateway.settle()
    notice = await gateway.notice(notice_id)
    assert tried(notice) == [("line_notification", "delivered", "0:00:01")]
    assert skipped(notice) == {"line_push": "the bound user is not known as a friend of the account"}


@pytest.mark.parametrize(
    "acts", [("add_friend", "block"), ("block",)], ids=["friend before", "never a friend"]
)
async def test_somebody_who_blocked_yesterday_gets_the_sms_at_once_and_line_is_not_asked(
    gateway: RunningGateway, acts: tuple[str, ...]
) -> None:
    await bound(gateway, only_channel(gateway), *acts)
    await gateway.advance("24h")
    notice_id = await gateway.send("0912345678", PUSH_FIRST)
    await gateway.settle()
    notice = await gateway.notice(notice_id)
    assert tried(notice) == [("sms", "delivered", "1 day, 0:00:01")]
    assert skipped(notice) == {
        "line_push": "the user has blocked the account",
        "line_notification": "the user has blocked the account: LINE would take it and never show it",
    }
    assert await gateway.emulator.ledger() == []
    cost = await gateway.ok("GET", "/v1/reports/cost")
    assert [(c["step"], c["messages"]) for c in cost["lines"]] == [("sms", 1)]


async def test_somebody_who_unblocks_is_reached_over_line_again(gateway: RunningGateway) -> None:
    await bound(gateway, only_channel(gateway), "add_friend", "block")
    await gateway.advance("1h")
    await gateway.emulator.act(PHONE, "unblock", channel_id=only_channel(gateway)["channel_id"])
    await gateway.settle()
    notice_id = await gateway.send("0912345678", PUSH_FIRST)
    await gateway.settle()
    assert told(await gateway.notice(notice_id)) == [("line_push", "accepted")]


async def test_a_monthly_quota_reached_on_push_goes_to_the_notification_at_once(
    line: RunningEmulator, tmp_path: Path
) -> None:
    async with opened(line, tmp_path / "data") as gateway:
        channel = only_channel(gateway)
        await line.control("PATCH", f"/channels/{channel['channel_id']}", {"monthly_quota": 1})
        await bound(gateway, channel, "add_friend")
        first = await gateway.send("0912345678", PUSH_FIRST)
        await gateway.settle()
        assert told(await gateway.notice(first)) == [("line_push", "accepted")]
        second = await gateway.send("0912345678", PUSH_FIRST)
        await gateway.settle()
        notice = await gateway.notice(second)
        assert tried(notice) == [
            ("line_push", "throttled", "0:00:02"),
            ("line_notification", "delivered", "0:00:02"),
        ]
        assert ended(notice) == ("delivered", None, "0:00:02")
        assert await notifications(gateway) == [(200, "delivered")]


# Deadline, cancel, SMS that fail


async def test_a_deadline_shorter_than_the_wait_sends_no_sms_and_ends_when_line_is_silent(
    gateway: RunningGateway,
) -> None:
    await pending_user(gateway)
    body = {
        "channel": "Parcels",
        "template": "parcel",
        "to": "0912345678",
        "parameters": {"name": "小明"},
        "policy": line_then_sms("4h"),
        "deadline": "1h",
    }
    answer = await gateway.ok("POST", "/v1/notices", body)
    (warning,) = answer["policy"]["warnings"]
    assert "line_notification may take 4h, and the deadline is 1h: sms would begin only" in warning
    await gateway.advance("3d")
    notice = await gateway.notice(answer["id"])
    assert tried(notice) == [("line_notification", "silent", "0:00:00")]
    assert ended(notice) == ("not_delivered", "deadline", "1 day, 0:10:00")
    assert await sms_of(gateway) == []


async def test_a_deadline_shorter_than_the_wait_still_lets_the_sms_go_where_line_says_no(
    gateway: RunningGateway,
) -> None:
    notice_id = await gateway.send("0912345678", line_then_sms("4h"), deadline="1h")
    await gateway.settle()
    notice = await gateway.notice(notice_id)
    assert tried(notice) == [
        ("line_notification", "unreachable", "0:00:00"),
        ("sms", "delivered", "0:00:00"),
    ]


async def test_cancelled_while_it_waits_it_is_delivered_all_the_same_when_lines_proof_comes(
    gateway: RunningGateway,
) -> None:
    await pending_user(gateway)
    await pending_user(gateway, "+886912345679")
    ids = [await gateway.send(to, line_then_sms("4h")) for to in ("0912345678", "0912345679")]
    await gateway.advance("1h")
    for notice_id in ids:
        assert (await gateway.ok("POST", f"/v1/notices/{notice_id}/cancel"))["state"] == "waiting"
    await gateway.advance("5h")
    await gateway.emulator.act(PHONE, "agree")
    await gateway.advance("2d")
    agreed, never = [await gateway.notice(i) for i in ids]
    assert tried(agreed) == [("line_notification", "delivered", "0:00:00")]
    assert ended(agreed) == ("delivered", None, "6:00:00")
    assert tried(never) == [("line_notification", "silent", "0:00:00")]
    assert ended(never) == ("cancelled", "cancelled", "1 day, 0:10:00")
    assert await sms_of(gateway) == []
    funnel = await gateway.ok("GET", "/v1/reports/funnel")
    assert (funnel["states"]["delivered"], funnel["states"]["cancelled"]) == (1, 1)


@pytest.mark.parametrize(
    ("policy", "begins", "duplicate"),
    [
        (
            line_then_sms("4h"),
            [("line_notification", "late", "0:00:00"), ("sms", "failed", "4:00:00")],
            False,
        ),
        (SMS_FIRST, [("sms", "failed", "0:00:00"), ("line_notification", "delivered", "0:00:00")], None),
    ],
    ids=["LINE first", "SMS first"],
)
async def test_an_sms_fails_by_receipt_and_line_delivers_at_hour_five_to_one_end(
    gateway: RunningGateway, policy: dict[str, Any], begins: list[Any], duplicate: bool | None
) -> None:
    await pending_user(gateway, sms_reachable=False)
    notice_id = await gateway.send("0912345678", policy)
    await gateway.advance("5h")
    assert (await gateway.notice(notice_id))["state"] == "waiting", "LINE may still deliver"
    await gateway.emulator.act(PHONE, "agree")
    await gateway.advance("4d")
    notice = await gateway.notice(notice_id)
    assert tried(notice) == begins
    assert ended(notice) == ("delivered", None, "5:00:00")
    assert [a.get("late_duplicate") for a in notice["attempts"] if a["step"] != "sms"] == [duplicate]
    assert [e["event"] for e in notice["timeline"]].count("ended") == 1
    funnel = await gateway.ok("GET", "/v1/reports/funnel")
    assert (funnel["late_duplicates"], funnel["delivered_by"]) == (0, {"line_notification": 1})
    # Both carriers charge: LINE for what it showed, the SMS carrier for what it took.
    cost = await gateway.ok("GET", "/v1/reports/cost")
    assert [(c["step"], c["messages"]) for c in cost["lines"]] == [("line_notification", 1), ("sms", 1)]
