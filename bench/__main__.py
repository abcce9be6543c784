"""`python -m bench`: a list from CSV to all accepted and recorded, beside a script of LINE's official SDK.

Everything runs here and now on the same cores: the emulator plays LINE, the gateway keeps its data in a new
folder, both programs send the same list over the same number of channels. The gateway also takes and applies
every delivery event meanwhile, which the script does not. Machines are noisy: judge by the ratio.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from bench import content, emulator_load, hub, silence
from bench.processes import Emulator, GatewayPlace, wait_until
from bench.stage import channel, joined_channel, populate, write_list
from todoke_client import Todoke

CHANNELS = 5
"""LINE lets a channel send 2,000 requests a second; more channels, so that LINE is not the limit."""
PATIENCE = 600.0


class Figures(NamedTuple):
    """What one run came to. `applied`: seconds until every delivery event was applied."""

    per_second: float
    cpu: float
    emulator_cpu: float
    applied: float | None = None


def gateway_run(lists: list[Path], notices: int, folder: Path) -> Figures:
    """Uploads the lists, one a channel, and waits until every answer of LINE is in the database."""
    with Emulator(folder) as emulator:
        populate(emulator, notices)
        place = GatewayPlace(folder, emulator, virtual_time=False)
        with place.start() as gateway, Todoke(place.url, place.key) as client:
            for i in range(len(lists)):
                joined_channel(emulator, place, client, f"c{i}")
            cpu, emulator_cpu, begun = gateway.cpu_seconds(), emulator.cpu_seconds(), time.monotonic()

            def upload(i: int) -> str:
                with Todoke(place.url, place.key) as mine:
                    sent = mine.send_file(lists[i], channel=f"c{i}", template=f"parcel-c{i}")
                return str(sent["id"])

            with ThreadPoolExecutor(len(lists)) as pool:
                batches = list(pool.map(upload, range(len(lists))))
            wait_until(lambda: place.recorded() >= notices, PATIENCE, 0.1, "all notices recorded")
            seconds = time.monotonic() - begun
            cpu = gateway.cpu_seconds() - cpu
            emulator_cpu = emulator.cpu_seconds() - emulator_cpu
            wait_until(lambda: delivered(client, batches) == notices, PATIENCE, 0.1, "all events applied")
            applied = time.monotonic() - begun
    return Figures(notices / seconds, cpu / notices * 1e6, emulator_cpu / notices * 1e6, applied)


def delivered(client: Todoke, batches: list[str]) -> int:
    """Notices whose delivery event was applied."""
    return sum(client.batch(batch)["states"].get("delivered", 0) for batch in batches)


def script_run(lists: list[Path], notices: int, folder: Path, threads: int) -> Figures:
    """The same lists through the script."""
    with Emulator(folder) as emulator:
        populate(emulator, notices)
        jobs = [f"{channel(emulator, f's{i}')['access_token']}={path}" for i, path in enumerate(lists)]
        before = emulator.cpu_seconds()
        command = [sys.executable, "-m", "bench.sdk_script", emulator.url, str(threads), *jobs]
        done = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
        emulator_cpu = emulator.cpu_seconds() - before
    if done["other"]:
        raise SystemExit(
            f"The script got {done['other']} answers other than 200: the figures are worth nothing."
        )
    return Figures(
        notices / done["seconds"], done["cpu_seconds"] / notices * 1e6, emulator_cpu / notices * 1e6
    )


def best_threads(folder: Path, notices: int) -> int:
    """The number of threads with which the script is quickest here."""
    rates: dict[int, float] = {}
    lists = make_lists(folder, notices)
    for threads in (2, 4, 8, 16, 32):
        rates[threads] = script_run(lists, notices, folder, threads).per_second
    best = max(rates, key=lambda threads: rates[threads])
    tried = ", ".join(f"{threads}: {rate:,.0f}/s" for threads, rate in rates.items())
    print(f"Threads for the script: {best} ({tried})", flush=True)
    return best


def make_lists(folder: Path, notices: int) -> list[Path]:
    """The list in as many files as there are channels."""
    share = notices // CHANNELS
    return [
        write_list(folder / f"list-{notices}-{i}.csv", range(i * share, (i + 1) * share))
        for i in range(CHANNELS)
    ]


def show(name: str, figures: Figures) -> None:
    """One line of the table."""
    applied = "" if figures.applied is None else f"{figures.applied:17.2f} s"
    print(
        f"{name:<14}{figures.per_second:>11,.0f}{figures.cpu:>17,.0f}{figures.emulator_cpu:>19,.0f}{applied}",
        flush=True,
    )


def median(runs: list[Figures]) -> Figures:
    """Of each figure for itself."""
    columns = list(zip(*(run[:3] for run in runs), strict=True))
    applied = [run.applied for run in runs if run.applied is not None]
    per_second, cpu, emulator_cpu = map(statistics.median, columns)
    return Figures(per_second, cpu, emulator_cpu, statistics.median(applied) if applied else None)


def compare(asked: argparse.Namespace) -> None:
    """The gateway and the script in turn: each run, the medians and the ratio."""
    notices, rounds, threads = asked.notices, asked.rounds, asked.threads
    if asked.quick:
        notices, rounds, threads = 5000, 1, threads or 8
    notices -= notices % CHANNELS
    print(
        f"{notices:,} notices over {CHANNELS} channels; Python {platform.python_version()}, "
        f"{os.cpu_count()} cores, which the emulator shares"
    )
    ours: list[Figures] = []
    theirs: list[Figures] = []
    with tempfile.TemporaryDirectory(prefix="todoke-bench-") as name:
        base = Path(name)
        lists = make_lists(base, notices)
        threads = threads or best_threads(base, min(notices, 2500))
        print(
            f"\n{'':<14}{'notices/s':>11}{'CPU µs/notice':>17}{'emulator CPU µs':>19}{'events applied':>19}"
        )
        for i in range(1, rounds + 1):
            folder = base / f"round-{i}"
            folder.mkdir()
            ours.append(gateway_run(lists, notices, folder))
            show(f"Todoke, {i}", ours[-1])
            theirs.append(script_run(lists, notices, folder, threads))
            show(f"SDK script, {i}", theirs[-1])
    print("Medians")
    show("Todoke", median(ours))
    show("SDK script", median(theirs))
    mine, script = median(ours), median(theirs)
    print(
        f"\nRatio: {mine.per_second / script.per_second:.1f} times the notices a second of the script of line-bot-sdk "
        f"({threads} threads, no storage, no events),\nfor {mine.cpu / script.cpu:.0%} of its processor time a notice "
        "(steadier than the rate where other programs run).\n"
        "notices/s: from the upload of the CSV files to the last answer committed; the script's, from reading "
        "the same files to the last answer."
    )


def main() -> None:
    """Measures what is asked for, and prints it."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--notices", type=int, default=20_000, help="notices in a run (20000)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each side, in turn (3)")
    parser.add_argument("--threads", type=int, help="threads of the script; tried out if left out")
    parser.add_argument(
        "--only", choices=("gateway", "hub", "emulator", "silence", "content"), help="one of the stages (all)"
    )
    parser.add_argument("--quick", action="store_true", help="one round of 5,000 notices with 8 threads")
    asked = parser.parse_args()
    if asked.only in (None, "gateway"):
        compare(asked)
    if asked.only in (None, "hub"):
        with tempfile.TemporaryDirectory(prefix="todoke-bench-") as name:
            if not hub.run(Path(name), 10.0 if asked.quick else 30.0):
                raise SystemExit("The hub did not keep all its promises: see above.")
    if asked.only in (None, "emulator"):
        with tempfile.TemporaryDirectory(prefix="todoke-bench-") as name:
            emulator_load.run(Path(name), quick=asked.quick)
    if asked.only in (None, "silence"):
        with tempfile.TemporaryDirectory(prefix="todoke-bench-") as name:
            silence.run(Path(name))
    if asked.only in (None, "content"):
        content.run()


if __name__ == "__main__":
    main()
