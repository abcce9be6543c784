"""Channel access tokens: issued, listed and revoked at the emulator, and what each failure means."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from linebot.v3.oauth import ApiClient, ChannelAccessToken, Configuration
from rich.pretty import pretty_repr

from emulator_support import RunningEmulator, running_emulator
from todoke.carriers.line import (
    IssuedToken,
    KeyIds,
    LineAccount,
    LineTokens,
    Revoked,
    SigningKey,
    parse_private_key,
)

NOW = 1_786_000_000_000
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PAIR = rsa.generate_private_key(65537, 2048)
KEY = SigningKey(PAIR, "kid-1")
SECRET = "8c570fa6dd201bb328f1c1eac23a96d8"


@pytest.fixture
async def emulator() -> AsyncIterator[RunningEmulator]:
    async with running_emulator() as running:
        await running.clock(mode="paused")
        yield running


class House:
    """A channel at the emulator with a signing key, and what asks for its tokens."""

    def __init__(
        self, emulator: RunningEmulator, http: aiohttp.ClientSession, channel: dict[str, Any]
    ) -> None:
        self.emulator = emulator
        self.id: str = channel["channel_id"]
        self.secret: str = channel["channel_secret"]
        self.tokens = LineTokens(http, emulator.url)
        self.account = LineAccount(http, emulator.url)
        self.key: SigningKey = KEY

    @property
    def now(self) -> int:
        return int(self.emulator.state.clock.now())

    async def works(self, token: str) -> bool:
        return (await self.account.bot_info(token)).ok


@pytest.fixture
async def house(emulator: RunningEmulator, http: aiohttp.ClientSession) -> House:
    made = House(emulator, http, await emulator.channel())
    pair = await emulator.control("POST", f"/channels/{made.id}/keys", {"generate": True})
    made.key = parse_private_key(json.dumps(pair))
    return made


async def test_a_stateless_token_is_issued_by_secret_or_key_for_a_quarter_of_an_hour(house: House) -> None:
    by_secret = await house.tokens.issue_stateless(house.id, house.secret)
    by_key = await house.tokens.issue_stateless_by_key(house.id, house.key, house.now)
    for issued in (by_secret, by_key):
        assert (issued.ok, issued.status, issued.expires_in, issued.key_id) == (True, 200, 900, None)
        assert await house.works(issued.access_token)
    await house.emulator.clock(advance="15m")
    assert not await house.works(by_secret.access_token)


async def test_a_token_of_v21_lasts_as_long_as_asked_and_is_listed_until_it_is_revoked(house: House) -> None:
    day = await house.tokens.issue_v21(house.id, house.key, house.now, 86_400)
    month = await house.tokens.issue_v21(house.id, house.key, house.now)
    assert (day.expires_in, month.expires_in) == (86_400, 30 * 86_400)
    assert await house.works(day.access_token)
    assert await house.works(month.access_token)
    listed = await house.tokens.valid_key_ids(house.id, house.key, house.now)
    assert listed.key_ids == (day.key_id, month.key_id)
    for _ in range(2):
        assert (await house.tokens.revoke_v21(house.id, house.secret, month.access_token)).ok
    assert not await house.works(month.access_token)
    listed = await house.tokens.valid_key_ids(house.id, house.key, house.now)
    assert listed.key_ids == (day.key_id,)


async def test_the_31st_token_of_v21_is_refused_for_good_and_a_stateless_one_is_still_to_be_had(
    house: House,
) -> None:
    for _ in range(30):
        assert (await house.tokens.issue_v21(house.id, house.key, house.now)).ok
    refused = await house.tokens.issue_v21(house.id, house.key, house.now)
    assert (refused.ok, refused.status, refused.retryable) == (False, 400, False)
    assert "maximum number" in (refused.error or "")
    assert (await house.tokens.issue_stateless_by_key(house.id, house.key, house.now)).ok


@pytest.mark.parametrize("minutes", [-14, 14])
async def test_a_clock_that_is_wrong_by_a_quarter_of_an_hour_does_no_harm(house: House, minutes: int) -> None:
    issued = await house.tokens.issue_v21(house.id, house.key, house.now + minutes * 60_000)
    assert issued.ok


@pytest.mark.parametrize("minutes", [-16, 16])
async def test_a_clock_that_is_more_wrong_is_named_as_a_cause(house: House, minutes: int) -> None:
    issued = await house.tokens.issue_v21(house.id, house.key, house.now + minutes * 60_000)
    assert (issued.status, issued.retryable) == (400, False)
    assert "clock" in (issued.error or "")


async def test_a_wrong_secret_or_key_is_final_and_says_what_to_set(house: House) -> None:
    stranger = SigningKey(PAIR, house.key.key_id)
    unregistered = SigningKey(PAIR, "another")
    tokens = house.tokens
    results = {
        "channel secret": [
            await tokens.issue_stateless(house.id, "x" * 32),
            await tokens.issue_stateless("nobody", house.secret),
            await tokens.revoke_v21(house.id, "x" * 32, "a.b.c"),
        ],
        "registered": [
            await tokens.issue_v21(house.id, stranger, house.now),
            await tokens.issue_v21(house.id, unregistered, house.now),
            await tokens.issue_v21("1234567890", house.key, house.now),
            await tokens.issue_stateless_by_key(house.id, stranger, house.now),
            await tokens.valid_key_ids(house.id, stranger, house.now),
        ],
    }
    for remedy, found in results.items():
        for result in found:
            assert (result.ok, result.retryable, result.status in (400, 404)) == (False, False, True)
            assert remedy in (result.error or "")
            assert house.secret not in (result.error or "")
    assert results["registered"][1].status == 404


# Faults


async def all_calls(tokens: LineTokens) -> list[Any]:
    return [
        await tokens.issue_stateless("165", SECRET),
        await tokens.issue_stateless_by_key("165", KEY, NOW),
        await tokens.issue_v21("165", KEY, NOW),
        await tokens.revoke_v21("165", SECRET, "a.b.c"),
        await tokens.valid_key_ids("165", KEY, NOW),
    ]


@pytest.mark.parametrize(
    ("status", "retryable"),
    [(301, False), (400, False), (401, False), (404, False), (429, True), (500, True), (503, True)],
)
async def test_every_status(serve: Any, does: Any, http: Any, status: int, retryable: bool) -> None:
    elsewhere = await serve(does.answering(200, b'{"access_token":"t","expires_in":9,"kids":[]}'))
    body = json.dumps({"error": "e", "error_description": f"about {SECRET}"}).encode()
    server = await serve(does.answering(status, body, "Retry-After: 7", f"Location: {elsewhere.url}/"))
    for result in await all_calls(LineTokens(http, server.url)):
        assert (result.ok, result.status, result.retryable) == (False, status, retryable)
        assert result.retry_after == (7_000 if retryable else None)
        assert SECRET not in result.error
    assert not elsewhere.requests


async def test_trouble_on_the_way_is_retryable(
    serve: Any, does: Any, http: Any, hasty_http: Any, nameless_http: Any, refusing_url: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr("todoke.carriers.line.asking.SECONDS", 0.3)
    servers = [
        (hasty_http, (await serve(does.hanging)).url),
        (http, (await serve(does.hanging_up)).url),
        (http, (await serve(does.resetting)).url),
        (http, (await serve(does.writing(b"not HTTP\r\n\r\n"))).url),
        (http, refusing_url),
        (nameless_http, "https://api.example.com"),
    ]
    for session, url in servers:
        results = await all_calls(LineTokens(session, url))
        assert {(result.ok, result.status, result.retryable) for result in results} == {(False, None, True)}
    cut = await serve(does.answering(200, b'{"access_token":"t', length=90))
    issued = await LineTokens(http, cut.url).issue_stateless("165", SECRET)
    assert (issued.ok, issued.status, issued.retryable) == (False, 200, True)


STRANGE = [
    b"",
    b"{}",
    b"[]",
    b"null",
    b"<html>",
    b"\xff",
    b"[" * 50_000,
    b'{"access_token":"t"}',
    b'{"access_token":"t","expires_in":0}',
    b'{"access_token":"t","expires_in":-1}',
    b'{"access_token":"t","expires_in":99999999999}',
    b'{"access_token":"t","expires_in":"9"}',
    b'{"access_token":"t","expires_in":1.5}',
    b'{"access_token":"t","expires_in":NaN}',
    b'{"access_token":"","expires_in":9}',
    b'{"access_token":7,"expires_in":9}',
    b'{"access_token":"a b","expires_in":9}',
    b'{"access_token":"a\\r\\nX-Evil: 1","expires_in":9}',
    b'{"access_token":"' + b"t" * 4_001 + b'","expires_in":9}',
    b'{"access_token":"t","expires_in":9,"pad":"' + b"x" * 100_000 + b'"}',
    b'{"access_token":"t","expires_in":9,"key_id":7}',
]


@pytest.mark.parametrize("body", STRANGE, ids=range(len(STRANGE)))
async def test_a_200_that_is_no_token_is_an_error_and_never_a_token(
    serve: Any, does: Any, http: Any, body: bytes
) -> None:
    server = await serve(does.answering(200, body))
    issued = await LineTokens(http, server.url).issue_v21("165", KEY, NOW)
    assert (issued.ok, issued.access_token, issued.status, issued.retryable) == (False, "", 200, False)
    assert "not LINE's" in (issued.error or "")


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"kids":null}', b'{"kids":{}}', b'{"kids":[7]}', b'{"kids":"k"}']
)
async def test_a_200_without_key_ids_is_not_taken_for_none(
    serve: Any, does: Any, http: Any, body: bytes
) -> None:
    server = await serve(does.answering(200, body))
    listed = await LineTokens(http, server.url).valid_key_ids("165", KEY, NOW)
    assert (listed.ok, listed.key_ids) == (False, ())


async def test_fields_that_line_may_add_do_no_harm(serve: Any, does: Any, http: Any) -> None:
    body = b'{"access_token":"t","expires_in":9,"token_type":"Bearer","new":[1],"error":"e","retryable":1}'
    issued = await LineTokens(http, (await serve(does.answering(200, body))).url).issue_stateless(
        "165", SECRET
    )
    assert (issued.ok, issued.access_token, issued.retryable) == (True, "t", False)


def test_printing_a_result_shows_no_token() -> None:
    issued = IssuedToken(access_token="the.very.token", expires_in=9, key_id="k")
    for shown in (repr(issued), str(issued), pretty_repr(issued), f"{[issued]}"):
        assert "very" not in shown
        assert "expires_in=9" in shown
    assert "no luck" in repr(IssuedToken(error="no luck", retryable=True))
    assert Revoked().ok
    assert KeyIds(kids=()).ok


async def test_the_requests_are_those_of_lines_own_sdk(serve: Any, does: Any, http: Any) -> None:
    body = b'{"access_token":"t","expires_in":9,"token_type":"Bearer","key_id":"k","kids":[]}'
    server = await serve(does.answering(200, body, "Content-Type: application/json"))
    await all_calls(LineTokens(http, server.url))
    ours = server.requests[:]
    assertions = [_form(request)["client_assertion"] for request in (ours[1], ours[2], ours[4])]
    sdk = ChannelAccessToken(ApiClient(Configuration(host=server.url)))

    def ask() -> None:
        sdk.issue_stateless_channel_token_by_client_secret("165", SECRET)
        sdk.issue_stateless_channel_token_by_jwt_assertion(assertions[0])
        sdk.issue_channel_token_by_jwt("client_credentials", JWT_BEARER, assertions[1])
        sdk.revoke_channel_token_by_jwt("165", SECRET, "a.b.c")
        sdk.gets_all_valid_channel_access_token_key_ids(JWT_BEARER, assertions[2])

    await asyncio.to_thread(ask)
    for mine, theirs in zip(ours, server.requests[5:], strict=True):
        assert mine.split(b"?")[0].split(b" HTTP")[0] == theirs.split(b"?")[0].split(b" HTTP")[0]
        assert _form(mine) == _form(theirs)
        assert b"authorization" not in mine.lower()


def _form(request: bytes) -> dict[str, str]:
    """The fields of a request's body, or of its query where it has no body."""
    head, _, body = request.decode().partition("\r\n\r\n")
    if not body:
        body = head.split(" ")[1].partition("?")[2]
    else:
        assert "application/x-www-form-urlencoded" in head.lower()
    return {name: value for name, (value,) in parse_qs(body, strict_parsing=True).items()}
