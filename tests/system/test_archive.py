"""A notice that ended long ago: the archive holds it, and everybody who asks still finds it."""

from pathlib import Path

from emulator_support import RunningEmulator
from gateway_support import running_gateway
from todoke.cli.doctor import archive
from todoke.clock import wall
from todoke.settings import load
from todoke.wiring import open_base

WANG, LIN = "0912345678", "0923456789"


async def the_doctor_sees_it(folder: Path) -> None:
    base = await open_base(load({"TODOKE_DATA_DIR": str(folder), "TODOKE_KEEP_DAYS": "92"}))
    (held,) = await archive.look(base, wall())
    assert (held.level, held.text.partition(" of ")[0]) == ("ok", "3 notices")
    (stray := folder / "archive" / "1999-12.db").write_bytes(b"no database" * 100)
    (broken,) = await archive.look(base, wall())
    assert (broken.level, broken.about) == ("error", "archive")
    stray.unlink()
    await base.database.close()


async def test_archived_notices_are_found_exported_counted_and_erased(
    line: RunningEmulator, tmp_path: Path
) -> None:
    async with running_gateway(line, tmp_path, keep_days="92", archive_days="0") as gateway:
        for number in (WANG, LIN):
            await line.control(
                "POST", "/users", {"phone": "+886" + number[1:], "reception": "agree", "verified": True}
            )
        await gateway.channel()
        await gateway.template()
        single = await gateway.send(WANG, reference="order 7")
        rows = f"phone,name,reference\n{WANG},小明,order 8\n{LIN},小華,order 9\n"
        status, batch = await gateway.upload(rows.encode())
        assert status in (201, 202)
        await gateway.advance("1h")
        results = f"/v1/batches/{batch['id']}/results.csv"
        before = {
            "notice": await gateway.notice(single),
            "results": await gateway.ok("GET", results),
            "funnel": await gateway.ok("GET", "/v1/reports/funnel"),
            "cost": await gateway.ok("GET", "/v1/reports/cost"),
            "batch": await gateway.ok("GET", f"/v1/batches/{batch['id']}"),
            "listed": await gateway.ok("GET", "/v1/notices", batch=batch["id"]),
        }
        assert before["notice"]["state"] == "delivered"

        await gateway.advance("93d")

        assert await gateway.ok("GET", "/v1/notices") == {"notices": []}
        assert await gateway.notice(single) == before["notice"] | {"archived": True}
        assert await gateway.ok("POST", f"/v1/notices/{single}/cancel") == before["notice"] | {
            "archived": True
        }
        (found,) = (await gateway.ok("GET", "/v1/notices", reference="order 8"))["notices"]
        assert (found["archived"], found["batch"]) == (True, batch["id"])
        listed = await gateway.ok("GET", "/v1/notices", batch=batch["id"])
        assert listed["notices"] == [x | {"archived": True} for x in before["listed"]["notices"]]
        first = await gateway.ok("GET", "/v1/notices", batch=batch["id"], limit="1")
        rest = await gateway.ok("GET", "/v1/notices", batch=batch["id"], limit="1", cursor=first["next"])
        assert first["notices"] + rest["notices"] == listed["notices"]
        assert await gateway.ok("GET", results) == before["results"]
        await the_doctor_sees_it(tmp_path)
        assert await gateway.ok("GET", "/v1/reports/funnel") == before["funnel"]
        assert await gateway.ok("GET", "/v1/reports/cost") == before["cost"]
        assert await gateway.ok("GET", f"/v1/batches/{batch['id']}") == before["batch"]
        known = await gateway.ok("POST", "/v1/recipients/lookup", {"number": WANG})
        assert [x["archived"] for x in known["notices"]] == [True, True]
        assert (await gateway.call("GET", "/v1/notices/01K2W7KAAAAAAAAAAAAAAAAAAA"))[0] == 404

        told = await gateway.ok("POST", "/v1/recipients/export", {"number": WANG})
        assert {x["reference"] for x in told["notices"]} == {"order 7", "order 8"}
        assert {x["number"] for x in told["notices"]} == {"+886" + WANG[1:]}
        assert all(x["template"] == "parcel" and x["attempts"] for x in told["notices"])

        done = await gateway.ok("POST", "/v1/recipients/erase", {"number": WANG, "why": "ticket 4711"})
        assert done["erasure"]["data"]["counts"]["archived"] == 2
        assert (await gateway.ok("GET", "/v1/notices", reference="order 7")) == {"notices": []}
        erased = await gateway.notice(single)
        assert (erased["state"], erased["to"], erased["reference"]) == ("delivered", "•••", None)
        assert "erased_at" in erased
        told = await gateway.ok("POST", "/v1/recipients/export", {"number": WANG})
        assert told["notices"] == []
        left = await gateway.ok("POST", "/v1/recipients/export", {"number": LIN})
        assert [x["reference"] for x in left["notices"]] == ["order 9"]
        assert await gateway.ok("GET", "/v1/reports/funnel") == before["funnel"]
