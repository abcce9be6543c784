"""Input that was made to break the emulator: it is refused in words, costs little, and disturbs nobody else."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import aiohttp
import pytest

from emulator_support import CONTROL, TEMPLATE_PATH, RunningEmulator
from line_emulator.control import grant_table
from line_emulator.control.acts import LONGEST_MESSAGE
from line_emulator.control.channels import LONGEST_KEY, LONGEST_SECRET, MOST_KEYS
from line_emulator.faults import MOST_ORDERS
from line_emulator.pages import phone
from line_emulator.pages.rendering import pretty
from line_emulator.scenarios.script import LARGEST
from line_emulator.world import World, account_link, handle
from line_emulator.world.channels import Channel
from line_emulator.world.commands import Act, AddChannel, IssueLinkToken, PutUser
from line_emulator.world.numbers import user_id

PHONE = "+819012345678"
USER = "/users/%2B819012345678"
FOREIGN = {"Origin": "https://elsewhere.example"}


@pytest.fixture
def errors(emulator: RunningEmulator, caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What was logged as an error, also by the server, whose log goes its own way once it has started."""
    caplog.set_level("ERROR")
    server = logging.getLogger("uvicorn.error")
    server.addHandler(caplog.handler)
    yield caplog
    server.removeHandler(caplog.handler)


@pytest.mark.parametrize(
    "text",
    [
        "steps: [!!timestamp x]",
        "steps: [!!int '']",
        "steps: [!!float '']",
        "steps: [!!bool x]",
        'name: "\\ud800"\nsteps: [{at: 0s, clear_faults: true}]',
        '{"name": "n", "steps": [{"at": "0s", "clear_faults": true, "note": "\\udc00x"}]}',
    ],
)
async def test_a_scenario_that_trips_the_yaml_reader_is_refused(emulator: RunningEmulator, text: str) -> None:
    reply = await emulator.request("POST", CONTROL + "/scenarios", text.encode())
    assert reply.status == 400, reply
    assert (await emulator.control("GET", "/scenarios")) == {"scenarios": []}


async def test_a_scenario_writes_no_lines_of_its_own_into_the_log(
    emulator: RunningEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING")
    name = "x\nERROR: all is lost\x1b[2J" + "y" * 10_000
    step = {"at": "0s", "channel": {"channel_id": "1\r\n2", "name": "z"}}
    await emulator.control("POST", "/scenarios", {"name": name, "steps": [step]})
    await emulator.clock(mode="paused")
    await emulator.clock(advance="1s")
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 1
    assert "x ERROR: all is lost [2J" in said[0]
    assert said[0].isprintable()
    assert len(said[0]) < 1000


async def test_others_are_served_while_the_largest_scenario_is_read(emulator: RunningEmulator) -> None:
    text = b"steps: [" + b"[]," * ((LARGEST - 20) // 3) + b"]"
    reading = asyncio.create_task(emulator.request("POST", CONTROL + "/scenarios", text))
    served = 0
    while not reading.done():
        assert (await emulator.request("GET", CONTROL + "/clock")).status == 200
        served += 1
    assert (await reading).status == 400
    assert served > 3


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/faults/{}"),
        ("GET", "/scenarios/{}"),
        ("DELETE", "/scenarios/{}"),
        ("POST", "/webhooks/{}/redeliver"),
    ],
)
@pytest.mark.parametrize("number", ["9" * 5000, "-1", "x", "%D9%A1"])
async def test_what_is_no_number_in_a_path_is_not_found(
    emulator: RunningEmulator, method: str, path: str, number: str
) -> None:
    await emulator.control(method, path.format(number), expect=404)


async def test_faults_on_order_are_limited_in_number(emulator: RunningEmulator) -> None:
    order = {"target": "api", "kind": "latency", "ms": 0, "path": "/nowhere"}
    await emulator.control("POST", "/faults", [order] * (MOST_ORDERS - 1))
    await emulator.control("POST", "/faults", [order] * 2, expect=400)
    await emulator.control("POST", "/faults", order)
    refused = await emulator.control("POST", "/faults", order, expect=400)
    assert "DELETE /faults" in refused["message"]
    assert (await emulator.control("DELETE", "/faults")) == {"removed": MOST_ORDERS}


@pytest.mark.parametrize("name", ["from", "reference", "receipt_url", "receipt_token"])
async def test_a_field_of_a_text_message_is_limited_in_length(emulator: RunningEmulator, name: str) -> None:
    order = {"to": PHONE, "text": "x", name: "http://127.0.0.1:9/" + "x" * 2000}
    refused = await emulator.control("POST", "/carrier/messages", order, expect=400)
    assert name in refused["message"]
    assert (await emulator.control("GET", "/sms"))["count"] == 0


