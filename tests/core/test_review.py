"""What may become of applications and of templates' versions, and what each move demands."""

from __future__ import annotations

import re
from datetime import date
from itertools import product
from pathlib import Path

import pytest

from notice_support import Story
from todoke.core import attached, checklist, working_days
from todoke.core.durations import parse_rfc3339
from todoke.core.review import (
    EDITABLE,
    TRANSITIONS,
    VERSION_TRANSITIONS,
    Review,
    State,
    diagram,
    illegal,
    moves_from,
    tells_of_not_live,
    why_not_live,
)
from todoke.core.routing import Step, why_not

DOCUMENT = Path(__file__).parents[2] / "docs" / "review.md"


def test_the_documented_diagrams_are_those_of_the_tables() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for name, drawn in {
        "application": diagram(TRANSITIONS, State.DRAFT),
        "version": diagram(VERSION_TRANSITIONS, Review.DRAFT),
    }.items():
        found = re.search(rf"<!-- {name}:begin -->\n(.*?)\n<!-- {name}:end -->", text, re.DOTALL)
        assert found, f"{DOCUMENT} has no block between {name}:begin and {name}:end"
        assert found[1] == drawn, "Put what `python -m todoke.core.review` prints between the markers."


def test_live_is_reached_by_no_other_way_than_review_contract_and_acceptance() -> None:
    order = [State.IN_REVIEW, State.APPROVED, State.CONTRACT_SIGNED, State.ACCEPTANCE_PASSED, State.LIVE]
    for left_out in order[:-1]:
        seen, at = set[State](), [State.DRAFT]
        while at:
            state = at.pop()
            seen.add(state)
            at += [x for x in moves_from(TRANSITIONS, state) if x is not left_out and x not in seen]
        assert State.LIVE not in seen, left_out
    assert moves_from(TRANSITIONS, State.LIVE) == [State.SUSPENDED]
    assert {x for x in State if (x, State.IN_REVIEW) in TRANSITIONS} == EDITABLE
    approved = {x for x, y in VERSION_TRANSITIONS if y is Review.APPROVED}
    assert approved == {Review.IN_REVIEW}


def test_from_every_state_there_is_a_way_on_and_a_refused_move_names_the_legal_ones() -> None:
    for table, states in ((TRANSITIONS, list(State)), (VERSION_TRANSITIONS, list(Review))):
        assert all(moves_from(table, x) for x in states)  # type: ignore[type-var]
        assert all(before is not after for before, after in table)
    assert illegal(TRANSITIONS, State.DRAFT, State.LIVE, "It") == (
        "It can't go from draft to live. From draft it can go to: in_review."
    )


def test_only_an_approved_version_under_a_live_application_is_live_and_all_else_says_why() -> None:
    for state, review in product([None, *State], Review):
        why = why_not_live(state, review, "delivery", "version 2 of parcel")
        assert (why is None) == ((state, review) == (State.LIVE, Review.APPROVED))
        if why is not None:
            assert tells_of_not_live(why)
            assert (review if state is State.LIVE else state or "nobody has applied") in why
            assert not why.endswith(".")


def test_what_is_not_live_holds_every_step_a_retry_and_a_next_step_and_the_end_says_so() -> None:
    why = why_not_live("suspended", "approved", "delivery", "version 1 of parcel")
    begun = Story("line_push 1h", "line_notification 4h", "sms 72h", "callback 1h", not_live=why).due()
    assert (begun.state, begun.notice.reason, begun.sent) == ("refused", "not_live", [])
    assert all(why_not(step, begun.facts) == why for step in Step)

    retried = Story("line_notification 4h", "sms 72h").sends().answer("throttled").knows(not_live=why).next()
    assert (retried.state, retried.notice.reason, len(retried.sent)) == ("not_delivered", "not_live", 1)

    waited = Story("line_notification 4h", "sms 72h").sends().answer("accepted").knows(not_live=why)
    waited.passes("5h")
    assert (waited.state, waited.sent) == ("waiting", ["line_notification"])
    waited.passes("30h")
    assert (waited.state, waited.notice.reason) == ("not_delivered", "not_live")

    proven = Story("line_notification 4h", "sms 72h").sends().answer("accepted").knows(not_live=why)
    assert proven.passes("5h").proof().state == "delivered"

    quiet = Story("sms 72h").knows(not_live=why, suppressed=frozenset({"all"})).due()
    assert quiet.notice.reason == "suppressed", "that the recipient wants nothing weighs more"


