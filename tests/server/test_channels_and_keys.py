"""Channels and API keys: who may do what, and that secrets go in and never come out."""

from __future__ import annotations

from typing import Any

import pytest

from gateway_support import RunningGateway

CHANNEL: dict[str, Any] = {
    "name": "Bills",
    "region": "TW",
    "line_channel_id": "2000000001",
    "secret": "very-secret-channel-secret",
    "access_token": "very-secret-access-token",
    "test_numbers": ["0955-123-456"],
}
SECRETS = ("very-secret", "55123456", "955-123")


async def every_answer(gateway: RunningGateway) -> list[str]:
    """All that can be read about channels."""
    paths = ["/v1/channels", "/v1/channels/Bills", "/openapi.json", "/metrics", "/", "/readyz"]
    return [str((await gateway.call("GET", path))[1]) for path in paths]


async def test_no_answer_ever_holds_a_secret_a_token_or_a_test_number(gateway: RunningGateway) -> None:
    answers = [
        str(await gateway.ok("POST", "/v1/channels", CHANNEL)),
        str(await gateway.ok("PATCH", "/v1/channels/Bills", {"access_token": "very-secret-too"})),
        str(await gateway.call("POST", "/v1/channels", CHANNEL)),
        str(await gateway.call("POST", "/v1/channels", {**CHANNEL, "region": "KR"})),
        str(
            await gateway.call("POST", "/v1/channels", {**CHANNEL, "access_token": "very-secret with blanks"})
        ),
        str(await gateway.call("POST", "/v1/channels", {**CHANNEL, "secret": ["very-secret"]})),
        *[
            str(await gateway.call("PATCH", "/v1/channels/Bills", {"private_key": key}))
            for key in (
                "very-secret",
                "-----BEGIN PRIVATE KEY----- very-secret",
                {"kty": "RSA", "d": "very-secret"},
            )
        ],
        *await every_answer(gateway),
    ]
    for answer in answers:
        for secret in SECRETS:
            assert secret not in answer


async def test_secrets_are_sealed_in_the_database(gateway: RunningGateway) -> None:
    await gateway.ok("POST", "/v1/channels", CHANNEL)
    stored = b"".join(p.read_bytes() for p in gateway.folder.glob("todoke.db*"))
    assert b"Bills" in stored
    assert b"very-secret" not in stored


async def test_a_channel_is_registered_once_by_name_and_by_lines_id(gateway: RunningGateway) -> None:
    await gateway.ok("POST", "/v1/channels", CHANNEL)
    for change, pointer in (({"name": "Other"}, "/line_channel_id"), ({"line_channel_id": "2"}, "/name")):
        status, problem = await gateway.call("POST", "/v1/channels", {**CHANNEL, **change})
        assert (status, problem["type"], problem["errors"][0]["pointer"]) == (409, "conflict", pointer)


async def test_a_channel_is_read_by_name_and_by_id(gateway: RunningGateway) -> None:
    made = await gateway.ok("POST", "/v1/channels", CHANNEL)
    assert made["webhook_url"].endswith("/line/2000000001/webhook")
    assert made["has_access_token"] is True
    assert made["test_numbers"] == 1
    for name in ("Bills", made["id"]):
        assert await gateway.ok("GET", f"/v1/channels/{name}") == made
    assert (await gateway.call("GET", "/v1/channels/Nobody"))[0] == 404


