"""`todoke import`: a list goes up, a bar shows how far it is read."""

import time
from pathlib import Path

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from todoke.cli import show
from todoke.cli.common import client, err, fail, out, print_json

POLL_SECONDS = 0.2


def import_file(
    file: Path,
    *,
    channel: str,
    template: str,
    policy: str | None,
    encoding: str | None,
    columns: str | None,
    source: str | None,
    language: str | None,
    rejects: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Uploads, waits until every row is checked and durably queued, says what was refused."""
    if dry_run and rejects is not None:
        fail("--rejects goes with a real import; with --dry-run the refused rows are printed.", 2)
    if not file.is_file():
        fail(f"There is no file {file}.")
    with client() as todoke:
        batch = todoke.send_file(
            file,
            channel=channel,
            template=template,
            policy=policy,
            encoding=encoding,
            columns=columns,
            source=source,
            language=language,
            dry_run=dry_run,
        )
        if dry_run:
            print_json(batch) if as_json else out.print(show.preview(batch))
            return
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rows]:,} rows, {task.fields[refused]:,} refused"),
            TimeRemainingColumn(),
            console=err,
            transient=True,
            disable=as_json,
        )
        with bar:
            task = bar.add_task("Reading", total=1.0, rows=0, refused=0)
            while batch["state"] == "reading":
                time.sleep(POLL_SECONDS)
                batch = todoke.batch(batch["id"])
                bar.update(task, completed=batch["read"], rows=batch["rows"], refused=batch["refused"])
        if rejects is not None:
            rejects.write_text(todoke.rejects(batch["id"]), encoding="utf-8-sig", newline="")
    counts = {"batch": batch["id"], **{k: batch[k] for k in ("accepted", "refused", "duplicates")}}
    if as_json:
        print_json(counts)
    else:
        out.print(show.imported(batch, rejects))
    if batch["state"] == "failed":
        fail(f"{file} could not be read to the end: {batch['error']}")
