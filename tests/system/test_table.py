"""The table: every combination of who the user is and what they do, from the API's answer to the notice's end.

Each cell has a user and a notice of its own; thousands share one emulator, one gateway and a few jumps of the clock.
What is expected comes from `oracle.py`, which is written from LINE's documentation.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import pytest
import uvloop

from emulator_support import FLEXIBLE_PATH, TEMPLATE_PATH, RunningEmulator, line_hash, running_emulator
from gateway_support import RunningGateway, running_gateway
from line_emulator.posting import poster
from system import oracle
from system.oracle import EARLY, LATE, Story, User

# Half past ten in the evening in Japan: what is released two hours later counts for the next day of LINE's counts.
START = datetime(2030, 3, 1, 13, 30, tzinfo=UTC)
TODAY, TOMORROW = "20300301", "20300302"
PREFIX = {"TW": "+886912", "TH": "+66812", "JP": "+819012"}
WAITS = {"30m": 30, "24h": 24 * 60}
ANSWERED = {"template": 202, "flexible": 200}
PATHS = {"template": TEMPLATE_PATH, "flexible": FLEXIBLE_PATH}
COUNTS = {
    "template": "/v2/bot/message/delivery/pnp/templated",
    "flexible": "/v2/bot/message/delivery/pnp",
}
CONTENT: dict[str, dict[str, Any]] = {
    "template": {
        "line_template": {
            "templateKey": "example_parcel",
            "body": {"items": [{"itemKey": "example_name", "content": "{{name}}"}]},
        },
        "flexible": None,
    },
    "flexible": {},
}


class Cell(NamedTuple):
    """One line of the table: a user (None: nobody with LINE has the number), a notice, a phone that SMS reach."""

    story: Story | None
    country: str
    wait: str
    sms_arrives: bool
    phone: str
    channel: dict[str, Any]

    @property
    def user(self) -> User | None:
        return None if self.story is None else self.story.user


def minute(text: str | None) -> int | None:
    """A time of JSON as minutes after the send; sharp, or the test fails."""
    if text is None:
        return None
    after = datetime.fromisoformat(text) - START
    assert after % timedelta(minutes=1) == timedelta(0), f"{text} is no whole minute after the send"
    return after // timedelta(minutes=1)


async def each(items: Iterable[Any], work: Callable[[Any], Awaitable[Any]], at_once: int = 24) -> list[Any]:
    """Does the work for each item, some at a time; the results in order."""
    items = list(items)
    results: list[Any] = [None] * len(items)
    queue = iter(enumerate(items))

    async def worker() -> None:
        for position, item in queue:
            results[position] = await work(item)

    await asyncio.gather(*(worker() for _ in range(at_once)))
    return results


def cells(channels: list[dict[str, Any]], kind: str, deck: bool) -> list[Cell]:
    """The table. Left out, each with its reason:

    - Traits and acts of a number without a LINE user: there is nobody to have them. One cell a country and account.
    - Under the deck's switches, users whom they can't concern: those who neither reject nor block (or only later),
      and those who did not agree to the privacy policy, of whom docs and deck say the same.
    - Phones that SMS do not reach: in the run of one kind only, as the SMS knows nothing of the kind; where the user
      changes the number (the documents do not say whose phone the old one then is); and without the privacy policy,
      where a user who rejects has the same 422.
    """
    numbers: Counter[str] = Counter()
    table: list[Cell] = []

    def add(story: Story | None, country: str, wait: str, sms_arrives: bool = True) -> None:
        phone = f"{PREFIX[country]}{numbers[country]:06}"
        numbers[country] += 1
        # Any served account may send to any served number: the accounts' countries go round beside the users'.
        table.append(Cell(story, country, wait, sms_arrives, phone, channels[len(table) % len(channels)]))

    for wait in WAITS:
        for story in oracle.stories():
            user = story.user
            if deck and not (user.privacy and (user.reception == "reject" or user.blocked)):
                continue
            add(story, user.country, wait)
            if kind == "flexible" and not deck and user.privacy and story.act != "changes number":
                add(story, user.country, wait, sms_arrives=False)
        for country in oracle.SERVED:
            for _ in channels:
                add(None, country, wait)
    return table


def new_number(phone: str) -> str:
    """Where a user goes who changes the number: another range of the same country."""
    return phone[:-6] + str(int(phone[-6]) + 5) + phone[-5:]


class Table:
    """A run of one kind of notification over all cells."""

    def __init__(self, gateway: RunningGateway, kind: str, deck: bool) -> None:
        self.gateway = gateway
        self.line: RunningEmulator = gateway.emulator
        self.kind = kind
        self.deck = deck
        self.cells: list[Cell] = []
        self.channels: list[dict[str, Any]] = []

    async def set_up(self) -> None:
        switches = {"reject_visible": False, "unblock_releases": True} if self.deck else {}
        for region in oracle.SERVED:
            self.channels.append(await self.gateway.channel(region, region, **switches))
            await self.gateway.template(region, name=f"{self.kind} {region}", **CONTENT[self.kind])
        self.regions = dict(zip([c["channel_id"] for c in self.channels], oracle.SERVED, strict=True))
        self.cells = cells(self.channels, self.kind, self.deck)
        await each((c for c in self.cells if c.story), self._make_user)

    async def _make_user(self, cell: Cell) -> None:
        assert cell.user is not None
        await self.line.user(
            cell.phone,
            reception=cell.user.reception,
            verified=cell.user.verified,
            privacy_policy=cell.user.privacy,
            sms_reachable=cell.sms_arrives,
        )
        if cell.user.blocked:
            await self.line.act(cell.phone, "block", channel_id=cell.channel["channel_id"])

    async def send(self) -> None:
        """All notices, asked for in one virtual moment."""
        bodies = [
            {
                "channel": self.regions[cell.channel["channel_id"]],
                "template": f"{self.kind} {self.regions[cell.channel['channel_id']]}",
                "to": cell.phone,
                "parameters": {"name": "小明"},
                "policy": {"steps": [{"step": "line_notification", "wait": cell.wait}, {"step": "sms"}]},
                "reference": cell.phone,
            }
            for cell in self.cells
        ]
        for begin in range(0, len(bodies), 5000):
            answer = await self.gateway.ok(
                "POST", "/v1/notices/batch", {"notices": bodies[begin : begin + 5000]}
            )
            assert answer["refused"] == 0, [r for r in answer["results"] if "problem" in r][:3]

    async def act(self, when: int) -> None:
        """What the users do who do something now."""
        await each((c for c in self.cells if c.story and c.story.when == when), self._act)

    async def _act(self, cell: Cell) -> None:
        assert cell.story is not None
        for tap in cell.story.taps:
            if tap == "pin":
                await self.line.act(cell.phone, "enter_pin", pin=await self.line.pin(cell.phone))
            elif tap == "change_number":
                await self.line.act(cell.phone, tap, phone=new_number(cell.phone))
            else:
                await self.line.act(cell.phone, tap, channel_id=cell.channel["channel_id"])

    async def check_prompts(self) -> None:
        """What stands open on the phones of those who do nothing: before they act all users of a kind are alike."""
        still = [c for c in self.cells if c.story and c.story.act is None]
        screens = await each(still, lambda c: self.line.screen(c.phone))
        for cell, screen in zip(still, screens, strict=True):
            prompt = oracle.line_side(cell.story, self.deck).prompt
            assert screen["prompts"] == ([] if prompt is None else [prompt]), cell

    def expected(self, cell: Cell) -> tuple[oracle.Line, oracle.Notice]:
        line = (
            oracle.Line(False, "rejected", None, (), None)
            if cell.story is None
            else oracle.line_side(cell.story, self.deck)
        )
        return line, oracle.gateway_side(line, WAITS[cell.wait], cell.sms_arrives)

    async def notices(self) -> dict[str, dict[str, Any]]:
        """What the gateway shows, by number (which the reference holds here)."""
        found: dict[str, dict[str, Any]] = {}
        query: dict[str, str] = {"limit": "500"}
        while True:
            page = await self.gateway.ok("GET", "/v1/notices", **query)
            for notice in page["notices"]:
                assert notice["reference"] not in found
                found[notice["reference"]] = notice
            if "next" not in page:
                return found
            query["cursor"] = page["next"]

    async def events(self) -> dict[str, list[int | None]]:
        """The delivery events that were posted, by delivery tag: the minute that each names."""
        found: dict[str, list[int | None]] = defaultdict(list)
        for post in (await self.line.control("GET", "/webhooks"))["rows"]:
            assert post["status"] == 200, post
            for event in json.loads(post["body"])["events"]:
                if event["type"] == "delivery":
                    at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
                    found[event["delivery"]["data"]].append(minute(at.isoformat()))
        return found

    async def texts(self) -> dict[str, list[int | None]]:
        """The SMS that the carrier took, by number: the minutes."""
        found: dict[str, list[int | None]] = defaultdict(list)
        path = "/sms"
        while True:
            page = await self.line.control("GET", path)
            for row in page["rows"]:
                found[row["to"]].append(minute(row["at"]))
            if "next" not in page:
                return found
            path = f"/sms?cursor={page['next']}"


def shown(notice: dict[str, Any]) -> oracle.Notice:
    """A notice of the API in the oracle's words."""
    attempts = tuple(
        oracle.Attempt(
            a["step"], minute(a["at"]) or 0, a["outcome"], minute(a.get("proof_at")), a.get("late_duplicate")
        )
        for a in notice["attempts"]
    )
    return oracle.Notice(notice["state"], minute(notice["ended_at"]) or 0, attempts)


