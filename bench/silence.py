"""How often the likeliest cause of a silence is the true one: `python -m bench.silence`.

A month of 200 customers whose causes are known, played by a real gateway and a real emulator on one virtual clock: two
accounts, several notices a customer and week, users who block, refuse, never answer, let the check lapse or change
their number, some of them friends who bound their number; hours in which every webhook is lost, single lost events, and
requests whose answer is lost. The truth is LINE's side alone: the emulator's ledger, and the user's settings there.

Evidence is what `core.silence.judge` calls so: something that the gateway has seen and that speaks for a cause. Only
where there is none, or it cancels out, `unknown` is said. Weights were set on seed 1, and so were the shares of the
kinds of customers, those that look alike from outside among them: a figure for other customers may be lower, and one
line says how much. The seeds that are printed were never used for either.
"""

from __future__ import annotations

import argparse
import bisect
import random
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from bench.processes import Emulator, GatewayPlace
from bench.silence_figures import Case, share, show, show_wrong
from bench.silence_people import CHANNELS, DAYS, Act, Person, people
from bench.stage import TEMPLATE

TUNED_ON = 1
SEEDS = (101, 202, 303)
POLICIES: dict[str, Any] = {
    "Parcels": {"steps": [{"step": "line_notification", "wait": "24h"}]},
    "Bills": {"steps": [{"step": "line_notification", "wait": "4h"}, {"step": "sms"}]},
}
FLEXIBLE_PATH = "/bot/pnp/push"
LOST_EVENTS, LOST_ANSWERS, LOST_REQUESTS = 0.004, 0.01, 0.005
"""Shares, all month long: of webhooks, of answers to requests that LINE took, of requests that never arrived."""
DELETED = "deleted"
"""What stands for the setting of a user who has left LINE."""
SETTLED = timedelta(hours=25)
SLOT = 3
"""Hours: acts of users happen at full slots, so that the clock need not stop for each of them."""


@dataclass
class Month:
    """One run: what was sent, and what users were like at which time."""

    seed: int
    emulator: Emulator
    api: httpx.Client
    start: datetime
    channels: dict[str, str] = field(default_factory=dict)
    phones: dict[str, str] = field(default_factory=dict)
    settings: dict[str, list[tuple[datetime, str]]] = field(default_factory=lambda: defaultdict(list))
    sent: list[tuple[datetime, str, Person]] = field(default_factory=list)
    first_said: dict[str, str] = field(default_factory=dict)

    def at(self, hour: float) -> datetime:
        return self.start + timedelta(hours=hour)

    def move(self, hour: float) -> None:
        """To this hour. What is due before, from now on, happens on the way."""
        self.emulator.post("/clock", {"set": _rfc(max(self.at(hour), self.now()))})

    def now(self) -> datetime:
        return _time(self.emulator.get("/clock")["now"])


