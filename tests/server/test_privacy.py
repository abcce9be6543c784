"""Numbers stand where they must and nowhere else: not in logs, errors, addresses, metrics or other columns."""

from __future__ import annotations

import hashlib
import io
import logging
import sqlite3
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from gateway_support import RunningGateway
from todoke import logs
from todoke.carriers.line import LineCarrier
from todoke.server.api import notices

NAME = "機密姓名"
NATIONAL = ("955123987", "955123988", "955123989", "955123990", "955123991")
REFUSED = ("255123987", "+821055123987", "9551239", "09551239870000")
WHERE_NUMBERS_BELONG = {
    ("notices", "number"),
    # What they are found by; it goes with the notice.
    ("notice_numbers", "number"),
    ("channels", "test_numbers"),
    # A refused row comes back as it was.
    ("batch_rejects", "original"),
}


def traces() -> list[str]:
    """What would betray a number: its digits, its last ones, its hash; and the recipient's name."""
    found = [NAME]
    for number in NATIONAL:
        e164 = f"+886{number}"
        found += [
            number,
            number[2:],
            f"0{number[:3]}-{number[3:6]}",
            hashlib.sha256(e164.encode()).hexdigest(),
        ]
    return found + [n.lstrip("+") for n in REFUSED]


def betrayed(text: str) -> list[str]:
    return [trace for trace in traces() if trace in text]


@pytest.fixture
def written(logged: list[Any], request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """Logs as `todoke serve` writes them."""
    before = structlog.get_config()
    logs.set_up_logging(request.param)
    text = io.StringIO()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(text))  # type: ignore[arg-type]
    yield text
    structlog.configure(**before)


@pytest.mark.parametrize("written", ["json", "console"], indirect=True)
async def test_numbers_stand_in_no_log_error_metric_or_other_column(
    gateway: RunningGateway,
    written: io.StringIO,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.INFO)
    line = gateway.emulator
    answers: list[str] = []

    async def call(method: str, path: str, body: Any = None, **query: str) -> Any:
        _, answer = await gateway.call(method, path, body, **query)
        answers.append(str(answer))
        return answer

    # A good run: shown, not matched, never consented, an SMS that fails.
    await line.user(f"+886{NATIONAL[0]}")
    await line.user(f"+886{NATIONAL[1]}", reception="not_set")
    await line.user(f"+886{NATIONAL[2]}", reception="reject", sms_reachable=False)
    policy = {"steps": [{"step": "line_notification", "wait": "30m"}, {"step": "sms"}]}
    base = {"channel": "Parcels", "template": "parcel", "parameters": {"name": NAME}, "policy": policy}
    for number in NATIONAL:
        await call("POST", "/v1/notices", {**base, "to": f"0{number}"}, dry_run="true")
    answers.clear()  # A dry run shows the content, which holds the name.
    many = [{**base, "to": f"+886{n}", "reference": "A-1"} for n in NATIONAL]
    await call("POST", "/v1/notices/batch", {"notices": many + [{**base, "to": n} for n in REFUSED]})
    rows = "".join(f"0{n},{NAME}\n" for n in NATIONAL) + "".join(f"{n},{NAME}\n" for n in REFUSED)
    _, batch = await gateway.upload(("phone,name\n" + rows).encode())
    await gateway.advance("1h")

    # Whatever can go wrong: wrong input, wrong signatures, a refused token, an error in our own code.
    for wrong in (*REFUSED, f"0{NATIONAL[0]}x"):
        await call("POST", "/v1/notices", {**base, "to": wrong})
        await call("POST", "/v1/channels", {"name": "x", "region": "TW", "test_numbers": [wrong]})
    await call("GET", f"/v1/notices/{batch['id']}")
    (channel,) = (await call("GET", "/v1/channels"))["channels"]
    await call("POST", f"/line/{channel['line_channel_id']}/webhook", {"to": NATIONAL[0]})
    await call("POST", "/sms/emulator/receipts", {"to": NATIONAL[0]})
    await line.fault("api", "status_before", status=500, next=1)
    await line.fault("api", "disconnect_before", next=1)
    await line.fault("api", "status_before", status=403, next=1)
    for number in NATIONAL[:3]:
        await call("POST", "/v1/notices", {**base, "to": number})
        await gateway.settle()
    await call("POST", f"/v1/channels/{channel['id']}/resume")

    def broken(self: LineCarrier, message: Any, tag: str, done: Any) -> None:
        raise RuntimeError(f"{message.to} {message.payload}")

    monkeypatch.setattr(LineCarrier, "begin", broken)
    await call("POST", "/v1/notices", {**base, "to": NATIONAL[3]})
    await gateway.settle()
    monkeypatch.undo()

    async def fails(*_: Any, **__: Any) -> None:
        raise RuntimeError(f"{NATIONAL[0]} {NAME}")

    monkeypatch.setattr(notices.reporting, "list_notices", fails)
    await call("GET", "/v1/notices")
    monkeypatch.undo()
    await gateway.advance("3d")

    for path in ("/v1/notices", "/v1/batches", f"/v1/batches/{batch['id']}", "/v1/reports/funnel"):
        await call("GET", path, **({"limit": "500"} if path == "/v1/notices" else {}))
    for path in (
        "/v1/reports/cost",
        "/v1/reports/latency",
        f"/v1/batches/{batch['id']}/results.csv",
        "/metrics",
    ):
        await call("GET", path)
    sent = [r for r in await line.ledger() if r["fate"]]
    assert len(sent) > 5, "the run did what it was meant to"

    for answer in answers:
        assert betrayed(answer) == [], answer
    told = written.getvalue()
    for event in ("send.error", "server.error", "webhook.bad_signature", "receipt.refused", "channel.paused"):
        assert event in told
    assert "RuntimeError" in told
    assert __file__ in told, "a failure says where it happened"
    assert betrayed(told) == []
    (emulated,) = line.state.world.channels.values()
    for secret in (gateway.key, emulated.secret, emulated.access_token):
        assert secret not in told
    assert betrayed(gateway_side(caplog)) == []
    assert columns_with_numbers(gateway) == set()


