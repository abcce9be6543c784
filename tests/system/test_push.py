"""Pushes end to end: bound over the API, friends by LINE's own events, sent, and seen on the user's screen."""

from __future__ import annotations

from typing import Any

import pytest

from gateway_support import RunningGateway

PHONE, NUMBER = "+886912345678", "0912345678"
PUSH_PATH, NOTIFICATION_PATH = "/v2/bot/message/push", "/bot/pnp/push"
PUSH_THEN_SMS = {"steps": [{"step": "line_push"}, {"step": "sms"}]}
PUSH_FIRST = {"steps": [{"step": "line_push"}, {"step": "line_notification", "wait": "1h"}, {"step": "sms"}]}


async def line_id(gateway: RunningGateway, name: str = "Parcels") -> str:
    return str((await gateway.ok("GET", f"/v1/channels/{name}"))["line_channel_id"])


async def friend(gateway: RunningGateway, phone: str = PHONE, channel: str = "Parcels") -> str:
    """A user who has added the account, and whose follow event has come; the user ID."""
    made = await gateway.emulator.user(phone)
    await gateway.emulator.act(phone, "add_friend", channel_id=await line_id(gateway, channel))
    await gateway.settle()
    return str(made["user_id"])


async def bind(gateway: RunningGateway, user_id: str, channel: str = "Parcels") -> str:
    body = {"channel": channel, "number": NUMBER, "user_id": user_id, "way": "account_link"}
    return str((await gateway.ok("POST", "/v1/bindings", body))["id"])


async def sent(gateway: RunningGateway, policy: Any = PUSH_FIRST, **more: Any) -> Any:
    """A notice, when all that is due has happened."""
    notice_id = await gateway.send(NUMBER, policy, **more)
    await gateway.settle()
    return await gateway.notice(notice_id)


def told(notice: Any) -> list[tuple[str, str]]:
    return [(a["step"], a["outcome"]) for a in notice["attempts"]]


async def asked_of_line(gateway: RunningGateway) -> list[str]:
    """The paths of all that LINE took, or refused for the user's sake."""
    return [row["path"] for row in await gateway.emulator.ledger()]


async def seen(gateway: RunningGateway, phone: str = PHONE) -> list[str]:
    """The texts that the accounts have put on the user's screen."""
    chats = (await gateway.emulator.screen(phone))["chats"]
    return [
        bubble["text"]
        for chat in chats
        if chat["from"] != "line"
        for shown in chat["messages"]
        for bubble in shown.get("messages", [])
    ]


async def texts(gateway: RunningGateway) -> int:
    return len((await gateway.emulator.control("GET", "/sms"))["rows"])


async def test_a_bound_friend_gets_a_push_no_notification_and_the_notice_is_handed_over(
    gateway: RunningGateway,
) -> None:
    await bind(gateway, await friend(gateway))
    notice = await sent(gateway)
    assert (notice["state"], told(notice)) == ("handed_over", [("line_push", "accepted")])
    assert await asked_of_line(gateway) == [PUSH_PATH]
    assert len(await seen(gateway)) == 1
    await gateway.advance("2d")
    assert (await gateway.notice(notice["id"]))["state"] == "handed_over"
    assert (await asked_of_line(gateway), await texts(gateway)) == ([PUSH_PATH], 0)


async def test_who_blocked_yesterday_is_skipped_with_the_reason_and_gets_the_sms(
    gateway: RunningGateway,
) -> None:
    await bind(gateway, await friend(gateway))
    await gateway.emulator.act(PHONE, "block", channel_id=await line_id(gateway))
    await gateway.advance("1d")
    notice = await sent(gateway)
    assert [s["step"] for s in notice["skipped"]] == ["line_push", "line_notification"]
    assert all("blocked" in s["why"] for s in notice["skipped"])
    assert (notice["state"], told(notice)) == ("delivered", [("sms", "delivered")])
    assert await asked_of_line(gateway) == []
    found = await gateway.ok("POST", "/v1/recipients/lookup", {"number": NUMBER})
    (stands,) = found["bindings"][0]["channels"]
    assert (stands["state"], stands["source"]) == ("blocked", "unfollow event")


