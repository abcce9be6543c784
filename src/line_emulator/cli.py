"""The command `line-emulator`."""

from __future__ import annotations

import asyncio
import errno
import resource
import signal
import sys
from contextlib import suppress
from typing import Annotated

import typer
import uvloop

from line_emulator import wiring

MOST_PEOPLE = 10_000_000

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="LINE's side of LINE notification messages, on your machine. Nothing reaches LINE or a real phone.",
)


@app.callback()
def _root() -> None:
    """Keeps `serve` a command of its own, as others will come beside it."""


@app.command()
def serve(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 8600,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    population: Annotated[
        int, typer.Option(min=0, max=MOST_PEOPLE, help="So many users with numbers from +886900000000 on.")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Decides the traits of these users.")] = 1,
) -> None:
    """Serves until Ctrl-C. The first line of output says where it listens."""
    _allow_many_connections()
    try:
        uvloop.run(_serve(host, port, population, seed))
    except OSError as error:
        print(_remedy(host, port, error), file=sys.stderr, flush=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _allow_many_connections() -> None:
    """Lifts the number of open files as far as this account may: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _serve(host: str, port: int, population: int, seed: int) -> None:
    emulator = wiring.build()
    if population:
        wiring.populate(emulator, population, seed)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for wanted in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(wanted, stopping.set)
    url = await emulator.start(host, port)
    print(f"line-emulator listens on {url}", flush=True)
    wiring.tune_for_load()
    await stopping.wait()
    await emulator.stop()


def _remedy(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is taken. Stop the program that has it, or choose another with --port."
    if error.errno == errno.EACCES:
        return f"Port {port} may not be used by this account. Choose one above 1023 with --port."
    return f"Can't listen on {host}:{port}: {error.strerror or error}. Choose another address with --host."


def main() -> None:
    """The entry point of the command."""
    app()


if __name__ == "__main__":
    main()
