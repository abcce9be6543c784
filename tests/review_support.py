"""Applications in tests: made, filled in, and taken as far as a test needs; and a gateway for which LINE is real."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from emulator_support import RunningEmulator
from gateway_support import RunningGateway, running_gateway
from todoke.settings import Settings

CHECKLIST = {
    "account_verified": "@parcels, green shield",
    "provider_certified": "Parcel Ltd, since 2025-03-01",
    "line_application": "handed in on 2026-07-01, number 4711",
    "situation": "The driver has put the parcel into the shop; the order system sends at once.",
    "samples": "As in the template parcel.",
    "opt_in": "At the order: 「我同意透過 LINE 收到配送通知」",
    "number_source": "From the order form, confirmed by the first SMS.",
}
WAY = ("in_review", "approved", "contract_signed", "acceptance_passed", "live")
USE_CASES = "/v1/use-cases"


@asynccontextmanager
async def real_gateway(
    line: RunningEmulator, folder: Path, patch: pytest.MonkeyPatch, **settings: str
) -> AsyncIterator[RunningGateway]:
    """A gateway that holds LINE's side for the real one, so that no number is a test number by itself."""
    with patch.context() as here:
        here.setattr(Settings, "line_is_emulated", property(lambda _: False))
        async with running_gateway(line, folder, **settings) as running:
            yield running


async def apply(
    gateway: RunningGateway, use_case: str = "delivery", channel: str = "Parcels", **more: Any
) -> str:
    """A draft with its checklist filled in; its id."""
    made = await gateway.ok("POST", USE_CASES, {"channel": channel, "use_case": use_case, **more})
    asked = [x["item"] for x in made["checklist"]]
    given = {"by": "王小明", "checklist": {x: CHECKLIST.get(x, "none are shown") for x in asked}}
    await gateway.ok("PATCH", f"{USE_CASES}/{made['id']}", given)
    return str(made["id"])


async def move(gateway: RunningGateway, application: str, *states: str, by: str = "王小明") -> Any:
    """Moves an application from state to state; how it is shown then."""
    shown: Any = None
    for state in states:
        body = {"to": state, "by": by, "why": f"LINE said so ({state})", "evidence": "LINE-2026-0815"}
        shown = await gateway.ok("POST", f"{USE_CASES}/{application}/transitions", body)
    return shown


async def make_live(gateway: RunningGateway, use_case: str = "delivery", channel: str = "Parcels") -> str:
    """An application that was taken all the way; its id."""
    made = await apply(gateway, use_case, channel)
    await move(gateway, made, *WAY)
    return made


async def move_version(gateway: RunningGateway, template: str, *reviews: str) -> Any:
    """Moves a template's version by itself."""
    shown: Any = None
    for review in reviews:
        body = {"to": review, "by": "林怡君", "why": "a new text"}
        shown = await gateway.ok("POST", f"/v1/templates/{template}/transitions", body)
    return shown
