"""Ordinary messages: push, multicast, reply, their validation, and the loading animation.

Source: Messaging API reference, "Message".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from line_emulator.bot_api.http import Answer, Request, refusal, success
from line_emulator.state import State
from line_emulator.world import commands, messages, numbers, ordinary, problems
from line_emulator.world.ordinary import AlreadyAccepted
from line_emulator.world.problems import Problem

_UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_RETRY_KEY = "X-Line-Retry-Key"
_NO_RETRY = problems.header_not_supported(_RETRY_KEY)
_BAD_RETRY = problems.invalid_header(_RETRY_KEY)
_ONLY_USERS = "Only user id is acceptable, please confirm if there are any group/room ids or illegal ids."
_DEFAULT_SECONDS = 20


def push(state: State, request: Request) -> Answer:
    """`POST /v2/bot/message/push`: 200 with the ids, 409 for a retry key that was accepted before."""
    retry_key = _retry_key(request)
    if isinstance(retry_key, Problem):
        return refusal(retry_key)
    effects = state.do(
        commands.SendPush(
            channel=request.sender(),
            body=request.json,
            raw=request.body,
            request_no=request.number,
            first_message_id=state.ids.message_id(messages.MOST_MESSAGES),
            retry_key=retry_key,
        )
    )
    if effects.problem is not None:
        return _refused(state, effects.problem)
    return success({"sentMessages": effects.value})


def multicast(state: State, request: Request) -> Answer:
    """`POST /v2/bot/message/multicast`: 200 `{}`, 409 as with push."""
    retry_key = _retry_key(request)
    if isinstance(retry_key, Problem):
        return refusal(retry_key)
    effects = state.do(
        commands.SendMulticast(
            channel=request.sender(),
            body=request.json,
            raw=request.body,
            request_no=request.number,
            retry_key=retry_key,
        )
    )
    return Answer(200) if effects.problem is None else _refused(state, effects.problem)


def reply(state: State, request: Request) -> Answer:
    """`POST /v2/bot/message/reply`: 200 with the ids."""
    if request.retry_key is not None:
        return refusal(_NO_RETRY)
    effects = state.do(
        commands.SendReply(
            channel=request.sender(),
            body=request.json,
            raw=request.body,
            request_no=request.number,
            first_message_id=state.ids.message_id(messages.MOST_MESSAGES),
        )
    )
    if effects.problem is not None:
        return refusal(effects.problem)
    return success({"sentMessages": effects.value})


def _retry_key(request: Request) -> str | Problem | None:
    key = request.retry_key
    if key is None:
        return None
    return key.lower() if _UUID.fullmatch(key) else _BAD_RETRY


def _refused(state: State, problem: Problem) -> Answer:
    if not isinstance(problem, AlreadyAccepted):
        return refusal(problem)
    body: dict[str, Any] = {"message": problem.message}
    if problem.sent is not None:
        body["sentMessages"] = problem.sent
    answer = success(body)
    answer.status = problem.status
    accepted = state.ids.request_id(problem.request_no).encode()
    answer.headers = [(b"x-line-accepted-request-id", accepted)]
    return answer


def validator(allowed: messages.Allowed) -> Callable[[State, Request], Answer]:
    """`POST /v2/bot/message/validate/…`: 200 `{}`, or what the send would say of `messages`."""

    def validate(state: State, request: Request) -> Answer:
        problem = ordinary.messages_problem(request.json, allowed)
        return Answer(200) if problem is None else refusal(problem)

    return validate


def start_loading(state: State, request: Request) -> Answer:
    """`POST /v2/bot/chat/loading/start`: 202 `{}` whoever sees it. Here nobody does: chats show no animation."""
    chat, seconds = request.json.get("chatId"), request.json.get("loadingSeconds")
    if chat is not None and type(chat) is not str:
        return refusal(problems.invalid_property("chatId"))
    if seconds is None:
        seconds = _DEFAULT_SECONDS
    if type(seconds) is not int:
        return refusal(problems.invalid_property("loadingSeconds"))
    faults = []
    if not chat:
        faults.append(("May not be empty", "chatId"))
    elif not numbers.is_user_id(chat):
        faults.append((_ONLY_USERS, "chatId"))
    if not 5 <= seconds <= 60:
        faults.append(("Must be between 5 and 60", "loadingSeconds"))
    if seconds % 5:
        faults.append(("must be a multiple of five", "loadingSeconds"))
    return refusal(problems.body_errors(faults)) if faults else Answer(202)
