"""Access tokens in the life of a channel: issued, renewed, revoked, denied; and no notice lost or doubled by it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator_support import RunningEmulator
from gateway_support import RunningGateway, running_gateway
from line_emulator.world.tokens import STATELESS, V2_1
from todoke.carriers.line import LineTokens, make_session, parse_private_key

LINE_PATH = "/bot/pnp/push"
STATELESS_PATH = "/oauth2/v3/token"
V21_PATH = "/oauth2/v2.1/token"
PHONE = "+886912345678"
ONE_STEP = {"steps": [{"step": "line_notification", "wait": "24h"}]}


@pytest.fixture(autouse=True)
def alarms(logged: list[Any]) -> Iterator[None]:
    """Alarms are another's to test: here they are to be expected."""
    yield
    logged[:] = [line for line in logged if line["event"] != "alarm.raised"]


@pytest.fixture
async def gateway(line: RunningEmulator, tmp_path: Path) -> Any:
    """Without a channel yet."""
    async with running_gateway(line, tmp_path / "data") as running:
        await line.user(PHONE)
        yield running


async def emulated_channel(gateway: RunningGateway, **values: Any) -> dict[str, Any]:
    """A channel at LINE, its webhook pointing to the gateway."""
    webhook = f"{gateway.url}/line/{{channel_id}}/webhook"
    values = {"name": "Parcels", "region": "TW", "webhook_url": webhook, **values}
    made: dict[str, Any] = await gateway.emulator.control("POST", "/channels", values)
    return made


async def register(gateway: RunningGateway, made: dict[str, Any], **values: Any) -> dict[str, Any]:
    """The same channel here, with a template; settled, so that a first token has come if one can."""
    body = {"name": "Parcels", "region": "TW", "line_channel_id": made["channel_id"], **values}
    await gateway.ok("POST", "/v1/channels", {"secret": made["channel_secret"], **body})
    await gateway.template()
    await gateway.settle()
    return await channel(gateway)


async def channel(gateway: RunningGateway) -> dict[str, Any]:
    found: dict[str, Any] = await gateway.ok("GET", "/v1/channels/Parcels")
    return found


async def signing_key(gateway: RunningGateway, made: dict[str, Any]) -> dict[str, Any]:
    """A key that LINE knows, as LINE hands it out."""
    path = f"/channels/{made['channel_id']}/keys"
    found: dict[str, Any] = await gateway.emulator.control("POST", path, {"generate": True})
    return found


def at_line(gateway: RunningGateway, made: dict[str, Any], kind: str = V2_1) -> list[str]:
    """The tokens of a limited kind that are valid at LINE."""
    world, now = gateway.emulator.state.world, gateway.emulator.state.clock.now()
    return list(world.tokens.valid(world.channels[made["channel_id"]], kind, now))


async def revoke(gateway: RunningGateway, made: dict[str, Any], token: str) -> None:
    """By LINE's own endpoint, as somebody else with the secret would."""
    form = {"client_id": made["channel_id"], "client_secret": made["channel_secret"], "access_token": token}
    url = gateway.emulator.url + "/oauth2/v2.1/revoke"
    async with gateway.session.post(url, data=form) as answer:
        assert answer.status == 200


async def asked(gateway: RunningGateway, path: str = LINE_PATH) -> Counter[int]:
    """How LINE answered the requests to a path."""
    found = await gateway.emulator.control("GET", "/requests?limit=1000")
    return Counter(row["status"] for row in found["rows"] if row["path"] == path)


async def batch(gateway: RunningGateway, count: int) -> list[str]:
    """Notices to so many users of LINE; their ids."""
    await gateway.emulator.control(
        "POST",
        "/population",
        {
            "count": count,
            "seed": 1,
            "prefix": "+88698",
            "digits": 7,
            "rates": {"registered": 1, "agree": 1, "verified": 1},
        },
    )
    wanted = [
        {
            "channel": "Parcels",
            "template": "parcel",
            "to": f"+88698{i:07}",
            "parameters": {"name": "小明"},
            "policy": ONE_STEP,
        }
        for i in range(count)
    ]
    answer = await gateway.ok("POST", "/v1/notices/batch", {"notices": wanted})
    return [one["id"] for one in answer["results"]]


