"""The hub's rules: order for each user, one at a time to who is down, and what is given up when."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todoke.core.durations import HOUR, MINUTE, SECOND
from todoke.core.hub import (
    LONGEST_PAUSE,
    MOST_OPEN,
    MOST_SKIPS,
    REFUSED_TRIES,
    STUBBORN_TRIES,
    WINDOW,
    Course,
    Fate,
    pause_after,
)
from todoke.core.hub_queue import Request
from todoke.core.outcome import Answer, Outcome

NOW = 1_000_000
OK = Answer(outcome=Outcome.ACCEPTED, status=200)
DEAD = Answer(outcome=Outcome.FAILED, detail="could not connect")


def says(status: int, retry_after: int | None = None) -> Answer:
    return Answer(outcome=Outcome.FAILED, status=status, retry_after=retry_after)


def course(*users: str, start: int = 1) -> Course[Request]:
    """One with a request for each text; every letter of it is a user."""
    made: Course[Request] = Course()
    fill(made, users, start)
    return made


def fill(made: Course[Request], users: Iterable[str], start: int = 1) -> None:
    for number, who in enumerate(users, start):
        made.queue.add(Request(id=number, received_at=NOW, size=10, users=frozenset(who)))


def all_next(made: Course[Request], now: int = NOW) -> list[tuple[Request, int]]:
    found = []
    while (one := made.next(now)) is not None:
        found.append(one)
    return found


def ids(found: Iterable[tuple[Request, int]]) -> list[int]:
    return [request.id for request, _ in found]


def test_requests_of_different_users_leave_together_and_in_order() -> None:
    assert ids(all_next(course("a", "b", "c", ""))) == [1, 2, 3, 4]


def test_one_with_a_common_user_waits_until_the_one_before_it_is_taken() -> None:
    made = course("ab", "bc", "d", "c")
    first = all_next(made)
    assert ids(first) == [1, 3]
    made.answered(*first[1], OK, NOW)
    assert all_next(made) == []
    made.answered(*first[0], OK, NOW)
    (second,) = all_next(made)
    assert second[0].id == 2
    made.answered(*second, OK, NOW)
    assert ids(all_next(made)) == [4]


def test_what_follows_a_failed_one_of_the_same_user_waits_for_it() -> None:
    made = course("a", "a", "b")
    one, other = all_next(made)
    assert made.answered(*one, DEAD, NOW) is Fate.AGAIN
    assert made.answered(*other, OK, NOW) is Fate.TAKEN
    assert all_next(made) == []
    assert made.due_at(NOW) == NOW + SECOND
    assert ids(all_next(made, NOW + SECOND)) == [1]


def test_no_more_than_a_window_is_out_at_a_time() -> None:
    made = course(*[""] * (WINDOW + 5))
    first = all_next(made)
    assert len(first) == WINDOW
    made.answered(*first[0], OK, NOW)
    assert len(all_next(made)) == 1


def test_a_dead_target_gets_one_request_at_a_time_with_growing_pauses() -> None:
    made = course(*[""] * WINDOW)
    for one in all_next(made):
        made.answered(*one, DEAD, NOW)
    now, pauses = NOW, []
    for _ in range(12):
        due = made.due_at(now)
        assert due is not None
        pauses.append((due - now) // SECOND)
        assert all_next(made, due - 1) == []
        now = due
        (probe,) = all_next(made, now)
        assert made.answered(*probe, DEAD, now) is Fate.AGAIN
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    assert made.failing_since == NOW


def test_when_it_is_back_all_that_failed_leaves_at_once() -> None:
    made = course(*[""] * 5)
    for one in all_next(made):
        made.answered(*one, DEAD, NOW)
    now = NOW
    for _ in range(8):
        now = made.due_at(now) or 0
        (probe,) = all_next(made, now)
        made.answered(*probe, DEAD, now)
    now = made.due_at(now) or 0
    (probe,) = all_next(made, now)
    made.answered(*probe, OK, now)
    assert made.failing_since is None
    taken = 1
    while found := all_next(made, now):
        for one in found:
            made.answered(*one, OK, now)
            taken += 1
    assert (taken, len(made.queue)) == (5, 0)


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_a_body_that_is_refused_is_tried_three_times_and_then_skipped(status: int) -> None:
    made = course("a", "a")
    now, fates = NOW, []
    for _ in range(REFUSED_TRIES):
        ((request, number),) = all_next(made, now)
        assert request.id == 1
        fates.append(made.answered(request, number, says(status), now))
        now = made.due_at(now) or now
    assert fates == [Fate.AGAIN, Fate.AGAIN, Fate.SKIPPED]
    assert ids(all_next(made, now)) == [2]
    assert made.failing_since is None


def test_a_target_that_refuses_everything_is_down_and_nothing_more_is_skipped() -> None:
    made = course(*[""] * (MOST_SKIPS + 5))
    now, fates = NOW, []
    for _ in range(200):
        for one in all_next(made, now):
            fates.append(made.answered(*one, says(400), now))
        now = made.due_at(now) or now
    assert fates.count(Fate.SKIPPED) == MOST_SKIPS
    assert len(made.queue) == 5
    assert made.failing_since is not None


def test_one_that_fails_for_ever_while_others_are_taken_is_skipped_in_the_end() -> None:
    made = course("a")
    now, tries, number = NOW, 0, 1
    while made.queue:
        for request, ticket in all_next(made, now):
            tries += request.id == 1
            made.answered(request, ticket, says(500) if request.id == 1 else OK, now)
        number += 1
        if made.queue:
            fill(made, ["b"], number)
            (other,) = all_next(made, now)
            assert other[0].id == number, "one that fails alone holds up no other"
            made.answered(*other, OK, now)
            now = made.due_at(now) or now
    assert tries == STUBBORN_TRIES + 1
    assert 20 * MINUTE < now - NOW < HOUR


def test_one_that_fails_while_nothing_is_taken_is_never_skipped() -> None:
    made = course("a")
    now = NOW
    for _ in range(100):
        (one,) = all_next(made, now)
        assert made.answered(*one, says(500), now) is Fate.AGAIN
        now = made.due_at(now) or 0
    assert now - NOW > 5 * HOUR


@pytest.mark.parametrize(("status", "skipped"), [(500, True), (503, False), (502, False)])
def test_one_that_holds_up_all_others_is_skipped_if_the_target_itself_answers(
    status: int, skipped: bool
) -> None:
    made = course(*["a"] * MOST_OPEN)
    now, fates = NOW, []
    for _ in range(STUBBORN_TRIES):
        (one,) = all_next(made, now)
        fates.append(made.answered(*one, says(status), now))
        now = made.due_at(now) or now
    assert (fates[-1] is Fate.SKIPPED) is skipped


def test_410_leaves_the_request_where_it_is() -> None:
    made = course("a", "a")
    (one,) = all_next(made)
    assert made.answered(*one, says(410), NOW) is Fate.GONE
    assert len(made.queue) == 2


def test_a_target_that_asks_to_come_later_is_left_alone_until_then() -> None:
    made = course("a", "b", "c")
    one, other, third = all_next(made)
    made.answered(*one, says(429, retry_after=HOUR), NOW)
    made.answered(*other, OK, NOW)
    made.answered(*third, OK, NOW)
    fill(made, ["d"], 4)
    assert all_next(made, NOW + HOUR - 1) == []
    assert made.due_at(NOW) == NOW + HOUR
    assert ids(all_next(made, NOW + HOUR)) == [1, 4]


def test_a_target_that_failed_before_this_process_began_is_probed() -> None:
    made: Course[Request] = Course(fails=5, failing_since=NOW - HOUR)
    fill(made, ["a", "b"])
    (one,) = all_next(made)
    made.answered(*one, DEAD, NOW)
    assert (made.failing_since, made.due_at(NOW)) == (NOW - HOUR, NOW + pause_after(6))


def test_what_is_new_leaves_before_a_replay() -> None:
    made: Course[Request] = Course()
    made.queue.add(Request(id=1, received_at=NOW, size=1, users=frozenset("a"), replay=True))
    made.queue.add(Request(id=9, received_at=NOW, size=1, users=frozenset("b")))
    assert ids(all_next(made)) == [9, 1]


def test_pauses_have_an_end() -> None:
    assert [pause_after(n) for n in (1, 2, 3, 10, 10_000)] == [
        SECOND,
        2 * SECOND,
        4 * SECOND,
        LONGEST_PAUSE,
        LONGEST_PAUSE,
    ]


ANSWERS = st.sampled_from([OK, OK, OK, DEAD, says(500), says(422), says(429, 3 * SECOND)])


@given(
    users=st.lists(st.text(alphabet="abcdef", max_size=3), min_size=1, max_size=60),
    answers=st.lists(ANSWERS, max_size=120),
    choices=st.randoms(use_true_random=False),
)
def test_whatever_is_answered_each_user_gets_all_in_order_and_nothing_is_lost(
    users: list[str], answers: list[Answer], choices: Random
) -> None:
    made = course(*users)
    out: list[tuple[Request, int]] = []
    ended: dict[int, Fate] = {}
    first_try: list[int] = []
    told, now = iter(answers), NOW
    for _ in range(2000):
        for one in all_next(made, now):
            out.append(one)
            if one[0].tries == 0:
                first_try.append(one[0].id)
        busy = [user for request, _ in out for user in request.users]
        assert len(busy) == len(set(busy)), "two of one user are out together"
        assert len(out) == made.out <= WINDOW
        if not out:
            due = made.due_at(now)
            if due is None:
                break
            assert due > now
            now = due
            continue
        request, number = out.pop(choices.randrange(len(out)))
        fate = made.answered(request, number, next(told, OK), now)
        if fate in (Fate.TAKEN, Fate.SKIPPED):
            assert request.id not in ended
            before = [n for n in range(1, request.id) if request.users & frozenset(users[n - 1])]
            assert all(n in ended for n in before), "one went past another of the same user"
            ended[request.id] = fate
    assert set(ended) == set(range(1, len(users) + 1))
    assert len(made.queue) == made.queue.size == 0
