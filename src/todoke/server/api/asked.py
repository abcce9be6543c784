"""What the reports are asked for: a time under either of its names, and no name that nobody reads."""

from typing import Annotated, NamedTuple

from fastapi import Depends, Query, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from todoke.server.auth import Account
from todoke.server.problems import Problem

_LONGEST = 40


class Start(NamedTuple):
    """Where a report begins, as it was given; `name`: the name under which."""

    text: str | None
    name: str


async def _start(
    since: Annotated[
        str | None, Query(max_length=_LONGEST, description="Where it begins: a time, or one of LINE's days.")
    ] = None,
    from_: Annotated[
        str | None, Query(alias="from", max_length=_LONGEST, description="The same as `since`.")
    ] = None,
) -> Start:
    if since is not None and from_ is not None:
        why = "since and from mean the same: give one of them"
        raise Problem(422, "invalid", f"from: {why}", [("query: from", why)])
    return Start(since, "since") if from_ is None else Start(from_, "from")


Since = Annotated[Start, Depends(_start)]
Until = Annotated[str | None, Query(max_length=_LONGEST, description="Where it ends.")]


async def only_known_names(request: Request, _: Account) -> None:
    """Raises a 422 problem for a name in the query that the route does not read: a report of all, where a part was
    asked for under a wrong name, would be taken for that part.
    """
    route = request.scope.get("route")
    assert isinstance(route, APIRoute)
    known = sorted(_names(route.dependant))
    if unknown := [name for name in dict.fromkeys(request.query_params.keys()) if name not in known]:
        why = (
            f"there is no such name here; known are {', '.join(known)}"
            if known
            else "nothing is asked for here"
        )
        errors = [(f"query: {name[:60]}", why) for name in unknown[:10]]
        raise Problem(422, "invalid", f"{unknown[0][:60]!r}: {why}.", errors)


def _names(of: Dependant) -> set[str]:
    """What a route and all that it depends on read from the query."""
    return {x.alias for x in of.query_params}.union(*(_names(x) for x in of.dependencies))


KNOWN_NAMES = [Depends(only_known_names)]
