"""Calls about applications to use a use case, and the review of templates' versions."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from todoke_client.connection import Connection, JsonObject


class ReviewCalls(Connection):
    """What `Todoke` inherits. `application`: its id, or its use case where one
    channel only has applied for it.
    """

    def applications(self) -> list[JsonObject]:
        """All of the account, the oldest first."""
        return list(self._call("GET", "/v1/use-cases")["applications"])

    def application(self, application: str) -> JsonObject:
        """With checklist, templates, attachments and history."""
        return self._call("GET", _path(application))

    def apply(self, channel: str, use_case: str, **more: Any) -> JsonObject:
        """A draft. Of an own use case: description, names, urgency, limits, timing; and `by`, `no_verification`."""
        return self._call("POST", "/v1/use-cases", json={"channel": channel, "use_case": use_case, **more})

    def fill_checklist(
        self,
        application: str,
        checklist: Mapping[str, str | None],
        *,
        by: str | None = None,
        description: str | None = None,
    ) -> JsonObject:
        """Item → what is given for it; None takes it out."""
        body = {"checklist": dict(checklist), "by": by, "description": description}
        return self._call("PATCH", _path(application), json=body)

    def move_application(
        self,
        application: str,
        to: str,
        *,
        by: str,
        why: str,
        evidence: Any = None,
        templates: Sequence[str] | None = None,
    ) -> JsonObject:
        """To another state; a ProblemError `illegal-transition` names the legal ones."""
        body = {"to": to, "by": by, "why": why, "evidence": evidence, "templates": templates}
        return self._call("POST", f"{_path(application)}/transitions", json=body)

    def comment_application(self, application: str, text: str, *, by: str | None = None) -> JsonObject:
        """Something to remember."""
        return self._call("POST", f"{_path(application)}/comments", json={"text": text, "by": by})

    def attach(self, application: str, file: Path, *, by: str | None = None) -> JsonObject:
        """Adds a file of at most 10 MB; the answer has its `id`."""
        data = {} if by is None else {"by": by}
        with file.open("rb") as content:
            path = f"{_path(application)}/attachments"
            return self._call("POST", path, files={"file": (file.name, content)}, data=data)

    def attachment(self, application: str, attachment_id: str) -> bytes:
        """A file that was added."""
        path = f"{_path(application)}/attachments/{quote(attachment_id, safe='')}"
        return self._request("GET", path).content

    def move_template(self, template: str, to: str, *, by: str, why: str, evidence: Any = None) -> JsonObject:
        """A template's version in its review: by id that version, by name the newest."""
        body = {"to": to, "by": by, "why": why, "evidence": evidence}
        return self._call("POST", f"/v1/templates/{quote(template, safe='')}/transitions", json=body)

    def template_history(self, template: str) -> JsonObject:
        """Where a template's version stands, and who did what when and why."""
        return self._call("GET", f"/v1/templates/{quote(template, safe='')}/history")


def _path(application: str) -> str:
    return f"/v1/use-cases/{quote(application, safe='')}"
