"""The command line: `todoke --help`."""

import contextlib
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from todoke import __version__
from todoke.cli import (
    alarms,
    batch_show,
    hub,
    keys_granted,
    report,
    show,
    suppressions,
    templates,
    use_cases,
    webhooks,
)
from todoke.cli import batches as batch_commands
from todoke.cli.acceptance.command import acceptance
from todoke.cli.bindings import bindings
from todoke.cli.catalogue import catalogue
from todoke.cli.check import check
from todoke.cli.common import client, fail, key_values, out, print_json
from todoke.cli.forecast import forecast
from todoke.cli.friends import friends
from todoke.cli.messages import message, message_lines
from todoke.cli.previews import preview
from todoke.cli.recipients import recipients
from todoke.cli.reconcile import reconcile
from todoke_client import ProblemError

app = typer.Typer(
    name="todoke",
    help="Official notices over LINE, each followed to a known end.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
keys = typer.Typer(help="API keys.", no_args_is_help=True)
channels = typer.Typer(help="LINE channels: registered, listed, set up.", no_args_is_help=True)
policies = typer.Typer(help="Policies: which step comes when.", no_args_is_help=True)
app.add_typer(keys, name="keys")
app.add_typer(channels, name="channels")
app.add_typer(templates.app, name="templates")
app.add_typer(policies, name="policies")
app.add_typer(batch_commands.app, name="batches")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(hub.app, name="hub")
app.add_typer(alarms.app)
app.add_typer(friends, name="friends")
app.add_typer(suppressions.app, name="suppressions")
app.add_typer(suppressions.sources, name="sources")
app.add_typer(report.app, name="report")
app.add_typer(bindings, name="bindings")
app.add_typer(recipients, name="recipients")
app.add_typer(use_cases.app, name="use-cases")
templates.app.command("move")(use_cases.template_move)
templates.app.command("history")(use_cases.template_history)
app.add_typer(keys_granted.app, name="granted-keys")
app.command("catalogue")(catalogue)
templates.app.command("preview")(preview)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Channel = Annotated[str, typer.Option("--channel", "-c", help="The channel's name or id.")]
Template = Annotated[str, typer.Option("--template", "-t", help="The template's name.")]
Source = Annotated[
    str | None, typer.Option(help="Where the numbers came from; todoke sources list names them.")
]
Language = Annotated[
    str | None,
    typer.Option(help="Which of the template's languages: zh-Hant, th, ja, en. Left out: its own."),
]
Policy = Annotated[
    str | None, typer.Option("--policy", help="A policy's name. Left out: by the use case's urgency.")
]


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        print(f"todoke {__version__}")
        raise typer.Exit


@app.command()
def serve() -> None:
    """Runs the gateway: API, webhooks and sending. Settings are in docs/settings.md."""
    from todoke.cli.serve import serve as run  # noqa: PLC0415

    run()


@app.command()
def migrate() -> None:
    """Brings the database to this version. `serve` does so by itself."""
    from todoke.cli.serve import migrate as run  # noqa: PLC0415

    run()


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the report instead of staying up.")] = False,
    port: Annotated[int, typer.Option(help="The gateway's port; the emulator takes the next free one.")] = 0,
) -> None:
    """Sends a sample list through gateway and emulator, 24 hours in seconds, and reports."""
    from todoke.cli.demo import demo as run  # noqa: PLC0415

    run(once=once, port=port)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Says what is missing or wrong in the set-up, one line a finding, with the remedy."""
    from todoke.cli.doctor.run import doctor as run  # noqa: PLC0415

    run(as_json=as_json)


@keys.command("create")
def keys_create(
    name: Annotated[str, typer.Argument(help="What the key is for.")] = "command line",
    account: Annotated[str | None, typer.Option(help="The account; made if there is none.")] = None,
    as_json: AsJson = False,
) -> None:
    """Makes an API key, on the data folder itself: no server needs to run. It is shown this once."""
    from todoke.cli.serve import new_key  # noqa: PLC0415

    key = new_key(name, account)
    print_json({"key": key}) if as_json else print(key)


@channels.command("list")
def channels_list(as_json: AsJson = False) -> None:
    """Lists the channels."""
    with client() as todoke:
        found = todoke.channels()
    print_json({"channels": found}) if as_json else out.print(show.channels(found))


@channels.command("add")
def channels_add(
    name: Annotated[str, typer.Argument(help="Your name for it.")],
    region: Annotated[str, typer.Option(help="TW, TH or JP: the country of the LINE account.")],
    line_channel_id: Annotated[str, typer.Option(help="From the LINE Developers Console.")],
    secret_file: Annotated[
        Path, typer.Option(help="A file with the channel secret; - reads it from the input.")
    ],
    token_file: Annotated[Path | None, typer.Option(help="A file with the channel access token.")] = None,
    key_file: Annotated[
        Path | None, typer.Option(help="A file with the private key that Todoke gets access tokens with.")
    ] = None,
    key_id: Annotated[str | None, typer.Option(help="LINE's kid of that key, if it is PEM.")] = None,
    mode: Annotated[str, typer.Option(help="live, or test: only the test numbers get anything.")] = "live",
    test_number: Annotated[list[str] | None, typer.Option(help="A test number; may be given again.")] = None,
    provider: Annotated[
        str, typer.Option(help="Your name for its LINE provider; channels of one share user IDs.")
    ] = "default",
    as_json: AsJson = False,
) -> None:
    """Registers a channel. Secrets are read from files, so that no list of processes shows them."""
    values: dict[str, Any] = {
        "name": name,
        "region": region,
        "line_channel_id": line_channel_id,
        "secret": _secret(secret_file),
        "mode": mode,
        "test_numbers": test_number or [],
        "provider": provider,
    }
    if token_file is not None:
        values["access_token"] = _secret(token_file)
    if key_file is not None:
        values |= {"private_key": _secret(key_file), "key_id": key_id}
    with client() as todoke:
        channel = todoke.create_channel(**values)
    if as_json:
        print_json(channel)
    else:
        out.print(
            f"Registered {channel['name']}. Enter this webhook URL at LINE, and switch redelivery on there:"
        )
        out.print(f"  {channel['webhook_url']}", soft_wrap=True)


@channels.command("resume")
def channels_resume(
    channel: Annotated[str, typer.Argument(help="Its name or id.")], as_json: AsJson = False
) -> None:
    """Lets a paused channel send again."""
    with client() as todoke:
        found = todoke.resume_channel(channel)
    print_json(found) if as_json else out.print(show.channels([found]))


@channels.command("connect")
def channels_connect(
    channel: Annotated[str, typer.Argument(help="Its name or id.")], as_json: AsJson = False
) -> None:
    """Sets the channel's webhook URL at LINE to this gateway, and lets LINE try it."""
    from todoke.cli.connect import connect  # noqa: PLC0415

    connect(channel, as_json=as_json)


