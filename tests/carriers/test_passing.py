"""What is read of a webhook to pass it on, and what a target's answers mean."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from linebot.v3.webhook import SignatureValidator, WebhookParser

from hub_support import System, event, running_system, webhook
from todoke.carriers.guarded import guarded_session
from todoke.carriers.line.cutting import without
from todoke.carriers.line.glance import connection_check, destination_of, glance
from todoke.carriers.passing import PassedOn, Passing
from todoke.core.outcome import Outcome

BODY = webhook(event(1, "U1"))


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with guarded_session(True) as session:
        yield session


@pytest.fixture
async def bot() -> AsyncIterator[System]:
    async with running_system() as system:
        yield system


def passed(url: str, body: bytes = BODY, **more: object) -> PassedOn:
    values = {"url": url, "target_id": "T1", "body": body, "signed": {"x-signed": "s"}, "headers": {}} | more
    return PassedOn(**values)  # type: ignore[arg-type]


def test_types_and_all_whom_events_are_of_are_seen() -> None:
    found = glance(webhook(event(1, "U1"), event(2, "U2", "G1"), event(3, type="delivery")))
    assert found.types == {"message", "delivery"}
    assert found.sources == {"U1", "U2", "G1"}
    room = b'{"events":[{"type":"join","source":{"type":"room","roomId":"R1"}}]}'
    assert glance(room).sources == {"R1"}


@pytest.mark.parametrize(
    ("body", "types", "sources"),
    [
        (b"", None, set()),
        (b"no", None, set()),
        (b'{"events": {}}', None, set()),
        (b"[" * 200_000, None, set()),
        (b'{"events": []}', set(), set()),
        (b'{"events": [1, null, "x", {"type": 5}]}', set(), set()),
        (
            b'{"events": [{"type": "a", "source": 1}, {"type": "b", "source": {"userId": "U1"}}]}',
            {"a", "b"},
            {"U1"},
        ),
        (b'{"events": [{"type": "a", "source": {"userId": 7, "groupId": "G"}}]}', {"a"}, {"G"}),
    ],
)
def test_what_line_does_not_document_is_seen_as_far_as_it_can_be(
    body: bytes, types: set[str] | None, sources: set[str]
) -> None:
    found = glance(body)
    assert (found.types, found.sources) == (types, sources)


@pytest.mark.parametrize("broken", [b"\\ud83d", b"\xff\xfe", b"\xed\xa0\xbd"])
def test_a_body_with_half_a_character_is_seen_as_any_other(broken: bytes) -> None:
    body = webhook(event(1, "U1") | {"text": "@"}, event(2, "U2", "G1", type="postback"))
    found = glance(body.replace(b"@", broken))
    assert (found.types, found.sources) == ({"message", "postback"}, {"U1", "U2", "G1"})


@pytest.mark.parametrize("broken", [b"\\ud83d", b"\xff\xfe", "包裹 🚚".encode()])
def test_what_is_cut_is_utf_8_that_line_s_sdk_verifies(broken: bytes) -> None:
    one, other = event(1, "U1") | {"text": "@"}, event(2, "U2")
    body = webhook(one, other).replace(b"@", broken)
    found = without(body, lambda text: "U2" in text, "secret")
    assert found is not None
    headers, cut = found
    assert SignatureValidator("secret").validate(cut.decode("utf-8"), headers["x-line-signature"])
    assert (b"U1" in cut, b"U2" in cut) == (True, False)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_glance(body: bytes) -> None:
    glance(body)
    destination_of(body)
    glance(b'{"events":[' + body + b"]}")


def test_the_connection_check_is_line_s_own() -> None:
    """The test vector of LINE's documentation is held in test_line_events; here LINE's SDK is asked."""
    headers, body = connection_check("secret", "U1")
    assert body == b'{"destination":"U1","events":[]}'
    (signature,) = headers.values()
    assert SignatureValidator("secret").validate(body.decode(), signature)
    assert WebhookParser("secret").parse(body.decode(), signature) == []
    assert destination_of(body) == "U1"
    assert destination_of(b'{"events": []}') is None


@pytest.mark.parametrize(
    ("status", "headers", "outcome", "wait", "says"),
    [
        (200, {}, Outcome.ACCEPTED, None, None),
        (204, {}, Outcome.ACCEPTED, None, None),
        (304, {}, Outcome.FAILED, None, "redirects are not followed: enter the final URL"),
        (400, {}, Outcome.FAILED, None, "the target said no"),
        (410, {}, Outcome.FAILED, None, "the target wants no more of these (410)"),
        (429, {"Retry-After": "7"}, Outcome.THROTTLED, 7000, "the target asks to come later"),
        (503, {"Retry-After": "7"}, Outcome.FAILED, 7000, "the target's own fault"),
        (500, {"Retry-After": "7"}, Outcome.FAILED, None, "the target's own fault"),
    ],
)
async def test_what_an_answer_means(
    http: aiohttp.ClientSession,
    bot: System,
    status: int,
    headers: dict[str, str],
    outcome: Outcome,
    wait: int | None,
    says: str | None,
) -> None:
    bot.answer = lambda _: web.Response(status=status, headers=headers)
    found = await Passing(http, True).send(passed(bot.url))
    assert (found.outcome, found.status, found.retry_after, found.detail) == (outcome, status, wait, says)


async def test_headers_that_a_target_wants_never_take_the_place_of_ours(
    http: aiohttp.ClientSession, bot: System
) -> None:
    headers = {"Content-Type": "text/plain", "x-signed": "forged", "X-Mine": "1"}
    await Passing(http, True).send(passed(bot.url, headers=headers, number=3, replay=True))
    ((got, body),) = bot.got
    assert body == BODY
    assert (got["x-signed"], got["x-mine"]) == ("s", "1")
    assert got["content-type"] == "application/json; charset=utf-8"
    assert (got["todoke-target"], got["todoke-try"], got["todoke-replay"]) == ("T1", "3", "yes")


async def test_nobody_there_is_said_and_surely_nothing_was_sent(http: aiohttp.ClientSession) -> None:
    async with running_system() as gone:
        pass
    found = await Passing(http, True).send(passed(gone.url))
    assert (found.outcome, found.status) == (Outcome.FAILED, None)
    assert (found.detail or "").startswith("could not connect to 127.0.0.1")


async def test_an_answer_s_words_are_shown_but_never_what_we_sent_or_a_number(
    http: aiohttp.ClientSession, bot: System
) -> None:
    for text, says in (
        ("queue is full\nat line 3", "the target's own fault (queue is full)"),
        ("<html>", "the target's own fault"),
        (BODY.decode(), "the target's own fault"),
        ("call +886912345678", "the target's own fault (call •••)"),
        ("\udcff\x00".encode("utf-8", "surrogatepass").decode("latin-1"), None),
    ):
        bot.answer = lambda _, text=text: web.Response(status=500, text=text)  # type: ignore[misc]
        found = await Passing(http, True).send(passed(bot.url))
        assert says is None or found.detail == says


@pytest.mark.parametrize(
    "said",
    [
        "bad text: 我住祕密街九號",
        "no 王小明 here",
        r"bad: \u6211\u4f4f\u7955",
        "of MY  Secret parcel",
        'say "hello there"',
    ],
)
async def test_an_answer_that_repeats_what_stood_escaped_in_the_body_is_not_shown(
    http: aiohttp.ClientSession, bot: System, said: str
) -> None:
    text = '我住祕密街九號 王小明, my\nsecret parcel "hello there"'
    body = json.dumps({"events": [event(1, "U1") | {"text": text}]}).encode()
    assert text.encode() not in body
    bot.answer = lambda _: web.Response(status=422, text=said)
    assert (await Passing(http, True).send(passed(bot.url, body))).detail == "the target said no"
