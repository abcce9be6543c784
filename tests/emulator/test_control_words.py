"""What the control API tells a newcomer: why LINE rejected, what was probably meant, how to write it."""

from __future__ import annotations

import asyncio
import errno
import json
import socket
import ssl
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec
import pytest
from aiohttp.client_reqrep import ConnectionKey
from hypothesis import given
from hypothesis import strategies as st

from emulator_support import CONTROL, RunningEmulator, line_hash
from line_emulator.control import wording
from line_emulator.control.trouble import FaultBody, PopulationBody
from line_emulator.posting.poster import why_not_connected

PHONE = "+886912000001"


async def rejected(emulator: RunningEmulator, channel: dict[str, Any], written: str) -> str:
    """The reason in the ledger and in the log of requests, after a notification to the hash of this text."""
    assert (await emulator.send(channel, written)).status == 422
    row = (await emulator.control("GET", "/ledger?order=newest&limit=1"))["rows"][0]
    entry = (await emulator.control("GET", "/requests?order=newest&limit=1"))["rows"][0]
    assert (row["fate"], row["request_id"]) == ("rejected", entry["request_id"])
    assert row["reason"] == entry["reason"]
    return str(row["reason"])


@pytest.mark.parametrize(
    ("phone", "values", "reason"),
    [
        (PHONE, {"reception": "reject"}, "the user rejects notifications"),
        (PHONE, {"privacy_policy": False}, "the user has not agreed to the privacy policy"),
        ("+14155550100", {}, "the country is not served"),
        ("+886212345678", {}, "the number is a fixed line"),
    ],
)
async def test_the_ledger_says_why_a_user_was_not_reached(
    emulator: RunningEmulator, phone: str, values: dict[str, Any], reason: str
) -> None:
    channel = await emulator.channel(reject_visible=True)
    await emulator.user(phone, **values)
    assert await rejected(emulator, channel, phone) == reason


async def test_the_ledger_tells_a_deleted_account_from_a_number_that_nobody_has(
    emulator: RunningEmulator,
) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    assert await rejected(emulator, channel, "+886912000009") == "nobody has this number"
    await emulator.act(PHONE, "delete_account")
    assert await rejected(emulator, channel, PHONE) == "the account was deleted"


async def test_a_reason_is_that_of_the_time_and_what_was_taken_has_none(emulator: RunningEmulator) -> None:
    channel = await emulator.channel(reject_visible=True)
    await emulator.user(PHONE, reception="reject")
    assert await rejected(emulator, channel, PHONE) == "the user rejects notifications"
    await emulator.act(PHONE, "agree")
    assert (await emulator.send(channel, PHONE)).status == 202
    assert [row["reason"] for row in await emulator.ledger()] == ["the user rejects notifications", None]
    entries = (await emulator.control("GET", "/requests"))["rows"]
    assert [entry["reason"] for entry in entries] == ["the user rejects notifications", None]


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("0912000001", "0912000001"),
        ("886912000001", "886912000001"),
        ("912000001", "912000001"),
        ("+8860912000001", "+8860912000001"),
        ("+886912000001\n", "+886912000001 with a line break behind it"),
    ],
)
async def test_the_hash_of_a_known_number_in_another_form_is_recognised(
    emulator: RunningEmulator, written: str, words: str
) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    expected = f"this is the hash of {words}; LINE wants that of {PHONE}"
    assert await rejected(emulator, channel, written) == expected


