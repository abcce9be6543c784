"""The main job through real HTTP on both sides, in virtual time."""

from gateway_support import RunningGateway


async def test_a_notice_that_line_shows_ends_delivered_and_no_sms_is_sent(gateway: RunningGateway) -> None:
    await gateway.emulator.control(
        "POST", "/users", {"phone": "+886912345678", "reception": "agree", "verified": True}
    )
    notice_id = await gateway.send("0912-345-678")
    await gateway.advance("25h")
    notice = await gateway.notice(notice_id)
    assert (notice["state"], [a["outcome"] for a in notice["attempts"]]) == ("delivered", ["delivered"])
    assert (await gateway.emulator.control("GET", "/sms"))["rows"] == []
