"""`todoke batches`: how lists stand; pause, resume, cancel, plan, results, score."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import isfinite, nan
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from todoke.cli import batch_show
from todoke.cli.common import client, err, fail, out, print_json
from todoke_client import NoGateway, Todoke

app = typer.Typer(help="Lists that were sent: how they stand, pause, plan, results.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Batch = Annotated[str, typer.Argument(metavar="ID", help="Of a batch.")]
Watch = Annotated[bool, typer.Option("--watch", help="Show a bar until the last notice has ended.")]
POLL_SECONDS = 0.5
PATIENCE_SECONDS = 300
"""So long a gateway may take to come up again."""
NONE = "none"
"""What takes a part of a plan away."""


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Lists the newest 100, with the time that each may still take."""
    with client() as todoke:
        found = todoke.batches()
    print_json({"batches": found}) if as_json else out.print(batch_show.listed(found))


@app.command("show")
def show_(batch: Batch, watch: Watch = False, as_json: AsJson = False) -> None:
    """Shows one: counts, plan, what holds it up, time left."""
    with client() as todoke:
        found = watch_batch(todoke, todoke.batch(batch), quiet=as_json) if watch else todoke.batch(batch)
    _print(found, as_json)


@app.command()
def pause(batch: Batch, as_json: AsJson = False) -> None:
    """Holds back what has not begun. What has begun goes on to its end."""
    with client() as todoke:
        found = todoke.pause_batch(batch)
    _print(found, as_json)


@app.command()
def resume(batch: Batch, as_json: AsJson = False) -> None:
    """Lets a paused batch go on, by its plan."""
    with client() as todoke:
        found = todoke.resume_batch(batch)
    _print(found, as_json)


@app.command()
def cancel(batch: Batch, as_json: AsJson = False) -> None:
    """Begins no further step of any of its notices. What carriers have taken may still arrive."""
    with client() as todoke:
        found = todoke.cancel_batch(batch)
    _print(found, as_json)


@app.command()
def plan(
    batch: Batch,
    starts_at: Annotated[str | None, typer.Option(help="2026-08-10T09:00+08:00. none takes it away.")] = None,
    rate: Annotated[str | None, typer.Option(help="Notices an hour. none takes it away.")] = None,
    percent_an_hour: Annotated[
        str | None, typer.Option(help="Percent of the list an hour. none takes it away.")
    ] = None,
    hours: Annotated[
        str | None, typer.Option(help="Of the day, local time: 09:00-18:00. none takes it away.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Changes when a batch goes out, and how fast; also while it runs."""
    given = {"starts_at": starts_at, "rate": rate, "percent_an_hour": percent_an_hour, "hours": hours}
    wanted = {name: _value(name, x) for name, x in given.items() if x is not None}
    if not wanted:
        fail("Say what to change: --starts-at, --rate, --percent-an-hour or --hours.", 2)
    with client() as todoke:
        found = todoke.plan_batch(batch, **wanted)
    _print(found, as_json)


def _value(name: str, text: str) -> Any:
    if text == NONE:
        return None
    if name in ("starts_at", "hours"):
        return text
    try:
        number = int(text) if name == "rate" else float(text.removesuffix("%"))
    except ValueError:
        number = nan
    if not isfinite(number):
        kind = "a whole number of notices an hour" if name == "rate" else "a number from 0.01 to 100"
        fail(f"--{name.replace('_', '-')} is {kind}, or none, not {text[:40]!r}.", 2)
    return number


@app.command()
def results(
    batch: Batch,
    file: Annotated[Path, typer.Argument(help="Where to write the CSV.")],
    only: Annotated[str | None, typer.Option(help="failed, open or late_duplicates.")] = None,
    bom: Annotated[bool, typer.Option("--bom", help="For Excel: begin with a byte order mark.")] = False,
) -> None:
    """Writes what became of every notice to a CSV file."""
    with client() as todoke:
        try:
            todoke.results(batch, file, only=only, bom=bom)
        except OSError as error:
            fail(f"{file} can't be written: {error.strerror or error}.")
    out.print(f"Written: {file}", markup=False)


@app.command()
def score(batch: Batch, as_json: AsJson = False) -> None:
    """Says how good its numbers are, and what to do about it. How many it will reach: todoke forecast --batch ID."""
    with client() as todoke:
        found = todoke.score_batch(batch)
    if as_json:
        print_json(found)
        return
    out.print(batch_show.score(found))
    if found["score"] is not None:
        out.print(
            f"How many it will reach, when and at what cost: todoke forecast --batch {batch}", style="dim"
        )


def _print(found: dict[str, Any], as_json: bool) -> None:
    print_json(found) if as_json else out.print(batch_show.one(found))


def watch_batch(todoke: Todoke, batch: dict[str, Any], *, quiet: bool) -> dict[str, Any]:
    """Shows how far a batch is until its last notice has ended; answers it as it is then. A gateway that restarts
    meanwhile is waited for.
    """
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[words]}"),
        console=err,
        transient=True,
        disable=quiet,
    )
    with bar, told_when_stopped(batch["id"]):
        task = bar.add_task("Sending", total=1.0, words="")
        while batch["ended_at"] is None and batch["state"] != "failed":
            done, of = batch["accepted"] - batch["open"], max(batch["accepted"], 1)
            hold = batch["held_up_by"]
            words = f"{batch['begun']:,} begun, {done:,} ended"
            left = batch_show.short_left(batch)
            if hold is not None and hold["cause"] not in (batch["state"], "rate", "waves"):
                words += f", {hold['cause'].replace('_', ' ')}"
            words += f", {left} left" if left not in ("", "unknown") else ""
            # Half of the way is that it has left, the other half that its end is known.
            far = (batch["begun"] + done) / (2 * of)
            bar.update(task, description=batch["state"].capitalize(), completed=min(far, 1.0), words=words)
            time.sleep(POLL_SECONDS)
            batch = poll(
                todoke, batch["id"], lambda: bar.update(task, words="no answer: is todoke serve up?")
            )
    return batch


@contextmanager
def told_when_stopped(batch_id: str) -> Iterator[None]:
    """Ctrl-C ends the looking, not the sending, and says so: who believes otherwise sends the list again."""
    try:
        yield
    except KeyboardInterrupt:
        fail(f"Stopped looking; the batch goes on. todoke batches show {batch_id}, or cancel.", 130)


def poll(todoke: Todoke, batch_id: str, unanswered: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """The batch as it is; asks again, for some minutes, where no gateway answers."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return todoke.batch(batch_id)
        except NoGateway as error:
            if time.monotonic() > until:
                fail(f"{error}. Don't send the list again, it is stored: todoke batches show {batch_id}")
        unanswered()
        time.sleep(1)
