"""A template can't reach a real recipient before it is live, on no path; test numbers it reaches, and once live all.

What truly left is read on the other side: LINE's ledger, the SMS carrier's list, the business's own endpoint.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from emulator_support import RunningEmulator
from gateway_support import RunningGateway
from receiver_support import Receiver, running_receiver
from review_support import WAY, apply, make_live, move, move_version, real_gateway
from todoke.actions.reviewing import Wanted, move_application
from todoke.cli.main import app
from todoke.core.durations import parse_rfc3339
from todoke.ids import UlidIds
from todoke.storage import applications as store
from todoke.storage import channels as channel_store
from todoke.storage.database import Database
from todoke.storage.desks import Desks
from todoke.wiring import Gateway, open_base

REAL, TESTER = "0912345678", "0987654321"
PHONES = {REAL: "+886912345678", TESTER: "+886987654321"}
SECRET = "whsec_" + "QUJD" * 11
SMS = {"steps": [{"step": "sms"}]}
LINE = {"steps": [{"step": "line_notification"}]}
OWN = {"steps": [{"step": "callback"}]}
PUSH = {"steps": [{"step": "line_push"}]}
ALL = {"steps": [{"step": s} for s in ("line_push", "line_notification", "sms", "callback")]}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with running_receiver() as running:
        running.secret = SECRET
        yield running


@pytest.fixture
async def gateway(
    line: RunningEmulator, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RunningGateway]:
    """A live channel with one test number, a template with all forms, and both users bound as friends."""
    async with real_gateway(line, tmp_path / "data", monkeypatch) as running:
        channel = await running.channel()
        await running.ok("PATCH", "/v1/channels/Parcels", {"test_numbers": [TESTER]})
        await running.template()
        endpoint = {"url": receiver.url, "events": ["callback"], "secret": SECRET}
        await running.ok("POST", "/v1/webhook-endpoints", endpoint)
        for number, phone in PHONES.items():
            user = await line.user(phone)
            await line.act(phone, "add_friend", channel_id=channel["channel_id"])
            await running.settle()
            body = {"channel": "Parcels", "number": number, "user_id": user["user_id"], "way": "account_link"}
            await running.ok("POST", "/v1/bindings", body)
        yield running


async def left(gateway: RunningGateway, receiver: Receiver) -> list[str]:
    """All that has left for anybody: a path of LINE's, `sms` or `callback` for each."""
    rows = [row["path"] for row in await gateway.emulator.ledger()]
    sms = (await gateway.emulator.control("GET", "/sms"))["rows"]
    return sorted([*rows, *("sms" for _ in sms), *("callback" for _ in receiver.got)])


async def command(gateway: RunningGateway, *arguments: str) -> Result:
    environment = {
        "TODOKE_BASE_URL": gateway.url,
        "TODOKE_API_KEY": gateway.key,
        "TODOKE_DATA_DIR": str(gateway.folder),
    }
    return await asyncio.to_thread(CliRunner().invoke, app, list(arguments), env=environment)


def notice(to: str, policy: Any = ALL, template: str = "parcel") -> dict[str, Any]:
    return {
        "channel": "Parcels",
        "template": template,
        "to": to,
        "parameters": {"name": "明"},
        "policy": policy,
    }


async def every_way_in(gateway: RunningGateway, folder: Path, template: str = "parcel") -> None:
    """Asks on every path for a notice to a real number; each must be refused and say why."""
    for policy in (SMS, LINE, OWN, PUSH, ALL):
        status, answer = await gateway.call("POST", "/v1/notices", notice(REAL, policy, template))
        assert (status, answer["type"]) == (409, "not-live"), answer
        assert REAL not in json.dumps(answer)
    explained = await gateway.ok("POST", "/v1/notices?dry_run=true", notice(REAL, ALL, template))
    assert explained["would_be_refused"]
    assert explained["refused_why"].startswith("not live: ")
    both = {"notices": [notice(REAL, SMS, template), notice(REAL, LINE, template)]}
    answer = await gateway.ok("POST", "/v1/notices/batch", both)
    assert [x["problem"]["type"] for x in answer["results"]] == ["not-live", "not-live"]
    rows = f"phone,name\n{REAL},明\n".encode()
    status, batch = await gateway.upload(rows, template=template, policy=json.dumps(SMS))
    assert status == 202
    await gateway.settle()
    batch = await gateway.ok("GET", f"/v1/batches/{batch['id']}")
    assert (batch["accepted"], batch["refused"]) == (0, 1)
    rejects = await gateway.ok("GET", f"/v1/batches/{batch['id']}/rejects.csv")
    assert "is no test number of the channel" in rejects
    status, preview = await gateway.upload(rows, template=template, dry_run="true")
    assert (status, preview["refused"]) == (200, 1)
    sent = await command(gateway, "send", REAL, "-c", "Parcels", "-t", template, "-p", "name=明")
    assert sent.exit_code == 1, sent.output
    assert "test number" in sent.output
    (folder / "list.csv").write_bytes(rows)
    done = await command(
        gateway, "import", str(folder / "list.csv"), "-c", "Parcels", "-t", template, "--json"
    )
    told = json.loads(done.stdout[done.stdout.rindex("\n{") if "\n{" in done.stdout else 0 :])
    assert (told["accepted"], told["refused"]) == (0, 1)


