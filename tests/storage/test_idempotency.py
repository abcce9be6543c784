"""An answer is given again for as long as it is remembered, to the account that had it."""

import pytest
from sqlalchemy.exc import IntegrityError

from notice_support import START
from todoke.storage import idempotency
from todoke.storage.database import Database
from todoke.storage.idempotency import Remembered


def answer(account: str = "A", key: str = "k", at: int = START, body: str = "{}") -> Remembered:
    return Remembered(account_id=account, key=key, digest="d" * 64, status=202, body=body, created_at=at)


async def test_an_answer_is_recalled_by_account_and_key(database: Database) -> None:
    mine, other_key, theirs = answer(body="mine"), answer(key="K", body="other"), answer("B", body="theirs")
    async with database.write() as tx:
        for entry in (mine, other_key, theirs):
            await idempotency.remember(tx, entry)
        assert await idempotency.recall(tx, "A", "k", 0) == mine
        assert await idempotency.recall(tx, "A", "K", 0) == other_key
        assert await idempotency.recall(tx, "B", "k", 0) == theirs
        assert await idempotency.recall(tx, "C", "k", 0) is None


async def test_an_answer_lasts_to_the_millisecond_and_its_key_is_free_again_after(database: Database) -> None:
    async with database.write() as tx:
        await idempotency.remember(tx, answer(body="first"))
        kept = await idempotency.recall(tx, "A", "k", START)
        assert kept is not None
        assert kept.body == "first"
        assert await idempotency.recall(tx, "A", "k", START + 1) is None
        await idempotency.remember(tx, answer(at=START + 5, body="second"))
        again = await idempotency.recall(tx, "A", "k", START + 1)
        assert again is not None
        assert again.body == "second"


async def test_a_key_stands_once(database: Database) -> None:
    async with database.write() as tx:
        await idempotency.remember(tx, answer())
    with pytest.raises(IntegrityError):
        async with database.write() as tx:
            await idempotency.remember(tx, answer())


async def test_forgetting_drops_only_the_old(database: Database) -> None:
    async with database.write() as tx:
        await idempotency.remember(tx, answer(key="old", at=START - 1))
        await idempotency.remember(tx, answer(key="new", at=START))
        await idempotency.forget(tx, START)
        assert await idempotency.recall(tx, "A", "old", 0) is None
        assert await idempotency.recall(tx, "A", "new", 0) is not None
