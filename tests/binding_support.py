"""What tests of binding do: taps on the phone and on the pages, and the same without a browser."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from playwright.async_api import Browser, Page, expect

from gateway_support import RunningGateway
from phone_support import CLIPPED, PHONES, Phone
from todoke.core.bind_texts import BUTTON, TEXTS, Say
from todoke.server.web.bind import COOKIE
from todoke.server.web.bind_texts import LANGUAGES, Words

BROWSER = "b" * 43
"""What the browser keeps that these tests play."""

LINKED: dict[str, Any] = {
    "name": "invite",
    "sms": "您的包裹已到店。改用 LINE 接收通知：{{bind_link}}",
    "flexible": [
        {
            "type": "flex",
            "altText": "您的包裹已到店",
            "contents": {
                "type": "bubble",
                "body": {
                    "type": "box",
                    "layout": "vertical",
                    "contents": [
                        {
                            "type": "text",
                            "text": "您的包裹已到店。之後也可以直接用 LINE 收到通知。",
                            "wrap": True,
                        }
                    ],
                },
                "footer": {
                    "type": "box",
                    "layout": "vertical",
                    "contents": [
                        {"type": "button", "action": {"type": "uri", "label": "綁定", "uri": "{{bind_link}}"}}
                    ],
                },
            },
        }
    ],
    "parameters": {},
}
BY_SMS = {"steps": [{"step": "sms"}]}
BY_NOTIFICATION = {"steps": [{"step": "line_notification", "wait": "1h"}]}
PUSH_FIRST = {"steps": [{"step": "line_push"}, {"step": "line_notification", "wait": "1h"}, {"step": "sms"}]}
NUMBER, OTHER = PHONES["zh-Hant"], "+886922333444"
PUSHED = "您的包裹已於 8 月 7 日送達門市"


def say(key: str, language: str = "zh-Hant", **values: object) -> str:
    return str(Words(language)(key, **values))


async def phone_with(
    gateway: RunningGateway, browser: Browser, number: str = NUMBER, *, width: int = 390, **user: Any
) -> Phone:
    """The phone of a new LINE user, in a browser of their own."""
    language = "zh-Hant"
    await gateway.emulator.user(number, language=language, name="雅婷", **user)
    context = await browser.new_context(
        viewport={"width": width, "height": 844}, locale=language, reduced_motion="reduce"
    )
    context.set_default_timeout(5_000)
    return Phone(await context.new_page(), gateway.emulator, number, language)


async def templates(gateway: RunningGateway) -> None:
    """The notice with a link in it, and one that can be pushed."""
    await gateway.template(**LINKED)
    text = "{{name}} 您好," + PUSHED + "。"
    await gateway.template(name="pushed", push=[{"type": "text", "text": text}])


async def sent(gateway: RunningGateway, policy: Any, template: str = "invite", to: str = NUMBER) -> Any:
    more = {} if template == "invite" else {"parameters": {"name": "小明"}}
    notice_id = await gateway.send(to, policy, **{"template": template, "parameters": {}, **more})
    await gateway.settle()
    return await gateway.notice(notice_id)


async def tab_of(page: Page, tap: Callable[[], Awaitable[None]]) -> Page:
    """The tab that a tap opens."""
    async with page.context.expect_page() as opened:
        await tap()
    tab = await opened.value
    await tab.wait_for_load_state()
    return tab


async def tap_sms(phone: Phone) -> Page:
    """Opens the newest SMS and taps its link."""
    await phone.open("#/sms")
    await phone.page.locator(".chat-line").first.click()
    return await tab_of(phone.page, phone.page.locator(".text-bubble .m-link").last.click)


async def code_in_inbox(phone: Phone) -> str:
    """The digits in the newest SMS, read on the phone's screen."""
    await phone.open("#/sms")
    await phone.page.locator(".chat-line").first.click()
    text = await phone.page.locator(".text-bubble").last.inner_text()
    found = re.search(r"\d{6}", text)
    assert found is not None, text
    return found[0]


async def sees(page: Page, key: str, language: str = "zh-Hant", **values: object) -> None:
    await expect(page.get_by_text(say(key, language, **values)).first).to_be_visible()


async def press(page: Page, key: str, language: str = "zh-Hant") -> None:
    name = say(key, language)
    button = page.get_by_role("button", name=name, exact=True)
    await button.or_(page.get_by_role("link", name=name, exact=True)).first.click()


async def agree(page: Page, language: str = "zh-Hant") -> None:
    await sees(page, "agree.consent", language)
    await press(page, "agree.button", language)


