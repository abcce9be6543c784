"""LINE's side of the demo: who lives there, and what they do in the 24 hours."""

from typing import Any
from urllib.parse import quote

import httpx

from todoke.core.durations import rfc3339

BEGIN = 1_796_274_000_000
"""3 December 2026, 13:00 in Taipei: the sample lists are of that day."""
PEOPLE = 1000
RATES = {
    "registered": 0.88,
    "agree": 0.66,
    "not_set": 0.24,
    "verified": 0.86,
    "blocked": 0.05,
    "friend": 0.3,
    "sms_unreachable": 0.03,
}


class Country:
    """One channel of the demo: its list, its template, and where its users' numbers lie."""

    def __init__(self, region: str, name: str, sample: str, prefix: str, digits: int, flag: str) -> None:
        self.region = region
        self.name = name
        self.sample = sample
        self.prefix = prefix
        self.digits = digits
        self.flag = flag
        self.channel: dict[str, Any] = {}
        self.batch = ""


COUNTRIES = (
    Country("TW", "好日子宅配", "tw_delivery", "+88691", 7, "Taiwan"),
    Country("TH", "ส่งดี เอ็กซ์เพรส", "th_delivery", "+66810", 6, "Thailand"),
    Country("JP", "こだま宅配便", "jp_shipment", "+81801", 7, "Japan"),
)


class World:
    """The emulator's control API, as far as the demo needs it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=f"{url}/_emulator/v1", timeout=120, trust_env=False)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._http.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json()

    def begin(self) -> None:
        """An empty world at the day of the sample lists, its clock standing still."""
        self._call("POST", "/reset")
        self._call("POST", "/clock", {"mode": "paused"})
        self._call("POST", "/clock", {"set": rfc3339(BEGIN)})

    def settle(self, country: Country, gateway: str, seed: int) -> None:
        """A channel of that country and its people."""
        country.channel = self._call(
            "POST",
            "/channels",
            {
                "name": country.name,
                "region": country.region,
                "badge": "green",
                "certified": True,
                "webhook_url": f"{gateway}/line/{{channel_id}}/webhook",
                "templates": ["shipment_completed_ja"] if country.region == "JP" else [],
                "redelivery": True,
            },
        )
        people = {
            "count": PEOPLE,
            "seed": seed,
            "prefix": country.prefix,
            "digits": country.digits,
            "channel_id": country.channel["channel_id"],
            "rates": RATES,
        }
        self._call("POST", "/population", people)

    def trouble(self) -> None:
        """A few connections that break, after and before LINE took the request: their outcome is unknown."""
        for kind, count in (("disconnect_after", 3), ("disconnect_before", 3)):
            self._call("POST", "/faults", {"target": "api", "kind": kind, "next": count})

    def advance(self, duration: str) -> None:
        self._call("POST", "/clock", {"advance": duration})

    def now(self) -> str:
        return str(self._call("GET", "/clock")["now"])

    def screen(self, number: str) -> dict[str, Any] | None:
        """What this user sees; None where nobody on LINE has the number."""
        answer = self._http.get(f"/users/{quote(number, safe='')}/screen")
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def user_id(self, number: str) -> str | None:
        """LINE's id of the user with this number, as the channels' provider sees it; None where there is none."""
        answer = self._http.get(f"/users/{quote(number, safe='')}")
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        return str(answer.json()["user_id"])

    def act(self, number: str, action: str, **more: str) -> None:
        self._call("POST", f"/users/{quote(number, safe='')}/actions", {"action": action, **more})

    def answer_prompts(self, numbers: list[str]) -> int:
        """These users agree, ask for the PIN, read it in their SMS and enter it. How many had to."""
        answered = 0
        for number in numbers:
            screen = self.screen(number)
            if screen is None or not screen["prompts"]:
                continue
            answered += 1
            if "consent" in screen["prompts"]:
                self.act(number, "agree")
            screen = self.screen(number)
            if screen is not None and "pin" in screen["prompts"]:
                self.act(number, "request_pin")
                screen = self.screen(number)
                pins = [sms["pin"] for sms in (screen or {}).get("sms", []) if sms.get("pin")]
                self.act(number, "enter_pin", pin=pins[-1])
        return answered

    def refuse_prompts(self, numbers: list[str]) -> int:
        """These users say no to the consent request."""
        refused = 0
        for number in numbers:
            screen = self.screen(number)
            if screen is not None and "consent" in screen["prompts"]:
                self.act(number, "refuse")
                refused += 1
        return refused

    def ledger(self) -> dict[str, str]:
        """Delivery tag → what LINE says became of the request."""
        fates: dict[str, str] = {}
        query = ""
        while True:
            page = self._call("GET", f"/ledger{query}")
            fates |= {r["delivery_tag"]: r["fate"] for r in page["rows"]}
            if "next" not in page:
                return fates
            query = f"?cursor={page['next']}"
