"""/v1/templates/{template}/preview: how a template looks on phones, as a page of one file and as a picture."""

from collections.abc import Collection
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import Field

from todoke.browser import NoBrowser
from todoke.core.languages import tag_of
from todoke.core.routing import Step
from todoke.previews import Preview, Sender, page_of, preview
from todoke.previews.document import STEPS, VIEWERS, languages_of
from todoke.previews.page import SANDBOX, policy
from todoke.previews.picture import USUAL_WIDTH, WIDTHS, Busy
from todoke.previews.shapes import Viewer
from todoke.server.api.models import problems
from todoke.server.api.models.base import Strict
from todoke.server.auth import Account
from todoke.server.openapi import problem_response
from todoke.server.problems import Problem
from todoke.server.services import Parts, Services
from todoke.storage import channels, content, key_lists

router = APIRouter(prefix="/v1", tags=["Templates and policies"])

Language = Annotated[
    str | None,
    Query(description="One of the template's languages. All of them where left out.", max_length=40),
]
ShownStep = Annotated[
    Literal["line_notification", "line_push", "sms"] | None,
    Query(description="Only what this step sends. All steps where left out."),
]
ShownViewer = Annotated[
    Viewer | None, Query(description="Whether the recipient is a friend of the account. Both where left out.")
]
Captions = Annotated[
    Literal["en", "zh-Hant", "ja", "th"], Query(description="The language of what stands around the phones.")
]
Width = Annotated[
    int,
    Query(
        description="Of the page in CSS pixels; the picture is twice as wide.", ge=WIDTHS[0], le=WIDTHS[-1]
    ),
]

_ABOUT = (
    "For each language: the notification to a friend and to somebody who is none, with LINE's own message; the push; "
    "the SMS with its length and price. "
)
_PAGE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A page of one file, which asks nobody for anything.",
        "content": {"text/html": {"schema": {"type": "string"}}},
    }
}
_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The page as a picture.",
        "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
    },
    501: problem_response("There is no browser to make pictures with; `detail` names the remedy."),
    503: problem_response("Other pictures are being made, or this one took too long."),
}
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # What fills a template may be of a real recipient.
    "Cache-Control": "no-store",
}


class PreviewIn(Strict):
    """What fills the template instead of its examples."""

    parameters: Annotated[
        dict[str, Any], Field(description="As a notice has them.", examples=[{"name": "王小明"}])
    ]


@router.get(
    "/templates/{template}/preview",
    summary="See how a template looks",
    description=_ABOUT
    + "Filled with the examples of its parameters. `template`: a name (its newest version) or id.",
    responses={**_PAGE, **problems(401, 404, 422)},
    response_class=Response,
)
async def see(
    template: str,
    account: Account,
    parts: Parts,
    language: Language = None,
    step: ShownStep = None,
    viewer: ShownViewer = None,
    captions: Captions = "en",
) -> Response:
    return _page(await _made(template, account, parts, None, language, step, viewer, captions))


@router.post(
    "/templates/{template}/preview",
    summary="See how a template looks with parameters",
    description=_ABOUT + "Filled with the parameters of the body. Nothing is stored or sent.",
    responses={**_PAGE, **problems(401, 404, 422)},
    response_class=Response,
)
async def see_filled(
    template: str,
    body: PreviewIn,
    account: Account,
    parts: Parts,
    language: Language = None,
    step: ShownStep = None,
    viewer: ShownViewer = None,
    captions: Captions = "en",
) -> Response:
    return _page(await _made(template, account, parts, body.parameters, language, step, viewer, captions))


@router.get(
    "/templates/{template}/preview.png",
    summary="Get a picture of how a template looks",
    description="The page of the preview as PNG, made by the Chromium of the gateway's machine, one at a time.",
    responses={**_PICTURE, **problems(401, 404, 422)},
    response_class=Response,
)
async def picture(
    template: str,
    account: Account,
    parts: Parts,
    language: Language = None,
    step: ShownStep = None,
    viewer: ShownViewer = None,
    captions: Captions = "en",
    width: Width = USUAL_WIDTH,
) -> Response:
    made = await _made(template, account, parts, None, language, step, viewer, captions)
    return await _painted(parts, made, width)


@router.post(
    "/templates/{template}/preview.png",
    summary="Get a picture of how a template looks with parameters",
    description="The same, filled with the parameters of the body.",
    responses={**_PICTURE, **problems(401, 404, 422)},
    response_class=Response,
)
async def picture_filled(
    template: str,
    body: PreviewIn,
    account: Account,
    parts: Parts,
    language: Language = None,
    step: ShownStep = None,
    viewer: ShownViewer = None,
    captions: Captions = "en",
    width: Width = USUAL_WIDTH,
) -> Response:
    made = await _made(template, account, parts, body.parameters, language, step, viewer, captions)
    return await _painted(parts, made, width)


async def _made(
    name: str,
    account: str,
    parts: Services,
    parameters: dict[str, Any] | None,
    language: str | None,
    step: str | None,
    viewer: Viewer | None,
    captions: str,
) -> Preview:
    async with parts.database.read() as tx:
        row = await content.find_template(tx, account, name)
        channel = None if row is None else await channels.get_channel(tx, row.channel_id)
        if row is None or channel is None:
            detail = f"There is no template {name[:60]!r}. GET /v1/templates lists them."
            raise Problem(404, "not-found", detail)
        template = (await parts.lookup.templates(tx, [row.id]))[row.id]
        granted = await key_lists.find_list(tx, channel.id)
        keys = [] if granted is None else await key_lists.keys_of(tx, granted.id)
    known = languages_of(template, channel.region)
    if language is not None and tag_of(language) not in known:
        message = f"The template is not written in {language!r}, but in {', '.join(known)}."
        raise Problem(422, "invalid", message, [("query: language", message)])
    steps: Collection[str] = STEPS if step is None else (Step(step),)
    routes = parts.setup.sms_routes(channel.region)
    return preview(
        template,
        Sender(channel.name, channel.region),
        parameters,
        language=language,
        steps=steps,
        viewers=VIEWERS if viewer is None else (viewer,),
        version=row.version,
        prices=parts.prices,
        carrier=routes[0].carrier if routes else None,
        labels={key.key: key.name for key in keys if key.name},
        link=parts.setup.bind_link_example,
        captions=captions,
    )


def _page(made: Preview) -> Response:
    headers = {**_HEADERS, "Content-Security-Policy": f"{policy()}; {SANDBOX}"}
    return Response(page_of(made), media_type="text/html", headers=headers)


async def _painted(parts: Services, made: Preview, width: int) -> Response:
    try:
        png = await parts.painter.paint(page_of(made), width)
    except NoBrowser as error:
        raise Problem(501, "no-browser", str(error)) from None
    except Busy as error:
        raise Problem(503, "busy", str(error), Retry_After="5") from None
    return Response(png, media_type="image/png", headers=_HEADERS)
