"""Webhook endpoints over the API: what is taken, what is refused and why, and that a secret is shown once."""

from __future__ import annotations

from typing import Any

import pytest

from gateway_support import RunningGateway
from todoke.actions.channels import create_key, ensure_account
from todoke.actions.endpoints import EVENTS, MOST
from todoke.ids import UlidIds
from todoke.storage.database import Database

PATH = "/v1/webhook-endpoints"
GOOD: dict[str, Any] = {"url": "https://shop.example.com/todoke", "events": ["alarm.raised", "callback"]}
SECRET = "whsec_" + "QUJD" * 11


async def test_an_endpoint_is_made_read_changed_and_removed(gateway: RunningGateway) -> None:
    made = await gateway.ok("POST", PATH, GOOD)
    assert made["url"] == GOOD["url"]
    assert made["events"] == ["callback", "alarm.raised"]
    path = f"{PATH}/{made['id']}"
    shown = {k: v for k, v in made.items() if k != "secret"}
    assert await gateway.ok("GET", path) == shown
    assert await gateway.ok("GET", PATH) == {"webhook_endpoints": [shown]}
    changed = await gateway.ok("PATCH", path, {"events": ["alarm.cleared", "alarm.cleared"]})
    assert changed == {**shown, "events": ["alarm.cleared"]}
    changed = await gateway.ok("PATCH", path, {"url": "https://shop.example.com/other"})
    assert changed["url"] == "https://shop.example.com/other"
    assert (await gateway.call("DELETE", path))[0] == 204
    for method in ("GET", "PATCH", "DELETE"):
        body = {} if method == "PATCH" else None
        assert (await gateway.call(method, path, body))[0] == 404
    assert await gateway.ok("GET", PATH) == {"webhook_endpoints": []}


