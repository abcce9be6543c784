"""Bind links as the core moves them: a table that nothing escapes, limits that hold whatever users do."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from todoke.core.bind_moves import (
    TRANSITIONS,
    Agreed,
    Asked,
    Claimed,
    CodeEntered,
    CodeMade,
    CodeUnsent,
    Died,
    Event,
    Linked,
    LinkFailed,
    Opened,
    Trusted,
    step,
)
from todoke.core.binding import (
    CODE_LASTS,
    CODE_PAUSE,
    CODES_A_DAY,
    CODES_OF_LINK,
    DIALOGS_OF_LINK,
    ENDS,
    FRESH,
    LINK_LASTS,
    TRIES,
    WORD_LENGTH,
    WORD_LETTERS,
    Link,
    Next,
    State,
    Way,
    Why,
    counts,
    needs_code,
    shown,
)
from todoke.core.durations import DAY, MINUTE

NOW = 1_786_000_000_000
NUMBER = "+886912345678"
USER, OTHER = "U" + "a" * 32, "U" + "b" * 32


def new(**changes: object) -> Link:
    made = Link(id="L", way=Way.SMS, created_at=NOW, expires_at=NOW + LINK_LASTS, number=NUMBER)
    return msgspec.structs.replace(made, **changes)


def agreed(number: str | None = None) -> Agreed:
    return Agreed(number=number, language="en", consent="Yes", consent_version=1, word="W")


def at_code(**changes: object) -> Link:
    link = new(**changes)
    events: list[Event] = [Opened(), agreed(), Claimed(USER), Asked("nonce"), Linked(USER)]
    for event in events:
        moved = step(link, event, NOW)
        assert moved.why is None
        link = moved.link
    assert link.state is State.LINKED
    return link


NUMBERS = st.sampled_from([NUMBER, "+886987654321", None])
EVENTS = st.one_of(
    st.just(Opened()),
    NUMBERS.map(agreed),
    st.sampled_from([Claimed(USER), Claimed(OTHER)]),
    st.sampled_from([Asked("one"), Asked("two")]),
    st.sampled_from([Linked(USER), Linked(OTHER), Linked(None)]),
    st.just(LinkFailed()),
    st.builds(
        CodeMade,
        code=st.sampled_from(["x", "y"]),
        sent_today=st.integers(0, CODES_A_DAY + 1),
        keeps_others=st.booleans(),
    ),
    st.sampled_from([CodeUnsent("x"), CodeUnsent("y")]),
    st.sampled_from([CodeEntered("x", "B"), CodeEntered("y", "B"), CodeEntered("z", "B")]),
    st.sampled_from([Died(Why.REPLACED)]),
)
COURSES = st.lists(st.tuples(EVENTS, st.sampled_from([0, 1, CODE_PAUSE, CODE_LASTS, DAY])), max_size=40)
STARTS = st.sampled_from(
    [
        new(),
        new(number=None, asks_number=True),
        new(user_id=USER),
        new(user_id=USER, number=None, asks_number=True),
    ]
)


@given(STARTS, COURSES)
def test_whatever_users_do_in_whatever_order_no_limit_is_passed_and_no_step_is_left_out(
    link: Link, course: list[tuple[Event, int]]
) -> None:
    now, wrong, sent = NOW, 0, 0
    for event, later in course:
        now += later
        before = link
        link, why = step(link, event, now)
        if before.state in ENDS:
            assert link == before
            assert why is not None
            continue
        wrong += why in (Why.WRONG_CODE, Why.TOO_MANY_TRIES) and isinstance(event, CodeEntered)
        sent += isinstance(event, CodeMade) and why is None
        sent -= isinstance(event, CodeUnsent) and why is None
        assert wrong <= TRIES
        assert sent == link.codes_sent <= CODES_OF_LINK
        if before.user_id is not None:
            assert link.user_id == before.user_id
        if before.codes_sent and link.codes_sent:
            assert link.number == before.number
        if link.state is State.BOUND:
            # Consent, the LINE user, LINE's own word and a code that was sent to this number, in that order.
            times = (link.agreed_at, link.claimed_at, link.linked_at, link.code_at, link.ended_at)
            assert None not in times
            assert link.codes_sent > 0
            assert now < link.expires_at
            assert link.consent == "Yes"
        if link.state in ENDS:
            assert link.code is None
            assert link.ended_at is not None
            assert (link.why is None) == (link.state is State.BOUND)
        next_, over = shown(link, now)
        assert (next_ is Next.SORRY) == (over is not None)


@given(STARTS, EVENTS, st.sampled_from(list(State)))
def test_what_is_not_in_the_table_changes_nothing(link: Link, event: Event, state: State) -> None:
    link = msgspec.structs.replace(link, state=state, user_id=link.user_id or USER, number=NUMBER)
    moved = step(link, event, NOW)
    if (state, type(event)) not in TRANSITIONS:
        assert moved.link == link
        assert moved.why is not None
    else:
        assert moved.link.state in TRANSITIONS[state, type(event)]


@given(STARTS, EVENTS)
def test_after_its_time_a_link_does_nothing_but_die(link: Link, event: Event) -> None:
    moved = step(link, event, link.expires_at)
    assert (moved.link.state, moved.why, moved.link.why) == (State.DEAD, Why.EXPIRED, Why.EXPIRED)
    assert moved.link.ended_at == link.expires_at


def test_a_link_of_an_unknown_user_asks_for_the_chat_and_one_of_a_known_user_does_not() -> None:
    assert shown(step(new(), agreed(), NOW).link, NOW) == (Next.CHAT, None)
    assert shown(step(new(user_id=USER), agreed(), NOW).link, NOW) == (Next.LINK, None)


def test_a_number_that_came_with_the_link_can_not_be_exchanged() -> None:
    assert step(new(), agreed("+886987654321"), NOW).link.number == NUMBER


def test_a_typed_number_can_be_corrected_until_a_code_went_out() -> None:
    link = step(new(number=None, asks_number=True, user_id=USER), agreed("+886900000000"), NOW).link
    link = step(link, Linked(USER), NOW).link
    link, why = step(link, agreed(NUMBER), NOW)
    assert (link.number, link.state, why) == (NUMBER, State.LINKED, None)
    link = step(link, CodeMade(code="x", sent_today=0), NOW).link
    link, why = step(link, agreed("+886900000000"), NOW)
    assert (link.number, why) == (NUMBER, Why.OUT_OF_TURN)


def test_the_second_user_with_the_word_is_refused_and_the_first_stays() -> None:
    link = step(step(new(), agreed(), NOW).link, Claimed(USER), NOW).link
    assert step(link, Claimed(OTHER), NOW) == (link, Why.IN_USE)
    assert step(link, Claimed(USER), NOW) == (link, None)


@pytest.mark.parametrize("event", [Linked(OTHER), Linked(None), LinkFailed()])
def test_another_line_account_in_the_dialog_ends_the_link(event: Event) -> None:
    link = step(step(new(), agreed(), NOW).link, Claimed(USER), NOW).link
    moved = step(link, event, NOW)
    assert (moved.link.state, moved.why) == (State.DEAD, Why.NOT_YOURS)


def test_a_code_is_good_for_ten_minutes_and_not_a_moment_longer() -> None:
    link = step(at_code(), CodeMade(code="x", sent_today=0), NOW).link
    assert step(link, CodeEntered("x", "B"), NOW + CODE_LASTS - 1).link.state is State.BOUND
    assert step(link, CodeEntered("x", "B"), NOW + CODE_LASTS) == (link, Why.NO_CODE)


def test_a_new_code_takes_the_place_of_the_one_before_and_of_the_tries_none_comes_back() -> None:
    link = step(at_code(), CodeMade(code="x", sent_today=0), NOW).link
    link = step(link, CodeEntered("z", "B"), NOW).link
    assert step(link, CodeMade(code="y", sent_today=0), NOW + CODE_PAUSE - 1).why is Why.TOO_SOON
    link = step(link, CodeMade(code="y", sent_today=1), NOW + CODE_PAUSE).link
    link, why = step(link, CodeEntered("x", "B"), NOW + CODE_PAUSE)
    assert (why, link.code_tries) == (Why.WRONG_CODE, 2)
    assert step(link, CodeEntered("y", "B"), NOW + CODE_PAUSE).link.binding_id == "B"


def test_only_a_trusted_link_of_a_notification_that_nothing_contradicts_needs_no_code() -> None:
    trusted = new(trusted=True, way=Way.NOTIFICATION)
    assert not needs_code(trusted, contradicted=False)
    assert needs_code(trusted, contradicted=True)
    assert needs_code(new(trusted=True, way=Way.SMS), contradicted=False)
    assert needs_code(new(way=Way.NOTIFICATION), contradicted=False)
    assert needs_code(new(trusted=True, way=Way.NOTIFICATION, asks_number=True), contradicted=False)


def test_success_is_shown_for_a_while_and_then_the_link_is_used() -> None:
    link = step(step(new(), agreed(), NOW).link, Claimed(USER), NOW).link
    link = step(step(link, Linked(USER), NOW).link, Trusted("B"), NOW).link
    assert shown(link, NOW + FRESH - 1) == (Next.DONE, None)
    assert shown(link, NOW + FRESH) == (Next.SORRY, Why.USED)


def test_a_binding_counts_until_it_is_doubted_or_too_old() -> None:
    assert counts(NOW, None, DAY, NOW + DAY - 1)
    assert not counts(NOW, None, DAY, NOW + DAY)
    assert not counts(NOW, NOW + MINUTE, DAY, NOW + MINUTE)


def test_words_hold_no_letters_that_are_taken_for_others() -> None:
    assert not set(WORD_LETTERS) & set("O0I1L5S2Z8B")
    assert len(set(WORD_LETTERS)) ** WORD_LENGTH > 10**11


def test_who_has_agreed_has_opened_the_page() -> None:
    assert step(new(), agreed("+886912345678"), 7).link.opened_at == 7


def test_lines_dialog_is_opened_so_often_for_one_link_and_no_more() -> None:
    link = new(state=State.CLAIMED, user_id="U1")
    for _ in range(DIALOGS_OF_LINK):
        link, why = step(link, Asked("n"), 1)
        assert why is None
    assert step(link, Asked("n"), 1) == (link, Why.TOO_OFTEN)
