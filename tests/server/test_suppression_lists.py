"""POST /v1/suppressions/import: files and JSON, each row alone."""

from __future__ import annotations

import csv
import io
from typing import Any

import aiohttp
import pytest

from gateway_support import RunningGateway

GOOD = "0912345678"


async def upload(gateway: RunningGateway, content: bytes, **fields: str) -> tuple[int, Any]:
    form = aiohttp.FormData(fields)
    form.add_field("file", content, filename="list.csv", content_type="text/csv")
    headers = {"Authorization": f"Bearer {gateway.key}"}
    url = f"{gateway.url}/v1/suppressions/import"
    async with gateway.session.post(url, data=form, headers=headers) as answer:
        return answer.status, await answer.json()


async def standing(gateway: RunningGateway) -> list[tuple[str, str, str, str | None]]:
    rows = (await gateway.ok("GET", "/v1/suppressions", limit="500"))["suppressions"]
    return [(x["number"], x["scope"], x["reason"], x["note"]) for x in reversed(rows)]


async def test_a_file_is_taken_row_by_row_and_what_is_refused_comes_back(gateway: RunningGateway) -> None:
    content = (
        b"phone,note,scope\r\n"
        b"0912-345-678,asked,\r\n"
        b"02-2345-6789,landline,\r\n"
        b"\r\n"
        b'0912345679,"two\nlines",SMS\r\n'
        b"0912345670,,line\r\n"
        b"=cmd|' /C calc'!A0,@SUM(A1),\r\n"
        b"+886912345678,again,\r\n"
    )
    status, done = await upload(gateway, content, reason="complaint", note="from the old system")
    assert status == 200
    assert [done[k] for k in ("rows", "added", "already", "refused")] == [6, 2, 1, 3]
    assert [r["line"] for r in done["rejects"]] == [3, 7, 8]
    assert await standing(gateway) == [
        ("0912•••678", "all", "complaint", "asked"),
        ("0912•••679", "sms", "complaint", "two\nlines"),
    ]
    rows = list(csv.reader(io.StringIO(done["rejects_csv"])))
    assert rows[0] == ["line", "reason", "phone", "note", "scope"]
    assert rows[1][0] == "3"
    assert rows[1][2:] == ["02-2345-6789", "landline", ""]
    assert rows[2][1] == "scope is 'line'; it must be one of all, sms."
    assert rows[3][2:4] == ["'=cmd|' /C calc'!A0", "'@SUM(A1)"], "no spreadsheet runs it"


async def test_the_same_file_again_adds_nothing(gateway: RunningGateway) -> None:
    content = b"phone\n0912345678\n0912345679\n"
    assert (await upload(gateway, content))[1]["added"] == 2
    _, again = await upload(gateway, content)
    assert (again["added"], again["already"], again["rejects_csv"]) == (0, 2, "")


async def test_numbers_alone_one_a_line_need_no_header(gateway: RunningGateway) -> None:
    _, done = await upload(gateway, "0912345678\n０９１２３４５６７９\n\n0912-345-67\n".encode())
    assert (done["rows"], done["added"], done["refused"]) == (3, 2, 1)
    assert done["rejects"][0]["line"] == 4
    assert done["rejects_csv"].splitlines()[0] == "line,reason,phone"


@pytest.mark.parametrize(
    ("encoding", "header"),
    [("big5", "手機號碼"), ("shift_jis", "電話番号"), ("tis-620", "เบอร์โทร"), ("utf-16", "電話")],
)
async def test_files_in_the_encodings_of_the_countries_are_read(
    gateway: RunningGateway, encoding: str, header: str
) -> None:
    content = f"{header}\r\n0912345678\r\n".encode(encoding)
    assert (await upload(gateway, content, encoding=encoding))[1]["added"] == 1


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "invalid-columns"),
        (b"\n\n \n", "invalid-columns"),
        (b"name,city\nAnna,Taipei\n", "invalid-columns"),
        (b"\xff\xfe\x00", "wrong-encoding"),
        (b"phone\n09\x0012345678\n", "not-a-list"),
    ],
)
async def test_what_is_no_list_is_refused_whole(gateway: RunningGateway, content: bytes, kind: str) -> None:
    status, problem = await upload(gateway, content)
    assert (status, problem["type"]) == (422, kind)
    assert await standing(gateway) == []


