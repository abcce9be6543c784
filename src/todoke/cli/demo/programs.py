"""Starts the emulator and the gateway as programs of their own, on free ports, and ends them again."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from todoke.cli.common import fail

START_SECONDS = 30


def free_port(wanted: int) -> int:
    """`wanted` if nobody listens there, else one that the system chooses."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    fail("No free port is left on 127.0.0.1.")


class Program:
    """A program that says where it listens in its first line of output."""

    def __init__(self, name: str, arguments: list[str], log: Path, environment: dict[str, str]) -> None:
        self.name = name
        self._log = log
        with log.open("wb") as errors:
            # Its own group: Ctrl-C is for us, and we end it in order.
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", *arguments],
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **environment},
                start_new_session=True,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline().decode()
        if "http://" not in line:
            self._process.wait(START_SECONDS)
            words = log.read_text(errors="replace").strip().splitlines()
            fail(f"{name} did not start: {words[-1] if words else 'it said nothing'}")
        self.url = "http://" + line.strip().partition("http://")[2]

    def stop(self) -> None:
        """Ends it in order; by force if it will not."""
        self._process.terminate()
        try:
            self._process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
