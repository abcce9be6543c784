"""Our templates: what a notice says in each form, with `{{name}}` where a parameter goes.

`compile` reads the JSON of a template once, in all its languages. A compiled template fills its forms for every row
of a list of millions, so what has no parameter in it is built once and shared between payloads: change nothing
inside one.
Filling is literal: a value that holds `{{x}}` is shown as just that.

`{{bind_link}}` is no parameter: each request that leaves has an address of its own, which `with_link` fills in.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from todoke.core.errors import InvalidParameters, InvalidTemplate
from todoke.core.flex import check_flex
from todoke.core.masking import mask
from todoke.core.template_forms import Form, completed, forms_of
from todoke.core.template_languages import languages_of
from todoke.core.template_limits import SMS_PARTS
from todoke.core.template_parameters import example_pointer, parameters_of, spoken_in
from todoke.core.template_reader import (
    Fill,
    Place,
    Text,
    few_parts,
    length_of,
    some_of,
    unit_of,
)
from todoke.core.template_shape import escaped, rules_of
from todoke.core.template_values import BIND_LINK, Parameter, Type, as_text, problem_of

EXAMPLE_LINK = "https://notices.example.com/b/this-is-an-example-of-a-bindlink"
"""A bind link of about the length of those that are sent, for where this installation's address is not known."""


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """A compiled template, in one of its languages. Its functions are below; `spec` is the JSON it came from."""

    name: str
    use_case: str
    language: str | None
    """What it is in here; None where that is for the channel's country to say."""
    languages: tuple[str, ...]
    """All that it is written in, its own first where that is known."""
    parameters: dict[str, Parameter]
    forms: frozenset[str]
    """Which of line_template, flexible, push and sms it has in this language, or has from its own language."""
    texts: tuple[Text, ...]
    """Every string of these forms, for the content check. Pointers of a variant's own begin with `/languages/`."""
    spec: dict[str, Any]
    fills: dict[str, Fill]
    limited: tuple[Place, ...]
    """Those with the least room first."""
    urls: tuple[Place, ...]
    """Addresses put together from text and parameters, which must come out as addresses."""
    links: frozenset[str] = frozenset()
    """The forms that hold a bind link."""
    variants: "dict[str, Template]" = {}
    """The same in the other languages, by tag, each as whole as this one. `in_language` finds one."""

    @property
    def line_form(self) -> str | None:
        """The form that `line_notification` sends: `line_template`, else `flexible`; None without both."""
        return next((form for form in ("line_template", "flexible") if form in self.forms), None)

    @property
    def push_form(self) -> str | None:
        """The form that `line_push` sends: `push`, else `flexible`, which was meant for everybody."""
        return next((form for form in ("push", "flexible") if form in self.forms), None)


def compile(spec: Any, *, stored: bool = False) -> Template:
    """Reads the JSON of `POST /v1/templates`. Raises InvalidTemplate with the place and the remedy.

    Whether use case, channel and keys exist is not known here. `stored`: it was taken before, perhaps by an older
    version of this program, so what LINE would refuse is not looked for once more.
    """
    rules = rules_of(spec)
    if not stored:
        check_flex(spec)
    languages = languages_of(spec)
    parameters = parameters_of({} if spec.get("parameters") is None else spec["parameters"], languages)
    base = forms_of(spec, "", parameters, rules)

    def made(tag: str | None, forms: dict[str, Form], variants: dict[str, Template]) -> Template:
        its = parameters if tag is None else spoken_in(parameters, tag)
        places = sorted((p for form in forms.values() for p in form.places), key=lambda place: place.safe)
        return Template(
            name=spec["name"],
            use_case=spec["use_case"],
            language=tag,
            languages=languages.tags,
            parameters=its,
            forms=frozenset(forms),
            texts=tuple(text for form in forms.values() for text in form.texts),
            spec=spec,
            fills={name: form.fill for name, form in forms.items()},
            links=frozenset(name for name, form in forms.items() if form.has_link),
            limited=tuple(places),
            urls=tuple(p for p in places if p.rule.url and not _is_url(p, its)),
            variants=variants,
        )

    variants: dict[str, Template] = {}
    for tag, key in languages.variants.items():
        own = forms_of(spec["languages"][key], f"/languages/{escaped(key)}", parameters, rules)
        variants[tag] = made(tag, completed(own, base), {})
    template = made(languages.first, base, variants)
    for each in () if stored else (template, *variants.values()):
        _check_examples(each)
    return template


