"""Users by their ID: profile, followers, ordinary push.

Source: Messaging API reference, "Users" and "Send push message".
"""

from __future__ import annotations

import base64
import re
from urllib.parse import parse_qs

from line_emulator.bot_api.http import Answer, Request, refusal, success
from line_emulator.state import State
from line_emulator.world import commands, numbers, problems
from line_emulator.world.people import DAY
from line_emulator.world.problems import Problem
from line_emulator.world.push import AlreadyAccepted

PAGE, LONGEST_PAGE = 300, 1000
_UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
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
    return success({"displayName": account.name, "userId": user_id, "language": account.language})


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
    start = 0
    if "start" in query:
        known = _position(query["start"][0], now)
        if known is None:
            return refusal(_BAD_START)
        start = known
    found: list[str] = []
    for position, account in state.world.people.everybody(start):
        if len(found) == int(limit_text):
            return success({"userIds": found, "next": _continuation(position, now)})
        if account.tie(channel.channel_id).friend and account.privacy_policy:
            found.append(numbers.user_id(account.number, channel.provider))
    return success({"userIds": found})


def _continuation(position: int, now: int) -> str:
    return base64.urlsafe_b64encode(f"{position}:{now}".encode()).decode()


def _position(token: str, now: int) -> int | None:
    try:
        position, _, made = base64.urlsafe_b64decode(token).decode().partition(":")
        return int(position) if 0 <= now - int(made) < DAY and int(position) >= 0 else None
    except ValueError:
        return None


def push(state: State, request: Request) -> Answer:
    """`POST /v2/bot/message/push`: 200 with the ids, 409 for a retry key that was accepted before."""
    channel = request.sender()
    retry_key = request.retry_key
    if retry_key is not None and not _UUID.fullmatch(retry_key):
        return refusal(problems.invalid_header("X-Line-Retry-Key"))
    effects = state.do(
        commands.SendPush(
            channel=channel,
            body=request.json,
            raw=request.body,
            request_no=request.number,
            first_message_id=state.ids.message_id(5),
            retry_key=retry_key.lower() if retry_key else None,
        )
    )
    problem = effects.problem
    if isinstance(problem, AlreadyAccepted):
        answer = success({"message": problem.message, "sentMessages": problem.sent})
        answer.status = problem.status
        accepted = state.ids.request_id(problem.request_no).encode()
        answer.headers = [(b"x-line-accepted-request-id", accepted)]
        return answer
    return refusal(problem) if problem is not None else success({"sentMessages": effects.value})
