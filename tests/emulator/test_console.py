"""The console without a browser: logs in pages and filtered, redelivery by hand, counts, the live socket, the pages."""

from __future__ import annotations

import asyncio
import html
import json
import re
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from emulator_support import CONTROL, RunningEmulator, Sink

PHONE, OTHER = "+886912345678", "+886987654321"
PAGES = [
    "/",
    "/wall",
    "/console/users",
    "/console/ledger",
    "/console/webhooks",
    "/console/requests",
    "/console/billing",
    "/console/faults",
]


async def text_of(emulator: RunningEmulator, path: str, expect: int = 200) -> str:
    reply = await emulator.request("GET", path)
    assert reply.status == expect, reply
    return reply.body.decode()


async def sent(emulator: RunningEmulator, count: int, **values: Any) -> dict[str, Any]:
    """A channel that has sent so many notifications with the tags `tag-0000000000000000` and so on."""
    channel = await emulator.channel(**values)
    await emulator.user(PHONE)
    for number in range(count):
        assert (await emulator.send(channel, PHONE, f"tag-{number:016d}")).status == 202
    return channel


async def test_the_request_log_has_what_was_asked_and_answered(emulator: RunningEmulator) -> None:
    channel = await sent(emulator, 1)
    row = (await emulator.control("GET", "/requests"))["rows"][0]
    assert (row["method"], row["status"], row["channel_id"]) == ("POST", 202, channel["channel_id"])
    assert row["delivery_tag"] == "tag-0000000000000000"
    assert json.loads(row["body"])["templateKey"] == "shipment_completed_ja"
    assert (row["answer"], row["answer_size"]) == ("{}", 2)
    assert row["body_size"] == len(row["body"])
    assert 0 < row["duration_ms"] < 10_000
    assert row["fault"] is None


