"""The two programs as children of this one: started on free loopback ports, measured and ended by their pid."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import httpx

START_SECONDS = 30.0
STOP_SECONDS = 30.0
_BIN = Path(sys.executable).parent
_TICKS = os.sysconf("SC_CLK_TCK")


class DidNotStart(Exception):
    """A program ended, or said nothing, before it listened; the text holds the end of what it logged."""


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def children(pid: int) -> list[int]:
    """The processes that a process has started, and theirs, that run now."""
    found: list[int] = []
    with suppress(FileNotFoundError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found + [x for child in found for x in children(child)]


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _memory_mb(pid: int, field: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition(f"{field}:")[2].split()[0]) / 1024


def _added(measure: Callable[[int], float], pid: int) -> float:
    """Over a process and those that it has started."""
    found = 0.0
    for each in [pid, *children(pid)]:
        # One may have ended since it was listed.
        with suppress(FileNotFoundError, ProcessLookupError):
            found += measure(each)
    return found


class Program:
    """A running child. `pid` is that of the program itself; its log goes to the file `log`."""

    def __init__(
        self, command: list[str], log: Path, settings: Mapping[str, str] | None = None, *, group: bool = False
    ) -> None:
        """`settings`: beside this process's own environment. `group`: the processes that it starts end with
        it, whatever it does about them.
        """
        self.log = log
        self._command = command
        self._group = group
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TODOKE_")}
        with log.open("ab") as stderr:
            self._child = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env={**environment, **(settings or {})},
                text=True,
                start_new_session=group,
            )
        self.pid = self._child.pid
        try:
            self._wait_until_it_listens()
        except BaseException:
            self.kill()
            raise

    def _wait_until_it_listens(self) -> None:
        output = self._child.stdout
        assert output is not None
        end, line = time.monotonic() + START_SECONDS, "\n"
        while line and "listens on" not in line:
            ready, _, _ = select.select([output], [], [], max(0.0, end - time.monotonic()))
            line = output.readline() if ready else ""
        if not line:
            said = self.log.read_text(errors="replace")[-2000:]
            raise DidNotStart(f"{' '.join(map(str, self._command))} did not start: {said}")

    def cpu_seconds(self) -> float:
        """Processor time that it and the processes that it started have used so far, in user and system mode."""
        return _added(_cpu_seconds, self.pid)

    def memory_mb(self, field: str = "VmHWM") -> float:
        """What it and the processes that it started hold in memory now (`VmRSS`), or each at most so far, added up."""
        return _added(lambda pid: _memory_mb(pid, field), self.pid)

    def kill(self) -> None:
        """`kill -9`: it can do nothing about it. Returns when it is gone."""
        if self._child.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
        self._end()

    def stop(self) -> None:
        """Asks it to end, as Ctrl-C does; kills it if it does not."""
        if self._child.poll() is None:
            os.kill(self.pid, signal.SIGINT)
        try:
            self._child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.kill(self.pid, signal.SIGKILL)
        self._end()

    def _end(self) -> None:
        self._child.wait()
        if self._group:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        if self._child.stdout is not None:
            self._child.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Emulator(Program):
    """`line-emulator serve` and its control API."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        super().__init__([str(_BIN / "line-emulator"), "serve", "--port", str(port)], folder / "emulator.log")
        self._http = httpx.Client(base_url=self.url + "/_emulator/v1", timeout=300, trust_env=False)

    def get(self, path: str, **query: Any) -> Any:
        """A reading call."""
        return self._http.get(path, params=query).raise_for_status().json()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """A call that changes something."""
        return self._http.post(path, json=body).raise_for_status().json()

    def delete(self, path: str) -> None:
        """A call that takes something away."""
        self._http.delete(path).raise_for_status()

    def rows(self, path: str) -> list[dict[str, Any]]:
        """All rows of a list that comes in pages."""
        rows: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            page = self.get(path, **cursor)
            rows += page["rows"]
            if "next" not in page:
                return rows
            cursor = {"cursor": page["next"]}


class HasAddress(Protocol):
    """Whatever plays LINE."""

    url: str


class GatewayPlace:
    """Where a gateway keeps its data and listens: the same over all its lives."""

    def __init__(self, folder: Path, line: HasAddress, *, virtual_time: bool, **settings: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._settings = {
            "TODOKE_DATA_DIR": str(folder / "data"),
            "TODOKE_LINE_API_BASE": line.url,
            "TODOKE_PORT": str(self.port),
            "TODOKE_LOG_FORMAT": "json",
            **({"TODOKE_CLOCK": line.url} if virtual_time else {}),
            **settings,
        }

    def start(self) -> Program:
        """`todoke serve`; returns when it listens."""
        command = [str(_BIN / "todoke"), "serve"]
        return Program(command, self.folder / "gateway.log", self._settings)

    @property
    def key(self) -> str:
        """The API key that the first start made."""
        return (self.folder / "data" / "api.key").read_text().strip()

    def metrics(self) -> dict[str, float]:
        """What the gateway counts: name with labels → value."""
        text = httpx.get(f"{self.url}/metrics", trust_env=False).raise_for_status().text
        pairs = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in pairs}

    def recorded(self) -> int:
        """Answers of carriers that are in the database, counted since it was started."""
        return int(sum(v for k, v in self.metrics().items() if k.startswith("todoke_attempts_total")))


def wait_until(true: Any, seconds: float, every: float = 0.05, what: str = "") -> None:
    """Returns as soon as `true()` holds. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"still not after {seconds:.0f} s: {what}")
        time.sleep(every)
