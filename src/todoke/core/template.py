"""Our templates: what a notice says in each form, with `{{name}}` where a parameter goes.

`compile` reads the JSON of a template once. A compiled template fills its forms for every row of a list of
millions, so what has no parameter in it is built once and shared between payloads: change nothing inside one.
Filling is literal: a value that holds `{{x}}` is shown as just that.
"""

import re
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

import msgspec

from todoke.core.errors import InvalidParameters, InvalidTemplate
from todoke.core.sms_text import segments
from todoke.core.template_shape import FORMS, SMS_PARTS, Rule, Rules, escaped, rules_of
from todoke.core.template_values import Parameter, Type, as_text, parameters_of, problem_of, utf16_length

MAX_HOLES = 200
"""Places for parameters in one template: with MAX_VALUE it bounds what a filled one can come to."""

Fill = Callable[[Mapping[str, str]], Any]
"""Makes the filled form from checked parameters."""


class Text(msgspec.Struct, frozen=True):
    """One string of a template as it was written."""

    pointer: str
    text: str
    names: tuple[str, ...]
    """The parameters in it, in order, with repeats."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A text with parameters, and the rule that it must keep when they are filled in."""

    pointer: str
    rule: Rule
    names: tuple[str, ...]
    fixed: int
    """Length of what is not a parameter."""
    safe: int
    """A value as long as this can't break the rule, in whichever parameter."""
    fill: Fill


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
    reader = _Reader(parameters, rules)
    fills: dict[str, Fill] = {}
    for form in FORMS:
        if spec.get(form) is not None:
            fixed, fill = reader.tree(spec[form], "/" + form)
            fills[form] = fill or _constant(fixed)
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
    known = _some(list(template.parameters))
    return [
        (f"{pointer}/{escaped(name)}", f"{name!r} is no parameter of this template, which has {known}")
        for name in unknown[:20]
    ]


def _broken_rules(template: Template, values: Mapping[str, str], pointer: str) -> list[tuple[str, str]]:
    """Texts that came out too long, addresses that came out as none. The longest value gets the blame."""
    problems = []
    longest = 2 * max(map(len, values.values()), default=0)
    for place in template.limited:
        if place.safe >= longest:
            break
        length = place.fixed + sum(_length(values[name], place.rule) for name in place.names)
        if length > place.rule.limit and not (place.rule.sms and _few_parts(place.fill(values))):
            blamed = max(place.names, key=lambda name: len(values[name]))
            limit = f"{SMS_PARTS} SMS" if place.rule.sms else f"{place.rule.limit} {_unit(place.rule)}"
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


def _is_url(place: Place, parameters: dict[str, Parameter]) -> bool:
    """Nothing but one parameter that is an address already."""
    return not place.fixed and len(place.names) == 1 and parameters[place.names[0]].type is Type.URL


def _length(text: str, rule: Rule) -> int:
    return len(msgspec.json.encode(text)) - 2 if rule.container else utf16_length(text)


def _unit(rule: Rule) -> str:
    return "bytes" if rule.container else "characters"


def _few_parts(text: str) -> bool:
    return segments(text).segments <= SMS_PARTS


def _some(names: list[str]) -> str:
    return ", ".join(names[:8]) + (" …" if len(names) > 8 else "") if names else "none"


def _constant(value: Any) -> Fill:
    # The caller adds `to` to the outermost dict, so that one is never shared.
    return (lambda values: dict(value)) if isinstance(value, dict) else (lambda values: value)


_HOLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


