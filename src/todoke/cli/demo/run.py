"""What happens in the demo, in order."""

import csv
import json
import tempfile
import time
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from todoke.cli import show
from todoke.cli.common import fail, out
from todoke.cli.demo.programs import Program, free_port
from todoke.cli.demo.screen import Screen
from todoke.cli.demo.world import COUNTRIES, Country, World
from todoke.core.errors import InvalidNumber
from todoke.core.phone import parse
from todoke_client import Todoke

SAMPLES = files("todoke") / "samples"


def demo(*, once: bool, port: int) -> None:
    """Emulator and gateway on loopback, the sample lists, 24 hours in seconds, the report."""
    out.print("[bold]Todoke demo[/bold]: three parcel services, about 300 notices, one emulated day of LINE")
    with tempfile.TemporaryDirectory(prefix="todoke-demo-") as folder:
        try:
            _run(Path(folder), once=once, port=port)
        except KeyboardInterrupt:
            out.print("\nStopped.")


def _run(folder: Path, *, once: bool, port: int) -> None:
    emulator = Program(
        "line-emulator", ["line_emulator", "serve", "--port", str(free_port(8600))], folder / "e.log", {}
    )
    try:
        world = World(emulator.url)
        world.begin()
        gateway_port = free_port(port or 8700)
        if port and gateway_port != port:
            fail(f"Port {port} is taken. Leave --port out, and a free one is chosen.")
        environment = {
            "TODOKE_DATA_DIR": str(folder / "data"),
            "TODOKE_LINE_API_BASE": emulator.url,
            "TODOKE_CLOCK": emulator.url,
            "TODOKE_PORT": str(gateway_port),
        }
        gateway = Program("todoke", ["todoke.cli", "serve"], folder / "g.log", environment)
        try:
            key = (folder / "data" / "api.key").read_text().strip()
            with Todoke(gateway.url, key) as todoke:
                _play(world, todoke)
                if not once:
                    _stay(emulator.url, gateway.url)
        finally:
            gateway.stop()
    finally:
        emulator.stop()


def _play(world: World, todoke: Todoke) -> None:
    with Screen(out) as screen:
        for i, country in enumerate(COUNTRIES):
            world.settle(country, todoke.base_url, seed=11 + i)
            _set_up(country, todoke)
        bound = sum(_bind(world, todoke, country) for country in COUNTRIES)
        screen.tell(f"{bound} of the users have linked their account before: friends, who get a push")
        world.trouble()
        _send(world, todoke, screen)
        _live_through_a_day(world, todoke, screen)
    _report(world, todoke)


def _set_up(country: Country, todoke: Todoke) -> None:
    todoke.create_channel(
        name=country.name,
        region=country.region,
        line_channel_id=country.channel["channel_id"],
        secret=country.channel["channel_secret"],
        access_token=country.channel["access_token"],
    )
    template = json.loads((SAMPLES / "templates" / f"{country.sample}.json").read_text(encoding="utf-8"))
    todoke.create_template({**template, "channel": country.name})


def _bind(world: World, todoke: Todoke, country: Country) -> int:
    """Some of those on the list have linked number and LINE account before. The friends list comes from LINE."""
    todoke.sync_friends(country.name)
    while todoke.friends(country.name)["sync"]["state"] != "finished":
        world.advance("1s")
    bound = 0
    for number in _numbers_of(country)[::3]:
        if (user_id := world.user_id(number)) is not None:
            todoke.bind(channel=country.name, number=number, user_id=user_id, way="account_link")
            bound += 1
    return bound


def _send(world: World, todoke: Todoke, screen: Screen) -> None:
    for country in COUNTRIES:
        with as_file(SAMPLES / f"{country.sample}.csv") as path:
            batch = todoke.send_file(path, channel=country.name, template=country.sample)
        country.batch = batch["id"]
        while batch["state"] in ("preparing", "reading"):
            time.sleep(0.05)
            batch = todoke.batch(country.batch)
        _look(world, todoke, screen)
        screen.tell(
            f"{country.flag}: {batch['rows']} rows, {batch['refused']} refused, the rest goes out over LINE"
        )
    for _ in range(8):
        _look(world, todoke, screen)
        time.sleep(0.15)


