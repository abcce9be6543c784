"""Whom a template's version may reach, as it stood when it was asked: `actions.live` asks."""

from collections.abc import Collection, Mapping

import msgspec

from todoke.core.errors import NotLive
from todoke.core.phone import masked
from todoke.core.review import NOT_LIVE


class Gate(msgspec.Struct, frozen=True):
    """Whether a template's version may go to a number of a channel, as it stood when it was asked."""

    why: str | None = None
    """Why it may not go to real recipients; None: it may."""
    test_numbers: frozenset[str] = frozenset()

    def why_not(self, number: str) -> str | None:
        """Why nothing goes to this number; None if it may."""
        return None if number in self.test_numbers else self.why

    def refusals(self, numbers: Collection[str]) -> Mapping[str, str]:
        """Those of the numbers that nothing goes to, each with the reason as a row of a list shows it."""
        if self.why is None:
            return {}
        return {x: refusal(self.why, x).message for x in numbers if x not in self.test_numbers}


OPEN = Gate()


def refusal(why: str, number: str) -> NotLive:
    """The error for one recipient."""
    said = why.removeprefix(NOT_LIVE)
    return NotLive(
        f"{masked(number)} is no test number of the channel, and only what is live goes to others: {said}.",
        "/template",
    )
