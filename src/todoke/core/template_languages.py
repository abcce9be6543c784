"""Which languages a template is written in: its own, and those that it has variants for."""

from typing import Any

import msgspec

from todoke.core.errors import InvalidTemplate
from todoke.core.languages import tag_of
from todoke.core.template_shape import FORMS, escaped

MAX_LANGUAGES = 20


class Languages(msgspec.Struct, frozen=True):
    """As a template declares them, each as one tag (`core.languages`)."""

    first: str | None
    """What the forms at the top are in; None where the template leaves that to the channel's country."""
    tags: tuple[str, ...]
    """All of them, the first one first where it is known."""
    variants: dict[str, str]
    """Tag → the key of its variant in the JSON."""


def languages_of(spec: dict[str, Any]) -> Languages:
    """Reads `language` and `languages` of a template's JSON. Raises InvalidTemplate."""
    first = None if spec.get("language") is None else _tag(spec["language"], "/language")
    languages = [] if spec.get("languages") is None else spec["languages"]
    if not isinstance(languages, list | dict) or len(languages) > MAX_LANGUAGES:
        raise InvalidTemplate(
            f'languages must be an object of at most {MAX_LANGUAGES} variants, {{"th": {{"sms": "…"}}}}, or a list of '
            'what the texts are written in: ["zh-Hant", "en"]',
            "/languages",
        )
    variants: dict[str, str] = {}
    listed: list[str] = []
    for n, key in enumerate(languages):
        pointer = f"/languages/{escaped(key) if isinstance(languages, dict) else n}"
        tag = _tag(key, pointer)
        if tag == first and isinstance(languages, dict):
            raise InvalidTemplate(
                f"{tag} is the template's own language: its forms stand at the top, not here", pointer
            )
        if tag in variants:
            raise InvalidTemplate(f"{tag} stands twice, also as {variants[tag][:40]!r}: keep one", pointer)
        if isinstance(languages, dict):
            variants[tag] = key
        elif tag not in listed:
            listed.append(tag)
    if first is None and listed:
        first = listed[0]
    others = [tag for tag in (*listed, *variants) if tag != first]
    return Languages(first, (*(() if first is None else (first,)), *others), variants)


def with_first(spec: dict[str, Any], tag: str) -> dict[str, Any]:
    """The same template with another of its languages first: that variant's forms at the top, the first one's among
    the variants. As it is where `tag` is first already, or is none of its variants.
    """
    languages = languages_of(spec)
    key = languages.variants.get(tag)
    if key is None or languages.first is None:
        return spec
    forms = {form: spec[form] for form in FORMS if spec.get(form) is not None}
    others = {k: v for k, v in spec["languages"].items() if k != key}
    kept = {k: v for k, v in spec.items() if k not in (*FORMS, "language", "languages")}
    return {
        **kept,
        "language": tag,
        **spec["languages"][key],
        "languages": {languages.first: forms, **others},
    }


def _tag(value: Any, pointer: str) -> str:
    tag = tag_of(value) if isinstance(value, str) else None
    if tag is None:
        raise InvalidTemplate("A language is a tag (BCP 47) as zh-Hant, th, ja or en", pointer)
    return tag
