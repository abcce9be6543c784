"""Reads what a template declares of its parameters."""

from typing import Any

from msgspec.structs import replace

from todoke.core.errors import InvalidTemplate
from todoke.core.languages import tag_of
from todoke.core.masking import Kind
from todoke.core.template_languages import Languages
from todoke.core.template_shape import escaped
from todoke.core.template_values import (
    BIND_LINK,
    MAX_PARAMETERS,
    MAX_VALUE,
    NAME,
    Parameter,
    Type,
    as_text,
    problem_of,
)

_FIELDS = ("type", "example", "max", "personal", "mask", "event")


def parameters_of(declared: Any, languages: Languages) -> dict[str, Parameter]:
    """Reads `parameters` of a template's JSON. Raises InvalidTemplate."""
    if not isinstance(declared, dict):
        raise InvalidTemplate("parameters must be an object: name to type, example and max", "/parameters")
    if len(declared) > MAX_PARAMETERS:
        raise InvalidTemplate(
            f"{len(declared)} parameters are too many: at most {MAX_PARAMETERS}", "/parameters"
        )
    found = {name: _parameter(name, value, languages) for name, value in declared.items()}
    events = [name for name, parameter in found.items() if parameter.event]
    if len(events) > 1:
        raise InvalidTemplate(
            f"A notice is about one event, and {events[0]} is it already: take event out of one of them",
            f"/parameters/{events[1]}/event",
        )
    return found


def spoken_in(parameters: dict[str, Parameter], tag: str) -> dict[str, Parameter]:
    """The same with the examples of a language, where they have some."""
    return {
        name: replace(each, example=each.examples[tag]) if tag in each.examples else each
        for name, each in parameters.items()
    }


def example_pointer(parameter: Parameter, name: str, tag: str | None) -> str:
    """Where the example stands that a language shows."""
    own = next((key for key in parameter.examples if key == tag), None)
    return f"/parameters/{name}/example" + (f"/{escaped(own)}" if own else "")


def _parameter(name: str, value: Any, languages: Languages) -> Parameter:
    pointer = "/parameters/" + escaped(name[:64])
    if not NAME.fullmatch(name):
        raise InvalidTemplate(
            f"{name[:64]!r} is no name for a parameter: use letters a to z, digits and _, at most 64", pointer
        )
    if name == BIND_LINK:
        raise InvalidTemplate(
            f"{BIND_LINK} is filled in by Todoke: write {{{{{BIND_LINK}}}}} where it shall stand and take it out of "
            "the parameters",
            pointer,
        )
    if not isinstance(value, dict):
        raise InvalidTemplate('A parameter is an object: {"type": "text", "example": "…"}', pointer)
    if unknown := sorted(set(value) - set(_FIELDS)):
        raise InvalidTemplate(
            f"A parameter has no field {unknown[0][:64]!r}, but {', '.join(_FIELDS)}", pointer
        )
    kind = value.get("type")
    if not isinstance(kind, str) or kind not in frozenset(Type):
        raise InvalidTemplate(f"The type must be one of {', '.join(Type)}", pointer + "/type")
    longest = value.get("max", MAX_VALUE)
    if type(longest) is not int or not 1 <= longest <= MAX_VALUE:
        raise InvalidTemplate(f"max must be a whole number from 1 to {MAX_VALUE}", pointer + "/max")
    examples = _examples(value.get("example"), pointer, languages)
    personal, masked = _personal(value, Type(kind), pointer)
    first = next((tag for tag in examples if tag == languages.first), next(iter(examples)))
    parameter = Parameter(
        type=Type(kind),
        example=examples[first],
        max=longest,
        examples={tag: text for tag, text in examples.items() if tag},
        personal=personal,
        mask=masked,
        event=_event(value, Type(kind), pointer),
    )
    for tag, example in examples.items():
        if problem := problem_of(parameter, example):
            place = f"{pointer}/example" + (f"/{tag}" if tag else "")
            raise InvalidTemplate(f"The example {problem}", place)
    return parameter


def _examples(given: Any, pointer: str, languages: Languages) -> dict[str, str]:
    """By language; under an empty key where one example is for all."""
    pointer += "/example"
    if not isinstance(given, dict):
        text = as_text(given)
        if text is None:
            raise InvalidTemplate("An example is needed, as a string", pointer)
        return {"": text}
    found: dict[str, str] = {}
    for key, value in given.items():
        tag, text = tag_of(key), as_text(value)
        if tag is None or text is None:
            raise InvalidTemplate(
                'Examples by language are texts: {"zh-Hant": "王小明", "th": "สมชาย ใจดี"}',
                f"{pointer}/{escaped(key)}",
            )
        if languages.first is not None and tag not in languages.tags:
            raise InvalidTemplate(
                f"The template is not written in {tag}, only in {', '.join(languages.tags)}",
                f"{pointer}/{escaped(key)}",
            )
        found[tag] = text
    if not found or (languages.first is not None and languages.first not in found):
        raise InvalidTemplate(f"An example in {languages.first or 'some language'} is needed", pointer)
    return found


def _personal(value: dict[str, Any], kind: Type, pointer: str) -> tuple[Kind | None, Kind | None]:
    """What personal data it holds, and as what it is masked."""
    kinds = ", ".join(Kind)
    personal, masked = value.get("personal"), value.get("mask")
    if personal is not None and (not isinstance(personal, str) or personal not in frozenset(Kind)):
        raise InvalidTemplate(f"personal must be one of {kinds}", pointer + "/personal")
    if masked is None or masked is False:
        return None if personal is None else Kind(personal), None
    if masked is True and personal is None:
        raise InvalidTemplate(f"Say as what it is masked: one of {kinds}", pointer + "/mask")
    masked = personal if masked is True else masked
    if not isinstance(masked, str) or masked not in frozenset(Kind):
        raise InvalidTemplate(f"mask must be true, false or one of {kinds}", pointer + "/mask")
    if kind is Type.URL:
        raise InvalidTemplate("A masked address leads nowhere: take mask out", pointer + "/mask")
    return Kind(personal or masked), Kind(masked)


def _event(value: dict[str, Any], kind: Type, pointer: str) -> bool:
    event = value.get("event", False)
    if not isinstance(event, bool):
        raise InvalidTemplate("event must be true or false", pointer + "/event")
    if event and kind not in (Type.DATE, Type.DATETIME):
        raise InvalidTemplate("Only a date or a datetime says when the event is", pointer + "/event")
    return event
