"""Prices that a business sets, and what an attempt costs by them."""

import re
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from todoke.core.routing import Step
from todoke.reports.prices import CATALOGUE, Prices, PricesError, amount, cost_of, load_prices
from todoke.storage.reporting import AttemptRow

DOCS = Path(__file__).parents[2] / "docs"


def loaded(tmp_path: Path, text: str) -> Prices:
    file = tmp_path / "prices.yaml"
    file.write_text(text, "utf-8")
    return load_prices(file)


def attempt(step: str, outcome: str | None, **more: object) -> AttemptRow:
    values: dict[str, object] = {field: None for field in AttemptRow.__struct_fields__}
    values |= {"id": "a", "notice_id": "n", "step_index": 0, "at": 1, "open": 0, "closes_at": 2}
    return AttemptRow(**(values | {"step": step, "outcome": outcome} | more))  # type: ignore[arg-type]


def test_without_a_file_the_catalogue_stands(tmp_path: Path) -> None:
    prices = load_prices(tmp_path / "none.yaml")
    for country in ("TW", "TH", "JP"):
        for step in Step:
            assert prices.of(country, step) == CATALOGUE.of(country, step)
    known = prices.of("TW", "sms")
    assert known is not None
    assert (known.lowest, known.highest) == (Decimal("0.8"), Decimal("2.0"))
    assert prices.of("JP", "sms") is None
    assert loaded(tmp_path, "# nothing yet\n").of("TW", "sms") == known


def test_a_carriers_own_price_goes_before_the_general_one_and_that_before_the_catalogue(
    tmp_path: Path,
) -> None:
    prices = loaded(
        tmp_path,
        """
- {country: TW, step: sms, currency: TWD, amount: 0.90}
- {country: TW, step: sms, carrier: tw_mitake, currency: TWD, amount: 0.85}
- {country: TH, step: sms, carrier: th_a, currency: THB, amount: 0.3}
""",
    )

    def low(country: str, step: str, carrier: str | None = None) -> Decimal | None:
        found = prices.of(country, step, carrier)
        return None if found is None else found.lowest

    assert low("TW", "sms") == low("TW", "sms", "tw_every8d") == Decimal("0.90")
    assert low("TW", "sms", "tw_mitake") == Decimal("0.85")
    assert low("TW", "line_notification") == Decimal("0.2")
    assert low("TH", "sms") is None
    assert low("TH", "sms", "th_a") == Decimal("0.3")


def test_the_example_and_the_manual_are_read(tmp_path: Path) -> None:
    prices = load_prices(DOCS / "examples" / "prices.yaml")
    found = prices.of("TW", "sms", "tw_mitake")
    assert found is not None
    assert found.lowest == found.highest == Decimal("0.85")
    manual = (DOCS / "operations.md").read_text("utf-8")
    (example,) = re.findall(r"## Prices.*?```yaml\n(.*?)```", manual, re.DOTALL)
    assert loaded(tmp_path, example).of("TH", "sms") is not None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("country: TW", "line 1: is no list"),
        ("- TW", "line 1: is no price"),
        ("-\n  country: TW\n  step: sms\n  amount: 1", "line 2: currency: is missing: add it"),
        ("- {country: TW, step: sms, currency: TWD}", "line 1: amount: is missing: add it, or lowest"),
        ("- {country: TW, step: sms, currency: TWD, lowest: 1}", "highest: is missing"),
        ("- {country: TW, step: sms, currency: TWD, amount: 1, lowest: 1}", "lowest: is there beside amount"),
        (
            "- country: TW\n  step: sms\n  currency: TWD\n  lowest: 2\n  highest: 1",
            "line 4: lowest: 2 is above",
        ),
        (
            "- {country: US, step: sms, currency: USD, amount: 1}",
            "country: 'US' is not served: use TW, TH, JP",
        ),
        ("- {country: TW, step: fax, currency: TWD, amount: 1}", "step: 'fax' is no step: use line_push"),
        ("- {country: TW, step: sms, currency: NT$, amount: 1}", r"currency: 'NT\$' is no currency"),
        ("- {country: TW, step: sms, currency: twd, amount: 1}", "currency: 'twd' is no currency"),
        ("- {country: TW, step: sms, currency: TWD, amount: -1}", "amount: '-1' is no amount"),
        ("- {country: TW, step: sms, currency: TWD, amount: 1e3}", "amount: '1e3' is no amount"),
        ("- {country: TW, step: sms, currency: TWD, amount: .nan}", "is no amount"),
        ("- {country: TW, step: sms, currency: TWD, amount: '1,5'}", "amount: '1,5' is no amount"),
        ("- {country: TW, step: sms, currency: TWD, amount: [1]}", "amount: must be a single value"),
        ("- {country: TW, step: sms, currency: TWD, amount: 1, per: 2}", "per: is unknown: remove it"),
        ("- {country: TW, country: TH, step: sms}", "country: is there twice"),
        (
            "- {country: TW, step: line_push, carrier: x, currency: TWD, amount: 1}",
            "carrier: can't stand beside",
        ),
        ("- {country: TW, step: sms, carrier: Mitake, currency: TWD, amount: 1}", "carrier: is no name"),
        ("- {country: TW, step: sms, currency: TWD, amount: 1}\n" * 2, "line 2: says the same .* as line 1"),
        ("- {country: [", "line [0-9]+: is not YAML"),
        ("[" * 5000, "is not YAML"),
    ],
)
def test_a_wrong_price_is_refused_with_line_field_and_remedy(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(PricesError, match=says) as caught:
        loaded(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path / "prices.yaml"))


