"""`todoke templates preview`: pages and pictures of how templates look on phones."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from todoke.cli.common import client, fail, key_values, out, print_json, settings
from todoke.cli.files import SUFFIXES, free_stem, same_name, save, stem_of

if TYPE_CHECKING:
    from todoke.core.template import Template

HOMES = {"zh": "TW", "th": "TH", "ja": "JP"}
"""Of a file, which names no country: where its first language is spoken."""


class _Page(NamedTuple):
    """A page to be made into files."""

    name: str
    language: str | None
    """None: all of the template's."""
    html: str
    suffixes: Collection[str]


class Asked(NamedTuple):
    """What the command was asked for."""

    language: str | None
    parameters: dict[str, str] | None
    captions: str
    country: str | None
    each: bool
    """A page for each language beside the one of all."""


def preview(
    template: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="A template's name or id; or a file of one, or a folder of such files."
        ),
    ],
    folder: Annotated[Path, typer.Option("--out", help="Where to write.")] = Path("previews"),
    language: Annotated[str | None, typer.Option(help="Only this language of the template.")] = None,
    png: Annotated[
        bool, typer.Option("--png", help="Pictures as well, one a language. Needs Chromium.")
    ] = False,
    parameter: Annotated[
        list[str] | None,
        typer.Option("-p", help="name=value, once for each parameter. Left out: the examples."),
    ] = None,
    captions: Annotated[str, typer.Option(help="en, zh-Hant, ja, th: what stands around the phones.")] = "en",
    width: Annotated[int, typer.Option(help="Of the pictures, in CSS pixels.", min=320, max=2000)] = 1440,
    country: Annotated[
        str | None, typer.Option(help="For files: TW, TH or JP. Left out: by the first language.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Shows how a template looks on phones, as HTML pages of one file each. Files need no gateway."""
    _check(captions, country)
    given = key_values(parameter) if parameter else None
    asked = Asked(language, given, captions, country, png)
    place = Path(template)
    is_file = "/" in template or place.suffix.lower() in SUFFIXES or place.is_dir()
    pages = _named(_of_files(place, asked) if is_file else _of_gateway(template, asked))
    written = [
        _write(folder, stem, ".html", page.html.encode()) for stem, page in pages if ".html" in page.suffixes
    ]
    if png:
        written += _pictures(folder, [x for x in pages if ".png" in x[1].suffixes], width)
    if as_json:
        print_json({"files": [str(path) for path in written]})
    else:
        for path in written:
            out.print(str(path), soft_wrap=True, markup=False)


def _named(pages: Iterable[_Page]) -> list[tuple[str, _Page]]:
    """Each page with the name of its files, which no other has, whatever the templates are called."""
    taken: set[str] = set()
    found = []
    for page in pages:
        parts = [page.name, *([page.language] if page.language else [])]
        stem = stem_of("-".join(parts).replace(" ", "_"), "_") or "template"
        stem = free_stem(stem, page.suffixes, taken)
        taken |= {same_name(stem + suffix) for suffix in page.suffixes}
        found.append((stem, page))
    return found


def _check(captions: str, country: str | None) -> None:
    from line_catalogue import countries  # noqa: PLC0415
    from todoke.previews.words import LANGUAGES  # noqa: PLC0415

    for option, value, known in (("--captions", captions, LANGUAGES), ("--country", country, countries())):
        if value is not None and value not in known:
            fail(f"{option} is {value!r}; it can be {', '.join(known)}.", 2)


def _of_gateway(name: str, asked: Asked) -> Iterator[_Page]:
    with client() as todoke:
        found = todoke.template(name)

        def page(language: str | None) -> str:
            return todoke.preview(
                found["id"], language=language, parameters=asked.parameters, captions=asked.captions
            )

        yield from _pages(found["name"], page, asked)


def _of_files(place: Path, asked: Asked) -> Iterator[_Page]:
    from todoke.cli.files import read_objects  # noqa: PLC0415
    from todoke.core.errors import InvalidParameters, InvalidTemplate  # noqa: PLC0415
    from todoke.core.template import compile  # noqa: PLC0415

    for path, spec in read_objects(place):
        try:
            yield from _of_spec(compile(spec), spec, asked)
        except InvalidTemplate as error:
            fail(f"{path}: {error.pointer}: {error.message}")
        except InvalidParameters as error:
            fail(f"{path}: {error.message}")


def _of_spec(template: "Template", spec: dict[str, Any], asked: Asked) -> Iterator[_Page]:
    from todoke.previews import Sender, page_of  # noqa: PLC0415
    from todoke.previews import preview as previewed  # noqa: PLC0415

    first = next(iter(template.languages), "").split("-")[0]
    country = asked.country or HOMES.get(first, "TW")
    sender = Sender(str(spec.get("channel") or template.name), country)

    def page(language: str | None) -> str:
        return page_of(
            previewed(template, sender, asked.parameters, language=language, captions=asked.captions)
        )

    yield from _pages(template.name, page, asked)


def _pages(name: str, page: Callable[[str | None], str], asked: Asked) -> Iterator[_Page]:
    """One page of all languages, and where there are to be pictures one of each."""
    from todoke.previews.page import languages_in  # noqa: PLC0415

    html = page(asked.language)
    languages = languages_in(html)
    alone = len(languages) == 1
    yield _Page(name, asked.language, html, (".html", ".png") if alone else (".html",))
    if asked.each and not alone:
        yield from (_Page(name, language, page(language), (".png",)) for language in languages)


def _pictures(folder: Path, pages: list[tuple[str, _Page]], width: int) -> list[Path]:
    from todoke.browser import NoBrowser  # noqa: PLC0415
    from todoke.previews import Painter  # noqa: PLC0415
    from todoke.previews.picture import Busy  # noqa: PLC0415

    async def paint() -> list[Path]:
        painter = Painter(settings().chromium)
        pictures = painter.paint_all([(page.html, width) for _, page in pages])
        stems = iter([stem for stem, _ in pages])
        return [_write(folder, next(stems), ".png", png) async for png in pictures]

    try:
        return asyncio.run(paint())
    except (NoBrowser, Busy) as error:
        fail(str(error))


def _write(folder: Path, stem: str, suffix: str, content: bytes) -> Path:
    path = folder / (stem + suffix)
    save(path, content)
    return path
