"""200 simulated customers and what each of them does in a month: the known causes behind every silence.

How common each kind is, is a choice: nobody outside of LINE knows. Every kind that LINE's documentation describes is
there, the awkward ones too: who blocks both accounts, who never passed the check, who gets notices of one account only.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

DAYS = 28
WAVES = (10, 14, 18)
"""The hours of a day at which notices leave."""
CHANNELS = ("Parcels", "Bills")

HOW_MANY = {
    "usual": 77,
    "blocks_one": 20,
    "blocks_and_comes_back": 10,
    "blocks_both": 3,
    "blocked_before": 8,
    "hides": 6,
    "never_answers": 14,
    "answers_late": 8,
    "refuses": 10,
    "never_checked": 3,
    "checked_late": 5,
    "lapses": 14,
    "lapses_and_renews": 10,
    "changes_number": 6,
    "leaves_line": 2,
    "no_line": 4,
}
"""Customers of each kind, 200 together. More begin without consent than with it and without a check: accounts from
before app 8.9 (2018), the larger part, start on *not set* (LINE notification messages, "Behavior when receiving").
"""
LOOK_ALIKE = frozenset({"never_checked", "checked_late", "blocks_both"})
"""From outside nobody can tell who was never checked from who never agreed, nor who blocks all the accounts of a
business from whom the check has lapsed. How common they are moves the result more than any weight, so the bench also
says what it would be if they were twice as many.
"""


@dataclass
class Act:
    """What a user does: `hour` from the beginning of the month."""

    hour: float
    action: str
    channel: str | None = None


@dataclass
class Person:
    """A customer: how LINE knows them, when they get notices, and what they do."""

    phone: str
    kind: str
    bound: bool
    sends: list[tuple[float, str]]
    user: dict[str, Any] | None = field(default_factory=dict)
    checked_day: float = 0.0
    """On which day of the month the last check by SMS is 180 days old; far ahead: it does not matter."""
    acts: list[Act] = field(default_factory=list)

    def send(self, number: int, channel: str | None = None) -> float:
        """When the notice of this number leaves, of one channel or of all; the last one if there are fewer."""
        hours = [h for h, c in self.sends if channel in (None, c)] or [h for h, _ in self.sends]
        return hours[min(number, len(hours) - 1)]


FAR = 150.0


def people(seed: int) -> list[Person]:
    """All customers of one month."""
    chance = random.Random(seed)
    kinds = [kind for kind, count in HOW_MANY.items() for _ in range(count)]
    chance.shuffle(kinds)
    return [_person(chance, i, kind) for i, kind in enumerate(kinds)]


def _person(chance: random.Random, number: int, kind: str) -> Person:
    one_only = chance.random() < 0.15
    channels = (chance.choice(CHANNELS),) if one_only else CHANNELS
    sends: set[tuple[float, str]] = set()
    for channel in channels:
        a_week = chance.choice((1, 2, 3) if channel == "Parcels" else (1, 1, 2))
        for week in range(DAYS // 7):
            for day in chance.sample(range(7), a_week):
                sends.add(((week * 7 + day) * 24.0 + chance.choice(WAVES), channel))
    person = Person(
        phone=f"+88691{chance.randrange(10**4):04d}{number:03d}",
        kind=kind,
        bound=chance.random() < 0.3,
        sends=sorted(sends),
        user={"reception": "agree"},
        checked_day=FAR,
    )
    _KINDS[kind](person, chance)
    person.acts.sort(key=lambda a: a.hour)
    return person


def _day(chance: random.Random, first: int = 3, last: int = 24) -> float:
    return chance.uniform(first, last) * 24


def _soon(chance: random.Random) -> float:
    """Hours after a prompt: mostly the same day."""
    return min(chance.expovariate(1 / 5) + 0.3, 22.0)


def _channel(person: Person, chance: random.Random) -> str:
    return chance.choice(sorted({c for _, c in person.sends}))


def _usual(person: Person, chance: random.Random) -> None:
    pass


def _blocks_one(person: Person, chance: random.Random) -> None:
    person.acts.append(Act(_day(chance), "block", _channel(person, chance)))


def _blocks_and_comes_back(person: Person, chance: random.Random) -> None:
    channel, day = _channel(person, chance), _day(chance, 2, 16)
    person.acts += [Act(day, "block", channel), Act(day + chance.uniform(3, 11) * 24, "unblock", channel)]


def _blocks_both(person: Person, chance: random.Random) -> None:
    day = _day(chance)
    person.acts += [Act(day + i * 0.1, "block", c) for i, c in enumerate(CHANNELS)]


def _blocked_before(person: Person, chance: random.Random) -> None:
    person.acts.append(Act(0.0, "block", _channel(person, chance)))


def _hides(person: Person, chance: random.Random) -> None:
    person.acts.append(Act(_day(chance), "hide", _channel(person, chance)))


def _never_answers(person: Person, chance: random.Random) -> None:
    person.user = {"reception": "not_set"}
    person.checked_day = chance.choice((FAR, FAR, -1.0))


def _answers_late(person: Person, chance: random.Random) -> None:
    _never_answers(person, chance)
    at = person.send(chance.choice((0, 1, 2, 3))) + _soon(chance)
    person.acts.append(Act(at, "agree"))
    if person.checked_day < 0:
        person.acts.append(Act(at + 0.1, "pass_check"))


def _refuses(person: Person, chance: random.Random) -> None:
    person.user = {"reception": "not_set"}
    person.acts.append(Act(person.send(chance.choice((0, 0, 1, 3))) + _soon(chance), "refuse"))


def _never_checked(person: Person, chance: random.Random) -> None:
    person.checked_day = -1.0


def _checked_late(person: Person, chance: random.Random) -> None:
    person.checked_day = -1.0
    at = person.send(chance.choice((1, 2, 3, 5))) + _soon(chance)
    person.acts.append(Act(at, "pass_check"))


def _lapses(person: Person, chance: random.Random) -> None:
    person.checked_day = _day(chance, 4, 22) / 24


def _lapses_and_renews(person: Person, chance: random.Random) -> None:
    _lapses(person, chance)
    later = [h for h, _ in person.sends if h > person.checked_day * 24]
    if later:
        person.acts.append(
            Act(later[min(chance.choice((1, 2, 3)), len(later) - 1)] + _soon(chance), "pass_check")
        )


def _changes_number(person: Person, chance: random.Random) -> None:
    """Half of them while something waits: LINE asks for the number, and it is another one by now."""
    if chance.random() < 0.7:
        _lapses(person, chance)
        later = [h for h, _ in person.sends if h > person.checked_day * 24]
        at = later[0] + _soon(chance) if later else _day(chance)
    else:
        at = _day(chance)
    person.acts.append(Act(at, "change_number"))


def _leaves_line(person: Person, chance: random.Random) -> None:
    _lapses(person, chance)
    later = [h for h, _ in person.sends if h > person.checked_day * 24]
    person.acts.append(Act((later[0] if later else _day(chance)) + _soon(chance), "delete_account"))


def _no_line(person: Person, chance: random.Random) -> None:
    person.user, person.bound = None, False


_KINDS: dict[str, Callable[[Person, random.Random], None]] = {
    "usual": _usual,
    "blocks_one": _blocks_one,
    "blocks_and_comes_back": _blocks_and_comes_back,
    "blocks_both": _blocks_both,
    "blocked_before": _blocked_before,
    "hides": _hides,
    "never_answers": _never_answers,
    "answers_late": _answers_late,
    "refuses": _refuses,
    "never_checked": _never_checked,
    "checked_late": _checked_late,
    "lapses": _lapses,
    "lapses_and_renews": _lapses_and_renews,
    "changes_number": _changes_number,
    "leaves_line": _leaves_line,
    "no_line": _no_line,
}
