"""What follows from an SMS that a recipient sent back: their own word suppresses them, or ends what it suppressed.

Whose SMS a word answers nobody says. It counts for every account here whose SMS reached that number by that carrier in
the last 90 days, and for every account that sent it a code to bind the number, by whichever carrier: accounts may share
a sender, and who says stop means all that comes from it. Where there is none, for every account that ever had a notice
to the number; where there is none of those either, for nobody.
"""

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from todoke.actions.proofs import Found
from todoke.actions.suppressions import Wanted, end, suppress
from todoke.carriers.replies import carrier_of
from todoke.core.durations import DAY
from todoke.core.opt_out_words import Meaning, Said, meaning
from todoke.core.suppression import Cause, Scope
from todoke.ids import Ids
from todoke.storage import bind_links
from todoke.storage import suppressions as store
from todoke.storage.database import Tx

SENDER_REMEMBERED = 90 * DAY


class Heard(msgspec.Struct):
    """What became of words, for counting."""

    suppressed: int = 0
    """Accounts that a number was newly suppressed in."""
    released: int = 0
    nowhere: int = 0
    """Words from numbers that no account knows."""
    told: int = 0
    """Webhooks that were queued."""


def said_by(carrier: str) -> str:
    """What a suppression keeps as its origin, where the recipient's word came by this carrier."""
    return f"sms:{carrier}"


async def no_archive(number: str) -> Sequence[str]:
    """Nobody had notices to it before those that are stored."""
    return ()


async def hear(
    tx: Tx,
    found: Sequence[Found],
    now: int,
    ids: Ids,
    archived: Callable[[str], Awaitable[Sequence[str]]] = no_archive,
) -> Heard:
    """Applies words in the order in which they were said. `archived`: a number → the accounts that had notices to it
    long ago.
    """
    came = Heard()
    for event, place, _ in sorted(found, key=lambda x: x.event.at):
        said = None if event.text is None else meaning(event.text)
        if said is None or event.number is None:
            continue
        carrier, at = carrier_of(place), min(event.at, now)
        if said.meaning is Meaning.OPT_OUT:
            accounts = await _senders(tx, event.number, carrier, now) or await archived(event.number)
            await _suppress(tx, event.number, accounts, said, carrier, at, now, ids, came)
        else:
            await _release(tx, event.number, said, carrier, at, now, ids, came)
    return came


async def _senders(tx: Tx, number: str, carrier: str, now: int) -> Sequence[str]:
    """Whom the word is meant for: who wrote by this carrier of late, else whoever wrote."""
    accounts = await store.accounts_that_sent_sms(tx, number, carrier, now - SENDER_REMEMBERED)
    accounts += await bind_links.accounts_that_sent_codes(tx, number, now - SENDER_REMEMBERED)
    return list(dict.fromkeys(accounts)) or await store.accounts_with_notices(tx, number)


async def _suppress(
    tx: Tx,
    number: str,
    accounts: Sequence[str],
    said: Said,
    carrier: str,
    at: int,
    now: int,
    ids: Ids,
    came: Heard,
) -> None:
    came.nowhere += not accounts
    wanted = Wanted(
        number=number,
        scope=Scope.SMS,
        reason=Cause.OPT_OUT,
        note=f"{said.word}, by SMS to {carrier}",
        by=said_by(carrier),
        at=at,
    )
    for account in accounts:
        done = await suppress(tx, account, [wanted], now, ids)
        came.suppressed += done.new
        came.told += done.told


async def _release(
    tx: Tx, number: str, said: Said, carrier: str, at: int, now: int, ids: Ids, came: Heard
) -> None:
    """Only what their word to the same carrier suppressed, and no later word: complaints and the business's own
    decisions are not theirs to end in this way.
    """
    stands = [x for x in await store.by_word(tx, number, said_by(carrier)) if x.at <= at]
    came.told += await end(tx, stands, at, f"{said.word}, by SMS to {carrier}", now, ids)
    came.released += len(stands)
