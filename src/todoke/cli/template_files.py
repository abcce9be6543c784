"""Templates as files: checked before any is stored, compared with what is stored, written back in one stable order."""

import json
from collections.abc import Iterable, Mapping
from difflib import unified_diff
from pathlib import Path
from typing import Any, NamedTuple

from todoke.actions.content import checked
from todoke.cli.files import (
    Fault,
    Kept,
    fail_with,
    free_stem,
    has_files,
    read_all,
    same_name,
    save,
    stem_of,
)
from todoke.cli.yaml_text import write
from todoke.core.errors import TodokeError

Spec = dict[str, Any]
FIELDS = (
    *("name", "channel", "use_case", "language", "parameters"),
    *("line_template", "flexible", "push", "sms", "languages"),
)
"""A template's own fields, in the order in which files have them."""


class Change(NamedTuple):
    """What a file means for what is stored."""

    kept: Kept
    spec: Spec
    action: str
    """new, changed or unchanged."""
    version: int
    """Which it is, or becomes."""
    diff: str


class Channels:
    """The account's channels, by name and id."""

    def __init__(self, channels: Iterable[Mapping[str, Any]]) -> None:
        self._known = {key: channel for channel in channels for key in (channel["id"], channel["name"])}

    def name_of(self, name_or_id: str) -> str:
        known = self._known.get(name_or_id)
        return name_or_id if known is None else str(known["name"])

    def region_of(self, name_or_id: str) -> str | None:
        known = self._known.get(name_or_id)
        return None if known is None else str(known["region"])


def in_order(spec: Mapping[str, Any], channels: Channels) -> Spec:
    """The template's own fields in the order of files, its channel by name."""
    found = {field: spec[field] for field in FIELDS if spec.get(field) is not None}
    if "channel" in found:
        found["channel"] = channels.name_of(str(found["channel"]))
    return found


def read_templates(
    place: Path, channel: str | None, channels: Channels | None
) -> tuple[list[tuple[Kept, Spec]], list[Fault]]:
    """The templates of all files, each with what is wrong in it. `channel`: of those that name none.

    `channels`: None where no gateway is asked, and so none is needed.
    """
    files, faults = read_all(place)
    found: list[tuple[Kept, Spec]] = []
    names: dict[str, Path] = {}
    for kept in files:
        spec = dict(kept.value)
        if channel is not None:
            spec.setdefault("channel", channel)
        if (fault := _fault(kept, spec, channels)) is not None:
            faults.append(fault)
        elif (other := names.setdefault(spec["name"], kept.path)) != kept.path:
            faults.append(kept.fault("/name", f"{other} holds a template of the same name."))
        else:
            found.append((kept, spec))
    return found, faults


def _fault(kept: Kept, spec: Spec, channels: Channels | None) -> Fault | None:
    named = spec.get("channel")
    region = None
    if channels is not None:
        if not isinstance(named, str) or not named:
            return kept.fault(
                "/channel", "The template names no channel. Add channel, or push with --channel NAME."
            )
        region = channels.region_of(named)
        if region is None:
            return kept.fault(
                "/channel", f"There is no channel {named[:60]!r}. `todoke channels list` shows them."
            )
    try:
        checked(spec, region)
    except TodokeError as error:
        return kept.fault(error.pointer, error.message)
    return None


def change_of(kept: Kept, spec: Spec, stored: Mapping[str, Any] | None, channels: Channels) -> Change:
    """What pushing a file would do."""
    after = in_order(spec, channels)
    if stored is None:
        return Change(kept, spec, "new", 1, "")
    before = in_order(stored, channels)
    version = int(stored["version"])
    if before == after:
        return Change(kept, spec, "unchanged", version, "")
    names = (f"{spec['name']} (version {version})", str(kept.path))
    lines = unified_diff(write(before).splitlines(), write(after).splitlines(), *names, lineterm="")
    return Change(kept, spec, "changed", version + 1, "\n".join(lines))


def write_back(
    folder: Path, stored: Iterable[Mapping[str, Any]], channels: Channels
) -> list[tuple[Path, str, str]]:
    """Writes templates into a folder: file, name, and created, changed or unchanged, for each.

    A template that has a file there already, anywhere, stays in it, and a file that says the same stays as it is.
    Ends the command where a file can't be read, as it might be one of these.
    """
    there = _files_of(folder)
    # What holds no template keeps its place as well, links that lead nowhere included.
    taken = {same_name(path.name) for path in folder.glob("*")}
    done = []
    for view in stored:
        spec = in_order(view, channels)
        kept = there.get(spec["name"])
        if kept is not None and in_order(kept.value, channels) == spec:
            done.append((kept.path, spec["name"], "unchanged"))
            continue
        if kept is None:
            path = folder / f"{free_stem(stem_of(spec['name']) or 'template', ('.yaml',), taken)}.yaml"
            taken.add(same_name(path.name))
            there[spec["name"]] = Kept(path, spec, {})
        else:
            path = kept.path
        save(path, _text(path, spec).encode())
        done.append((path, spec["name"], "created" if kept is None else "changed"))
    return done


def _files_of(folder: Path) -> dict[str, Kept]:
    """The files of a folder that hold templates, by the template's name."""
    if not has_files(folder):
        return {}
    kept, faults = read_all(folder)
    if faults:
        fail_with(faults)
    return {str(each.value.get("name")): each for each in kept}


def _text(path: Path, spec: Spec) -> str:
    if path.suffix.lower() == ".json":
        return json.dumps(spec, ensure_ascii=False, indent=2) + "\n"
    return write(spec)
