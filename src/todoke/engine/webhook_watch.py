"""Whether LINE's webhooks reach us: from the events that come or stay away, and by LINE's own test."""

from typing import NamedTuple, Protocol

from todoke.carriers.line import WebhookTest
from todoke.core.durations import HOUR
from todoke.core.watching import Share, surely_missing
from todoke.engine.checks import Finding, Seen
from todoke.sealing import CannotUnseal, Seal

TEST_EVERY = HOUR
"""LINE allows 60 tests an hour (Messaging API reference, "Test webhook endpoint")."""
FORGED = 5
"""So many requests with a wrong signature, and none with a right one, are no chance visitors."""


class TestsWebhooks(Protocol):
    """Asks LINE to test a webhook endpoint; `todoke.carriers.line.LineAccount` does."""

    async def test_webhook_endpoint(self, token: str) -> WebhookTest:
        """Lets LINE post an empty webhook to the endpoint that is set."""
        ...


class _Tested(NamedTuple):
    at: int
    result: WebhookTest


class WebhookWatch:
    """Remembers, for each channel, LINE's last test."""

    def __init__(self, line: TestsWebhooks, seal: Seal) -> None:
        self._line = line
        self._seal = seal
        self._tested: dict[str, _Tested] = {}

    async def judge(self, seen: Seen, raised_at: int | None, now: int) -> Finding | bool | None:
        """The finding, None where all is well, False where that can't be said. `raised_at`: of a standing alarm.

        Only LINE's test and missing events raise an alarm. Wrong signatures are a reason to test, for anybody can
        post them.
        """
        last = seen.last_event_at
        forged = _forged(seen)
        if raised_at is not None and last is not None and last > raised_at and not forged:
            return None
        if not (seen.unproved or forged or raised_at is not None):
            return None
        test = await self._test(seen, now)
        if test is not None and not test.success:
            return _failed(seen, test, forged)
        if surely_missing(seen.unproved, _seen_earlier(seen)):
            return _missing(seen, test)
        return False if test is None else None

    async def _test(self, seen: Seen, now: int) -> WebhookTest | None:
        """LINE's test, made anew at most once an hour. None where LINE did not make it."""
        channel = seen.channel
        tested = self._tested.get(channel.id)
        if tested is None or not 0 <= now - tested.at < TEST_EVERY:
            if channel.access_token is None:
                return None
            try:
                token = self._seal.open(channel.access_token)
            except CannotUnseal:
                return None
            tested = _Tested(now, await self._line.test_webhook_endpoint(token))
            self._tested[channel.id] = tested
        return tested.result if tested.result.ok else None


def _forged(seen: Seen) -> int:
    """How many wrong signatures came within two hours in which no right one did; 0: not worth a look."""
    count = seen.last_hour.bad_signatures + seen.this_hour.bad_signatures
    right = seen.last_hour.last_event_at is not None or seen.this_hour.last_event_at is not None
    return count if count >= FORGED and not right else 0


def _seen_earlier(seen: Seen) -> Share:
    return Share(seen.before_closed.delivered, seen.before_closed.accepted)


def _failed(seen: Seen, test: WebhookTest, forged: int) -> Finding:
    status = f" with status {test.status_code}" if test.status_code > 0 else ""
    signatures = f" {forged:,} requests came with a wrong signature." if forged else ""
    return Finding(
        f"LINE does not reach the webhook of the channel {seen.channel.name}: its own test ended as "
        f"{test.reason or 'failed'}{status}.{signatures} Without it no notice is proved delivered.",
        "See that the URL set at LINE is this gateway's (todoke channels connect), that it answers from outside, "
        "and that the channel secret is the one that LINE shows.",
    )


def _missing(seen: Seen, test: WebhookTest | None) -> Finding:
    reached = " LINE's own test reaches the webhook." if test is not None else ""
    return Finding(
        f"No event has come from LINE for the channel {seen.channel.name}, although it took "
        f"{seen.unproved:,} notifications since the last one.{reached}",
        "See that the webhook is switched on at LINE (Use webhook), and its error statistics in the LINE Developers "
        "Console. todoke doctor says more.",
    )
