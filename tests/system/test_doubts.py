"""Numbers that move: from the first sign on, nothing is pushed to whoever had the number before."""

from __future__ import annotations

from typing import Any

from gateway_support import RunningGateway

PHONE, NUMBER = "+886912345678", "0912345678"
PUSH_PATH = "/v2/bot/message/push"
PUSH_FIRST = {"steps": [{"step": "line_push"}, {"step": "line_notification", "wait": "1h"}, {"step": "sms"}]}
PUSH_ONLY = {"steps": [{"step": "line_push"}]}
NOTIFICATION = {"steps": [{"step": "line_notification", "wait": "1h"}]}
SMS = {"steps": [{"step": "sms"}]}


async def line_id(gateway: RunningGateway) -> str:
    return str((await gateway.ok("GET", "/v1/channels/Parcels"))["line_channel_id"])


async def bound_friend(gateway: RunningGateway) -> str:
    """A user who has added the account and bound the number; the user ID."""
    user_id = str((await gateway.emulator.user(PHONE))["user_id"])
    await gateway.emulator.act(PHONE, "add_friend", channel_id=await line_id(gateway))
    await gateway.settle()
    await bind(gateway, user_id)
    await gateway.advance("1m")
    return user_id


async def bind(gateway: RunningGateway, user_id: str) -> str:
    body = {"channel": "Parcels", "number": NUMBER, "user_id": user_id, "way": "account_link"}
    return str((await gateway.ok("POST", "/v1/bindings", body))["id"])


async def sent(gateway: RunningGateway, policy: Any, **more: Any) -> Any:
    """A notice, when all that is due has happened."""
    notice_id = await gateway.send(NUMBER, policy, **more)
    await gateway.advance("2s")
    return await gateway.notice(notice_id)


async def changed(gateway: RunningGateway, **values: Any) -> None:
    await gateway.emulator.control("PATCH", f"/users/{PHONE}", values)


async def moved(gateway: RunningGateway, **values: Any) -> None:
    """The number becomes another person's; who had it keeps their LINE account."""
    await gateway.emulator.control("POST", "/users", {"phone": PHONE, "takes_over": True, **values})


async def bindings(gateway: RunningGateway) -> list[Any]:
    return list((await gateway.ok("POST", "/v1/recipients/lookup", {"number": NUMBER}))["bindings"])


async def pushes(gateway: RunningGateway) -> int:
    return sum(row["path"] == PUSH_PATH for row in await gateway.emulator.ledger())


def skipped(notice: Any) -> dict[str, str]:
    return {s["step"]: s["why"] for s in notice["skipped"]}


def delivered_by(notice: Any) -> str:
    return str(next(a["step"] for a in notice["attempts"] if a["outcome"] == "delivered"))


async def test_a_422_puts_the_binding_in_doubt_and_no_push_goes_any_more(gateway: RunningGateway) -> None:
    await bound_friend(gateway)
    await changed(gateway, reception="reject")
    await sent(gateway, NOTIFICATION)
    (binding,) = await bindings(gateway)
    assert binding["doubted_why"] == "unmatched"
    assert binding["doubted_at"] is not None
    notice = await sent(gateway, PUSH_FIRST)
    assert "422" in skipped(notice)["line_push"]
    assert "another person's" in skipped(notice)["line_push"]
    assert notice["state"] == "delivered", "by SMS"
    assert await pushes(gateway) == 0


async def test_an_ordinary_message_to_a_number_in_doubt_is_refused_with_the_reason(
    gateway: RunningGateway,
) -> None:
    user_id = await bound_friend(gateway)
    body = {"channel": "Parcels", "to": NUMBER, "messages": [{"type": "text", "text": "Hello"}]}
    await gateway.ok("POST", "/v1/messages", body)
    await changed(gateway, reception="reject")
    await sent(gateway, NOTIFICATION)
    status, refusal = await gateway.call("POST", "/v1/messages", body)
    assert (status, refusal["type"].rpartition("/")[2]) == (409, "binding-in-doubt")
    assert "422" in refusal["detail"]
    assert "0912345678" not in str(refusal)
    by_id = {"channel": "Parcels", "user_id": user_id, "messages": body["messages"]}
    await gateway.ok("POST", "/v1/messages", by_id)


