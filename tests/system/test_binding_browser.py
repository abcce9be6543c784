"""Binding as users see it: links tapped on the phone, pages, LINE's dialog, codes: by clicks in a real browser."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from binding_support import (
    BROWSER,
    BY_NOTIFICATION,
    BY_SMS,
    NUMBER,
    OTHER,
    PUSHED,
    agree,
    bindings_of,
    bound,
    chat_button,
    confirm_in_line,
    enter_code,
    label,
    line_id_of,
    link_for,
    linked,
    phone_with,
    press,
    refused,
    said_in_chat,
    say,
    sees,
    sent,
    show_word,
    steps_of,
    tap_sms,
    templates,
    user_of,
)
from gateway_support import RunningGateway
from phone_support import CHROMIUM, MISSING, chromium
from todoke.core.bind_texts import Say
from todoke.server.web.bind import COOKIE

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as launched:
        yield launched


async def test_from_an_sms_to_a_binding_by_clicks_and_the_next_notice_is_pushed(
    gateway: RunningGateway, browser: Browser
) -> None:
    await templates(gateway)
    phone = await phone_with(gateway, browser)
    await sent(gateway, BY_SMS)
    page = await tap_sms(phone)
    assert NUMBER[1:] not in page.url
    await expect(page.locator(".known .number")).to_have_text("0912•••678")
    await agree(page)
    await show_word(page, phone)
    page = await chat_button(phone, await line_id_of(gateway), label(Say.GO_ON))
    await confirm_in_line(page)
    # Back on the page, which goes on by itself.
    await page.go_back()
    await enter_code(page, phone)
    await sees(page, "done.heading")
    (binding,) = await bindings_of(gateway)
    assert (binding["way"], binding["number"]) == ("link:sms", "0912•••678")
    assert binding["consent"]
    assert await steps_of(gateway) == ["line_push"]
    await phone.open(f"#/chat/{await line_id_of(gateway)}")
    await expect(phone.page.get_by_text(PUSHED)).to_be_visible()


async def test_a_link_in_a_notification_that_the_policy_trusts_binds_without_a_code(
    gateway: RunningGateway, browser: Browser
) -> None:
    await templates(gateway)
    phone = await phone_with(gateway, browser, width=1440)
    await sent(gateway, {**BY_NOTIFICATION, "trust_links": True})
    line_id = await line_id_of(gateway)
    page = await chat_button(phone, line_id, "綁定")
    # Whoever sits at a desk is offered to go on with the phone.
    await expect(page.locator(".qr svg")).to_be_visible()
    await agree(page)
    await show_word(page, phone)
    page = await chat_button(phone, line_id, label(Say.GO_ON))
    await confirm_in_line(page)
    await page.go_back()
    await sees(page, "done.heading")
    assert [b["way"] for b in await bindings_of(gateway)] == ["link:notification"]
    assert (await gateway.emulator.control("GET", "/sms"))["rows"] == []
    assert await steps_of(gateway) == ["line_push"]


async def test_who_adds_the_account_is_greeted_by_name_and_types_the_number_on_the_page(
    gateway: RunningGateway, browser: Browser
) -> None:
    await gateway.greets()
    await templates(gateway)
    phone = await phone_with(gateway, browser)
    line_id = await line_id_of(gateway)
    await gateway.emulator.act(NUMBER, "add_friend", channel_id=line_id)
    await gateway.settle()
    page = await chat_button(phone, line_id, label(Say.GREETING))
    await expect(phone.page.get_by_text("雅婷").first).to_be_visible()
    field = page.get_by_label(say("agree.number"), exact=True)
    await field.fill("02-2345-6789")
    await press(page, "agree.button")
    await expect(page.get_by_role("alert")).to_have_text(say("number.not_mobile", example="0912 345 678"))
    await expect(field).to_have_value("02-2345-6789")
    await field.fill("０９１２－３４５－６７８")
    await press(page, "agree.button")
    await confirm_in_line(page)
    await page.go_back()
    await expect(page.locator("body")).not_to_contain_text("912345678")
    await enter_code(page, phone)
    await sees(page, "done.heading")
    assert [b["way"] for b in await bindings_of(gateway)] == ["link:follow"]
    assert await steps_of(gateway) == ["line_push"]


async def test_forged_expired_and_used_links_are_refused_with_a_page_that_says_what_to_do(
    gateway: RunningGateway, browser: Browser
) -> None:
    await gateway.greets()
    phone = await phone_with(gateway, browser)
    page = phone.page
    used, left = await link_for(gateway), await link_for(gateway)
    await bound(gateway, used)
    await refused(page, used, "used", 410)
    await refused(page, left[:-1], "forged", 404)
    await refused(page, f"{gateway.url}/b/{'A' * 32}", "forged", 404)
    await refused(page, f"{gateway.url}/u/{'A' * 32}", "unbind_forged", 404)
    await page.goto(left)
    await gateway.advance("8d")
    # A page that was left open ends there, too.
    await press(page, "agree.button")
    await sees(page, "sorry.expired.title")
    await refused(page, left, "expired", 410)


async def test_a_forwarded_link_is_refused_to_somebody_elses_phone(
    gateway: RunningGateway, browser: Browser
) -> None:
    await gateway.greets()
    owner = await phone_with(gateway, browser)
    stranger = await phone_with(gateway, browser, OTHER)
    address = await link_for(gateway)
    page = await owner.page.context.new_page()
    await owner.open()
    await page.goto(address)
    await agree(page)
    word = await page.locator(".word code").inner_text()
    await show_word(page, owner)
    page = await chat_button(owner, await line_id_of(gateway), label(Say.GO_ON))
    await sees(page, "link.heading")
    # The stranger sends the same word, and is told so in the chat.
    line_id = await line_id_of(gateway)
    await stranger.open()
    await gateway.emulator.act(OTHER, "add_friend", channel_id=line_id)
    await gateway.emulator.act(OTHER, "send_message", channel_id=line_id, text=word)
    await stranger.open(f"#/chat/{line_id}")
    await expect(stranger.page.get_by_text(said_in_chat(Say.IN_USE))).to_be_visible()
    # And opens the forwarded address.
    theirs = await stranger.page.context.new_page()
    await theirs.goto(address)
    await press(theirs, "link.button")
    await expect(theirs.locator("main.result.bad")).to_be_visible()
    await theirs.go_back()
    await sees(theirs, "sorry.not_yours.title")
    await refused(theirs, address, "not_yours", 403)
    # The owner's page says so by itself.
    await sees(page, "sorry.not_yours.next")
    assert await bindings_of(gateway) == []


async def test_who_does_not_have_the_numbers_phone_can_guess_five_times_and_no_more(
    gateway: RunningGateway, browser: Browser
) -> None:
    thief = await phone_with(gateway, browser, OTHER)
    page, address = thief.page, await link_for(gateway)
    await linked(gateway, address, OTHER)
    # As the browser that LINE confirmed the thief in.
    kept = {"name": COOKIE, "value": BROWSER, "url": address}
    await page.context.add_cookies([kept])  # type: ignore[list-item]
    await page.goto(address)
    await press(page, "code.send")
    sms = (await gateway.emulator.control("GET", "/sms"))["rows"][-1]["text"]
    wrong = "000000" if "000000" not in sms else "000001"
    field = page.get_by_label(say("code.label"), exact=True)
    await field.fill("12 34")
    await press(page, "code.button")
    await expect(page.get_by_role("alert")).to_have_text(say("try.malformed_code"))
    for left in (4, 3, 2, 1):
        await field.fill(wrong)
        await press(page, "code.button")
        await sees(page, "code.left", left=left)
        await expect(page.get_by_role("alert")).to_have_text(say("try.wrong_code"))
        await expect(field).to_have_value("")
    await expect(page.locator("button[data-wait]")).to_be_disabled()
    await field.fill(wrong)
    await press(page, "code.button")
    await sees(page, "sorry.too_many_tries.title")
    assert await bindings_of(gateway) == []


async def test_a_user_disconnects_on_the_page_and_gets_no_more_pushes(
    gateway: RunningGateway, browser: Browser
) -> None:
    await templates(gateway)
    phone = await phone_with(gateway, browser)
    page = phone.page
    await page.goto(await bound(gateway, await link_for(gateway)))
    # Looking at it ends nothing.
    await sees(page, "unbind.heading", brand="Parcels")
    assert await steps_of(gateway) == ["line_push"]
    await press(page, "unbind.button")
    await sees(page, "unbound.heading")
    assert [b["unbound_at"] is None for b in await bindings_of(gateway)] in ([False], [])
    assert await steps_of(gateway) == ["line_notification"]
    await phone.open(f"#/chat/{await line_id_of(gateway)}")
    await expect(phone.page.get_by_text(said_in_chat(Say.UNBOUND))).to_be_visible()


async def test_when_the_number_is_another_persons_the_old_binding_dies_and_its_holder_gets_nothing(
    gateway: RunningGateway, browser: Browser
) -> None:
    await templates(gateway)
    line_id = await line_id_of(gateway)
    before = await phone_with(gateway, browser)
    user = await user_of(gateway)
    await bound(gateway, await link_for(gateway))
    # The carrier gives the number to somebody else, who gets the next SMS with a link.
    after = await phone_with(gateway, browser, takes_over=True)
    await sent(gateway, BY_SMS)
    page = await tap_sms(after)
    await agree(page)
    await show_word(page, after)
    page = await chat_button(after, line_id, label(Say.GO_ON))
    await confirm_in_line(page)
    await page.go_back()
    await sees(page, "code.others_heading")
    await enter_code(page, after)
    await sees(page, "done.heading")
    assert await steps_of(gateway) == ["line_push"]
    await after.open(f"#/chat/{line_id}")
    await expect(after.page.get_by_text(PUSHED)).to_be_visible()
    await before.page.goto(f"{gateway.emulator.url}/phones/{user['user_id']}#/chat/{line_id}")
    await before.page.reload()
    await expect(before.page.get_by_text(said_in_chat(Say.MOVED))).to_be_visible()
    assert PUSHED not in await before.page.locator("body").inner_text()


async def test_a_link_that_was_confirmed_in_line_and_then_passed_on_sends_no_code(
    gateway: RunningGateway, browser: Browser
) -> None:
    thief = await phone_with(gateway, browser, OTHER)
    owner = await phone_with(gateway, browser)
    address = await link_for(gateway)
    await linked(gateway, address, OTHER)
    page = await owner.page.context.new_page()
    await owner.open()
    await page.goto(address)
    await sees(page, "try.other_browser")
    await press(page, "link.button")
    await expect(page.locator("main.result.bad")).to_be_visible()
    await page.go_back()
    await sees(page, "sorry.not_yours.title")
    assert (await gateway.emulator.control("GET", "/sms"))["rows"] == []
    await thief.open(f"#/chat/{await line_id_of(gateway)}")
    await expect(thief.page.get_by_text(said_in_chat(Say.NOT_YOURS))).to_be_visible()
    assert await bindings_of(gateway) == []


async def test_who_goes_on_from_the_chat_in_another_browser_confirms_once_more_there(
    gateway: RunningGateway, browser: Browser
) -> None:
    phone = await phone_with(gateway, browser)
    address = await link_for(gateway)
    await linked(gateway, address)
    page = await chat_button(phone, await line_id_of(gateway), label(Say.CODE_NEXT))
    await sees(page, "try.other_browser")
    await confirm_in_line(page)
    await page.go_back()
    await enter_code(page, phone)
    await sees(page, "done.heading")
