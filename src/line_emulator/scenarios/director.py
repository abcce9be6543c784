"""Plays scenarios: does each step at its moment, and puts back after a while what is to last only so long."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from functools import partial
from typing import Any

import msgspec

from line_emulator import times
from line_emulator.clockwork.clock import Clock
from line_emulator.control.http import Refused
from line_emulator.scenarios.deeds import DOING, DONE, DROPPED, FAILED, IN_FORCE, WAITING, Deeds, Played
from line_emulator.scenarios.script import Scenario, read
from line_emulator.state import State

MOST_PLAYING = 100
LONGEST_LOGGED = 300


class Play(msgspec.Struct):
    """A scenario being played since `started` (virtual ms). `text`: as it was given."""

    id: int
    scenario: Scenario
    text: bytes
    started: int
    steps: list[Played]


class TooMany(Exception):
    """No more scenarios can be played at a time."""


class Director:
    """All scenarios being played."""

    def __init__(self, state: State) -> None:
        self.plays: dict[int, Play] = {}
        self._state = state
        self._deeds = Deeds(state)
        self._next_id = 1
        self._counting: list[tuple[Play, Played]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        state.emptied = self.forget

    def play(self, text: bytes, scenario: Scenario) -> Play:
        """Begins a scenario now. Raises TooMany."""
        if len(self.plays) >= MOST_PLAYING:
            self.plays = {number: play for number, play in self.plays.items() if not over(play)}
        if len(self.plays) >= MOST_PLAYING:
            raise TooMany
        play = self._add(self._next_id, text, scenario, self._state.clock.now())
        if self._state.diary is not None:
            self._state.diary.scenario(play.id, text, play.started)
        self._begin(play)
        return play

    def play_all(self, plays: list[tuple[bytes, Scenario]]) -> None:
        """Begins those that a state file has not brought back already. Raises TooMany."""
        known = {play.text for play in self.plays.values()}
        for text, scenario in plays:
            if text not in known:
                self.play(text, scenario)

    def restore(self, number: int, text: bytes, started: int) -> None:
        """Takes up a scenario of a former run; `resume` then goes on with it."""
        self._add(number, text, read(text), started)

    def restore_step(self, number: int, place: int, outcome: dict[str, Any]) -> None:
        """What became of one of its steps."""
        play = self.plays[number]
        kept = msgspec.convert({**outcome, "step": {}}, Played)
        kept.step = play.steps[place].step
        play.steps[place] = kept

    def restore_dropped(self, number: int) -> None:
        """It was ended."""
        self.plays.pop(number, None)

    def resume(self) -> None:
        """Inside the running event loop: plans what is still to come."""
        for play in self.plays.values():
            self._begin(play)

    def drop(self, number: int) -> bool:
        """Ends a scenario: what is still to come does not, and what lasts is put back. False: there is none."""
        play = self.plays.pop(number, None)
        if play is None:
            return False
        self._counting = [entry for entry in self._counting if entry[0] is not play]
        # The last first: each puts back what it found.
        for played in sorted(play.steps, key=lambda played: played.at or 0)[::-1]:
            self._put_back(play, played)
            if played.state in (WAITING, DOING):
                played.state = DROPPED
        if self._state.diary is not None:
            self._state.diary.scenario_dropped(number)
        return True

    def forget(self) -> None:
        """A reset: all are over, and there is nothing to put back."""
        for play in self.plays.values():
            for played in play.steps:
                played.state, played.undo = DROPPED, None
        self.plays.clear()
        self._counting.clear()
        self._state.counted = None

    async def stop(self) -> None:
        """Ends what is under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _add(self, number: int, text: bytes, scenario: Scenario, started: int) -> Play:
        play = Play(number, scenario, text, started, [Played(step) for step in scenario.steps])
        self._next_id = max(self._next_id, number + 1)
        self.plays[number] = play
        return play

    def _begin(self, play: Play) -> None:
        clock: Clock = self._state.clock
        for played in play.steps:
            if played.undo is not None and played.undo.due is not None:
                clock.call_at(played.undo.due, partial(self._put_back, play, played))
            elif played.state in (WAITING, DOING):
                if played.step.at is not None:
                    due = play.started + times.parse_duration(played.step.at)
                    clock.call_at(due, partial(self._do, play, played))
                else:
                    self._counting.append((play, played))
        self._state.counted = self._count if self._counting else None

    def _count(self, path: str) -> None:
        due = []
        for entry in self._counting:
            played = entry[1]
            if played.step.concerns(path):
                played.requests += 1
                if played.requests >= (played.step.after or 0):
                    due.append(entry)
        for entry in due:
            self._counting.remove(entry)
            self._do(*entry)
        if not self._counting:
            self._state.counted = None

    def _do(self, play: Play, played: Played) -> None:
        if played.state not in (WAITING, DOING) or self.plays.get(play.id) is not play:
            return
        played.state, played.at = DOING, self._state.clock.now()
        try:
            going_on = self._deeds.do(played)
        except Refused as error:
            self._end(play, played, error.message)
        else:
            if going_on is None:
                self._end(play, played, None)
            else:
                self._state.activity.begin()
                task = asyncio.get_running_loop().create_task(self._go_on(play, played, going_on))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _go_on(self, play: Play, played: Played, going_on: Awaitable[None]) -> None:
        try:
            await going_on
            self._end(play, played, None)
        except Refused as error:
            self._end(play, played, error.message)
        finally:
            self._state.activity.end()

    def _end(self, play: Play, played: Played, error: str | None) -> None:
        if self.plays.get(play.id) is not play:
            return
        played.error = error
        played.state = FAILED if error is not None else DONE
        if error is not None:
            where = _place(play, played) + 1
            name, said = _one_line(play.scenario.name), _one_line(error)
            logging.getLogger(__name__).warning("%s, step %s: %s", name, where, said)
        elif played.undo is not None and played.undo.due is not None:
            played.state = IN_FORCE
            self._state.clock.call_at(played.undo.due, partial(self._put_back, play, played))
        self._note(play, played)

    def _note(self, play: Play, played: Played) -> None:
        if self._state.diary is not None:
            place = _place(play, played)
            outcome = msgspec.to_builtins(played)
            outcome.pop("step")
            self._state.diary.scenario_step(play.id, place, outcome)

    def _put_back(self, play: Play, played: Played) -> None:
        undo, played.undo = played.undo, None
        if undo is None:
            return
        self._deeds.put_back(undo)
        played.state = DONE
        if self.plays.get(play.id) is play:
            self._note(play, played)


