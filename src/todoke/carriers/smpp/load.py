"""Reads SMPP declarations and checks them."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from todoke.carriers.addresses import objection
from todoke.carriers.declarations import DeclarationError, read_fields, read_file, typed
from todoke.carriers.smpp.declaration import (
    Dest,
    Reconnect,
    SmppDeclaration,
    Source,
    seconds,
)

_MANUAL = 'see "SMPP" in docs/sms-carriers.md'
_PARTS: dict[str, type[msgspec.Struct]] = {
    "source": Source,
    "dest": Dest,
    "reconnect": Reconnect,
}
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:.]{2,45}")


def load_smpp(path: Path | str, allow_private: bool = False) -> SmppDeclaration:
    """The declaration in a YAML file. `allow_private`: hosts of this machine or network may be named (a VPN to the
    provider ends in one). Raises DeclarationError.
    """
    return parse_smpp(read_file(path), str(path), allow_private)


def parse_smpp(text: str, file: str, allow_private: bool = False) -> SmppDeclaration:
    """The same from text; `file` is what errors call it."""
    tree = read_fields(text, file, _MANUAL)
    password = tree.get("password")
    if password is not None and not (isinstance(password, str) and password.startswith("{secret:")):
        # Said here, as the general words would quote nothing and help nobody.
        raise DeclarationError(
            file, "password", 'must not stand in the file: write "{secret:NAME}" and set that secret'
        )
    declaration = typed(tree, SmppDeclaration, file, _MANUAL, _PARTS)
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
