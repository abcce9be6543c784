"""Templates and values that would break something are refused by the API at once, with the place, and never echoed."""

from __future__ import annotations

import json
import time
from typing import Any

from gateway_support import RunningGateway

TEMPLATE: dict[str, Any] = {
    "name": "t",
    "channel": "Parcels",
    "use_case": "delivery",
    "parameters": {"name": {"type": "text", "example": "王小明", "max": 20}},
    "sms": "{{name}} 您好，您的包裹已於 8 月 7 日送達門市。若已取件請忽略此訊息。",
}
NOTICE: dict[str, Any] = {
    "channel": "Parcels",
    "template": "parcel",
    "to": "0912345678",
    "parameters": {"name": "x"},
}


def deep(levels: int, begin: str = '{"a":', end: str = "}") -> str:
    return begin * levels + "1" + end * levels


async def post(gateway: RunningGateway, path: str, body: str) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {gateway.key}", "Content-Type": "application/json"}
    async with gateway.session.post(gateway.url + path, data=body.encode(), headers=headers) as answer:
        return answer.status, await answer.json()


async def test_what_is_wrong_with_a_template_is_told_with_its_place(gateway: RunningGateway) -> None:
    stored = await gateway.ok("GET", "/v1/templates")
    table: list[tuple[dict[str, Any], str, str]] = [
        ({"smss": "x"}, "/smss", "'smss'"),
        ({"name": ".."}, "/name", "a name of 1 to 100"),
        ({"name": "\u200b"}, "/name", "a name of 1 to 100"),
        ({"sms": "{{" * 30_000}, "/sms", "Braces without their other half"),
        ({"parameters": {"name": {"type": "text", "example": "x", "colour": 1}}}, "/parameters/name", "'colour'"),
        ({"languages": {"th": {"name": "x"}}}, "/languages/th/name", "'name'"),
        ({"languages": {"zh-TW": {"sms": "x"}}}, "/languages/zh-Hant", "zh-Hant"),
        ({"line_template": {"templateKey": "k", "body": {"footer": 1}}}, "/line_template/body/footer", "'footer'"),
        ({"sms": "a\u202eb{{name}}"}, "/sms", "U+202E, at character 2"),
        ({"sms": "a\u2066b{{name}}"}, "/sms", "U+2066"),
        ({"sms": "a\x07b{{name}}"}, "/sms", "control characters (U+0007"),
        ({"sms": "a\r\nb{{name}}"}, "/sms", "write \\n"),
        ({"flexible": [{"type": "image", "originalContentUrl": "https://a.example/i"}]}, "/flexible/0/type", "text"),
    ]  # fmt: skip
    for change, pointer, words in table:
        status, problem = await gateway.call("POST", "/v1/templates", {**TEMPLATE, **change})
        assert (status, problem["errors"][0]["pointer"]) == (422, pointer), (change, problem)
        assert words in problem["detail"], problem
    # Joiners of emoji, and the spaces without width that Thai is written with, belong to the text.
    family = "👨\u200d👩\u200d👧 ขอบคุณ\u200bครับ"
    assert (await gateway.ok("POST", "/v1/templates", {**TEMPLATE, "sms": TEMPLATE["sms"] + family}))[
        "version"
    ] == 1
    assert len((await gateway.ok("GET", "/v1/templates"))["templates"]) == len(stored["templates"]) + 1


async def test_hostile_depth_and_size_are_refused_at_once_and_not_shown_again(
    gateway: RunningGateway,
) -> None:
    flex = '[{"type": "flex", "altText": "x", "contents": {"type": "bubble", "body": VALUE}}]'
    box = '{"type": "box", "layout": "vertical", "contents": ['
    bodies = [
        ("/v1/templates", json.dumps({**TEMPLATE, "flexible": "FLEX"}).replace('"FLEX"', flex)),
        ("/v1/templates", json.dumps({**TEMPLATE, "languages": "VALUE"}).replace('"VALUE"', "VALUE")),
        ("/v1/notices", json.dumps({**NOTICE, "parameters": {"name": "VALUE"}}).replace('"VALUE"', "VALUE")),
    ]
    for path, body in bodies:
        for levels, status in ((50, 422), (400, 422), (10_000, 400)):
            for begin, end in (('{"a":', "}"), ("[", "]"), (box, "]}")):
                answered, problem = await post(gateway, path, body.replace("VALUE", deep(levels, begin, end)))
                assert (answered, len(problem["detail"]) < 400) == (status, True), (path, levels, problem)

    began = time.process_time()
    for value in ("x" * 990_000, "\u202e" * 160_000, "\ud800" * 160_000, "長" * 160_000):
        status, problem = await post(
            gateway, "/v1/notices", json.dumps({**NOTICE, "parameters": {"name": value}})
        )
        assert (status, problem["errors"][0]["pointer"]) == (422, "/parameters/name")
        assert len(problem["detail"]) < 200
        assert value[:5] not in problem["detail"]
    status, problem = await post(
        gateway, "/v1/notices", json.dumps({**NOTICE, "parameters": {"name": "x" * 1_000_001}})
    )
    assert (status, problem["type"]) == (413, "too-large")
    assert time.process_time() - began < 5
    assert (await gateway.ok("GET", "/v1/notices"))["notices"] == []
