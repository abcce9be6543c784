"""Each sign moves the likelihoods the right way; together they are likelihoods; without evidence nothing is guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todoke.core.durations import DAY, HOUR, MINUTE, SECOND
from todoke.core.outcome import Outcome
from todoke.core.silence import CANCELS_OUT, CAUSES, PRIOR, TABLE, Cause, Observed, Sign, Verdict, judge
from todoke.core.silence_history import Bound, History, Sent, Texted, Traffic, lost_odds
from todoke.core.silence_signs import observe

T = 1_800_000_000_000
NOW = T + 30 * DAY
HERE, THERE = "here", "there"
BUSY = Traffic(others=20, others_shown=17, usual=1000, usual_shown=850)


def sent(at: int, outcome: Outcome = Outcome.SILENT, channel: str = HERE, took: int | None = None) -> Sent:
    """A notification; `took`: shown so long after its request."""
    proof_at = None if took is None else at + took
    return Sent(
        id=f"{channel}-{at}",
        channel_id=channel,
        at=at,
        closes_at=at + DAY + 10 * MINUTE,
        outcome=outcome if took is None else Outcome.DELIVERED,
        proof_at=proof_at,
    )


def shown(at: int, channel: str = HERE, took: int = SECOND) -> Sent:
    return sent(at, channel=channel, took=took)


def signs(
    *others: Sent, of: Sent | None = None, traffic: Traffic | None = None, now: int = NOW, **more: object
) -> set[Sign]:
    one = of or sent(T)
    ordered = tuple(sorted((*others, one), key=lambda x: x.at))
    history = History(sent=ordered, **more)  # type: ignore[arg-type]
    return {x.sign for x in observe(history, one, traffic or Traffic(), now)}


def verdict(*found: Sign) -> Verdict:
    return judge([Observed(x, x.value) for x in found])


def likelihood(found: Verdict, cause: Cause) -> float:
    return next((x.likelihood for x in found.causes if x.cause is cause), 0.0)


# The table


@pytest.mark.parametrize("sign", list(Sign))
def test_every_sign_has_a_weight_for_every_cause_and_says_something(sign: Sign) -> None:
    weights = TABLE[sign]
    assert len(weights) == len(CAUSES)
    assert all(0 < w <= 100 for w in weights)
    assert any(w != 1 for w in weights)


@pytest.mark.parametrize("sign", [s for s in Sign if max(TABLE[s]) > 1])
def test_a_sign_raises_the_cause_that_it_speaks_for_most(sign: Sign) -> None:
    weights = TABLE[sign]
    cause = CAUSES[weights.index(max(weights))]
    total = sum(PRIOR[c] * w for c, w in zip(CAUSES, weights, strict=True))
    assert PRIOR[cause] * max(weights) / total > PRIOR[cause]
    found = verdict(sign)
    assert found.has_evidence
    told = [x for x in found.causes if x.cause is cause]
    assert not told or sign.value in told[0].evidence


def test_the_prior_is_one_in_all() -> None:
    assert sum(PRIOR.values()) == pytest.approx(1)
    assert set(PRIOR) == set(CAUSES)


@given(st.lists(st.sampled_from(list(Sign)), max_size=12, unique=True))
def test_likelihoods_add_up_to_one_the_likeliest_first(found: list[Sign]) -> None:
    judged = verdict(*found)
    shares = [x.likelihood for x in judged.causes]
    assert sum(shares) == pytest.approx(1)
    assert shares == sorted(shares, reverse=True)
    assert all(0 <= x <= 1 for x in shares)
    assert judged.has_evidence == any(max(TABLE[s]) > 1 for s in found)
    if not judged.has_evidence:
        assert judged.first is Cause.UNKNOWN


@given(st.permutations(list(Sign)[:8]))
def test_the_order_of_signs_does_not_matter(found: list[Sign]) -> None:
    causes = {x.cause: x.likelihood for x in verdict(*found).causes}
    for cause, share in {x.cause: x.likelihood for x in verdict(*sorted(found)).causes}.items():
        assert causes[cause] == pytest.approx(share)


def test_without_any_sign_the_cause_is_unknown() -> None:
    (only,) = verdict().causes
    assert (only.cause, only.likelihood) == (Cause.UNKNOWN, 1.0)


def test_what_only_speaks_against_causes_leaves_it_unknown() -> None:
    found = verdict(Sign.STILL_MATCHED, Sign.SHOWN_BEFORE, Sign.EVENTS_CAME)
    assert found.first is Cause.UNKNOWN
    assert not found.has_evidence


def test_what_cancels_out_is_unknown_and_says_what_it_was() -> None:
    # An event that surely was shown elsewhere, and a user who is a friend still: blocked and unseen are about even.
    signs_ = [Observed(s, s.value) for s in Sign]
    even = next(
        (
            pair
            for a in signs_
            for b in signs_
            if a is not b and (pair := judge([a, b])).first is Cause.UNKNOWN and pair.has_evidence
        ),
        None,
    )
    assert even is not None
    assert even.causes[0].evidence[0] == CANCELS_OUT
    assert len(even.causes[0].evidence) > 1


# What is seen of a history


def test_nothing_known_of_a_number_gives_no_sign() -> None:
    assert signs() == set()


def test_another_channels_message_shown_in_the_same_day_speaks_for_a_block() -> None:
    found = signs(shown(T + 5 * HOUR, THERE))
    assert Sign.SHOWN_ELSEWHERE_MEANWHILE in found
    judged = verdict(*found)
    assert judged.first is Cause.BLOCKED
    assert likelihood(judged, Cause.NO_CONSENT) < 0.05


def test_one_that_was_shown_a_week_before_says_nothing_of_these_24_hours() -> None:
    found = signs(shown(T - 6 * DAY, THERE))
    assert not found & {Sign.SHOWN_ELSEWHERE_MEANWHILE, Sign.SHOWN_ELSEWHERE_AFTER}


def test_another_channels_message_shown_at_once_days_later_speaks_for_a_block() -> None:
    assert verdict(*signs(shown(T + 3 * DAY, THERE))).first is Cause.BLOCKED


def test_what_all_channels_lost_at_the_same_time_after_being_shown_is_the_check_by_sms() -> None:
    before = [shown(T - 4 * DAY), shown(T - 2 * DAY, THERE), shown(T - DAY)]
    found = signs(*before, sent(T + 2 * DAY, channel=THERE), sent(T + 4 * DAY))
    assert Sign.STOPPED_EVERYWHERE in found
    assert verdict(*found).first is Cause.NO_VERIFICATION


def test_a_channel_that_fell_silent_before_the_other_did_is_blocked() -> None:
    before = [shown(T - 9 * DAY), sent(T - 6 * DAY), sent(T - 5 * DAY)]
    found = signs(*before, shown(T - 4 * DAY, THERE), sent(T + HOUR, channel=THERE))
    assert Sign.BEGAN_HERE_ALONE in found
    assert Sign.STOPPED_EVERYWHERE not in found
    assert verdict(*found).first is Cause.BLOCKED


def test_one_silence_before_all_channels_fell_silent_may_have_been_lost_alone() -> None:
    before = [shown(T - 9 * DAY), sent(T - 5 * DAY), shown(T - 4 * DAY, THERE)]
    found = signs(*before, sent(T + HOUR, channel=THERE))
    assert Sign.BEGAN_HERE_ALONE not in found


def test_a_number_to_which_nothing_was_ever_shown_probably_never_consented() -> None:
    found = signs(sent(T - 5 * DAY), sent(T - 3 * DAY, channel=THERE))
    assert {Sign.NEVER_SHOWN, Sign.SILENT_ELSEWHERE} <= found
    assert verdict(*found).first is Cause.NO_CONSENT


def test_a_last_message_longer_ago_than_180_days_speaks_for_the_check() -> None:
    found = signs(shown(T - 200 * DAY))
    assert Sign.LONG_AGO in found
    assert verdict(*found).first is Cause.NO_VERIFICATION
    assert Sign.LONG_AGO not in signs(shown(T - 100 * DAY))


def test_a_silence_between_messages_that_were_shown_at_once_was_probably_seen() -> None:
    found = signs(shown(T - 2 * DAY), shown(T + 2 * DAY))
    assert Sign.BETWEEN_SHOWN in found
    assert verdict(*found).first is Cause.UNSEEN


def test_a_message_that_came_hours_late_shows_what_was_outstanding() -> None:
    first = signs(shown(T + 2 * DAY, took=5 * HOUR))
    assert Sign.RELEASED_FIRST in first
    assert verdict(*first).first is Cause.NO_CONSENT
    again = signs(shown(T - 9 * DAY), shown(T + 2 * DAY, took=5 * HOUR))
    assert Sign.RELEASED_AGAIN in again
    assert verdict(*again).first is Cause.NO_VERIFICATION
    assert Sign.PROVED_LATELY in signs(shown(T - 20 * DAY, took=5 * HOUR))


def test_what_another_channel_showed_after_consent_was_given_says_nothing_of_a_block() -> None:
    found = signs(shown(T + 2 * DAY, THERE, took=5 * HOUR), shown(T + 4 * DAY, THERE))
    assert Sign.SHOWN_ELSEWHERE_AFTER not in found


def test_the_last_of_several_silences_is_no_lost_event() -> None:
    found = signs(sent(T - 2 * DAY), shown(T + 2 * DAY))
    assert Sign.RUN_ENDED in found
    assert Sign.SHOWN_NEXT not in found


def test_422_after_a_first_silence_is_a_refusal() -> None:
    found = signs(sent(T + 2 * DAY, Outcome.UNREACHABLE))
    assert Sign.UNMATCHED_AFTER_NEVER_SHOWN in found
    assert verdict(*found).first is Cause.NO_CONSENT


def test_422_after_years_of_being_shown_is_a_change_of_number() -> None:
    found = signs(shown(T - 3 * DAY), sent(T + 2 * DAY, Outcome.UNREACHABLE))
    assert Sign.UNMATCHED_AFTER_SHOWN in found
    judged = verdict(*found)
    assert likelihood(judged, Cause.NUMBER_CHANGED) > 2 * PRIOR[Cause.NUMBER_CHANGED]


def test_a_422_long_after_line_took_others_says_nothing_of_the_first_silence() -> None:
    found = signs(sent(T + 2 * DAY), sent(T + 4 * DAY, Outcome.UNREACHABLE))
    assert not found & {Sign.UNMATCHED_AFTER_NEVER_SHOWN, Sign.UNMATCHED_AFTER_SHOWN}
    assert Sign.STILL_MATCHED in found


def test_a_number_that_sms_cannot_reach_any_more_was_given_up() -> None:
    failed = signs(sms=(Texted(T + DAY, False),))
    assert Sign.SMS_FAILED in failed
    assert likelihood(verdict(*failed), Cause.NUMBER_CHANGED) > 3 * PRIOR[Cause.NUMBER_CHANGED]
    assert Sign.SMS_RECEIVED in signs(sms=(Texted(T + DAY, False), Texted(T + 2 * DAY, True)))
    assert not signs(sms=(Texted(T - DAY, False),))


def test_the_bound_users_unfollow_event_is_a_block() -> None:
    bound = Bound(bound_at=T - 90 * DAY, states={HERE: ("blocked", T - DAY, None)})
    found = signs(bound=(bound,))
    assert found == {Sign.UNFOLLOWED}
    assert verdict(*found).first is Cause.BLOCKED
    assert likelihood(verdict(*found), Cause.BLOCKED) > 0.8


def test_a_block_after_these_24_hours_is_no_sign_and_a_friend_is_one_against_it() -> None:
    later = Bound(bound_at=T - 90 * DAY, states={HERE: ("blocked", T + 2 * DAY, None)})
    assert Sign.UNFOLLOWED not in signs(bound=(later,))
    friend = Bound(bound_at=T - 90 * DAY, states={HERE: ("friend", T - 80 * DAY, None)})
    assert signs(bound=(friend,)) == {Sign.FRIEND}
    # Who follows anew may have blocked before that.
    back = Bound(bound_at=T - 90 * DAY, states={HERE: ("friend", T + 2 * DAY, None)})
    assert signs(bound=(back,)) == set()
    elsewhere = Bound(bound_at=T - 90 * DAY, states={THERE: ("blocked", T - DAY, None)})
    assert signs(bound=(elsewhere,)) == set()


@pytest.mark.parametrize(
    "bound",
    [
        Bound(bound_at=T - 90 * DAY, elsewhere_at=T + DAY),
        Bound(bound_at=T - 90 * DAY, unbound_at=T + DAY, moved=True),
    ],
)
def test_a_user_who_bound_another_number_has_given_this_one_up(bound: Bound) -> None:
    found = signs(bound=(bound,))
    assert found == {Sign.MOVED}
    assert verdict(*found).first is Cause.NUMBER_CHANGED


def test_an_answer_that_was_lost_speaks_for_a_message_that_never_left() -> None:
    found = signs(of=sent(T, Outcome.UNKNOWN))
    assert found == {Sign.UNANSWERED}
    assert verdict(*found).first is Cause.UNSEEN


@pytest.mark.parametrize(
    ("others", "came", "sign"),
    [
        (20, 0, Sign.EVENTS_SURELY_MISSING),
        (3, 0, Sign.EVENTS_PERHAPS_MISSING),
        (20, 17, Sign.EVENTS_CAME),
        (2, 0, None),
    ],
)
def test_the_other_messages_of_the_hour_tell_whether_events_came(
    others: int, came: int, sign: Sign | None
) -> None:
    traffic = Traffic(others=others, others_shown=came, usual=1000, usual_shown=700)
    found = signs(traffic=traffic)
    assert found == (set() if sign is None else {sign})
    assert (verdict(*found).first is Cause.UNSEEN) == (
        sign in (Sign.EVENTS_SURELY_MISSING, Sign.EVENTS_PERHAPS_MISSING)
    )


def test_a_channel_with_little_history_says_nothing_of_an_hour() -> None:
    assert lost_odds(Traffic(others=20, others_shown=0, usual=10, usual_shown=9)) is None


@given(st.integers(3, 5000), st.floats(0, 1), st.integers(20, 10**6), st.floats(0, 1))
def test_the_odds_of_an_hour_are_always_a_number(others: int, came: float, usual: int, rate: float) -> None:
    odds = lost_odds(
        Traffic(others=others, others_shown=int(others * came), usual=usual, usual_shown=int(usual * rate))
    )
    assert odds is not None
    assert odds >= 0


def test_an_alarm_about_webhooks_speaks_for_lost_events() -> None:
    assert verdict(*signs(traffic=Traffic(alarm=True))).first is Cause.UNSEEN


def test_an_outage_does_not_explain_one_silence_in_the_middle_of_many() -> None:
    traffic = Traffic(others=20, others_shown=0, usual=1000, usual_shown=850)
    in_a_row = [
        sent(T - 4 * DAY),
        sent(T + 4 * DAY),
        sent(T - 2 * DAY, channel=THERE),
        sent(T + 2 * DAY, channel=THERE),
    ]
    assert verdict(*signs(*in_a_row, traffic=traffic)).first is Cause.NO_CONSENT
    assert verdict(*signs(shown(T - 2 * DAY), shown(T + 2 * DAY), traffic=traffic)).first is Cause.UNSEEN


def test_only_what_was_known_at_a_time_counts() -> None:
    early = signs(shown(T + 3 * DAY, THERE), now=T + DAY + 11 * MINUTE)
    assert early == set()
    assert signs(shown(T + 3 * DAY, THERE), now=T + 4 * DAY)


@given(
    st.lists(
        st.tuples(
            st.integers(-200, 28),
            st.sampled_from([Outcome.SILENT, Outcome.UNREACHABLE, Outcome.UNKNOWN, None]),
            st.sampled_from([HERE, THERE, "third"]),
            st.sampled_from([None, SECOND, 3 * HOUR, 20 * HOUR]),
        ),
        max_size=20,
    )
)
def test_any_history_gives_likelihoods(rows: list[tuple[int, Outcome | None, str, int | None]]) -> None:
    others = tuple(
        sent(T + day * DAY + i, outcome or Outcome.ACCEPTED, channel, took)
        for i, (day, outcome, channel, took) in enumerate(rows, 1)
    )
    history = History(sent=tuple(sorted((*others, sent(T)), key=lambda x: x.at)))
    judged = judge(observe(history, sent(T), BUSY, NOW))
    assert sum(x.likelihood for x in judged.causes) == pytest.approx(1)