def _place(play: Play, played: Played) -> int:
    return next(number for number, other in enumerate(play.steps) if other is played)


def _one_line(text: str) -> str:
    """A text of a scenario as a log may have it: no line of its own, nothing that a terminal would obey."""
    return "".join(letter if letter.isprintable() else " " for letter in text[:LONGEST_LOGGED])


def over(play: Play) -> bool:
    """Whether nothing is to come any more."""
    return all(played.state in (DONE, FAILED) for played in play.steps)


def view(play: Play) -> dict[str, Any]:
    """A scenario and how far it has come, as JSON."""
    return {
        "id": play.id,
        "name": play.scenario.name,
        "about": play.scenario.about,
        "started_at": times.render(play.started),
        "state": "done" if over(play) else "playing",
        "steps": [_step_view(number + 1, played) for number, played in enumerate(play.steps)],
    }


def _step_view(number: int, played: Played) -> dict[str, Any]:
    step = played.step
    shown: dict[str, Any] = {"step": number}
    if step.line:
        shown["line"] = step.line
    if step.at is not None:
        shown["when"] = f"at {step.at}"
    else:
        shown["when"] = f"after {step.after} requests to {step.path or 'LINE'}"
        shown["requests"] = played.requests
    shown |= {"does": step.deed(), "note": step.note, "state": played.state}
    shown["done_at"] = times.render_or_none(played.at)
    if played.users is not None:
        shown["users"] = played.users
    if played.error is not None:
        shown["error"] = played.error
    return shown
