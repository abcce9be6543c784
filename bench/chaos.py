"""`python -m bench.chaos`: kills the gateway again and again in the middle of its work, and checks what LINE saw.

A population of which most match gets notices over LINE, with an SMS four hours later where no proof came. While
they go out the gateway is killed (`kill -9`) at random moments and started again on the same data folder. Then
four days of virtual time pass, and LINE's and the SMS carrier's own records are held against the gateway's.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.processes import Emulator, GatewayPlace, Program, wait_until
from bench.stage import e164, joined_channel, populate, write_list
from todoke_client import Todoke

CHANNELS = 2
CLAIMED = 256
"""Notices of one channel that may be claimed at a time: todoke.engine.deliver.BATCH."""
POLICY = {
    "name": "line-then-sms",
    "steps": [{"step": "line_notification", "wait": "4h"}, {"step": "sms"}],
}
RATES = {
    "registered": 0.98,
    "agree": 0.9,
    "not_set": 0.06,
    "verified": 0.95,
    "blocked": 0.02,
    "sms_unreachable": 0.02,
}
LONGEST = 3.0
"""Seconds until a kill, should what it waits for not come."""
ENDS = ("delivered", "handed_over", "not_delivered", "cancelled", "refused")


class Kill:
    """One kill: the moment that was drawn, and the virtual time at which it came."""

    def __init__(self, moment: str, at: float) -> None:
        self.moment = moment
        self.at = at


class Findings:
    """What was counted, and what was wrong: `wrong` is empty where every promise was kept."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.wrong: list[str] = []

    def check(self, holds: bool, promise: str, found: object = "") -> None:
        """Notes a promise and whether it was kept."""
        self.lines.append(f"{'ok   ' if holds else 'WRONG'} {promise}{f': {found}' if found != '' else ''}")
        if not holds:
            self.wrong.append(f"{promise}: {found}")


