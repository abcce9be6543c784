"""/v1/sources: where numbers came from; named by notices and lists, shown with them and per recipient."""

from __future__ import annotations

from typing import Any

import pytest

from gateway_support import RunningGateway

ORIGIN = "order form of the shop, box 3"
NUMBER = "0912345678"


async def create(gateway: RunningGateway, **changes: Any) -> tuple[int, Any]:
    body = {"name": "shop orders", "ground": "contract", "origin": ORIGIN, **changes}
    return await gateway.call("POST", "/v1/sources", {k: v for k, v in body.items() if v is not None})


async def notice(gateway: RunningGateway, **more: Any) -> tuple[int, Any]:
    body = {"channel": "Parcels", "template": "parcel", "to": NUMBER, "parameters": {"name": "小明"}, **more}
    return await gateway.call("POST", "/v1/notices", body)


async def test_a_source_is_made_once_and_told_again(gateway: RunningGateway) -> None:
    status, made = await create(gateway, collected_from="2026-01-01T00:00:00+08:00")
    assert status == 201
    assert (made["name"], made["ground"], made["origin"]) == ("shop orders", "contract", ORIGIN)
    assert (made["collected_from"], made["collected_until"]) == ("2025-12-31T16:00:00.000Z", None)
    assert await create(gateway, collected_from="2025-12-31T16:00:00Z") == (200, made)
    status, problem = await create(gateway, ground="consent")
    assert (status, problem["type"]) == (409, "conflict")
    assert await gateway.ok("GET", f"/v1/sources/{made['id']}") == made
    assert await gateway.ok("GET", "/v1/sources/shop%20orders") == made


async def test_a_source_is_changed_and_ended_and_its_name_stays(gateway: RunningGateway) -> None:
    _, made = await create(gateway)
    path = f"/v1/sources/{made['id']}"
    changed = await gateway.ok(
        "PATCH", path, {"ground": "consent", "collected_until": "2026-02-01T00:00:00Z"}
    )
    assert (changed["ground"], changed["origin"]) == ("consent", ORIGIN)
    assert (await gateway.call("PATCH", path, {"name": "other"}))[0] == 422
    ended = await gateway.ok("DELETE", path)
    assert ended["ended_at"] is not None
    await gateway.advance("1h")
    assert await gateway.ok("DELETE", path) == ended, "the first end counts"
    assert (await gateway.ok("GET", "/v1/sources"))["sources"] == []
    assert (await gateway.ok("GET", "/v1/sources", ended="true"))["sources"] == [ended]
    assert (await create(gateway))[0] == 409
    assert (await gateway.ok("PATCH", path, {"ended": False}))["ended_at"] is None


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "   "}, "/name"),
        ({"name": "a/b"}, "/name"),
        ({"name": "a\u202eb"}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"ground": "because"}, "/ground"),
        ({"ground": None}, "/ground"),
        ({"origin": ""}, "/origin"),
        ({"origin": "  "}, "/origin"),
        ({"origin": "x" * 501}, "/origin"),
        ({"origin": "a\x00b"}, "/origin"),
        ({"collected_from": "yesterday"}, "/collected_from"),
        ({"collected_from": "1960-01-01T00:00:00Z"}, "/collected_from"),
        (
            {"collected_from": "2026-02-01T00:00:00Z", "collected_until": "2026-01-01T00:00:00Z"},
            "/collected_until",
        ),
    ],
)
async def test_what_can_not_be_used_is_refused_with_its_place(
    gateway: RunningGateway, change: dict[str, Any], pointer: str
) -> None:
    status, problem = await create(gateway, **change)
    assert status == 422
    assert pointer in [e["pointer"] for e in problem["errors"]]


async def test_a_notice_names_its_source_and_shows_it(gateway: RunningGateway) -> None:
    _, made = await create(gateway)
    for name in ("shop orders", made["id"]):
        status, sent = await notice(gateway, source=name)
        assert status == 202
        assert sent["source"] == {"name": "shop orders", "ground": "contract"}
        assert (await gateway.notice(sent["id"]))["source"] == sent["source"]
    assert (await notice(gateway))[1]["source"] is None