def _secret(file: Path) -> str:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file} can't be read ({error}).")
    return text.strip()


@policies.command("push")
def policies_push(
    folder: Annotated[Path, typer.Argument(help="A folder of .json or .yaml files, or one file.")],
    as_json: AsJson = False,
) -> None:
    """Makes policies from files; what has not changed stays the version it is."""
    from todoke.cli.files import read_objects  # noqa: PLC0415

    with client() as todoke:
        made = [todoke.create_policy(policy) for _, policy in read_objects(folder)]
    print_json({"policies": made}) if as_json else out.print(show.policies(made))


@policies.command("list")
def policies_list(as_json: AsJson = False) -> None:
    """Lists the named policies, the newest version of each."""
    with client() as todoke:
        found = todoke.policies()
    print_json({"policies": found}) if as_json else out.print(show.policies(found))


@channels.command("token")
def channels_token(
    channel: Annotated[str, typer.Argument(help="Its name or id.")],
    token_file: Annotated[
        Path, typer.Argument(help="A file with the access token; - reads it from the input.")
    ],
    as_json: AsJson = False,
) -> None:
    """Sets a new access token; a paused channel sends again with it."""
    with client() as todoke:
        found = todoke.change_channel(channel, access_token=_secret(token_file))
    print_json(found) if as_json else out.print(show.channels([found]))


app.command()(message)
app.command()(check)
app.command()(forecast)
app.command()(acceptance)


@channels.command("key")
def channels_key(
    channel: Annotated[str, typer.Argument(help="Its name or id.")],
    key_file: Annotated[Path, typer.Argument(help="A file with the private key; - reads it from the input.")],
    key_id: Annotated[str | None, typer.Option(help="LINE's kid of that key, if it is PEM.")] = None,
    as_json: AsJson = False,
) -> None:
    """Lets Todoke issue and renew the channel's access tokens with a private key from now on."""
    with client() as todoke:
        found = todoke.change_channel(channel, private_key=_secret(key_file), key_id=key_id)
    print_json(found) if as_json else out.print(show.channels([found]))


@app.command()
def cancel(
    notice: Annotated[str, typer.Argument(metavar="ID", help="Of a notice.")], as_json: AsJson = False
) -> None:
    """Cancels a notice: no further step begins. What a carrier has taken may still arrive."""
    with client() as todoke:
        found = todoke.cancel(notice)
    print_json(found) if as_json else out.print(show.notice(found))


