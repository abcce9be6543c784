"""What the gateway and the process that reads lists say to each other, as MessagePack (see `engine.helper_link`).

Light to import: that process holds nothing but rules, templates and the portion that it reads.
"""

from typing import Final

import msgspec

from todoke.core.columns import Columns
from todoke.core.content.check import ContentCheck
from todoke.core.content.finding import Finding
from todoke.core.content.timing import Timing
from todoke.core.gate import Gate
from todoke.core.template import compile
from todoke.core.wanted import Terms
from todoke.engine.portion import Place, Portion
from todoke.rules.whole import Recipe, content_check

READY: Final = b""
"""The reader's first frame: it has read the rules."""
_CHECKS = 20


class Hold(msgspec.Struct, frozen=True, kw_only=True, tag="hold"):
    """What the rows of a list are held to from now on: `core.wanted.Terms`, as far as it can be sent."""

    batch_id: str
    region: str
    template: str
    """JSON."""
    template_id: str
    version: int
    keeps: int | None
    gate: Gate
    recipe: Recipe
    excused: list[tuple[str, str]]
    standing: list[Finding]
    timing: Timing


class Read(msgspec.Struct, frozen=True, kw_only=True, tag="read"):
    """A portion that is wanted. The list's `Hold` came before."""

    number: int
    """Of the order; its answer names it."""
    batch_id: str
    path: str
    begun: Place
    columns: Columns
    language: str | None
    now: int
    rows: int
    longest: int


class Forget(msgspec.Struct, frozen=True, tag="forget"):
    """Nothing of any list is wanted for now."""


Order = Hold | Read | Forget


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """To a `Read`: the portion, or why there is none."""

    number: int
    portion: Portion | None = None
    broken: str | None = None
    """The text of a `BrokenFile`."""
    errno: int | None = None
    """Of an error of the operating system."""


class Checks:
    """The content checks that lists were lately held to: lists of one account share theirs."""

    def __init__(self) -> None:
        self._made: dict[Recipe, ContentCheck] = {}

    def terms(self, hold: Hold) -> Terms:
        """What a list is held to, from what came."""
        if (check := self._made.get(hold.recipe)) is None:
            if len(self._made) >= _CHECKS:
                self._made.clear()
            check = self._made[hold.recipe] = content_check(hold.recipe)
        template = compile(msgspec.json.decode(hold.template), stored=True)
        return Terms(
            region=hold.region,
            template=template,
            template_id=hold.template_id,
            version=hold.version,
            keeps=hold.keeps,
            gate=hold.gate,
            check=check,
            values=check.values(template, hold.region, hold.excused),
            standing=tuple(hold.standing),
            timing=hold.timing,
        )
