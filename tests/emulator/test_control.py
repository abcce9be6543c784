"""The control API: channels, users, actions, screens, populations, paging."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from emulator_support import CONTROL, RunningEmulator, line_hash

PHONE, OTHER = "+886912345678", "+886987654321"


async def test_a_channel_is_made_with_its_secrets(emulator: RunningEmulator) -> None:
    made = await emulator.control("POST", "/channels", {"name": "Shop", "region": "TW", "badge": "blue"})
    assert len(made["channel_id"]) == 10
    assert len(made["channel_secret"]) == 32
    assert made["bot_user_id"].startswith("U")
    assert made["access_token"]
    assert made["flexible"] is made["reject_visible"] is True
    assert made["unblock_releases"] is made["redelivery"] is False


async def test_a_channels_id_can_be_chosen_and_stand_in_its_webhook_url(emulator: RunningEmulator) -> None:
    made = await emulator.channel(
        channel_id="1234567890", webhook_url="http://127.0.0.1:8700/line/{channel_id}/webhook"
    )
    assert made["webhook_url"] == "http://127.0.0.1:8700/line/1234567890/webhook"
    await emulator.control(
        "POST", "/channels", {"name": "x", "region": "TW", "channel_id": "1234567890"}, 400
    )


async def test_a_channel_is_changed_and_listed_without_secrets(emulator: RunningEmulator) -> None:
    made = await emulator.channel()
    path = f"/channels/{made['channel_id']}"
    changed = await emulator.control("PATCH", path, {"redelivery": True, "name": "Store"})
    assert (changed["redelivery"], changed["name"]) == (True, "Store")
    listed = (await emulator.control("GET", "/channels"))["channels"][0]
    assert "channel_secret" not in listed
    assert "access_token" not in listed
    await emulator.control("PATCH", "/channels/0000000000", {}, 404)


@pytest.mark.parametrize(
    "body",
    [
        {"region": "TW"},
        {"name": "x", "region": "US"},
        {"name": "x", "region": "TW", "badge": "gold"},
        {"name": "x", "region": "TW", "webhook_url": "http://shop.example/hook"},
        {"name": "x", "region": "TW", "rate_limit": 0},
        {"name": "x", "region": "TW", "channel_id": "12"},
        {"name": "x", "region": "TW", "reject_visble": True},
        {"name": 5, "region": "TW"},
        [],
    ],
)
async def test_a_channel_that_makes_no_sense_is_400_with_the_reason(
    emulator: RunningEmulator, body: Any
) -> None:
    assert (await emulator.control("POST", "/channels", body, 400))["message"]


async def test_a_user_has_sensible_defaults(emulator: RunningEmulator) -> None:
    user = await emulator.control("POST", "/users", {"phone": PHONE, "reception": "not_set"})
    assert user["reception"] == "not_set"
    assert user["language"] == "zh-Hant"
    assert user["privacy_policy"] is True
    assert user["user_id"].startswith("U")
    shown = await emulator.control("GET", f"/users/{quote(PHONE, safe='')}")
    assert shown == user


async def test_a_user_has_another_id_at_another_provider(emulator: RunningEmulator) -> None:
    await emulator.channel(provider="second")
    user = await emulator.user(PHONE)
    ids = user["user_ids"]
    assert ids["default"] == user["user_id"] != ids["second"]


async def test_a_user_is_changed(emulator: RunningEmulator) -> None:
    await emulator.user(PHONE)
    path = f"/users/{quote(PHONE, safe='')}"
    changed = await emulator.control(
        "PATCH", path, {"reception": "reject", "verified_at": "2020-01-01T00:00:00Z", "language": "th"}
    )
    assert (changed["reception"], changed["verified"], changed["language"]) == ("reject", False, "th")
    await emulator.control("PATCH", path, {"reception": "not_set"}, 400)


@pytest.mark.parametrize(
    "body",
    [
        {"phone": "0912345678", "reception": "agree"},
        {"phone": "+0912345678", "reception": "agree"},
        {"phone": PHONE, "reception": "maybe"},
        {"phone": PHONE, "reception": "agree", "verified_at": "soon"},
        {"phone": PHONE, "reception": "agree", "app_version": "new"},
        {"phone": PHONE, "reception": "agree", "language": "xx"},
        {"phone": PHONE, "recepton": "agree"},
        {"reception": "agree"},
    ],
)
async def test_a_user_that_makes_no_sense_is_400_with_the_reason(
    emulator: RunningEmulator, body: Any
) -> None:
    assert (await emulator.control("POST", "/users", body, 400))["message"]


async def test_an_unknown_user_channel_or_action_is_refused(emulator: RunningEmulator) -> None:
    await emulator.act(PHONE, "agree", expect=404)
    await emulator.user(PHONE)
    await emulator.act(PHONE, "dance", expect=400)
    await emulator.act(PHONE, "block", expect=400)
    await emulator.act(PHONE, "block", channel_id="0000000000", expect=404)
    await emulator.act(PHONE, "enter_pin", pin="123456", expect=400)
    await emulator.act(PHONE, "change_number", phone="0912", expect=400)
    await emulator.control("GET", f"/users/{quote(OTHER, safe='')}/screen", expect=404)


async def test_the_screen_shows_prompts_the_pin_by_sms_and_the_notification(
    emulator: RunningEmulator,
) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE, reception="not_set", verified=False, language="zh-Hant")
    body = {"body": {"items": [{"itemKey": "number_001_ja", "content": "A-1"}]}}
    await emulator.send(channel, PHONE, body=body)
    assert (await emulator.screen(PHONE))["prompts"] == ["consent"]
    await emulator.act(PHONE, "agree")
    assert (await emulator.screen(PHONE))["prompts"] == ["pin"]
    pin = await emulator.pin(PHONE)
    assert len(pin) == 6
    assert pin.isdigit()
    assert pin in (await emulator.screen(PHONE))["sms"][-1]["text"]
    await emulator.act(PHONE, "enter_pin", pin=pin)
    screen = await emulator.screen(PHONE)
    assert screen["prompts"] == []
    chats = {chat["from"]: chat["messages"] for chat in screen["chats"]}
    kinds = [message["kind"] for message in chats["line"]]
    assert kinds == ["consent_request", "pin_request", "verified", "system_received"]
    shown = chats[channel["channel_id"]][0]
    assert shown["kind"] == "notification"
    assert shown["label"] == "重要通知"
    assert shown["template_key"] == "shipment_completed_ja"
    assert shown["body"] == body["body"]
    assert screen["sms"][0]["from"] == "LINE"


async def test_a_flexible_notification_is_shown_with_its_messages(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    await emulator.send_flexible(channel, PHONE)
    chats = {chat["from"]: chat["messages"] for chat in (await emulator.screen(PHONE))["chats"]}
    shown = chats[channel["channel_id"]][0]
    assert (shown["kind"], shown["messages"]) == ("notification", [{"type": "text", "text": "It is here"}])


@pytest.mark.parametrize(
    ("language", "version", "label"),
    [
        ("ja", "15.9.0", "重要なお知らせ"),
        ("th", "15.10.1", "การแจ้งเตือนสำคัญ"),
        ("zh-Hant", "16", "重要通知"),
        ("zh-Hans", "15.9", "重要通知"),
        ("en", "15.9.0", "Important notification"),
        ("ja", "15.8.9", None),
        ("ja", "9.0.0", None),
    ],
)
async def test_the_label_follows_the_apps_language_from_version_15_9_on(
    emulator: RunningEmulator, language: str, version: str, label: str | None
) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE, language=language, app_version=version)
    await emulator.send(channel, PHONE)
    chats = {chat["from"]: chat["messages"] for chat in (await emulator.screen(PHONE))["chats"]}
    assert chats[channel["channel_id"]][0].get("label") == label


async def test_a_changed_number_leaves_the_old_one_unknown(emulator: RunningEmulator) -> None:
    user = await emulator.user(PHONE)
    changed = await emulator.act(PHONE, "change_number", phone=OTHER)
    assert (changed["phone"], changed["user_id"]) == (OTHER, user["user_id"])
    await emulator.act(PHONE, "agree", expect=404)
    await emulator.act(OTHER, "change_number", phone="0912", expect=400)


RATES = {
    "registered": 0.9,
    "agree": 0.6,
    "not_set": 0.3,
    "verified": 0.7,
    "blocked": 0.1,
    "friend": 0.4,
}
POPULATION = {"count": 2000, "seed": 7, "prefix": "+88691", "digits": 7, "rates": RATES}


async def test_a_population_is_given_by_rates_and_a_seed(emulator: RunningEmulator) -> None:
    channel = await emulator.channel(rate_limit=100_000)
    made = await emulator.control("POST", "/population", {**POPULATION, "channel_id": channel["channel_id"]})
    assert (made["first"], made["last"]) == ("+886910000000", "+886910001999")
    for index in range(0, 2000, 2):
        await emulator.send(channel, f"+88691{index:07d}")
    fates = (await emulator.control("GET", "/ledger/summary"))["fate"]
    assert sum(fates.values()) == 1000
    # Of 1,000: 10 % are not registered, 9 % reject, a tenth of the rest blocks, 0.6 × 0.7 of those see it.
    assert 130 <= fates["rejected"] <= 250
    assert 40 <= fates["blocked"] <= 130
    assert 260 <= fates["delivered"] <= 420
    assert 280 <= fates["pending"] <= 460


async def test_the_same_seed_gives_the_same_people(emulator: RunningEmulator) -> None:
    async def people() -> list[tuple[Any, ...]]:
        await emulator.control("POST", "/population", POPULATION)
        found: list[tuple[Any, ...]] = []
        for index in range(50):
            reply = await emulator.request("GET", f"{CONTROL}/users/%2B88691{index:07d}")
            user = reply.json
            found.append((reply.status, user.get("reception"), user.get("verified"), user.get("user_id")))
        return found

    first = await people()
    await emulator.control("POST", "/reset")
    assert await people() == first
    assert len(set(first)) > 10


async def test_populations_may_not_overlap_but_repeating_one_is_harmless(emulator: RunningEmulator) -> None:
    await emulator.control("POST", "/population", POPULATION)
    await emulator.control("POST", "/population", POPULATION)
    assert (await emulator.control("GET", "/users"))["count"] == 2000
    await emulator.control("POST", "/population", {**POPULATION, "seed": 8}, 400)
    await emulator.control("POST", "/population", {**POPULATION, "prefix": "+88692"})


@pytest.mark.parametrize(
    "change",
    [
        {"count": 0},
        {"count": 10**8},
        {"prefix": "886"},
        {"digits": 0},
        {"digits": 12},
        {"seed": -1},
        {"rates": {"agree": 2}},
        {"rates": {"agree": 0.8, "not_set": 0.5}},
        {"rates": {"agreed": 1}},
        {"language": "xx"},
    ],
)
async def test_a_population_that_makes_no_sense_is_400_with_the_reason(
    emulator: RunningEmulator, change: dict[str, Any]
) -> None:
    assert (await emulator.control("POST", "/population", {**POPULATION, **change}, 400))["message"]


async def test_a_user_made_by_hand_stands_out_of_the_population(emulator: RunningEmulator) -> None:
    await emulator.control("POST", "/population", {**POPULATION, "rates": {"registered": 0}})
    channel = await emulator.channel()
    assert (await emulator.send(channel, "+886910000005")).status == 422
    await emulator.user("+886910000005")
    assert (await emulator.send(channel, "+886910000005")).status == 202


async def test_the_ledger_comes_in_pages_of_up_to_1000_and_by_channel(emulator: RunningEmulator) -> None:
    first, second = await emulator.channel(), await emulator.channel()
    await emulator.user(PHONE)
    for channel in (first, second, first):
        await emulator.send(channel, PHONE)
    page = await emulator.control("GET", "/ledger?limit=2")
    assert len(page["rows"]) == 2
    rest = await emulator.control("GET", f"/ledger?cursor={page['next']}")
    assert len(rest["rows"]) == 1
    assert "next" not in rest
    own = await emulator.control("GET", f"/ledger?channel_id={first['channel_id']}")
    assert len(own["rows"]) == 2
    summary = await emulator.control("GET", f"/ledger/summary?channel_id={second['channel_id']}")
    assert (summary["total"], summary["fate"]) == (1, {"delivered": 1})
    assert own["rows"][0]["to"] == line_hash(PHONE)
    await emulator.control("GET", "/ledger?cursor=abc", expect=400)


async def test_an_unknown_path_of_the_control_api_is_404_with_the_remedy(emulator: RunningEmulator) -> None:
    refused = await emulator.control("GET", "/nonsense", expect=404)
    assert "/_emulator/v1" in refused["message"]
    await emulator.control("DELETE", "/ledger", expect=405)
    await emulator.control("GET", "/users/%2B88691000000%C2%B2", expect=404)


async def test_the_list_of_endpoints_names_them_all(emulator: RunningEmulator) -> None:
    listed = (await emulator.control("GET", ""))["endpoints"]
    assert f"POST {CONTROL}/users/{{phone}}/actions" in listed
    assert f"POST {CONTROL}/carrier/messages" in listed


async def test_the_start_page_shows_the_state_and_escapes_what_it_shows(emulator: RunningEmulator) -> None:
    await emulator.channel(name="<script>alert(1)</script>")
    reply = await emulator.request("GET", "/")
    page = reply.body.decode()
    assert reply.status == 200
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert emulator.url in page
    style = await emulator.request("GET", "/static/style.css")
    assert style.headers["content-type"].startswith("text/css")
