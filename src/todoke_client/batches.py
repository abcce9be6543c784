"""Calls about batches: how they stand, pausing, planning, results."""

from pathlib import Path
from typing import Any

from todoke_client.connection import Connection, JsonObject


class BatchCalls(Connection):
    """What `Todoke` inherits."""

    def batches(self) -> list[JsonObject]:
        """The newest 100, the newest first."""
        return list(self._call("GET", "/v1/batches")["batches"])

    def batch(self, batch_id: str) -> JsonObject:
        """State, counts, plan, what holds it up, time left."""
        return self._call("GET", f"/v1/batches/{batch_id}")

    def pause_batch(self, batch_id: str) -> JsonObject:
        """No first request of its notices begins from then on."""
        return self._call("POST", f"/v1/batches/{batch_id}/pause")

    def resume_batch(self, batch_id: str) -> JsonObject:
        """It goes on by its plan."""
        return self._call("POST", f"/v1/batches/{batch_id}/resume")

    def cancel_batch(self, batch_id: str) -> JsonObject:
        """No further step of its notices begins from then on."""
        return self._call("POST", f"/v1/batches/{batch_id}/cancel")

    def plan_batch(self, batch_id: str, **plan: Any) -> JsonObject:
        """starts_at, rate, percent_an_hour, hours; what is left out stays, None takes it away."""
        return self._call("PATCH", f"/v1/batches/{batch_id}", json=plan)

    def score_batch(self, batch_id: str) -> JsonObject:
        """How good its numbers are."""
        return self._call("GET", f"/v1/batches/{batch_id}/score")

    def rejects(self, batch_id: str) -> str:
        """The refused rows as CSV."""
        return self._request("GET", f"/v1/batches/{batch_id}/rejects.csv").text

    def results(self, batch_id: str, to: Path, *, only: str | None = None, bom: bool = False) -> None:
        """Writes the results to a file as they come. `only`: failed, open or late_duplicates."""
        params = {"bom": str(bom).lower(), **({} if only is None else {"only": only})}
        self._download(f"/v1/batches/{batch_id}/results.csv", to, **params)