async def test_an_unknown_or_ended_source_is_refused(gateway: RunningGateway) -> None:
    _, made = await create(gateway)
    for name in ("none such", "", "\x00"):
        status, problem = await notice(gateway, source=name)
        assert (status, problem["errors"][0]["pointer"]) == (422, "/source")
    await gateway.ok("DELETE", f"/v1/sources/{made['id']}")
    status, problem = await notice(gateway, source="shop orders")
    assert (status, problem["type"], problem["errors"][0]["pointer"]) == (422, "invalid", "/source")
    assert "ended" in problem["detail"]
    assert (await gateway.call("POST", "/v1/notices", None))[0] == 422


async def test_of_many_notices_each_may_have_its_own_source(gateway: RunningGateway) -> None:
    await create(gateway)
    await create(gateway, name="club", ground="consent")
    items = [
        {"channel": "Parcels", "template": "parcel", "to": NUMBER, "parameters": {"name": "x"}, **more}
        for more in ({"source": "club"}, {}, {"source": "none such"}, {"source": "shop orders"})
    ]
    answered = await gateway.ok("POST", "/v1/notices/batch", {"notices": items})
    assert (answered["accepted"], answered["refused"]) == (3, 1)
    ids = [r["id"] for r in answered["results"] if "id" in r]
    shown = [(await gateway.notice(x))["source"] for x in ids]
    assert [None if s is None else s["name"] for s in shown] == ["club", None, "shop orders"]


async def test_a_list_names_its_source_and_all_its_notices_have_it(gateway: RunningGateway) -> None:
    await create(gateway)
    content = "phone,name\n0912345678,甲\n0912345679,乙\n".encode()
    status, problem = await gateway.upload(content, source="none such")
    assert (status, problem["errors"][0]["pointer"]) == (422, "/source")
    _, batch = await gateway.upload(content, source="shop orders")
    assert batch["source"] == {"name": "shop orders", "ground": "contract"}
    await gateway.settle()
    assert (await gateway.ok("GET", f"/v1/batches/{batch['id']}"))["source"]["name"] == "shop orders"
    assert (await gateway.ok("GET", "/v1/batches"))["batches"][0]["source"]["name"] == "shop orders"
    notices = (await gateway.ok("GET", "/v1/notices", batch=batch["id"]))["notices"]
    assert [n["source"]["name"] for n in notices] == ["shop orders"] * 2


async def test_the_lookup_shows_where_a_number_came_from_since_when_and_how_often(
    gateway: RunningGateway,
) -> None:
    await create(gateway)
    await create(gateway, name="club", ground="consent")
    _, first = await notice(gateway, source="club")
    await notice(gateway)
    await gateway.advance("1h")
    _, second = await notice(gateway, source="shop orders")
    await gateway.advance("1h")
    _, third = await notice(gateway, source="club")
    found = await gateway.ok("POST", "/v1/recipients/lookup", {"number": NUMBER})
    assert [(s["name"], s["ground"], s["notices"], s["since"], s["last_at"]) for s in found["sources"]] == [
        ("club", "consent", 2, first["created_at"], third["created_at"]),
        ("shop orders", "contract", 1, second["created_at"], second["created_at"]),
    ]
    assert found["sources"][0]["origin"] == ORIGIN
    other = await gateway.ok("POST", "/v1/recipients/lookup", {"number": "0912345679"})
    assert other["sources"] == []


async def test_a_dry_run_checks_the_source_too(gateway: RunningGateway) -> None:
    body = {
        "channel": "Parcels",
        "template": "parcel",
        "to": NUMBER,
        "parameters": {"name": "x"},
        "source": "x",
    }
    assert (await gateway.call("POST", "/v1/notices", body, dry_run="true"))[0] == 422
