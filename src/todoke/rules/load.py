"""Reads the rules from the package's YAML files, once in a process."""

import hashlib
import re
import sys
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
import yaml

from todoke.core.content.patterns import forget_read, read_pattern
from todoke.core.content.rules import KINDS, Rule, compile_rule
from todoke.core.content.second_look import CODE, SecondLook
from todoke.core.content.text import Checker
from todoke.core.content.tone import Tone

FILES = ("zh-Hant.yaml", "th.yaml", "ja.yaml", "en.yaml", "any.yaml")
"""One a language; `any` holds what is the same in all: signs and links."""


def _read(name: str) -> Any:
    # The C loader is several times as quick where it is there, and reads the same.
    return yaml.load(_bytes(name), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506


def _bytes(name: str) -> bytes:
    return files("todoke.rules").joinpath(name).read_bytes()


def _lines(value: Any) -> list[str]:
    """Patterns of a file: a text with one a line, or a list of such texts. Rules share many: each is kept once."""
    texts = value if isinstance(value, list) else [value]
    return [sys.intern(line) for text in texts for line in text.splitlines() if line.strip()]


@cache
def load_rules() -> tuple[Rule, ...]:
    """All rules of the project. What they look for is read, and what stands beside it when it is first wanted."""
    remedies = _read("codes.yaml")
    rules: list[Rule] = []
    for name in FILES:
        for n, rule in enumerate(_read(name)["rules"]):
            plain = {key: _lines(value) if key in KINDS else value for key, value in rule.items()}
            if name != "any.yaml":
                plain["languages"] = [name.removesuffix(".yaml")]
            rules.append(compile_rule(plain, f"{name}/rules/{n}", remedies, tested=True))
        forget_read()
    return tuple(rules)


@cache
def load_names() -> tuple[re.Pattern[str], ...]:
    """Spans of a text that name a thing, such as a book's title: no rule looks into them."""
    lines = _lines(_read("names.yaml")["names"])
    return tuple(read_pattern(line, looked_for=False).regex for line in lines)


@cache
def load_checker() -> Checker:
    """A checker with the project's rules and nothing else."""
    return Checker(load_rules(), load_names(), SecondLook(load_tone, _read("codes.yaml")[CODE]["remedy"]))


@cache
def load_tone() -> Tone:
    """What the second look knows. Some milliseconds and megabytes, so only once there is a longer text to look at."""
    read = msgspec.json.decode(_bytes("tone.json"), type=Tone)
    known: dict[tuple[int, int], tuple[int, int]] = {}
    return Tone(read.bias, {gram: known.setdefault(pair, pair) for gram, pair in read.grams.items()})


@cache
def rules_version() -> str:
    """Changes whenever a rule does: twelve hexadecimal digits."""
    whole = b"\0".join(_bytes(name) for name in (*FILES, "codes.yaml", "names.yaml", "tone.json"))
    return hashlib.sha256(whole).hexdigest()[:12]