def gateway_side(caplog: pytest.LogCaptureFixture) -> str:
    """What libraries logged, but for those of the emulator, whose own requests name users in addresses."""
    return "\n".join(r.getMessage() for r in caplog.records if not r.name.startswith("line_emulator"))


def columns_with_numbers(gateway: RunningGateway) -> set[tuple[str, str]]:
    """The columns in which a trace of a number stands without need; parameters may hold the name."""
    found = set()
    with sqlite3.connect(f"file:{gateway.folder / 'todoke.db'}?mode=ro", uri=True) as database:
        tables = [r[0] for r in database.execute("select name from sqlite_master where type = 'table'")]
        assert {"notices", "attempts", "inbox", "batches"} <= set(tables)
        for table in tables:
            cursor = database.execute(f'select * from "{table}"')
            names = [d[0] for d in cursor.description]
            for row in cursor:
                for name, value in zip(names, row, strict=True):
                    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
                    allowed = {NAME} if (table, name) == ("notices", "parameters") else set()
                    if (table, name) not in WHERE_NUMBERS_BELONG and set(betrayed(text)) - allowed:
                        found.add((table, name))
    return found


def test_a_failure_is_logged_by_type_and_place_with_its_causes_and_without_its_text() -> None:
    def inner() -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    try:
        try:
            inner()
        except OSError as error:
            raise ValueError(f"+886{NATIONAL[0]}") from error
    except ValueError:
        event = logs.failures(None, "error", {"event": "x", "exc_info": True})
    first, second = event["failure"]
    assert first.startswith("ConnectionRefusedError (Connection refused) at ")
    assert first.endswith(" inner")
    assert second.startswith("ValueError at ")
    assert betrayed(str(event)) == []
    assert "exc_info" not in event


def test_a_log_line_without_a_failure_stays_as_it_is() -> None:
    assert logs.failures(None, "info", {"event": "x", "channel": "1"}) == {"event": "x", "channel": "1"}
    assert sys.exc_info() == (None, None, None)