class _Reader:
    """Turns the JSON of a form into functions, and gathers on its way what is to be known about the texts."""

    def __init__(self, parameters: dict[str, Parameter], rules: Rules) -> None:
        self.parameters = parameters
        self.rules = rules
        self.texts: list[Text] = []
        self.places: list[Place] = []
        self.holes: list[str] = []

    def tree(self, node: Any, pointer: str) -> tuple[Any, Fill | None]:
        """The node as it is without parameters, and what fills it: None where it has none."""
        before = len(self.holes)
        if isinstance(node, str):
            return self.string(node, pointer)
        if isinstance(node, dict):
            fixed: Any = {}
            parts: list[tuple[Any, Fill]] = []
            for key, child in node.items():
                fixed[key], fill = self.tree(child, f"{pointer}/{escaped(key)}")
                if fill:
                    parts.append((key, fill))
        elif isinstance(node, list):
            fixed, parts = [], []
            for n, child in enumerate(node):
                plain, fill = self.tree(child, f"{pointer}/{n}")
                fixed.append(plain)
                if fill:
                    parts.append((n, fill))
        else:
            return node, None
        whole = _filler(fixed, parts) if parts else None
        if pointer in self.rules:
            self.keep_rule(pointer, tuple(self.holes[before:]), len(msgspec.json.encode(fixed)), whole)
        return fixed, whole

    def string(self, text: str, pointer: str) -> tuple[str, Fill | None]:
        """A text as it is without parameters (empty in their place), and what fills it."""
        pieces = _HOLE.split(text)
        fixed, names = pieces[::2], tuple(name.strip() for name in pieces[1::2])
        if any("{{" in piece or "}}" in piece for piece in fixed):
            raise InvalidTemplate("Braces without their other half: write {{name}}", pointer)
        for name in names:
            if name not in self.parameters:
                known = _some(list(self.parameters))
                raise InvalidTemplate(
                    f"{{{{{name[:40]}}}}} is not declared: add it under parameters, which has {known}",
                    pointer,
                )
        if names and pointer.endswith("/type"):
            raise InvalidTemplate("A parameter can't stand in a type", pointer)
        self.holes += names
        if len(self.holes) > MAX_HOLES:
            raise InvalidTemplate(f"More than {MAX_HOLES} places for parameters: use fewer", pointer)
        self.texts.append(Text(pointer, text, names))
        plain = "".join(fixed)
        fill = _text_filler(fixed, names) if names else None
        self.keep_rule(pointer, names, utf16_length(plain), fill or _constant(plain))
        return plain, fill

    def keep_rule(self, pointer: str, names: tuple[str, ...], fixed: int, fill: Fill | None) -> None:
        """Refuses a text whose fixed part breaks its rule; notes the others, to be looked at when filled."""
        rule = self.rules.get(pointer)
        if rule is None:
            return
        text = fill({name: "" for name in names}) if fill and not rule.container else ""
        # A value is never empty, so each takes one character at least.
        if fixed + len(names) > rule.limit and not (rule.sms and _few_parts(text)):
            limit = f"{SMS_PARTS} SMS" if rule.sms else f"{rule.limit} {_unit(rule)}"
            raise InvalidTemplate(
                f"{rule.what} is too long ({fixed + len(names)}, at most {limit}): shorten it", pointer
            )
        if names and fill:
            # A value is taken for twice its characters, which UTF-16 never exceeds, nor half of JSON's bytes.
            safe = (rule.limit - fixed) // len(names) // (2 if rule.container else 1)
            self.places.append(
                Place(pointer=pointer, rule=rule, names=names, fixed=fixed, safe=safe, fill=fill)
            )
        elif rule.url and not rule.url.fullmatch(text):
            raise InvalidTemplate("Not an address: write https://…, percent-encoded", pointer)


def _filler(fixed: Any, parts: list[tuple[Any, Fill]]) -> Fill:
    """Copies a dict or list and fills only those entries that hold parameters."""

    def fill(values: Mapping[str, str]) -> Any:
        filled = fixed.copy()
        for key, part in parts:
            filled[key] = part(values)
        return filled

    return fill


def _text_filler(fixed: list[str], names: tuple[str, ...]) -> Fill:
    if len(names) == 1 and not any(fixed):
        return itemgetter(names[0])
    # The % operator is the quickest way to fill by name, and does not look into the values.
    pieces = [fixed[0].replace("%", "%%")]
    for name, after in zip(names, fixed[1:], strict=True):
        pieces += (f"%({name})s", after.replace("%", "%%"))
    return "".join(pieces).__mod__
