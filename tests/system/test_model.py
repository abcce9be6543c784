"""The model: random people, policies, troubles and times on a whole gateway, judged by what the other side saw.

`TODOKE_MODEL_EXAMPLES=2000` runs it long. `-s` shows what the examples came to.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from pprint import pformat

import structlog
import uvloop
from hypothesis import HealthCheck, event, given, settings

from system.model_oracle import judge, unknown_ones
from system.model_program import Program, programs
from system.model_run import run
from system.model_trace import Trace

EXAMPLES = int(os.environ.get("TODOKE_MODEL_EXAMPLES", "15"))
NAMED = 20
"""Of the attempts whose outcome is unknown, so many are shown by name."""


class Tally:
    """What the examples came to, so that nobody must believe that they reach anything."""

    def __init__(self) -> None:
        self.runs = 0
        self.ends: Counter[str] = Counter()
        self.attempts: Counter[str] = Counter()
        self.unknown: dict[str, str] = {}

    def add(self, trace: Trace) -> None:
        self.runs += 1
        for notice in trace.notices.values():
            self.ends[f"{notice['state']} {notice['reason'] or ''}".strip()] += 1
            for attempt in notice["attempts"]:
                self.attempts[f"{attempt['step']} {attempt['outcome']}"] += 1
        self.unknown |= unknown_ones(trace)
        for state in {n["state"] for n in trace.notices.values()}:
            event(state)
        for outcome in {a["outcome"] for n in trace.notices.values() for a in n["attempts"]}:
            event(f"an attempt is {outcome}")

    def __str__(self) -> str:
        notices, attempts = self.ends.total(), self.attempts.total()
        lines = [f"{self.runs} runs, {notices} notices, {attempts} attempts"]
        lines += [f"  {count:6} {name}" for name, count in self.ends.most_common()]
        lines += [f"  {count:6} {name}" for name, count in self.attempts.most_common()]
        lines += [f"  {count:6} unknown: {what}" for what, count in Counter(self.unknown.values()).items()]
        lines += [f"  unknown is {tag}: {what}" for tag, what in list(self.unknown.items())[:NAMED]]
        return "\n".join(lines)


def errors(lines: list[structlog.typing.EventDict]) -> list[structlog.typing.EventDict]:
    """What is logged as an error, but for troubles that the program itself made."""
    bad = [line for line in lines if line["log_level"] in ("error", "critical")]
    return [line for line in bad if line["event"] not in ("channel.paused", "alarm.raised")]


def played(program: Program) -> Trace:
    """Plays it; what the gateway logs as an error is something wrong too."""
    with structlog.testing.capture_logs() as lines:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            trace = runner.run(run(program))
    trace.logged = errors(lines)
    return trace


def test_every_notice_ends_as_it_must_whatever_people_and_networks_do() -> None:
    tally = Tally()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(programs)
    def all_is_well(program: Program) -> None:
        trace = played(program)
        tally.add(trace)
        if wrong := judge(trace):
            raise AssertionError("\n".join([*wrong, pformat(program)]))

    try:
        all_is_well()
    finally:
        print(f"\n{tally}")
