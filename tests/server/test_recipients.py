"""/v1/bindings and /v1/recipients/lookup: numbers and the LINE users behind them."""

from __future__ import annotations

import asyncio
import io
import json
import re
from typing import Any

import pytest
import structlog

from gateway_support import RunningGateway
from notice_support import START
from todoke import logs
from todoke.actions.channels import create_key, ensure_account
from todoke.ids import UlidIds
from todoke.storage.database import Database

NUMBER = "0912-345-678"
MASKED = "0912•••678"
NOTHING = {"number": MASKED, "country": "TW", "bindings": [], "notices": []}
"""What a lookup says of bindings and notices of a number that nobody knows."""
ANNA, BO = "U" + "a" * 32, "U" + "b" * 32


async def bind(gateway: RunningGateway, user_id: str = ANNA, **changes: Any) -> tuple[int, Any]:
    body = {"channel": "Parcels", "number": NUMBER, "user_id": user_id, "way": "account_link", **changes}
    return await gateway.call("POST", "/v1/bindings", {k: v for k, v in body.items() if v is not None})


async def lookup(gateway: RunningGateway, number: str = NUMBER, **more: Any) -> Any:
    return await gateway.ok("POST", "/v1/recipients/lookup", {"number": number, **more})


async def test_a_binding_is_made_once_and_told_again(gateway: RunningGateway) -> None:
    status, made = await bind(gateway, consent="同意接收\n通知", bound_at="2020-01-02T03:04:05+09:00")
    assert status == 201
    assert (made["number"], made["user_id"], made["way"], made["provider"]) == (
        MASKED,
        ANNA,
        "account_link",
        "default",
    )
    assert (made["bound_at"], made["consent"]) == ("2020-01-01T18:04:05.000Z", "同意接收\n通知")
    assert "own act" in made["notes"][0]
    status, again = await bind(gateway, number="+886912345678", way="other")
    assert (status, again) == (200, made), "the one that stands, as it was made"
    assert [b["id"] for b in (await gateway.ok("GET", "/v1/bindings"))["bindings"]] == [made["id"]]


async def test_asked_for_twenty_times_at_once_there_is_one_binding(gateway: RunningGateway) -> None:
    answers = await asyncio.gather(*(bind(gateway) for _ in range(20)))
    assert sorted(status for status, _ in answers) == [200] * 19 + [201]
    assert len({made["id"] for _, made in answers}) == 1


async def test_another_user_of_a_number_is_added_and_the_older_one_stays(gateway: RunningGateway) -> None:
    _, first = await bind(gateway, ANNA)
    _, second = await bind(gateway, BO)
    found = await lookup(gateway)
    assert [b["id"] for b in found["bindings"]] == [second["id"], first["id"]], "the newest first"


async def test_an_unbound_number_is_kept_as_ended_and_may_be_bound_again(gateway: RunningGateway) -> None:
    _, made = await bind(gateway)
    path = f"/v1/bindings/{made['id']}"
    ended = await gateway.ok("DELETE", path, {"why": "the customer asked for it"})
    assert (ended["unbound_why"], ended["unbound_at"] is not None) == ("the customer asked for it", True)
    await gateway.advance("1h")
    assert await gateway.ok("DELETE", path, {"why": "again"}) == ended, "the first end counts"
    assert (await gateway.ok("GET", "/v1/bindings"))["bindings"] == []
    assert (await gateway.ok("GET", "/v1/bindings", ended="true"))["bindings"] == [ended]
    assert (await lookup(gateway))["bindings"] == []
    status, again = await bind(gateway)
    assert status == 201
    assert again["id"] != made["id"]
    assert (await gateway.ok("DELETE", f"/v1/bindings/{again['id']}"))["unbound_why"] is None


