"""Statistics: messages by kind, friends and blocks by day, aggregation units."""

from __future__ import annotations

from typing import Any

from emulator_support import Reply, RunningEmulator, Sink

PHONES = [f"+81901234567{number}" for number in range(4)]
HELLO = {"type": "text", "text": "Hello"}
MESSAGE, INSIGHT = "/v2/bot/message", "/v2/bot/insight"


async def at(emulator: RunningEmulator, moment: str) -> None:
    await emulator.control("POST", "/reset")
    await emulator.clock(mode="paused", set=moment)


async def send(emulator: RunningEmulator, channel: dict[str, Any], kind: str, **body: Any) -> Reply:
    headers = {"Authorization": f"Bearer {channel['access_token']}"}
    return await emulator.request("POST", f"{MESSAGE}/{kind}", {"messages": [HELLO], **body}, headers)


async def friends(emulator: RunningEmulator, channel: dict[str, Any], count: int) -> list[str]:
    found = []
    for phone in PHONES[:count]:
        found.append((await emulator.user(phone))["user_id"])
        await emulator.act(phone, "add_friend", channel_id=channel["channel_id"])
    return found


async def followers(emulator: RunningEmulator, channel: dict[str, Any], date: str) -> tuple[Any, Any, Any]:
    found = (await emulator.get(channel, f"{INSIGHT}/followers?date={date}")).json
    assert found["status"] == "ready"
    return found["followers"], found["targetedReaches"], found["blocks"]


async def test_messages_are_counted_by_kind_and_day(emulator: RunningEmulator, sink: Sink) -> None:
    await at(emulator, "2027-01-10T00:00:00Z")
    channel = await emulator.channel(webhook_url=sink.url)
    first, second = await friends(emulator, channel, 2)
    token = (await sink.got(1))[0]["replyToken"]
    await send(emulator, channel, "push", to=first)
    await send(emulator, channel, "multicast", to=[first, second])
    await send(emulator, channel, "reply", replyToken=token)
    await emulator.send(channel, PHONES[0])
    await emulator.send_flexible(channel, PHONES[1])
    path = f"{INSIGHT}/message/delivery?date="
    assert (await emulator.get(channel, path + "20270110")).json == {"status": "unready"}
    assert (await emulator.get(channel, path + "20170228")).json == {"status": "out_of_service"}
    assert (await emulator.get(channel, path + "20170301")).json["status"] == "ready"
    await emulator.clock(advance="15h")
    assert (await emulator.get(channel, path + "20270110")).json == {
        "status": "ready",
        "apiPush": 1,
        "apiMulticast": 2,
        "apiReply": 1,
        "pnpNoticeMessage": 2,
    }


