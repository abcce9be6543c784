"""What request handlers work with; `wiring` fills it."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple, cast

from fastapi import Depends, Request

from todoke.actions.facts import Setup
from todoke.carriers import ReceiptReader, SignedReader
from todoke.carriers.passing import Passing
from todoke.carriers.replies import ReplyReader
from todoke.clock import Clock
from todoke.engine.binder import Binder
from todoke.engine.eraser import Eraser
from todoke.engine.hub import Hub
from todoke.engine.probe import Prober
from todoke.engine.reconciler import Comparer
from todoke.ids import Ids
from todoke.links import Links
from todoke.previews import Painter
from todoke.reports.prices import Prices
from todoke.sealing import Seal
from todoke.server.inbox_writer import InboxWriter
from todoke.server.known import Known
from todoke.storage.archive import Archive
from todoke.storage.database import Database
from todoke.storage.lookup import Lookup

SECRET_SECONDS = 5.0
"""So long a channel secret that was replaced is still taken, at most."""


class ChannelSecret(NamedTuple):
    """A channel's secret, as it was read last, and when that was by the machine's steady clock."""

    channel_id: str
    secret: str
    read_at: float


if TYPE_CHECKING:
    from todoke.server.notice_writer import NoticeWriter


@dataclass(kw_only=True)
class Services:
    """The parts that handlers call."""

    database: Database
    clock: Clock
    ids: Ids
    seal: Seal
    lookup: Lookup
    setup: Setup
    line_reader: SignedReader
    receipt_readers: Mapping[str, ReceiptReader]
    """Of the SMS carriers that post receipts, by name."""
    reply_readers: Mapping[str, ReplyReader]
    """Of those that post what people send back."""
    prices: Prices
    receipt_secret: str
    inbox: InboxWriter
    known: Known
    notices: "NoticeWriter"
    refused: Counter[str]
    """LINE's webhooks with a wrong signature, by channel, until the watch has counted them."""
    allow_private: bool
    """Webhook endpoints may be on this machine or network."""
    uploads: Path
    base_url: str
    prober: Prober
    wake: Callable[[], None]
    noticed: Callable[[Collection[str], int], None]
    """To be told on which channels notices were stored, and how many webhooks tell of them."""
    comparer: Comparer
    binder: Binder
    links: Links
    painter: Painter
    """Makes pictures of previews."""
    hub: Hub
    passing: Passing
    archive: Archive
    eraser: Eraser
    is_ready: Callable[[], str | None]
    """Why the gateway can't work just now; None when it can."""
    channel_secrets: dict[str, ChannelSecret] = field(default_factory=dict)
    """By LINE's channel id."""
    preparing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    """Whose turn it is to have a small uploaded list prepared. One after another: side by side they would only wait
    for Python's lock, and all end last."""


async def services_of(request: Request) -> Services:
    # Not a plain function: FastAPI would run that in a thread, for every request.
    return cast(Services, request.app.state.services)


Parts = Annotated[Services, Depends(services_of)]
