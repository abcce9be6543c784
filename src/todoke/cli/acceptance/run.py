"""The run from end to end: emulator and gateway as programs of their own, the scenarios, the files."""

import asyncio
import signal
import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import httpx

import line_catalogue
from todoke import __version__
from todoke.browser import NoBrowser, browser
from todoke.cli.acceptance import report, scenes
from todoke.cli.acceptance.film import check_encoder
from todoke.cli.acceptance.results import Made, Result, Run
from todoke.cli.acceptance.scenarios import Scenario
from todoke.cli.acceptance.scenes import left_out
from todoke.cli.acceptance.stage import house
from todoke.cli.acceptance.subject import Subject, UseCase, subject_of, used_keys
from todoke.cli.acceptance.tell import Teller, telling
from todoke.cli.acceptance.texts import Texts
from todoke.cli.acceptance.world import World
from todoke.cli.common import err, fail
from todoke.cli.demo.programs import Program, free_port
from todoke.clock import SystemClock
from todoke.core.durations import rfc3339
from todoke_client import NoGateway, ProblemError, Todoke

if TYPE_CHECKING:
    from playwright.async_api import Browser

_MORNING = 10
"""The hour of the day, there, at which each run begins."""


class Asked(NamedTuple):
    """What the command was asked for."""

    use_case: UseCase
    languages: list[str]
    chosen: tuple[str, ...]
    """Scenarios; none named: all."""
    template: dict[str, Any] | None
    account: str | None
    out: Path
    chromium: str | None
    fault: dict[str, Any] | None
    """A fault of the emulator's, to see that the report can fail."""


class Programs(NamedTuple):
    """The two that run, and the way to them."""

    emulator: str
    todoke: Todoke


class Stand(NamedTuple):
    """All that a run stands on. `folder`: for what is thrown away."""

    programs: Programs
    world: World
    browser: "Browser"
    teller: Teller
    folder: Path


def play(asked: Asked) -> list[Made]:
    """Everything; whatever was started is ended, however it ends. Ends the command where it can't be done."""
    try:
        check_encoder()
        asked.out.mkdir(parents=True, exist_ok=True)
    except NoBrowser as error:
        fail(str(error))
    except OSError as error:
        fail(f"The folder {asked.out} can't be made ({error.strerror}). Name another with --out.")
    try:
        with tempfile.TemporaryDirectory(prefix="todoke-acceptance-") as folder:
            return asyncio.run(_unless_ended(_play(asked, Path(folder))))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    except (NoBrowser, NoGateway) as error:
        fail(str(error))
    except ProblemError as error:
        fail("\n  ".join([error.detail, *(f"{p}: {m}" for p, m in error.errors if m != error.detail)]))
    except httpx.HTTPError as error:
        fail(f"The emulator does not answer ({type(error).__name__}).")


@contextmanager
def _programs(folder: Path) -> Iterator[Programs]:
    """Emulator and gateway, on loopback, with their own data."""
    err.print("Starting emulator and gateway …", style="dim")
    port = str(free_port(8600))
    emulator = Program("line-emulator", ["line_emulator", "serve", "--port", port], folder / "e.log", {})
    try:
        environment = {
            "TODOKE_DATA_DIR": str(folder / "data"),
            "TODOKE_LINE_API_BASE": emulator.url,
            "TODOKE_CLOCK": emulator.url,
            "TODOKE_PORT": str(free_port(8700)),
        }
        gateway = Program("todoke", ["todoke.cli", "serve"], folder / "g.log", environment)
        try:
            key = (folder / "data" / "api.key").read_text().strip()
            with Todoke(gateway.url, key) as todoke:
                yield Programs(emulator.url, todoke)
        finally:
            gateway.stop()
    finally:
        emulator.stop()


async def _unless_ended(doing: Coroutine[Any, Any, list[Made]]) -> list[Made]:
    """Takes a polite request to end like Ctrl-C: all that was started is ended in order."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await doing
    except asyncio.CancelledError:
        # What the browser was still asked for fails now, and nobody need hear of it.
        loop.set_exception_handler(lambda *_: None)
        raise


async def _play(asked: Asked, folder: Path) -> list[Made]:
    subjects = [
        subject_of(asked.use_case, language, asked.template, asked.account) for language in asked.languages
    ]
    chosen = [(subject, left_out(subject, asked.chosen)) for subject in subjects]
    total = sum(len(scenes.SCENARIOS) - len(out) for _, out in chosen)
    if not total:
        fail("Nothing is left to play: the template lacks what the chosen scenarios need (sms, or flexible).")
    # The browser first: where there is none, nothing else need be started.
    async with browser(asked.chromium) as opened:
        with _programs(folder) as programs, telling(err, total) as teller:
            world = World(programs.emulator)
            try:
                return await _in_each_language(asked, chosen, Stand(programs, world, opened, teller, folder))
            finally:
                await world.close()


async def _in_each_language(
    asked: Asked, chosen: list[tuple[Subject, list[tuple[Scenario, str]]]], stand: Stand
) -> list[Made]:
    """One language after the other."""
    zone = ZoneInfo(line_catalogue.countries()[asked.use_case.region].time_zone)
    await stand.world.begin(rfc3339(_next_morning(SystemClock().now(), zone)))
    made = []
    for number, (language, (subject, out)) in enumerate(zip(asked.languages, chosen, strict=True)):
        run = await Show(asked, stand).run(language, subject, out, number)
        made.append(await _write(run, asked.out, stand.browser, stand.teller))
    return made


def _next_morning(now: int, zone: ZoneInfo) -> int:
    """The next ten o'clock there, in ms."""
    there = datetime.fromtimestamp(now / 1000, UTC).astimezone(zone)
    morning = there.replace(hour=_MORNING, minute=0, second=0, microsecond=0)
    return round((morning if morning > there else morning + timedelta(days=1)).timestamp() * 1000)


