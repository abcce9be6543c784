"""The business's own system as a carrier: signing, and what every kind of answer comes to."""

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from carriers.hooks import BODY, SECRET, TAG, TEXT, posting
from todoke.carriers.callback import CallbackCarrier, check_secret, new_secret, signed_headers
from todoke.carriers.callback import carrier as callback_module
from todoke.carriers.guarded import guarded_session
from todoke.core.outcome import Outcome

MANUAL = Path(__file__).parents[2] / "docs" / "callback.md"


@pytest.fixture
async def inside() -> AsyncIterator[CallbackCarrier]:
    """A carrier that may reach this machine, as with an emulator."""
    async with guarded_session(True) as http:
        yield CallbackCarrier(http, True)


async def test_what_leaves_is_signed_so_that_the_standards_own_library_verifies_it(
    serve: Any, does: Any, inside: CallbackCarrier
) -> None:
    server = await serve(does.answering(204, b""))
    answer = await inside.send(posting(server.url + "/hook?a=1"), TAG)
    assert (answer.outcome, answer.status, answer.detail) == (Outcome.ACCEPTED, 204, None)
    (request,) = server.requests
    head, body = request.split(b"\r\n\r\n", 1)
    assert head.startswith(b"POST /hook?a=1 HTTP/1.1\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    assert (body, headers["Content-Type"], headers["webhook-id"]) == (BODY, "application/json", "msg_1")
    assert Webhook(SECRET).verify(body, headers) == json.loads(BODY)
    for forged in (
        {**headers, "webhook-id": "msg_2"},
        {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)},
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(body, forged)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret(bytes(32))).verify(body, headers)


