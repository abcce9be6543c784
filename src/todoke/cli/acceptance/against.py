"""The same scenarios with real phones: through a running gateway and a channel in test mode.

A person acts on the phone, step by step, and says what is to be seen; the gateway says what came of it. A scenario
may take a day, so what is known is kept in a file, and the same command goes on where it stood. Prepared, and tried
against the emulator only: never yet against LINE.
"""

import json
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from todoke.cli.acceptance.plan import Part, Plan
from todoke.cli.acceptance.play import local
from todoke.cli.acceptance.scenarios import BY_KEY, WAIT, Scenario
from todoke.cli.acceptance.texts import Texts
from todoke.cli.common import fail
from todoke_client import ProblemError, Todoke

NOW, NEXT, END = "now", "next", "end"
BEFORE = {"blocked": "ready_blocked", "reception_rejected": "rejects", "push_after_wait": "ready_friend"}
"""What the person does before the notice is sent, where the scenario's own words do not say it."""
STEPS: dict[str, tuple[tuple[str, str], ...]] = {
    "at_once": ((NOW, "received"), (NOW, "shown")),
    "consent": ((NOW, "asks_consent"), (NOW, "consent"), (NOW, "shown")),
    "consent_pin": (
        (NOW, "asks_consent"),
        (NOW, "consent"),
        (NOW, "pin_send"),
        (NOW, "pin_sms"),
        (NOW, "pin_enter"),
        (NOW, "shown"),
    ),
    "pin": ((NOW, "asks_pin"), (NOW, "pin_send"), (NOW, "pin_sms"), (NOW, "pin_enter"), (NOW, "shown")),
    "sms_after_wait": ((NOW, "asks_consent"), (NEXT, "sms_after"), (END, "day_over")),
    "push_after_wait": ((NOW, "asks_consent"), (NEXT, "push_after")),
    "late_duplicate": ((NOW, "asks_consent"), (NEXT, "sms_after"), (NEXT, "consent"), (NEXT, "late_shown")),
    "blocked": ((NOW, "nothing_shown"), (END, "day_over")),
    "no_consent": ((NOW, "asks_consent"), (NOW, "consent_later"), (END, "day_over")),
    "refused": ((NOW, "asks_consent"), (NOW, "consent_refused"), (END, "day_over")),
    "no_verification": ((NOW, "asks_pin"), (NOW, "pin_left"), (END, "day_over")),
    "number_changed": ((NOW, "asks_pin"), (NOW, "number_form"), (NOW, "number_changed"), (END, "day_over")),
    "no_line_user": ((NOW, "sms_at_once"),),
    "reception_rejected": ((NOW, "sms_at_once"),),
}
_MOST_NOTE = 500
_LINE_OVER = timedelta(hours=24, minutes=11)


class Said(msgspec.Struct, frozen=True):
    """What a person said of one step. `note`: empty where all was as it should be."""

    caption: str
    note: str = ""


class Kept(msgspec.Struct):
    """What is known of a scenario so far."""

    notice: str = ""
    skipped: bool = False
    said: list[Said] = []


class Asking(NamedTuple):
    """How the person is talked to: `ask` gives a line that was typed, `tell` shows one."""

    ask: Callable[[str], str]
    tell: Callable[[str], None]


