"""Single notices taken in past the framework: the same answers as the long way, and the truth as it is now."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from gateway_support import RunningGateway
from todoke.actions import intake
from todoke.ids import Ids
from todoke.server import notice_writer, quick
from todoke.server.notice_writer import Asked, NoticeWriter, Taken
from todoke.storage.database import Database, Tx
from todoke.storage.notices import NewNotice

NOTICE: dict[str, Any] = {
    "channel": "Parcels",
    "template": "parcel",
    "to": "0912345678",
    "parameters": {"name": "小明"},
}
OWN_POLICY = {"steps": [{"step": "line_notification", "wait": "2h"}, {"step": "sms"}], "deadline": "1d"}
Case = tuple[bytes, Mapping[str, str]]


def case(change: Mapping[str, Any] | None = None, **headers: str) -> Case:
    """A request that differs from the usual one by this; a value of `...` leaves a field out."""
    body = {k: v for k, v in {**NOTICE, **(change or {})}.items() if v is not ...}
    return json.dumps(body, ensure_ascii=False).encode(), {k.replace("_", "-"): v for k, v in headers.items()}


def raw(body: bytes, **headers: str) -> Case:
    return body, {k.replace("_", "-"): v for k, v in headers.items()}


USUAL = json.dumps(NOTICE).encode()
TAKEN: list[Case] = [
    case(),
    case({"to": 912345678}),
    case({"to": "+66812345678"}),
    case({"to": "0912345678.0"}),
    case({"reference": "訂單 1 \u2603", "source": "shop", "language": "zh-TW"}),
    case({"reference": ""}),
    case({"policy": "named"}),
    case({"policy": OWN_POLICY}),
    case({"policy": None, "deadline": "2h", "language": None}),
    case({"parameters": {"name": 17}}),
    case(content_type="application/json; charset=utf-8"),
    case(content_type="application/vnd.shop+json"),
    case(authorization="bearer {key}"),
    raw(USUAL[:-1] + b', "to": "0912345679"}'),
    raw(b"  " + USUAL + b"\n"),
    raw(json.dumps(NOTICE).encode("utf-16")),
    case({"parameters": {"name": "明" * 20}, "reference": "x" * 100}),
    case(idempotency_key="x" * 255),
    case(idempotency_key="caf\xe9"),
]
REFUSED: list[Case] = [
    case({"to": "0223456789"}),
    case({"to": 7}),
    case({"to": True}),
    case({"to": 912345678.5}),
    case({"to": None}),
    case({"to": ...}),
    case({"channel": "None such"}),
    case({"channel": "x" * 101}),
    case({"template": "None such"}),
    case({"template": 5}),
    case({"policy": "none such"}),
    case({"policy": 5}),
    case({"policy": {"steps": []}}),
    case({"policy": {"steps": [{"step": "pigeon"}]}}),
    case({"source": "none such"}),
    case({"source": "ended"}),
    case({"parameters": {}}),
    case({"parameters": None}),
    case({"parameters": ["小明"]}),
    case({"parameters": {"name": "x" * 21}}),
    case({"parameters": {"name": {"deep": 1}}}),
    case({"parameters": {"name": "小明", "more": "x"}}),
    case({"parameters": {"name": "王\u202e小明"}}),
    case({"parameters": {"name": 10**400}}),
    case({"parameters": {"name": "x" * 5000}}),
    case({"reference": "x" * 101}),
    case({"reference": "a\nb"}),
    case({"deadline": "soon"}),
    case({"deadline": "2020-01-01T00:00:00Z"}),
    case({"language": "fr"}),
    case({"event_at": "yesterday"}),
    case({"unknown": 1}),
    case({"to": "0987000000"}),
    case(authorization="Bearer wrong"),
    case(authorization="Basic {key}"),
    case(authorization=""),
    case(content_type="text/plain"),
    case(idempotency_key=""),
    case(idempotency_key="x" * 256),
    raw(b""),
    raw(b"{"),
    raw(b"[]"),
    raw(b"null"),
    raw(b"\xff\xfe"),
    raw(b'{"channel": "Parcels", "to": NaN}'),
    raw(b"[" * 3000),
    raw(USUAL.replace(b"0912345678", b"\\ud800")),
    raw(USUAL[:-1] + b"} trailing"),
]


async def ask(gateway: RunningGateway, asked: Case) -> tuple[int, dict[str, str], bytes]:
    body, changes = asked
    usual = {"content-type": "application/json", "authorization": "Bearer {key}"}
    headers = {k: v.replace("{key}", gateway.key) for k, v in {**usual, **changes}.items()}
    async with gateway.session.post(
        f"{gateway.url}/v1/notices", data=body, headers=headers, skip_auto_headers=["content-type"]
    ) as answer:
        shown = {k.lower(): v for k, v in answer.headers.items() if k.lower() != "date"}
        return answer.status, shown, await answer.read()


def without_id(answer: tuple[int, dict[str, str], bytes]) -> Any:
    status, headers, body = answer
    shown = json.loads(body)
    if status == 202:
        assert shown.pop("id")
    return status, headers, shown, body.partition(b"state")[2] if status == 202 else body


async def test_the_short_way_and_the_long_way_give_the_same_answers(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    await gateway.ok("POST", "/v1/policies", {"name": "named", **OWN_POLICY})
    for name in ("shop", "ended"):
        await gateway.ok("POST", "/v1/sources", {"name": name, "origin": "shop", "ground": "contract"})
    await gateway.ok("PATCH", "/v1/sources/ended", {"ended": True})
    await gateway.ok("POST", "/v1/suppressions", {"number": "+886987000000"})
    # Virtual time begins now, and stands still.
    now = (await gateway.ok("POST", "/v1/notices", NOTICE))["created_at"]
    taken = [*TAKEN, case({"event_at": now}), case({"deadline": in_an_hour(now)})]
    cases = taken + REFUSED
    with counted(monkeypatch) as quickly:
        short = [without_id(await ask(gateway, x)) for x in cases]
    assert len(quickly) >= 30  # Else this compares the long way with itself.
    with monkeypatch.context() as context:
        context.setattr(quick, "read_headers", lambda _: None)
        long = [without_id(await ask(gateway, with_other_key(x))) for x in cases]
    for asked, a, b in zip(cases, short, long, strict=True):
        assert a == b, asked
    wrong = [(x, y) for x, y in zip(cases, short, strict=True) if (y[0] == 202) != (x in taken)]
    assert wrong == []


def in_an_hour(now: str) -> str:
    return (datetime.fromisoformat(now) + timedelta(hours=1)).isoformat()


def with_other_key(asked: Case) -> Case:
    """The same with another Idempotency-Key, where it has a valid one."""
    body, headers = asked
    key = headers.get("idempotency-key", "")
    return body, {**headers, "idempotency-key": key[:-1] + "y"} if 0 < len(key) < 256 else headers


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Asked]]:
    """What is taken in the short way meanwhile."""
    taken: list[Asked] = []
    put = NoticeWriter.put

    def noted(self: NoticeWriter, asked: Asked) -> asyncio.Future[Taken]:
        taken.append(asked)
        return put(self, asked)

    with monkeypatch.context() as context:
        context.setattr(NoticeWriter, "put", noted)
        yield taken


async def test_what_is_changed_elsewhere_holds_from_the_next_request_on(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program of its own changes the database, as a second gateway or the command line does."""
    elsewhere = Database(f"sqlite:///{gateway.folder / 'todoke.db'}")
    try:
        with counted(monkeypatch) as quickly:
            first = await gateway.ok("POST", "/v1/notices", NOTICE)
            assert first["policy"]["why"] != "policy renewed, version 1"
            async with elsewhere.write() as tx:
                await tx.exec_driver_sql("UPDATE templates SET name = 'parcel-old'")
            status, problem = await gateway.call("POST", "/v1/notices", NOTICE)
            assert (status, problem["errors"][0]["pointer"]) == (422, "/template")
            renamed = {**NOTICE, "template": "parcel-old"}
            assert (await gateway.ok("POST", "/v1/notices", renamed))["template"] == "parcel-old"
            async with elsewhere.write() as tx:
                await tx.exec_driver_sql("UPDATE api_keys SET revoked_at = 1")
            status, problem = await gateway.call("POST", "/v1/notices", renamed)
            assert (status, problem["type"]) == (401, "wrong-api-key")
        assert len(quickly) == 4
    finally:
        await elsewhere.close()


