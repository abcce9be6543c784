"""Applications over the API: made, filled in, moved as the table allows, with files and a history that stays."""

from __future__ import annotations

from datetime import date
from typing import Any

import aiohttp
import pytest

from gateway_support import RunningGateway
from review_support import USE_CASES, WAY, apply, move, move_version
from todoke.actions.channels import create_key, ensure_account
from todoke.core import attached
from todoke.core.review import TRANSITIONS, State
from todoke.ids import UlidIds
from todoke.storage.database import Database

PDF = b"%PDF-1.7\n1 0 obj\n"
HTML = b"<!DOCTYPE html><script>alert(document.cookie)</script>"


async def attach(gateway: RunningGateway, application: str, content: bytes, name: str = "report.pdf") -> Any:
    form = aiohttp.FormData({"by": "王小明"})
    form.add_field("file", content, filename=name, content_type="application/pdf")
    headers = {"Authorization": f"Bearer {gateway.key}"}
    path = f"{gateway.url}{USE_CASES}/{application}/attachments"
    async with gateway.session.post(path, data=form, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_an_application_goes_all_the_way_with_who_why_and_evidence_and_refuses_every_other_move(
    gateway: RunningGateway,
) -> None:
    made = await apply(gateway)
    status, file = await attach(gateway, made, PDF, "../acceptance.pdf")
    assert (status, file["name"], file["media_type"]) == (201, "acceptance.pdf", "application/pdf")
    await gateway.ok("POST", f"{USE_CASES}/delivery/comments", {"by": "林怡君", "text": "LINE 說下週回覆"})
    at = "draft"
    for step in (*WAY, "suspended", "live"):
        legal = [str(b) for a, b in TRANSITIONS if a == at]
        for wrong in (x for x in State if x not in legal):
            body = {"to": wrong, "by": "A", "why": "b", "evidence": "c"}
            status, answer = await gateway.call("POST", f"{USE_CASES}/{made}/transitions", body)
            assert (status, answer["type"]) == (409, "illegal-transition")
            assert answer["detail"].endswith(f"From {at} it can go to: {', '.join(legal)}.")
        if step in ("contract_signed", "acceptance_passed"):
            for nothing in ([" "], {"note": "it was signed, believe me"}):
                body = {"to": step, "by": "A", "why": "b", "evidence": nothing}
                status, answer = await gateway.call("POST", f"{USE_CASES}/{made}/transitions", body)
                assert (status, answer["errors"][0]["pointer"]) == (422, "/evidence")
        evidence = {"acceptance_passed": "acceptance.pdf", "approved": "https://line.example/1"}.get(
            step, "C-118"
        )
        body = {"to": step, "by": "王小明", "why": f"因為 {step}", "evidence": evidence}
        shown = await gateway.ok("POST", f"{USE_CASES}/{made}/transitions", body)
        assert shown["state"] == step
        assert set(shown["may_go_to"]) == {str(b) for a, b in TRANSITIONS if a == step}
        at = step
    found = await gateway.ok("GET", f"{USE_CASES}/{made}")
    moves = [x for x in found["history"] if x["kind"] == "transition"]
    assert [x["to"] for x in moves] == ["draft", *WAY, "suspended", "live"]
    assert [x["from"] for x in moves] == [None, "draft", *WAY, "suspended"]
    assert {x["by"] for x in moves[1:]} == {"王小明"}
    assert moves[2]["evidence"] == [{"link": "https://line.example/1"}]
    assert moves[4]["evidence"][0]["attachment"] == file["id"]
    kinds = [x["kind"] for x in found["history"]][:4]
    assert kinds == ["transition", "checklist", "attachment", "comment"]
    assert found["attachments"] == [file]


async def test_what_is_submitted_must_be_complete_and_free_of_errors_and_its_templates_go_along(
    gateway: RunningGateway,
) -> None:
    bare = await gateway.ok("POST", USE_CASES, {"channel": "Parcels", "use_case": "delivery", "by": "A"})
    submit = {"to": "in_review", "by": "A", "why": "ready"}
    status, answer = await gateway.call("POST", f"{USE_CASES}/{bare['id']}/transitions", submit)
    assert (status, answer["type"]) == (409, "not-ready")
    gaps = [x["pointer"] for x in answer["errors"]]
    assert gaps[0] == "/checklist/account_verified"
    assert "/checklist/samples" not in gaps, "the template is one"
    given = {x.rpartition("/")[2]: "given" for x in gaps}
    await gateway.ok("PATCH", f"{USE_CASES}/delivery", {"checklist": given})

    advert = await gateway.template(name="advert", sms="{{name}} 您好,全館商品 8 折優惠,限時三天,立即搶購!")
    status, answer = await gateway.call("POST", f"{USE_CASES}/delivery/transitions", submit)
    assert (status, answer["type"]) == (409, "not-ready")
    assert all(x["pointer"].startswith("/templates/advert/") for x in answer["errors"])
    only = {**submit, "templates": ["parcel"]}
    shown = await gateway.ok("POST", f"{USE_CASES}/delivery/transitions", only)
    assert {x["template"]: x["review"] for x in shown["templates"]} == {
        "parcel": "in_review",
        "advert": "draft",
    }

    status, answer = await gateway.call("PATCH", f"{USE_CASES}/delivery", {"checklist": {"situation": "new"}})
    assert (status, answer["type"]) == (409, "conflict")
    shown = await move(gateway, bare["id"], "changes_wanted")
    assert {x["template"]: x["review"] for x in shown["templates"]}["parcel"] == "changes_wanted"
    second = await gateway.template(sms="{{name}} 您好,您的包裹已到門市。若已取件請忽略。")
    await gateway.ok("POST", f"{USE_CASES}/delivery/transitions", {**submit, "templates": [second["id"]]})
    shown = await move(gateway, bare["id"], "approved")
    reviews = {(x["template"], x["version"]): x["review"] for x in shown["templates"]}
    assert reviews == {("parcel", 1): "changes_wanted", ("parcel", 2): "approved", ("advert", 1): "draft"}

    third = await gateway.template(sms="{{name}} 您好,包裹到了。若已取件請忽略。")
    status, answer = await gateway.call(
        "POST", "/v1/templates/advert/transitions", {"to": "in_review", "by": "A", "why": "b"}
    )
    assert (status, answer["type"]) == (409, "not-ready")
    shown = await move_version(gateway, "parcel", "in_review", "changes_wanted")
    assert (shown["id"], shown["review"]) == (third["id"], "changes_wanted")
    history = await gateway.ok("GET", f"/v1/templates/{third['id']}/history")
    assert [x["to"] for x in history["history"]] == ["in_review", "changes_wanted"]
    status, answer = await gateway.call(
        "POST", "/v1/templates/parcel/transitions", {"to": "approved", "by": "A", "why": "b"}
    )
    assert (status, answer["type"]) == (409, "illegal-transition")
    assert answer["detail"].endswith("From changes_wanted it can go to: in_review.")
    bill = await gateway.template(name="bill", use_case="bill")
    status, answer = await gateway.call(
        "POST", f"/v1/templates/{bill['id']}/transitions", {"to": "in_review", "by": "A", "why": "b"}
    )
    assert (status, answer["type"]) == (409, "not-ready")
    assert "Nobody has applied to use bill" in answer["detail"]
    assert advert["id"]


async def test_what_was_approved_goes_back_with_its_application_and_counts_only_when_it_is_submitted_again(
    gateway: RunningGateway,
) -> None:
    made = await apply(gateway)
    first = (await gateway.ok("GET", "/v1/templates/parcel"))["id"]

    async def reviews() -> list[str]:
        shown = await gateway.ok("GET", f"{USE_CASES}/{made}")
        return [x["review"] for x in sorted(shown["templates"], key=lambda x: x["version"])]

    await move(gateway, made, "in_review", "approved")
    assert await reviews() == ["approved"]
    await move(gateway, made, "changes_wanted")
    assert await reviews() == ["changes_wanted"], "LINE took its approval back"
    await gateway.template(sms="{{name}} 您好,您的包裹已到門市。若已取件請忽略。")
    await move(gateway, made, *WAY)
    assert await reviews() == ["changes_wanted", "approved"], "the version that LINE did not want is not live"
    await move(gateway, made, "suspended", "live")
    assert await reviews() == ["changes_wanted", "approved"], "a suspension takes nothing back"
    await move(gateway, made, "suspended", "draft")
    assert await reviews() == ["changes_wanted", "draft"]
    again = {"to": "in_review", "by": "A", "why": "again", "templates": [first]}
    await gateway.ok("POST", f"{USE_CASES}/{made}/transitions", again)
    await move(gateway, made, *WAY[1:])
    assert await reviews() == ["approved", "draft"]


async def test_the_answer_is_due_in_working_days_and_overdue_afterwards_and_lists_show_it(
    gateway: RunningGateway,
) -> None:
    await gateway.emulator.clock(advance="1h")
    made = await apply(gateway)
    shown = await move(gateway, made, "in_review")
    first, last = (date.fromisoformat(shown[x]) for x in ("answer_from", "answer_until"))
    submitted = date.fromisoformat(shown["submitted_at"][:10])
    assert 12 <= (first - submitted).days <= 25
    assert 26 <= (last - submitted).days <= 45
    assert not shown["overdue"]
    await gateway.advance(f"{(last - submitted).days + 2}d")
    listed = await gateway.ok("GET", USE_CASES)
    assert [(x["use_case"], x["overdue"]) for x in listed["applications"]] == [("delivery", True)]
    rows = {(x["country"], x["key"]): x for x in listed["use_cases"]}
    assert rows["TW", "delivery"]["application"]["id"] == made
    assert rows["TH", "delivery"]["application"] is None
    assert rows["TW", "bill"]["published"] is True
    assert set(rows["TW", "bill"]["names"]) == {"zh-Hant", "th", "ja", "en"}
    await move(gateway, made, "approved")
    assert not (await gateway.ok("GET", f"{USE_CASES}/{made}"))["overdue"]


async def test_own_use_cases_are_by_application_and_never_shown_as_published(gateway: RunningGateway) -> None:
    own = {"channel": "Parcels", "use_case": "parking_permit", "by": "A"}
    status, answer = await gateway.call("POST", USE_CASES, own)
    assert (status, answer["errors"][0]["pointer"]) == (422, "/description")
    own |= {
        "description": "A permit that the user asked for is ready",
        "names": {"zh-Hant": "停車證"},
        "urgency": "5m",
    }
    made = await gateway.ok("POST", USE_CASES, own)
    assert made["published"] is False
    listed = await gateway.ok("GET", USE_CASES, country="TW")
    (row,) = [x for x in listed["use_cases"] if x["key"] == "parking_permit"]
    assert (row["published"], row["name"], row["application"]["id"]) == (False, "停車證", made["id"])
    assert not (await gateway.ok("GET", USE_CASES, country="JP"))["applications"]
    await gateway.template(name="permit", use_case="parking_permit")
    body = {"channel": "Parcels", "template": "permit", "to": "0912345678", "parameters": {"name": "明"}}
    explained = await gateway.ok("POST", "/v1/notices?dry_run=true", body)
    assert explained["steps"][0]["step"] == "sms", "five minutes are too few for LINE first"
    for wrong, status, pointer in (
        (own, 409, "/use_case"),
        ({"channel": "Parcels", "use_case": "bill", "names": {"en": "Bill"}}, 422, "/names"),
        ({**own, "use_case": "other", "names": {"fr": "x"}}, 422, "/names/fr"),
        ({"channel": "nobody", "use_case": "bill"}, 422, "/channel"),
        ({"channel": "Parcels", "use_case": "Bill!"}, 422, "/use_case"),
    ):
        got, answer = await gateway.call("POST", USE_CASES, wrong)
        assert (got, answer["errors"][0]["pointer"]) == (status, pointer), answer
    await gateway.channel("Tokyo", "JP")
    body = {"channel": "Tokyo", "use_case": "parking_permit", "description": "x", "no_verification": True}
    status, answer = await gateway.call("POST", USE_CASES, body)
    assert (status, answer["errors"][0]["pointer"]) == (422, "/no_verification")
    second = await gateway.ok("POST", USE_CASES, {**body, "no_verification": False})
    status, answer = await gateway.call("GET", f"{USE_CASES}/parking_permit")
    assert status == 409
    assert second["id"] in answer["detail"]


DEEP: Any = "x"
for _ in range(200):
    DEEP = [DEEP]


async def test_what_makes_no_sense_is_refused_with_its_place_and_changes_nothing(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await apply(gateway)
    good = {"to": "in_review", "by": "A", "why": "b"}
    path = f"{USE_CASES}/{made}"
    for wrong, pointer in (
        ({**good, "by": None}, "/by"),
        ({**good, "by": " \n "}, "/by"),
        ({**good, "by": "x" * 101}, "/by"),
        ({**good, "by": "王\u202e明"}, "/by"),
        ({**good, "by": ["A"]}, "/by"),
        ({"to": "in_review", "by": "A"}, "/why"),
        ({**good, "why": "x" * 2001}, "/why"),
        ({**good, "why": "a\x00b"}, "/why"),
        ({**good, "why": "\ud800"}, "/why"),
        # Nothing is seen of these, and nobody is called so.
        ({**good, "by": "\u200b\u200b"}, "/by"),
        ({**good, "by": "\u3164"}, "/by"),
        ({**good, "by": "-"}, "/by"),
        ({**good, "why": "\u200b\u3164"}, "/why"),
        ({**good, "evidence": {"link": "https://"}}, "/evidence/link"),
        ({**good, "evidence": {"link": "https://line.example/1\nhttps://evil.example"}}, "/evidence/link"),
        ({**good, "evidence": {"\ud800": "x"}}, "/evidence/\ufffd"),
        ({**good, "to": "closed"}, "/to"),
        ({**good, "evidence": {"url": "x"}}, "/evidence/url"),
        ({**good, "evidence": {"link": "javascript:alert(1)"}}, "/evidence/link"),
        ({**good, "evidence": {"attachment": "none.pdf"}}, "/evidence/attachment"),
        ({**good, "evidence": ["x"] * 11}, "/evidence"),
        ({**good, "evidence": [1]}, "/evidence/0"),
        ({**good, "evidence": DEEP}, "/evidence/0"),
        ({**good, "templates": ["bill"]}, "/templates/0"),
        ({**good, "whom": "x"}, "/whom"),
    ):
        status, answer = await gateway.call("POST", f"{path}/transitions", wrong)
        assert (status, answer["errors"][0]["pointer"]) == (422, pointer), (wrong, answer)
    for checklist, pointer in (
        ({"samples": ""}, "/checklist/samples"),
        ({"samples": "x" * 4001}, "/checklist/samples"),
        ({"line_application": "x"}, "/checklist/line_application"),
    ):
        status, answer = await gateway.call("PATCH", path, {"by": "A", "checklist": checklist})
        assert (status, answer["errors"][0]["pointer"]) == (422, pointer)
    for content, name in ((b"PK\x03\x04", "a.pdf"), (b"", "a.pdf"), (b"MZ\x90\x00", "a.txt")):
        status, answer = await attach(gateway, made, content, name)
        assert (status, answer["errors"][0]["pointer"]) == (422, "/file")
    status, answer = await attach(gateway, made, PDF + bytes(10_200_000))
    assert (status, answer["type"]) == (413, "too-large")
    monkeypatch.setattr(attached, "MOST_BYTES_IN_ALL", 30)
    assert (await attach(gateway, made, PDF))[0] == 201
    status, answer = await attach(gateway, made, PDF)
    assert (status, answer["errors"][0]["pointer"]) == (422, "/file")
    shown = await gateway.ok("GET", path)
    assert shown["state"] == "draft"
    assert [x["kind"] for x in shown["history"]] == ["transition", "checklist", "attachment"]
    for unknown in ("01K2W7M0000000000000000000", "nobody", "..%2Fx", "%00"):
        assert (await gateway.call("GET", f"{USE_CASES}/{unknown}"))[0] == 404


async def test_a_file_is_a_download_in_every_browser_and_another_account_sees_nothing(
    gateway: RunningGateway,
) -> None:
    made = await apply(gateway)
    status, file = await attach(gateway, made, HTML, "報告.pdf")
    assert (status, file["name"], file["media_type"]) == (201, "報告.pdf.html", "text/html")
    path = f"{USE_CASES}/{made}/attachments/{file['id']}"
    headers = {"Authorization": f"Bearer {gateway.key}"}
    async with gateway.session.get(gateway.url + path, headers=headers) as answer:
        assert await answer.read() == HTML
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''%E5%A0%B1")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"].startswith("sandbox")
    gateway.key = await _key_of_another_account(gateway)
    for method, address in (
        ("GET", path),
        ("GET", f"{USE_CASES}/{made}"),
        ("POST", f"{USE_CASES}/{made}/comments"),
    ):
        status, _ = await gateway.call(method, address, {"text": "x"} if method == "POST" else None)
        assert status == 404
    assert (await gateway.ok("GET", USE_CASES))["applications"] == []


async def _key_of_another_account(gateway: RunningGateway) -> str:
    database = Database(f"sqlite:///{gateway.folder / 'todoke.db'}")
    try:
        async with database.write() as tx:
            account = await ensure_account(tx, "another", 0, UlidIds())
            return (await create_key(tx, account, "theirs", 0, UlidIds()))[1]
    finally:
        await database.close()
