"""What the checks other than the rules for text know, as data: addresses, limits of use cases, personal data, the
late-duplicate note, timing. And what reads it, once in a process.

May import the core only. Never here: how it is checked, which is in `todoke.core.content`.
"""

import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
import yaml

from todoke.core.content.data import CheckData, Limit, LinkData, NoteData, PersonalData, TimingData
from todoke.core.durations import parse_duration

FILES = ("links.yaml", "limits.yaml", "personal.yaml", "notes.yaml", "timing.yaml")


def _bytes(name: str) -> bytes:
    return files("todoke.rules.checks").joinpath(name).read_bytes()


def _read(name: str) -> Any:
    return yaml.load(_bytes(name), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506


@cache
def load_data() -> CheckData:
    """All of it."""
    timing = _read("timing.yaml")
    return CheckData(
        links=msgspec.convert(_read("links.yaml"), LinkData),
        limits=msgspec.convert(_read("limits.yaml")["use_cases"], dict[str, Limit]),
        personal=msgspec.convert(_read("personal.yaml"), PersonalData),
        notes=msgspec.convert(_read("notes.yaml"), NoteData),
        timing=TimingData(
            completion_within=parse_duration(timing["completion"]["within"]),
            reminder_ahead=parse_duration(timing["reminder"]["ahead"]),
            reminder_times=timing["reminder"]["times"],
        ),
        version=hashlib.sha256(b"\0".join(_bytes(name) for name in FILES)).hexdigest()[:12],
    )