@pytest.mark.parametrize(
    ("action", "name"),
    [
        ("send_message", "text"),
        ("postback", "target"),
        ("postback", "display_text"),
        ("switch_menu", "alias"),
    ],
)
async def test_what_a_user_writes_is_limited_in_length(
    emulator: RunningEmulator, action: str, name: str
) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    values = {
        "channel_id": channel["channel_id"],
        "target": "d",
        "text": "t",
        name: "x" * (LONGEST_MESSAGE + 1),
    }
    refused = await emulator.act(PHONE, action, expect=400, **values)
    assert name in refused["message"]
    step = {"at": "0s", "act": {"who": {"phone": PHONE}, "action": action, **values}}
    refused = await emulator.control("POST", "/scenarios", {"name": "n", "steps": [step]}, expect=400)
    assert name in refused["message"]


@pytest.mark.parametrize(
    "values",
    [
        {"item_keys": ["k"] * (MOST_KEYS + 1)},
        {"templates": ["k" * (LONGEST_KEY + 1)]},
        {"channel_secret": "s" * (LONGEST_SECRET + 1)},
    ],
)
async def test_a_channel_takes_no_endless_lists_and_texts(
    emulator: RunningEmulator, values: dict[str, object]
) -> None:
    channel = await emulator.channel()
    path = f"/channels/{channel['channel_id']}"
    await emulator.control("PATCH", path, values, expect=400)
    assert (await emulator.control("GET", path))["channel_secret"] == channel["channel_secret"]


def test_json_of_nothing_but_brackets_is_not_spread_over_a_page() -> None:
    nested = "[" * 900 + "]" * 900
    assert pretty(nested) == nested
    assert pretty('{"a": [1]}') == '{\n  "a": [\n    1\n  ]\n}'


def test_links_that_never_expire_are_limited_in_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_link, "MOST_LINKS", 3)
    world = World()
    shop = Channel(
        channel_id="1000000001",
        name="S",
        region="JP",
        secret="s",
        bot_user_id="U1",
        basic_id="@s",
        access_token="t",
    )
    handle(world, AddChannel(shop), 0)
    handle(world, PutUser(PHONE, "agree", 0, 0), 0)
    handle(world, Act(PHONE, "add_friend", "123456", shop.channel_id), 0)
    account = world.people.find_phone(PHONE)
    assert account is not None
    friend = user_id(account.number, shop.provider)
    for number in range(10):
        assert handle(world, IssueLinkToken(shop, friend, f"token{number}"), 0).problem is None
    assert list(world.links) == ["token7", "token8", "token9"]


@pytest.mark.parametrize("label", ["=1+1", "＝1+1", "＠SUM(A1)", "'=1"])
def test_a_label_that_a_spreadsheet_would_calculate_is_guarded_and_comes_back(label: str) -> None:
    text = grant_table.write([("template", "a", None, label, "granted")])
    assert f",'{label}," in text
    assert grant_table.read(text.encode()).grants[0].label == label


async def test_a_page_of_another_address_gives_no_orders(emulator: RunningEmulator) -> None:
    await emulator.channel()
    plain = {"Content-Type": "text/plain", **FOREIGN}
    for method, path in (
        ("POST", "/reset"),
        ("POST", "/users"),
        ("POST", "/carrier/messages"),
        ("DELETE", "/faults"),
    ):
        reply = await emulator.request(method, CONTROL + path, b"{}", plain)
        assert reply.status == 403, (path, reply)
    for origin in ("null", "http://[::1", ""):
        reply = await emulator.request("POST", CONTROL + "/reset", headers={"Origin": origin})
        assert reply.status == 403, (origin, reply)
    assert len((await emulator.control("GET", "/channels"))["channels"]) == 1
    own = {"Origin": emulator.url}
    assert (await emulator.request("POST", CONTROL + "/reset", headers=own)).status == 200


@pytest.mark.parametrize("path", ["/live", USER + "/live", "/clock/follow?name=n"])
@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", "http://[::1"])
async def test_a_page_of_another_address_listens_to_nothing(
    emulator: RunningEmulator, errors: pytest.LogCaptureFixture, path: str, origin: str
) -> None:
    await emulator.user(PHONE)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await emulator.session.ws_connect(emulator.url + CONTROL + path, headers={"Origin": origin})
    assert refused.value.status == 403
    async with emulator.session.ws_connect(
        emulator.url + CONTROL + path, headers={"Origin": emulator.url}
    ) as socket:
        assert json.loads(await socket.receive_str(timeout=10))
    assert errors.records == []


