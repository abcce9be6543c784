"""SMS providers over the wire: what leaves, and what every kind of answer or failure comes to."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from carriers.shop import MESSAGE_OUT, NOW, NUMBER, TAG, TEXT, TOKEN, URL, carrier, declared, posted
from todoke.carriers import Carrier, EventKind, SmsMessage
from todoke.carriers.declarations import DeclarationError
from todoke.carriers.over_http import make_session
from todoke.carriers.sms_http import (
    SmsHttpCarrier,
    emulator_declaration,
)
from todoke.core.outcome import Outcome

REPLIES = URL.replace("receipts", "replies")


async def test_emulators_carrier(serve: Any, does: Any, http: Any) -> None:
    server = await serve(does.answering(202, b'{"message_id":"m-1"}'))
    sms: Carrier[SmsMessage] = SmsHttpCarrier(
        http, emulator_declaration(server.url + "/"), {}, URL, TOKEN, REPLIES
    )
    answer = await sms.send(MESSAGE_OUT, TAG)
    assert (answer.outcome, answer.status, answer.request_id) == (Outcome.ACCEPTED, 202, "m-1")
    head, body = server.requests[0].split(b"\r\n\r\n", 1)
    assert head.startswith(b"POST /_emulator/v1/carrier/messages HTTP/1.1")
    assert json.loads(body) == {
        "to": NUMBER,
        "text": TEXT,
        "reference": TAG,
        "receipt_url": URL,
        "receipt_token": TOKEN,
        "reply_url": REPLIES,
    }
    receipt = {"message_id": "m-1", "reference": TAG, "status": "delivered", "at": "2026-08-07T12:00:00Z"}
    headers = {"authorization": f"Bearer {TOKEN}"}
    (event,) = posted(sms, headers, json.dumps(receipt).encode(), TOKEN, NOW)
    assert (event.kind, event.tag, event.at) == (EventKind.PROOF, TAG, 1_786_104_000_000)
    failed = json.dumps({**receipt, "status": "failed"}).encode()
    (other,) = posted(sms, headers, failed, TOKEN, NOW)
    assert (other.kind, other.tag) == (EventKind.NO_PROOF, TAG)
    assert other.id != event.id


async def test_what_leaves_as_form_and_as_query(serve: Any, does: Any, http: Any) -> None:
    server = await serve(does.answering(200, b'{"result":{"code":0,"ids":[77]}}'))
    fields = {
        "user": "u&1 密",
        "to": "886912345678",
        "home": "0912345678",
        "body": TEXT,
        "ref": TAG,
    }
    answer = await carrier(http, server.url + "/a").send(MESSAGE_OUT, TAG)
    assert (answer.outcome, answer.request_id) == (Outcome.ACCEPTED, "77")
    query = (("encoding: form", "encoding: query\nmethod: GET\nheaders: {X-Key: '{secret:USER}'}"),)
    assert (
        await carrier(http, server.url + "/b?x={secret:USER}", *query).send(MESSAGE_OUT, TAG)
    ).status == 200
    form, get = (request.decode() for request in server.requests)
    assert "Content-Type: application/x-www-form-urlencoded" in form
    assert {name: values[0] for name, values in parse_qs(form.split("\r\n\r\n")[1]).items()} == fields
    target = get.split(" ")[1]
    assert target.startswith("/b?x=u%261%20%E5%AF%86&")
    assert {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()} == {
        **fields,
        "x": "u&1 密",
    }


async def test_json_may_hold_lists_and_literals(serve: Any, does: Any, http: Any) -> None:
    server = await serve(does.answering(200))
    nested = (
        ("encoding: form", "encoding: json"),
        ('ref: "{tag}"', 'ref: [{a: "{tag}", n: 1, "yes": true, none: null}]'),
    )
    await carrier(http, server.url, *nested).send(MESSAGE_OUT, TAG)
    assert json.loads(server.requests[0].split(b"\r\n\r\n")[1])["ref"] == [
        {"a": TAG, "n": 1, "yes": True, "none": None}
    ]


OK = b'{"result":{"code":0}}'
NO = b'{"result":{"code":"-1","why":"no"}}'

ANSWERS = [
    (200, OK, Outcome.ACCEPTED),
    (201, b'{"result":{"code":"ok"}}', Outcome.ACCEPTED),
    (200, NO, Outcome.FAILED),
    (200, b'{"result":{"code":"no_credit"}}', Outcome.FAILED),
    (200, b'{"result":{"code":7}}', Outcome.UNKNOWN),
    (200, b'{"result":{}}', Outcome.UNKNOWN),
    (200, b"<html>maintenance</html>", Outcome.UNKNOWN),
    (200, b"", Outcome.UNKNOWN),
    (200, b"[" * 60_000, Outcome.UNKNOWN),
    (302, OK, Outcome.FAILED),
    (400, OK, Outcome.FAILED),
    (401, NO, Outcome.FAILED),
    (403, b"", Outcome.FAILED),
    (404, b"", Outcome.FAILED),
    (422, b"", Outcome.FAILED),
    (429, NO, Outcome.THROTTLED),
    (500, OK, Outcome.UNKNOWN),
    (500, NO, Outcome.UNKNOWN),
    (503, b"", Outcome.UNKNOWN),
]


@pytest.mark.parametrize(("status", "body", "outcome"), ANSWERS)
async def test_every_answer(
    serve: Any, does: Any, http: Any, status: int, body: bytes, outcome: Outcome
) -> None:
    elsewhere = await serve(does.answering(200, OK))
    server = await serve(does.answering(status, body, "Retry-After: 3", f"Location: {elsewhere.url}"))
    answer = await carrier(http, server.url).send(MESSAGE_OUT, TAG)
    assert (answer.outcome, answer.status, answer.quota_used_up) == (outcome, status, False)
    assert (answer.detail is None) == (outcome is Outcome.ACCEPTED)
    assert (answer.retry_after == 3000) == (outcome in (Outcome.FAILED, Outcome.THROTTLED))
    assert len(server.requests) == 1
    assert not elsewhere.requests


@pytest.mark.parametrize("method", ["POST", "PUT", "GET"])
@pytest.mark.parametrize("behaviour", ["hanging", "hanging_up", "resetting"])
async def test_every_break_is_unknown_and_never_repeated(
    serve: Any, does: Any, http: Any, behaviour: str, method: str
) -> None:
    server = await serve(getattr(does, behaviour))
    limit = "300ms" if behaviour == "hanging" else "10s"
    change = ("encoding: form", f"encoding: query\nmethod: {method}\ntimeout: {limit}")
    answer = await carrier(http, server.url, change).send(MESSAGE_OUT, TAG)
    assert (answer.outcome, answer.status) == (Outcome.UNKNOWN, None)
    assert len(server.requests) == 1


async def test_not_connected_is_failed(http: Any, nameless_http: Any, refusing_url: str) -> None:
    for method in ("POST", "GET"):
        change = ("encoding: form", f"encoding: query\nmethod: {method}")
        assert (await carrier(http, refusing_url, change).send(MESSAGE_OUT, TAG)).outcome is Outcome.FAILED
    sms = SmsHttpCarrier(nameless_http, declared(), {"USER": "u"})
    assert (await sms.send(MESSAGE_OUT, TAG)).outcome is Outcome.FAILED


async def test_a_cut_body_of_a_2xx(serve: Any, does: Any, http: Any) -> None:
    server = await serve(does.answering(200, OK, length=90))
    assert (await carrier(http, server.url).send(MESSAGE_OUT, TAG)).outcome is Outcome.UNKNOWN
    by_status = ('{statuses: ["200-299"], json: {path: result.code, one_of: [0, "ok"]}}', "{statuses: [200]}")
    assert (await carrier(http, server.url, by_status).send(MESSAGE_OUT, TAG)).outcome is Outcome.ACCEPTED


async def test_rules_by_text(serve: Any, does: Any, http: Any) -> None:
    changes = (
        (
            '{statuses: ["200-299"], json: {path: result.code, one_of: [0, "ok"]}}',
            '{text: "(?m)^code=[01]$"}',
        ),
        ('{json: {path: result.code, one_of: [-1, "no_credit"]}}', '{text: "(?m)^code=[a-z]$"}'),
        ('{json: "result.ids[0]"}', '{text: "id=(\\\\w+)"}'),
        ("{json: result.why}", '{text: "why=(.*)"}'),
    )
    taken = await serve(does.answering(200, b"[1]\nid=A7\ncode=1\n"))
    answer = await carrier(http, taken.url, *changes).send(MESSAGE_OUT, TAG)
    assert (answer.outcome, answer.request_id) == (Outcome.ACCEPTED, "A7")
    refused = await serve(does.answering(200, b"code=e\nwhy=wrong password\n"))
    answer = await carrier(http, refused.url, *changes).send(MESSAGE_OUT, TAG)
    assert (answer.outcome, answer.detail) == (Outcome.FAILED, "the provider said no (wrong password)")


async def test_details_hold_no_number_text_or_secret(serve: Any, does: Any, http: Any) -> None:
    why = f"user u&1 密: bad number {NUMBER} 0912-345-678 886912345678 for '{TEXT}'\r\n"
    server = await serve(does.answering(400, json.dumps({"result": {"why": why}}).encode()))
    answer = await carrier(http, server.url).send(MESSAGE_OUT, TAG)
    assert answer.detail == "the provider said no (user •••: bad number ••• for '…')"


async def test_secrets_and_settings_must_be_there(http: Any) -> None:
    for secrets, says in (
        ({}, "USER: is not set"),
        ({"USER": ""}, "not set"),
        ({"USER": "a\nb"}, "line end"),
    ):
        with pytest.raises(DeclarationError, match=says) as caught:
            SmsHttpCarrier(http, declared(), secrets)
        assert "a\nb" not in str(caught.value)
    emulator = emulator_declaration("http://127.0.0.1:8600")
    with pytest.raises(DeclarationError, match="receipt_url"):
        SmsHttpCarrier(http, emulator, {}, "", TOKEN, REPLIES)
    with pytest.raises(DeclarationError, match="reply_url"):
        SmsHttpCarrier(http, emulator, {}, URL, TOKEN, "")
    with pytest.raises(DeclarationError, match="receipt_token"):
        SmsHttpCarrier(http, emulator, {}, URL, "", REPLIES)
    assert SmsHttpCarrier(http, emulator, {}, URL, TOKEN, REPLIES).gives_proof
    assert not SmsHttpCarrier(http, declared(), {"USER": "u"}).gives_proof


async def test_connections_are_used_again(serve: Any, does: Any) -> None:
    server = await serve(does.answering(200, OK))
    async with make_session(2) as http:
        sms = carrier(http, server.url)
        answers = [await sms.send(MESSAGE_OUT, TAG) for _ in range(5)]
    assert {answer.outcome for answer in answers} == {Outcome.ACCEPTED}
    assert server.connections == 1
