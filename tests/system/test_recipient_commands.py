"""`todoke recipients` against a running gateway."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from command_support import run
from gateway_support import RunningGateway

WANG = "0955 123 987"


async def test_a_person_is_looked_up_exported_and_erased_from_the_command_line(
    gateway: RunningGateway, tmp_path: Path
) -> None:
    await gateway.emulator.user("+886955123987")
    await gateway.send(WANG)
    await gateway.settle()
    assert "Nothing was erased" in await run(gateway, "recipients", "audit")
    looked_up = json.loads(await run(gateway, "recipients", "lookup", WANG))
    assert (looked_up["number"], len(looked_up["notices"])) == ("0955•••987", 1)

    assert json.loads(await run(gateway, "recipients", "lookup", WANG, "--json")) == looked_up
    assert json.loads(await run(gateway, "recipients", "export", WANG, "--json"))["notices"]

    file = tmp_path / "person.json"
    await run(gateway, "recipients", "export", WANG, "-o", str(file))
    assert json.loads(file.read_text())["numbers"] == ["+886955123987"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "can't be written" in await run(gateway, "recipients", "export", WANG, "-o", str(file), code=1)

    # Nobody answers the question, so nothing happens.
    await run(gateway, "recipients", "erase", WANG, code=1)
    assert len((await gateway.ok("GET", "/v1/notices"))["notices"]) == 1
    erased = json.loads(
        await run(gateway, "recipients", "erase", WANG, "--yes", "--why", "ticket 1", "--json")
    )
    assert erased["erasure"]["data"]["counts"]["notices"] == 1
    assert "nothing was kept" in await run(gateway, "recipients", "erase", WANG, "--yes")
    audit = json.loads(await run(gateway, "recipients", "audit", "--json"))
    assert [x["what"] for x in audit] == ["erasure", "erasure", "export", "export"]
    assert json.loads(await run(gateway, "recipients", "export", WANG))["notices"] == []


async def test_the_file_can_be_written_anew_beside_a_running_gateway(gateway: RunningGateway) -> None:
    assert "Done" in await run(gateway, "recipients", "compact")
    await gateway.emulator.user("+886955123987")
    notice = await gateway.send(WANG)
    await gateway.settle()
    assert (await gateway.notice(notice))["state"] == "delivered"


async def test_only_a_number_or_a_user_id_names_a_person(gateway: RunningGateway) -> None:
    assert "no phone number" in await run(gateway, "recipients", "erase", "Wang", "--yes", code=1)
    user = "U" + "0" * 32
    assert "user IDs" in await run(gateway, "recipients", "lookup", user, code=2)
    assert "nothing was kept" in await run(gateway, "recipients", "erase", user, "--yes")