def check_notices(table: Table, notices: dict[str, Any]) -> None:
    """Where each of the gateway's notices ended, and by which attempts at what times."""
    assert len(notices) == len(table.cells)
    wrong = []
    for cell in table.cells:
        found, wanted = shown(notices[cell.phone]), table.expected(cell)[1]
        if found != wanted:
            wrong.append(f"{cell.story} {cell.wait} {cell.sms_arrives}\n  is     {found}\n  not    {wanted}")
    assert not wrong, f"{len(wrong)} of {len(table.cells)} differ:\n" + "\n".join(wrong[:5])


async def check_ledger(table: Table, notices: dict[str, Any]) -> None:
    """What the API answered, whether and when the user saw the message, whether and when the event came."""
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in await table.line.ledger():
        rows[row["to"]].append(row)
    posted = await table.events()
    proven = 0
    for cell in table.cells:
        line, _ = table.expected(cell)
        (row,) = rows[line_hash(cell.phone)]
        assert row["path"] == PATHS[table.kind]
        assert row["status"] == (ANSWERED[table.kind] if line.accepted else 422), (cell, row)
        assert row["at"] == notices[cell.phone]["attempts"][0]["at"]
        tag = notices[cell.phone]["attempts"][0]["delivery_tag"]
        assert row["delivery_tag"] == tag
        assert (row["fate"], minute(row["seen_at"]), minute(row["event_at"])) == (
            line.fate,
            line.seen_at,
            line.seen_at,
        ), (cell, row)
        assert row["times_seen"] == (line.seen_at is not None)
        assert posted.get(tag, []) == ([] if line.seen_at is None else [line.seen_at]), cell
        proven += line.seen_at is not None
    assert sum(map(len, posted.values())) == proven


