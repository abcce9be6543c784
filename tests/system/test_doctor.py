"""`todoke doctor`: what it finds, said so that whoever reads it knows what to do."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import formatdate
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from typer.testing import CliRunner

from emulator_support import RunningEmulator
from gateway_support import RunningGateway, running_gateway
from todoke.carriers.line import LineTokens, WebhookTest, make_session, parse_private_key
from todoke.cli.doctor import machine, work
from todoke.cli.doctor.findings import Finding, about, roughly
from todoke.cli.doctor.run import examine
from todoke.cli.doctor.webhook import explain
from todoke.cli.main import app
from todoke.clock import wall
from todoke.core.durations import DAY, HOUR, MINUTE, SECOND
from todoke.engine.metrics import EVENTS_REFUSED
from todoke.settings import Settings, load
from todoke.storage import alarms
from todoke.storage.alarms import Alarm
from todoke.storage.database import Database

PHONE = "+886912345678"
SMPP = """
kind: smpp
name: link
host: 127.0.0.1
port: 1
tls: false
window: 10
rate: 20
encodings: [gsm7, ucs2]
long_messages: udh
dest: {ton: 1, npi: 1}
system_id: shop
password: "{secret:password}"
source: {address: SHOP}
receipts: true
receipt_id: same
"""


@pytest.fixture(autouse=True)
def _alarms(logged: list[Any]) -> Any:
    """What the gateway itself complains of while the doctor is tested is to be expected. Counts begin anew: they are
    of the process, in which other tests ran before.
    """
    EVENTS_REFUSED.clear()
    yield
    logged[:] = [x for x in logged if x["event"] not in ("alarm.raised", "channel.paused")]


def settings_of(gateway: RunningGateway) -> Settings:
    """As in a terminal beside that gateway."""
    return load(
        {
            "TODOKE_DATA_DIR": str(gateway.folder),
            "TODOKE_LINE_API_BASE": gateway.emulator.url,
            "TODOKE_CLOCK": gateway.emulator.url,
            "TODOKE_PORT": str(urlsplit(gateway.url).port),
        }
    )


async def look(gateway: RunningGateway) -> list[Finding]:
    return await examine(settings_of(gateway))


def bad(findings: list[Finding]) -> list[Finding]:
    return [f for f in findings if f.level in ("warning", "error")]


async def registered(gateway: RunningGateway, **values: Any) -> dict[str, Any]:
    """A second channel at LINE, with its webhook here."""
    values = {"webhook_url": f"{gateway.url}/line/{{channel_id}}/webhook", **values}
    made: dict[str, Any] = await gateway.emulator.control(
        "POST", "/channels", {"name": "Bills", "region": "TW", **values}
    )
    return made


async def register(gateway: RunningGateway, made: dict[str, Any], **values: Any) -> None:
    body = {"name": "Bills", "region": "TW", "line_channel_id": made["channel_id"]}
    await gateway.ok("POST", "/v1/channels", {**body, "secret": made["channel_secret"], **values})
    await gateway.settle()


async def of_bills(gateway: RunningGateway) -> list[Finding]:
    return [f for f in await look(gateway) if f.about == "channel Bills"]


async def test_a_sound_gateway_has_nothing_to_mend(gateway: RunningGateway) -> None:
    findings = await look(gateway)
    assert bad(findings) == []
    texts = " ".join(f.text for f in findings)
    for words in ("tables are there", "are free", "runs at", "follows the emulator", "emulator is set up"):
        assert words in texts
    assert "its access token works for Parcels; it was given" in texts
    assert "LINE reaches its webhook" in texts
    assert any(f.about == "redelivery" and "Parcels" in f.text for f in findings)


async def test_every_finding_is_one_line_and_what_is_wrong_has_a_remedy(
    line: RunningEmulator, tmp_path: Path
) -> None:
    async with running_gateway(line, tmp_path / "data") as gateway:
        made = await registered(gateway, switcher_secret="sw")
        await register(gateway, made, secret="neither", access_token="denied")
        findings = await look(gateway)
    findings += await look(gateway)
    assert len(bad(findings)) >= 3
    for finding in findings:
        assert "\n" not in finding.text + finding.remedy
        assert finding.level in ("ok", "note") or finding.remedy or ":" in finding.text


async def test_an_issued_token_says_how_it_was_made_and_when_it_ends(gateway: RunningGateway) -> None:
    await register(gateway, await registered(gateway))
    (token, *_) = await of_bills(gateway)
    assert (token.level, token.text) == (
        "ok",
        "its access token works for Bills; issued with the secret, ends in 14 minutes and is renewed before.",
    )


async def test_a_given_token_that_ends_soon_is_a_warning(gateway: RunningGateway) -> None:
    made = await registered(gateway)
    path = f"/channels/{made['channel_id']}/keys"
    key = parse_private_key(json.dumps(await gateway.emulator.control("POST", path, {"generate": True})))
    async with make_session() as http:
        now = gateway.emulator.state.clock.now()
        issued = await LineTokens(http, gateway.emulator.url).issue_v21(
            made["channel_id"], key, now, 3 * 86_400
        )
    await register(gateway, made, access_token=issued.access_token)
    (token, *_) = await of_bills(gateway)
    assert token.level == "warning"
    assert "days" in token.text
    assert "todoke channels token 'Bills' FILE" in token.remedy


async def test_a_given_token_that_line_denies_is_an_error(gateway: RunningGateway) -> None:
    await register(gateway, await registered(gateway), access_token="denied")
    (token, *_) = await of_bills(gateway)
    assert (token.level, "does not work" in token.text) == ("error", True)


async def test_a_403_hints_at_an_ip_allow_list(gateway: RunningGateway) -> None:
    await gateway.emulator.fault("api", "status_before", status=403, path="/v2/bot/info")
    (token,) = bad(await look(gateway))
    assert (token.level, "403" in token.text) == ("error", True)
    assert "IP allow-list" in token.remedy


async def test_a_token_that_ran_out_while_no_gateway_ran_is_no_riddle(
    line: RunningEmulator, tmp_path: Path
) -> None:
    async with running_gateway(line, tmp_path / "data") as gateway:
        await register(gateway, await registered(gateway))
    await line.clock(advance="1h")
    (token,) = [f for f in await of_bills(gateway) if "token" in f.text]
    assert (token.level, token.remedy) == ("warning", "Start the gateway: todoke serve")
    assert "its access token is over; LINE would issue a new one" in token.text


async def test_a_secret_that_issues_no_token_is_said_once_with_the_switcher_secret(
    gateway: RunningGateway,
) -> None:
    await register(gateway, await registered(gateway, switcher_secret="sw"), secret="sw")
    (paused,) = bad(await of_bills(gateway))
    assert paused.level == "error"
    assert "switcher secret" in paused.text
    assert "goes on by itself" in paused.remedy


async def test_the_switcher_secret_is_found_where_webhooks_are_refused(gateway: RunningGateway) -> None:
    """LINE Chat Plus signs with its own secret; here is the channel secret."""
    made = await registered(gateway, switcher_secret="sw")
    await register(gateway, made, access_token=made["access_token"])
    (webhook,) = bad(await of_bills(gateway))
    assert (webhook.level, "switcher secret" in webhook.remedy) == ("error", True)
    assert "signature" in webhook.text
    again = await look(gateway)
    assert any(f.about == "gateway" and f.level == "warning" and "signature" in f.text for f in again)


async def test_with_the_switcher_secret_here_the_webhook_is_fine_and_it_is_only_a_note(
    gateway: RunningGateway,
) -> None:
    made = await registered(gateway, switcher_secret="sw")
    await register(gateway, made, secret="sw", access_token=made["access_token"])
    found = await of_bills(gateway)
    assert bad(found) == []
    assert any("LINE Chat Plus" in f.text for f in found)


@pytest.mark.parametrize(
    ("url", "text"),
    [(None, "is not set"), ("https://elsewhere.example/hook", "is https://elsewhere.example/hook")],
)
async def test_a_webhook_url_that_is_not_ours_names_the_command_that_sets_it(
    gateway: RunningGateway, url: str | None, text: str
) -> None:
    made = await registered(gateway, webhook_url=url)
    await register(gateway, made, access_token=made["access_token"])
    (webhook,) = bad(await of_bills(gateway))
    assert text in webhook.text
    assert webhook.remedy == "todoke channels connect 'Bills'"


async def test_a_stopped_gateway_is_what_is_to_be_started_first(
    line: RunningEmulator, tmp_path: Path
) -> None:
    async with running_gateway(line, tmp_path / "data") as gateway:
        await gateway.channel()
    findings = bad(await look(gateway))
    assert [f.about for f in findings] == ["gateway", "channel Parcels"]
    assert all("todoke serve" in f.remedy for f in findings)
    assert "can't connect" in findings[1].text


async def test_line_out_of_reach_is_said_once(line: RunningEmulator, tmp_path: Path) -> None:
    async with running_gateway(line, tmp_path / "data") as gateway:
        await gateway.channel()
        current = settings_of(gateway)
    await line.wired.stop()
    findings = [f for f in await examine(current) if f.level == "error"]
    assert [f.about for f in findings] == ["LINE", "clock"]


async def test_a_redelivered_event_shows_that_redelivery_is_on(gateway: RunningGateway) -> None:
    made = await registered(gateway, redelivery=True)
    await register(gateway, made, access_token=made["access_token"])
    await gateway.template("Bills", name="bill")
    await gateway.emulator.user(PHONE)
    await gateway.emulator.fault("webhook", "status_before", status=500, next=1)
    await gateway.send(PHONE, channel="Bills", template="bill")
    await gateway.advance("2h")
    found = await of_bills(gateway)
    assert any(f.level == "ok" and "webhook redelivery is on" in f.text for f in found)


async def test_a_quota_that_is_nearly_used_up_is_a_warning(gateway: RunningGateway) -> None:
    made = await registered(gateway, monthly_quota=1)
    await register(gateway, made, access_token=made["access_token"])
    user = await gateway.emulator.user(PHONE)
    await gateway.emulator.act(PHONE, "add_friend", channel_id=made["channel_id"])
    headers = {"Authorization": f"Bearer {made['access_token']}"}
    body = {"to": user["user_id"], "messages": [{"type": "text", "text": "x"}]}
    sent = await gateway.emulator.request("POST", "/v2/bot/message/push", body, headers)
    assert sent.status == 200
    (quota,) = bad(await of_bills(gateway))
    assert quota.text.startswith("1 of this month's 1 ordinary messages")


async def test_work_that_is_left_undone_is_counted(line: RunningEmulator, tmp_path: Path) -> None:
    async with running_gateway(line, tmp_path / "data") as gateway:
        await gateway.channel()
        await gateway.template()
        await line.user(PHONE, reception="not_set")
        await gateway.send(PHONE, {"steps": [{"step": "line_notification", "wait": "1h"}, {"step": "sms"}]})
        await gateway.settle()
    await line.clock(advance="6h")
    found = [f for f in await look(gateway) if "1 notice waited" in f.text]
    assert [f.level for f in found] == ["warning"]
    assert "the first since 299 minutes" in found[0].text or "the first since 5 hours" in found[0].text, found


async def test_standing_alarms_are_among_the_findings(gateway: RunningGateway) -> None:
    database = Database(settings_of(gateway).database_url)
    channel = await gateway.ok("GET", "/v1/channels/Parcels")
    alarm = Alarm(
        id="0" * 26,
        account_id=None,
        kind="carrier_down",
        about=channel["id"],
        text="It is down.",
        remedy="Call them.",
        raised_at=wall(),
    )
    async with database.write() as tx:
        await alarms.insert_alarm(tx, alarm)
    await database.close()
    found = [f for f in await look(gateway) if f.about.startswith("alarm")]
    assert found == [Finding("warning", "alarm carrier_down", "channel Parcels: It is down.", "Call them.")]


# Parts that no emulator shows


@asynccontextmanager
async def server_whose_clock_is_off(seconds: float) -> AsyncIterator[str]:
    """A program on loopback with a Date header of its own."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=404, headers={"Date": formatdate(wall() / 1000 + seconds, usegmt=True)})

    served = web.Application()
    served.router.add_get("/", answer)
    runner = web.AppRunner(served)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("seconds", "level", "words"),
    [
        (0, "ok", "agrees"),
        (3, "ok", "agrees"),
        (20, "warning", "behind"),
        (-20, "warning", "ahead of"),
        (3600, "error", "behind"),
        (-3600, "error", "ahead of"),
    ],
)
async def test_the_machines_clock_is_compared_with_lines(
    tmp_path: Path, seconds: float, level: str, words: str
) -> None:
    async with server_whose_clock_is_off(seconds) as url, make_session() as http:
        current = load({"TODOKE_DATA_DIR": str(tmp_path), "TODOKE_LINE_API_BASE": url})
        seen = await machine.clock(current, http, await machine.line(current, http))
    assert seen.findings[-1].level == level
    assert words in seen.findings[-1].text
    assert level == "ok" or "NTP" in seen.findings[-1].remedy


