"""The plan of a run with real test numbers: a YAML file that says who plays which scenario."""

from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from todoke.cli.acceptance.scenarios import BY_KEY, WAIT
from todoke.cli.common import fail

_MOST_BYTES = 100_000
_PHOTO_SUFFIXES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png"}
_BEGINNINGS = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n"}
MOST_PHOTOS = 12
"""Of one scenario."""
MOST_PHOTO_BYTES = 10_000_000


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who plays a scenario. `number`: one of the channel's test numbers. `person`: what the report calls them."""

    scenario: str
    number: str
    person: str = ""


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`parameters`: of the template; left out, its examples. `wait`: before SMS or push, where a scenario has them."""

    channel: str
    template: str
    parts: list[Part]
    language: Literal["zh-Hant", "th", "ja", "en"] = "zh-Hant"
    account: str = ""
    parameters: dict[str, Any] = {}
    wait: str = WAIT


def read_plan(path: Path) -> Plan:
    """The plan of a file. Ends the command with the place of what is wrong."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            fail(f"{path} is larger than {_MOST_BYTES:,} bytes: this is no plan.", 2)
        plan = msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8-sig")), Plan)
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{path} can't be read ({error}).", 2)
    except (yaml.YAMLError, msgspec.ValidationError, RecursionError) as error:
        fail(f"{path}: {error}. docs/acceptance.md shows a plan.", 2)
    if not plan.parts:
        fail(f"{path} has no parts: name for each scenario the test number that plays it.", 2)
    for place, part in enumerate(plan.parts):
        if part.scenario not in BY_KEY:
            fail(f"{path}: parts[{place}]: {part.scenario[:60]!r} is no scenario: {', '.join(BY_KEY)}.", 2)
        if any(part.scenario == other.scenario for other in plan.parts[:place]):
            fail(f"{path}: parts[{place}]: {part.scenario!r} stands there twice; each is played once.", 2)
    return plan


def photos(folder: Path | None, scenario: str) -> list[tuple[str, bytes]]:
    """The pictures whose names begin with the scenario's and a hyphen, by name: their type and content."""
    if folder is None:
        return []
    if not folder.is_dir():
        fail(f"--photos: {folder} is no folder.", 2)
    found = []
    for path in sorted(folder.glob(f"{scenario}-*"))[:MOST_PHOTOS]:
        kind = _PHOTO_SUFFIXES.get(path.suffix.lower())
        if kind is None:
            continue
        content = path.read_bytes()[: MOST_PHOTO_BYTES + 1]
        if len(content) > MOST_PHOTO_BYTES or not content.startswith(_BEGINNINGS[kind]):
            fail(f"{path} is no JPEG or PNG of at most {MOST_PHOTO_BYTES:,} bytes.", 2)
        found.append((kind, content))
    return found
