"""Starts and orders the SMSC of `node/smsc.js` (npm's smpp), and makes carriers for it."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from todoke.carriers import SmsMessage
from todoke.carriers.smpp import SmppCarrier, SmppDeclaration, parse_smpp
from todoke.core.outcome import Answer

FOLDER = Path(__file__).parent / "node"
NODE = shutil.which("node")

PASSWORD = "sesame"
DECLARATION = """
kind: smpp
name: relay
host: {host}
port: {port}
tls: false
system_id: shop
password: "{{secret:RELAY}}"
source: {{address: SHOP}}
receipts: true
rate: 2000
window: 50
timeout: 5s
reconnect: {{first: 20ms, most: 50ms}}
"""


def needs_node() -> None:
    """Called at the head of a module of tests: skips it where there is no Node."""
    if NODE is None or not (FOLDER / "node_modules" / "smpp").exists():
        why = "Node or the package smpp is not installed: apt-get install nodejs npm, then make test"
        pytest.skip(why, allow_module_level=True)


def declared(port: int, host: str = "127.0.0.1", **changes: Any) -> SmppDeclaration:
    """The declaration of this SMSC, with fields changed."""
    fields = {**_fields(port, host), **changes}
    return parse_smpp(json.dumps(fields), "relay.yaml", allow_private=True)


def _fields(port: int, host: str) -> dict[str, Any]:
    tree: dict[str, Any] = yaml.safe_load(DECLARATION.format(port=port, host=host))
    return tree


def sms(text: str = "Your parcel is here", to: str = "+886912345678") -> SmsMessage:
    return SmsMessage(to=to, text=text)


async def many(carrier: SmppCarrier, count: int) -> dict[str, Answer]:
    """Sends so many texts at once; the answer to each."""
    texts = [f"notice {n}" for n in range(count)]
    answers = await asyncio.gather(*(carrier.send(sms(text), "tag") for text in texts))
    return dict(zip(texts, answers, strict=True))


class Store:
    """Keeps what the carrier hands over, or refuses to."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.broken = False
        self.tried = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, body: bytes) -> None:
        self.tried += 1
        await self.gate.wait()
        if self.broken:
            raise RuntimeError("the disk is full")
        self.bodies.append(body)


class Smsc:
    """The SMSC in its own process. `order` gives it one of the orders of smsc.js and returns the answer."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process, self.port = process, port
        self._n = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reading = asyncio.create_task(self._read())
        self.store = Store()

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            answer = json.loads(line)
            self._waiting.pop(answer["n"]).set_result(answer)

    async def order(self, do: str, **given: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._n += 1
        answer = self._waiting[self._n] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(json.dumps({"n": self._n, "do": do, **given}).encode() + b"\n")
        async with asyncio.timeout(20):
            return await answer

    async def faults(self, **faults: Any) -> None:
        await self.order("set", faults=faults)

    async def submits(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.order("seen"))["submits"]
        return found

    async def texts(self) -> list[str]:
        """The texts that are whole, put together by their headers as a phone does."""
        parts: dict[tuple[str, int], dict[int, str]] = {}
        whole = []
        for one in await self.submits():
            if one["udh"] is None:
                whole.append(one["text"])
                continue
            length, kind, _size, reference, total, number = _header(one["udh"])
            assert (length, kind) == (5, 0)
            collected = parts.setdefault((one["to"], reference), {})
            assert number not in collected
            collected[number] = one["text"]
            if len(collected) == total:
                whole.append("".join(collected[n] for n in range(1, total + 1)))
        return whole

    async def receipt(self, message_id: str, stat: str = "DELIVRD", **more: Any) -> int | None:
        """Sends a receipt in the usual words; the status of our deliver_sm_resp."""
        text = (
            f"id:{message_id} sub:001 dlvrd:001 submit date:2401021530 done date:2401021531 "
            f"stat:{stat} err:000 text:Your parcel"
        )
        given: dict[str, Any] = {"text": text, "pdu": {"esm_class": 4}, **more}
        status: int | None = (await self.order("deliver", **given))["status"]
        return status

    async def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        self._reading.cancel()


def _header(udh: list[int]) -> tuple[int, ...]:
    # The package leaves the length away or not, by version.
    return tuple(udh) if len(udh) == 6 else (5, *udh)


@pytest.fixture
async def smsc() -> AsyncIterator["Smsc"]:
    async with running_smsc() as running:
        yield running


@pytest.fixture
async def carrier(smsc: Smsc) -> AsyncIterator[SmppCarrier]:
    """One that is bound to `smsc`."""
    async with running_carrier(smsc) as running:
        yield running


@asynccontextmanager
async def running_smsc(**setup: Any) -> AsyncIterator[Smsc]:
    assert NODE is not None
    given = {"systemId": "shop", "password": PASSWORD, **setup}
    process = await asyncio.create_subprocess_exec(
        NODE,
        str(FOLDER / "smsc.js"),
        json.dumps(given),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**24,
    )
    assert process.stdout is not None
    smsc = Smsc(process, json.loads(await process.stdout.readline())["port"])
    try:
        yield smsc
    finally:
        await smsc.stop()


@asynccontextmanager
async def running_carrier(
    smsc: Smsc, secrets: Mapping[str, str] | None = None, **changes: Any
) -> AsyncIterator[SmppCarrier]:
    """A carrier that is started, and stopped at the end."""
    carrier = SmppCarrier(declared(smsc.port, **changes), secrets or {"RELAY": PASSWORD}, smsc.store)
    await carrier.start()
    try:
        yield carrier
    finally:
        await carrier.stop(grace=1)


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Waits for something that happens by itself over a real network."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def until_smsc(smsc: Smsc, condition: Callable[[dict[str, Any]], bool], seconds: float = 10) -> None:
    """Waits until the SMSC's counts are as wanted."""
    async with asyncio.timeout(seconds):
        while not condition(await smsc.order("count")):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
