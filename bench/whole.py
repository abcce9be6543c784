"""From CSV to all accepted, recorded and ended by their delivery events: Todoke, the Celery set-up, and a script.

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
from bench.celery_run import Pool
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


def celery(against: str, lists: list[Path], notices: int, folder: Path, pool: Pool) -> Run:
    """The Celery set-up, with all its processes."""
    with PLACES[against].line(folder) as line:
        line.people(notices)
        came = celery_run.run(line, lists, notices, folder, pool)
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
    """All sides against the stub and, but the script, against the full emulator."""
    notices -= notices % (CHANNELS * MANY)
    lists = {n: make_lists(folder, notices, n) for n in (CHANNELS, MANY)}
    few = make_lists(folder, trial)
    print(f"{notices:,} notices over {CHANNELS} channels; what is quickest here:")
    threads = best(
        "script threads",
        {n: partial(script, STUB, few, trial, threads=n) for n in THREADS},
        folder,
    )
    sides: dict[str, Callable[..., Run]] = {
        "Todoke": partial(ours, notices=notices),
        "SDK script": partial(script, notices=notices, threads=threads),
    }
    if (lacking := celery_run.lacking()) is not None:
        print(f"  Without the Celery set-up. {lacking}")
    else:
        pools = {p: partial(celery, STUB, few, trial, pool=p) for p in celery_run.POOLS}
        pool = best("Celery workers", pools, folder)
        sides["Celery"] = partial(celery, notices=notices, pool=pool)
    middle: dict[tuple[str, str], Run] = {}
    for against, place in PLACES.items():
        print(
            f"\n  {'against the ' + against:<26}{'notices/s':>12}{'CPU µs a notice':>20}{'CPU µs of LINE':>20}"
        )
        came: dict[str, list[Run]] = {x: [] for x in sides if against == STUB or x != "SDK script"}
        for number in range(1, rounds + 1):
            for name, runs in came.items():
                here = _new(folder / f"{against}-{number}-{name[:3]}".replace(" ", ""))
                runs.append(sides[name](against, lists=lists[place.channels], folder=here))
                _show(f"{name}, {number}", runs[-1])
        for name, runs in came.items():
            middle[against, name] = Run(*map(statistics.median, zip(*runs, strict=True)))
            _show(f"{name}, median", middle[against, name])
    return _figures(middle)


def _show(name: str, found: Run) -> None:
    print(f"  {name:<26}{found.per_second:>12,.0f}{found.cpu:>20,.0f}{found.line_cpu:>20,.0f}", flush=True)


def _figures(middle: dict[tuple[str, str], Run]) -> list[Figure]:
    figures = []
    for against, goal in ((STUB, 8000), (EMULATOR, 4000), (WIDE, 8000)):
        mine = middle[against, "Todoke"]
        figures += [
            at_least(f"notices/s against the {against}", mine.per_second, goal),
            at_most(f"CPU a notice against the {against}", mine.cpu, 120, " µs"),
        ]
        if (theirs := middle.get((against, "Celery"))) is not None:
            figures += [
                at_least(f"times the Celery set-up ({against})", mine.per_second / theirs.per_second, 5),
                seen(f"times its processor time a notice ({against})", f"1/{theirs.cpu / mine.cpu:.1f}"),
                seen(f"Celery set-up, notices/s ({against})", f"{theirs.per_second:,.0f}"),
                seen(f"Celery set-up, CPU a notice ({against})", f"{theirs.cpu:,.0f} µs"),
            ]
        if (bare := middle.get((against, "SDK script"))) is not None:
            figures += [
                seen(
                    "times the SDK script, which stores nothing", f"{mine.per_second / bare.per_second:.1f}"
                ),
                seen("SDK script, notices/s", f"{bare.per_second:,.0f}"),
                seen("SDK script, CPU a notice", f"{bare.cpu:,.0f} µs"),
            ]
    return figures
