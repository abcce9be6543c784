"""Our templates: what a notice says in each form, with `{{name}}` where a parameter goes.

`compile` reads the JSON of a template once. A compiled template fills its forms for every row of a list of
millions, so what has no parameter in it is built once and shared between payloads: change nothing inside one.
Filling is literal: a value that holds `{{x}}` is shown as just that.

`{{bind_link}}` is no parameter: each request that leaves has an address of its own, which `with_link` fills in.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from todoke.core.errors import InvalidParameters, InvalidTemplate
from todoke.core.template_reader import (
    Fill,
    Place,
    Reader,
    Text,
    constant,
    few_parts,
    length_of,
    some_of,
    unit_of,
)
from todoke.core.template_shape import FORMS, SMS_PARTS, escaped, rules_of
from todoke.core.template_values import (
    BIND_LINK,
    Parameter,
    Type,
    as_text,
    parameters_of,
    problem_of,
)

EXAMPLE_LINK = "https://notices.example.com/b/this-is-an-example-of-a-bindlink"
"""A bind link of about the length of those that are sent, for where this installation's address is not known."""


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """A compiled template. Its functions are below; `spec` is the JSON it came from."""

    name: str
    use_case: str
    languages: tuple[str, ...]
    parameters: dict[str, Parameter]
    forms: frozenset[str]
    """Which of line_template, flexible, push and sms it has."""
    texts: tuple[Text, ...]
    """Every string of the forms, for the content check."""
    spec: dict[str, Any]
    fills: dict[str, Fill]
    limited: tuple[Place, ...]
    """Those with the least room first."""
    urls: tuple[Place, ...]
    """Addresses put together from text and parameters, which must come out as addresses."""
    links: frozenset[str] = frozenset()
    """The forms that hold a bind link."""

    @property
    def line_form(self) -> str | None:
        """The form that `line_notification` sends: `line_template`, else `flexible`; None without both."""
        return next((form for form in ("line_template", "flexible") if form in self.forms), None)

    @property
    def push_form(self) -> str | None:
        """The form that `line_push` sends: `push`, else `flexible`, which was meant for everybody."""
        return next((form for form in ("push", "flexible") if form in self.forms), None)


def compile(spec: Any) -> Template:
    """Reads the JSON of `POST /v1/templates`. Raises InvalidTemplate with the place and the remedy.

    Whether use case, channel and keys exist is not known here.
    """
    rules = rules_of(spec)
    parameters = parameters_of({} if spec.get("parameters") is None else spec["parameters"])
    reader = Reader(parameters, rules)
    fills: dict[str, Fill] = {}
    for form in FORMS:
        if spec.get(form) is not None:
            fixed, fill = reader.tree(spec[form], "/" + form)
            fills[form] = fill or constant(fixed)
    places = sorted(reader.places, key=lambda place: place.safe)
    template = Template(
        name=spec["name"],
        use_case=spec["use_case"],
        languages=tuple(spec.get("languages") or ()),
        parameters=parameters,
        forms=frozenset(fills),
        texts=tuple(reader.texts),
        spec=spec,
        fills=fills,
        links=frozenset(form for form in fills if any(_is_in(form, text) for text in reader.texts)),
        limited=tuple(places),
        urls=tuple(place for place in places if place.rule.url and not _is_url(place, parameters)),
    )
    try:
        check_parameters(template, {name: each.example for name, each in parameters.items()})
    except InvalidParameters as error:
        pointer = error.pointer if error.pointer.count("/") == 1 else f"{error.pointer}/example"
        raise InvalidTemplate(f"Filled with the examples: {error.message}", pointer) from None
    return template


def render_line(template: Template, parameters: Mapping[str, str]) -> tuple[bool, dict[str, Any]]:
    """What goes to LINE as a notification, without `to`: whether it is flexible, and the payload, a new dict.

    `parameters` come from check_parameters. Raises InvalidTemplate if the template has no form for it.
    """
    if "line_template" in template.fills:
        return False, template.fills["line_template"](parameters)
    if "flexible" in template.fills:
        return True, {"messages": template.fills["flexible"](parameters)}
    raise InvalidTemplate(f"{template.name} has no LINE form: add line_template or flexible", "")