async def test_phones_looked_at_together_are_limited_in_number(
    emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phone, "MOST_PHONES", 2)
    await emulator.user(PHONE)
    url = emulator.url + CONTROL + USER + "/live"
    first, second, third = [await emulator.session.ws_connect(url) for _ in range(3)]
    assert json.loads(await first.receive_str(timeout=10))["phone"] == PHONE
    assert json.loads(await second.receive_str(timeout=10))["phone"] == PHONE
    assert (await third.receive(timeout=10)).type is aiohttp.WSMsgType.CLOSE
    assert third.close_code == phone.TOO_MANY
    await first.close()
    async with asyncio.timeout(10):
        while True:
            again = await emulator.session.ws_connect(url)
            if (await again.receive()).type is aiohttp.WSMsgType.TEXT:
                break
    await second.close()
    await again.close()


async def test_many_phones_that_change_at_once_leave_turns_to_others(
    emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    look = phone.Live.look

    def noted(self: phone.Live) -> str | None:
        order.append("look")
        return look(self)

    await emulator.user(PHONE)
    url = emulator.url + CONTROL + USER + "/live"
    phones = [await emulator.session.ws_connect(url) for _ in range(20)]
    for each in phones:
        await each.receive_str(timeout=10)
    monkeypatch.setattr(phone.Live, "look", noted)
    await emulator.control("PATCH", USER, {"name": "Another"})
    async with asyncio.timeout(20):
        while order.count("look") < len(phones):
            order.append("turn")
            await asyncio.sleep(0)
    assert "look look" not in " ".join(order)
    for each in phones:
        await each.close()


async def test_an_upgrade_on_a_busy_path_is_answered_without_a_trace(
    emulator: RunningEmulator, errors: pytest.LogCaptureFixture
) -> None:
    parts = urlsplit(emulator.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    upgrade = (
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n"
    )
    writer.write(
        f"POST {TEMPLATE_PATH} HTTP/1.1\r\nHost: x\r\n{upgrade}Content-Length: 2\r\n\r\n{{}}".encode()
    )
    async with asyncio.timeout(20):
        answer = await reader.readuntil(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 4")
    writer.close()
    assert errors.records == []


def _request(path: str, body: bytes = b"{}") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def _read_answers(reader: asyncio.StreamReader, count: int) -> list[bytes]:
    statuses = []
    async with asyncio.timeout(60):
        while len(statuses) < count:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.split(b":")[1]))
            statuses.append(head[9:12])
    return statuses


async def test_many_requests_in_one_packet_are_no_long_head(emulator: RunningEmulator) -> None:
    parts = urlsplit(emulator.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    count = 5000
    writer.write(_request(TEMPLATE_PATH) * count)
    assert set(await _read_answers(reader, count)) == {b"401"}
    writer.close()


async def test_a_long_head_behind_another_request_is_refused(emulator: RunningEmulator) -> None:
    parts = urlsplit(emulator.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    long = b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-A: b" * 100_000
    writer.write(_request(TEMPLATE_PATH) + long)
    async with asyncio.timeout(20):
        # What was still on its way makes the system reset the connection, and the refusal may be lost with it.
        with suppress(ConnectionResetError):
            while answer := await reader.read(65536):
                assert b"HTTP/1.1 200 " not in answer
    writer.close()
    assert (await emulator.request("GET", "/")).status == 200


async def test_who_does_not_read_the_answers_of_the_short_way_fills_no_memory(
    emulator: RunningEmulator,
) -> None:
    parts = urlsplit(emulator.url)
    _, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=1024)
    writer.transport.set_write_buffer_limits(high=1)
    taken = 0
    with suppress(TimeoutError):
        while taken < 200_000:
            writer.write(_request(TEMPLATE_PATH) * 200)
            async with asyncio.timeout(1):
                await writer.drain()
            taken += 200
    kept = max(each.transport.get_write_buffer_size() for each in emulator.wired.connections)
    writer.transport.abort()
    assert taken < 200_000
    assert kept < 2**20


async def test_who_leaves_amid_many_requests_is_answered_no_more(emulator: RunningEmulator) -> None:
    parts = urlsplit(emulator.url)
    _, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=1024)
    writer.write(f"GET {CONTROL} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 20_000)
    async with asyncio.timeout(20):
        while not any(each.flow.write_paused for each in emulator.wired.connections):  # noqa: ASYNC110
            await asyncio.sleep(0)
    (connection,) = emulator.wired.connections
    assert connection.pipeline
    writer.transport.abort()
    async with asyncio.timeout(20):
        while emulator.wired.connections:  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0)
    assert connection._under_way.disconnected
    assert not connection.pipeline
