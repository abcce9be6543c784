"""The webhook hub under load: one channel, three targets, of which one is dead at first and one slow.

LINE's side, the gateway and the three systems are processes of their own, on the same cores.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from bench.figures import say
from bench.hub_load import Planned, number_of, plan
from bench.processes import Emulator, GatewayPlace, Program, free_port, wait_until
from bench.stage import channel
from todoke_client import Todoke

RATE = 5000
"""Events a second."""
GOAL = 0.200
"""Seconds within which LINE is to be answered, 99 times in 100."""
PATIENCE = 600.0
SEED = 7


class Systems(Program):
    """The three systems, and what came to them."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self._url = f"http://127.0.0.1:{port}"
        super().__init__([sys.executable, "-m", "bench.hub_systems", str(port)], folder / "systems.log")

    def ask(self, path: str) -> Any:
        """One of the reading calls, or /up."""
        return httpx.get(self._url + path, timeout=60, trust_env=False).raise_for_status().json()


def run(folder: Path, seconds: float = 30.0) -> bool:
    """Measures and prints. Whether every promise was kept."""
    planned = list(plan(seconds, RATE, SEED))
    events = sum(len(p.users) for p in planned)
    say(
        f"{RATE:,} events/s for {seconds:.0f} s, in {len(planned):,} requests of 1 to 20 events; targets: fine, "
        "slow (300 ms an answer), dead (connection refused) until the load is over"
    )
    with Emulator(folder) as emulator, Systems(folder) as systems:
        place = GatewayPlace(folder, emulator, virtual_time=False)
        with place.start() as gateway, Todoke(place.url, place.key) as client:
            made = channel(emulator, "hub")
            client.create_channel(
                name="hub",
                region="TW",
                line_channel_id=made["channel_id"],
                secret=made["channel_secret"],
                access_token=made["access_token"],
            )
            targets = {
                name: client.create_hub_target(channel="hub", name=name, url=f"http://127.0.0.1:{port}/line")[
                    "id"
                ]
                for name, port in systems.ask("/ports").items()
            }
            cpu = gateway.cpu_seconds()
            url = f"{place.url}/line/{made['channel_id']}/webhook"
            loaded = _load(url, seconds, made["channel_secret"])
            at_the_end = {name: client.hub_target(x) for name, x in targets.items()}
            counts = systems.ask("/counts")
            cpu = gateway.cpu_seconds() - cpu
            over = time.monotonic()
            systems.ask("/up")
            last = {name: 0.0 for name in targets}
            _wait_for_all(client, targets, last, over)
            got = {name: systems.ask(f"/got/{name}") for name in targets}
            told = {name: client.hub_target(x) for name, x in targets.items()}
        stored = _stored(place.folder / "data" / "todoke.db")
    took = sorted(loaded["took"])
    p50, p99 = statistics.median(took), took[int(len(took) * 0.99)]
    say(
        f"LINE's answer: p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, longest {took[-1] * 1000:.0f} ms "
        f"(goal: p99 under {GOAL * 1000:.0f} ms); statuses {loaded['statuses']}; "
        f"{events / loaded['seconds']:,.0f} events/s came in; gateway CPU {cpu / loaded['seconds']:.0%} of a core"
    )
    kept = p99 < GOAL and set(loaded["statuses"]) == {"200"}
    for name in targets:
        kept &= _tell(
            name, planned, stored, got[name]["got"], counts[name], at_the_end[name], told[name], last[name]
        )
    return kept


def _stored(database: Path) -> dict[int, int]:
    """Where each request stands in the inbox: in which order they came is known only there."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT id, body FROM inbox").fetchall()
    return {number_of(body): place for place, body in rows}


def _load(url: str, seconds: float, secret: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.hub_load", url, str(seconds), str(RATE), str(SEED)]
    done = subprocess.run(command, input=secret, capture_output=True, check=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _wait_for_all(client: Todoke, targets: dict[str, str], last: dict[str, float], over: float) -> None:
    """`last`: when each target had everything, in seconds after the load."""

    def all_there() -> bool:
        for name, target in targets.items():
            if not last[name] and not client.hub_target(target)["lag"]["requests"]:
                last[name] = time.monotonic() - over
        return all(last.values())

    wait_until(all_there, PATIENCE, 0.5, "every target has everything")


def _tell(
    name: str,
    planned: list[Planned],
    stored: dict[int, int],
    got: list[int],
    at_the_end: int,
    health: dict[str, Any],
    told: dict[str, Any],
    caught_up: float,
) -> bool:
    """One line about a target. Whether it got everything, in order for each user."""
    times = Counter(got)
    missing = len(planned) - len(times)
    again = len(got) - len(times)
    last_of: dict[int, int] = {}
    disordered, seen = 0, set()
    for number in got:
        if number in seen:
            continue
        seen.add(number)
        for user in planned[number].users:
            disordered += last_of.get(user, 0) > stored[number]
            last_of[user] = max(last_of.get(user, 0), stored[number])
    lag = health["lag"]
    say(
        f"{name}: {sum(len(planned[n].users) for n in times):,} events: {missing} requests missing, {again} more "
        f"than once, {disordered} events out of their user's order; at the end of the load it had {at_the_end:,}, lag "
        f"{lag['requests']:,} requests and {lag['seconds']:.1f} s; everything {caught_up:.0f} s later "
        f"({told['taken']:,} taken, {told['skipped']} skipped)",
        "  ",
    )
    return not (missing or disordered)
