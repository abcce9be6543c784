"""One person's data, seen and erased: afterwards no table, log, file or index holds them; the audit's fact stays."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from linebot.v3.webhook import SignatureValidator

from gateway_support import RunningGateway
from todoke.actions.channels import create_key, ensure_account
from todoke.clock import wall
from todoke.core.phone import line_hash
from todoke.engine.intake import Intake
from todoke.settings import load
from todoke.wiring import open_base

WANG = "+886955123987"
WRITTEN = ("886955123987", "0955123987", "955123987", "0955-123-987", line_hash(WANG))
NAME = "機密姓名"
SAID = "我住在祕密街九號"
LIST = "phone,name\n0955-123-987,{name}{name}{name}{name}{name}{name}{name}\n0955123987,{name}\n0955222333,陳先生\n"
LINE_THEN_SMS = {"steps": [{"step": "line_notification", "wait": "30m"}, {"step": "sms"}]}


async def line_id(gateway: RunningGateway) -> str:
    return str((await gateway.ok("GET", "/v1/channels/Parcels"))["line_channel_id"])


async def lived_with(gateway: RunningGateway) -> str:
    """A person in as many tables as there are; answers their LINE user ID."""
    line = gateway.emulator
    channel = await line_id(gateway)
    await gateway.ok("PATCH", "/v1/channels/Parcels", {"test_numbers": [WANG, "+886955222333"]})
    receiver = await gateway.call(
        "POST", "/v1/webhook-endpoints", {"url": "https://shop.example.com/x", "events": ["*"]}
    )
    assert receiver[0] in (201, 422)
    user = (await line.user(WANG))["user_id"]
    await line.user("+886955222333")
    for phone in (WANG, "+886955222333"):
        await line.act(phone, "add_friend", channel_id=channel)
        await line.act(phone, "send_message", channel_id=channel, text=f"{SAID} {phone}")
    await gateway.settle()
    await gateway.ok(
        "POST",
        "/v1/bindings",
        {"channel": "Parcels", "number": WANG, "user_id": user, "way": "login", "consent": f"{NAME} 同意"},
    )
    body = {"channel": "Parcels", "template": "parcel", "to": "0955 123 987", "parameters": {"name": NAME}}
    status, _ = await gateway.call(
        "POST", "/v1/notices", {**body, "reference": "0955123987/1"}, headers={"Idempotency-Key": "k1"}
    )
    assert status == 202
    await gateway.ok("POST", "/v1/notices", {**body, "policy": {"steps": [{"step": "sms"}]}})
    await gateway.ok("POST", "/v1/notices", {**body, "policy": LINE_THEN_SMS})
    await gateway.ok(
        "POST",
        "/v1/messages",
        {"channel": "Parcels", "to": WANG, "messages": [{"type": "text", "text": NAME}]},
    )
    await gateway.settle()
    status, _ = await gateway.upload(LIST.format(name=NAME).encode())
    assert status == 202
    await gateway.settle()
    return str(user)


def traces(folder: Path, user: str) -> list[str]:
    """Where something of the person stands in the files of a data folder."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            found += [
                f"{path.name}: {x}"
                for x in (*WRITTEN, user, NAME, SAID + " +886955123987")
                if x.encode() in content
            ]
    return found


def rows(folder: Path, table: str) -> list[dict[str, Any]]:
    with sqlite3.connect(folder / "todoke.db") as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(f"SELECT * FROM {table}")]


@pytest.mark.parametrize("way", ["number", "user_id and number"])
async def test_after_erasure_nothing_of_the_person_is_left_and_the_fact_stays(
    gateway: RunningGateway, logged: list[Any], way: str
) -> None:
    user = await lived_with(gateway)
    assert len(traces(gateway.folder, user)) > 4
    who = {"number": "0955-123-987", **({"user_id": user} if "user_id" in way else {})}
    erased = await gateway.ok("POST", "/v1/recipients/erase", {**who, "why": "ticket 4711"})
    assert erased["files_clean"]
    assert traces(gateway.folder, user) == []
    counts = erased["erasure"]["data"]["counts"]
    assert counts["notices"] == 4
    assert counts["bindings"] == counts["friends"] == counts["test_numbers"] == 1
    assert counts["messages"] >= 1
    assert counts["refused_rows"] == 1
    (entry,) = (await gateway.ok("GET", "/v1/audit", what="erasure"))["audit"]
    assert entry == erased["erasure"]
    assert entry["data"]["why"] == "ticket 4711"
    # What happens afterwards, such as proof of what was out, brings nobody back.
    await gateway.advance("25h")
    # But LINE's followers list still names the user, who is a friend of the account.
    assert [x for x in traces(gateway.folder, user) if not x.endswith(user)] == []
    for trace in (*WRITTEN, user, NAME, SAID):
        assert trace not in str(logged)


