"""Binding end to end: pages' deeds, LINE's dialog and events, SMS, chat; and all that must not work."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bind_support import (
    ANNA,
    ANNAS_NUMBER,
    BERT,
    BERTS_NUMBER,
    agreed,
    binder_of,
    bindings,
    bound,
    link_for,
    linked,
    person,
    token_of,
    up_to_code,
)
from gateway_support import RunningGateway
from todoke.core.binding import Next, Why

TRUSTING = {"steps": [{"step": "line_notification"}], "trust_links": True}
WITH_LINK: dict[str, Any] = {
    "flexible": [{"type": "text", "text": "{{name}} 您好,您的包裹已送達。{{bind_link}}"}],
    "sms": "{{name}} 您好,您的包裹已送達。{{bind_link}}",
}


@pytest.fixture
async def shop(gateway: RunningGateway) -> RunningGateway:
    await gateway.greets()
    return gateway


async def test_a_user_binds_a_number_by_a_link_and_the_next_notice_goes_by_push(shop: RunningGateway) -> None:
    anna = await person(shop)
    await anna.adds_friend()
    token = await link_for(shop, number=ANNAS_NUMBER)
    shown = await binder_of(shop).open(token)
    assert shown.number == "0912•••678"
    assert "Parcels" in shown.consents["th"]
    view = await agreed(shop, token)
    assert view.next is Next.CHAT
    assert view.chat_url is not None
    assert view.friend_url is not None
    await anna.writes(view.word or "")
    assert (await binder_of(shop).look(token)).next is Next.LINK
    await linked(shop, token, anna)
    assert (await binder_of(shop).look(token)).next is Next.CODE
    sent = await binder_of(shop).send_code(token)
    assert sent.code_sent_at is not None
    done = await binder_of(shop).enter_code(token, await anna.code())
    assert done.next is Next.DONE
    assert done.unbind_url is not None
    await shop.settle()
    (row,) = await bindings(shop)
    assert row["user_id"] == anna.user_id
    assert row["way"] == "link:api"
    assert row["consent"] == shown.consents["en"]
    assert (row["consent_version"], row["language"]) == (1, "en")
    assert "0912•••678" in (await anna.chat())[-1]
    await shop.template(push=[{"type": "text", "text": "{{name}} 您好"}])
    notice = await shop.send(ANNAS_NUMBER, {"steps": [{"step": "line_push"}, {"step": "sms"}]})
    await shop.settle()
    assert [x["step"] for x in (await shop.notice(notice))["attempts"]] == ["line_push"]


async def test_whoever_adds_the_account_is_greeted_by_name_with_a_link_that_asks_for_the_number(
    shop: RunningGateway,
) -> None:
    anna = await person(shop, name="小明")
    await anna.adds_friend()
    greeting = (await anna.chat())[-1]
    assert "小明" in greeting
    assert "Parcels" in greeting
    token = token_of(await anna.button())
    shown = await binder_of(shop).open(token)
    assert shown.asks_number
    assert shown.number is None
    wrong = await binder_of(shop).agree(token, "12", "ja", shown.consent_version)
    assert (wrong.next, wrong.why) == (Next.AGREE, Why.BAD_NUMBER)
    assert wrong.number_reason is not None
    assert (await bound(shop, token, anna, ANNAS_NUMBER)).next is Next.DONE
    assert [x["way"] for x in await bindings(shop)] == ["link:follow"]
    # Whoever comes back later has what they need: no second invitation.
    before = len(await anna.chat())
    await shop.emulator.act(anna.phone, "block", channel_id=anna.channel)
    await shop.emulator.act(anna.phone, "unblock", channel_id=anna.channel)
    await shop.settle()
    assert len(await anna.chat()) == before


async def test_a_channel_may_keep_silent(shop: RunningGateway) -> None:
    await shop.ok("PUT", "/v1/channels/Parcels/binding", {"greets": False})
    anna = await person(shop)
    await anna.adds_friend()
    await anna.writes("綁定")
    assert await anna.chat() == []


async def test_words_in_the_chat_bring_a_link_and_end_a_binding(shop: RunningGateway) -> None:
    anna = await person(shop)
    await anna.adds_friend()
    await anna.writes("ผูก")
    token = token_of(await anna.button())
    assert (await bound(shop, token, anna, ANNAS_NUMBER)).next is Next.DONE
    await anna.writes("解除綁定")
    assert await bindings(shop) == []
    (ended,) = await bindings(shop, ended=True)
    assert ended["unbound_why"] == "the user, in the chat"
    before = len(await anna.chat())
    await anna.writes("hello, is the parcel there?")
    assert len(await anna.chat()) == before


async def test_the_code_may_be_written_into_the_chat(shop: RunningGateway) -> None:
    anna = await person(shop)
    await anna.adds_friend()
    token = await link_for(shop, number=ANNAS_NUMBER)
    await up_to_code(shop, token, anna)
    await anna.writes("123456")
    await binder_of(shop).send_code(token)
    right = await anna.code()
    await anna.writes("000000" if right != "000000" else "111111")
    assert await bindings(shop) == []
    await anna.writes(right)
    assert len(await bindings(shop)) == 1
    assert (await binder_of(shop).look(token)).next is Next.DONE


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_link_in_a_notification_needs_no_code_only_where_the_policy_trusts_it(
    shop: RunningGateway, trusted: bool
) -> None:
    await shop.template(**WITH_LINK)
    anna = await person(shop)
    await anna.adds_friend()
    await shop.send(ANNAS_NUMBER, {**TRUSTING, "trust_links": trusted})
    await shop.settle()
    token = token_of([x for x in await anna.chat() if "/b/" in x][-1].split("。")[-1])
    view = await agreed(shop, token)
    await anna.writes(view.word or "")
    await linked(shop, token, anna)
    assert (await binder_of(shop).look(token)).next is (Next.DONE if trusted else Next.CODE)
    assert len(await bindings(shop)) == trusted
    report = await shop.ok("GET", "/v1/reports/binding")
    (row,) = [x for x in report["rows"] if x["template"] is not None]
    assert (row["template"], row["way"], row["sent"], row["linked"]) == ("parcel", "notification", 1, 1)
    assert row["bound"] == trusted


async def test_a_trusted_link_wants_the_code_where_the_number_is_another_users(shop: RunningGateway) -> None:
    await shop.template(**WITH_LINK)
    anna, bert = await person(shop), await person(shop, BERT)
    await anna.adds_friend()
    await bert.adds_friend()
    body = {"channel": "Parcels", "number": ANNAS_NUMBER, "user_id": bert.user_id, "way": "account_link"}
    await shop.ok("POST", "/v1/bindings", body)
    await shop.send(ANNAS_NUMBER, TRUSTING)
    await shop.settle()
    token = token_of([x for x in await anna.chat() if "/b/" in x][-1].split("。")[-1])
    view = await up_to_code(shop, token, anna)
    assert view.others == 1
    assert len(await bindings(shop)) == 1


async def test_a_link_in_an_sms_leads_to_the_number_that_it_went_to(shop: RunningGateway) -> None:
    await shop.template(**WITH_LINK)
    anna = await person(shop)
    await anna.adds_friend()
    await shop.send(ANNAS_NUMBER, {"steps": [{"step": "sms"}]})
    await shop.settle()
    token = token_of((await anna.sms())[-1].split("。")[-1])
    assert (await bound(shop, token, anna)).next is Next.DONE
    (link,) = (await shop.ok("GET", "/v1/bind-links", state="bound"))["bind_links"]
    assert (link["way"], link["number"]) == ("sms", "0912•••678")


async def test_a_number_that_moves_leaves_its_former_user(shop: RunningGateway) -> None:
    anna, bert = await person(shop), await person(shop, BERT)
    for each in (anna, bert):
        await each.adds_friend()
    await bound(shop, await link_for(shop, number=ANNAS_NUMBER), anna)
    # The carrier gives Anna's number to Bert.
    await shop.emulator.act(ANNA, "change_number", phone="+886900000001")
    await shop.emulator.act(BERT, "change_number", phone=ANNA)
    anna.phone, bert.phone = "+886900000001", ANNA
    view = await up_to_code(shop, await link_for(shop, number=ANNAS_NUMBER), bert)
    assert view.others == 1
    await shop.advance("2m")
    token = await link_for(shop, number=ANNAS_NUMBER)
    assert (await bound(shop, token, bert)).next is Next.DONE
    (row,) = await bindings(shop)
    assert row["user_id"] == bert.user_id
    told = (await anna.chat())[-1]
    assert "另一個 LINE 帳號" in told or "another" in told
    assert "0912" not in told


async def test_one_number_may_serve_two_line_accounts_if_the_user_says_so(shop: RunningGateway) -> None:
    anna, bert = await person(shop), await person(shop, BERT)
    for each in (anna, bert):
        await each.adds_friend()
    await bound(shop, await link_for(shop, number=ANNAS_NUMBER), anna)
    token = await link_for(shop, number=ANNAS_NUMBER)
    await up_to_code(shop, token, bert)
    await binder_of(shop).send_code(token, keeps_others=True)
    assert (await binder_of(shop).enter_code(token, await anna.code())).next is Next.DONE
    assert {x["user_id"] for x in await bindings(shop)} == {anna.user_id, bert.user_id}


@pytest.mark.parametrize("keeps", [True, False])
async def test_a_users_other_number_stays_only_if_it_is_ticked(shop: RunningGateway, keeps: bool) -> None:
    anna, bert = await person(shop), await person(shop, BERT)
    await anna.adds_friend()
    await bound(shop, await link_for(shop, number=ANNAS_NUMBER), anna)
    token = await link_for(shop, number=BERTS_NUMBER)
    view = await up_to_code(shop, token, anna)
    (other,) = view.other_numbers
    assert other.number == "0912•••678"
    await binder_of(shop).send_code(token, keeps_numbers=[other.binding_id, "not an id"] if keeps else [])
    assert (await binder_of(shop).enter_code(token, await bert.code())).next is Next.DONE
    numbers = {x["number"] for x in await bindings(shop)}
    assert numbers == ({"0912•••678", "0987•••321"} if keeps else {"0987•••321"})


async def test_forged_addresses_are_told_apart_from_old_ones(shop: RunningGateway) -> None:
    token = await link_for(shop, number=ANNAS_NUMBER)
    last = "A" if token[-1] != "A" else "B"
    for forged in (token[:-1] + last, token[:-1], token + "A", "", "../../etc", "\ud800", "ａ" * 32):
        for act in (binder_of(shop).open, binder_of(shop).look, binder_of(shop).unbind_view):
            view = await act(forged)
            assert (view.next, view.why) == (Next.SORRY, Why.FORGED)
    # A link to bind is none to unbind.
    assert (await binder_of(shop).unbind(token)).why is Why.FORGED
    await shop.advance("8d")
    old = await binder_of(shop).open(token)
    assert (old.next, old.why) == (Next.SORRY, Why.EXPIRED)
    assert (await binder_of(shop).agree(token, None, "en", 1)).why is Why.EXPIRED
    report = await shop.ok("GET", "/v1/reports/binding")
    assert report["total"]["ended"] == {"expired": 1}
    await shop.advance("200d")
    assert (await binder_of(shop).open(token)).why is Why.GONE
    assert (await shop.ok("GET", "/v1/bind-links"))["bind_links"] == []


async def test_a_link_works_once(shop: RunningGateway) -> None:
    anna = await person(shop)
    await anna.adds_friend()
    token = await link_for(shop, number=ANNAS_NUMBER)
    await bound(shop, token, anna)
    assert (await binder_of(shop).look(token)).next is Next.DONE
    again = await binder_of(shop).open(token)
    assert (again.next, again.why, again.unbind_url) == (Next.SORRY, Why.USED, None)
    await shop.advance("11m")
    assert (await binder_of(shop).look(token)).why is Why.USED
    assert (await binder_of(shop).send_code(token)).next is Next.SORRY
    assert len(await bindings(shop)) == 1


async def test_a_link_that_another_line_account_opens_is_dead(shop: RunningGateway) -> None:
    anna, bert = await person(shop), await person(shop, BERT)
    for each in (anna, bert):
        await each.adds_friend()
    # Bert passes the link that the chat gave him on, so that Anna's number would become his.
    token = token_of(await bert.button())
    await agreed(shop, token, ANNAS_NUMBER)
    await linked(shop, token, anna)
    view = await binder_of(shop).look(token)
    assert (view.next, view.why) == (Next.SORRY, Why.NOT_YOURS)
    assert (await binder_of(shop).send_code(token)).why is Why.NOT_YOURS
    assert await anna.sms() == []
    assert await bindings(shop) == []


async def test_two_users_race_for_one_link_and_the_second_is_refused(shop: RunningGateway) -> None:
    anna, bert = await person(shop), await person(shop, BERT)
    for each in (anna, bert):
        await each.adds_friend()
    token = await link_for(shop, number=ANNAS_NUMBER)
    word = (await agreed(shop, token)).word or ""
    for each in (bert, anna):
        await shop.emulator.act(each.phone, "send_message", channel_id=each.channel, text=word)
    await shop.settle()
    chats = {each.user_id: (await each.chat())[-1] for each in (anna, bert)}
    refused = [user for user, text in chats.items() if "another LINE account" in text]
    assert len(refused) == 1
    (winner,) = set(chats) - set(refused)
    (link,) = (await shop.ok("GET", "/v1/bind-links", state="claimed"))["bind_links"]
    assert link["user_id"] == winner


async def test_codes_are_counted_by_link_number_and_day_and_old_ones_are_no_good(
    shop: RunningGateway,
) -> None:
    anna = await person(shop)
    await anna.adds_friend()
    token = await link_for(shop, number=ANNAS_NUMBER)
    await up_to_code(shop, token, anna)
    await binder_of(shop).send_code(token)
    old = await anna.code()
    assert (await binder_of(shop).send_code(token)).why is Why.TOO_SOON
    await shop.advance("11m")
    assert (await binder_of(shop).enter_code(token, old)).why is Why.NO_CODE
    for _ in range(2):
        assert (await binder_of(shop).send_code(token)).why is None
        await shop.advance("61s")
    stopped = await binder_of(shop).send_code(token)
    assert (stopped.why, stopped.may_send_at) == (Why.TOO_MANY_CODES, None)
    second = await link_for(shop, number=ANNAS_NUMBER)
    await up_to_code(shop, second, anna)
    for _ in range(2):
        assert (await binder_of(shop).send_code(second)).why is None
        await shop.advance("61s")
    assert (await binder_of(shop).send_code(second)).why is Why.TOO_MANY_CODES
    assert len(await anna.sms()) == 5
    await shop.advance("24h")
    assert (await binder_of(shop).send_code(second)).why is None


async def test_line_that_is_down_and_users_who_are_no_friends_are_told_so(shop: RunningGateway) -> None:
    anna = await person(shop)
    token = await link_for(shop, number=ANNAS_NUMBER, user_id=anna.user_id)
    assert (await agreed(shop, token)).next is Next.LINK
    view = await binder_of(shop).line_url(token)
    assert not isinstance(view, str)
    assert (view.next, view.why) == (Next.LINK, Why.NOT_A_FRIEND)
    assert view.friend_url is not None
    await anna.adds_friend()
    assert "/b/" + token in await anna.button()
    await shop.emulator.fault("api", "status_before", status=500, next=1, path="/v2/bot/user/*")
    view = await binder_of(shop).line_url(token)
    assert not isinstance(view, str)
    assert view.why is Why.LINE_DOWN
    assert isinstance(await binder_of(shop).line_url(token), str)


async def test_the_user_can_unbind_on_the_page(shop: RunningGateway) -> None:
    anna = await person(shop)
    await anna.adds_friend()
    done = await bound(shop, await link_for(shop, number=ANNAS_NUMBER), anna)
    token = token_of(done.unbind_url or "")
    assert token == token_of(await anna.button())
    assert (await binder_of(shop).unbind_view(token)).next is Next.UNBIND
    assert len(await bindings(shop)) == 1
    for _ in range(2):
        view = await binder_of(shop).unbind(token)
        assert (view.next, view.number) == (Next.UNBOUND, "0912•••678")
    assert await bindings(shop) == []
    await shop.settle()
    assert len([x for x in await anna.chat() if "disconnected" in x]) == 1


async def test_a_changed_consent_text_is_shown_before_it_counts(shop: RunningGateway) -> None:
    anna = await person(shop)
    await anna.adds_friend()
    token = await link_for(shop, number=ANNAS_NUMBER)
    shown = await binder_of(shop).open(token)
    changed = await shop.ok(
        "PUT", "/v1/channels/Parcels/binding", {"consent": {"en": "Yes, {brand}."}, "brand": "P&P"}
    )
    assert changed["consent_version"] == 2
    view = await binder_of(shop).agree(token, None, "en", shown.consent_version)
    assert (view.next, view.why) == (Next.AGREE, Why.CONSENT_CHANGED)
    assert view.consents["en"] == "Yes, P&P."
    assert (await bound(shop, token, anna)).next is Next.DONE
    (row,) = await bindings(shop)
    assert (row["consent"], row["consent_version"]) == ("Yes, P&P.", 2)
    same = await shop.ok(
        "PUT",
        "/v1/channels/Parcels/binding",
        {"consent": {"en": "Yes, {brand}."}, "brand": "P&P", "link_lasts": "1h"},
    )
    assert same["consent_version"] == 2


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("link_lasts", {"link_lasts": "1m"}),
        ("link_lasts", {"link_lasts": "tomorrow"}),
        ("binding_lasts", {"binding_lasts": "900d"}),
        ("consent", {"consent": {"de": "Ja"}}),
        ("consent", {"consent": {"en": " "}}),
        ("consent", {"consent": {"en": "x" * 4001}}),
        ("consent", {"consent": {"en": "a\u0000b"}}),
        ("brand", {"brand": ""}),
    ],
)
async def test_settings_that_make_no_sense_are_refused_with_their_place(
    shop: RunningGateway, path: str, body: Any
) -> None:
    status, answer = await shop.call("PUT", "/v1/channels/Parcels/binding", body)
    assert status == 422
    assert path in str(answer["errors"][0]["pointer"])


async def test_a_suppressed_number_gets_no_code(shop: RunningGateway) -> None:
    anna = await person(shop)
    await anna.adds_friend()
    token = await link_for(shop, number=ANNAS_NUMBER)
    await up_to_code(shop, token, anna)
    await shop.ok("POST", "/v1/suppressions", {"number": ANNAS_NUMBER, "scope": "sms", "reason": "manual"})
    view = await binder_of(shop).send_code(token)
    assert (view.next, view.why) == (Next.SORRY, Why.SMS_SUPPRESSED)
    assert await anna.sms() == []


async def test_two_codes_asked_for_at_once_are_one(shop: RunningGateway) -> None:
    anna = await person(shop)
    await anna.adds_friend()
    token = await link_for(shop, number=ANNAS_NUMBER)
    await up_to_code(shop, token, anna)
    views = await asyncio.gather(*(binder_of(shop).send_code(token) for _ in range(5)))
    assert sorted(str(x.why) for x in views) == ["None", *["too_soon"] * 4]
    assert len(await anna.sms()) == 1
    right = await anna.code()
    views = await asyncio.gather(*(binder_of(shop).enter_code(token, right) for _ in range(5)))
    assert {x.next for x in views} == {Next.DONE}
    assert len(await bindings(shop)) == 1


async def test_a_business_doubt_is_lifted_by_the_next_confirmation(shop: RunningGateway) -> None:
    anna = await person(shop)
    await anna.adds_friend()
    await bound(shop, await link_for(shop, number=ANNAS_NUMBER), anna)
    (row,) = await bindings(shop)
    doubted = await shop.ok("POST", f"/v1/bindings/{row['id']}/doubt")
    assert doubted["doubted_why"] == "business"
    await shop.advance("61s")
    await bound(shop, await link_for(shop, number=ANNAS_NUMBER), anna)
    (again,) = await bindings(shop)
    assert again["id"] == row["id"]
    assert again["doubted_at"] is None
    assert again["confirmed_at"] > row["confirmed_at"]


async def test_whoever_is_passed_a_link_after_it_was_confirmed_in_line_gets_no_code_for_that_account(
    shop: RunningGateway,
) -> None:
    """Bert types Anna's number, has LINE confirm him, and passes the address on to her."""
    anna, bert = await person(shop), await person(shop, BERT)
    await anna.adds_friend()
    await bert.adds_friend()
    await bert.writes("link")
    token = token_of(await bert.button())
    await up_to_code(shop, token, bert, ANNAS_NUMBER)
    hers = binder_of(shop, "Anna's browser")
    for view in (
        await hers.open(token),
        await hers.send_code(token),
        await hers.enter_code(token, "123456"),
        await hers.agree(token, BERTS_NUMBER, "en", 1),
    ):
        assert (view.next, view.why) == (Next.LINK, Why.OTHER_BROWSER)
        assert view.other_numbers == ()
    assert await anna.sms() == []
    url = await hers.line_url(token)
    assert isinstance(url, str)
    # Being on the way to LINE is not enough.
    assert (await hers.send_code(token)).why is Why.OTHER_BROWSER
    await anna.opens_dialog(url)
    assert (await hers.look(token)).why is Why.NOT_YOURS
    assert await bindings(shop) == []
    assert await anna.sms() == []


