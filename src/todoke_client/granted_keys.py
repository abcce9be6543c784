"""Calls about use cases and the keys that LINE granted."""

from pathlib import Path
from urllib.parse import quote

from todoke_client.connection import Connection, JsonObject


class GrantedKeyCalls(Connection):
    """What `Todoke` inherits."""

    def import_granted_keys(
        self, channel: str, file: Path, *, encoding: str | None = None, note: str | None = None
    ) -> JsonObject:
        """Imports the list of keys that LINE granted to a channel, as its next version. CSV, YAML or JSON."""
        query = {k: v for k, v in (("encoding", encoding), ("note", note)) if v is not None}
        with file.open("rb") as content:
            files = {"file": (file.name, content)}
            return self._call("POST", _path(channel), params=query, files=files)

    def granted_keys(self, channel: str, *, version: int | None = None) -> JsonObject:
        """The channel's newest list, or another version."""
        return self._call("GET", _path(channel), params=_of(version))

    def granted_keys_csv(self, channel: str, *, version: int | None = None) -> str:
        """The same as CSV."""
        return self._request("GET", f"{_path(channel)}.csv", params=_of(version)).content.decode("utf-8-sig")

    def granted_key_versions(self, channel: str) -> list[JsonObject]:
        """The versions of the channel's list, the newest first."""
        return list(self._call("GET", f"{_path(channel)}/versions")["versions"])

    def granted_keys_diff(
        self, channel: str, *, version: int | None = None, before: int | None = None
    ) -> JsonObject:
        """What changed between two versions; left out: the newest, and the one before it."""
        query = _of(version) | ({} if before is None else {"before": before})
        return self._call("GET", f"{_path(channel)}/diff", params=query)

    def use_cases(self, country: str | None = None) -> list[JsonObject]:
        """LINE's published use cases and the account's own, each with the account's application for it."""
        query = {} if country is None else {"country": country}
        return list(self._call("GET", "/v1/use-cases", params=query)["use_cases"])

    def published_keys(self, country: str | None = None) -> list[JsonObject]:
        """The keys that LINE's public documentation shows."""
        query = {} if country is None else {"country": country}
        return list(self._call("GET", "/v1/published-keys", params=query)["published_keys"])


def _path(channel: str) -> str:
    return f"/v1/channels/{quote(channel, safe='')}/granted-keys"


def _of(version: int | None) -> dict[str, int]:
    return {} if version is None else {"version": version}