async def test_those_who_wait_together_share_a_commit_and_one_that_fails_harms_none(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch, logged: list[Any]
) -> None:
    await gateway.ok("POST", "/v1/notices", NOTICE)
    portions: list[int] = []
    insert = intake.insert

    async def failing(tx: Tx, notices: list[NewNotice], now: int, ids: Ids) -> int:
        portions.append(len(notices))
        told = await insert(tx, notices, now, ids)
        if any(x.reference == "breaks" for x in notices):
            raise RuntimeError("as a defect would")
        return told

    monkeypatch.setattr(intake, "insert", failing)
    references = [*(f"order-{i}" for i in range(40)), "breaks"]
    answers = await asyncio.gather(
        *(gateway.call("POST", "/v1/notices", {**NOTICE, "reference": x}) for x in references)
    )
    assert [status for status, _ in answers] == [202] * 40 + [500]
    assert max(portions) > 1
    shown = (await gateway.ok("GET", "/v1/notices", limit="500"))["notices"]
    assert {x["reference"]: x["id"] for x in shown if x["reference"]} == {
        x["reference"]: x["id"] for status, x in answers if status == 202
    }
    assert [x["event"] for x in logged if x["log_level"] == "error"] == ["server.error"]
    logged[:] = [x for x in logged if x["log_level"] != "error"]


async def test_the_same_key_twice_among_those_who_wait_together_is_one_notice_with_one_answer(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    await gateway.ok("POST", "/v1/notices", NOTICE)
    same = case(idempotency_key="order-1")
    other = case({"reference": "other"}, idempotency_key="order-1")
    refused = case({"to": "7"}, idempotency_key="order-2")
    mended = case(idempotency_key="order-2")
    with counted(monkeypatch) as quickly:
        answers = await asyncio.gather(*(ask(gateway, x) for x in (same, same, same, other, refused, mended)))
    assert len(quickly) == 6
    statuses = [status for status, _, _ in answers]
    assert sorted(statuses[:4]) == [202, 202, 202, 422]
    assert len({body for status, _, body in answers[:4] if status == 202}) == 1
    assert statuses[4:] == [422, 202]
    assert len((await gateway.ok("GET", "/v1/notices", limit="500"))["notices"]) == 3


async def test_when_too_many_wait_the_next_is_told_to_come_again_and_nothing_is_done_for_it(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    await gateway.ok("POST", "/v1/notices", NOTICE)
    with monkeypatch.context() as context:
        context.setattr(notice_writer, "MOST_WAITING", 0)
        status, headers, body = await ask(gateway, case())
    assert (status, headers["retry-after"], json.loads(body)["type"]) == (503, "1", "overloaded")
    assert (await ask(gateway, case()))[0] == 202
    assert len((await gateway.ok("GET", "/v1/notices"))["notices"]) == 2
