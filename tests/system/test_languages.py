"""A notice in one of its template's languages: asked for on every way in, shown by every step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from emulator_support import RunningEmulator
from gateway_support import RunningGateway
from routing_support import opened, sms_of

SMS = {"steps": [{"step": "sms"}]}
LINE = {"steps": [{"step": "line_notification", "wait": "1h"}, {"step": "sms"}]}


async def texts(gateway: RunningGateway, to: str) -> list[str]:
    return [row["text"] for row in await sms_of(gateway) if row["to"] == "+886" + to[1:]]


async def test_a_notice_is_in_the_language_that_it_was_asked_for_in(
    line: RunningEmulator, tmp_path: Path
) -> None:
    async with opened(line, tmp_path / "data") as gateway:
        await gateway.template(
            flexible=[{"type": "text", "text": "您好 {{name}}"}],
            sms="{{name}} 您的包裹已送達",
            languages={
                "th": {"sms": "คุณ{{name}} พัสดุถึงแล้ว", "flexible": [{"type": "text", "text": "สวัสดี {{name}}"}]},
                "en-US": {"sms": "{{name}}, your parcel is here"},
            },
        )
        expected = {
            None: ("zh-Hant", "小明 您的包裹已送達"),
            "zh_tw": ("zh-Hant", "小明 您的包裹已送達"),
            "th-TH": ("th", "คุณ小明 พัสดุถึงแล้ว"),
            "en-GB": ("en-US", "小明, your parcel is here"),
        }
        body: dict[str, Any] = {
            "channel": "Parcels",
            "template": "parcel",
            "parameters": {"name": "小明"},
            "policy": SMS,
            "to": "0912000008",
        }
        for n, (asked, (language, text)) in enumerate(expected.items(), 1):
            one = {**body, "to": f"091200000{n}", "language": asked}
            said = await gateway.ok("POST", "/v1/notices", one, dry_run="true")
            taken = await gateway.ok("POST", "/v1/notices", one)
            await gateway.settle()
            assert (
                said["language"]
                == taken["language"]
                == (await gateway.notice(taken["id"]))["language"]
                == language
            )
            assert [said["steps"][0]["text"]] == [text] == await texts(gateway, one["to"])

        # By LINE too, and to whom nobody on LINE answers by SMS, from the same notice.
        said = await gateway.ok(
            "POST", "/v1/notices", {**body, "policy": LINE, "language": "th"}, dry_run="true"
        )
        assert said["steps"][0]["content"] == {"messages": [{"type": "text", "text": "สวัสดี 小明"}]}
        await gateway.ok(
            "POST", "/v1/notices", {**body, "policy": LINE, "language": "th", "to": "0912000009"}
        )
        await gateway.advance("2h")
        assert await texts(gateway, "0912000009") == ["คุณ小明 พัสดุถึงแล้ว"]

        status, problem = await gateway.call("POST", "/v1/notices", {**body, "language": "ja"})
        assert (status, problem["errors"][0]["pointer"]) == (422, "/language")
        assert "no texts in 'ja', only in zh-Hant, th, en-US" in problem["detail"]

        many = await gateway.ok(
            "POST",
            "/v1/notices/batch",
            {"notices": [{**body, "language": x} for x in ("th", "ja", "x" * 30, 5)]},
        )
        assert [r.get("problem", {}).get("status") for r in many["results"]] == [None, 422, 422, 422]
        assert (await gateway.notice(many["results"][0]["id"]))["language"] == "th"


async def test_a_list_says_the_language_for_each_row_or_for_all(
    line: RunningEmulator, tmp_path: Path
) -> None:
    async with opened(line, tmp_path / "data") as gateway:
        await gateway.template(languages={"th": {"sms": "คุณ{{name}}"}, "en": {"sms": "Hello {{name}}"}})
        rows = b"phone,name,Lang\n0912000001,A,\n0912000002,B,en-GB\n0912000003,C,ja\n"

        _, seen = await gateway.upload(rows, language="th", dry_run="true")
        assert [x["language"] for x in seen["first"]] == ["th", "en"]
        assert [x["reason"] for x in seen["rejects"]] == [
            "The template parcel has no texts in 'ja', only in zh-Hant, th, en. Ask for one of these, or leave "
            "language out."
        ]

        _, batch = await gateway.upload(rows, language="th-TH", policy='{"steps": [{"step": "sms"}]}')
        assert batch["language"] == "th"
        await gateway.settle()
        assert await texts(gateway, "0912000001") == ["คุณA"]
        assert await texts(gateway, "0912000002") == ["Hello B"]

        status, problem = await gateway.upload(rows, language="fr")
        assert (status, problem["errors"][0]["pointer"]) == (422, "/language")

        # A template in one language takes such a column for one of the business's own.
        await gateway.template(name="plain")
        _, plain = await gateway.upload(rows, template="plain", dry_run="true")
        assert (plain["accepted"], plain["refused"]) == (3, 0)
        _, forced = await gateway.upload(
            rows, template="plain", columns='{"language": "Lang"}', dry_run="true"
        )
        assert (forced["accepted"], forced["refused"]) == (1, 2)
