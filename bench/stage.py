"""What a run plays on: channels on both sides, a population at LINE, and lists of its numbers."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.processes import Emulator, GatewayPlace
from todoke_client import Todoke

TEXT = "{name} 您好,您的包裹 {parcel} 已於 8 月 7 日送達門市。請於七日內憑證件取件,逾期將退回。"
TEMPLATE: dict[str, Any] = {
    "use_case": "delivery",
    "parameters": {
        "name": {"type": "text", "example": "王小明", "max": 20},
        "parcel": {"type": "text", "example": "TW20260807001", "max": 20},
    },
    "flexible": [{"type": "text", "text": TEXT.replace("{", "{{").replace("}", "}}")}],
    "sms": "{{name}} 您好,您的包裹 {{parcel}} 已送達門市。若已取件請忽略。",
}


def populate(emulator: Emulator, count: int, seed: int = 1, rates: Mapping[str, float] | None = None) -> None:
    """Users with the numbers +886910000000 and on; without rates all of them get every notification."""
    people = {"count": count, "seed": seed, "prefix": "+88691", "digits": 7, "rates": dict(rates or {})}
    emulator.post("/population", people)


def number(i: int) -> str:
    """The number of user `i`, as a shop's list would have it."""
    return f"091{i:07d}"


def e164(i: int) -> str:
    """The same as LINE and carriers know it."""
    return f"+88691{i:07d}"


def write_list(path: Path, people: range) -> Path:
    """A CSV list of these users, each with a name, a parcel and a reference (the user's number in the
    population).
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["phone", "name", "parcel", "reference"])
        rows.writerows([number(i), f"王小明{i % 97}", f"TW2026{i:07d}", str(i)] for i in people)
    return path


PEOPLE = 10_000_000
"""The numbers of `number`."""
_STEP = 6_180_339
"""Prime to PEOPLE, so that each number comes once before any comes again; and far apart."""


def write_shuffled_list(path: Path, people: range) -> Path:
    """The same with numbers and references in no order, as customers' are: what is in order costs an index little."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("phone,name,parcel,reference\n")
        for i in people:
            of = i * _STEP % PEOPLE
            file.write(f"{number(of)},王小明{i % 97},TW2026{i:08d},{of}\n")
    return path


def channel(emulator: Emulator, name: str, **options: Any) -> dict[str, Any]:
    """A channel at LINE that may send anything to anybody; its ids and secrets."""
    made: dict[str, Any] = emulator.post(
        "/channels", {"name": name, "region": "TW", "badge": "green", "certified": True, **options}
    )
    return made


def joined_channel(
    emulator: Emulator, place: GatewayPlace, client: Todoke, name: str, **options: Any
) -> None:
    """A channel on both sides, its webhook at the gateway, with a template `parcel-{name}`."""
    made = channel(emulator, name, webhook_url=f"{place.url}/line/{{channel_id}}/webhook", **options)
    client.create_channel(
        name=name,
        region="TW",
        line_channel_id=made["channel_id"],
        secret=made["channel_secret"],
        access_token=made["access_token"],
    )
    client.create_template({**TEMPLATE, "name": f"parcel-{name}", "channel": name})
