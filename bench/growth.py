"""What a notice costs when many are stored: the same list, sent over a database of 100 thousand notices and of more."""

from __future__ import annotations

import time
from pathlib import Path

from bench import growth_data
from bench.figures import Figure, at_most, seen
from bench.gateway import gateway
from bench.line_side import Stub
from bench.processes import GatewayPlace
from bench.stage import write_shuffled_list
from bench.whole import CHANNELS, make_lists

SIZES = (100_000, 1_000_000)
LONG = (100_000, 1_000_000, 10_000_000)
TIMES = 1.5
"""At most so many times the cost at the smallest size."""


def run(folder: Path, sizes: tuple[int, ...], notices: int, rounds: int = 3) -> list[Figure]:
    """One database that is filled on and on; at each size the list is sent some times, the middle run counts."""
    share = notices // CHANNELS
    lists = [
        write_shuffled_list(folder / f"shuffled-{i}.csv", range(i * share, (i + 1) * share))
        for i in range(CHANNELS)
    ]
    few = make_lists(folder, CHANNELS * 20)
    cost: dict[int, float] = {}
    figures = []
    with Stub(folder) as line:
        place = GatewayPlace(folder, line, virtual_time=False)
        with gateway(folder, line, CHANNELS, place=place) as todoke:
            todoke.wait_for_delivery(todoke.upload(few), CHANNELS * 20, line)
            channels = todoke.channels
        stored = 0
        for size in sizes:
            filled = growth_data.fill(folder / "data" / "todoke.db", size - stored, seed=size)
            stored = size
            print(
                f"{size:,} stored, {filled.size / 1e9:.2f} GB, filled in {filled.seconds:.0f} s", flush=True
            )
            runs = []
            with gateway(folder, line, 0, place=place) as todoke:
                todoke.channels = channels
                for _ in range(rounds):
                    posted, cpu, begun = line.posted(), todoke.program.cpu_seconds(), time.monotonic()
                    todoke.wait_for_delivery(todoke.upload(lists), notices, line, before=posted)
                    took, cpu = time.monotonic() - begun, todoke.program.cpu_seconds() - cpu
                    runs.append(cpu / notices * 1e6)
                    print(f"  {notices / took:,.0f}/s, {runs[-1]:.0f} µs a notice", flush=True)
            cost[size] = sorted(runs)[len(runs) // 2]
            figures.append(seen(f"CPU a notice at {size:,} stored", f"{cost[size]:.0f} µs"))
    smallest, *others = sizes
    return figures + [
        at_most(f"at {x:,} beside {smallest:,} stored", cost[x] / cost[smallest], TIMES, " times")
        for x in others
    ]