async def test_a_bound_user_who_is_no_friend_is_not_pushed_to(gateway: RunningGateway) -> None:
    """LINE would answer 200 and show nothing."""
    await bind(gateway, str((await gateway.emulator.user(PHONE))["user_id"]))
    notice = await sent(gateway, PUSH_THEN_SMS)
    assert [(s["step"], "friend" in s["why"]) for s in notice["skipped"]] == [("line_push", True)]
    assert (told(notice), await asked_of_line(gateway)) == ([("sms", "delivered")], [])


async def test_a_friend_whose_event_was_lost_is_pushed_to_after_a_sync(gateway: RunningGateway) -> None:
    await gateway.emulator.fault("webhook", "drop")
    await bind(gateway, await friend(gateway))
    assert told(await sent(gateway, PUSH_THEN_SMS)) == [("sms", "delivered")]
    await gateway.ok("POST", "/v1/channels/Parcels/friends/sync")
    await gateway.settle()
    assert told(await sent(gateway, PUSH_THEN_SMS)) == [("line_push", "accepted")]


async def test_after_unbinding_nothing_is_pushed(gateway: RunningGateway) -> None:
    binding = await bind(gateway, await friend(gateway))
    await gateway.ok("DELETE", f"/v1/bindings/{binding}", {"why": "asked for"})
    assert told(await sent(gateway, PUSH_THEN_SMS)) == [("sms", "delivered")]


async def test_of_several_accounts_of_a_number_the_one_that_is_a_friend_gets_it(
    gateway: RunningGateway,
) -> None:
    older = await friend(gateway, "+886900000001")
    newer = str((await gateway.emulator.user("+886900000002"))["user_id"])
    for user_id in (older, newer):
        await bind(gateway, user_id)
    assert told(await sent(gateway)) == [("line_push", "accepted")]
    assert (len(await seen(gateway, "+886900000001")), await seen(gateway, "+886900000002")) == (1, [])


async def test_two_channels_of_a_provider_share_bindings_but_not_friends(gateway: RunningGateway) -> None:
    await gateway.channel("Shop")
    await gateway.template(channel="Shop", name="shop parcel")
    await bind(gateway, await friend(gateway, channel="Shop"), channel="Parcels")
    by_shop = await sent(gateway, PUSH_THEN_SMS, channel="Shop", template="shop parcel")
    by_parcels = await sent(gateway, PUSH_THEN_SMS)
    assert told(by_shop) == [("line_push", "accepted")]
    assert told(by_parcels) == [("sms", "delivered")]
    await gateway.ok("PATCH", "/v1/channels/Shop", {"provider": "another"})
    again = await sent(gateway, PUSH_THEN_SMS, channel="Shop", template="shop parcel")
    assert told(again) == [("sms", "delivered")], "user IDs of another provider mean somebody else"


@pytest.mark.parametrize(
    "fault",
    [{"kind": "disconnect_after"}, {"kind": "status_after", "status": 500}, {"kind": "disconnect_before"}],
    ids=lambda fault: fault["kind"],
)
async def test_a_push_whose_answer_is_lost_is_repeated_with_its_retry_key_and_seen_once(
    gateway: RunningGateway, fault: dict[str, Any]
) -> None:
    await bind(gateway, await friend(gateway))
    await gateway.emulator.fault("api", next=2, path=PUSH_PATH, **fault)
    notice = await sent(gateway, PUSH_THEN_SMS)
    await gateway.advance("1h")
    notice = await gateway.notice(notice["id"])
    assert notice["state"] == "handed_over"
    assert told(notice) == [("line_push", "unknown")] * 2 + [("line_push", "accepted")]
    assert len(await seen(gateway)) == 1
    assert (len(await asked_of_line(gateway)), await texts(gateway)) == (1, 0)


async def test_a_monthly_quota_that_is_used_up_goes_on_to_the_next_step(gateway: RunningGateway) -> None:
    await bind(gateway, await friend(gateway))
    channel = await line_id(gateway)
    await gateway.emulator.control("PATCH", f"/channels/{channel}", {"monthly_quota": 1})
    assert told(await sent(gateway, PUSH_THEN_SMS)) == [("line_push", "accepted")]
    notice = await sent(gateway, PUSH_THEN_SMS)
    assert told(notice) == [("line_push", "throttled"), ("sms", "delivered")]
    assert (len(await seen(gateway)), await texts(gateway)) == (1, 1)
