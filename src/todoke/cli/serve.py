"""`todoke serve`, `todoke migrate`, `todoke keys create`: what works on the data folder itself."""

import asyncio
import errno
import gc
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any

import uvicorn
import uvloop

from todoke.actions.channels import DEFAULT_ACCOUNT, create_key, ensure_account
from todoke.cli.plain import fail, say, settings
from todoke.clock import wall
from todoke.engine.follow import NoEmulator
from todoke.engine.helper_link import orphaned
from todoke.logs import set_up_logging
from todoke.server.connections import Connection
from todoke.settings import Settings, SettingsError
from todoke.storage.database import StorageError, needs_upgrade
from todoke.wiring import Gateway, first_key, open_base

GC_THRESHOLDS = 50_000, 20, 100
"""What comes and goes with each notice is free of cycles: Python's own 700 cost a sixth of all time here."""
EXPECTED = (SettingsError, StorageError, NoEmulator)


def listen(host: str, port: int) -> socket.socket:
    """A bound socket, or the end of the command with who is in the way."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(2048)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            fail(f"Port {port} on {host} is taken. Stop what listens there, or set TODOKE_PORT to another.")
        fail(f"Can't listen on {host}:{port} ({error.strerror}). Check TODOKE_HOST and TODOKE_PORT.")
    return sock


class _Server(uvicorn.Server):
    """Says where it listens as soon as it does, and on SIGTERM or Ctrl-C ends without ending the process."""

    def __init__(self, config: uvicorn.Config, current: Settings) -> None:
        super().__init__(config)
        self._current = current

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn's own would raise the signal again once it has stopped listening, and so end the process
        # before the engine has recorded what is still out.
        before = {s: signal.signal(s, self.handle_exit) for s in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            print(f"Todoke listens on http://{self._current.host}:{self._current.port}", flush=True)
            say(
                f"LINE at {self._current.line_api_base}; data in {self._current.data_dir}; "
                f"the API key is in {self._current.data_dir / 'api.key'}; Ctrl-C stops",
                aside=True,
            )


async def _serve(current: Settings, sock: socket.socket) -> None:
    base = await open_base(current)
    await first_key(base)
    gateway = Gateway(base)
    config = uvicorn.Config(
        gateway.app,
        log_level="critical",
        access_log=False,
        lifespan="off",
        server_header=False,
        http=Connection,
        # Longer than callers keep theirs, so that none posts an event on a connection that is just being closed.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=10,
    )
    try:
        await gateway.start()
        gc.set_threshold(*GC_THRESHOLDS)
        await _Server(config, current).serve(sockets=[sock])
    finally:
        await gateway.stop()
    say("Stopped; what was out is recorded.", aside=True)


def serve() -> None:
    """Runs the gateway: API, webhooks and sending."""
    current = settings()
    set_up_logging(current.log_format)
    sock = listen(current.host, current.port)
    with suppress(KeyboardInterrupt):
        _upgrade_apart(current, sock)
        _run(_serve(current, sock))


def _upgrade_apart(current: Settings, sock: socket.socket) -> None:
    """Brings the tables to this version in a process that ends with that: what it takes, 14 MB, would stay in memory
    for as long as the gateway runs. What goes wrong there goes wrong again when the gateway opens the database, and is
    said then. To be called while there is no thread and no event loop yet.
    """
    if not needs_upgrade(current.database_url):
        return
    gateway = os.getpid()
    try:
        child = os.fork()
    except OSError:
        return  # No room for another process: the gateway does it itself.
    if child:
        _wait_for(child)
        return
    try:
        # The port is the gateway's alone; whoever ends that, ends this too.
        sock.close()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        Thread(target=_end_with, args=(gateway,), daemon=True).start()
        asyncio.run(_migrate(current))
    finally:
        os._exit(0)


def _wait_for(child: int) -> None:
    # Where SIGCHLD is ignored, as some starters of services leave it, the system keeps no status.
    with suppress(ChildProcessError):
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            say(
                "The process that brought the database to this version was ended by signal "
                f"{os.WTERMSIG(status)}; it is tried once more. If that ends too, look for a lack of memory."
            )


def _end_with(gateway: int) -> None:
    while not orphaned(gateway):
        time.sleep(0.1)
    os._exit(1)


def _run(main: Any) -> Any:
    try:
        return uvloop.run(main)
    except EXPECTED as error:
        fail(str(error))


def migrate() -> None:
    """Brings the database to this version. `serve` does so by itself."""
    _run(_migrate(settings()))
    say("The database is at this version.")


async def _migrate(current: Settings) -> None:
    base = await open_base(current)
    await base.database.close()


def new_key(name: str, account: str | None) -> str:
    """Makes an API key on the data folder; works without a server."""
    key: str = _run(_new_key(settings(), name, account or DEFAULT_ACCOUNT))
    return key


async def _new_key(current: Settings, name: str, account: str) -> str:
    base = await open_base(current)
    try:
        async with base.database.write() as tx:
            account_id = await ensure_account(tx, account, wall(), base.ids)
            _, key = await create_key(tx, account_id, name, wall(), base.ids)
        return key
    finally:
        await base.database.close()
