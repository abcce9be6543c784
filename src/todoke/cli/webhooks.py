"""`todoke webhooks`: where this gateway posts its own webhooks."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from todoke.cli.common import client, fail, out, print_json

app = typer.Typer(help="Webhooks to your own systems.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Endpoint = Annotated[
    str, typer.Argument(metavar="ID", help="Of the endpoint; todoke webhooks list shows it.")
]


@app.command("list")
def webhooks_list(as_json: AsJson = False) -> None:
    """Lists the endpoints."""
    with client() as todoke:
        found = todoke.webhook_endpoints()
    if as_json:
        print_json({"webhook_endpoints": found})
        return
    if not found:
        out.print("There is no endpoint. Add one with todoke webhooks add.")
        return
    table = Table("id", "events", "URL", header_style="dim", box=None, pad_edge=False)
    for endpoint in found:
        table.add_row(endpoint["id"], " ".join(endpoint["events"]), endpoint["url"])
    out.print(table, markup=False)


@app.command("add")
def webhooks_add(
    url: Annotated[str, typer.Argument(help="https, and reachable from here.")],
    event: Annotated[list[str], typer.Option("--event", "-e", help="Which events; may be given again.")],
    secret_file: Annotated[
        Path | None, typer.Option(help="A file with the secret to sign with. Left out: a new one is made.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Adds an endpoint. Its secret is shown this once."""
    try:
        secret = None if secret_file is None else secret_file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{secret_file} can't be read ({error}).")
    with client() as todoke:
        made = todoke.create_webhook_endpoint(url=url, events=event, secret=secret)
    if as_json:
        print_json(made)
        return
    out.print(f"Added {made['id']}. Its webhooks are signed with this secret, shown this once:")
    out.print(made["secret"], soft_wrap=True, markup=False)


@app.command("change")
def webhooks_change(
    endpoint: Endpoint,
    url: Annotated[str | None, typer.Option(help="Where it is now.")] = None,
    event: Annotated[
        list[str] | None, typer.Option("--event", "-e", help="Which events from now on; may be given again.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Changes an endpoint's URL or events."""
    if url is None and not event:
        fail("Say what to change: --url, or --event.", 2)
    with client() as todoke:
        found = todoke.change_webhook_endpoint(endpoint, url=url, events=event or None)
    if as_json:
        print_json(found)
    else:
        out.print(
            f"{found['id']}: {' '.join(found['events'])} to {found['url']}", markup=False, soft_wrap=True
        )


@app.command("remove")
def webhooks_remove(endpoint: Endpoint) -> None:
    """Removes an endpoint; nothing is posted to it any more."""
    with client() as todoke:
        todoke.remove_webhook_endpoint(endpoint)
    out.print("Removed.")
