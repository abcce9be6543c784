"""The month's quota, its use, counts by day, and aggregation units."""

from __future__ import annotations

from typing import Any

from emulator_support import Reply, RunningEmulator, Sink

PHONE, OTHER = "+819012345678", "+819087654321"
HELLO = [{"type": "text", "text": "Hello"}]
MESSAGE = "/v2/bot/message"
REACHED = {"message": "You have reached your monthly limit."}


async def send(emulator: RunningEmulator, channel: dict[str, Any], kind: str, **body: Any) -> Reply:
    headers = {"Authorization": f"Bearer {channel['access_token']}"}
    return await emulator.request("POST", f"{MESSAGE}/{kind}", {"messages": HELLO, **body}, headers)


async def friend(emulator: RunningEmulator, channel: dict[str, Any], phone: str) -> str:
    user = await emulator.user(phone)
    await emulator.act(phone, "add_friend", channel_id=channel["channel_id"])
    return str(user["user_id"])


async def usage(emulator: RunningEmulator, channel: dict[str, Any]) -> int:
    return int((await emulator.get(channel, f"{MESSAGE}/quota/consumption")).json["totalUsage"])


async def at(emulator: RunningEmulator, moment: str) -> None:
    await emulator.control("POST", "/reset")
    await emulator.clock(mode="paused", set=moment)


