"""The command `line-emulator`."""

from __future__ import annotations

import asyncio
import errno
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from line_emulator import receiver, wiring
from line_emulator.keeping.journal import BadStateFile
from line_emulator.scenarios.director import MOST_PLAYING
from line_emulator.scenarios.script import LARGEST, BadScenario, Scenario, read

MOST_PEOPLE = 10_000_000

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="LINE's side of LINE notification messages, on your machine. Nothing reaches LINE or a real phone.",
)


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
    state: Annotated[
        Path | None,
        typer.Option(help="File that keeps everything, also over a crash; made if there is none."),
    ] = None,
    scenario: Annotated[
        list[Path] | None, typer.Option(help="Scenario to play from the start on; may be given again.")
    ] = None,
) -> None:
    """Serves until Ctrl-C. The first line of output says where it listens."""
    _allow_many_connections()
    try:
        plays = [_read_scenario(path) for path in scenario or ()]
        if len(plays) > MOST_PLAYING:
            raise BadScenario(
                f"There are {len(plays)} scenarios; at most {MOST_PLAYING} can be played at a time."
            )
        emulator = wiring.build(state_file=state)
    except (BadScenario, BadStateFile) as error:
        print(error, file=sys.stderr, flush=True)
        raise typer.Exit(1) from None
    if state is not None:
        _tell_of(state, emulator)
    if population:
        obstacle = wiring.populate(emulator, population, seed)
        if obstacle is not None:
            print(f"{obstacle}, which the state file has; --population is passed over.", file=sys.stderr)
    try:
        uvloop.run(_serve(emulator, host, port, plays))
    except OSError as error:
        print(_remedy(host, port, error), file=sys.stderr, flush=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


@app.command()
def receive(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 9000,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    secret: Annotated[
        str | None,
        typer.Option(envvar="LINE_CHANNEL_SECRET", help="Channel secret, to check signatures with."),
    ] = None,
) -> None:
    """A webhook receiver for the first steps: prints what comes, answers 200."""
    try:
        listener = wiring.listen(host, port)
    except OSError as error:
        print(_remedy(host, port, error), file=sys.stderr, flush=True)
        raise typer.Exit(1) from None
    receiver.run(host, listener, secret)


def _allow_many_connections() -> None:
    """Lifts the number of open files as far as this account may: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _read_scenario(path: Path) -> tuple[bytes, Scenario]:
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadScenario(f"{path} can't be read: {reason}. Name an existing file with --scenario.") from None
    return text, read(text, str(path))


def _tell_of(path: Path, emulator: wiring.Emulator) -> None:
    diary = emulator.state.diary
    if diary is not None and diary.file.dropped:
        text = f"{path}: the last {diary.file.dropped} bytes, a record cut off by a crash, were dropped."
        print(text, file=sys.stderr, flush=True)


async def _serve(
    emulator: wiring.Emulator, host: str, port: int, plays: list[tuple[bytes, Scenario]]
) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for wanted in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(wanted, stopping.set)
    url = await emulator.start(host, port)
    emulator.director.play_all(plays)
    print(f"line-emulator listens on {url}", flush=True)
    print("Open it in a browser, or point a LINE SDK at it. Ctrl-C ends it.", flush=True)
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
