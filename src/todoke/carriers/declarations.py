"""What the declarations of SMS carriers share, whichever way they speak: how a file is read and its faults are told.

Every error names file, field and remedy, as the reader is a person with the provider's manual in the other hand.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
import yaml

T = TypeVar("T", bound=msgspec.Struct)
_MAX_BYTES = 64 * 1024
_MISSING = re.compile(r"Object missing required field `(.+?)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(.+?)`")
_AT = re.compile(r"(.*) - at `(?:key in )?\$?\.?(.*)`", re.DOTALL)


class DeclarationError(Exception):
    """A declaration that can't be used. The text names file, field and remedy, never a secret's value."""

    def __init__(self, file: str, field: str, problem: str) -> None:
        super().__init__(f"{file}: {field}: {problem}" if field else f"{file}: {problem}")
        self.file = file
        self.field = field


class _PlainLoader(yaml.SafeLoader):
    """Without aliases, of which a few lines make a tree without end, and without halves of characters."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            at = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="an alias (*name): write it out", problem_mark=at)
        node = super().compose_node(parent, index)
        if isinstance(node, yaml.ScalarNode) and not node.value.isprintable():
            try:
                node.value.encode()
            except UnicodeEncodeError:
                raise yaml.MarkedYAMLError(
                    problem="half a character, \\ud800 to \\udfff", problem_mark=node.start_mark
                ) from None
        return node


def read_yaml(text: str) -> Any:
    """What a declaration holds: plain values only. Raises yaml.YAMLError, with line and problem where it knows them."""
    try:
        return yaml.load(text, _PlainLoader)  # noqa: S506 — a SafeLoader
    except (ValueError, RecursionError, AttributeError, LookupError, TypeError) as exc:
        # PyYAML lets these through for values that do not fit their tag.
        raise yaml.YAMLError("unreadable") from exc


def read_file(path: Path | str) -> str:
    """A declaration's text. Raises DeclarationError."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as exc:
        raise DeclarationError(str(path), "", f"can't be read: {exc.strerror}") from exc
    if len(content) > _MAX_BYTES:
        raise DeclarationError(str(path), "", "is over 64 KiB: that is no declaration of an SMS provider")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise DeclarationError(str(path), "", "is not UTF-8: save it as UTF-8") from exc


def read_fields(text: str, file: str, manual: str) -> dict[Any, Any]:
    """The fields as YAML gives them; `manual`: where they are described. Raises DeclarationError."""
    try:
        tree = read_yaml(text)
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        line = f"line {mark.line + 1}" if mark is not None else ""
        raise DeclarationError(
            file, line, f"is not YAML ({getattr(exc, 'problem', None) or 'unreadable'})"
        ) from exc
    if not isinstance(tree, dict):
        raise DeclarationError(file, "", f"holds no fields: {manual}")
    return tree


def typed(
    fields: dict[Any, Any], kind: type[T], file: str, manual: str, parts: Mapping[str, type[msgspec.Struct]]
) -> T:
    """The fields as `kind`; `parts`: the kind of each place that has fields of its own. Raises DeclarationError."""
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as exc:
        raise _explained(file, str(exc), manual, {"": kind, **parts}) from exc


def _explained(
    file: str, error: str, manual: str, parts: Mapping[str, type[msgspec.Struct]]
) -> DeclarationError:
    """msgspec's words as ours: which field, what is wrong, what to do."""
    found = _AT.fullmatch(error)
    what, where = (found[1], found[2]) if found else (error, "")
    prefix = f"{where}." if where else ""
    if missing := _MISSING.match(what):
        return DeclarationError(file, prefix + missing[1], f"is missing: add it, {manual}")
    if unknown := _UNKNOWN.match(what):
        part = parts.get(where)
        known = part.__struct_encode_fields__ if part is not None else ()
        close = get_close_matches(unknown[1], known, n=1)
        remedy = f"did you mean {close[0]}?" if close else f"remove it; known here: {', '.join(known)}"
        return DeclarationError(file, prefix + unknown[1], f"is unknown: {remedy}")
    return DeclarationError(file, where, f"{what[:1].lower()}{what[1:]}: {manual}")


def declared_kind(path: Path | str) -> Literal["http", "smpp"]:
    """How the carrier in this file is spoken to: `kind: smpp`, else HTTP.

    A file that can't be read, is no YAML or names an unknown kind counts as HTTP: that loader says what is
    wrong with it.
    """
    try:
        with Path(path).open("rb") as file:
            tree = read_yaml(file.read(_MAX_BYTES + 1).decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return "http"
    return "smpp" if isinstance(tree, dict) and tree.get("kind") == "smpp" else "http"
