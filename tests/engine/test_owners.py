"""Each channel has one owner at a time, and nobody else sends for it."""

import asyncio
import math
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine_house import ALL, SEAL, House, until
from notice_support import START
from storage_support import ids, shop
from todoke.actions.advance import LostChannel, recover
from todoke.actions.claiming import claim
from todoke.core.outcome import Answer, Outcome
from todoke.core.states import LEASE
from todoke.engine import deliver as deliver_module
from todoke.engine import owners as module
from todoke.engine.deliver import Deliver
from todoke.engine.engine import Engine
from todoke.engine.owners import LEASE_MS, RENEW_SECONDS, Owners, Presence
from todoke.engine.recorder import Recorder
from todoke.engine.sending import PacerBook
from todoke.sealing import Seal
from todoke.storage import channels
from todoke.storage.channels import Channel

HOLDER = """
import sys
from pathlib import Path
from todoke.engine.owners import Presence
Presence(Path(sys.argv[1]), "other")
print("here", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other_process(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that is present as `other`."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    yield process
    process.kill()
    process.communicate()


@pytest.mark.crash
def test_a_killed_process_is_known_to_be_dead_and_a_living_one_is_not(
    other_process: subprocess.Popen[str], tmp_path: Path
) -> None:
    mine = Presence(tmp_path, "mine")
    assert not mine.is_dead("other")
    other_process.send_signal(signal.SIGKILL)
    other_process.wait(10)
    assert mine.is_dead("other")
    mine.leave()


def test_of_a_process_on_another_machine_nothing_is_known(tmp_path: Path) -> None:
    mine = Presence(tmp_path, "mine")
    assert not mine.is_dead("elsewhere")
    mine.leave()


def test_one_that_left_in_peace_leaves_nothing_behind(tmp_path: Path) -> None:
    first, second = Presence(tmp_path, "first"), Presence(tmp_path, "second")
    assert not second.is_dead("first")
    first.leave()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["second"]
    second.leave()


class Times:
    """The machine's two clocks, as far as leases look at them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 1000.0
        monkeypatch.setattr(module, "monotonic", lambda: self.seconds)
        monkeypatch.setattr(module, "wall", lambda: int(self.seconds * 1000))


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> Times:
    return Times(monkeypatch)


class Process:
    """One process's Owners, without the rest of an engine."""

    def __init__(self, house: House, name: str, folder: Path | None = None) -> None:
        self.taken: list[tuple[str, int]] = []
        self.presence = Presence(folder or house.folder / "running", name)
        self.owners = Owners(house.clock, house.database, self.presence, house.lookup, self._took, ids)

    async def _took(self, channel: Channel, fence: int) -> None:
        self.taken.append((channel.id, fence))


async def row(house: House) -> Channel:
    async with house.database.read() as tx:
        found = await channels.get_channel(tx, house.shop.channel_id)
    assert found is not None
    return found


async def test_a_channel_goes_to_the_first_that_comes_and_stays_there(house: House, times: Times) -> None:
    at = await house.open()
    first, second = Process(house, "first"), Process(house, "second")
    assert await first.owners.step()
    assert not await second.owners.step()
    for _ in range(10):
        times.seconds += RENEW_SECONDS + 1
        assert not await first.owners.step()
        assert not await second.owners.step()
    assert (first.taken, second.taken) == ([(at.channel_id, 1)], [])
    assert first.owners.owns(at.channel_id)
    assert first.owners.lease_holds()
    assert not second.owners.owns(at.channel_id)


async def test_a_new_channel_is_taken_as_soon_as_it_is_there(house: House, times: Times) -> None:
    first = Process(house, "first")
    assert not await first.owners.step()
    at = await house.open()
    assert await first.owners.step()
    assert first.taken == [(at.channel_id, 1)]


async def test_a_lease_that_ran_out_goes_to_another_and_the_first_notices(house: House, times: Times) -> None:
    at = await house.open()
    # Two machines: neither can see whether the other lives.
    first, second = Process(house, "first", house.folder / "1"), Process(house, "second", house.folder / "2")
    await first.owners.step()
    times.seconds += LEASE_MS / 1000 - 1
    assert not await second.owners.step()
    times.seconds += 2
    assert await second.owners.step()
    assert second.taken == [(at.channel_id, 2)]
    assert not first.owners.lease_holds(), "it stops sending before anybody can take over"
    assert not await first.owners.step()
    assert not first.owners.owns(at.channel_id)
    assert (await row(house)).owner == "second"


