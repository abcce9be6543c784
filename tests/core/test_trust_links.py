"""`trust_links` of a policy: read, written, stored; policies of before it was there stay the same."""

from __future__ import annotations

from typing import Any

import pytest

from todoke.core.errors import InvalidPolicy
from todoke.core.policy_text import parse_policy, written
from todoke.storage.lookup import decode_policy, encode_policy

STEPS = {"steps": [{"step": "line_notification", "wait": "1h"}, {"step": "sms"}]}
OLD = (
    '{"steps":[{"step":"line_notification","wait":3600000},{"step":"sms","wait":null}],"deadline":null,'
    '"on_unknown":"wait","quiet_hours":[],"quiet_exempt":[],"quiet_past_deadline":"send","frequency":[]}'
)


def test_it_is_read_written_and_stored() -> None:
    policy = parse_policy({**STEPS, "trust_links": True})
    assert policy.trust_links
    assert written(policy)["trust_links"] is True
    assert decode_policy(encode_policy(policy)) == policy
    assert parse_policy(written(policy)) == policy


@pytest.mark.parametrize("value", [False, None])
def test_without_it_a_policy_is_what_it_was_before(value: object) -> None:
    policy = parse_policy({**STEPS, "trust_links": value})
    assert not policy.trust_links
    assert "trust_links" not in written(policy)
    assert encode_policy(policy) == OLD, "else the same policy would count as a new version"
    assert decode_policy(OLD) == policy


@pytest.mark.parametrize("value", ["yes", 1, 0, [], {}])
def test_anything_but_yes_or_no_is_refused_with_its_place(value: Any) -> None:
    with pytest.raises(InvalidPolicy, match="true or false") as caught:
        parse_policy({**STEPS, "trust_links": value})
    assert caught.value.pointer == "/trust_links"