async def check_phones(table: Table) -> None:
    """What stands in the chats and the SMS inbox of every user."""
    texts = await table.texts()
    users = [c for c in table.cells if c.story is not None]

    async def look(cell: Cell) -> None:
        assert cell.story is not None
        line, notice = table.expected(cell)
        moved = cell.story.act == "changes number"
        screen = await table.line.screen(new_number(cell.phone) if moved else cell.phone)
        chats = {chat["from"]: chat["messages"] for chat in screen["chats"]}
        seen = [(minute(m["at"]), m["kind"]) for m in chats.pop(cell.channel["channel_id"], [])]
        assert seen == ([] if line.seen_at is None else [(line.seen_at, "notification")]), cell
        said = tuple((minute(m["at"]), m["kind"]) for m in chats.pop("line", []))
        if not table.deck:  # The deck says nothing about the system account's messages.
            assert said == line.chat, (cell, said, line.chat)
        assert not chats
        assert screen["prompts"] == [], "after four days nothing is asked any more"
        wanted = [a.at for a in notice.attempts if a.step == "sms"]
        assert texts.get(cell.phone, []) == wanted, cell
        inbox = [minute(s["at"]) for s in screen["sms"] if "pin" not in s]
        if not moved:
            assert inbox == (wanted if cell.sms_arrives else []), cell

    await each(users, look)
    for cell in table.cells:
        if cell.story is None:
            assert texts[cell.phone] == [0], cell


async def check_counts(table: Table) -> None:
    """What LINE would bill: messages shown, by the day in UTC+9, on each account."""
    wanted: Counter[tuple[str, str]] = Counter()
    for cell in table.cells:
        seen_at = table.expected(cell)[0].seen_at
        if seen_at is not None:
            wanted[cell.channel["channel_id"], TODAY if seen_at == 0 else TOMORROW] += 1
    other = next(k for k in COUNTS if k != table.kind)
    for channel in table.channels:
        for day in (TODAY, TOMORROW):
            reply = await table.line.get(channel, f"{COUNTS[table.kind]}?date={day}")
            assert reply.json == {"status": "ready", "success": wanted[channel["channel_id"], day]}
            reply = await table.line.get(channel, f"{COUNTS[other]}?date={day}")
            assert reply.json == {"status": "ready", "success": 0}


async def check_report(table: Table) -> None:
    """The gateway's funnel is the sum of all cells."""
    pairs = [table.expected(cell) for cell in table.cells]
    funnel = await table.gateway.ok("GET", "/v1/reports/funnel")
    states = Counter(notice.state for _, notice in pairs)
    assert {k: v for k, v in funnel["states"].items() if v} == states
    assert funnel["asked"] == len(pairs)
    late = [a for _, n in pairs for a in n.attempts if a.late_duplicate]
    assert funnel["late_duplicates"] == len(late)
    line = funnel["line_notification"]
    assert line["requested"] == len(pairs)
    assert line["not_matched"] == sum(not x.accepted for x, _ in pairs)
    assert line["shown"] == sum(x.seen_at is not None for x, _ in pairs)
    assert line["accepted"] == sum(x.accepted for x, _ in pairs)


