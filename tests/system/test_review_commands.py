"""The commands of docs/review.md take a use case from nothing to live, and the doctor says what is still missing."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from emulator_support import RunningEmulator
from gateway_support import PARCEL, RunningGateway
from review_support import CHECKLIST, real_gateway
from todoke.cli.doctor.reviews import reviews
from todoke.cli.main import app
from todoke.core.durations import DAY, parse_rfc3339
from todoke.settings import load
from todoke.storage import channels as channel_store
from todoke.wiring import open_base

PAGE = (Path(__file__).parents[2] / "docs" / "review.md").read_text(encoding="utf-8")
REPORT = b"%PDF-1.7\nthe report"


async def run(gateway: RunningGateway, line: str, code: int = 0) -> str:
    environment = {"TODOKE_BASE_URL": gateway.url, "TODOKE_API_KEY": gateway.key, "COLUMNS": "200"}
    environment |= {"TODOKE_DATA_DIR": str(gateway.folder)}
    words = shlex.split(line, comments=True)[1:]
    done = await asyncio.to_thread(CliRunner().invoke, app, words, env=environment)
    assert done.exit_code == code, (line, done.output)
    return done.output


async def doctor(gateway: RunningGateway, later: int = 0) -> list[tuple[str, str]]:
    base = await open_base(load({"TODOKE_DATA_DIR": str(gateway.folder)}))
    try:
        async with base.database.read() as tx:
            channels = await channel_store.list_channels(tx)
        now = parse_rfc3339((await gateway.emulator.control("GET", "/clock"))["now"])
        return [(x.level, x.text) for x in await reviews(base, channels, now + later)]
    finally:
        await base.database.close()


async def test_the_documented_commands_take_a_use_case_from_nothing_to_live(
    line: RunningEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "parcel.json").write_text(json.dumps(PARCEL))
    taiwan = {k: v for k, v in CHECKLIST.items() if k != "line_application"}
    (tmp_path / "checklist.yaml").write_text(yaml.safe_dump(taiwan, allow_unicode=True), encoding="utf-8")
    (tmp_path / "report.pdf").write_bytes(REPORT)
    monkeypatch.chdir(tmp_path)
    first, _, _ = PAGE.partition("```\n\n`checklist.yaml`")
    commands = [x for x in first.partition("```sh\n")[2].splitlines() if x.startswith("todoke ")]
    assert len(commands) == 8
    async with real_gateway(line, tmp_path / "data", monkeypatch) as gateway:
        await gateway.channel()
        assert await doctor(gateway) == []
        said: list[str] = []
        for command in commands:
            if "acceptance_passed" in command:
                await run(gateway, 'todoke use-cases attach delivery report.pdf --by "Lin Yi-chun"')
            said.append(await run(gateway, command))
            if "templates push" in command:
                ((level, text),) = await doctor(gateway)
                assert (level, "nobody has applied for delivery" in text) == ("warning", True)
        assert await doctor(gateway) == []
        assert re.search(r"to be expected 20\d\d-\d\d-\d\d to 20\d\d-\d\d-\d\d", said[3])
        await gateway.send("0912345678")
        shown = await run(gateway, "todoke use-cases show delivery --language ja")
        assert "発送" not in shown
        assert "送信シチュエーション" in shown
        assert "evidence: report.pdf" in shown
        assert "delivery" in await run(gateway, "todoke use-cases list")
        for wrong in ("use-cases move delivery draft --by A --why b", "use-cases show nothing"):
            await run(gateway, f"todoke {wrong}", code=1)
        await versions_and_the_rest(gateway)


async def versions_and_the_rest(gateway: RunningGateway) -> None:
    """What comes after: a second version, comments, an own use case, JSON, an answer that is overdue."""
    await gateway.template(sms="{{name}} 您好,您的包裹已到。若已取件請忽略。")
    await run(gateway, "todoke templates move parcel in_review --by A --why 'a new text'")
    await run(gateway, "todoke templates move parcel approved --by A --why 'mail from LINE'")
    assert "in_review → approved: mail from LINE" in await run(gateway, "todoke templates history parcel")
    await run(gateway, "todoke use-cases comment delivery 'ask again in May' --by A")
    line = 'todoke use-cases apply permit -c Parcels --by A --description "a permit" --name zh-Hant=停車證 --json'
    made: Any = json.loads(await run(gateway, line))
    assert made["names"] == {"zh-Hant": "停車證"}
    gaps = [x["item"] for x in made["checklist"] if not x["complete"]]
    items = " ".join(f"-i {x}=given" for x in gaps)
    await run(gateway, f"todoke use-cases checklist permit --by A {items}")
    await run(gateway, "todoke use-cases move permit in_review --by A --why ready")
    assert await doctor(gateway) == []
    ((level, text),) = await doctor(gateway, later=60 * DAY)
    assert (level, "LINE's answer for permit was to be expected until" in text) == ("warning", True)
