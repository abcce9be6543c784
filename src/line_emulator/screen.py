"""What a user sees: chats with the system account and with official accounts, open prompts, the SMS inbox.

Texts are this project's own words; the label "Important notification" is LINE's (app 15.9.0 or later).
"""

from __future__ import annotations

from typing import Any

import msgspec

import line_catalogue
from line_emulator import times
from line_emulator.world import World
from line_emulator.world.ledger import TEMPLATE_PATH
from line_emulator.world.notifications import AGREE, NOT_SET
from line_emulator.world.people import Account, Entry

LANGUAGES = ("ja", "th", "zh-Hant", "zh-Hans", "en")
LABEL_SINCE = (15, 9, 0)

_TEXTS = {
    "system_received": {
        "en": "You have received a notification message.",
        "ja": "通知メッセージが届きました。",
        "th": "คุณได้รับข้อความแจ้งเตือน",
        "zh-Hant": "您收到一則通知型訊息。",
    },
    "consent_request": {
        "en": "Choose whether you want to receive notification messages.",
        "ja": "通知メッセージを受信するかどうかを設定してください。",
        "th": "โปรดเลือกว่าจะรับข้อความแจ้งเตือนหรือไม่",
        "zh-Hant": "請選擇是否接收通知型訊息。",
    },
    "pin_request": {
        "en": "Verify your phone number to see the notification.",
        "ja": "メッセージを表示するには電話番号認証を行ってください。",
        "th": "โปรดยืนยันหมายเลขโทรศัพท์เพื่อดูข้อความ",
        "zh-Hant": "請驗證您的電話號碼以查看訊息。",
    },
    "verified": {
        "en": "Your phone number has been verified.",
        "ja": "電話番号認証が完了しました。",
        "th": "ยืนยันหมายเลขโทรศัพท์แล้ว",
        "zh-Hant": "您的電話號碼已完成驗證。",
    },
    "number_changed": {
        "en": "Your phone number has been changed.",
        "ja": "電話番号が変更されました。",
        "th": "เปลี่ยนหมายเลขโทรศัพท์แล้ว",
        "zh-Hant": "您的電話號碼已變更。",
    },
}


def view(world: World, phone: str, account: Account | None, now: int) -> dict[str, Any]:
    """The screen of a number as JSON; without LINE it has only the SMS inbox."""
    chats: dict[str, list[dict[str, Any]]] = {}
    prompts: list[str] = []
    if account is not None:
        for entry in account.entries:
            chats.setdefault(entry.chat, []).extend(_messages(account, entry))
        prompts = _prompts(account, now)
    return {
        "phone": phone,
        "line_user": account is not None,
        "chats": [
            {"from": chat, "name": _chat_name(world, chat), "messages": found}
            for chat, found in chats.items()
        ],
        "prompts": prompts,
        "sms": [_sms(sms) for sms in world.sms.inboxes.get(phone, [])],
    }


def _prompts(account: Account, now: int) -> list[str]:
    if not account.pending:
        return []
    if account.reception == NOT_SET:
        return ["consent"]
    return ["pin"] if account.reception == AGREE and not account.verified(now) else []


def _chat_name(world: World, chat: str) -> str:
    channel = world.channels.get(chat)
    return channel.name if channel is not None else "LINE"


def _sms(sms: Any) -> dict[str, Any]:
    shown = {"at": times.render(sms.at), "from": sms.sender, "text": sms.text}
    if sms.pin is not None:
        shown["pin"] = sms.pin
    return shown


def label(account: Account) -> str | None:
    """The label beside an account's icon, in the app's language; older apps have none."""
    version = [int(part) for part in account.app_version.split(".")]
    if tuple(version + [0] * (3 - len(version))) < LABEL_SINCE:
        return None
    return line_catalogue.label(account.language)


def _messages(account: Account, entry: Entry) -> list[dict[str, Any]]:
    at = times.render(entry.at)
    row = entry.row
    if entry.kind == "push" and row is not None:
        found = msgspec.json.decode(row.body or b"{}")["messages"]
        return [
            {"kind": _kind(message), "at": at, "text": message.get("text"), "messages": [message]}
            for message in found
        ]
    if entry.kind == "notification" and row is not None:
        return [_notification(account, entry, at)]
    shown: dict[str, Any] = {"kind": entry.kind, "at": at}
    if entry.text is not None:
        shown |= {"text": entry.text, "by": "user"}
    elif entry.kind in _TEXTS:
        texts = _TEXTS[entry.kind]
        shown["text"] = texts.get(account.language, texts["en"])
    return [shown]


def _kind(message: dict[str, Any]) -> str:
    kind = message.get("type")
    return "flex" if kind == "flex" else "text" if kind in ("text", "textV2") else str(kind)


def _notification(account: Account, entry: Entry, at: str) -> dict[str, Any]:
    row = entry.row
    assert row is not None
    shown: dict[str, Any] = {"kind": "notification", "at": at, "delivery_tag": row.tag}
    found = label(account)
    if found is not None:
        shown["label"] = found
    body = msgspec.json.decode(row.body or b"{}")
    if row.path == TEMPLATE_PATH:
        shown |= {"template_key": row.template_key, "body": body.get("body") or {}}
    else:
        shown["messages"] = body["messages"]
    return shown
