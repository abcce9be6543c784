"""The token keeper beside other processes and hands: LINE's answer is a program here that says what a test wants."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

from engine_house import SEAL, House
from notice_support import START
from todoke.carriers.line import IssuedToken, LineTokens
from todoke.core.durations import MINUTE
from todoke.engine.token_keeper import TokenKeeper
from todoke.storage import channels as store
from todoke.storage.channels import Channel


class Answers:
    """LINE's token endpoint. `meanwhile`: what happens while it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer = IssuedToken(access_token="fresh", expires_in=900, status=200)
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    async def issue_stateless(self, channel_id: str, secret: str) -> IssuedToken:
        self.asked += 1
        if self.meanwhile is not None:
            await self.meanwhile()
        return self.answer


class Owns:
    """What this process owns, as a test says."""

    def __init__(self) -> None:
        self.mine = True
        self.holds = True

    def owns(self, channel_id: str) -> bool:
        return self.mine

    def lease_holds(self) -> bool:
        return self.holds

    def lost(self, channel_id: str, fence: int) -> None:
        raise AssertionError("a keeper never gives a channel up")


class Kept:
    """A keeper with one channel that gets its tokens with the secret."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.line = Answers()
        self.owns = Owns()
        self.told: list[Channel] = []
        line = cast(LineTokens, self.line)
        self.keeper = TokenKeeper(house.clock, house.database, line, SEAL, self.owns, self.told.append)

    async def open(self, **changes: Any) -> Kept:
        values = {
            "secret": SEAL.close("the secret"),
            "access_token": None,
            "token_from": "secret",
            "token_kind": "stateless",
            "token_due_at": START,
            "paused_at": START,
            "paused_why": "being asked",
            "paused_for": "token",
            **changes,
        }
        await self.house.open(**values)
        return self

    async def settle(self) -> None:
        for _ in range(20):
            if not await self.keeper.step():
                return
        raise AssertionError("it never comes to rest")

    async def change(self, **values: Any) -> None:
        async with self.house.database.write() as tx:
            await store.update_channel(tx, self.house.shop.channel_id, **values)

    async def channel(self) -> Channel:
        async with self.house.database.read() as tx:
            found = await store.get_channel(tx, self.house.shop.channel_id)
        assert found is not None
        return found

    async def token(self) -> str | None:
        sealed = (await self.channel()).access_token
        return None if sealed is None else SEAL.open(sealed)


async def test_the_first_token_lets_the_channel_send_and_says_when_it_is_renewed(house: House) -> None:
    kept = await Kept(house).open()
    await kept.settle()
    channel = await kept.channel()
    assert (await kept.token(), channel.paused_at, channel.paused_for) == ("fresh", None, None)
    assert (channel.token_at, channel.token_expires_at) == (START, START + 15 * MINUTE)
    assert channel.token_due_at == kept.keeper.due_at
    assert channel.token_due_at is not None
    assert START + 9 * MINUTE < channel.token_due_at <= START + 10 * MINUTE
    assert kept.told[-1].access_token == channel.access_token, "what is claimed goes with it"


async def test_a_channel_of_another_process_or_in_doubt_is_left_alone(house: House) -> None:
    kept = await Kept(house).open()
    kept.owns.mine = False
    await kept.settle()
    kept.owns.mine, kept.owns.holds = True, False
    await kept.settle()
    assert (kept.line.asked, kept.keeper.due_at) == (0, None)


async def test_a_token_that_comes_after_another_process_took_the_channel_is_dropped(house: House) -> None:
    kept = await Kept(house).open()

    async def taken() -> None:
        kept.owns.mine = False
        await kept.change(fence=99)

    kept.line.meanwhile = taken
    await kept.settle()
    assert (kept.line.asked, await kept.token()) == (1, None)


async def test_a_token_that_comes_after_somebody_set_one_does_not_replace_it(house: House) -> None:
    kept = await Kept(house).open()

    async def given() -> None:
        await kept.change(
            access_token=SEAL.close("given"), token_from="given", token_kind=None, token_due_at=None
        )

    kept.line.meanwhile = given
    await kept.settle()
    assert (kept.line.asked, await kept.token()) == (1, "given")


async def test_a_secret_set_while_line_is_asked_is_asked_with_at_once(house: House) -> None:
    kept = await Kept(house).open()

    async def changed() -> None:
        kept.line.meanwhile = None
        await kept.change(secret=SEAL.close("another"))

    kept.line.meanwhile = changed
    await kept.settle()
    assert (kept.line.asked, await kept.token()) == (2, "fresh")


async def test_a_given_token_is_never_asked_about(house: House) -> None:
    kept = await Kept(house).open(
        access_token=SEAL.close("given"), token_from="given", token_due_at=None, paused_for=None
    )
    await kept.settle()
    assert kept.line.asked == 0


async def test_a_secret_sealed_under_another_key_is_said_and_asks_nobody(house: House) -> None:
    kept = await Kept(house).open(secret=b"sealed by nobody")
    await kept.settle()
    channel = await kept.channel()
    assert "TODOKE_SECRET_KEY" in (channel.token_trouble or "")
    assert "TODOKE_SECRET_KEY" in (channel.paused_why or "")
    assert kept.line.asked == 0


async def test_failures_in_a_row_are_repeated_with_growing_pauses_until_one_succeeds(house: House) -> None:
    kept = await Kept(house).open()
    right = kept.line.answer
    kept.line.answer = IssuedToken(error="HTTP 503", status=503, retryable=True)
    waits = []
    for _ in range(4):
        await kept.settle()
        due = (await kept.channel()).token_due_at
        assert due is not None
        waits.append((due - house.clock.now()) // 1000)
        house.clock.put(due)
    assert waits == [10, 20, 40, 80]
    kept.line.answer = right
    await kept.settle()
    channel = await kept.channel()
    assert (channel.token_trouble, channel.paused_at) == (None, None)
