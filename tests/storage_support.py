"""Databases for tests, every backend that the project has, and rows to put into them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from migrated import put_database
from notice_support import LINE_4H_THEN_SMS, START, policy
from todoke.core.notice import Notice
from todoke.core.routing import Policy
from todoke.ids import UlidIds
from todoke.storage import channels, content, notices
from todoke.storage.channels import Channel
from todoke.storage.content import PolicyRow, TemplateRow
from todoke.storage.database import Database, Tx
from todoke.storage.lookup import encode_policy
from todoke.storage.notices import NewNotice

BACKENDS = ("sqlite",)
ids = UlidIds()

PARCEL: dict[str, Any] = {
    "name": "parcel",
    "use_case": "delivery",
    "parameters": {"name": {"type": "text", "example": "王小明", "max": 20}},
    "flexible": [{"type": "text", "text": "{{name}} 您好,您的包裹已送達。"}],
    "sms": "{{name}} 您好,您的包裹已送達。若已取件請忽略。",
}


@asynccontextmanager
async def fresh_database(backend: str, folder: Path) -> AsyncIterator[Database]:
    """A migrated, empty database of this backend."""
    assert backend == "sqlite"
    await put_database(folder / "todoke.db")
    database = Database(f"sqlite:///{folder / 'todoke.db'}")
    try:
        await database.migrate()
        yield database
    finally:
        await database.close()


class Shop(msgspec.Struct, kw_only=True):
    """What a notice needs to stand on."""

    account_id: str
    channel_id: str
    template_id: str
    policy_id: str
    policy: Policy


async def shop(
    tx: Tx, *, steps: tuple[str, ...] = LINE_4H_THEN_SMS, token: bytes | None = b"sealed", **changes: Any
) -> Shop:
    """An account with a channel, a template and a policy, each with ids of their own."""
    account, channel, template, policy_id = (ids.new() for _ in range(4))
    chosen = policy(*steps)
    await channels.insert_account(tx, account, f"account {account}", START)
    values = {
        "id": channel,
        "account_id": account,
        "name": "Parcels",
        "region": "TW",
        "line_channel_id": channel[-20:],
        "secret": b"sealed",
        "access_token": token,
        "private_key": None,
        "mode": "live",
        "test_numbers": "[]",
        "rate": 2000,
        "created_at": START,
    }
    await channels.insert_channel(tx, Channel(**{**values, **changes}))
    await content.insert_template(
        tx,
        TemplateRow(
            id=template,
            account_id=account,
            channel_id=channel,
            name="parcel",
            version=1,
            use_case="delivery",
            spec=json.dumps(PARCEL),
            created_at=START,
        ),
    )
    await content.insert_policy(
        tx,
        PolicyRow(
            id=policy_id,
            account_id=account,
            name=None,
            version=1,
            digest="0" * 64,
            spec=encode_policy(chosen),
            created_at=START,
        ),
    )
    return Shop(
        account_id=account, channel_id=channel, template_id=template, policy_id=policy_id, policy=chosen
    )


def new_notice(at: Shop, **changes: Any) -> NewNotice:
    """A queued notice of this shop, due at START."""
    values = {
        "id": ids.new(),
        "account_id": at.account_id,
        "channel_id": at.channel_id,
        "template_id": at.template_id,
        "policy_id": at.policy_id,
        "batch_id": None,
        "reference": None,
        "number": "+886912345678",
        "country": "TW",
        "parameters": '{"name":"小明"}',
        "created_at": START,
        "deadline_at": None,
        "due_at": START,
    }
    return NewNotice(**{**values, **changes})


async def notice_of(tx: Tx, at: Shop, notice_id: str) -> Notice:
    """A notice as it is stored."""
    rows = await notices.load_by_ids(tx, [notice_id])
    (loaded,) = await notices.assemble(tx, rows, {at.policy_id: at.policy})
    return loaded.notice
