"""`python -m bench --only content`: how well the content check tells advertising from notices, and what it costs.

Labelled sets: those beside which the rules were made, and `unseen`, written after them by somebody who had not seen
them, and never tuned on. `tests/data/content/README.md` says how they were labelled and used.
"""

import json
import random
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import yaml

import todoke.samples
from todoke.core.content import Severity
from todoke.core.content.text import Checker
from todoke.core.content.values import ValuesCheck
from todoke.core.template import check_parameters, compile, in_language
from todoke.rules import load_checker
from todoke.storage.desks import built_in

DATA = Path(__file__).parent.parent / "tests" / "data" / "content"
SETS = ("tuned", "second", "third", "fourth", "dev-zh", "dev-th", "dev-ja", "dev-en", "unseen")
EACH = 500
"""Notices of each template."""

NOTICES = (
    {"name": "王小明", "order": "A20240810-00123", "date": "2024/08/10 14:00", "amount": "NT$1,280",
     "shop": "信義門市", "url": "https://shop.example/o/A20240810"},
    {"name": "陳怡君", "number": "TW8801234567", "from": "8/12", "until": "8/18", "store": "7-ELEVEN 大安門市"},
    {"name": "สมชาย ใจดี", "number": "TH123456789", "date": "10 ส.ค. 2567", "amount": "฿1,280.00",
     "branch": "สาขาลาดพร้าว", "url": "https://track.example/TH123456789"},
    {"name": "วิภา สุขสวัสดิ์", "order": "#88213", "time": "14.00-16.00 น.", "amount": "599 บาท"},
    {"name": "山田太郎", "number": "1234-5678-9012", "date": "2024年8月10日(土)", "amount": "1,280円",
     "shop": "渋谷店", "url": "https://shop.example/o/550231"},
    {"name": "Emily Carter", "order": "550231", "date": "18 August", "amount": "NT$3,500",
     "shop": "Riverside branch", "url": "https://shop.example/o/550231"},
)  # fmt: skip
"""Parameters as notices have them."""


Checked = tuple[ValuesCheck, Mapping[str, str]]
"""What checks a notice's parameters, and these."""


class Message(NamedTuple):
    """One labelled message."""

    id: str
    language: str
    kind: str
    part: str
    violates: bool
    found: tuple[str, ...]
    """Codes of errors found."""
    text: str


def read(name: str, checker: Checker) -> list[Message]:
    """A set with what the check says of each message; empty if the set is not there."""
    path = DATA / f"{name}.jsonl"
    if not path.exists():
        return []
    messages = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        findings = checker.check_text(
            row["text"], language=row["language"], country=row["country"], use_case=row["use_case"]
        )
        found = tuple(x.code for x in findings if x.severity == Severity.ERROR)
        messages.append(
            Message(
                row["id"],
                row["language"],
                row.get("kind", "plain"),
                row.get("part", ""),
                row["label"] == "not_allowed",
                found,
                row["text"],
            )
        )
    return messages


def rates(messages: Iterable[Message]) -> tuple[float, float, int, int]:
    """Recall, false alarms, and how many messages each is of."""
    counts = Counter((message.violates, bool(message.found)) for message in messages)
    bad, good = counts[True, True] + counts[True, False], counts[False, True] + counts[False, False]
    return counts[True, True] / bad if bad else 1.0, counts[False, True] / good if good else 0.0, bad, good


def table(name: str, messages: list[Message]) -> None:
    """Prints recall and false alarms of a set: of the whole, by language, by kind, by part."""
    print(f"\n{name:<14}{'recall':>9}{'of':>6}{'false alarms':>15}{'of':>6}")
    groups: list[tuple[str, Callable[[Message], str]]] = [
        ("", lambda message: "all"),
        ("", lambda message: message.language),
        ("", lambda message: message.kind),
        ("part ", lambda message: message.part),
    ]
    for prefix, group in groups:
        for key in sorted({group(message) for message in messages} - {""}):
            recall, alarms, bad, good = rates(x for x in messages if group(x) == key)
            shown_recall = f"{recall:9.3f}" if bad else f"{'–':>9}"
            shown_alarms = f"{alarms:15.3f}" if good else f"{'–':>15}"
            print(f"{prefix + key:<14}{shown_recall}{bad:>6}{shown_alarms}{good:>6}")


def with_addresses() -> list[Checked]:
    """NOTICES, each with a template of its own."""
    found: list[Checked] = []
    for values in NOTICES:
        declared = {name: {"type": "text", "example": value} for name, value in values.items()}
        text = " ".join(f"{{{{{name}}}}}" for name in values)
        spec = {"name": "parcel", "use_case": "delivery", "parameters": declared, "sms": text}
        found.append((built_in().values(compile(spec), "TW"), values))
    return found


