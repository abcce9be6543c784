"""The stages of `python -m bench`: what each is called, what it measures, and how large it is."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench import content, emulator_load, growth, hub, lists, pacing, phone, silence, singles, webhooks, whole
from bench.figures import Figure, at_least, none


@dataclass(frozen=True)
class Sizes:
    """How much is played. Times in seconds."""

    quick: bool = False
    notices: int = 60_000
    rounds: int = 3
    rows: tuple[int, ...] = (1_000_000,)
    pacing: float = 20.0
    webhooks: float = 10.0
    singles: float = 8.0
    latency: float = 10.0
    stored: tuple[int, ...] = growth.SIZES
    growth: int = 10_000
    strings: int = phone.STRINGS
    hub: float = 10.0

    @classmethod
    def of(cls, asked: argparse.Namespace) -> Sizes:
        """What the command line asks for."""
        sizes = QUICK if asked.quick else LONG if asked.long else cls()
        given: dict[str, Any] = {
            "notices": asked.notices,
            "rounds": asked.rounds,
            "rows": tuple(asked.rows) if asked.rows else None,
            "pacing": asked.seconds,
            "stored": tuple(asked.stored) if asked.stored else None,
        }
        return replace(sizes, **{k: v for k, v in given.items() if v is not None})


QUICK = Sizes(
    quick=True,
    notices=5000,
    rounds=1,
    rows=(50_000,),
    pacing=5.0,
    webhooks=1.0,
    singles=2.0,
    latency=2.0,
    stored=(20_000, 60_000),
    growth=2000,
    strings=20_000,
    hub=5.0,
)
LONG = Sizes(
    notices=100_000,
    rows=(1_000_000, 10_000_000),
    pacing=600.0,
    webhooks=60.0,
    singles=60.0,
    latency=60.0,
    stored=growth.LONG,
    growth=20_000,
    hub=30.0,
)
Stage = tuple[str, Callable[[Path, Sizes], list[Figure]]]


def _hub(folder: Path, sizes: Sizes) -> list[Figure]:
    return [none("promises of the hub that were broken", not hub.run(folder, sizes.hub))]


def _emulator(folder: Path, sizes: Sizes) -> list[Figure]:
    emulator_load.run(folder, quick=sizes.quick)
    return []


def _silence(folder: Path, sizes: Sizes) -> list[Figure]:
    seeds = silence.SEEDS[:1] if sizes.quick else silence.SEEDS
    return [at_least("the likeliest cause is the true one", silence.run(folder, seeds) * 100, 80, " %")]


def _phone(folder: Path, sizes: Sizes) -> list[Figure]:
    known, strings = phone.agreement(phone.examples()), phone.agreement(phone.random_texts(sizes.strings))
    phone.report("The library's examples", known)
    phone.report("Random strings", strings)
    return [
        none(f"disagreements on {known.texts:,} examples", len(known.differ)),
        none(f"disagreements on {strings.texts:,} random strings", len(strings.differ)),
    ]


def _content(folder: Path, sizes: Sizes) -> list[Figure]:
    content.run()
    return []


STAGES: dict[str, Stage] = {
    "whole": (
        "from CSV to all accepted, recorded and ended by their delivery events, beside others",
        lambda folder, x: whole.run(folder, x.notices, x.rounds),
    ),
    "lists": ("rows of a CSV file, checked and durably queued", lambda folder, x: lists.run(folder, x.rows)),
    "pacing": ("one channel at LINE's rate", lambda folder, x: pacing.run(folder, x.pacing)),
    "webhooks": (
        f"{webhooks.RATE:,} delivery events a second, durable before the answer",
        lambda folder, x: webhooks.run(folder, x.webhooks),
    ),
    "posts": (
        f"single POST /v1/notices, {singles.CLIENTS} clients, durable before the answer",
        lambda folder, x: singles.run(folder, x.singles),
    ),
    "latency": (
        f"from accept to LINE at {singles.STEADY:,.0f} single POSTs a second",
        lambda folder, x: singles.latency(folder, x.latency),
    ),
    "growth": (
        "what a notice costs when many are stored",
        lambda folder, x: growth.run(folder, x.stored, x.growth, x.rounds),
    ),
    "phone": ("phone numbers: the quick way and the library agree", _phone),
    "content": ("the content check: how well, and at what cost", _content),
    "hub": ("the webhook hub: one target dead, one slow", _hub),
    "emulator": ("the emulator alone", _emulator),
    "silence": ("why notices stay silent: how often the likeliest cause is the true one", _silence),
}
