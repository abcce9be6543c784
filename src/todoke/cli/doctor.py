"""`todoke doctor`: what is missing or wrong in the set-up, one line a finding, with the remedy."""

import asyncio
from collections.abc import Callable
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import typer
from rich.text import Text

from todoke.carriers.line import LineAccount, make_session
from todoke.cli.common import out, print_json, settings
from todoke.sealing import CannotUnseal
from todoke.settings import Settings, SettingsError, is_loopback, unknown_names
from todoke.storage import channels as channel_store
from todoke.storage import content
from todoke.storage.channels import Channel
from todoke.storage.database import StorageError
from todoke.wiring import NO_CARRIER, Base, open_base, sms_carrier

Level = Literal["ok", "note", "warning", "error"]
STYLE = {"ok": "green", "note": "dim", "warning": "yellow", "error": "red"}


class Finding(NamedTuple):
    """One line: how bad, about what, what it is, and what to do."""

    level: Level
    about: str
    text: str
    remedy: str = ""


def doctor(*, as_json: bool) -> None:
    """Looks at everything; ends with 1 if anything is an error."""
    current = settings()
    findings = asyncio.run(_examine(current))
    if as_json:
        print_json({"findings": [f._asdict() for f in findings]})
    else:
        for f in findings:
            line = Text.assemble((f"{f.level:<8}", STYLE[f.level]), f"{f.about}: {f.text}")
            if f.remedy:
                line.append(f" {f.remedy}", style="bold" if f.level == "error" else "")
            out.print(line, soft_wrap=True)
    if any(f.level == "error" for f in findings):
        raise typer.Exit(1)


async def _examine(current: Settings) -> list[Finding]:
    findings = [
        Finding("note", "settings", "as they are in this terminal; a running gateway may have others.")
    ]
    findings += [
        Finding("warning", "settings", f"there is no setting {name}.", "Settings are in docs/settings.md.")
        for name in unknown_names()
    ]
    if not current.data_dir.exists():
        missing = f"the folder {current.data_dir} does not exist yet."
        return [
            *findings,
            Finding("error", "data", missing, "todoke serve makes it, or set TODOKE_DATA_DIR."),
        ]
    try:
        base = await open_base(current)
    except (SettingsError, StorageError) as error:
        return [*findings, Finding("error", "data", str(error))]
    findings.append(Finding("ok", "data", f"{current.data_dir} can be written, the tables are there."))
    async with make_session(total=8.0) as http:
        findings += _addresses(current)
        findings += _sms(current, http)
        findings.append(await _gateway(current, http))
        if current.clock != "system":
            findings.append(await _emulator(current, http))
        elif current.line_is_emulated:
            findings.append(_own_time(current))
        findings += await _channels(base, http)
    await base.database.close()
    return findings


def _addresses(current: Settings) -> list[Finding]:
    if current.line_is_emulated:
        return [
            Finding(
                "note",
                "LINE",
                f"{current.line_api_base} is on loopback: an emulator, no real phone is reached.",
            )
        ]
    if is_loopback(current.base_url):
        return [
            Finding(
                "error",
                "address",
                f"TODOKE_BASE_URL is {current.base_url}, which LINE can't reach: no delivery event would come.",
                "Set it to the https address under which this gateway is reached from outside.",
            )
        ]
    if urlsplit(current.base_url).scheme != "https":
        return [
            Finding(
                "error", "address", "TODOKE_BASE_URL is not https; LINE posts to https only.", "Change it."
            )
        ]
    return [Finding("ok", "address", current.base_url)]


def _sms(current: Settings, http: aiohttp.ClientSession) -> list[Finding]:
    if current.sms_carrier in (None, NO_CARRIER):
        return [
            Finding(
                "warning",
                "SMS",
                "no carrier is set up: what LINE can't deliver ends undelivered.",
                "Set TODOKE_SMS_CARRIER; docs/sms-carriers.md says how.",
            )
        ]
    try:
        carrier = sms_carrier(current, http, "doctor")
    except SettingsError as error:
        return [Finding("error", "SMS", str(error))]
    assert carrier is not None
    if not carrier.gives_proof:
        return [
            Finding(
                "note", "SMS", f"{current.sms_carrier} gives no receipts: its notices end as handed_over."
            )
        ]
    return [Finding("ok", "SMS", f"the carrier {current.sms_carrier} is set up.")]


async def _answers(http: aiohttp.ClientSession, url: str) -> int | None:
    try:
        async with http.get(url) as response:
            return response.status
    except (aiohttp.ClientError, OSError, TimeoutError):
        return None


