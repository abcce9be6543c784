"""The console in Chromium: from an empty emulator to a message on a phone, and everything else that is clicked."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from emulator_support import RunningEmulator, Sink

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium"
)
PHONE = "+886912345678"
PATHS = [
    "/",
    "/wall",
    "/console/users",
    "/console/ledger",
    "/console/webhooks",
    "/console/requests",
    "/console/billing",
    "/console/faults",
    "/console/channels/0000000000",
]


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-quic"]
        )
        yield launched
        await launched.close()


class Watched:
    """A page, what its console complains of, and what it asks for elsewhere."""

    def __init__(self, page: Page, home: str) -> None:
        self.page = page
        self.faults: list[str] = []
        self.elsewhere: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda said: self.faults.append(said.text) if said.type == "error" else None)
        page.on("request", lambda request: self._note(request.url, home))

    def _note(self, url: str, home: str) -> None:
        if not url.startswith((home, "data:", "blob:")):
            self.elsewhere.append(url)


async def opened(browser: Browser, url: str, width: int = 1440) -> Page:
    page = await browser.new_page(viewport={"width": width, "height": 900})
    await page.goto(url)
    return page


async def filled(emulator: RunningEmulator, sink: Sink) -> dict[str, Any]:
    """An emulator with something on every page, long names and addresses among it."""
    channel = await emulator.channel(
        name="A shop with a name that is longer than others, 日本の発送サービス株式会社",
        webhook_url=f"{sink.url}/{'long-path/' * 30}",
    )
    for number in range(14):
        reception = ("agree", "not_set", "reject")[number % 3]
        await emulator.user(f"+8869123400{number:02d}", reception=reception, name=f"Name{'x' * 40}")
        await emulator.send(channel, f"+8869123400{number:02d}", f"a-delivery-tag-{number:085d}")
    await emulator.send_flexible(channel, "+886912340000")
    await emulator.fault("api", "status_after", status=500, path=f"/{'long-path' * 20}")
    await emulator.fault("webhook", "drop", share=0.05, channel_id=channel["channel_id"])
    await sink.got(1)
    return channel


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("full", [False, True], ids=["empty", "full"])
async def test_every_page_fits_its_window_and_loads_nothing_from_elsewhere(
    emulator: RunningEmulator, sink: Sink, browser: Browser, width: int, full: bool
) -> None:
    channel_id = (await filled(emulator, sink))["channel_id"] if full else "0000000000"
    page = await browser.new_page(viewport={"width": width, "height": 900})
    watched = Watched(page, emulator.url)
    for path in PATHS:
        path = path.replace("0000000000", channel_id)
        answer = await page.goto(emulator.url + path, wait_until="networkidle" if path != "/wall" else "load")
        assert answer is not None
        missing = path.startswith("/console/channels") and not full
        assert answer.status == (404 if missing else 200)
        if missing:
            # Chromium itself reports the 404 of the page.
            watched.faults.clear()
        wide = await page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wide <= 0, f"{path} is {wide} px wider than a window of {width} px"
        assert watched.faults == [], path
    assert watched.elsewhere == []


async def test_a_newcomer_makes_an_example_sends_a_notification_and_sees_it_on_a_phone(
    emulator: RunningEmulator, browser: Browser
) -> None:
    page = await opened(browser, emulator.url)
    watched = Watched(page, emulator.url)
    await page.get_by_role("button", name="Make an example").click()
    await page.get_by_role("heading", name="Send a notification").wait_for()
    await page.get_by_role("button", name="Send").first.click()
    row = page.locator(".people li").first
    await expect(row.locator("output")).to_contain_text("LINE answered 202")
    phone = page.frame_locator("#first-phone iframe")
    await expect(phone.locator("body")).to_contain_text("Example shop")
    await expect(page.locator("#fates .delivered b")).to_have_text("1")
    await page.get_by_role("link", name="Ledger", exact=True).click()
    row = page.locator("#ledger tbody tr")
    await expect(row).to_contain_text("delivered")
    await expect(row).to_contain_text("example_parcel_arrived")
    await expect(row).to_contain_text("made up")
    assert watched.faults == []


async def test_a_user_who_rejects_is_422_and_the_page_says_what_that_means(
    emulator: RunningEmulator, browser: Browser
) -> None:
    await emulator.channel()
    await emulator.user(PHONE, reception="reject")
    page = await opened(browser, emulator.url)
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".people output")).to_contain_text(
        "LINE answered 422. LINE can't send to this user"
    )


async def test_a_notification_can_be_sent_from_another_channel_with_another_template(
    emulator: RunningEmulator, browser: Browser
) -> None:
    page = await opened(browser, emulator.url)
    await page.get_by_role("button", name="Make an example").click()
    await expect(page.locator("#first-users")).to_contain_text("Example shop")
    other = await emulator.channel(name="Another shop")
    await page.reload()
    await expect(page.locator("#first-users")).to_contain_text("Example shop")
    async with page.expect_navigation():
        await page.get_by_label("Template").select_option("example_payment_due")
    await page.get_by_role("button", name="Send", exact=True).first.click()
    await expect(page.locator(".people li").first.locator("output")).to_contain_text("LINE answered 202")
    async with page.expect_navigation():
        await page.locator("#first-choice").get_by_label("Channel").select_option(other["channel_id"])
    await expect(page.locator("#first-users")).to_contain_text("Another shop")
    await page.get_by_role("button", name="Send", exact=True).first.click()
    await expect(page.locator(".people li").first.locator("output")).to_contain_text("LINE answered 202")
    rows = await emulator.ledger()
    assert [row["template_key"] for row in rows] == ["example_payment_due", "shipment_completed_ja"]
    assert rows[1]["channel_id"] == other["channel_id"]


async def test_on_a_narrow_window_the_answer_and_the_phone_are_in_sight_after_send(
    emulator: RunningEmulator, browser: Browser
) -> None:
    page = await opened(browser, emulator.url, 390)
    await page.get_by_role("button", name="Make an example").click()
    await page.get_by_role("button", name="Send", exact=True).first.click()
    await expect(page.locator(".people li").first.locator("output")).to_contain_text("LINE answered 202")
    await expect(page.locator("#first-phone .glass")).to_be_in_viewport(ratio=0.95)
    await expect(page.get_by_text("LINE answered 202", exact=True)).to_be_in_viewport()


async def test_the_example_users_are_made_anew_after_a_refusal(
    emulator: RunningEmulator, browser: Browser
) -> None:
    page = await opened(browser, emulator.url)
    await page.get_by_role("button", name="Make an example").click()
    await expect(page.locator("#first-users")).to_contain_text("Jun")
    await page.locator(".people li", has_text="Jun").get_by_role("button", name="Send").click()
    await expect(page.locator(".people li", has_text="Jun").locator("output")).to_contain_text("202")
    jun = emulator.state.world.people.find_phone("+886912000002")
    assert (jun.language, jun.reception) == ("en", "not_set")
    await emulator.act("+886912000002", "refuse")
    await expect(page.locator(".people li", has_text="Jun")).to_contain_text("reject")
    await page.get_by_role("button", name="Make the example users anew").click()
    await expect(page.locator("#first-anew output")).to_have_text("Made anew.")
    await expect(page.locator(".people li", has_text="Jun").locator(".reception")).to_have_text("not set")
    await page.locator(".people li", has_text="Jun").get_by_role("button", name="Send").click()
    await expect(page.locator("#fates .pending b")).to_have_text("1")
    assert (await emulator.screen("+886912000002"))["prompts"]


async def test_the_webhook_can_be_tested_as_soon_as_its_url_is_saved(
    emulator: RunningEmulator, sink: Sink, browser: Browser
) -> None:
    channel = await emulator.channel()
    page = await opened(browser, f"{emulator.url}/console/channels/{channel['channel_id']}")
    test = page.get_by_role("button", name="Test the webhook")
    await expect(test).to_be_disabled()
    await expect(page.locator("#webhook-test")).to_contain_text("Save a URL first.")
    await page.get_by_label("URL", exact=True).fill(sink.url)
    await page.get_by_role("button", name="Save").first.click()
    await expect(test).to_be_enabled()
    await test.click()
    await expect(page.locator("form output").first).to_contain_text("It answered 200")


async def test_faults_and_scenarios_are_ordered_by_one_click(
    emulator: RunningEmulator, browser: Browser
) -> None:
    await emulator.clock(mode="paused")
    await emulator.control("POST", "/reset")
    await emulator.clock(set="2030-01-01T10:00:00Z")
    channel = await emulator.channel()
    await emulator.user(PHONE)
    page = await opened(browser, f"{emulator.url}/console/faults")
    await page.get_by_role("button", name="429 for the next 10").click()
    orders = page.locator("#orders")
    await expect(orders).to_contain_text("status before 429")
    assert (await emulator.send(channel, PHONE)).status == 429
    for name, said in (
        ("500 after LINE took it", "status after 500"),
        ("5 % of webhooks lost", "5 %"),
        ("3 s late", "latency 3,000 ms"),
    ):
        await page.get_by_role("button", name=name).click()
        await expect(orders).to_contain_text(said)
    await page.get_by_role("button", name="Play “An evening”").click()
    step = page.locator("#scenarios tbody tr").nth(1)
    await expect(step).to_contain_text("act: agree, 33 % of not set")
    await expect(step).to_contain_text("2030-01-01 12:00:00")


async def test_pages_look_again_by_themselves_and_keep_what_is_open(
    emulator: RunningEmulator, browser: Browser
) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    await emulator.send(channel, PHONE, "the-first-delivery-tag")
    page = await opened(browser, f"{emulator.url}/console/requests")
    await page.locator("details.entry > summary").click()
    await emulator.send(channel, PHONE, "the-second-delivery-tag")
    await expect(page.locator("details.entry")).to_have_count(2)
    await expect(page.locator("details.entry[open]")).to_have_count(1)
    await expect(page.locator("details.entry[open]")).to_contain_text("the-first-delivery-tag")


async def test_what_somebody_types_is_not_lost_when_the_page_looks_again(
    emulator: RunningEmulator, browser: Browser
) -> None:
    page = await opened(browser, emulator.url)
    await page.get_by_text("Add a user").click()
    await page.get_by_label("Number").fill("+8869123")
    await emulator.user(PHONE)
    await expect(page.locator("#users")).to_contain_text(PHONE)
    await expect(page.get_by_label("Number")).to_have_value("+8869123")


async def test_a_channel_and_a_user_are_added_and_the_credentials_shown(
    emulator: RunningEmulator, browser: Browser
) -> None:
    page = await opened(browser, emulator.url)
    await page.get_by_text("Add a channel").click()
    form = page.locator("#add-channel form")
    await form.get_by_label("Name").fill("<b>Shop</b>")
    await form.get_by_label("Webhook URL").fill("http://shop.example/hook")
    await form.get_by_role("button", name="Add").click()
    await expect(form.locator("output")).to_contain_text("it must be https")
    await form.get_by_label("Webhook URL").fill("")
    await form.get_by_role("button", name="Add").click()
    await expect(page.locator("#credentials")).to_be_visible()
    made = next(iter(emulator.state.world.channels.values()))
    await expect(page.locator("#new-token")).to_have_text(made.access_token)
    await expect(page.locator("#channels")).to_contain_text("<b>Shop</b>")
    await page.get_by_text("Add a user").click()
    await page.get_by_label("Number").fill(PHONE)
    await page.locator("#add-user").get_by_role("button", name="Add").click()
    await expect(page.locator("#users")).to_contain_text(PHONE)
    assert emulator.state.world.people.find_phone(PHONE).reception == "not_set"


async def test_the_clock_is_paused_moved_set_and_sped_up(emulator: RunningEmulator, browser: Browser) -> None:
    page = await opened(browser, emulator.url)
    clock = page.locator("#clock")
    await clock.get_by_role("button", name="Pause").click()
    await expect(page.locator("#clock-now")).to_contain_text("paused")
    before = emulator.state.clock.now()
    await clock.get_by_role("button", name="+24 h").click()
    await expect(clock.locator("output")).to_have_text("Done.")
    assert emulator.state.clock.now() == before + 86_400_000
    await clock.locator("input[name=set]").fill("2040-01-02T03:04:05")
    await clock.get_by_role("button", name="Set", exact=True).click()
    await expect(page.locator("#clock-now [data-clock]")).to_have_text("2040-01-02 03:04:05")
    await clock.locator("input[name=set]").fill("2020-01-02T03:04:05")
    await clock.get_by_role("button", name="Set", exact=True).click()
    await expect(clock.locator("output")).to_contain_text("The clock moves forward")
    await expect(clock.locator("output")).to_contain_text("Press “Empty everything” first")
    await clock.locator("select[name=speed]").select_option("60")
    await clock.get_by_role("button", name="Apply").click()
    await clock.get_by_role("button", name="Run").click()
    await expect(page.locator("#clock-now")).to_contain_text("running × 60")
    assert emulator.state.clock.speed == 60


async def test_a_fault_is_ordered_seen_and_removed(emulator: RunningEmulator, browser: Browser) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    page = await opened(browser, f"{emulator.url}/console/faults")
    form = page.locator("#order")
    await form.locator("[name=kind]").select_option("status_before")
    await form.locator("[name=status]").fill("503")
    await form.get_by_label("For the next").fill("2")
    await form.get_by_role("button", name="Order").click()
    orders = page.locator("#orders")
    await expect(orders).to_contain_text("status before 503")
    assert (await emulator.send(channel, PHONE)).status == 503
    await expect(orders).to_contain_text("next 1")
    await orders.get_by_role("button", name="Remove", exact=True).click()
    await expect(orders).to_contain_text("None.")
    assert (await emulator.send(channel, PHONE)).status == 202
    await form.locator("[name=kind]").select_option("latency")
    await form.get_by_role("button", name="Order").click()
    await expect(orders).to_contain_text("latency 1,000 ms")


async def test_a_scenario_file_is_played_and_its_steps_seen(
    emulator: RunningEmulator, browser: Browser, tmp_path: Path
) -> None:
    page = await opened(browser, f"{emulator.url}/console/faults")
    bad = tmp_path / "bad.yaml"
    bad.write_text("name: x\nsteps: []\n")
    await page.locator("input[type=file]").set_input_files(bad)
    await page.get_by_role("button", name="Play", exact=True).click()
    await expect(page.locator("form[data-scenario] output")).to_contain_text("1 to 1000")
    good = tmp_path / "good.yaml"
    good.write_text("name: A slow day\nsteps:\n  - at: 0s\n    fault: {target: api, kind: latency, ms: 1}\n")
    await page.locator("input[type=file]").set_input_files(good)
    await page.get_by_role("button", name="Play", exact=True).click()
    await expect(page.locator("#scenarios")).to_contain_text("A slow day")
    await expect(page.locator("#orders")).to_contain_text("latency 1 ms")


async def test_granted_keys_are_imported_and_bad_rows_named(
    emulator: RunningEmulator, browser: Browser, tmp_path: Path
) -> None:
    channel = await emulator.channel(region="TW")
    page = await opened(browser, f"{emulator.url}/console/channels/{channel['channel_id']}")
    bad = tmp_path / "bad.csv"
    bad.write_text("kind,key\ntemplate,a_tw\nitem,<b>\n")
    await page.locator("input[type=file]").set_input_files(bad)
    await page.get_by_role("button", name="Import", exact=True).click()
    await expect(page.locator("#grant-faults")).to_contain_text("<b>")
    await expect(page.locator("#grants output").first).to_contain_text(
        "Nothing was imported: 1 bad row. Line 3"
    )
    good = tmp_path / "good.csv"
    good.write_text("kind,key,label\ntemplate,a_tw,包裹\ntemplate,example_b,B\n", encoding="utf-8")
    await page.locator("input[type=file]").set_input_files(good)
    await page.get_by_role("button", name="Import", exact=True).click()
    table = page.locator("#grant-table")
    await expect(table).to_contain_text("包裹")
    await expect(table.locator("tr", has_text="a_tw").locator(".source")).to_have_text("granted")
    await expect(table.locator("tr", has_text="example_b").locator(".source")).to_have_text("made up")
    await expect(page.locator("#grant-faults")).to_be_hidden()
    assert emulator.state.world.channels[channel["channel_id"]].has_template("a_tw")


async def test_a_channels_secrets_are_masked_until_asked_for_and_its_switches_saved(
    emulator: RunningEmulator, sink: Sink, browser: Browser
) -> None:
    channel = await emulator.channel(webhook_url=sink.url)
    page = await opened(browser, f"{emulator.url}/console/channels/{channel['channel_id']}")
    assert channel["access_token"] not in await page.inner_text("body")
    await page.locator("[data-reveal='#token']").click()
    await expect(page.locator("#token")).to_have_text(channel["access_token"])
    await page.get_by_role("button", name="Test the webhook").click()
    await expect(page.locator("form output").first).to_contain_text("It answered 200")
    sink.status = 500
    await page.get_by_role("button", name="Test the webhook").click()
    await expect(page.locator("form output").first).to_contain_text("ERROR_STATUS_CODE")
    await page.get_by_label("A user who rejects is 422").uncheck()
    await page.get_by_label("Requests a second").fill("7")
    async with page.expect_navigation():
        await page.get_by_role("button", name="Save").nth(1).click()
    saved = emulator.state.world.channels[channel["channel_id"]]
    assert (saved.reject_visible, saved.rate_limit, saved.certified) == (False, 7, True)


async def test_a_webhook_is_read_and_delivered_again(
    emulator: RunningEmulator, sink: Sink, browser: Browser
) -> None:
    channel = await emulator.channel(webhook_url=sink.url)
    await emulator.user(PHONE)
    await emulator.send(channel, PHONE, "the-tag-of-this-one")
    await sink.got(1)
    page = await opened(browser, f"{emulator.url}/console/webhooks")
    await page.locator("details.entry > summary").click()
    await expect(page.locator("details[open] pre")).to_contain_text('"data": "the-tag-of-this-one"')
    await page.get_by_role("button", name="Deliver again").click()
    first, second = await sink.got(2)
    assert first["webhookEventId"] == second["webhookEventId"]
    await page.reload()
    await expect(page.locator("details.entry").first).to_contain_text("attempt 2, by hand")


async def test_the_wall_shows_phones_and_takes_and_gives_them(
    emulator: RunningEmulator, browser: Browser
) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    page = await opened(browser, f"{emulator.url}/wall")
    await expect(page.locator(".phone")).to_have_count(1)
    await emulator.send(channel, PHONE)
    await expect(page.frame_locator("iframe").locator("body")).to_contain_text("Shop")
    await emulator.user("+886900000001")
    await page.get_by_label("Number").fill("+886900000001")
    await page.get_by_role("button", name="Add a phone").click()
    await expect(page.locator(".phone")).to_have_count(2)
    assert page.url.endswith("/wall?phones=%2B886900000001,%2B886912345678")
    await page.get_by_role("button", name=f"Take {PHONE} away").click()
    await page.reload()
    await expect(page.locator(".phone")).to_have_count(1)
    await expect(page.locator(".phone")).to_contain_text("+886900000001")


async def test_emptying_everything_asks_once_more(emulator: RunningEmulator, browser: Browser) -> None:
    await emulator.channel()
    page = await opened(browser, emulator.url)
    await page.get_by_role("button", name="Empty everything").click()
    assert len(emulator.state.world.channels) == 1
    await page.get_by_role("button", name="Empty everything?").click()
    await page.get_by_role("button", name="Make an example").wait_for()
    assert emulator.state.world.channels == {}


async def test_a_page_says_when_the_emulator_is_gone(emulator: RunningEmulator, browser: Browser) -> None:
    page = await opened(browser, f"{emulator.url}/console/ledger")
    await expect(page.locator("#lost")).to_be_hidden()
    await emulator.wired.stop()
    await expect(page.locator("#lost")).to_be_visible()
