"""What happens to many notices in the same way: decided for one of them, written for all in a few statements.

Thousands of a list stand alike: same template and policy, same state and times, the same answer from LINE.
`core.notice.step` looks at nothing else, so what it says of one holds for all; tests hold this to it. Whatever is not
so goes the general way, one by one.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from todoke.actions.proofs import Found, is_plain
from todoke.core.errors import IllegalTransition
from todoke.core.notice import Answered, Event, Notice, Proof, step
from todoke.core.outcome import Answer, Outcome
from todoke.storage import notice_changes
from todoke.storage.database import Tx
from todoke.storage.notice_changes import ALIKE, Telling
from todoke.storage.working import Alike, Kept, Working

_replace = msgspec.structs.replace
_PLAIN = frozenset({Outcome.ACCEPTED, Outcome.UNREACHABLE})
"""Answers that have no consequence but for their notices."""


class AnswerTo(NamedTuple):
    """What a carrier's `send` came to, and for which attempt; `carrier` is the SMS carrier's name.

    `token`: the channel's access token as it is stored, with which it was sent; None where nobody kept that.
    """

    notice_id: str
    attempt_id: str
    answer: Answer
    carrier: str | None = None
    token: bytes | None = None


_Happened = tuple[Kept, AnswerTo | None, Found | None]
"""To a notice: it was answered, its message was proven to have come, or both, in that order."""


class Told(NamedTuple):
    """Notices of which the same was told, as they are now, and what to write of each."""

    alike: Alike
    tellings: Sequence[Telling]
    events: Sequence[_Happened]

    @property
    def size(self) -> int:
        """How many answers and events that were."""
        _, answered, found = self.events[0]
        return len(self.events) * ((answered is not None) + (found is not None))

    def events_of(self) -> Iterator[tuple[str, list[Event]]]:
        """By notice, as `step` would have been given them."""
        for kept, answered, found in self.events:
            events: list[Event] = []
            if answered is not None:
                events.append(Answered(kept.attempt_id, answered.answer))
            if found is not None:
                events.append(Proof(kept.attempt_id, found.event.at))
            yield kept.notice_id, events


class Sorted(NamedTuple):
    """What was told of notices that stand alike; and the rest, for the general way."""

    told: Sequence[Told]
    answers: Sequence[AnswerTo]
    proofs: Sequence[Found]


def sort(answers: Sequence[AnswerTo], proofs: Sequence[Found], working: Working | None, now: int) -> Sorted:
    """Decides about those that are among many of their kind. `proofs`: what carriers told of attempts, by their tags.

    All that was told of a notice goes the same way.
    """
    if working is None or len(answers) + len(proofs) < ALIKE:
        return Sorted((), answers, proofs)
    happened = _collected(answers, proofs, working)
    groups: dict[tuple[object, ...], list[_Happened]] = {}
    for x in happened.values():
        kept, answered, found = x
        answer = None if answered is None else answered.answer
        # The patterns live as long as this: their identity is theirs alone.
        kind = (
            id(kept.pattern),
            None if answer is None else (answer.outcome, answer.status, answer.detail),
            found is None,
        )
        if (group := groups.get(kind)) is None:
            groups[kind] = [x]
        else:
            group.append(x)
    told = [
        made for group in groups.values() if len(group) >= ALIKE and (made := _told(group, now)) is not None
    ]
    if sum([x.size for x in told]) == len(answers) + len(proofs):
        return Sorted(told, (), ())
    done = {x.notice_id for each in told for x in each.tellings}
    rest = [x for x in answers if x.notice_id not in done]
    return Sorted(told, rest, [x for x in proofs if _notice_of(x, working) not in done])


def _notice_of(found: Found, working: Working) -> str | None:
    kept = working.of_attempt(found.event.tag or "")
    return None if kept is None else kept.notice_id


def _collected(
    answers: Sequence[AnswerTo], proofs: Sequence[Found], working: Working
) -> dict[str, _Happened]:
    """What happened to each notice, where that is one plain answer, one plain proof, or both."""
    happened: dict[str, _Happened] = {}
    odd: set[str] = set()
    find = working.kept
    for told in answers:
        notice_id, attempt_id, answer, _, _ = told
        kept = find(notice_id)
        if (
            kept is not None
            and kept.attempt_id == attempt_id
            and answer.outcome in _PLAIN
            and answer.retry_after is None
            and not (answer.message_ids or answer.quota_used_up)
            and notice_id not in happened
        ):
            happened[notice_id] = (kept, told, None)
        else:
            odd.add(notice_id)
    for found in proofs:
        kept = working.of_attempt(found.event.tag or "")
        if kept is None:
            continue
        before = happened.get(kept.notice_id)
        if is_plain(found, kept) and (before is None or before[2] is None):
            happened[kept.notice_id] = (kept, None if before is None else before[1], found)
        else:
            odd.add(kept.notice_id)
    for notice_id in odd:
        happened.pop(notice_id, None)
    return happened


def _told(group: Sequence[_Happened], now: int) -> Told | None:
    """What becomes of a group. None where that is for the general way to say."""
    kept, answered, found = group[0]
    pattern = kept.pattern
    moved = pattern.notice
    tag = moved.attempts[0].id
    try:
        if answered is not None:
            moved, _ = step(moved, Answered(tag, _replace(answered.answer, request_id=None)), now)
        if found is not None:
            moved, _ = step(moved, Proof(tag, found.event.at), now)
    except IllegalTransition:
        return None
    if moved.attempts is pattern.notice.attempts or (found is not None and moved.ended_at is None):
        return None
    after = _replace(pattern, notice=moved)
    members: list[Kept] = []
    tellings: list[Telling] = []
    for one, told, proof in group:
        request_id = one.request_id if told is None else told.answer.request_id
        tellings.append(
            Telling(one.notice_id, one.attempt_id, request_id, None if proof is None else proof.event.at)
        )
        members.append(Kept(one.notice_id, one.attempt_id, after, one.created_at, one.number, request_id))
    return Told(Alike(pattern, after, members), tellings, group)


async def write(tx: Tx, told: Iterable[Told]) -> None:
    """Writes down what was told. Raises Stale where one was moved by somebody else meanwhile."""
    for each in told:
        alike = each.alike
        await notice_changes.tell_alike(tx, alike.before.notice, alike.after.notice, each.tellings)


def changes_of(told: Iterable[Told]) -> Iterator[tuple[Notice, Notice]]:
    """Each notice before and after, whole. For where somebody wants to know: it takes longer than all the rest."""
    for each in told:
        for (before, _, found), kept in zip(each.events, each.alike.members, strict=True):
            after = kept.loaded().notice
            if found is not None:
                # The one thing of a notice that has ended which its pattern can't tell.
                after = _replace(after, attempts=(_replace(after.attempts[0], proof_at=found.event.at),))
            yield before.loaded().notice, after
