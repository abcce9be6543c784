"""Reviews: what an application and a template's version go through before real recipients are reached.

TRANSITIONS holds every move of an application, VERSION_TRANSITIONS every move of a template's version; the diagrams in
`docs/review.md` are drawn from them. The states are those of LINE's own way from application to opening (LINE's sales
deck for Taiwan, August 2025, and the product page for Thailand).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

import msgspec


class State(StrEnum):
    """Where an application to use a use case on a channel stands."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    CHANGES_WANTED = "changes_wanted"
    REJECTED = "rejected"
    APPROVED = "approved"
    CONTRACT_SIGNED = "contract_signed"
    ACCEPTANCE_PASSED = "acceptance_passed"
    LIVE = "live"
    SUSPENDED = "suspended"


class Review(StrEnum):
    """Where a version of a template stands."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    CHANGES_WANTED = "changes_wanted"
    REJECTED = "rejected"
    APPROVED = "approved"


class Move(msgspec.Struct, frozen=True):
    """A move and what it demands beside a person's name and their reason, which every move does."""

    words: str
    """What happened, in a word or two: the arrow of the diagram."""
    evidence: str = ""
    """What must be handed in as evidence, in words; empty: nothing."""
    ready: bool = False
    """The checklist must be complete, and no error that nobody overruled may stand in a text."""


_SUBMITTED = Move("submitted", ready=True)
_WITHDRAWN = Move("withdrawn")
_WANTED = Move("changes wanted")

TRANSITIONS: dict[tuple[State, State], Move] = {
    (State.DRAFT, State.IN_REVIEW): _SUBMITTED,
    (State.IN_REVIEW, State.APPROVED): Move("approved"),
    (State.IN_REVIEW, State.CHANGES_WANTED): _WANTED,
    (State.IN_REVIEW, State.REJECTED): Move("rejected"),
    (State.IN_REVIEW, State.DRAFT): _WITHDRAWN,
    (State.CHANGES_WANTED, State.IN_REVIEW): _SUBMITTED,
    (State.CHANGES_WANTED, State.DRAFT): _WITHDRAWN,
    (State.REJECTED, State.DRAFT): Move("begun again"),
    (State.APPROVED, State.CONTRACT_SIGNED): Move(
        "contract signed", evidence="the contract's reference, or a link to it, or an attachment"
    ),
    (State.APPROVED, State.CHANGES_WANTED): _WANTED,
    (State.APPROVED, State.DRAFT): _WITHDRAWN,
    (State.CONTRACT_SIGNED, State.ACCEPTANCE_PASSED): Move(
        "acceptance passed",
        evidence="the report of the acceptance run as an attachment, a link or a reference",
    ),
    (State.CONTRACT_SIGNED, State.CHANGES_WANTED): _WANTED,
    (State.CONTRACT_SIGNED, State.DRAFT): _WITHDRAWN,
    (State.ACCEPTANCE_PASSED, State.LIVE): Move("opened"),
    (State.ACCEPTANCE_PASSED, State.CHANGES_WANTED): _WANTED,
    (State.ACCEPTANCE_PASSED, State.DRAFT): _WITHDRAWN,
    (State.LIVE, State.SUSPENDED): Move("suspended"),
    (State.SUSPENDED, State.LIVE): Move("opened again"),
    (State.SUSPENDED, State.DRAFT): Move("begun again"),
}
"""Every move of an application: (from, to) → what it demands. All else is refused."""

VERSION_TRANSITIONS: dict[tuple[Review, Review], Move] = {
    (Review.DRAFT, Review.IN_REVIEW): _SUBMITTED,
    (Review.IN_REVIEW, Review.APPROVED): Move("approved"),
    (Review.IN_REVIEW, Review.CHANGES_WANTED): _WANTED,
    (Review.IN_REVIEW, Review.REJECTED): Move("rejected"),
    (Review.IN_REVIEW, Review.DRAFT): _WITHDRAWN,
    (Review.CHANGES_WANTED, Review.IN_REVIEW): _SUBMITTED,
    (Review.REJECTED, Review.IN_REVIEW): _SUBMITTED,
    (Review.APPROVED, Review.CHANGES_WANTED): Move("changes wanted after all"),
    (Review.APPROVED, Review.REJECTED): Move("rejected after all"),
}
"""Every move of a template's version. A version never changes: a mended text is the next version, a draft again."""

