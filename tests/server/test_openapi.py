"""The OpenAPI document: complete, consistent in itself, and true.

There is no validator among the tools of this project, so the rules of OpenAPI 3.1 that matter are checked here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from gateway_support import RunningGateway

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


@pytest.fixture
async def document(gateway: RunningGateway) -> Any:
    return await gateway.ok("GET", "/openapi.json")


def operations(document: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert method in METHODS
            yield f"{method.upper()} {path}", operation


def walk(node: Any) -> Iterator[Any]:
    yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from walk(child)


def test_it_is_an_openapi_3_document_with_a_title_and_a_version(document: Any) -> None:
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"])
    assert document["info"]["title"] == "Todoke"
    assert document["info"]["version"]
    assert document["info"]["description"]


def test_every_operation_has_a_summary_a_description_a_tag_and_a_name_of_its_own(document: Any) -> None:
    names = []
    for name, operation in operations(document):
        assert operation.get("summary"), name
        assert operation.get("description"), name
        assert operation.get("tags"), name
        names.append(operation["operationId"])
    assert len(names) == len(set(names))


def test_every_operation_documents_its_errors_as_problems(document: Any) -> None:
    for name, operation in operations(document):
        responses = operation["responses"]
        assert any(status.startswith("2") for status in responses), name
        for status, response in responses.items():
            assert re.fullmatch(r"[1-5]\d\d", status), name
            assert response["description"], (name, status)
            if status >= "400":
                schema = response["content"]["application/problem+json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}, (name, status)
        if "{" in name:
            assert "404" in responses, name
        if operation.get("security"):
            assert "401" in responses, name
        if "requestBody" in operation:
            assert {"400", "413", "422"} <= set(responses), name
        if name not in ("GET /healthz", "GET /metrics"):
            assert "503" in responses, name


def test_every_reference_leads_somewhere(document: Any) -> None:
    for node in walk(document):
        if isinstance(node, dict) and isinstance(ref := node.get("$ref"), str):
            found = document
            for part in ref.removeprefix("#/").split("/"):
                found = found[part]


def test_names_of_components_are_ones_that_openapi_allows(document: Any) -> None:
    for group in document["components"].values():
        for name in group:
            assert re.fullmatch(r"[a-zA-Z0-9._-]+", name), name


def test_every_parameter_in_a_path_is_declared_once_and_required(document: Any) -> None:
    for name, operation in operations(document):
        parameters = operation.get("parameters", [])
        assert len({(p["in"], p["name"]) for p in parameters}) == len(parameters), name
        declared = {p["name"] for p in parameters if p["in"] == "path"}
        assert declared == set(re.findall(r"\{(\w+)\}", name)), name
        assert all(p["required"] for p in parameters if p["in"] == "path"), name


def test_security_schemes_that_are_used_are_declared(document: Any) -> None:
    declared = set(document["components"]["securitySchemes"])
    used = {s for _, o in operations(document) for entry in o.get("security", []) for s in entry}
    assert used == declared


def test_numbers_stand_in_no_address(document: Any) -> None:
    for name, operation in operations(document):
        for parameter in operation.get("parameters", []):
            assert parameter["name"] not in ("to", "phone", "number"), name


async def test_every_fixed_name_of_this_version_is_there(document: Any) -> None:
    present = {name for name, _ in operations(document)}
    assert present >= {
        "POST /v1/channels",
        "POST /v1/templates",
        "POST /v1/policies",
        "POST /v1/notices",
        "POST /v1/notices/batch",
        "GET /v1/notices",
        "GET /v1/notices/{notice_id}",
        "POST /v1/notices/{notice_id}/cancel",
        "POST /v1/batches",
        "GET /v1/batches/{batch_id}",
        "GET /v1/batches/{batch_id}/rejects.csv",
        "GET /v1/batches/{batch_id}/results.csv",
        "GET /v1/use-cases",
        "POST /v1/keys",
        "GET /v1/reports/funnel",
        "GET /v1/reports/cost",
        "GET /v1/reports/latency",
        "GET /healthz",
        "GET /readyz",
        "GET /metrics",
        "POST /line/{line_channel_id}/webhook",
        "POST /sms/{carrier}/receipts",
    }


async def test_the_examples_in_it_are_accepted(gateway: RunningGateway, document: Any) -> None:
    schemas = document["components"]["schemas"]
    example = {
        name: p["examples"][0] for name, p in schemas["NoticeIn"]["properties"].items() if "examples" in p
    }
    await gateway.ok("POST", "/v1/notices", {**example, "to": "0912345678", "template": "parcel"})
    key = {name: p["examples"][0] for name, p in schemas["KeyIn"]["properties"].items()}
    assert (await gateway.ok("POST", "/v1/keys", key))["key"]
    body = document["paths"]["/v1/templates"]["post"]["requestBody"]["content"]["application/json"]
    examples = body.get("examples") or body["schema"]["examples"]
    for given in examples.values() if isinstance(examples, dict) else examples:
        await gateway.ok("POST", "/v1/templates", given)


async def test_the_documentation_page_loads_nothing_from_elsewhere(gateway: RunningGateway) -> None:
    for path in ("/docs", "/"):
        status, page = await gateway.call("GET", path)
        assert status == 200
        assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", page)
