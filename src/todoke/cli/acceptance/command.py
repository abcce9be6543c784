"""The command `todoke acceptance`: its options, and what it says in the end."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from todoke.cli.common import client, err, fail, out

if TYPE_CHECKING:
    from todoke.cli.acceptance.results import Made

_FAULT_KINDS = ("latency", "status_before", "status_after", "disconnect_before", "disconnect_after", "drop",
                "duplicate", "reorder", "delay")  # fmt: skip


def acceptance(
    use_case: Annotated[str, typer.Argument(metavar="USE_CASE", help="Its key, such as delivery.")],
    language: Annotated[
        list[str] | None,
        typer.Option("--language", help="zh-Hant, th, ja, en or all. Left out: the region's."),
    ] = None,
    region: Annotated[str | None, typer.Option(help="TW, TH or JP. Left out: where LINE lists it.")] = None,
    template: Annotated[
        Path | None, typer.Option(help="Your own template, as a file. Left out: a sample.")
    ] = None,
    account: Annotated[str | None, typer.Option(help="The official account's name in the report.")] = None,
    folder: Annotated[Path, typer.Option("--out", help="Where the reports go.")] = Path("acceptance"),
    scenario: Annotated[
        list[str] | None, typer.Option(help="Only this one, such as consent_pin; may be given again.")
    ] = None,
    fault: Annotated[
        str | None,
        typer.Option(help="A fault of the emulator, such as webhook:drop: to see that the report can fail."),
    ] = None,
    against_line: Annotated[
        Path | None,
        typer.Option(help="A plan: the same with real test numbers, through the running gateway."),
    ] = None,
    photos: Annotated[
        Path | None, typer.Option(help="With --against-line: a folder with pictures of the phones.")
    ] = None,
    attach: Annotated[
        str | None, typer.Option(help="An application of the running gateway, to add the reports to.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Plays what can become of a notice against an emulator, films the phone, and writes a report for LINE."""
    from todoke.cli.acceptance.results import as_json as json_of  # noqa: PLC0415
    from todoke.cli.acceptance.run import Asked, play  # noqa: PLC0415
    from todoke.cli.acceptance.scenarios import BY_KEY  # noqa: PLC0415
    from todoke.cli.acceptance.subject import find_use_case, own_template  # noqa: PLC0415

    given = None if template is None else own_template(template)
    case = find_use_case(use_case, region, given)
    for key in scenario or []:
        if key not in BY_KEY:
            fail(f"{key[:60]!r} is no scenario. There are: {', '.join(BY_KEY)}.", 2)
    if against_line is not None:
        _against_line(case, against_line, folder, photos)
        return
    asked = Asked(
        use_case=case,
        languages=_languages(language or [], case.region),
        chosen=tuple(scenario or ()),
        template=given,
        account=_account(account),
        out=folder,
        chromium=os.environ.get("TODOKE_CHROMIUM") or None,
        fault=_fault(fault),
    )
    if attach is not None:
        check_application(attach, case.key)
    try:
        made = play(asked)
    except KeyboardInterrupt:
        fail("Stopped. Nothing was written for the language that was being played.", 130)
    if as_json:
        print(json_of(made))
    else:
        for one in made:
            count = len(one.run.results)
            out.print(
                f"{one.run.language}: {one.run.count_passed} of {count} scenarios as expected", markup=False
            )
            out.print(f"  {one.html}\n  {one.pdf}", soft_wrap=True, markup=False)
    if attach is not None:
        add_reports(attach, made)
    if not all(one.run.passed for one in made):
        raise typer.Exit(1)


def check_application(application: str, use_case: str) -> None:
    """Ends the command, before minutes are spent, where the reports could not be added."""
    with client() as todoke:
        found = todoke.application(application)
    if found["use_case"] != use_case:
        fail(f"The application is for {found['use_case']!r}, and this run is for {use_case!r}.")


def add_reports(application: str, made: "list[Made]") -> None:
    """Adds the reports that passed. Moving the application on stays a person's act."""
    with client() as todoke:
        for one in made:
            if not one.run.passed:
                err.print(f"{one.html.name} was not added: not all of it went as expected.", markup=False)
                continue
            for path in (one.html, one.pdf):
                added = todoke.attach(application, path)
                err.print(f"{path.name} was added to the application as {added['id']}", markup=False)


def _against_line(case: Any, plan_file: Path, folder: Path, photos: Path | None) -> None:
    """Goes on with the plan. Exit 1 where something did not hold; 3 while results are still to come."""
    from todoke.cli.acceptance.against import Asking  # noqa: PLC0415
    from todoke.cli.acceptance.against_report import play  # noqa: PLC0415
    from todoke.cli.acceptance.plan import read_plan  # noqa: PLC0415

    if not sys.stdin.isatty():
        fail("--against-line asks you what to see on the phones: run it in a terminal.", 2)
    plan = read_plan(plan_file)
    asking = Asking(
        ask=lambda words: str(typer.prompt(words, prompt_suffix=" > ", err=True)),
        tell=lambda words: err.print(words, markup=False),
    )
    try:
        with client() as todoke:
            chromium = os.environ.get("TODOKE_CHROMIUM") or None
            path, finished, held = play(plan, case, todoke, folder, photos, asking, chromium)
    except (KeyboardInterrupt, typer.Abort):
        fail("Stopped. What was answered is kept; the same command goes on from there.", 130)
    out.print(str(path), soft_wrap=True, markup=False)
    if not finished:
        raise typer.Exit(3)
    if not held:
        raise typer.Exit(1)


def _languages(given: list[str], region: str) -> list[str]:
    import line_catalogue  # noqa: PLC0415
    from todoke.cli.acceptance.texts import LANGUAGES  # noqa: PLC0415

    if not given:
        return [line_catalogue.countries()[region].language]
    if "all" in given:
        return list(LANGUAGES)
    for code in given:
        if code not in LANGUAGES:
            fail(f"{code[:40]!r} is no language of the report; it can be {', '.join(LANGUAGES)} or all.", 2)
    return list(dict.fromkeys(given))


def _account(given: str | None) -> str | None:
    if given is None:
        return None
    name = given.strip()
    if not name or len(name) > 60 or not name.isprintable():
        fail("--account is the official account's name: 1 to 60 printable characters.", 2)
    return name


def _fault(given: str | None) -> dict[str, Any] | None:
    if given is None:
        return None
    target, _, kind = given.partition(":")
    if target not in ("api", "webhook") or kind not in _FAULT_KINDS:
        kinds = ", ".join(_FAULT_KINDS)
        fail(f"--fault is {given[:60]!r}; it must be api or webhook, a colon, and one of {kinds}.", 2)
    return {"target": target, "kind": kind}
