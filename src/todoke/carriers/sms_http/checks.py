"""What a declaration's types can't say: fields that contradict each other, rules that could never hold."""

import re
from collections.abc import Iterator, Mapping

from todoke.carriers.sms_http.declaration import Auth, Declaration, Receipt, Replies, Rule, Where
from todoke.carriers.sms_http.paths import parse_path, texts
from todoke.carriers.sms_http.placeholders import MESSAGE, SETTING, TEXT, names, unknown

Problem = tuple[str, str]
"""Field, and what is wrong with it, remedy included."""

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_NUMBER = {"to", "to_digits", "to_national"}


def problems(declaration: Declaration) -> Iterator[Problem]:
    """All that is wrong with a declaration whose types are right."""
    yield from _request(declaration)
    yield from _rule("success", declaration.success, 200, 299)
    if declaration.surely_failed is not None:
        # A 5xx may come from a machine in front of one that has already taken the message.
        yield from _rule("surely_failed", declaration.surely_failed, 200, 499)
    yield from _where("message_id", declaration.message_id)
    yield from _where("error", declaration.error)
    if declaration.receipts and declaration.receipt is None:
        yield "receipt", "is missing: describe the receipts, or set receipts: false"
    if not declaration.receipts and declaration.receipt is not None:
        yield "receipt", "is there although receipts is false: remove it, or set receipts: true"
    if declaration.receipt is not None:
        yield from _receipt(declaration.receipt)
        if declaration.receipt.tag is None and declaration.message_id is None:
            yield "message_id", "is missing: the receipts name only this id, so say where the answer gives it"
    if declaration.replies is not None:
        yield from _replies(declaration.replies)
    elif "reply_url" in names(declaration.fields) | names(declaration.headers):
        yield "replies", "is missing: {reply_url} tells the provider to post replies, so say how to read them"
    if not 0 < declaration.timeout_seconds <= 60:
        yield "timeout", "must be above 0s and at most 60s"


def _request(declaration: Declaration) -> Iterator[Problem]:
    if declaration.method == "GET" and declaration.encoding != "query":
        yield "encoding", "must be query with method GET, which carries no body"
    if declaration.encoding == "json" and declaration.charset != "utf-8":
        yield "charset", "can't stand here: JSON is always UTF-8, remove it"
    yield from _placeholders("url", declaration.url, frozenset())
    for name, value in declaration.headers.items():
        field = f"headers.{name}"
        if not _HEADER_NAME.fullmatch(name) or not value.isprintable():
            yield field, "is no HTTP header: use letters, digits and dashes, and one line as its value"
        # A text has line ends and other scripts, which a header can't carry.
        yield from _placeholders(field, value, (MESSAGE | SETTING) - TEXT)
    yield from _placeholders("fields", declaration.fields, MESSAGE | SETTING)
    for key in _odd_keys(declaration.fields):
        yield "fields", f'the name {key!r} is no text: quote what YAML would change, as in "no": 1'
    used = names(declaration.fields)
    if not used & _NUMBER:
        yield "fields", "never name the number: one of them must hold {to}, {to_digits} or {to_national}"
    if not used & TEXT:
        yield "fields", "never name the text: one of them must hold {text} or {text_ucs2_hex}"
    if declaration.encoding != "json":
        for name, value in declaration.fields.items():
            if isinstance(value, dict | list) or value is None:
                yield (
                    f"fields.{name}",
                    f"must be a single value, {declaration.encoding} has no lists or objects",
                )


def _odd_keys(node: object) -> Iterator[object]:
    """Names that YAML has turned into something else: `no` into False, `1` into a number."""
    if isinstance(node, dict):
        yield from (key for key in node if not isinstance(key, str))
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _odd_keys(child)


def _placeholders(field: str, node: object, known: frozenset[str]) -> Iterator[Problem]:
    for name in unknown(node, known):
        allowed = ", ".join(f"{{{one}}}" for one in [*sorted(known), "secret:NAME", "basic:USER:PASSWORD"])
        yield field, f"{{{name}}} can't stand here: possible are {allowed}"


