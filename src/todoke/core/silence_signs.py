"""What a number's history and its channel's traffic say about one silent notification: the signs, each in words.

Only what was known at a time counts, so that a silence can be judged as of any day. Sources as in `core.silence`.
"""

from collections.abc import Iterable, Sequence

from todoke.core.durations import DAY, HOUR, MINUTE, format_duration
from todoke.core.outcome import Outcome
from todoke.core.silence import Observed, Sign
from todoke.core.silence_history import Bound, History, Sent, Texted, Traffic, lost_odds

WINDOW = DAY
"""So long LINE keeps a message that waits (LINE notification messages, "Behavior when receiving")."""
CHECK_LASTS = 180 * DAY
NEAR = 5 * DAY
"""Silences of two channels within it fell together."""
SOON = 7 * DAY
CLOSE = 14 * DAY
SMS_TELLS = 30 * DAY
"""An SMS says something about a silence for so long after it."""
SURELY, PERHAPS, CAME = 50.0, 6.0, 0.5
"""How many times likelier the traffic of an hour must be if events were lost than if not."""


def observe(history: History, of: Sent, traffic: Traffic, now: int) -> list[Observed]:
    """All signs about one silent notification, as they stood at `now`."""
    known = [x for x in history.sent if x.at <= now and x.id != of.id]
    found = _Found(of, known, now)
    found.about_events(traffic)
    found.about_other_channels()
    found.about_this_channel()
    found.about_the_number()
    found.about_matching()
    found.about_sms([x for x in history.sms if x.at <= now])
    found.about_users([x for x in history.bound if x.bound_at <= now])
    return found.signs


