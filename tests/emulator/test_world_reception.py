"""What becomes of an accepted notification: reception × verification × what the user does, in the pure world."""

from __future__ import annotations

import pytest

from line_emulator.world import handle
from line_emulator.world.commands import ChangeUser, PutUser, SendTemplate
from line_emulator.world.people import VERIFICATION_LASTS
from world_support import DAY, HOUR, OTHER_PHONE, PHONE, PIN, START, Town


@pytest.mark.parametrize("flexible", [False, True])
def test_agree_and_verified_gets_the_message_and_received_at_once(flexible: bool) -> None:
    town = Town()
    assert town.send(flexible=flexible).problem is None
    assert town.shown == ["system_received", "notification"]
    assert town.fates == ["delivered"]
    assert town.rows[0].seen_at == START
    assert town.events == ["delivery"]
    assert town.counted == 1


def test_agree_and_not_verified_is_asked_for_a_pin_and_sees_the_message_after_it() -> None:
    town = Town(verified=False)
    town.send()
    assert town.shown == ["system_received", "pin_request"]
    assert (town.fates, town.events, town.counted) == (["pending"], [], 0)
    town.wait(HOUR)
    town.verify()
    assert town.shown[2:] == ["verified", "system_received", "notification"]
    assert (town.fates, town.events, town.counted) == (["delivered"], ["delivery"], 1)
    assert town.rows[0].seen_at == START + HOUR


def test_not_set_and_verified_is_asked_for_consent_and_sees_the_message_after_it() -> None:
    town = Town("not_set")
    town.send()
    assert town.shown == ["system_received", "consent_request"]
    assert town.events == []
    town.act("agree")
    assert town.shown[2:] == ["system_received", "notification"]
    assert (town.fates, town.events) == (["delivered"], ["delivery"])


def test_not_set_and_not_verified_consents_first_then_gets_the_pin_dialog() -> None:
    town = Town("not_set", verified=False)
    town.send()
    assert town.shown == ["consent_request"]
    town.act("agree")
    assert town.shown == ["consent_request", "pin_request"]
    assert town.fates == ["pending"]
    town.verify()
    assert town.shown[2:] == ["verified", "system_received", "notification"]
    assert (town.fates, town.events) == (["delivered"], ["delivery"])


@pytest.mark.parametrize("verified", [True, False])
def test_reject_is_422_at_once_and_nothing_is_seen(verified: bool) -> None:
    town = Town("reject", verified)
    problem = town.send().problem
    assert problem is not None
    assert (problem.status, problem.message) == (422, "Failed to send messages")
    assert (town.fates, town.shown, town.events, town.counted) == (["rejected"], [], [], 0)


@pytest.mark.parametrize("verified", [True, False])
def test_with_reject_visible_off_a_rejecting_user_is_accepted_and_gets_nothing(verified: bool) -> None:
    town = Town("reject", verified, reject_visible=False)
    assert town.send().problem is None
    assert (town.fates, town.shown, town.events) == (["refused"], [], [])
    town.act("agree")
    assert town.fates == ["refused"]


@pytest.mark.parametrize("reception", ["agree", "not_set"])
@pytest.mark.parametrize("verified", [True, False])
@pytest.mark.parametrize("way", ["block", "hide"])
def test_a_user_who_blocks_is_accepted_and_gets_no_message_and_no_event(
    reception: str, verified: bool, way: str
) -> None:
    town = Town(reception, verified)
    town.act(way)
    town.events.clear()
    assert town.send().problem is None
    assert (town.fates, town.shown, town.events, town.counted) == (["blocked"], [], [], 0)
    town.act("unblock")
    town.wait(DAY)
    assert (town.fates, town.shown) == (["blocked"], [])


def test_a_user_who_both_rejects_and_blocks_is_422() -> None:
    town = Town("reject")
    town.act("block")
    problem = town.send().problem
    assert problem is not None
    assert problem.status == 422


def test_with_unblock_releases_an_unblocking_within_the_window_lets_the_message_through() -> None:
    town = Town(unblock_releases=True)
    town.act("block")
    town.send()
    assert town.fates == ["blocked"]
    town.wait(HOUR)
    town.act("unblock")
    assert town.fates == ["delivered"]
    assert town.rows[0].seen_at == START + HOUR
    assert town.events == ["unfollow", "follow", "delivery"]


def test_with_unblock_releases_who_must_still_agree_and_verify_is_asked_and_may_do_so_in_time() -> None:
    town = Town("not_set", verified=False, unblock_releases=True)
    town.act("block")
    town.send()
    town.wait(HOUR)
    town.act("unblock")
    assert (town.fates, town.shown) == (["pending"], ["consent_request"])
    town.act("agree")
    town.wait(DAY - HOUR - 1)
    town.verify()
    assert (town.fates, town.events[-1]) == (["delivered"], "delivery")
    late = Town(verified=False, unblock_releases=True)
    late.act("block")
    late.send()
    late.act("unblock")
    assert (late.fates, late.shown) == (["pending"], ["system_received", "pin_request"])
    late.wait(DAY)
    late.verify()
    assert late.fates == ["expired"]