@pytest.mark.parametrize("kind", ["template", "flexible"])
@pytest.mark.parametrize("deck", [False, True], ids=["documentation", "deck"])
def test_every_user_and_act_comes_to_the_end_that_lines_documents_say(
    tmp_path: Path, kind: str, deck: bool
) -> None:
    # Thousands of notices, the emulator and the gateway share one thread here: an answer to a webhook that takes over
    # LINE's two seconds would tell of the machine and not of the table.
    with mock.patch.object(poster, "TIMEOUT", 60.0):
        # On the loop that `todoke serve` runs on: it halves the time.
        uvloop.run(_run(tmp_path / "data", kind, deck))


async def _run(folder: Path, kind: str, deck: bool) -> None:
    async with running_emulator() as line:
        await line.clock(mode="paused", set=START.isoformat())
        async with running_gateway(line, folder) as gateway:
            table = Table(gateway, kind, deck)
            await table.set_up()
            await table.send()
            await line.clock(advance="30m")
            await table.check_prompts()
            await line.clock(advance=f"{EARLY - 30}m")
            await table.act(EARLY)
            await line.clock(advance=f"{LATE - EARLY}m")
            await table.act(LATE)
            await line.clock(advance=f"{4 * 24 * 60 - LATE}m")
            notices = await table.notices()
            check_notices(table, notices)
            await check_ledger(table, notices)
            await check_phones(table)
            await check_counts(table)
            await check_report(table)


@pytest.mark.parametrize("phone", ["+821012345678", "+14155550100", "+6591234567"])
async def test_a_number_of_a_country_that_is_not_served_is_refused_before_line_is_asked(
    gateway: RunningGateway, phone: str
) -> None:
    body = {"channel": "Parcels", "template": "parcel", "to": phone, "parameters": {"name": "小明"}}
    status, problem = await gateway.call("POST", "/v1/notices", body)
    assert (status, problem["type"]) == (422, "invalid-number")
    assert problem["errors"][0]["pointer"] == "/to"
    assert phone not in str(problem)
    many = await gateway.ok("POST", "/v1/notices/batch", {"notices": [body, {**body, "to": "0912345678"}]})
    assert (many["accepted"], many["refused"]) == (1, 1)
    assert many["results"][0]["problem"]["type"] == "invalid-number"
    await gateway.settle()
    asked = [row["to"] for row in await gateway.emulator.ledger()]
    assert asked == [line_hash("+886912345678")]


@pytest.mark.parametrize("kind", ["template", "flexible"])
async def test_line_answers_422_for_a_country_that_is_not_served_whoever_the_user_is_and_does(
    line: RunningEmulator, kind: str
) -> None:
    """Asked directly, as the gateway never asks. Nothing that the user does brings the message."""
    await line.clock(mode="paused", set=START.isoformat())
    channel = await line.channel(region="TW", templates=["example_parcel"])
    everyone = list(enumerate(oracle.stories(("KR",))))
    phones = {n: f"+82101234{n:04}" for n, _ in everyone}

    async def make_and_ask(item: tuple[int, Story]) -> None:
        n, story = item
        user = story.user
        await line.user(
            phones[n], reception=user.reception, verified=user.verified, privacy_policy=user.privacy
        )
        if user.blocked:
            await line.act(phones[n], "block", channel_id=channel["channel_id"])
        if kind == "template":
            reply = await line.send(channel, phones[n], body={"templateKey": "example_parcel"})
        else:
            reply = await line.send_flexible(channel, phones[n])
        assert (reply.status, reply.json) == (422, {"message": "Failed to send messages"})

    async def act(item: tuple[int, Story]) -> None:
        n, story = item
        for tap in story.taps:
            if tap == "pin":
                await line.act(phones[n], "enter_pin", pin=await line.pin(phones[n]))
            elif tap == "change_number":
                await line.act(phones[n], tap, phone=phones[n] + "0")
            else:
                await line.act(phones[n], tap, channel_id=channel["channel_id"])

    await each(everyone, make_and_ask)
    await line.clock(advance=f"{EARLY}m")
    await each((x for x in everyone if x[1].when == EARLY), act)
    await line.clock(advance=f"{LATE - EARLY}m")
    await each((x for x in everyone if x[1].when == LATE), act)
    await line.clock(advance="3d")
    rows = await line.ledger()
    assert len(rows) == len(everyone)
    assert {(r["status"], r["fate"], r["seen_at"], r["event_at"]) for r in rows} == {
        (422, "rejected", None, None)
    }
    for day in (TODAY, TOMORROW):
        assert (await line.get(channel, f"{COUNTS[kind]}?date={day}")).json["success"] == 0
