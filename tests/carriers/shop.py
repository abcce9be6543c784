"""A made-up SMS provider, for the tests of declarations, requests and receipts."""

from collections.abc import Mapping
from typing import Any

from todoke.carriers import InboundEvent, SmsMessage
from todoke.carriers.sms_http import Declaration, SmsHttpCarrier, parse_declaration

NUMBER = "+886912345678"
TAG = "0198f0c2-tag-of-attempt-1"
TEXT = "您的包裹已送達 & ready=100% {to}"
MESSAGE_OUT = SmsMessage(to=NUMBER, text=TEXT)
NOW = 1_786_000_000_000
TOKEN = "receipt-token-1"
URL = "https://todoke.example.com/sms/x/receipts"

BASE = """
name: shop_sms
url: URL
encoding: form
fields: {user: "{secret:USER}", to: "{to_digits}", home: "{to_national}", body: "{text}", ref: "{tag}"}
success: {statuses: ["200-299"], json: {path: result.code, one_of: [0, "ok"]}}
surely_failed: {json: {path: result.code, one_of: [-1, "no_credit"]}}
message_id: {json: "result.ids[0]"}
error: {json: result.why}
receipts: false
"""


def declared(url: str = "https://sms.example.com/send", *changes: tuple[str, str]) -> Declaration:
    text = BASE.replace("URL", url)
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return parse_declaration(text, "shop.yaml", allow_private="127.0.0.1" in url)


def carrier(http: Any, url: str, *changes: tuple[str, str]) -> SmsHttpCarrier:
    return SmsHttpCarrier(http, declared(url, *changes), {"USER": "u&1 密"})


def posted(
    sms: SmsHttpCarrier, headers: Mapping[str, str], body: bytes, secret: str, now: int
) -> list[InboundEvent]:
    """What the inbound route and the engine do with a receipt, one after the other."""
    sms.check(headers, body, secret)
    return sms.read_events(headers, body, now)
