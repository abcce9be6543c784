"""`todoke webhooks`: where this gateway posts its own webhooks, and what became of them."""

import json
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from todoke.cli.common import client, fail, out, print_json

app = typer.Typer(help="Webhooks to your own systems.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Endpoint = Annotated[
    str, typer.Argument(metavar="ID", help="Of the endpoint; todoke webhooks list shows it.")
]
Posting = Annotated[str, typer.Argument(metavar="WEBHOOK-ID", help="todoke webhooks log shows it.")]
Event = Annotated[
    list[str],
    typer.Option("--event", "-e", help="Such as notice.delivered, notice.* or '*'; may be given again."),
]
SecretFile = Annotated[
    Path | None, typer.Option(help="A file with the secret to sign with. Left out: a new one is made.")
]
Words = Annotated[str | None, typer.Option(help="A description, for people.")]


@app.command("list")
def webhooks_list(as_json: AsJson = False) -> None:
    """Lists the endpoints and how they fare."""
    with client() as todoke:
        found = todoke.webhook_endpoints()
    if as_json:
        print_json({"webhook_endpoints": found})
        return
    if not found:
        out.print("There is no endpoint. Add one with todoke webhooks add.")
        return
    table = Table("id", "state", "waiting", "events", "URL", header_style="dim", box=None, pad_edge=False)
    for endpoint in found:
        table.add_row(
            endpoint["id"],
            endpoint["state"],
            str(endpoint["open"]),
            " ".join(endpoint["events"]),
            endpoint["url"],
        )
    out.print(table, markup=False)
    for endpoint in found:
        if endpoint["paused_why"]:
            out.print(f"{endpoint['id']} is paused: {endpoint['paused_why']}", markup=False, soft_wrap=True)
        elif endpoint["failing_since"]:
            line = f"{endpoint['id']}: every try has failed since {endpoint['failing_since']}"
            out.print(line, markup=False, soft_wrap=True)


@app.command("add")
def webhooks_add(
    url: Annotated[str, typer.Argument(help="https, and reachable from here.")],
    event: Event,
    secret_file: SecretFile = None,
    description: Words = None,
    as_json: AsJson = False,
) -> None:
    """Adds an endpoint. Its secret is shown this once."""
    secret = _read_secret(secret_file)
    with client() as todoke:
        made = todoke.create_webhook_endpoint(url=url, events=event, secret=secret, description=description)
    if as_json:
        print_json(made)
        return
    out.print(f"Added {made['id']}. Its webhooks are signed with this secret, shown this once:")
    out.print(made["secret"], soft_wrap=True, markup=False)


def _read_secret(file: Path | None) -> str | None:
    try:
        return None if file is None else file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file} can't be read ({error}).")


@app.command("change")
def webhooks_change(
    endpoint: Endpoint,
    url: Annotated[str | None, typer.Option(help="Where it is now.")] = None,
    event: Annotated[
        list[str] | None, typer.Option("--event", "-e", help="Which events from now on; may be given again.")
    ] = None,
    description: Words = None,
    as_json: AsJson = False,
) -> None:
    """Changes an endpoint's URL, events or description."""
    if url is None and not event and description is None:
        fail("Say what to change: --url, --event, or --description.", 2)
    with client() as todoke:
        found = todoke.change_webhook_endpoint(
            endpoint, url=url, events=event or None, description=description
        )
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


@app.command("pause")
def webhooks_pause(endpoint: Endpoint) -> None:
    """Posts nothing to an endpoint until it is resumed; what happens meanwhile is queued."""
    with client() as todoke:
        todoke.pause_webhook_endpoint(endpoint)
    out.print("Paused. What happens is queued for 30 days; todoke webhooks resume lets it go out.")


@app.command("resume")
def webhooks_resume(endpoint: Endpoint) -> None:
    """Posts to an endpoint again, beginning with what is queued."""
    with client() as todoke:
        found = todoke.resume_webhook_endpoint(endpoint)
    out.print(f"Resumed: {found['open']} queued webhooks go out now.")


