"""Users by their ID: profile and followers.

Source: Messaging API reference, "Users".
"""

from __future__ import annotations

import base64
import re
from urllib.parse import parse_qs

from line_emulator.bot_api.http import Answer, Request, refusal, success
from line_emulator.state import State
from line_emulator.world import numbers, problems
from line_emulator.world.people import DAY
from line_emulator.world.problems import Problem
from line_emulator.world.register import MOST_LOOKED_AT

PAGE, LONGEST_PAGE = 300, 1000
_BAD_START = Problem(400, "Invalid start param")


def profile(state: State, request: Request) -> Answer:
    """`GET /v2/bot/profile/{userId}`: friends, and others who wrote and do not block."""
    channel = request.sender()
    user_id = request.values[0]
    if not numbers.is_user_id(user_id):
        return refusal(Problem(400, "The value for the 'userId' parameter is invalid"))
    account = state.world.people.find_user_id(user_id, channel.provider)
    if account is None:
        return refusal(problems.NOT_FOUND)
    tie = account.tie(channel.channel_id)
    if not tie.friend and (tie.blocked or tie.wrote_at is None):
        return refusal(problems.NOT_FOUND)
    shown = {"displayName": account.name, "userId": user_id}
    # LINE leaves out what there is not, and the language of who has not agreed to its privacy policy.
    if account.privacy_policy:
        shown["language"] = account.language
    if account.picture_url is not None:
        shown["pictureUrl"] = account.picture_url
    if account.status_message is not None:
        shown["statusMessage"] = account.status_message
    return success(shown)


def followers(state: State, request: Request) -> Answer:
    """`GET /v2/bot/followers/ids`: verified and premium accounts only; pages of up to 1,000."""
    channel = request.sender()
    if channel.badge == "grey":
        return refusal(problems.NOT_AVAILABLE)
    query = parse_qs(request.query.decode("latin-1"))
    limit_text = query.get("limit", [str(PAGE)])[0]
    if not re.fullmatch(r"[0-9]{1,6}", limit_text) or not 1 <= int(limit_text) <= LONGEST_PAGE:
        return refusal(Problem(400, "The value for the 'limit' parameter is invalid"))
    now = state.clock.now()
    position: int | None = 0
    if "start" in query:
        position = _position(query["start"][0], now)
        if position is None:
            return refusal(_BAD_START)
    found: list[str] = []
    looked, limit = 0, int(limit_text)
    # Of a large population with few friends a page is short rather than late; LINE's may be short too.
    while position is not None and len(found) < limit and looked < MOST_LOOKED_AT:
        accounts, position = state.world.people.page(position, limit - len(found))
        looked += len(accounts) or MOST_LOOKED_AT
        for account in accounts:
            if account.tie(channel.channel_id).friend and account.profile_consent:
                found.append(numbers.user_id(account.number, channel.provider))
    if position is None:
        return success({"userIds": found})
    return success({"userIds": found, "next": _continuation(position, now)})


def _continuation(position: int, now: int) -> str:
    return base64.urlsafe_b64encode(f"{position}:{now}".encode()).decode()


def _position(token: str, now: int) -> int | None:
    try:
        position, _, made = base64.urlsafe_b64decode(token).decode().partition(":")
        return int(position) if 0 <= now - int(made) < DAY and int(position) >= 0 else None
    except ValueError:
        return None
