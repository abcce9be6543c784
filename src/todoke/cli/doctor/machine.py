"""What the doctor sees of this machine: disk, addresses, the running gateway, the clock."""

import os
import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohttp

from todoke.cli.doctor.findings import Finding, Level, roughly
from todoke.clock import wall
from todoke.core.durations import SECOND, parse_rfc3339
from todoke.settings import Settings, is_loopback

LITTLE_SPACE, NO_SPACE = 1_000_000_000, 100_000_000
LITTLE_INODES, NO_INODES = 10_000, 500
CLOCK_OFF, CLOCK_WRONG = 5 * SECOND, 60 * SECOND
_REFUSED = re.compile(r'^todoke_inbound_refused_total\{carrier="line"\} ([0-9.e+]+)$', re.MULTILINE)


def disk(folder: Path) -> list[Finding]:
    """Room for the database and for uploaded lists."""
    have = os.statvfs(folder)
    space = have.f_bavail * have.f_frsize
    findings = []
    free = f"{space / 1e9:,.1f} GB are free" if space >= 1e9 else f"{space / 1e6:,.0f} MB are free"
    remedy = "Make room: a full disk stops all sending."
    if space < LITTLE_SPACE:
        level: Level = "error" if space < NO_SPACE else "warning"
        findings.append(Finding(level, "disk", f"only {free} for {folder}.", remedy))
    # Some file systems make inodes as they need them, and say 0.
    if have.f_files and have.f_favail < LITTLE_INODES:
        level = "error" if have.f_favail < NO_INODES else "warning"
        findings.append(
            Finding(level, "disk", f"only {have.f_favail:,} more files fit (inodes) for {folder}.", remedy)
        )
    return findings or [Finding("ok", "disk", f"{free}.")]


def addresses(current: Settings) -> list[Finding]:
    """Where LINE is, and whether LINE can reach us."""
    if current.line_is_emulated:
        text = f"{current.line_api_base} is on loopback: an emulator, no real phone is reached."
        return [Finding("note", "LINE", text)]
    if is_loopback(current.base_url):
        text = f"TODOKE_BASE_URL is {current.base_url}, which LINE can't reach: no delivery event would come."
        remedy = "Set it to the https address under which this gateway is reached from outside."
        return [Finding("error", "address", text, remedy)]
    if urlsplit(current.base_url).scheme != "https":
        text = f"TODOKE_BASE_URL is {current.base_url}, which is not https; LINE posts to https only."
        return [
            Finding("error", "address", text, "Put a proxy with a certificate in front, and set its address.")
        ]
    return [Finding("ok", "address", current.base_url)]


class GatewaySeen(NamedTuple):
    """`runs`: whether one answers on this machine."""

    findings: list[Finding]
    runs: bool


async def gateway(current: Settings, http: aiohttp.ClientSession) -> GatewaySeen:
    """Whether it runs and is ready, and what it counted of webhooks that it had to refuse."""
    local = f"http://{current.host}:{current.port}"
    answer = await _get(http, f"{local}/readyz")
    if answer is None:
        text = f"does not run at {local}."
        return GatewaySeen([Finding("warning", "gateway", text, "Start it: todoke serve")], False)
    if answer.status != 200:
        text = f"runs at {local}, but is not ready."
        return GatewaySeen([Finding("error", "gateway", text, f"See {local}/readyz.")], True)
    findings = [Finding("ok", "gateway", f"runs at {local}.")]
    counted = await _get(http, f"{local}/metrics")
    refused = 0 if counted is None else sum(float(x) for x in _REFUSED.findall(counted.text))
    if refused:
        findings.append(
            Finding(
                "warning",
                "gateway",
                f"requests to LINE's webhook that it refused for their signature since its start: {refused:,.0f}.",
                "If they are LINE's, a channel's secret here is wrong: with LINE Chat Plus it must be the switcher "
                "secret. The gateway's log names the channel (webhook.bad_signature).",
            )
        )
    return GatewaySeen(findings, True)


class LineSeen(NamedTuple):
    """`answers`: whether anybody does; `date`: its clock, and ours at that moment in ms."""

    findings: list[Finding]
    answers: bool
    date: tuple[datetime, int] | None = None


async def line(current: Settings, http: aiohttp.ClientSession) -> LineSeen:
    """Whether LINE's API is reached from here."""
    before = wall()
    answer = await _get(http, current.line_api_base + "/")
    if answer is None:
        text = f"nobody answers at {current.line_api_base}: no channel can be looked at, and nothing is sent."
        remedy = "See that this machine reaches it (name, firewall, proxy), and TODOKE_LINE_API_BASE."
        return LineSeen([Finding("error", "LINE", text, remedy)], False)
    theirs = _date(answer.date)
    return LineSeen([], True, None if theirs is None else (theirs, (before + wall()) // 2))


class ClockSeen(NamedTuple):
    """`now`: the time that notices live in, ms."""

    findings: list[Finding]
    now: int


async def clock(current: Settings, http: aiohttp.ClientSession, seen: LineSeen) -> ClockSeen:
    """The clock that is followed, or this machine's beside LINE's."""
    if current.clock != "system":
        return await _emulators(current, http)
    findings = []
    if current.line_is_emulated:
        text = "the gateway keeps the machine's time; an emulator whose clock is moved would leave it behind."
        findings.append(Finding("warning", "clock", text, f"Set TODOKE_CLOCK={current.line_api_base}."))
    if seen.date is not None:
        findings.append(_compared(*seen.date))
    return ClockSeen(findings, wall())


def _compared(theirs: datetime, ours: int) -> Finding:
    # The header has whole seconds: it is half a second late on average.
    off = ours - round(theirs.timestamp() * 1000) - SECOND // 2
    if abs(off) <= CLOCK_OFF:
        return Finding("ok", "clock", "this machine's clock agrees with LINE's.")
    way = "ahead of" if off > 0 else "behind"
    text = f"this machine's clock is {roughly(abs(off))} {way} LINE's."
    remedy = (
        "Let the network set it (NTP; timedatectl set-ntp true): access tokens, waits and days depend on it."
    )
    return Finding("error" if abs(off) > CLOCK_WRONG else "warning", "clock", text, remedy)


async def _emulators(current: Settings, http: aiohttp.ClientSession) -> ClockSeen:
    answer = await _get(http, f"{current.clock}/_emulator/v1/clock")
    found = None if answer is None else re.search(r'"now"\s*:\s*"([^"]{10,40})"', answer.text)
    if answer is None or answer.status != 200 or found is None:
        text = f"no emulator answers at {current.clock}."
        remedy = "Start it (line-emulator serve), or set TODOKE_CLOCK=system."
        return ClockSeen([Finding("error", "clock", text, remedy)], wall())
    text = f"follows the emulator at {current.clock}; there it is {found[1][:19].replace('T', ' ')} UTC."
    return ClockSeen([Finding("ok", "clock", text)], parse_rfc3339(found[1]))


class _Answer(NamedTuple):
    status: int
    text: str
    date: str | None


async def _get(http: aiohttp.ClientSession, url: str) -> _Answer | None:
    """None: nobody answers there."""
    try:
        async with http.get(url, allow_redirects=False) as response:
            body = await response.content.read(1_000_000)
            return _Answer(response.status, body.decode(errors="replace"), response.headers.get("Date"))
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
        return None


def _date(text: str | None) -> datetime | None:
    try:
        return None if text is None else parsedate_to_datetime(text)
    except ValueError:
        return None