@app.command("test")
def webhooks_test(endpoint: Endpoint, as_json: AsJson = False) -> None:
    """Posts a test now and says what came back. Exit code 1: it was not taken."""
    with client() as todoke:
        told = todoke.test_webhook_endpoint(endpoint)
    if as_json:
        print_json(told)
    elif told["taken"]:
        out.print(f"Taken: {told['status']} after {told['took_ms']} ms.")
    else:
        status = "no answer" if told["status"] is None else told["status"]
        out.print(f"Not taken: {status} after {told['took_ms']} ms ({told['detail']}).", markup=False)
        out.print(told["remedy"], markup=False, soft_wrap=True)
    if not told["taken"]:
        raise typer.Exit(1)


@app.command("rotate-secret")
def webhooks_rotate(
    endpoint: Endpoint,
    secret_file: SecretFile = None,
    at_once: Annotated[
        bool, typer.Option(help="The old one signs no more, as when somebody has seen it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Gives an endpoint another secret, shown this once; for 24 hours the old one signs too."""
    secret = _read_secret(secret_file)
    with client() as todoke:
        made = todoke.rotate_webhook_secret(endpoint, secret=secret, at_once=at_once)
    if as_json:
        print_json(made)
        return
    until = made["old_secret_until"]
    old = "The old one signs no more." if until is None else f"The old one signs too until {until}."
    out.print(f"The new secret, shown this once. {old}")
    out.print(made["secret"], soft_wrap=True, markup=False)


@app.command("log")
def webhooks_log(
    endpoint: Endpoint,
    state: Annotated[str | None, typer.Option(help="open, taken, failed or dropped.")] = None,
    event: Annotated[str | None, typer.Option("--event", "-e", help="Such as notice.delivered.")] = None,
    about: Annotated[str | None, typer.Option(help="The id of a notice, a binding, a batch …")] = None,
    limit: Annotated[int, typer.Option(min=1, help="So many at most, the newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Shows what was posted to an endpoint, and how it went."""
    given = {"state": state, "event": event, "about": about, "limit": str(min(limit, 500))}
    with client() as todoke:
        pages = todoke.postings(endpoint, **{k: v for k, v in given.items() if v is not None})
        found = list(islice(pages, limit))
    if as_json:
        print_json({"postings": found})
        return
    table = Table(
        "webhook-id", "at", "event", "state", "tries", "last", header_style="dim", box=None, pad_edge=False
    )
    for x in found:
        table.add_row(x["id"], x["created_at"], x["event"], x["state"], str(len(x["tries"])), _last(x))
    out.print(table, markup=False)


def _last(posting: dict[str, Any]) -> str:
    return " ".join(str(posting[k]) for k in ("status", "detail") if posting[k] is not None)


@app.command("show")
def webhooks_show(
    endpoint: Endpoint,
    webhook: Posting,
    _: Annotated[
        bool, typer.Option("--json", help="As with other commands; this one prints JSON anyway.")
    ] = True,
) -> None:
    """Prints one webhook with its tries and its body, as JSON."""
    with client() as todoke:
        found = todoke.posting(endpoint, webhook)
    out.print(json.dumps(found, ensure_ascii=False, indent=2), markup=False, soft_wrap=True)


@app.command("replay")
def webhooks_replay(
    endpoint: Endpoint,
    webhook: Annotated[
        str | None, typer.Argument(metavar="[WEBHOOK-ID]", help="One of them; or give --from.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="What happened from then on, such as 2026-08-07T09:00:00Z.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="And before then. Left out: now.")] = None,
    only_failed: Annotated[bool, typer.Option(help="Only what was given up.")] = False,
) -> None:
    """Posts webhooks again, each with the same webhook-id."""
    if (webhook is None) == (since is None):
        fail("Name a webhook-id, or a time with --from.", 2)
    with client() as todoke:
        if webhook is not None:
            todoke.replay_posting(endpoint, webhook)
            count = 1
        else:
            count = todoke.replay_webhooks(endpoint, since=since or "", until=until, only_failed=only_failed)
    out.print(f"{count} go out again.")