@pytest.mark.parametrize("order", ["oldest", "newest"])
async def test_the_ledger_is_filtered_by_fate_in_both_orders(emulator: RunningEmulator, order: str) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    for number in (PHONE, "+886912000009", PHONE, "+886912000008"):
        await emulator.send(channel, number)
    path = f"/ledger?fate=rejected&order={order}&limit=1"
    first = await emulator.control("GET", path)
    second = await emulator.control("GET", f"{path}&cursor={first['next']}")
    found = [first["rows"][0]["to"], second["rows"][0]["to"]]
    wanted = [line_hash("+886912000009"), line_hash("+886912000008")]
    assert found == (wanted if order == "oldest" else wanted[::-1])
    assert "next" not in second
    refused = await emulator.control("GET", f"/ledger?fate=foo&order={order}", expect=400)
    assert "fate is 'foo'; it must be one of delivered, pending" in refused["message"]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/ledger?fates=rejected", "`fates`: did you mean `fate`? Known: channel_id, status, fate, q"),
        ("/ledger/summary?fate=x", "`fate`: Known: channel_id"),
        ("/webhooks?chanel_id=1", "`chanel_id`: did you mean `channel_id`? Known: channel_id, status, q"),
        ("/requests?fate=rejected", "`fate`: "),
        ("/users?prefx=1", "`prefx`: did you mean `prefix`? Known: prefix, cursor, limit"),
        ("/billing?moth=2026-01", "`moth`: did you mean `month`? Known: channel_id, month"),
        ("/sms?from=1", "`from`: "),
    ],
)
async def test_an_unknown_parameter_is_400_with_those_known(
    emulator: RunningEmulator, path: str, told: str
) -> None:
    assert told in (await emulator.control("GET", path, expect=400))["message"]


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        (
            "/users",
            b'{"recepton": "agree"}',
            "unknown field `recepton`: did you mean `reception`? Known: phone",
        ),
        (
            "/population",
            b'{"count": 1, "prefix": "+88691", "rates": {"agre": 1}}',
            "`agre` in rates: did you mean",
        ),
        (
            "/faults",
            b'[{"target": "api", "knd": "drop"}]',
            "`knd` in [0]: did you mean `kind`? Known: target",
        ),
        ("/clock", b'{"advance": 24}', 'advance is 24; write it like "24h"'),
        ("/clock", b'{"speed": "fast"}', 'speed is "fast"; write it like 60'),
        ("/users", b'{"phone": 886912000001}', 'phone is 886912000001; write it like "+886912345678"'),
        ("/users", b'{"privacy_policy": "yes"}', 'privacy_policy is "yes"; it must be true or false'),
        ("/users", b'{"picture_url": 5}', 'picture_url is 5; it must be text in quotes ("…") or null'),
        ("/users", b"[]", "The body is a list; it must be an object"),
        ("/users", b"{'phone': '+886912000001'}", """-d '{"phone": "+886912345678"}'"""),
        ("/users", b"phone=%2B886912000001", "The body is no JSON"),
        ("/users", b'{"phone": "+886912000001",}', "Take away the comma before the closing bracket"),
        ("/users", b"", 'The body is empty; send JSON such as {"phone": "+886912345678"}'),
        ("/channels", b"", '{"name": "Shop", "region": "TW"}'),
        ("/faults", b" ", '{"target": "api", "kind": "latency"}'),
        ("/population", b"", '{"count": 1000, "prefix": "+88691"}'),
        ("/messages/check", b"", "The body is empty"),
        (
            "/messages/check",
            b'{"messages": [], "kind": "pull"}',
            'kind is "pull"; it must be one of flexible, push',
        ),
        ("/channels", b'{"name": "x"}', "region is missing; it must be one of JP, TH, TW"),
        (
            "/channels",
            b'{"name": "x", "region": "TW", "templates": ["a", 5]}',
            "templates[1] is 5; it must be text",
        ),
        ("/users", b'{"reception": "agree"}', "phone is missing"),
        ("/users", b'{"phone": "+886912000001", "language": "tlh"}', "language is 'tlh'; it must be one of"),
        ("/faults", b'{"target": "api", "kind": "status_before", "share": 2}', "share is 2; it must lie"),
        (
            "/carrier/messages",
            b'{"to": "0912", "text": "x"}',
            "to is '0912'; it must be a number in E.164 form",
        ),
        ("/carrier/messages", b'{"to": 5, "text": "x"}', 'to is 5; write it like "+886912345678"'),
        ("/carrier/messages", b'{"two": "+886912000001"}', "`two`: did you mean `to`? Known: to, text, from"),
    ],
)
async def test_a_wrong_body_is_told_by_field_value_and_form(
    emulator: RunningEmulator, path: str, body: bytes, told: str
) -> None:
    reply = await emulator.request("POST", CONTROL + path, body)
    assert reply.status == 400
    assert told in reply.json["message"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=20), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.dictionaries(
    st.sampled_from([*PopulationBody.__struct_fields__, "a.b", "x[...]", "` - at `$.c"]), JSON
)


@given(JSON | FIELDS | st.lists(FIELDS), st.sampled_from([PopulationBody, FaultBody | list[FaultBody]]))
def test_every_complaint_can_be_worded(data: Any, kind: Any) -> None:
    told = "nothing is wrong"
    try:
        msgspec.json.decode(json.dumps(data).encode(), type=kind)
    except msgspec.ValidationError as error:
        told = wording.explain(str(error), data, kind)
    assert told


async def test_a_population_needs_count_and_prefix_only(emulator: RunningEmulator) -> None:
    made = await emulator.control("POST", "/population", {"count": 5, "prefix": "+88691"})
    assert (made["first"], made["last"]) == ("+886910000000", "+886910000004")
    listed = (await emulator.control("GET", "/users"))["populations"]
    assert (listed[0]["seed"], listed[0]["digits"]) == (1, 7)


