"""The web half of Todoke as one ASGI application."""

from fastapi import FastAPI
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from todoke import __version__
from todoke.server import problems
from todoke.server.api import (
    alarms,
    batches,
    bind_links,
    channels,
    content,
    friends,
    hub_targets,
    messages,
    notices,
    personal_data,
    recipients,
    reconciliation,
    reports,
    silence,
    sources,
    suppression_lists,
    suppressions,
    webhook_endpoints,
    webhook_postings,
)
from todoke.server.inbound import routes as inbound
from todoke.server.limits import BodyLimit
from todoke.server.openapi import DocumentedApp, problem_response
from todoke.server.problems import Problem, respond
from todoke.server.services import Services
from todoke.server.web import bind
from todoke.server.web import routes as web

DESCRIPTION = """\
Sends the notices that a business owes its customers over LINE Official Notification, follows each to a known end,
and carries by LINE push, SMS or the business's own system what LINE can't deliver in time.

Times are RFC 3339 in UTC; durations are written `90s`, `30m`, `24h`, `7d`. Errors are `application/problem+json`;
branch on `type` and `status`, not on texts. Numbers are masked in every answer and never stand in an address.
"""


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
    app.add_middleware(inbound.ShortCut, parts=services)
    app.add_middleware(BodyLimit)
    app.add_middleware(problems.Failures)
    problems.install(app)
    for router in (notices.router, batches.router, channels.router, content.router, reports.router):
        app.include_router(router)
    app.include_router(messages.router)
    app.include_router(friends.router)
    app.include_router(recipients.router)
    app.include_router(suppression_lists.router)
    app.include_router(suppressions.router)
    app.include_router(sources.router)
    app.include_router(personal_data.router)
    app.include_router(reconciliation.router)
    app.include_router(silence.router)
    app.include_router(alarms.router)
    app.include_router(webhook_endpoints.router)
    app.include_router(hub_targets.router)
    app.include_router(webhook_postings.router)
    app.include_router(inbound.router)
    app.include_router(bind_links.router)
    app.include_router(bind.router)
    app.include_router(web.router)
    app.mount("/static", StaticFiles(directory=web.STATIC), name="static")
    _operations(app, services)
    return app


def _operations(app: FastAPI, services: Services) -> None:
    @app.get(
        "/healthz",
        tags=["Operations"],
        summary="Whether this process lives",
        description="Asks nothing else: it says ok for as long as requests are answered at all.",
    )
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get(
        "/readyz",
        tags=["Operations"],
        summary="Whether it can work",
        description="503 says why not: it is starting or stopping, or the clock it follows is gone.",
        responses={503: problem_response("It can't work just now; `detail` says why.")},
    )
    async def readyz() -> Response:
        if (why := services.is_ready()) is not None:
            return respond(Problem(503, "not-ready", why))
        return JSONResponse({"status": "ready"})

    @app.get(
        "/metrics",
        tags=["Operations"],
        summary="Counts for Prometheus",
        description="Nothing of a recipient stands in them.",
        response_class=PlainTextResponse,
    )
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
