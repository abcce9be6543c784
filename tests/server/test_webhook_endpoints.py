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
    ({"events": ["alarm.raised", "notice.delivered!"]}, "/events/1", "callback, alarm.raised, alarm.cleared"),
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
