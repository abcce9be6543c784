"""Reads SMPP declarations and checks them.

Every error names file, field and remedy, as the reader is a person with the provider's manual in the other hand.
"""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

import msgspec
import yaml

from todoke.carriers.addresses import objection
from todoke.carriers.declarations import read_yaml
from todoke.carriers.smpp.declaration import (
    DeclarationError,
    Dest,
    Reconnect,
    SmppDeclaration,
    Source,
    seconds,
)

_MAX_BYTES = 64 * 1024
_MANUAL = 'see "SMPP" in docs/sms-carriers.md'
_MISSING = re.compile(r"Object missing required field `(.+?)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(.+?)`")
_AT = re.compile(r"(.*) - at `(?:key in )?\$?\.?(.*)`", re.DOTALL)
_PARTS: dict[str, type[msgspec.Struct]] = {
    "": SmppDeclaration,
    "source": Source,
    "dest": Dest,
    "reconnect": Reconnect,
}
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:.]{2,45}")


def load_smpp(path: Path | str, allow_private: bool = False) -> SmppDeclaration:
    """The declaration in a YAML file. `allow_private`: hosts of this machine or network may be named (a VPN to the
    provider ends in one). Raises DeclarationError.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as exc:
        raise DeclarationError(str(path), "", f"can't be read: {exc.strerror}") from exc
    if len(content) > _MAX_BYTES:
        raise DeclarationError(str(path), "", "is over 64 KiB: that is no declaration of an SMS provider")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise DeclarationError(str(path), "", "is not UTF-8: save it as UTF-8") from exc
    return parse_smpp(text, str(path), allow_private)


def parse_smpp(text: str, file: str, allow_private: bool = False) -> SmppDeclaration:
    """The same from text; `file` is what errors call it."""
    try:
        tree = read_yaml(text)
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        line = f"line {mark.line + 1}" if mark is not None else ""
        raise DeclarationError(
            file, line, f"is not YAML ({getattr(exc, 'problem', None) or 'unreadable'})"
        ) from exc
    if not isinstance(tree, dict):
        raise DeclarationError(file, "", f"holds no fields: {_MANUAL}")
    password = tree.get("password")
    if password is not None and not (isinstance(password, str) and password.startswith("{secret:")):
        # Said here, as the general words would quote nothing and help nobody.
        raise DeclarationError(
            file, "password", 'must not stand in the file: write "{secret:NAME}" and set that secret'
        )
    try:
        declaration = msgspec.convert(tree, SmppDeclaration)
    except msgspec.ValidationError as exc:
        raise _explained(file, str(exc)) from exc
    for field, problem in _problems(declaration, allow_private):
        raise DeclarationError(file, field, problem)
    return declaration


def _problems(declaration: SmppDeclaration, allow_private: bool) -> Iterator[tuple[str, str]]:
    """Field, and what is wrong with it, remedy included."""
    host = declaration.host
    if not _HOST.fullmatch(host):
        yield "host", "is no host name or address: write it as smpp.example.com, the port stands in port"
    why_not = objection(f"https://[{host}]/" if ":" in host else f"https://{host}/", allow_private)
    if why_not is not None:
        yield "host", why_not
    if declaration.ca_file is not None and not declaration.tls:
        yield "ca_file", "is there although tls is false: remove it, or set tls: true"
    if declaration.source.ton == 5 and len(declaration.source.address) > 11:
        yield (
            "source.address",
            "is over 11 characters: phones show no more of an alphanumeric sender (ton: 5)",
        )
    if not 0.1 <= declaration.timeout_seconds <= 60:
        yield "timeout", "must be at least 100ms and at most 60s"
    if not 0.1 <= seconds(declaration.enquire_link) <= 3600:
        yield "enquire_link", "must be at least 100ms and at most 3600s"
    first, most = seconds(declaration.reconnect.first), seconds(declaration.reconnect.most)
    if not 0 < first <= most <= 3600:
        yield "reconnect", "must have first above 0s, at most as long as most, and most at most 3600s"


def _explained(file: str, error: str) -> DeclarationError:
    """msgspec's words as ours: which field, what is wrong, what to do."""
    found = _AT.fullmatch(error)
    what, where = (found[1], found[2]) if found else (error, "")
    prefix = f"{where}." if where else ""
    if missing := _MISSING.match(what):
        return DeclarationError(file, prefix + missing[1], f"is missing: add it, {_MANUAL}")
    if unknown := _UNKNOWN.match(what):
        part = _PARTS.get(where)
        known = part.__struct_fields__ if part is not None else ()
        close = get_close_matches(unknown[1], known, n=1)
        remedy = f"did you mean {close[0]}?" if close else f"remove it; known here: {', '.join(known)}"
        return DeclarationError(file, prefix + unknown[1], f"is unknown: {remedy}")
    return DeclarationError(file, where, f"{what[:1].lower()}{what[1:]}: {_MANUAL}")
