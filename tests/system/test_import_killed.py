"""`kill -9` while a list is sent, prepared and read, with real processes: no row is lost, none comes twice."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from bench.processes import GatewayPlace, free_port

from gateway_support import PARCEL
from migrated import put_database
from todoke_client import NoGateway, Todoke

ROWS = 20_000
REFUSED = 200
PART = 4 * 1024 * 1024


def written(path: Path) -> None:
    """Every hundredth row is refused; a wide column that nobody needs makes the file worth a while."""
    remark = "x" * 1500
    with path.open("w") as file:
        file.write("phone,name,reference,remark\n")
        for i in range(ROWS):
            number = "12" if i % 100 == 7 else f"09{i:08}"
            file.write(f'"{number}",Lin {i},R{i},{remark}\n')


class Nobody:
    """Where LINE would be: nothing is sent in this test."""

    url = f"http://127.0.0.1:{free_port()}"


def until(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.002)


@pytest.mark.crash
async def test_a_list_survives_three_kills_whole_and_once(tmp_path: Path) -> None:
    await put_database(tmp_path / "data" / "todoke.db")
    file = tmp_path / "list.csv"
    written(file)
    place = GatewayPlace(tmp_path, Nobody(), virtual_time=False)
    uploads = tmp_path / "data" / "uploads"
    gateway = place.start()
    try:
        with Todoke(place.url, place.key) as client:
            client.create_channel(name="Parcels", region="TW", line_channel_id="1", secret="x" * 32)
            client.create_template({**PARCEL, "channel": "Parcels"})

            # While it is sent.
            upload = client.begin_upload(file.name, file.stat().st_size)
            client.append_upload(upload, 0, file.read_bytes()[:PART])
            part = uploads / f"{upload}.part"

            def rest() -> None:
                with suppress(NoGateway):
                    client.append_upload(upload, PART, file.read_bytes()[PART:])

            sender = threading.Thread(target=rest)
            sender.start()
            until(lambda: part.stat().st_size > PART)
            gateway.kill()
            gateway = place.start()
            sender.join()
        with Todoke(place.url, place.key) as client:
            assert PART < client.upload_offset(upload) < file.stat().st_size
            client.upload_file(file, upload=upload)
            assert part.read_bytes() == file.read_bytes()

            # While it is prepared.
            starts = (datetime.now(UTC) + timedelta(days=1)).isoformat()
            sent = {"channel": "Parcels", "template": "parcel", "upload": upload, "starts_at": starts}
            batch = client.send_file(file, **sent)
            assert batch["state"] == "preparing"
            gateway.kill()
            gateway = place.start()
        with Todoke(place.url, place.key) as client:
            # The sender does not know whether its batch was made, and asks again.
            assert client.send_file(file, **sent)["id"] == batch["id"]

            # While it is read.
            until(lambda: client.batch(batch["id"])["rows"] > 0)
            gateway.kill()
            gateway = place.start()
        with Todoke(place.url, place.key) as client:
            until(lambda: client.batch(batch["id"])["read_at"] is not None)
            found = client.batch(batch["id"])
            assert client.rejects(batch["id"]).count("\r\n") == REFUSED + 1
        assert (found["total"], found["rows"], found["accepted"]) == (ROWS, ROWS, ROWS - REFUSED)
        assert (found["refused"], found["duplicates"], found["state"]) == (REFUSED, 0, "scheduled")
    finally:
        gateway.kill()
    with sqlite3.connect(tmp_path / "data" / "todoke.db") as database:
        references = [row[0] for row in database.execute("SELECT reference FROM notices")]
        lines = [row[0] for row in database.execute("SELECT line FROM batch_rejects ORDER BY line")]
    assert sorted(references) == sorted(f"R{i}" for i in range(ROWS) if i % 100 != 7)
    assert lines == list(range(9, ROWS + 2, 100))
    assert list(uploads.iterdir()) == []
