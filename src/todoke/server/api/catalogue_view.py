"""The catalogue as the API shows it: LINE's published use cases and keys."""

from typing import Any

import line_catalogue
from line_catalogue import PublishedKey, UseCase
from todoke.server.problems import Problem


def known_country(country: str | None) -> tuple[str, ...]:
    """The countries that a query means: the one that it names, or all. Raises a 422 problem for others."""
    served = tuple(line_catalogue.countries())
    if country is None:
        return served
    if country.upper() not in served:
        raise Problem(
            422,
            "invalid",
            f"country is {country[:20]!r}; it must be one of {', '.join(served)}.",
            [("query: country", f"one of {', '.join(served)}")],
        )
    return (country.upper(),)


def catalogue_view(country: str | None = None) -> list[dict[str, Any]]:
    """The use cases that LINE lists for a country, or for all of them. Raises a 422 problem for other countries."""
    return [use_case_view(c, case) for c in known_country(country) for case in line_catalogue.use_cases(c)]


def use_case_view(country: str, case: UseCase) -> dict[str, Any]:
    """A use case of LINE's list. `name` is LINE's own; the other `names` are Todoke's translations."""
    return {
        "country": country,
        "number": case.number,
        "key": case.key,
        "name": case.name,
        "names": case.names,
        "category": case.category,
        "urgency": case.urgency,
        "timing": case.timing,
        "limits": case.limits,
        "limit_texts": case.limit_texts,
        "published": True,
    }


def published_key_view(row: PublishedKey) -> dict[str, Any]:
    """A key that LINE's public documentation shows, with where it does."""
    return {
        "country": row.country,
        "kind": row.kind,
        "key": row.key,
        "name": row.name,
        "text": row.text,
        "use_case": row.use_case,
        "published": True,
        "source": row.source,
    }
