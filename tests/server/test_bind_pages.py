"""The pages of bind links over HTTP: what they answer to programs, to rubbish, and in which language."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import structlog
from sqlalchemy.exc import OperationalError

from binding_support import BROWSER, NUMBER, bound, label, link_for, linked, said_in_chat, say
from gateway_support import RunningGateway
from todoke.carriers.line.linking import BasicId
from todoke.core.bind_texts import LANGUAGES as SPOKEN
from todoke.core.bind_texts import Say
from todoke.core.binding import Next, Why
from todoke.core.phone import Reason
from todoke.engine.bind_view import OtherNumber, View
from todoke.server.web.bind import COOKIE
from todoke.server.web.bind_pages import SORRY_STATUS, TRY_STATUS, Frame, page
from todoke.server.web.bind_texts import LANGUAGES, TEXTS, Words, language_of

FORM = "application/x-www-form-urlencoded"
BRAND = '<b>"A&B"</b>'
FRAME = Frame(path="/b/TOKEN", base_url="https://notices.example.com", now=0)


async def get(
    gateway: RunningGateway, address: str, method: str = "GET", **headers: str
) -> tuple[int, str, Any]:
    sent = {"Cookie": f"{COOKIE}={BROWSER}"} | {x.replace("_", "-"): value for x, value in headers.items()}
    async with gateway.session.request(method, address, headers=sent, allow_redirects=False) as answer:
        return answer.status, await answer.text(), answer.headers


async def post(
    gateway: RunningGateway, address: str, body: bytes = b"", kind: str = FORM
) -> tuple[int, str, Any]:
    headers = {"Content-Type": kind, "Cookie": f"{COOKIE}={BROWSER}"}
    async with gateway.session.post(address, data=body, headers=headers, allow_redirects=False) as answer:
        return answer.status, await answer.text(), answer.headers


async def opened_at(gateway: RunningGateway) -> Any:
    found = await gateway.ok("GET", "/v1/bind-links")
    (rows,) = (value for value in found.values() if isinstance(value, list))
    return rows[0]["opened_at"]


async def test_every_answer_forbids_to_keep_frame_index_or_pass_on_the_address(
    gateway: RunningGateway,
) -> None:
    address = await link_for(gateway)
    for path in ("", "/now", "/state"):
        status, _, headers = await get(gateway, address + path)
        assert status == 200
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in headers["X-Robots-Tag"]
        assert headers["X-Frame-Options"] == "DENY"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
    _, text, _ = await get(gateway, address)
    assert re.search(r"<script(?! src)|<style| style=| on[a-z]+=", text) is None
    assert NUMBER[4:] not in text


async def test_programs_that_look_at_a_link_before_the_user_do_not_open_it(gateway: RunningGateway) -> None:
    address = await link_for(gateway)
    status, text, _ = await get(gateway, address, "HEAD")
    assert (status, text) == (200, "")
    await get(gateway, address, Sec_Purpose="prefetch;prerender")
    await get(gateway, address, Purpose="prefetch")
    await get(gateway, f"{address}/state")
    assert await opened_at(gateway) is None
    await get(gateway, address)
    assert await opened_at(gateway) is not None


async def test_the_page_is_in_the_language_that_was_chosen_then_the_links_then_the_browsers(
    gateway: RunningGateway,
) -> None:
    address, japanese = await link_for(gateway), await link_for(gateway, language="ja")
    for asked, accepted, lang in (
        (address, "fr-FR, th;q=0.8, en;q=0.5", "th"),
        (address, "zh-TW,zh;q=0.9", "zh-Hant"),
        (address, "fr", "en"),
        (f"{address}?lang=th", "ja", "th"),
        (f"{address}?lang=xx", "ja", "ja"),
        (japanese, "th", "ja"),
        (f"{japanese}?lang=en", "th", "en"),
    ):
        _, text, headers = await get(gateway, asked, Accept_Language=accepted)
        assert f'<html lang="{lang}">' in text, (asked, accepted)
        assert headers["Content-Language"] == lang


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("ja;q=0.1, th;q=0.9", "th"),
        ("ja;q=0, en", "en"),
        ("TH_th", "th"),
        (";;q=1,,=,ja;q=nan,th;q=1e9", "en"),
        ("ja," * 5000, "ja"),
    ],
)
def test_a_browsers_wish_is_read_whatever_it_holds(header: str | None, language: str) -> None:
    assert language_of(None, None, header) == language


async def test_the_address_of_an_act_that_is_opened_as_a_page_leads_back_to_the_link(
    gateway: RunningGateway,
) -> None:
    address = await link_for(gateway)
    for act in ("agree", "link", "send", "code", "nonsense/and/more", ""):
        status, _, headers = await get(gateway, f"{address}/{act}?lang=th")
        assert (status, headers["Location"]) == (303, f"{address.removeprefix(gateway.url)}?lang=th"), act
    for token in ("a%0d%0ab", "<script>", "é", "A" * 5000, "//evil.example"):
        status, text, headers = await get(gateway, f"{gateway.url}/b/{token}")
        assert status in (303, 404), token
        assert "evil" not in headers.get("Location", "")
        assert "<script>" not in text


async def test_what_is_no_form_is_answered_with_a_page_and_changes_nothing(gateway: RunningGateway) -> None:
    address = await link_for(gateway)
    for body, kind in (
        (b'{"lang": "en"}', "application/json"),
        (b"--x\r\n\r\n--x--", "multipart/form-data; boundary=x"),
        (b"a=1&" * 1000, FORM),
        (b"\xff\xfe\x00", "text/plain"),
    ):
        status, text, _ = await post(gateway, f"{address}/agree", body, kind)
        assert (status, say("try.unreadable", "en") in text) == (400, True), kind
    for body in (b"consent_version=-1", b"consent_version=" + b"9" * 300, b"\xff=\xff&lang=%ff", b""):
        status, text, _ = await post(gateway, f"{address}/agree", body)
        assert (status, say("try.consent_changed", "en") in text) == (409, True), body
    assert (await post(gateway, f"{address}/agree", b"a" * 9000))[0] == 413
    assert json.loads((await get(gateway, f"{address}/state"))[1]) == {"step": "agree"}


async def test_a_code_is_taken_as_people_type_it(gateway: RunningGateway) -> None:
    address = await link_for(gateway)
    await linked_user(gateway, address)
    await post(gateway, f"{address}/send")
    sms = (await gateway.emulator.control("GET", "/sms"))["rows"][-1]["text"]
    found = re.search(r"\d{6}", sms)
    assert found is not None
    thai = "".join(chr(ord("๐") + int(digit)) for digit in found[0])
    status, _, headers = await post(gateway, f"{address}/code", f"code= {thai[:3]}-{thai[3:]} ".encode())
    assert (status, headers["Location"].endswith("/now")) == (303, True)
    assert say("done.heading") in (await get(gateway, f"{address}/now"))[1]


async def linked_user(gateway: RunningGateway, address: str) -> None:
    await gateway.emulator.user(NUMBER, language="zh-Hant")
    await linked(gateway, address)


async def test_a_second_code_within_a_minute_is_refused_and_after_it_is_sent(gateway: RunningGateway) -> None:
    address = await link_for(gateway)
    await linked_user(gateway, address)
    assert (await post(gateway, f"{address}/send"))[0] == 303
    status, text, _ = await post(gateway, f"{address}/send")
    assert (status, say("try.too_soon") in text) == (429, True)
    assert 'data-wait="' in text
    await gateway.advance("61s")
    assert (await post(gateway, f"{address}/send"))[0] == 303
    assert len((await gateway.emulator.control("GET", "/sms"))["rows"]) == 2


async def test_looking_at_the_page_for_unbinding_ends_nothing_and_a_second_tap_does_no_harm(
    gateway: RunningGateway,
) -> None:
    await gateway.emulator.user(NUMBER, language="zh-Hant")
    unbinding = await bound(gateway, await link_for(gateway))
    for method in ("GET", "HEAD"):
        assert (await get(gateway, unbinding, method))[0] == 200
    assert say("unbind.button") in (await get(gateway, unbinding))[1]
    for _ in range(2):
        status, text, _ = await post(gateway, unbinding)
        assert (status, say("unbound.heading") in text) == (200, True)
    assert say("unbound.heading") in (await get(gateway, unbinding))[1]


async def test_trouble_on_our_side_is_told_on_a_page_too(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch, logged: list[structlog.typing.EventDict]
) -> None:
    address = await link_for(gateway)
    binder = "todoke.engine.binder.Binder.open"

    async def locked(*_: object) -> View:
        raise OperationalError("SELECT '+886912345678'", {}, Exception("database is locked"))

    monkeypatch.setattr(binder, locked)
    status, text, headers = await get(gateway, address)
    assert (status, say("sorry.trouble.title", "en") in text) == (503, True)
    assert "SELECT" not in text
    assert headers["Cache-Control"] == "no-store"

    async def broken(*_: object) -> View:
        raise RuntimeError("+886912345678")

    monkeypatch.setattr(binder, broken)
    status, text, _ = await get(gateway, address)
    assert (status, say("sorry.trouble.next", "en") in text) == (500, True)
    assert "RuntimeError" not in text
    (line,) = [line for line in logged if line["event"] == "server.error"]
    logged.remove(line)
    assert line["route"] == "/b/{token}"


def test_every_text_is_there_in_every_language_with_the_same_values_to_fill_in() -> None:
    assert set(LANGUAGES) == set(SPOKEN)
    for key, texts in TEXTS.items():
        assert set(texts) == set(LANGUAGES), key
        names = {frozenset(re.findall(r"\{(\w+)\}", text)) for text in texts.values()}
        assert len(names) == 1, key
        assert all(text.strip() and "<" not in text for text in texts.values()), key


def test_every_reason_has_a_page_of_its_own_or_words_beside_what_can_be_tried_again() -> None:
    assert {why for why in Why if f"sorry.{why}.title" in TEXTS} == set(SORRY_STATUS)
    # A number has texts by reason; a step out of turn is answered with the page of the right one.
    assert set(TRY_STATUS) - {Why.BAD_NUMBER} <= {why for why in Why if f"try.{why}" in TEXTS}
    assert set(Why) - set(SORRY_STATUS) - set(TRY_STATUS) == {
        Why.OUT_OF_TURN,
        Why.SMS_UNKNOWN,
        Why.OTHER_BROWSER,
    }
    assert {f"try.{Why.SMS_UNKNOWN}", f"try.{Why.OTHER_BROWSER}"} <= set(TEXTS)
    titles = [TEXTS[f"sorry.{why}.title"]["en"] for why in SORRY_STATUS]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_can_be_drawn_and_what_is_filled_in_is_escaped(language: str) -> None:
    step = {"brand": BRAND, "number": "0912•••678", "language": language}
    code = {**step, "next": Next.CODE, "may_send_at": 30_000, "tries_left": 4}
    others = (OtherNumber("id", "0922•••111"),)
    views = [
        View(next=Next.AGREE, consents={language: BRAND}, **step),
        View(next=Next.AGREE, asks_number=True, consents={language: "x"}, brand=BRAND, language=language),
        View(
            next=Next.CHAT,
            word="LINK 1",
            chat_url="https://line.me/x",
            friend_url="https://line.me/y",
            **step,
        ),
        View(next=Next.CHAT, word="LINK 1", **step),
        View(next=Next.LINK, **step),
        View(next=Next.DONE, unbind_url="https://x/u/y", **step),
        View(next=Next.UNBIND, **step),
        View(next=Next.UNBOUND, **step),
        View(**code, others=2, other_numbers=others),
        View(**code, others=None, asks_number=True, code_sent_at=1),
        View(**{**code, "may_send_at": None}, code_sent_at=1),
        *(View(next=Next.SORRY, why=why, **step) for why in SORRY_STATUS),
        *(View(**code, code_sent_at=1, why=why) for why in TRY_STATUS if why is not Why.BAD_NUMBER),
        *(
            View(next=Next.AGREE, why=Why.BAD_NUMBER, number_reason=reason, asks_number=True, **step)
            for reason in Reason
        ),
    ]
    for view in views:
        text = bytes(page(view, FRAME).body).decode()
        assert f'<html lang="{language}">' in text
        assert BRAND not in text
        assert "None" not in text
        assert re.search(r"\{\w*\}|\{\{|\{%", text) is None, view


def test_where_no_code_can_come_any_more_the_page_says_so_instead_of_asking_for_one() -> None:
    for view, key, status in (
        (View(next=Next.CODE, number="0912•••678", why=Why.NO_SMS, may_send_at=0), "no_sms", 503),
        (View(next=Next.CODE, number="0912•••678", may_send_at=None), "too_many_codes", 429),
    ):
        answer = page(view, FRAME)
        text = bytes(answer.body).decode()
        assert (answer.status_code, Words("en")(f"sorry.{key}.title") in text) == (status, True)
        assert "<form" not in text


def test_the_words_that_pages_tell_users_to_send_are_those_that_the_chat_says() -> None:
    for language in LANGUAGES:
        again = re.search(r"[“「](.+?)[”」]", TEXTS["unbound.again"][language])
        assert again is not None
        assert again[1] in said_in_chat(Say.LINK_OVER, language)
    assert label(Say.GO_ON, "en") == "Go on"


async def test_the_browser_that_leaves_for_line_gets_a_cookie_and_no_other_browser_is_shown_the_code(
    gateway: RunningGateway,
) -> None:
    address = await link_for(gateway)
    await linked_user(gateway, address)
    _, mine, _ = await get(gateway, address)
    assert 'data-step="code"' in mine
    for kept in ("", f"{COOKIE}={'x' * 43}", f"{COOKIE}=rubbish"):
        status, theirs, _ = await get(gateway, address, Cookie=kept)
        assert (status, 'data-step="link"' in theirs) == (200, True)
        assert say("try.other_browser") in theirs
        assert json.loads((await get(gateway, f"{address}/state", Cookie=kept))[1]) == {"step": "link"}
    async with gateway.session.post(f"{address}/send") as answer:
        assert say("try.other_browser") in await answer.text()
    assert (await gateway.emulator.control("GET", "/sms"))["rows"] == []
    async with gateway.session.post(f"{address}/link", allow_redirects=False) as answer:
        cookie = answer.cookies[COOKIE]
        assert (cookie["httponly"], cookie["samesite"].lower()) == (True, "lax")
        assert cookie["path"] == address.removeprefix(gateway.url)
        assert len(cookie.value) == len(BROWSER)


async def test_where_the_chat_is_silent_no_page_tells_users_to_write_there(gateway: RunningGateway) -> None:
    for greets in (True, False):
        await gateway.ok("PUT", "/v1/channels/Parcels/binding", {"greets": greets})
        address = await link_for(gateway)
        await gateway.advance("8d")
        _, text, _ = await get(gateway, address)
        assert (say("sorry.expired.next", "en") in text) is greets
        assert (say("sorry.ask", "en") in text) is not greets


async def test_line_is_not_asked_for_its_address_again_and_again_while_it_does_not_tell(
    gateway: RunningGateway,
) -> None:
    address = await link_for(gateway)
    asked: list[str] = []

    async def silent(token: str) -> BasicId:
        asked.append(token)
        return BasicId(error="LINE is away", status=500)

    pages = gateway.app.state.services.binder._views
    pages._line.basic_id = silent
    await post(gateway, f"{address}/agree", b"lang=en&consent_version=1")
    for _ in range(3):
        await get(gateway, f"{address}/state")
        await get(gateway, f"{address}/now")
    assert len(asked) == 1
    await gateway.advance("61s")
    await get(gateway, f"{address}/now")
    assert len(asked) == 2
