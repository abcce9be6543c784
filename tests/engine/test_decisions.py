"""What a claim decides for many notices at once is what each would get alone."""

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from notice_support import HOUR, LINE_4H_THEN_SMS, LINE_ALONE, START, policy
from todoke.actions.decisions import Decisions
from todoke.actions.facts import Known
from todoke.core.notice import Due, Lapsed, Notice, State, step
from todoke.core.routing import Facts

POLICIES = (policy(*LINE_4H_THEN_SMS), policy(*LINE_ALONE))


def facts(**changes: object) -> Facts:
    return Facts(
        country="TW",
        use_case="delivery",
        **{"has_line_form": True, "channel_paused": False, **changes},  # type: ignore[arg-type]
    )


FACTS = (facts(), facts(channel_paused=True), facts(has_line_form=False))
notices = st.builds(
    dict,
    policy=st.sampled_from(POLICIES),
    created_at=st.integers(START - HOUR, START),
    deadline_at=st.sampled_from([None, START - 1, START + HOUR]),
    due_at=st.sampled_from([START, START - 5]),
    state=st.sampled_from([State.QUEUED, State.QUEUED, State.SENDING]),
)


@given(drawn=st.lists(st.tuples(notices, st.sampled_from(FACTS), st.booleans()), max_size=12))
def test_each_is_decided_as_if_it_were_alone_and_gets_an_id_of_its_own(
    drawn: list[tuple[dict[str, object], Facts, bool]],
) -> None:
    decide = Decisions((f"attempt-{i}" for i in count()), START)
    ids: list[str] = []
    for number, (values, known, are_common) in enumerate(drawn):
        notice = Notice(id=f"notice-{number}", **values)  # type: ignore[arg-type]
        standing = tuple(v for k, v in values.items() if k not in ("created_at", "policy"))
        place = (POLICIES.index(notice.policy), standing)
        moved, attempt = decide(notice, Known(known, None, are_common), place)
        mine = attempt.id if attempt is not None else "none"
        event = Lapsed() if notice.state is State.SENDING else Due(known, mine)
        assert (moved, attempt) == step(notice, event, START)
        ids += [] if attempt is None else [attempt.id]
    assert len(set(ids)) == len(ids)
