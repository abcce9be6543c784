"""`todoke import`: a list goes up, bars show how far it is sent, prepared and read."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from todoke.cli import batch_show, show
from todoke.cli.batches import poll, told_when_stopped, watch_batch
from todoke.cli.common import client, err, fail, out, print_json
from todoke.cli.forecast import forecast_lines
from todoke_client import ProblemError, Todoke

POLL_SECONDS = 0.2
IN_PARTS_FROM = 8 * 1024 * 1024
"""Bytes from which on a file goes up in parts, so that a cut costs little."""


def import_file(
    file: Path,
    *,
    rejects: Path | None,
    dry_run: bool,
    as_json: bool,
    watch: bool = False,
    **options: Any,
) -> None:
    """Uploads, waits until every row is checked and durably queued, says what was refused. `options`: of
    `Todoke.send_file`.
    """
    if dry_run and rejects is not None:
        fail("--rejects goes with a real import; with --dry-run the refused rows are printed.", 2)
    if not file.is_file():
        fail(f"There is no file {file}.")
    with client() as todoke:
        note = _Note(todoke, file)
        upload = _upload(todoke, file, note, quiet=as_json) if file.stat().st_size >= IN_PARTS_FROM else None
        batch = todoke.send_file(file, upload=upload, dry_run=dry_run, **options)
        if dry_run:
            print_json(batch) if as_json else out.print(
                show.preview(batch), "", batch_show.score(batch["score"]), sep="\n"
            )
            if batch["forecast"] is not None and not as_json:
                out.print("", forecast_lines(batch["forecast"]), sep="\n")
            return
        note.forget()
        if not as_json and batch.get("detected"):
            out.print(show.detected(batch["detected"]))
        batch = _wait(todoke, batch, quiet=as_json)
        if rejects is not None:
            rejects.write_text(todoke.rejects(batch["id"]), encoding="utf-8-sig", newline="")
        if watch:
            batch = watch_batch(todoke, batch, quiet=as_json)
    counts = {"batch": batch["id"], **{k: batch[k] for k in ("accepted", "refused", "duplicates")}}
    if batch["state"] == "failed" and not batch["rows"]:
        if as_json:
            print_json(counts)
        fail(f"{file} can't be taken: {batch['error']}")
    if as_json:
        print_json(counts)
    else:
        out.print(show.imported(batch, rejects))
    if batch["state"] == "failed":
        fail(f"{file} could not be read to the end: {batch['error']}")


def _wait(todoke: Todoke, batch: dict[str, Any], *, quiet: bool) -> dict[str, Any]:
    """The batch once its file is read, or given up."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} rows, {task.fields[refused]:,} refused"),
        TimeRemainingColumn(),
        console=err,
        transient=True,
        disable=quiet,
    )
    with bar, told_when_stopped(batch["id"]):
        task = bar.add_task("Reading", total=1.0, rows=0, refused=0)
        while batch["read_at"] is None and batch["cancelled_at"] is None:
            time.sleep(POLL_SECONDS)
            batch = poll(todoke, batch["id"])
            bar.update(
                task,
                description="Preparing" if batch["state"] == "preparing" else "Reading",
                completed=batch["read"],
                rows=batch["rows"],
                refused=batch["refused"],
            )
    return batch


def _upload(todoke: Todoke, file: Path, note: "_Note", *, quiet: bool) -> str:
    """Sends a large file in parts; goes on with what an earlier run of this command sent of it."""
    before = note.read()
    if before is not None:
        try:
            todoke.upload_offset(before)
        except ProblemError as error:
            if error.status not in (404, 410):
                raise
            before = None
    with _sending(file, quiet=quiet) as (bar, task):
        return todoke.upload_file(
            file, upload=before, begun=note.write, progress=lambda sent: bar.update(task, completed=sent)
        )


@contextmanager
def _sending(file: Path, *, quiet: bool) -> Iterator[tuple[Progress, Any]]:
    columns = (
        TextColumn("Sending"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=err, transient=True, disable=quiet)
    try:
        with bar:
            yield bar, bar.add_task("Sending", total=file.stat().st_size)
    except KeyboardInterrupt:
        fail("Stopped. The same command goes on where this one was, for a day.", 130)


class _Note:
    """Which upload was begun of a file, so that the same command goes on with it: a small file in the user's cache."""

    def __init__(self, todoke: Todoke, file: Path) -> None:
        stat = file.stat()
        what = f"{todoke.base_url}\0{file.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}"
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        self._path = cache / "todoke" / "uploads" / sha256(what.encode()).hexdigest()[:32]

    def read(self) -> str | None:
        try:
            text = self._path.read_text().strip()
        except OSError:
            return None
        return text if text.isascii() and text.isalnum() and len(text) == 26 else None

    def write(self, upload: str) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(upload)
        except OSError:
            err.print(
                f"[dim]{self._path} can't be written: after a cut the file would go up from its start[/dim]"
            )

    def forget(self) -> None:
        self._path.unlink(missing_ok=True)