@pytest.mark.parametrize(
    ("space", "files", "levels"),
    [
        (10**10, 10**6, ["ok"]),
        (10**9 - 1, 10**6, ["warning"]),
        (10**7, 10**6, ["error"]),
        (10**10, 9_999, ["warning"]),
        (10**7, 10, ["error", "error"]),
    ],
)
def test_a_disk_that_is_nearly_full_is_found_by_bytes_and_by_inodes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, space: int, files: int, levels: list[str]
) -> None:
    seen = SimpleNamespace(f_bavail=space, f_frsize=1, f_files=10**7, f_favail=files)
    monkeypatch.setattr(os, "statvfs", lambda _: seen)
    assert [f.level for f in machine.disk(tmp_path)] == levels


def test_a_file_system_that_counts_no_inodes_is_not_called_full(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen = SimpleNamespace(f_bavail=10**10, f_frsize=1, f_files=0, f_favail=0)
    monkeypatch.setattr(os, "statvfs", lambda _: seen)
    assert [f.level for f in machine.disk(tmp_path)] == ["ok"]


@pytest.mark.parametrize(
    ("reason", "status", "text", "remedy"),
    [
        ("COULD_NOT_CONNECT", 0, "can't connect", "port 443"),
        ("REQUEST_TIMEOUT", 0, "too long", "2 seconds"),
        ("UNCLASSIFIED", 0, "does not say why", "Try again"),
        ("SOMETHING_NEW", 0, "does not say why", "Try again"),
        ("ERROR_STATUS_CODE", 401, "signature", "switcher secret"),
        ("ERROR_STATUS_CODE", 404, "nobody knows", "proxy hands /line/ on"),
        ("ERROR_STATUS_CODE", 301, "redirect", "TODOKE_BASE_URL"),
        ("ERROR_STATUS_CODE", 502, "does not reach the gateway", "proxy"),
        ("ERROR_STATUS_CODE", 503, "503", "/readyz"),
        ("ERROR_STATUS_CODE", 418, "418", "logs"),
    ],
)
def test_every_reason_of_lines_test_has_words_and_a_remedy(
    reason: str, status: int, text: str, remedy: str
) -> None:
    test = WebhookTest(success=False, status_code=status, reason=reason, status=200)
    found = explain(test, "https://x.example/line/1/webhook", about("channel A"))
    assert (found.level, text in found.text, remedy in found.remedy) == ("error", True, True), found
    assert "{" not in found.text


def test_a_test_that_line_refuses_is_a_warning_and_not_an_error() -> None:
    found = explain(WebhookTest(error="too many", status=429), "https://x.example/", about("channel A"))
    assert (found.level, "60 times" in found.remedy) == ("warning", True)


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (59 * SECOND, "59 seconds"),
        (MINUTE, "1 minute"),
        (90 * MINUTE, "90 minutes"),
        (47 * HOUR, "47 hours"),
        (3 * DAY, "3 days"),
        (-5, "0 seconds"),
    ],
)
def test_durations_are_said_roughly(duration: int, words: str) -> None:
    assert roughly(duration) == words


