"""LINE's URL scheme: an account's page to add it, and its chat with a text prepared in the composer."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from yarl import URL

from emulator_support import Reply, RunningEmulator, Sink, running_emulator
from line_emulator.screen.texts import LANGUAGES, say
from line_emulator.world import numbers

PHONE, OTHER = "+818000001234", "+886912345678"
MINE = {"emulator_phone": PHONE}
WORD = "連結 7F3K9QXW & more?"


async def shop(emulator: RunningEmulator, sink: Sink | None = None, **values: Any) -> tuple[str, str]:
    """A channel's id and its basic ID; and two users."""
    if sink is not None:
        values["webhook_url"] = sink.url
    made = await emulator.channel(**values)
    await emulator.user(PHONE, language="en")
    await emulator.user(OTHER)
    return made["channel_id"], emulator.state.world.channels[made["channel_id"]].basic_id


async def get(emulator: RunningEmulator, path: str, headers: dict[str, str] | None = MINE) -> Reply:
    url = emulator.url + path
    async with emulator.session.get(URL(url, encoded=True), headers=headers, allow_redirects=False) as answer:
        return Reply(answer.status, answer.headers, await answer.read())


async def post(
    emulator: RunningEmulator, path: str, form: dict[str, str], headers: dict[str, str] | None = None
) -> Reply:
    async with emulator.session.post(
        emulator.url + path, data=form, headers=headers, allow_redirects=False
    ) as answer:
        return Reply(answer.status, answer.headers, await answer.read())


def chat_of(channel_id: str, phone: str = PHONE, text: str = "", frame: str = "") -> str:
    return f"/phones/{quote(phone)}{frame}#/chat/{channel_id}" + (f"/{quote(text, safe='')}" if text else "")


@pytest.mark.parametrize("write", [lambda found: found, lambda found: quote(found, safe=""), str.upper])
async def test_the_add_friend_page_shows_the_account_with_its_badge_and_a_button(
    emulator: RunningEmulator, write: Any
) -> None:
    _, basic_id = await shop(emulator, name="Flowers & <b>Co</b>", badge="green")
    shown = await get(emulator, f"/R/ti/p/{write(basic_id)}")
    text = shown.body.decode()
    assert shown.status == 200
    assert "Flowers &amp; &lt;b&gt;Co&lt;/b&gt;" in text
    assert basic_id in text
    assert 'aria-label="Premium account"' in text
    assert '<button class="primary">Add</button>' in text
    screen = await emulator.screen(PHONE)
    assert screen["channels"][0]["friend"] is False


async def test_adding_on_the_page_makes_a_friend_tells_the_business_and_leads_to_the_chat(
    emulator: RunningEmulator, sink: Sink
) -> None:
    channel_id, basic_id = await shop(emulator, sink)
    path = f"/R/ti/p/{quote(basic_id, safe='')}"
    origin = {"Origin": emulator.url}
    added = await post(emulator, path, {"_phone": PHONE}, origin)
    assert (added.status, added.headers["Location"]) == (303, chat_of(channel_id))
    (event,) = await sink.got(1)
    assert event["type"] == "follow"
    again = await post(emulator, path, {"_phone": PHONE}, origin)
    assert again.status == 303
    assert (await get(emulator, path)).headers["Location"] == chat_of(channel_id)
    await emulator.clock(mode="paused")
    await emulator.clock(advance="1s")
    assert len(sink.events) == 1


async def test_a_page_of_another_address_adds_nothing(emulator: RunningEmulator) -> None:
    _, basic_id = await shop(emulator)
    foreign = {"Origin": "http://127.0.0.1:1", "Cookie": f"emulator_phone={quote(PHONE)}"}
    assert (await post(emulator, f"/R/ti/p/{basic_id}", {"_phone": PHONE}, foreign)).status == 403
    assert (await emulator.screen(PHONE))["channels"][0]["friend"] is False


