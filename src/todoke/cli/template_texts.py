"""What a template says, for a terminal: its texts by language and step, filled with its examples."""

from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from todoke.cli.common import fail
from todoke.cli.template_files import FIELDS
from todoke.core.errors import InvalidParameters
from todoke.core.languages import chosen
from todoke.core.sms_text import segments
from todoke.core.template import (
    EXAMPLE_LINK,
    Template,
    check_parameters,
    compile,
    in_language,
    render_line,
    render_push,
    render_sms,
    with_link,
)

_SHOWN = frozenset({"text", "altText", "content", "label", "uri", "url"})
_NO_LANGUAGE = "its channel's"


def shown(view: dict[str, Any], language: str | None) -> RenderableType:
    """All steps side by side, a table a language. Ends the command for a language that it has no texts in."""
    template = compile({k: view[k] for k in FIELDS if view.get(k) is not None}, stored=True)
    tags: tuple[str | None, ...] = template.languages or (None,)
    if language is not None:
        tag = chosen(language, template.languages)
        if tag is None:
            fail(
                f"{view['name']} has no texts in {language[:40]!r}, only in {', '.join(template.languages)}."
            )
        tags = (tag,)
    head = Text.assemble((view["name"], "bold"), f"  version {view['version']}  {view['use_case']}")
    return Group(head, _parameters(template), *(_table(in_language(template, tag), tag) for tag in tags))


def _parameters(template: Template) -> RenderableType:
    table = Table(
        "parameter", "type", "max", "example", "shown as", box=None, pad_edge=False, header_style="dim"
    )
    filled = _examples(template)
    for name, each in template.parameters.items():
        masked = filled[name] if each.mask else ""
        table.add_row(
            name, f"{each.type}{', event' if each.event else ''}", str(each.max), each.example, masked
        )
    return table


def _examples(template: Template) -> dict[str, str]:
    try:
        return check_parameters(template, {n: p.example for n, p in template.parameters.items()})
    except InvalidParameters as error:
        fail(f"{template.name} can't be shown with its examples: {error.message}. Push it with others.")


def _table(template: Template, tag: str | None) -> Table:
    filled = _examples(template)
    values = with_link(template, filled, EXAMPLE_LINK)
    columns: list[tuple[str, str]] = []
    if template.line_form is not None:
        flexible, payload = render_line(template, values)
        columns.append(("LINE, flexible" if flexible else "LINE, template", _lines(payload)))
    if template.push_form is not None:
        columns.append((f"push ({template.push_form})", _lines(render_push(template, values))))
    if "sms" in template.forms:
        text = render_sms(template, values)
        size = segments(text)
        columns.append((f"SMS, {size.segments} × {size.encoding}", text))
    table = Table(title=tag or _NO_LANGUAGE, title_justify="left", title_style="bold", expand=True)
    for title, _ in columns:
        table.add_column(title, ratio=1, overflow="fold")
    table.add_row(*(Text(text) for _, text in columns))
    return table


def _lines(payload: Any) -> str:
    return "\n".join(_texts(payload))


def _texts(node: Any) -> Iterator[str]:
    """The texts of a payload that people see, in order; a row of a Flex box on one line, an address behind an arrow."""
    if isinstance(node, list):
        for child in node:
            yield from _texts(child)
    elif isinstance(node, dict):
        if node.get("type") == "box" and node.get("layout") in ("baseline", "horizontal"):
            yield "  ".join(_texts(node.get("contents")))
            return
        own = [
            f"→ {v}" if k in ("uri", "url") else v
            for k, v in node.items()
            if k in _SHOWN and isinstance(v, str)
        ]
        if isinstance(node.get("templateKey"), str):
            yield f"[{node['templateKey']}]"
        key = node.get("itemKey") or node.get("buttonKey")
        if own:
            yield (f"[{key}] " if key else "") + "  ".join(own)
        for child in node.values():
            if isinstance(child, dict | list):
                yield from _texts(child)
