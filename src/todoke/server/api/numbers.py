"""Numbers in bodies of requests, as people type them."""

from collections.abc import Iterable

from todoke.actions.intake import Invalid
from todoke.core.errors import InvalidNumber
from todoke.core.phone import Phone, masked, parse


def read_number(text: str, regions: Iterable[str]) -> Phone:
    """The number that is meant; one without a country code belongs to a region of the account's channels."""
    found: set[Phone] = set()
    refused: InvalidNumber | None = None
    for region in sorted(regions) or ["TW"]:
        try:
            found.add(parse(text, region, "/number"))
        except InvalidNumber as error:
            refused = refused or error
    if len(found) > 1:
        raise Invalid(
            f"{masked(text)} is a number in more than one country of your channels. Write it with its country code, "
            "such as +886…, or name a channel.",
            "/number",
        )
    if not found:
        assert refused is not None
        raise refused
    return found.pop()