async def test_a_lease_is_in_doubt_long_before_it_runs_out(house: House, times: Times) -> None:
    await house.open()
    first = Process(house, "first")
    await first.owners.step()
    times.seconds += LEASE_MS / 1000 / 2
    assert not first.owners.lease_holds()
    await first.owners.step()
    assert first.owners.lease_holds()


async def test_the_channel_of_a_dead_process_is_taken_without_waiting(house: House, times: Times) -> None:
    at = await house.open()
    first, second = Process(house, "first"), Process(house, "second")
    await first.owners.step()
    first.presence.leave()
    (house.folder / "running" / "first").touch()
    assert await second.owners.step()
    assert second.taken == [(at.channel_id, 2)]


async def test_channels_that_were_given_up_are_taken_at_once(house: House, times: Times) -> None:
    at = await house.open()
    first, second = Process(house, "first"), Process(house, "second")
    await first.owners.step()
    await first.owners.release()
    assert await second.owners.step()
    assert second.taken == [(at.channel_id, 2)]
    assert not first.owners.owns(at.channel_id)


async def test_a_loss_that_is_told_late_does_not_take_back_what_was_taken_again(
    house: House, times: Times
) -> None:
    at = await house.open()
    first = Process(house, "first")
    await first.owners.step()
    first.owners.lost(at.channel_id, 1)
    await first.owners.step()
    assert first.taken == [(at.channel_id, 1), (at.channel_id, 2)]
    first.owners.lost(at.channel_id, 1)
    assert first.owners.owns(at.channel_id)


# --- what fencing is for ----------------------------------------------------------------------------------


async def test_who_has_an_old_fencing_number_claims_nothing(house: House) -> None:
    at = await house.open()
    (notice_id,) = await house.ask()
    async with house.database.write() as tx:
        await channels.take_over(tx, at.channel_id, "newer", 2, 0)

    async def claims() -> None:
        async with house.database.write() as tx:
            await claim(tx, at.channel_id, 1, START, ALL, ids, house.lookup, house.setup)

    with pytest.raises(LostChannel):
        await claims()
    assert (await house.notice(notice_id)).attempts == ()


async def claim_all(house: House, fence: int = 0) -> int:
    async with house.database.write() as tx:
        claimed = await claim(
            tx, house.shop.channel_id, fence, house.clock.now(), ALL, ids, house.lookup, house.setup
        )
    return len(claimed.to_send)


async def test_a_takeover_makes_unknown_what_was_out_and_touches_nothing_else(house: House) -> None:
    at = await house.open()
    out = await house.ask(3)
    assert await claim_all(house) == 3
    (idle,) = await house.ask()
    async with house.database.write() as tx:
        assert await recover(tx, at.channel_id, START + 5000, house.lookup, ids) == 3
        assert await recover(tx, at.channel_id, START + 5000, house.lookup, ids) == 0
    for notice_id in out:
        notice = await house.notice(notice_id)
        assert (notice.state, [a.outcome for a in notice.attempts]) == ("waiting", ["unknown"])
        assert notice.attempts[0].open
    assert (await house.notice(idle)).state == "queued"
    # None of them is sent again: only the idle one is claimed.
    assert await claim_all(house) == 1


async def test_a_takeover_leaves_other_channels_alone(house: House) -> None:
    at = await house.open()
    await house.ask()
    await claim_all(house)
    async with house.database.write() as tx:
        other = await shop(tx)
        assert await recover(tx, other.channel_id, START, house.lookup, ids) == 0
        assert await recover(tx, at.channel_id, START, house.lookup, ids) == 1


async def settled(*engines: Engine) -> None:
    for engine in engines:
        await engine.settle()


async def test_of_two_engines_on_one_database_only_one_sends(house: House) -> None:
    await house.open()
    one, two = house.engine(), house.engine()
    await one.start()
    await two.start()
    wanted = await house.ask(300)
    await settled(one, two, one)
    assert len(house.carrier.sent) == 300
    for notice_id in wanted:
        notice = await house.notice(notice_id)
        assert (notice.state, [a.id for a in notice.attempts]) == (
            "waiting",
            [t for t in house.carrier.sent if t == notice.attempts[0].id],
        )


