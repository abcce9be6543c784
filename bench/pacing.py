"""2,000 requests a second on one channel: LINE's rate, held and never passed, and what that costs."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from bench.figures import Figure, at_least, at_most, none, say, seen
from bench.gateway import PATIENCE, gateway
from bench.line_side import Stub
from bench.processes import wait_until
from bench.stage import write_list

RATE = 2000.0
BELOW = 0.02
"""Share of LINE's rate that may stay unused."""
CORE = 0.5


class Sample(NamedTuple):
    """What LINE had taken at a moment."""

    at: float
    taken: int
    cpu: float


def run(folder: Path, seconds: float) -> list[Figure]:
    """A list that takes so many seconds at LINE's rate. LINE's bucket may be full at first: the first second with
    requests does not count.
    """
    notices = round((seconds + 1) * RATE)
    path = write_list(folder / "list.csv", range(notices))
    say(f"{notices:,} notices on one channel")
    samples: list[Sample] = []
    with Stub(folder) as line, gateway(folder, line, 1) as todoke:
        batches = todoke.upload([path])
        wait_until(lambda: line.counts()[0]["taken"] > 0, PATIENCE, 0.01, "the first request")
        due = time.monotonic()
        while not samples or samples[-1].taken < notices:
            counts = line.counts()[0]
            samples.append(Sample(time.monotonic(), counts["taken"], todoke.program.cpu_seconds()))
            if samples[-1].at > samples[0].at + seconds + PATIENCE:
                raise TimeoutError("LINE did not get all requests")
            due += 1
            time.sleep(max(0.0, due - time.monotonic()))
        sent = line.counts()[0]
        todoke.wait_for_delivery(batches, notices, line)
        memory = todoke.program.memory_mb()
    return _figures(samples, sent["last_at"], sent["over"], notices, memory)


def _figures(samples: list[Sample], last_at: float, over: int, notices: int, memory: float) -> list[Figure]:
    """`last_at` by the stub's monotonic clock, which is this machine's and so ours."""
    if len(samples) < 5:
        raise RuntimeError("The run is too short to tell a rate: ask for more seconds.")
    first, last = samples[1], samples[-2]
    windows = [(b.taken - a.taken) / (b.at - a.at) for a, b in pairwise(samples[1:-1])]
    held = (notices - first.taken) / (last_at - first.at)
    say(
        f"seconds with {min(windows):,.0f} to {max(windows):,.0f} requests; {memory:.0f} MB resident at most",
    )
    return [
        none("429s of LINE's bucket, 2,000/s", over),
        at_least("requests/s held", held, RATE * (1 - BELOW)),
        seen("below LINE's 2,000/s", f"{1 - held / RATE:.2%}"),
        at_most("gateway, share of a core", (last.cpu - first.cpu) / (last.at - first.at), CORE),
        seen("measured for", f"{last_at - first.at:.0f} s"),
    ]
