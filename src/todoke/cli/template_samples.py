"""The templates that come with Todoke: found by country and use case, copied into a folder."""

from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import RenderableType
from rich.table import Table

import line_catalogue
from todoke.cli.common import fail
from todoke.cli.files import save
from todoke.cli.yaml_text import read, write
from todoke.core.template_languages import languages_of, with_first

HERE = files("todoke") / "samples" / "templates"


class Sample(NamedTuple):
    """One of them. `text`: the file as it is; `countries`: where LINE's list has its use case."""

    spec: dict[str, Any]
    text: str
    countries: list[str]

    def told(self) -> dict[str, Any]:
        return {
            "name": self.spec["name"],
            "use_case": self.spec["use_case"],
            "countries": self.countries,
            "languages": list(languages_of(self.spec).tags),
        }


def find_samples(country: str | None = None, use_case: str | None = None) -> list[Sample]:
    """Those of a use case that LINE lists in a country, in that country's language first. Ends the command where
    there are none.
    """
    known = line_catalogue.countries()
    if country is not None and (country := country.upper()) not in known:
        fail(f"There is no country {country[:20]!r} here. Use one of {', '.join(known)}.", 2)
    found = []
    for file in sorted(HERE.iterdir(), key=lambda each: each.name):
        if not file.name.endswith(".yaml"):
            continue
        text = file.read_text(encoding="utf-8")
        spec, _ = read(text)
        countries = [
            x for x in known if any(case.key == spec["use_case"] for case in line_catalogue.use_cases(x))
        ]
        if use_case in (None, spec["use_case"]) and (country is None or country in countries):
            found.append(
                Sample(*_spoken(spec, text, known[country].language if country else None), countries)
            )
    if not found:
        wanted = " ".join(x for x in (use_case, f"in {country}" if country else None) if x)
        fail(f"There is no sample for {wanted[:80]}. `todoke templates samples` lists all.", 2)
    return found


def _spoken(spec: dict[str, Any], text: str, language: str | None) -> tuple[dict[str, Any], str]:
    turned = spec if language is None else with_first(spec, language)
    return (spec, text) if turned is spec else (turned, write(turned))


def copy_samples(found: list[Sample], folder: Path) -> list[Path]:
    """Writes them as files. Ends the command, and writes nothing, where one would take another file's place."""
    paths = [folder / f"{sample.spec['name']}.yaml" for sample in found]
    if there := [path.name for path in paths if path.exists() or path.is_symlink()]:
        fail(f"{folder} has {', '.join(there[:5])} already. Name an empty folder.")
    for path, sample in zip(paths, found, strict=True):
        save(path, sample.text.encode())
    return paths


def table(found: list[Sample]) -> RenderableType:
    """The list for a terminal."""
    lines = Table("name", "use case", "listed in", "languages", box=None, pad_edge=False, header_style="dim")
    for each in found:
        told = each.told()
        lines.add_row(told["name"], told["use_case"], ", ".join(each.countries), ", ".join(told["languages"]))
    return lines
