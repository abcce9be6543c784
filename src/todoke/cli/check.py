"""`todoke check`: what the content check says of templates and texts in files, before anything is pushed."""

import sys
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.text import Text

from todoke.cli.common import client, fail, out, print_json
from todoke.cli.files import SUFFIXES, Fault, Kept, read_all

LONGEST_TEXT = 100_000
"""Bytes of a file of plain text."""
_STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}


class Checked(NamedTuple):
    """A file, a text or a stored template, and what was found."""

    name: str
    findings: list[dict[str, Any]]
    kept: Kept | None = None

    def place(self, finding: dict[str, Any]) -> str:
        """Where it stands, with the line where that is known."""
        if self.kept is None:
            return f"{self.name}{finding['pointer']}" if finding["pointer"] != "/text" else self.name
        line = self.kept.fault(finding["pointer"], "").line
        return f"{self.name}{'' if line is None else f':{line}'} {finding['pointer']}"


def check(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE…", help="Template files or folders (.json, .yaml), text files; - is the input."
        ),
    ] = None,
    country: Annotated[
        str | None, typer.Option(help="TW, TH or JP: the country of the LINE account.")
    ] = None,
    use_case: Annotated[
        str | None, typer.Option(help="Of a plain text: what it is for, such as delivery.")
    ] = None,
    language: Annotated[str | None, typer.Option(help="Of a plain text: zh-Hant, th, ja or en.")] = None,
    gateway: Annotated[
        bool,
        typer.Option("--gateway", help="Let the running gateway check: with your own rules and domains."),
    ] = False,
    stored: Annotated[
        bool,
        typer.Option(
            "--stored", help="Check what the gateway has stored by its rules of now; stores nothing."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Checks templates and texts. Needs no gateway, unless it is asked for. Ends with 1 where there are errors."""
    if country is not None and (country := country.upper()) not in ("TW", "TH", "JP"):
        fail("--country is TW, TH or JP.", 2)
    if stored == bool(files):
        fail("Name files to check, or give --stored. todoke check --help says more.", 2)
    checked: list[Checked] = []
    faults: list[Fault] = []
    if stored:
        checked = _stored()
    else:
        options = {"country": country, "use_case": use_case, "language": language}
        checked, faults = _files(files or [], {k: v for k, v in options.items() if v is not None}, gateway)
    errors = sum(x["severity"] == "error" for each in checked for x in each.findings)
    if as_json:
        print_json(
            {
                "checked": [{"name": x.name, "findings": x.findings} for x in checked],
                "unreadable": [str(x) for x in faults],
                "errors": errors,
            }
        )
    else:
        _show(checked, faults)
    if errors or faults:
        raise typer.Exit(1)


def _stored() -> list[Checked]:
    with client() as todoke:
        return [
            Checked(f"{x['name']} (version {x['version']})", todoke.findings(x["id"], fresh=True)["now"])
            for x in todoke.templates()
        ]


def _files(names: list[str], options: dict[str, str], gateway: bool) -> tuple[list[Checked], list[Fault]]:
    wanted: list[tuple[str, dict[str, Any], Kept | None]] = []
    faults: list[Fault] = []
    for name in names:
        path = Path(name)
        if name != "-" and (path.is_dir() or path.suffix.lower() in SUFFIXES):
            kept, bad = read_all(path)
            faults += bad
            wanted += [(str(x.path), {"template": x.value, **_country(options)}, x) for x in kept]
        else:
            wanted.append(("-" if name == "-" else str(path), {"text": _text(name), **options}, None))
    checked: list[Checked] = []
    found = _by_gateway(wanted) if gateway else _here(wanted)
    for (name, _, kept_file), result in zip(wanted, found, strict=True):
        if isinstance(result, list):
            checked.append(Checked(name, result, kept_file))
        else:
            pointer, message = result
            faults.append(
                Fault(Path(name), None, pointer, message)
                if kept_file is None
                else kept_file.fault(pointer, message)
            )
    return checked, faults


def _country(options: dict[str, str]) -> dict[str, str]:
    return {k: v for k, v in options.items() if k == "country"}


def _text(name: str) -> str:
    try:
        raw = sys.stdin.buffer.read(LONGEST_TEXT + 1) if name == "-" else _bytes(Path(name))
        text = raw.decode("utf-8-sig")
    except OSError as error:
        fail(f"{name} can't be read ({error.strerror}).", 2)
    except UnicodeDecodeError:
        fail(f"{name} is not in UTF-8: save it as such.", 2)
    if len(raw) > LONGEST_TEXT:
        fail(f"{name} is larger than {LONGEST_TEXT:,} bytes: no notice is as long.", 2)
    return text.strip()


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LONGEST_TEXT + 1)


_Result = list[dict[str, Any]] | tuple[str, str]
"""Findings, or the place and message of what makes it no template."""


def _here(wanted: list[tuple[str, dict[str, Any], Kept | None]]) -> list[_Result]:
    # Imported here: no other command needs the rules.
    import msgspec  # noqa: PLC0415

    from todoke.actions.content_check import about_of_country  # noqa: PLC0415
    from todoke.core import template as templates  # noqa: PLC0415
    from todoke.core.errors import InvalidTemplate  # noqa: PLC0415
    from todoke.storage.desks import built_in  # noqa: PLC0415

    made = built_in()
    found: list[_Result] = []
    for _, body, _ in wanted:
        if "text" in body:
            found.append(msgspec.to_builtins(made.text(**body)))
            continue
        try:
            template = templates.compile(body["template"])
        except InvalidTemplate as error:
            found.append((error.pointer, error.message))
        else:
            about = about_of_country(body.get("country"), template.use_case)
            found.append(msgspec.to_builtins(made.template(template, about)))
    return found


def _by_gateway(wanted: list[tuple[str, dict[str, Any], Kept | None]]) -> list[_Result]:
    from todoke_client import ProblemError  # noqa: PLC0415

    found: list[_Result] = []
    with client() as todoke:
        for _, body, _ in wanted:
            try:
                found.append(list(todoke.check(**body)["findings"]))
            except ProblemError as error:
                if error.status != 422:
                    raise
                found.append(error.errors[0] if error.errors else ("", error.detail))
    return found


def _show(checked: list[Checked], faults: list[Fault]) -> None:
    for fault in faults:
        out.print(Text.assemble(("unreadable ", "bold red"), str(fault)), soft_wrap=True)
    for each in checked:
        for x in each.findings:
            words = f" “{x['words']}”" if x["words"] else ""
            head = (f"{x['severity']:<8}", _STYLES[x["severity"]])
            line = Text.assemble(
                head, f"{each.place(x)}  ", (x["code"], "bold"), f"{words}\n         {x['remedy']}"
            )
            out.print(line, soft_wrap=True)
    counts = {kind: sum(x["severity"] == kind for each in checked for x in each.findings) for kind in _STYLES}
    said = (
        ", ".join(f"{n} {kind}{'' if n == 1 else 's'}" for kind, n in counts.items() if n) or "nothing found"
    )
    out.print(f"{len(checked)} checked: {said}." + (f" {len(faults)} can't be used." if faults else ""))
