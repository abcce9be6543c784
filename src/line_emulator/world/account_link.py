"""Account link: a token for one user, opened once by whoever gets the link.

Source: Messaging API, "User account linking"; reference, "Issue link token" and "Account link event".
"""

from __future__ import annotations

from line_emulator.world import limits, numbers, problems
from line_emulator.world.commands import IssueLinkToken, OpenLink
from line_emulator.world.effects import Effects, Event
from line_emulator.world.problems import Problem
from line_emulator.world.world import World

LINK_LASTS = 600_000
MOST_LINKS = 100_000
"""Beyond so many the oldest are void: a paused clock never lets one expire."""
NONCE_SHORTEST, NONCE_LONGEST = 10, 255

BAD_USER_ID = Problem(400, "The value for the 'userId' parameter is invalid")
BAD_LINK = Problem(400, "The link has expired, was used before, or never existed")
BAD_NONCE = Problem(400, "The nonce must have 10 to 255 characters")
NO_USER = Problem(404, "There is no LINE user with this number")


def issue(world: World, command: IssueLinkToken, now: int) -> Effects:
    """A link token for a friend, good for ten minutes and one use."""
    if not numbers.is_user_id(command.user_id):
        return Effects(problem=BAD_USER_ID)
    channel = command.channel
    account = world.people.find_user_id(command.user_id, channel.provider)
    if account is None or not account.tie(channel.channel_id).friend:
        return Effects(problem=problems.NOT_FOUND)
    # All last equally long, so the oldest is the first to expire.
    while world.links:
        oldest = next(iter(world.links))
        if now < world.links[oldest][2] and len(world.links) < MOST_LINKS:
            break
        del world.links[oldest]
    world.links[command.token] = channel.channel_id, command.user_id, now + LINK_LASTS
    return Effects(command.token)


def problem_of(world: World, token: str, nonce: str, now: int) -> Problem | None:
    """Why this link can't be opened at `now` (ms), whoever opens it; None if it can."""
    link = world.links.get(token)
    if link is None or link[2] <= now:
        return BAD_LINK
    return None if NONCE_SHORTEST <= limits.units(nonce) <= NONCE_LONGEST else BAD_NONCE


def open_link(world: World, command: OpenLink, now: int) -> Effects:
    """A user opens the link: "ok" if the token was made for them, else "failed". Either way it is used up."""
    account = world.people.find_phone(command.phone)
    problem = problem_of(world, command.token, command.nonce, now)
    if problem is None and account is None:
        problem = NO_USER
    if problem is not None or account is None:
        return Effects(problem=problem)
    channel_id, user_id, _ = world.links.pop(command.token)
    same = numbers.user_id(account.number, world.channels[channel_id].provider) == user_id
    result = "ok" if same else "failed"
    event = Event(
        channel_id,
        "accountLink",
        now,
        user_id if same else None,
        {"link": {"result": result, "nonce": command.nonce}},
        replyable=same,
    )
    return Effects(result, events=[event])