async def test_who_goes_on_in_another_browser_is_confirmed_by_line_there(shop: RunningGateway) -> None:
    anna = await person(shop)
    await anna.adds_friend()
    token = await link_for(shop, number=ANNAS_NUMBER)
    await up_to_code(shop, token, anna)
    in_line = binder_of(shop, "LINE's own browser")
    url = await in_line.line_url(token)
    assert isinstance(url, str)
    before = len(await anna.chat())
    await anna.opens_dialog(url)
    assert len(await anna.chat()) == before
    assert (await in_line.send_code(token)).next is Next.CODE
    assert (await binder_of(shop).look(token)).next is Next.LINK
    done = await in_line.enter_code(token, await anna.code())
    assert (done.next, done.unbind_url is None) == (Next.DONE, False)
    assert (await binder_of(shop).look(token)).why is Why.USED


@pytest.mark.parametrize("sent", [False, True])
async def test_a_suppression_on_the_way_stops_the_link(shop: RunningGateway, sent: bool) -> None:
    anna = await person(shop)
    await anna.adds_friend()
    token = await link_for(shop, number=ANNAS_NUMBER)
    url = ""
    if sent:
        await up_to_code(shop, token, anna)
        await binder_of(shop).send_code(token)
    else:
        await anna.writes((await agreed(shop, token)).word or "")
        url = str(await binder_of(shop).line_url(token))
    await shop.ok("POST", "/v1/suppressions", {"number": ANNAS_NUMBER, "scope": "all", "reason": "manual"})
    if sent:
        view = await binder_of(shop).enter_code(token, await anna.code())
        await anna.writes(await anna.code())
    else:
        await anna.opens_dialog(url)
        view = await binder_of(shop).look(token)
    assert (view.next, view.why) == (Next.SORRY, Why.SUPPRESSED)
    assert await bindings(shop) == []


