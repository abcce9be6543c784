"""`todoke suppressions` and `todoke sources` against a running gateway."""

from __future__ import annotations

import json
from pathlib import Path

from command_support import run
from gateway_support import RunningGateway


async def test_a_recipient_is_suppressed_shown_and_released(gateway: RunningGateway) -> None:
    assert "Nobody is suppressed" in await run(gateway, "suppressions", "list")
    said = await run(
        gateway, "suppressions", "add", "0912-345-678", "--reason", "complaint", "--scope", "sms"
    )
    assert "0912•••678 gets no SMS from now on (complaint)" in said
    assert "0912•••678" in await run(gateway, "suppressions", "list", "--scope", "sms")
    (made,) = json.loads(await run(gateway, "suppressions", "list", "--json"))["suppressions"]
    counted = await run(gateway, "suppressions", "counts")
    assert "1 stand, 0 have ended" in counted
    assert "1 complaint (sms)" in counted
    assert json.loads(await run(gateway, "suppressions", "counts", "--json"))["standing"] == 1
    assert "complained" in await run(gateway, "suppressions", "remove", made["id"], code=1)
    assert "Ended" in await run(gateway, "suppressions", "remove", made["id"], "--why", "asked again")
    assert "asked again" in await run(gateway, "suppressions", "list", "--ended")


async def test_a_list_is_imported_and_its_refused_rows_are_written(
    gateway: RunningGateway, tmp_path: Path
) -> None:
    file, rejects = tmp_path / "list.csv", tmp_path / "rejects.csv"
    file.write_text("phone,note\n0912345678,asked\n02-2345-6789,=1+1\n")
    said = await run(gateway, "suppressions", "import", str(file), "--rejects", str(rejects))
    assert "1 added, 0 stood already, 1 refused" in said
    assert rejects.read_text(encoding="utf-8-sig").splitlines()[1].endswith("02-2345-6789,'=1+1")
    again = json.loads(await run(gateway, "suppressions", "import", str(file), "--json"))
    assert (again["added"], again["already"], again["rejects"][0]["line"]) == (0, 1, 3)
    assert "line 3" in await run(gateway, "suppressions", "import", str(file))
    assert "There is no file" in await run(gateway, "suppressions", "import", "nowhere.csv", code=1)


async def test_a_source_is_described_and_named_by_notices_and_lists(
    gateway: RunningGateway, tmp_path: Path
) -> None:
    assert "There is no source" in await run(gateway, "sources", "list")
    await run(gateway, "sources", "add", "shop", "--ground", "contract", "--origin", "order form")
    assert "order form" in await run(gateway, "sources", "list")
    common = ("--channel", "Parcels", "--template", "parcel", "--source", "shop", "--json")
    sent = json.loads(await run(gateway, "send", "0912345678", "-p", "name=x", *common))
    assert sent["source"]["name"] == "shop"
    file = tmp_path / "list.csv"
    file.write_text("phone,name\n0912345678,x\n")
    batch = json.loads(await run(gateway, "import", str(file), *common))["batch"]
    assert (await gateway.ok("GET", f"/v1/batches/{batch}"))["source"]["name"] == "shop"
    assert "Ended" in await run(gateway, "sources", "end", "shop")
    assert "has ended" in await run(gateway, "send", "0912345678", "-p", "name=x", *common, code=1)


async def test_a_notice_to_a_suppressed_recipient_is_refused_in_one_line(gateway: RunningGateway) -> None:
    await run(gateway, "suppressions", "add", "0912345678")
    said = await run(gateway, "send", "0912345678", "-c", "Parcels", "-t", "parcel", "-p", "name=x", code=1)
    assert "0912•••678 is suppressed" in said
