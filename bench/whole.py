"""From CSV to all accepted, recorded and ended by their delivery events: Todoke, a Celery set-up, and a script.

The Celery set-up is played in two ways: a task a notice, enqueued in bulk and recorded in batches; and 250 notices a
task, which is much quicker, for fewer things go through Redis, and sends all of a task again where a worker dies.

Every run has a new LINE, new data folders and the same lists, one a channel. Todoke and the Celery set-up are measured
from the upload, or the order to import, until the last notice is ended in the database; the script until the last
answer, for it stores nothing and takes no events. Machines are noisy: the sides take turns, medians are compared.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from bench import celery_run
from bench.celery_run import CHUNKS, SINGLE, Pool, Tasks
from bench.figures import Figure, at_least, at_most, seen
from bench.gateway import gateway
from bench.line_side import NOWHERE, FullEmulator, Stub
from bench.stage import write_list

CHANNELS, MANY = 5, 10
"""LINE lets a channel send 2,000 requests a second: five come to 10,000 at most, which is less than five times what the
Celery set-up comes to here. So both are played over ten too, where LINE is not the limit."""
THREADS = (4, 8, 16)
Way = TypeVar("Way")
STUB, EMULATOR, WIDE = "stub", "emulator", "stub, 10 channels"
TODOKE, SCRIPT = "Todoke", "SDK script"
CELERY, CELERY_CHUNKS = "Celery, a task each", "Celery, 250 a task"
SLOW = 4
"""So much fewer notices for what takes a task each: its rate does not depend on how many there are."""


class Place(NamedTuple):
    """What plays LINE, and over how many channels."""

    line: type[Stub | FullEmulator]
    channels: int


PLACES = {STUB: Place(Stub, CHANNELS), EMULATOR: Place(FullEmulator, CHANNELS), WIDE: Place(Stub, MANY)}


class Run(NamedTuple):
    """Notices a second, and µs of processor time for one: of the side itself, and of what plays LINE."""

    per_second: float
    cpu: float
    line_cpu: float


class Side(NamedTuple):
    """Who plays; with how many notices, and where."""

    play: Callable[..., Run]
    notices: int
    where: tuple[str, ...]


def make_lists(folder: Path, notices: int, channels: int = CHANNELS) -> list[Path]:
    """The list in as many files as there are channels."""
    share = notices // channels
    return [
        write_list(folder / f"list-{notices}-{channels}-{i}.csv", range(i * share, (i + 1) * share))
        for i in range(channels)
    ]


def ours(against: str, lists: list[Path], notices: int, folder: Path) -> Run:
    """The gateway."""
    with PLACES[against].line(folder) as line:
        line.people(notices)
        with gateway(folder, line, len(lists)) as todoke:
            cpu, line_cpu, begun = todoke.program.cpu_seconds(), line.cpu_seconds(), time.monotonic()
            todoke.wait_for_delivery(todoke.upload(lists), notices, line)
            seconds = time.monotonic() - begun
            cpu, line_cpu = todoke.program.cpu_seconds() - cpu, line.cpu_seconds() - line_cpu
    return Run(notices / seconds, cpu / notices * 1e6, line_cpu / notices * 1e6)


def celery(against: str, lists: list[Path], notices: int, folder: Path, tasks: Tasks, pool: Pool) -> Run:
    """The Celery set-up, with all its processes."""
    with PLACES[against].line(folder) as line:
        line.people(notices)
        came = celery_run.run(line, lists, notices, folder, tasks, pool)
    return Run(notices / came.seconds, came.cpu / notices * 1e6, came.line_cpu / notices * 1e6)


def script(against: str, lists: list[Path], notices: int, folder: Path, threads: int) -> Run:
    """The script."""
    with PLACES[against].line(folder) as line:
        line.people(notices)
        jobs = [f"{line.open(NOWHERE).token}={path}" for path in lists]
        before = line.cpu_seconds()
        command = [sys.executable, "-m", "bench.sdk_script", line.url, str(threads), *jobs]
        done = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
        line_cpu = line.cpu_seconds() - before
    if done["other"]:
        raise RuntimeError(f"The script got {done['other']} refusals: its figures are worth nothing.")
    return Run(notices / done["seconds"], done["cpu_seconds"] / notices * 1e6, line_cpu / notices * 1e6)


def best(what: str, tried: Mapping[Way, Callable[..., Run]], folder: Path) -> Way:
    """The way in which a side is quickest here."""
    rates = {}
    for number, (way, run) in enumerate(tried.items()):
        rates[way] = run(folder=_new(folder / f"{what.replace(' ', '-')}-{number}")).per_second
    found = max(rates, key=lambda way: rates[way])
    print(
        f"  {what}: {found} ({', '.join(f'{way}: {rate:,.0f}/s' for way, rate in rates.items())})", flush=True
    )
    return found


def _new(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def run(folder: Path, notices: int, rounds: int, trial: int = 5000) -> list[Figure]:
    """All sides against the stub and the full emulator, those that need it over more channels too."""
    share = _fit(notices // SLOW)
    notices = _fit(notices)
    lists = {(n, c): make_lists(folder, n, c) for n in {notices, share} for c in (CHANNELS, MANY)}
    few = make_lists(folder, trial)
    print(f"{notices:,} notices over {CHANNELS} channels; what is quickest here:")
    threads = best(
        "script threads",
        {n: partial(script, STUB, few, trial, threads=n) for n in THREADS},
        folder,
    )
    sides = {
        TODOKE: Side(ours, notices, tuple(PLACES)),
        SCRIPT: Side(partial(script, threads=threads), notices, (STUB,)),
    }
    if (lacking := celery_run.lacking()) is not None:
        print(f"  Without the Celery set-up. {lacking}")
    else:
        for name, tasks, count, where in (
            (CELERY, SINGLE, share, (STUB, EMULATOR)),
            (CELERY_CHUNKS, CHUNKS, notices, tuple(PLACES)),
        ):
            pools = {p: partial(celery, STUB, few, trial, tasks=tasks, pool=p) for p in celery_run.POOLS}
            sides[name] = Side(
                partial(celery, tasks=tasks, pool=best(f"{name}: workers", pools, folder)), count, where
            )
    middle: dict[tuple[str, str], Run] = {}
    for against, place in PLACES.items():
        print(
            f"\n  {'against the ' + against:<32}{'notices/s':>12}{'CPU µs a notice':>20}{'CPU µs of LINE':>20}"
        )
        came: dict[str, list[Run]] = {name: [] for name, side in sides.items() if against in side.where}
        for number in range(1, rounds + 1):
            for name, runs in came.items():
                side, here = sides[name], _new(folder / f"{against}-{name}-{number}".replace(" ", ""))
                runs.append(
                    side.play(against, lists[side.notices, place.channels], side.notices, folder=here)
                )
                _show(f"{name}, {number}", runs[-1])
        for name, runs in came.items():
            middle[against, name] = Run(*map(statistics.median, zip(*runs, strict=True)))
            _show(f"{name}, median", middle[against, name])
    return _figures(middle)


def _fit(notices: int) -> int:
    return max(notices - notices % (CHANNELS * MANY), CHANNELS * MANY)


def _show(name: str, found: Run) -> None:
    print(f"  {name:<32}{found.per_second:>12,.0f}{found.cpu:>20,.0f}{found.line_cpu:>20,.0f}", flush=True)


def _figures(middle: dict[tuple[str, str], Run]) -> list[Figure]:
    figures = []
    for against, goal in ((STUB, 8000), (EMULATOR, 4000), (WIDE, 8000)):
        mine = middle[against, TODOKE]
        figures += [
            at_least(f"notices/s against the {against}", mine.per_second, goal),
            at_most(f"CPU a notice against the {against}", mine.cpu, 120, " µs"),
        ]
        for name in (CELERY, CELERY_CHUNKS):
            if (theirs := middle.get((against, name))) is not None:
                figures += [
                    at_least(f"times {name} ({against})", mine.per_second / theirs.per_second, 5),
                    seen(f"{name}: notices/s ({against})", f"{theirs.per_second:,.0f}"),
                    seen(
                        f"{name}: CPU a notice ({against})",
                        f"{theirs.cpu:,.0f} µs, {theirs.cpu / mine.cpu:.1f} times",
                    ),
                ]
        if (bare := middle.get((against, SCRIPT))) is not None:
            figures += [
                seen(
                    "times the SDK script, which stores nothing", f"{mine.per_second / bare.per_second:.1f}"
                ),
                seen("SDK script, notices/s", f"{bare.per_second:,.0f}"),
                seen("SDK script, CPU a notice", f"{bare.cpu:,.0f} µs"),
            ]
    return figures
