"""The emulator alone: accepted template notifications a second with their delivery webhooks, beside wrk's figure for
an empty Starlette route in the same run; memory; and the time that 24 virtual hours take over many pending messages.

The emulator is one thread. It shares the machine with wrk, which sends, and a receiver of webhooks.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import httpx

from bench.processes import Emulator, Program, free_port, wait_until
from bench.stage import channel, e164, populate

CHANNELS = 5
PEOPLE = 1_000_000
PENDING = 200_000
CONNECTIONS = 64
_RATE = re.compile(r"Requests/sec:\s+([0-9.]+)")


class Round(NamedTuple):
    """One round. `accepted`: notifications a second; `cpu`: µs of the emulator for one; `empty`: the empty route."""

    accepted: float
    cpu: float
    events: float
    batch: float
    empty: float


class Side(Program):
    """One of this folder's small servers, as a process of its own."""

    def __init__(self, module: str, folder: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        super().__init__([sys.executable, "-m", module, str(port)], folder / f"{module}.log")


def wrk(url: str, seconds: float, *script: str) -> float:
    """Requests a second that wrk saw answered."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s", *script[:2], url, *script[2:]]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = _RATE.search(done.stdout)
    assert found is not None, done.stdout
    return float(found[1])


def taken(emulator: Emulator, fate: str) -> int:
    """Notifications with this fate."""
    return int(emulator.get("/ledger/summary")["fate"].get(fate, 0))


def write_hashes(path: Path, count: int) -> Path:
    """The digests of the population's first numbers, one a line."""
    path.write_text("".join(hashlib.sha256(e164(i).encode()).hexdigest() + "\n" for i in range(count)))
    return path


def load(folder: Path, rounds: int, seconds: float) -> None:
    """The rounds: wrk on the emulator, wrk on the empty route, in turn."""
    found: list[Round] = []
    hashes = write_hashes(folder / "hashes", min(PEOPLE, round(rounds * seconds * 20_000)))
    with Side("bench.sink", folder) as sink, Emulator(folder) as emulator:
        populate(emulator, PEOPLE)
        started = emulator.memory_mb("VmRSS")
        hook = {"webhook_url": sink.url + "/hook", "rate_limit": 1_000_000}
        tokens = [channel(emulator, f"c{i}", **hook)["access_token"] for i in range(CHANNELS)]
        print(
            f"{'':<10}{'accepted/s':>12}{'CPU µs':>9}{'events/s':>11}{'a request':>11}{'empty route/s':>15}"
        )
        sent = 0
        for number in range(rounds):
            cpu, before = emulator.cpu_seconds(), httpx.get(sink.url).json()
            begun = time.monotonic()
            wrk(emulator.url, seconds, "-s", "bench/push.lua", str(hashes), str(sent), *tokens)
            sending = time.monotonic() - begun
            accepted, sent = taken(emulator, "delivered") - sent, taken(emulator, "delivered")

            def events(came: int = before["events"], wanted: int = accepted) -> bool:
                return int(httpx.get(sink.url).json()["events"]) - came >= wanted

            wait_until(events, 60, 0.02, "all delivery events")
            after, ended = httpx.get(sink.url).json(), time.monotonic() - begun
            cpu = emulator.cpu_seconds() - cpu
            with Side("bench.empty_route", folder) as route:
                empty = wrk(route.url + "/", max(2, seconds / 2))
            posts = after["requests"] - before["requests"]
            found.append(
                Round(accepted / sending, cpu / accepted * 1e6, accepted / ended, accepted / posts, empty)
            )
            show(f"round {number + 1}", found[-1])
        middle = Round(*(statistics.median(column) for column in zip(*found, strict=True)))
        show("median", middle)
        print(
            f"{middle.accepted / middle.empty:.0%} of wrk's figure for an empty Starlette route. "
            f"{PEOPLE:,} users in the population, {sent:,} of them with a message:\n"
            f"resident {started:.0f} MB before, {emulator.memory_mb():.0f} MB at most."
        )


def show(name: str, found: Round) -> None:
    """One line of the table."""
    print(
        f"{name:<10}{found.accepted:>12,.0f}{found.cpu:>9,.0f}{found.events:>11,.0f}{found.batch:>11.1f}"
        f"{found.empty:>15,.0f}",
        flush=True,
    )


def pass_time(folder: Path) -> None:
    """24 virtual hours over messages that all wait for consent."""
    hashes = write_hashes(folder / "hashes", PENDING)
    with Emulator(folder) as emulator:
        populate(emulator, PENDING, rates={"not_set": 1.0})
        token = channel(emulator, "c", rate_limit=1_000_000)["access_token"]
        emulator.post("/clock", {"mode": "paused"})
        while (pending := taken(emulator, "pending")) < PENDING:
            wrk(emulator.url, 5, "-s", "bench/push.lua", str(hashes), str(pending), token)
        begun = time.monotonic()
        emulator.post("/clock", {"advance": "24h"})
        seconds = time.monotonic() - begun
        assert taken(emulator, "expired") >= PENDING
    print(f"24 virtual hours over {pending:,} pending messages: {seconds:.1f} s.")


def run(folder: Path, *, quick: bool) -> None:
    """The whole stage of the emulator."""
    if shutil.which("wrk") is None:
        print("left out: wrk is not installed (apt-get install wrk)")
        return
    load(folder, *((1, 3) if quick else (3, 10)))
    if not quick:
        pass_time(folder)
