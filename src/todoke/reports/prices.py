"""What messages cost. Amounts are exact, per currency, never added up over currencies; unknown stays unknown."""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

import line_catalogue
from line_catalogue import Price
from todoke.core.routing import Step
from todoke.storage.reporting import AttemptRow

_MAX_BYTES = 256 * 1024
_MANUAL = "see Prices in docs/operations.md"
_AMOUNT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")
_CARRIER = re.compile(r"[a-z][a-z0-9_]{0,31}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_FIELDS = ("country", "step", "carrier", "currency", "amount", "lowest", "highest")
_SHOWN = frozenset({"accepted", "delivered", "late", "silent"})


class PricesError(Exception):
    """A price list that can't be used; the text names file, line, field and remedy."""

    def __init__(self, file: str, line: int | None, field: str, problem: str) -> None:
        places = [file, "" if line is None else f"line {line}", field]
        super().__init__(f"{': '.join(place for place in places if place)}: {problem}")
        self.line = line
        self.field = field


class Prices:
    """The prices that a business set, and behind them those of the catalogue."""

    def __init__(self, own: Iterable[tuple[str | None, Price]] = ()) -> None:
        """`own`: prices with the carrier that each is for, None for any carrier."""
        self._known = {(p.country, p.step, None): p for p in line_catalogue.prices()} | {
            (p.country, p.step, carrier): p for carrier, p in own
        }

    def of(self, country: str, step: str, carrier: str | None = None) -> Price | None:
        """The price of one message (SMS: one segment); None where it is unknown. A carrier's own goes first."""
        found = self._known.get((country, str(step), carrier))
        return found if found is not None else self._known.get((country, str(step), None))


CATALOGUE = Prices()
"""Public prices only."""


def amount(known: Price, units: int) -> dict[str, Any]:
    """An amount as JSON: one figure, or a range where the price is one."""
    return amount_of(known.currency, known.lowest * units, known.highest * units)


def amount_of(currency: str, low: Decimal, high: Decimal) -> dict[str, Any]:
    """A sum as JSON: one figure, or a range."""
    shown: dict[str, Any] = {"amount": _text(low), "currency": currency}
    if high != low:
        shown["amount_at_most"] = _text(high)
    return shown


def _text(value: Decimal) -> str:
    """At least two decimals, and all that there are: nothing is rounded."""
    text = f"{value:f}"
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def cost_of(attempt: AttemptRow, country: str, prices: Prices) -> dict[str, Any] | None:
    """What an attempt costs; None where nothing is charged.

    LINE charges for notifications that were shown and for pushes that it accepted, an SMS carrier for what it
    took. The business's own system charges nothing, unless the business set a price.
    """
    known = prices.of(country, attempt.step, attempt.carrier)
    if attempt.step == Step.LINE_NOTIFICATION and attempt.proof_at is None:
        return None
    if attempt.step in (Step.LINE_PUSH, Step.CALLBACK) and attempt.outcome not in _SHOWN:
        return None
    if attempt.step == Step.CALLBACK and known is None:
        return None
    not_taken = attempt.outcome is None or (attempt.outcome == "failed" and attempt.request_id is None)
    if not_taken or attempt.outcome in ("unreachable", "invalid", "denied", "throttled"):
        return None
    if known is None:
        return {"step": attempt.step, "amount": None, "currency": None}
    return {"step": attempt.step, **amount(known, attempt.units or 1)}


def load_prices(path: Path | str) -> Prices:
    """The prices in a YAML file (`docs/operations.md`), or the catalogue's alone if there is no file.

    Raises PricesError.
    """
    file = str(path)
    try:
        with Path(path).open("rb") as opened:
            content = opened.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return CATALOGUE
    except OSError as exc:
        raise PricesError(file, None, "", f"can't be read: {exc.strerror}") from exc
    if len(content) > _MAX_BYTES:
        raise PricesError(file, None, "", "is over 256 KiB: that is no list of prices")
    try:
        root = yaml.compose(content.decode("utf-8-sig"), Loader=yaml.SafeLoader)
    except UnicodeDecodeError as exc:
        raise PricesError(file, None, "", "is not UTF-8: save it as UTF-8") from exc
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        mark = getattr(exc, "problem_mark", None)
        problem = getattr(exc, "problem", None) or "unreadable"
        raise PricesError(
            file, None if mark is None else mark.line + 1, "", f"is not YAML ({problem})"
        ) from exc
    return Prices(_rows(file, root))


def _rows(file: str, root: yaml.Node | None) -> Iterator[tuple[str | None, Price]]:
    if root is None:
        return
    if not isinstance(root, yaml.SequenceNode):
        raise PricesError(file, _line(root), "", f"is no list: begin each price with a dash, {_MANUAL}")
    seen: dict[tuple[str, str, str | None], int] = {}
    for node in root.value:
        row = _Row(file, node)
        carrier, found = row.read()
        key = (found.country, found.step, carrier)
        if key in seen:
            raise PricesError(
                file, row.line, "", f"says the same country, step and carrier as line {seen[key]}: remove one"
            )
        seen[key] = row.line
        yield carrier, found


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


class _Row:
    """One price as it is written. The scalars are taken as text, so 0.10 stays 0.10 and NO stays NO."""

    def __init__(self, file: str, node: yaml.Node) -> None:
        self._file = file
        self.line = _line(node)
        self._fields: dict[str, tuple[str, int]] = {}
        if not isinstance(node, yaml.MappingNode):
            raise PricesError(
                file, self.line, "", f"is no price: write country, step, currency, amount; {_MANUAL}"
            )
        for key, value in node.value:
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
            if name not in _FIELDS:
                raise PricesError(
                    file, _line(key), name[:40], f"is unknown: remove it; known here: {', '.join(_FIELDS)}"
                )
            if name in self._fields:
                raise PricesError(file, _line(key), name, "is there twice: remove one")
            if not isinstance(value, yaml.ScalarNode):
                raise PricesError(file, _line(key), name, "must be a single value")
            self._fields[name] = (str(value.value), _line(key))

    def read(self) -> tuple[str | None, Price]:
        served = line_catalogue.countries()
        country = self._text("country")
        if country not in served:
            raise self._wrong("country", f"{country[:20]!r} is not served: use {', '.join(served)}")
        step = self._text("step")
        if step not in tuple(Step):
            raise self._wrong("step", f"{step[:40]!r} is no step: use {', '.join(Step)}")
        carrier = self._text("carrier") if "carrier" in self._fields else None
        if carrier is not None and step != Step.SMS:
            raise self._wrong(
                "carrier", f"can't stand beside {step}: only sms has several carriers, remove it"
            )
        if carrier is not None and not _CARRIER.fullmatch(carrier):
            raise self._wrong("carrier", "is no name of a carrier: lower-case letters, digits and _")
        currency = self._text("currency")
        if not _CURRENCY.fullmatch(currency):
            raise self._wrong("currency", f"{currency[:20]!r} is no currency: write three letters, as in TWD")
        lowest, highest = self._amounts()
        return carrier, Price(country=country, step=step, currency=currency, lowest=lowest, highest=highest)

    def _amounts(self) -> tuple[Decimal, Decimal]:
        if "amount" in self._fields:
            for name in ("lowest", "highest"):
                if name in self._fields:
                    raise self._wrong(
                        name, "is there beside amount: give either amount, or lowest and highest"
                    )
            exact = self._decimal("amount")
            return exact, exact
        if not {"lowest", "highest"} & self._fields.keys():
            raise PricesError(
                self._file, self.line, "amount", "is missing: add it, or lowest and highest for a range"
            )
        lowest, highest = self._decimal("lowest"), self._decimal("highest")
        if lowest > highest:
            raise self._wrong("lowest", f"{lowest} is above highest {highest}: swap them")
        return lowest, highest

    def _decimal(self, name: str) -> Decimal:
        text = self._text(name)
        if not _AMOUNT.fullmatch(text):
            raise self._wrong(name, f"{text[:20]!r} is no amount: write digits and a dot, as in 0.85")
        return Decimal(text)

    def _text(self, name: str) -> str:
        if name not in self._fields:
            raise PricesError(self._file, self.line, name, f"is missing: add it, {_MANUAL}")
        return self._fields[name][0]

    def _wrong(self, name: str, problem: str) -> PricesError:
        return PricesError(self._file, self._fields[name][1], name, problem)