WITH_THE_APPLICATION: dict[State, Review] = {
    State.IN_REVIEW: Review.IN_REVIEW,
    State.APPROVED: Review.APPROVED,
    State.CHANGES_WANTED: Review.CHANGES_WANTED,
    State.REJECTED: Review.REJECTED,
    State.DRAFT: Review.DRAFT,
}
"""What becomes of the versions that were submitted with an application when it moves: of those in review, and where it
goes back of those that are approved too."""

EDITABLE = frozenset({State.DRAFT, State.CHANGES_WANTED})
"""Here what was applied for may be changed: what LINE looks at must stay what it is."""

_S = TypeVar("_S", State, Review)


def move(table: Mapping[tuple[_S, _S], Move], before: _S, after: _S) -> Move | None:
    """What a move demands; None: it is not legal."""
    return table.get((before, after))


def moves_from(table: Mapping[tuple[_S, _S], Move], state: _S) -> list[_S]:
    """Where one may go from a state."""
    return [after for before, after in table if before is state]


def illegal(table: Mapping[tuple[_S, _S], Move], before: _S, after: _S, subject: str) -> str:
    """Why a move is refused, naming the legal ones."""
    legal = ", ".join(moves_from(table, before)) or "nothing"
    return f"{subject} can't go from {before} to {after}. From {before} it can go to: {legal}."


NOT_LIVE = "not live: "
"""How every reason begins for which a template's version may not reach real recipients."""


def why_not_live(state: str | None, review: str, use_case: str, template: str) -> str | None:
    """Why a template's version may not reach real recipients, with the remedy; None if it may.

    `state` of the application for its use case on its channel, None where there is none; `template`: its name and
    version, in words.
    """
    if state == State.LIVE and review == Review.APPROVED:
        return None
    return NOT_LIVE + (
        _of_application(state, use_case) if state != State.LIVE else _of_version(review, template)
    )


def tells_of_not_live(why: str) -> bool:
    """Whether a step was left out for this."""
    return why.startswith(NOT_LIVE)


def _of_application(state: str | None, use_case: str) -> str:
    if state is None:
        return (
            f"nobody has applied to use {use_case} on this channel. Apply (todoke use-cases apply, or POST "
            "/v1/use-cases) and take it to live; docs/review.md says how"
        )
    remedies = {
        State.DRAFT: "complete its checklist and submit it to LINE",
        State.IN_REVIEW: "LINE's answer is to come",
        State.CHANGES_WANTED: "do what LINE asks for and submit it again",
        State.REJECTED: "begin again with what LINE said in mind",
        State.APPROVED: "the contract is to be signed",
        State.CONTRACT_SIGNED: "the acceptance run is to be passed",
        State.ACCEPTANCE_PASSED: "move it to live when LINE opens it",
        State.SUSPENDED: "move it to live again once that is over",
    }
    now = State(state)
    return f"the application for {use_case} is at {now} on this channel: {remedies[now]}"


def _of_version(review: str, template: str) -> str:
    remedies = {
        Review.DRAFT: "submit it (todoke templates move, or POST /v1/templates/{id}/transitions)",
        Review.IN_REVIEW: "LINE's answer is to come",
        Review.CHANGES_WANTED: "make a new version with what LINE asks for and submit that",
        Review.REJECTED: "make a new version and submit that",
    }
    now = Review(review)
    return f"{template} is at {now}: {remedies[now]}"


def diagram(table: Mapping[tuple[Any, Any], Move], first: StrEnum) -> str:
    """A table of moves in Mermaid, as `docs/review.md` holds it; `python -m todoke.core.review` prints both."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {first}"]
    lines += [f"    {before} --> {after}: {m.words}" for (before, after), m in table.items()]
    return "\n".join([*lines, "```"])


if __name__ == "__main__":
    print(diagram(TRANSITIONS, State.DRAFT))
    print(diagram(VERSION_TRANSITIONS, Review.DRAFT))
