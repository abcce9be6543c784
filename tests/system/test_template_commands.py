"""`todoke templates`: pushed from a folder, shown, pulled back, copied from the samples, as a person does it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from typer.testing import CliRunner

from emulator_support import RunningEmulator
from gateway_support import RunningGateway
from routing_support import opened
from todoke.cli.main import app

PARCEL = """\
# Ours.
name: pick-up
use_case: delivery
language: zh-TW
parameters:
  name: {type: text, max: 20, mask: name, example: {zh-TW: 王小明, th: สมชาย ใจดี}}
  at: {type: datetime, example: 2026-08-10 14:30}
flexible:
  - {type: text, text: "{{name}} 您好，您的包裹已於 {{at}} 送達門市。若已取件請忽略此訊息。"}
sms: "{{name}} 您好，您的包裹已於 {{at}} 送達門市。若已取件請忽略此訊息。"
languages:
  th:
    sms: "คุณ{{name}} พัสดุถึงแล้ว เมื่อ {{at}} หากรับแล้ว โปรดละเว้นข้อความนี้"
"""


async def run(gateway: RunningGateway, *words: str, code: int = 0) -> str:
    environment = {"TODOKE_BASE_URL": gateway.url, "TODOKE_API_KEY": gateway.key, "COLUMNS": "160"}
    environment |= {"TODOKE_DATA_DIR": str(gateway.folder)}
    done = await asyncio.to_thread(CliRunner().invoke, app, ["templates", *words], env=environment)
    assert done.exit_code == code, (words, done.output, done.exception)
    return done.output


async def names(gateway: RunningGateway) -> dict[str, int]:
    return {t["name"]: t["version"] for t in (await gateway.ok("GET", "/v1/templates"))["templates"]}


async def test_a_folder_is_pushed_as_a_whole_or_not_at_all(line: RunningEmulator, tmp_path: Path) -> None:
    async with opened(line, tmp_path / "data") as gateway:
        folder = tmp_path / "templates"
        (folder / "more").mkdir(parents=True)
        (folder / "pick-up.yaml").write_text(PARCEL, encoding="utf-8")
        bad = folder / "more" / "bad.yaml"
        bad.write_text("name: bad\nuse_case: delivery\nsms: '{{nobody}}'\n")

        said = await run(gateway, "push", str(folder), "-c", "Parcels", code=1)
        assert f"{bad}:3: /sms: {{{{nobody}}}} is not declared" in said
        told = json.loads(await run(gateway, "push", str(folder), "-c", "Parcels", "--json", code=1))
        assert [(x["line"], x["pointer"]) for x in told["errors"]] == [(3, "/sms")]
        assert await names(gateway) == {"parcel": 1}

        bad.unlink()
        said = await run(gateway, "push", str(folder), "-c", "Parcels", "--dry-run", "--check")
        assert "pick-up: version 1  would be new" in said
        assert await names(gateway) == {"parcel": 1}

        told = json.loads(await run(gateway, "push", str(folder), "-c", "Parcels", "--json"))
        assert [(t["name"], t["version"], t["action"]) for t in told["templates"]] == [("pick-up", 1, "new")]
        assert "pick-up: version 1  unchanged" in await run(gateway, "push", str(folder), "-c", "Parcels")

        # The same in another order is the same; another text is another version.
        head, _, tail = PARCEL.partition("sms:")
        (folder / "pick-up.yaml").write_text(head.replace("門市", "超商") + "sms:" + tail, encoding="utf-8")
        said = await run(gateway, "push", str(folder), "-c", "Parcels", "--dry-run")
        assert "pick-up: version 2  would change" in said
        changed = [row.strip() for row in said.splitlines() if row.strip()[:1] in ("+", "-")]
        assert (
            len([row for row in changed if "超商" in row])
            == len([row for row in changed if "門市" in row])
            == 1
        )
        await run(gateway, "push", str(folder), "-c", "Parcels")
        assert await names(gateway) == {"parcel": 1, "pick-up": 2}

        # An advertisement is found before anything is stored, and ends the command with 1.
        (folder / "ad.yaml").write_text(
            "name: ad\nuse_case: delivery\nsms: 全館五折優惠券大放送\n", encoding="utf-8"
        )
        said = await run(gateway, "push", str(folder), "-c", "Parcels", "--dry-run", "--check", code=1)
        assert "error: " in said
        assert "/sms" in said
        assert await names(gateway) == {"parcel": 1, "pick-up": 2}


async def test_what_is_stored_comes_back_as_files_that_push_the_same(
    line: RunningEmulator, tmp_path: Path
) -> None:
    async with opened(line, tmp_path / "data") as gateway:
        folder = tmp_path / "templates"
        folder.mkdir()
        (folder / "ours.yaml").write_text(PARCEL + "channel: Parcels\n", encoding="utf-8")
        await run(gateway, "push", str(folder))

        said = await run(gateway, "pull", str(folder))
        assert "pick-up  unchanged" in said
        assert "parcel  created" in said
        assert (folder / "ours.yaml").read_text(encoding="utf-8").startswith("# Ours.")
        before = {path: path.read_bytes() for path in folder.iterdir()}
        await run(gateway, "pull", str(folder))
        assert {path: path.read_bytes() for path in folder.iterdir()} == before

        fresh = tmp_path / "fresh"
        told = json.loads(await run(gateway, "pull", str(fresh), "--json"))
        assert [(t["name"], t["action"]) for t in told["templates"]] == [
            ("parcel", "created"),
            ("pick-up", "created"),
        ]
        stored = await gateway.ok("GET", "/v1/templates")
        told = json.loads(await run(gateway, "push", str(fresh), "--json"))
        assert [t["action"] for t in told["templates"]] == ["unchanged", "unchanged"]
        assert await gateway.ok("GET", "/v1/templates") == stored

        shown = await run(gateway, "show", "pick-up")
        for words in (
            "zh-Hant",
            "LINE, flexible",
            "push (flexible)",
            "王○明 您好",
            "พัสดุถึงแล้ว",
            "UCS-2",
            "สมชาย ใ•••",
        ):
            assert words in shown, words
        assert "zh-Hant" not in await run(gateway, "show", "pick-up", "--language", "th")
        assert "only in zh-Hant, th" in await run(gateway, "show", "pick-up", "--language", "ja", code=1)
        assert json.loads(await run(gateway, "show", "pick-up", "--json"))["sms"].startswith("{{name}}")
        assert "pick-up" in await run(gateway, "list")


async def test_samples_are_copied_in_the_language_of_a_country_and_pushed(
    line: RunningEmulator, tmp_path: Path
) -> None:
    async with opened(line, tmp_path / "data") as gateway:
        folder = tmp_path / "start"
        assert "parcel_arrived" in await run(gateway, "samples")
        assert "Use one of TW, TH, JP" in await run(gateway, "samples", "--country", "US", code=2)
        assert "no sample for soap" in await run(gateway, "samples", "--use-case", "soap", code=2)
        written = json.loads(
            await run(
                gateway,
                "samples",
                "--country",
                "TH",
                "--use-case",
                "delivery",
                "--out",
                str(folder),
                "--json",
            )
        )["files"]
        assert written == [str(folder / "parcel_arrived.yaml")]
        assert "has parcel_arrived.yaml already" in await run(
            gateway, "samples", "--out", str(folder), code=1
        )

        await gateway.channel("Thai", "TH")
        await run(gateway, "push", str(folder), "-c", "Thai", "--check")
        stored = await gateway.ok("GET", "/v1/templates/parcel_arrived")
        assert stored["language"] == "th"
        assert set(stored["languages"]) == {"zh-Hant", "ja", "en"}
        parameters = {name: each["example"]["th"] if isinstance(each["example"], dict) else each["example"]
                      for name, each in stored["parameters"].items()}  # fmt: skip
        body = {"channel": "Thai", "template": "parcel_arrived", "to": "0812345678", "parameters": parameters,
                "policy": {"steps": [{"step": "sms"}]}}  # fmt: skip
        said = await gateway.ok("POST", "/v1/notices", body, dry_run="true")
        assert said["language"] == "th"
        assert said["steps"][0]["text"].startswith("ส่งดี: พัสดุ HR260810001")
