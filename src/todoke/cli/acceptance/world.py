"""The emulator's control API, as far as an acceptance run needs it. Times are RFC 3339 in UTC, as it writes them."""

from typing import Any
from urllib.parse import quote

import httpx

_SLOW_SECONDS = 120


class World:
    """LINE's side, over HTTP, beside a running browser: hence asynchronous."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.AsyncClient(base_url=f"{url}/_emulator/v1", timeout=_SLOW_SECONDS, trust_env=False)

    async def close(self) -> None:
        await self._http.aclose()

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """The answer's JSON. Raises httpx.HTTPError."""
        answer = await self._http.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json()

    async def begin(self, at: str) -> None:
        """An empty world at this time, its clock standing still."""
        await self.call("POST", "/reset")
        await self.call("POST", "/clock", {"mode": "paused"})
        await self.call("POST", "/clock", {"set": at})

    async def now(self) -> str:
        return str((await self.call("GET", "/clock"))["now"])

    async def advance(self, duration: str) -> None:
        """Moves the clock, from due time to due time, over emulator and gateway, until both are idle."""
        await self.call("POST", "/clock", {"advance": duration})

    async def user(self, number: str, **traits: Any) -> str:
        """Makes a LINE user; their user ID."""
        made = await self.call("POST", "/users", {"phone": number, **traits})
        return str(made["user_id"])

    async def act(self, number: str, action: str, **more: str) -> None:
        await self.call("POST", f"/users/{quote(number, safe='')}/actions", {"action": action, **more})

    async def screen(self, number_or_id: str) -> dict[str, Any]:
        """All that this user sees; of a number without LINE only its SMS inbox."""
        answer = await self._http.get(f"/users/{quote(number_or_id, safe='')}/screen")
        if answer.status_code == 404:
            return {"chats": [], "prompts": [], "sms": [], "line_user": False}
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    async def found(self, log: str, text: str) -> list[dict[str, Any]]:
        """Entries of a log (`ledger`, `webhooks`, `requests`) with this text, in their order."""
        rows = (await self.call("GET", f"/{log}?q={quote(text, safe='')}"))["rows"]
        return list(rows)

    async def sms(self, number: str) -> list[dict[str, Any]]:
        """Every SMS that the emulator's carrier took for a number."""
        return list((await self.call("GET", f"/sms?to={quote(number, safe='')}"))["rows"])
