"""LINE notifications over the wire: what leaves, and what every kind of answer or failure comes to."""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from carriers.conftest import RawServer, answering
from todoke.carriers import Carrier, LineNotification
from todoke.carriers.line import LineCarrier
from todoke.carriers.line.connection import NotSent
from todoke.carriers.line.heads import base_url
from todoke.carriers.line.transport import Transport
from todoke.core.outcome import SURELY_NOT_TAKEN, Outcome

NUMBER = "+818000001234"
HASH = "d41e0ad70dddfeb68f149ad6fc61574b9c5780ab7bcb2fba5517771ffbb2409c"
TAG = "0198f0c2-tag-of-attempt-1"
TEMPLATE = LineNotification(
    to=NUMBER,
    flexible=False,
    payload={"templateKey": "shipment_completed_ja", "to": "of somebody else"},
    access_token="a.token",
)
FLEXIBLE = LineNotification(
    to=NUMBER,
    flexible=True,
    payload={"messages": [{"type": "text", "text": "届きました"}]},
    access_token="a.token",
)


@pytest.mark.parametrize(
    ("message", "path", "status"),
    [(TEMPLATE, "/v2/bot/message/pnp/templated/push", 202), (FLEXIBLE, "/bot/pnp/push", 200)],
)
async def test_what_leaves(
    serve: Any, does: Any, line_to: Any, message: LineNotification, path: str, status: int
) -> None:
    server = await serve(does.answering(status, b"{}", "X-Line-Request-Id: r-1"))
    carrier: Carrier[LineNotification] = line_to(server.url + "/")
    answer = await carrier.send(message, TAG)
    assert (answer.outcome, answer.status, answer.request_id) == (Outcome.ACCEPTED, status, "r-1")
    head, body = server.requests[0].decode().split("\r\n\r\n")
    first, *rest = head.split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in rest)}
    assert first == f"POST {path} HTTP/1.1"
    assert headers["authorization"] == "Bearer a.token"
    assert headers["content-type"] == "application/json"
    assert headers["x-line-delivery-tag"] == TAG
    assert "x-line-retry-key" not in headers
    assert "cookie" not in headers
    assert json.loads(body) == {**message.payload, "to": HASH}


HASTY = {"total": 0.5, "connect": 0.3}
"""For servers that never answer: the time-out comes soon, without anybody sleeping."""


class _Line(LineCarrier):
    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self.transport = transport


@pytest.fixture
async def line_to() -> AsyncIterator[Callable[..., _Line]]:
    """Makes carriers to a base URL, and closes their connections at the end."""
    made: list[_Line] = []

    def make(url: str, **options: Any) -> _Line:
        made.append(_Line(Transport(base_url(url), **options)))
        return made[-1]

    yield make
    for carrier in made:
        await carrier.transport.close()


async def no_names(host: str, *_: Any, **__: Any) -> Any:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def error(message: str, *details: tuple[str, str]) -> bytes:
    body: dict[str, object] = {"message": message}
    if details:
        body["details"] = [{"message": text, "property": place} for text, place in details]
    return json.dumps(body).encode()


MONTHLY = error("You have reached your monthly limit.")
RATE = error("The API rate limit has been exceeded. Try again later.")

STATUSES = [
    (200, b"{}", Outcome.ACCEPTED, False),
    (202, b"{}", Outcome.ACCEPTED, False),
    (202, b"\xff not json", Outcome.ACCEPTED, False),
    (204, b"", Outcome.ACCEPTED, False),
    (202, b"x" * 200_000, Outcome.ACCEPTED, False),
    (301, b"", Outcome.FAILED, False),
    (307, b"", Outcome.FAILED, False),
    (400, error("Invalid templateKey: reserve_004"), Outcome.INVALID, False),
    (401, error("Authentication failed"), Outcome.DENIED, False),
    (403, error("Access to this API is not available for your account"), Outcome.DENIED, False),
    (404, b"<html>", Outcome.INVALID, False),
    (405, b"", Outcome.INVALID, False),
    (409, b"{}", Outcome.INVALID, False),
    (413, b"{}", Outcome.INVALID, False),
    (415, b"{}", Outcome.INVALID, False),
    (418, b"{}", Outcome.INVALID, False),
    (422, error("Failed to send messages"), Outcome.UNREACHABLE, False),
    (429, RATE, Outcome.THROTTLED, False),
    (429, MONTHLY, Outcome.THROTTLED, True),
    (429, b"<html>", Outcome.THROTTLED, False),
    (500, MONTHLY, Outcome.UNKNOWN, False),
    (502, b"<html>", Outcome.UNKNOWN, False),
    (503, b"", Outcome.UNKNOWN, False),
    (504, b"[" * 60_000, Outcome.UNKNOWN, False),
    (599, b"\x00" * 100, Outcome.UNKNOWN, False),
]