async def test_an_erasure_leaves_everybody_else_as_they_were(gateway: RunningGateway) -> None:
    await lived_with(gateway)
    before = {x["id"]: x for x in rows(gateway.folder, "notices") if x["number"] == "+886955222333"}
    await gateway.ok("POST", "/v1/recipients/erase", {"number": WANG})
    after = {x["id"]: x for x in rows(gateway.folder, "notices") if x["number"] == "+886955222333"}
    assert before
    assert after == before
    bodies = b"".join(x["body"] for x in rows(gateway.folder, "inbox"))
    assert f"{SAID} +886955222333".encode() in bodies
    friends = rows(gateway.folder, "friends")
    assert len(friends) == 1


async def test_what_was_not_begun_never_is_and_what_is_out_still_ends(gateway: RunningGateway) -> None:
    line = gateway.emulator
    await line.user(WANG, reception="not_set")
    waits = await gateway.send(WANG, policy=LINE_THEN_SMS)
    await gateway.settle()
    await gateway.ok("POST", "/v1/recipients/erase", {"number": WANG})
    await line.act(WANG, "agree")
    await gateway.advance("25h")
    shown = await gateway.notice(waits)
    assert (shown["state"], [a["step"] for a in shown["attempts"]]) == ("delivered", ["line_notification"])
    assert shown["to"] == "•••"
    assert shown["reference"] is None
    assert shown["erased_at"] in [x["at"] for x in shown["timeline"] if x["event"] == "erased"]
    ledger = await line.control("GET", f"/ledger?channel_id={await line_id(gateway)}")
    assert len(ledger["rows"]) == 1
    assert (await line.control("GET", "/sms"))["rows"] == []


async def test_events_of_others_in_the_same_webhook_stay_and_are_signed(gateway: RunningGateway) -> None:
    line = gateway.emulator
    await lived_with(gateway)
    second = await gateway.channel("Second")
    user = (await line.control("GET", f"/users/{WANG.replace('+', '%2B')}"))["user_id"]
    stored = rows(gateway.folder, "inbox")
    mixed = json.dumps(
        {
            "destination": "U0",
            "events": [e for x in stored if x["channel_id"] for e in json.loads(x["body"])["events"]],
        }
    ).encode()
    with sqlite3.connect(gateway.folder / "todoke.db") as database:
        (channel,) = database.execute("SELECT id FROM channels WHERE name = 'Second'").fetchone()
        database.execute(
            "INSERT INTO inbox (carrier, channel_id, headers, body, received_at, applied_at) "
            "VALUES ('line', ?, '{}', ?, 1, 1)",
            (channel, mixed),
        )
    await gateway.ok("POST", "/v1/recipients/erase", {"number": WANG})
    left = [x for x in rows(gateway.folder, "inbox") if x["received_at"] == 1]
    assert len(left) == 1
    assert user.encode() not in left[0]["body"]
    signature = json.loads(left[0]["headers"])["x-line-signature"]
    assert SignatureValidator(second["channel_secret"]).validate(left[0]["body"].decode(), signature)


async def test_a_retry_with_the_key_of_an_erased_notice_is_refused_and_sends_nothing(
    gateway: RunningGateway,
) -> None:
    await lived_with(gateway)
    await gateway.ok("POST", "/v1/recipients/erase", {"number": WANG})
    body = {"channel": "Parcels", "template": "parcel", "to": "0955 123 987", "parameters": {"name": NAME}}
    again = {**body, "reference": "0955123987/1"}
    status, answer = await gateway.call("POST", "/v1/notices", again, headers={"Idempotency-Key": "k1"})
    assert status == 422, answer
    assert [x for x in rows(gateway.folder, "notices") if x["number"] == WANG] == []


