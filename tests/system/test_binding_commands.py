"""`todoke bindings` against a running gateway."""

from __future__ import annotations

import json

from bind_support import ANNAS_NUMBER, bound, person, token_of
from command_support import run
from gateway_support import RunningGateway


async def test_a_link_made_on_the_terminal_binds_and_is_seen_from_list_to_report(
    gateway: RunningGateway,
) -> None:
    assert "Nobody has bound a number" in await run(gateway, "bindings", "list")
    assert "No link was made" in await run(gateway, "bindings", "report", code=1)
    anna = await person(gateway)
    await anna.adds_friend()
    said = await run(gateway, "bindings", "link", "-c", "Parcels", "-n", ANNAS_NUMBER)
    assert "works once" in said
    await bound(gateway, token_of(said.split()[0]), anna)
    (row,) = json.loads(await run(gateway, "bindings", "list", "--json"))
    assert (row["number"], row["way"]) == ("0912•••678", "link:api")
    assert "stands" in await run(gateway, "bindings", "list")
    assert "bound" in await run(gateway, "bindings", "links", "--state", "bound")
    assert "in doubt since" in await run(gateway, "bindings", "doubt", row["id"])
    assert "ended" in await run(gateway, "bindings", "unbind", row["id"], "--why", "asked by phone")
    (ended,) = json.loads(await run(gateway, "bindings", "list", "--ended", "--json"))
    assert ended["unbound_why"] == "asked by phone"
    report = json.loads(await run(gateway, "bindings", "report", "--json"))
    assert report["total"]["bound"] == 1
    assert "api" in await run(gateway, "bindings", "report")
    for kept in ([], ["--brand", "P&P"]):
        shown = json.loads(await run(gateway, "bindings", "settings", "-c", "Parcels", *kept, "--json"))
    assert (shown["brand"], shown["consent_version"], shown["greets"]) == ("P&P", 2, False)
    assert "12" not in await run(gateway, "bindings", "link", "-c", "Parcels", "-n", "12", code=1)