async def test_who_blocks_the_account_is_offered_to_unblock_it(emulator: RunningEmulator) -> None:
    channel_id, basic_id = await shop(emulator)
    await emulator.act(PHONE, "add_friend", channel_id=channel_id)
    await emulator.act(PHONE, "block", channel_id=channel_id)
    text = (await get(emulator, f"/R/oaMessage/{basic_id}/?hello")).body.decode()
    assert '<button class="primary">Unblock</button>' in text
    assert say("open.without", "en") not in text
    assert (await post(emulator, f"/R/ti/p/{basic_id}", {"_phone": PHONE})).status == 303
    assert (await emulator.screen(PHONE))["channels"][0]["friend"] is True


@pytest.mark.parametrize("slash", ["/", ""])
async def test_a_friend_who_opens_a_prepared_message_comes_to_the_chat_with_it(
    emulator: RunningEmulator, sink: Sink, slash: str
) -> None:
    channel_id, basic_id = await shop(emulator, sink)
    await emulator.act(PHONE, "add_friend", channel_id=channel_id)
    path = f"/R/oaMessage/{quote(basic_id, safe='')}{slash}?{quote(WORD, safe='')}"
    opened = await get(emulator, path)
    assert (opened.status, opened.headers["Location"]) == (303, chat_of(channel_id, text=WORD))
    plain = await get(emulator, f"/R/oaMessage/{basic_id}{slash}")
    assert plain.headers["Location"] == chat_of(channel_id)
    await emulator.clock(mode="paused")
    await emulator.clock(advance="1s")
    assert [event["type"] for event in sink.events] == ["follow"]


async def test_who_is_no_friend_is_offered_to_add_first_and_keeps_the_prepared_message(
    emulator: RunningEmulator,
) -> None:
    channel_id, basic_id = await shop(emulator)
    shown = await get(emulator, f"/R/oaMessage/{basic_id}/?{quote(WORD, safe='')}")
    text = html.unescape(shown.body.decode())
    assert shown.status == 200
    assert shown.headers["Referrer-Policy"] == "same-origin"
    assert say("open.message", "en") in text
    assert text.count(WORD) == 2
    # Who does not want to add it can write all the same.
    assert f'href="{chat_of(channel_id, text=WORD)}"' in text
    added = await post(emulator, f"/R/ti/p/{basic_id}", {"_phone": PHONE, "_text": WORD})
    assert added.headers["Location"] == chat_of(channel_id, text=WORD)


async def test_in_a_frame_the_way_leads_back_into_the_frame(emulator: RunningEmulator) -> None:
    channel_id, basic_id = await shop(emulator)
    path = f"/R/oaMessage/{basic_id}/?hello&_phone={quote(PHONE)}&_frame=1"
    assert 'name="_frame" value="1"' in (await get(emulator, path, None)).body.decode()
    form = {"_phone": PHONE, "_text": "hello", "_frame": "1"}
    added = await post(emulator, f"/R/ti/p/{basic_id}", form)
    assert added.headers["Location"] == chat_of(channel_id, text="hello", frame="?frame=1")


async def test_the_page_asks_whose_phone_it_is_and_hands_the_text_on(emulator: RunningEmulator) -> None:
    channel_id, basic_id = await shop(emulator)
    await emulator.act(OTHER, "add_friend", channel_id=channel_id)
    asked = await get(emulator, f"/R/oaMessage/{basic_id}/?{quote(WORD, safe='')}", None)
    text = asked.body.decode()
    assert asked.status == 200
    assert "On whose phone" in text
    assert PHONE in text
    assert OTHER in text
    fields = dict(re.findall(r'name="(_\w+)" value="([^"]*)"', text))
    assert html.unescape(fields["_text"]) == WORD
    action = re.findall(r'action="([^"]*)"', text)[0]
    # A browser writes the fields of a form with a plus sign for a space.
    chosen = f"{action}?_text={quote(WORD, safe=' ').replace(' ', '+')}&_phone={quote(OTHER, safe='')}"
    assert (await get(emulator, chosen, None)).headers["Location"] == chat_of(channel_id, OTHER, WORD)


