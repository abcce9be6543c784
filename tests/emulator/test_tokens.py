"""Channel access tokens: issued by assertion or secret, verified, listed, revoked; and the keys that sign for them."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from linebot.v3.messaging import ApiClient as MessagingClient
from linebot.v3.messaging import Configuration as MessagingConfiguration
from linebot.v3.messaging import MessagingApi, PnpTemplatedMessageRequest
from linebot.v3.oauth import ApiClient, ChannelAccessToken, Configuration
from linebot.v3.oauth.exceptions import ApiException

from emulator_support import TEMPLATE, Reply, RunningEmulator, line_hash, running_emulator

PHONE = "+818000001234"
AUDIENCE = "https://api.line.me/"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
DAYS_30 = 30 * 86_400
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PAIR = rsa.generate_private_key(65537, 2048)


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8))


def public_key(pair: rsa.RSAPrivateKey = PAIR, **changes: Any) -> dict[str, Any]:
    numbers = pair.public_key().public_numbers()
    key = {"kty": "RSA", "alg": "RS256", "use": "sig", "e": number(numbers.e), "n": number(numbers.n)}
    return {name: value for name, value in (key | changes).items() if value is not None}


def signed(header: bytes, payload: bytes, pair: rsa.RSAPrivateKey = PAIR) -> str:
    text = f"{b64(header)}.{b64(payload)}"
    return f"{text}.{b64(pair.sign(text.encode(), PKCS1v15(), SHA256()))}"


class Signer:
    """A channel with a registered key, which makes assertions. `changes` replace claims, or headers with `header`."""

    def __init__(self, emulator: RunningEmulator, channel: dict[str, Any], kid: str) -> None:
        self.emulator = emulator
        self.channel = channel
        self.kid = kid

    def claims(self, **changes: Any) -> dict[str, Any]:
        channel_id = self.channel["channel_id"]
        now = self.emulator.state.clock.now() // 1000
        claims = {
            "iss": channel_id,
            "sub": channel_id,
            "aud": AUDIENCE,
            "exp": now + 1800,
            "token_exp": DAYS_30,
        }
        return {name: value for name, value in (claims | changes).items() if value is not None}

    def assertion(
        self, header: dict[str, Any] | None = None, pair: rsa.RSAPrivateKey = PAIR, **changes: Any
    ) -> str:
        heading = {"alg": "RS256", "typ": "JWT", "kid": self.kid} | (header or {})
        heading = {name: value for name, value in heading.items() if value is not None}
        return signed(json.dumps(heading).encode(), json.dumps(self.claims(**changes)).encode(), pair)

    async def issue(
        self, assertion: str | None = None, path: str = "/oauth2/v2.1/token", **changes: Any
    ) -> Reply:
        return await post(self.emulator, path, **self.form(assertion, **changes))

    def form(self, assertion: str | None = None, **changes: Any) -> dict[str, str]:
        return {
            "grant_type": "client_credentials",
            "client_assertion_type": JWT_BEARER,
            "client_assertion": self.assertion(**changes) if assertion is None else assertion,
        }

    async def key_ids(self) -> list[str]:
        query = urlencode(
            {"client_assertion_type": JWT_BEARER, "client_assertion": self.assertion(token_exp=None)}
        )
        reply = await self.emulator.request("GET", f"/oauth2/v2.1/tokens/kid?{query}")
        assert reply.status == 200, reply
        found: list[str] = reply.json["kids"]
        return found


async def signer(emulator: RunningEmulator, **values: Any) -> Signer:
    channel = await emulator.channel(**values)
    made = await emulator.control("POST", f"/channels/{channel['channel_id']}/keys", public_key())
    return Signer(emulator, channel, made["kid"])


async def post(emulator: RunningEmulator, path: str, /, **form: str) -> Reply:
    return await emulator.request("POST", path, urlencode(form).encode(), FORM)


async def works(emulator: RunningEmulator, token: str) -> bool:
    reply = await emulator.get({"access_token": token}, "/v2/bot/info")
    assert reply.status in (200, 401), reply
    return reply.status == 200


def secret_of(channel: dict[str, Any]) -> dict[str, str]:
    return {"client_id": channel["channel_id"], "client_secret": channel["channel_secret"]}


async def short_lived(emulator: RunningEmulator, channel: dict[str, Any]) -> Reply:
    form = {"grant_type": "client_credentials", **secret_of(channel)}
    return await post(emulator, "/v2/oauth/accessToken", **form)


async def verified(emulator: RunningEmulator, token: str) -> Reply:
    return await emulator.request("GET", f"/oauth2/v2.1/verify?access_token={quote(token, safe='')}")


# Tokens of v2.1


async def test_a_token_of_v2_1_is_issued_by_assertion_for_as_long_as_asked(emulator: RunningEmulator) -> None:
    sign = await signer(emulator)
    await emulator.clock(mode="paused")
    answer = (await sign.issue(token_exp=3600)).json
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3600)
    assert answer["access_token"].count(".") == 2
    assert len(answer["key_id"]) == 22
    assert await works(emulator, answer["access_token"])
    await emulator.clock(advance="3599s")
    assert await works(emulator, answer["access_token"])
    await emulator.clock(advance="1s")
    assert not await works(emulator, answer["access_token"])


async def test_an_expired_token_is_401_in_lines_words(emulator: RunningEmulator) -> None:
    sign = await signer(emulator)
    await emulator.clock(mode="paused")
    token = (await sign.issue(token_exp=1)).json["access_token"]
    await emulator.clock(advance="1s")
    reply = await emulator.get({"access_token": token}, "/v2/bot/info")
    assert reply.status == 401
    assert reply.json["message"].startswith("Authentication failed due to the following reason: ")


async def test_the_31st_valid_token_of_v2_1_is_refused_and_expired_ones_do_not_count(
    emulator: RunningEmulator,
) -> None:
    sign = await signer(emulator)
    await emulator.clock(mode="paused")
    first = await sign.issue(token_exp=60)
    for _ in range(29):
        assert (await sign.issue()).status == 200
    refused = await sign.issue()
    assert refused.status == 400
    assert refused.json == {"message": "The maximum number of access tokens has already been issued"}
    assert await works(emulator, first.json["access_token"])
    await emulator.clock(advance="60s")
    assert (await sign.issue()).status == 200
    assert (await sign.issue()).status == 400
    other = await signer(emulator)
    assert (await other.issue()).status == 200


async def test_the_key_ids_of_all_valid_tokens_are_listed(emulator: RunningEmulator) -> None:
    sign = await signer(emulator)
    await emulator.clock(mode="paused")
    assert await sign.key_ids() == []
    brief, long = (await sign.issue(token_exp=60)).json, (await sign.issue()).json
    assert await sign.key_ids() == [brief["key_id"], long["key_id"]]
    await emulator.clock(advance="60s")
    assert await sign.key_ids() == [long["key_id"]]
    assert await (await signer(emulator)).key_ids() == []


async def test_a_token_of_v2_1_is_verified_by_the_virtual_clock(emulator: RunningEmulator) -> None:
    sign = await signer(emulator)
    await emulator.clock(mode="paused")
    token = (await sign.issue(token_exp=3600)).json["access_token"]
    await emulator.clock(advance="10s")
    assert (await verified(emulator, token)).json == {
        "client_id": sign.channel["channel_id"],
        "expires_in": 3590,
        "scope": "profile chat_message.write",
    }
    await emulator.clock(advance="3590s")
    gone = await verified(emulator, token)
    assert gone.status == 400
    assert gone.json == {"error": "invalid_request", "error_description": "The access token expired"}


@pytest.mark.parametrize(
    ("token", "description"),
    [
        ("abc", "The access token not JWS"),
        ("a.b", "The access token not JWS"),
        ("eyJhbGciOiJIUzI1NiJ9..YWJj", "The access token not JWS"),
        ("eyJhbGciOiJIUzI1NiJ9.YWJj.=", "The access token not JWS"),
        ("YWJj.YWJj.YWJj", "The access token malformed"),
        ("eyJhbGciOiJIUzI1NiJ9.YWJj.YWJj", "The access token expired"),
    ],
)
async def test_what_is_no_token_of_v2_1_is_refused_with_its_fault(
    emulator: RunningEmulator, token: str, description: str
) -> None:
    reply = await verified(emulator, token)
    assert reply.status == 400
    assert reply.json == {"error": "invalid_request", "error_description": description}


async def test_a_token_of_v2_1_is_revoked_by_its_channel_only(emulator: RunningEmulator) -> None:
    sign, other = await signer(emulator), await emulator.channel()
    issued = (await sign.issue()).json
    token = issued["access_token"]
    path = "/oauth2/v2.1/revoke"
    by_other = await post(emulator, path, access_token=token, **secret_of(other))
    assert (by_other.status, by_other.body) == (200, b"")
    assert await works(emulator, token)
    wrong = await post(
        emulator, path, access_token=token, **(secret_of(sign.channel) | {"client_secret": "x"})
    )
    assert wrong.json == {"error": "invalid_client", "error_description": "invalid client_secret"}
    assert await works(emulator, token)
    for _ in range(2):
        done = await post(emulator, path, access_token=token, **secret_of(sign.channel))
        assert (done.status, done.body) == (200, b"")
    assert not await works(emulator, token)
    assert await sign.key_ids() == []
    no_jws = await post(emulator, path, access_token="abc", **secret_of(sign.channel))
    assert no_jws.json == {"error": "invalid_request", "error_description": "The access token not JWS"}


# Assertions


@pytest.mark.parametrize(
    ("changes", "description"),
    [
        ({"sub": "1234567890"}, "Invalid sub"),
        ({"aud": "https://api.line.me"}, "Invalid aud"),
        ({"aud": [AUDIENCE, "https://example.com/"]}, "Invalid aud"),
        ({"aud": None}, "Invalid aud"),
        ({"exp": None}, "Invalid exp"),
        ({"exp": "1800000000"}, "Invalid exp"),
        ({"exp": True}, "Invalid exp"),
        ({"exp": -1}, "Invalid exp"),
        ({"exp": 10**400}, "Invalid exp"),
        ({"exp": 1.7e308}, "Invalid exp"),
        ({"exp": [1]}, "Invalid exp"),
        ({"token_exp": None}, "Invalid token_exp"),
        ({"token_exp": 0}, "Invalid token_exp"),
        ({"token_exp": DAYS_30 + 1}, "Invalid token_exp"),
        ({"token_exp": "60"}, "Invalid token_exp"),
        ({"token_exp": True}, "Invalid token_exp"),
        ({"token_exp": 1e300}, "Invalid token_exp"),
        ({"iss": "1234567890", "sub": "1234567890"}, "iss and clientId of key do not match"),
        ({"iss": None}, "iss and clientId of key do not match"),
        ({"header": {"alg": "none"}}, "Invalid alg"),
        ({"header": {"alg": "HS256"}}, "Invalid alg"),
        ({"header": {"alg": "RS512"}}, "Invalid alg"),
        ({"header": {"typ": None}}, "Invalid typ"),
    ],
)
async def test_an_assertion_with_a_wrong_claim_is_refused(
    emulator: RunningEmulator, changes: dict[str, Any], description: str
) -> None:
    sign = await signer(emulator)
    reply = await sign.issue(**changes)
    assert reply.status == 400
    assert reply.json == {"error": "invalid_client", "error_description": description}


async def test_an_assertion_expires_within_30_minutes_of_the_virtual_clock(emulator: RunningEmulator) -> None:
    sign = await signer(emulator)
    await emulator.clock(mode="paused")
    now = emulator.state.clock.now() / 1000
    assert (await sign.issue(exp=now + 1800)).status == 200
    assert (await sign.issue(exp=now + 1801)).json["error_description"] == "Invalid exp"
    assertion = sign.assertion(exp=now + 60)
    assert (await sign.issue(assertion)).status == 200
    await emulator.clock(advance="60s")
    assert (await sign.issue(assertion)).json["error_description"] == "Invalid exp"


async def test_an_assertion_with_a_key_that_is_not_registered_is_404(emulator: RunningEmulator) -> None:
    sign = await signer(emulator)
    unknown = {"message": "Cannot find channel key that satisfies the conditions"}
    for kid in ("another", None, 5, {"a": 1}):
        reply = await sign.issue(header={"kid": kid})
        assert (reply.status, reply.json) == (404, unknown)
    token = (await sign.issue()).json["access_token"]
    await emulator.control("DELETE", f"/channels/{sign.channel['channel_id']}/keys/{sign.kid}")
    assert (await sign.issue()).status == 404
    assert await works(emulator, token)


async def test_an_assertion_counts_for_the_channel_of_its_key_only(emulator: RunningEmulator) -> None:
    sign, other = await signer(emulator), await signer(emulator)
    stolen = {"iss": other.channel["channel_id"], "sub": other.channel["channel_id"]}
    assert (await sign.issue(**stolen)).json["error_description"] == "iss and clientId of key do not match"


async def test_an_assertion_signed_by_another_or_changed_afterwards_is_refused(
    emulator: RunningEmulator,
) -> None:
    sign = await signer(emulator)
    refused = {"error": "invalid_client", "error_description": "Invalid signature"}
    stranger = rsa.generate_private_key(65537, 2048)
    assert (await sign.issue(pair=stranger)).json == refused
    header, _, signature = sign.assertion(token_exp=60).split(".")
    changed = b64(json.dumps(sign.claims()).encode())
    assert (await sign.issue(f"{header}.{changed}.{signature}")).json == refused
    assert (await sign.issue(f"{header}.{changed}.AAAA")).json == refused


@pytest.mark.parametrize(
    "assertion",
    [
        "x",
        "..",
        "a.b.c.d",
        f"{b64(b'{}')}.{b64(b'[]')}.AAAA",
        f"{b64(b'null')}.{b64(b'{}')}.AAAA",
        f"{b64(b'{')}.{b64(b'{}')}.AAAA",
        f"{b64(b'[' * 5000)}.{b64(b'{}')}.AAAA",
        f"{b64(bytes(range(256)))}.{b64(b'{}')}.AAAA",
        f"{b64(b'{}')}.{b64(b'{}')}.AA AA",
        f"{b64(b'{}')}.{b64(b'{}')}.ÄÄÄÄ",
        f"{b64(b'{}')}=.{b64(b'{}')}.AAAA",
        f"{b64(b'x' * 20_000)}.{b64(b'{}')}.AAAA",
        "a" * 1_000_000,
        "." * 1_000_000,
    ],
)
async def test_what_is_no_assertion_is_refused_and_never_a_500(
    emulator: RunningEmulator, assertion: str
) -> None:
    sign = await signer(emulator)
    for path in ("/oauth2/v2.1/token", "/oauth2/v3/token"):
        reply = await sign.issue(assertion, path)
        assert (reply.status, reply.json["error_description"]) == (400, "Invalid JWT")


@pytest.mark.parametrize(
    "claims", [b'{"exp": NaN}', b'{"exp": Infinity}', b'{"exp": 1e999}', b'{"iss": "\\ud800"}']
)
async def test_claims_that_are_no_json_are_refused(emulator: RunningEmulator, claims: bytes) -> None:
    sign = await signer(emulator)
    header = json.dumps({"alg": "RS256", "typ": "JWT", "kid": sign.kid}).encode()
    assert (await sign.issue(signed(header, claims))).json["error"] == "invalid_client"


# Forms


@pytest.mark.parametrize(
    "path",
    [
        "/oauth2/v2.1/token",
        "/oauth2/v2.1/revoke",
        "/oauth2/v3/token",
        "/v2/oauth/accessToken",
        "/v2/oauth/verify",
        "/v2/oauth/revoke",
    ],
)
async def test_a_form_that_is_none_is_refused_in_the_form_of_oauth(
    emulator: RunningEmulator, path: str
) -> None:
    channel = await emulator.channel()
    complete = {"grant_type": "client_credentials", "access_token": "x", **secret_of(channel)}
    missed = {"error": "invalid_request", "error_description": "some parameters missed or invalid"}
    for body in (b"", b"\xff\xfe%zz&&&=", b"grant_type=&access_token=", b"a&" * 500_000, b"a=1&" * 500_000):
        reply = await emulator.request("POST", path, body, FORM)
        assert (reply.status, reply.json) == (400, missed), body[:20]
    twice = urlencode([*complete.items(), *complete.items()]).encode()
    assert (await emulator.request("POST", path, twice, FORM)).json == missed
    as_json = await emulator.request("POST", path, complete)
    assert (as_json.status, as_json.json["error"]) == (400, "invalid_request")
    large = await emulator.request("POST", path, b"a=" + b"1" * 2_100_000, FORM)
    assert large.status == 413


async def test_a_query_that_is_none_is_refused_in_the_form_of_oauth(emulator: RunningEmulator) -> None:
    for query in (
        "",
        "?access_token=",
        "?access_token=a&access_token=b",
        "?client_assertion_type=x",
        "?%ff=%00",
    ):
        for path in ("/oauth2/v2.1/verify", "/oauth2/v2.1/tokens/kid"):
            reply = await emulator.request("GET", path + query)
            assert (reply.status, reply.json["error"]) == (400, "invalid_request")


async def test_another_grant_or_assertion_type_is_refused(emulator: RunningEmulator) -> None:
    sign = await signer(emulator)
    for path in ("/oauth2/v2.1/token", "/oauth2/v3/token"):
        wrong_grant = await post(emulator, path, **(sign.form() | {"grant_type": "password"}))
        assert wrong_grant.json["error"] == "unsupported_grant_type"
        wrong_type = await post(emulator, path, **(sign.form() | {"client_assertion_type": "jwt"}))
        assert wrong_type.json["error"] == "invalid_request"


# Stateless tokens


async def test_a_stateless_token_is_issued_by_assertion_and_can_not_be_revoked(
    emulator: RunningEmulator,
) -> None:
    sign = await signer(emulator)
    await emulator.clock(mode="paused")
    answer = (await sign.issue(path="/oauth2/v3/token", token_exp=None)).json
    assert {name: answer[name] for name in answer if name != "access_token"} == {
        "token_type": "Bearer",
        "expires_in": 900,
    }
    token = answer["access_token"]
    revoked = await post(emulator, "/oauth2/v2.1/revoke", access_token=token, **secret_of(sign.channel))
    assert revoked.status == 200
    assert await works(emulator, token)
    assert (await verified(emulator, token)).json["expires_in"] == 900
    await emulator.clock(advance="899s")
    assert await works(emulator, token)
    await emulator.clock(advance="1s")
    assert not await works(emulator, token)


async def test_there_is_no_limit_to_stateless_tokens_and_expired_ones_are_forgotten(
    emulator: RunningEmulator,
) -> None:
    sign = await signer(emulator)
    await emulator.clock(mode="paused")
    tokens = [(await sign.issue(path="/oauth2/v3/token")).json["access_token"] for _ in range(40)]
    assert all([await works(emulator, token) for token in tokens])
    await emulator.clock(advance="15m")
    assert (await sign.issue(path="/oauth2/v3/token")).status == 200
    assert len(emulator.state.world.tokens._tokens) == 1


async def test_a_wrong_secret_gets_no_stateless_token_in_lines_words(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    for wrong in ({"client_secret": "x"}, {"client_id": "1234567890"}):
        form = {"grant_type": "client_credentials", **secret_of(channel), **wrong}
        reply = await post(emulator, "/oauth2/v3/token", **form)
        assert reply.status == 400
        assert reply.json == {
            "error": "invalid_request",
            "error_description": "Invalid 'client_credentials'.",
        }


# Short-lived and long-lived tokens


async def test_a_short_lived_token_lasts_30_days(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    await emulator.clock(mode="paused")
    answer = (await short_lived(emulator, channel)).json
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", DAYS_30)
    assert answer.keys() == {"access_token", "token_type", "expires_in"}
    await emulator.clock(advance="719h")
    checked = await post(emulator, "/v2/oauth/verify", access_token=answer["access_token"])
    assert checked.json == {"client_id": channel["channel_id"], "expires_in": 3600, "scope": "P CM"}
    await emulator.clock(advance="1h")
    assert not await works(emulator, answer["access_token"])
    gone = await post(emulator, "/v2/oauth/verify", access_token=answer["access_token"])
    assert gone.json == {"error": "invalid_request", "error_description": "access_token invalid"}


async def test_the_31st_short_lived_token_ends_the_oldest(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    tokens = [(await short_lived(emulator, channel)).json["access_token"] for _ in range(30)]
    assert await works(emulator, tokens[0])
    newest = (await short_lived(emulator, channel)).json["access_token"]
    assert [await works(emulator, token) for token in (*tokens, newest)] == [False] + [True] * 30


async def test_a_wrong_id_or_secret_gets_no_short_lived_token(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    for wrong in ("client_id", "client_secret"):
        form = {"grant_type": "client_credentials", **secret_of(channel), wrong: "x"}
        reply = await post(emulator, "/v2/oauth/accessToken", **form)
        assert (reply.status, reply.json) == (
            400,
            {"error": "invalid_client", "error_description": f"invalid {wrong}"},
        )


async def test_short_lived_tokens_are_issued_370_times_a_second(emulator: RunningEmulator) -> None:
    channel, other = await emulator.channel(), await emulator.channel()
    started = time.monotonic()
    replies = await asyncio.gather(*(short_lived(emulator, channel) for _ in range(900)))
    refused = [reply for reply in replies if reply.status != 200]
    # The bucket refills in real time while they are answered.
    assert 370 <= len(replies) - len(refused) <= 371 + 370 * (time.monotonic() - started)
    for reply in refused:
        message = "The API rate limit has been exceeded. Try again later."
        assert (reply.status, reply.json) == (429, {"message": message})
    assert (await short_lived(emulator, other)).status == 200


async def test_short_lived_and_long_lived_tokens_are_revoked(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    short = (await short_lived(emulator, channel)).json["access_token"]
    long = channel["access_token"]
    assert (await post(emulator, "/v2/oauth/verify", access_token=long)).json[
        "expires_in"
    ] > 10 * 365 * 86_400
    for token in (short, long):
        assert await works(emulator, token)
        for _ in range(2):
            reply = await post(emulator, "/v2/oauth/revoke", access_token=token)
            assert (reply.status, reply.body) == (200, b"")
        assert not await works(emulator, token)
        gone = await post(emulator, "/v2/oauth/verify", access_token=token)
        assert gone.json["error_description"] == "access_token invalid"
    shown = await emulator.control("GET", f"/channels/{channel['channel_id']}")
    assert shown["access_token"] is None
    no_form = await post(emulator, "/v2/oauth/revoke", access_token="no token")
    assert (no_form.status, no_form.json) == (400, {"error": "invalid_request"})


async def test_the_endpoints_of_one_version_do_not_know_the_tokens_of_the_other(
    emulator: RunningEmulator,
) -> None:
    sign = await signer(emulator)
    newer = (await sign.issue()).json["access_token"]
    short = (await short_lived(emulator, sign.channel)).json["access_token"]
    checked = await post(emulator, "/v2/oauth/verify", access_token=newer)
    assert checked.json["error_description"] == "access_token in invalid format"
    assert (await post(emulator, "/v2/oauth/revoke", access_token=newer)).status == 400
    assert (await verified(emulator, short)).json["error_description"] == "The access token not JWS"
    await post(emulator, "/oauth2/v2.1/revoke", access_token=short, **secret_of(sign.channel))
    assert await works(emulator, newer)
    assert await works(emulator, short)


async def test_a_new_channel_secret_ends_the_old_one_at_once_and_tokens_stay(
    emulator: RunningEmulator,
) -> None:
    channel = await emulator.channel()
    token = (await short_lived(emulator, channel)).json["access_token"]
    path = f"/channels/{channel['channel_id']}"
    changed = await emulator.control("PATCH", path, {"channel_secret": "0" * 32})
    assert (await short_lived(emulator, channel)).status == 400
    assert (await short_lived(emulator, changed)).status == 200
    assert await works(emulator, token)


async def test_a_reset_forgets_tokens_and_keys(emulator: RunningEmulator) -> None:
    sign = await signer(emulator)
    token = (await sign.issue()).json["access_token"]
    await emulator.control("POST", "/reset")
    assert not await works(emulator, token)
    assert (await sign.issue()).status == 404


async def test_tokens_and_keys_outlast_a_restart_with_a_state_file(tmp_path: Path) -> None:
    file = tmp_path / "state"
    async with running_emulator(state_file=file) as emulator:
        sign = await signer(emulator)
        kept, ended = [(await sign.issue()).json["access_token"] for _ in range(2)]
        await post(emulator, "/oauth2/v2.1/revoke", access_token=ended, **secret_of(sign.channel))
        await post(emulator, "/v2/oauth/revoke", access_token=sign.channel["access_token"])
    async with running_emulator(state_file=file) as emulator:
        assert await works(emulator, kept)
        assert not await works(emulator, ended)
        assert not await works(emulator, sign.channel["access_token"])
        again = Signer(emulator, sign.channel, sign.kid)
        assert (await again.issue()).status == 200
        assert len(await again.key_ids()) == 2


# Signing keys


async def test_public_keys_are_registered_listed_and_removed(emulator: RunningEmulator) -> None:
    channel, other = await emulator.channel(), await emulator.channel()
    path = f"/channels/{channel['channel_id']}/keys"
    kid = (await emulator.control("POST", path, public_key()))["kid"]
    by_operation = public_key(use=None, key_ops=["verify"], ext=True)
    second = (await emulator.control("POST", path, by_operation))["kid"]
    assert (await emulator.control("GET", path))["keys"] == [
        {"kid": kid, **public_key()},
        {"kid": second, **public_key()},
    ]
    await emulator.control("DELETE", f"/channels/{other['channel_id']}/keys/{kid}", expect=404)
    await emulator.control("DELETE", f"{path}/{kid}")
    await emulator.control("DELETE", f"{path}/{kid}", expect=404)
    assert [key["kid"] for key in (await emulator.control("GET", path))["keys"]] == [second]


async def test_a_key_pair_made_by_the_emulator_signs_assertions(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    path = f"/channels/{channel['channel_id']}/keys"
    made = await emulator.control("POST", path, {"generate": True})
    key = made["private_key"]
    value = {
        name: int.from_bytes(base64.urlsafe_b64decode(key[name] + "==")) for name in key if len(name) <= 2
    }
    public = rsa.RSAPublicNumbers(value["e"], value["n"])
    pair = rsa.RSAPrivateNumbers(
        value["p"], value["q"], value["d"], value["dp"], value["dq"], value["qi"], public
    ).private_key()
    sign = Signer(emulator, channel, made["kid"])
    assert (await sign.issue(pair=pair)).status == 200
    listed = (await emulator.control("GET", path))["keys"][0]
    assert (listed["kid"], key["kid"], "d" in listed) == (made["kid"], made["kid"], False)


SMALL = rsa.generate_private_key(65537, 1024)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ({}, "kty"),
        (public_key(kty="EC"), "kty"),
        (public_key(alg="RS512"), "alg"),
        (public_key(use="enc"), "sig"),
        (public_key(use=None), "either use or key_ops"),
        (public_key(key_ops=["verify"]), "either use or key_ops"),
        (public_key(use=None, key_ops=["verify", "sign"]), "verify"),
        (public_key(kid="mine"), "kid"),
        (public_key(d="AQAB"), "private key"),
        (public_key(n=5), "n and e"),
        (public_key(n="ÄÖÜ"), "n and e"),
        (public_key(n="A" * 100_000), "n and e"),
        (public_key(SMALL), "1024 bits"),
        (public_key(e="AA"), "no RSA key"),
        (public_key(e="Ag"), "no RSA key"),
        ({"generate": False}, "generate"),
        ({"generate": True, "kty": "RSA"}, "generate"),
        ([], "object"),
    ],
)
async def test_a_key_that_line_would_not_take_is_refused_with_the_reason(
    emulator: RunningEmulator, key: Any, said: str
) -> None:
    channel = await emulator.channel()
    refused = await emulator.control("POST", f"/channels/{channel['channel_id']}/keys", key, expect=400)
    assert said in refused["message"]


async def test_a_channel_has_at_most_ten_keys(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    path = f"/channels/{channel['channel_id']}/keys"
    for _ in range(10):
        await emulator.control("POST", path, public_key())
    assert "at most 10" in (await emulator.control("POST", path, public_key(), expect=400))["message"]
    await emulator.control("POST", "/channels/1234567890/keys", public_key(), expect=404)


# LINE's own SDK


async def test_the_sdk_issues_verifies_lists_and_revokes_tokens_of_v2_1(emulator: RunningEmulator) -> None:
    sign = await signer(emulator)
    await emulator.user(PHONE)
    oauth = ChannelAccessToken(ApiClient(Configuration(host=emulator.url)))
    issued = await asyncio.to_thread(
        oauth.issue_channel_token_by_jwt, "client_credentials", JWT_BEARER, sign.assertion()
    )
    assert (issued.token_type, issued.expires_in) == ("Bearer", DAYS_30)
    checked = await asyncio.to_thread(oauth.verify_channel_token_by_jwt, issued.access_token)
    assert checked.client_id == sign.channel["channel_id"]
    listed = await asyncio.to_thread(
        oauth.gets_all_valid_channel_access_token_key_ids, JWT_BEARER, sign.assertion()
    )
    assert listed.kids == [issued.key_id]
    line = MessagingApi(
        MessagingClient(MessagingConfiguration(host=emulator.url, access_token=issued.access_token))
    )
    request = PnpTemplatedMessageRequest(to=line_hash(PHONE), template_key=TEMPLATE)
    await asyncio.to_thread(line.push_templated_messages_by_phone, request)
    assert (await emulator.ledger())[0]["fate"] == "delivered"
    secret = sign.channel["channel_secret"]
    channel_id = sign.channel["channel_id"]
    await asyncio.to_thread(oauth.revoke_channel_token_by_jwt, channel_id, secret, issued.access_token)
    with pytest.raises(ApiException) as raised:
        await asyncio.to_thread(oauth.verify_channel_token_by_jwt, issued.access_token)
    assert json.loads(raised.value.body)["error"] == "invalid_request"


async def test_the_sdk_issues_stateless_and_short_lived_tokens(emulator: RunningEmulator) -> None:
    sign = await signer(emulator)
    await emulator.user(PHONE)
    oauth = ChannelAccessToken(ApiClient(Configuration(host=emulator.url)))
    channel_id, secret = sign.channel["channel_id"], sign.channel["channel_secret"]
    by_jwt = await asyncio.to_thread(oauth.issue_stateless_channel_token_by_jwt_assertion, sign.assertion())
    by_secret = await asyncio.to_thread(
        oauth.issue_stateless_channel_token_by_client_secret, channel_id, secret
    )
    assert (by_jwt.expires_in, by_secret.expires_in) == (900, 900)
    for answer in (by_jwt, by_secret):
        sent = await emulator.send({"access_token": answer.access_token}, PHONE)
        assert sent.status == 202
    short = await asyncio.to_thread(oauth.issue_channel_token, "client_credentials", channel_id, secret)
    checked = await asyncio.to_thread(oauth.verify_channel_token, short.access_token)
    assert checked.client_id == channel_id
    await asyncio.to_thread(oauth.revoke_channel_token, short.access_token)
    with pytest.raises(ApiException):
        await asyncio.to_thread(oauth.verify_channel_token, short.access_token)
