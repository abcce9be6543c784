"""Populations, the clock, faults, reset."""

from __future__ import annotations

import asyncio
import re

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from line_emulator import times
from line_emulator.clockwork.clock import FASTEST, PAUSED, REAL, SLOWEST
from line_emulator.clockwork.followers import FollowerSilent
from line_emulator.control.http import Refused, answer, check, moment, number_of, read, state_of
from line_emulator.faults import MOST_ORDERS, fault_in, order_of
from line_emulator.screen import screen
from line_emulator.state import State
from line_emulator.world import numbers
from line_emulator.world.commands import AddPopulation
from line_emulator.world.population import Population, Rates

MOST_PEOPLE = 100_000_000
CHUNK = 20_000
_PREFIX = re.compile(r"\+[1-9][0-9]{0,13}", re.ASCII)


class PopulationBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What `POST /population` takes."""

    count: int
    seed: int = 1
    prefix: str
    digits: int = 7
    channel_id: str | None = None
    language: str | None = None
    rates: Rates = Rates()

    def fault(self) -> str | None:
        """What is wrong with it, in words; None if nothing is."""
        if not _PREFIX.fullmatch(self.prefix):
            return f"prefix is {self.prefix!r}; it must be the beginning of an E.164 number, such as +88691"
        if not 1 <= self.digits <= 14 or not numbers.is_e164(self.prefix + "0" * self.digits):
            told = f"prefix is {self.prefix!r} and digits is {self.digits}"
            return f"{told}; together they must make an E.164 number of 7 to 15 digits"
        if not 1 <= self.count <= min(MOST_PEOPLE, 10**self.digits):
            return f"count is {self.count}; it must lie between 1 and {min(MOST_PEOPLE, 10**self.digits)}"
        if not 0 <= self.seed < 2**63:
            return f"seed is {self.seed}; it must lie between 0 and 2^63 - 1"
        if self.language is not None and self.language not in screen.LANGUAGES:
            return f"language is {self.language[:50]!r}; it must be one of {', '.join(screen.LANGUAGES)}"
        if not self.rates.languages.keys() <= set(screen.LANGUAGES):
            return f"rates.languages may name {', '.join(screen.LANGUAGES)}"
        return self.rates.fault()


async def populate(request: Request) -> Response:
    """`POST /population`: answers when the table of numbers is ready; others are served meanwhile."""
    state = state_of(request)
    body = await read(request, PopulationBody)
    fault = body.fault()
    if fault is not None:
        raise Refused(400, fault)
    if body.channel_id is not None and body.channel_id not in state.world.channels:
        raise Refused(404, f"There is no channel {body.channel_id}")
    population = Population(
        count=body.count,
        seed=body.seed,
        prefix=body.prefix,
        digits=body.digits,
        channel_id=body.channel_id,
        language=body.language,
        rates=body.rates,
        created_at=state.clock.now(),
    )
    effects = state.do(AddPopulation(population))
    check(effects.problem)
    await index(effects.value)
    return answer(
        {"count": body.count, "first": population.phone(0), "last": population.phone(body.count - 1)}
    )


async def index(population: Population) -> None:
    """Builds the population's table bit by bit, so that requests are answered in between."""
    for _ in range(0, population.count, CHUNK):
        population.build(CHUNK)
        await asyncio.sleep(0)


class ClockBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What `POST /clock` takes. `mode` and `speed` come into force first, then the movement."""

    advance: str | None = None
    set: str | None = None
    mode: str | None = None
    speed: float | None = None

    def fault(self) -> str | None:
        """What is wrong with it, in words; None if nothing is."""
        if self.advance is None and self.set is None and self.mode is None and self.speed is None:
            return "Say one of advance, set, mode and speed"
        if self.advance is not None and self.set is not None:
            return "Say advance or set, not both"
        if self.mode not in (None, REAL, PAUSED):
            return f"mode is {self.mode!r}; it must be real or paused"
        if self.speed is not None and not SLOWEST <= self.speed <= FASTEST:
            return f"speed is {self.speed:g}; it must lie between {SLOWEST:g} and {FASTEST:.0f}"
        return None


async def show_clock(request: Request) -> Response:
    """`GET /clock`."""
    return answer(clock_view(state_of(request)))


def clock_view(state: State) -> dict[str, object]:
    """The clock as JSON."""
    stopped = state.traveller.stopped
    return {
        "now": times.render(state.clock.now()),
        "mode": state.clock.mode,
        "speed": state.clock.speed,
        "followers": state.followers.names(),
        **({"stopped": stopped} if stopped is not None else {}),
    }


async def move_clock(request: Request) -> Response:
    """`POST /clock`: returns when the emulator and all followers are idle at the new time."""
    state = state_of(request)
    body = await read(request, ClockBody)
    fault = body.fault()
    if fault is not None:
        raise Refused(400, fault)
    target = moment(body.set, "set") if body.set is not None else None
    try:
        by = times.parse_duration(body.advance) if body.advance is not None else 0
    except ValueError as error:
        raise Refused(400, f"advance: {error}") from None
    if state.clock.now() + by >= times.END_OF_TIME:
        raise Refused(400, "advance: that is beyond the year 8999")
    if body.mode is not None or body.speed is not None:
        await state.traveller.change_mode(body.mode, body.speed)
    try:
        if target is not None and target < state.clock.now():
            await _set_back(state, target)
        elif target is not None or body.advance is not None:
            state.fresh = False
            await state.traveller.to(target, by)
    except FollowerSilent as error:
        raise Refused(504, str(error)) from None
    state.tick()
    return answer(clock_view(state))


async def _set_back(state: State, target: int) -> None:
    if not state.fresh:
        text = "The clock moves forward; an earlier time can be set only right after POST /reset"
        raise Refused(400, text)
    await state.traveller.set_back(target)


class FaultBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What `POST /faults` takes."""

    target: str
    kind: str
    share: float | None = None
    next: int | None = None
    status: int | None = None
    ms: int | None = None
    path: str | None = None
    channel_id: str | None = None


async def add_fault(request: Request) -> Response:
    """`POST /faults`: one order, or a list of them."""
    state = state_of(request)
    bodies = await read(request, FaultBody | list[FaultBody])  # type: ignore[arg-type]
    found = bodies if isinstance(bodies, list) else [bodies]
    faults = [order_of(**msgspec.structs.asdict(body)) for body in found]
    if len(state.faults.orders) + len(faults) > MOST_ORDERS:
        raise Refused(400, f"There may be {MOST_ORDERS} faults at a time; DELETE /faults withdraws them")
    for fault in faults:
        wrong = fault_in(fault)
        if wrong is not None:
            raise Refused(400, wrong)
    added = [state.faults.add(fault) for fault in faults]
    return answer(added if isinstance(bodies, list) else added[0])


async def list_faults(request: Request) -> Response:
    """`GET /faults`: the orders in force, with how often each struck."""
    return answer({"faults": state_of(request).faults.orders})


async def clear_faults(request: Request) -> Response:
    """`DELETE /faults`, or one with `/faults/{id}`."""
    state = state_of(request)
    fault_id = number_of(request, "fault_id") if "fault_id" in request.path_params else None
    removed = state.faults.remove(fault_id)
    if fault_id is not None and not removed:
        raise Refused(404, f"There is no fault {fault_id}; GET /faults lists them")
    return answer({"removed": removed})


async def show_state(request: Request) -> Response:
    """`GET /state`: the state file, if there is one, and whether it is still written."""
    diary = state_of(request).diary
    if diary is None:
        return answer({"file": None})
    file = diary.file
    return answer({"file": str(file.path), "bytes": file.size, "records": file.records, "error": file.error})


async def reset(request: Request) -> Response:
    """`POST /reset`: back to empty; the clock keeps its time and mode."""
    state = state_of(request)
    state.reset()
    return answer(clock_view(state))
