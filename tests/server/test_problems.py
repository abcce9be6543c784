"""Errors have one shape, problem+json, wherever they arise."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from typing import Any

import aiohttp
import pytest
from sqlalchemy.exc import OperationalError

from gateway_support import RunningGateway
from todoke.server.api import notices
from todoke.storage.database import StorageError


async def problem(answer: aiohttp.ClientResponse) -> Any:
    """The problem of an answer, its shape checked."""
    assert answer.content_type == "application/problem+json"
    text = await answer.text()
    body = json.loads(text)
    assert set(body) == {"type", "title", "status", "detail", "errors"}
    assert body["status"] == answer.status
    for name in ("type", "title", "detail"):
        assert body[name]
        assert isinstance(body[name], str)
        assert "\n" not in body[name]
    for error in body["errors"]:
        assert set(error) == {"pointer", "message"}
    assert "Traceback" not in text
    return body


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/nothing", 404, "not-found"),
        ("GET", "/v1", 404, "not-found"),
        ("GET", "/static/nothing.js", 404, "not-found"),
        ("GET", "/v1/notices/x", 404, "not-found"),
        ("GET", "/v1/notices/%00%F0%28", 404, "not-found"),
        ("GET", "/v1/templates/x", 404, "not-found"),
        ("GET", "/v1/reports/funnel?channel=x", 404, "not-found"),
        ("DELETE", "/v1/keys/x", 404, "not-found"),
        ("GET", "/v1/reports/funnel?since=yesterday", 422, "invalid"),
        ("GET", "/v1/notices?limit=many", 422, "invalid"),
        ("POST", "/v1/keys", 422, "invalid"),
        ("POST", "/line/1/webhook", 404, "unknown-channel"),
        ("POST", "/sms/x/receipts", 404, "unknown-carrier"),
        ("POST", "/sms/emulator/receipts", 401, "bad-signature"),
    ],
)
async def test_an_error_is_a_problem_with_its_type_and_remedy(
    gateway: RunningGateway, method: str, path: str, status: int, kind: str
) -> None:
    headers = {"Authorization": f"Bearer {gateway.key}"}
    async with gateway.session.request(method, gateway.url + path, headers=headers) as answer:
        assert (await problem(answer))["type"] == kind
        assert answer.status == status


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/notices", "GET, POST"),
        ("DELETE", "/v1/channels/Parcels", "GET, PATCH"),
        ("OPTIONS", "/healthz", "GET"),
        ("GET", "/v1/notices/batch/x", None),
    ],
)
async def test_a_method_that_is_not_there_is_405_and_names_those_that_are(
    gateway: RunningGateway, method: str, path: str, allowed: str | None
) -> None:
    async with gateway.session.request(method, gateway.url + path) as answer:
        body = await problem(answer)
        if allowed is None:
            assert answer.status == 404
        else:
            assert (answer.status, body["type"]) == (405, "method-not-allowed")
            assert answer.headers["Allow"] == allowed


async def test_a_failure_inside_is_a_500_that_tells_nothing_and_a_log_line_that_tells_where(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch, logged: list[Any]
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise ValueError("0912345678 is in this text")

    monkeypatch.setattr(notices.reporting, "get_notice", broken)
    headers = {"Authorization": f"Bearer {gateway.key}"}
    async with gateway.session.get(f"{gateway.url}/v1/notices/0912345678", headers=headers) as answer:
        body = await problem(answer)
        assert (answer.status, body["type"]) == (500, "internal")
        assert "0912345678" not in str(body)
        assert "ValueError" not in str(body)
    (line,) = [x for x in logged if x["log_level"] == "error"]
    assert (line["event"], line["route"], line["error"]) == (
        "server.error",
        "/v1/notices/{notice_id}",
        "ValueError",
    )
    logged.remove(line)
    monkeypatch.undo()
    assert await gateway.send("0912345678")


async def test_a_database_that_cant_be_used_is_a_503_that_says_what_to_do(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch, logged: list[Any]
) -> None:
    async def full(*_: Any, **__: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(notices.reporting, "get_notice", full)
    headers = {"Authorization": f"Bearer {gateway.key}"}
    async with gateway.session.get(f"{gateway.url}/v1/notices/01K2W7K", headers=headers) as answer:
        body = await problem(answer)
    assert (answer.status, body["type"]) == (503, "storage")
    assert "full" in body["detail"]
    assert "try again" in body["detail"]
    logged[:] = [x for x in logged if x["log_level"] != "error"]


@pytest.mark.parametrize(
    "error",
    [
        StorageError("The disk is full."),
        OperationalError("select secret", {}, Exception("database is locked")),
    ],
    ids=["ours", "the driver's"],
)
async def test_a_database_that_fails_is_a_problem_too(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch, logged: list[Any], error: Exception
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(notices.reporting, "get_notice", broken)
    headers = {"Authorization": f"Bearer {gateway.key}"}
    async with gateway.session.get(f"{gateway.url}/v1/notices/x", headers=headers) as answer:
        body = await problem(answer)
        assert answer.status in (500, 503)
        assert "select" not in str(body)
    logged.clear()


async def test_a_caller_that_leaves_before_its_body_is_complete_disturbs_nobody(
    gateway: RunningGateway, logged: list[Any]
) -> None:
    host, port = gateway.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    request = (
        f"POST /v1/notices HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.key}\r\n"
        'Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"channel"'
    )
    writer.write(request.encode())
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert await gateway.send("0912345678")
    assert logged == []