def of_samples() -> list[Checked]:
    """The sample templates in all their languages, filled with their examples."""
    found: list[Checked] = []
    for path in sorted((Path(todoke.samples.__file__).parent / "templates").glob("*.yaml")):
        template = compile(yaml.safe_load(path.read_text(encoding="utf-8")))
        check = built_in().values(template, "TW")
        for tag in (None, *template.variants):
            one = in_language(template, tag)
            values = {name: each.example for name, each in one.parameters.items()}
            found.append((check, check_parameters(one, values)))
    return found


NAMES = {
    "zh-Hant": (
        "陳 林 黃 張 李 王 吳 劉 蔡 楊 許 鄭 謝 洪 郭",
        "怡君 雅婷 志明 家豪 淑芬 俊傑 美玲 宗翰 冠宇 佩珊",
        "",
    ),
    "ja": (
        "佐藤 鈴木 高橋 田中 伊藤 渡辺 山本 中村 小林 加藤",
        "翔 蓮 葵 陽菜 結衣 大輔 美咲 健太 由美子 直樹",
        " ",
    ),
    "th": (
        "สมชาย สมหญิง ประเสริฐ วิภา นภา ธนพล กิตติ อรทัย มานพ ศิริพร",
        "ใจดี สุขสวัสดิ์ ทองดี แสงจันทร์ บุญมา ศรีสุข วงศ์ไทย พรหมมา",
        " ",
    ),
    "en": (
        "Emily James Olivia Noah Sophia Liam Grace Daniel Hannah Peter",
        "Carter Wright Turner Evans Hughes Foster Bennett Murray",
        " ",
    ),
}
"""First part, second part and what stands between."""
VARIETY = 30
"""Shops, products or places of a sender, for each one that an example names."""
_RUN = re.compile("(?<![0-9])(?!2[05][0-9]{2}(?![0-9]))[0-9]{4,}")


def of_traffic(check: ValuesCheck, values: Mapping[str, str], count: int) -> list[Checked]:
    """A sender's notices as they follow each other: each with a new number, to another person, about one of its shops.

    Runs of four digits and more, but for years, are drawn anew for each, as is a person's name; another value without
    digits is one of VARIETY. What an example has in short numbers (times, days of a month) stays.
    """
    drawn = random.Random(1)
    personal = {name for name, each in check.template.parameters.items() if each.personal} | {"name"}
    found: list[Checked] = []
    for _ in range(count):
        fresh = {}
        for name, value in values.items():
            if _RUN.search(value):
                value = _RUN.sub(lambda run: "".join(drawn.choices("0123456789", k=len(run[0]))), value)
            elif name in personal:
                value = _name(value, drawn)
            elif not any(map(str.isdigit, value)):
                value = f"{value} {drawn.randrange(VARIETY)}"
            fresh[name] = value
        found.append((check, fresh))
    return found


def _name(like: str, drawn: random.Random) -> str:
    if any("\u0e01" <= c <= "\u0e5b" for c in like):
        language = "th"
    elif like.isascii():
        language = "en"
    else:
        language = "ja" if len(like) > 3 else "zh-Hant"
    first, second, between = NAMES[language]
    return drawn.choice(first.split()) + between + drawn.choice(second.split())


def microseconds(notices: list[Checked], *, forget: bool) -> tuple[float, float]:
    """What the whole check of a notice's parameters takes: median and 99th percentile. `forget`: as if all were new."""
    taken = []
    for check, values in notices:
        if forget:
            check.forget()
        begun = time.perf_counter_ns()
        check.errors(values)
        taken.append((time.perf_counter_ns() - begun) / 1000)
    return statistics.median(taken), statistics.quantiles(taken, n=100)[98]


def run() -> None:
    """Prints all of it."""
    checker = load_checker()
    for name in SETS:
        if messages := read(name, checker):
            table(name, messages)
        else:
            print(f"\n{name}: no such set here")
    print("\nThe check of a notice's parameters")
    for what, notices in (("sample templates", of_samples()), ("with addresses", with_addresses())):
        traffic = [x for one in notices for x in of_traffic(*one, EACH)]
        microseconds(traffic, forget=False)  # compiles what is compiled when it is first wanted
        for check, _ in notices:
            check.forget()
        for how, forget in (("as traffic comes", False), ("no value seen before", True)):
            median, high = microseconds(traffic, forget=forget)
            print(f"  {what}, {how}: median {median:.1f} µs, 99th percentile {high:.1f} µs")
