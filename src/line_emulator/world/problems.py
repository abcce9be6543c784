"""LINE's error answers as values: a status and the exact body that LINE documents for it."""

from __future__ import annotations

import msgspec

Details = tuple[tuple[str, str], ...]
"""Pairs of message and property, in the order in which the faults were found."""


class Problem(msgspec.Struct, frozen=True):
    """A refusal: HTTP status, LINE's `message`, and its `details` (left out of the body when there are none).

    Source: Messaging API reference, "Error responses".
    """

    status: int
    message: str
    details: Details = ()

    def body(self) -> bytes:
        """The JSON that LINE answers with."""
        answer: dict[str, object] = {"message": self.message}
        if self.details:
            answer["details"] = [{"message": text, "property": where} for text, where in self.details]
        return msgspec.json.encode(answer)


UNREACHABLE = Problem(422, "Failed to send messages")
NOT_AVAILABLE = Problem(403, "Access to this API is not available for your account")
NOT_FOUND = Problem(404, "Not found")
RATE_LIMITED = Problem(429, "The API rate limit has been exceeded. Try again later.")
BODY_TOO_LARGE = Problem(413, "Request entity too large")
BAD_DATE = Problem(400, "The value for the 'date' parameter is invalid")
UNKNOWN_USER_ID = Problem(400, "Failed to send messages")
INVALID_REPLY_TOKEN = Problem(400, "Invalid reply token")
MONTHLY_LIMIT = Problem(429, "You have reached your monthly limit.")
BAD_REQUEST = Problem(400, "Bad Request")


def unauthorized(reason: str) -> Problem:
    """401: no token, or one that is not valid (any more)."""
    return Problem(401, f"Authentication failed due to the following reason: {reason}")


def unsupported_type(content_type: str) -> Problem:
    """415: the body is announced as something else than JSON."""
    return Problem(415, f"The content type, {content_type}, is not supported")


def not_json(line: int, column: int) -> Problem:
    """400: the body can't be read as a JSON object. Lines and columns count from 1."""
    return Problem(400, f"The request body could not be parsed as JSON (line: {line}, column: {column})")


def body_errors(details: list[tuple[str, str]]) -> Problem:
    """400: values out of their limits, each with its place."""
    return Problem(400, f"The request body has {len(details)} error(s)", tuple(details))


def invalid_keys(details: list[tuple[str, str]]) -> Problem:
    """400: item or button keys that don't exist."""
    return Problem(400, f"The request body has {len(details)} invalid key(s).", tuple(details))


def invalid_property(path: str) -> Problem:
    """400: a value of the wrong JSON type. LINE prints dashes where it doesn't know the position."""
    return Problem(400, f"The property, {path}, in the request body is invalid (line: -, column: -)")


def invalid_header(name: str) -> Problem:
    """400: a header with a value that is not allowed; the text is this emulator's own choice."""
    return Problem(400, f"The value for the '{name}' header is invalid")


def header_not_supported(name: str) -> Problem:
    """400: a header that this endpoint does not take; the text is this emulator's own choice."""
    return Problem(400, f"The '{name}' header is not supported by this endpoint")


def invalid_template(key: str) -> Problem:
    """400: no such template, or not granted to this account."""
    text = "The specified template doesn't exist, or you don't have the permission"
    return Problem(400, f"Invalid templateKey: {key}", ((text, "templateKey"),))
