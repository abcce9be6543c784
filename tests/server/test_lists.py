"""Lists as files: what is taken, what is refused and comes back, encodings, columns, duplicates."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import aiohttp
import pytest

from gateway_support import RunningGateway
from todoke.engine import loop
from todoke.engine.lists.repeats import Count, Repeats

GOOD = "0912345678,小明\n"


async def read(gateway: RunningGateway, content: str | bytes, **fields: str) -> Any:
    """Uploads a list and reads it to its end; the batch."""
    status, batch = await gateway.upload(
        content if isinstance(content, bytes) else content.encode(), **fields
    )
    assert status == 202, batch
    await gateway.settle()
    return await gateway.ok("GET", f"/v1/batches/{batch['id']}")


async def table(gateway: RunningGateway, batch: Any, name: str, **query: str) -> list[list[str]]:
    """rejects.csv or results.csv as rows, the header first."""
    text = await gateway.ok("GET", f"/v1/batches/{batch['id']}/{name}.csv", **query)
    return list(csv.reader(io.StringIO(text)))


async def test_every_row_is_taken_or_comes_back_with_its_reason_and_its_columns(
    gateway: RunningGateway,
) -> None:
    content = (
        "phone,name,store\n"
        "0912-345-678,小明,A\n"
        "+82 10 1234 5678,小華,B\n"
        "02-2345-6789,小美,C\n"
        "\n"
        "8.86912E+11,小強,D\n"
        "0912345679,,E\n"
        '0912345680,"' + "長" * 21 + '",F\n'
        "0912345681,小芳,G,too many\n"
        "0912345682\n"
        "+886912345683,小玉,H\n"
    )
    batch = await read(gateway, content)
    assert (batch["rows"], batch["accepted"], batch["refused"]) == (9, 2, 7)
    header, *rejects = await table(gateway, batch, "rejects")
    assert header == ["line", "reason", "phone", "name", "store"]
    assert [r[0] for r in rejects] == ["3", "4", "6", "7", "8", "9", "10"]
    assert [r[2] for r in rejects][:3] == ["+82 10 1234 5678", "02-2345-6789", "8.86912E+11"]
    reasons = [r[1] for r in rejects]
    for reason, word in zip(
        reasons,
        ["not served", "not a mobile", "lost digits", "missing", "21", "cells", "missing"],
        strict=True,
    ):
        assert word in reason, reason
    assert rejects[3][2:] == ["0912345679", "", "E"]


async def test_the_results_file_has_a_row_a_notice_with_masked_numbers(gateway: RunningGateway) -> None:
    await gateway.emulator.user("+886912345678")
    batch = await read(gateway, "phone,name,reference\n0912345678,小明,A-1\n0912345679,小華,A-2\n")
    header, *rows = await table(gateway, batch, "results")
    assert header[:5] == ["id", "reference", "to", "state", "reason"]
    assert [(r[1], r[2], r[3]) for r in rows] == [
        ("A-1", "0912•••678", "delivered"),
        ("A-2", "0912•••679", "delivered"),
    ]
    assert rows[0][5] == "line_notification:delivered"
    assert rows[1][5] == "line_notification:unreachable sms:delivered"


async def test_cells_that_a_spreadsheet_would_take_for_a_formula_come_back_disarmed(
    gateway: RunningGateway,
) -> None:
    harmful = ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3+cmd", "\t=1", "＝1+1", "\n=1"]
    harmful += [
        "＠SUM(1)",
        " =1+1",
        "\u3000=1",
        "\u200b=1",
        "+886-912-345-678",
        "－1+1",
        '=HYPERLINK("http://x","y")',
    ]
    harmless = ["-1", "+886223456789", "name", "-", "( 02 ) 2345"]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["phone", "name", "=HYPERLINK(1)"])
    for cell in (*harmful, *harmless):
        writer.writerow(["12", "x", cell])
    batch = await read(gateway, out.getvalue())
    header, *rows = await table(gateway, batch, "rejects")
    assert header[4] == "'=HYPERLINK(1)"
    assert [r[4] for r in rows] == [*("'" + x for x in harmful), *harmless]


async def test_a_reference_can_not_become_a_formula_in_the_results(gateway: RunningGateway) -> None:
    batch = await read(gateway, "phone,name,reference\n0912345678,小明,=A1\n")
    _, row = await table(gateway, batch, "results")
    assert row[1] == "'=A1"


async def test_a_byte_order_mark_for_excel_comes_on_demand(gateway: RunningGateway) -> None:
    batch = await read(gateway, "phone,name\n" + GOOD)
    for name in ("results", "rejects"):
        plain = await gateway.ok("GET", f"/v1/batches/{batch['id']}/{name}.csv")
        marked = await gateway.ok("GET", f"/v1/batches/{batch['id']}/{name}.csv", bom="true")
        assert not plain.startswith("\ufeff")
        assert marked == "\ufeff" + plain


@pytest.mark.parametrize(
    ("encoding", "codec", "region", "text"),
    [
        ("utf-8", "utf-8", "TW", "手機號碼,name\n０９１２３４５６７８,小明\n"),
        (None, "utf-8-sig", "TW", "手機號碼,name\n0912345678,小明\n"),
        ("UTF-16", "utf-16", "TW", "手機號碼,name\r\n0912345678,小明\r\n"),
        ("big5", "cp950", "TW", "手機,name\n0912345678,許蓋功\n"),
        ("Shift_JIS", "cp932", "JP", "携帯電話,name\r\n090-1234-5678,髙橋ソ\r\n"),
        ("TIS-620", "cp874", "TH", "เบอร์โทร,name\n๐๘๑๒๓๔๕๖๗๘,สมชาย\n"),
    ],
    ids=["utf-8", "byte order mark", "utf-16", "big5", "shift_jis", "tis-620"],
)
async def test_a_list_may_be_in_the_encodings_of_the_three_countries(
    gateway: RunningGateway, encoding: str | None, codec: str, region: str, text: str
) -> None:
    if region != "TW":
        await gateway.channel("Other", region)
    else:
        await gateway.channel("Other")
    await gateway.template("Other", name="greeting", flexible=None, sms="{{name}}")
    fields = {"channel": "Other", "template": "greeting"}
    batch = await read(
        gateway, text.encode(codec), **fields, **({} if encoding is None else {"encoding": encoding})
    )
    assert (batch["accepted"], batch["refused"]) == (1, 0)
    (sms,) = (await gateway.emulator.control("GET", "/sms"))["rows"]
    assert sms["text"] == text.splitlines()[1].split(",")[1]
    assert sms["to"] == {"TW": "+886912345678", "JP": "+819012345678", "TH": "+66812345678"}[region]


async def test_what_is_not_said_of_a_file_is_found_out_shown_and_can_be_set(gateway: RunningGateway) -> None:
    content = "七夕活動名單\n\n手機;姓名;門市\n0912345678;小明;A\n12;小華;B\n".encode("big5")
    status, shown = await gateway.upload(content, dry_run="true")
    assert status == 200
    assert shown["detected"] == {
        "kind": "text",
        "encoding": "big5",
        "encoding_sure": "sure",
        "delimiter": ";",
        "delimiter_sure": "sure",
        "header_line": 3,
        "skipped_lines": 2,
        "columns": {"to": "手機", "name": "姓名"},
        "header": ["手機", "姓名", "門市"],
    }
    (row,) = shown["first"]
    assert (row["line"], row["to"], row["parameters"]) == (4, "0912•••678", {"name": "小明"})
    assert {s["step"]: s.get("text") for s in row["steps"]}["sms"].startswith("小明 您好")
    assert [r["line"] for r in shown["rejects"]] == [5]
    batch = await read(gateway, content, encoding="cp950", delimiter="semicolon", header_line="3")
    assert (batch["accepted"], batch["refused"], batch["total"]) == (1, 1, 2)
    assert batch["detected"]["encoding_sure"] == batch["detected"]["delimiter_sure"] == "set"
    _, reject = await table(gateway, batch, "rejects")
    assert reject[0] == "5"
    assert reject[2:] == ["12", "小華", "B"]


async def test_a_file_in_another_encoding_than_said_is_refused_with_the_remedy(
    gateway: RunningGateway,
) -> None:
    status, problem = await gateway.upload(("phone,name\n" + GOOD).encode("big5"), encoding="utf-8")
    assert (status, problem["type"], problem["errors"][0]["pointer"]) == (422, "wrong-encoding", "/encoding")
    assert "line 2" in problem["detail"]
    assert "big5" in problem["detail"]
    status, problem = await gateway.upload(("手機,姓名\n" + GOOD).encode("big5"), encoding="utf-8")
    assert (status, problem["type"]) == (422, "wrong-encoding")
    assert "It seems to be big5" in problem["detail"]
    status, problem = await gateway.upload(b"phone,name\n", encoding="klingon")
    assert (status, problem["type"]) == (422, "unknown-encoding")
    assert "shift_jis" in problem["detail"]
    status, problem = await gateway.upload(b"phone,name\n0912345678,\xb1\xff\x90\xe9\n")
    assert (status, problem["type"]) == (422, "encoding-unsure")
    assert list((gateway.folder / "uploads").iterdir()) == []


async def test_columns_say_which_column_is_which(gateway: RunningGateway) -> None:
    content = "Kunde,Nummer,Auftrag\n小明,0912345678,A-1\n"
    status, problem = await gateway.upload(content.encode())
    assert (status, problem["type"]) == (422, "invalid-columns")
    assert "Kunde, Nummer, Auftrag" in problem["detail"]
    columns = json.dumps({"to": "nummer", "name": "Kunde", "reference": "Auftrag"})
    batch = await read(gateway, content, columns=columns)
    assert (batch["accepted"], batch["refused"]) == (1, 0)
    _, row = await table(gateway, batch, "results")
    assert row[1:3] == ["A-1", "0912•••678"]


@pytest.mark.parametrize(
    ("columns", "pointer"),
    [
        ('{"to": "mobile"}', "/columns/to"),
        ('{"store": "phone"}', "/columns/store"),
        ('{"to": 1}', "/columns"),
        ("[]", "/columns"),
        ("{", "/columns"),
    ],
)
async def test_columns_that_can_not_be_used_are_named(
    gateway: RunningGateway, columns: str, pointer: str
) -> None:
    status, problem = await gateway.upload(b"phone,name\n", columns=columns)
    assert (status, problem["errors"][0]["pointer"]) == (422, pointer)


async def test_rows_with_the_same_number_and_parameters_are_counted_as_duplicates_and_sent(
    gateway: RunningGateway,
) -> None:
    rows = "0912345678,小明\n0912-345-678,小明\n+886912345678,小明\n0912345678,小華\n0987654321,小明\n"
    batch = await read(gateway, "phone,name\n" + rows)
    assert (batch["accepted"], batch["refused"], batch["duplicates"]) == (5, 0, 2)
    assert len(await gateway.emulator.ledger()) == 5


async def test_rows_that_repeat_another_or_a_notice_of_the_last_days_are_told_and_dropped_where_that_is_asked(
    gateway: RunningGateway,
) -> None:
    content = "phone,name\n0912345678,小明\n0912-345-678,小明\n0912345678,小華\n0987654321,小明\n"
    await gateway.send("0987654321")
    _, shown = await gateway.upload(content.encode(), dry_run="true", duplicates="drop")
    assert (shown["duplicates"], shown["repeats"], shown["accepted"]) == (1, 1, 2)
    kept = await read(gateway, content)
    assert (kept["accepted"], kept["refused"], kept["duplicates"], kept["repeats"]) == (4, 0, 1, 1)
    dropped = await read(gateway, content, duplicates="drop", duplicate_days="0")
    assert (dropped["accepted"], dropped["refused"], dropped["duplicates"], dropped["repeats"]) == (
        3,
        1,
        1,
        0,
    )
    again = await read(gateway, content, duplicates="drop")
    assert (again["accepted"], again["refused"], again["duplicates"], again["repeats"]) == (0, 4, 1, 3)
    _, *rejects = await table(gateway, again, "rejects")
    assert [r[0] for r in rejects] == ["2", "3", "4", "5"]
    assert ["the last 3 days" in r[1] for r in rejects] == [True, False, True, True]
    await gateway.advance("73h")
    later = await read(gateway, content, duplicates="drop")
    assert (later["accepted"], later["duplicates"], later["repeats"]) == (3, 1, 0)


async def test_a_dry_run_of_a_list_shows_what_would_be_refused_and_stores_nothing(
    gateway: RunningGateway,
) -> None:
    content = ("phone,name\n" + GOOD + "0223456789,小華\n").encode()
    status, shown = await gateway.upload(content, dry_run="true")
    assert status == 200
    assert (shown["rows"], shown["accepted"], shown["refused"], shown["whole_file"]) == (2, 1, 1, True)
    assert shown["rejects"][0]["line"] == 3
    assert shown["first"][0]["to"] == "0912•••678"
    assert (await gateway.ok("GET", "/v1/batches"))["batches"] == []
    assert list((gateway.folder / "uploads").iterdir()) == []
    await gateway.advance("1h")
    assert await gateway.emulator.ledger() == []


async def test_a_policy_for_a_list_is_a_name_or_json(gateway: RunningGateway) -> None:
    await gateway.ok("POST", "/v1/policies", {"name": "text", "steps": [{"step": "sms"}]})
    for policy in ("text", '{"steps": [{"step": "sms"}]}'):
        batch = await read(gateway, "phone,name\n" + GOOD, policy=policy)
        _, row = await table(gateway, batch, "results")
        assert row[5] == "sms:delivered"
    for wrong in ("other", '{"steps": []}', '{"steps"'):
        status, problem = await gateway.upload(("phone,name\n" + GOOD).encode(), policy=wrong)
        assert status == 422
        assert problem["errors"][0]["pointer"].startswith("/policy")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "empty-file"),
        (b"\n\n", "empty-file"),
        (b"\x00\x01\x02", "not-a-list"),
        (b"PK\x03\x04\x00\x00", "not-a-list"),
        (b"x" * 1_100_000, "not-a-list"),
        (b"name\nx\n", "invalid-columns"),
        (b"phone\n1\n", "invalid-columns"),
    ],
)
async def test_a_file_that_is_no_list_is_refused_and_leaves_nothing_behind(
    gateway: RunningGateway, content: bytes, kind: str
) -> None:
    status, problem = await gateway.upload(content)
    assert (status, problem["type"]) == (422, kind)
    assert "\n" not in problem["detail"]
    assert (await gateway.ok("GET", "/v1/batches"))["batches"] == []
    assert list((gateway.folder / "uploads").iterdir()) == []


async def test_a_list_of_a_header_alone_ends_with_no_rows(gateway: RunningGateway) -> None:
    batch = await read(gateway, "phone,name\n")
    assert (batch["state"], batch["rows"], batch["accepted"], batch["refused"]) == ("ended", 0, 0, 0)


async def test_a_row_over_several_lines_keeps_its_own_line_number(gateway: RunningGateway) -> None:
    content = 'phone,name,note\n0912345678,小明,"one\ntwo\nthree"\n0223456789,小華,x\n'
    batch = await read(gateway, content)
    _, reject = await table(gateway, batch, "rejects")
    assert reject[0] == "5"


async def test_a_cancelled_list_begins_no_further_step(gateway: RunningGateway) -> None:
    for i in range(20):
        await gateway.emulator.user(f"+8869123456{i:02}", reception="not_set")
    rows = "".join(f"09123456{i:02},小明\n" for i in range(20))
    policy = '{"steps": [{"step": "line_notification", "wait": "30m"}, {"step": "sms"}]}'
    batch = await read(gateway, "phone,name\n" + rows, policy=policy)
    cancelled = await gateway.ok("POST", f"/v1/batches/{batch['id']}/cancel")
    assert cancelled["cancelled_at"]
    await gateway.advance("25h")
    after = await gateway.ok("GET", f"/v1/batches/{batch['id']}")
    assert after["states"] == {"cancelled": 20}
    assert (await gateway.emulator.control("GET", "/sms"))["rows"] == []


async def test_the_uploaded_file_is_gone_once_it_is_read(gateway: RunningGateway) -> None:
    await read(gateway, "phone,name\n" + GOOD)
    assert list((gateway.folder / "uploads").iterdir()) == []


async def test_a_list_without_a_file_or_with_unknown_names_is_refused(gateway: RunningGateway) -> None:
    headers = {"Authorization": f"Bearer {gateway.key}"}
    form = aiohttp.FormData({"channel": "Parcels", "template": "parcel"})
    async with gateway.session.post(f"{gateway.url}/v1/batches", data=form, headers=headers) as answer:
        assert answer.status in (415, 422)
        assert answer.content_type == "application/problem+json"
    for field in ("channel", "template"):
        status, problem = await gateway.upload(b"phone,name\n", **{field: "unknown"})
        assert (status, problem["errors"][0]["pointer"]) == (422, f"/{field}")


async def test_an_unknown_batch_is_404_everywhere(gateway: RunningGateway) -> None:
    base = "/v1/batches/01ARZ3NDEKTSV4RRFFQ69G5FAV"
    for method, path in (
        ("GET", base), ("POST", f"{base}/cancel"), ("GET", f"{base}/rejects.csv"), ("GET", f"{base}/results.csv"),
    ):  # fmt: skip
        status, problem = await gateway.call(method, path)
        assert (status, problem["type"]) == (404, "not-found")


async def test_rows_whose_storing_failed_are_no_duplicates_of_themselves(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch, logged: list[Any]
) -> None:
    failed = []
    take_out = Repeats.take_out

    async def fails_once(self: Repeats, *given: Any) -> Count:
        count = await take_out(self, *given)
        if not failed:
            failed.append(True)
            raise RuntimeError("as a broken disk would")
        return count

    monkeypatch.setattr(Repeats, "take_out", fails_once)
    monkeypatch.setattr(loop, "ERROR_SECONDS", 0)
    batch = await read(gateway, "phone,name\n" + GOOD + "0912345679,小華\n", duplicates="drop")
    assert (batch["accepted"], batch["refused"], batch["duplicates"]) == (2, 0, 0)
    assert failed
    logged[:] = [x for x in logged if x["event"] != "engine.error"]