def _rule(field: str, rule: Rule, low: int, high: int) -> Iterator[Problem]:
    if rule.statuses is None and rule.json is None and rule.text is None:
        yield field, "is empty: give statuses, json or text"
    for status in rule.statuses or []:
        first, last = status_range(status)
        if not low <= first <= last <= high:
            yield f"{field}.statuses", f"{status} can't stand here: only {low} to {high}"
    if rule.json is not None:
        yield from _path(f"{field}.json.path", rule.json.path)
    if rule.text is not None:
        yield from _regex(f"{field}.text", rule.text, groups=0)


def _where(field: str, where: Where | None) -> Iterator[Problem]:
    if where is None:
        return
    if (where.json is None) == (where.text is None):
        yield field, "needs either json (a path) or text (a regular expression)"
    if where.json is not None:
        yield from _path(f"{field}.json", where.json)
    if where.text is not None:
        yield from _regex(f"{field}.text", where.text, groups=1)


def _receipt(receipt: Receipt) -> Iterator[Problem]:
    if receipt.tag is None and receipt.message_id is None:
        yield "receipt.tag", "is missing: name where our tag comes back, or set receipt.message_id"
    places = {name: getattr(receipt, name) for name in ("items", "tag", "message_id", "status", "time")}
    yield from _posted("receipt", receipt, places)
    seen: set[str] = set()
    for name in ("delivered", "failed", "intermediate"):
        values = texts(getattr(receipt, name))
        if twice := values & seen:
            yield f"receipt.{name}", f"{min(twice)!r} stands in two lists: a status has one meaning"
        seen |= values


def _replies(replies: Replies) -> Iterator[Problem]:
    places = {
        "from": replies.number,
        **{name: getattr(replies, name) for name in ("items", "text", "id", "time")},
    }
    yield from _posted("replies", replies, places)
    if replies.body == "json" and replies.charset != "utf-8":
        yield "replies.charset", "can't stand here: JSON is always UTF-8, remove it"


def _posted(field: str, part: Receipt | Replies, places: Mapping[str, str | None]) -> Iterator[Problem]:
    """What is wrong with a part that says how to read what is posted; `places`: where things stand in it."""
    yield from _auth(field, part.auth)
    if part.items is not None and part.body != "json":
        yield f"{field}.items", f"can't stand here: {part.body} holds one {_ONE[field]}, remove it"
    if part.body == "json":
        for name, path in places.items():
            if path is not None:
                yield from _path(f"{field}.{name}", path)
        if part.auth.by == "field" and part.auth.name:
            yield from _path(f"{field}.auth.name", part.auth.name)
    if part.time is None and part.time_format is not None:
        yield f"{field}.time_format", "is there without time: name the field that holds the time"


_ONE = {"receipt": "receipt", "replies": "reply"}

_CARRIES = {
    "header": "header that carries the receipt token",
    "field": "field that carries the receipt token",
    "query": "parameter of the URL that carries the receipt token",
    "hmac": "header that carries the signature",
}


def _auth(field: str, auth: Auth) -> Iterator[Problem]:
    if auth.by == "bearer":
        if auth.name is not None:
            yield f"{field}.auth.name", "is not needed with by: bearer, remove it"
    elif not auth.name:
        yield f"{field}.auth.name", f"is missing: the name of the {_CARRIES[auth.by]}"
    if auth.by != "hmac":
        # No default to compare with would tell a written default from none; a `key` or `prefix` is what misleads.
        for name in ("key", "prefix"):
            if getattr(auth, name):
                yield f"{field}.auth.{name}", f"is not needed with by: {auth.by}, remove it"


def _path(field: str, text: str) -> Iterator[Problem]:
    try:
        parse_path(text)
    except ValueError as exc:
        yield field, str(exc)


def _regex(field: str, text: str, groups: int) -> Iterator[Problem]:
    try:
        found = re.compile(text).groups
    except re.error as exc:
        yield field, f"is no regular expression ({exc})"
        return
    if found < groups:
        yield field, "needs a group: put brackets around what is wanted, as in msgid=([0-9]+)"


def status_range(status: int | str) -> tuple[int, int]:
    """A declared status as first and last: 200 is (200, 200), "200-299" is (200, 299)."""
    if isinstance(status, int):
        return status, status
    first, last = status.split("-")
    return int(first), int(last)
