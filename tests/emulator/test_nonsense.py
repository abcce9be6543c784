"""Nonsense sent to every endpoint: it is refused, never a 500."""

from __future__ import annotations

import itertools

import pytest

from emulator_support import CONTROL, FLEXIBLE_PATH, TEMPLATE_PATH, RunningEmulator

PHONE = "%2B819012345678"
NESTED = b"[" * 2000 + b"]" * 2000
BODIES = [
    b"",
    b"{",
    b"null",
    b"[]",
    b"5",
    b'"x"',
    b"\xff\xfe",
    NESTED,
    b'{"phone": 5, "name": null, "to": {}, "action": [], "count": "many", "target": true}',
    b'{"phone": "+819012345678", "verified_at": "0000-00-00T00:00:00Z", "created_at": ""}',
    b'{"action": "enter_pin", "pin": "\\u0000"}',
    b'{"action": "change_number", "phone": "+81\\u0669012345678"}',
    b'{"action": "send_message", "channel_id": "\\ud83d\\ude00", "text": "x"}',
    b'{"advance": "99999999999d"}',
    b'{"advance": "999999999d"}',
    b'{"set": "9999-12-31T23:59:59Z"}',
    b'{"count": 1e400, "seed": -1, "prefix": "+", "digits": 1e9}',
    b'{"count": 5, "seed": 99999999999999999999, "prefix": "+88691", "digits": 7}',
    b'{"target": "api", "kind": "latency", "ms": -5}',
    b'{"name": "x", "region": "JP", "webhook_url": "http://[::1"}',
    b'{"name": "x", "region": "JP", "webhook_url": "http://127.0.0.1:99999/"}',
    b'{"to": "+886912345678", "text": "x", "receipt_url": "http://["}',
    b'{"endpoint": "http://127.0.0.1:99999/"}',
    b'{"endpoint": 5}',
]
CONTROLS = [
    ("POST", "/channels"),
    ("PATCH", "/channels/1234567890"),
    ("POST", "/users"),
    ("PATCH", f"/users/{PHONE}"),
    ("POST", f"/users/{PHONE}/actions"),
    ("POST", "/population"),
    ("POST", "/clock"),
    ("POST", "/faults"),
    ("POST", "/carrier/messages"),
]
READS = [
    "/users/%00",
    "/users/%FF/screen",
    "/users/%2B%D9%A1",
    "/ledger?cursor=-1",
    "/ledger?limit=0",
    "/ledger?limit=%D9%A1",
    "/webhooks?cursor=x",
    "/sms?limit=99999999999999999999",
    "/channels/%2F",
]
LINE_PATHS = [
    ("POST", TEMPLATE_PATH),
    ("POST", FLEXIBLE_PATH),
    ("POST", "/v2/bot/message/push"),
    ("PUT", "/v2/bot/channel/webhook/endpoint"),
    ("POST", "/v2/bot/channel/webhook/test"),
    ("POST", "/oauth2/v3/token"),
]
LINE_READS = [
    "/v2/bot/profile/%00",
    "/v2/bot/profile/",
    "/v2/bot/followers/ids?start=%FF&limit=5",
    "/v2/bot/followers/ids?limit=-1",
    "/v2/bot/message/delivery/pnp?date=%D9%A1",
    "/v2/bot/message/delivery/pnp?date=00000000",
    "//",
    "/%FF",
]


@pytest.fixture(autouse=True)
def quiet_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("ERROR")


async def test_nonsense_to_the_control_api_is_never_a_500(
    emulator: RunningEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    await emulator.channel(channel_id="1234567890")
    await emulator.user("+819012345678")
    for (method, path), body in itertools.product(CONTROLS, BODIES):
        reply = await emulator.request(method, CONTROL + path, body)
        assert reply.status < 500, (method, path, body, reply)
    for path in READS:
        assert (await emulator.request("GET", CONTROL + path)).status in (400, 404), path
    assert caplog.records == []


async def test_nonsense_to_lines_paths_is_never_a_500(
    emulator: RunningEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    channel = await emulator.channel()
    token = {"Authorization": f"Bearer {channel['access_token']}"}
    for (method, path), body in itertools.product(LINE_PATHS, BODIES):
        reply = await emulator.request(method, path, body, token)
        assert reply.status < 500, (method, path, body, reply)
    for path in LINE_READS:
        assert (await emulator.request("GET", path, headers=token)).status in (400, 404), path
    assert caplog.records == []


@pytest.mark.parametrize("length", [0, 1, 100, 8000])
async def test_headers_of_any_length_and_letters_are_never_a_500(
    emulator: RunningEmulator, length: int
) -> None:
    channel = await emulator.channel()
    names = ("Authorization", "Content-Type", "X-Line-Delivery-Tag", "X-Line-Retry-Key")
    for name, letter in itertools.product(names, "xéあ\t"):
        headers = {"Authorization": f"Bearer {channel['access_token']}", name: letter * length}
        reply = await emulator.request("POST", TEMPLATE_PATH, {}, headers)
        assert 400 <= reply.status < 500
