"""Plays one scenario: the people, the phone, the acts; then asks all three sides and compares."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx

import line_catalogue
from todoke.cli.acceptance.acts import ACTS
from todoke.cli.acceptance.checks import checks
from todoke.cli.acceptance.evidence import gather
from todoke.cli.acceptance.film import encode
from todoke.cli.acceptance.play import Person, Play
from todoke.cli.acceptance.results import Result
from todoke.cli.acceptance.scenarios import SCENARIOS, WAIT, Scenario
from todoke.cli.acceptance.stage import SIZE, stage
from todoke.cli.acceptance.subject import Subject
from todoke.cli.acceptance.texts import Texts
from todoke.cli.acceptance.world import World
from todoke.core.phone import masked
from todoke_client import ProblemError, Todoke

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext

__all__ = ["SCENARIOS", "WAIT", "Cast", "faults_of", "left_out", "perform"]

_PREFIXES = {"TW": "+886900", "TH": "+6680", "JP": "+818010"}
"""Made-up numbers begin so, by the country of the use case."""
_LENGTHS = {"TW": 13, "TH": 12, "JP": 13}
_MOST_ERROR = 400


class Cast(NamedTuple):
    """All that a scenario is played with. `number`: which language of the run this is."""

    world: World
    todoke: Todoke
    context: "BrowserContext"
    subject: Subject
    texts: Texts
    channel: dict[str, Any]
    folder: Path
    number: int


def left_out(subject: Subject, chosen: tuple[str, ...]) -> list[tuple[Scenario, str]]:
    """The scenarios that are not played, each with why: `left_out.WHY` of the words."""
    found = []
    for scenario in SCENARIOS:
        missing = sorted(scenario.needs - subject.forms)
        if chosen and scenario.key not in chosen:
            found.append((scenario, "chosen"))
        elif len(scenario.steps) > 1 and subject.use_case.key in line_catalogue.duplicate_unlawful():
            found.append((scenario, "unlawful"))
        elif missing:
            found.append((scenario, missing[0]))
    return found


def numbers(region: str, place: int) -> tuple[str, str]:
    """Two made-up mobile numbers for the scenario at this place: the recipient's, and one to change to."""
    prefix = _PREFIXES[region]
    digits = _LENGTHS[region] - len(prefix)
    return f"{prefix}{200_000 + place:0{digits}d}", f"{prefix}{700_000 + place:0{digits}d}"


async def perform(scenario: Scenario, cast: Cast) -> Result:
    """One scenario from its people to its checks. What goes wrong on the way is the result's `error`."""
    from playwright.async_api import Error  # noqa: PLC0415

    place = cast.number * 100 + SCENARIOS.index(scenario)
    number, new_number = numbers(cast.subject.use_case.region, place)
    person = await _person(scenario, cast, number, new_number)
    language = cast.texts.language
    async with stage(cast.context, cast.world.url, number, language) as opened:
        play = Play(
            scenario,
            cast.subject,
            person,
            channel_id=cast.channel["channel_id"],
            world=cast.world,
            todoke=cast.todoke,
            stage=opened,
            texts=cast.texts,
        )
        error = None
        try:
            await opened.begin(scenario.number, cast.texts.scenario(scenario.key, "title"))
            await ACTS[scenario.key](play)
        except Error as problem:
            error = _first_lines(problem.message)
        except ProblemError as problem:
            error = "; ".join([problem.detail, *(f"{p}: {m}" for p, m in problem.errors)])[:_MOST_ERROR]
        except httpx.HTTPStatusError as problem:
            error = f"The emulator answered {problem.response.status_code}: {problem.response.text}"[
                :_MOST_ERROR
            ]
        frames = list(opened.frames)
    return await _judged(play, cast, frames, error)


async def _judged(play: Play, cast: Cast, frames: list[Any], error: str | None) -> Result:
    scenario = play.scenario
    found = None
    if play.notice_id:
        found = await gather(play, cast.world, cast.todoke, cast.channel["channel_secret"])
    film = None
    if frames:
        path = cast.folder / "film.mp4"
        await asyncio.to_thread(encode, frames, *SIZE, path)
        film = path.read_bytes()
    return Result(
        scenario=scenario,
        number=masked(play.person.number),
        beats=play.beats,
        acts=play.acts,
        film=film,
        evidence=found,
        checks=[] if found is None else checks(scenario.expected, found),
        error=error,
    )


async def _person(scenario: Scenario, cast: Cast, number: str, new_number: str) -> Person:
    if scenario.user is None:
        return Person(number, new_number, None)
    world, language = cast.world, cast.texts.language
    user_id = await world.user(number, name=cast.texts.word("user_name"), language=language, **scenario.user)
    if scenario.friend:
        # Bound before they follow: the gateway greets new friends who are not bound with a link to bind by.
        await asyncio.to_thread(
            cast.todoke.bind,
            channel=cast.subject.channel,
            number=number,
            user_id=user_id,
            way="account_link",
        )
        await world.act(number, "add_friend", channel_id=cast.channel["channel_id"])
        await world.advance("1s")
    return Person(number, new_number, user_id)


def _first_lines(message: str) -> str:
    """What Playwright says, without its log's decoration."""
    return " ".join(line.strip(" -") for line in message.splitlines()[:4] if line.strip())[:_MOST_ERROR]


def faults_of(result: Result) -> list[str]:
    """What did not hold, a line each."""
    lines = [] if result.error is None else [result.error]
    return lines + [
        f"{check.side}.{check.what}: expected {check.expected}, found {check.found}"
        for check in result.checks
        if not check.holds
    ]
