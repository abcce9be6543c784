"""The parameters of the token endpoints, and OAuth's way of refusing.

Source: `channel-access-token.yml` of line-openapi; RFC 6749, section 3.2 (a parameter without a value is
omitted, none comes twice) and 5.2 (errors).
"""

from __future__ import annotations

from urllib.parse import parse_qs

import msgspec

from line_emulator.bot_api.http import Answer, Request, refusal
from line_emulator.world import problems

FORM = "application/x-www-form-urlencoded"
GRANT = "client_credentials"
MOST_FIELDS = 50

Fields = dict[str, str]


def oauth_refusal(error: str, description: str | None = None) -> Answer:
    """400 in OAuth's form."""
    body = {"error": error}
    if description is not None:
        body["error_description"] = description
    return Answer(400, msgspec.json.encode(body))


def read_form(request: Request, *needed: str) -> Fields | Answer:
    """The body's fields, with all that are needed; or the refusal."""
    if request.too_large:
        return refusal(problems.BODY_TOO_LARGE)
    if request.content_type.partition(";")[0].strip().lower() != FORM:
        return oauth_refusal("invalid_request", f"The content type must be {FORM}")
    return _fields(request.body, needed)


def read_query(request: Request, *needed: str) -> Fields | Answer:
    """The same of the query."""
    return _fields(request.query, needed)


def missing() -> Answer:
    """400: a parameter is not there, or there twice."""
    return oauth_refusal("invalid_request", "some parameters missed or invalid")


def _fields(raw: bytes, needed: tuple[str, ...]) -> Fields | Answer:
    try:
        found = parse_qs(raw.decode("latin-1"), max_num_fields=MOST_FIELDS)
    except ValueError:
        return missing()
    if any(len(values) > 1 for values in found.values()) or not found.keys() >= set(needed):
        return missing()
    return {name: values[0] for name, values in found.items()}
