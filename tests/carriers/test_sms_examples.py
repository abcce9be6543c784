"""The example declarations: each is read, sends a message, and understands the answers that it tells of itself."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from yarl import URL as Url

from carriers.shop import NOW, TAG, TOKEN, URL
from todoke.carriers import BadSignature, EventKind, SmsMessage
from todoke.carriers.declarations import declared_kind
from todoke.carriers.sms_http import SmsHttpCarrier, load_declaration, parse_declaration
from todoke.core.outcome import Outcome

FOLDER = Path(__file__).parents[2] / "docs" / "examples" / "carriers"
MANUAL = FOLDER.parents[1] / "sms-carriers.md"
EXAMPLES = sorted(path for path in FOLDER.glob("*.yaml") if declared_kind(path) == "http")
MESSAGES = {
    "TW": SmsMessage(to="+886912345678", text="您的包裹已送達 ready=100%"),
    "TH": SmsMessage(to="+66812345678", text="พัสดุของคุณมาถึงแล้ว & 100%"),
    "JP": SmsMessage(to="+819012345678", text="お荷物が届きました & 100%"),
}
each = pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)


def told(path: Path, what: str) -> tuple[int, str] | None:
    """What the file's comments say of an answer, a refusal or a receipt: status (0: none) and body."""
    found = re.search(rf"(?m)^# {what}(?: ([0-9]+))?: (.*)$", path.read_text("utf-8"))
    return None if found is None else (int(found[1] or 0), found[2].replace("\\n", "\n"))


def carrier(path: Path, http: Any, base: str) -> SmsHttpCarrier:
    """The example as it stands, but at the local server and with made-up secrets."""
    text = path.read_text("utf-8")
    names = set(re.findall(r"\{secret:(\w+)\}", text))
    names |= {name for pair in re.findall(r"\{basic:(\w+):(\w+)\}", text) for name in pair}
    origin = re.match(r"https://[^/]+", load_declaration(path).url)
    assert origin is not None
    declaration = parse_declaration(text.replace(origin[0], base), path.name, allow_private=True)
    return SmsHttpCarrier(http, declaration, {name: f"dummy-{name}" for name in names}, URL, TOKEN)


def message_for(sms: SmsHttpCarrier) -> SmsMessage:
    return MESSAGES[(sms.declaration.countries or ["TW"])[0]]


def sent_text(request: bytes, charset: str) -> str:
    """Everything a request said, decoded."""
    head, body = request.split(b"\r\n\r\n", 1)
    if b"Content-Type: application/json" in head:
        return str(msgspec.json.decode(body))
    query = urlsplit(head.split(b" ")[1].decode()).query
    return str([parse_qs(part, encoding=charset, errors="strict") for part in (query, body.decode())])


def test_every_example_is_in_the_manual_and_says_that_it_must_be_checked() -> None:
    manual = MANUAL.read_text("utf-8")
    assert len(EXAMPLES) >= 10
    for path in EXAMPLES:
        first = path.read_text("utf-8").splitlines()[0]
        assert first.startswith("# EXAMPLE TO BE CHECKED"), path
        assert "Not tried" in first or "Not tried" in path.read_text("utf-8"), path
        assert "# Not sure" in path.read_text("utf-8") or "Not sure:" in path.read_text("utf-8"), path
        assert f"`{path.stem}`" in manual, path
        assert load_declaration(path).name == path.stem


@each
async def test_an_example_sends_and_understands_a_yes(path: Path, serve: Any, does: Any, http: Any) -> None:
    told_answer = told(path, "answer")
    assert told_answer is not None
    status, body = told_answer
    probe = carrier(path, http, "http://127.0.0.1:1")
    server = await serve(does.answering(status, body.encode(probe.declaration.charset)))
    sms = carrier(path, http, server.url)
    message = message_for(sms)
    answer = await sms.send(message, TAG)
    assert (answer.outcome, answer.status) == (Outcome.ACCEPTED, status)
    (request,) = server.requests
    said = sent_text(request, sms.declaration.charset)
    assert message.text in said
    assert any(number in said for number in (message.to[1:], "0912345678", "0812345678", "09012345678"))
    assert Url(load_declaration(path).url.partition("{")[0]).path in request.decode("latin-1").split(" ")[1]
    assert (answer.request_id is not None) == (sms.declaration.message_id is not None)
    receipt = sms.declaration.receipt
    by_id = receipt is not None and receipt.tag is None
    assert answer.message_ids == ((answer.request_id,) if by_id else ())


@each
async def test_an_example_understands_a_no(path: Path, serve: Any, does: Any, http: Any) -> None:
    told_refusal = told(path, "refusal")
    assert told_refusal is not None
    status, body = told_refusal
    charset = load_declaration(path).charset
    server = await serve(does.answering(status, body.encode(charset)))
    sms = carrier(path, http, server.url)
    answer = await sms.send(message_for(sms), TAG)
    assert (answer.outcome, answer.status, answer.message_ids) == (Outcome.FAILED, status, ())
    if sms.declaration.error is not None:
        assert "(" in (answer.detail or ""), "the provider's words are missing"
    nonsense = await serve(does.answering(200, b"<html>maintenance</html>"))
    unsure = await carrier(path, http, nonsense.url).send(message_for(sms), TAG)
    rule = sms.declaration.success
    by_status_alone = rule.json is None and rule.text is None and 200 in (rule.statuses or [])
    assert unsure.outcome is (Outcome.ACCEPTED if by_status_alone else Outcome.UNKNOWN)


@each
async def test_an_example_understands_its_receipts(path: Path, serve: Any, does: Any, http: Any) -> None:
    sms = carrier(path, http, "http://127.0.0.1:1")
    sample = told(path, "receipt")
    assert (sample is not None) == sms.declaration.receipts
    if sample is None:
        assert not sms.gives_proof
        return
    body = sample[1].replace("{tag}", TAG).replace("{token}", TOKEN).encode()
    query = body.decode() if "token=" in body.decode() else f"token={TOKEN}"
    sms.check({}, body, TOKEN, query)
    (event,) = sms.read_events({}, body, NOW)
    receipt = sms.declaration.receipt
    assert receipt is not None
    assert event.kind is EventKind.PROOF
    assert event.at == (NOW if receipt.time is None else 1_786_104_000_000)
    if receipt.tag is not None:
        assert (event.tag, event.message_id) == (TAG, None)
    else:
        told_answer = told(path, "answer")
        assert told_answer is not None
        server = await serve(does.answering(told_answer[0], told_answer[1].encode()))
        answer = await carrier(path, http, server.url).send(message_for(sms), TAG)
        assert event.tag is None
        assert answer.message_ids == (event.message_id,)
    with pytest.raises(BadSignature):
        sms.check({}, body.replace(TOKEN.encode(), b"wrong"), TOKEN, query.replace(TOKEN, "wrong"))
