"""Rows of a CSV file: checked and durably queued. What it takes in time, processor and memory."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figures import Figure, at_least, at_most, none, say, seen
from bench.gateway import PATIENCE, gateway
from bench.line_side import Stub
from bench.processes import children, wait_until
from bench.stage import write_shuffled_list

PER_SECOND = 1_000_000 / 30
MEMORY_MB = 200.0
_TICKS = os.sysconf("SC_CLK_TCK")
LONGER = (0.8, 1.2)
"""The rate of the longest list beside that of the shortest."""


def run(folder: Path, sizes: tuple[int, ...]) -> list[Figure]:
    """Lists of these many rows, each with a new gateway."""
    rates, figures = [], []
    for rows in sizes:
        with TemporaryDirectory(dir=folder) as place:
            rate, found = _run(Path(place), rows)
        rates.append(rate)
        figures += found
    if len(rates) > 1:
        low, high = LONGER
        beside = rates[-1] / rates[0]
        met = min(beside / low, high / beside)
        what = f"rate of {sizes[-1]:,} beside {sizes[0]:,}"
        figures.append(Figure(what, f"{low} to {high}", f"{beside:.2f}", met))
    return figures


def _run(folder: Path, rows: int) -> tuple[float, list[Figure]]:
    """Rows a second, and all figures. One list that starts in a week: nothing leaves meanwhile."""
    begun = time.monotonic()
    path = write_shuffled_list(folder / "list.csv", range(rows))
    size = path.stat().st_size / 1e6
    say(f"{rows:,} rows, {size:,.0f} MB (written in {time.monotonic() - begun:.0f} s)")
    with Stub(folder) as line, gateway(folder, line, 1) as todoke:
        pid = todoke.program.pid
        started, (cpu, _), begun = memory_mb(pid, "VmRSS"), spent(pid), time.monotonic()
        later = (datetime.now(UTC) + timedelta(days=7)).isoformat()
        batch = str(todoke.client.send_file(path, channel="c0", template="parcel-c0", starts_at=later)["id"])
        uploaded = time.monotonic() - begun
        read = "SELECT read_at, accepted, refused FROM batches WHERE id = ?"
        wait_until(lambda: todoke.rows(read, batch)[0][0] is not None, PATIENCE, 0.1, "the list is read")
        seconds, (ended, helpers) = time.monotonic() - begun, spent(pid)
        cpu, peak = ended - cpu, memory_mb(pid)
        _, accepted, refused = todoke.rows(read, batch)[0]
        stored = todoke.rows("SELECT count(*) FROM notices WHERE batch_id = ?", batch)[0][0]
    say(
        f"{seconds:.1f} s, of which the upload {uploaded:.1f} s; {accepted:,} accepted, {refused:,} refused, "
        f"{stored:,} stored; resident {started:.0f} MB before, {peak:.0f} MB at most"
    )
    return rows / seconds, [
        at_least(f"rows a second, of {rows:,}", rows / seconds, PER_SECOND),
        seen("seconds", f"{seconds:.1f} s"),
        seen("CPU a row, upload included", f"{cpu / rows * 1e6:.1f} µs"),
        seen("of which by the gateway's helper processes", f"{helpers / rows * 1e6:.1f} µs"),
        at_most("resident memory at most, helpers included", peak, MEMORY_MB, " MB"),
        none("rows missing or doubled", abs(rows - stored) + refused),
    ]


def spent(pid: int) -> tuple[float, float]:
    """Seconds of processor time of a program with all its helpers, and those of the helpers, so far."""
    own, *others = (
        sum(map(int, Path(f"/proc/{x}/stat").read_text().rpartition(")")[2].split()[11:13])) / _TICKS
        for x in (pid, *children(pid))
    )
    return own + sum(others), sum(others)


def memory_mb(pid: int, field: str = "VmHWM") -> float:
    """What a program and its helpers hold at most, together, or now (`VmRSS`); what they share counts for each."""
    kilobytes = (
        int(Path(f"/proc/{x}/status").read_text().partition(f"{field}:")[2].split()[0])
        for x in (pid, *children(pid))
    )
    return sum(kilobytes) / 1024
