"""The channel's own matters: its webhook URL, a test of it, and who the account is.

Source: Messaging API reference, "Webhook settings" and "Get bot info".
"""

from __future__ import annotations

import ipaddress
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import msgspec

from line_emulator import times
from line_emulator.bot_api.http import Answer, Request, refusal, success
from line_emulator.posting.wire import signature
from line_emulator.state import State
from line_emulator.weblog import Post
from line_emulator.world import commands, problems
from line_emulator.world.problems import Problem

LONGEST_URL = 500
_BAD_URL = Problem(400, "Invalid webhook endpoint URL")
_NO_URL = Problem(404, "Webhook endpoint not found")


def valid_endpoint(url: str) -> bool:
    """https and at most 500 characters; http only on loopback, which is this emulator's deliberate
    deviation.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if len(url) > LONGEST_URL or not host or any(letter <= " " for letter in url):
        return False
    if parts.scheme == "https":
        return True
    if host == "localhost":
        return parts.scheme == "http"
    try:
        return parts.scheme == "http" and ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def put_endpoint(state: State, request: Request) -> Answer:
    """`PUT /v2/bot/channel/webhook/endpoint`: 200 `{}`."""
    endpoint = request.json.get("endpoint")
    if endpoint is None or endpoint == "":
        return refusal(problems.body_errors([("May not be empty", "endpoint")]))
    if type(endpoint) is not str:
        return refusal(problems.invalid_property("endpoint"))
    if not valid_endpoint(endpoint):
        return refusal(_BAD_URL)
    state.do(commands.SetWebhook(request.sender(), endpoint))
    return Answer(200)


def get_endpoint(state: State, request: Request) -> Answer:
    """`GET /v2/bot/channel/webhook/endpoint`."""
    channel = request.sender()
    if channel.webhook_url is None:
        return refusal(_NO_URL)
    return success({"endpoint": channel.webhook_url, "active": channel.webhook_active})


async def try_endpoint(state: State, request: Request) -> Answer:
    """`POST /v2/bot/channel/webhook/test`: posts an empty list of events and says how that went."""
    channel = request.sender()
    given: Any = (request.json or {}).get("endpoint")
    if given is not None and type(given) is not str:
        return refusal(problems.invalid_property("endpoint"))
    url = given if given is not None else channel.webhook_url
    if url is None:
        return refusal(_NO_URL)
    if not valid_endpoint(url):
        return refusal(_BAD_URL)
    body = msgspec.json.encode({"destination": channel.bot_user_id, "events": []})
    post = Post(
        channel_id=channel.channel_id,
        at=state.clock.now(),
        url=url,
        body=body,
        signature=signature(channel, body),
        redelivery=False,
        events=0,
    )
    await state.webhooks.poster.deliver(post)
    state.webhooks.log.add(post)
    return success(
        {
            "success": post.reason is None,
            "timestamp": times.render(post.at),
            "statusCode": post.status if post.status is not None else 0,
            "reason": (post.reason or "ok").upper(),
            "detail": post.detail or _phrase(post.status),
        }
    )


def _phrase(status: int | None) -> str:
    try:
        return str(status) if status is None else f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def info(state: State, request: Request) -> Answer:
    """`GET /v2/bot/info`."""
    channel = request.sender()
    return success(
        {
            "userId": channel.bot_user_id,
            "basicId": channel.basic_id,
            "displayName": channel.name,
            "chatMode": "bot",
            "markAsReadMode": "auto",
        }
    )
