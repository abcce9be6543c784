"""LINE's webhook and the carriers' receipts. Nothing is answered 200 before it is durably stored."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from todoke.carriers import BadEvent, BadSignature
from todoke.carriers.passing import TARGET
from todoke.carriers.replies import place_of
from todoke.clock import monotonic
from todoke.engine.metrics import EVENTS, EVENTS_REFUSED, REPLIES
from todoke.server.limits import BodyLimit
from todoke.server.openapi import problem_response
from todoke.server.problems import Problem, respond
from todoke.server.services import SECRET_SECONDS, ChannelSecret, Parts, Services
from todoke.storage import channels
from todoke.storage.inbox import Posted

log = structlog.get_logger()
router = APIRouter(tags=["From outside"])

_INBOUND = re.compile(r"/line/(?P<line>[^/]+)/webhook|/sms/(?P<sms>[^/]+)/receipts")
_LINE_EVENTS = EVENTS.labels("line")


@router.post(
    "/line/{line_channel_id}/webhook",
    summary="LINE's webhook",
    description="The webhook URL to enter for a channel at LINE. The body must be signed with its channel secret.",
    responses={
        401: problem_response("The signature is missing or not made with this channel's secret."),
        404: problem_response("No channel with this LINE channel id is registered."),
        413: problem_response("The body is larger than 2 MB."),
        508: problem_response("A target of the hub of this gateway has this address."),
    },
)
async def line_webhook(line_channel_id: str, request: Request, parts: Parts) -> Response:
    return await _take_webhook(line_channel_id, request, parts)


class ShortCut:
    """Hands what carriers post to its handler past all of FastAPI, which costs several times what they do.

    The routes stay: they answer other methods, and document these.
    """

    def __init__(self, app: ASGIApp, parts: Services) -> None:
        self._app = app
        self._parts = parts
        self._limited = BodyLimit(self._take)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match = _INBOUND.fullmatch(scope["path"])
        # Some SMS carriers post with GET; LINE never does.
        if match is None or scope["method"] not in (("POST", "GET") if match["sms"] else ("POST",)):
            await self._app(scope, receive, send)
        else:
            await self._limited(scope, receive, send)

    async def _take(self, scope: Scope, receive: Receive, send: Send) -> None:
        match = _INBOUND.fullmatch(scope["path"])
        assert match is not None
        request = Request(scope, receive)
        try:
            if (line_channel_id := match["line"]) is not None:
                response = await _take_webhook(line_channel_id, request, self._parts)
            else:
                response = await _take_receipt(match["sms"], request, self._parts)
        except Problem as problem:
            response = respond(problem)
        except ClientDisconnect:
            return
        await response(scope, receive, send)


async def _take_webhook(line_channel_id: str, request: Request, parts: Services) -> Response:
    body = await request.body()
    channel_id = await _checked_channel(parts, line_channel_id, request, body)
    if parts.hub.is_ours(request.headers.get(TARGET, "")):
        raise Problem(
            508,
            "loop",
            "This gateway passed this on itself, and got it back. Give the target another system's URL.",
        )
    # Kept with the body: whom it is passed on to checks it as we have.
    headers = msgspec.json.encode(parts.line_reader.kept(request.headers)).decode()
    posted = Posted(
        carrier="line", channel_id=channel_id, headers=headers, body=body, received_at=parts.clock.now()
    )
    await parts.inbox.put(posted)
    _LINE_EVENTS.inc()
    return Response(b"{}", media_type="application/json")


async def _checked_channel(parts: Services, line_channel_id: str, request: Request, body: bytes) -> str:
    """Our id of the channel whose secret signed the body. Raises a problem otherwise."""
    known = parts.channel_secrets.get(line_channel_id)
    now = monotonic()
    if known is not None and now - known.read_at > SECRET_SECONDS:
        # One looks again; whoever comes meanwhile goes by what is known.
        parts.channel_secrets[line_channel_id] = known._replace(read_at=now)
        known = None
    if known is not None:
        try:
            parts.line_reader.check(request.headers, body, known.secret)
        except BadSignature:
            pass  # The secret may have been changed since it was read.
        else:
            return known.channel_id
    async with parts.database.read() as tx:
        channel = await channels.channel_of_line_id(tx, line_channel_id[:20])
    if channel is None:
        raise Problem(
            404,
            "unknown-channel",
            "No channel with this LINE channel id is registered here. POST /v1/channels registers it.",
        )
    secret = parts.seal.open(channel.secret)
    try:
        parts.line_reader.check(request.headers, body, secret)
    except BadSignature as error:
        if parts.channel_secrets.get(line_channel_id, (None, secret))[1] != secret:
            del parts.channel_secrets[line_channel_id]
        EVENTS_REFUSED.labels("line").inc()
        parts.refused[channel.id] += 1
        log.warning("webhook.bad_signature", channel=channel.id, why=str(error))
        raise Problem(401, "bad-signature", str(error)) from None
    parts.channel_secrets[line_channel_id] = ChannelSecret(channel.id, secret, now)
    return channel.id


@router.post(
    "/sms/{carrier}/receipts",
    summary="An SMS carrier's receipts",
    description="Where the SMS carrier of this name reports what became of a message.",
    responses={
        400: problem_response("The receipt can't be read."),
        401: problem_response("The carrier's token or signature is missing or wrong."),
        404: problem_response("No SMS carrier of this name is set up."),
        413: problem_response("The body is larger than 1 MB."),
    },
)
async def sms_receipts(carrier: str, request: Request, parts: Parts) -> Response:
    return await _take_receipt(carrier, request, parts)


@router.get("/sms/{carrier}/receipts", include_in_schema=False)
async def sms_receipts_by_get(carrier: str, request: Request, parts: Parts) -> Response:
    return await _take_receipt(carrier, request, parts)


@contextmanager
def _refusing(carrier: str, what: str) -> Iterator[None]:
    """Turns what is wrong with a receipt or a reply into a problem, counted and logged."""
    try:
        yield
    except BadSignature as error:
        EVENTS_REFUSED.labels(carrier).inc()
        log.warning(f"{what}.refused", carrier=carrier, why=str(error))
        raise Problem(401, "bad-signature", str(error)) from None
    except BadEvent as error:
        EVENTS_REFUSED.labels(carrier).inc()
        log.warning(f"{what}.unreadable", carrier=carrier, why=str(error))
        raise Problem(400, f"bad-{what}", str(error)) from None


async def _take_receipt(carrier: str, request: Request, parts: Services) -> Response:
    reader = parts.receipt_readers.get(carrier)
    if reader is None:
        raise Problem(
            404, "unknown-carrier", "No SMS carrier of this name is set up here. See docs/sms-carriers.md."
        )
    query = request.url.query
    body = query.encode() if reader.in_query else await request.body()
    headers = {k: v for k, v in request.headers.items() if k == "content-type"}
    now = parts.clock.now()
    with _refusing(carrier, "receipt"):
        reader.check(request.headers, body, parts.receipt_secret, query)
        reader.read_events(headers, body, now)
    await parts.inbox.put(
        Posted(carrier=carrier, channel_id=None, headers=json.dumps(headers), body=body, received_at=now)
    )
    EVENTS.labels(carrier).inc()
    return JSONResponse({})


@router.post(
    "/sms/{carrier}/replies",
    summary="What people send back to an SMS",
    description="Where the SMS carrier of this name posts the SMS that recipients send back. Opt-out words, and the "
    "words that take them back, are stored; of everything else only the number of them is kept.",
    responses={
        400: problem_response("The reply can't be read."),
        401: problem_response("The carrier's token or signature is missing or wrong."),
        404: problem_response("No SMS carrier of this name is set up, or its declaration has no replies."),
        413: problem_response("The body is larger than 1 MB."),
    },
)
async def sms_replies(carrier: str, request: Request, parts: Parts) -> Response:
    return await _take_reply(carrier, request, parts)


@router.get("/sms/{carrier}/replies", include_in_schema=False)
async def sms_replies_by_get(carrier: str, request: Request, parts: Parts) -> Response:
    return await _take_reply(carrier, request, parts)


async def _take_reply(carrier: str, request: Request, parts: Services) -> Response:
    reader = parts.reply_readers.get(carrier)
    if reader is None:
        raise Problem(
            404,
            "unknown-carrier",
            "No SMS carrier of this name is set up here, or its declaration has no replies. See docs/sms-carriers.md.",
        )
    query = request.url.query
    body = query.encode() if reader.in_query else await request.body()
    now = parts.clock.now()
    with _refusing(carrier, "reply"):
        reader.check(request.headers, body, parts.receipt_secret, query)
        heard = reader.heard(body, now)
    if heard.words:
        posted = Posted(
            carrier=place_of(carrier),
            channel_id=None,
            headers="{}",
            body=reader.stored(heard),
            received_at=now,
        )
        await parts.inbox.put(posted)
    if heard.strangers:
        log.warning(
            "reply.number_unknown",
            carrier=carrier,
            count=heard.strangers,
            remedy="numbers without a country code need replies.country in the declaration",
        )
    for said, count in (("word", len(heard.words)), ("other", heard.others), ("unknown", heard.strangers)):
        REPLIES.labels(said).inc(count)
    EVENTS.labels(carrier).inc()
    return JSONResponse({})