async def test_a_stopped_engine_hands_its_channels_to_the_next(house: House) -> None:
    await house.open()
    one, two = house.engine(), house.engine()
    await one.start()
    first = await house.ask(20)
    await settled(one)
    await two.start()
    await one.stop()
    house.engines.remove(one)
    second = await house.ask(20)
    await settled(two, two)
    assert len(house.carrier.sent) == len(set(house.carrier.sent)) == 40
    for notice_id in (*first, *second):
        assert [a.outcome for a in (await house.notice(notice_id)).attempts] == ["accepted"]


async def test_a_graceful_stop_waits_for_the_answers_that_are_out(house: House) -> None:
    await house.open()
    engine = house.engine()
    house.carrier.gate.clear()
    await engine.start()
    wanted = await house.ask(5)
    engine.wake()
    await until(lambda: len(house.carrier.sent) == 5)
    stopping = asyncio.create_task(engine.stop())
    for _ in range(50):
        await asyncio.sleep(0)
    assert not stopping.done()
    house.carrier.gate.set()
    await asyncio.wait_for(stopping, 10)
    house.engines.remove(engine)
    for notice_id in wanted:
        assert (await house.notice(notice_id)).attempts[0].outcome is Outcome.ACCEPTED


async def test_a_channel_taken_away_and_taken_back_sends_nothing_twice_and_comes_to_rest(
    house: House,
) -> None:
    """Its fencing number rose while requests were out: as after a long stall of this process."""
    at = await house.open()
    engine = house.engine()
    house.carrier.gate.clear()
    await engine.start()
    wanted = await house.ask(100)
    engine.wake()
    await until(lambda: len(house.carrier.sent) >= 40)
    async with house.database.write() as tx:
        await channels.take_over(tx, at.channel_id, "another", 7, 0)
        await recover(tx, at.channel_id, START, house.lookup, ids)
    await house.ask(1)
    engine.wake()
    # The other's lease is over at once, so this process takes the channel back.
    for _ in range(10_000):
        if (await row(house)).fence == 8:
            break
    await until(lambda: engine._owners.owns(at.channel_id))
    house.carrier.gate.set()
    await asyncio.wait_for(engine.settle(), 20)
    assert len(house.carrier.sent) == len(set(house.carrier.sent))
    for notice_id in wanted:
        notice = await house.notice(notice_id)
        assert (notice.state, len(notice.attempts)) == ("waiting", 1)


# --- what a channel's sending does when something is wrong ------------------------------------------------


async def test_a_token_that_cant_be_unsealed_pauses_the_channel_and_keeps_the_notices(house: House) -> None:
    """The SECRET_KEY was changed: nothing may be lost by that."""
    await house.open(seal=Seal("quite another secret key"))
    wanted = await house.ask(3)
    engine = house.engine()
    await engine.start()
    await engine.settle()
    channel = await row(house)
    assert channel.paused_at == START
    for notice_id in wanted:
        notice = await house.notice(notice_id)
        assert notice.state == "queued"
        assert not any(a.outcome is Outcome.UNKNOWN for a in notice.attempts)


async def test_the_token_that_leaves_is_the_channels(house: House) -> None:
    await house.open()
    await house.ask(2)
    engine = house.engine()
    await engine.start()
    await engine.settle()
    assert house.carrier.tokens == ["a token"] * 2


async def test_a_carrier_that_breaks_inside_makes_the_outcome_unknown_and_nothing_is_sent_again(
    house: House,
) -> None:
    await house.open()

    def breaks(_: str) -> Answer:
        raise ZeroDivisionError

    house.carrier.answer = breaks
    (notice_id,) = await house.ask()
    engine = house.engine()
    await engine.start()
    await engine.settle()
    notice = await house.notice(notice_id)
    assert [a.outcome for a in notice.attempts] == ["unknown"]
    assert len(house.carrier.sent) == 1


async def test_settling_answers_when_something_is_due_next(house: House) -> None:
    await house.open()
    engine = house.engine()
    await engine.start()
    assert await engine.settle() == (None, True)
    await house.ask()
    due, worked = await engine.settle()
    assert (due, worked) == (START + 4 * 3_600_000, True)
    assert await engine.settle() == (due, False)
    house.clock.put(START + 4 * 3_600_000)
    await engine.settle()
    assert len(house.carrier.sent) == 2


def test_a_process_has_one_name_and_one_file(tmp_path: Path) -> None:
    one: Any = Presence(tmp_path / "new", "one")
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["one"]
    one.leave()


