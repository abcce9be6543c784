"""The web half of Todoke as one ASGI application."""

from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from todoke import __version__
from todoke.server import problems
from todoke.server.api import (
    alarms,
    batch_files,
    batch_scores,
    batches,
    bind_links,
    channels,
    checks,
    content,
    content_rules,
    forecast,
    friends,
    hub_targets,
    key_lists,
    list_uploads,
    messages,
    notices,
    overrulings,
    personal_data,
    previews,
    recipients,
    reconciliation,
    reports,
    silence,
    sources,
    suppression_lists,
    suppressions,
    template_reviews,
    upload_parts,
    use_cases,
    webhook_endpoints,
    webhook_postings,
)
from todoke.server.connections import Door, Entry, Headers
from todoke.server.inbound import routes as inbound
from todoke.server.inbound.quick import QuickWebhooks
from todoke.server.limits import BodyLimit
from todoke.server.openapi import DocumentedApp, problem_response
from todoke.server.problems import Problem, respond
from todoke.server.quick import PATH, QuickNotices
from todoke.server.services import Parts, Services
from todoke.server.web import bind
from todoke.server.web import routes as web

DESCRIPTION = """\
Sends the notices that a business owes its customers over LINE Official Notification, follows each to a known end,
and carries by LINE push, SMS or the business's own system what LINE can't deliver in time.

Times are RFC 3339 in UTC; durations are written `90s`, `30m`, `24h`, `7d`. Errors are `application/problem+json`;
branch on `type` and `status`, not on texts. Numbers are masked in every answer and never stand in an address.
"""

operations = APIRouter(tags=["Operations"])


def make_app(services: Services) -> FastAPI:
    """The application. The engine is started and stopped by whoever serves it."""
    app = DocumentedApp(
        title="Todoke",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
    )
    app.state.services = services
    app.add_middleware(BodyLimit)
    app.add_middleware(problems.Failures)
    problems.install(app)
    for router in (notices.router, batches.router, channels.router, content.router, reports.router):
        app.take(router)
    app.take(list_uploads.router)
    app.take(upload_parts.router)
    app.take(batch_files.router)
    app.take(batch_scores.router)
    app.take(forecast.router)
    app.take(checks.router)
    app.take(content_rules.router)
    app.take(overrulings.router)
    app.take(key_lists.router)
    app.take(previews.router)
    app.take(use_cases.router)
    app.take(template_reviews.router)
    app.take(messages.router)
    app.take(friends.router)
    app.take(recipients.router)
    app.take(suppression_lists.router)
    app.take(suppressions.router)
    app.take(sources.router)
    app.take(personal_data.router)
    app.take(reconciliation.router)
    app.take(silence.router)
    app.take(alarms.router)
    app.take(webhook_endpoints.router)
    app.take(hub_targets.router)
    app.take(webhook_postings.router)
    app.take(inbound.router)
    app.take(bind_links.router)
    app.take(bind.router)
    app.take(web.router)
    app.mount("/static", StaticFiles(directory=web.STATIC), name="static")
    app.take(operations)
    app.front = problems.Failures(inbound.ShortCut(app.past_front, services))
    app.door = door_of(services)
    return app


def door_of(services: Services) -> Door:
    """The short way in, for single notices and LINE's webhooks."""
    for_notices, for_webhooks = QuickNotices(services), QuickWebhooks(services)

    def door(url: bytes, headers: Headers) -> Entry | None:
        return for_notices(headers) if url == PATH else for_webhooks(url, headers)

    return door


@operations.get(
    "/healthz",
    summary="Whether this process lives",
    description="Asks nothing else: it says ok for as long as requests are answered at all.",
)
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@operations.get(
    "/readyz",
    summary="Whether it can work",
    description="503 says why not: it is starting or stopping, or the clock it follows is gone.",
    responses={503: problem_response("It can't work just now; `detail` says why.")},
)
async def readyz(parts: Parts) -> Response:
    if (why := parts.is_ready()) is not None:
        return respond(Problem(503, "not-ready", why))
    return JSONResponse({"status": "ready"})


@operations.get(
    "/metrics",
    summary="Counts for Prometheus",
    description="Nothing of a recipient stands in them.",
    response_class=PlainTextResponse,
)
async def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
