"""/v1/suppressions: told, listed, counted, ended; and what becomes of notices and messages to such a recipient."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway_support import RunningGateway

NUMBER = "0912-345-678"
MASKED = "0912•••678"
OTHER = "0912-345-679"
USER = "U" + "a" * 32
TAIPEI = ZoneInfo("Asia/Taipei")


async def suppress(gateway: RunningGateway, number: Any = NUMBER, **more: Any) -> tuple[int, Any]:
    return await gateway.call("POST", "/v1/suppressions", {"number": number, **more})


async def notice(gateway: RunningGateway, to: str = NUMBER, **more: Any) -> tuple[int, Any]:
    body = {"channel": "Parcels", "template": "parcel", "to": to, "parameters": {"name": "小明"}, **more}
    return await gateway.call("POST", "/v1/notices", body)


async def test_a_suppression_is_made_once_and_told_again(gateway: RunningGateway) -> None:
    status, made = await suppress(gateway, note=" by phone ")
    assert status == 201
    assert (made["number"], made["scope"], made["reason"], made["note"]) == (
        MASKED,
        "all",
        "manual",
        "by phone",
    )
    assert made["by"].startswith("key ")
    status, again = await suppress(gateway, "+886912345678", note="other")
    assert (status, again) == (200, made), "the one that stands, as it was made"
    status, sms = await suppress(gateway, scope="sms")
    assert (status, sms["scope"]) == (201, "sms"), "another scope is another suppression"
    listed = (await gateway.ok("GET", "/v1/suppressions"))["suppressions"]
    assert [x["id"] for x in listed] == [sms["id"], made["id"]]


async def test_asked_for_twenty_times_at_once_there_is_one(gateway: RunningGateway) -> None:
    answers = await asyncio.gather(*(suppress(gateway) for _ in range(20)))
    assert sorted(status for status, _ in answers) == [200] * 19 + [201]
    assert len({made["id"] for _, made in answers}) == 1


async def test_the_persons_own_word_takes_the_place_of_the_businesss(gateway: RunningGateway) -> None:
    _, manual = await suppress(gateway)
    status, complaint = await suppress(gateway, reason="complaint")
    assert (status, complaint["reason"]) == (201, "complaint")
    status, own = await suppress(gateway, reason="opt_out")
    assert status == 201
    assert (await suppress(gateway, reason="manual"))[1] == own, "what weighs less changes nothing"
    everything = (await gateway.ok("GET", "/v1/suppressions", ended="true"))["suppressions"]
    assert [x["id"] for x in everything] == [own["id"], complaint["id"], manual["id"]]
    assert [x["removed_why"] for x in everything] == [None, *["a weightier reason came"] * 2]


async def test_what_the_person_said_is_ended_only_with_how_they_took_it_back(gateway: RunningGateway) -> None:
    for reason in ("opt_out", "complaint"):
        _, made = await suppress(gateway, reason=reason)
        path = f"/v1/suppressions/{made['id']}"
        for body in (None, {"why": None}, {"why": "  "}):
            status, problem = await gateway.call("DELETE", path, body)
            assert (status, problem["errors"][0]["pointer"]) == (422, "/why")
        ended = await gateway.ok("DELETE", path, {"why": "asked again by phone"})
        assert (ended["removed_why"], ended["removed_at"] is not None) == ("asked again by phone", True)
        await gateway.advance("1h")
        assert await gateway.ok("DELETE", path, {"why": "again"}) == ended, "the first end counts"
    kept = (await gateway.ok("GET", "/v1/suppressions", ended="true"))["suppressions"]
    assert [x["reason"] for x in kept] == ["complaint", "opt_out"]


async def test_what_the_business_decided_it_may_end_without_a_word(gateway: RunningGateway) -> None:
    _, made = await suppress(gateway)
    ended = await gateway.ok("DELETE", f"/v1/suppressions/{made['id']}")
    assert ended["removed_why"] is None
    assert (await gateway.ok("GET", "/v1/suppressions"))["suppressions"] == []
    status, again = await suppress(gateway)
    assert (status, again["id"] != made["id"]) == (201, True)


async def test_the_list_is_filtered_paged_and_counted(gateway: RunningGateway) -> None:
    made = [
        (await suppress(gateway, f"0912-345-{n:03}", scope=scope, reason=reason))[1]
        for n, (scope, reason) in enumerate(
            [
                ("all", "manual"),
                ("sms", "opt_out"),
                ("sms", "manual"),
                ("all", "complaint"),
                ("sms", "opt_out"),
            ]
        )
    ]
    await gateway.ok("DELETE", f"/v1/suppressions/{made[2]['id']}")

    async def ids(**query: str) -> list[str]:
        found: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = await gateway.ok("GET", "/v1/suppressions", limit="2", **query, **cursor)
            found += [x["id"] for x in page["suppressions"]]
            if "next" not in page:
                return found
            cursor = {"cursor": page["next"]}

    at = [x["id"] for x in made]
    assert await ids() == [at[4], at[3], at[1], at[0]]
    assert await ids(ended="true") == at[::-1]
    assert await ids(reason="opt_out") == [at[4], at[1]]
    assert await ids(scope="all", reason="manual") == [at[0]]
    assert await gateway.ok("GET", "/v1/suppressions/counts") == {
        "standing": 4,
        "ended": 1,
        "by": [
            {"scope": "all", "reason": "complaint", "count": 1},
            {"scope": "all", "reason": "manual", "count": 1},
            {"scope": "sms", "reason": "opt_out", "count": 2},
        ],
    }


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"number": "02-2345-6789"}, "/number"),
        ({"number": "hello"}, "/number"),
        ({"number": None}, "/number"),
        ({}, "/number"),
        ({"number": NUMBER, "scope": "line"}, "/scope"),
        ({"number": NUMBER, "reason": "because"}, "/reason"),
        ({"number": NUMBER, "note": "x" * 201}, "/note"),
        ({"number": NUMBER, "note": "a\x00b"}, "/note"),
        ({"number": NUMBER, "note": "\ud800"}, "/note"),
        ({"number": NUMBER, "removed_at": 1}, "/removed_at"),
        ({"number": NUMBER, "channel": "none such"}, "/channel"),
    ],
)
async def test_what_can_not_be_used_is_refused_with_its_place(
    gateway: RunningGateway, body: dict[str, Any], pointer: str
) -> None:
    status, problem = await gateway.call("POST", "/v1/suppressions", body)
    assert status == 422
    assert "912-345-678" not in str(problem)
    if pointer:
        assert pointer in [e["pointer"] for e in problem["errors"]]


async def test_an_unknown_one_can_not_be_ended(gateway: RunningGateway) -> None:
    for wrong in ("01K2W7J0000000000000000000", "nothing", "%00"):
        assert (await gateway.call("DELETE", f"/v1/suppressions/{wrong}"))[0] == 404


async def test_a_notice_to_a_suppressed_recipient_is_refused_and_nothing_is_stored(
    gateway: RunningGateway,
) -> None:
    await suppress(gateway)
    status, problem = await notice(gateway)
    assert (status, problem["type"]) == (409, "suppressed")
    assert MASKED in problem["detail"]
    assert problem["errors"][0]["pointer"] == "/to"
    assert (await gateway.ok("GET", "/v1/notices"))["notices"] == []
    assert (await notice(gateway, OTHER))[0] == 202


async def test_once_it_has_ended_the_same_call_with_the_same_key_goes_through(
    gateway: RunningGateway,
) -> None:
    _, made = await suppress(gateway)
    body = {"channel": "Parcels", "template": "parcel", "to": NUMBER, "parameters": {"name": "小明"}}
    key = {"Idempotency-Key": "one"}
    assert (await gateway.call("POST", "/v1/notices", body, headers=key))[0] == 409
    await gateway.ok("DELETE", f"/v1/suppressions/{made['id']}")
    assert (await gateway.call("POST", "/v1/notices", body, headers=key))[0] == 202


async def test_of_many_notices_those_to_suppressed_recipients_are_refused_each(
    gateway: RunningGateway,
) -> None:
    await suppress(gateway)
    await suppress(gateway, OTHER, scope="sms")
    items = [
        {"channel": "Parcels", "template": "parcel", "to": to, "parameters": {"name": "小明"}}
        for to in (OTHER, NUMBER, "02", "+886912345678", "0912345670")
    ]
    answered = await gateway.ok("POST", "/v1/notices/batch", {"notices": items})
    assert (answered["accepted"], answered["refused"]) == (2, 3)
    kinds = [r.get("problem", {}).get("type") for r in answered["results"]]
    assert kinds == [None, "suppressed", "invalid-number", "suppressed", None]


async def test_a_list_gives_suppressed_recipients_back_as_refused_rows(gateway: RunningGateway) -> None:
    await suppress(gateway)
    content = "phone,name\n0912345670,甲\n0912345678,=乙\n02,丙\n+886912345678,丁\n".encode()
    _, tried = await gateway.upload(content, dry_run="true")
    assert (tried["accepted"], tried["refused"]) == (1, 3)
    assert [r["line"] for r in tried["rejects"]] == [3, 4, 5]
    _, batch = await gateway.upload(content)
    await gateway.settle()
    read = await gateway.ok("GET", f"/v1/batches/{batch['id']}")
    assert (read["rows"], read["accepted"], read["refused"]) == (4, 1, 3)
    rejects = await gateway.ok("GET", f"/v1/batches/{batch['id']}/rejects.csv")
    lines = rejects.splitlines()
    assert [x.split(",")[0] for x in lines] == ["line", "3", "4", "5"]
    assert "suppressed" in lines[1]
    assert lines[1].endswith(",0912345678,'=乙")


async def test_every_refusal_says_since_when_why_and_for_what_and_never_the_note(
    gateway: RunningGateway,
) -> None:
    _, made = await suppress(gateway, reason="opt_out", note="letter of a neighbour")
    says = f"suppressed since {made['at'][:10]}: opt_out (all)"
    _, single = await notice(gateway)
    item = {"channel": "Parcels", "template": "parcel", "to": NUMBER, "parameters": {"name": "小明"}}
    many = await gateway.ok("POST", "/v1/notices/batch", {"notices": [item]})
    explained = await gateway.ok("POST", "/v1/notices", item, dry_run="true")
    _, batch = await gateway.upload("phone,name\n0912345678,甲\n".encode())
    await gateway.settle()
    rejects = await gateway.ok("GET", f"/v1/batches/{batch['id']}/rejects.csv")
    told = (single["detail"], json.dumps(many), explained["refused_why"], rejects)
    for text in told:
        assert says in text
        assert "neighbour" not in text


@pytest.mark.parametrize(
    "note", ["call 0912 345 678", "+886-912-345-678 by phone", "他的電話是０９１２３４５６７８"]
)
async def test_a_note_that_holds_the_recipients_number_is_refused(gateway: RunningGateway, note: str) -> None:
    status, problem = await suppress(gateway, note=note)
    assert (status, problem["errors"][0]["pointer"]) == (422, "/note")
    assert "ticket" in problem["detail"]
    assert "345" not in problem["detail"]
    listed = {"numbers": [NUMBER, OTHER], "note": note}
    done = await gateway.ok("POST", "/v1/suppressions/import", listed)
    assert (done["added"], [x["line"] for x in done["rejects"]]) == (1, [1])
    assert (await suppress(gateway, note="ticket 20260807-0911"))[0] == 201


async def test_a_reason_to_end_one_that_holds_the_recipients_number_is_refused(
    gateway: RunningGateway,
) -> None:
    _, made = await suppress(gateway, reason="opt_out")
    path = f"/v1/suppressions/{made['id']}"
    status, problem = await gateway.call("DELETE", path, {"why": "0912345678 rang us"})
    assert (status, problem["errors"][0]["pointer"]) == (422, "/why")
    assert (await gateway.call("DELETE", path, {"why": "rang us, ticket 4712"}))[0] == 200


async def test_a_dry_run_says_that_the_recipient_is_suppressed(gateway: RunningGateway) -> None:
    await suppress(gateway)
    body = {"channel": "Parcels", "template": "parcel", "to": NUMBER, "parameters": {"name": "小明"}}
    explained = await gateway.ok("POST", "/v1/notices", body, dry_run="true")
    assert explained["would_be_refused"] is True
    assert "suppressed" in explained["refused_why"]
    assert explained["if_nothing_proves_delivery"]["reason"] == "suppressed"
    assert explained["recipient"]["suppressed"] == ["all"]


async def test_a_dry_run_says_that_only_sms_is_left_out(gateway: RunningGateway) -> None:
    await suppress(gateway, scope="sms")
    body = {"channel": "Parcels", "template": "parcel", "to": NUMBER, "parameters": {"name": "小明"}}
    explained = await gateway.ok("POST", "/v1/notices", body, dry_run="true")
    assert explained["would_be_refused"] is False
    steps = {s["step"]: s for s in explained["steps"]}
    assert steps["line_notification"]["would_run"] is True
    assert "no SMS" in steps["sms"]["why_not"]
    only_sms = {**body, "policy": {"steps": [{"step": "sms"}]}}
    explained = await gateway.ok("POST", "/v1/notices", only_sms, dry_run="true")
    assert explained["would_be_refused"] is True
    assert "no SMS" in explained["refused_why"]


async def test_suppressed_between_taking_it_in_and_sending_it_the_notice_ends_refused(
    gateway: RunningGateway,
) -> None:
    now = datetime.fromisoformat((await gateway.emulator.control("GET", "/clock"))["now"])
    begins, ends = (f"{now.astimezone(TAIPEI) + timedelta(hours=h):%H:%M}" for h in (-2, 12))
    quiet = [{"country": "TW", "from": begins, "to": ends}]
    policy = {"steps": [{"step": "line_notification"}, {"step": "sms"}], "quiet_hours": quiet}
    held = await gateway.send(NUMBER, policy)
    await gateway.settle()
    assert (await gateway.notice(held))["attempts"] == []
    await suppress(gateway)
    await gateway.advance("24h")
    ended = await gateway.notice(held)
    assert (ended["state"], ended["reason"], ended["attempts"]) == ("refused", "suppressed", [])
    assert {s["why"] for s in ended["skipped"]} == {"suppressed: the recipient is to get no messages"}


async def test_once_something_was_sent_no_further_step_begins_and_the_reason_is_shown(
    gateway: RunningGateway,
) -> None:
    for scope in ("all", "sms"):
        number = {"all": NUMBER, "sms": OTHER}[scope]
        policy = {"steps": [{"step": "line_notification", "wait": "1h"}, {"step": "sms"}]}
        await gateway.emulator.control(
            "POST",
            "/users",
            {"phone": "+886" + number.replace("-", "")[1:], "reception": "not_set", "verified": True},
        )
        sent = await gateway.send(number, policy)
        await gateway.settle()
        assert (await gateway.notice(sent))["state"] == "waiting"
        await suppress(gateway, number, scope=scope)
        await gateway.advance("2h")
        waiting = await gateway.notice(sent)
        assert (waiting["state"], [a["step"] for a in waiting["attempts"]]) == (
            "waiting",
            ["line_notification"],
        )
        assert [s["step"] for s in waiting["skipped"]] == ["sms"]
        await gateway.advance("24h")
        ended = await gateway.notice(sent)
        assert (ended["state"], ended["reason"]) == ("not_delivered", "suppressed")
        assert ended["attempts"][0]["outcome"] == "silent", "what became of the attempt is not hidden"


async def test_proof_that_comes_after_the_suppression_still_counts(gateway: RunningGateway) -> None:
    await gateway.emulator.control(
        "POST", "/users", {"phone": "+886912345678", "reception": "not_set", "verified": True}
    )
    sent = await gateway.send(NUMBER)
    await gateway.settle()
    await suppress(gateway)
    await gateway.advance("5h")
    await gateway.emulator.control("POST", "/users/%2B886912345678/actions", {"action": "agree"})
    await gateway.settle()
    assert (await gateway.notice(sent))["state"] == "delivered"


async def test_a_notice_that_could_only_go_by_sms_is_refused_for_who_wants_none(
    gateway: RunningGateway,
) -> None:
    await suppress(gateway, scope="sms", reason="opt_out")
    sent = await gateway.send(NUMBER, {"steps": [{"step": "sms"}]})
    await gateway.settle()
    ended = await gateway.notice(sent)
    assert (ended["state"], ended["reason"]) == ("refused", "suppressed")
    assert ended["skipped"] == [{"step": "sms", "why": "suppressed: the recipient is to get no SMS"}]
    assert (await gateway.emulator.control("GET", "/sms"))["rows"] == []


async def test_an_ordinary_message_to_a_suppressed_number_is_refused(gateway: RunningGateway) -> None:
    binding = {"channel": "Parcels", "number": NUMBER, "user_id": USER, "way": "login"}
    await gateway.ok("POST", "/v1/bindings", binding)
    body = {"channel": "Parcels", "to": NUMBER, "messages": [{"type": "text", "text": "hi"}]}
    assert (await gateway.call("POST", "/v1/messages", body))[1]["type"] == "not-a-friend"
    await suppress(gateway, scope="sms")
    assert (await gateway.call("POST", "/v1/messages", body))[1]["type"] == "not-a-friend"
    await suppress(gateway)
    status, problem = await gateway.call("POST", "/v1/messages", body)
    assert (status, problem["type"]) == (409, "suppressed")


async def test_the_lookup_shows_suppressions_ended_ones_too(gateway: RunningGateway) -> None:
    _, first = await suppress(gateway)
    await gateway.ok("DELETE", f"/v1/suppressions/{first['id']}", {"why": "asked"})
    _, second = await suppress(gateway, scope="sms", reason="opt_out")
    found = await gateway.ok("POST", "/v1/recipients/lookup", {"number": NUMBER})
    assert [x["id"] for x in found["suppressions"]] == [second["id"], first["id"]]
    assert found["suppressions"][1]["removed_why"] == "asked"
    assert (await gateway.ok("POST", "/v1/recipients/lookup", {"number": OTHER}))["suppressions"] == []


async def test_webhooks_tell_of_suppressions(gateway: RunningGateway) -> None:
    await gateway.ok(
        "POST", "/v1/webhook-endpoints", {"url": "http://127.0.0.1:9/x", "events": ["suppression.*"]}
    )
    _, made = await suppress(gateway)
    await suppress(gateway)
    await gateway.ok("DELETE", f"/v1/suppressions/{made['id']}")
    with sqlite3.connect(f"file:{gateway.folder / 'todoke.db'}?mode=ro", uri=True) as db:
        rows = db.execute("select event, body from postings order by id").fetchall()
    assert [event for event, _ in rows] == ["suppression.added", "suppression.removed"]
    assert all("912345678" not in str(body) for _, body in rows)
    assert [json.loads(body)["data"]["number"] for _, body in rows] == [MASKED, MASKED]


async def test_numbers_never_stand_in_answers_or_logs(
    gateway: RunningGateway, logged: list[dict[str, Any]]
) -> None:
    answers = [
        await suppress(gateway, "0987-111-333"),
        await notice(gateway, "0987111333"),
        await gateway.call("GET", "/v1/suppressions"),
        await gateway.call("POST", "/v1/suppressions/import", {"numbers": ["0987111333", "098711133x"]}),
    ]
    assert "711133" not in str(answers).replace("-", "") + str(logged)