async def _gateway(current: Settings, http: aiohttp.ClientSession) -> Finding:
    local = f"http://{current.host}:{current.port}"
    status = await _answers(http, f"{local}/readyz")
    if status == 200:
        return Finding("ok", "gateway", f"runs at {local}.")
    if status is None:
        return Finding("warning", "gateway", f"does not run at {local}.", "Start it: todoke serve")
    return Finding("error", "gateway", f"runs at {local}, but is not ready.", f"See {local}/readyz.")


async def _emulator(current: Settings, http: aiohttp.ClientSession) -> Finding:
    if await _answers(http, f"{current.clock}/_emulator/v1/clock") == 200:
        return Finding("ok", "clock", f"follows the emulator at {current.clock}.")
    return Finding(
        "error",
        "clock",
        f"no emulator answers at {current.clock}.",
        "Start it (line-emulator serve), or set TODOKE_CLOCK=system.",
    )


def _own_time(current: Settings) -> Finding:
    return Finding(
        "warning",
        "clock",
        "the gateway keeps the machine's time; an emulator whose clock is moved would leave it behind.",
        f"Set TODOKE_CLOCK={current.line_api_base}.",
    )


async def _channels(base: Base, http: aiohttp.ClientSession) -> list[Finding]:
    async with base.database.read() as tx:
        channels = await channel_store.list_channels(tx)
        flagged = [
            t
            for account in {c.account_id for c in channels}
            for t in await content.list_templates(tx, account)
            if t.flagged_at is not None
        ]
    if not channels:
        return [
            Finding("warning", "channels", "none is registered.", "Register one: todoke channels add --help")
        ]
    line = LineAccount(http, base.settings.line_api_base)
    findings: list[Finding] = []
    for channel in channels:
        findings += await _channel(base, channel, line)
    findings += [
        Finding(
            "warning",
            f"template {t.name}",
            f"LINE refused its content ({t.flagged_why}).",
            "Mend it, push it again.",
        )
        for t in flagged
    ]
    if base.settings.line_is_emulated:
        return findings
    findings.append(
        Finding(
            "note",
            "LINE",
            "redelivery of webhooks, an IP allow-list and LINE Chat Plus can't be read over the API.",
            "At LINE, see that redelivery is on, that an allow-list names this machine, and that with LINE Chat Plus "
            "the channel's secret here is the switcher secret.",
        )
    )
    return findings


async def _channel(base: Base, channel: Channel, line: LineAccount) -> list[Finding]:
    about = f"channel {channel.name}"

    def found(level: Level, text: str, remedy: str = "") -> Finding:
        return Finding(level, about, text, remedy)

    findings: list[Finding] = []
    if channel.paused_at is not None:
        findings.append(
            found("error", f"is paused: {channel.paused_why}", "Mend it, then: todoke channels resume NAME")
        )
    if channel.access_token is None:
        return [*findings, found("error", "has no access token.", "Set one: PATCH /v1/channels/{id}.")]
    try:
        token = base.seal.open(channel.access_token)
    except CannotUnseal as error:
        return [*findings, found("error", str(error))]
    info = await line.bot_info(token)
    if not info.ok and info.status is None:
        where = base.settings.line_api_base
        return [*findings, found("error", f"LINE at {where}: {info.error}.", "Check TODOKE_LINE_API_BASE.")]
    if not info.ok:
        return [
            *findings,
            found("error", f"the access token does not work: {info.error}.", "Set a new one with PATCH."),
        ]
    findings.append(found("ok", f"the access token works for {info.display_name or info.basic_id}."))
    return findings + await _webhook(base, channel, token, line, found)


async def _webhook(
    base: Base, channel: Channel, token: str, line: LineAccount, found: Callable[..., Finding]
) -> list[Finding]:
    wanted = f"{base.settings.base_url}/line/{channel.line_channel_id}/webhook"
    endpoint = await line.get_webhook_endpoint(token)
    if not endpoint.ok:
        return [found("warning", f"its webhook address can't be read: {endpoint.error}")]
    if endpoint.endpoint != wanted:
        is_now = endpoint.endpoint or "not set"
        return [found("error", f"its webhook URL at LINE is {is_now}.", f"Set it to {wanted}.")]
    if not endpoint.active:
        return [found("error", "use of its webhook is switched off at LINE.", "Switch it on there.")]
    tested = await line.test_webhook_endpoint(token)
    if tested.ok and tested.success:
        return [found("ok", "LINE reaches the webhook.")]
    return [
        found(
            "error",
            f"LINE does not reach the webhook: {tested.error or tested.reason or 'no reason given'}.",
            "See that the gateway runs and is reached under TODOKE_BASE_URL.",
        )
    ]
