"""Calls about the content check: findings, overrulings, own rules and settings."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from todoke_client.connection import Connection, JsonObject


class CheckCalls(Connection):
    """What `Todoke` inherits. `template`: a version's id, or a name, which is its newest."""

    def check(self, **what: Any) -> JsonObject:
        """text, language, country, use_case, template, parameters. Nothing is stored."""
        return self._call("POST", "/v1/checks", json=what)

    def findings(self, template: str, *, fresh: bool = False) -> JsonObject:
        """What was found in a version; `fresh`: and what the rules of now would find."""
        return self._call("GET", _path(template, "findings"), params={"fresh": str(fresh).lower()})

    def recheck(self, template: str) -> JsonObject:
        """Checks a version by the rules of now, and keeps what they find."""
        return self._call("POST", _path(template, "findings"))

    def overrule(
        self, template: str, *, code: str, pointer: str, by: str, why: str, words: str | None = None
    ) -> JsonObject:
        """Overrules a finding of a version."""
        body = {"code": code, "pointer": pointer, "by": by, "why": why} | (
            {} if words is None else {"words": words}
        )
        return self._call("POST", _path(template, "overrulings"), json=body)

    def withdraw_overruling(self, template: str, overruling: str, *, by: str) -> JsonObject:
        """Takes an overruling back."""
        return self._call(
            "DELETE", f"{_path(template, 'overrulings')}/{quote(overruling, safe='')}", params={"by": by}
        )

    def content_rules(self, *, ended: bool = False) -> list[JsonObject]:
        """The account's own rules."""
        return list(self._call("GET", "/v1/content-rules", params={"ended": str(ended).lower()})["rules"])

    def create_content_rule(self, rule: Mapping[str, Any]) -> JsonObject:
        return self._call("POST", "/v1/content-rules", json=dict(rule))

    def end_content_rule(self, rule: str) -> JsonObject:
        """By its name or id."""
        return self._call("DELETE", f"/v1/content-rules/{quote(rule, safe='')}")

    def content_settings(self) -> JsonObject:
        return self._call("GET", "/v1/content-settings")

    def put_content_settings(
        self, *, by: str, links: Sequence[Any] = (), off: Sequence[Any] = (), version: int | None = None
    ) -> JsonObject:
        """All of them. `version`: of those that were read, so that nobody's change in between is lost."""
        query = {} if version is None else {"if": version}
        body = {"by": by, "links": list(links), "off": list(off)}
        return self._call("PUT", "/v1/content-settings", json=body, params=query)


def _path(template: str, part: str) -> str:
    return f"/v1/templates/{quote(template, safe='')}/{part}"