def _rfc(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


# The month


def play(seed: int, folder: Path) -> list[Case]:
    """One month; its silent cases."""
    folder.mkdir()
    with Emulator(folder) as emulator:
        emulator.post("/clock", {"mode": "paused"})
        place = GatewayPlace(folder, emulator, virtual_time=True, TODOKE_SMS_CARRIER="emulator")
        headers = {"Authorization": ""}
        with place.start():
            headers["Authorization"] = f"Bearer {place.key}"
            with httpx.Client(base_url=place.url, headers=headers, timeout=300, trust_env=False) as api:
                month = Month(seed, emulator, api, _time(emulator.get("/clock")["now"]))
                customers = people(seed)
                _open(month, customers)
                _run(month, customers)
                return _cases(month)


def _open(month: Month, customers: list[Person]) -> None:
    for name in CHANNELS:
        webhook = f"{month.api.base_url}/line/{{channel_id}}/webhook".replace("//line", "/line")
        made = month.emulator.post(
            "/channels",
            {"name": name, "region": "TW", "badge": "green", "certified": True, "webhook_url": webhook},
        )
        month.channels[name] = made["channel_id"]
        _call(
            month.api,
            "/v1/channels",
            {
                "name": name,
                "region": "TW",
                "line_channel_id": made["channel_id"],
                "secret": made["channel_secret"],
                "access_token": made["access_token"],
            },
        )
        _call(month.api, "/v1/templates", {**TEMPLATE, "name": f"notice-{name}", "channel": name})
    for person in customers:
        month.phones[person.phone] = person.phone
        if person.user is not None:
            _join(month, person)
    for how_many, kind, target in (
        (LOST_EVENTS, "drop", "webhook"),
        (LOST_ANSWERS, "disconnect_after", "api"),
        (LOST_REQUESTS, "disconnect_before", "api"),
    ):
        path = {"path": FLEXIBLE_PATH} if target == "api" else {}
        month.emulator.post("/faults", {"target": target, "kind": kind, "share": how_many, **path})


def _join(month: Month, person: Person) -> None:
    """A LINE user, whose last check by SMS will be 180 days old on a day of the month."""
    verified_at = month.start + timedelta(days=person.checked_day - 180)
    user = {"phone": person.phone, "verified_at": _rfc(verified_at), **(person.user or {})}
    made = month.emulator.post("/users", user)
    month.settings[person.phone].append((month.start, made["reception"]))
    if person.bound:
        for name in sorted({c for _, c in person.sends}):
            _act(month, person, Act(0, "add_friend", name))
        body = {"channel": CHANNELS[0], "number": person.phone, "user_id": made["user_id"], "way": "bench"}
        _call(month.api, "/v1/bindings", body)


def _call(api: httpx.Client, path: str, body: Any) -> Any:
    answer = api.post(path, json=body)
    if answer.is_error:
        raise SystemExit(f"{path} answered {answer.status_code}: {answer.text[:300]}")
    return answer.json()


def _run(month: Month, customers: list[Person]) -> None:
    """Everything in the order of its time: acts, notices, outages; each day the silences that are new."""
    chance = random.Random(month.seed * 7919)
    acts: dict[float, list[tuple[Person, Act]]] = defaultdict(list)
    sends: dict[float, list[tuple[Person, str]]] = defaultdict(list)
    for person in customers:
        for act in person.acts:
            acts[ceil(act.hour / SLOT) * SLOT].append((person, act))
        for hour, channel in person.sends:
            sends[hour].append((person, channel))
    outages = [(chance.randrange(2, DAYS - 2) * 24 + w - 0.5, chance.uniform(2, 5)) for w in (10, 14, 18)]
    edges = {h: True for h, _ in outages} | {h + length: False for h, length in outages}
    orders: list[int] = []
    days = [24.0 * d + 9 for d in range(2, DAYS + 3)]
    last = days[-1]
    for hour in sorted({*acts, *sends, *edges, *days}):
        if hour > last:
            break
        month.move(hour)
        if edges.get(hour):
            made = month.emulator.post("/faults", {"target": "webhook", "kind": "drop"})
            orders.append(made["id"])
        elif hour in edges and orders:
            month.emulator.delete(f"/faults/{orders.pop(0)}")
        for person, act in acts.get(hour, ()):
            _act(month, person, act)
        if hour in sends:
            _send(month, sends[hour])
        if hour in days:
            _ask_at_once(month)


def _act(month: Month, person: Person, act: Act) -> None:
    if person.user is None:
        return
    phone = month.phones[person.phone]
    path = f"/users/{quote(phone, safe='')}/actions"
    if act.action == "pass_check":
        month.emulator.post(path, {"action": "request_pin"})
        pin = month.emulator.get(f"/users/{quote(phone, safe='')}/screen")["sms"][-1]["pin"]
        month.emulator.post(path, {"action": "enter_pin", "pin": pin})
        return
    body: dict[str, Any] = {"action": act.action}
    if act.channel is not None:
        body["channel_id"] = month.channels[act.channel]
    if act.action == "change_number":
        body["phone"] = month.phones[person.phone] = "+88692" + phone[6:]
    view = month.emulator.post(path, body)
    month.settings[person.phone].append((month.now(), DELETED if view["deleted"] else view["reception"]))


def _send(month: Month, wave: list[tuple[Person, str]]) -> None:
    notices = [
        {
            "channel": channel,
            "template": f"notice-{channel}",
            "to": person.phone,
            "parameters": {"name": "小明", "parcel": "TW1"},
            "policy": POLICIES[channel],
        }
        for person, channel in wave
    ]
    results = _call(month.api, "/v1/notices/batch", {"notices": notices})["results"]
    now = month.now()
    month.sent += [(now, r["id"], person) for (person, _), r in zip(wave, results, strict=True)]


def _ask_at_once(month: Month) -> None:
    """What is said of a silence on the morning after it was known."""
    now = month.now()
    due = {i for at, i, _ in month.sent if i not in month.first_said and now - at >= SETTLED}
    page = month.api.get("/v1/notices", params={"limit": 500}).json()["notices"]
    silent = {n["id"] for n in page if _is_silent(n)}
    for notice_id in due:
        view = month.api.get(f"/v1/notices/{notice_id}").json() if notice_id in silent else {}
        month.first_said[notice_id] = _first(view) if "silence" in view else ""


def _is_silent(notice: dict[str, Any]) -> bool:
    attempts = [a for a in notice["attempts"] if a["step"] == "line_notification"]
    return any(a["outcome"] in ("silent", "unknown") for a in attempts)


def _first(view: dict[str, Any]) -> str:
    return str(view["silence"]["causes"][0]["cause"])


# The truth, and what was said


def _cases(month: Month) -> list[Case]:
    ledger = {row["delivery_tag"]: row for row in month.emulator.rows("/ledger")}
    silent: set[str] = set()
    query: dict[str, Any] = {"limit": 500}
    while "cursor" in query or not silent:
        page = month.api.get("/v1/notices", params=query).json()
        silent |= {n["id"] for n in page["notices"] if _is_silent(n)}
        query = {"limit": 500} | ({"cursor": page["next"]} if "next" in page else {})
    cases = []
    for _, notice_id, person in month.sent:
        if notice_id not in silent:
            continue
        view = month.api.get(f"/v1/notices/{notice_id}").json()
        if "silence" not in view:
            continue
        attempt = [a for a in view["attempts"] if a["step"] == "line_notification"][-1]
        first = view["silence"]["causes"][0]
        evidence = first["cause"] != "unknown" or bool(first["evidence"][1:])
        truth = _truth(month, person, ledger.get(attempt["delivery_tag"]))
        at_once = month.first_said.get(notice_id) or None
        cases.append(Case(notice_id, person.kind, truth, first["cause"], evidence, at_once))
    return cases


def _truth(month: Month, person: Person, row: dict[str, Any] | None) -> str:
    """Why LINE showed nothing, by its own ledger; of what waited until the end, by the user's setting then."""
    if row is None or row["fate"] == "delivered":
        return "unseen"
    if row["fate"] in ("blocked", "number_changed"):
        return str(row["fate"])
    if row["fate"] == "refused":
        return "no_consent"
    if row["fate"] == "expired":
        end = _time(row["at"]) + timedelta(hours=24)
        history = month.settings[person.phone]
        setting = history[bisect.bisect_right([at for at, _ in history], end) - 1][1]
        return {"not_set": "no_consent", DELETED: "number_changed"}.get(setting, "no_verification")
    # A 422 whose answer was lost.
    return "no_consent" if "rejects" in (row.get("reason") or "") else "number_changed"


def run(folder: Path, seeds: tuple[int, ...] = SEEDS, verbose: bool = False) -> float:
    """Plays a month for each seed, all at the same time, and prints; answers the share over all of them."""
    print("\nCause of silence: a month of 200 customers whose causes only the emulator knows")
    begun = time.monotonic()
    with ThreadPoolExecutor(len(seeds)) as pool:
        months = list(pool.map(lambda seed: play(seed, folder / f"silence-{seed}"), seeds))
    for seed, month in zip(seeds, months, strict=True):
        told = [c for c in month if c.evidence]
        print(f"  seed {seed}: {share(told):.1%} of {len(told)} with evidence")
    print(f"  {time.monotonic() - begun:.0f} s", flush=True)
    cases = [c for month in months for c in month]
    if verbose:
        show_wrong(cases)
    used = "the weights were set on it" if TUNED_ON in seeds else "none of them used to set weights or shares"
    return show(f"Seeds {', '.join(map(str, seeds))} ({used})", cases)


def main() -> None:
    """Plays the seeds that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench.silence", description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--verbose", action="store_true", help="which kinds of customers were judged wrongly")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="todoke-bench-") as name:
        run(Path(name), tuple(asked.seeds), asked.verbose)


if __name__ == "__main__":
    main()
