"""Judges a provider's answer by the declaration: taken, surely not taken, or not to be known."""

import re
from collections.abc import Callable, Mapping

import msgspec

from todoke.carriers.cleaning import clean_id, retry_after
from todoke.carriers.sms_http.checks import status_range
from todoke.carriers.sms_http.declaration import Declaration, Rule, Where
from todoke.carriers.sms_http.paths import as_text, at_path, parse_path, texts
from todoke.core.outcome import Answer, Outcome


class Body:
    """An answer's body as text and, where a rule asks for it, as JSON. Unreadable: neither matches
    anything.
    """

    def __init__(self, raw: bytes | None, charset: str = "utf-8") -> None:
        self.raw = raw
        self.text = "" if raw is None else raw.decode(charset, "replace")
        self._json: object = msgspec.UNSET

    @property
    def json(self) -> object:
        """The decoded body, None if it is not JSON."""
        if self._json is msgspec.UNSET:
            try:
                self._json = msgspec.json.decode(self.raw or b"")
            except (msgspec.MsgspecError, ValueError, RecursionError):
                self._json = None
        return self._json


Holds = Callable[[int, Body], bool]
Find = Callable[[Body], str | None]


def compiled_rule(rule: Rule) -> Holds:
    """A function that says whether status and body meet all parts of a rule."""
    ranges = None if rule.statuses is None else [status_range(status) for status in rule.statuses]
    path = () if rule.json is None else parse_path(rule.json.path)
    values = frozenset[str]() if rule.json is None else texts(rule.json.one_of)
    search = None if rule.text is None else re.compile(rule.text).search

    def holds(status: int, body: Body) -> bool:
        if ranges is not None and not any(first <= status <= last for first, last in ranges):
            return False
        if path:
            # null only where there is an object at all: a body that is no JSON must not look like one without
            # the field
            found = at_path(body.json, path)
            text = "null" if found is None and body.json is not None else as_text(found)
            if text not in values:
                return False
        return search is None or (body.raw is not None and search(body.text) is not None)

    return holds


def compiled_where(where: Where | None) -> Find:
    """A function that finds the text at a place in an answer; None if there is nothing."""
    if where is None:
        return lambda body: None
    if where.json is not None:
        path = parse_path(where.json)
        return lambda body: as_text(at_path(body.json, path))
    search = re.compile(where.text or "").search

    def find(body: Body) -> str | None:
        found = search(body.text)
        return found[1] if found else None

    return find


class Judge:
    """The rules of one declaration, compiled."""

    def __init__(self, declaration: Declaration) -> None:
        self._success = compiled_rule(declaration.success)
        no = declaration.surely_failed
        self._surely_failed: Holds = compiled_rule(no) if no is not None else lambda status, body: False
        self._message_id = compiled_where(declaration.message_id)
        self._error = compiled_where(declaration.error)
        self._charset = declaration.charset
        receipt = declaration.receipt
        self._receipts_name_ids = declaration.receipts and receipt is not None and receipt.tag is None

    def judge(self, status: int, raw: bytes | None, headers: Mapping[str, str]) -> Answer:
        """The outcome of an answered request. `detail` holds the provider's own words yet to be cleaned.

        `raw` is None if the body could not be read to its end: then only rules about the status can hold.
        """
        body = Body(raw, self._charset)
        if 200 <= status < 300:
            if self._surely_failed(status, body):
                return self._failed(status, body, headers, "the provider said no")
            if self._success(status, body):
                message_id = clean_id(self._message_id(body))
                ids = (message_id,) if message_id and self._receipts_name_ids else ()
                return Answer(outcome=Outcome.ACCEPTED, status=status, request_id=message_id, message_ids=ids)
            # Sending again might send twice; better one message in doubt than two messages that cost money.
            why = "fits neither success nor surely_failed" if raw is not None else "broke off"
            return Answer(
                outcome=Outcome.UNKNOWN, status=status, detail=self._words(body, f"the answer {why}")
            )
        if status == 429:
            wait = retry_after(headers)
            words = self._words(body, "too many requests")
            return Answer(outcome=Outcome.THROTTLED, status=status, detail=words, retry_after=wait)
        if 300 <= status < 400:
            return self._failed(
                status, body, headers, "redirects are not followed: check the url of the declaration"
            )
        if status in (401, 403):
            # Not `denied`: that pauses the LINE channel, which has no part in an SMS provider's password.
            return self._failed(
                status, body, headers, "the provider refused our credentials: check the secrets"
            )
        if 400 <= status < 500:
            return self._failed(status, body, headers, "the provider said no")
        words = self._words(body, "the provider's own fault; the message may have been taken")
        return Answer(outcome=Outcome.UNKNOWN, status=status, detail=words)

    def _failed(self, status: int, body: Body, headers: Mapping[str, str], why: str) -> Answer:
        return Answer(
            outcome=Outcome.FAILED,
            status=status,
            detail=self._words(body, why),
            retry_after=retry_after(headers),
        )

    def _words(self, body: Body, why: str) -> str:
        error = (self._error(body) or "").strip()
        return f"{why} ({error})" if error else why
