"""Recipients to whom nothing is sent at all, said as early as it is known."""

from collections.abc import Iterable, Mapping

from todoke.actions.channels import Conflict
from todoke.core.durations import rfc3339
from todoke.core.phone import masked
from todoke.core.suppression import Scope
from todoke.storage import suppressions as store
from todoke.storage.database import Tx
from todoke.storage.suppressions import Suppression


class Suppressed(Conflict):
    """The recipient is to get nothing from this account."""

    code = "suppressed"


async def refused_numbers(tx: Tx, account_id: str, numbers: Iterable[str]) -> Mapping[str, Suppression]:
    """Those of the numbers that are to get nothing at all, with what says so."""
    scopes = await store.scopes_of(tx, account_id, numbers)
    refused = [number for number, found in scopes.items() if Scope.ALL in found]
    if not refused:
        return {}
    return {x.number: x for x in await store.standing(tx, account_id, refused) if x.scope is Scope.ALL}


async def refuse_suppressed(tx: Tx, account_id: str, number: str, pointer: str = "/to") -> None:
    """Raises Suppressed where this recipient is to get nothing at all."""
    for x in (await refused_numbers(tx, account_id, [number])).values():
        raise suppressed(x, pointer)


def since_when(x: Suppression) -> str:
    """Since which day, why and for what a number is suppressed. The note stays out: it is for the business's eyes."""
    return f"suppressed since {rfc3339(x.at)[:10]}: {x.reason} ({x.scope})"


def suppressed(x: Suppression, pointer: str = "/to") -> Suppressed:
    """The refusal, with its reason and the remedy."""
    return Suppressed(
        f"{masked(x.number)} is {since_when(x)}. This recipient is to get no messages from this account; DELETE "
        f"/v1/suppressions/{x.id} ends that, once they have asked for messages again.",
        pointer,
    )
