"""The tables, and the few statements that run over many rows at once. SQLAlchemy Core, for any database."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Engine,
    Float,
    Integer,
    MetaData,
    Row,
    SmallInteger,
    String,
    Table,
    bindparam,
    create_engine,
    event,
    func,
    insert,
    select,
    update,
)

QUEUED, ACCEPTED, FAILED, DELIVERED = range(4)
TAG = "notice-{:012d}"
"""The delivery tag of a notice: its key, so that an event finds it without another index."""

metadata = MetaData()
channels = Table(
    "channels",
    metadata,
    Column("id", String(20), primary_key=True),
    Column("secret", String(64), nullable=False),
    Column("token", String(200), nullable=False),
)
notices = Table(
    "notices",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("channel_id", String(20), nullable=False),
    Column("reference", String(100)),
    Column("phone", String(16), nullable=False),
    Column("phone_hash", String(64), nullable=False),
    Column("name", String(100), nullable=False),
    Column("parcel", String(100), nullable=False),
    Column("state", SmallInteger, nullable=False, default=QUEUED),
    Column("status", SmallInteger),
    Column("request_id", String(64)),
    Column("sent_at", Float),
    Column("delivered_at", Float),
)


@cache
def engine() -> Engine:
    """One a process."""
    made = create_engine(os.environ["BENCH_DATABASE"])
    if made.dialect.name == "sqlite":

        @event.listens_for(made, "connect")
        def _settings(connection: sqlite3.Connection, _: Any) -> None:
            # As durable as the gateway's database: NORMAL may lose commits in a power cut.
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 30000"):
                connection.execute(f"PRAGMA {pragma}")

    return made


def add_channel(channel_id: str, secret: str, token: str) -> None:
    """A channel that may send."""
    with engine().begin() as connection:
        connection.execute(insert(channels), {"id": channel_id, "secret": secret, "token": token})


def channel(channel_id: str) -> Row[Any]:
    """Its secret and token."""
    with engine().begin() as connection:
        return connection.execute(select(channels).where(channels.c.id == channel_id)).one()


def add_notices(rows: list[dict[str, Any]]) -> list[int]:
    """Inserts many; their keys."""
    with engine().begin() as connection:
        return list(connection.execute(insert(notices).returning(notices.c.id), rows).scalars())


def unsent(ids: Sequence[int]) -> Sequence[Any]:
    """Those of a chunk that LINE has not answered yet."""
    columns = (notices.c.id, notices.c.phone_hash, notices.c.name, notices.c.parcel)
    wanted = select(*columns).where(notices.c.id.in_(ids), notices.c.status.is_(None))
    with engine().begin() as connection:
        return connection.execute(wanted).all()


def record(outcomes: list[dict[str, Any]]) -> None:
    """LINE's answers to a chunk. A delivery event that was quicker stays."""
    answered = (
        update(notices)
        .where(notices.c.id == bindparam("key"))
        .values(status=bindparam("status"), request_id=bindparam("request_id"), sent_at=bindparam("sent_at"))
    )
    with engine().begin() as connection:
        connection.execute(answered, outcomes)
        for state, taken in ((ACCEPTED, True), (FAILED, False)):
            ids = [x["key"] for x in outcomes if (200 <= x["status"] < 300) is taken]
            if ids:
                moved = update(notices).where(notices.c.id.in_(ids), notices.c.state == QUEUED)
                connection.execute(moved.values(state=state))


def ended() -> int:
    """Notices that LINE took and whose delivery event came."""
    done = select(func.count()).where(notices.c.state == DELIVERED, notices.c.status.is_not(None))
    with engine().begin() as connection:
        return int(connection.execute(done).scalar_one())


def deliver(ids: Sequence[int]) -> None:
    """What delivery events tell of many."""
    with engine().begin() as connection:
        connection.execute(
            update(notices).where(notices.c.id.in_(ids)).values(state=DELIVERED, delivered_at=time.time())
        )
