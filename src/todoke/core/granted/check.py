"""A template held against the keys that LINE granted to its channel."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec

import line_catalogue
from todoke.core.content.finding import Finding, Severity
from todoke.core.template_shape import escaped

CODE = "key-not-granted"


class UsedKey(msgspec.Struct, frozen=True):
    """A key that a template uses. `pointer`: where."""

    pointer: str
    kind: str
    key: str


def used_keys(spec: Mapping[str, Any]) -> Iterator[UsedKey]:
    """The keys in the LINE template forms of a template's JSON, those of its language variants too."""
    if (form := spec.get("line_template")) is not None:
        yield from _of_form(form, "/line_template")
    variants = spec.get("languages")
    if isinstance(variants, Mapping):
        for language, variant in variants.items():
            if isinstance(variant, Mapping) and variant.get("line_template") is not None:
                yield from _of_form(variant["line_template"], f"/languages/{escaped(language)}/line_template")


def _of_form(form: Mapping[str, Any], pointer: str) -> Iterator[UsedKey]:
    yield UsedKey(f"{pointer}/templateKey", "template", form["templateKey"])
    body = form.get("body") or {}
    pointer += "/body"
    if (emphasized := body.get("emphasizedItem")) is not None:
        yield UsedKey(f"{pointer}/emphasizedItem/itemKey", "item", emphasized["itemKey"])
    for n, item in enumerate(body.get("items") or ()):
        yield UsedKey(f"{pointer}/items/{n}/itemKey", "item", item["itemKey"])
    for n, button in enumerate(body.get("buttons") or ()):
        yield UsedKey(f"{pointer}/buttons/{n}/buttonKey", "button", button["buttonKey"])


def findings(
    spec: Mapping[str, Any], country: str, granted: Collection[tuple[str, str]] | None
) -> list[Finding]:
    """What LINE would answer 400 to: keys that it did not grant to this channel.

    `spec` has the shape that `core.template.compile` takes. `granted`: kind and key of the channel's newest list; None
    where none was imported, and then an unknown key is a note, as nobody can know.
    """
    found = []
    for used in used_keys(spec):
        if granted is not None and (used.kind, used.key) in granted:
            continue
        published = line_catalogue.is_published(country, used.kind, used.key)
        if granted is None and published:
            continue
        severity, remedy = _judged(used, country, granted is not None, published)
        found.append(Finding(CODE, severity, used.pointer, used.key[:80], remedy))
    return found


def _judged(used: UsedKey, country: str, has_list: bool, published: bool) -> tuple[Severity, str]:
    if has_list and published:
        return Severity.WARNING, (
            f"LINE publishes this {used.kind} key, but the list that was imported for this channel does not have it. "
            "Ask LINE whether it is granted, and import the list anew"
        )
    if has_list:
        other = next(
            (c for c in line_catalogue.countries() if line_catalogue.is_published(c, used.kind, used.key)),
            None,
        )
        where = (
            "" if other is None or other == country else f" LINE publishes it for accounts of {other} only."
        )
        return Severity.ERROR, (
            f"The list of keys that LINE granted to this channel has no such {used.kind}.{where} Use one that it has, "
            "or import the newest list: todoke granted-keys import"
        )
    return Severity.NOTE, (
        f"Whether LINE granted this {used.kind} key is not known here. Import the list that LINE gave you: "
        "todoke granted-keys import FILE --channel NAME"
    )