async def test_an_unknown_user_comes_with_the_way_to_make_one(emulator: RunningEmulator) -> None:
    path = f"/users/{quote(PHONE)}"
    for found in (
        await emulator.control("GET", path, expect=404),
        await emulator.control("GET", f"{path}/screen", expect=404),
        await emulator.control("PATCH", path, {"name": "A"}, 404),
        await emulator.act(PHONE, "agree", expect=404),
    ):
        assert "make one with POST /_emulator/v1/users" in found["message"]


async def test_a_path_with_a_national_number_is_told_the_form(emulator: RunningEmulator) -> None:
    told = (await emulator.control("GET", "/users/0912", expect=404))["message"]
    assert told == "0912 is no E.164 number; write it like +886912345678 (in a path %2B886912345678)"


async def test_making_a_user_anew_says_that_all_was_replaced(emulator: RunningEmulator) -> None:
    assert "replaced" not in await emulator.user(PHONE, name="Ann")
    again = await emulator.user(PHONE)
    assert again["replaced"] is True
    assert again["name"] != "Ann"


@pytest.mark.parametrize(
    ("method", "path", "hint"),
    [
        (
            "POST",
            "/v2/bot/message/pnp/template/push",
            "did you mean POST /v2/bot/message/pnp/templated/push?",
        ),
        ("POST", "/v2/bot/pnp/push", "did you mean POST /bot/pnp/push?"),
        ("GET", "/hello", "not a path of LINE"),
        ("GET", "/" + "a/" * 300, "not a path of LINE"),
        ("GET", "/v2/bot/message/push", "this path takes POST"),
        ("POST", "/v2/bot/richmenu/richmenu-1", "this path takes GET, DELETE"),
    ],
)
async def test_a_request_to_no_path_of_line_gets_a_hint_in_the_log(
    emulator: RunningEmulator, method: str, path: str, hint: str
) -> None:
    answer = await emulator.request(method, path)
    assert answer.status in (404, 405)
    assert hint.encode() not in answer.body
    assert hint in (await emulator.control("GET", "/requests"))["rows"][0]["hint"]


async def test_what_line_knows_but_does_not_find_gets_no_hint(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    assert (await emulator.get(channel, "/v2/bot/richmenu/richmenu-1")).status == 404
    assert (await emulator.control("GET", "/requests"))["rows"][0]["hint"] is None


async def told_of_webhook(emulator: RunningEmulator, url: str) -> tuple[str, str]:
    """Reason and detail of a post to this address."""
    channel = await emulator.channel(webhook_url=url)
    await emulator.user(PHONE)
    await emulator.act(PHONE, "add_friend", channel_id=channel["channel_id"])
    await emulator.clock(advance="1s")
    post = (await emulator.control("GET", "/webhooks"))["rows"][0]
    return post["reason"], post["detail"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_webhook_to_a_closed_port_is_told_in_plain_words(
    emulator: RunningEmulator, host: str
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    reason, detail = await told_of_webhook(emulator, f"http://{host}:{port}/hook")
    assert (reason, detail) == ("could_not_connect", f"Nobody listens on {host}:{port}")


def test_an_untrusted_certificate_and_an_unreachable_address_are_told_in_plain_words() -> None:
    key = ConnectionKey("shop.example", 443, True, True, None, None, None)
    wrong = ssl.SSLCertVerificationError("self-signed certificate")
    told = why_not_connected(aiohttp.ClientConnectorCertificateError(key, wrong))
    assert told.startswith("The TLS certificate of shop.example:443 is not trusted: ")
    away = OSError(errno.ENETUNREACH, "Network is unreachable")
    told = why_not_connected(aiohttp.ClientConnectorError(key, away))
    assert told == "There is no way to shop.example:443: Network is unreachable"


async def test_a_webhook_to_an_unknown_name_is_told_in_plain_words(
    emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", nothing)
    reason, detail = await told_of_webhook(emulator, "https://nobody.invalid/hook")
    assert reason == "could_not_connect"
    assert detail.startswith("The name nobody.invalid can't be resolved: ")


async def test_a_webhook_over_tls_to_a_server_without_is_told_in_plain_words(
    emulator: RunningEmulator,
) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        reason, detail = await told_of_webhook(emulator, f"https://127.0.0.1:{port}/hook")
    assert reason == "could_not_connect"
    assert detail.startswith(f"No TLS with 127.0.0.1:{port}: ")