async def test_an_export_shows_all_that_is_kept_in_full(gateway: RunningGateway) -> None:
    user = await lived_with(gateway)
    shown = await gateway.ok("POST", "/v1/recipients/export", {"number": WANG})
    assert (shown["numbers"], shown["user_ids"]) == ([WANG], [user])
    assert {x["parameters"]["name"] for x in shown["notices"]} == {NAME}
    assert all(x["attempts"] for x in shown["notices"] if x["state"] != "queued")
    assert shown["bindings"][0]["consent"] == f"{NAME} 同意"
    assert [{"type": "text", "text": NAME}] in [x["body"] for x in shown["messages"]]
    assert shown["friends"][0]["state"] == "friend"
    assert shown["refused_rows"][0]["original"][0] == "0955-123-987"
    assert any(e.get("message", {}).get("text", "").startswith(SAID) for e in shown["events"])
    assert "222333" not in json.dumps(shown)
    (entry,) = (await gateway.ok("GET", "/v1/audit"))["audit"]
    assert entry["what"] == "export"
    assert "955123987" not in json.dumps(entry)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "/number"),
        ({"number": "0912"}, "/number"),
        ({"number": WANG, "why": "0955-123-987 asked"}, "/why"),
        ({"user_id": "U 1"}, "/user_id"),
    ],
)
async def test_a_bad_erasure_names_the_place_and_erases_nothing(
    gateway: RunningGateway, body: dict[str, Any], place: str
) -> None:
    status, answer = await gateway.call("POST", "/v1/recipients/erase", body)
    assert status == 422
    assert answer["errors"][0]["pointer"] == place
    assert "955" not in json.dumps(answer)
    assert (await gateway.ok("GET", "/v1/audit"))["audit"] == []


async def test_another_account_neither_sees_nor_erases_anything(gateway: RunningGateway) -> None:
    user = await lived_with(gateway)
    base = await open_base(load({"TODOKE_DATA_DIR": str(gateway.folder)}))
    async with base.database.write() as tx:
        other = await ensure_account(tx, "another business", wall(), base.ids)
        _, key = await create_key(tx, other, "theirs", wall(), base.ids)
    await base.database.close()
    before = {
        table: rows(gateway.folder, table) for table in ("inbox", "bindings", "notices", "suppressions")
    }
    theirs = {"Authorization": f"Bearer {key}"}
    for who in ({"number": WANG}, {"user_id": user}):
        status, shown = await gateway.call("POST", "/v1/recipients/export", who, headers=theirs)
        assert status == 200
        assert [name for name, x in shown.items() if x and isinstance(x, list)] in (["numbers"], ["user_ids"])
        status, erased = await gateway.call("POST", "/v1/recipients/erase", who, headers=theirs)
        assert status == 200
        assert set(erased["erasure"]["data"]["counts"].values()) == {0}
    assert {table: rows(gateway.folder, table) for table in before} == before


async def test_numbers_that_others_wrote_in_the_chat_go_too_however_they_wrote_them(
    gateway: RunningGateway,
) -> None:
    line, channel = gateway.emulator, await line_id(gateway)
    await line.user("+886955222333")
    await line.act("+886955222333", "add_friend", channel_id=channel)
    for text in ("我先生 0955-123-987", "０９５５１２３９８７", "see you at 9"):
        await line.act("+886955222333", "send_message", channel_id=channel, text=text)
    await gateway.settle()
    erased = await gateway.ok("POST", "/v1/recipients/erase", {"number": WANG})
    assert erased["erasure"]["data"]["counts"]["events"] >= 1
    bodies = b"".join(x["body"] for x in rows(gateway.folder, "inbox")).decode()
    assert "0955-123-987" not in bodies
    assert "０９５５" not in bodies
    assert "see you at 9" in bodies


async def test_a_user_is_erased_with_the_numbers_that_they_bound(gateway: RunningGateway) -> None:
    user = await lived_with(gateway)
    erased = await gateway.ok("POST", "/v1/recipients/erase", {"user_id": user})
    assert erased["erasure"]["data"]["counts"]["notices"] == 4
    assert traces(gateway.folder, user) == []


async def test_the_file_of_a_cancelled_list_goes_with_the_erasure(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def reads_nothing(_: Intake) -> bool:
        return False

    monkeypatch.setattr(Intake, "step", reads_nothing)
    status, batch = await gateway.upload("phone,name\n0955123987,王\n".encode())
    assert status == 202
    status, answer = await gateway.call("POST", "/v1/recipients/erase", {"number": WANG})
    assert (status, answer["type"]) == (409, "list-being-read")
    await gateway.ok("POST", f"/v1/batches/{batch['id']}/cancel")
    assert (await gateway.ok("POST", "/v1/recipients/erase", {"number": WANG}))["files_clean"]
    assert list((gateway.folder / "uploads").iterdir()) == []


async def test_a_key_with_a_number_in_it_is_kept_as_a_keyed_hash(gateway: RunningGateway) -> None:
    body = {"channel": "Parcels", "template": "parcel", "to": WANG, "parameters": {"name": "王"}}
    key = {"Idempotency-Key": "order-0955123987"}
    first = await gateway.call("POST", "/v1/notices", body, headers=key)
    assert await gateway.call("POST", "/v1/notices", body, headers=key) == first
    (kept,) = rows(gateway.folder, "idempotency")
    assert "0955" not in kept["key"]
    request = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert kept["digest"] != hashlib.sha256(b"/v1/notices\0" + request.encode()).hexdigest()