async def show_word(page: Page, phone: Phone, language: str = "zh-Hant") -> None:
    """From the page into LINE: adds the account, sends the prepared word, and waits for the answer there."""
    await sees(page, "chat.heading", language)
    await press(page, "chat.button", language)
    await page.get_by_role("button", name=phone.say("home.add"), exact=True).click()
    await expect(page.locator(".composer textarea")).to_have_value(re.compile("LINK [0-9A-Z]{8}"))
    await page.get_by_role("button", name=phone.say("chat.send"), exact=True).click()


async def confirm_in_line(page: Page, language: str = "zh-Hant") -> None:
    await sees(page, "link.heading", language)
    await press(page, "link.button", language)
    await expect(page.locator("main.result.good")).to_be_visible()


async def enter_code(page: Page, phone: Phone, language: str = "zh-Hant") -> None:
    await sees(page, "code.heading", language)
    await press(page, "code.send", language)
    field = page.get_by_label(say("code.label", language), exact=True)
    await expect(field).to_be_focused()
    code = await code_in_inbox(phone)
    await field.fill(code)
    await press(page, "code.button", language)


async def chat_button(phone: Phone, line_id: str, name: str) -> Page:
    """Taps the newest button of this name in the account's chat."""
    await phone.open(f"#/chat/{line_id}")
    return await tab_of(phone.page, phone.page.get_by_role("button", name=name, exact=True).last.click)


def label(said: Say, language: str = "zh-Hant") -> str:
    return BUTTON[said][list(LANGUAGES).index(language)]


async def line_id_of(gateway: RunningGateway) -> str:
    return str((await gateway.ok("GET", "/v1/channels/Parcels"))["line_channel_id"])


async def linked(gateway: RunningGateway, address: str, number: str = NUMBER) -> None:
    """A user goes as far as LINE's confirmation, without a browser: the clicks have a test of their own."""
    line_id = await line_id_of(gateway)
    page = await post(gateway, f"{address}/agree", lang="zh-Hant", consent_version="1")
    word = re.search(r"LINK [0-9A-Z]{8}", page)
    assert word is not None, page
    await gateway.emulator.act(number, "add_friend", channel_id=line_id)
    await gateway.emulator.act(number, "send_message", channel_id=line_id, text=word[0])
    await gateway.settle()
    # Whose phone follows the redirect to LINE's dialog.
    await post(gateway, f"{address}/link", {"emulator_phone": number})
    await gateway.settle()


async def bound(gateway: RunningGateway, address: str, number: str = NUMBER) -> str:
    """A user binds their number by the link; the address at which they can end that."""
    await linked(gateway, address, number)
    await post(gateway, f"{address}/send")
    found = re.search(r"\d{6}", (await gateway.emulator.control("GET", "/sms"))["rows"][-1]["text"])
    assert found is not None
    done = await post(gateway, f"{address}/code", code=found[0])
    unbinding = re.search(r'href="([^"]+/u/[^"?]+)', done)
    assert unbinding is not None, done
    return unbinding[1]


async def post(
    gateway: RunningGateway, address: str, headers: dict[str, str] | None = None, /, **fields: str
) -> str:
    kept = {"Cookie": f"{COOKIE}={BROWSER}"}
    async with gateway.session.post(address, data=fields, headers=kept | (headers or {})) as answer:
        assert answer.status == 200, address
        return await answer.text()


async def steps_of(gateway: RunningGateway, policy: Any = PUSH_FIRST, to: str = NUMBER) -> list[str]:
    """The steps that the next notice takes at once."""
    return [a["step"] for a in (await sent(gateway, policy, "pushed", to))["attempts"]]


async def link_for(gateway: RunningGateway, number: str | None = NUMBER, **more: Any) -> str:
    made = await gateway.ok("POST", "/v1/bind-links", {"channel": "Parcels", "number": number, **more})
    return str(made["url"])


async def bindings_of(gateway: RunningGateway) -> list[dict[str, Any]]:
    found = await gateway.ok("GET", "/v1/bindings")
    return list(next(value for value in found.values() if isinstance(value, list)))


async def refused(page: Page, address: str, why: str, status: int) -> None:
    """The address answers with the page for this reason: what happened, and what to do."""
    answer = await page.goto(address)
    assert answer is not None
    assert answer.status == status
    for part in ("title", "text", "next"):
        await expect(page.locator("main")).to_contain_text(say(f"sorry.{why}.{part}"))
    assert await page.evaluate(CLIPPED) == []


async def user_of(gateway: RunningGateway, number: str = NUMBER) -> dict[str, Any]:
    found: dict[str, Any] = await gateway.emulator.control("GET", f"/users/{quote(number, safe='')}")
    return found


def said_in_chat(what: Say, language: str = "zh-Hant") -> str:
    return TEXTS[what][list(LANGUAGES).index(language)].format(brand="Parcels", number="0912•••678")
