"""A gateway with its channels, joined to LINE's side, and what stands in its database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.line_side import Line, Opened
from bench.processes import GatewayPlace, Program, wait_until
from bench.stage import TEMPLATE
from todoke_client import Todoke

PATIENCE = 1200.0


@dataclass
class Gateway:
    """`channels`: by name `c0` and on; the template of each is `parcel-c0` and so on."""

    place: GatewayPlace
    program: Program
    client: Todoke
    channels: dict[str, Opened]
    stack: ExitStack
    uploaders: list[Todoke]
    """A client for each channel: each loads the machine's certificates when it is made, which is no part of what is
    measured."""

    def upload(self, lists: Sequence[Path]) -> list[str]:
        """The lists, one a channel, side by side; the batches' ids."""

        def one(name: str, path: Path, client: Todoke) -> str:
            return str(client.send_file(path, channel=name, template=f"parcel-{name}")["id"])

        while len(self.uploaders) < len(lists):
            self.uploaders.append(
                self.stack.enter_context(Todoke(self.place.url, self.place.key, timeout=600))
            )
        with ThreadPoolExecutor(len(lists)) as pool:
            return list(pool.map(one, list(self.channels)[: len(lists)], lists, self.uploaders))

    def wait_for_delivery(self, batches: Sequence[str], notices: int, line: Line, before: int = 0) -> None:
        """Until all have ended by their delivery events. Asks the gateway only when LINE has posted all of them,
        for counting costs it something. `before`: what LINE had posted when they were uploaded.
        """
        wait_until(lambda: line.posted() - before >= notices, PATIENCE, 0.1, "all events posted")

        def ended() -> bool:
            states = [self.client.batch(batch)["states"] for batch in batches]
            return sum(int(x.get("delivered", 0)) for x in states) >= notices

        wait_until(ended, PATIENCE, 0.05, "all notices ended by their events")

    def rows(self, statement: str, *values: Any) -> list[Any]:
        """What the database holds, read past the gateway so that it costs it nothing."""
        return rows_of(self.place.folder / "data" / "todoke.db", statement, *values)


def rows_of(database: Path, statement: str, *values: Any) -> list[Any]:
    """Rows of a SQLite file."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as connection:
        return connection.execute(statement, values).fetchall()


@contextmanager
def gateway(
    folder: Path,
    line: Line,
    channels: int,
    *,
    webhook_url: str | None = None,
    strict: bool = True,
    tokens: bool = True,
    place: GatewayPlace | None = None,
) -> Iterator[Gateway]:
    """`webhook_url`: where LINE posts in place of the gateway. `tokens`: without them the channels send nothing.
    `place`: one whose database was made before.
    """
    place = place or GatewayPlace(folder, line, virtual_time=False)
    with place.start() as program, Todoke(place.url, place.key, timeout=600) as client:
        joined = {}
        for i in range(channels):
            opened = line.open(webhook_url or f"{place.url}/line/{{channel_id}}/webhook", strict=strict)
            client.create_channel(
                name=f"c{i}",
                region="TW",
                line_channel_id=opened.channel_id,
                secret=opened.secret,
                **({"access_token": opened.token} if tokens else {}),
            )
            client.create_template({**TEMPLATE, "name": f"parcel-c{i}", "channel": f"c{i}"})
            joined[f"c{i}"] = opened
        with ExitStack() as stack:
            made = [stack.enter_context(Todoke(place.url, place.key, timeout=600)) for _ in range(channels)]
            yield Gateway(place, program, client, joined, stack, made)