async def test_pages_of_bindings_follow_each_other_without_gap_or_double(gateway: RunningGateway) -> None:
    made = [(await bind(gateway, f"U{n:032x}"))[1]["id"] for n in range(5)]
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await gateway.ok("GET", "/v1/bindings", limit="2", **cursor)
        found += [b["id"] for b in page["bindings"]]
        if "next" not in page:
            break
        cursor = {"cursor": page["next"]}
    assert found == made[::-1]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"user_id": "u" + "a" * 32}, "/user_id"),
        ({"user_id": "U" + "A" * 32}, "/user_id"),
        ({"user_id": "U" + "a" * 31}, "/user_id"),
        ({"user_id": "U" + "a" * 33}, "/user_id"),
        ({"user_id": "U" + "a" * 32 + "\n"}, "/user_id"),
        ({"user_id": "U" + "a" * 31 + "１"}, "/user_id"),
        ({"user_id": None}, "/user_id"),
        ({"way": None}, "/way"),
        ({"way": ""}, "/way"),
        ({"way": "two words"}, "/way"),
        ({"way": "x" * 41}, "/way"),
        ({"number": "02-2345-6789"}, "/number"),
        ({"number": "12"}, "/number"),
        ({"number": "+821012345678"}, "/number"),
        ({"consent": "\x00"}, "/consent"),
        ({"consent": "\ud800"}, "/consent"),
        ({"consent": "x" * 4001}, "/consent"),
        ({"bound_at": "2999-01-01T00:00:00Z"}, "/bound_at"),
        ({"bound_at": "1969-01-01T00:00:00Z"}, "/bound_at"),
        ({"bound_at": "0001-01-01T00:00:00+14:00"}, "/bound_at"),
        ({"bound_at": "9999-12-31T23:59:59-14:00"}, "/bound_at"),
        ({"bound_at": "yesterday"}, "/bound_at"),
        ({"bound_at": "2020-01-01T00:00:00"}, "/bound_at"),
        ({"more": 1}, "/more"),
    ],
    ids=str,
)
async def test_a_binding_that_makes_no_sense_is_refused_with_its_place(
    gateway: RunningGateway, change: dict[str, Any], pointer: str
) -> None:
    body = {"channel": "Parcels", "number": NUMBER, "user_id": ANNA, "way": "account_link", **change}
    sent = json.dumps({k: v for k, v in body.items() if v is not None}).encode()
    headers = {"Authorization": f"Bearer {gateway.key}", "Content-Type": "application/json"}
    async with gateway.session.post(f"{gateway.url}/v1/bindings", data=sent, headers=headers) as answer:
        problem = await answer.json()
        assert (answer.status, problem["errors"][0]["pointer"]) == (422, pointer), problem
    assert (await gateway.ok("GET", "/v1/bindings", ended="true"))["bindings"] == []


@pytest.mark.parametrize(
    "path",
    [
        "/v1/notices",
        "/v1/messages",
        "/v1/bindings",
        "/v1/bind-links",
        "/v1/recipients/lookup",
        "/v1/suppressions",
        "/v1/hub-targets",
    ],
)
async def test_a_body_that_names_an_unknown_channel_is_refused_with_the_place(
    gateway: RunningGateway, path: str
) -> None:
    more: dict[str, Any] = {
        "/v1/notices": {"template": "parcel", "to": NUMBER},
        "/v1/messages": {"user_id": ANNA, "messages": [{"type": "text", "text": "x"}]},
        "/v1/bindings": {"number": NUMBER, "user_id": ANNA, "way": "desk"},
        "/v1/hub-targets": {"name": "bot", "url": "https://bot.example.com/line"},
        "/v1/bind-links": {},
    }
    body = {"channel": "nobody", **more.get(path, {"number": NUMBER})}
    status, problem = await gateway.call("POST", path, body)
    assert (status, problem["type"]) == (422, "not-found")
    assert problem["errors"][0]["pointer"] == "/channel"
    assert "'nobody'" in problem["detail"]