async def test_of_long_bodies_the_log_keeps_the_beginning(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    await emulator.send(channel, PHONE, body={"padding": "x" * 100_000})
    row = (await emulator.control("GET", "/requests"))["rows"][0]
    assert (len(row["body"]), row["body_size"] > 100_000) == (4096, True)


async def test_the_request_log_shows_what_a_fault_made_of_a_request(emulator: RunningEmulator) -> None:
    channel = await sent(emulator, 0)
    for kind in ("status_before", "status_after", "disconnect_after"):
        await emulator.fault("api", kind, next=1)
    for _ in range(2):
        assert (await emulator.send(channel, PHONE)).status == 500
    with pytest.raises(aiohttp.ClientError):
        await emulator.send(channel, PHONE)
    rows = (await emulator.control("GET", "/requests"))["rows"]
    seen = [(row["status"], row["fault"]) for row in rows]
    assert seen == [(500, "status_before"), (500, "status_after"), (None, "disconnect_after")]


async def test_requests_come_newest_first_in_pages_and_filtered(emulator: RunningEmulator) -> None:
    channel = await sent(emulator, 5)
    other = await emulator.channel()
    await emulator.send(other, OTHER)
    page = await emulator.control("GET", "/requests?order=newest&limit=4")
    rest = await emulator.control("GET", f"/requests?order=newest&limit=4&cursor={page['next']}")
    tags = [row["delivery_tag"] for row in page["rows"] + rest["rows"]]
    assert tags == [None, *(f"tag-{number:016d}" for number in (4, 3, 2, 1, 0))]
    assert "next" not in rest

    async def found(query: str) -> list[Any]:
        return [row["status"] for row in (await emulator.control("GET", f"/requests?{query}"))["rows"]]

    assert await found("status=failed") == await found("status=422") == [422]
    assert len(await found("status=ok")) == len(await found(f"channel_id={channel['channel_id']}")) == 5
    assert await found("q=tag-0000000000000003") == [202]
    request_id = rest["rows"][0]["request_id"]
    assert await found(f"q={request_id}") == [202]
    assert await found("q=nothing") == []


@pytest.mark.parametrize("log", ["requests", "webhooks"])
@pytest.mark.parametrize("query", ["status=odd", "order=up", "cursor=x", f"q={'x' * 201}", "limit=0"])
async def test_a_filter_that_makes_no_sense_is_400(emulator: RunningEmulator, log: str, query: str) -> None:
    assert (await emulator.control("GET", f"/{log}?{query}", expect=400))["message"]


async def test_webhooks_come_newest_first_in_pages_and_filtered(
    emulator: RunningEmulator, sink: Sink
) -> None:
    await sent(emulator, 3, webhook_url=sink.url)
    await sink.got(3)
    sink.status = 500
    channel = emulator.channels[next(iter(emulator.channels))]
    await emulator.send(channel, PHONE, "tag-of-the-failed-one")
    await sink.got(4)
    await emulator.clock(advance="1s")
    page = await emulator.control("GET", "/webhooks?order=newest&limit=2")
    assert page["rows"][0]["id"] > page["rows"][1]["id"]
    rest = await emulator.control("GET", f"/webhooks?order=newest&cursor={page['next']}")
    assert rest["rows"][0]["id"] < page["rows"][1]["id"]
    for query in ("status=failed", "status=500", "status=error_status_code", "q=tag-of-the-failed-one"):
        rows = (await emulator.control("GET", f"/webhooks?{query}"))["rows"]
        assert ["tag-of-the-failed-one" in row["body"] for row in rows] == [True], query
    row = rows[0]
    assert (row["attempt"], row["first"], row["by_hand"], row["redelivery"]) == (1, row["id"], False, False)
    assert 0 < row["duration_ms"] < 10_000


async def test_a_redelivery_names_its_attempt_and_the_first_one(
    emulator: RunningEmulator, sink: Sink
) -> None:
    sink.status = 500
    await emulator.clock(mode="paused")
    await sent(emulator, 1, webhook_url=sink.url, redelivery=True)
    await emulator.clock(advance="10m")
    rows = (await emulator.control("GET", "/webhooks"))["rows"]
    assert [row["attempt"] for row in rows] == [1, 2, 3]
    assert {row["first"] for row in rows} == {rows[0]["id"]}


async def test_a_webhook_can_be_delivered_again_by_hand(emulator: RunningEmulator, sink: Sink) -> None:
    await sent(emulator, 1, webhook_url=sink.url)
    await sink.got(1)
    await emulator.clock(advance="1s")
    number = (await emulator.control("GET", "/webhooks"))["rows"][0]["id"]
    again = await emulator.control("POST", f"/webhooks/{number}/redeliver")
    assert (again["redelivery"], again["by_hand"], again["status"]) == (True, True, 200)
    assert (again["attempt"], again["first"]) == (2, number)
    first, second = await sink.got(2)
    assert second["deliveryContext"] == {"isRedelivery": True}
    assert second["webhookEventId"] == first["webhookEventId"]
    assert second["timestamp"] == first["timestamp"]
    third = await emulator.control("POST", f"/webhooks/{again['id']}/redeliver")
    assert (third["attempt"], third["first"]) == (3, number)


async def test_what_reached_nobody_counts_as_posted_once_a_hand_delivers_it(
    emulator: RunningEmulator, sink: Sink
) -> None:
    await emulator.fault("webhook", "disconnect_before", next=1)
    await sent(emulator, 1, webhook_url=sink.url)
    await emulator.clock(advance="1s")
    assert (await emulator.ledger())[0]["event_at"] is None
    number = (await emulator.control("GET", "/webhooks"))["rows"][0]["id"]
    await emulator.control("POST", f"/webhooks/{number}/redeliver")
    assert (await emulator.ledger())[0]["event_at"] is not None


async def test_no_webhook_of_that_number_or_no_url_is_refused(emulator: RunningEmulator, sink: Sink) -> None:
    await emulator.control("POST", "/webhooks/1/redeliver", expect=404)
    channel = await sent(emulator, 1, webhook_url=sink.url)
    await sink.got(1)
    await emulator.clock(advance="1s")
    await emulator.control("PATCH", f"/channels/{channel['channel_id']}", {"webhook_url": None})
    refused = await emulator.control("POST", "/webhooks/1/redeliver", expect=409)
    assert "webhook URL" in refused["message"]
    for number in ("0", "99999999999999999999"):
        await emulator.control("POST", f"/webhooks/{number}/redeliver", expect=404)


async def test_counts_are_of_what_users_saw_by_day_in_utc_9_and_kind(emulator: RunningEmulator) -> None:
    await emulator.clock(mode="paused")
    await emulator.control("POST", "/reset")
    await emulator.clock(set="2030-01-31T14:59:00Z")  # 23:59 in UTC+9
    channel = await sent(emulator, 2)
    await emulator.user(OTHER, reception="not_set", created_at="2020-01-01T00:00:00Z")
    await emulator.send(channel, OTHER)
    await emulator.clock(advance="1m")  # midnight there, and another month
    await emulator.send_flexible(channel, PHONE)
    january = await emulator.control("GET", "/billing?month=2030-01")
    assert january["total"] == {"template": 2, "flexible": 0, "push": 0, "notifications": 2, "all": 2}
    assert january["channels"][0]["days"][0]["date"] == "2030-01-31"
    present = await emulator.control("GET", "/billing")
    assert (present["month"], present["months"]) == ("2030-02", ["2030-01", "2030-02"])
    assert (present["total"]["flexible"], present["total"]["template"]) == (1, 0)
    await emulator.act(OTHER, "agree")
    present = await emulator.control("GET", f"/billing?channel_id={channel['channel_id']}")
    day = present["channels"][0]["days"][0]
    assert (day["date"], day["template"], day["flexible"], day["all"]) == ("2030-02-01", 1, 1, 2)
    assert (await emulator.control("GET", "/billing?channel_id=0000000000"))["channels"] == []
    await emulator.control("GET", "/billing?month=2030-13", expect=400)


async def test_the_ledger_comes_newest_first_and_filtered(emulator: RunningEmulator) -> None:
    channel = await sent(emulator, 3)
    await emulator.send(channel, OTHER, "tag-nobody-has-this-number")

    async def tags(query: str) -> list[str]:
        return [row["delivery_tag"] for row in (await emulator.control("GET", f"/ledger?{query}"))["rows"]]

    assert await tags("order=newest&fate=rejected") == ["tag-nobody-has-this-number"]
    assert await tags("order=newest&limit=1&cursor=3") == ["tag-0000000000000002"]
    assert await tags("order=newest&q=tag-0000000000000001") == ["tag-0000000000000001"]
    await emulator.control("GET", "/ledger?order=newest&fate=odd", expect=400)


async def test_the_live_socket_tells_of_changes_but_not_more_often_than_its_spacing(
    emulator: RunningEmulator,
) -> None:
    url = emulator.url.replace("http", "ws", 1) + f"{CONTROL}/live"
    channel = await sent(emulator, 0, rate_limit=10_000)
    async with emulator.session.ws_connect(url) as socket:
        first = await socket.receive_json(timeout=5)
        assert (first["channels"], first["notices"], first["mode"]) == (1, 0, "real")
        began = asyncio.get_running_loop().time()
        for _ in range(300):
            await emulator.send(channel, PHONE)
        told = 0
        while (await socket.receive_json(timeout=5))["notices"] < 300:
            told += 1
        took = asyncio.get_running_loop().time() - began
        assert told <= took / 0.25 + 1
        await emulator.fault("api", "latency", ms=1)
        while (await socket.receive_json(timeout=5))["faults"] != 1:
            pass
    async with asyncio.timeout(10):
        while emulator.state._watchers:  # noqa: ASYNC110 - no event tells that a socket's end was noticed
            await asyncio.sleep(0)


async def test_the_live_socket_is_closed_to_pages_from_elsewhere(emulator: RunningEmulator) -> None:
    url = emulator.url.replace("http", "ws", 1) + f"{CONTROL}/live"
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await emulator.session.ws_connect(url, headers={"Origin": "https://evil.example"})


async def test_every_page_says_what_it_is_when_nothing_is_there(emulator: RunningEmulator) -> None:
    for path in PAGES:
        page = await text_of(emulator, path)
        assert "LINE emulator" in page
        assert 'aria-current="page"' in page, path
    assert "Make an example" in await text_of(emulator, "/")


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 1234567 }}", "门'\u202e"]
)
async def test_pages_escape_what_they_show(emulator: RunningEmulator, sink: Sink, name: str) -> None:
    channel = await emulator.channel(name=name, provider=name, webhook_url=f"{sink.url}?<b>")
    await emulator.user(PHONE, name=name)
    await emulator.send(channel, PHONE, "<i>tag</i>".ljust(16, "-"))
    await sink.got(1)
    await emulator.request("POST", f"/v2/<script>/{quote(name)}", {"a": name})
    await emulator.fault("api", "latency", ms=0, path=name)
    for path in [*PAGES, f"/console/channels/{channel['channel_id']}", f"/console/ledger?q={quote(name)}"]:
        page = await text_of(emulator, path)
        assert "<script>" not in page, path
        assert "<img" not in page, path
        assert "<i>" not in page, path
        assert "8641969" not in page, path