async def test_the_quota_is_none_or_a_number(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    assert (await emulator.get(channel, f"{MESSAGE}/quota")).json == {"type": "none"}
    path = f"/channels/{channel['channel_id']}"
    await emulator.control("PATCH", path, {"monthly_quota": 1000})
    assert (await emulator.get(channel, f"{MESSAGE}/quota")).json == {"type": "limited", "value": 1000}
    await emulator.control("PATCH", path, {"monthly_quota": -1}, expect=400)


async def test_every_recipient_of_a_push_or_multicast_uses_the_quota_and_a_reply_does_not(
    emulator: RunningEmulator, sink: Sink
) -> None:
    channel = await emulator.channel(webhook_url=sink.url)
    first, second = [await friend(emulator, channel, phone) for phone in (PHONE, OTHER)]
    token = (await sink.got(1))[0]["replyToken"]
    await send(emulator, channel, "push", to=first, messages=HELLO * 3)
    assert await usage(emulator, channel) == 1
    await send(emulator, channel, "multicast", to=[first, second, f"U{'0' * 32}"])
    assert await usage(emulator, channel) == 3
    assert (await send(emulator, channel, "reply", replyToken=token)).status == 200
    await emulator.act(PHONE, "block", channel_id=channel["channel_id"])
    await send(emulator, channel, "push", to=first)
    assert await usage(emulator, channel) == 3


async def test_over_the_monthly_quota_it_is_429_until_the_month_ends_in_japan(
    emulator: RunningEmulator,
) -> None:
    await at(emulator, "2027-01-31T14:00:00Z")
    channel = await emulator.channel(monthly_quota=2)
    first, second = [await friend(emulator, channel, phone) for phone in (PHONE, OTHER)]
    assert (await send(emulator, channel, "push", to=first)).status == 200
    refused = await send(emulator, channel, "multicast", to=[first, second])
    assert (refused.status, refused.json) == (429, REACHED)
    assert (await send(emulator, channel, "push", to=first)).status == 200
    refused = await send(emulator, channel, "push", to=first)
    assert (refused.status, refused.json) == (429, REACHED)
    assert len(await emulator.ledger()) == 2
    await emulator.clock(advance="59m")
    assert (await send(emulator, channel, "push", to=first)).status == 429
    await emulator.clock(advance="1m")
    assert await usage(emulator, channel) == 0
    assert (await send(emulator, channel, "multicast", to=[first, second])).status == 200


async def test_notifications_do_not_use_the_monthly_quota(emulator: RunningEmulator) -> None:
    channel = await emulator.channel(monthly_quota=0)
    await emulator.user(PHONE)
    assert (await emulator.send(channel, PHONE)).status == 202
    assert (await emulator.send_flexible(channel, PHONE)).status == 200
    assert await usage(emulator, channel) == 0


async def test_many_messages_to_one_user_in_a_minute_are_429_where_the_channel_sets_a_limit(
    emulator: RunningEmulator,
) -> None:
    channel = await emulator.channel(per_user_limit=2)
    first, second = [await friend(emulator, channel, phone) for phone in (PHONE, OTHER)]
    await emulator.clock(mode="paused")
    await send(emulator, channel, "push", to=first)
    await emulator.clock(advance="30s")
    await send(emulator, channel, "multicast", to=[first, second])
    for kind, to in (("push", first), ("multicast", [first, second])):
        refused = await send(emulator, channel, kind, to=to)
        assert (refused.status, refused.json) == (429, REACHED)
    assert (await send(emulator, channel, "push", to=second)).status == 200
    await emulator.clock(advance="30s")
    assert (await send(emulator, channel, "push", to=first)).status == 200


async def test_pushes_multicasts_and_replies_are_counted_by_day(
    emulator: RunningEmulator, sink: Sink
) -> None:
    await at(emulator, "2027-01-10T00:00:00Z")
    channel = await emulator.channel(webhook_url=sink.url)
    first, second = [await friend(emulator, channel, phone) for phone in (PHONE, OTHER)]
    token = (await sink.got(1))[0]["replyToken"]
    await send(emulator, channel, "push", to=first)
    await send(emulator, channel, "multicast", to=[first, second])
    await send(emulator, channel, "reply", replyToken=token)
    counts = {"push": 1, "multicast": 2, "reply": 1}
    for kind in counts:
        path = f"{MESSAGE}/delivery/{kind}?date="
        assert (await emulator.get(channel, path + "20270110")).json == {"status": "unready"}
        assert (await emulator.get(channel, path + "20180330")).json == {"status": "out_of_service"}
        wrong = await emulator.get(channel, path + "2027-01-10")
        assert wrong.json == {"message": "The value for the 'date' parameter is invalid"}
    await emulator.clock(advance="24h")
    for kind, count in counts.items():
        path = f"{MESSAGE}/delivery/{kind}?date="
        assert (await emulator.get(channel, path + "20270110")).json == {"status": "ready", "success": count}
        assert (await emulator.get(channel, path + "20270109")).json == {"status": "ready", "success": 0}


async def test_aggregation_units_of_the_month_are_counted_and_listed(emulator: RunningEmulator) -> None:
    await at(emulator, "2027-01-10T00:00:00Z")
    channel = await emulator.channel()
    user_id = await friend(emulator, channel, PHONE)
    info, listed = f"{MESSAGE}/aggregation/info", f"{MESSAGE}/aggregation/list"
    assert (await emulator.get(channel, info)).json == {"numOfCustomAggregationUnits": 0}
    assert (await emulator.get(channel, listed)).json == {"customAggregationUnits": []}
    for unit in ("spring_a", "spring_b", "spring_a", "SPRING_A"):
        await send(emulator, channel, "push", to=user_id, customAggregationUnits=[unit])
    assert (await emulator.get(channel, info)).json == {"numOfCustomAggregationUnits": 3}
    page = (await emulator.get(channel, listed + "?limit=2")).json
    assert page["customAggregationUnits"] == ["spring_a", "spring_b"]
    rest = (await emulator.get(channel, f"{listed}?limit=2&start={page['next']}")).json
    assert rest == {"customAggregationUnits": ["SPRING_A"]}
    for query in ("?limit=0", "?limit=1001", "?limit=x"):
        assert (await emulator.get(channel, listed + query)).status == 400
    wrong = await emulator.get(channel, listed + "?start=nonsense")
    assert (wrong.status, wrong.json) == (400, {"message": "Invalid start param"})
    await emulator.clock(advance="31d")
    assert (await emulator.get(channel, info)).json == {"numOfCustomAggregationUnits": 0}


async def test_a_month_takes_1000_names_of_units_and_ignores_further_ones(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    user_id = await friend(emulator, channel, PHONE)
    for number in range(1002):
        units = [f"unit_{number}"]
        answer = await send(emulator, channel, "push", to=user_id, customAggregationUnits=units)
        assert answer.status == 200
    info = await emulator.get(channel, f"{MESSAGE}/aggregation/info")
    assert info.json == {"numOfCustomAggregationUnits": 1000}
