"""Hostile input to the parts around routing: names that no database can hold, and what one number can cost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway_support import RunningGateway

HALF_A_CHARACTER = "\ud800"


@pytest.mark.parametrize("path", ["/v1/notices", "/v1/notices?dry_run=true", "/v1/notices/batch"])
async def test_a_policy_named_with_half_a_character_is_refused(gateway: RunningGateway, path: str) -> None:
    one = {
        "channel": "Parcels",
        "template": "parcel",
        "to": "0912345678",
        "parameters": {"name": "小明"},
        "policy": HALF_A_CHARACTER,
    }
    body: dict[str, Any] = {"notices": [one]} if path.endswith("batch") else one
    headers = {"Authorization": f"Bearer {gateway.key}", "Content-Type": "application/json"}
    # As aiohttp would not write it: JSON has a way to write halves of characters.
    async with gateway.session.post(gateway.url + path, data=json.dumps(body), headers=headers) as answer:
        status, text = answer.status, await answer.text()
    assert status == (202 if path.endswith("batch") else 422)
    assert '"pointer":"/policy' in text.replace(" ", "")
