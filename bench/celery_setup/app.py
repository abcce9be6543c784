"""The Celery application. `BENCH_BROKER`, `BENCH_DATABASE` and `BENCH_LINE` say where Redis, SQL and LINE are."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import worker_ready

app = Celery(
    "notices", broker=os.environ.get("BENCH_BROKER", "memory://"), include=["bench.celery_setup.tasks"]
)
app.conf.update(
    # A task whose worker dies goes to another one. What of a chunk was recorded as sent is not sent again.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    # Outcomes are in the database.
    task_ignore_result=True,
    worker_disable_rate_limits=True,
    worker_send_task_events=False,
    worker_redirect_stdouts=False,
    broker_connection_retry_on_startup=True,
)


@worker_ready.connect
def _ready(**_: Any) -> None:
    print("worker listens on its queue", flush=True)