def render_push(template: Template, parameters: Mapping[str, str]) -> dict[str, Any]:
    """What goes to LINE as an ordinary push, without `to`: `push`, or `flexible` where that is not given."""
    if template.push_form is None:
        raise InvalidTemplate(f"{template.name} has no form for push: add push or flexible", "")
    return {"messages": template.fills[template.push_form](parameters)}


def render_sms(template: Template, parameters: Mapping[str, str]) -> str:
    """The text of the SMS. Raises InvalidTemplate if the template has none."""
    if "sms" not in template.fills:
        raise InvalidTemplate(f"{template.name} has no SMS text: add sms", "")
    text: str = template.fills["sms"](parameters)
    return text


def with_link(template: Template, parameters: dict[str, str], link: str) -> dict[str, str]:
    """What fills the template: checked parameters, and the bind link where it has one."""
    return {**parameters, BIND_LINK: link} if template.links else parameters


def check_parameters(
    template: Template, parameters: Mapping[str, Any], pointer: str = "/parameters"
) -> dict[str, str]:
    """The parameters as texts, in the template's order. Raises InvalidParameters with all that is wrong.

    Numbers are taken as texts. `pointer` is where in the caller's input the parameters stood.
    """
    if not isinstance(parameters, Mapping):
        raise InvalidParameters("parameters must be an object: name to value", pointer)
    values: dict[str, str] = {}
    problems: list[tuple[str, str]] = []
    for name, declared in template.parameters.items():
        value = parameters.get(name)
        text = value if type(value) is str else as_text(value)
        if text is None:
            problem: str | None = "is missing" if value is None else "must be a string or a plain number"
        else:
            values[name] = text
            problem = problem_of(declared, text)
        if problem is not None:
            problems.append((f"{pointer}/{name}", f"{name} {problem}"))
    if len(parameters) > len(values):
        problems += _unknown(template, parameters, pointer)
    if not problems:
        problems = _broken_rules(template, values, pointer)
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise InvalidParameters(problems[0][1] + more, problems[0][0], problems)
    return values


def _unknown(template: Template, parameters: Mapping[str, Any], pointer: str) -> list[tuple[str, str]]:
    unknown = [str(name)[:64] for name in parameters if name not in template.parameters]
    not_one = f"is no parameter of this template, which has {some_of(list(template.parameters))}"
    ours = "is filled in by Todoke: leave it out"
    return [
        (f"{pointer}/{escaped(name)}", f"{name!r} {ours if name == BIND_LINK else not_one}")
        for name in unknown[:20]
    ]


def _broken_rules(template: Template, values: Mapping[str, str], pointer: str) -> list[tuple[str, str]]:
    """Texts that came out too long, addresses that came out as none. The longest value gets the blame."""
    problems = []
    longest = 2 * max(map(len, values.values()), default=0)
    for place in template.limited:
        if place.safe >= longest:
            break
        length = place.fixed + sum(length_of(values[name], place.rule) for name in place.names)
        if length > place.rule.limit and not (place.rule.sms and few_parts(place.fill(values))):
            blamed = max(place.names, key=lambda name: len(values[name]))
            limit = f"{SMS_PARTS} SMS" if place.rule.sms else f"{place.rule.limit} {unit_of(place.rule)}"
            problems.append((
                f"{pointer}/{blamed}",
                f"{blamed} makes {place.rule.what} too long ({place.pointer} has {length}, "
                f"at most {limit}): shorten it",
            ))  # fmt: skip
    for place in template.urls:
        assert place.rule.url is not None
        if not place.rule.url.fullmatch(place.fill(values)):
            blamed = place.names[0]
            problems.append((
                f"{pointer}/{blamed}",
                f"{blamed} makes {place.rule.what} invalid ({place.pointer}): percent-encode it",
            ))  # fmt: skip
    return problems


def _is_in(form: str, text: Text) -> bool:
    return BIND_LINK in text.names and (text.pointer + "/").startswith(f"/{form}/")


def _is_url(place: Place, parameters: dict[str, Parameter]) -> bool:
    """Nothing but one parameter that is an address already."""
    return not place.fixed and len(place.names) == 1 and parameters[place.names[0]].type is Type.URL