async def test_pages_say_what_is_wrong_with_their_address(emulator: RunningEmulator) -> None:
    for path in (
        "/console/users?q=abc",
        "/console/users?cursor=-1",
        "/console/users?reception=maybe",
        "/console/ledger?fate=odd",
        "/console/webhooks?status=odd",
        "/console/requests?cursor=x",
        "/console/billing?month=soon",
        "/wall?phones=abc",
        "/wall?phones=" + ",".join(f"%2B88691234{number:04d}" for number in range(49)),
    ):
        page = await text_of(emulator, path, 400)
        assert "This page shows nothing" in page, path
        assert "Not found" not in page, path
    assert "<h1>No phone number</h1>" in await text_of(emulator, "/wall?phones=xyz", 400)
    assert "Make an example" in await text_of(emulator, "/console")
    assert "There is no channel" in await text_of(emulator, "/console/channels/0000000000", 404)


async def test_users_are_found_by_number_and_kind_also_in_a_population(emulator: RunningEmulator) -> None:
    rates = {"registered": 1, "agree": 0.5, "not_set": 0.3, "verified": 0.5}
    population = {"count": 3000, "seed": 3, "prefix": "+88691", "digits": 7, "rates": rates}
    await emulator.control("POST", "/population", population)
    page = await text_of(emulator, "/console/users?q=+886910000")
    assert page.count("+88691000") > 50
    page = await text_of(emulator, "/console/users?reception=reject")
    assert page.count('reception reject"') == 50
    assert 'reception agree"' not in page
    page = await text_of(emulator, "/console/users?q=%2B886910002999")
    assert page.count('href="/phones/%2B886910002999"') == 1
    assert "No user fits" in await text_of(emulator, "/console/users?q=%2B81")


