"""Reads declarations and checks them: what gets past here is a provider that can be spoken to."""

from importlib.resources import files
from pathlib import Path as FilePath

import msgspec

from todoke.carriers.addresses import objection
from todoke.carriers.declarations import DeclarationError, read_fields, read_file, typed
from todoke.carriers.sms_http.checks import problems
from todoke.carriers.sms_http.declaration import (
    Auth,
    Declaration,
    JsonIs,
    Receipt,
    Replies,
    Rule,
    Where,
)

_MANUAL = "see the table in docs/sms-carriers.md"
_PARTS: dict[str, type[msgspec.Struct]] = {
    "success": Rule,
    "surely_failed": Rule,
    "success.json": JsonIs,
    "surely_failed.json": JsonIs,
    "message_id": Where,
    "error": Where,
    "receipt": Receipt,
    "receipt.auth": Auth,
    "replies": Replies,
    "replies.auth": Auth,
}


def load_declaration(path: FilePath | str, *, allow_private: bool = False) -> Declaration:
    """The declaration in a YAML file. `allow_private`: see `addresses.objection`. Raises DeclarationError."""
    return parse_declaration(read_file(path), str(path), allow_private=allow_private)


def parse_declaration(text: str, file: str, *, allow_private: bool = False) -> Declaration:
    """The same from text; `file` is what errors call it."""
    declaration = typed(read_fields(text, file, _MANUAL), Declaration, file, _MANUAL, _PARTS)
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
