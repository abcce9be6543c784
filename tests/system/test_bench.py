"""The benches do not rot: their stages can be loaded, and the set-up that is compared with does its work."""

import argparse
import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from bench import figures, http_load
from bench.celery_setup import models, tasks, webhook
from bench.celery_setup.app import app
from bench.figures import at_least, at_most, none, seen
from bench.pacing import Sample, _figures
from bench.processes import free_port
from bench.stage import e164, write_list
from bench.stages import STAGES, Sizes

from emulator_support import RunningEmulator

NOTICES = 20
ASKED = {"notices": None, "rounds": None, "rows": None, "seconds": None, "stored": None}


def test_every_stage_loads_and_takes_what_the_command_line_asks_for() -> None:
    asked = argparse.Namespace(quick=False, long=True, **{**ASKED, "rows": [5], "stored": [10, 20]})
    assert Sizes.of(asked).pacing == 600
    assert (Sizes.of(asked).rows, Sizes.of(asked).stored) == ((5,), (10, 20))
    assert {"whole", "lists", "pacing", "webhooks", "posts", "latency", "growth", "phone"} <= set(STAGES)
    assert all(title and callable(run) for title, run in STAGES.values())


def test_figures_are_held_against_their_goals_and_told_again_as_markdown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "KEPT", tmp_path / "figures.json")
    found = [
        at_least("notices/s", 4000, 8000),
        at_most("CPU", 60, 120, " µs"),
        none("lost", 3),
        none("doubled", 0),
        seen("beside", "7"),
    ]
    assert [x.ratio for x in found] == [0.5, 2.0, 0.0, 1.0, None]
    figures.keep("whole", found)
    assert "| whole | CPU | ≤ 120 µs | 60.0 µs | 2.00 |" in figures.markdown(["whole"])
    assert max(map(len, figures.table({"whole": found}).splitlines())) <= figures.WIDTH


def test_the_first_second_of_a_paced_run_does_not_count_for_its_rate() -> None:
    # LINE's bucket was full: 3,000 in the first second, 1,990 in each other one.
    samples = [Sample(float(i), 0 if i == 0 else 3000 + 1990 * (i - 1), 0.4 * i) for i in range(7)]
    told = {x.what: x for x in _figures(samples, 6.0, 0, samples[-1].taken, 100.0)}
    assert told["requests/s held"].seen == "1,990"
    assert told["gateway, share of a core"].seen == "0.40"


async def test_a_planned_request_counts_from_its_moment_though_it_had_to_wait_for_others() -> None:
    answered = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(3):
            await reader.readuntil(b"\r\n\r\n{}")
            if not answered:
                await asyncio.sleep(0.05)  # a server that hangs once: no clock of ours moves a socket
            answered.append(time.perf_counter())
            writer.write(b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\n{}")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", port := free_port()):
        url = f"http://127.0.0.1:{port}/"
        came = await http_load._planned(url, iter([(0.0, http_load.request(url, b"{}"))] * 3), 1, bodies=True)
    assert came.statuses == {202: 3}
    assert [body for body, _ in came.bodies] == [b"{}"] * 3
    assert min(came.took) >= 0.045
    assert came.took[2] - came.took[0] == pytest.approx(answered[2] - answered[0], abs=0.02)


@pytest.mark.parametrize("chunk", [1, 8])
async def test_the_celery_setup_sends_a_list_and_records_its_delivery_events(
    line: RunningEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    port = free_port()
    monkeypatch.setenv("BENCH_DATABASE", f"sqlite:///{tmp_path / 'celery.db'}")
    monkeypatch.setenv("BENCH_LINE", line.url)
    monkeypatch.setitem(app.conf, "task_always_eager", True)
    models.engine.cache_clear()
    tasks.api.cache_clear()
    webhook.parser.cache_clear()
    models.metadata.create_all(models.engine())
    server = uvicorn.Server(uvicorn.Config(webhook.app, port=port, log_level="error", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    made = await line.channel(
        region="TW", certified=True, webhook_url=f"http://127.0.0.1:{port}/webhook/{{channel_id}}"
    )
    models.add_channel(made["channel_id"], made["channel_secret"], made["access_token"])
    for i in range(NOTICES - 1):
        await line.user(e164(i))
    path = write_list(tmp_path / "list.csv", range(NOTICES))
    path.write_text(path.read_text() + "12,nobody,TW0,none\n")

    await asyncio.to_thread(tasks.import_list.delay, made["channel_id"], str(path), chunk)
    async with asyncio.timeout(20):
        while models.ended() < NOTICES - 1 or any(x.status is None for x in _celery_rows()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    server.should_exit = True
    await serving
    rows = _celery_rows()
    models.engine().dispose()
    assert [row.state for row in rows] == [models.DELIVERED] * (NOTICES - 1) + [models.FAILED]
    assert {row.status for row in rows} == {200, 422}
    assert all(row.request_id for row in rows)


def _celery_rows() -> Sequence[Any]:
    with models.engine().connect() as connection:
        return connection.execute(models.notices.select().order_by(models.notices.c.id)).all()