async def until_sent(gateway: RunningGateway, count: int) -> None:
    async with asyncio.timeout(30):
        while len(await gateway.emulator.ledger()) < count:  # noqa: ASYNC110 - another program's ledger
            await asyncio.sleep(0.02)


async def each_was_shown_once(gateway: RunningGateway, ids: list[str]) -> None:
    rows = await gateway.emulator.ledger()
    assert Counter(row["to"] for row in rows).most_common(1)[0][1] == 1, "nobody was written to twice"
    assert {row["fate"] for row in rows} == {"delivered"}
    assert len(rows) == len(ids)
    funnel = await gateway.ok("GET", "/v1/reports/funnel")
    assert funnel["asked"] == funnel["states"]["delivered"] == len(ids)


def pauses(logged: list[Any]) -> list[str]:
    """Why channels were paused, as the log says; taken out of it."""
    found = [line for line in logged if line["event"] == "channel.paused"]
    logged[:] = [line for line in logged if line not in found]
    return [line["why"] for line in found]


# Revoked in mid-batch


async def test_a_given_token_revoked_in_mid_batch_holds_the_rest_until_a_new_one_is_set(
    gateway: RunningGateway, logged: list[Any]
) -> None:
    made = await emulated_channel(gateway)
    await register(gateway, made, access_token=made["access_token"], rate=400)
    ids = await batch(gateway, 400)
    await until_sent(gateway, 100)
    at_line_path = f"/channels/{made['channel_id']}"
    await gateway.emulator.control("PATCH", at_line_path, {"access_token": None})
    await gateway.settle()
    paused = await channel(gateway)
    assert (paused["state"], paused["token_from"], paused["token_expires_at"]) == ("paused", "given", None)
    assert "401" in paused["paused_why"]
    sent = (await asked(gateway))[200]
    assert 100 <= sent < 400
    await gateway.advance("2h")
    assert (await asked(gateway))[200] == sent, "a given token is not renewed by us"
    await gateway.emulator.control("PATCH", at_line_path, {"access_token": "the-new-token"})
    changed = await gateway.ok("PATCH", "/v1/channels/Parcels", {"access_token": "the-new-token"})
    assert changed["state"] == "active"
    await gateway.settle()
    await each_was_shown_once(gateway, ids)
    assert len(pauses(logged)) == 1


@pytest.mark.parametrize("kind", ["v2.1", "stateless"])
async def test_a_token_of_ours_denied_in_mid_batch_is_replaced_at_once_and_the_batch_goes_on(
    gateway: RunningGateway, logged: list[Any], kind: str
) -> None:
    made = await emulated_channel(gateway)
    await register(gateway, made, private_key=await signing_key(gateway, made), token_kind=kind, rate=1000)
    ids = await batch(gateway, 400)
    await until_sent(gateway, 100)
    if kind == "v2.1":
        (token,) = at_line(gateway, made)
        await revoke(gateway, made, token)
    else:
        # Nobody can revoke these, LINE may still deny them. So few that all leave with the first token: one more,
        # and the second would be denied as well, which is another story.
        await gateway.emulator.fault("api", "status_before", status=401, next=5, path=LINE_PATH)
    await gateway.settle()
    healed = await channel(gateway)
    assert (healed["state"], healed["paused_why"], healed["token_trouble"]) == ("active", None, None)
    assert (await asked(gateway))[401] > 0
    await gateway.settle()
    await each_was_shown_once(gateway, ids)
    assert len(pauses(logged)) == 1


async def test_a_new_token_that_is_denied_as_well_leaves_the_channel_paused_until_somebody_resumes_it(
    gateway: RunningGateway, logged: list[Any]
) -> None:
    made = await emulated_channel(gateway)
    await register(gateway, made, private_key=await signing_key(gateway, made))
    await gateway.emulator.fault("api", "status_before", status=401, path=LINE_PATH)
    ids = await batch(gateway, 3)
    await gateway.advance("1h")
    paused = await channel(gateway)
    assert paused["state"] == "paused"
    assert "A new access token was denied as well" in paused["paused_why"]
    assert (await asked(gateway, V21_PATH))[200] == 2, "one to begin with, one to cure it, and no more"
    await gateway.advance("30h")
    assert (await channel(gateway))["state"] == "paused", "a renewal does not resume it"
    await gateway.emulator.control("DELETE", "/faults")
    await gateway.ok("POST", "/v1/channels/Parcels/resume")
    await gateway.settle()
    await each_was_shown_once(gateway, ids)
    assert len(pauses(logged)) == 3


