"""What is made of LINE's error bodies and headers: one clean line without personal data, and a wait."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todoke.carriers.cleaning import clean, retry_after
from todoke.carriers.line.errors import not_accepted
from todoke.core.outcome import Outcome
from todoke.core.phone import line_hash

NUMBER = "+818000001234"
HASH = "d41e0ad70dddfeb68f149ad6fc61574b9c5780ab7bcb2fba5517771ffbb2409c"


def error(message: str, *details: tuple[str, str]) -> bytes:
    body: dict[str, object] = {"message": message}
    if details:
        body["details"] = [{"message": text, "property": place} for text, place in details]
    return json.dumps(body).encode()


RATE = error("The API rate limit has been exceeded. Try again later.")


@pytest.mark.parametrize(
    ("headers", "millis"),
    [
        ({"retry-after": "7"}, 7_000),
        ({"retry-after": "999999999999999"}, 86_400_000),
        ({"retry-after": "Fri, 07 Aug 2026 12:00:30 GMT", "date": "Fri, 07 Aug 2026 12:00:00 GMT"}, 30_000),
        ({"retry-after": "Fri, 07 Aug 2026 11:00:00 GMT", "date": "Fri, 07 Aug 2026 12:00:00 GMT"}, 0),
        ({"retry-after": "Fri, 07 Aug 2026 12:00:30 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "²"}, None),
        ({}, None),
    ],
)
async def test_retry_after(headers: dict[str, str], millis: int | None) -> None:
    assert retry_after(headers) == millis
    assert not_accepted(429, RATE, headers).retry_after == millis
    assert not_accepted(500, RATE, headers).retry_after is None


def test_detail_is_lines_message_and_details() -> None:
    body = error(
        "The request body has 1 invalid key(s).",
        ("The specified item key does not exist: datetime_000", "body.items[0].itemKey"),
    )
    assert not_accepted(400, body, {}).detail == (
        "The request body has 1 invalid key(s).; "
        "body.items[0].itemKey: The specified item key does not exist: datetime_000"
    )


@pytest.mark.parametrize(
    "written",
    [NUMBER, NUMBER[1:], "080-0000-1234", "+81 80 0000 1234", "(080) 0000.1234", "０８０００００１２３４"],
)
def test_detail_never_names_the_number_or_its_hash(written: str) -> None:
    body = error(f"no {written}\r\n\x1b[31m{HASH} {HASH.upper()}", (f"to {written}", HASH))
    answer = not_accepted(400, body, {})
    assert answer.detail is not None
    assert written not in answer.detail
    assert "1234" not in answer.detail
    assert HASH[:32] not in answer.detail.lower()
    assert answer.detail.isprintable()


@given(st.text(max_size=400), st.text(max_size=400), st.sampled_from([NUMBER, NUMBER[1:], line_hash(NUMBER)]))
def test_details_are_one_clean_short_line(before: str, after: str, secret: str) -> None:
    line = clean(before + secret + after)
    assert secret not in line
    assert line.isprintable()
    assert len(line) <= 300


@given(st.binary(max_size=300), st.integers(300, 599))
def test_any_body_gives_an_answer(body: bytes, status: int) -> None:
    assert not_accepted(status, body, {}).outcome is not Outcome.ACCEPTED
