"""The lists that ship with the demo: exactly the rows that are meant to be wrong are wrong."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

import todoke.samples
from todoke.core import template as templates
from todoke.core.errors import InvalidNumber, InvalidParameters
from todoke.core.phone import parse
from todoke.core.sms_text import segments
from todoke.core.template import Template, check_parameters, render_line, render_sms

HERE = Path(todoke.samples.__file__).parent

LISTS = {"tw_delivery": "TW", "th_delivery": "TH", "jp_shipment": "JP"}
ROWS = {"tw_delivery": (150, 1), "th_delivery": (80, 1), "jp_shipment": (71, 1)}
"""Rows, and how many of them stand there a second time."""

WRONG = {
    "tw_delivery": {
        "TW-2612-0139": "not_mobile",
        "TW-2612-0140": "lost_digits",
        "TW-2612-0141": "several_numbers",
        "TW-2612-0142": "not_a_number",
        "TW-2612-0143": "country_not_served",
        "TW-2612-0144": "invalid",
        "TW-2612-0145": "empty",
        "TW-2612-0146": "/parameters/name",
        "TW-2612-0147": "/parameters/place",
        "TW-2612-0148": "extension",
        "TW-2612-0149": "/parameters/arrived_at",
    },
    "th_delivery": {
        "TH-2612-0075": "not_mobile",
        "TH-2612-0076": "lost_digits",
        "TH-2612-0077": "several_numbers",
        "TH-2612-0078": "/parameters/tracking_number",
        "TH-2612-0079": "country_not_served",
    },
    "jp_shipment": {
        "JP-2612-0066": "not_mobile",
        "JP-2612-0067": "not_a_number",
        "JP-2612-0068": "invalid",
        "JP-2612-0069": "/parameters/date",
        "JP-2612-0070": "/parameters/date",
    },
}
POPULATION = {"tw_delivery": "+886910000", "th_delivery": "+66810000", "jp_shipment": "+818010000"}
"""Users 0 to 999 of the demo: prefixes +88691, +66810 and +81801 with a number padded with zeros."""


def rows(name: str) -> list[dict[str, str]]:
    with (HERE / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def template(name: str) -> Template:
    return templates.compile(json.loads((HERE / "templates" / f"{name}.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", LISTS)
def test_exactly_the_rows_that_are_meant_to_be_wrong_are_wrong(name: str) -> None:
    compiled = template(name)
    found: dict[str, str] = {}
    for row in rows(name):
        try:
            assert parse(row["phone"], LISTS[name]).country == LISTS[name]
            check_parameters(compiled, {key: row[key] for key in compiled.parameters})
        except InvalidNumber as error:
            found[row["reference"]] = error.reason
        except InvalidParameters as error:
            found[row["reference"]] = ", ".join(pointer for pointer, _ in error.problems)
    assert found == WRONG[name]


@pytest.mark.parametrize("name", LISTS)
def test_most_numbers_are_of_the_demos_users_and_some_of_nobody(name: str) -> None:
    good = [row for row in rows(name) if row["reference"] not in WRONG[name]]
    numbers = {parse(row["phone"], LISTS[name]).e164 for row in good}
    assert (len(rows(name)), len(good) - len(numbers)) == ROWS[name]
    known = sum(number.startswith(POPULATION[name]) for number in numbers)
    assert 0.8 < known / len(numbers) < 0.95


@pytest.mark.parametrize("name", LISTS)
def test_numbers_come_in_many_forms(name: str) -> None:
    shapes = {"".join("9" if c.isdigit() else c for c in row["phone"]) for row in rows(name)}
    assert len(shapes) > 20


@pytest.mark.parametrize("name", LISTS)
def test_a_good_row_fills_line_and_sms_and_the_sms_says_when_and_what_to_do_if_done(name: str) -> None:
    compiled = template(name)
    done = {
        "tw_delivery": "請忽略此訊息",
        "th_delivery": "โปรดละเว้นข้อความนี้",
        "jp_shipment": "無視してください",
    }
    for row in (row for row in rows(name) if row["reference"] not in WRONG[name]):
        filled = check_parameters(compiled, {key: row[key] for key in compiled.parameters})
        flexible, payload = render_line(compiled, filled)
        assert flexible == (name != "jp_shipment")
        assert row["tracking_number"] in json.dumps(payload)
        text = render_sms(compiled, filled)
        assert done[name] in text
        assert filled["date" if name == "jp_shipment" else "arrived_at"] in text
        assert segments(text).segments <= 3
        assert "{{" not in json.dumps([payload, text])


def test_the_templates_are_in_the_language_of_their_country() -> None:
    languages: dict[str, Any] = {name: template(name).languages for name in LISTS}
    assert languages == {"tw_delivery": ("zh-Hant",), "th_delivery": ("th",), "jp_shipment": ("ja",)}