def test_with_unblock_releases_an_unblocking_after_the_window_is_too_late() -> None:
    town = Town(unblock_releases=True)
    town.act("block")
    town.send()
    town.wait(DAY)
    town.act("unblock")
    assert (town.fates, town.shown) == (["blocked"], [])


def test_with_both_switches_of_the_deck_a_rejecting_user_who_agrees_in_time_still_gets_it() -> None:
    town = Town("reject", reject_visible=False, unblock_releases=True)
    town.send()
    town.act("agree")
    assert (town.fates, town.events) == (["delivered"], ["delivery"])


def test_a_number_without_a_line_user_is_422() -> None:
    town = Town()
    problem = town.send(OTHER_PHONE).problem
    assert problem is not None
    assert (problem.status, town.fates) == (422, ["rejected"])


@pytest.mark.parametrize(
    ("phone", "served"),
    [
        ("+886912345678", True),
        ("+66812345678", True),
        ("+819012345678", True),
        ("+818000001234", True),
        ("+14155550123", False),
        ("+85291234567", False),
        ("+886223456789", False),
        ("+81312345678", False),
        ("+6621234567", False),
    ],
)
def test_only_mobile_numbers_of_japan_thailand_and_taiwan_are_served(phone: str, served: bool) -> None:
    town = Town()
    handle(town.world, PutUser(phone, "agree", START, START - 730 * DAY), START)
    assert (town.send(phone).problem is None) is served


def test_a_user_without_the_privacy_policy_of_2022_is_422() -> None:
    town = Town()
    handle(town.world, ChangeUser(PHONE, {"privacy_policy": False}), START)
    problem = town.send().problem
    assert problem is not None
    assert problem.status == 422


@pytest.mark.parametrize(("reception", "verified"), [("agree", False), ("not_set", True), ("not_set", False)])
def test_after_24_hours_a_pending_message_is_gone_and_nothing_brings_it_back(
    reception: str, verified: bool
) -> None:
    town = Town(reception, verified)
    town.send()
    town.wait(DAY - 1)
    assert town.fates == ["pending"]
    town.wait(1)
    assert town.fates == ["expired"]
    town.act("agree")
    town.verify()
    assert (town.fates, town.events, town.counted) == (["expired"], [], 0)
    assert "notification" not in town.shown


def test_the_last_millisecond_of_the_window_still_counts() -> None:
    town = Town("not_set")
    town.send()
    town.wait(DAY - 1)
    town.act("agree")
    assert town.fates == ["delivered"]


def test_refusing_deletes_at_once_and_agreeing_afterwards_does_not_revive_it() -> None:
    town = Town("not_set")
    town.send()
    town.act("refuse")
    assert town.fates == ["refused"]
    town.act("agree")
    assert (town.fates, town.events) == (["refused"], [])
    town.send()
    assert town.fates == ["refused", "delivered"]


def test_blocking_deletes_what_is_pending_from_that_account_only() -> None:
    town = Town("not_set")
    other = town.add_channel("2000000002")
    town.send()
    town.send(channel=other)
    town.act("block")
    assert town.fates == ["blocked", "pending"]
    town.act("unblock")
    town.act("agree")
    assert town.fates == ["blocked", "delivered"]


def test_consent_and_pin_count_for_all_accounts_and_release_everything() -> None:
    town = Town("not_set", verified=False)
    other = town.add_channel("2000000002")
    town.send()
    town.send(channel=other)
    town.send(flexible=True)
    town.act("agree")
    assert town.fates == ["pending"] * 3
    town.verify()
    assert town.fates == ["delivered"] * 3
    assert town.events == ["delivery"] * 3


def test_received_comes_once_at_first_for_every_message() -> None:
    town = Town("not_set")
    town.send()
    town.send()
    assert town.shown.count("system_received") == 2


def test_a_pin_before_consent_verifies_but_does_not_show_the_message() -> None:
    town = Town("not_set", verified=False)
    town.send()
    town.verify()
    assert town.fates == ["pending"]
    town.act("agree")
    assert town.fates == ["delivered"]


def test_changing_the_number_drops_what_was_sent_to_the_old_one() -> None:
    town = Town(verified=False)
    town.send()
    town.act("change_number", new_phone=OTHER_PHONE)
    assert town.fates == ["number_changed"]
    assert town.shown[-1] == "number_changed"
    problem = town.send(PHONE).problem
    assert problem is not None
    assert problem.status == 422


def test_changing_the_number_counts_as_verification_for_180_days() -> None:
    town = Town(verified=False)
    town.act("change_number", new_phone=OTHER_PHONE)
    town.send(OTHER_PHONE)
    assert town.fates == ["delivered"]
    town.wait(VERIFICATION_LASTS)
    town.send(OTHER_PHONE)
    assert town.fates == ["delivered", "pending"]


def test_a_verification_lasts_180_days() -> None:
    town = Town()
    town.wait(VERIFICATION_LASTS - 1)
    town.send()
    town.wait(1)
    town.send()
    assert town.fates == ["delivered", "pending"]