def _look(world: World, todoke: Todoke, screen: Screen) -> dict[str, list[dict[str, Any]]]:
    found = {c.flag: list(todoke.notices(batch=c.batch)) for c in COUNTRIES if c.batch}
    screen.show(world.now(), found)
    return found


def _live_through_a_day(world: World, todoke: Todoke, screen: Screen) -> None:
    """A day: some users answer LINE's prompts soon, some when the SMS has long gone, some never."""
    numbers = _numbers()
    soon, late, never = numbers[0::3], numbers[1::3], numbers[2::3]

    def wait(*durations: str) -> None:
        for duration in durations:
            world.advance(duration)
            _look(world, todoke, screen)

    wait("10m", "50m")
    count = world.answer_prompts(soon)
    wait("1s")
    screen.tell(f"{count} users agreed or proved their number by PIN: now they see it")
    refused = world.refuse_prompts(never[0::2])
    screen.tell(f"{refused} users refused, others do nothing: LINE never tells us either")
    wait("1h", "1h", "1h")
    screen.tell("Four hours without proof: the SMS goes out for those")
    wait("1h")
    count = world.answer_prompts(late)
    wait("1s")
    screen.tell(f"{count} more users agreed, after their SMS: late duplicates, counted as such")
    wait("4h", "5h", "5h", "4h")
    wait("2h")
    screen.tell("Over 24 hours: what LINE has not shown by now, it never will")


def _numbers() -> list[str]:
    """The numbers of the sample lists that can be used, in E.164."""
    return [number for country in COUNTRIES for number in _numbers_of(country)]


def _numbers_of(country: Country) -> list[str]:
    found = []
    text = (SAMPLES / f"{country.sample}.csv").read_text(encoding="utf-8-sig")
    for line in text.splitlines()[1:]:
        try:
            found.append(parse(line.split(",")[0], country.region).e164)
        except InvalidNumber:
            continue
    return found


def _report(world: World, todoke: Todoke) -> None:
    out.rule("Report")
    for country in COUNTRIES:
        rejects = todoke.rejects(country.batch).splitlines()[1:]
        out.print(f"\n[bold]{country.flag}: {len(rejects)} rows refused[/bold], each with its reason")
        for line in rejects[:4]:
            shown = f"line {line.split(',')[0]}: {_reason(line)}"
            out.print(Padding(Text(shown, style="dim"), (0, 0, 0, 2)))
        if len(rejects) > 4:
            out.print(f"  and {len(rejects) - 4} more", style="dim")
    out.print()
    funnel, cost, latency = (todoke.report(name) for name in ("funnel", "cost", "latency"))
    for part in show.report(funnel, cost, latency):
        out.print(part)
    out.print()
    _check(world, todoke, funnel)


def _reason(line: str) -> str:
    return next(csv.reader([line]))[1]


def _check(world: World, todoke: Todoke, funnel: dict[str, Any]) -> None:
    """Holds the report against the ledger of what LINE's side truly did."""
    fates = world.ledger()
    wrong = []
    for country in COUNTRIES:
        for notice in todoke.notices(batch=country.batch):
            for attempt in notice["attempts"]:
                if attempt["step"] != "line_notification":
                    continue
                shown = fates.get(attempt["delivery_tag"]) == "delivered"
                if shown != ("proof_at" in attempt):
                    wrong.append(notice["id"])
    asked, still_open = funnel["asked"], funnel["open"]
    ended = sum(funnel["states"].values()) - still_open
    out.print(
        f"Held against the ledger of LINE's side: {asked} asked for, {ended} ended, {still_open} open;\n"
        f"of {len(fates)} requests that LINE saw, {len(wrong)} are reported otherwise than it saw them."
    )
    if asked != ended or still_open or wrong:
        fail("The report does not agree with the ledger. This is a defect of Todoke; please report it.")


def _stay(emulator: str, gateway: str) -> None:
    console: Console = out
    console.print("\nStill running, to look around in a browser:")
    console.print(f"  {gateway}        the gateway")
    console.print(f"  {gateway}/docs   its API, to read and to try")
    console.print(f"  {emulator}        the emulator: LINE's side, every user, every webhook")
    console.print("Ctrl-C ends both.")
    while True:
        time.sleep(3600)
