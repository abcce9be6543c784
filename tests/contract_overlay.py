"""LINE's own OpenAPI files, with an overlay of what they are silent about and LINE documents elsewhere.

The files (tests/emulator/contracts) mostly describe success. The overlay adds to each operation the refusals of
"Status codes", "Error responses" and the pages of the endpoints (Messaging API reference), each with the body that
LINE documents, and the two paths of template notifications, which the files lack. It adds nothing where the files
speak: an answer outside both is a fault of the emulator.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "emulator" / "contracts"
FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
METHODS = ("get", "put", "post", "delete", "patch")
TEMPLATE = "/v2/bot/message/pnp/templated/push"

Operation = tuple[str, str]

_ERROR = {
    "type": "object",
    "required": ["message"],
    "additionalProperties": False,
    "properties": {
        "message": {"type": "string", "minLength": 1},
        "details": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["message", "property"],
                "additionalProperties": False,
                "properties": {"message": {"type": "string"}, "property": {"type": "string"}},
            },
        },
    },
}
_ALREADY_ACCEPTED = {
    "type": "object",
    "required": ["message"],
    "additionalProperties": False,
    "properties": {
        "message": {"enum": ["The retry key is already accepted"]},
        "sentMessages": {"type": "array", "items": {"type": "object", "required": ["id"]}},
    },
}
_TOKEN_ERROR = {
    "type": "object",
    "required": ["error"],
    "additionalProperties": False,
    "properties": {"error": {"type": "string", "minLength": 1}, "error_description": {"type": "string"}},
}
_TEMPLATE_BODY = {
    "type": "object",
    "required": ["to", "templateKey"],
    "properties": {
        "to": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "templateKey": {"type": "string"},
        "body": {
            "type": "object",
            "properties": {
                "emphasizedItem": {"$ref": "#/components/schemas/TemplateItem"},
                "items": {
                    "type": "array",
                    "maxItems": 15,
                    "items": {"$ref": "#/components/schemas/TemplateItem"},
                },
                "buttons": {
                    "type": "array",
                    "maxItems": 2,
                    "items": {
                        "type": "object",
                        "required": ["buttonKey", "url"],
                        "properties": {"buttonKey": {"type": "string"}, "url": {"type": "string"}},
                    },
                },
            },
        },
        "customAggregationUnits": {"type": "array", "maxItems": 1, "items": {"type": "string"}},
    },
}
_TEMPLATE_ITEM = {
    "type": "object",
    "required": ["itemKey", "content"],
    "properties": {
        "itemKey": {"enum": ["date_002_ja", "number_001_ja", "example_item"]},
        "content": {"type": "string"},
    },
}


def contract(name: str) -> dict[str, Any]:
    """One of LINE's files, unchanged."""
    found: dict[str, Any] = yaml.load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"), FAST)
    return found


def operations(spec: dict[str, Any]) -> set[Operation]:
    """All (METHOD, path) of a specification."""
    return {
        (method.upper(), path) for path, item in spec["paths"].items() for method in item if method in METHODS
    }


def overlaid(name: str, served: set[Operation]) -> dict[str, Any]:
    """The operations of a file that the emulator serves, with the overlay over them."""
    spec = copy.deepcopy(contract(name))
    if name == "messaging-api":
        _add_template_paths(spec)
    for path, item in list(spec["paths"].items()):
        for method in [method for method in item if method in METHODS]:
            if (method.upper(), path) not in served:
                del item[method]
            else:
                _add_refusals(name, path, item[method])
        if not any(method in item for method in METHODS):
            del spec["paths"][path]
    return spec


def _add_template_paths(spec: dict[str, Any]) -> None:
    spec["components"]["schemas"]["TemplateItem"] = _TEMPLATE_ITEM
    push = copy.deepcopy(spec["paths"]["/bot/pnp/push"]["post"])
    push["operationId"] = "pushTemplatedMessagesByPhone"
    push["requestBody"]["content"]["application/json"]["schema"] = _TEMPLATE_BODY
    push["responses"]["202"] = push["responses"].pop("200")
    count = copy.deepcopy(spec["paths"]["/v2/bot/message/delivery/pnp"]["get"])
    count["operationId"] = "getPNPTemplatedMessageStatistics"
    spec["paths"][TEMPLATE] = {"post": push}
    spec["paths"]["/v2/bot/message/delivery/pnp/templated"] = {"get": count}


def _add_refusals(name: str, path: str, operation: dict[str, Any]) -> None:
    if name == "channel-access-token":
        _add(operation, _TOKEN_ERROR, 400, 413, 415)
        _add(operation, _ERROR, 429)
        return
    _add(operation, _ERROR, 401, 429)
    content = operation.get("requestBody", {}).get("content", {})
    if content:
        _add(operation, _ERROR, 400, 413, 415)
    if operation.get("parameters"):
        _add(operation, _ERROR, 400)
    if "{" in path:
        _add(operation, _ERROR, 400)
    if "{" in path or path == "/v2/bot/channel/webhook/endpoint" or "richmenu" in path:
        _add(operation, _ERROR, 404)
    if path.endswith("/webhook/test"):
        _add(operation, _ERROR, 404)
    if "/pnp/" in path or path == "/v2/bot/followers/ids":
        _add(operation, _ERROR, 403)
    if "/pnp/" in path and content:
        _add(operation, _ERROR, 422)
    if any(parameter.get("name") == "X-Line-Retry-Key" for parameter in operation.get("parameters", [])):
        _add(operation, _ALREADY_ACCEPTED, 409)


def _add(operation: dict[str, Any], schema: dict[str, Any], *statuses: int) -> None:
    for status in statuses:
        operation["responses"].setdefault(
            str(status),
            {
                "description": "documented outside of the file",
                "content": {"application/json": {"schema": schema}},
            },
        )
