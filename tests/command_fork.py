"""Run as a program: loads the commands of `todoke` once, then answers each order with a process that runs one.

An order comes over a Unix socket, whose path is the only argument: a line of JSON with arguments, environment and
folder. The answer is JSON with the exit code and what was written. It ends when its standard input does.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import sys
import tempfile
from typing import IO, Any

from todoke.cli import common, files, main, serve
from todoke.cli.doctor import run as doctor

LOADED = (files, serve, doctor)
"""What some commands would load by themselves."""


def _become(order: dict[str, Any], out: IO[bytes], err: IO[bytes]) -> None:
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    if columns := os.environ.get("COLUMNS"):
        # Read when these were made.
        common.out.width = common.err.width = int(columns)
    sys.argv = ["todoke", *order["arguments"]]


def _obey(connection: socket.socket) -> None:
    """Returns in the process that is to run the command; in the one that waits for it, not at all."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    order = json.loads(connection.makefile().readline())
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        worker = os.fork()
        if not worker:
            connection.close()
            return _become(order, out, err)
        _, status = os.waitpid(worker, 0)
        answer: dict[str, Any] = {"code": os.waitstatus_to_exitcode(status)}
        for name, file in (("out", out), ("err", err)):
            file.seek(0)
            answer[name] = file.read().decode()
    connection.sendall(json.dumps(answer).encode() + b"\n")
    os._exit(0)


def _wait_for_orders(path: str) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(path)
    listening.listen(64)
    print("ready", flush=True)
    while True:
        readable, _, _ = select.select([listening, 0], [], [])
        if listening not in readable:
            os._exit(0)
        connection, _ = listening.accept()
        if not os.fork():
            return _obey(connection)
        connection.close()


if __name__ == "__main__":
    gc.freeze()
    _wait_for_orders(sys.argv[1])
    main()