class _Found:
    """Collects the signs of one silence."""

    def __init__(self, of: Sent, known: Sequence[Sent], now: int) -> None:
        self.signs: list[Observed] = []
        self._of = of
        self._now = now
        self._known = known
        self._here = [x for x in known if x.channel_id == of.channel_id]
        self._elsewhere = [x for x in known if x.channel_id != of.channel_id]
        self._shown_before = [x for x in known if x.shown(now) and (x.proof_at or 0) < of.at]
        self._run_began = self._begin_of_run()

    def _add(self, sign: Sign, text: str) -> None:
        self.signs.append(Observed(sign, text))

    def _begin_of_run(self) -> int:
        """When the silences in a row of this channel began, of which this is one."""
        began = self._of.at
        for x in reversed([x for x in self._here if x.at < self._of.at]):
            if x.shown(self._now):
                break
            if x.silent(self._now):
                began = x.at
        return began

    def _results_after(self, among: Iterable[Sent], since: int) -> list[Sent]:
        """Those requested later whose end is known: shown, silent, or refused with a 422."""
        return [x for x in among if x.at >= since and _ended(x, self._now)]

    # Whether events came at all

    def about_events(self, traffic: Traffic) -> None:
        if self._of.outcome is Outcome.UNKNOWN:
            self._add(Sign.UNANSWERED, "LINE's answer to the request was lost: it may never have taken it")
        odds = lost_odds(traffic)
        if odds is None:
            # Where the hour itself tells, the alarm tells nothing more: it was raised because events were missing.
            if traffic.alarm:
                self._add(Sign.WEBHOOK_ALARM, "an alarm about the channel's webhooks stood in these 24 hours")
            return
        usually = f"usually it is {100 * traffic.usual_shown / traffic.usual:.0f} %"
        told = f"of {traffic.others} others requested in the same hour, {traffic.others_shown} had an event; {usually}"
        if odds >= SURELY:
            self._add(Sign.EVENTS_SURELY_MISSING, f"events are missing: {told}")
        elif odds >= PERHAPS:
            self._add(Sign.EVENTS_PERHAPS_MISSING, f"events may be missing: {told}")
        elif odds <= CAME:
            self._add(Sign.EVENTS_CAME, f"events came: {told}")

    # What other channels of the account saw

    def about_other_channels(self) -> None:
        of, now = self._of, self._now
        closes = of.at + WINDOW
        if any(x.shown(now) and of.at <= (x.proof_at or 0) < closes for x in self._elsewhere):
            self._add(
                Sign.SHOWN_ELSEWHERE_MEANWHILE,
                "another channel's message was shown to this number in the same 24 hours: the user was reachable, had "
                "agreed and was checked",
            )
        else:
            after = self._results_after(self._elsewhere, closes)
            released = self._released()
            unasked = released is None or (after and (after[0].proof_at or 0) <= (released.proof_at or 0))
            if after and after[0].shown(now) and after[0].prompt and after[0].at < closes + SOON and unasked:
                gap = format_duration((after[0].at - of.at) // HOUR * HOUR)
                self._add(
                    Sign.SHOWN_ELSEWHERE_AFTER,
                    f"{gap} later another channel's message was shown to this number at once",
                )
        elsewhere_too = self._silent_elsewhere()
        # One alone may have been lost before all fell silent together; two were not.
        if self._alone() >= (2 if elsewhere_too else 1):
            self._add(
                Sign.BEGAN_HERE_ALONE,
                "this channel fell silent for this number while another one was still shown",
            )
        elif elsewhere_too:
            self._about_silence_elsewhere()

    def _alone(self) -> int:
        """Silences of the run of which this is one that came before another channel was shown for the last time."""
        shown = [
            x.proof_at or 0 for x in self._elsewhere if x.shown(self._now) and (x.proof_at or 0) < self._of.at
        ]
        last = max(shown, default=0)
        return sum(x.silent(self._now) and self._run_began <= x.at < last for x in self._here)

    def _silent_elsewhere(self) -> bool:
        """A silence of another channel near this one, which that channel did not begin while this one was shown."""
        for x in self._elsewhere:
            if not x.silent(self._now) or abs(x.at - self._of.at) > NEAR:
                continue
            channel = [y for y in self._elsewhere if y.channel_id == x.channel_id]
            before = [y.at for y in channel if y.at < x.at and y.shown(self._now)]
            run = [y.at for y in channel if y.silent(self._now) and y.at > (before[-1] if before else 0)]
            if not any(y.shown(self._now) and run[0] <= (y.proof_at or 0) < self._of.at for y in self._here):
                return True
        return False

    def _about_silence_elsewhere(self) -> None:
        lately = [x for x in self._shown_before if x.at >= self._run_began - CLOSE]
        later = [x for x in self._known if x.shown(self._now) and (x.proof_at or 0) >= self._of.at]
        if len({x.channel_id for x in lately}) > 1 and not later:
            self._add(
                Sign.STOPPED_EVERYWHERE,
                "messages of several channels were shown until then; all fell silent at about the same time",
            )
        else:
            self._add(
                Sign.SILENT_ELSEWHERE, "another channel was silent for this number at about the same time"
            )

    # What came before and after on the same channel

    def about_this_channel(self) -> None:
        of, now = self._of, self._now
        before = [x for x in self._here if x.at < of.at and _ended(x, now)]
        after = self._results_after(self._here, of.at + 1)
        last, following = (before[-1] if before else None), (after[0] if after else None)
        if following is not None and following.shown(now) and following.prompt:
            if following.at - of.at > CLOSE:
                return
            if last is not None and last.shown(now) and last.prompt and of.at - last.at <= CLOSE:
                self._add(Sign.BETWEEN_SHOWN, "the messages just before and after it were shown at once")
            elif last is not None and last.silent(now):
                self._add(
                    Sign.RUN_ENDED, "it was the last of several silences; the next one was shown at once"
                )
            else:
                self._add(Sign.SHOWN_NEXT, "the next message of this channel was shown at once")
            return
        silences = sum(x is not None and x.silent(now) for x in (last, following))
        if silences == 2:
            self._add(Sign.SILENT_AROUND, "this channel's messages before and after it were silent too")
        elif silences:
            self._add(Sign.SILENT_NEXT, "this channel's message before or after it was silent too")

    # What the number's history tells of consent and check

    def about_the_number(self) -> None:
        of, now = self._of, self._now
        self._about_release()
        if not self._shown_before:
            silences = [x for x in self._known if x.silent(now) and abs(x.at - of.at) >= WINDOW]
            if silences:
                self._add(
                    Sign.NEVER_SHOWN,
                    f"nothing was shown to this number before, and {_times(len(silences) + 1)} nothing came",
                )
            return
        self._add(Sign.SHOWN_BEFORE, "messages were shown to this number before, so its user had agreed then")
        last = max(x.proof_at or 0 for x in self._shown_before)
        if of.at - last > CHECK_LASTS:
            self._add(
                Sign.LONG_AGO,
                f"the last message was shown {(of.at - last) // DAY} days before: the check by SMS lasts 180 days",
            )
        waited = [x.proof_at or 0 for x in self._shown_before if not x.prompt]
        if waited and of.at - max(waited) < CHECK_LASTS:
            days = (of.at - max(waited)) // DAY
            self._add(
                Sign.PROVED_LATELY,
                f"a message that had waited was shown {days} days before: consent or check passed",
            )

    def _released(self) -> Sent | None:
        """The first message shown after these 24 hours, if it had waited."""
        later = [x for x in self._known if x.shown(self._now) and (x.proof_at or 0) >= self._of.at + WINDOW]
        first = min(later, key=lambda x: x.proof_at or 0, default=None)
        soon = first is not None and (first.proof_at or 0) - self._of.at < CLOSE
        return first if first is not None and soon and not first.prompt else None

    def _about_release(self) -> None:
        first = self._released()
        if first is None:
            return
        took = format_duration(((first.proof_at or 0) - first.at) // MINUTE * MINUTE)
        text = f"the next message that was shown came {took} after its request: it waited for consent or the check"
        if self._shown_before:
            self._add(Sign.RELEASED_AGAIN, text)
        else:
            self._add(Sign.RELEASED_FIRST, f"{text}; nothing had been shown before")

    # What LINE knew at once of later requests

    def about_matching(self) -> None:
        closes = self._of.at + WINDOW
        later = [x for x in self._known if x.at > self._of.at]
        refused = [x for x in later if x.outcome is Outcome.UNREACHABLE]
        taken = [x for x in later if x.matched and x.at >= closes]
        if refused and not any(x.at < refused[0].at for x in taken):
            gap = format_duration(max((refused[0].at - self._of.at) // HOUR, 1) * HOUR)
            text = f"{gap} later LINE answered 422: the user rejects notifications, or has the number no more"
            if self._shown_before:
                self._add(Sign.UNMATCHED_AFTER_SHOWN, text)
            else:
                self._add(Sign.UNMATCHED_AFTER_NEVER_SHOWN, f"{text}; nothing had been shown to it before")
            if any(x.at > refused[0].at for x in taken):
                self._add(Sign.MATCHED_AGAIN, "after that, LINE took messages for the number again")
        elif taken:
            self._add(
                Sign.STILL_MATCHED, "LINE took later messages for the number: it is a LINE user's still"
            )

    # SMS, and the bound users

    def about_sms(self, sms: Sequence[Texted]) -> None:
        told = [x for x in sms if self._of.at < x.at < self._of.at + SMS_TELLS]
        if told and not told[-1].reached:
            self._add(Sign.SMS_FAILED, "afterwards an SMS to the number failed for good")
        elif told:
            self._add(Sign.SMS_RECEIVED, "afterwards an SMS to the number was received")

    def about_users(self, bound: Sequence[Bound]) -> None:
        of, closes = self._of, self._of.at + WINDOW
        stood = [x for x in bound if x.bound_at < closes and (x.unbound_at is None or x.unbound_at > of.at)]
        states = [x.states[of.channel_id] for x in stood if of.channel_id in x.states]
        known = [(state, since, listed) for state, since, listed in states if since <= self._now]
        if any(state == "blocked" and since < closes for state, since, _ in known):
            self._add(Sign.UNFOLLOWED, "the LINE user who bound the number had blocked the account")
        elif any(state == "unlisted" and since < closes + SOON for state, since, _ in known):
            self._add(Sign.UNLISTED, "LINE's followers list has the user who bound the number no more")
        elif any(
            state == "friend" and (since <= of.at or (listed or 0) > of.at) for state, since, listed in known
        ):
            self._add(Sign.FRIEND, "the LINE user who bound the number is a friend of the account")
        if any(x.moved and (x.unbound_at or 0) <= self._now for x in stood) or any(
            x.elsewhere_at is not None and of.at - SOON < x.elsewhere_at <= self._now for x in stood
        ):
            self._add(
                Sign.MOVED, "the LINE user who bound the number has another number since, or it is another's"
            )


def _ended(sent: Sent, now: int) -> bool:
    return sent.shown(now) or sent.silent(now) or sent.outcome is Outcome.UNREACHABLE


def _times(count: int) -> str:
    return "twice" if count == 2 else f"{count} times"
