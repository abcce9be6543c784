"""The quick way of a list's rows gives what `make_notice` gives, or nothing; plain rows go the quick way."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from notice_support import START, policy
from todoke.actions.intake import Target
from todoke.actions.live import OPEN, Gate
from todoke.actions.policies import Choice
from todoke.core.columns import Columns
from todoke.core.content.timing import Timing
from todoke.core.list_rows import OF_EACH, Rows, Taken
from todoke.core.template import compile
from todoke.storage.batches import Batch
from todoke.storage.channels import Channel
from todoke.storage.content import TemplateRow
from todoke.storage.desks import Checked, built_in
from todoke.storage.sources import Source

CHECK = built_in()
TEXT = {"type": "text", "text": "{{name}} 您好,{{day}} {{clock}} {{sum}} {{count}} {{at}} {{link}}"}
SPEC: dict[str, Any] = {
    "name": "all types",
    "use_case": "delivery",
    "language": "zh-Hant",
    "parameters": {
        "name": {"type": "text", "example": "王小明", "max": 9},
        "secret": {"type": "text", "example": "王小明", "mask": "name"},
        "day": {"type": "date", "example": "2026-08-10"},
        "clock": {"type": "time", "example": "14:00"},
        "sum": {"type": "amount", "example": "NT$300"},
        "count": {"type": "number", "example": "12"},
        "at": {"type": "datetime", "example": "2026-08-08 14:00", "event": True},
        "link": {"type": "url", "example": "https://shop.example/1"},
        "key": {"type": "text", "example": "a1"},
    },
    "line_template": {
        "templateKey": "k",
        "body": {
            "items": [{"itemKey": "i", "content": "{{secret}} {{key}}"}],
            "buttons": [{"buttonKey": "b", "url": "https://a.example/t?n={{key}}"}],
        },
    },
    "flexible": [TEXT],
    "sms": "{{name}} {{day}} {{clock}} {{sum}} {{count}} {{at}} {{link}}",
    "languages": {"th": {"sms": "{{name}} {{day}} {{count}}"}, "en": {"sms": "{{name}}: {{sum}}"}},
}
PLAIN = {**SPEC, "language": None, "languages": None}
PLAIN["parameters"] = {"name": SPEC["parameters"]["name"], "key": SPEC["parameters"]["key"]}
PLAIN |= {
    "line_template": None,
    "flexible": [{"type": "text", "text": "{{name}} {{key}}"}],
    "sms": "{{name}}",
}
PLAIN = {k: v for k, v in PLAIN.items() if v is not None}


TYPED = {name: value for name, value in SPEC.items() if name != "line_template"}


class OneId:
    """The same id each time, so that notices can be compared."""

    def new(self) -> str:
        return "ID"

    def several(self, count: int) -> Iterator[str]:
        return iter(["ID"] * count)


def target(spec: dict[str, Any], **changes: Any) -> Target:
    template = compile(spec)
    values = {
        "account_id": "A",
        "channel": Channel(
            id="C", account_id="A", name="Parcels", region="TW", line_channel_id="1", secret=b"",
            access_token=None, private_key=None, mode="live", test_numbers="[]", rate=2000, created_at=START,
        ),
        "template_row": TemplateRow(
            id="T", account_id="A", channel_id="C", name=spec["name"], version=1, use_case="delivery", spec="",
            created_at=START,
        ),
        "template": template,
        "policy_id": "P",
        "policy": policy("line_notification 4h", "sms 72h"),
        "choice": Choice(why=""),
        "gate": OPEN,
        "checked": Checked(check=CHECK, findings=(), standing=(), values=CHECK.values(template, "TW")),
        "timing": Timing.NONE,
    }  # fmt: skip
    return Target(**{**values, **changes})


def columns(spec: dict[str, Any], **changes: Any) -> Columns:
    """Number, reference, language, event_at, and then the parameters, the last one first."""
    names = list(reversed(spec["parameters"]))
    return msgspec.structs.replace(
        Columns(
            number=0, reference=1, language=2, event_at=3, width=4 + len(names),
            parameters=tuple((name, 4 + names.index(name)) for name in spec["parameters"]),
        ),
        **changes,
    )  # fmt: skip


BATCH = Batch(
    id="B", account_id="A", channel_id="C", template_id="T", policy_id="P", file_name="x", encoding="utf-8",
    columns="", size=0, created_at=START,
)  # fmt: skip
GATE = Gate("not live: because", frozenset({"+886912345678"}))
SOURCE = Source(id="S", account_id="A", name="shop", created_at=START, **{
    x: None for x in Source.__struct_fields__ if x not in ("id", "account_id", "name", "created_at")
})  # fmt: skip
SETTINGS: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any], Batch]] = [
    (SPEC, {}, {}, BATCH),
    (
        SPEC,
        {"timing": Timing.COMPLETION, "policy": policy("sms 72h", deadline=1000), "source": SOURCE},
        {},
        BATCH,
    ),
    (SPEC, {"timing": Timing.REMINDER, "gate": GATE}, {"event_at": None}, BATCH),
    (SPEC, {}, {"language": None, "reference": None}, msgspec.structs.replace(BATCH, language="th")),
    (PLAIN, {"gate": GATE}, {"event_at": None}, BATCH),
    (PLAIN, {}, {"parameters": (("name", 4),)}, BATCH),
    (PLAIN, {}, {"event_at": None}, BATCH),
    (TYPED, {"timing": Timing.COMPLETION, "policy": policy("sms 72h", deadline=1000)}, {}, BATCH),
    (TYPED, {"timing": Timing.REMINDER}, {"event_at": None, "reference": None, "language": None}, BATCH),
]
BY_COLUMNS = (6, 7, 8)
"""Those in which many rows can be looked at together."""


def both(setting: int) -> tuple[Rows, Rows]:
    """What makes notices of rows in this setting, twice: the content check of each remembers for itself."""
    spec, changes, placed, batch = SETTINGS[setting]
    first, second = (
        Rows(target(spec, **changes).terms(), batch.language, columns(spec, **placed), START, OneId())
        for _ in range(2)
    )
    return first, second


ROWS = [both(n) for n in range(len(SETTINGS))]
FINE = ["0912345678", "R-1", "", "", "a1", "https://shop.example/1", "2026-08-07 14:00", "12", "NT$300", "14:00",
        "2026-08-10", "王小明", "林雅婷"]  # fmt: skip
HOSTILE = [
    *("", " ", "\t", "\n", "\u3000", "\u202e", "\u2028", "\x07", "\ufeff", "\u200d", "王\n明", "x" * 10, "x" * 5001),
    *("🙂" * 4, "🙂" * 5, "👨‍👩‍👧", "=1+1", "<b>", "{{x}}", "%", "\ud800", "王 小明", "0", "-", "+886912345678"),
    *("2026-02-30", "2569-08-07", "8月10日", "25:00", "24:00", "NT$", "1,2,3", "1.2.3", "4711-0815", "²"),
    *("http://", "https://u@h.example/", "https://h.example/?a=好", "line://x", "A123456789", "4111111111111111"),
    *("限時特價 買一送一", "中獎", "th", "TH_th", "en-US", "ja", "xx", "no language", "zh-tw", "02-2345-6789"),
    *("2026-08-07T14:00:00+08:00", "2026-08-06 09:00", "2026-08-20 09:00", "1969-01-01", "2101-01-01", "soon"),
    *("0912-345-678", "０９１２３４５６７８", "'0912345678", "912345678.0", "8.86912E+11", "0922345678"),
]  # fmt: skip


def fine_row(setting: int) -> list[str]:
    return FINE if SETTINGS[setting][0] is not PLAIN else [*FINE[:5], FINE[-1]]


def compared(setting: int, row: list[str]) -> Taken | None:
    """What the quick ways give, after they were held to the slow one."""
    rows, others = ROWS[setting]
    (quick,), (by_columns,) = rows.quickly([row], ["ID"]), rows.by_columns([row], ["ID"])
    said = others.slowly(row, "ID")
    assert quick is None or quick == said, row
    assert by_columns is None or by_columns == said, row
    assert rows.take([row]) == [said], row
    return quick


def test_a_cell_of_any_kind_in_any_column_comes_to_the_same() -> None:
    for setting in range(len(SETTINGS)):
        fine = fine_row(setting)
        for column in range(len(fine)):
            for cell in HOSTILE:
                compared(setting, [*fine[:column], cell, *fine[column + 1 :]])


@settings(max_examples=400, deadline=None)
@given(
    st.integers(0, len(SETTINGS) - 1),
    st.lists(st.sampled_from(["", *HOSTILE]) | st.text(max_size=12) | st.none(), min_size=13, max_size=13),
)
@example(0, [None] * 13)
def test_any_row_comes_to_the_same(setting: int, cells: list[str | None]) -> None:
    fine = fine_row(setting)
    compared(setting, [x if cell is None else cell for x, cell in zip(fine, cells, strict=False)])


def test_rows_taken_together_come_to_what_each_comes_to_by_itself() -> None:
    for setting in range(len(SETTINGS)):
        fine = fine_row(setting)
        table = [
            [*fine[:column], cell, *fine[column + 1 :]]
            for cell in ["", *HOSTILE, ""]
            for column in range(len(fine))
        ]
        together, alone = both(setting)
        expected = [alone.slowly(row, "ID") for row in table]
        assert together.take(table) == expected
        # Odd rows among plain ones leave those to the quickest way.
        mixed = [row for each in table for row in (each, fine, fine)]
        said = alone.slowly(fine, "ID")
        assert together.take(mixed) == [x for each in expected for x in (each, said, said)]
        quick = together.by_columns(mixed, ["ID"] * len(mixed))
        assert sum(x is not None for x in quick) >= 2 * len(table) or setting not in BY_COLUMNS


@pytest.mark.parametrize("setting", [0, 1, 2, 3, 4, *BY_COLUMNS])
def test_plain_rows_go_the_quick_way(setting: int) -> None:
    fine = fine_row(setting)
    changed = [
        (1, ""),
        (2, "th"),
        (2, "zh-TW"),
        (len(fine) - 1, "李"),
        (0, "0912-345-678"),
        (0, "+886 912 345 678"),
    ]
    for column, cell in changed:
        language = SETTINGS[setting][0].get("language")
        if column == 2 and language is None:
            continue
        found = compared(setting, [*fine[:column], cell, *fine[column + 1 :]])
        assert found is not None, (column, cell)
        notice = dict(zip(OF_EACH, found, strict=True))
        assert notice["number"] == "+886912345678"
        assert list(json.loads(str(notice["parameters"]))) == list(SETTINGS[setting][0]["parameters"])


def test_a_row_may_end_before_its_last_columns_and_have_empty_cells_behind_them() -> None:
    rows, _ = ROWS[4]
    width = 4 + len(PLAIN["parameters"])
    short = rows.take([["0912345678"]])[0]
    assert isinstance(short, str)
    assert "name is missing" in short
    fine = fine_row(4)
    assert isinstance(rows.take([[*fine, "", ""]])[0], tuple)
    long = rows.take([[*fine, "more"]])[0]
    assert long == f"This row has {width + 1} cells, the header {width}. Quote cells that hold a comma."