async def test_a_403_is_not_answered_with_a_new_token(gateway: RunningGateway, logged: list[Any]) -> None:
    made = await emulated_channel(gateway)
    await register(gateway, made, private_key=await signing_key(gateway, made))
    await gateway.emulator.fault("api", "status_before", status=403, next=1, path=LINE_PATH)
    (notice_id,) = await batch(gateway, 1)
    await gateway.advance("1h")
    paused = await channel(gateway)
    assert (paused["state"], (await asked(gateway, V21_PATH))[200]) == ("paused", 1)
    assert "403" in paused["paused_why"]
    await gateway.advance("20h")
    assert (await asked(gateway, V21_PATH))[200] == 2, "renewed in time all the same"
    assert (await channel(gateway))["state"] == "paused"
    await gateway.ok("POST", "/v1/channels/Parcels/resume")
    await gateway.settle()
    await each_was_shown_once(gateway, [notice_id])
    assert len(pauses(logged)) == 1


# Renewal


async def test_tokens_of_a_quarter_of_an_hour_serve_a_day_with_a_notice_every_hour(
    gateway: RunningGateway,
) -> None:
    made = await emulated_channel(gateway)
    first = await register(gateway, made)
    assert (first["state"], first["token_from"], first["token_kind"]) == ("active", "secret", "stateless")
    assert first["token_expires_at"] > first["created_at"]
    for hour in range(24):
        await gateway.emulator.user(f"+8869123000{hour:02}")
        await gateway.send(f"+8869123000{hour:02}", ONE_STEP)
        await gateway.advance("1h")
    assert await asked(gateway) == {200: 24}
    found = await gateway.emulator.control("GET", "/requests?limit=1000")
    assert not [row for row in found["rows"] if row["status"] in (400, 401)]
    assert 24 * 6 <= (await asked(gateway, STATELESS_PATH))[200] <= 24 * 6 + 12
    assert (await channel(gateway))["token_trouble"] is None


async def test_a_token_of_a_day_is_renewed_after_two_thirds_of_it_and_the_old_one_revoked(
    gateway: RunningGateway,
) -> None:
    made = await emulated_channel(gateway)
    first = await register(gateway, made, private_key=await signing_key(gateway, made))
    assert (first["token_from"], first["token_kind"], first["state"]) == ("key", "v2.1", "active")
    (token,) = at_line(gateway, made)
    await gateway.advance("14h")
    assert at_line(gateway, made) == [token]
    await gateway.advance("3h")
    (second,) = at_line(gateway, made)
    assert second != token
    assert (await asked(gateway, "/oauth2/v2.1/revoke")) == {200: 1}
    await gateway.send(PHONE, ONE_STEP)
    await gateway.advance("7d")
    assert len(at_line(gateway, made)) == 1
    assert set(await asked(gateway)) == {200}


async def test_a_given_token_beside_a_key_serves_until_the_first_issued_one_and_is_not_revoked(
    gateway: RunningGateway,
) -> None:
    made = await emulated_channel(gateway)
    key = await signing_key(gateway, made)
    await register(gateway, made, private_key=key, access_token=made["access_token"])
    await gateway.advance("2d")
    assert (await channel(gateway))["token_from"] == "key"
    async with gateway.session.get(
        f"{gateway.emulator.url}/v2/bot/info", headers={"Authorization": f"Bearer {made['access_token']}"}
    ) as answer:
        assert answer.status == 200


