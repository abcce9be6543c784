"""Plays a program of the model test on a whole gateway, and brings home everything that anybody saw."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import yaml

from emulator_support import CONTROL, RunningEmulator, running_emulator
from gateway_support import RunningGateway, running_gateway
from system.model_outside import Outside, declaration
from system.model_program import (
    COUNTRIES,
    MOVED,
    Act,
    Cancel,
    Deed,
    Fault,
    Mode,
    NoFaults,
    Person,
    Program,
    Repair,
    Restart,
    Resume,
    Revoke,
    Send,
)
from system.model_trace import ENDS, Sent, Trace
from todoke.actions.channels import DEFAULT_ACCOUNT, ensure_account
from todoke.actions.endpoints import NewEndpoint, create_endpoint
from todoke.settings import load
from todoke.wiring import open_base

START = datetime(2030, 3, 1, tzinfo=UTC)
TEMPLATE: dict[str, Any] = {
    "flexible": [{"type": "text", "text": "{{name}} 您好,您的包裹已於 8 月 7 日送達門市。"}],
    "push": [{"type": "text", "text": "{{name}} 您好,您的包裹已送達。"}],
    "sms": "{{name}} 您好,您的包裹已於 8 月 7 日送達門市。若已取件請忽略。",
}
MOST_PATIENCE = 8
"""Times two days, after the script, until everything must have ended."""


def phone_of(index: int, person: Person, moved: int = 0) -> str:
    """A person's number; `moved`: how often they changed it."""
    return COUNTRIES[person.country].format(1000 + index + moved * MOVED % 9000)


class Player:
    """Plays one program."""

    def __init__(self, program: Program, line: RunningEmulator, outside: Outside, folder: Path) -> None:
        self.program = program
        self.line = line
        self.outside = outside
        self.folder = folder
        self.trace = Trace(program, outside)
        self.moved = [0] * len(program.people)
        self.stack = AsyncExitStack()
        self.gateway: RunningGateway
        self.channel: dict[str, Any] = {}
        self.tokens = 0

    def now(self) -> int:
        return self.outside.now()

    async def start(self, port: int = 0) -> None:
        """Starts the gateway, anew at the same port."""
        running = running_gateway(self.line, self.folder, port=port, sms_carrier="alpha,beta")
        self.gateway = await self.stack.enter_async_context(running)
        self.outside.gateway = self.gateway.url

    async def stop(self) -> None:
        self.outside.gateway = None
        await self.stack.aclose()

    async def prepare(self) -> None:
        """A channel, a template, people: who is a friend and who blocks is known before the first send."""
        await self.start()
        way = f"http://127.0.0.1:{self.outside.ports['way']}/line/{{channel_id}}/webhook"
        self.channel = await self.gateway.channel(redelivery=self.program.redelivery, webhook_url=way)
        await self.gateway.template(**TEMPLATE)
        for index, person in enumerate(self.program.people):
            await self._settle_in(index, person)
        await self.gateway.advance("2m")
        await self._look_at_everybody()

    async def _settle_in(self, index: int, person: Person) -> None:
        phone = phone_of(index, person)
        if not person.registered:
            return
        made = await self.line.user(
            phone, reception=person.reception, verified=person.verified, sms_reachable=person.sms_reachable
        )
        self.trace.user_ids[index] = made["user_id"]
        for action, wanted in (("add_friend", person.friend), ("block", person.blocked)):
            if wanted:
                await self.line.act(phone, action, channel_id=self.channel["channel_id"])
        if person.bound:
            binding = {
                "channel": "Parcels",
                "number": phone,
                "user_id": made["user_id"],
                "way": "account_link",
            }
            await self.gateway.ok("POST", "/v1/bindings", binding)

    async def play(self) -> None:
        """The script, then peace, until every notice has ended."""
        for gap, deed in self.program.script:
            await self.gateway.advance(gap or "1s")
            self.trace.moments.add(self.now())
            await self.do(deed)
            await self._look()
        await self.gateway.advance("1s")
        await self._make_peace()
        for _ in range(MOST_PATIENCE):
            await self.gateway.advance("2d")
            if all(n["state"] in ENDS for n in (await self._look()).values()):
                break
        await self.gateway.advance("4d")  # What is still open of notices that have ended closes too.

    async def _make_peace(self) -> None:
        self.trace.moments.add(self.now())
        await self.line.control("DELETE", "/faults")
        for party in self.outside.modes:
            await self.outside.set(party, "well")
        await self.do(Repair())
        await self._look()

    async def do(self, deed: Deed) -> None:
        """One deed, and everything that follows from it at once."""
        match deed:
            case Send():
                await self._send(deed)
            case Act():
                await self._act(deed)
            case Cancel():
                await self._cancel(deed)
            case Fault():
                await self.line.control("POST", "/faults", deed.order)
            case NoFaults():
                await self.line.control("DELETE", "/faults")
            case Mode():
                await self.outside.set(deed.party, deed.mode)
            case Revoke():
                await self._patch_line(None)
            case Repair():
                self.tokens += 1
                token = f"token-{self.tokens}"
                await self._patch_line(token)
                await self.gateway.ok("PATCH", "/v1/channels/Parcels", {"access_token": token})
            case Resume():
                await self.gateway.call("POST", "/v1/channels/Parcels/resume")
            case Restart():
                await self._restart(deed)

    async def _send(self, deed: Send) -> None:
        person = self.program.people[deed.person]
        marker = f"#{len(self.trace.sent):02}#"
        body = {
            "channel": "Parcels",
            "template": "parcel",
            "to": phone_of(deed.person, person),
            "parameters": {"name": marker},
            "policy": deed.policy,
            "deadline": deed.deadline,
        }
        made = await self.gateway.ok("POST", "/v1/notices", {k: v for k, v in body.items() if v is not None})
        self.trace.sent.append(Sent(made["id"], marker, deed.person, body["to"], self.now(), deed))

    async def _act(self, deed: Act) -> None:
        person = self.program.people[deed.person]
        if not person.registered:
            return
        phone = phone_of(deed.person, person, self.moved[deed.person])
        channel = {"channel_id": self.channel["channel_id"]}
        if deed.action == "pin":
            await self.line.act(phone, "enter_pin", pin=await self.line.pin(phone))
        elif deed.action == "change_number":
            self.moved[deed.person] += 1
            new = phone_of(deed.person, person, self.moved[deed.person])
            await self.line.act(phone, "change_number", phone=new)
        elif deed.action == "send_message":
            await self.line.act(phone, "send_message", text="hello", **channel)
        else:
            await self.line.act(phone, deed.action, **channel)
        await self.gateway.advance("1s")
        await self._look_at(deed.person)

    async def _cancel(self, deed: Cancel) -> None:
        if self.trace.sent:
            chosen = self.trace.sent[deed.notice % len(self.trace.sent)]
            before = await self.gateway.notice(chosen.id)
            await self.gateway.ok("POST", f"/v1/notices/{chosen.id}/cancel")
            if before["state"] not in ENDS and chosen.cancelled_at is None:
                chosen.cancelled_at = self.now()

    async def _patch_line(self, token: str | None) -> None:
        path = f"/channels/{self.channel['channel_id']}"
        await self.line.control("PATCH", path, {"access_token": token})

    async def _restart(self, deed: Restart) -> None:
        port = int(self.gateway.url.rpartition(":")[2])
        await self.stop()
        since = self.now()
        if deed.after != "0s":
            await self.line.clock(advance=deed.after)
        await self.start(port)
        self.trace.down.append((since, self.now()))
        self.trace.moments.add(self.now())
        await self.gateway.advance("1s")

    async def _look(self) -> dict[str, Any]:
        answer = await self.gateway.ok("GET", "/v1/notices", limit="500")
        found = {n["id"]: n for n in answer["notices"]}
        self.trace.seen.append((self.now(), found))
        return found

    async def _look_at_everybody(self) -> None:
        for index, person in enumerate(self.program.people):
            if person.registered:
                await self._look_at(index)

    async def _look_at(self, index: int) -> None:
        screen = await self.line.screen(phone_of(index, self.program.people[index], self.moved[index]))
        ours = next(c for c in screen["channels"] if c["channel_id"] == self.channel["channel_id"])
        self.trace.truth.setdefault(index, []).append((self.now(), ours["friend"], ours["blocked"]))

    async def gather(self) -> Trace:
        """Everything that was written down anywhere."""
        trace, control = self.trace, self.line.control
        for sent in trace.sent:
            trace.notices[sent.id] = await self.gateway.notice(sent.id)
        trace.funnel = await self.gateway.ok("GET", "/v1/reports/funnel")
        trace.requests = [x async for x in self._rows("/requests")]
        trace.ledger = await self.line.ledger()
        trace.texts = (await control("GET", "/sms"))["rows"]
        for index, person in enumerate(self.program.people):
            for moved in range(self.moved[index] + 1):
                phone = phone_of(index, person, moved)
                found = await self.line.request("GET", f"{CONTROL}/users/{quote(phone, safe='')}/screen")
                if found.status == 200:
                    trace.screens.append(found.json)
        return trace

    async def _rows(self, path: str) -> AsyncIterator[dict[str, Any]]:
        cursor = ""
        while True:
            page = await self.line.control("GET", f"{path}?limit=1000{cursor}")
            for row in page["rows"]:
                yield row
            if "next" not in page:
                return
            cursor = f"&cursor={page['next']}"


