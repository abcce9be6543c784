"""Keys that LINE granted, from LINE's list to the templates that use them: by API, client and command."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from typer.testing import CliRunner

from gateway_support import RunningGateway
from todoke.cli.main import app
from todoke.storage import content

FIRST = "kind,key,use_case,name\ntemplate,parcel_x,配送通知,包裹\nitem,day_x,,日期\nbutton,=evil,,x\n"
GOOD = FIRST.replace("=evil", "track_x")
TEMPLATE = {
    "templateKey": "parcel_x",
    "body": {
        "items": [{"itemKey": "day_x", "content": "{{name}}"}],
        "buttons": [{"buttonKey": "track_x", "url": "https://parcel.example/t"}],
    },
}


async def test_lines_list_is_imported_in_versions_and_templates_are_held_against_it(
    gateway: RunningGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = (await gateway.ok("GET", "/v1/channels/Parcels"))["line_channel_id"]
    place = "/v1/channels/Parcels/granted-keys"

    async def post(body: bytes | str, kind: str = "text/csv", **query: str) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {gateway.key}", "Content-Type": kind}
        data = body.encode() if isinstance(body, str) else body
        url = gateway.url + place
        async with gateway.session.post(url, data=data, headers=headers, params=query) as answer:
            return answer.status, await answer.json()

    async def found() -> set[tuple[str, str]]:
        """What the content check says of the template's keys."""
        async with gateway.app.state.services.database.read() as tx:
            (row,) = await content.templates_by_ids(tx, [template["id"]])
        seen = json.loads(row.findings)
        return {(x["severity"], x["words"]) for x in seen if x["code"] == "key-not-granted"}

    assert (await gateway.call("GET", place))[0] == 404
    elsewhere = place.replace("Parcels", "Elsewhere")
    assert (await gateway.call("POST", elsewhere, {"items": ["a"]}))[0] == 404
    template = await gateway.template(flexible=None, line_template=TEMPLATE)

    assert await found() == {("note", key) for key in ("parcel_x", "day_x", "track_x")}

    # One bad row: all of it is refused, and nothing is stored.
    status, told = await post(FIRST)
    assert (status, told["type"], told["errors"][0]["pointer"]) == (422, "invalid-key-list", "/line 4/key")
    assert "U+003D" in told["detail"]
    for body, kind, expected in (
        (b"PK\x03\x04", "text/csv", 422),
        (b"items: [" * 50_000, "application/yaml", 422),
        (b"kind,key\n" + b"item,a\n" * 200_000, "text/csv", 413),
        (b"{}", "image/png", 415),
    ):
        assert (await post(body, kind))[0] == expected
    assert (await post(GOOD, encoding="klingon"))[0] == 422
    assert (await gateway.ok("GET", f"{place}/versions"))["versions"] == []

    # The list as a file, as people import it; the same again is the same version.
    status, first = await post(GOOD, note="from LINE\u202e, by mail")
    assert (status, first["version"], first["new"], len(first["added"])) == (201, 1, True, 3)
    assert (first["affected_templates"], first["note"]) == ([], "from LINE , by mail")
    assert first["added"][0]["use_case"] == "delivery"
    assert {x["published"] for x in first["added"]} == {False}
    assert await found() == set()
    yaml = (
        "buttons: [{key: track_x, name: x}]\nitems: [{key: day_x, name: 日期}]\n"
        "templates: [{key: parcel_x, use_case: delivery, name: 包裹}]\n"
    )
    status, again = await post(yaml, "application/yaml")
    assert (status, again["version"], again["new"]) == (200, 1, False)

    # A form, in Big5. The list lacks a key of a template: its import says so.
    form = aiohttp.FormData({"encoding": "big5"}, quote_fields=False)
    form.add_field(
        "file",
        "種類,key,名稱\n範本,parcel_x,包裹\n按鈕,track_x,查詢\n".encode("cp950"),
        filename="../../清單.csv",
    )
    headers = {"Authorization": f"Bearer {gateway.key}"}
    async with gateway.session.post(gateway.url + place, data=form, headers=headers) as answer:
        second = await answer.json()
        assert (answer.status, second["version"], second["file_name"]) == (201, 2, "清單.csv")
    assert [x["key"] for x in second["removed"]] == ["day_x"]
    assert len(second["changed"]) == 2
    hit = second["affected_templates"][0]
    assert (hit["template"], hit["live"]) == ("parcel", False)
    assert hit["missing"] == [
        {"pointer": "/line_template/body/items/0/itemKey", "kind": "item", "key": "day_x"}
    ]

    assert await found() == {("error", "day_x")}

    # Older versions stay as they were.
    old = await gateway.ok("GET", place, version="1")
    assert [(x["kind"], x["key"]) for x in old["keys"]] == [
        ("template", "parcel_x"), ("item", "day_x"), ("button", "track_x"),
    ]  # fmt: skip
    assert [x["counts"]["item"] for x in (await gateway.ok("GET", f"{place}/versions"))["versions"]] == [0, 1]
    assert (await gateway.call("GET", place, version="3"))[0] == 404
    assert len((await gateway.ok("GET", f"{place}/diff"))["removed"]) == 1
    shown = await gateway.ok("GET", f"{place}.csv", version="1")
    assert [row["key"] for row in csv.DictReader(io.StringIO(shown.lstrip("\ufeff")))] == [
        "parcel_x", "day_x", "track_x",
    ]  # fmt: skip
    # The emulator takes the same file.
    await gateway.emulator.control("POST", f"/channels/{channel}/grants", {"csv": shown})

    # By command, from a file of the first content: the newest list is again what it was.
    listed = tmp_path / "granted.csv"
    listed.write_text(GOOD, encoding="utf-16")
    environment = {"TODOKE_BASE_URL": gateway.url, "TODOKE_API_KEY": gateway.key, "COLUMNS": "200"}

    async def run(*arguments: str, code: int = 0) -> str:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        done = await asyncio.to_thread(CliRunner().invoke, app, arguments)
        assert done.exit_code == code, done.output
        return done.output

    taken = await run("granted-keys", "import", str(listed), "-c", "Parcels")
    assert "Version 3: 1 template, 1 item, 1 button." in taken
    assert await found() == set()
    assert "parcel_x" in await run("granted-keys", "show", "-c", "Parcels")
    assert "+ item day_x (日期)" in await run("granted-keys", "diff", "-c", "Parcels")
    assert "granted.csv" in await run("granted-keys", "versions", "-c", "Parcels")
    listed.write_text("a,b\n1,2\n")
    assert "Nothing was imported" in await run("granted-keys", "import", str(listed), "-c", "Parcels", code=1)
    catalogue = await run("catalogue", "--country", "tw", "--language", "ja")
    assert "TW  1  delivery  配送通知 · 配送のお知らせ" in catalogue
    assert "application: none" in catalogue
    assert "contact_ja" in await run("catalogue", "--keys")

    cases = (await gateway.ok("GET", "/v1/use-cases", country="th"))["use_cases"]
    assert {x["country"] for x in cases} == {"TH"}
    keys = (await gateway.ok("GET", "/v1/published-keys", country="JP"))["published_keys"]
    assert len(keys) == 34
    assert (await gateway.call("GET", "/v1/published-keys", country="US"))[0] == 422