async def test_a_channel_without_a_token_whose_secret_line_refuses_waits_for_one(
    gateway: RunningGateway,
) -> None:
    emulated = await gateway.emulator.channel(region="TW")
    body = {**CHANNEL, "line_channel_id": emulated["channel_id"], "access_token": None}
    made = await gateway.ok("POST", "/v1/channels", body)
    assert (made["state"], made["has_access_token"]) == ("paused", False)
    await gateway.settle()
    status, problem = await gateway.call("POST", "/v1/channels/Bills/resume")
    assert (status, problem["type"]) == (409, "no-access-token")
    for words in ("Invalid 'client_credentials'", "channel secret", "switcher secret", "private_key"):
        assert words in problem["detail"]
    await gateway.template("Bills", name="bill")
    await gateway.emulator.user("+886912345678")
    notice_id = await gateway.send("0912345678", channel="Bills", template="bill")
    await gateway.advance("2h")
    assert (await gateway.notice(notice_id))["state"] == "queued"
    changed = await gateway.ok("PATCH", "/v1/channels/Bills", {"access_token": emulated["access_token"]})
    assert changed["state"] == "active"
    await gateway.settle()
    assert (await gateway.notice(notice_id))["attempts"][0]["step"] == "line_notification"
    assert [r["status"] for r in await gateway.emulator.ledger()] == [200]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"region": "KR"}, "/region"),
        ({"line_channel_id": "abc"}, "/line_channel_id"),
        ({"mode": "dry"}, "/mode"),
        ({"rate": 2001}, "/rate"),
        ({"rate": 0}, "/rate"),
        ({"name": "a/b"}, "/name"),
        ({"name": ""}, "/name"),
        ({"secret": ""}, "/secret"),
        ({"test_numbers": ["0223456789"]}, "/test_numbers/0"),
        ({"colour": "red"}, "/colour"),
    ],
)
async def test_a_channel_that_makes_no_sense_is_422_at_its_place(
    gateway: RunningGateway, change: dict[str, Any], pointer: str
) -> None:
    status, problem = await gateway.call("POST", "/v1/channels", {**CHANNEL, **change})
    assert (status, problem["errors"][0]["pointer"]) == (422, pointer)


async def test_a_key_is_shown_once_works_and_ends_when_it_is_revoked(gateway: RunningGateway) -> None:
    made = await gateway.ok("POST", "/v1/keys", {"name": "order system"})
    first, gateway.key = gateway.key, made["key"]
    listed = (await gateway.ok("GET", "/v1/keys"))["keys"]
    assert [k["name"] for k in listed] == ["first key", "order system"]
    assert made["key"] not in str(listed)
    assert first not in str(listed)
    status, _ = await gateway.call("DELETE", f"/v1/keys/{made['id']}")
    assert status == 204
    status, problem = await gateway.call("GET", "/v1/notices")
    assert (status, problem["type"]) == (401, "wrong-api-key")
    gateway.key = first
    (revoked,) = [k for k in (await gateway.ok("GET", "/v1/keys"))["keys"] if k["id"] == made["id"]]
    assert revoked["revoked_at"]
    assert (await gateway.call("DELETE", f"/v1/keys/{made['id']}"))[0] == 404


async def test_keys_are_kept_as_digests_only(gateway: RunningGateway) -> None:
    made = await gateway.ok("POST", "/v1/keys", {"name": "order system"})
    stored = b"".join(p.read_bytes() for p in gateway.folder.glob("todoke.db*"))
    assert made["key"].encode() not in stored
    assert gateway.key.encode() not in stored


async def test_everything_but_the_public_addresses_needs_a_key(gateway: RunningGateway) -> None:
    document = await gateway.ok("GET", "/openapi.json")
    open_to_all = {"/healthz", "/readyz", "/metrics"}
    signed = {"/line/{line_channel_id}/webhook", "/sms/{carrier}/receipts", "/sms/{carrier}/replies"}
    for headers, kind in (({}, "no-api-key"), ({"Authorization": "Bearer wrong"}, "wrong-api-key")):
        for path, operations in document["paths"].items():
            if path in open_to_all | signed:
                continue
            for method in operations:
                address = gateway.url + path.replace("{", "").replace("}", "")
                async with gateway.session.request(method, address, headers=headers) as answer:
                    if method == "head":  # Its answers have no body.
                        assert answer.status == 401, path
                        continue
                    problem = await answer.json()
                    assert (answer.status, problem["type"]) == (401, kind), (method, path)
                    assert answer.headers["WWW-Authenticate"] == "Bearer"
