"""Reads declarations and checks them: what gets past here is a provider that can be spoken to.

Every error names file, field and remedy, as the reader is a person with the provider's manual in the other
hand.
"""

import re
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path as FilePath

import msgspec
import yaml

from todoke.carriers.addresses import objection
from todoke.carriers.declarations import read_yaml
from todoke.carriers.sms_http.checks import problems
from todoke.carriers.sms_http.declaration import (
    Auth,
    Declaration,
    DeclarationError,
    JsonIs,
    Receipt,
    Rule,
    Where,
)

_MAX_BYTES = 64 * 1024
_MANUAL = "see the table in docs/sms-carriers.md"
_MISSING = re.compile(r"Object missing required field `(.+?)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(.+?)`")
_AT = re.compile(r"(.*) - at `(?:key in )?\$?\.?(.*)`", re.DOTALL)
_KINDS: dict[str, type[msgspec.Struct]] = {
    "success": Rule,
    "surely_failed": Rule,
    "success.json": JsonIs,
    "surely_failed.json": JsonIs,
    "message_id": Where,
    "error": Where,
    "receipt": Receipt,
    "receipt.auth": Auth,
    "": Declaration,
}


def load_declaration(path: FilePath | str, *, allow_private: bool = False) -> Declaration:
    """The declaration in a YAML file. `allow_private`: see `addresses.objection`. Raises DeclarationError."""
    try:
        content = FilePath(path).read_bytes()
    except OSError as exc:
        raise DeclarationError(str(path), "", f"can't be read: {exc.strerror}") from exc
    if len(content) > _MAX_BYTES:
        raise DeclarationError(str(path), "", "is over 64 KiB: that is no declaration of an SMS provider")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise DeclarationError(str(path), "", "is not UTF-8: save it as UTF-8") from exc
    return parse_declaration(text, str(path), allow_private=allow_private)


def parse_declaration(text: str, file: str, *, allow_private: bool = False) -> Declaration:
    """The same from text; `file` is what errors call it."""
    try:
        tree = read_yaml(text)
    except yaml.YAMLError as exc:
        # The last three: PyYAML lets them through for tags such as `!!timestamp x`.
        mark = getattr(exc, "problem_mark", None)
        line = f"line {mark.line + 1}" if mark is not None else ""
        raise DeclarationError(
            file, line, f"is not YAML ({getattr(exc, 'problem', None) or 'unreadable'})"
        ) from exc
    if not isinstance(tree, dict):
        raise DeclarationError(file, "", f"holds no fields: {_MANUAL}")
    try:
        declaration = msgspec.convert(tree, Declaration)
    except msgspec.ValidationError as exc:
        raise _explained(file, str(exc)) from exc
    why_not = objection(declaration.url, allow_private)
    if why_not is not None:
        raise DeclarationError(file, "url", why_not)
    for field, problem in problems(declaration):
        raise DeclarationError(file, field, problem)
    return declaration


def emulator_declaration(api_base: str) -> Declaration:
    """The emulator's own SMS carrier, at the emulator's base URL. Raises DeclarationError if that is no
    URL.
    """
    file = files("todoke.carriers.sms_http") / "declarations" / "emulator.yaml"
    text = file.read_text(encoding="utf-8").replace("{base}", api_base.rstrip("/"))
    return parse_declaration(text, "emulator.yaml", allow_private=True)


def _explained(file: str, error: str) -> DeclarationError:
    """msgspec's words as ours: which field, what is wrong, what to do."""
    found = _AT.fullmatch(error)
    what, where = (found[1], found[2]) if found else (error, "")
    prefix = f"{where}." if where else ""
    if missing := _MISSING.match(what):
        return DeclarationError(file, prefix + missing[1], f"is missing: add it, {_MANUAL}")
    if unknown := _UNKNOWN.match(what):
        kind = _KINDS.get(where)
        known = kind.__struct_fields__ if kind is not None else ()
        close = get_close_matches(unknown[1], known, n=1)
        remedy = f"did you mean {close[0]}?" if close else f"remove it; known here: {', '.join(known)}"
        return DeclarationError(file, prefix + unknown[1], f"is unknown: {remedy}")
    return DeclarationError(file, where, f"{what[:1].lower()}{what[1:]}: {_MANUAL}")
