"""Templates and policies kept as files, for people who keep them in git: read, with the line of every fault."""

import json
import os
import re
import unicodedata
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from todoke.cli.common import fail
from todoke.cli.yaml_text import BadYaml, Lines, read

SUFFIXES = (".json", ".yaml", ".yml")
MOST_BYTES = 300_000
MOST_FILES = 1_000
_MOST_FAULTS = 20


class Fault(NamedTuple):
    """What is wrong with a file, in which line, and where in what it holds."""

    path: Path
    line: int | None
    pointer: str
    message: str

    def __str__(self) -> str:
        place = f"{self.path}" + ("" if self.line is None else f":{self.line}")
        return f"{place}: " + (f"{self.pointer}: " if self.pointer else "") + self.message


class Kept(NamedTuple):
    """A file, the object in it, and where each part of that stands."""

    path: Path
    value: dict[str, Any]
    lines: Lines

    def fault(self, pointer: str, message: str) -> Fault:
        """A fault at a place of this file, or at what is around it."""
        place = pointer
        while place and place not in self.lines:
            place = place.rpartition("/")[0]
        return Fault(self.path, self.lines.get(place), pointer, message)


_LONGEST_STEM = 150
"""Bytes: file systems take 255, and a language, a number and a suffix follow."""
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)", re.IGNORECASE)
"""Windows takes these for devices, whatever suffix follows."""


def stem_of(name: str, instead: str = "-") -> str:
    """The name of a template, which may hold anything, as one of a file, without suffix: letters of all languages
    with their marks, digits, spaces and `_.-()`; `instead` of all others. It may be empty.
    """
    kept = "".join(
        c if c.isalnum() or c in "_.- ()" or unicodedata.category(c).startswith("M") else "\0"
        for c in unicodedata.normalize("NFC", name)
    )
    stem = re.sub("\0+", instead, kept).encode()[:_LONGEST_STEM].decode(errors="ignore").strip(". -")
    return f"_{stem}" if _DEVICES.match(stem) else stem


def same_name(name: str) -> str:
    """Equal for names of files that are one file to some systems."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def free_stem(stem: str, suffixes: Collection[str], taken: Collection[str]) -> str:
    """The stem, with a number where `taken` (as `same_name` writes them) has one of its files."""
    number, free = 1, stem
    while any(same_name(free + suffix) in taken for suffix in suffixes):
        number += 1
        free = f"{stem}-{number}"
    return free


def save(path: Path, content: bytes) -> None:
    """Writes a file, and the folders that it needs. Ends the command where that fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        fail(f"{path} can't be written ({error.strerror}). Name another folder.")


def read_objects(place: Path) -> list[tuple[Path, dict[str, Any]]]:
    """Each file of a folder and of those in it, or the one file, with its object. Ends the command with all faults."""
    kept, faults = read_all(place)
    if faults:
        fail_with(faults)
    return [(each.path, each.value) for each in kept]


def fail_with(faults: list[Fault]) -> NoReturn:
    """Ends the command with a line for each fault."""
    more = [f"… and {len(faults) - _MOST_FAULTS} more"] if len(faults) > _MOST_FAULTS else []
    fail("\n  ".join([str(fault) for fault in faults[:_MOST_FAULTS]] + more))


def has_files(folder: Path) -> bool:
    """Whether a folder holds any file that could be one of ours."""
    return any(True for _ in _paths(folder))


def read_all(place: Path) -> tuple[list[Kept], list[Fault]]:
    """The objects of all files, and what is wrong with the others. Ends the command where there are none."""
    if not place.is_dir():
        paths = [place]
    else:
        paths = sorted(_paths(place))
        if not paths:
            fail(f"{place} has no .json or .yaml files.")
        if len(paths) > MOST_FILES:
            fail(f"{place} has more than {MOST_FILES:,} .json and .yaml files. Is this the right folder?")
    kept: list[Kept] = []
    faults: list[Fault] = []
    for path in paths:
        found = _read(path, linked=path != place and path.is_symlink())
        if isinstance(found, Fault):
            faults.append(found)
        else:
            kept.append(found)
    return kept, faults


def _paths(folder: Path) -> Iterator[Path]:
    """Files below a folder that are not hidden, and links: those are told of, not followed."""
    for here, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        names = [name for name in files if Path(name).suffix.lower() in SUFFIXES]
        names += [name for name in folders if (Path(here) / name).is_symlink()]
        yield from (Path(here) / name for name in names if not name.startswith("."))


def _read(path: Path, *, linked: bool) -> Kept | Fault:
    if linked:
        return Fault(
            path, None, "", "This is a symbolic link, and links are not followed: put the file itself here."
        )
    try:
        if path.exists() and not path.is_file():
            return Fault(path, None, "", "This is no plain file.")
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            return Fault(
                path, None, "", f"This is larger than {MOST_BYTES:,} bytes: no template and no policy is."
            )
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Fault(path, None, "", "This is not in UTF-8: save it as such.")
    except OSError as error:
        return Fault(path, None, "", f"This can't be read ({error.strerror}).")
    try:
        value, lines = _json(text) if path.suffix.lower() == ".json" else read(text)
    except BadYaml as error:
        return Fault(path, error.line, "", error.message)
    if not isinstance(value, dict):
        return Fault(path, 1, "", "This holds no object; templates and policies are objects with a name.")
    return Kept(path, value, lines)


def _json(text: str) -> tuple[Any, Lines]:
    try:
        value = json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise BadYaml(f"This is no JSON: {error.msg}", error.lineno) from None
    except RecursionError:
        raise BadYaml("This is nested too deep") from None
    except ValueError as error:
        raise BadYaml(f"This is no JSON: {error}") from None
    # Nearly all JSON is YAML as well, which knows the lines.
    try:
        return value, read(text.replace("\t", " "))[1]
    except BadYaml as error:
        if error.kind == "twice":
            raise
        return value, {}


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")