class Session:
    """One plan being played, over as many calls of the command as it takes."""

    def __init__(self, plan: Plan, todoke: Todoke, state: Path, asking: Asking, zone: str) -> None:
        self.plan = plan
        self._todoke = todoke
        self._state = state
        self._asking = asking
        self._zone = zone
        self.texts = Texts(plan.language, oa=plan.account or plan.channel, wait=plan.wait)
        self.kept = _read(state)

    def play(self) -> bool:
        """Goes on with every scenario as far as it goes today. Whether all are finished."""
        return all([self._part(part) for part in self.plan.parts])

    def _part(self, part: Part) -> bool:
        kept = self.kept.setdefault(part.scenario, Kept())
        scenario = BY_KEY[part.scenario]
        if kept.skipped or self.finished(part):
            return True
        title = self.texts.scenario(scenario.key, "title")
        self._asking.tell(f"\n{scenario.number} {title}{f' ({part.person})' if part.person else ''}")
        if not kept.notice and not self._begin(part, scenario, kept):
            return True
        notice = self._todoke.notice(kept.notice)
        steps = STEPS[scenario.key]
        for phase, caption in steps[len(kept.said) :]:
            if not reached(phase, notice := self._todoke.notice(kept.notice)):
                self._later(scenario, phase, notice)
                return False
            self._ask_step(kept, caption)
        if self.finished(part):
            return True
        self._later(scenario, END, notice)
        return False

    def _begin(self, part: Part, scenario: Scenario, kept: Kept) -> bool:
        """Has the person prepare the phone, and sends. Whether it was sent."""
        say, texts = self._asking.tell, self.texts
        say(texts.word("ask.prepare", what=texts.scenario(scenario.key, "what")))
        if scenario.key in BEFORE:
            reception = texts.word(f"reception.{(scenario.user or {}).get('reception', 'not_set')}")
            words = texts.caption(BEFORE[scenario.key], reception=reception)
            say(texts.word("ask.before", what=words))
        while (answer := self._asking.ask(texts.word("ask.ready")).strip().lower()) not in ("y", "s"):
            continue
        if answer == "s":
            kept.skipped = True
        else:
            kept.notice = self._send(part, scenario)
        self._keep()
        return bool(kept.notice)

    def _send(self, part: Part, scenario: Scenario) -> str:
        steps = [
            {**step, "wait": self.plan.wait} if step.get("wait") == WAIT else step for step in scenario.steps
        ]
        reference = f"acceptance-{scenario.key}"
        try:
            sent = self._todoke.send(
                channel=self.plan.channel,
                template=self.plan.template,
                to=part.number,
                parameters=self.plan.parameters,
                policy={"steps": steps},
                reference=reference,
            )
        except ProblemError as error:
            fail("\n  ".join([error.detail, *(f"{p}: {m}" for p, m in error.errors if m != error.detail)]))
        return str(sent["id"])

    def _ask_step(self, kept: Kept, caption: str) -> None:
        texts = self.texts
        self._asking.tell(texts.word("ask.see", what=texts.caption(caption)))
        while not (answer := self._asking.ask(texts.word("ask.seen")).strip()):
            continue
        note = "" if answer.lower() == "y" else "".join(c for c in answer if c.isprintable())[:_MOST_NOTE]
        kept.said = [*kept.said, Said(caption, note)]
        self._keep()

    def _later(self, scenario: Scenario, phase: str, notice: dict[str, Any]) -> None:
        """Says when to come back."""
        attempts = notice["attempts"]
        since = datetime.fromisoformat(attempts[0]["at"] if attempts else notice["created_at"])
        wait = _LINE_OVER if phase == END else timedelta(minutes=minutes(self.plan.wait) + 1)
        at = local((since + wait).isoformat(), self._zone)
        self._asking.tell(self.texts.word("ask.later", scenario=scenario.number, at=at))

    def finished(self, part: Part) -> bool:
        """Whether all was asked, and the gateway has its last word."""
        kept = self.kept.get(part.scenario, Kept())
        if not kept.notice or len(kept.said) < len(STEPS[part.scenario]):
            return False
        return reached(END, self._todoke.notice(kept.notice))

    def notice(self, kept: Kept) -> dict[str, Any] | None:
        """The notice as the gateway has it now; None before it was sent."""
        return self._todoke.notice(kept.notice) if kept.notice else None

    def _keep(self) -> None:
        """Written anew in one piece, for its owner only: notes may hold what a person typed."""
        fresh = self._state.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(self.kept), indent=1))
        fresh.replace(self._state)


def reached(phase: str, notice: dict[str, Any]) -> bool:
    """Whether a notice is so far: `next`, its second step has left; `end`, it has ended and nothing is open."""
    over = notice.get("ended_at") is not None and not any(a["open"] for a in notice["attempts"])
    if phase == NEXT:
        return len(notice["attempts"]) > 1 or over
    return over if phase == END else True


def minutes(duration: str) -> int:
    """`4h`, `30m`, `90s` in whole minutes, rounded up. Ends the command where it is none."""
    unit = {"s": 1, "m": 60, "h": 3600, "d": 86_400}.get(duration[-1:])
    if unit is None or not duration[:-1].isascii() or not duration[:-1].isdigit() or len(duration) > 8:
        fail(f"wait is {duration[:40]!r}; it must be a duration such as 10m or 4h.", 2)
    return -(-int(duration[:-1]) * unit // 60)


def _read(state: Path) -> dict[str, Kept]:
    try:
        return msgspec.json.decode(state.read_bytes(), type=dict[str, Kept])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError, json.JSONDecodeError) as error:
        fail(
            f"{state}, which keeps what was played before, can't be read ({error}). Move it away to begin anew."
        )
