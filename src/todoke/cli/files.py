"""Templates and policies kept as files, for people who keep them in git."""

import json
from pathlib import Path
from typing import Any

import yaml

from todoke.cli.common import fail

SUFFIXES = (".json", ".yaml", ".yml")
MOST_BYTES = 200_000


def read_objects(place: Path) -> list[tuple[Path, dict[str, Any]]]:
    """Each file and the object in it, by name. Ends the command with the file and place of a fault."""
    if place.is_dir():
        paths = sorted(p for p in place.iterdir() if p.suffix in SUFFIXES)
        if not paths:
            fail(f"{place} has no .json or .yaml files.")
    else:
        paths = [place]
    return [(path, _read(path)) for path in paths]


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MOST_BYTES:
            fail(f"{path} is larger than {MOST_BYTES:,} bytes: this is no template and no policy.")
        text = path.read_text(encoding="utf-8-sig")
        found = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{path} can't be read ({error}).")
    except (json.JSONDecodeError, yaml.YAMLError, RecursionError) as error:
        fail(f"{path}: {error}")
    if not isinstance(found, dict):
        fail(f"{path} holds no object; templates and policies are objects with a name.")
    return found