async def test_after_a_restart_the_token_that_is_stored_serves_on(
    line: RunningEmulator, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    async with running_gateway(line, folder) as gateway:
        made = await emulated_channel(gateway)
        await register(gateway, made, private_key=await signing_key(gateway, made))
        before = at_line(gateway, made)
    async with running_gateway(line, folder) as gateway:
        await gateway.advance("1h")
        assert at_line(gateway, made) == before
        await gateway.advance("1d")
        (after,) = at_line(gateway, made)
        assert [after] != before


# LINE in trouble


async def test_an_outage_of_lines_token_endpoint_is_survived_on_the_old_token(
    gateway: RunningGateway,
) -> None:
    made = await emulated_channel(gateway)
    await register(gateway, made, private_key=await signing_key(gateway, made))
    await gateway.emulator.fault("api", "status_before", status=503, path=V21_PATH)
    await gateway.advance("17h")
    assert at_line(gateway, made)
    troubled = await channel(gateway)
    assert troubled["state"] == "active"
    assert "goes on asking" in troubled["token_trouble"]
    await gateway.send(PHONE, ONE_STEP)
    await gateway.settle()
    assert await asked(gateway) == {200: 1}
    await gateway.emulator.control("DELETE", "/faults")
    await gateway.advance("10m")
    assert (await channel(gateway))["token_trouble"] is None
    failures = (await asked(gateway, V21_PATH))[503]
    assert 10 < failures < 25, "with backoff, to every 10 minutes"


async def test_an_outage_longer_than_the_old_token_lives_pauses_the_channel_and_it_goes_on_by_itself(
    gateway: RunningGateway, logged: list[Any]
) -> None:
    made = await emulated_channel(gateway)
    await register(gateway, made)
    await gateway.advance("1m")
    await gateway.emulator.fault("api", "status_before", status=503, path=STATELESS_PATH)
    await gateway.advance("1h")
    paused = await channel(gateway)
    assert paused["state"] == "paused"
    assert "has run out" in paused["paused_why"]
    notice_id = await gateway.send(PHONE, ONE_STEP)
    await gateway.settle()
    assert (await gateway.notice(notice_id))["state"] == "queued"
    assert await asked(gateway) == {}, "no request leaves with a token that is over"
    await gateway.emulator.control("DELETE", "/faults")
    await gateway.advance("10m")
    assert (await channel(gateway))["state"] == "active"
    assert (await gateway.notice(notice_id))["state"] == "delivered"
    assert len(pauses(logged)) == 1


async def test_a_key_that_line_does_not_know_is_said_and_the_right_one_heals_it(
    gateway: RunningGateway,
) -> None:
    made = await emulated_channel(gateway)
    key = await signing_key(gateway, made)
    await gateway.emulator.control("DELETE", f"/channels/{made['channel_id']}/keys/{key['kid']}")
    paused = await register(gateway, made, private_key=key)
    assert paused["state"] == "paused"
    for words in ("It has no access token yet", "LINE Developers Console", "kid"):
        assert words in paused["paused_why"]
    notice_id = await gateway.send(PHONE, ONE_STEP)
    await gateway.settle()
    right = await signing_key(gateway, made)
    changed = await gateway.ok("PATCH", "/v1/channels/Parcels", {"private_key": right})
    assert changed["token_trouble"] is None
    await gateway.settle()
    assert (await channel(gateway))["state"] == "active"
    assert (await gateway.notice(notice_id))["state"] == "delivered"


async def test_a_key_removed_at_line_pauses_the_channel_only_when_the_old_token_is_over(
    gateway: RunningGateway, logged: list[Any]
) -> None:
    made = await emulated_channel(gateway)
    key = await signing_key(gateway, made)
    await register(gateway, made, private_key=key)
    await gateway.emulator.control("DELETE", f"/channels/{made['channel_id']}/keys/{key['kid']}")
    await gateway.advance("23h")
    troubled = await channel(gateway)
    assert (troubled["state"], "private key" in troubled["token_trouble"]) == ("active", True)
    await gateway.advance("2h")
    over = await channel(gateway)
    assert over["state"] == "paused"
    assert "has run out" in over["paused_why"]
    assert len(pauses(logged)) == 1


async def test_a_wrong_secret_is_said_and_the_right_one_heals_it(gateway: RunningGateway) -> None:
    made = await emulated_channel(gateway, switcher_secret="the-switcher-secret-of-chat-plus")
    paused = await register(gateway, made, secret="the-switcher-secret-of-chat-plus")
    assert paused["state"] == "paused"
    assert "switcher secret" in paused["paused_why"]
    await gateway.ok("PATCH", "/v1/channels/Parcels", {"secret": made["channel_secret"]})
    await gateway.settle()
    assert (await channel(gateway))["state"] == "active"


async def test_where_30_tokens_are_valid_short_ones_step_in_and_it_is_said(gateway: RunningGateway) -> None:
    made = await emulated_channel(gateway)
    key = await signing_key(gateway, made)
    signer, now = parse_private_key(json.dumps(key)), gateway.emulator.state.clock.now()
    async with make_session() as http:
        others = LineTokens(http, gateway.emulator.url)
        for _ in range(30):
            assert (await others.issue_v21(made["channel_id"], signer, now, 6 * 3600)).ok
    found = await register(gateway, made, private_key=key)
    assert found["state"] == "active"
    assert "30 are valid" in found["token_trouble"]
    await gateway.send(PHONE, ONE_STEP)
    await gateway.advance("1h")
    assert await asked(gateway) == {200: 1}
    await gateway.advance("6h")
    healed = await channel(gateway)
    assert (healed["token_trouble"], len(at_line(gateway, made))) == (None, 1)


# What may be said about it


async def test_the_source_of_the_tokens_can_be_changed_back_and_forth(gateway: RunningGateway) -> None:
    made = await emulated_channel(gateway)
    await register(gateway, made, private_key=await signing_key(gateway, made))
    given = await gateway.ok("PATCH", "/v1/channels/Parcels", {"access_token": made["access_token"]})
    assert (given["token_from"], given["token_kind"], given["token_expires_at"]) == ("given", None, None)
    for change, after in (
        ({"token_from": "secret"}, ("secret", "stateless")),
        ({"token_from": "key"}, ("key", "v2.1")),
        ({"token_kind": "stateless"}, ("key", "stateless")),
    ):
        await gateway.ok("PATCH", "/v1/channels/Parcels", change)
        await gateway.settle()
        found = await channel(gateway)
        assert (found["token_from"], found["token_kind"], found["state"]) == (*after, "active")
        assert found["token_expires_at"] is not None
    await gateway.send(PHONE, ONE_STEP)
    await gateway.settle()
    assert await asked(gateway) == {200: 1}


@pytest.mark.parametrize(
    ("change", "pointer", "words"),
    [
        ({"private_key": "x"}, "/private_key", "neither JSON nor PEM"),
        ({"private_key": {"kty": "RSA", "e": "AQAB", "n": "AQAB"}}, "/private_key", "public half"),
        ({"private_key": {"kty": "EC", "d": "x"}}, "/private_key", "no RSA key"),
        ({"key_id": "a-kid"}, "/key_id", "private_key"),
        ({"token_kind": "v2.1"}, "/token_kind", "token_kind out"),
        ({"token_kind": "eternal"}, "/token_kind", "v2.1"),
        ({"token_from": "key"}, "/token_from", "no private key"),
        ({"token_from": "secret", "token_kind": "v2.1"}, "/token_kind", "private key"),
    ],
)
async def test_what_can_not_be_done_about_tokens_is_said_with_place_and_remedy(
    gateway: RunningGateway, change: dict[str, Any], pointer: str, words: str
) -> None:
    made = await emulated_channel(gateway)
    await register(gateway, made, access_token=made["access_token"])
    status, problem = await gateway.call("PATCH", "/v1/channels/Parcels", change)
    assert (status, problem["errors"][0]["pointer"]) == (422, pointer)
    assert words in problem["errors"][0]["message"]
    assert (await channel(gateway))["token_from"] == "given"


async def test_tokens_of_another_kind_are_none_of_ours(gateway: RunningGateway) -> None:
    """Stateless tokens leave no trace among those that LINE limits."""
    made = await emulated_channel(gateway)
    await register(gateway, made, private_key=await signing_key(gateway, made), token_kind="stateless")
    await gateway.advance("2h")
    assert at_line(gateway, made) == []
    assert (await asked(gateway, STATELESS_PATH))[200] > 10
    assert (await channel(gateway))["token_kind"] == STATELESS