async def test_a_secret_is_shown_once_and_kept_sealed(gateway: RunningGateway) -> None:
    made = await gateway.ok("POST", PATH, GOOD)
    given = await gateway.ok("POST", PATH, {**GOOD, "secret": SECRET})
    assert made["secret"].startswith("whsec_")
    assert made["secret"] != given["secret"] == SECRET
    later = str(await gateway.ok("GET", PATH)) + str(await gateway.ok("GET", f"{PATH}/{made['id']}"))
    stored = b"".join(p.read_bytes() for p in gateway.folder.glob("todoke.db*"))
    for secret in (made["secret"], SECRET):
        assert secret.removeprefix("whsec_") not in later
        assert secret.removeprefix("whsec_").encode() not in stored
    assert b"shop.example.com" in stored


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"url": "shop.example.com"}, "/url", "is no"),
    ({"url": "ftp://shop.example.com/"}, "/url", "is no http"),
    ({"url": "https://user:word@shop.example.com/"}, "/url", "holds a user or password"),
    ({"url": "https://169.254.169.254/latest"}, "/url", "can't be meant"),
    ({"url": "https://0x7f.1/"}, "/url", "can't be meant"),
    ({"url": "https://shop.example.com/a b"}, "/url", "a space"),
    ({"url": "https://shop.example.com/\r\nX: y"}, "/url", "invisible"),
    ({"url": "https://shop.example.com/" + "x" * 2000}, "/url", "at most 2,000"),
    ({"url": "https://shop.example.com/" + "x" * 5000}, "/url", ""),
    ({"url": ""}, "/url", ""),
    ({"url": None}, "/url", ""),
    (
        {"events": ["alarm.raised", "notice.delivered!"]},
        "/events/1",
        "callback, notice.queued, notice.sending",
    ),
    ({"events": ["x" * 5000]}, "/events/0", "Known are"),
    ({"events": []}, "/events", "Name at least one"),
    ({"events": ["\ud800"]}, "/events/0", "Known are"),
    ({"events": "callback"}, "/events", "list"),
    ({"events": ["callback"] * 101}, "/events", ""),
    ({"secret": "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, "/secret", "does not begin with whsec_"),
    ({"secret": "whsec_c2hvcnQ="}, "/secret", "24 to 64"),
    ({"secret": "whsec_" + "A" * 300}, "/secret", ""),
    ({"colour": "red"}, "/colour", "no such field"),
]


@pytest.mark.parametrize(("change", "pointer", "says"), BAD)
async def test_what_can_t_be_used_is_refused_with_its_place_and_the_remedy(
    gateway: RunningGateway, change: dict[str, Any], pointer: str, says: str
) -> None:
    status, problem = await gateway.call("POST", PATH, {**GOOD, **change})
    assert status == 422
    assert (problem["errors"][0]["pointer"], says in problem["errors"][0]["message"]) == (pointer, True), (
        problem
    )
    assert (await gateway.ok("GET", PATH))["webhook_endpoints"] == []


@pytest.mark.parametrize("change", [{"url": "https://169.254.169.254/"}, {"events": []}, {"events": ["all"]}])
async def test_a_change_is_checked_as_a_new_one_is(gateway: RunningGateway, change: dict[str, Any]) -> None:
    made = await gateway.ok("POST", PATH, GOOD)
    status, _ = await gateway.call("PATCH", f"{PATH}/{made['id']}", change)
    assert status == 422
    (found,) = (await gateway.ok("GET", PATH))["webhook_endpoints"]
    assert (found["url"], found["events"]) == (GOOD["url"], ["callback", "alarm.raised"])


async def test_a_wrong_secret_is_not_repeated_in_the_answer(gateway: RunningGateway) -> None:
    status, problem = await gateway.call("POST", PATH, {**GOOD, "secret": "whsec_" + "%" * 40})
    assert (status, "%%%" in str(problem)) == (422, False)


async def test_an_account_has_so_many_endpoints_and_no_more(gateway: RunningGateway) -> None:
    for i in range(MOST):
        await gateway.ok("POST", PATH, {**GOOD, "url": f"https://shop.example.com/{i}"})
    status, problem = await gateway.call("POST", PATH, GOOD)
    assert (status, problem["type"]) == (409, "conflict")
    first = (await gateway.ok("GET", PATH))["webhook_endpoints"][0]
    await gateway.call("DELETE", f"{PATH}/{first['id']}")
    await gateway.ok("POST", PATH, GOOD)


async def test_an_endpoint_is_another_accounts_business(gateway: RunningGateway) -> None:
    made = await gateway.ok("POST", PATH, GOOD)
    database = Database(f"sqlite:///{gateway.folder / 'todoke.db'}")
    try:
        async with database.write() as tx:
            other = await ensure_account(tx, "other", 0, UlidIds())
            _, key = await create_key(tx, other, "its key", 0, UlidIds())
    finally:
        await database.close()
    gateway.key = key
    assert (await gateway.ok("GET", PATH)) == {"webhook_endpoints": []}
    for method in ("GET", "DELETE"):
        assert (await gateway.call(method, f"{PATH}/{made['id']}"))[0] == 404


async def test_every_call_wants_a_key(gateway: RunningGateway) -> None:
    gateway.key = "tdk_wrong"
    for method, path in (("GET", PATH), ("POST", PATH), ("DELETE", f"{PATH}/x"), ("GET", "/v1/alarms")):
        assert (await gateway.call(method, path, GOOD if method == "POST" else None))[0] == 401


async def test_the_document_says_which_events_there_are(gateway: RunningGateway) -> None:
    document = await gateway.ok("GET", "/openapi.json")
    described = document["paths"][PATH]["post"]["description"]
    assert all(f"`{name}`" in described for name in EVENTS)


async def test_a_choice_may_be_of_a_kind_or_of_all(gateway: RunningGateway) -> None:
    made = await gateway.ok("POST", PATH, {**GOOD, "events": ["callback", "friend.*", "*", "friend.*"]})
    assert made["events"] == ["*", "friend.*", "callback"]
    for wrong in ("callback.*", "notice", "notice.**", "test", "*.delivered"):
        status, problem = await gateway.call("POST", PATH, {**GOOD, "events": [wrong]})
        assert status == 422
        assert "notice.*" in problem["errors"][0]["message"]


async def test_a_description_is_kept_changed_and_taken_away(gateway: RunningGateway) -> None:
    made = await gateway.ok("POST", PATH, {**GOOD, "description": "CRM, of Ms 王"})
    assert (made["description"], made["state"], made["open"]) == ("CRM, of Ms 王", "active", 0)
    path = f"{PATH}/{made['id']}"
    assert (await gateway.ok("PATCH", path, {"description": "ERP"}))["description"] == "ERP"
    assert (await gateway.ok("PATCH", path, {"description": ""}))["description"] is None
    for wrong in ("x" * 201, "two\nlines", "\x00"):
        assert (await gateway.call("PATCH", path, {"description": wrong}))[0] == 422


async def test_a_secret_is_changed_for_one_of_ones_own_or_a_new_one(gateway: RunningGateway) -> None:
    made = await gateway.ok("POST", PATH, GOOD)
    path = f"{PATH}/{made['id']}"
    given = await gateway.ok("POST", f"{path}/rotate-secret", {"secret": SECRET})
    assert (given["secret"], given["old_secret_until"] is None) == (SECRET, False)
    new = await gateway.ok("POST", f"{path}/rotate-secret")
    assert new["secret"] not in (SECRET, made["secret"])
    at_once = await gateway.ok("POST", f"{path}/rotate-secret", {"at_once": True})
    assert at_once["old_secret_until"] is None
    assert "secret" not in await gateway.ok("GET", path)
    status, problem = await gateway.call("POST", f"{path}/rotate-secret", {"secret": "whsec_c2hvcnQ="})
    assert (status, problem["errors"][0]["pointer"]) == (422, "/secret")


BAD_REPLAYS: list[tuple[dict[str, Any], str]] = [
    ({}, "/from"),
    ({"from": "yesterday"}, "/from"),
    ({"from": "2026-08-07T09:00:00"}, "/from"),
    ({"from": "2026-08-07T09:00:00Z", "until": "x"}, "/until"),
    ({"from": "2026-08-07T09:00:00Z", "until": "2026-08-07T09:00:00Z"}, "/until"),
    ({"from": "2026-08-07T09:00:00Z", "only_failed": "perhaps"}, "/only_failed"),
    ({"from": "2026-08-07T09:00:00Z", "colour": "red"}, "/colour"),
]


@pytest.mark.parametrize(("body", "pointer"), BAD_REPLAYS)
async def test_a_replay_that_can_t_be_read_is_refused_with_its_place(
    gateway: RunningGateway, body: dict[str, Any], pointer: str
) -> None:
    made = await gateway.ok("POST", PATH, GOOD)
    status, problem = await gateway.call("POST", f"{PATH}/{made['id']}/replay", body)
    assert (status, problem["errors"][0]["pointer"]) == (422, pointer)


@pytest.mark.parametrize(
    "query", [{"state": "lost"}, {"cursor": "x"}, {"limit": "0"}, {"limit": "501"}, {"event": "x" * 41}]
)
async def test_a_log_is_asked_for_rightly_or_refused(gateway: RunningGateway, query: dict[str, str]) -> None:
    made = await gateway.ok("POST", PATH, GOOD)
    assert (await gateway.call("GET", f"{PATH}/{made['id']}/postings", **query))[0] == 422


async def test_a_log_comes_page_by_page_and_filtered(gateway: RunningGateway) -> None:
    made = await gateway.ok("POST", PATH, {**GOOD, "events": ["notice.*"]})
    path = f"{PATH}/{made['id']}"
    await gateway.ok("POST", f"{path}/pause")
    ids = [await gateway.send("0912345678") for _ in range(3)]
    await gateway.settle()
    whole = (await gateway.ok("GET", f"{path}/postings"))["postings"]
    assert {x["state"] for x in whole} == {"open"}
    assert [x["id"] for x in whole] == sorted((x["id"] for x in whole), reverse=True)
    found: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = await gateway.ok("GET", f"{path}/postings", limit="2", **cursor)
        found += page["postings"]
        if "next" not in page:
            break
        cursor = {"cursor": page["next"]}
    assert found == whole
    queued = (await gateway.ok("GET", f"{path}/postings", event="notice.queued"))["postings"]
    assert [x["about"] for x in queued] == ids[::-1]
    assert (await gateway.ok("GET", f"{path}/postings", state="failed"))["postings"] == []
    about = (await gateway.ok("GET", f"{path}/postings", about=ids[0]))["postings"]
    assert {x["about"] for x in about} == {ids[0]}


BELOW = (
    ("POST", "pause"),
    ("POST", "resume"),
    ("POST", "test"),
    ("POST", "rotate-secret"),
    ("GET", "postings"),
    ("GET", "postings/01K2W7M4E8M2P6R0T3V7X1Z5BD"),
    ("POST", "postings/01K2W7M4E8M2P6R0T3V7X1Z5BD/replay"),
    ("POST", "replay"),
)


@pytest.mark.parametrize(("method", "below"), BELOW)
async def test_what_is_not_there_or_without_a_key_is_told_apart(
    gateway: RunningGateway, method: str, below: str
) -> None:
    body = {"from": "2026-08-07T09:00:00Z"} if below == "replay" else None
    status, problem = await gateway.call(method, f"{PATH}/01K2W7M4E8M2P6R0T3V7X1Z5BD/{below}", body)
    assert (status, problem["type"]) == (404, "not-found")
    gateway.key = "tdk_wrong"
    assert (await gateway.call(method, f"{PATH}/01K2W7M4E8M2P6R0T3V7X1Z5BD/{below}", body))[0] == 401