async def test_no_link_is_made_for_a_suppressed_number(shop: RunningGateway) -> None:
    await shop.ok("POST", "/v1/suppressions", {"number": ANNAS_NUMBER, "scope": "all", "reason": "manual"})
    status, problem = await shop.call(
        "POST", "/v1/bind-links", {"channel": "Parcels", "number": ANNAS_NUMBER}
    )
    assert (status, problem["type"]) == (409, "suppressed")
    assert "912345678" not in str(problem)


async def test_a_name_that_turns_text_around_keeps_nobody_from_their_greeting(shop: RunningGateway) -> None:
    bert, anna = await person(shop, BERT, name="A\u202eB\u0085"), await person(shop)
    await bert.adds_friend()
    await anna.adds_friend()
    assert "AB" in (await bert.chat())[-1]
    assert len(await anna.chat()) == 1


async def test_a_brand_that_could_not_be_sent_is_refused(shop: RunningGateway) -> None:
    for hostile in ("A\x85B", "A\u202eB", "A\tB"):
        for body in ({"brand": hostile}, {"consent": {"en": hostile}}):
            assert (await shop.call("PUT", "/v1/channels/Parcels/binding", body))[0] == 422


async def test_only_steps_whose_own_text_holds_a_link_are_counted_as_sent(shop: RunningGateway) -> None:
    await shop.template(**{**WITH_LINK, "flexible": [{"type": "text", "text": "{{name}} 您好"}]})
    await person(shop)
    await shop.send(ANNAS_NUMBER, {"steps": [{"step": "line_notification", "wait": "1h"}]})
    await shop.send(ANNAS_NUMBER, {"steps": [{"step": "sms"}]})
    await shop.settle()
    report = await shop.ok("GET", "/v1/reports/binding")
    assert [(x["way"], x["sent"]) for x in report["rows"]] == [("sms", 1)]
