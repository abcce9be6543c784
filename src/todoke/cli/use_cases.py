"""`todoke use-cases`: applications to use a use case, from draft to live; and `todoke templates move` and `history`."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from todoke.cli.common import client, fail, key_values, out, print_json
from todoke.cli.files import read_objects

app = typer.Typer(help="Applications to use a use case: from draft to live.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Application = Annotated[
    str, typer.Argument(metavar="APPLICATION", help="Its id, or its use case where one channel has applied.")
]
To = Annotated[str, typer.Argument(metavar="STATE", help="Where to: todoke use-cases show names the states.")]
By = Annotated[str, typer.Option(help="Who does it: a person's name.")]
Why = Annotated[str, typer.Option(help="Why; it stands in the history.")]
Evidence = Annotated[
    list[str] | None,
    typer.Option(help="A reference, a link, or the name of an attachment; may be given again."),
]
Language = Annotated[str, typer.Option(help="Of the checklist: zh-Hant, th, ja or en.")]

STYLE = {"live": "green", "suspended": "red", "rejected": "red", "changes_wanted": "yellow"}


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Lists your applications. todoke catalogue lists what can be applied for."""
    with client() as todoke:
        found, channels = todoke.applications(), {x["id"]: x["name"] for x in todoke.channels()}
    if as_json:
        print_json({"applications": found})
        return
    if not found:
        out.print(
            "Nobody has applied for a use case. todoke use-cases apply does; todoke catalogue lists them."
        )
        return
    table = Table("use case", "channel", "state", "answer expected", "id", header_style="dim", box=None)
    for x in found:
        state = Text(x["state"], STYLE.get(x["state"], ""))
        table.add_row(x["use_case"], channels.get(x["channel"], x["channel"]), state, _expected(x), x["id"])
    out.print(table)


def _expected(x: Mapping[str, Any]) -> str:
    if x["state"] != "in_review":
        return "-"
    span = f"{x['answer_from']} to {x['answer_until']}"
    return f"{span}, overdue" if x["overdue"] else span