async def test_nothing_reaches_a_real_number_on_any_path_before_live_and_test_numbers_get_it_on_all_steps(
    gateway: RunningGateway, receiver: Receiver, tmp_path: Path
) -> None:
    await every_way_in(gateway, tmp_path)
    made = await apply(gateway)
    for state in ("draft", *WAY[:-1]):
        if state != "draft":
            await move(gateway, made, state)
        status, answer = await gateway.call("POST", "/v1/notices", notice(REAL))
        assert (status, answer["type"]) == (409, "not-live")
        assert f"is at {state} on this channel" in answer["detail"]
    await gateway.advance("5d")
    assert await left(gateway, receiver) == []

    for policy in (SMS, LINE, OWN, PUSH):
        await gateway.ok("POST", "/v1/notices", notice(TESTER, policy))
    await gateway.settle()
    before = await left(gateway, receiver)
    assert before == ["/bot/pnp/push", "/v2/bot/message/push", "callback", "sms"]

    await move(gateway, made, "live")
    for policy in (SMS, LINE, OWN, PUSH):
        await gateway.ok("POST", "/v1/notices", notice(REAL, policy))
    await gateway.settle()
    assert await left(gateway, receiver) == sorted(before * 2)


async def test_a_new_version_reaches_nobody_real_while_the_older_one_that_is_live_goes_on_under_the_name(
    gateway: RunningGateway, receiver: Receiver, tmp_path: Path
) -> None:
    await make_live(gateway)
    new = await gateway.template(sms="{{name}} 您好,包裹已送達,請於 7 日內取件。若已取件請忽略。")
    sent = await gateway.ok("POST", "/v1/notices", notice(REAL, SMS))
    assert sent["template_version"] == 1
    await gateway.settle()
    assert await left(gateway, receiver) == ["sms"]
    await every_way_in(gateway, tmp_path, new["id"])
    await move_version(gateway, new["id"], "in_review")
    await every_way_in(gateway, tmp_path, new["id"])
    await move_version(gateway, new["id"], "approved")
    await gateway.ok("POST", "/v1/notices", notice(REAL, SMS))
    await gateway.settle()
    texts = [x["text"] for x in (await gateway.emulator.control("GET", "/sms"))["rows"]]
    assert ["7 日內" in x for x in texts] == [False, True]
    await move_version(gateway, new["id"], "rejected")
    status, answer = await gateway.call("POST", "/v1/notices", notice(REAL, SMS, new["id"]))
    assert (status, answer["type"]) == (409, "not-live")
    assert "version 2 of parcel is at rejected" in answer["detail"]


async def test_the_same_files_pushed_to_a_test_channel_change_nothing_on_the_live_one(
    gateway: RunningGateway, receiver: Receiver
) -> None:
    await make_live(gateway)
    live = await gateway.ok("GET", "/v1/templates/parcel")
    await gateway.channel("Trials")
    await gateway.ok("PATCH", "/v1/channels/Trials", {"mode": "test", "test_numbers": [TESTER]})
    trial = await gateway.template("Trials", sms="{{name}} 您好,試試看。若已取件請忽略。")
    sent = await gateway.ok("POST", "/v1/notices", notice(REAL, SMS))
    assert (sent["template_version"], sent["state"]) == (live["version"], "queued")
    status, _ = await gateway.upload(f"phone,name\n{REAL},明\n".encode(), policy=json.dumps(SMS))
    assert status == 202
    await gateway.settle()
    assert await left(gateway, receiver) == ["sms", "sms"]
    assert (await gateway.template())["id"] == live["id"], "the same content is the same version"

    status, answer = await gateway.call("POST", "/v1/notices", notice(REAL, SMS, trial["id"]))
    assert (status, answer["type"]) == (422, "not-found"), (
        "no version goes out on another channel than its own"
    )
    said = {"to": "rejected", "by": "林怡君", "why": "after all"}
    status, answer = await gateway.call("POST", "/v1/templates/parcel/transitions", said)
    assert (status, answer["type"]) == (409, "conflict"), "which of the two is meant nobody can know"
    assert live["id"] in answer["detail"]
    assert trial["id"] in answer["detail"]
    assert (await move_version(gateway, live["id"], "rejected"))["review"] == "rejected"


