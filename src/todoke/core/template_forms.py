"""The forms of a template in one language: read, and completed by those of the template's own language."""

from collections.abc import Mapping
from typing import Any

import msgspec

from todoke.core.template_limits import Rules
from todoke.core.template_reader import Fill, Place, Reader, Text, constant, in_gsm, is_gsm
from todoke.core.template_shape import FORMS
from todoke.core.template_values import BIND_LINK, Parameter


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """One form in one language."""

    fill: Fill
    texts: tuple[Text, ...]
    places: tuple[Place, ...]

    @property
    def has_link(self) -> bool:
        return any(BIND_LINK in text.names for text in self.texts)


def forms_of(
    node: Mapping[str, Any], pointer: str, parameters: dict[str, Parameter], rules: Rules
) -> dict[str, Form]:
    """The forms that stand in the template's JSON, or in a variant's, in their order."""
    reader = Reader(parameters, rules)
    forms: dict[str, Form] = {}
    for name in FORMS:
        if node.get(name) is not None:
            texts, places = len(reader.texts), len(reader.places)
            fixed, fill = reader.tree(node[name], f"{pointer}/{name}")
            its = reader.places[places:]
            if name == "sms" and fill and is_gsm(fixed) and any(x.mask for x in parameters.values()):
                fill = in_gsm(fill)
                its = [msgspec.structs.replace(place, fill=in_gsm(place.fill)) for place in its]
            forms[name] = Form(
                fill=fill or constant(fixed), texts=tuple(reader.texts[texts:]), places=tuple(its)
            )
    return forms


def completed(own: dict[str, Form], base: dict[str, Form]) -> dict[str, Form]:
    """A variant's forms, and those of the template's own language that it lacks.

    Its own flexible messages are in the right language, so no other form of that step, or of push, goes before them.
    """
    instead = ("line_template", "push") if "flexible" in own else ()
    return {
        name: own.get(name) or base[name]
        for name in FORMS
        if name in own or (name in base and name not in instead)
    }