def test_an_account_made_within_180_days_needs_no_check() -> None:
    town = Town()
    town.user(reception="agree", verified_at=None, created_at=START - 179 * DAY)
    town.send()
    assert town.fates == ["delivered"]


def test_a_template_in_no_phone_verification_mode_skips_the_pin_but_not_the_consent() -> None:
    town = Town(verified=False, no_verification_templates=frozenset({"example_delivery"}))
    town.send()
    town.send(flexible=True)
    assert town.fates == ["delivered", "pending"]
    shy = Town("not_set", verified=False, no_verification_templates=frozenset({"example_delivery"}))
    shy.send()
    assert (shy.fates, shy.shown) == (["pending"], ["system_received", "consent_request"])
    shy.act("agree")
    assert shy.fates == ["delivered"]


def test_a_pin_is_six_digits_good_for_ten_minutes_and_five_tries() -> None:
    town = Town(verified=False)
    town.send()
    town.act("request_pin")
    inbox = town.world.sms.inboxes[PHONE]
    assert (inbox[0].pin, inbox[0].sender) == (PIN, "LINE")
    town.wait(600_000)
    assert town.act("enter_pin", pin=PIN).problem is not None
    town.act("request_pin")
    for _ in range(4):
        assert town.act("enter_pin", pin="000000").problem is not None
    town.wait(599_999)
    assert town.act("enter_pin", pin=PIN).problem is None
    assert town.fates == ["delivered"]
    town.wait(VERIFICATION_LASTS)
    town.send()
    assert town.fates == ["delivered", "pending"]
    town.act("request_pin", new_pin="654321")
    for _ in range(5):
        problem = town.act("enter_pin", pin="000000").problem
        assert problem is not None
        assert problem.status == 400
    assert town.act("enter_pin", pin="654321").problem is not None
    town.verify()
    assert town.fates == ["delivered", "delivered"]


def test_a_reception_once_set_never_returns_to_not_set() -> None:
    town = Town("not_set")
    town.act("refuse")
    problem = handle(town.world, ChangeUser(PHONE, {"reception": "not_set"}), START).problem
    assert problem is not None
    assert problem.status == 400
    assert town.account.reception == "reject"


def test_changing_the_setting_in_the_app_has_the_effect_of_the_prompt() -> None:
    town = Town("not_set", verified=False)
    town.send()
    effects = handle(town.world, ChangeUser(PHONE, {"reception": "agree", "verified_at": START}), START)
    assert town.fates == ["delivered"]
    assert [event.type for event in effects.events] == ["delivery"]


def test_repeated_actions_change_nothing_and_cause_no_event() -> None:
    town = Town()
    for action in ("agree", "add_friend", "block", "unblock"):
        town.act(action)
        town.events.clear()
        before = repr((town.account, town.account.tie(town.channel.channel_id), town.account.entries))
        assert town.act(action).problem is None
        assert repr((town.account, town.account.tie(town.channel.channel_id), town.account.entries)) == before
        assert town.events == []


def test_entering_the_same_right_pin_again_is_harmless() -> None:
    town = Town(verified=False)
    town.verify()
    assert town.act("enter_pin", pin=PIN).problem is None


def test_a_message_shown_after_midnight_in_japan_counts_for_the_day_it_was_shown() -> None:
    town = Town("not_set")
    town.now = sent = 1_786_114_799_000  # 2026-08-07T14:59:59Z, a second before midnight in UTC+9
    town.send()
    town.wait(2000)
    town.act("agree")
    days = [day for _, _, day in town.world.counts]
    assert days == [(sent + 9 * HOUR) // DAY + 1]


def test_time_passes_over_200_000_pending_messages_in_seconds() -> None:
    town = Town("not_set")
    digest = town.account.digest.hex()
    for number in range(20_000):
        phone = f"+8869{number:08d}"
        handle(town.world, PutUser(phone, "not_set", None, 0), START)
        account = town.world.people.find_phone(phone)
        assert account is not None
        digest = account.digest.hex()
        body = {"to": digest, "templateKey": "example_delivery"}
        for _ in range(10):
            handle(town.world, SendTemplate(town.channel, body, b"", None, 1), START)
    assert town.world.ledger.sums["2000000001", town.rows[0].path, 202, "pending"] == 200_000
    town.wait(DAY)
    assert town.world.ledger.sums["2000000001", town.rows[0].path, 202, "expired"] == 200_000


def test_hiding_an_account_posts_no_event_and_ends_being_a_friend() -> None:
    town = Town()
    town.act("add_friend")
    town.events.clear()
    town.act("hide")
    tie = town.account.tie(town.channel.channel_id)
    assert (town.events, tie.friend, tie.blocked) == ([], False, True)


def test_every_message_that_waits_brings_its_own_request() -> None:
    town = Town("not_set", verified=False)
    town.send()
    town.send()
    assert town.shown == ["consent_request"] * 2
    town.act("agree")
    assert town.shown[2:] == ["pin_request"] * 2