async def test_a_cell_without_end_is_a_refused_row_and_no_crash(gateway: RunningGateway) -> None:
    content = b"phone,note\n0912345678,ok\n0912345679," + b"x" * 150_000 + b"\n0912345670,ok\n"
    _, done = await upload(gateway, content)
    assert (done["added"], done["refused"]) == (2, 1)


@pytest.mark.parametrize("field", ["scope", "reason", "encoding", "channel", "note"])
async def test_a_field_that_can_not_be_used_is_named(gateway: RunningGateway, field: str) -> None:
    status, problem = await upload(gateway, b"phone\n0912345678\n", **{field: "\x07 none such" + "x" * 200})
    assert status in (404, 422)
    assert field in str(problem)
    assert await standing(gateway) == []


async def test_json_takes_numbers_and_objects_beside_each_other(gateway: RunningGateway) -> None:
    body = {
        "numbers": [
            GOOD,
            912345679,
            {"number": "0912345670", "scope": "sms", "reason": "opt_out", "note": "paper form"},
            {"number": "0912345671", "scope": "fax"},
            {"number": "0912345672", "why": "x"},
            {"number": "0912345673", "note": 5},
            {"note": "no number"},
            ["0912345674"],
            None,
            True,
            1.5,
            "02-2345-6789",
        ],
        "reason": "manual",
    }
    done = await gateway.ok("POST", "/v1/suppressions/import", body)
    assert [done[k] for k in ("rows", "added", "already", "refused")] == [12, 3, 0, 9]
    assert [r["line"] for r in done["rejects"]] == list(range(4, 13))
    assert "rejects_csv" not in done
    assert [x[1:] for x in await standing(gateway)] == [
        ("all", "manual", None),
        ("all", "manual", None),
        ("sms", "opt_out", "paper form"),
    ]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"numbers": []}, 422),
        ({"numbers": "0912345678"}, 422),
        ({"numbers": [GOOD], "scope": "x"}, 422),
        ({"numbers": [GOOD], "more": 1}, 422),
        ([], 422),
        ("x", 422),
    ],
)
async def test_a_body_of_another_shape_is_refused(gateway: RunningGateway, body: Any, status: int) -> None:
    headers = {"Authorization": f"Bearer {gateway.key}"}
    url = f"{gateway.url}/v1/suppressions/import"
    async with gateway.session.post(url, json=body, headers=headers) as answer:
        assert (answer.status, answer.content_type) == (status, "application/problem+json")


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[" * 50_000, "application/json", 400),
        (b"phone\n0912345678", "text/csv", 415),
        (b"", "", 415),
        (b"no boundary", "multipart/form-data", 400),
        (b"broken", "multipart/form-data; boundary=x", 400),
    ],
)
async def test_what_can_not_be_read_at_all_is_a_problem(
    gateway: RunningGateway, content: bytes, kind: str, status: int
) -> None:
    headers = {"Authorization": f"Bearer {gateway.key}", "Content-Type": kind}
    url = f"{gateway.url}/v1/suppressions/import"
    async with gateway.session.post(url, data=content, headers=headers) as answer:
        body = await answer.json(content_type=None)
        assert (answer.status, answer.content_type) == (status, "application/problem+json"), body


async def test_more_than_100_000_rows_are_refused_before_any_counts(gateway: RunningGateway) -> None:
    content = b"phone\n" + b"0912345678\n" * 100_001
    status, problem = await upload(gateway, content)
    assert (status, problem["type"]) == (422, "too-many-rows")
    assert await standing(gateway) == []


async def test_a_file_of_thousands_is_taken_in_portions(gateway: RunningGateway) -> None:
    numbers = [f"09{n:08d}" for n in range(10_000_000, 10_002_500)]
    _, done = await upload(gateway, ("phone\n" + "\n".join(numbers)).encode())
    assert done["rows"] == 2500
    assert done["added"] + done["refused"] == 2500
    counts = await gateway.ok("GET", "/v1/suppressions/counts")
    assert counts["standing"] == done["added"] > 2000


async def test_a_number_without_country_code_belongs_to_the_named_channels_region(
    gateway: RunningGateway,
) -> None:
    await gateway.channel("Bangkok", "TH")
    _, unclear = await upload(gateway, b"phone\n0912345678\n")
    assert unclear["refused"] == 1
    _, done = await upload(gateway, b"phone\n0912345678\n", channel="Bangkok")
    assert done["added"] == 1
    (x,) = (await gateway.ok("POST", "/v1/recipients/lookup", {"number": "+66912345678"}))["suppressions"]
    assert x["by"].startswith("import, key ")