@pytest.mark.parametrize("arguments", [["doctor"], ["doctor", "--json"]])
def test_the_command_ends_with_1_and_can_be_read_by_programs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str]
) -> None:
    monkeypatch.setenv("TODOKE_DATA_DIR", str(tmp_path / "nowhere"))
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert "does not exist yet" in result.output
    if "--json" in arguments:
        levels = [f["level"] for f in json.loads(result.output)["findings"]]
        assert levels[-1] == "error"
    else:
        assert result.output.splitlines()[-1] == "1 error to mend, 0 warnings."


async def test_sms_carriers_are_named_in_their_order_and_smpp_is_not_bound_a_second_time(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "data" / "carriers"
    folder.mkdir(parents=True)
    (folder / "link.yaml").write_text(SMPP)
    current = load(
        {
            "TODOKE_DATA_DIR": str(tmp_path / "data"),
            "TODOKE_LINE_API_BASE": "http://127.0.0.1:1",
            "TODOKE_SMS_CARRIER": "emulator,link",
            "TODOKE_SMS_SECRETS": "password=secret",
        }
    )
    async with make_session() as http:
        found = work.sms(current, http)
        assert len(found) == 2, found
        first, second = found
        assert (first.level, first.text) == ("ok", "the carrier emulator is set up.")
        assert (second.level, "number 2 of 2; its SMPP link" in second.text) == ("note", True)
        (folder / "link.yaml").write_text("kind: smpp\nname: link")
        (broken,) = work.sms(current, http)
    assert (broken.level, "link.yaml" in broken.text) == ("error", True)