async def test_the_wall_shows_the_phones_named_or_those_of_the_newest_users(
    emulator: RunningEmulator,
) -> None:
    for number in range(14):
        await emulator.user(f"+8869123400{number:02d}")
    page = await text_of(emulator, "/wall")
    assert page.count("<iframe") == 12
    assert "/phones/%2B886912340013?frame=1" in page
    page = await text_of(emulator, "/wall?phones=+886912340001,%2B886912340002,+886912340001")
    assert page.count("<iframe") == 2
    assert "<iframe" not in await text_of(emulator, "/wall?phones=")


async def test_the_start_page_has_a_request_that_works_as_it_stands(emulator: RunningEmulator) -> None:
    channel = await emulator.channel(region="TW")
    table = "kind,key,template,label\ntemplate,pickup_tw,,包裹\nitem,store_tw,pickup_tw,門市\n"
    path = f"{CONTROL}/channels/{channel['channel_id']}/grants"
    await emulator.request("POST", path, table.encode(), {"Content-Type": "text/csv"})
    await emulator.user(PHONE)
    page = await text_of(emulator, "/")
    body = page.split('data-body="{&#34;to')[1].split('"')[0].replace("&#34;", '"')
    request = json.loads('{"to' + body)
    assert request["templateKey"] == "pickup_tw"
    assert request["body"]["items"][0]["itemKey"] == "store_tw"
    assert (await emulator.send(channel, PHONE, body=request)).status == 202


def first_body(page: str) -> dict[str, Any]:
    """The request behind the first button of the start page."""
    body: dict[str, Any] = json.loads(html.unescape(page.split('data-body="')[1].split('"')[0]))
    return body


async def example_channel(emulator: RunningEmulator) -> dict[str, Any]:
    """A channel with the table of the example."""
    channel = await emulator.channel(region="TW")
    table = await text_of(emulator, "/static/console/example-grants.csv")
    path = f"{CONTROL}/channels/{channel['channel_id']}/grants"
    await emulator.request("POST", path, table.encode(), {"Content-Type": "text/csv"})
    return channel


async def test_every_item_of_the_first_notification_has_the_content_that_belongs_to_its_key(
    emulator: RunningEmulator,
) -> None:
    channel = await example_channel(emulator)
    await emulator.user(PHONE)
    shown: dict[str, dict[str, str]] = {}
    for template in ("example_parcel_arrived", "example_payment_due"):
        page = await text_of(emulator, f"/?template={template}")
        request = first_body(page)
        shown[template] = {item["itemKey"]: item["content"] for item in request["body"]["items"]}
        reply = await emulator.send(channel, PHONE, body=request)
        assert reply.status == 202
        command = html.unescape(page.split('<pre id="curl">')[1].split("</pre>")[0])
        assert json.dumps(request, ensure_ascii=False) in command
    assert shown["example_parcel_arrived"] == {
        "example_store": "青松超商 忠孝復興門市",
        "example_pickup_code": "A-1024",
        "example_pick_up_until": "8月16日(日)",
    }
    assert shown["example_payment_due"]["example_amount"] == "NT$1,200"
    assert shown["example_payment_due"]["example_due_date"] == "8月31日(一)"


