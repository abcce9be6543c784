"""What all bodies are made of, and how operations show their answers."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints

from todoke.server.openapi import problem_response

Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f/]+$")]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an operation: its errors as problem+json."""
    words = {
        401: "No API key, or a wrong one.",
        404: "There is no such thing in this account.",
        408: "Nothing came for too long.",
        409: "It exists already, or is in another state.",
        405: "There is no such method here.",
        410: "It is not kept any more.",
        412: "Another version of the protocol.",
        413: "The body is too large.",
        415: "The body is of another content type.",
        422: "Something in it can't be used; `errors` says what and where.",
        423: "Another request works on it.",
        507: "The disk has no room for it.",
    }
    return {s: problem_response(words[s]) for s in statuses}


def answer(example: Any, description: str = "") -> dict[str, Any]:
    """A success response with an example."""
    return {
        "description": description or "Done.",
        "content": {"application/json": {"schema": {"type": "object"}, "example": example}},
    }
