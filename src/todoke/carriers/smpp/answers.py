"""What the fate of a message's parts comes to for the whole: taken, surely not taken, or not to be known.

Source of the statuses: SMPP 3.4, 5.1.3. By 4.4.2 an answer with an error carries no message id: the SMSC has not
taken it.
"""

from collections.abc import Collection

from aiosmpplib import SmppCommandStatus

from todoke.carriers.smpp.pdu import status_name
from todoke.carriers.smpp.replies import Reply, Word
from todoke.core.outcome import Answer, Outcome

THROTTLED = frozenset({SmppCommandStatus.ESME_RTHROTTLED, SmppCommandStatus.ESME_RMSGQFUL})


def taken(ids: list[str | None]) -> Answer:
    """Every part was taken. An SMSC that names only some parts leaves us without a way to see the whole arrive."""
    known = tuple(message_id for message_id in ids if message_id is not None)
    if len(known) < len(ids):
        known = ()
    return Answer(outcome=Outcome.ACCEPTED, request_id=known[0] if known else None, message_ids=known)


def not_taken(reply: Reply, before: int, parts: int, unclear: Collection[int]) -> Answer:
    """Part number `before + 1` of `parts` was not taken, or it is not known; those before it were.

    No ids are given then: their receipts would look like proof of the whole.
    """
    answered = reply.word is Word.ANSWERED
    status = reply.status if answered else None
    why = status_name(reply.status) if answered else reply.why
    if before:
        detail = f"{before} of {parts} parts were taken, the next was not: {why}"
        if reply.word is Word.NO_WORD:
            detail = f"{before} of {parts} parts were taken, the next may have been: {why}"
        return Answer(outcome=Outcome.UNKNOWN, status=status, detail=detail)
    if reply.word is Word.NOT_WRITTEN:
        return Answer(outcome=Outcome.FAILED, detail=f"not sent: {why}")
    if reply.word is Word.NO_WORD:
        return Answer(outcome=Outcome.UNKNOWN, detail=f"{why}; the message may have been taken")
    if status in THROTTLED:
        return Answer(outcome=Outcome.THROTTLED, status=status, detail=why)
    if status in unclear:
        return Answer(
            outcome=Outcome.UNKNOWN, status=status, detail=f"{why}; the message may have been taken"
        )
    return Answer(outcome=Outcome.FAILED, status=status, detail=f"the provider said no: {why}")
