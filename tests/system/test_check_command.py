"""`todoke check`: files, folders, texts and the input; here, by the gateway, and of what is stored."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from click.testing import Result
from typer.testing import CliRunner

from gateway_support import PARCEL, RunningGateway
from todoke.cli.main import app

BAD = PARCEL | {"sms": "查詢 https://bit.ly/3x 8/7 若已取件請忽略"}


def run(*arguments: str, text: str = "", **env: str) -> Result:
    return CliRunner(env={"COLUMNS": "200", **env}).invoke(app, ["check", *arguments], input=text)


def errors(result: Result) -> dict[str, list[str]]:
    """Name of a file → the codes of its errors."""
    checked: list[dict[str, Any]] = json.loads(result.stdout)["checked"]
    return {
        Path(x["name"]).name: [f["code"] for f in x["findings"] if f["severity"] == "error"] for x in checked
    }


def test_templates_and_texts_are_checked_without_a_gateway(tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "good.json").write_text(json.dumps(PARCEL))
    (folder / "bad.yaml").write_text(json.dumps(BAD, indent=1, ensure_ascii=False))
    both = run(str(folder), "--country", "tw", "--json")
    assert (both.exit_code, errors(both)) == (1, {"bad.yaml": ["link-shortener"], "good.json": []})
    shown = run(str(folder / "bad.yaml"), "--country", "TW")
    # The line of the file, as an editor opens it.
    line = (folder / "bad.yaml").read_text().splitlines().index(f' "sms": "{BAD["sms"]}"') + 1
    assert f"{folder / 'bad.yaml'}:{line} /sms  link-shortener" in shown.stdout
    assert "1 checked: 1 error" in shown.stdout
    assert run(str(folder / "good.json")).exit_code == 0
    text = tmp_path / "text.txt"
    text.write_text("您的包裹已送達\n")
    assert run(str(text)).exit_code == 0
    assert errors(run("-", "--json", text="A123456789")) == {"-": ["personal-national-id"]}
    broken = folder / "broken.json"
    broken.write_text(json.dumps(PARCEL | {"sms": "{{nobody}}"}))
    result = run(str(broken))
    assert result.exit_code == 1
    assert "nobody" in result.stdout
    assert run().exit_code == run("--country", "US", str(text)).exit_code == 2


async def test_the_gateway_checks_by_the_accounts_own_rules_and_all_that_it_has_stored(
    gateway: RunningGateway, tmp_path: Path
) -> None:
    rule = {
        "name": "r",
        "by": "林雅婷",
        "code": "own-word",
        "any": ["門市"],
        "remedy": "No.",
        "finds": ["門市"],
    }
    file = tmp_path / "parcel.json"
    file.write_text(json.dumps(PARCEL))
    env = {
        "TODOKE_BASE_URL": gateway.url,
        "TODOKE_API_KEY": gateway.key,
        "TODOKE_DATA_DIR": str(gateway.folder),
    }
    assert (await asyncio.to_thread(run, str(file), "--gateway", **env)).exit_code == 0
    await gateway.ok("POST", "/v1/content-rules", rule)
    named = await asyncio.to_thread(run, str(file), "--gateway", "--json", **env)
    assert errors(named) == {"parcel.json": ["own-word", "own-word"]}
    stored = await asyncio.to_thread(run, "--stored", "--json", **env)
    assert (stored.exit_code, errors(stored)) == (1, {"parcel (version 1)": ["own-word", "own-word"]})
