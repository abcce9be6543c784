"""LINE's answers of a worker's process, written down many at a time."""

from __future__ import annotations

import threading
import time
from typing import Any

from celery.signals import worker_process_shutdown

from bench.celery_setup import models

MOST = 250
SECONDS = 0.2
"""An answer waits no longer than that, and not for more than MOST. A worker that is killed loses what waits: these
notices stay without an answer, though LINE has taken them."""


class Outcomes:
    """Collects from all threads of the process; one of its own writes down what has waited."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[dict[str, Any]] = []
        self._writer: threading.Thread | None = None

    def add(self, outcome: dict[str, Any]) -> None:
        """Writes all down if they are many by now."""
        with self._lock:
            self._waiting.append(outcome)
            many = len(self._waiting) >= MOST
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_again_and_again, daemon=True)
                self._writer.start()
        if many:
            self.write()

    def write(self) -> None:
        """Writes down what there is, in one transaction."""
        with self._lock:
            outcomes, self._waiting = self._waiting, []
        if outcomes:
            models.record(outcomes)

    def _write_again_and_again(self) -> None:
        while True:
            time.sleep(SECONDS)
            self.write()


outcomes = Outcomes()


@worker_process_shutdown.connect
def _write_the_last(**_: Any) -> None:
    outcomes.write()
