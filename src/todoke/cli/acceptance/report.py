"""The report as files: one HTML that needs no network, and a PDF of it in which stills stand for the films."""

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from todoke.cli.acceptance.results import Run
from todoke.cli.acceptance.texts import Texts
from todoke.cli.acceptance.view import view

if TYPE_CHECKING:
    from playwright.async_api import Browser

_HERE = files("todoke.cli.acceptance")
_FOOT = (
    '<div style="width:100%;padding:0 15mm;font:7.5pt Arial,sans-serif;color:#5b6672;text-align:right">'
    '<span class="pageNumber"></span> / <span class="totalPages"></span></div>'
)


def html(run: Run, texts: Texts, *, films: bool = True) -> str:
    """The whole report as one page."""
    return page(view(run, texts, films=films), texts, warning="not_line")


def page(shown: dict[str, Any], texts: Texts, *, warning: str) -> str:
    """`report.html` filled with a view. `warning`: the words that say what this was played against."""
    # Every value is a stranger's text: escaped, all of it.
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string((_HERE / "report.html").read_text(encoding="utf-8"))
    return template.render(
        **shown,
        say=texts.word,
        css=Markup((_HERE / "report.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        warning_title=texts.word(f"{warning}_title"),
        warning_text=texts.word(f"{warning}_text"),
        footer=" · ".join((texts.word("report"), shown["title"], texts.word("numbers_made_up")))
        if warning == "not_line"
        else " · ".join((texts.word("report"), shown["title"])),
    )


async def pdf(browser: "Browser", text: str, path: Path) -> None:
    """Prints a report on A4."""
    context = await browser.new_context(offline=True, service_workers="block", java_script_enabled=False)
    try:
        opened = await context.new_page()
        await opened.set_content(text, wait_until="load")
        await opened.pdf(
            path=str(path),
            prefer_css_page_size=True,
            print_background=True,
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=_FOOT,
            tagged=True,
            outline=True,
        )
    finally:
        await context.close()
