"""The rows of a list of granted keys: each checked, all held against each other, every fault told with its line."""

import re
from collections.abc import Mapping

import msgspec

from todoke.core.granted import KINDS, GrantedKey, Kind
from todoke.core.template_values import FORBIDDEN

MOST_ROWS = 5_000
MOST_FAULTS = 50
"""So many are listed; all are counted."""
FIELDS = ("kind", "key", "use_case", "name", "language", "limits")
LONGEST = {"use_case": 60, "name": 300, "language": 20, "limits": 2_000}
"""Characters."""

_KEY = re.compile(r"[A-Za-z0-9_.-]{1,100}", re.ASCII)
_NOT_OF_KEYS = re.compile(r"[^A-Za-z0-9_.-]", re.ASCII)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}", re.ASCII)
_PERSONAL = re.compile(r"[0-9A-Fa-f]{32,}|\d(?:[ .()-]?\d){6,}")
_KIND_WORDS: dict[str, Kind] = {
    **dict.fromkeys(
        ("template", "templates", "範本", "模板", "テンプレート", "เทมเพลต", "แม่แบบ"), "template"
    ),
    **dict.fromkeys(("item", "items", "項目", "アイテム", "รายการ"), "item"),
    **dict.fromkeys(("button", "buttons", "按鈕", "ボタン", "ปุ่ม"), "button"),
}


class Fault(msgspec.Struct, frozen=True):
    """What is wrong in one place, and what to do about it.

    `line` is counted from 1, the header included; `column` is empty where the whole line is at fault.
    """

    line: int
    column: str
    value: str
    remedy: str

    @property
    def words(self) -> str:
        """The fault as a sentence."""
        column = f", {self.column}" if self.column else ""
        value = f" {self.value!r}" if self.value else ""
        return f"Line {self.line}{column}{value}: {self.remedy}"

    @property
    def pointer(self) -> str:
        """The place as a pointer: `/line 4/kind`, in the file."""
        return f"/line {self.line}" + (f"/{self.column}" if self.column else "")


class Reading(msgspec.Struct):
    """What reading a file came to. While there is a fault nothing of it counts. `fault_count` includes those that are
    not listed; `ignored` names columns that were passed over.
    """

    keys: list[GrantedKey] = []
    faults: list[Fault] = []
    fault_count: int = 0
    ignored: list[str] = []
    lines: dict[tuple[str, str], tuple[int, str, GrantedKey]] = {}

    def fault(self, line: int, column: str, value: str, remedy: str) -> None:
        """Notes a fault."""
        self.fault_count += 1
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Fault(line, column, shown(value), remedy))

    def take(self, line: int, row: Mapping[str, str]) -> bool:
        """Checks a row and keeps it. Answers False when there are too many rows to go on.

        `row` holds texts by FIELDS, and perhaps `template`, to which the emulator's lists bind items and buttons.
        """
        if len(self.keys) + self.fault_count >= MOST_ROWS:
            self.fault(line, "", "", f"There are more than {MOST_ROWS:,} rows. Is this LINE's list of keys?")
            return False
        found = self._checked(line, {name: text.strip() for name, text in row.items()})
        if found is None:
            return True
        template = row.get("template", "").strip()
        place = (found.kind, found.key)
        if place not in self.lines:
            self.lines[place] = (line, template, found)
            self.keys.append(found)
            return True
        at, other, before = self.lines[place]
        if template == other:
            self.fault(line, "key", found.key, f"Line {at} has this {found.kind} already. Take one away.")
        elif found != before:
            self.fault(
                line, "key", found.key, f"Line {at} says otherwise of this {found.kind}. Make them agree."
            )
        return True

    def end(self) -> "Reading":
        """Says so where there is nothing in the file. Answers itself."""
        if not self.keys and not self.fault_count:
            self.fault(1, "", "", "The file has no keys. Give a row for each template, item and button.")
        if self.fault_count:
            self.keys = []
        return self

    def _checked(self, line: int, row: Mapping[str, str]) -> GrantedKey | None:
        before = self.fault_count
        kind = _KIND_WORDS.get(row.get("kind", "").lower())
        if kind is None:
            self.fault(line, "kind", row.get("kind", ""), f"Write {', '.join(KINDS[:2])} or {KINDS[2]}.")
        key = row.get("key", "")
        if not _KEY.fullmatch(key):
            self.fault(line, "key", key, _about_key(key))
        texts = {name: row.get(name, "") for name in LONGEST}
        for name, text in texts.items():
            if len(text) > LONGEST[name]:
                remedy = f"This is {len(text):,} characters, {LONGEST[name]:,} at most. Shorten it."
                self.fault(line, name, text, remedy)
            elif FORBIDDEN.search(text.replace("\t", "\n")):
                remedy = "Control characters and marks that turn the order of a text around: take them out."
                self.fault(line, name, text, remedy)
        if texts["language"] and not _LANGUAGE.fullmatch(texts["language"]):
            remedy = "Write a tag as zh-Hant, th, ja or en, or leave it empty."
            self.fault(line, "language", texts["language"], remedy)
        if self.fault_count > before or kind is None:
            return None
        return GrantedKey(kind=kind, key=key, **{name: text or None for name, text in texts.items()})


def _about_key(key: str) -> str:
    if not key:
        return "The key is missing. Copy it from LINE's list."
    wrong = _NOT_OF_KEYS.search(key)
    if wrong is None:
        return "A key has 100 characters at most. Copy it from LINE's list."
    return (
        f"A key has letters, digits, _ . and - only; U+{ord(wrong[0]):04X} is none of them. "
        "Copy the key from LINE's list."
    )


def shown(text: str) -> str:
    """A value as an error may show it: 60 characters, nothing that acts on a screen, and no phone number or hash of
    one, as of a list of recipients that was taken for this one.
    """
    return FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", _PERSONAL.sub("•••", text)[:60])
