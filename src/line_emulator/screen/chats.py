"""The messages of one chat as JSON, for `screen`. Bodies are quoted as they came, not decoded in depth."""

from __future__ import annotations

from typing import Any

import msgspec

from line_emulator import times
from line_emulator.screen.texts import say
from line_emulator.world import ledger as fates
from line_emulator.world.channels import Channel
from line_emulator.world.keys import MADE_UP
from line_emulator.world.ledger import TEMPLATE_PATH, Row
from line_emulator.world.notifications import NOT_SET, WINDOW
from line_emulator.world.people import Account, Entry

MOST_MESSAGES = 200
MOST_BYTES = 2_000_000
LONGEST_TEXT = 5000
SYSTEM = ("system_received", "consent_request", "pin_request", "verified", "number_changed")
_LABELLED = 20
UNREADABLE = "unreadable"


class Budget:
    """How many bytes of message bodies may still be shown on one screen."""

    def __init__(self) -> None:
        self.left = MOST_BYTES

    def take(self, row: Row | None) -> bool:
        """Whether this body still fits."""
        self.left -= len(row.body or b"") if row is not None else 0
        return self.left >= 0


_NULL = msgspec.Raw(b"null")


class _Messages(msgspec.Struct):
    messages: list[msgspec.Raw] = []


class _Head(msgspec.Struct):
    """Of a message object only what the list of chats needs."""

    type: Any = None
    text: Any = None


class _Key(msgspec.Struct):
    itemKey: Any = None
    buttonKey: Any = None


class _Fields(msgspec.Struct):
    emphasizedItem: _Key | None = None
    items: list[_Key] | None = None
    buttons: list[_Key] | None = None


class _Notice(msgspec.Struct):
    body: msgspec.Raw = _NULL


def messages(
    account: Account, channel: Channel | None, entries: list[Entry], label: str | None, budget: Budget
) -> tuple[list[dict[str, Any]], int]:
    """The newest messages in order, and how many entries before them are left out."""
    kept: list[list[dict[str, Any]]] = []
    count = 0
    for place in range(len(entries) - 1, -1, -1):
        entry = entries[place]
        if count >= MOST_MESSAGES or not budget.take(entry.row):
            return [message for group in reversed(kept) for message in group][-MOST_MESSAGES:], place + 1
        found = _shown(account, channel, entry, label)
        for message in found:
            message["id"] = place
        kept.append(found)
        count += len(found)
    return [message for group in reversed(kept) for message in group][-MOST_MESSAGES:], 0


def unread(account: Account, chat: str, entries: list[Entry]) -> int:
    """How many entries from others came since the user last opened the chat."""
    seen = account.read.get(chat, 0)
    return sum(not _own(entry) for entry in entries[seen:])


def _own(entry: Entry) -> bool:
    return entry.text is not None and entry.row is None


def _shown(
    account: Account, channel: Channel | None, entry: Entry, label: str | None
) -> list[dict[str, Any]]:
    try:
        return _messages(account, channel, entry, label)
    except (RecursionError, msgspec.MsgspecError):
        # Nested so deeply that it could be taken, but can't be read again from here.
        return [{"kind": UNREADABLE, "at": times.render(entry.at)}]


def _messages(
    account: Account, channel: Channel | None, entry: Entry, label: str | None
) -> list[dict[str, Any]]:
    at = times.render(entry.at)
    row = entry.row
    if entry.kind == "push" and row is not None:
        return [_pushed(raw, at) for raw in _bodies(row)]
    if entry.kind == "notification" and row is not None:
        return [_notification(channel, row, label, at)]
    shown: dict[str, Any] = {"kind": entry.kind, "at": at}
    if entry.text is not None:
        shown |= {"text": entry.text[:LONGEST_TEXT], "by": "user"}
    elif entry.kind in SYSTEM:
        shown["text"] = say(f"{entry.kind}.text", account.language)
    if row is not None:
        shown |= {"state": _state(account, entry.kind, row), "until": times.render(row.at + WINDOW)}
    return [shown]


def _bodies(row: Row) -> list[msgspec.Raw]:
    return msgspec.json.decode(row.body or b"{}", type=_Messages).messages


def _pushed(raw: msgspec.Raw, at: str) -> dict[str, Any]:
    head = msgspec.json.decode(raw, type=_Head)
    return {"kind": _kind(head.type), "at": at, "text": head.text, "messages": [raw]}


def _kind(kind: Any) -> str:
    return "flex" if kind == "flex" else "text" if kind in ("text", "textV2") else str(kind)


def _state(account: Account, kind: str, row: Row) -> str:
    """What became of the prompt: open, done, expired (after 24 hours), refused, or dropped."""
    if row.fate == fates.PENDING:
        return "done" if kind == "consent_request" and account.reception != NOT_SET else "open"
    known = {fates.DELIVERED: "done", fates.EXPIRED: "expired", fates.REFUSED: "refused"}
    return known.get(row.fate, "dropped")


def _notification(channel: Channel | None, row: Row, label: str | None, at: str) -> dict[str, Any]:
    shown: dict[str, Any] = {"kind": "notification", "at": at, "delivery_tag": row.tag}
    if label is not None:
        shown["label"] = label
    if row.path != TEMPLATE_PATH:
        return shown | {"messages": _bodies(row)}
    key = row.template_key or ""
    body = msgspec.json.decode(row.body or b"{}", type=_Notice).body
    return shown | {
        "template_key": key,
        "title": channel.title_of(key) if channel is not None else key,
        "made_up": channel is not None and channel.source_of(key) == MADE_UP,
        "body": {} if bytes(body) == b"null" else body,
        "labels": _labels(channel, body),
    }


def _labels(channel: Channel | None, body: msgspec.Raw) -> dict[str, str]:
    """What the user sees for each item and button key that is used."""
    fields = msgspec.json.decode(body, type=_Fields | None)
    if fields is None or channel is None:
        return {}
    used = [fields.emphasizedItem, *(fields.items or []), *(fields.buttons or [])]
    keys = [key for one in used[:_LABELLED] if one is not None for key in (one.itemKey, one.buttonKey)]
    return {key: channel.label_of(key) for key in keys if isinstance(key, str)}