def test_each_country_is_asked_for_what_line_asks_for_there_in_four_languages() -> None:
    first = {x: checklist.items(x)[:2] for x in ("TW", "TH", "JP")}
    assert first["TW"] == (checklist.Item.ACCOUNT_VERIFIED, checklist.Item.PROVIDER_CERTIFIED)
    assert first["TH"][0] is checklist.Item.ACCOUNT_VERIFIED
    assert checklist.Item.PROVIDER_CERTIFIED not in checklist.items("TH")
    assert first["JP"][0] is checklist.Item.LINE_APPLICATION
    assert checklist.items("TW", no_verification=True)[-1] is checklist.Item.PERSONAL_FIELDS
    for country, item in product(("TW", "TH", "JP"), checklist.Item):
        texts = checklist.texts(item, country)
        assert list(texts) == ["zh-Hant", "th", "ja", "en"]
        assert len({x.asks for x in texts.values()}) == 4
    asked = checklist.items("TW")
    given = {str(x): "text" for x in asked if x is not checklist.Item.SAMPLES}
    assert checklist.missing(asked, given, has_templates=True) == []
    assert checklist.missing(asked, given, has_templates=False) == [checklist.Item.SAMPLES]


@pytest.mark.parametrize(
    ("country", "submitted", "first", "last"),
    [
        # Lunar New Year 2025: nine days off, one of them moved and worked for on Saturday, 8 February.
        ("TW", "2025-01-20T02:00:00Z", date(2025, 2, 8), date(2025, 2, 21)),
        # A plain fortnight and month, and 23:30 in Taipei is still that day although it is 15:30 in UTC.
        ("TW", "2026-08-03T15:30:00Z", date(2026, 8, 17), date(2026, 8, 31)),
        # Songkran, Chakri day, Labour day, Coronation day.
        ("TH", "2026-04-03T02:00:00Z", date(2026, 4, 23), date(2026, 5, 11)),
        # 00:30 on the 21st in Tokyo; offices close from 31 December to 3 January; Coming of Age day.
        ("JP", "2026-12-20T15:30:00Z", date(2027, 1, 6), date(2027, 1, 21)),
    ],
)
def test_lines_answer_is_expected_after_10_to_20_working_days_of_the_country(
    country: str, submitted: str, first: date, last: date
) -> None:
    at = parse_rfc3339(submitted)
    assert working_days.answer_expected(country, at) == (first, last)
    midnight = parse_rfc3339(f"{last}T00:00:00Z") + 86_400_000
    offset = {"TW": 8, "TH": 7, "JP": 9}[country] * 3_600_000
    assert not working_days.is_overdue(country, last, midnight - offset - 1)
    assert working_days.is_overdue(country, last, midnight - offset)


PDF, PNG = b"%PDF-1.7\n...", b"\x89PNG\r\n\x1a\n...."


@pytest.mark.parametrize(
    ("content", "name", "media"),
    [
        (PDF, "x.png", "application/pdf"),
        (PNG, "x.pdf", "image/png"),
        (b"\xff\xd8\xff\xe0", "x", "image/jpeg"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "x", "image/webp"),
        (b"\x00\x00\x00\x20ftypisom", "x", "video/mp4"),
        ("\ufeff<!-- report -->\n<!DOCTYPE html><html>".encode(), "x.txt", "text/html"),
        ("phone,name\n0912,王\n".encode(), "x.csv", "text/csv"),
        (b"a plain text", "x", "text/plain"),
        # Tried in all ways, these comments would take longer than the world has stood.
        (b"<!---->" * 500 + b"no page", "x", "text/plain"),
        (b" <!-- a --> <!---->" * 90 + b"<HTML>", "x", "text/html"),
        (b"<!-- <html> never closed", "x", "text/plain"),
        (b"PK\x03\x04\x14\x00", "x.pdf", None),
        (b"MZ\x90\x00", "x.txt", None),
        (b"\x1f\x8b\x08", "x.csv", None),
        ("測試".encode("cp950"), "x.csv", None),
        (b"   ", "x.txt", None),
        (b"esc \x1b[31m", "x.txt", None),
    ],
)
def test_a_file_is_what_its_bytes_say_and_nothing_else_is_taken(
    content: bytes, name: str, media: str | None
) -> None:
    assert attached.media_type(content, name) == media


@pytest.mark.parametrize(
    ("name", "media", "safe"),
    [
        ("report.pdf", "application/pdf", "report.pdf"),
        ("../../etc/passwd", "text/plain", "passwd.txt"),
        ("C:\\temp\\報告.PDF", "application/pdf", "報告.PDF"),
        ("page.pdf", "text/html", "page.pdf.html"),
        ("..%2F%E5%A0%B1%E5%91%8A%0D%0A.pdf", "application/pdf", "報告 .pdf"),
        ("gpj.\u202eexe", "image/png", "gpj. exe.png"),
        ('a"; filename="b.html\r\nX: y.pdf', "application/pdf", "a filename= b.html X y.pdf"),
        ("...", "text/plain", "file.txt"),
        ("名" * 500, "text/plain", "名" * 120 + ".txt"),
    ],
)
def test_a_name_is_made_safe_and_ends_as_the_file_is(name: str, media: str, safe: str) -> None:
    assert attached.safe_name(name, media) == safe
