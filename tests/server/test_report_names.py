"""The names in the queries of reports: `since` and `from` are one, and one that nobody reads is refused."""

from __future__ import annotations

from typing import Any

import pytest

from gateway_support import RunningGateway
from todoke.core.durations import DAY, rfc3339

TIMES = ("funnel", "cost", "latency", "binding", "silence", "growth")
DAYS = ("reconciliation", "block-rate")


def start_of(gateway: RunningGateway, report: str) -> str:
    """A time a few days before the gateway's now."""
    moment = rfc3339(gateway.app.state.services.clock.now() - 3 * DAY)
    return moment[:10] if report in DAYS else moment


@pytest.mark.parametrize("report", [*TIMES, *DAYS])
async def test_a_report_begins_at_since_or_from_whichever_name_is_used(
    gateway: RunningGateway, report: str
) -> None:
    start = start_of(gateway, report)
    by_since = await gateway.ok("GET", f"/v1/reports/{report}", since=start)
    assert await gateway.ok("GET", f"/v1/reports/{report}", **{"from": start}) == by_since


@pytest.mark.parametrize("report", [*TIMES, *DAYS])
async def test_a_report_says_under_which_name_its_beginning_is_wrong(
    gateway: RunningGateway, report: str
) -> None:
    for name in ("since", "from"):
        status, problem = await gateway.call("GET", f"/v1/reports/{report}", **{name: "soon"})
        assert (status, problem["errors"][0]["pointer"]) == (422, f"query: {name}")
    both: dict[str, Any] = {"since": start_of(gateway, report), "from": start_of(gateway, report)}
    status, problem = await gateway.call("GET", f"/v1/reports/{report}", **both)
    assert status == 422
    assert "give one of them" in problem["detail"]


@pytest.mark.parametrize("report", [*TIMES, *DAYS, "number-health"])
async def test_a_name_that_a_report_does_not_know_is_refused_with_those_that_it_knows(
    gateway: RunningGateway, report: str
) -> None:
    status, problem = await gateway.call("GET", f"/v1/reports/{report}", chanel="Parcels")
    assert (status, problem["type"]) == (422, "invalid")
    assert [x["pointer"] for x in problem["errors"]] == ["query: chanel"]
    document = await gateway.ok("GET", "/openapi.json")
    documented = document["paths"][f"/v1/reports/{report}"]["get"]["parameters"]
    known = sorted(x["name"] for x in documented if x["in"] == "query")
    assert f"known are {', '.join(known)}" in problem["detail"]
