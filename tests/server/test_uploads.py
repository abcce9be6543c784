"""Files in parts (tus 1.0.0), batches made of them, and large lists that are prepared after the request."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import typer

from gateway_support import RunningGateway
from todoke.cli import lists
from todoke.server.api import list_uploads, part_files
from todoke_client import Todoke
from todoke_client import uploads as client_uploads

TUS = {"Tus-Resumable": "1.0.0"}
PART = {"Content-Type": "application/offset+octet-stream"}
LIST = ("phone,name\n" + "".join(f"09123456{i:02},小明{i}\n" for i in range(40)) + "12,x\n").encode()


async def tus(
    gateway: RunningGateway,
    method: str,
    path: str,
    headers: Mapping[str, str] = TUS,
    data: bytes | None = None,
) -> aiohttp.ClientResponse:
    sent = {"Authorization": f"Bearer {gateway.key}", **headers}
    async with gateway.session.request(method, gateway.url + path, headers=sent, data=data) as answer:
        await answer.read()
        return answer


async def begun(gateway: RunningGateway, size: int = len(LIST), name: str = "七夕 名單.csv") -> str:
    metadata = f"filetype dGV4dA==,filename {base64.b64encode(name.encode()).decode()}"
    answer = await tus(
        gateway, "POST", "/v1/uploads", {**TUS, "Upload-Length": str(size), "Upload-Metadata": metadata}
    )
    assert answer.status == 201
    assert answer.headers["Upload-Expires"].endswith("GMT")
    return answer.headers["Location"]


async def sent(gateway: RunningGateway, path: str, offset: int, part: bytes) -> aiohttp.ClientResponse:
    return await tus(gateway, "PATCH", path, {**TUS, **PART, "Upload-Offset": str(offset)}, part)


async def offset(gateway: RunningGateway, path: str) -> int:
    answer = await tus(gateway, "HEAD", path)
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    return int(answer.headers["Upload-Offset"])


async def made(gateway: RunningGateway, path: str, **fields: str) -> tuple[int, Any]:
    form = {"channel": "Parcels", "template": "parcel", "upload": path.rpartition("/")[2], **fields}
    headers = {"Authorization": f"Bearer {gateway.key}"}
    async with gateway.session.post(f"{gateway.url}/v1/batches", data=form, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_an_upload_goes_on_where_it_was_cut_and_becomes_one_batch(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part_files, "CHUNK", 50)
    path = await begun(gateway)
    assert await offset(gateway, path) == 0
    assert (await sent(gateway, path, 0, LIST[:100])).headers["Upload-Offset"] == "100"
    await cut_off(gateway, path, 100, LIST[100:300], announced=500)
    assert await offset(gateway, path) == 300
    status, problem = await made(gateway, path)
    assert (status, problem["type"]) == (409, "upload-incomplete")
    assert (await sent(gateway, path, 300, LIST[300:])).status == 204

    status, shown = await made(gateway, path, dry_run="true")
    assert (status, shown["accepted"], shown["refused"]) == (200, 40, 1)
    status, batch = await made(gateway, path)
    assert (status, batch["file"], batch["total"]) == (202, "七夕 名單.csv", 41)
    # The answer was lost, so the sender asks again, and again once all is read: no second batch.
    assert (await made(gateway, path))[1]["id"] == batch["id"]
    await gateway.settle()
    again = (await made(gateway, path))[1]
    assert (again["id"], again["accepted"], again["refused"]) == (batch["id"], 40, 1)
    status, problem = await made(gateway, path, duplicates="drop")
    assert (status, problem["type"]) == (409, "upload-used")
    assert len((await gateway.ok("GET", "/v1/batches"))["batches"]) == 1
    assert list((gateway.folder / "uploads").iterdir()) == []


async def test_a_sender_that_went_silent_and_a_full_disk_do_not_hold_an_upload_up(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part_files, "STALLED", 0.05)
    path = await begun(gateway)

    async def silent() -> AsyncIterator[bytes]:
        yield LIST[:100]
        await asyncio.sleep(30)

    headers = {**TUS, **PART, "Upload-Offset": "0", "Authorization": f"Bearer {gateway.key}"}
    async with gateway.session.patch(gateway.url + path, headers=headers, data=silent()) as answer:
        assert (answer.status, (await answer.json())["type"]) == (408, "stalled")
    assert await offset(gateway, path) == 100
    monkeypatch.setattr(part_files, "LEFT_FREE", 1 << 60)
    assert (await sent(gateway, path, 100, LIST[100:])).status == 507
    assert await offset(gateway, path) == 100
    monkeypatch.setattr(part_files, "LEFT_FREE", 0)
    assert (await sent(gateway, path, 100, LIST[100:])).status == 204


async def cut_off(gateway: RunningGateway, path: str, at: int, part: bytes, announced: int) -> None:
    """Sends less than was announced, and goes."""
    host, port = gateway.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = {**TUS, **PART, "Upload-Offset": str(at), "Content-Length": str(announced)}
    head |= {"Host": host, "Authorization": f"Bearer {gateway.key}"}
    lines = "".join(f"{k}: {v}\r\n" for k, v in head.items())
    writer.write(f"PATCH {path} HTTP/1.1\r\n{lines}\r\n".encode() + part)
    await writer.drain()
    file = gateway.folder / "uploads" / f"{path.rpartition('/')[2]}.part"
    while file.stat().st_size < at + len(part):  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    writer.close()
    await writer.wait_closed()
    while (await sent(gateway, path, 0, b"x")).status == 423:  # noqa: ASYNC110
        await asyncio.sleep(0.005)


async def test_the_protocol_is_held_to(gateway: RunningGateway) -> None:
    told = await tus(gateway, "OPTIONS", "/v1/uploads", {})
    assert told.headers["Tus-Version"] == "1.0.0"
    assert told.headers["Tus-Extension"] == "creation,expiration,termination"
    path = await begun(gateway, 10)
    length = {"Upload-Length": "10"}
    table: list[tuple[str, str, Mapping[str, str], bytes | None, int]] = [
        ("POST", "/v1/uploads", length, None, 412),
        ("POST", "/v1/uploads", {**TUS}, None, 422),
        ("POST", "/v1/uploads", {**TUS, "Upload-Length": "-1"}, None, 422),
        ("POST", "/v1/uploads", {**TUS, "Upload-Length": "99999999999"}, None, 413),
        ("HEAD", path, {"Tus-Resumable": "0.2.2"}, None, 412),
        ("HEAD", "/v1/uploads/01ARZ3NDEKTSV4RRFFQ69G5FAV", TUS, None, 404),
        ("HEAD", "/v1/uploads/..%2f..%2ftodoke.db", TUS, None, 404),
        ("PATCH", path, {**TUS, "Upload-Offset": "0"}, b"x", 415),
        ("PATCH", path, {**TUS, **PART}, b"x", 409),
        ("PATCH", path, {**TUS, **PART, "Upload-Offset": "1"}, b"x", 409),
        ("PATCH", path, {**TUS, **PART, "Upload-Offset": "0"}, b"x" * 11, 413),
        ("POST", path, {**TUS}, None, 405),
        (
            "POST",
            path,
            {**TUS, **PART, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"},
            b"12345",
            204,
        ),
        ("POST", path, {**TUS, "X-HTTP-Method-Override": "DELETE"}, None, 204),
        ("HEAD", path, TUS, None, 404),
        ("PATCH", path, {**TUS, **PART, "Upload-Offset": "5"}, b"x", 404),
    ]
    found = [(await tus(gateway, m, p, h, d)).status for m, p, h, d, _ in table]
    assert found == [row[-1] for row in table]
    assert list((gateway.folder / "uploads").iterdir()) == []


async def test_an_upload_is_its_accounts_alone_and_is_kept_for_a_day(gateway: RunningGateway) -> None:
    path = await begun(gateway, 5)
    await sent(gateway, path, 0, b"phone")
    other = {**TUS, "Authorization": "Bearer wrong"}
    assert (await tus(gateway, "HEAD", path, other)).status == 401
    status, problem = await gateway.call("POST", "/v1/recipients/erase", {"number": "0912345678"})
    assert (status, "DELETE /v1/uploads" in problem["detail"]) == (409, True), problem
    await gateway.advance("25h")
    assert (await tus(gateway, "HEAD", path)).status in (404, 410)
    assert (await made(gateway, path))[0] in (404, 410)


async def test_what_will_never_be_a_list_is_refused_before_all_of_it_came(gateway: RunningGateway) -> None:
    for begin in (b"%PDF-1.7\n" + b"x" * 5000, b"phone,name," + b"x" * 4_100_000):
        path = await begun(gateway, 5_000_000_000 if len(begin) < 10_000 else 1_000_000_000)
        answer = await sent(gateway, path, 0, begin)
        assert answer.status == 422
        assert (await tus(gateway, "HEAD", path)).status == 404
    assert list((gateway.folder / "uploads").iterdir()) == []


async def test_a_large_list_is_prepared_after_the_request_and_read_then(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_uploads, "AT_ONCE", 10)
    path = await begun(gateway)
    await sent(gateway, path, 0, LIST)
    status, batch = await made(gateway, path)
    assert (status, batch["state"], batch["rows"], batch["read_at"]) == (202, "preparing", 0, None)
    assert batch["detected"]["columns"] == {"to": "phone", "name": "name"}
    await gateway.settle()
    batch = await gateway.ok("GET", f"/v1/batches/{batch['id']}")
    assert (batch["accepted"], batch["refused"], batch["total"], batch["read"]) == (40, 1, 41, 1.0)
    assert list((gateway.folder / "uploads").iterdir()) == []

    # What comes to light far down in a file fails the batch before anything is sent.
    content = b"phone,name\n" + b"0912345678,Lin\n" * 100_000 + "0912345679,陳大文\n".encode("cp950") * 40
    status, batch = await gateway.upload(content, encoding="utf-8")
    assert (status, batch["state"]) == (202, "preparing")
    await gateway.settle()
    batch = await gateway.ok("GET", f"/v1/batches/{batch['id']}")
    assert (batch["state"], batch["rows"]) == ("failed", 0)
    assert "line 100,002" in batch["error"]


async def test_the_command_goes_on_with_a_large_list_that_it_was_stopped_at(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file, rejects = tmp_path / "list.csv", tmp_path / "refused.csv"
    file.write_bytes(LIST)
    for name, value in (("DATA_DIR", gateway.folder), ("BASE_URL", gateway.url), ("API_KEY", gateway.key)):
        monkeypatch.setenv(f"TODOKE_{name}", str(value))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(lists, "IN_PARTS_FROM", 100)
    monkeypatch.setattr(client_uploads, "PART", 100)
    parts: list[int] = []
    append = Todoke.append_upload

    def counted(self: Todoke, upload: str, at: int, part: bytes) -> int:
        if len(parts) == 3:
            parts.append(-1)
            raise KeyboardInterrupt
        parts.append(at)
        return append(self, upload, at, part)

    monkeypatch.setattr(Todoke, "append_upload", counted)

    def command() -> None:
        options = {"channel": "Parcels", "template": "parcel", "duplicates": "drop"}
        lists.import_file(file, rejects=rejects, dry_run=False, as_json=True, **options)

    with pytest.raises(typer.Exit) as stopped:
        await asyncio.to_thread(command)
    assert stopped.value.exit_code == 130
    await asyncio.to_thread(command)
    assert parts == [0, 100, 200, -1, *range(300, len(LIST), 100)]
    (batch,) = (await gateway.ok("GET", "/v1/batches"))["batches"]
    assert (batch["accepted"], batch["refused"]) == (40, 1)
    assert rejects.read_text(encoding="utf-8-sig").splitlines()[1].startswith("42,")
    assert not [x for x in (tmp_path / "cache").rglob("*") if x.is_file()]


async def test_an_upload_that_is_asked_for_several_times_at_once_makes_one_batch(
    gateway: RunningGateway,
) -> None:
    rows = "".join(f'09{i:08},"小明{i}"\n' for i in range(3000))
    content = f"phone,name\n{rows}".encode()
    path = await begun(gateway, len(content))
    assert (await sent(gateway, path, 0, content)).status == 204
    answers = await asyncio.gather(*[made(gateway, path) for _ in range(4)])
    assert [status for status, _ in answers] == [202] * 4
    assert len({batch["id"] for _, batch in answers}) == 1
