"""Runs the Celery set-up: Redis, workers and receiver are started here, measured, and ended by their pids."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.line_side import Line
from bench.processes import START_SECONDS, Program, free_port, wait_until

PATIENCE = 600.0


class Pool(NamedTuple):
    """How a worker runs its tasks: Celery's name of the way, and how many at a time."""

    kind: str
    size: int

    def __str__(self) -> str:
        return f"{self.kind} {self.size}"


POOLS = (Pool("prefork", 2), Pool("prefork", 4), Pool("threads", 8))


class Tasks(NamedTuple):
    """Notices of a task, and tasks that each process takes from Redis ahead of its turn. A long one that waits in a
    worker could have been begun by another.
    """

    notices: int
    ahead: int


SINGLE, CHUNKS = Tasks(1, 16), Tasks(250, 1)


class Came(NamedTuple):
    """`seconds`: from the order to import until all had ended by their events; `cpu`: of all its processes."""

    seconds: float
    cpu: float
    line_cpu: float


def lacking() -> str | None:
    """What must be installed before this can run; None: nothing."""
    if shutil.which("redis-server") is None:
        return "Redis is not installed: apt-get install redis-server (or your system's package)"
    try:
        import celery  # noqa: F401, PLC0415
        import redis  # noqa: F401, PLC0415
    except ImportError as error:
        return f"{error.name} is not installed: .venv/bin/pip install -c constraints.txt -e '.[bench]'"
    return None


class Redis:
    """On a Unix socket in the folder, without a port and without files."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "redis.sock"
        # Nothing is kept on the disk: quicker, though queued tasks would be lost with the machine.
        settings = f'port 0\nunixsocket "{self.path}"\ndir "{folder}"\nsave ""\nappendonly no\ndaemonize no\n'
        (folder / "redis.conf").write_text(settings)
        with (folder / "redis.log").open("wb") as log:
            self._child = subprocess.Popen(
                ["redis-server", str(folder / "redis.conf")], stdout=log, stderr=log
            )
        self.pid = self._child.pid
        try:
            wait_until(self._answers, START_SECONDS, 0.02, "Redis listens; its log is redis.log")
        except TimeoutError:
            self.stop()
            raise

    def _answers(self) -> bool:
        with closing(socket.socket(socket.AF_UNIX)) as sock:
            try:
                sock.connect(str(self.path))
                sock.sendall(b"PING\r\n")
                return sock.recv(16).startswith(b"+PONG")
            except OSError:
                return False

    def cpu_seconds(self) -> float:
        """Processor time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """Ends it."""
        self._child.terminate()
        self._child.wait(10)


@contextmanager
def _settings(values: dict[str, str]) -> Iterator[None]:
    """The environment that the set-up reads, for this process too, which gives the order."""
    from bench.celery_setup import models  # noqa: PLC0415

    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    models.engine.cache_clear()
    try:
        yield
    finally:
        models.engine().dispose()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def run(line: Line, lists: list[Path], notices: int, folder: Path, tasks: Tasks, pool: Pool) -> Came:
    """Sends the lists, one a channel, from CSV until every notice was ended by its delivery event."""
    from bench.celery_setup import models  # noqa: PLC0415
    from bench.celery_setup.app import app  # noqa: PLC0415

    line.people(notices)
    port = free_port()
    with ExitStack() as stack:
        redis = Redis(folder)
        stack.callback(redis.stop)
        settings = {
            "BENCH_BROKER": f"redis+socket://{redis.path}",
            "BENCH_DATABASE": os.environ.get("BENCH_SQL", f"sqlite:///{folder / 'celery.db'}"),
            "BENCH_LINE": line.url,
        }
        stack.enter_context(_settings(settings))
        models.metadata.create_all(models.engine())
        channels = []
        for _ in lists:
            opened = line.open(f"http://127.0.0.1:{port}/webhook/{{channel_id}}")
            models.add_channel(*opened)
            channels.append(opened.channel_id)
        receiver = [sys.executable, "-m", "bench.celery_setup.webhook", str(port)]
        parts: list[Program | Redis] = [
            stack.enter_context(Program(receiver, folder / "receiver.log", settings)),
            stack.enter_context(Program(_worker(tasks, pool), folder / "worker.log", settings, group=True)),
            redis,
        ]
        cpu, line_cpu, begun = sum(x.cpu_seconds() for x in parts), line.cpu_seconds(), time.monotonic()
        with app.connection_for_write(settings["BENCH_BROKER"]) as connection:
            for channel_id, path in zip(channels, lists, strict=True):
                app.send_task("import_list", (channel_id, str(path), tasks.notices), connection=connection)
        wait_until(lambda: line.posted() >= notices, PATIENCE, 0.1, "all events posted")
        wait_until(
            lambda: models.ended() >= notices, PATIENCE, 0.05, "all recorded and ended by their events"
        )
        seconds = time.monotonic() - begun
        cpu, line_cpu = sum(x.cpu_seconds() for x in parts) - cpu, line.cpu_seconds() - line_cpu
    return Came(seconds, cpu, line_cpu)


def _worker(tasks: Tasks, pool: Pool) -> list[str]:
    flags = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"]
    own = ["worker", "--pool", pool.kind, "--concurrency", str(pool.size)]
    own += ["--prefetch-multiplier", str(tasks.ahead)]
    return [sys.executable, *["-m", "celery", "--quiet", "--app", "bench.celery_setup.app"], *own, *flags]
