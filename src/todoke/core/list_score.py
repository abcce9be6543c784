"""A list's score before it is sent: what is known of its numbers, and what to do about it.

The score is number health, averaged (`WORTH`). How many a list will reach, and at what cost, it does not tell: that is
`GET /v1/reports/forecast`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from todoke.core.number_health import Health, Record


class Kind(StrEnum):
    """What was seen of a number over LINE last."""

    NEVER = "never_seen"
    """Nothing was sent to it that tells."""
    SHOWN = "shown"
    """A notification was shown there, and no later one was refused."""
    MATCHED = "matched"
    """LINE took the last one; nothing was ever shown there."""
    UNMATCHED = "unmatched"
    """LINE answered 422 to the last one."""
    SMS_ONLY = "sms_only"
    """Only SMS went there."""


WORTH: Mapping[Health, float] = {
    Health.FRESH: 1.0,
    Health.UNKNOWN: 0.7,
    Health.STALE: 0.3,
    Health.BAD: 0.0,
}
"""What a number of that health counts in a score. A choice, not a chance of reaching it."""
GOOD, FAIR = 85, 60
_MANY = 0.05
_SOME = 0.02


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one number."""

    health: Record
    suppressed: bool = False
    no_sms: bool = False
    bound: bool = False
    in_doubt: bool = False


class Sums(msgspec.Struct, kw_only=True):
    """Counted over numbers."""

    numbers: int = 0
    kinds: dict[Kind, int] = {}
    words: dict[Health, int] = {}
    sms_failed: int = 0
    suppressed: int = 0
    no_sms: int = 0
    bound: int = 0
    in_doubt: int = 0
    worth: float = 0.0

    def add(self, known: Known) -> None:
        """One number more."""
        kind = kind_of(known.health)
        self.numbers += 1
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        self.words[known.health.word] = self.words.get(known.health.word, 0) + 1
        self.sms_failed += _sms_failed(known.health)
        self.suppressed += known.suppressed
        self.no_sms += known.no_sms
        self.bound += known.bound
        self.in_doubt += known.in_doubt
        if not known.suppressed:
            self.worth += WORTH[known.health.word]


def kind_of(health: Record) -> Kind:
    """What was seen of a number last."""
    at = {name: -1 if x is None else x.at for name, x in (("no", health.unmatched), ("yes", health.matched))}
    if health.unmatched is not None and at["no"] > at["yes"]:
        return Kind.UNMATCHED
    if health.shown is not None:
        return Kind.SHOWN
    if health.matched is not None:
        return Kind.MATCHED
    only_sms = health.sms_received is not None or health.sms_failed is not None
    return Kind.SMS_ONLY if only_sms else Kind.NEVER


def _sms_failed(health: Record) -> bool:
    failed, received = health.sms_failed, health.sms_received
    return failed is not None and (received is None or received.at < failed.at)


def view(sums: Sums, *, has_line: bool, has_sms: bool) -> dict[str, Any]:
    """The score as the API shows it; shares are of the numbers that were looked at."""
    of = max(sums.numbers, 1)
    score = round(100 * sums.worth / of)
    return {
        "score": score if sums.numbers else None,
        "word": None
        if not sums.numbers
        else "good"
        if score >= GOOD
        else "fair"
        if score >= FAIR
        else "poor",
        "shares": {
            **{str(kind): round(sums.kinds.get(kind, 0) / of, 4) for kind in Kind},
            "sms_failed": round(sums.sms_failed / of, 4),
            "suppressed": round(sums.suppressed / of, 4),
            "sms_suppressed": round(sums.no_sms / of, 4),
            "bound": round(sums.bound / of, 4),
            "in_doubt": round(sums.in_doubt / of, 4),
        },
        "health": {str(word): round(sums.words.get(word, 0) / of, 4) for word in Health},
        "advice": advice(sums, has_line=has_line, has_sms=has_sms),
    }


def advice(sums: Sums, *, has_line: bool, has_sms: bool) -> list[str]:
    """What to do before the list is sent, the weightiest first."""
    if not sums.numbers:
        return ["No row has a usable number."]
    of = sums.numbers
    kinds = {kind: sums.kinds.get(kind, 0) / of for kind in Kind}
    bad, stale = sums.words.get(Health.BAD, 0) / of, sums.words.get(Health.STALE, 0) / of
    said: list[str] = []
    if sums.suppressed:
        said.append(
            f"{_percent(sums.suppressed / of)} of the numbers are suppressed: those rows will be refused. Take them "
            "out at the source."
        )
    if not has_sms and (sure := kinds[Kind.UNMATCHED]) >= _SOME:
        said.append(
            f"LINE had nobody for {_percent(sure)} of the numbers when it was last asked, and the policy has no SMS "
            "step: they will likely get nothing. Add an SMS step."
        )
    if bad + stale >= _MANY:
        said.append(
            f"{_percent(bad + stale)} of the numbers are bad or stale: ask these customers for their number. "
            "GET /v1/reports/number-health lists them."
        )
    if sums.sms_failed / of >= _MANY:
        said.append(
            f"The last SMS to {_percent(sums.sms_failed / of)} of the numbers failed for good: an SMS there costs and "
            "reaches few."
        )
    if has_line and kinds[Kind.NEVER] >= 0.5:
        said.append(
            f"Nothing was ever sent to {_percent(kinds[Kind.NEVER])} of the numbers: send a small part first, or in "
            "waves (percent_an_hour), and see what comes back."
        )
    if sums.in_doubt:
        said.append(
            f"{_percent(sums.in_doubt / of)} are bound to a LINE user in doubt: nothing is pushed to those until they "
            "confirm the number."
        )
    return said or ["Nothing speaks against sending this list as it is."]


def _percent(share: float) -> str:
    """As `todoke forecast` writes shares; 99.96 % of a list are not all of it."""
    if share == 1:
        return "100%"
    return "under 0.1%" if share < 0.001 else f"{min(share, 0.999):.1%}"