async def _to_morning(world: World, zone: ZoneInfo) -> None:
    now = datetime.fromisoformat(await world.now()).timestamp() * 1000
    await world.call("POST", "/clock", {"set": rfc3339(_next_morning(round(now), zone))})


class Show:
    """All scenarios in one language."""

    def __init__(self, asked: Asked, stand: Stand) -> None:
        self._asked = asked
        self._stand = stand

    async def run(self, language: str, subject: Subject, out: list[tuple[Scenario, str]], number: int) -> Run:
        """Plays them one after the other, each from a morning on. `number`: of the language."""
        texts = Texts(language, oa=subject.account, wait=_hours(scenes.WAIT, language))
        channel = await self._set_up(subject)
        if number:
            await _to_morning(self._stand.world, ZoneInfo(subject.time_zone))
        begin = await self._stand.world.now()
        if self._asked.fault is not None:
            await self._stand.world.call("POST", "/faults", self._asked.fault)
        left = {scenario.key for scenario, _ in out}
        results: list[Result] = []
        async with house(self._stand.browser) as context:
            cast = scenes.Cast(
                self._stand.world,
                self._stand.programs.todoke,
                context,
                subject,
                texts,
                channel,
                self._stand.folder,
                number,
            )
            for scenario in scenes.SCENARIOS:
                if scenario.key in left:
                    continue
                if results:
                    await _to_morning(self._stand.world, ZoneInfo(subject.time_zone))
                title = texts.scenario(scenario.key, "title")
                self._stand.teller.doing(f"{language} {scenario.number} {title}")
                result = await scenes.perform(scenario, cast)
                self._stand.teller.said(f"{language:7} {scenario.number} {title}", good=result.passed)
                for line in scenes.faults_of(result):
                    self._stand.teller.said(f"          {line}")
                self._stand.teller.done()
                results.append(result)
        await self._stand.world.call("DELETE", "/faults")
        return Run(
            language=language,
            subject=subject,
            results=results,
            left_out=out,
            versions={
                "Todoke": __version__,
                "line-emulator": metadata.version("todoke"),
                "Chromium": self._stand.browser.version,
            },
            played_on=_today(subject.time_zone),
            begin=begin,
            end=await self._stand.world.now(),
            line_channel_id=channel["channel_id"],
        )

    async def _set_up(self, subject: Subject) -> dict[str, Any]:
        """A channel on both sides, and the template."""
        todoke = self._stand.programs.todoke
        channel: dict[str, Any] = await self._stand.world.call(
            "POST",
            "/channels",
            {
                "name": subject.account,
                "region": subject.use_case.region,
                "badge": "green",
                "certified": True,
                "webhook_url": f"{todoke.base_url}/line/{{channel_id}}/webhook",
                "redelivery": True,
                **used_keys(subject.template),
            },
        )
        await asyncio.to_thread(
            todoke.create_channel,
            name=subject.channel,
            region=subject.use_case.region,
            line_channel_id=channel["channel_id"],
            secret=channel["channel_secret"],
            access_token=channel["access_token"],
        )
        await asyncio.to_thread(todoke.create_template, {**subject.template, "channel": subject.channel})
        return channel


def _hours(duration: str, language: str) -> str:
    return Texts(language).word("duration_h", n=duration.removesuffix("h"))


def _today(zone: str) -> str:
    now = datetime.fromtimestamp(SystemClock().now() / 1000, UTC).astimezone(ZoneInfo(zone))
    return f"{now:%Y-%m-%d %H:%M} ({zone})"


async def _write(run: Run, folder: Path, opened: "Browser", teller: Teller) -> Made:
    """The two files of a run."""
    case = run.subject.use_case
    stem = f"acceptance-{case.region}-{case.key}-{run.language}"
    texts = Texts(run.language, oa=run.subject.account, wait=_hours(scenes.WAIT, run.language))
    teller.doing(f"{run.language} {stem}.html, .pdf")
    page, printed = folder / f"{stem}.html", folder / f"{stem}.pdf"
    page.write_text(report.html(run, texts), encoding="utf-8")
    await report.pdf(opened, report.html(run, texts, films=False), printed)
    return Made(run, page, printed)
