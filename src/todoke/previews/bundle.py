"""Our own JavaScript modules and style sheets, put together into one script and one sheet.

A page of one file can't import modules, and a policy that lets scripts be loaded from `data:` would let in those of
a message, too. The modules are few and written in one manner, so nothing of a real bundler is needed: whatever is
written otherwise is refused here, when the page is first made.
"""

import re
from functools import cache
from pathlib import Path, PurePosixPath

from line_catalogue import looks

HERE = Path(__file__).parent / "files"
_ROOTS = {"/static": looks.folder(), "/previews": HERE}
"""Where a module's address leads; `/static` is what the emulator's phone asks for as well."""
_MAIN = "/previews/preview.js"
_SHEETS = (
    "/static/messages/messages.css",
    "/static/phone/parts.css",
    "/static/phone/chat.css",
    "/previews/preview.css",
)
_IMPORT = re.compile(r'^import\s+(\{[^}]*\}|\*\s+as\s+\w+)\s+from\s+"([^"]+)";\n', re.MULTILINE)
_PASSED_ON = re.compile(r'^export\s+(\{[^}]*\})\s+from\s+"([^"]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export\s+((?:async\s+)?function|const|class)\s+(\w+)", re.MULTILINE)
_LEFT = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


class BundleError(Exception):
    """A module that is written in a way that can't be put together; the text names it."""


@cache
def script() -> str:
    """The page's script: every module a function of its own, those that others need first."""
    modules: dict[str, str] = {}
    _add(_MAIN, modules, ())
    text = '(() => {\n"use strict";\n' + "".join(modules.values()) + "})();\n"
    if re.search(r"</script|<!--", text, re.IGNORECASE):
        raise BundleError("A module holds </script or <!--, which would end the script of the page")
    return text


@cache
def sheet() -> str:
    """The page's style sheet."""
    text = "".join(_read(address) for address in _SHEETS)
    if "</style" in text.lower() or "url(" in text or "@import" in text:
        raise BundleError("A style sheet ends its element or asks for another file")
    return text


def _read(address: str) -> str:
    root = next(root for root in _ROOTS if address.startswith(root + "/"))
    return (_ROOTS[root] / address.removeprefix(root + "/")).read_text(encoding="utf-8")


def _add(address: str, modules: dict[str, str], above: tuple[str, ...]) -> None:
    """Adds a module behind all that it imports."""
    if address in above:
        raise BundleError(f"{address} imports itself by way of {' → '.join(above)}")
    if address in modules:
        return
    source = _read(address)
    head: list[str] = []
    names: list[str] = []
    for wanted, other in _IMPORT.findall(source):
        found = _resolved(other, address)
        _add(found, modules, (*above, address))
        taken = (
            wanted.removeprefix("*").split()[-1] if wanted.startswith("*") else wanted.replace(" as ", ": ")
        )
        head.append(f"const {taken} = {_name(found)};\n")
    for wanted, other in _PASSED_ON.findall(source):
        found = _resolved(other, address)
        _add(found, modules, (*above, address))
        passed = [name.strip() for name in wanted.strip("{} \n").split(",") if name.strip()]
        names += [f"{name}: {_name(found)}.{name}" for name in passed]
    names += [name for _, name in _EXPORT.findall(source)]
    body = _EXPORT.sub(r"\1 \2", _PASSED_ON.sub("", _IMPORT.sub("", source)))
    if left := _LEFT.search(body):
        raise BundleError(f"{address}: can't read {left[0][:80]!r}")
    modules[address] = (
        f"const {_name(address)} = (() => {{\n{''.join(head)}{body}return {{ {', '.join(names)} }};\n}})();\n"
    )


def _resolved(other: str, address: str) -> str:
    if other.startswith("/"):
        return other
    parts: list[str] = []
    for part in (*PurePosixPath(address).parent.parts[1:], *PurePosixPath(other).parts):
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/" + "/".join(parts)


def _name(address: str) -> str:
    return "_" + re.sub(r"\W", "_", address.removesuffix(".js"))