async def test_unknown_names_are_not_found(gateway: RunningGateway) -> None:
    for name in ("01K2W7K8Q4N1V5T9X3R6M0B2CD", "x", "%00", "x" * 500):
        assert (await gateway.call("DELETE", f"/v1/bindings/{name}"))[0] == 404
    status, problem = await gateway.call("GET", "/v1/bindings", cursor="x")
    assert (status, problem["type"]) == (422, "invalid-cursor")
    _, made = await bind(gateway)
    for body in ({"why": "x" * 201}, {"why": "\x00"}, {"because": "x"}, []):
        assert (await gateway.call("DELETE", f"/v1/bindings/{made['id']}", body))[0] == 422, body


# Lookup


async def test_a_lookup_tells_bindings_friendships_and_the_last_notices(gateway: RunningGateway) -> None:
    user = (await gateway.emulator.user("+886912345678"))["user_id"]
    channel = await gateway.ok("GET", "/v1/channels/Parcels")
    await gateway.emulator.act("+886912345678", "add_friend", channel_id=channel["line_channel_id"])
    await gateway.channel("Other", provider="default")
    await gateway.settle()
    _, made = await bind(gateway, user)
    ids = [await gateway.send(NUMBER) for _ in range(22)]
    await gateway.send("0912345679")
    found = await lookup(gateway)
    assert (found["number"], found["country"]) == (MASKED, "TW")
    (bound,) = found["bindings"]
    assert (bound["id"], bound["way"], bound["since"]) == (made["id"], "account_link", made["bound_at"])
    stands = {c["name"]: (c["state"], c["source"], c["since"] is not None) for c in bound["channels"]}
    assert stands == {"Parcels": ("friend", "follow event", True), "Other": ("unknown", None, False)}
    assert [n["id"] for n in found["notices"]] == ids[::-1][:20]
    await gateway.settle()
    last = (await lookup(gateway))["notices"][0]
    read = await gateway.notice(last["id"])
    assert last == {k: read[k] for k in ("id", "state", "reason", "channel", "created_at")}
    of_other = await lookup(gateway, channel="Other")
    assert [c["name"] for c in of_other["bindings"][0]["channels"]] == ["Other"]
    assert of_other["notices"] == []


async def test_a_number_that_nobody_knows_is_no_error(gateway: RunningGateway) -> None:
    found = await lookup(gateway)
    assert {k: found[k] for k in NOTHING} == NOTHING
    assert found["health"]["word"] == "unknown"


async def test_a_national_number_is_read_by_the_channels_and_a_doubtful_one_is_asked_back(
    gateway: RunningGateway,
) -> None:
    assert (await lookup(gateway, "+66812345678"))["country"] == "TH"
    await gateway.channel("Thai", region="TH")
    assert (await lookup(gateway, "0812345678"))["country"] == "TH", "no number of Taiwan"
    status, problem = await gateway.call("POST", "/v1/recipients/lookup", {"number": "0912345678"})
    assert (status, problem["errors"][0]["pointer"]) == (422, "/number")
    assert "country code" in problem["detail"]
    assert (await lookup(gateway, "0912345678", channel="Thai"))["country"] == "TH"
    assert (await lookup(gateway, "+886912345678"))["country"] == "TW"
    assert (await gateway.call("POST", "/v1/recipients/lookup", {"number": "12"}))[0] == 422