def test_a_price_list_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "prices.yaml"
    file.write_bytes(b"\xa4\xa4")
    with pytest.raises(PricesError, match="UTF-8"):
        load_prices(file)
    file.write_bytes(b"#" * 300_000)
    with pytest.raises(PricesError, match="256 KiB"):
        load_prices(file)
    with pytest.raises(PricesError, match="can't be read"):
        load_prices(tmp_path)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_bytes(text.encode("utf-8", "replace"))
    with suppress(PricesError):
        assert load_prices(file).of("TW", "line_notification") is not None


def test_amounts_are_exact(tmp_path: Path) -> None:
    prices = loaded(
        tmp_path,
        """
- {country: TW, step: sms, currency: TWD, amount: 0.1}
- {country: TH, step: sms, currency: THB, amount: 0.0125}
- {country: JP, step: sms, currency: JPY, lowest: 8, highest: 10}
""",
    )

    def shown(country: str, units: int) -> dict[str, object]:
        known = prices.of(country, "sms")
        assert known is not None
        return amount(known, units)

    assert shown("TW", 3) == {"amount": "0.30", "currency": "TWD"}
    assert shown("TH", 3) == {"amount": "0.0375", "currency": "THB"}
    assert shown("JP", 3) == {"amount": "24.00", "amount_at_most": "30.00", "currency": "JPY"}


@pytest.mark.parametrize(
    ("step", "outcome", "more", "cost"),
    [
        ("line_push", "accepted", {}, "0.15"),
        ("line_push", "unknown", {}, None),
        ("line_push", "failed", {"request_id": "r"}, None),
        ("line_push", None, {}, None),
        ("callback", "accepted", {}, "0.01"),
        ("callback", "unknown", {}, None),
        ("line_notification", "accepted", {}, None),
        ("line_notification", "late", {"proof_at": 5}, "0.20"),
        ("sms", "accepted", {"units": 2}, "1.80"),
        ("sms", "unknown", {}, "0.90"),
        ("sms", "failed", {}, None),
        ("sms", "failed", {"request_id": "m-1"}, "0.90"),
        ("sms", "throttled", {}, None),
    ],
)
def test_what_an_attempt_costs(
    tmp_path: Path, step: str, outcome: str | None, more: dict[str, object], cost: str | None
) -> None:
    prices = loaded(
        tmp_path,
        """
- {country: TW, step: line_push, currency: TWD, amount: 0.15}
- {country: TW, step: callback, currency: TWD, amount: 0.01}
- {country: TW, step: sms, currency: TWD, amount: 0.90}
- {country: TW, step: sms, carrier: cheap, currency: TWD, amount: 0.10}
""",
    )
    found = cost_of(attempt(step, outcome, **more), "TW", prices)
    assert (None if found is None else found["amount"]) == cost


def test_cost_knows_the_carrier_and_says_when_a_price_is_unknown(tmp_path: Path) -> None:
    prices = loaded(tmp_path, "- {country: TW, step: sms, carrier: cheap, currency: TWD, amount: 0.10}")
    sms = attempt("sms", "delivered", proof_at=3)
    cheap = msgspec.structs.replace(sms, carrier="cheap")
    assert cost_of(cheap, "TW", prices) == {"step": "sms", "amount": "0.10", "currency": "TWD"}
    assert cost_of(cheap, "JP", prices) == {"step": "sms", "amount": None, "currency": None}
    unknown = {"step": "line_push", "amount": None, "currency": None}
    assert cost_of(attempt("line_push", "accepted"), "JP", prices) == unknown
    assert cost_of(attempt("callback", "accepted"), "JP", prices) is None