async def suspend_elsewhere(gateway: RunningGateway, application: str) -> None:
    """As another process does, on the same file: this one is told nothing."""
    database = Database(f"sqlite:///{gateway.folder / 'todoke.db'}")
    try:
        async with database.write() as tx:
            (channel,) = await channel_store.list_channels(tx)
            row = await store.get_application(tx, channel.account_id, application)
            assert row is not None
            wanted = Wanted(to="suspended", by="LINE", why="complaints")
            now = parse_rfc3339((await gateway.emulator.control("GET", "/clock"))["now"])
            await move_application(tx, row, wanted, now, UlidIds(), Desks())
    finally:
        await database.close()


QUIET = {"quiet_hours": [{"country": "TW", "from": "00:00", "to": "23:59"}]}


async def test_a_suspension_by_another_process_ends_all_that_waits_and_what_is_out_is_followed_to_its_end(
    gateway: RunningGateway, receiver: Receiver, logged: list[Any]
) -> None:
    made = await make_live(gateway)
    line = gateway.emulator
    shy = "0912000001"
    await line.user("+886912000001", reception="not_set")
    key = {"Idempotency-Key": "order-1001"}
    waits: dict[str, Any] = {
        "quiet hours": notice(REAL, SMS | QUIET),
        "quiet hours, a push": notice(REAL, PUSH | QUIET),
        "quiet hours, a callback": notice(REAL, OWN | QUIET),
        "the next step after a wait": notice(
            shy,
            {"steps": [{"step": "line_notification", "wait": "4h"}, {"step": "sms"}, {"step": "callback"}]},
        ),
    }
    ids: dict[str, str] = {}
    for name, body in waits.items():
        status, answer = await gateway.call(
            "POST", "/v1/notices", body, headers=key if "wait" in name else {}
        )
        assert status == 202, answer
        ids[name] = answer["id"]
        await gateway.settle()
    await line.fault("api", "status_before", status=429, share=1, path="/bot/pnp/push")
    ids["retry after a 429"] = (await gateway.ok("POST", "/v1/notices", notice(REAL, LINE)))["id"]
    await gateway.settle()
    await line.control("DELETE", "/faults")
    await line.fault("api", "status_before", status=403, next=1, path="/bot/pnp/push")
    ids["resumed after a pause"] = (await gateway.ok("POST", "/v1/notices", notice(REAL, LINE)))["id"]
    await gateway.settle()
    assert (await gateway.ok("GET", "/v1/channels/Parcels"))["paused_at"] is not None
    sent = await left(gateway, receiver)
    assert sent == ["/bot/pnp/push"], "only the one that LINE holds for its user's consent"

    await suspend_elsewhere(gateway, made)
    await gateway.ok("POST", "/v1/channels/Parcels/resume")
    await gateway.settle()
    status, answer = await gateway.call("POST", "/v1/notices", notice(REAL))
    assert (status, answer["type"]) == (409, "not-live")
    again = waits["the next step after a wait"]
    status, answer = await gateway.call("POST", "/v1/notices", again, headers=key)
    assert (status, answer["id"]) == (202, ids["the next step after a wait"]), (
        "a replay answers and sends nothing"
    )
    await gateway.advance("6h")
    await line.act("+886912000001", "agree")
    await gateway.advance("5d")
    assert await left(gateway, receiver) == sent
    ends = {name: await gateway.notice(x) for name, x in ids.items()}
    out = ends.pop("the next step after a wait")
    assert (out["state"], len(out["attempts"])) == ("delivered", 1)
    assert {x["state"] for x in ends.values()} == {"refused", "not_delivered"}
    assert {x["reason"] for x in ends.values()} == {"not_live"}

    await move(gateway, made, "live")
    await gateway.ok("POST", "/v1/notices", notice(REAL, SMS))
    await gateway.settle()
    assert await left(gateway, receiver) == [*sent, "sms"]
    logged[:] = [x for x in logged if x["event"] != "channel.paused"]


@pytest.mark.parametrize(("base", "gated"), [("https://api.line.me", True), ("http://127.0.0.1:1", False)])
async def test_only_where_lines_side_is_on_loopback_every_number_is_a_test_number(
    base: str, gated: bool, tmp_path: Path
) -> None:
    from todoke.settings import load  # noqa: PLC0415

    settings = {"TODOKE_DATA_DIR": str(tmp_path / "data"), "TODOKE_LINE_API_BASE": base}
    opened = await open_base(load(settings))
    made = Gateway(opened)
    assert made.app.state.services.setup.every_number_is_a_test_number is not gated
    await made._outside.close()
    await opened.database.close()
