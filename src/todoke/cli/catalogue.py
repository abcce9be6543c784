"""`todoke catalogue`: LINE's published use cases and keys. No gateway is needed; one that runs adds applications."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table

import line_catalogue
from todoke.cli.common import fail, out, print_json
from todoke.settings import SettingsError, load
from todoke_client import NoGateway, ProblemError, Todoke

LANGUAGES = ("zh-Hant", "th", "ja", "en")


def catalogue(
    country: Annotated[str | None, typer.Option(help="TW, TH or JP. Left out: all three.")] = None,
    language: Annotated[str, typer.Option(help="zh-Hant, th, ja or en.")] = "en",
    keys: Annotated[
        bool, typer.Option("--keys", help="The template, item and button keys that LINE publishes.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Lists the use cases that LINE publishes, with names, urgency and limits, and how far your applications are."""
    found = rows(country, language)
    if keys:
        _show_keys(country, as_json)
        return
    states = _states()
    if as_json:
        print_json({"use_cases": [x | _state_of(x, states) for x in found]})
        return
    for line in lines(found, states):
        out.print(line, markup=False, soft_wrap=True)


def _state_of(x: Mapping[str, Any], states: Mapping[tuple[str, str], str] | None) -> dict[str, Any]:
    return {} if states is None else {"application": states.get((x["country"], x["key"]))}


def _states() -> dict[tuple[str, str], str] | None:
    """How far the account's applications are; None where no gateway answers to this user."""
    try:
        current = load()
        key = current.api_key or (current.data_dir / "api.key").read_text().strip()
        with Todoke(current.base_url, key, timeout=5) as todoke:
            found = todoke.use_cases()
    except (SettingsError, OSError, ValueError, NoGateway, ProblemError):
        return None
    return {(x["country"], x["key"]): x["application"]["state"] for x in found if x.get("application")}


def _show_keys(country: str | None, as_json: bool) -> None:
    found = [
        x for x in line_catalogue.published_keys().keys if country in (None, x.country, x.country.lower())
    ]
    if as_json:
        print_json({"published_keys": [msgspec.to_builtins(x) | {"published": True} for x in found]})
        return
    shown = Table("", "kind", "key", "official", "LINE's words", header_style="dim", box=None, pad_edge=False)
    for x in found:
        shown.add_row(x.country, x.kind, x.key, "yes", x.text or x.name or "")
    out.print(shown, markup=False)
    for source in dict.fromkeys(x.source for x in found):
        out.print(f"From {source}.", markup=False, soft_wrap=True)


def rows(country: str | None, language: str) -> list[dict[str, Any]]:
    """LINE's use cases of a country, or of all. `shown` and `limits` are in `language`. Ends the command for a country
    that LINE does not serve, and a language that the catalogue is not in.
    """
    served = line_catalogue.countries()
    if country is not None and country.upper() not in served:
        fail(f"There is no list for {country!r}. Write one of {', '.join(served)}.", 2)
    if language not in LANGUAGES:
        fail(f"The catalogue is not in {language!r}. Write one of {', '.join(LANGUAGES)}.", 2)
    return [
        {
            "country": code,
            "number": case.number,
            "key": case.key,
            "name": case.name,
            "shown": case.names[language],
            "urgency": case.urgency,
            "timing": case.timing,
            "limits": case.limit_texts.get(language),
            "published": True,
        }
        for code in ([country.upper()] if country else served)
        for case in line_catalogue.use_cases(code)
    ]


def lines(found: list[dict[str, Any]], states: Mapping[tuple[str, str], str] | None = None) -> Iterator[str]:
    """The use cases in words, two or three lines each: a table with names in other scripts needs a wide screen.

    `states`: country and key → how far the account's application is.
    """
    for x in found:
        names = " · ".join(dict.fromkeys((x["name"], x["shown"])))
        yield f"{x['country']} {x['number']:>2}  {x['key']}  {names}"
        facts = [f"urgency {x['urgency']}", *([] if x["timing"] == "none" else [x["timing"]])]
        facts += ["official"] if x["published"] else []
        if states is not None:
            facts.append(f"application: {states.get((x['country'], x['key'])) or 'none'}")
        yield f"       {', '.join(facts)}"
        if x["limits"]:
            yield f"       {x['limits']}"