async def test_bindings_are_of_a_provider_and_of_an_account(gateway: RunningGateway) -> None:
    await gateway.channel("Foreign")
    await gateway.ok("PATCH", "/v1/channels/Foreign", {"provider": "another company"})
    assert (await gateway.ok("GET", "/v1/channels/Foreign"))["provider"] == "another company"
    _, made = await bind(gateway)
    assert (await lookup(gateway, channel="Foreign"))["bindings"] == []
    assert [c["name"] for c in (await lookup(gateway))["bindings"][0]["channels"]] == ["Parcels"]
    status, foreign = await bind(gateway, channel="Foreign")
    assert (status, foreign["provider"]) == (201, "another company")
    database = Database(f"sqlite:///{gateway.folder / 'todoke.db'}")
    try:
        async with database.write() as tx:
            account = await ensure_account(tx, "somebody else", START, UlidIds())
            gateway.key = (await create_key(tx, account, "key", START, UlidIds()))[1]
    finally:
        await database.close()
    found = await lookup(gateway, "+886912345678")
    assert {k: found[k] for k in NOTHING} == NOTHING
    assert (await gateway.ok("GET", "/v1/bindings", ended="true"))["bindings"] == []
    assert (await gateway.call("DELETE", f"/v1/bindings/{made['id']}"))[0] == 404


async def test_a_provider_may_be_named_when_a_channel_is_registered(gateway: RunningGateway) -> None:
    body = {
        "name": "New",
        "region": "TW",
        "line_channel_id": "77",
        "secret": "s",
        "access_token": "t",
        "provider": "Acme",
    }
    assert (await gateway.ok("POST", "/v1/channels", body))["provider"] == "Acme"
    assert (await gateway.ok("GET", "/v1/channels/Parcels"))["provider"] == "default"
    for wrong in ("", "x" * 101, "a\nb", 5):
        status, problem = await gateway.call("PATCH", "/v1/channels/New", {"provider": wrong})
        assert (status, problem["errors"][0]["pointer"]) == (422, "/provider")


async def test_numbers_and_users_stand_in_no_log_line_and_no_error(gateway: RunningGateway) -> None:
    text = io.StringIO()
    before = structlog.get_config()
    logs.set_up_logging("DEBUG")
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(text))  # type: ignore[arg-type]
    try:
        _, made = await bind(gateway)
        answers = [
            made,
            await lookup(gateway),
            (await bind(gateway, user_id="x"))[1],
            (await bind(gateway, number="+886 912 345 6789 1"))[1],
            (await gateway.call("POST", "/v1/recipients/lookup", {"number": "+82 10 5512 3987"}))[1],
        ]
        await gateway.settle()
    finally:
        structlog.configure(**before)
    _, metrics = await gateway.call("GET", "/metrics")
    said = json.dumps(answers) + metrics
    for trace in ("912345678", "12345678", "55123987"):
        assert trace not in said
        assert trace not in text.getvalue()
    assert ANNA not in text.getvalue()


async def test_the_documented_examples_have_the_fields_of_true_answers(gateway: RunningGateway) -> None:
    document = await gateway.ok("GET", "/openapi.json")

    def example(path: str, method: str, status: str = "200") -> Any:
        answered = document["paths"][path][method]["responses"][status]
        return answered["content"]["application/json"]["example"]

    def alike(shown: dict[str, Any], answered: dict[str, Any]) -> bool:
        """The same fields; the document leaves out those of an example that are null."""
        there = {k for k, v in answered.items() if v is not None}
        return there <= set(shown) <= set(answered)

    _, made = await bind(gateway)
    made.pop("notes")
    assert alike(example("/v1/bindings", "post", "201"), made)
    await gateway.send(NUMBER)
    found = await gateway.ok("POST", "/v1/recipients/lookup", {"number": NUMBER})
    told = example("/v1/recipients/lookup", "post")
    assert alike(told, found)
    for name in ("bindings", "notices"):
        assert alike(told[name][0], found[name][0]), name
    # Which of its times are null goes by the number.
    assert set(told["health"]) <= set(found["health"])
    await gateway.ok("POST", "/v1/recipients/export", {"number": NUMBER})
    (entry,) = (await gateway.ok("GET", "/v1/audit"))["audit"]
    (shown,) = example("/v1/audit", "get")["audit"]
    assert alike(shown, entry)
    shape = re.compile(r"key .+ \(tdk_.{4}…\)")
    assert shape.fullmatch(shown["by"])
    assert shape.fullmatch(entry["by"])
