"""The only place where the emulator's objects are built, for the command, for tests and for programs
that embed it.
"""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from line_emulator.bot_api.limits import RateLimits
from line_emulator.bot_api.routes import ROUTES, line_api
from line_emulator.carrier import Carrier
from line_emulator.clockwork.activity import Activity
from line_emulator.clockwork.clock import Clock
from line_emulator.clockwork.followers import Followers
from line_emulator.clockwork.travel import Traveller
from line_emulator.connections import Connection, sweep
from line_emulator.control.http import Refused, refused, unknown
from line_emulator.control.paths import LinePaths
from line_emulator.control.routes import routes as control_routes
from line_emulator.control.trouble import index
from line_emulator.faults import Faults
from line_emulator.front import Front
from line_emulator.ids import Ids, new_run
from line_emulator.keeping.journal import BadStateFile, StateFile
from line_emulator.keeping.recall import Recall
from line_emulator.pages.routes import routes as page_routes
from line_emulator.posting.webhooks import Webhooks
from line_emulator.scenarios.director import Director
from line_emulator.state import State
from line_emulator.weblog import WebhookLog, new_request_log
from line_emulator.world import World
from line_emulator.world.commands import AddPopulation
from line_emulator.world.population import Population, Rates

BACKLOG = 4096
FOLLOWER_PATIENCE = 120.0
GOODBYE_SECONDS, GOODBYE_TURNS = 1.0, 100
DEFAULT_PREFIX, DEFAULT_DIGITS = "+88690", 7
DEFAULT_RATES = Rates(
    registered=0.9, agree=0.7, not_set=0.25, verified=0.7, blocked=0.05, friend=0.3, sms_unreachable=0.02
)
"""Of the population that the command makes: made up so that every fate occurs; no statement about real
users.
"""


class Emulator:
    """A running (or not yet running) emulator: `app` is the ASGI application, `state` all that it knows."""

    def __init__(self, app: Front, state: State, carrier: Carrier, director: Director) -> None:
        self.app = app
        self.state = state
        self.url = ""
        self.director = director
        self.recall: Recall | None = None
        self._carrier = carrier
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self._indexing: asyncio.Task[None] | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listens inside the running event loop and returns the base URL. Port 0: a free one. Raises
        OSError.
        """
        listener = listen(host, port)
        config = uvicorn.Config(
            self.app,
            http=Connection,
            proxy_headers=False,
            ws="websockets-sansio",
            lifespan="off",
            log_level="warning",
            access_log=False,
            server_header=False,
            ws_ping_timeout=FOLLOWER_PATIENCE,
        )
        self._server = _Server(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        self.url = _url(host, listener.getsockname()[1])
        if self.recall is not None:
            self.recall.resume(self._carrier)
        self.state.traveller.drive()
        self._indexing = asyncio.create_task(_index_all(list(self.state.world.people.populations)))
        return self.url

    @property
    def connections(self) -> set[Any]:
        """The connections that are open now."""
        return self._server.server_state.connections if self._server is not None else set()

    async def wait(self) -> None:
        """Returns when the server has ended."""
        if self._serving is not None:
            await self._serving

    async def stop(self) -> None:
        """Ends the server and everything under way."""
        if self._indexing is not None:
            self._indexing.cancel()
            with suppress(asyncio.CancelledError):
                await self._indexing
        await self.director.stop()
        await self.state.traveller.stop()
        await self.state.webhooks.stop()
        await self._carrier.stop()
        self.state.clock.clear()
        if self._server is not None:
            self._server.end()
            await self.wait()
        self.state.stop_writing()


class _Server(uvicorn.Server):
    """uvicorn without its own handling of signals (that belongs to the program around it), and ending at once."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()

    def end(self) -> None:
        """Ends serving."""
        self.should_exit = True
        self._ending.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures nothing."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Closes idle connections at once, and gives the others a second. uvicorn's own always takes a while."""
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        for turn in range(GOODBYE_TURNS):
            await asyncio.sleep(0 if turn < 10 else GOODBYE_SECONDS / GOODBYE_TURNS)
            if not self.server_state.connections:
                break
        for task in list(self.server_state.tasks):
            task.cancel()

    async def main_loop(self) -> None:
        """Once a second until the end: renews the `date` header, and closes connections that come to nothing."""
        while not await self.on_tick(0):
            sweep(self.server_state.connections)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), 1)


def build(*, follower_patience: float = FOLLOWER_PATIENCE, state_file: Path | None = None) -> Emulator:
    """A new emulator: empty, or as the state file has it, which it then goes on writing. Raises BadStateFile."""
    run = new_run()
    file = StateFile(state_file, run) if state_file is not None else None
    ids = Ids(file.run if file is not None else run)
    world, clock, activity, faults = World(), Clock(), Activity(), Faults()
    followers = Followers(clock, activity, follower_patience)
    state = State(
        world=world,
        clock=clock,
        activity=activity,
        faults=faults,
        ids=ids,
        webhooks=Webhooks(world, clock, activity, faults, ids, WebhookLog()),
        followers=followers,
        traveller=Traveller(clock, activity, followers),
        requests=new_request_log(),
        limits=RateLimits(),
    )
    carrier = Carrier(state)
    own = Starlette(
        routes=[*control_routes(), *page_routes()],
        exception_handlers={Refused: refused, HTTPException: unknown},
    )
    own.router.redirect_slashes = False
    own.state.emulator = state
    own.state.line_paths = LinePaths((method, path) for method, path, *_ in ROUTES)
    director = own.state.director = Director(state)
    emulator = Emulator(Front(line_api(state), carrier, own), state, carrier, director)
    if file is not None:
        emulator.recall = Recall(file, state, director)
        try:
            emulator.recall.play()
        except BadStateFile:
            file.close()
            raise
    return emulator


async def _index_all(populations: list[Population]) -> None:
    for population in populations:
        await index(population)


def populate(emulator: Emulator, count: int, seed: int) -> str | None:
    """A first population of Taiwanese numbers, with every kind of user, unless the state file brought it; its
    table is built while serving. Says what is in its way; None if nothing is.
    """
    population = Population(
        count=count,
        seed=seed,
        prefix=DEFAULT_PREFIX,
        digits=DEFAULT_DIGITS,
        rates=DEFAULT_RATES,
        created_at=emulator.state.clock.now(),
    )
    if any(known.same_as(population) for known in emulator.state.world.people.populations):
        return None
    problem = emulator.state.do(AddPopulation(population)).problem
    return None if problem is None else problem.message


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError where the address is taken or not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Without the protocol's number asyncio leaves Nagle's algorithm on, and every answer waits 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def _url(host: str, port: int) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104
    return f"http://{f'[{shown}]' if ':' in shown and not shown.startswith('[') else shown}:{port}"


def tune_for_load() -> None:
    """Fewer passes of the cycle collector: the state is large, long-lived and free of cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 50, 1000)
