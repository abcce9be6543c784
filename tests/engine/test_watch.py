"""Each alarm is raised once and cleared once, told to the endpoints, in the log and in the metric."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
import structlog
from prometheus_client import REGISTRY

from engine_house import SEAL, House
from notice_support import START
from storage_support import ids, new_notice
from todoke.actions.alike import AnswerTo
from todoke.actions.endpoints import NewEndpoint, create_endpoint
from todoke.actions.record import Read, record
from todoke.carriers import EventKind, InboundEvent, SmsMessage
from todoke.carriers.line import WebhookTest
from todoke.core.durations import DAY, HOUR, MINUTE
from todoke.core.outcome import Answer, Outcome
from todoke.engine.sms_carriers import DOWN_AFTER, SmsCarriers
from todoke.engine.watch import Watch
from todoke.storage import alarms, channel_hours, channels, notices, postings
from todoke.storage.alarms import Alarm
from todoke.storage.channel_hours import Counts, Place
from todoke.storage.inbox import Stored

NOW = START + 30 * MINUTE
HOURS_AGO = [NOW - NOW % HOUR - i * HOUR for i in range(24 * 10)]
REACHED = WebhookTest(success=True, status_code=200, reason="OK")
DOWN = WebhookTest(success=False, status_code=0, reason="COULD_NOT_CONNECT")
UNANSWERED = WebhookTest(error="LINE did not answer", retryable=True)


class Owns:
    """Who paces which channel."""

    def __init__(self) -> None:
        self.others: set[str] = set()

    def owns(self, channel_id: str) -> bool:
        return channel_id not in self.others

    def lease_holds(self) -> bool:
        return True

    def lost(self, channel_id: str, fence: int) -> None: ...


class Line:
    """LINE's webhook test, which ends as it is told; `tests` counts."""

    def __init__(self) -> None:
        self.result = REACHED
        self.tests = 0

    async def test_webhook_endpoint(self, token: str) -> WebhookTest:
        assert token == "a token"
        self.tests += 1
        return self.result