@app.command()
def send(
    to: Annotated[str, typer.Argument(help="The phone number, as people type it.")],
    channel: Channel,
    template: Template,
    parameter: Annotated[
        list[str] | None, typer.Option("-p", help="name=value, once for each parameter.")
    ] = None,
    policy: Policy = None,
    reference: Annotated[
        str | None, typer.Option(help="Your own name for it, such as an order number.")
    ] = None,
    deadline: Annotated[str | None, typer.Option(help="No step begins later: 24h, or a time.")] = None,
    source: Source = None,
    language: Language = None,
    event_at: Annotated[
        str | None, typer.Option(help="When that is which it tells of: 2026-08-10T18:30:00+08:00.")
    ] = None,
    idempotency_key: Annotated[str | None, typer.Option(help="The same key sends once in 24 hours.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen; store and send nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Sends one notice."""
    with client() as todoke:
        notice = todoke.send(
            to=to,
            channel=channel,
            template=template,
            parameters=key_values(parameter or []),
            policy=policy,
            reference=reference,
            deadline=deadline,
            source=source,
            language=language,
            event_at=event_at,
            idempotency_key=idempotency_key,
            dry_run=dry_run,
        )
    if as_json:
        print_json(notice)
    elif dry_run:
        out.print(show.dry_run(notice))
    else:
        out.print(f"Taken: {notice['id']}  to {notice['to']}")
        out.print(f"[dim]todoke status {notice['id']} shows what becomes of it[/dim]")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A CSV or XLSX file with a header.")],
    channel: Channel,
    template: Template,
    policy: Policy = None,
    encoding: Annotated[
        str | None, typer.Option(help="utf-8, utf-16, big5, shift_jis, tis-620 …; found out if left out.")
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option(help="A character, or comma, semicolon, tab, pipe.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="Of a workbook: name, or number from 1.")] = None,
    header_line: Annotated[int | None, typer.Option(min=1, help="The line where the header is.")] = None,
    columns: Annotated[str | None, typer.Option(help='JSON: {"to": "mobile", "name": "customer"}.')] = None,
    source: Source = None,
    language: Language = None,
    duplicates: Annotated[
        str | None, typer.Option(help="keep (default) or drop rows that repeat another, or a recent notice.")
    ] = None,
    duplicate_days: Annotated[
        int | None, typer.Option(min=0, max=30, help="How many days back a notice is recent: 3; 0: none is.")
    ] = None,
    rejects: Annotated[Path | None, typer.Option(help="Where to write the refused rows.")] = None,
    starts_at: Annotated[
        str | None, typer.Option(help="When it begins to go out, with a zone: 2026-08-10T01:00Z.")
    ] = None,
    rate: Annotated[int | None, typer.Option(help="Notices an hour.")] = None,
    percent_an_hour: Annotated[
        float | None, typer.Option(help="Percent of the list an hour: waves, to spare call centres.")
    ] = None,
    hours: Annotated[
        str | None, typer.Option(help="Of the day, local time, in which it goes out: 09:00-18:00.")
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show a bar until the last notice has ended.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the first 1,000 rows, show the first; send nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Sends a list. Returns when the file is read; sending goes on in the gateway."""
    from todoke.cli.lists import import_file  # noqa: PLC0415

    import_file(
        file,
        channel=channel,
        template=template,
        policy=policy,
        encoding=encoding,
        delimiter=delimiter,
        sheet=sheet,
        header_line=header_line,
        columns=columns,
        duplicates=duplicates,
        duplicate_days=duplicate_days,
        source=source,
        language=language,
        rejects=rejects,
        starts_at=starts_at,
        rate=rate,
        percent_an_hour=percent_an_hour,
        hours=hours,
        watch=watch,
        dry_run=dry_run,
        as_json=as_json,
    )


@app.command()
def status(
    notice_or_batch: Annotated[str, typer.Argument(metavar="ID", help="Of a notice, a batch or a message.")],
    as_json: AsJson = False,
) -> None:
    """Shows what became of a notice or a message, or how far a batch is."""
    with client() as todoke:
        try:
            found = todoke.notice(notice_or_batch)
        except ProblemError as error:
            if error.status != 404:
                raise
            with contextlib.suppress(ProblemError):
                batch = todoke.batch(notice_or_batch)
                print_json(batch) if as_json else out.print(batch_show.one(batch))
                return
            with contextlib.suppress(ProblemError):
                sent = todoke.message(notice_or_batch)
                print_json(sent) if as_json else out.print(message_lines(sent))
                return
            fail(f"There is neither a notice nor a batch nor a message {notice_or_batch}.")
    print_json(found) if as_json else out.print(show.notice(found))


app.command()(reconcile)