class Run:
    """One run over `notices` notices with `kills` kills; `seed` decides every moment."""

    def __init__(
        self, folder: Path, notices: int, kills: int, seed: int, say: Callable[[str], None] = print
    ) -> None:
        self._folder = folder
        self._notices = notices
        self._random = random.Random(seed)
        self._kills = kills
        self._say = say
        self._batches: list[str] = []
        self.killed: list[Kill] = []

    def play(self) -> Findings:
        """Everything, from the start of both programs to the last check."""
        with Emulator(self._folder) as emulator:
            populate(emulator, self._notices, rates=RATES)
            place = GatewayPlace(self._folder, emulator, virtual_time=True, TODOKE_COURIER="yes")
            gateway = place.start()
            try:
                with Todoke(place.url, place.key) as client:
                    client.create_policy(POLICY)
                    for i in range(CHANNELS):
                        joined_channel(emulator, place, client, f"c{i}", redelivery=True)
                    for number, people in enumerate(self._portions(), start=1):
                        self._upload(client, number, people)
                        gateway = self._kill(gateway, emulator, place, number)
                    wait_until(lambda: idle(client, self._batches), 120, 0.2, "everything sent that can be")
                    emulator.post("/clock", {"advance": "4d"})
                    return check(emulator, client, self._notices, self.killed)
            finally:
                gateway.stop()

    def _portions(self) -> list[range]:
        """The list in one file a kill, so that every kill finds work under way."""
        edges = [i * self._notices // self._kills for i in range(self._kills + 1)]
        return [range(a, b) for a, b in pairwise(edges)]

    def _upload(self, client: Todoke, number: int, people: range) -> None:
        name = f"c{number % CHANNELS}"
        file = write_list(self._folder / f"list-{number}.csv", people)
        sent = client.send_file(file, channel=name, template=f"parcel-{name}", policy=str(POLICY["name"]))
        self._batches.append(sent["id"])

    def _kill(self, gateway: Program, emulator: Emulator, place: GatewayPlace, number: int) -> Program:
        moment, reached = self._moment(emulator, place)
        end = time.monotonic() + LONGEST
        while not (there := reached()) and time.monotonic() < end:
            time.sleep(0.002)
        gateway.kill()
        if not there:
            moment += f" (not within {LONGEST:.0f} s)"
        at = parsed(emulator.get("/clock")["now"])
        self.killed.append(Kill(moment, at))
        self._say(f"kill {number:2}: {moment}; {emulator.get('/ledger/summary')['total']} requests at LINE")
        return place.start()

    def _moment(self, emulator: Emulator, place: GatewayPlace) -> tuple[str, Callable[[], bool]]:
        """A random moment, and what tells that it has come. Asking is kept off the gateway itself."""
        portion = self._notices // self._kills
        kind = self._random.choice(("time", "sent", "sent", "webhook", "recorded"))
        if kind == "time":
            wait = self._random.uniform(0.0, 0.05 + portion / 2000)
            end = time.monotonic() + wait
            return f"{wait * 1000:.0f} ms after the upload", lambda: time.monotonic() >= end
        more = self._random.randint(1, portion)
        if kind == "sent":
            before = sent(emulator)
            return f"{more} more requests at LINE", lambda: sent(emulator) >= before + more
        if kind == "webhook":
            before = posted(emulator)
            more = self._random.randint(1, max(portion // 15, 1))
            return f"{more} more webhooks posted", lambda: posted(emulator) >= before + more
        return f"{more} answers recorded in this life", lambda: place.recorded() >= more


def sent(emulator: Emulator) -> int:
    """Requests in LINE's ledger."""
    return int(emulator.get("/ledger/summary")["total"])


def posted(emulator: Emulator) -> int:
    """Webhooks that LINE posted."""
    return int(emulator.get("/webhooks", limit=1)["posted"])


def idle(client: Todoke, ids: list[str]) -> bool:
    """Whether all files are read and no notice waits for its turn."""
    batches = [client.batch(batch_id) for batch_id in ids]
    return all(
        b["state"] != "reading" and not b["states"].get("queued") and not b["states"].get("sending")
        for b in batches
    )


def parsed(text: str) -> float:
    """A time of the emulator in seconds."""
    return datetime.fromisoformat(text).timestamp()


def check(emulator: Emulator, client: Todoke, count: int, kills: list[Kill]) -> Findings:
    """Holds the gateway's notices against both ledgers."""
    notices = {int(x["reference"]): x for x in client.notices(limit="500")}
    line, sms = emulator.rows("/ledger"), emulator.rows("/sms")
    person_of = {hashlib.sha256(e164(i).encode()).hexdigest(): i for i in range(count)}
    at_line = Counter(person_of[row["to"]] for row in line)
    texted = Counter(row["to"] for row in sms)
    absent = {i: x for i, x in notices.items() if i not in at_line}
    findings = Findings()
    ok = findings.check
    ok(len(notices) == count, "every row of the lists is a notice, once", len(notices))
    open_ones = Counter(x["state"] for x in notices.values() if x["state"] not in ENDS)
    ok(not open_ones, "every notice reached an end", dict(Counter(x["state"] for x in notices.values())))
    ok(max(at_line.values()) == 1, "no number stands twice in LINE's ledger", len(line))
    tags = Counter(row["delivery_tag"] for row in line)
    ok(max(tags.values()) == 1, "no delivery tag stands twice in LINE's ledger", len(tags))
    known = {a["delivery_tag"] for x in notices.values() for a in x["attempts"]}
    ok(tags.keys() <= known, "every request at LINE has an attempt", len(tags.keys() - known))
    ok(max(texted.values(), default=1) == 1, "no SMS went twice", len(sms))
    ok(
        all(first(x, "line_notification").get("outcome") == "unknown" for x in absent.values()),
        "each notice that LINE never got has an attempt whose outcome is unknown",
        len(absent),
    )
    ok(
        all(first(x, "sms") and texted[e164(i)] == 1 for i, x in absent.items()),
        "each of them went on to SMS and stands in the carrier's ledger",
        sum(texted[e164(i)] for i in absent),
    )
    unknown = [x for x in notices.values() if first(x, "line_notification").get("outcome") == "unknown"]
    ok(
        len(unknown) <= CLAIMED * CHANNELS * len(kills),
        "unknown at the end, LINE got it or not",
        len(unknown),
    )
    lost = Counter(
        (first_kill_after(kills, first(x, "line_notification")), x["channel"]) for x in absent.values()
    )
    per_kill = [sum(n for (kill, _), n in lost.items() if kill == i) for i in range(len(kills))]
    ok(
        max(lost.values(), default=0) <= CLAIMED,
        f"per kill and channel at most {CLAIMED} absent; by kill",
        per_kill,
    )
    proofs = {row["delivery_tag"] for row in line if row["fate"] == "delivered"}
    proven = {a["delivery_tag"] for x in notices.values() for a in x["attempts"] if a.get("proof_at")}
    ok(
        proofs <= proven,
        "every message that LINE showed is proved, webhooks lost in a crash included",
        len(proofs),
    )
    return findings


def first(notice: dict[str, Any], step: str) -> dict[str, Any]:
    """The only attempt of a step; empty where there is none. More than one is a request sent again."""
    tries = [a for a in notice["attempts"] if a["step"] == step]
    assert len(tries) <= 1, notice["id"]
    return tries[0] if tries else {}


def first_kill_after(kills: list[Kill], attempt: dict[str, Any]) -> int:
    """The number of the kill that an attempt fell victim to."""
    begun = parsed(attempt["at"])
    # The gateway's clock follows the emulator's, a few milliseconds behind or ahead.
    return next((i for i, kill in enumerate(kills) if kill.at + 0.1 >= begun), len(kills) - 1)


def main() -> int:
    """Plays one run and says what it came to; 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=__doc__.partition("\n")[0])
    parser.add_argument("--notices", type=int, default=5000, help="notices in the run (5000)")
    parser.add_argument("--kills", type=int, default=30, help="kills of the gateway (30)")
    parser.add_argument("--seed", type=int, help="decides the moments; random if left out")
    asked = parser.parse_args()
    seed = random.randrange(10**6) if asked.seed is None else asked.seed
    print(f"{asked.notices:,} notices, {asked.kills} kills, seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="todoke-chaos-") as name:
        findings = Run(Path(name), asked.notices, asked.kills, seed, lambda x: print(x, flush=True)).play()
    print("\n".join(findings.lines))
    print(json.dumps({"kills": asked.kills, "seed": seed, "wrong": len(findings.wrong)}))
    return 1 if findings.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
