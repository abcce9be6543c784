"""Granted keys: imported from CSV, checked row by row, marked by where they come from, written back as CSV."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

import line_emulator
from emulator_support import CONTROL, Reply, RunningEmulator
from line_emulator.keeping import codec
from line_emulator.world import World
from line_emulator.world.commands import AddChannel

PHONE = "+886912345678"
EXAMPLE = Path(line_emulator.__file__).parent / "pages" / "static" / "console" / "example-grants.csv"
TABLE = """kind,key,template,label
template,pickup_tw,,包裹已到店
item,store_tw,pickup_tw,取件門市
item,code_tw,pickup_tw,取件代碼
button,track_tw,pickup_tw,查詢配送狀態
template,bill_tw,,繳費通知
item,amount_tw,bill_tw,金額
item,name_tw,,姓名
"""


async def put(emulator: RunningEmulator, channel: dict[str, Any], table: str | bytes) -> Reply:
    raw = table if isinstance(table, bytes) else table.encode()
    path = f"{CONTROL}/channels/{channel['channel_id']}/grants"
    return await emulator.request("POST", path, raw, {"Content-Type": "text/csv"})


async def listed(emulator: RunningEmulator, channel: dict[str, Any]) -> list[dict[str, Any]]:
    path = f"/channels/{channel['channel_id']}/grants"
    return list((await emulator.control("GET", path))["grants"])


def notice(template: str, *items: str, buttons: tuple[str, ...] = ()) -> dict[str, Any]:
    body: dict[str, Any] = {"items": [{"itemKey": key, "content": "x"} for key in items]}
    body["buttons"] = [{"buttonKey": key, "url": "https://shop.example/"} for key in buttons]
    return {"templateKey": template, "body": body}


async def test_an_imported_table_says_which_templates_items_and_buttons_there_are(
    emulator: RunningEmulator,
) -> None:
    channel = await emulator.channel(region="TW")
    await emulator.user(PHONE)
    reply = await put(emulator, channel, TABLE)
    assert reply.status == 200, reply
    assert reply.json["count"] == {"template": 2, "item": 4, "button": 1}
    good = notice("pickup_tw", "store_tw", "code_tw", "name_tw", buttons=("track_tw",))
    assert (await emulator.send(channel, PHONE, body=good)).status == 202
    refused = await emulator.send(channel, PHONE, body=notice("other_tw"))
    assert refused.json["message"] == "Invalid templateKey: other_tw"


async def test_an_item_or_button_of_another_template_does_not_exist(emulator: RunningEmulator) -> None:
    channel = await emulator.channel(region="TW")
    await emulator.user(PHONE)
    await put(emulator, channel, TABLE)
    refused = await emulator.send(channel, PHONE, body=notice("bill_tw", "amount_tw", "store_tw"))
    assert (refused.status, refused.json) == (
        400,
        {
            "message": "The request body has 1 invalid key(s).",
            "details": [
                {
                    "message": "The specified item key does not exist: store_tw",
                    "property": "body.items[1].itemKey",
                }
            ],
        },
    )
    refused = await emulator.send(channel, PHONE, body=notice("bill_tw", buttons=("track_tw",)))
    assert refused.json["details"][0]["property"] == "body.buttons[0].buttonKey"
    refused = await emulator.send(channel, PHONE, body=notice("bill_tw", "example_amount"))
    assert refused.status == 400


async def test_an_item_that_names_no_template_belongs_to_all_of_them(emulator: RunningEmulator) -> None:
    channel = await emulator.channel(region="TW")
    await emulator.user(PHONE)
    await put(emulator, channel, TABLE)
    for template in ("pickup_tw", "bill_tw"):
        assert (await emulator.send(channel, PHONE, body=notice(template, "name_tw"))).status == 202


async def test_every_key_says_where_it_comes_from(emulator: RunningEmulator) -> None:
    japan = await emulator.channel(region="JP")
    found = {row["key"]: (row["source"], row["label"]) for row in await listed(emulator, japan)}
    assert found["shipment_completed_ja"] == ("published", "発送完了のお知らせ")
    assert found["date_002_ja"] == ("published", "日付")
    await put(emulator, japan, TABLE + "template,example_visit,,Visit\nitem,example_day,example_visit,\n")
    found = {row["key"]: (row["source"], row["label"]) for row in await listed(emulator, japan)}
    assert found["pickup_tw"] == ("granted", "包裹已到店")
    assert found["example_visit"] == ("made_up", "Visit")
    assert found["example_day"] == ("made_up", "Day")
    assert "shipment_completed_ja" not in found


async def test_the_ledger_says_where_the_template_comes_from(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    await emulator.send(channel, PHONE)
    await emulator.send(channel, PHONE, body={"templateKey": "example_visit"})
    await put(emulator, channel, TABLE)
    await emulator.send(channel, PHONE, body=notice("bill_tw"))
    await emulator.send_flexible(channel, PHONE)
    sources = [row["template_source"] for row in await emulator.ledger()]
    assert sources == ["published", "made_up", "granted", None]


async def test_a_second_import_replaces_the_first(emulator: RunningEmulator) -> None:
    channel = await emulator.channel(region="TW", item_keys=["by_hand"])
    await put(emulator, channel, TABLE)
    await put(emulator, channel, "kind,key\ntemplate,only_tw\n")
    assert [row["key"] for row in await listed(emulator, channel)] == ["only_tw"]


async def test_taking_the_import_away_brings_back_what_is_published(emulator: RunningEmulator) -> None:
    channel = await emulator.channel(region="JP")
    await put(emulator, channel, TABLE)
    await emulator.control("DELETE", f"/channels/{channel['channel_id']}/grants")
    keys = [row["key"] for row in await listed(emulator, channel)]
    assert "shipment_completed_ja" in keys
    assert "pickup_tw" not in keys


async def test_naming_templates_by_hand_drops_what_the_import_says_of_others(
    emulator: RunningEmulator,
) -> None:
    channel = await emulator.channel(region="TW")
    await put(emulator, channel, TABLE)
    path = f"/channels/{channel['channel_id']}"
    await emulator.control("PATCH", path, {"templates": ["bill_tw", "new_tw"]})
    keys = [row["key"] for row in await listed(emulator, channel)]
    assert keys == ["bill_tw", "new_tw", "name_tw", "amount_tw"]


@pytest.mark.parametrize(
    ("row", "column", "value", "remedy"),
    [
        ("itm,a_tw,,", "kind", "itm", "Write template, item or button."),
        ("item,,,", "key", "", "The key is missing"),
        ("item,a-b,,", "key", "a-b", "letters, digits and underscores"),
        ("item,=1+1,,", "key", "=1+1", "letters, digits and underscores"),
        (f"item,{'k' * 101},,", "key", "k" * 101, "1 to 100"),
        ("item,a_tw,gone_tw,", "template", "gone_tw", "grants no such template"),
        ("template,a_tw,pickup_tw,", "template", "pickup_tw", "Leave this cell empty"),
        (f"item,a_tw,,{'x' * 101}", "label", "x" * 101, "100 characters"),
        ('item,a_tw,,"a\nb"', "label", "a\nb", "line breaks"),
        ("item,a_tw,,\u202eevil", "label", "\u202eevil", "control characters"),
        ("item,name_tw,,姓名", "key", "name_tw", "Line 8 says the same"),
        ("item,name_tw,bill_tw,其他", "label", "其他", "Line 8 gives this key another label"),
        ("button,name_tw,,", "kind", "button", "Line 8 calls this key item"),
        ("item,a_tw,,label,more", "", "more", "more cells than the first line"),
        ('item,a_tw,,"never closed', "", "", "quotation mark"),
    ],
)
async def test_a_bad_row_is_named_with_line_value_and_remedy_and_nothing_is_taken(
    emulator: RunningEmulator, row: str, column: str, value: str, remedy: str
) -> None:
    channel = await emulator.channel(region="TW")
    refused = await put(emulator, channel, TABLE + row + "\n")
    assert refused.status == 400
    fault = refused.json["errors"][0]
    assert (fault["line"], fault["column"], fault["value"]) == (9, column, value)
    assert remedy in fault["remedy"]
    assert refused.json["message"].startswith("Nothing was imported: 1 bad row. Line 9")
    assert await listed(emulator, channel) == []


async def test_all_bad_rows_are_named_at_once(emulator: RunningEmulator) -> None:
    channel = await emulator.channel(region="TW")
    rows = "".join(f"nothing,key_{place},,\n" for place in range(150))
    refused = await put(emulator, channel, TABLE + rows)
    assert (refused.json["error_count"], len(refused.json["errors"])) == (150, 10)
    assert [fault["line"] for fault in refused.json["errors"]] == list(range(9, 19))
    assert refused.json["more"] == [
        {"column": "kind", "remedy": "Write template, item or button.", "count": 140}
    ]


async def test_faults_of_another_kind_are_named_beside_many_of_one_kind(emulator: RunningEmulator) -> None:
    channel = await emulator.channel(region="TW")
    rows = "".join(f"nothing,key_{place},,\n" for place in range(50)) + "item,,,\n"
    refused = await put(emulator, channel, TABLE + rows)
    assert refused.json["errors"][-1]["line"] == 59
    assert "The key is missing" in refused.json["errors"][-1]["remedy"]
    assert [more["count"] for more in refused.json["more"]] == [40]


async def test_a_table_that_lost_its_line_ends_is_told_so_and_a_header_alone_is_not(
    emulator: RunningEmulator,
) -> None:
    channel = await emulator.channel(region="TW")
    refused = await put(emulator, channel, TABLE.replace("\n", "").replace("\r", ""))
    assert refused.json["error_count"] == 1
    assert "line ends are missing. With curl use --data-binary" in refused.json["errors"][0]["remedy"]
    header = await put(emulator, channel, "kind,key,template,label,source")
    assert "grants no template" in header.json["errors"][0]["remedy"]


@pytest.mark.parametrize(
    ("raw", "line", "remedy"),
    [
        (b"", 1, "The file is empty"),
        (b"kind;key\n", 1, "separated by commas"),
        (b"key,label\n", 1, "The column kind is missing"),
        (b"kind,key,colour\n", 1, "no such column"),
        (b"kind,key,key\n", 1, "twice"),
        (b"kind,key\nitem,a_tw\n", 1, "grants no template"),
        (TABLE.encode() + "item,a_tw,,門".encode("big5"), 9, "CSV UTF-8"),
        ("kind,key\n".encode("utf-16"), 1, "CSV UTF-8"),
        (b"kind,key\n" + b"template,\x00\n", 2, ""),
        (b"kind,key\n" + b"item," + b"k" * 200_000, 2, ""),
        (b"kind,key\n" + b"".join(b"template,k%d\n" % place for place in range(5001)), 5002, "5000 rows"),
    ],
)
async def test_what_is_no_such_table_is_refused_with_the_remedy(
    emulator: RunningEmulator, raw: bytes, line: int, remedy: str
) -> None:
    channel = await emulator.channel(region="TW")
    refused = await put(emulator, channel, raw)
    assert refused.status == 400, refused
    fault = refused.json["errors"][0]
    assert fault["line"] == line
    assert remedy in fault["remedy"]


async def test_a_table_larger_than_2_mb_is_413_and_an_unknown_channel_404(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    assert (await put(emulator, channel, b"x" * (2 * 1024 * 1024 + 1))).status == 413
    assert (await put(emulator, {"channel_id": "0000000000"}, TABLE)).status == 404
    await emulator.control("GET", "/channels/0000000000/grants", expect=404)


async def test_a_table_comes_with_a_byte_order_mark_windows_lines_or_in_json(
    emulator: RunningEmulator,
) -> None:
    channel = await emulator.channel(region="TW")
    windows = b"\xef\xbb\xbf" + TABLE.replace("\n", "\r\n").encode() + b"\r\n,,,\r\n"
    assert (await put(emulator, channel, windows)).status == 200
    path = f"/channels/{channel['channel_id']}/grants"
    found = await emulator.control("POST", path, {"csv": TABLE})
    assert found["count"]["template"] == 2
    for wrong in ({"csv": 5}, {"table": TABLE}, []):
        await emulator.control("POST", path, wrong, 400)


async def test_the_export_can_be_imported_again_and_no_cell_is_a_formula(emulator: RunningEmulator) -> None:
    channel = await emulator.channel(region="TW")
    labels = ["=1+1", "+1", "-1", "@SUM(1)", "'quoted", "'=both", 'with "quotes", and commas']
    rows = io.StringIO()
    csv.writer(rows).writerows(["item", f"key_{place}", "", label] for place, label in enumerate(labels))
    assert (await put(emulator, channel, TABLE + rows.getvalue())).status == 200
    before = await listed(emulator, channel)
    path = f"{CONTROL}/channels/{channel['channel_id']}/grants.csv"
    export = await emulator.request("GET", path)
    assert export.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in export.headers["content-disposition"]
    cells = [cell for row in csv.reader(io.StringIO(export.body.decode("utf-8-sig"))) for cell in row]
    assert [cell for cell in cells if cell[:1] in ("=", "+", "-", "@")] == []
    assert "'=1+1" in cells
    assert (await put(emulator, channel, export.body)).status == 200
    assert await listed(emulator, channel) == before


async def test_the_example_table_that_comes_along_is_good_and_marked_as_made_up(
    emulator: RunningEmulator,
) -> None:
    channel = await emulator.channel(region="TW")
    reply = await put(emulator, channel, EXAMPLE.read_bytes())
    assert reply.status == 200, reply
    assert {row["source"] for row in reply.json["grants"]} == {"made_up"}
    assert reply.json["count"]["template"] >= 2


async def test_imported_keys_stand_in_the_state_file(emulator: RunningEmulator) -> None:
    channel = await emulator.channel(region="TW")
    await put(emulator, channel, TABLE)
    known = emulator.state.world.channels[channel["channel_id"]]
    name, data, blobs = codec.encode(AddChannel(known))
    again = codec.decode(name, data, blobs, World())
    assert isinstance(again, AddChannel)
    assert again.channel.grants == known.grants
    assert again.channel.form_of("bill_tw").has_item("amount_tw")
    assert not again.channel.form_of("bill_tw").has_item("store_tw")
    assert again.channel.title_of("pickup_tw") == "包裹已到店"


async def test_five_thousand_rows_are_taken_and_stay_small(emulator: RunningEmulator) -> None:
    channel = await emulator.channel(region="TW")
    rows = [f"template,t{number}" for number in range(2500)] + [f"item,i{number}" for number in range(2500)]
    assert (await put(emulator, channel, "kind,key\n" + "\n".join(rows))).status == 200
    known = emulator.state.world.channels[channel["channel_id"]]
    assert known.form_of("t2499").has_item("i2499")
    own = sum(len(form.items) for form in known.forms.values())
    assert own == 0
    assert len({id(form.shared_items) for form in known.forms.values()}) == 1
