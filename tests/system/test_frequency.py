"""How often a recipient may get notices of a use case, and policies as named, versioned data."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from emulator_support import RunningEmulator
from gateway_support import RunningGateway
from routing_support import PHONE, ended, later, line_then_sms, opened, send_each, skipped, tried

USE_CASE = "reservation_reminder"
SMS_ALONE = [{"step": "sms"}]
TWICE_A_WEEK = {
    "steps": SMS_ALONE,
    "frequency": [{"at_most": 2, "per": "7d", "use_case": USE_CASE}],
}
WHY = f"the recipient has had 2 of {USE_CASE} in 7d, and the policy allows 2"


@pytest.fixture
async def gateway(line: RunningEmulator, tmp_path: Path) -> AsyncIterator[RunningGateway]:
    async with opened(line, tmp_path / "data") as running:
        await running.template(name="reminder", use_case=USE_CASE)
        await running.template(name="other reminder", use_case=USE_CASE)
        yield running


async def remind(gateway: RunningGateway, to: str = PHONE, policy: Any = TWICE_A_WEEK, **more: Any) -> str:
    notice_id = await gateway.send(to, policy, **{"template": "reminder", **more})
    await gateway.settle()
    return notice_id


async def state(gateway: RunningGateway, notice_id: str) -> str:
    return str((await gateway.notice(notice_id))["state"])


async def test_the_third_reminder_in_a_week_is_refused_with_the_reason_and_the_words(
    gateway: RunningGateway,
) -> None:
    for _ in range(2):
        assert await state(gateway, await remind(gateway)) == "delivered"
    third = await gateway.notice(await remind(gateway, template="other reminder"))
    assert ended(third) == ("refused", "frequency", "0:00:02"), "templates of one use case count together"
    assert (third["attempts"], skipped(third)) == ([], {"sms": WHY})
    funnel = await gateway.ok("GET", "/v1/reports/funnel")
    assert funnel["reasons"] == {"refused": {"frequency": 1}}
    assert len((await gateway.emulator.control("GET", "/sms"))["rows"]) == 2


async def test_another_use_case_and_another_recipient_are_not_concerned(gateway: RunningGateway) -> None:
    for _ in range(3):
        await remind(gateway)
    assert await state(gateway, await remind(gateway, template="parcel")) == "delivered"
    assert await state(gateway, await remind(gateway, "0912345679")) == "delivered"
    assert await state(gateway, await remind(gateway)) == "refused"


async def test_a_rule_without_a_use_case_counts_each_use_case_for_itself(gateway: RunningGateway) -> None:
    policy = {"steps": SMS_ALONE, "frequency": [{"at_most": 1, "per": "1d"}]}
    assert await state(gateway, await remind(gateway, policy=policy)) == "delivered"
    assert await state(gateway, await remind(gateway, policy=policy, template="parcel")) == "delivered"
    assert await state(gateway, await remind(gateway, policy=policy)) == "refused"
    assert await state(gateway, await remind(gateway, policy=policy, template="parcel")) == "refused"


async def test_a_week_after_the_first_there_is_room_for_one_again(gateway: RunningGateway) -> None:
    await remind(gateway)  # at 0 s; each takes the clock one second on
    await gateway.advance("1d")
    await remind(gateway)
    await gateway.advance("518397s")
    assert await state(gateway, await remind(gateway)) == "refused", "one second short of a week"
    assert await state(gateway, await remind(gateway)) == "delivered"
    assert await state(gateway, await remind(gateway)) == "refused"
    first, last = [
        later(n["created_at"])
        for n in (await gateway.ok("GET", "/v1/notices"))["notices"]
        if n["state"] == "delivered"
    ][::-2]
    assert (first, last) == ("0:00:00", "7 days, 0:00:00")


async def test_of_several_in_one_claim_only_as_many_go_as_the_rule_allows(gateway: RunningGateway) -> None:
    people = [PHONE] * 5 + ["+886912345679"] * 2
    ids = await send_each(gateway, people, TWICE_A_WEEK, template="reminder")
    await gateway.settle()
    states = [await state(gateway, i) for i in ids]
    assert states == ["delivered"] * 2 + ["refused"] * 3 + ["delivered"] * 2
    last = await gateway.notice(ids[4])
    assert skipped(last) == {"sms": WHY}


async def test_refused_ones_do_not_count(gateway: RunningGateway) -> None:
    await send_each(gateway, [PHONE] * 10, TWICE_A_WEEK, template="reminder")
    await gateway.settle()
    await gateway.advance("7d")
    ids = await send_each(gateway, [PHONE] * 3, TWICE_A_WEEK, template="reminder")
    await gateway.settle()
    assert [await state(gateway, i) for i in ids] == ["delivered", "delivered", "refused"]


async def test_one_that_is_cancelled_before_it_begins_does_not_count(gateway: RunningGateway) -> None:
    quiet = {**TWICE_A_WEEK, "quiet_hours": [{"country": "TW", "from": "21:00", "to": "08:00"}]}
    ids = await send_each(gateway, [PHONE] * 3, quiet, template="reminder")
    await gateway.settle()
    await gateway.ok("POST", f"/v1/notices/{ids[0]}/cancel")
    await gateway.advance("12h")
    assert [await state(gateway, i) for i in ids] == ["cancelled", "delivered", "delivered"]


async def test_the_further_steps_of_one_notice_count_as_one(gateway: RunningGateway) -> None:
    policy = {**line_then_sms("4h"), "frequency": [{"at_most": 2, "per": "7d"}]}
    for _ in range(2):
        notice = await gateway.notice(await remind(gateway, policy=policy))
        assert [step for step, _, _ in tried(notice)] == ["line_notification", "sms"]
    assert await state(gateway, await remind(gateway, policy=policy)) == "refused"


# Policies as data


async def test_a_notice_keeps_the_version_of_its_policy_while_a_new_one_gets_the_new_version(
    gateway: RunningGateway,
) -> None:
    await gateway.emulator.user(PHONE, reception="not_set")
    first = await gateway.ok("POST", "/v1/policies", {"name": "mine", **line_then_sms("4h")})
    old = await gateway.send(PHONE, "mine")
    await gateway.advance("1h")
    second = await gateway.ok("POST", "/v1/policies", {"name": "mine", **line_then_sms("2h")})
    assert (first["version"], second["version"]) == (1, 2)
    new = await gateway.send(PHONE, "mine")
    await gateway.advance("1d")
    kept, changed = await gateway.notice(old), await gateway.notice(new)
    for notice, version, wait in ((kept, 1, "4h"), (changed, 2, "2h")):
        policy = notice["policy"]
        assert (policy["name"], policy["version"]) == ("mine", version)
        assert policy["why"] == f"policy mine, version {version}"
        assert [s["wait"] for s in policy["steps"]] == [wait, "3d"]
    assert [at for _, _, at in tried(kept)] == ["0:00:00", "4:00:00"]
    assert [at for _, _, at in tried(changed)] == ["1:00:00", "3:00:00"]


async def test_the_same_policy_again_is_the_same_version_and_an_older_content_a_new_one(
    gateway: RunningGateway,
) -> None:
    async def push(wait: str) -> tuple[str, int]:
        made = await gateway.ok("POST", "/v1/policies", {"name": "mine", **line_then_sms(wait)})
        return made["id"], made["version"]

    one, same, two, three = [await push(wait) for wait in ("4h", "4h", "2h", "4h")]
    assert one == same
    assert [version for _, version in (one, two, three)] == [1, 2, 3]


async def test_the_answer_says_why_a_policy_was_chosen(gateway: RunningGateway) -> None:
    await gateway.template(name="bill", use_case="bill")
    await gateway.template(name="outage", use_case="outage")
    await gateway.template(name="guide", use_case="contact_guidance")
    await gateway.template(name="own", use_case="something_else")
    await gateway.ok("POST", "/v1/policies", {"name": "mine", **line_then_sms("2h")})

    async def chosen(template: str, policy: Any = None) -> Any:
        body = {"channel": "Parcels", "template": template, "to": PHONE, "parameters": {"name": "小明"}}
        answer = await gateway.ok(
            "POST", "/v1/notices", body | ({} if policy is None else {"policy": policy})
        )
        read = await gateway.notice(answer["id"])
        assert read["policy"]["why"] == answer["policy"]["why"]
        return answer["policy"]["why"], [(s["step"], s["wait"]) for s in answer["policy"]["steps"]]

    push = ("line_push", "10m")
    assert await chosen("bill") == (
        "the use case bill may take over a day: LINE has 24h before the SMS",
        [push, ("line_notification", "1d"), ("sms", "3d")],
    )
    assert await chosen("parcel") == (
        "the use case delivery is wanted within a day: LINE has 4h before the SMS",
        [push, ("line_notification", "4h"), ("sms", "3d")],
    )
    why, steps = await chosen("outage")
    assert why == "the use case outage must be read within an hour: SMS goes first, LINE last"
    assert [s for s, _ in steps] == ["sms", "callback", "line_notification"]
    why, steps = await chosen("guide")
    assert why == "the use case contact_guidance must be read within five minutes: SMS goes first, LINE last"
    assert steps[-1][0] == "line_notification"
    assert (await chosen("own"))[0] == (
        "something_else is not in the catalogue, so it is wanted within a day: LINE has 4h before the SMS"
    )
    assert (await chosen("parcel", "mine"))[0] == "policy mine, version 1"
    assert (await chosen("parcel", line_then_sms("1h")))[0] == "given with the call"