@app.command()
def apply(
    use_case: Annotated[str, typer.Argument(help="A key of todoke catalogue, or one of your own.")],
    channel: Annotated[str, typer.Option("--channel", "-c", help="The channel's name or id.")],
    by: By,
    description: Annotated[
        str | None, typer.Option(help="What it is about; a use case of your own needs it.")
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(help="Of your own: language=name, as zh-Hant=停車證; may be given again."),
    ] = None,
    urgency: Annotated[str | None, typer.Option(help="Of your own: over 1d, 1d, 1h or 5m.")] = None,
    limits: Annotated[str | None, typer.Option(help="Of your own: what it is limited to.")] = None,
    timing: Annotated[str | None, typer.Option(help="Of your own: completion, reminder or none.")] = None,
    no_verification: Annotated[
        bool, typer.Option("--no-verification", help="No-phone-verification mode (Taiwan).")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Applies to use a use case on a channel: a draft, whose checklist says what LINE asks for."""
    more = {
        "description": description,
        "names": key_values(name) if name else None,
        "urgency": urgency,
        "limits": limits,
        "timing": timing,
        "no_verification": no_verification,
    }
    with client() as todoke:
        made = todoke.apply(channel, use_case, by=by, **{k: v for k, v in more.items() if v is not None})
    print_json(made) if as_json else _show(made, "en")


@app.command()
def show(application: Application, language: Language = "en", as_json: AsJson = False) -> None:
    """Shows an application: its checklist, templates, attachments and history."""
    with client() as todoke:
        found = todoke.application(application)
    print_json(found) if as_json else _show(found, language)


@app.command()
def checklist(
    application: Application,
    by: By,
    item: Annotated[
        list[str] | None,
        typer.Option("--item", "-i", help="item=text; may be given again. No text takes it out."),
    ] = None,
    file: Annotated[Path | None, typer.Option(help="A YAML or JSON file: item → text.")] = None,
    language: Language = "en",
    as_json: AsJson = False,
) -> None:
    """Fills in the checklist."""
    given: dict[str, Any] = {}
    if file is not None:
        ((_, given),) = read_objects(file) if file.is_file() else fail(f"There is no file {file}.")
    given |= {k: v or None for k, v in key_values(item or []).items()}
    if not given:
        fail("Nothing is given: write --item situation=…, or --file with item → text.", 2)
    with client() as todoke:
        found = todoke.fill_checklist(application, given, by=by)
    print_json(found) if as_json else _show(found, language)


@app.command()
def move(
    application: Application,
    to: To,
    by: By,
    why: Why,
    evidence: Evidence = None,
    template: Annotated[
        list[str] | None,
        typer.Option(help="To in_review: only this template goes with it; may be given again."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Moves an application: in_review, approved, contract_signed, acceptance_passed, live, suspended …"""
    with client() as todoke:
        found = todoke.move_application(
            application, to, by=by, why=why, evidence=evidence or None, templates=template or None
        )
    if as_json:
        print_json(found)
        return
    out.print(f"{found['use_case']} is at {found['state']}. Next: {', '.join(found['may_go_to'])}.")
    if found["state"] == "in_review":
        out.print(f"LINE's answer is to be expected {_expected(found)}.")


@app.command()
def comment(
    application: Application,
    text: Annotated[str, typer.Argument(help="What is to be remembered.")],
    by: By,
    as_json: AsJson = False,
) -> None:
    """Adds a comment to the history."""
    with client() as todoke:
        found = todoke.comment_application(application, text, by=by)
    print_json(found) if as_json else out.print("Added.")


@app.command()
def attach(
    application: Application,
    file: Annotated[
        Path, typer.Argument(help="PDF, PNG, JPEG, WebP, MP4, HTML, CSV or text, at most 10 MB.")
    ],
    by: By,
    as_json: AsJson = False,
) -> None:
    """Adds a file, which can then be named as evidence."""
    if not file.is_file():
        fail(f"There is no file {file}.")
    with client() as todoke:
        added = todoke.attach(application, file, by=by)
    if as_json:
        print_json(added)
    else:
        out.print(
            f"Added {added['name']} ({added['size']:,} bytes): {added['id']}", markup=False, soft_wrap=True
        )


def _show(found: Mapping[str, Any], language: str) -> None:
    if found["checklist"] and language not in found["checklist"][0]["texts"]:
        fail(f"--language is {language!r}; it can be {', '.join(found['checklist'][0]['texts'])}.", 2)
    for line in _lines(found, language):
        out.print(line, markup=False, soft_wrap=True)


def _lines(found: Mapping[str, Any], language: str) -> Iterable[str]:
    since = _day(found["state_at"])
    yield f"{found['use_case']} ({found['country']}) is at {found['state']} since {since}.  {found['id']}"
    yield f"Next: {', '.join(found['may_go_to'])}."
    if found["state"] == "in_review":
        yield f"LINE's answer is to be expected {_expected(found)}."
    yield "Checklist"
    for x in found["checklist"]:
        text = x["texts"][language]
        yield f"  {'+' if x['complete'] else '-'} {x['item']}: {text['title']}"
        yield f"      {x['given'] or text['asks']}"
    for x in found["templates"]:
        yield f"Template {x['template']}, version {x['version']}: {x['review']}"
    for x in found["attachments"]:
        yield f"Attachment {x['name']} ({x['size']:,} bytes, {x['by']}): {x['id']}"
    yield from _history(found["history"])


def _history(events: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    yield "History"
    for x in events:
        what = f"{x['from'] or 'made'} → {x['to']}" if x["kind"] == "transition" else x["kind"]
        yield f"  {_day(x['at'])}  {x['by']}: {what}{': ' + x['why'] if x['why'] else ''}"
        if x["kind"] == "transition" and x["evidence"]:
            pieces = (piece.get("name") or next(iter(piece.values())) for piece in x["evidence"])
            yield f"      evidence: {', '.join(pieces)}"


def _day(at: str) -> str:
    return at[:16].replace("T", " ")


def template_move(
    template: Annotated[str, typer.Argument(help="Its name, for the newest version, or an id.")],
    to: To,
    by: By,
    why: Why,
    evidence: Evidence = None,
    as_json: AsJson = False,
) -> None:
    """Moves a template's version in its review: in_review, approved, changes_wanted, rejected, draft."""
    with client() as todoke:
        found = todoke.move_template(template, to, by=by, why=why, evidence=evidence or None)
    if as_json:
        print_json(found)
    else:
        out.print(f"{found['template']}, version {found['version']}, is at {found['review']}.", markup=False)


def template_history(
    template: Annotated[str, typer.Argument(help="Its name, for the newest version, or an id.")],
    as_json: AsJson = False,
) -> None:
    """Shows where a template's version stands in its review, and who did what when and why."""
    with client() as todoke:
        found = todoke.template_history(template)
    if as_json:
        print_json(found)
        return
    out.print(f"{found['template']}, version {found['version']}: {found['review']}", markup=False)
    for line in _history(found["history"]):
        out.print(line, markup=False, soft_wrap=True)