class Guard:
    """A watch on the house's database, and what it told."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.line = Line()
        self.owns = Owns()
        self.refused = Counter[str]()
        self.posted = 0
        self.watch = self.new()

    def new(self, sms: SmsCarriers | None = None) -> Watch:
        """Another process, so to say."""
        house = self.house
        carriers = sms or house.sms
        return Watch(
            house.clock,
            house.database,
            self.owns,
            carriers,
            self.line,
            SEAL,
            ids,
            self.refused,
            self._posted,
        )

    def _posted(self) -> None:
        self.posted += 1

    async def look(self, later: int = MINUTE) -> list[str]:
        """What is logged by a look that much later: `+kind` raised, `-kind` cleared."""
        self.house.clock.put(self.house.clock.now() + later)
        with structlog.testing.capture_logs() as lines:
            while await self.watch.step():
                pass
        for line in lines:
            if line["event"] == "alarm.raised":
                assert (line["log_level"], bool(line["text"])) == ("error", True)
        signs = {"alarm.raised": "+", "alarm.cleared": "-"}
        return [signs[x["event"]] + x["kind"] for x in lines if x["event"] in signs]

    async def standing(self) -> list[Alarm]:
        async with self.house.database.read() as tx:
            return await alarms.standing(tx)

    async def change(self, **values: Any) -> None:
        async with self.house.database.write() as tx:
            await channels.update_channel(tx, self.house.shop.channel_id, **values)

    async def count(self, hour: int, **values: Any) -> None:
        """Adds to what is counted for the channel in this hour."""
        async with self.house.database.write() as tx:
            await channel_hours.add(tx, {Place(self.house.shop.channel_id, hour): Counts(**values)})

    async def usual_week(self) -> None:
        """Ten messages an hour, of which nine were seen, until two hours before now."""
        more = {
            Place(self.house.shop.channel_id, hour): Counts(
                accepted=10, delivered=9, unmatched=2, last_event_at=hour + 50 * MINUTE
            )
            for hour in HOURS_AGO[2:]
        }
        async with self.house.database.write() as tx:
            await channel_hours.add(tx, more)


@pytest.fixture
async def guard(house: House) -> Guard:
    await house.open()
    house.clock.put(NOW)
    return Guard(house)


def gauge(kind: str) -> float | None:
    return REGISTRY.get_sample_value("todoke_alarms", {"kind": kind})


async def test_a_paused_channel_is_an_alarm_until_it_runs_again(guard: Guard) -> None:
    assert await guard.look() == []
    await guard.change(paused_at=NOW, paused_why="LINE answered 401: no such token.")
    assert await guard.look() == ["+channel_paused"]
    assert await guard.look() == []
    (alarm,) = await guard.standing()
    assert (alarm.about, alarm.account_id) == (guard.house.shop.channel_id, guard.house.shop.account_id)
    assert "LINE answered 401: no such token." in alarm.text
    assert gauge("channel_paused") == 1
    await guard.change(paused_at=None, paused_why=None)
    assert await guard.look() == ["-channel_paused"]
    assert await guard.look() == []
    assert gauge("channel_paused") == 0


async def test_each_change_is_told_once_to_the_endpoints_that_want_it(guard: Guard) -> None:
    house = guard.house
    wanted = NewEndpoint(url="https://shop.example.com/", events=["alarm.raised", "alarm.cleared"])
    async with house.database.write() as tx:
        made, _ = await create_endpoint(
            tx, house.shop.account_id, wanted, NOW, ids, SEAL, allow_private=False
        )
    await guard.change(paused_at=NOW, paused_why="denied")
    await guard.look()
    await guard.look()
    await guard.change(paused_why="denied again")
    await guard.look()
    await guard.change(paused_at=None, paused_why=None)
    await guard.look()
    async with house.database.read() as tx:
        rows = await postings.of_endpoint(tx, made.id)
    assert [x.event for x in rows] == ["alarm.raised", "alarm.cleared"]
    raised, cleared = (json.loads(x.body)["data"] for x in rows)
    assert raised["kind"] == cleared["kind"] == "channel_paused"
    assert raised["id"] == cleared["id"]
    assert (raised["cleared_at"] is None, cleared["cleared_at"] is None) == (True, False)
    assert "denied again" in cleared["text"]
    assert guard.posted == 2


async def test_it_looks_once_a_minute_of_the_notices_time_and_asks_for_no_time_of_its_own(
    guard: Guard,
) -> None:
    await guard.look()
    await guard.change(token_trouble="LINE issues no new access token.")
    assert await guard.look(MINUTE - 1) == []
    assert guard.watch.due_at is None
    assert await guard.look(1) == ["+token_trouble"]
    guard.house.clock.put(NOW - DAY)
    await guard.change(token_trouble=None)
    assert await guard.look(0) == ["-token_trouble"]


async def test_a_channel_that_is_paused_or_goes_on_is_looked_at_in_the_same_moment(guard: Guard) -> None:
    await guard.look()
    await guard.change(paused_at=NOW, paused_why="denied")
    assert await guard.look(0) == ["+channel_paused"]
    assert await guard.look(0) == []
    await guard.change(paused_at=None, paused_why=None)
    assert await guard.look(0) == ["-channel_paused"]


async def test_channels_of_another_process_are_not_its_business(guard: Guard) -> None:
    guard.owns.others.add(guard.house.shop.channel_id)
    await guard.change(paused_at=NOW, paused_why="denied")
    assert await guard.look() == []
    guard.owns.others.clear()
    assert await guard.look() == ["+channel_paused"]


async def test_a_channel_that_gets_its_token_from_us_may_be_paused_for_a_moment(guard: Guard) -> None:
    await guard.change(paused_at=NOW + MINUTE, paused_why="denied", paused_for="token", token_from="key")
    assert await guard.look() == []
    assert await guard.look() == ["+channel_paused"]


async def test_token_trouble_is_an_alarm_until_a_token_came(guard: Guard) -> None:
    await guard.change(token_trouble="No new access token: LINE answered 400.")
    assert await guard.look() == ["+token_trouble"]
    await guard.change(token_trouble=None)
    assert await guard.look() == ["-token_trouble"]


async def test_a_token_near_its_end_is_an_alarm(guard: Guard) -> None:
    await guard.change(token_at=NOW - 26 * DAY, token_expires_at=NOW + 4 * DAY)
    assert await guard.look() == []
    assert await guard.look(DAY) == ["+token_trouble"]
    assert await guard.look(4 * DAY) == []
    (alarm,) = await guard.standing()
    assert "has ended" in alarm.text
    await guard.change(token_expires_at=NOW + 40 * DAY)
    assert await guard.look() == ["-token_trouble"]


async def test_numbers_that_line_can_t_match_any_more_are_an_alarm(guard: Guard) -> None:
    await guard.usual_week()
    assert await guard.look() == []
    await guard.count(HOURS_AGO[0], accepted=60, unmatched=200, last_event_at=NOW)
    assert await guard.look() == ["+unmatched_rising"]
    (alarm,) = await guard.standing()
    assert "17%" in alarm.text
    await guard.count(HOURS_AGO[0], accepted=3000)
    assert await guard.look() == ["-unmatched_rising"]


async def test_silence_is_judged_of_messages_that_line_holds_no_longer(guard: Guard) -> None:
    await guard.usual_week()
    await guard.count(HOURS_AGO[1], accepted=300, delivered=10, last_event_at=NOW)
    assert await guard.look() == []
    assert await guard.look(23 * HOUR) == []
    assert "+silence_rising" in await guard.look(2 * HOUR)
    await guard.count(HOURS_AGO[1], delivered=270)
    assert "-silence_rising" in await guard.look()


async def test_pushes_over_the_monthly_quota_are_an_alarm_for_a_day(guard: Guard) -> None:
    await guard.count(HOURS_AGO[0], over_quota=3)
    assert await guard.look() == ["+quota_used_up"]
    assert await guard.look(23 * HOUR) == []
    assert await guard.look(3 * HOUR) == ["-quota_used_up"]


async def test_a_new_month_ends_the_alarm_of_the_old_ones_quota(guard: Guard) -> None:
    last_hour = START + 24 * DAY + 12 * HOUR
    assert last_hour % DAY == 14 * HOUR
    guard.house.clock.put(last_hour)
    await guard.count(last_hour, over_quota=1)
    assert await guard.look() == ["+quota_used_up"]
    assert await guard.look(HOUR) == ["-quota_used_up"]


async def test_notices_that_are_due_for_long_are_an_alarm_unless_the_channel_is_paused(guard: Guard) -> None:
    house = guard.house
    async with house.database.write() as tx:
        await notices.insert_new(tx, [new_notice(house.shop, due_at=NOW)])
    # The first look is late itself: what was due while no process ran is not this one's delay.
    assert await guard.look(HOUR) == []
    assert await guard.look(10 * MINUTE) == []
    assert await guard.look(6 * MINUTE) == ["+backlog"]
    await guard.change(paused_at=NOW, paused_why="denied")
    assert sorted(await guard.look()) == ["+channel_paused", "-backlog"]


async def send_sms(sms: SmsCarriers, count: int = 1) -> None:
    for _ in range(count):
        await sms.send("tells", SmsMessage(to="+886912345678", text="x"), "tag")


async def test_a_carrier_that_is_down_is_an_alarm_of_the_gateway_until_it_answers(guard: Guard) -> None:
    house = guard.house
    house.carrier.answer = lambda _: Answer(outcome=Outcome.FAILED, detail="connection refused")
    await send_sms(house.sms, DOWN_AFTER)
    assert await guard.look() == ["+carrier_down"]
    (alarm,) = await guard.standing()
    assert (alarm.about, alarm.account_id) == ("tells", None)
    assert "connection refused" in alarm.text
    house.carrier.answer = lambda _: Answer(outcome=Outcome.ACCEPTED, status=200)
    await send_sms(house.sms)
    assert await guard.look() == ["-carrier_down"]


async def test_a_restart_says_nothing_about_a_carrier_that_was_down(guard: Guard) -> None:
    house = guard.house
    house.carrier.answer = lambda _: Answer(outcome=Outcome.FAILED, detail="connection refused")
    await send_sms(house.sms, DOWN_AFTER)
    await guard.look()
    fresh = SmsCarriers([house.carrier])
    guard.watch = guard.new(fresh)
    assert await guard.look() == []
    await send_sms(fresh)
    assert await guard.look() == []
    house.carrier.answer = lambda _: Answer(outcome=Outcome.ACCEPTED, status=200)
    await send_sms(fresh)
    assert await guard.look() == ["-carrier_down"]


async def test_a_carrier_that_is_no_longer_set_up_is_no_alarm(guard: Guard) -> None:
    house = guard.house
    house.carrier.why_not = "the link is down"
    assert await guard.look() == ["+carrier_down"]
    guard.watch = guard.new(SmsCarriers([]))
    assert await guard.look() == ["-carrier_down"]


async def test_a_webhook_that_line_can_t_reach_is_an_alarm_until_it_can(guard: Guard) -> None:
    guard.line.result = DOWN
    await guard.count(HOURS_AGO[1], accepted=1)
    assert await guard.look() == ["+webhook_trouble"]
    (alarm,) = await guard.standing()
    assert "COULD_NOT_CONNECT" in alarm.text
    assert await guard.look(30 * MINUTE) == []
    guard.line.result = REACHED
    assert await guard.look(30 * MINUTE) == ["-webhook_trouble"]
    assert guard.line.tests == 2


async def test_line_is_asked_for_a_test_at_most_once_an_hour_and_not_while_events_come(guard: Guard) -> None:
    await guard.usual_week()
    await guard.count(HOURS_AGO[0], accepted=10, delivered=9, last_event_at=NOW)
    for _ in range(20):
        await guard.look()
    assert guard.line.tests == 0
    await guard.count(HOURS_AGO[0] + HOUR, accepted=3)
    for _ in range(60 * 5):
        await guard.look()
    assert 1 <= guard.line.tests <= 5


async def test_events_that_stay_away_are_an_alarm_although_lines_test_reaches_us(guard: Guard) -> None:
    await guard.usual_week()
    await guard.count(HOURS_AGO[1], accepted=40)
    assert await guard.look() == ["+webhook_trouble"]
    (alarm,) = await guard.standing()
    assert "40 notifications" in alarm.text
    assert "LINE's own test reaches the webhook" in alarm.text
    # Nothing more is sent overnight: the alarm does not come and go.
    for _ in range(12):
        assert await guard.look(37 * MINUTE) == []
    now = guard.house.clock.now()
    await guard.count(now - now % HOUR, last_event_at=now)
    assert await guard.look() == ["-webhook_trouble"]


async def test_a_few_notifications_that_nobody_saw_yet_are_no_alarm(guard: Guard) -> None:
    await guard.usual_week()
    await guard.count(HOURS_AGO[1], accepted=3)
    assert await guard.look() == []
    assert guard.line.tests == 1


async def test_wrong_signatures_alone_let_line_test_and_only_its_test_raises_an_alarm(guard: Guard) -> None:
    channel = guard.house.shop.channel_id
    guard.refused[channel] = 50
    assert await guard.look() == []
    assert guard.line.tests == 1
    assert not guard.refused
    guard.line.result = WebhookTest(success=False, status_code=401, reason="ERROR_STATUS_CODE")
    guard.refused[channel] = 5
    assert await guard.look(HOUR) == ["+webhook_trouble"]
    (alarm,) = await guard.standing()
    assert "with status 401" in alarm.text
    assert "wrong signature" in alarm.text


async def test_a_test_that_line_does_not_make_changes_nothing(guard: Guard) -> None:
    guard.line.result = UNANSWERED
    await guard.count(HOURS_AGO[1], accepted=2)
    assert await guard.look() == []
    guard.line.result = DOWN
    assert await guard.look(HOUR) == ["+webhook_trouble"]
    guard.line.result = UNANSWERED
    assert await guard.look(HOUR) == []
    # A new process knows nothing of the tests before, and asks at once.
    guard.line.result = DOWN
    guard.watch = guard.new()
    assert await guard.look() == []
    assert guard.line.tests == 4


async def test_what_becomes_of_notifications_is_counted_for_the_hour_of_their_request(guard: Guard) -> None:
    house = guard.house
    engine_ids = await house.ask(3)
    engine = house.engine()
    answers = iter(
        [
            Answer(outcome=Outcome.ACCEPTED, status=200),
            Answer(outcome=Outcome.UNREACHABLE, status=422),
            Answer(outcome=Outcome.ACCEPTED, status=200),
        ]
    )
    house.carrier.answer = lambda _: next(answers, Answer(outcome=Outcome.ACCEPTED, status=200))
    await engine.start()
    await engine.settle()
    tag = (await house.notice(engine_ids[0])).attempts[0].id
    later = house.clock.now() + 5 * HOUR
    stored = Stored(
        carrier="line",
        channel_id=house.shop.channel_id,
        headers="{}",
        body=b"",
        received_at=later,
        id=1,
    )
    event = InboundEvent(id="E1", kind=EventKind.PROOF, at=later, tag=tag)
    over = Answer(outcome=Outcome.THROTTLED, status=429, quota_used_up=True)
    async with house.database.write() as tx:
        told = AnswerTo(engine_ids[0], tag, over)
        await record(tx, [told], [Read(stored, [event])], later, house.lookup, house.reactions)
    async with house.database.read() as tx:
        sent = await channel_hours.between(tx, house.shop.channel_id, HOURS_AGO[0], HOURS_AGO[0] + HOUR)
        came = await channel_hours.between(tx, house.shop.channel_id, HOURS_AGO[0] + HOUR, later + HOUR)
    assert (sent.accepted, sent.delivered, sent.unmatched) == (2, 1, 1)
    assert (came.accepted, came.delivered, came.last_event_at) == (0, 0, later)
    assert (sent.over_quota, came.over_quota) == (0, 1)
