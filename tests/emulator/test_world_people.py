"""The person model: deleted accounts, blocks in all their meanings, numbers that change, consents, app versions."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from emulator_support import CONTROL, TEMPLATE, RunningEmulator, Sink
from line_emulator.world import handle, numbers
from line_emulator.world.commands import AddPopulation, ChangeUser, PutUser
from line_emulator.world.population import Population, Rates
from world_support import DAY, HOUR, OTHER_PHONE, PHONE, PIN, START, Town

MEMBER = "+886910000007"


def status(effects: Any) -> int | None:
    return effects.problem.status if effects.problem is not None else None


def user_id_of(town: Town, phone: str = PHONE) -> str:
    account = town.world.people.find_phone(phone)
    assert account is not None
    return numbers.user_id(account.number, "default")


def settle(town: Town, rates: Rates | None = None) -> None:
    """Gives the town a population of ten."""
    people = Population(
        count=10, seed=1, prefix="+88691", digits=7, rates=rates or Rates(friend=1.0), created_at=START
    )
    handle(town.world, AddPopulation(people), START)


# Account deletion


@pytest.mark.parametrize("phone", [PHONE, MEMBER])
def test_a_deleted_account_is_gone_and_its_number_is_nobodys(phone: str) -> None:
    town = Town()
    settle(town)
    assert status(town.act("delete_account", phone=phone)) is None
    assert status(town.send(phone)) == 422
    assert status(town.act("agree", phone=phone)) == 404
    assert town.world.people.find_phone(phone) is None


def test_deleting_an_account_posts_no_event() -> None:
    town = Town()
    town.act("add_friend")
    town.events.clear()
    town.act("delete_account")
    assert town.events == []


def test_what_waited_for_a_deleted_account_counts_as_expired_and_is_never_shown() -> None:
    town = Town("not_set", verified=False)
    town.send()
    account = town.account
    town.act("delete_account")
    assert town.fates == ["expired"]
    town.wait(DAY)
    assert (town.fates, town.events, list(account.entries)) == (["expired"], [], [])


def test_what_a_deleted_account_missed_while_blocking_is_not_released_to_anybody() -> None:
    town = Town(unblock_releases=True)
    town.act("block")
    town.send()
    town.act("delete_account")
    town.user(reception="agree", verified_at=START)
    town.act("add_friend")
    assert (town.fates, town.shown) == (["blocked"], [])


@pytest.mark.parametrize("phone", [PHONE, MEMBER])
def test_a_push_to_the_id_of_a_deleted_account_is_200_and_silence(phone: str) -> None:
    town = Town()
    settle(town)
    town.act("add_friend", phone=phone)
    user_id = user_id_of(town, phone)
    town.push(user_id)
    town.act("delete_account", phone=phone)
    assert status(town.push(user_id)) is None
    assert town.fates == ["delivered", "refused"]


@pytest.mark.parametrize("phone", [PHONE, MEMBER])
def test_who_registers_the_number_of_a_deleted_account_is_somebody_else(phone: str) -> None:
    town = Town()
    settle(town)
    town.act("add_friend", phone=phone)
    before = user_id_of(town, phone)
    town.act("delete_account", phone=phone)
    handle(town.world, PutUser(phone, "agree", START, START - 730 * DAY), START)
    assert user_id_of(town, phone) != before
    account = town.world.people.find_phone(phone)
    assert account is not None
    assert (account.entries, account.tie(town.channel.channel_id).friend) == ([], False)
    assert status(town.send(phone)) is None
    listed = [found.phone for _, found in town.world.people.everybody()]
    assert listed.count(phone) == 1


async def test_a_deleted_account_has_no_profile_and_is_no_follower(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    ids = []
    for phone in (PHONE, OTHER_PHONE):
        ids.append((await emulator.user(phone))["user_id"])
        await emulator.act(phone, "add_friend", channel_id=channel["channel_id"])
    for _ in range(2):
        gone = await emulator.act(PHONE, "delete_account")
        assert (gone["deleted"], gone["user_id"]) == (True, ids[0])
    assert (await emulator.get(channel, f"/v2/bot/profile/{ids[0]}")).status == 404
    assert (await emulator.get(channel, "/v2/bot/followers/ids")).json == {"userIds": [ids[1]]}
    await emulator.control("GET", f"/users/{quote(PHONE, safe='')}", expect=404)
    listed = await emulator.control("GET", "/users")
    assert [user["phone"] for user in listed["users"]] == [OTHER_PHONE]
    assert listed["count"] == 1


# Blocks


@pytest.mark.parametrize(
    "way",
    [
        ["block"],
        ["block", "delete_from_block_list"],
        ["block", "delete_chat"],
        ["block", "delete_chat", "delete_from_block_list"],
        ["hide"],
        ["add_friend", "hide_only", "delete_from_hidden_list"],
    ],
)
def test_every_kind_of_block_of_the_deck_lets_nothing_through(way: list[str]) -> None:
    town = Town("not_set")
    town.send()
    for action in way:
        town.act(action)
    town.act("agree")
    town.send()
    assert town.fates == ["blocked", "blocked"]
    assert "notification" not in town.shown


@pytest.mark.parametrize("way", [["hide_only"], ["delete_chat"], ["delete_from_block_list"]])
def test_what_is_no_block_lets_notifications_through_and_leaves_a_friend_a_friend(way: list[str]) -> None:
    town = Town()
    town.act("add_friend")
    for action in way:
        town.act(action)
    town.send()
    tie = town.account.tie(town.channel.channel_id)
    assert (town.fates, tie.friend, tie.blocked) == (["delivered"], True, False)


def test_what_was_deleted_from_the_block_list_comes_back_only_by_adding_it_anew() -> None:
    town = Town()
    town.act("block")
    town.act("delete_from_block_list")
    town.act("unblock")
    town.send()
    town.act("add_friend")
    town.send()
    assert town.fates == ["blocked", "delivered"]
    assert town.events == ["unfollow", "follow", "delivery"]
    town.act("block")
    town.act("unblock")
    assert not town.account.tie(town.channel.channel_id).blocked


def test_a_hidden_friend_comes_back_into_the_list() -> None:
    town = Town()
    town.act("hide_only")
    assert not town.account.tie(town.channel.channel_id).hidden
    town.act("add_friend")
    town.act("hide_only")
    assert town.account.tie(town.channel.channel_id).hidden
    town.act("unhide")
    town.act("delete_from_hidden_list")
    town.send()
    assert town.fates == ["delivered"]


def test_deleting_a_chat_empties_it_and_leaves_the_others_and_the_count_alone() -> None:
    town = Town()
    other = town.add_channel("2000000002")
    town.send()
    town.send(channel=other)
    town.act("delete_chat")
    chats = [entry.chat for entry in town.account.entries]
    assert chats == ["line", "line", other.channel_id]
    assert (town.fates, town.counted) == (["delivered", "delivered"], 2)
    town.send()
    assert [entry.chat for entry in town.account.entries][-1] == town.channel.channel_id


@pytest.mark.parametrize(
    "actions",
    [
        ["add_friend", "hide_only"],
        ["add_friend", "hide_only", "unhide"],
        ["add_friend", "hide_only", "delete_from_hidden_list"],
        ["hide"],
        ["block", "delete_from_block_list"],
        ["delete_chat"],
        ["delete_account"],
    ],
)
def test_every_action_repeats_harmlessly(actions: list[str]) -> None:
    town = Town()
    town.send()
    account = town.account
    for action in actions:
        assert town.act(action, phone=PHONE).problem is None
    before, events = repr((account, account.ties, account.entries)), list(town.events)
    assert town.act(actions[-1], phone=PHONE).problem is None
    assert (repr((account, account.ties, account.entries)), town.events) == (before, events)


async def test_a_user_shows_what_they_have_with_each_channel(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    user = await emulator.act(PHONE, "block", channel_id=channel["channel_id"])
    user = await emulator.act(PHONE, "delete_from_block_list", channel_id=channel["channel_id"])
    assert user["channels"][channel["channel_id"]] == {
        "friend": False,
        "blocked": True,
        "hidden": False,
        "deleted_from_block_list": True,
    }


# Numbers


def test_changing_the_number_on_the_phone_sends_a_pin_to_the_new_one() -> None:
    town = Town(verified=False)
    town.send()
    town.act("request_number_change", new_phone=OTHER_PHONE)
    assert PHONE not in town.world.sms.inboxes
    assert town.world.sms.inboxes[OTHER_PHONE][0].pin == PIN
    assert (town.account.phone, town.fates) == (PHONE, ["pending"])
    assert status(town.act("confirm_number_change", pin="000000")) == 400
    assert status(town.act("confirm_number_change", pin=PIN)) is None
    assert (town.account.phone, town.fates) == (OTHER_PHONE, ["number_changed"])
    assert town.shown == ["system_received", "pin_request", "number_changed"]
    assert status(town.send(PHONE)) == 422
    town.send(OTHER_PHONE)
    assert town.fates[-1] == "delivered"


def test_a_change_of_number_voids_the_pin_to_the_old_one_and_its_own_pin_does_not_verify_the_old_one() -> (
    None
):
    town = Town(verified=False)
    town.send()
    town.act("request_pin", new_pin="111111")
    town.act("request_number_change", new_phone=OTHER_PHONE, new_pin="222222")
    assert status(town.act("enter_pin", pin="111111")) == 400
    assert status(town.act("enter_pin", pin="222222")) == 400
    town.act("request_pin", new_pin="333333")
    assert status(town.act("confirm_number_change", pin="333333")) == 400
    assert (town.account.phone, town.fates) == (PHONE, ["pending"])
    assert status(town.act("enter_pin", pin="333333")) is None
    assert town.fates == ["delivered"]


def test_the_pin_of_a_change_of_number_lasts_ten_minutes_and_five_tries() -> None:
    town = Town()
    town.act("request_number_change", new_phone=OTHER_PHONE)
    town.wait(HOUR // 6)
    assert status(town.act("confirm_number_change", pin=PIN)) == 400
    town.act("request_number_change", new_phone=OTHER_PHONE)
    for _ in range(5):
        assert status(town.act("confirm_number_change", pin="000000")) == 400
    assert status(town.act("confirm_number_change", pin=PIN)) == 400
    assert town.account.phone == PHONE


def test_a_number_that_makes_no_sense_is_refused() -> None:
    town = Town()
    for action in ("change_number", "request_number_change"):
        assert status(town.act(action, new_phone="0912")) == 400
        assert status(town.act(action)) == 400


@pytest.mark.parametrize("held", [OTHER_PHONE, MEMBER])
@pytest.mark.parametrize("by_pin", [False, True])
def test_a_number_of_another_user_given_out_again_belongs_to_its_new_holder(held: str, by_pin: bool) -> None:
    town = Town()
    settle(town)
    handle(town.world, PutUser(OTHER_PHONE, "agree", START, START), START)
    former_id, new_id = user_id_of(town, held), user_id_of(town)
    if by_pin:
        town.act("request_number_change", new_phone=held, phone=PHONE)
        assert status(town.act("confirm_number_change", pin=PIN, phone=PHONE)) is None
    else:
        assert status(town.act("change_number", new_phone=held, phone=PHONE)) is None
    people = town.world.people
    assert user_id_of(town, held) == new_id
    former = people.find_user_id(former_id, "default")
    assert former is not None
    assert (former.phone, people.find_phone(former_id), people.address(former_id)) == (
        former_id,
        former,
        former_id,
    )
    assert people.find_phone(PHONE) is None
    town.send(held)
    assert town.fates[-1] == "delivered"
    assert [entry.kind for entry in former.entries] == []
    # Their own user ID in place of a number is nothing that LINE would send to.
    assert status(town.send(former_id)) == 422


def test_whose_number_was_given_out_again_keeps_friends_and_chats_and_loses_what_waited() -> None:
    town = Town("not_set", verified=False)
    town.act("add_friend")
    town.act("send_message", text="hello", message_id="1")
    town.send()
    town.act("request_pin", new_pin="777777")
    user_id = user_id_of(town)
    handle(town.world, PutUser(OTHER_PHONE, "agree", START, START), START)
    town.act("change_number", phone=OTHER_PHONE, new_phone=PHONE)
    former = town.world.people.find_phone(user_id)
    assert former is not None
    assert town.fates == ["number_changed"]
    assert former.pin is None
    assert former.tie(town.channel.channel_id).friend
    assert [entry.kind for entry in former.entries] == ["text", "consent_request"]
    town.push(user_id)
    assert town.fates[-1] == "delivered"
    assert former.entries[-1].kind == "push"
    # Their text messages, with codes and links, are on their own phone, not on the new holder's.
    assert PHONE not in town.world.sms.inboxes
    assert [sms.pin for sms in town.world.sms.inboxes[user_id]] == ["777777"]
    assert status(town.act("agree", phone=user_id)) is None
    assert status(town.act("request_pin", phone=user_id)) == 400


def test_the_code_that_proves_a_number_given_out_again_stays_with_the_number() -> None:
    town = Town()
    town.act("request_pin", new_pin="777777")
    former_id = user_id_of(town)
    handle(town.world, PutUser(OTHER_PHONE, "agree", START, START), START)
    town.act("request_number_change", phone=OTHER_PHONE, new_phone=PHONE, new_pin="888888")
    town.act("confirm_number_change", phone=OTHER_PHONE, pin="888888")
    assert [sms.pin for sms in town.world.sms.inboxes[PHONE]] == ["888888"]
    assert [sms.pin for sms in town.world.sms.inboxes[former_id]] == ["777777"]


def test_who_lost_a_number_gets_another_or_takes_it_back() -> None:
    town = Town()
    former_id = user_id_of(town)
    handle(town.world, PutUser(OTHER_PHONE, "agree", START, START), START)
    other_id = user_id_of(town, OTHER_PHONE)
    town.act("change_number", phone=OTHER_PHONE, new_phone=PHONE)
    town.act("change_number", phone=former_id, new_phone=OTHER_PHONE)
    assert (user_id_of(town), user_id_of(town, OTHER_PHONE)) == (other_id, former_id)
    town.act("change_number", phone=OTHER_PHONE, new_phone=PHONE)
    assert user_id_of(town) == former_id
    assert town.world.people.find_phone(other_id) is not None
    town.send()
    assert town.fates == ["delivered"]


def test_an_operator_gives_a_number_to_a_new_user() -> None:
    town = Town()
    settle(town)
    town.act("add_friend", phone=MEMBER)
    former_id, count = user_id_of(town, MEMBER), town.world.people.size()
    for _ in range(2):
        handle(town.world, PutUser(MEMBER, "agree", START, START, takes_over=True), START)
    new_id = user_id_of(town, MEMBER)
    assert new_id != former_id
    assert not town.world.people.find_phone(MEMBER).tie(town.channel.channel_id).friend  # type: ignore[union-attr]
    assert town.world.people.find_phone(former_id) is not None
    assert town.world.people.size() == count + 2
    listed, _ = town.world.people.page(0, 100)
    # Everybody once: nobody is lost, and nobody is listed under a number that is another's now.
    assert len({account.number for account in listed}) == len(listed) == 13
    handle(town.world, PutUser("+886912000000", "agree", START, START, takes_over=True), START)
    assert user_id_of(town, "+886912000000")


async def test_whose_number_was_given_to_somebody_else_has_the_user_id_for_an_address(
    emulator: RunningEmulator, sink: Sink
) -> None:
    channel = await emulator.channel(webhook_url=sink.url)
    former = await emulator.user(PHONE, name="Former")
    await emulator.act(PHONE, "add_friend", channel_id=channel["channel_id"])
    await emulator.control("POST", "/carrier/messages", {"to": PHONE, "text": "For Former"}, 202)
    taken = await emulator.user(PHONE, name="New", takes_over=True)
    assert taken["took_over_from"] == former["user_id"] != taken["user_id"]
    assert "replaced" not in taken
    path = f"/users/{former['user_id']}"
    shown = await emulator.control("GET", path)
    assert (shown["name"], shown["phone"]) == ("Former", former["user_id"])
    assert shown["channels"][channel["channel_id"]]["friend"] is True
    await emulator.act(former["user_id"], "send_message", channel_id=channel["channel_id"], text="still me")
    assert (await sink.got(2))[1]["source"]["userId"] == former["user_id"]
    assert [sms["text"] for sms in (await emulator.screen(former["user_id"]))["sms"]] == ["For Former"]
    assert (await emulator.screen(PHONE))["sms"] == []
    names = [user["name"] for user in (await emulator.control("GET", "/users"))["users"]]
    assert names == ["Former", "New"]
    page = await emulator.request("GET", f"/phones/{former['user_id']}")
    assert (page.status, b"/static/phone/main.js" in page.body) == (200, True)
    # Anybody's user ID is an address, also of who has a number.
    assert (await emulator.control("GET", f"/users/{taken['user_id']}"))["phone"] == PHONE
    assert (await emulator.request("GET", "/phones/U" + "0" * 32)).status == 404
    await emulator.control("GET", "/users/U" + "0" * 32, expect=404)
    await emulator.control("PATCH", path, {"takes_over": True}, expect=400)


def test_a_change_of_number_that_was_made_already_repeats_harmlessly_under_either_number() -> None:
    town = Town()
    town.act("request_number_change", new_phone=OTHER_PHONE)
    town.act("confirm_number_change", pin=PIN)
    for phone in (PHONE, OTHER_PHONE):
        assert status(town.act("confirm_number_change", pin=PIN, phone=phone)) is None
        assert status(town.act("change_number", new_phone=OTHER_PHONE, phone=phone)) is None
    assert status(town.act("confirm_number_change", pin="000000", phone=PHONE)) == 404
    assert town.shown == ["number_changed"]


def test_a_member_of_a_population_keeps_name_and_id_with_a_new_number() -> None:
    town = Town()
    settle(town)
    account = town.world.people.find_phone(MEMBER)
    assert account is not None
    before = account.name, user_id_of(town, MEMBER)
    town.act("change_number", phone=MEMBER, new_phone=OTHER_PHONE)
    moved = town.world.people.find_phone(OTHER_PHONE)
    assert moved is not None
    assert (moved.name, user_id_of(town, OTHER_PHONE), moved.phone) == (*before, OTHER_PHONE)
    assert town.world.people.find_user_id(before[1], "default") is moved
    assert town.world.people.find_phone(MEMBER) is None
    town.act("change_number", phone=OTHER_PHONE, new_phone=MEMBER)
    assert town.world.people.find_phone(MEMBER) is moved


# Consents, versions, profile


async def test_who_gave_no_profile_consent_is_left_out_of_followers_and_not_named_in_events(
    emulator: RunningEmulator, sink: Sink
) -> None:
    channel = await emulator.channel(webhook_url=sink.url)
    user = await emulator.user(PHONE, profile_consent=False)
    await emulator.act(PHONE, "add_friend", channel_id=channel["channel_id"])
    events = await sink.got(1)
    assert (events[0]["type"], events[0]["source"]) == ("follow", {"type": "user"})
    assert (await emulator.get(channel, "/v2/bot/followers/ids")).json == {"userIds": []}
    await emulator.control("PATCH", f"/users/{quote(PHONE, safe='')}", {"profile_consent": True})
    assert (await emulator.get(channel, "/v2/bot/followers/ids")).json == {"userIds": [user["user_id"]]}
    await emulator.act(PHONE, "send_message", channel_id=channel["channel_id"], text="hi")
    assert (await sink.got(2))[1]["source"] == {"type": "user", "userId": user["user_id"]}


async def test_a_profile_has_picture_status_and_language_where_there_are_any(
    emulator: RunningEmulator,
) -> None:
    channel = await emulator.channel()
    user = await emulator.user(
        PHONE, name="Mei", picture_url="https://profile.example/mei", status_message="早安"
    )
    await emulator.act(PHONE, "add_friend", channel_id=channel["channel_id"])
    path = f"/v2/bot/profile/{user['user_id']}"
    shown = {"displayName": "Mei", "userId": user["user_id"]}
    extras = {"pictureUrl": "https://profile.example/mei", "statusMessage": "早安"}
    assert (await emulator.get(channel, path)).json == shown | extras | {"language": "zh-Hant"}
    changes = {"privacy_policy": False, "picture_url": None, "status_message": None}
    await emulator.control("PATCH", f"/users/{quote(PHONE, safe='')}", changes)
    assert (await emulator.get(channel, path)).json == shown


@pytest.mark.parametrize(
    ("values", "reception"),
    [
        ({}, "agree"),
        ({"app_version": "8.9.0"}, "agree"),
        ({"app_version": "8.9"}, "agree"),
        ({"app_version": "8.8.9"}, "not_set"),
        ({"app_version": "8.0.0"}, "not_set"),
        ({"app_version": "10.0"}, "agree"),
        ({"privacy_policy": False}, "not_set"),
        ({"app_version": "8.0.0", "reception": "agree"}, "agree"),
    ],
)
async def test_a_new_account_starts_with_the_setting_of_its_app(
    emulator: RunningEmulator, values: dict[str, Any], reception: str
) -> None:
    made = await emulator.control("POST", "/users", {"phone": PHONE, **values})
    assert made["reception"] == reception


async def test_a_text_of_a_user_that_is_empty_or_too_long_is_refused(emulator: RunningEmulator) -> None:
    for name in ("name", "picture_url", "status_message"):
        for text in ("", "x" * 1001):
            await emulator.control("POST", "/users", {"phone": PHONE, name: text}, 400)
        await emulator.control("POST", "/users", {"phone": PHONE, name: "x" * 1000})


async def test_one_user_is_known_to_several_channels_and_providers(emulator: RunningEmulator) -> None:
    first = await emulator.channel()
    second = await emulator.channel(provider="second")
    user = await emulator.user(PHONE, reception="not_set", verified=False)
    for channel in (first, second):
        await emulator.send(channel, PHONE)
    await emulator.act(PHONE, "agree")
    await emulator.act(PHONE, "block", channel_id=second["channel_id"])
    await emulator.act(PHONE, "enter_pin", pin=await emulator.pin(PHONE))
    assert [row["fate"] for row in await emulator.ledger()] == ["delivered", "blocked"]
    await emulator.act(PHONE, "add_friend", channel_id=first["channel_id"])
    assert (await emulator.get(first, "/v2/bot/followers/ids")).json["userIds"] == [user["user_id"]]
    assert (await emulator.get(second, "/v2/bot/followers/ids")).json["userIds"] == []
    for name, answer in (("second", 404), ("default", 200)):
        path = f"/v2/bot/profile/{user['user_ids'][name]}"
        channel = first if name == "default" else second
        assert (await emulator.get(channel, path)).status == answer


# No-phone-verification mode

ITEMS = {
    "no_verification_templates": frozenset({"example_delivery"}),
    "absent_items": frozenset({"example_name"}),
    "masked_items": frozenset({"example_number"}),
}


def item(key: str, content: str) -> dict[str, str]:
    return {"itemKey": key, "content": content}


def test_without_phone_verification_some_items_must_be_absent() -> None:
    town = Town(verified=False, **ITEMS)
    problem = town.send(body={"items": [item("example_name", "Mei")]}).problem
    assert problem is not None
    text = "Must be absent in a template without phone verification: example_name"
    assert (problem.status, problem.details) == (400, ((text, "body.items[0].itemKey"),))
    emphasized = town.send(body={"emphasizedItem": item("example_name", "Mei")}).problem
    assert emphasized is not None
    assert emphasized.details[0][1] == "body.emphasizedItem.itemKey"
    assert (town.fates, town.shown) == ([], [])


@pytest.mark.parametrize(
    ("content", "masked"),
    [
        *(("A**3", True), ("A＊＊3", True), ("王○明", True), ("王●明", True), ("2〇1", True)),
        *(("09xx-xxx-678", True), ("09XX", True), ("••34", True)),
        *(("A123", False), ("0912-345-678", False), ("王小明", False)),
    ],
)
def test_without_phone_verification_some_items_must_be_masked(content: str, masked: bool) -> None:
    town = Town(verified=False, **ITEMS)
    problem = town.send(body={"items": [item("example_number", content)]}).problem
    assert (problem is None) is masked
    if problem is not None:
        text = "Must be masked in a template without phone verification: example_number"
        assert (problem.status, problem.details) == (400, ((text, "body.items[0].content"),))


def test_other_templates_may_carry_everything() -> None:
    town = Town(**ITEMS)
    items = [item("example_name", "Mei"), item("example_number", "A123")]
    assert town.send(templateKey="example_bill", body={"items": items}).problem is None
    assert town.fates == ["delivered"]


async def test_absent_and_masked_items_are_set_by_channel(emulator: RunningEmulator) -> None:
    rules = {"absent_items": ["name_010_ja"], "masked_items": ["number_001_ja"]}
    channel = await emulator.channel(no_verification_templates=[TEMPLATE], **rules)
    await emulator.user(PHONE, verified=False)
    shown = await emulator.control("GET", f"/channels/{channel['channel_id']}")
    assert {name: shown[name] for name in rules} == rules
    refused = await emulator.send(channel, PHONE, body={"body": {"items": [item("name_010_ja", "x")]}})
    assert refused.status == 400
    taken = await emulator.send(channel, PHONE, body={"body": {"items": [item("number_001_ja", "1**4")]}})
    assert taken.status == 202
    assert (await emulator.ledger())[0]["fate"] == "delivered"


# Lists


async def test_users_are_listed_by_prefix_in_pages_with_those_of_populations(
    emulator: RunningEmulator,
) -> None:
    channel = await emulator.channel()
    await emulator.user("+819012345678", name="Yuki")
    await emulator.user(PHONE, name="Mei")
    await emulator.control("POST", "/population", {"count": 250, "seed": 1, "prefix": "+88691", "digits": 7})
    await emulator.act("+886910000003", "block", channel_id=channel["channel_id"])
    pages, path = [], "/users?prefix=%2B886&limit=100"
    following = "0"
    while following is not None:
        page = await emulator.control("GET", f"{path}&cursor={following}")
        pages.append(page["users"])
        following = page.get("next")
    assert [len(page) for page in pages] == [100, 100, 51]
    phones = [user["phone"] for page in pages for user in page]
    assert phones == [PHONE, *(f"+88691{index:07d}" for index in range(250))]
    blocker = pages[0][4]
    assert blocker["phone"] == "+886910000003"
    assert blocker["channels"][channel["channel_id"]]["blocked"]
    few = await emulator.control("GET", "/users?prefix=8869100002")
    assert [user["phone"] for user in few["users"]] == [f"+88691{index:07d}" for index in range(200, 250)]
    assert (await emulator.control("GET", "/users?prefix=%2B81"))["users"][0]["name"] == "Yuki"
    assert (await emulator.control("GET", "/users?prefix=%2B66"))["users"] == []


@pytest.mark.parametrize("query", ["prefix=abc", "prefix=%2B1%2B", "limit=101", "limit=0", "cursor=x"])
async def test_a_list_of_users_that_makes_no_sense_is_400(emulator: RunningEmulator, query: str) -> None:
    reply = await emulator.request("GET", f"{CONTROL}/users?{query}")
    assert (reply.status, bool(reply.json["message"])) == (400, True)


def test_a_page_of_a_population_that_hardly_anybody_registered_is_short_but_goes_on() -> None:
    town = Town()
    people = Population(count=60_000, seed=1, prefix="+88691", digits=7, rates=Rates(registered=0.0005))
    handle(town.world, AddPopulation(people), START)
    found, following, pages = [], 0, 0
    while following is not None:
        page, following = town.world.people.page(following, 100)
        found += page
        pages += 1
    assert pages == 4
    assert [account.phone for account in found] == [
        account.phone for _, account in town.world.people.everybody()
    ]
    assert 5 < len(found) < 100


def test_a_change_of_settings_by_the_control_api_is_kept_for_members_too() -> None:
    town = Town()
    settle(town)
    handle(town.world, ChangeUser(MEMBER, {"name": "Ken", "app_version": "9.0.0"}), START)
    account = town.world.people.find_phone(MEMBER)
    assert account is not None
    assert (account.name, account.app_version, account.phone) == ("Ken", "9.0.0", MEMBER)