async def test_an_invalid_date_is_400_bad_request(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    for path in ("message/delivery", "followers"):
        for date in ("2027-01-1", "20270231", "x"):
            wrong = await emulator.get(channel, f"{INSIGHT}/{path}?date={date}")
            assert (wrong.status, wrong.json) == (400, {"message": "Bad Request"})
    assert (await emulator.get(channel, f"{INSIGHT}/message/delivery")).json == {"message": "Bad Request"}
    missing = await emulator.get(channel, f"{INSIGHT}/followers")
    assert (missing.status, missing.json) == (400, {"message": "date is required"})


async def test_statistics_are_limited_to_60_an_hour(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    paths = ("message/delivery?date=20200101", "followers?date=20200101", "message/event/aggregation")
    for path in paths:
        statuses = [(await emulator.get(channel, f"{INSIGHT}/{path}")).status for _ in range(61)]
        assert statuses[59] != 429
        assert statuses[60] == 429


async def test_followers_never_decrease_while_reach_and_blocks_follow_the_users(
    emulator: RunningEmulator,
) -> None:
    await at(emulator, "2027-01-10T00:00:00Z")
    channel, other = await emulator.channel(), await emulator.channel(name="Bank")
    channel_id = channel["channel_id"]
    await friends(emulator, channel, 3)
    await emulator.act(PHONES[0], "add_friend", channel_id=channel_id)
    await emulator.clock(advance="24h")
    await emulator.act(PHONES[0], "block", channel_id=channel_id)
    await emulator.act(PHONES[0], "block", channel_id=channel_id)
    # A stranger who blocks was never a follower; unblocking makes them one.
    await emulator.user(PHONES[3])
    await emulator.act(PHONES[3], "block", channel_id=channel_id)
    await emulator.clock(advance="24h")
    await emulator.act(PHONES[0], "unblock", channel_id=channel_id)
    await emulator.act(PHONES[3], "unblock", channel_id=channel_id)
    await emulator.clock(advance="48h")
    assert await followers(emulator, channel, "20270109") == (0, 0, 0)
    assert await followers(emulator, channel, "20270110") == (3, 3, 0)
    assert await followers(emulator, channel, "20270111") == (3, 2, 2)
    assert await followers(emulator, channel, "20270112") == (4, 4, 0)
    assert await followers(emulator, channel, "20270113") == (4, 4, 0)
    assert await followers(emulator, other, "20270113") == (0, 0, 0)


async def test_a_deleted_account_stays_a_follower_and_is_out_of_reach(emulator: RunningEmulator) -> None:
    await at(emulator, "2027-01-10T00:00:00Z")
    channel = await emulator.channel()
    channel_id = channel["channel_id"]
    await friends(emulator, channel, 3)
    await emulator.act(PHONES[1], "block", channel_id=channel_id)
    await emulator.clock(advance="24h")
    await emulator.act(PHONES[0], "delete_account")
    await emulator.act(PHONES[1], "delete_account")
    # A change of number changes no friendship.
    await emulator.act(PHONES[2], "change_number", phone=PHONES[3], channel_id=channel_id)
    await emulator.clock(advance="24h")
    assert await followers(emulator, channel, "20270110") == (3, 2, 1)
    assert await followers(emulator, channel, "20270111") == (3, 1, 0)


async def test_followers_of_today_are_not_ready_and_before_november_2016_there_are_none(
    emulator: RunningEmulator,
) -> None:
    await at(emulator, "2027-01-10T15:00:00Z")
    channel = await emulator.channel()
    today = await emulator.get(channel, f"{INSIGHT}/followers?date=20270111")
    assert today.json == {"status": "unready"}
    early = await emulator.get(channel, f"{INSIGHT}/followers?date=20161031")
    assert early.json == {"status": "out_of_service"}
    assert await followers(emulator, channel, "20270110") == (0, 0, 0)


async def test_a_population_counts_from_the_day_it_is_made(emulator: RunningEmulator) -> None:
    await at(emulator, "2027-01-10T00:00:00Z")
    channel, other = await emulator.channel(), await emulator.channel(name="Bank")
    population = {
        "count": 5000,
        "seed": 3,
        "prefix": "+8190",
        "digits": 8,
        "channel_id": channel["channel_id"],
        "rates": {"registered": 0.8, "friend": 0.5, "blocked": 0.1},
    }
    await emulator.control("POST", "/population", population)
    friends = [number for number in range(20) if await is_friend(emulator, channel, number)]
    await emulator.act(f"+8190{friends[0]:08d}", "block", channel_id=channel["channel_id"])
    await emulator.clock(advance="24h")
    known, start = 0, ""
    while start is not None:
        page = (await emulator.get(channel, f"/v2/bot/followers/ids?limit=1000{start}")).json
        known += len(page["userIds"])
        start = f"&start={page['next']}" if "next" in page else None
    ever, reach, blocks = await followers(emulator, channel, "20270110")
    assert reach == known
    assert 250 < blocks < 550
    assert ever == reach + blocks
    assert await followers(emulator, channel, "20270109") == (0, 0, 0)
    assert await followers(emulator, other, "20270110") == (0, 0, 0)


async def is_friend(emulator: RunningEmulator, channel: dict[str, Any], number: int) -> bool:
    reply = await emulator.request("GET", f"/_emulator/v1/users/%2B8190{number:08d}")
    return bool(reply.status == 200 and reply.json["channels"][channel["channel_id"]]["friend"])


async def test_statistics_of_a_unit_sum_up_what_users_saw(emulator: RunningEmulator) -> None:
    await at(emulator, "2027-01-10T00:00:00Z")
    channel = await emulator.channel()
    first, second = await friends(emulator, channel, 2)
    unit = {"customAggregationUnits": ["spring"]}
    await send(emulator, channel, "push", to=first, messages=[HELLO, HELLO], **unit)
    await send(emulator, channel, "push", to=first, **unit)
    await emulator.clock(advance="24h")
    await send(emulator, channel, "multicast", to=[first, second, f"U{'0' * 32}"], **unit)
    await send(emulator, channel, "push", to=second)
    path = f"{INSIGHT}/message/event/aggregation?customAggregationUnit=spring&from=20270110&to="
    day = (await emulator.get(channel, path + "20270110")).json
    assert day["overview"]["uniqueImpression"] == 1
    assert [bubble["impression"] for bubble in day["messages"]] == [2, 1]
    both = (await emulator.get(channel, path + "20270209")).json
    assert both["overview"]["uniqueImpression"] == 2
    assert [(bubble["seq"], bubble["impression"]) for bubble in both["messages"]] == [(1, 4), (2, 1)]
    assert both["overview"]["uniqueClick"] is both["messages"][0]["mediaPlayed"] is None
    assert both["clicks"] == []
    unknown = (await emulator.get(channel, path.replace("spring", "SPRING") + "20270110")).json
    assert (unknown["overview"]["uniqueImpression"], unknown["messages"]) == (0, [])


async def test_units_of_notifications_count_with_those_of_pushes(emulator: RunningEmulator) -> None:
    await at(emulator, "2027-01-10T00:00:00Z")
    channel = await emulator.channel()
    await emulator.user("+818000001234")
    await emulator.user("+818000001235", verified=False, created_at="2020-01-01T00:00:00Z")
    unit = {"customAggregationUnits": ["shipping"]}
    for phone in ("+818000001234", "+818000001235", "+818000009999"):
        await emulator.send(channel, phone, body=unit)
    await emulator.send_flexible(channel, "+818000001234", body={**unit, "messages": [HELLO, HELLO]})
    assert (await emulator.get(channel, "/v2/bot/message/aggregation/list")).json == {
        "customAggregationUnits": ["shipping"]
    }
    path = f"{INSIGHT}/message/event/aggregation?customAggregationUnit=shipping&from=20270110&to=20270110"
    await emulator.clock(advance="24h")
    seen = (await emulator.get(channel, path)).json
    assert seen["overview"]["uniqueImpression"] == 1
    assert [bubble["impression"] for bubble in seen["messages"]] == [2, 1]


async def test_statistics_of_a_unit_take_a_period_of_30_days_at_most(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    path = f"{INSIGHT}/message/event/aggregation"
    fine = "customAggregationUnit=spring&from=20270101&to=20270131"
    assert (await emulator.get(channel, f"{path}?{fine}")).status == 200
    for query in (
        fine.replace("20270131", "20270201"),
        fine.replace("20270131", "20261231"),
        fine.replace("spring", "spr%20ing"),
        fine.replace("20270101", "x"),
        "from=20270101&to=20270131",
        "",
    ):
        wrong = await emulator.get(channel, f"{path}?{query}")
        assert (wrong.status, wrong.json) == (400, {"message": "Bad Request"})


async def test_statistics_of_a_unit_are_withheld_under_the_privacy_floor(emulator: RunningEmulator) -> None:
    await at(emulator, "2027-01-10T00:00:00Z")
    channel = await emulator.channel(privacy_floor=2)
    first, second = await friends(emulator, channel, 2)
    path = f"{INSIGHT}/message/event/aggregation?customAggregationUnit=spring&from=20270110&to=20270110"
    await send(emulator, channel, "push", to=first, customAggregationUnits=["spring"])
    few = (await emulator.get(channel, path)).json
    assert few["overview"]["uniqueImpression"] is few["messages"][0]["impression"] is None
    await send(emulator, channel, "push", to=second, customAggregationUnits=["spring"])
    assert (await emulator.get(channel, path)).json["overview"]["uniqueImpression"] == 2