@given(
    st.binary(min_size=24, max_size=64),
    st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True),
    st.integers(0, 4_000_000_000_000),
    st.text(max_size=50),
)
def test_signatures_are_the_ones_of_the_library(key: bytes, id: str, at: int, text: str) -> None:
    secret, body = new_secret(key), text.encode("utf-8", "replace")
    assert check_secret(secret) is None
    assert check_secret(secret.rstrip("=")) is None
    expected = Webhook(secret).sign(id, datetime.fromtimestamp(at // 1000, UTC), body.decode())
    for written in (secret, secret.rstrip("=")):
        headers = signed_headers(written, id, at, body)
        assert headers["webhook-signature"] == expected
        assert headers["webhook-timestamp"] == str(at // 1000)


@pytest.mark.parametrize(
    ("secret", "says"),
    [
        ("", "does not begin with whsec_"),
        ("whsec", "does not begin"),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "does not begin"),
        ("whsec_", "holds 0 bytes"),
        ("whsec_c2hvcnQ=", "holds 5 bytes"),
        ("whsec_" + "A" * 92, "holds 69 bytes"),
        ("whsec_" + "!" * 32, "is not base64"),
        ("whsec_" + "A" * 33, "is not base64"),
        ("whsec_ " + "A" * 32, "is not base64"),
        ("whsec_" + "密" * 32, "is not base64"),
    ],
)
async def test_a_wrong_secret_is_refused_without_being_shown(
    serve: Any, does: Any, inside: CallbackCarrier, secret: str, says: str
) -> None:
    found = check_secret(secret)
    assert found is not None
    assert says in found
    server = await serve(does.answering(200))
    answer = await inside.send(posting(server.url, secret=secret), TAG)
    assert answer.outcome is Outcome.FAILED
    assert "the callback secret" in (answer.detail or "")
    assert secret[6:] == "" or secret[6:] not in (answer.detail or "")
    assert not server.requests


def test_a_new_secret_wants_enough_bytes_and_not_too_many() -> None:
    assert new_secret(bytes(24)).startswith("whsec_")
    for size in (0, 23, 65):
        with pytest.raises(ValueError, match="24 to 64 bytes"):
            new_secret(bytes(size))


@pytest.mark.parametrize("id", ["", "a.b", "a\r\nX: y", "a b", "é", "a" * 129])
async def test_an_id_that_the_signature_could_mistake_is_refused(
    serve: Any, does: Any, inside: CallbackCarrier, id: str
) -> None:
    server = await serve(does.answering(200))
    answer = await inside.send(posting(server.url, id=id), TAG)
    assert (answer.outcome, server.requests) == (Outcome.FAILED, [])


ANSWERS = [
    (200, "", Outcome.ACCEPTED),
    (202, "Retry-After: 3", Outcome.ACCEPTED),
    (299, "", Outcome.ACCEPTED),
    (301, "", Outcome.FAILED),
    (302, "", Outcome.FAILED),
    (307, "", Outcome.FAILED),
    (400, "", Outcome.FAILED),
    (401, "", Outcome.FAILED),
    (404, "Retry-After: 3", Outcome.FAILED),
    (410, "", Outcome.FAILED),
    (429, "Retry-After: 3", Outcome.THROTTLED),
    (429, "", Outcome.THROTTLED),
    (500, "", Outcome.UNKNOWN),
    (502, "Retry-After: 3", Outcome.UNKNOWN),
    (503, "", Outcome.UNKNOWN),
    (503, "Retry-After: soon", Outcome.UNKNOWN),
    (503, "Retry-After: 3", Outcome.THROTTLED),
]


@pytest.mark.parametrize(("status", "header", "outcome"), ANSWERS)
async def test_every_answer_of_the_receiver(
    serve: Any, does: Any, inside: CallbackCarrier, status: int, header: str, outcome: Outcome
) -> None:
    elsewhere = await serve(does.answering(200))
    headers = [f"Location: {elsewhere.url}", *([header] if header else [])]
    server = await serve(does.answering(status, b"{}", *headers))
    answer = await inside.send(posting(server.url), TAG)
    assert (answer.outcome, answer.status) == (outcome, status)
    assert (answer.detail is None) == (outcome is Outcome.ACCEPTED)
    waits = outcome is Outcome.THROTTLED and header != ""
    assert answer.retry_after == (3000 if waits else None)
    assert (len(server.requests), elsewhere.requests) == (1, [])


@pytest.mark.parametrize("behaviour", ["hanging", "hanging_up", "resetting"])
async def test_a_request_that_broke_off_is_unknown_and_not_repeated_here(
    serve: Any, does: Any, inside: CallbackCarrier, behaviour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callback_module, "TIMEOUT", 0.3 if behaviour == "hanging" else 10.0)
    server = await serve(getattr(does, behaviour))
    answer = await inside.send(posting(server.url), TAG)
    assert (answer.outcome, answer.status) == (Outcome.UNKNOWN, None)
    assert len(server.requests) == 1


async def test_a_request_that_could_not_connect_is_failed(
    inside: CallbackCarrier, refusing_url: str, nameless_http: Any
) -> None:
    assert (await inside.send(posting(refusing_url), TAG)).outcome is Outcome.FAILED
    answer = await CallbackCarrier(nameless_http, True).send(posting("http://shop.example/hook"), TAG)
    assert answer.outcome is Outcome.FAILED
    assert "can't be resolved" in (answer.detail or "")


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"error":"no such order"}\nstack trace', 'the receiver said no ({"error":"no such order"})'),
        (b"customer +886 912 345 678 unknown", "the receiver said no (customer ••• unknown)"),
        (BODY, "the receiver said no"),
        (f"can't handle: {TEXT[3:14]}!".encode(), "the receiver said no"),
        (b"can't handle: " + json.dumps(TEXT[3:9]).encode(), "the receiver said no"),
        (b"<html><body>Bad gateway</body></html>", "the receiver said no"),
        (b"\x1f\x8b\x08\x00compressed", "the receiver said no"),
        (b"\xff\xfe\x00", "the receiver said no"),
        (b"", "the receiver said no"),
        (b"z" * 5000, "the receiver said no (" + "z" * 99 + "…)"),
    ],
)
async def test_an_answer_is_shown_as_one_short_line_without_what_we_sent(
    serve: Any, does: Any, inside: CallbackCarrier, body: bytes, detail: str
) -> None:
    server = await serve(does.answering(422, body))
    assert (await inside.send(posting(server.url), TAG)).detail == detail


async def test_a_huge_or_endless_answer_is_not_read_to_its_end(
    serve: Any, does: Any, inside: CallbackCarrier
) -> None:
    server = await serve(does.answering(200, b"x" * 200_000, length=10**12))
    answer = await inside.send(posting(server.url), TAG)
    assert answer.outcome is Outcome.ACCEPTED


def test_the_receiver_in_the_manual_takes_what_is_signed_and_each_id_once() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", MANUAL.read_text("utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(example.replace("whsec_…", SECRET), names)
    one = posting("https://shop.example.com/")
    headers = signed_headers(SECRET, one.id, one.at, one.body)
    assert names["take"](headers, one.body) == 204
    assert names["take"](headers, one.body) == 204
    assert names["notices"] == {one.id: json.loads(BODY)}
    assert names["take"](headers, one.body + b" ") == 401