async def set_up(folder: Path, line: RunningEmulator, outside: Outside) -> None:
    """What must be there before the gateway starts: the SMS centres, and the endpoint of the callback step."""
    (folder / "carriers").mkdir(parents=True)
    for name, receipts in (("alpha", True), ("beta", False)):
        spec = declaration(name, outside.ports[name], receipts)
        (folder / "carriers" / f"{name}.yaml").write_text(yaml.safe_dump(spec))
    base = await open_base(load({"TODOKE_DATA_DIR": str(folder), "TODOKE_LINE_API_BASE": line.url}))
    wanted = NewEndpoint(url=f"http://127.0.0.1:{outside.ports['shop']}/hook", events=["callback"])
    async with base.database.write() as tx:
        account = await ensure_account(tx, DEFAULT_ACCOUNT, outside.now(), base.ids)
        await create_endpoint(tx, account, wanted, outside.now(), base.ids, base.seal, allow_private=True)
    await base.database.close()


@asynccontextmanager
async def playing(program: Program, folder: Path) -> AsyncIterator[Player]:
    """LINE, everybody else and a gateway, ready for the script."""
    async with running_emulator() as line, aiohttp.ClientSession() as session:
        moment = START + timedelta(hours=program.hour)
        await line.clock(mode="paused")
        await line.clock(set=moment.isoformat().replace("+00:00", "Z"))
        outside = Outside(line.url, line.state.clock.now, session)
        await outside.start()
        player = Player(program, line, outside, folder)
        try:
            await set_up(folder, line, outside)
            await player.prepare()
            yield player
        finally:
            await player.stop()
            await outside.stop()


async def run(program: Program) -> Trace:
    """Plays a program from beginning to end."""
    with tempfile.TemporaryDirectory() as folder:
        async with playing(program, Path(folder) / "data") as player:
            await player.play()
            return await player.gather()
