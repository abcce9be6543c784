"""LINE's own OpenAPI files against the running emulator: whatever is asked, the answer is a documented one.

Requests are made up by Schemathesis from the files, right and wrong ones; about half of them are aimed at channels,
users and tokens that exist, so that they come further than the first refusal.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import checks
from schemathesis.specs.openapi import checks as openapi_checks

from contract_overlay import contract, operations, overlaid
from line_emulator.bot_api.routes import ROUTES

SERVED = {(method, path) for method, path, *_ in ROUTES}
FILES = ("messaging-api", "channel-access-token", "insight")
EXAMPLES = 40
PHONE = "+818000001234"
CHECKS = [
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_headers_conformance,
    openapi_checks.response_schema_conformance,
]


class Line:
    """A running emulator with a channel, a friend, and what requests may name of them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.control = httpx.Client(base_url=url + "/_emulator/v1", timeout=60)
        made = self._post("/channels", name="Shop", region="JP", badge="green", rate_limit=1_000_000)
        self.token = made["access_token"]
        self.channel_id, self.secret = made["channel_id"], made["channel_secret"]
        self.user_id = self._post("/users", phone=PHONE)["user_id"]
        self._post(f"/users/%2B{PHONE[1:]}/actions", action="add_friend", channel_id=self.channel_id)
        self.known: dict[str, Any] = {
            "userId": self.user_id,
            "date": "20240916",
            "client_id": self.channel_id,
            "client_secret": self.secret,
            "access_token": self.token,
            "grant_type": "client_credentials",
            "templateKey": "shipment_completed_ja",
            "messages": [{"type": "text", "text": "It is here"}],
            "richMenuId": self._rich_menu(),
        }

    def _post(self, path: str, **body: Any) -> dict[str, Any]:
        answer = self.control.post(path, json=body)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def _rich_menu(self) -> str:
        menu = {
            "size": {"width": 2500, "height": 843},
            "selected": False,
            "name": "menu",
            "chatBarText": "menu",
            "areas": [],
        }
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = httpx.post(f"{self.url}/v2/bot/richmenu", json=menu, headers=headers)
        return str(answer.json()["richMenuId"])

    def aim(self, case: schemathesis.Case) -> None:
        """Puts in what exists, in about half of all cases, and in half of their places."""
        seed = zlib.crc32(repr((case.path_parameters, case.query, case.body)).encode(errors="replace"))
        if seed & 1:
            return
        for holder in (case.path_parameters, case.query, case.body):
            if isinstance(holder, dict):
                for place, name in enumerate(sorted(holder, key=str)):
                    if name in self.known and seed >> place & 2:
                        holder[name] = self.known[name]
        if isinstance(case.body, dict) and "to" in case.body:
            many = isinstance(case.body["to"], list)
            digest = hashlib.sha256(PHONE.encode()).hexdigest()
            one = digest if "pnp" in case.path else self.user_id
            case.body["to"] = [one] if many else one


@pytest.fixture(scope="module")
def line() -> Iterator[Line]:
    command = [sys.executable, "-m", "line_emulator", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Line(process.stdout.readline().split()[-1])
        finally:
            process.terminate()


def _ask(case: schemathesis.Case, line: Line, headers: dict[str, str]) -> None:
    line.aim(case)
    case.call_and_validate(base_url=line.url, headers=headers, checks=CHECKS)


MESSAGING, TOKENS, INSIGHT = (schemathesis.openapi.from_dict(overlaid(name, SERVED)) for name in FILES)
CALM = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


@MESSAGING.parametrize()
@CALM
def test_messaging_answers_only_as_documented(case: schemathesis.Case, line: Line) -> None:
    _ask(case, line, {"Authorization": f"Bearer {line.token}"})


@INSIGHT.parametrize()
@CALM
def test_insight_answers_only_as_documented(case: schemathesis.Case, line: Line) -> None:
    _ask(case, line, {"Authorization": f"Bearer {line.token}"})


@TOKENS.parametrize()
@CALM
def test_token_endpoints_answer_only_as_documented(case: schemathesis.Case, line: Line) -> None:
    _ask(case, line, {})


def test_every_path_of_the_emulator_is_one_of_lines_files_or_a_template_notification() -> None:
    known = {operation for name in FILES for operation in operations(contract(name))}
    assert SERVED - known == {
        ("POST", "/v2/bot/message/pnp/templated/push"),
        ("GET", "/v2/bot/message/delivery/pnp/templated"),
    }