async def test_an_item_of_an_unknown_key_gets_a_neutral_content(emulator: RunningEmulator) -> None:
    channel = await emulator.channel(region="TW")
    table = "kind,key,template,label\ntemplate,pickup_tw,,包裹\nitem,store_tw,pickup_tw,門市\n"
    path = f"{CONTROL}/channels/{channel['channel_id']}/grants"
    await emulator.request("POST", path, table.encode(), {"Content-Type": "text/csv"})
    await emulator.user(PHONE)
    request = first_body(await text_of(emulator, "/"))
    assert request["body"]["items"] == [{"itemKey": "store_tw", "content": "1234567"}]


async def test_the_start_page_sends_from_the_examples_channel_and_else_from_the_first(
    emulator: RunningEmulator,
) -> None:
    first = await emulator.channel(name="First")
    await emulator.user(PHONE)
    second = await emulator.channel(name="Second")

    async def token(query: str = "") -> str:
        page = await text_of(emulator, f"/{query}")
        return page.split('data-token="')[1].split('"')[0]

    assert await token() == first["access_token"]
    assert await token(f"?from={second['channel_id']}") == second["access_token"]
    assert await token("?from=0000000000&template=nix") == first["access_token"]
    example = await example_channel(emulator)
    await emulator.channel(name="Newest")
    assert await token() == example["access_token"]


@pytest.mark.parametrize(
    "path", ["/console/nix", "/console/", "/wall/nix", "/phones", "/phones/a/b/%3Cscript%3E"]
)
async def test_a_page_that_is_not_there_is_said_by_a_page(emulator: RunningEmulator, path: str) -> None:
    page = await text_of(emulator, path, 404)
    assert "<h1>Not found</h1>" in page
    assert "There is no page" in page
    assert "<script>" not in page


async def test_the_menu_names_the_pages_by_their_titles(emulator: RunningEmulator) -> None:
    menu = re.findall(
        r'<a href="([^"]+)"[^>]*>([^<]+)</a>', (await text_of(emulator, "/")).split("</nav>")[0]
    )
    entries = [(path, name) for path, name in menu if path != "/"]
    assert len(entries) == 8
    for path, name in entries:
        assert f"<h1>{name}</h1>" in await text_of(emulator, path)
    channel = await emulator.channel()
    page = await text_of(emulator, f"/console/channels/{channel['channel_id']}")
    assert "aria-current" not in page


async def test_the_clock_in_the_head_says_its_zone_at_any_speed(emulator: RunningEmulator) -> None:
    def shown(page: str) -> str:
        return " ".join(page.split('id="bar-clock"')[1].split("</b>")[1].split("</span>")[0].split())

    assert shown(await text_of(emulator, "/")) == "UTC"
    await emulator.clock(speed=60)
    assert shown(await text_of(emulator, "/")) == "UTC × 60"
    await emulator.clock(mode="paused")
    assert shown(await text_of(emulator, "/")) == "UTC, paused"


async def test_every_scenario_that_comes_along_can_be_played_and_says_what_it_does(
    emulator: RunningEmulator,
) -> None:
    await emulator.clock(mode="paused")
    page = await text_of(emulator, "/console/faults")
    texts = page.split('data-call="POST /scenarios" data-body="')[1:]
    assert len(texts) == 5
    for text in texts:
        body = html.unescape(text.split('"')[0]).encode()
        assert (await emulator.request("POST", f"{CONTROL}/scenarios", body)).status == 200
    page = html.unescape(await text_of(emulator, "/console/faults"))
    for said in (
        "act: agree, 33 % of not set",
        "fault: api status after 500, 50 %, for 1m",
        "fault: webhook delay 600,000 ms, 33 %, for 30m",
        "channel: rate_limit 1000, for 10m",
        "clock: speed 60",
        "0 of 100 requests",
    ):
        assert said in page


async def test_a_step_beyond_the_end_of_time_or_with_strange_values_is_shown_all_the_same(
    emulator: RunningEmulator,
) -> None:
    steps = [
        {"at": "3000000d", "user": {"who": {"share": 1, "prefix": "+88691"}, "name": "<b>" * 30}},
        {"at": "1h", "clear_faults": True},
        {"after": 3, "fault": {"target": "api", "kind": "status_after", "path": "/x" * 200}},
        {"at": "1h", "channel": {"templates": ["example_a"] * 50, "webhook_url": None}},
    ]
    await emulator.control("POST", "/scenarios", {"name": "Strange", "steps": steps})
    page = html.unescape(await text_of(emulator, "/console/faults"))
    for said in ("100 % of all with numbers +88691…", "clear faults", "status after 500", "webhook_url null"):
        assert said in page


async def test_a_fault_without_a_status_is_shown_with_the_one_that_it_answers(
    emulator: RunningEmulator,
) -> None:
    await emulator.fault("api", "status_after")
    assert "status after 500" in await text_of(emulator, "/console/faults")
