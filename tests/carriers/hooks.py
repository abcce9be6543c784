"""Signed webhooks and a name server, for the tests of the callback carrier and of the guarded session."""

import json
import socket
from datetime import UTC, datetime
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

from todoke.carriers import Posting
from todoke.carriers.callback import new_secret

SECRET = new_secret(bytes(range(32)))
TEXT = "您的包裹已送達，請至櫃檯領取，謝謝您。"
BODY = json.dumps({"to": "+886912345678", "text": TEXT}, ensure_ascii=False).encode()
TAG = "01K2W7K0000000000000000001"


def posting(url: str, **more: Any) -> Posting:
    now = int(datetime.now(UTC).timestamp() * 1000)
    values = {"url": url, "secret": SECRET, "id": "msg_1", "at": now, "body": BODY} | more
    return Posting(**values)


class Names(AbstractResolver):
    """A name server that says what it is told to, another address each time if there are several."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked += 1
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for address in found
        ]

    async def close(self) -> None:
        pass
