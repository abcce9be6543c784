"""The figures of `bench.silence`: how often the true cause stands first, and beside what."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from bench.silence_people import LOOK_ALIKE

GOAL = 0.8
CAUSES = ("blocked", "no_consent", "no_verification", "number_changed", "unseen")


@dataclass
class Case:
    """A silent attempt: the true cause, and what the gateway says first, at once and when the month is over."""

    notice: str
    kind: str
    truth: str
    said: str
    evidence: bool
    at_once: str | None

    @property
    def right(self) -> bool:
        return self.said == self.truth


def share(cases: list[Case]) -> float:
    """How many of the cases have the true cause first."""
    return sum(c.right for c in cases) / len(cases) if cases else 0.0


def if_look_alikes_were_twice_as_many(cases: list[Case]) -> float:
    """The share, were the customers whom nobody can tell apart from outside as common again."""
    weights = [2 if c.kind in LOOK_ALIKE else 1 for c in cases]
    return sum(w for w, c in zip(weights, cases, strict=True) if c.right) / sum(weights)


def show(name: str, cases: list[Case]) -> float:
    """Prints the figures of some months; answers the share that the goal is about."""
    told = [c for c in cases if c.evidence]
    silent = [c for c in cases if not c.evidence]
    commonest, count = Counter(c.truth for c in told).most_common(1)[0]
    by_cause = {truth: [c for c in told if c.truth == truth] for truth in CAUSES}
    shares = [share(found) for found in by_cause.values() if found]
    early = [c for c in cases if c.at_once is not None and c.at_once != "unknown"]
    at_once = sum(c.at_once == c.truth for c in early) / len(early) if early else 0.0
    lines = (
        ("true cause first, where any evidence exists", f"{share(told):.1%}", f"goal: {GOAL:.0%}"),
        ("the same over all silent cases", f"{share(cases):.1%}", "no evidence counts as wrong"),
        ("mean of the five causes, each alike", f"{sum(shares) / len(shares):.1%}", ""),
        (
            "were look-alikes twice as many",
            f"{if_look_alikes_were_twice_as_many(told):.1%}",
            "see silence_people.py",
        ),
        ("baseline, always the commonest", f"{count / len(told):.1%}", commonest),
        (
            "without evidence: unknown is said",
            f"{sum(c.said == 'unknown' for c in silent)} of {len(silent)}",
            "",
        ),
        (
            "with evidence that cancels out: the same",
            f"{sum(c.said == 'unknown' for c in told)} of {len(told)}",
            "",
        ),
        ("on the morning after, where a cause is named", f"{at_once:.1%}", f"of {len(early)}"),
    )
    print(f"\n{name}: {len(cases)} silent cases, {len(told)} with any evidence")
    for what, figure, more in lines:
        print(f"  {what:<46}{figure:>12}   {more}".rstrip())
    _confusion(by_cause)
    return share(told)


def _confusion(by_cause: dict[str, list[Case]]) -> None:
    said = (*CAUSES, "unknown")
    print(f"  {'true cause, and below what is said first':<24}".rstrip())
    print(" " * 20 + "".join(f"{x:>17}" for x in said) + f"{'right':>8}")
    for truth, row in by_cause.items():
        counts = Counter(c.said for c in row)
        right = f"{share(row):.0%}" if row else "-"
        print(f"    {truth:<16}" + "".join(f"{counts[x]:>17}" for x in said) + f"{right:>8}")


def show_wrong(cases: list[Case], most: int = 25) -> None:
    """Prints which kinds of customers were judged wrongly, and how."""
    wrong = Counter((c.kind, c.truth, c.said) for c in cases if c.evidence and not c.right)
    for (kind, truth, said), count in wrong.most_common(most):
        print(f"    {count:4} {kind:<22} was {truth:<16} said {said}")
