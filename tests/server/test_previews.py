"""The preview of a template over the API and the command, of a running gateway."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway_support import RunningGateway
from phone_support import MISSING
from todoke.browser import find_chromium
from todoke.cli.main import app
from todoke.previews import Painter

PATH = "/v1/templates/parcel/preview"


async def ask(gateway: RunningGateway, method: str, path: str, body: Any = None, **query: str) -> Any:
    headers = {"Authorization": f"Bearer {gateway.key}"}
    async with gateway.session.request(
        method, gateway.url + path, json=body, headers=headers, params=query
    ) as answer:
        return answer.status, answer.headers, await answer.read()


async def test_a_template_is_shown_as_a_page_with_a_strict_policy(gateway: RunningGateway) -> None:
    made = await gateway.template()
    status, headers, page = await ask(gateway, "GET", PATH)
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "王小明 您好" in page.decode()
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'sha256-")
    assert headers["Content-Security-Policy"].endswith("sandbox allow-scripts; frame-ancestors 'self'")
    assert headers["Cache-Control"] == "no-store"
    by_id = await ask(gateway, "GET", f"/v1/templates/{made['id']}/preview", language="zh_TW")
    assert by_id[2] == page
    _, _, filled = await ask(
        gateway, "POST", PATH, {"parameters": {"name": "林雅婷"}}, step="sms", captions="th"
    )
    assert "林雅婷 您好" in filled.decode()
    assert '"step":"line_push"' not in filled.decode()
    assert '<html lang="th">' in filled.decode()


async def test_what_can_not_be_shown_is_a_problem_with_its_place(gateway: RunningGateway) -> None:
    for method, path, body, query, expected in (
        ("GET", "/v1/templates/nothing/preview", None, {}, (404, "not-found", [])),
        ("GET", PATH, None, {"language": "th"}, (422, "invalid", ["query: language"])),
        ("GET", PATH, None, {"step": "callback"}, (422, "invalid", ["query: step"])),
        ("GET", PATH, None, {"viewer": "enemy"}, (422, "invalid", ["query: viewer"])),
        ("GET", PATH + ".png", None, {"width": "9"}, (422, "invalid", ["query: width"])),
        ("POST", PATH, {"parameters": {}}, {}, (422, "invalid-parameters", ["/parameters/name"])),
        (
            "POST",
            PATH,
            {"parameters": {"name": "\u202e"}},
            {},
            (422, "invalid-parameters", ["/parameters/name"]),
        ),
        ("POST", PATH, {"name": "x"}, {}, (422, "invalid", ["/parameters", "/name"])),
    ):
        status, problem = await gateway.call(method, path, body, **query)
        found = (status, problem["type"], [error["pointer"] for error in problem["errors"]])
        assert found == expected, problem


async def test_a_picture_needs_chromium_and_says_so(gateway: RunningGateway) -> None:
    gateway.app.state.services.painter = Painter("/nowhere/chromium")
    status, problem = await gateway.call("GET", PATH + ".png")
    assert (status, problem["type"]) == (501, "no-browser")
    assert "apt-get install chromium" in problem["detail"]
    if find_chromium() is None:
        pytest.skip(MISSING)
    gateway.app.state.services.painter = Painter()
    body = {"parameters": {"name": "林雅婷"}}
    status, headers, png = await ask(gateway, "POST", PATH + ".png", body, width="390", step="sms")
    assert (status, headers["Content-Type"]) == (200, "image/png")
    assert (png[:8], int.from_bytes(png[16:20], "big")) == (b"\x89PNG\r\n\x1a\n", 780)


async def test_granted_keys_are_shown_with_the_names_of_the_list(gateway: RunningGateway) -> None:
    csv = "kind,key,use_case,name,language,limits\ntemplate,shop_001_tw,,包裹到店,,\nitem,shop_day_tw,,取件期限,,\n"
    headers = {"Authorization": f"Bearer {gateway.key}", "Content-Type": "text/csv; charset=utf-8"}
    url = f"{gateway.url}/v1/channels/Parcels/granted-keys"
    async with gateway.session.post(url, data=csv.encode(), headers=headers) as answer:
        assert answer.status == 201, await answer.text()
    body = {"items": [{"itemKey": "shop_day_tw", "content": "8月16日"}]}
    await gateway.template(line_template={"templateKey": "shop_001_tw", "body": body})
    page = (await ask(gateway, "GET", PATH))[2].decode()
    shown = json.loads(page.split('id="preview">')[1].split("</script>")[0])
    [notification] = [
        one["notification"]
        for one in shown["preview"]["sections"][0]["shown"]
        if one["step"] == "line_notification" and one["viewer"] == "friend"
    ]
    assert (notification["title"], notification["labels"]) == ("包裹到店", {"shop_day_tw": "取件期限"})


async def test_the_command_writes_the_page_of_a_running_gateway(
    gateway: RunningGateway, tmp_path: Path
) -> None:
    environment = {"TODOKE_BASE_URL": gateway.url, "TODOKE_API_KEY": gateway.key}

    async def run(*arguments: str) -> Any:
        command = ["templates", "preview", *arguments, "--out", str(tmp_path), "--json"]
        return await asyncio.to_thread(CliRunner().invoke, app, command, env=environment)

    done = await run("parcel", "-p", "name=林雅婷")
    assert json.loads(done.output)["files"] == [str(tmp_path / "parcel.html")], done.output
    assert "林雅婷 您好" in (tmp_path / "parcel.html").read_text()
    for name in ("nothing", "parcel.v2"):
        done = await run(name)
        assert (done.exit_code, f"There is no template '{name}'" in done.output) == (1, True)
