"""The command: looks at everything, prints the findings, and ends with 1 if one of them is an error."""

import asyncio
from collections import Counter

import aiohttp
import typer
from rich.text import Text

from todoke.carriers.line import make_session
from todoke.cli.common import out, print_json, settings
from todoke.cli.doctor import archive, hub, machine, reviews, work
from todoke.cli.doctor.channel import Examination
from todoke.cli.doctor.findings import Finding, many
from todoke.settings import Settings, SettingsError, unknown_names
from todoke.storage import channels as channel_store
from todoke.storage.database import StorageError
from todoke.wiring import Base, open_base

STYLE = {"ok": "green", "note": "dim", "warning": "yellow", "error": "red"}
SECONDS = 15.0
"""LINE's test of a webhook takes as long as our own endpoint takes to answer it."""


def doctor(*, as_json: bool) -> None:
    """Looks at everything; ends with 1 if anything is an error."""
    current = settings()
    findings = asyncio.run(examine(current))
    if as_json:
        print_json({"findings": [f._asdict() for f in findings]})
    else:
        for f in findings:
            line = Text.assemble((f"{f.level:<8}", STYLE[f.level]), f"{f.about}: {f.text}")
            if f.remedy:
                line.append(f" {f.remedy}", style="bold" if f.level == "error" else "")
            out.print(line, soft_wrap=True)
        out.print(_summary(findings), soft_wrap=True)
    if any(f.level == "error" for f in findings):
        raise typer.Exit(1)


def _summary(findings: list[Finding]) -> Text:
    counts = Counter(f.level for f in findings)
    if counts["error"]:
        return Text(f"{many(counts['error'], 'error')} to mend, {many(counts['warning'], 'warning')}.", "red")
    if counts["warning"]:
        return Text(f"No errors, {many(counts['warning'], 'warning')}.", "yellow")
    return Text("All is well.", "green")


async def examine(current: Settings) -> list[Finding]:
    """All findings, in the order in which they are worth reading."""
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
    try:
        async with make_session(total=SECONDS) as http:
            findings += await _all(base, http)
    finally:
        await base.database.close()
    return findings


async def _all(base: Base, http: aiohttp.ClientSession) -> list[Finding]:
    current = base.settings
    findings = machine.disk(current.data_dir)
    findings += machine.addresses(current)
    gateway = await machine.gateway(current, http)
    findings += gateway.findings
    line = await machine.line(current, http)
    findings += line.findings
    clock = await machine.clock(current, http, line)
    findings += clock.findings
    findings += work.sms(current, http)
    async with base.database.read() as tx:
        channels = await channel_store.list_channels(tx)
    if not channels:
        findings.append(
            Finding("warning", "channels", "none is registered.", "Register one: todoke channels add --help")
        )
    for channel in channels:
        examination = Examination(
            base, channel, http, now=clock.now, gateway_runs=gateway.runs, line_answers=line.answers
        )
        findings += await examination.findings()
    findings += await work.redelivery(base, channels)
    findings += await work.flagged_templates(base, channels)
    findings += await reviews.reviews(base, channels, clock.now)
    findings += await hub.targets(base)
    findings += await archive.look(base, clock.now)
    findings += await work.alarms(base, channels)
    if not current.line_is_emulated and channels:
        findings.append(
            Finding(
                "note",
                "LINE",
                "whether an IP allow-list is set can't be read over the API.",
                "If there is one (LINE Developers Console, Security), it must name every machine that runs Todoke.",
            )
        )
    return findings
