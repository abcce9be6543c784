"""Each bad thing gets one clear line, changes nothing, and leaves all else working."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from gateway_support import RunningGateway
from todoke.clock import monotonic
from todoke.server.inbound import quick
from todoke.server.inbound import routes as inbound
from todoke.server.services import SECRET_SECONDS

NOTICE: dict[str, Any] = {
    "channel": "Parcels",
    "template": "parcel",
    "to": "0912345678",
    "parameters": {"name": "小明"},
}
THREE_MB = 3_000_000


@pytest.fixture
async def sound(gateway: RunningGateway) -> AsyncIterator[RunningGateway]:
    """A gateway that must still bring a notice to its user after the test, once, and nothing else to anybody."""
    await gateway.emulator.user("+886987654321")
    yield gateway
    before = [r["delivery_tag"] for r in await gateway.emulator.ledger()]
    notice_id = await gateway.send("0987654321")
    await gateway.settle()
    notice = await gateway.notice(notice_id)
    assert notice["state"] == "delivered"
    after = [r["delivery_tag"] for r in await gateway.emulator.ledger()]
    assert after == [*before, notice["attempts"][0]["delivery_tag"]]


def one_clear_line(problem: Any, *words: str) -> None:
    """One line that holds these words and nothing of the machinery."""
    detail = problem["detail"]
    assert "\n" not in detail
    assert 10 < len(detail) <= 400
    for word in words:
        assert word in detail, detail
    for inner in ("Traceback", "pydantic", "sqlalchemy", "0x", "Exception"):
        assert inner not in detail


async def raw(
    gateway: RunningGateway, path: str, body: Any, *, json_type: bool = True, **headers: str
) -> tuple[int, Any]:
    """A POST with exactly this body."""
    sent = {"Authorization": f"Bearer {gateway.key}", **headers}
    if json_type:
        sent["Content-Type"] = "application/json"
    async with gateway.session.post(gateway.url + path, data=body, headers=sent) as answer:
        assert answer.content_type == "application/problem+json"
        return answer.status, await answer.json()


@pytest.mark.parametrize(
    ("change", "status", "kind", "words"),
    [
        ({"to": "+82 10 1234 5678"}, 422, "invalid-number", ("+8", "not served", "Taiwan")),
        ({"to": "+1 415 555 0100"}, 422, "invalid-number", ("not served",)),
        ({"to": "02-2345-6789"}, 422, "invalid-number", ("not a mobile",)),
        ({"to": "8.86912E+11"}, 422, "invalid-number", ("lost digits", "text")),
        ({"to": ""}, 422, "invalid-number", ("No phone number",)),
        ({"to": "0912345678, 0987654321"}, 422, "invalid-number", ("several",)),
        ({"to": "hello"}, 422, "invalid-number", ("no phone number",)),
        ({"parameters": {}}, 422, "invalid-parameters", ("name", "missing")),
        ({"parameters": {"name": "長" * 21}}, 422, "invalid-parameters", ("name", "21", "20")),
        ({"parameters": {"name": "x", "colour": "red"}}, 422, "invalid-parameters", ("colour",)),
        ({"template": "other"}, 422, "not-found", ("'other'", "GET /v1/templates")),
        ({"channel": "other"}, 422, "not-found", ("'other'", "GET /v1/channels")),
        ({"policy": "other"}, 422, "not-found", ("'other'", "GET /v1/policies")),
        ({"policy": {"steps": [{"step": "fax"}]}}, 422, "invalid-policy", ("'fax'", "sms")),
        ({"deadline": "tomorrow"}, 422, "invalid", ("deadline", "30m")),
        ({"reference": "x" * 101}, 422, "invalid", ("reference", "100")),
    ],
    ids=lambda x: next(iter(x)) if isinstance(x, dict) else None,
)
async def test_a_notice_that_can_not_be_sent_is_refused_with_place_and_remedy(
    sound: RunningGateway, change: dict[str, Any], status: int, kind: str, words: tuple[str, ...]
) -> None:
    answered, problem = await sound.call("POST", "/v1/notices", {**NOTICE, **change})
    assert (answered, problem["type"]) == (status, kind)
    one_clear_line(problem, *words)
    assert problem["errors"][0]["pointer"].startswith("/" + next(iter(change)))
    assert (await sound.ok("GET", "/v1/notices"))["notices"] == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", ("not JSON",)),
        (b'{"channel": "Parcels",}', ("not JSON", "character")),
        (b"\xff\xfe\x00", ("not JSON",)),
        (b'{"channel": "\xff"}', ("not JSON", "UTF-8")),
        (b"[" * 100_000, ("nested",)),
        (b'{"to": ' + b"9" * 5000 + b"}", ("number",)),
    ],
    ids=["cut off", "trailing comma", "bytes", "not UTF-8", "deep", "huge number"],
)
async def test_malformed_json_is_400_and_says_what_is_wrong(
    sound: RunningGateway, body: bytes, words: tuple[str, ...]
) -> None:
    for path in ("/v1/notices", "/v1/templates", "/v1/notices/batch"):
        status, problem = await raw(sound, path, body)
        assert (status, problem["type"]) == (400, "malformed-json")
        one_clear_line(problem, *words)


NOTICE_WITH = '{"channel":"Parcels","template":"parcel","to":"0912345678",'
BODIES = [
    ("/v1/notices", NOTICE_WITH + '"parameters":{"name":VALUE}}'),
    ("/v1/notices", '{"channel":"Parcels","template":VALUE,"to":"0912345678"}'),
    ("/v1/notices", '{"channel":"Parcels","template":"parcel","to":VALUE,"parameters":{"name":"x"}}'),
    ("/v1/policies", '{"name":"p","steps":[{"step":"sms"}],"on_unknown":VALUE,"deadline":VALUE}'),
    ("/v1/policies", '{"name":"p","steps":[{"step":VALUE}]}'),
    ("/v1/templates", '{"name":"t","channel":"Parcels","use_case":"delivery","sms":VALUE,"parameters":{}}'),
]
VALUES = ["NaN", "Infinity", "-Infinity", "1e999", "9" * 400, '"\\ud800"', '"\\u0000"', "true", "[]", "{}"]


async def test_json_that_holds_what_no_message_can_is_422(sound: RunningGateway) -> None:
    for value in VALUES:
        for path, body in BODIES:
            status, problem = await raw(sound, path, body.replace("VALUE", value).encode())
            assert status == 422, (path, body, value)
            one_clear_line(problem)


async def test_a_name_that_holds_half_a_character_is_refused_wherever_it_stands(
    sound: RunningGateway,
) -> None:
    for path, body in (
        ("/v1/policies", '{"name":"p","steps":[{"step":"sms"}],"\\ud800":1}'),
        (
            "/v1/notices",
            '{"channel":"Parcels","template":"parcel","to":"0912345678","parameters":{"\\ud800":1}}',
        ),
        ("/v1/notices", '{"channel":"\\ud800","template":"parcel","to":"0912345678"}'),
    ):
        status, problem = await raw(sound, path, body.encode())
        assert status == 422
        one_clear_line(problem)
    many = '{"notices":[' + NOTICE_WITH + '"policy":{"\\ud800":1}},{"\\ud800":1}]}'
    headers = {"Authorization": f"Bearer {sound.key}", "Content-Type": "application/json"}
    async with sound.session.post(
        f"{sound.url}/v1/notices/batch", data=many.encode(), headers=headers
    ) as answer:
        assert answer.status == 202
        assert (await answer.json())["refused"] == 2


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"1", b"null", b""])
async def test_json_that_is_no_object_is_422(sound: RunningGateway, body: bytes) -> None:
    for path in ("/v1/notices", "/v1/templates", "/v1/policies", "/v1/channels"):
        status, problem = await raw(sound, path, body)
        assert status == 422
        assert problem["errors"]


async def test_a_body_that_is_not_marked_as_json_is_415_and_names_the_header(sound: RunningGateway) -> None:
    body = json.dumps(NOTICE).encode()
    status, problem = await raw(sound, "/v1/notices", body, json_type=False, **{"Content-Type": "text/plain"})
    assert (status, problem["type"]) == (415, "unsupported-media-type")
    one_clear_line(problem, "Content-Type: application/json")


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "chunked"])
async def test_a_body_of_3_mb_is_413(sound: RunningGateway, announced: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(0, THREE_MB, 60_000):
            yield b" " * 60_000

    answered = 0
    for path in ("/v1/notices", "/v1/templates", "/v1/policies", "/line/1/webhook", "/sms/emulator/receipts"):
        try:
            status, problem = await raw(sound, path, b" " * THREE_MB if announced else chunks())
        except aiohttp.ClientOSError:
            # The answer may come, and the connection end, while the body is still on its way.
            continue
        answered += 1
        assert (status, problem["type"]) == (413, "too-large")
        one_clear_line(problem, "larger than")
    assert answered


async def test_a_list_of_3_mb_is_no_large_body(sound: RunningGateway) -> None:
    rows = "".join(f"0912345678,小明,{'x' * 3000}\n" for _ in range(1000))
    content = ("phone,name,note\n" + rows).encode()
    status, shown = await sound.upload(content, dry_run="true")
    assert (status, shown["accepted"]) == (200, 1000)


# LINE's webhook


def signed(secret: str, body: bytes) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


async def webhook(gateway: RunningGateway, body: bytes, signature: str | None) -> tuple[int, Any]:
    (channel,) = (await gateway.ok("GET", "/v1/channels"))["channels"]
    headers = {} if signature is None else {"x-line-signature": signature}
    url = f"{gateway.url}/line/{channel['line_channel_id']}/webhook"
    async with gateway.session.post(url, data=body, headers=headers) as answer:
        return answer.status, await answer.json()


def secret_of(gateway: RunningGateway) -> str:
    (channel,) = gateway.emulator.state.world.channels.values()
    return str(channel.secret)


async def test_a_secret_that_was_replaced_by_another_program_is_soon_taken_no_more(
    sound: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new, body = secret_of(sound), "n" * 32, b'{"destination":"U1","events":[]}'
    assert (await webhook(sound, body, signed(old, body)))[0] == 200
    services = sound.app.state.services
    sealed = services.seal.close(new)
    async with services.database.write() as tx:
        await tx.exec_driver_sql("UPDATE channels SET secret = ?", (sealed,))
    later = monotonic() + SECRET_SECONDS + 1
    for module in (inbound, quick):
        monkeypatch.setattr(module, "monotonic", lambda: later)
    for _ in range(2):
        assert (await webhook(sound, body, signed(old, body)))[0] == 401
    assert (await webhook(sound, body, signed(new, body)))[0] == 200
    async with services.database.write() as tx:
        await tx.exec_driver_sql("UPDATE channels SET secret = ?", (services.seal.close(old),))


async def test_a_webhook_with_a_wrong_signature_is_401_and_proves_nothing(sound: RunningGateway) -> None:
    await sound.emulator.user("+886912345678", reception="not_set")
    notice_id = await sound.send("0912345678")
    await sound.settle()
    tag = (await sound.notice(notice_id))["attempts"][0]["delivery_tag"]
    event = {
        "type": "delivery",
        "delivery": {"data": tag},
        "webhookEventId": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "timestamp": 1_900_000_000_000,
        "mode": "active",
        "deliveryContext": {"isRedelivery": False},
    }
    body = json.dumps({"destination": "U" + "0" * 32, "events": [event]}).encode()
    secret = secret_of(sound)
    right = signed(secret, body)
    for wrong in (
        None,
        "",
        "x",
        signed("another", body),
        signed(secret, body + b" "),
        right.lower(),
        right[:-4],
    ):
        status, problem = await webhook(sound, body, wrong)
        assert (status, problem["type"]) == (401, "bad-signature")
        one_clear_line(problem)
    await sound.settle()
    assert (await sound.notice(notice_id))["state"] == "waiting"
    assert (await webhook(sound, body, right))[0] == 200
    await sound.settle()
    assert (await sound.notice(notice_id))["state"] == "delivered"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"events": 5}',
        b'{"events": [5, null, "x", {}, {"type": 5}]}',
        b'{"events": [{"type": "delivery"}, {"type": "delivery", "delivery": {"data": 5}}]}',
        b'{"events": [{"type": "delivery", "webhookEventId": "x", "timestamp": NaN, "delivery": {"data": "y"}}]}',
        b'{"events": [{"type": "delivery", "webhookEventId": "x", "timestamp": 1e300, "delivery": {"data": "y"}}]}',
        b'{"events": [{"type": "\xff"}]}',
        b"[" * 50_000,
        b'{"events": []}',
        b'{"events": [{"type": "follow", "new": {"property": [1]}, "webhookEventId": "z", "timestamp": 1}]}',
    ],
)
async def test_a_signed_webhook_with_any_content_is_taken_and_disturbs_nothing(
    sound: RunningGateway, body: bytes
) -> None:
    """It came from LINE, so it is stored; what can't be read in it is noted, and the next one is read."""
    status, _ = await webhook(sound, body, signed(secret_of(sound), body))
    assert status == 200
    await sound.settle()


