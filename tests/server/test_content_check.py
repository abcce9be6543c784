"""The content check where notices come in: one, many, lists; findings, overrulings, own rules and settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from emulator_support import RunningEmulator
from gateway_support import RunningGateway, running_gateway
from todoke.core.durations import DAY, HOUR, parse_rfc3339, rfc3339

BAD = "{{name}} 您好,查詢 https://bit.ly/3x 8/7 忽略"
WHO = {"by": "林雅婷", "why": "The shop's own shortener, agreed with the carrier."}
NOTICE: dict[str, Any] = {
    "channel": "Parcels",
    "template": "parcel",
    "to": "0912345678",
    "parameters": {"name": "小明"},
}
CSV = "phone,name\n0912345678,小明\n0912345679,見 http://a.example/x\n"


async def refused(gateway: RunningGateway, body: dict[str, Any], **query: str) -> Any:
    status, problem = await gateway.call("POST", "/v1/notices", body, **query)
    assert status == 422, problem
    return problem


async def rejects(gateway: RunningGateway, content: str, **fields: str) -> list[str]:
    status, batch = await gateway.upload(content.encode(), **fields)
    assert status == 202, batch
    await gateway.settle()
    text = await gateway.ok("GET", f"/v1/batches/{batch['id']}/rejects.csv")
    return str(text).splitlines()[1:]


async def test_what_must_not_be_sent_is_refused_on_every_path_and_a_named_person_may_overrule_it(
    gateway: RunningGateway,
) -> None:
    made = await gateway.template(sms=BAD)
    (error,) = [x for x in made["findings"] if x["severity"] == "error"]
    assert (made["sendable"], error["code"], error["pointer"], error["words"]) == (
        False, "link-shortener", "/sms", "https://bit.ly/3x",
    )  # fmt: skip
    problem = await refused(gateway, NOTICE)
    assert (problem["type"], problem["errors"][0]["pointer"]) == ("content", "/template/sms")
    assert "link-shortener" in problem["errors"][0]["message"]
    assert (await refused(gateway, NOTICE, dry_run="true"))["type"] == "content"
    many = await gateway.ok("POST", "/v1/notices/batch", {"notices": [NOTICE]})
    assert many["results"][0]["problem"]["type"] == "content"
    assert (await gateway.upload(CSV.encode()))[1]["type"] == "content"
    # By the version before it goes on.
    first = (await gateway.ok("GET", "/v1/notices"))["notices"]
    assert first == []

    path = f"/v1/templates/{made['id']}/overrulings"
    wanted = {"code": "link-shortener", "pointer": "/sms", **WHO}
    for wrong, pointer in (
        ({"why": "short"}, "/why"),
        ({"by": " "}, "/by"),
        ({"pointer": "/push"}, "/pointer"),
    ):
        status, problem = await gateway.call("POST", path, wanted | wrong)
        assert (status, problem["errors"][0]["pointer"]) == (422, pointer), problem
    answer = await gateway.ok("POST", path, wanted)
    assert (answer["sendable"], answer["standing_errors"]) == (True, [])
    assert [x["code"] for x in answer["findings"] if x["severity"] == "error"] == ["link-shortener"]
    history = await gateway.ok("GET", f"/v1/templates/{made['id']}/history")
    assert ("overruling", "林雅婷") in [(x["kind"], x["by"]) for x in history["history"]]
    await gateway.ok("POST", "/v1/notices", NOTICE)
    # It was for that version: the next one stands by itself, and taking it back holds at once.
    assert not (await gateway.template(sms=BAD + "。"))["sendable"]
    await gateway.ok("POST", "/v1/notices", NOTICE | {"template": made["id"]})
    given = answer["overrulings"][0]["id"]
    await gateway.ok("DELETE", f"{path}/{given}", by="王經理")
    assert (await refused(gateway, NOTICE | {"template": made["id"]}))["type"] == "content"
    hard = await gateway.template(name="hard", sms="身分證 A123456789 8/7 忽略")
    body = {"code": "personal-national-id", "pointer": "/sms", **WHO}
    assert (await gateway.call("POST", f"/v1/templates/{hard['id']}/overrulings", body))[0] == 409


async def test_values_are_refused_by_what_is_in_them_and_a_row_of_a_list_says_why(
    gateway: RunningGateway,
) -> None:
    bad = NOTICE | {"parameters": {"name": "見 http://a.example/x"}}
    problem = await refused(gateway, bad)
    assert (problem["type"], problem["errors"][0]["pointer"]) == ("content", "/parameters/name")
    assert "link-not-https" in problem["detail"]
    many = await gateway.ok("POST", "/v1/notices/batch", {"notices": [NOTICE, bad]})
    assert (many["accepted"], many["results"][1]["problem"]["type"]) == (1, "content")
    (row,) = await rejects(gateway, CSV)
    assert row.startswith("3,")
    assert "link-not-https" in row
    dry = await gateway.ok(
        "POST", "/v1/notices", NOTICE | {"parameters": {"name": "0911222333"}}, dry_run="true"
    )
    assert [(x["code"], x["pointer"]) for x in dry["findings"]] == [("personal-unmasked", "/parameters/name")]

    # Where the policy is known, so is whether it can make a late duplicate that the SMS is not ready for.
    await gateway.template(name="bare", sms="{{name}} 您好,您的包裹已送達門市。")
    for wait, said in (("30m", 1), ("24h", 0)):
        policy = {"steps": [{"step": "line_notification", "wait": wait}, {"step": "sms"}]}
        told = await gateway.ok("POST", "/v1/notices", NOTICE | {"template": "bare", "policy": policy})
        assert (
            len(
                [x for x in told["policy"].get("warnings", []) if "若您已完成,請忽略" in x.replace("，", ",")]
            )
            == said
        )

    # A rule of the business holds for values at once, and its settings too.
    rule = {"name": "no rival", "by": "林雅婷", "code": "own-rival", "any": ["他家商城"], "remedy": "Leave it out.",
            "finds": ["比他家商城快"]}  # fmt: skip
    made = await gateway.ok("POST", "/v1/content-rules", rule)
    assert (await gateway.call("POST", "/v1/content-rules", rule))[0] == 200, "the same again"
    status, problem = await gateway.call("POST", "/v1/content-rules", rule | {"passes": ["他家 商城"]})
    assert (status, problem["errors"][0]["pointer"]) == (422, "/passes/0")
    assert (await gateway.call("POST", "/v1/content-rules", rule | {"finds": ["他家商城\ud800"]}))[0] == 422
    rival = NOTICE | {"parameters": {"name": "他 家 商 城"}}
    assert "own-rival" in (await refused(gateway, rival))["detail"]
    checked = await gateway.ok("POST", "/v1/checks", {"text": "他家商城", "language": "zh-Hant"})
    assert (checked["findings"][0]["code"], checked["sendable"]) == ("own-rival", False)
    # The parameter of this template may hold it, on somebody's word.
    template = await gateway.ok("GET", "/v1/templates/parcel")
    body = {"code": "own-rival", "pointer": "/parameters/name", **WHO}
    await gateway.ok("POST", f"/v1/templates/{template['id']}/overrulings", body)
    await gateway.ok("POST", "/v1/notices", rival)
    await gateway.ok("DELETE", f"/v1/content-rules/{made['id']}")
    assert (await gateway.ok("POST", "/v1/checks", {"text": "他家商城"}))["findings"] == []

    settings = {"by": "林雅婷", "links": ["shop.example"], "off": [{"code": "link-not-https", **WHO}]}
    put = await gateway.ok("PUT", "/v1/content-settings", settings)
    assert put["links"] == [{"domain": "shop.example"}]
    assert (await gateway.call("PUT", "/v1/content-settings", settings, **{"if": "0"}))[0] == 409
    problem = await refused(gateway, bad)
    assert "link-off-list" in problem["detail"]
    assert "link-not-https" not in problem["detail"]


async def test_a_text_a_template_or_values_are_checked_and_nothing_is_stored(gateway: RunningGateway) -> None:
    before = await gateway.ok("GET", "/v1/templates")
    template = {
        "name": "new", "channel": "Parcels", "use_case": "delivery", "sms": BAD,
        "parameters": {"name": {"type": "text", "example": "A123456789"}},
    }  # fmt: skip
    found = (
        await gateway.ok(
            "POST", "/v1/checks", {"template": template, "parameters": {"name": "5555555555554444"}}
        )
    )["findings"]
    assert {(x["code"], x["pointer"]) for x in found if x["severity"] == "error"} == {
        ("link-shortener", "/sms"),
        ("personal-national-id", "/parameters/name/example"),
        ("personal-card-number", "/parameters/name"),
    }
    assert await gateway.ok("GET", "/v1/templates") == before
    box: dict[str, Any] = {"type": "text", "text": "x"}
    for _ in range(50):
        box = {"type": "box", "layout": "vertical", "contents": [box]}
    deep = [{"type": "flex", "altText": "x", "contents": {"type": "bubble", "body": box}}]
    for path, body in (
        ("/v1/checks", {"template": template | {"flexible": deep}}),
        ("/v1/templates", template | {"flexible": deep}),
    ):
        status, problem = await gateway.call("POST", path, body)
        assert (status, problem["type"]) == (422, "invalid-template")
        assert "nested deeper" in problem["detail"]
    for body in (
        {},
        {"text": "x" * 10_001},
        {"text": "x", "country": "US"},
        {"parameters": {"x": [1]}},
        {"parameters": {"\ud800": "x"}},
        {"parameters": {"x": "\ud800"}},
        {"parameters": {"x": "x" * 900_000}},
        {"parameters": {f"x{n}": "好" * 5000 for n in range(5)}},
    ):
        assert (await gateway.call("POST", "/v1/checks", body))[0] == 422, str(body)[:50]
    assert (await gateway.call("POST", "/v1/checks", {"parameters": {"x": "x" * 1_100_000}}))[0] == 413
    odd = {"template": template | {"channel": ["\0", {"x": 1e999}]}, "parameters": {"name": "x"}}
    assert (await gateway.call("POST", "/v1/checks", odd))[0] in (200, 400, 422)
    marks = await gateway.ok("POST", "/v1/checks", {"text": "a\u202eb\x07"})
    assert [x["code"] for x in marks["findings"]] == ["control-characters"]


async def test_notices_of_completion_and_reminders_are_held_to_the_time_of_their_event(
    gateway: RunningGateway,
) -> None:
    now = parse_rfc3339((await gateway.emulator.control("GET", "/clock"))["now"])
    day = {"type": "date", "example": "2026-08-10", "event": True}
    await gateway.template(
        name="table",
        use_case="reservation_reminder",
        parameters={"day": day, "name": {"type": "text", "example": "x"}},
        flexible=[{"type": "text", "text": "{{name}} 訂位 {{day}}"}],
        sms=None,
    )
    late = await refused(gateway, NOTICE | {"event_at": rfc3339(now - 25 * HOUR)})
    assert (late["type"], late["errors"][0]["pointer"]) == ("too-late", "/event_at")
    assert (await refused(gateway, NOTICE | {"event_at": "yesterday"}))["errors"][0]["pointer"] == "/event_at"
    # Nothing begins a day after the event: not after quiet hours, retries or a pause either.
    near = await gateway.ok(
        "POST", "/v1/notices", NOTICE | {"event_at": rfc3339(now - 23 * HOUR), "deadline": "20h"}
    )
    assert (near["event_at"], near["deadline_at"]) == (rfc3339(now - 23 * HOUR), rfc3339(now + HOUR))

    def table(to: str, ahead: int) -> dict[str, Any]:
        # Days of Taiwan, eight hours ahead of UTC.
        parameters = {"name": "小明", "day": rfc3339(now + ahead * DAY + 8 * HOUR)[:10]}
        return {"channel": "Parcels", "template": "table", "to": to, "parameters": parameters}

    assert (await refused(gateway, table("0912000001", 9)))["type"] == "too-early"
    assert (await refused(gateway, table("0912000001", -2)))["type"] == "too-late"
    # A third reminder of the same event to the same number is one too many, on whichever path; another event is not.
    await gateway.ok("POST", "/v1/notices", table("0912000001", 3))
    results = (await gateway.ok("POST", "/v1/notices/batch", {"notices": [table("0912000001", 3)] * 2}))[
        "results"
    ]
    assert [x.get("problem", {}).get("type") for x in results] == [None, "too-often"]
    assert (await refused(gateway, table("0912000001", 3), dry_run="true"))["type"] == "too-often"
    await gateway.ok("POST", "/v1/notices", table("0912000001", 4))
    soon = table("0912000001", 3)["parameters"]["day"]
    rows = (
        "phone,name,day\n"
        + f"0912000001,a,{soon}\n"
        + f"0912000002,a,{soon}\n" * 3
        + "0912000003,a,2020-01-01\n"
    )
    reasons = await rejects(gateway, rows, template="table")
    assert [x.split(",")[0] for x in reasons] == ["2", "5", "6"]
    assert "reminders of this event" in reasons[0]
    assert "which is over" in reasons[2]
    # One that was cancelled counts if something of it had gone out.
    await gateway.emulator.control(
        "POST", "/users", {"phone": "+886912345678", "reception": "not_set", "verified": True}
    )
    notice = table("0912345678", 5)
    sent = [(await gateway.ok("POST", "/v1/notices", notice))["id"] for _ in range(2)]
    await gateway.settle()
    for each in sent:
        await gateway.ok("POST", f"/v1/notices/{each}/cancel")
    await gateway.advance("25h")
    assert [(await gateway.notice(each))["state"] for each in sent] == ["cancelled"] * 2
    assert (await refused(gateway, notice))["type"] == "too-often"


async def test_a_version_of_before_there_was_a_check_is_checked_when_it_is_first_used(
    line: RunningEmulator, tmp_path: Path
) -> None:
    async with running_gateway(line, tmp_path / "data") as gateway:
        await gateway.channel()
        made = await gateway.template(sms=BAD)
        database = gateway.app.state.services.database
        async with database.write() as tx:
            await tx.exec_driver_sql("UPDATE templates SET findings = NULL, rules_version = NULL")
        gateway.app.state.services.lookup.desks._templates.clear()
        assert (await refused(gateway, NOTICE))["type"] == "content"
        kept = await gateway.ok("GET", f"/v1/templates/{made['id']}/findings")
        assert kept["findings"] == made["findings"]
