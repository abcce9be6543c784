"""LINE's side of a run: the full emulator, or the bare stub that takes everything. Both look the same from here."""

from __future__ import annotations

import itertools
import secrets
import sys
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import httpx

from bench.processes import Emulator, Program, free_port
from bench.stage import populate

NOWHERE = "http://127.0.0.1:1/"
"""A webhook that nobody answers, for senders that want no events."""
_IDS = itertools.count(2_000_000_001)


class Opened(NamedTuple):
    """A channel at LINE, as its owner knows it."""

    channel_id: str
    secret: str
    token: str


class Line(Protocol):
    """What a run needs of LINE."""

    url: str
    pid: int

    def people(self, count: int) -> None:
        """Lets this many users exist, all of whom get every notification."""

    def open(self, webhook_url: str, *, strict: bool = True) -> Opened:
        """A channel; `{channel_id}` in the webhook's URL is filled in. `strict`: the rate is held against it."""

    def posted(self) -> int:
        """Delivery events that have left so far; never too few."""

    def cpu_seconds(self) -> float:
        """Processor time so far."""


class Stub(Program):
    """`bench.line_stub`."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        super().__init__([sys.executable, "-m", "bench.line_stub", str(port)], folder / "stub.log")
        self._http = httpx.Client(base_url=self.url + "/_stub", timeout=60, trust_env=False)

    def people(self, count: int) -> None:
        """It takes every number."""

    def open(self, webhook_url: str, *, strict: bool = True) -> Opened:
        """A channel."""
        made = Opened(str(next(_IDS)), secrets.token_hex(16), secrets.token_urlsafe(32))
        body = {
            "token": made.token,
            "secret": made.secret,
            "destination": "U" + secrets.token_hex(16),
            "webhook_url": webhook_url.replace("{channel_id}", made.channel_id),
            "strict": strict,
        }
        self._http.post("/channels", json=[body]).raise_for_status()
        return made

    def counts(self) -> list[dict[str, Any]]:
        """What came, by channel."""
        found: list[dict[str, Any]] = self._http.get("/counts").raise_for_status().json()
        return found

    def posted(self) -> int:
        """Events that were answered 2xx."""
        return sum(int(x["posted"]) for x in self.counts())

    def stamps(self) -> dict[str, float]:
        """When the request with each delivery tag came, by the system's clock; noted since the first call."""
        found: dict[str, float] = self._http.get("/stamps").raise_for_status().json()
        return found


class FullEmulator(Emulator):
    """`line-emulator serve`."""

    def people(self, count: int) -> None:
        """A population."""
        populate(self, count)

    def open(self, webhook_url: str, *, strict: bool = True) -> Opened:
        """A channel that may send anything."""
        made = self.post(
            "/channels",
            {
                "name": "bench",
                "region": "TW",
                "badge": "green",
                "certified": True,
                **({} if webhook_url == NOWHERE else {"webhook_url": webhook_url}),
                **({} if strict else {"rate_limit": 1_000_000}),
            },
        )
        return Opened(made["channel_id"], made["channel_secret"], made["access_token"])

    def posted(self) -> int:
        """Notifications that reached their users: their events leave at once."""
        return int(self.get("/ledger/summary")["fate"].get("delivered", 0))