@pytest.mark.parametrize(("status", "body", "outcome", "quota"), STATUSES)
async def test_every_status(
    serve: Any, does: Any, line_to: Any, status: int, body: bytes, outcome: Outcome, quota: bool
) -> None:
    # A redirect that would, if it were followed, end well.
    elsewhere = await serve(does.answering(202))
    server = await serve(
        does.answering(status, body, "x-line-request-id: r-2", f"Location: {elsewhere.url}/")
    )
    answer = await line_to(server.url).send(TEMPLATE, TAG)
    assert (answer.outcome, answer.status, answer.quota_used_up) == (outcome, status, quota)
    assert answer.request_id == "r-2"
    assert (answer.detail is None) == (outcome is Outcome.ACCEPTED)
    assert len(server.requests) == 1
    assert not elsewhere.requests


@pytest.mark.parametrize(
    ("behaviour", "outcome", "status"),
    [
        ("hanging", Outcome.UNKNOWN, None),
        ("hanging_up", Outcome.UNKNOWN, None),
        ("resetting", Outcome.UNKNOWN, None),
        (("writing", b"not HTTP at all\r\n\r\n"), Outcome.UNKNOWN, None),
        (("writing", b"HTTP/1.1 202 Acc"), Outcome.UNKNOWN, None),
        (("writing", b"HTTP/1.1 202 Accepted\r\nContent-Length: zwei\r\n\r\n"), Outcome.UNKNOWN, None),
        (("writing", b"HTTP/1.1 100 Continue\r\n\r\n"), Outcome.UNKNOWN, None),
        # The status has come: it counts, whatever happens to the body.
        (("writing", b"HTTP/1.1 202 A\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), Outcome.ACCEPTED, 202),
        (("writing", b"HTTP/1.1 202 A\r\n\r\nuntil the end of the connection"), Outcome.ACCEPTED, 202),
        (("cut", 202), Outcome.ACCEPTED, 202),
        (("cut", 422), Outcome.UNREACHABLE, 422),
        (("cut", 500), Outcome.UNKNOWN, 500),
    ],
)
async def test_every_break_after_connecting(
    serve: Any, does: Any, line_to: Any, behaviour: Any, outcome: Outcome, status: int | None
) -> None:
    options = HASTY if behaviour == "hanging" else {}
    match behaviour:
        case ("writing", answer):
            server = await serve(does.writing(answer))
        case ("cut", int(code)):
            server = await serve(does.answering(code, b'{"mess', length=50))
        case _:
            server = await serve(getattr(does, behaviour))
    answer = await line_to(server.url, **options).send(TEMPLATE, TAG)
    assert (answer.outcome, answer.status) == (outcome, status)
    assert len(server.requests) == 1, "a request may never be repeated by the carrier"


async def test_2xx_whose_body_never_ends_is_accepted(serve: Any, line_to: Any) -> None:
    async def behave(reader: Any, writer: Any, request: bytes) -> None:
        writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{")
        await asyncio.get_running_loop().create_future()

    server = await serve(behave)
    assert (await line_to(server.url, **HASTY).send(TEMPLATE, TAG)).outcome is Outcome.ACCEPTED


async def test_nothing_left_is_failed(
    serve: Any, does: Any, line_to: Any, refusing_url: str, monkeypatch: Any
) -> None:
    plain = await serve(does.answering(202))
    no_tls = await asyncio.start_server(
        lambda _, writer: writer.write(b"no TLS here\r\n" * 9), "127.0.0.1", 0
    )
    silent = await serve(does.hanging)
    closed = line_to(plain.url)
    await closed.transport.close()
    cases = {
        "refused": line_to(refusing_url),
        "no TLS there": line_to(f"https://127.0.0.1:{no_tls.sockets[0].getsockname()[1]}"),
        "TLS handshake never ends": line_to(silent.url.replace("http:", "https:"), **HASTY),
        "transport closed": closed,
        "not canonical address": line_to("http://127.1:9"),
    }
    answers = {name: await carrier.send(TEMPLATE, TAG) for name, carrier in cases.items()}
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", no_names)
    cases["no such name"] = line_to("https://api.example.com")
    answers["no such name"] = await cases["no such name"].send(TEMPLATE, TAG)
    assert {name: answer.outcome for name, answer in answers.items()} == dict.fromkeys(cases, Outcome.FAILED)
    assert all(answer.outcome in SURELY_NOT_TAKEN and answer.detail for answer in answers.values())
    assert not plain.requests
    no_tls.close()
    assert "Connection refused" in (answers["refused"].detail or "")


async def test_waiting_for_a_free_connection_is_failed_not_unknown(serve: Any, line_to: Any) -> None:
    came, go = asyncio.Event(), asyncio.Event()

    async def behave(reader: Any, writer: Any, request: bytes) -> None:
        came.set()
        await go.wait()
        writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}")

    server = await serve(behave)
    carrier = line_to(server.url, limit=1, connect=0.2)
    first = asyncio.create_task(carrier.send(TEMPLATE, TAG))
    await came.wait()
    assert (await carrier.send(TEMPLATE, TAG)).outcome is Outcome.FAILED
    go.set()
    assert (await first).outcome is Outcome.ACCEPTED
    assert len(server.requests) == 1


async def test_a_certificate_of_nobodys_is_failed(line_to: Any, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    day = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, day, day.replace(year=2099))
    file = tmp_path / "pair.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    requests: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.read(1))
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    answer = await line_to(f"https://127.0.0.1:{port}").send(TEMPLATE, TAG)
    server.close()
    assert answer.outcome is Outcome.FAILED
    assert "self-signed certificate" in (answer.detail or "")
    assert not any(requests)


async def test_a_send_over_tls_with_a_trusted_certificate_is_accepted_and_the_connection_kept(
    line_to: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    day = datetime(2026, 1, 1, tzinfo=UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, day, day.replace(year=2099))
    certificate = builder.add_extension(address, critical=False).sign(key, hashes.SHA256())
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "pair.pem").write_bytes(key.private_bytes(*form) + pem)
    (tmp_path / "trusted.pem").write_bytes(pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "pair.pem")
    server = await RawServer(answering(202)).start(context)
    carrier = line_to(f"https://127.0.0.1:{server.port}")
    answers = [await carrier.send(TEMPLATE, TAG) for _ in range(3)]
    await carrier.transport.close()
    await server.stop()
    assert {(a.outcome, a.status) for a in answers} == {(Outcome.ACCEPTED, 202)}
    assert (server.connections, len(server.requests)) == (1, 3)


async def test_a_kept_connection_that_breaks_is_unknown_and_not_repeated(
    serve: Any, does: Any, line_to: Any
) -> None:
    async def behave(reader: Any, writer: Any, request: bytes) -> None:
        if len(server.requests) == 1:
            writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}")
        else:
            writer.close()

    server = await serve(behave)
    carrier = line_to(server.url)
    assert (await carrier.send(TEMPLATE, TAG)).outcome is Outcome.ACCEPTED
    assert (await carrier.send(TEMPLATE, TAG)).outcome is Outcome.UNKNOWN
    assert (server.connections, len(server.requests)) == (1, 2)


@pytest.mark.parametrize("status", [202, 422])
async def test_connections_are_used_again(serve: Any, does: Any, line_to: Any, status: int) -> None:
    server = await serve(does.answering(status))
    carrier = line_to(server.url)
    for _ in range(5):
        await carrier.send(TEMPLATE, TAG)
    assert (server.connections, len(server.requests)) == (1, 5)


@pytest.mark.parametrize("token", ["", "two\r\nX-Evil: 1", "with space", "ключ"])
async def test_a_garbled_token_is_denied_and_nothing_leaves(
    serve: Any, does: Any, line_to: Any, token: str
) -> None:
    server = await serve(does.answering(202))
    message = LineNotification(to=NUMBER, flexible=False, payload={}, access_token=token)
    assert (await line_to(server.url).send(message, TAG)).outcome is Outcome.DENIED
    assert not server.requests


@pytest.mark.parametrize("base", ["", "api.line.me", "ftp://api.line.me", "https://"])
async def test_a_base_url_that_is_none(line_to: Any, base: str) -> None:
    with pytest.raises(ValueError, match="base URL"):
        line_to(base)


async def test_request_ids_are_made_plain(serve: Any, does: Any, line_to: Any) -> None:
    server = await serve(does.answering(202, b"{}", "x-line-request-id: " + "r" * 500))
    answer = await line_to(server.url).send(TEMPLATE, TAG)
    assert answer.request_id == "r" * 100


async def test_cookies_are_not_kept_and_no_proxy_is_used(
    serve: Any, does: Any, line_to: Any, monkeypatch: Any
) -> None:
    server = await serve(does.answering(202, b"{}", "Set-Cookie: a=b"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    carrier = line_to(server.url)
    assert {(await carrier.send(TEMPLATE, TAG)).outcome for _ in range(2)} == {Outcome.ACCEPTED}
    assert all(b"a=b" not in request for request in server.requests)


async def test_an_idle_connection_is_left_before_the_server_may_close_it(
    serve: Any, does: Any, line_to: Any
) -> None:
    server = await serve(does.answering(202))
    carrier = line_to(server.url, keepalive=0.0)
    for _ in range(3):
        await carrier.send(TEMPLATE, TAG)
    assert (server.connections, len(server.requests)) == (3, 3)


async def test_an_answer_that_nobody_waits_for_is_not_taken_for_the_next_one(
    serve: Any, line_to: Any
) -> None:
    async def behave(reader: Any, writer: Any, request: bytes) -> None:
        answer = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}"
        # The first time twice: a server that answers what was never asked.
        writer.write(answer * 2 if len(server.requests) == 1 else answer.replace(b"202", b"422"))

    server = await serve(behave)
    carrier = line_to(server.url)
    assert (await carrier.send(TEMPLATE, TAG)).outcome is Outcome.ACCEPTED
    assert (await carrier.send(TEMPLATE, TAG)).outcome is Outcome.UNREACHABLE
    assert server.connections == 2


async def test_a_send_that_is_cancelled_leaves_no_connection_behind(
    serve: Any, does: Any, line_to: Any
) -> None:
    came = asyncio.Event()

    async def behave(reader: Any, writer: Any, request: bytes) -> None:
        if len(server.requests) == 1:
            came.set()
            await asyncio.get_running_loop().create_future()
        writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}")

    server = await serve(behave)
    carrier = line_to(server.url, limit=1)
    first = asyncio.create_task(carrier.send(TEMPLATE, TAG))
    await came.wait()
    first.cancel()
    assert (await carrier.send(TEMPLATE, TAG)).outcome is Outcome.ACCEPTED
    assert server.connections == 2


async def test_a_connection_that_comes_free_as_somebody_stops_waiting_for_it_is_not_lost(
    line_to: Any,
) -> None:
    transport = line_to("http://127.0.0.1:9", limit=1, connect=0).transport
    transport._room -= 1
    waiting = asyncio.create_task(transport.post(b""))
    await asyncio.sleep(0)
    # Its time is up in the same turn of the event loop.
    transport._leave_room()
    with pytest.raises(NotSent, match="all of them are busy"):
        await waiting
    assert transport._room == 1


async def test_nothing_leaves_after_closing_for_whoever_waited_for_a_connection(
    serve: Any, line_to: Any
) -> None:
    came = asyncio.Event()

    async def behave(reader: Any, writer: Any, request: bytes) -> None:
        came.set()
        await asyncio.get_running_loop().create_future()

    server = await serve(behave)
    carrier = line_to(server.url, limit=1, total=2.0)
    sends = [asyncio.create_task(carrier.send(TEMPLATE, TAG)) for _ in range(3)]
    await came.wait()
    await carrier.transport.close()
    async with asyncio.timeout(5):
        outcomes = [(await x).outcome for x in sends]
    assert outcomes == [Outcome.UNKNOWN, Outcome.FAILED, Outcome.FAILED]
    assert len(server.requests) == 1
    assert carrier.transport._room == 1


async def test_whoever_asked_by_a_call_hears_of_a_host_name_that_is_none() -> None:
    told: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    async with Transport("http://api..line.me") as transport:
        transport.begin(b"", told.set_result)
        assert isinstance(await asyncio.wait_for(told, 5), NotSent)