async def test_of_two_that_come_at_once_one_takes_the_channel(house: House, times: Times) -> None:
    at = await house.open()
    first, second = Process(house, "first"), Process(house, "second")
    await asyncio.gather(first.owners.step(), second.owners.step())
    assert sorted(first.taken + second.taken) == [(at.channel_id, 1)]


class Says:
    """Whose the channel is, as the test says."""

    def __init__(self) -> None:
        self.mine, self.sure = True, True

    def owns(self, channel_id: str) -> bool:
        return self.mine

    def lease_holds(self) -> bool:
        return self.sure

    def lease_until(self) -> float:
        return math.inf

    def lost(self, channel_id: str, fence: int) -> None:
        self.mine = False


@pytest.mark.parametrize("then", ["sure again", "lost"])
async def test_while_the_lease_is_in_doubt_nothing_leaves(
    house: House, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    monkeypatch.setattr(deliver_module, "DOUBT_SECONDS", 0)
    await house.open()
    wanted = await house.ask(3)
    says = Says()
    recorder = Recorder(house.clock, house.database, house.lookup, {}, house.reactions)
    deliver = Deliver(
        house.clock,
        house.database,
        await row(house),
        0,
        house.outlets(),
        recorder,
        house.lookup,
        ids,
        SEAL,
        says,
        PacerBook(),
    )
    says.sure = False
    assert await deliver.step()
    for _ in range(200):
        await asyncio.sleep(0)
    assert (house.carrier.sent, recorder.out()) == ([], 3)
    says.sure = True
    if then == "lost":
        says.mine = False
        await until(lambda: recorder.out() == 0)
        assert house.carrier.sent == []
    else:
        await until(lambda: len(house.carrier.sent) == 3)
        while recorder.out():
            await recorder.step()
            await asyncio.sleep(0)
        assert [(await house.notice(n)).state for n in wanted] == ["waiting"] * 3
    await deliver.close()


async def test_what_waits_for_its_turn_does_not_leave_once_the_channel_is_anothers(house: House) -> None:
    """As when LINE has asked us to wait, and this process stalled meanwhile."""
    await house.open()
    wanted = await house.ask(3)
    says, pacers = Says(), PacerBook()
    channel = await row(house)
    house.departures.pacer(channel.id).hold(0.1)
    recorder = Recorder(house.clock, house.database, house.lookup, {}, house.reactions)
    deliver = Deliver(
        house.clock,
        house.database,
        channel,
        0,
        house.outlets(),
        recorder,
        house.lookup,
        ids,
        SEAL,
        says,
        pacers,
    )
    assert await deliver.step()
    for _ in range(50):
        await asyncio.sleep(0)
    says.mine = False
    await until(lambda: not recorder.out(("", "")) and recorder.out("") == 3)
    assert await recorder.step()
    assert house.carrier.sent == []
    assert [(await house.notice(n)).state for n in wanted] == ["queued"] * 3
    await deliver.close()


async def held_up(house: House) -> tuple[Recorder, Deliver]:
    """LINE has asked to wait, and meanwhile so much time went by that each notice is held against the gate again."""
    await house.open()
    await house.ask(3)
    channel = await row(house)
    house.departures.pacer(channel.id).hold(0.1)
    recorder = Recorder(house.clock, house.database, house.lookup, {}, house.reactions)
    deliver = Deliver(
        house.clock,
        house.database,
        channel,
        0,
        house.outlets(),
        recorder,
        house.lookup,
        ids,
        SEAL,
        Says(),
        PacerBook(),
    )
    assert await deliver.step()
    return recorder, deliver


async def test_what_cant_be_held_against_the_gate_again_has_not_left_and_is_not_forgotten(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder, deliver = await held_up(house)
    house.clock.put(START + deliver_module.STALE)

    async def no_more_files(*_: object) -> None:
        raise OSError("Too many open files")

    with monkeypatch.context() as broken:
        broken.setattr("todoke.engine.deliver.channel_store.get_channel", no_more_files)
        await until(lambda: not recorder.out(("", "")) and recorder.out("") == 3)
    assert await recorder.step()
    assert house.carrier.sent == []
    assert recorder.out() == 0
    await deliver.close()


async def test_what_has_waited_until_it_counts_as_lost_does_not_leave_any_more(house: House) -> None:
    """LINE may ask for a wait of many hours; by then another step may have begun."""
    recorder, deliver = await held_up(house)
    house.clock.put(START + LEASE)
    await until(lambda: recorder.out("") == 3)
    assert await recorder.step()
    assert house.carrier.sent == []
    await deliver.close()
