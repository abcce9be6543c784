"""Draws TRANSITIONS as the diagram that `docs/architecture.md` holds; `python -m todoke.core.diagram` prints it."""

from todoke.core.notice import (
    END_STATES,
    TRANSITIONS,
    Answered,
    Cancel,
    Due,
    Lapsed,
    NoProof,
    Proof,
    State,
)

WORDS: dict[type, str] = {
    Due: "due",
    Answered: "answered",
    Lapsed: "lapsed",
    Proof: "proof",
    NoProof: "no proof",
    Cancel: "cancel",
}
"""What each event is called in the diagram."""


def state_diagram() -> str:
    """Every move of TRANSITIONS as one arrow, in Mermaid; moves between the same two states share theirs."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.QUEUED}"]
    for before in State:
        for after in State:
            events = [
                word
                for event, word in WORDS.items()
                if after in TRANSITIONS.get((before, event), frozenset())
            ]
            if events:
                lines.append(f"    {before} --> {after}: {', '.join(events)}")
    lines += [f"    {end} --> [*]" for end in State if end in END_STATES]
    return "\n".join(lines)


def fenced() -> str:
    """The same as it stands in a Markdown file."""
    return f"```mermaid\n{state_diagram()}\n```"


if __name__ == "__main__":
    print(fenced())
