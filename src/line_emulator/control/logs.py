"""The logs, in pages and filtered: webhooks posted, requests answered, rows of the ledger from the newest on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from line_emulator import times
from line_emulator.control import reasons
from line_emulator.control.http import (
    Refused,
    answer,
    cursor,
    known_parameters,
    number_of,
    state_of,
    whole,
)
from line_emulator.control.paths import LinePaths
from line_emulator.state import State
from line_emulator.weblog import Answered, Post
from line_emulator.world.ledger import FATES, Row
from line_emulator.world.problems import UNREACHABLE

REASONS = ("could_not_connect", "request_timeout", "error_status_code", "unclassified")
OK, FAILED = "ok", "failed"
LOG_PARAMETERS = ("channel_id", "status", "fate", "q", "cursor", "limit", "order")
LONGEST_TEXT = 200
SCAN = 50_000
"""So many rows are looked at for one page; where none of them fits, the page is short and the next goes on."""

T = TypeVar("T")


class Wanted(msgspec.Struct, frozen=True):
    """Which entries of a log: empty means any. `before`: only those with a lower number or position."""

    channel_id: str = ""
    status: str = ""
    fate: str = ""
    text: str = ""
    limit: int = 50
    before: int | None = None


def wanted(request: Request, limit: int, most: int) -> Wanted:
    """The filters of the query: `channel_id`, `status`, `fate`, `q`, `limit`, `cursor`. Raises Refused (400)."""
    query = request.query_params
    text, status, fate = (query.get(name, "").strip() for name in ("q", "status", "fate"))
    if len(text) > LONGEST_TEXT:
        raise Refused(400, f"q has {len(text)} characters; {LONGEST_TEXT} are the most")
    if status and status not in (OK, FAILED, *REASONS, "0") and not (status.isascii() and status.isdigit()):
        allowed = ", ".join((OK, FAILED, *REASONS))
        raise Refused(400, f"status is {status[:50]!r}; it must be an HTTP status or one of {allowed}")
    if fate and fate not in FATES:
        raise Refused(400, f"fate is {fate[:50]!r}; it must be one of {', '.join(FATES)}")
    return Wanted(
        channel_id=query.get("channel_id", "").strip(),
        status=status,
        fate=fate,
        text=text,
        limit=whole(request, "limit", limit, 1, most),
        before=cursor(request) if query.get("cursor") else None,
    )


def _take(
    source: Iterable[T], fits: Callable[[T], bool], number: Callable[[T], int], limit: int
) -> tuple[list[T], int | None]:
    """Up to `limit` fitting entries and the number below which to go on; None at the end."""
    found: list[T] = []
    for looked_at, entry in enumerate(source):
        if looked_at == SCAN:
            return found, number(entry) + 1
        if fits(entry):
            if len(found) == limit:
                return found, number(found[-1])
            found.append(entry)
    return found, None


def newest_posts(state: State, asked: Wanted) -> tuple[list[Post], int | None]:
    """Webhooks from the newest on. The text is looked for in the body: event ids, delivery tags, user IDs."""
    text = asked.text.encode()

    def fits(post: Post) -> bool:
        if asked.channel_id and post.channel_id != asked.channel_id:
            return False
        if asked.status and not _post_has(post, asked.status):
            return False
        return text in post.body

    return _take(state.webhooks.log.before(asked.before), fits, lambda post: post.number, asked.limit)


def _post_has(post: Post, status: str) -> bool:
    if status in (OK, FAILED):
        return (post.reason is None) == (status == OK)
    return post.reason == status or str(post.status) == status


def newest_requests(state: State, asked: Wanted) -> tuple[list[Answered], int | None]:
    """Requests from the newest on. The text is looked for in the request id, the delivery tag and the path."""

    def fits(entry: Answered) -> bool:
        if asked.before is not None and entry.number >= asked.before:
            return False
        if asked.channel_id and entry.channel_id != asked.channel_id:
            return False
        if asked.status in (OK, FAILED):
            if (200 <= entry.status < 300) != (asked.status == OK):
                return False
        elif asked.status and str(entry.status) != asked.status:
            return False
        text = asked.text
        return not text or text in (entry.tag or "") or text in entry.path or text in _id(state, entry.number)

    return _take(reversed(state.requests), fits, lambda entry: entry.number, asked.limit)


def newest_rows(state: State, asked: Wanted) -> tuple[list[Row], int | None]:
    """Rows of the ledger from the newest on. The text is looked for in the request id and the delivery tag."""
    rows = state.world.ledger.rows
    start = len(rows) if asked.before is None else min(asked.before, len(rows))
    positions, following = _take(
        reversed(range(start)),
        lambda position: _row_fits(state, asked, rows[position]),
        lambda position: position,
        asked.limit,
    )
    return [rows[position] for position in positions], following


def oldest_rows(state: State, asked: Wanted) -> tuple[list[Row], int | None]:
    """The same from the oldest on; `before` is then the position at which to begin."""
    rows = state.world.ledger.rows
    found: list[Row] = []
    start = asked.before or 0
    for position in range(start, len(rows)):
        if position - start == SCAN:
            return found, position
        if _row_fits(state, asked, rows[position]):
            if len(found) == asked.limit:
                return found, position
            found.append(rows[position])
    return found, None


def _row_fits(state: State, asked: Wanted, row: Row) -> bool:
    if asked.channel_id and row.channel_id != asked.channel_id:
        return False
    if (asked.fate and row.fate != asked.fate) or (asked.status and not _row_has(row, asked.status)):
        return False
    return not asked.text or asked.text in (row.tag or "") or asked.text in _id(state, row.request_no)


def _row_has(row: Row, status: str) -> bool:
    if status in (OK, FAILED):
        return (200 <= row.status < 300) == (status == OK)
    return str(row.status) == status


def _id(state: State, number: int) -> str:
    return state.ids.request_id(number)


async def webhooks(request: Request) -> Response:
    """`GET /webhooks?channel_id=&status=&q=&cursor=&limit=&order=`: what was posted, oldest first, or
    with `order=newest`; the log keeps the newest 20,000.
    """
    state = state_of(request)
    known_parameters(request, *_without_fate())
    asked = wanted(request, 10**9, 10**9)
    if order_of(request) == "newest":
        posts, following = newest_posts(state, asked)
    else:
        posts, following = _oldest_posts(state, asked)
    found: dict[str, Any] = {"rows": [post_view(post) for post in posts], "posted": state.webhooks.log.posted}
    if following is not None:
        found["next"] = str(following)
    return answer(found)


def _without_fate() -> list[str]:
    return [name for name in LOG_PARAMETERS if name != "fate"]


def order_of(request: Request) -> str:
    """In which order: `oldest` first or `newest`. Raises Refused (400)."""
    order = request.query_params.get("order", "oldest")
    if order not in ("oldest", "newest"):
        raise Refused(400, f"order is {order[:50]!r}; it must be oldest or newest")
    return order


def _oldest_posts(state: State, asked: Wanted) -> tuple[list[Post], int | None]:
    found: list[Post] = []
    text = asked.text.encode()
    for post in state.webhooks.log.after(asked.before or 0, asked.channel_id or None):
        if text in post.body and (not asked.status or _post_has(post, asked.status)):
            if len(found) == asked.limit:
                return found, found[-1].number
            found.append(post)
    return found, None


def post_view(post: Post) -> dict[str, Any]:
    """One attempt as JSON."""
    return {
        "id": post.number,
        "channel_id": post.channel_id,
        "at": times.render(post.at),
        "url": post.url,
        "body": post.body.decode("utf-8", "replace"),
        "signature": post.signature,
        "status": post.status,
        "reason": post.reason,
        "detail": post.detail,
        "redelivery": post.redelivery,
        "events": post.events,
        "attempt": post.attempt,
        "first": post.first,
        "by_hand": post.by_hand,
        "duration_ms": post.duration_ms,
    }


async def redeliver(request: Request) -> Response:
    """`POST /webhooks/{number}/redeliver`: posts the same events again, now, and says how that went."""
    state = state_of(request)
    number = number_of(request, "number")
    post = state.webhooks.log.find(number)
    if post is None:
        raise Refused(404, f"There is no webhook {number} in the log (any more); GET /webhooks lists them")
    channel = state.world.channels.get(post.channel_id)
    if channel is None or channel.webhook_url is None:
        text = f"The channel {post.channel_id} has no webhook URL; PATCH /channels/{post.channel_id} sets one"
        raise Refused(409, text)
    again = await state.webhooks.redeliver(post, channel)
    state.tell_watchers()
    return answer(post_view(again))


async def requests(request: Request) -> Response:
    """`GET /requests?channel_id=&status=&q=&cursor=&limit=&order=`: the newest 5,000 requests to LINE's paths,
    with the beginning of their bodies and answers; oldest first, or with `order=newest`. `reason`: why LINE
    answered 422; `hint`: what was probably meant by a path or method that LINE does not have.
    """
    state = state_of(request)
    known_parameters(request, *_without_fate())
    order = order_of(request)
    entries, following = newest_requests(state, wanted(request, 10**6, 10**6))
    if order == "oldest":
        entries = entries[::-1]
    rejected = {entry.number for entry in entries if entry.status == UNREACHABLE.status}
    why = reasons.of_requests(state, rejected)
    paths: LinePaths = request.app.state.line_paths
    rows = [
        request_view(state, entry) | {"reason": why.get(entry.number), "hint": paths.hint(entry)}
        for entry in entries
    ]
    found: dict[str, Any] = {"rows": rows}
    if following is not None:
        found["next"] = str(following)
    return answer(found)


def request_view(state: State, entry: Answered) -> dict[str, Any]:
    """One request as JSON."""
    return {
        "request_id": _id(state, entry.number),
        "at": times.render(entry.at),
        "method": entry.method,
        "path": entry.path,
        "channel_id": entry.channel_id,
        "status": entry.status or None,
        "delivery_tag": entry.tag,
        "duration_ms": round(entry.duration_ms, 2),
        "body": entry.body.decode("utf-8", "replace"),
        "body_size": entry.body_size,
        "answer": entry.answer.decode("utf-8", "replace"),
        "answer_size": entry.answer_size,
        "fault": entry.fault,
    }