async def test_an_sms_that_failed_for_good_puts_the_binding_in_doubt(gateway: RunningGateway) -> None:
    await bound_friend(gateway)
    await changed(gateway, sms_reachable=False)
    notice = await sent(gateway, SMS)
    assert notice["state"] == "not_delivered"
    (binding,) = await bindings(gateway)
    assert binding["doubted_why"] == "sms_failed"
    assert "SMS" in skipped(await sent(gateway, PUSH_ONLY))["line_push"]
    assert await pushes(gateway) == 0


async def test_a_sms_that_arrives_and_a_push_that_is_taken_leave_no_doubt(gateway: RunningGateway) -> None:
    await bound_friend(gateway)
    assert (await sent(gateway, SMS))["state"] == "delivered"
    assert (await sent(gateway, PUSH_ONLY))["state"] == "handed_over"
    await sent(gateway, NOTIFICATION)
    (binding,) = await bindings(gateway)
    assert (binding["doubted_at"], binding["doubted_why"]) == (None, None)


async def test_a_doubt_stays_with_its_first_reason(gateway: RunningGateway) -> None:
    await bound_friend(gateway)
    await changed(gateway, sms_reachable=False, reception="reject")
    await sent(gateway, NOTIFICATION)
    first = (await bindings(gateway))[0]["doubted_at"]
    await gateway.advance("1d")
    await sent(gateway, SMS)
    (binding,) = await bindings(gateway)
    assert (binding["doubted_why"], binding["doubted_at"]) == ("unmatched", first)


async def test_after_a_number_moved_nothing_reaches_its_former_holder_from_the_first_sign_on(
    gateway: RunningGateway,
) -> None:
    former = await bound_friend(gateway)
    await moved(gateway, reception="reject")
    await sent(gateway, NOTIFICATION)
    count = await pushes(gateway)
    for _ in range(3):
        notice = await sent(gateway, PUSH_FIRST)
        assert "line_push" in skipped(notice)
        assert delivered_by(notice) == "sms"
        await gateway.advance("1d")
    assert await pushes(gateway) == count == 0
    (binding,) = await bindings(gateway)
    assert (binding["user_id"], binding["doubted_why"]) == (former, "unmatched")


async def test_a_notification_shown_while_its_bound_user_blocks_the_account_ends_the_binding(
    gateway: RunningGateway,
) -> None:
    former = await bound_friend(gateway)
    await gateway.emulator.act(PHONE, "block", channel_id=await line_id(gateway))
    # The new holder's SIM is not in a phone yet, which is the first sign.
    await moved(gateway, reception="agree", verified=True, sms_reachable=False)
    await gateway.advance("1m")
    blocked = await sent(gateway, PUSH_FIRST)
    assert "blocked" in skipped(blocked)["line_notification"]
    (binding,) = await bindings(gateway)
    assert (binding["user_id"], binding["doubted_why"]) == (former, "sms_failed")
    shown = await sent(gateway, PUSH_FIRST)
    assert (shown["state"], delivered_by(shown)) == ("delivered", "line_notification")
    assert await bindings(gateway) == []
    ended = (await gateway.ok("GET", "/v1/bindings", ended="true"))["bindings"]
    assert [x["unbound_why"] for x in ended] == ["delivered_elsewhere"]
    assert await pushes(gateway) == 0


async def test_a_notification_shown_to_one_of_two_bound_users_ends_nothing(gateway: RunningGateway) -> None:
    await bound_friend(gateway)
    other = str((await gateway.emulator.user("+886987654321"))["user_id"])
    await bind(gateway, other)
    await gateway.emulator.act(PHONE, "block", channel_id=await line_id(gateway))
    await moved(gateway, reception="agree", verified=True)
    await gateway.advance("1m")
    assert (await sent(gateway, NOTIFICATION))["state"] == "delivered"
    assert len(await bindings(gateway)) == 2


async def test_the_dry_run_says_that_the_binding_is_in_doubt(gateway: RunningGateway) -> None:
    await bound_friend(gateway)
    await changed(gateway, reception="reject")
    await sent(gateway, NOTIFICATION)
    body = {"channel": "Parcels", "template": "parcel", "to": NUMBER, "parameters": {"name": "小明"}}
    planned = await gateway.ok("POST", "/v1/notices", {**body, "policy": PUSH_FIRST}, dry_run="true")
    assert planned["recipient"]["user_bound"] is False
    assert "gets no pushes" in planned["recipient"]["text"]
    assert "422" in planned["steps"][0]["why_not"]
