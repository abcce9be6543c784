"""Sees in a microsecond that the parameters of a list's row are fine, as nearly all are.

Whether they are is said by `core.template.check_parameters`, and so is everything about those that are not. What is
the same for all rows is worked out once here.
"""

from collections.abc import Mapping, Sequence

import msgspec

from todoke.core.masking import mask
from todoke.core.template import Template, broken_rules
from todoke.core.template_values import Type, fitting, problem_of

_json = msgspec.json.Encoder().encode


class QuickCheck:
    """For one template in one of its languages, and one order of columns."""

    def __init__(self, template: Template, places: Mapping[str, int]) -> None:
        """`places`: of each parameter, in which cell of a row it stands."""
        self._template = template
        self._may_pass = set(places) == set(template.parameters)
        self._plan = [
            (
                name,
                places[name],
                each.max,
                each.max // 2,
                None if each.type is Type.TEXT else fitting(each.type),
                each.mask,
                each,
            )
            for name, each in template.parameters.items()
            if name in places
        ]
        # Values of up to so many characters leave room everywhere.
        self._room = min((place.safe for place in template.limited), default=1 << 30) // 2
        self._has_urls = bool(template.urls)

    def values(self, row: Sequence[str]) -> dict[str, str] | None:
        """The parameters of a row, as `check_parameters` gives them. None says nothing: ask that.

        `row` has all the cells in which parameters stand; spaces around a value are no part of it.
        """
        if not self._may_pass:
            return None
        values: dict[str, str] = {}
        longest = 0
        for name, at, most, short, fits, masked, parameter in self._plan:
            text = row[at].strip()
            length = len(text)
            is_short = length <= short or (length <= most and text.isascii())
            if not is_short or not length or not text.isprintable():
                if problem_of(parameter, text) is not None:
                    return None
            elif fits is not None and not fits(text):
                return None
            values[name] = text = text if masked is None else mask(masked, text)
            if len(text) > longest:
                longest = len(text)
        if (longest > self._room or self._has_urls) and broken_rules(self._template, values, ""):
            return None
        return values

    def columns(self, cells: Sequence[Sequence[str]], odd: set[int]) -> dict[str, list[str]] | None:
        """By parameter the values of many rows, of which `values` would find each in order. None says nothing.

        `cells`: by column. Adds the places of rows to `odd` of which it can't tell.
        """
        if not self._may_pass or not self._plan or self._has_urls:
            return None
        values: dict[str, list[str]] = {}
        for name, at, most, short, fits, masked, _ in self._plan:
            texts = list(map(str.strip, cells[at]))
            joined = "".join(texts)
            room = most if joined.isascii() else short
            if not (all(texts) and joined.isprintable() and max(map(len, texts)) <= room):
                odd.update(n for n, x in enumerate(texts) if not x or len(x) > room or not x.isprintable())
            if fits is not None:
                odd.update(n for n, x in enumerate(texts) if not fits(x))
            if masked is not None:
                texts = ["" if n in odd else mask(masked, x) for n, x in enumerate(texts)]
            if max(map(len, texts)) > self._room:
                odd.update(n for n, x in enumerate(texts) if len(x) > self._room)
            values[name] = texts
        return values

    @staticmethod
    def written(values: Mapping[str, Sequence[str]]) -> list[str]:
        """Such values as the JSON of each row's parameters."""
        columns = []
        for texts in values.values():
            joined = "".join(texts)
            # Else a printable text stands in JSON as it is.
            plain = '"' not in joined and "\\" not in joined and joined.isprintable()
            columns.append(texts if plain else [_json(_sound(text)).decode()[1:-1] for text in texts])
        form = ",".join(f'"{name}":"%s"' for name in values)
        return [f"{{{form}}}" % row for row in zip(*columns, strict=True)]


def _sound(text: str) -> str:
    """Half a character can't be written; no row that has one is ready."""
    return text if text.isprintable() else ""