def _check_examples(template: Template) -> None:
    """Filled with the examples of its language, a template keeps every limit."""
    try:
        check_parameters(template, {name: each.example for name, each in template.parameters.items()})
    except InvalidParameters as error:
        pointer, name = error.pointer, error.pointer.removeprefix("/parameters/")
        if name in template.parameters:
            pointer = example_pointer(template.parameters[name], name, template.language)
        raise InvalidTemplate(f"Filled with the examples: {error.message}", pointer) from None


def in_language(template: Template, language: str | None) -> Template:
    """The template in one of its languages; as it is where it has no variant for that."""
    return template.variants.get(language, template) if language is not None else template


def texts_by_language(template: Template) -> list[tuple[str | None, Text]]:
    """Every string that was written, once, with the language that it is in."""
    found = [(template.language, text) for text in template.texts]
    for tag, variant in template.variants.items():
        found += [(tag, text) for text in variant.texts if text.pointer.startswith("/languages/")]
    return found


def render_line(
    template: Template, parameters: Mapping[str, str], language: str | None = None
) -> tuple[bool, dict[str, Any]]:
    """What goes to LINE as a notification, without `to`: whether it is flexible, and the payload, a new dict.

    `parameters` come from check_parameters; `language`: where the template is not in the right one already. Raises
    InvalidTemplate if the template has no form for it.
    """
    if language is not None:
        template = in_language(template, language)
    if "line_template" in template.fills:
        return False, template.fills["line_template"](parameters)
    if "flexible" in template.fills:
        return True, {"messages": template.fills["flexible"](parameters)}
    raise InvalidTemplate(f"{template.name} has no LINE form: add line_template or flexible", "")


def render_push(
    template: Template, parameters: Mapping[str, str], language: str | None = None
) -> dict[str, Any]:
    """What goes to LINE as an ordinary push, without `to`: `push`, or `flexible` where that is not given."""
    if language is not None:
        template = in_language(template, language)
    if template.push_form is None:
        raise InvalidTemplate(f"{template.name} has no form for push: add push or flexible", "")
    return {"messages": template.fills[template.push_form](parameters)}


def render_sms(template: Template, parameters: Mapping[str, str], language: str | None = None) -> str:
    """The text of the SMS. Raises InvalidTemplate if the template has none."""
    if language is not None:
        template = in_language(template, language)
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
    """The parameters as texts, in the template's order, masked where it says so. Raises InvalidParameters with all
    that is wrong.

    Numbers are taken as texts. `pointer` is where in the caller's input the parameters stood. The limits are those
    of the template's language: `in_language` comes first.
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
            problem = problem_of(declared, text)
            values[name] = text if declared.mask is None or problem is not None else mask(declared.mask, text)
        if problem is not None:
            problems.append((f"{pointer}/{name}", f"{name} {problem}"))
    if len(parameters) > len(values):
        problems += _unknown(template, parameters, pointer)
    if not problems:
        problems = broken_rules(template, values, pointer)
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


def broken_rules(template: Template, values: Mapping[str, str], pointer: str) -> list[tuple[str, str]]:
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
            masked = [name for name in place.names if template.parameters[name].mask]
            blamed = next(iter(masked or place.names))
            remedy = "it is masked: take it out of the address" if masked else "percent-encode it"
            problems.append((
                f"{pointer}/{blamed}",
                f"{blamed} makes {place.rule.what} invalid ({place.pointer}): {remedy}",
            ))  # fmt: skip
    return problems


def _is_url(place: Place, parameters: dict[str, Parameter]) -> bool:
    """Nothing but one parameter that is an address already."""
    return not place.fixed and len(place.names) == 1 and parameters[place.names[0]].type is Type.URL