@pytest.mark.parametrize("path", ["/R/ti/p/", "/R/oaMessage/"])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_an_unknown_id_is_a_page_in_the_users_language(
    emulator: RunningEmulator, path: str, language: str
) -> None:
    await shop(emulator)
    await emulator.user(PHONE, language=language)
    shown = await get(emulator, f"{path}%40%3Cb%3Enowhere")
    text = shown.body.decode()
    assert shown.status == 404
    assert f'<html lang="{language}">' in text
    assert html.escape(say("open.unknown", language), quote=False).replace("'", "&#39;") in text
    assert "@&lt;b&gt;nowhere" in text


async def test_a_phone_without_line_is_told_to_register_first(emulator: RunningEmulator) -> None:
    _, basic_id = await shop(emulator)
    for phone in ("+886900000000", "nonsense", "U" + "0" * 32):
        shown = await get(emulator, f"/R/ti/p/{basic_id}", {"emulator_phone": quote(phone)})
        assert shown.status == 404
    language = numbers.LANGUAGES["+886"]
    shown = await get(emulator, f"/R/ti/p/{basic_id}", {"emulator_phone": "+886900000000"})
    assert say("open.nobody", language) in shown.body.decode()


@pytest.mark.parametrize(
    "query",
    ["%00%FF%D8", "&&&", "_phone=", "x" * 50_000, "%F0%9F%8E%81" * 1000, "%3Cscript%3Ealert(1)%3C/script%3E"],
)
async def test_hostile_texts_are_prepared_as_texts_and_cut_where_they_are_too_long(
    emulator: RunningEmulator, query: str
) -> None:
    _, basic_id = await shop(emulator)
    shown = await get(emulator, f"/R/oaMessage/{basic_id}/?{query}")
    assert shown.status == 200
    assert b"<script>" not in shown.body
    assert len(shown.body) < 40_000


async def test_a_form_that_is_no_form_adds_nothing(emulator: RunningEmulator) -> None:
    _, basic_id = await shop(emulator)
    for body in (b"", b"\xff\xfe", b"_phone=" + b"x" * 100_000, b'{"_phone": "+818000001234"}'):
        reply = await emulator.request("POST", f"/R/ti/p/{basic_id}", body)
        assert reply.status == 200
        assert b"On whose phone" in reply.body
    assert (await emulator.screen(PHONE))["channels"][0]["friend"] is False


async def test_an_unknown_link_of_the_scheme_is_a_page_and_no_api_answer(emulator: RunningEmulator) -> None:
    shown = await get(emulator, "/R/nv/settings", None)
    assert shown.status == 404
    assert shown.headers["Content-Type"].startswith("text/html")


async def test_looking_ahead_changes_nothing(emulator: RunningEmulator, sink: Sink) -> None:
    _, basic_id = await shop(emulator, sink)
    for path in (f"/R/ti/p/{basic_id}", f"/R/oaMessage/{basic_id}/?hello"):
        assert (await emulator.request("HEAD", path, headers=MINE)).status == 200
        assert (await get(emulator, path)).status == 200
    await emulator.clock(mode="paused")
    await emulator.clock(advance="1s")
    assert sink.events == []


async def test_the_phones_page_sets_the_cookie_by_which_other_pages_know_it(
    emulator: RunningEmulator,
) -> None:
    _, basic_id = await shop(emulator)
    page = await emulator.request("GET", f"/phones/{quote(PHONE, safe='')}")
    assert page.headers["Set-Cookie"] == f"emulator_phone={quote(PHONE, safe='')}; Path=/; SameSite=lax"
    framed = await emulator.request("GET", f"/phones/{quote(PHONE, safe='')}?frame=1")
    assert "Set-Cookie" not in framed.headers
    cookie = {"Cookie": f"emulator_phone={quote(PHONE, safe='')}"}
    assert b'class="primary"' in (await get(emulator, f"/R/ti/p/{basic_id}", cookie)).body


async def test_a_friend_made_on_the_page_is_a_friend_after_a_restart(tmp_path: Path) -> None:
    async with running_emulator(state_file=tmp_path / "state") as emulator:
        channel_id, basic_id = await shop(emulator)
        await post(emulator, f"/R/ti/p/{basic_id}", {"_phone": PHONE})
    async with running_emulator(state_file=tmp_path / "state") as emulator:
        assert (await get(emulator, f"/R/ti/p/{basic_id}")).headers["Location"] == chat_of(channel_id)
