"""The events that the business's own systems may ask for, and which of them a change of a notice makes."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from todoke.core.states import END_STATES, Attempt, Notice, State

CALLBACK = "callback"
"""No event but a step: the receiver carries the notice. No wildcard means it."""
EVERYTHING = "*"

EVENTS: dict[str, str] = {
    CALLBACK: "a notice whose step is callback: the receiver carries it",
    "notice.queued": "a notice was taken in",
    "notice.sending": "the request of a step leaves",
    "notice.waiting": "a carrier took it; the proof, or the end of the step's wait, is to come",
    "notice.delivered": "the end: proof came that it reached the recipient",
    "notice.handed_over": "the end: the last step's carrier took it and gives no proof",
    "notice.not_delivered": "the end: no step reached the recipient",
    "notice.cancelled": "the end: it was cancelled before a step reached the recipient",
    "notice.refused": "the end: a rule of its policy let no step begin",
    "notice.attempt": "the outcome of an attempt became known, or changed",
    "notice.late_proof": "proof came after the end: the recipient got the message all the same",
    "notice.late_duplicate": "a message was shown after a later step had left: the recipient may have two",
    "message.ended": "an ordinary message was handed over, or not delivered",
    "batch.created": "a list was taken in, and its file is being read",
    "batch.read": "the file of a batch is read to its end",
    "batch.failed": "the file of a batch can't be read on",
    "batch.started": "a batch that was to wait begins to go out: its first notices were let go",
    "batch.paused": "a batch was paused: no first request of its notices begins",
    "batch.resumed": "a paused batch goes on",
    "batch.cancelled": "a batch was cancelled",
    "batch.ended": "the last notice of a batch has ended",
    "friend.added": "a user added the account as a friend, or unblocked it",
    "friend.blocked": "a user blocked the account",
    "friend.unlisted": "LINE's followers list has a friend no more",
    "binding.bound": "a number was bound to a LINE user",
    "binding.confirmed": "a user showed again that a bound number is theirs; a doubt is over",
    "binding.ended": "a binding ended",
    "binding.doubted": "something says that a bound number is no longer the user's: nothing is pushed to them",
    "suppression.added": "a number is not to be written to any more",
    "suppression.removed": "a number may be written to again",
    "use_case.changed": "an application to use a use case moved on, or back",
    "template.review_changed": "a version of a template moved on in its review, or back",
    "alarm.raised": "something is wrong that wants a person",
    "alarm.cleared": "it is right again",
}
"""All events that an endpoint may ask for, in words."""
WILDCARDS: tuple[str, ...] = (
    EVERYTHING,
    *dict.fromkeys(x.partition(".")[0] + ".*" for x in EVENTS if "." in x),
)
"""What stands for several of them: `*` for all, `notice.*` for those of a notice; never for callback."""
TEST = "test"
"""What is sent to try an endpoint out. It can't be asked for."""


def wanted_by(chosen: Iterable[str]) -> frozenset[str]:
    """The events that a choice with wildcards means."""
    wanted: set[str] = set()
    for choice in chosen:
        if choice == EVERYTHING:
            wanted.update(x for x in EVENTS if x != CALLBACK)
        elif choice.endswith(".*"):
            wanted.update(x for x in EVENTS if x.startswith(choice[:-1]))
        else:
            wanted.add(choice)
    return frozenset(wanted)


class Told(NamedTuple):
    """An event of a notice, and the attempt that it is about, if it is about one."""

    event: str
    attempt: Attempt | None


def of_change(before: Notice, after: Notice) -> Iterator[Told]:
    """What a change tells, in the order in which it happened: attempts first, then the state.

    States that a notice went through within one change are not told.
    """
    if after is before:
        return
    known = {x.id: x for x in before.attempts}
    newest: Attempt | None = None
    for attempt in after.attempts:
        was = known.get(attempt.id)
        if was is attempt:
            continue
        newest = attempt
        if was is None and after.state is State.SENDING:
            yield Told("notice.sending", attempt)
        if attempt.outcome is not None and (was is None or was.outcome is not attempt.outcome):
            yield Told("notice.attempt", attempt)
        proven = attempt.proof_at is not None and (was is None or was.proof_at is None)
        if proven and before.state in END_STATES:
            yield Told("notice.late_proof", attempt)
        if attempt.late_duplicate and (was is None or not was.late_duplicate):
            yield Told("notice.late_duplicate", attempt)
    # Back to queued is no news: the attempt's outcome tells it, and the next step's request, or the end.
    if after.state is not before.state and after.state not in (State.QUEUED, State.SENDING):
        yield Told(f"notice.{after.state}", newest)