async def test_an_event_about_a_message_of_somebody_else_changes_nothing(sound: RunningGateway) -> None:
    event = {
        "type": "delivery",
        "delivery": {"data": "0" * 64},
        "webhookEventId": "01ARZ3NDEKTSV4RRFFQ69G5FAW",
        "timestamp": 1_900_000_000_000,
    }
    body = json.dumps({"events": [event]}).encode()
    assert (await webhook(sound, body, signed(secret_of(sound), body)))[0] == 200
    await sound.settle()


# A wrong token


async def test_a_wrong_token_pauses_the_channel_and_a_right_one_sends_what_was_held(
    sound: RunningGateway, logged: list[Any]
) -> None:
    (emulated,) = sound.emulator.state.world.channels.values()
    await sound.ok("PATCH", "/v1/channels/Parcels", {"access_token": "wrong"})
    for i in range(8):
        await sound.emulator.user(f"+88691234567{i}")
    ids = [await sound.send(f"091234567{i}") for i in range(3)]
    await sound.settle()
    channel = await sound.ok("GET", "/v1/channels/Parcels")
    assert channel["state"] == "paused"
    assert "401" in channel["paused_why"]
    assert "\n" not in channel["paused_why"]
    errors = [line for line in logged if line["log_level"] == "error"]
    assert [x["event"] for x in errors] == ["channel.paused", "alarm.raised"]
    logged.remove(errors[0])
    # What comes now waits too, for hours, and asks LINE for nothing.
    asked = len(sound.emulator.state.requests)
    assert asked > 0
    ids += [await sound.send(f"091234567{i}") for i in range(3, 8)]
    await sound.advance("3h")
    assert len(sound.emulator.state.requests) == asked
    assert {(await sound.notice(i))["state"] for i in ids} == {"queued"}
    assert await sound.emulator.ledger() == []
    # A channel beside it goes on.
    await sound.channel("Other")
    await sound.template("Other", name="other")
    await sound.emulator.user("+886955555555")
    other = await sound.send("0955555555", channel="Other", template="other")
    await sound.settle()
    assert (await sound.notice(other))["state"] == "delivered"
    await sound.ok("PATCH", "/v1/channels/Parcels", {"access_token": emulated.access_token})
    await sound.settle()
    for notice_id in ids:
        notice = await sound.notice(notice_id)
        assert notice["state"] == "delivered"
        assert [a["outcome"] for a in notice["attempts"] if a["outcome"] != "denied"] == ["delivered"]
    assert len(await sound.emulator.ledger()) == len(ids) + 1


async def test_an_unknown_template_at_line_flags_ours_and_goes_on_to_the_next_step(
    sound: RunningGateway,
) -> None:
    await sound.template(
        name="reserve", flexible=None, line_template={"templateKey": "reserve_004", "body": {}}
    )
    await sound.emulator.user("+886912345678")
    policy = {"steps": [{"step": "line_notification", "wait": "4h"}, {"step": "sms"}]}
    notice_id = await sound.send("0912345678", policy, template="reserve")
    await sound.settle()
    notice = await sound.notice(notice_id)
    assert [(a["step"], a["outcome"]) for a in notice["attempts"]] == [
        ("line_notification", "invalid"),
        ("sms", "delivered"),
    ]
    template = await sound.ok("GET", "/v1/templates/reserve")
    assert template["flagged_at"]
    assert "Invalid templateKey: reserve_004" in template["flagged_why"]
    assert (await sound.ok("GET", "/v1/templates/parcel"))["flagged_at"] is None
