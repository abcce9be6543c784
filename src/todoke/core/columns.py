"""Which column of a list is what: the phone number, the reference, a parameter of the template."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

import msgspec

from todoke.core.errors import TodokeError

NUMBER_HEADERS = (
    *("to", "phone", "phone_number", "number", "mobile", "mobile_number", "tel", "telephone", "cell"),
    *("phone_no", "mobile_no", "mobile_phone", "tel_no", "cell_phone", "contact_number"),
    *(
        "手機",
        "手機號碼",
        "行動電話",
        "手機電話",
        "聯絡手機",
        "收件人手機",
        "收件人電話",
        "客戶電話",
        "會員手機",
    ),
    *("電話", "電話號碼", "聯絡電話"),
    *("手机", "手机号码", "电话"),
    *("携帯", "携帯電話", "携帯番号", "携帯電話番号", "電話番号", "お電話番号", "連絡先電話番号"),
    *("ケイタイ", "デンワ"),
    *("เบอร์โทร", "เบอร์โทรศัพท์", "เบอร์มือถือ", "เบอร์โทรศัพท์มือถือ", "โทรศัพท์มือถือ", "มือถือ", "โทรศัพท์", "เบอร์"),
)
REFERENCE_HEADERS = (
    *("reference", "ref", "order", "order_id", "order_number"),
    *("order_no", "reference_no"),
    *("訂單編號", "訂單號碼", "注文番号", "受注番号", "หมายเลขคำสั่งซื้อ", "เลขที่คำสั่งซื้อ"),
)
PARAMETER_HEADERS = {
    "name": (
        *("full_name", "customer_name", "recipient_name"),
        *("姓名", "客戶姓名", "顧客姓名", "會員姓名", "收件人", "收件人姓名", "客戶名稱"),
        *("氏名", "お名前", "名前", "顧客名", "お客様名", "宛名", "ナマエ", "シメイ"),
        *("ชื่อ", "ชื่อลูกค้า", "ชื่อ-นามสกุล", "ชื่อผู้รับ"),
    ),
}
"""Usual headings of parameters of these names, beside their own."""
MOST_COLUMNS = 16_384
"""As many as a sheet of a workbook has."""
LANGUAGE_HEADERS = ("language", "lang", "locale", "語言", "語系", "言語", "ภาษา")


_LOOKS_LIKE_A_NUMBER = re.compile(r"(?:\d\D{0,2}){8,}")


class InvalidColumns(TodokeError):
    """The columns of a list do not give what the template needs."""

    code = "invalid-columns"


class Columns(msgspec.Struct, frozen=True):
    """Positions in a row. `width` is the number of cells of the header. A cell that a row lacks is an empty one."""

    number: int
    reference: int | None
    parameters: tuple[tuple[str, int], ...]
    width: int
    language: int | None = None
    event_at: int | None = None


_BESIDE = re.compile(r"[(（\[【].*?[)）\]】]$")
_LEFT_OUT = dict.fromkeys(map(ord, " \t\n\u00a0\u3000\u200b\ufeff_-.:：*＊'\"/"))


def folded(heading: str) -> str:
    """A heading without what makes no difference to its meaning: case, width, spaces, marks, a remark in brackets."""
    text = unicodedata.normalize("NFKC", heading.strip()).casefold()
    return (_BESIDE.sub("", text) or text).translate(_LEFT_OUT) or heading.strip().lower()


def _is_like_a_number(heading: str) -> bool:
    """Whether a person's number may stand there, in a file without a header."""
    return _LOOKS_LIKE_A_NUMBER.search(heading[:200]) is not None


def _told(heading: str) -> str:
    """A heading as an error may name it: never a number."""
    return "(a number)" if _is_like_a_number(heading) else heading.strip() or "(no name)"


def find_columns(
    header: Sequence[str],
    parameters: Sequence[str],
    chosen: Mapping[str, str] | None = None,
    *,
    languages: bool = False,
) -> Columns:
    """Matches a header with what is needed; `chosen` names columns: `to`, `reference`, `language` or a parameter →
    header. `languages`: whether the template has several, so that a column of that name says which.

    Raises InvalidColumns that lists what the file has.
    """
    names = [folded(h) for h in header]
    exact = [h.strip() for h in header]
    has = ", ".join(_told(h) for h in header[:30])[:300]
    chosen = chosen or {}
    for wanted, column in chosen.items():
        if wanted not in {"to", "reference", "language", "event_at", *parameters}:
            raise InvalidColumns(
                f"columns names {wanted[:40]!r}, which is neither to, reference, language, event_at nor a parameter "
                "of the template.",
                f"/columns/{wanted[:40]}",
            )
        if folded(column) not in names:
            raise InvalidColumns(
                f"The file has no column {column[:40]!r}. It has: {has}.", f"/columns/{wanted[:40]}"
            )

    def position(key: str, usual: Sequence[str]) -> int | None:
        wanted = (chosen[key],) if key in chosen else usual
        for name in wanted:
            # Of headings that differ in such marks only, the one that is written so is meant.
            if name.strip() in exact:
                return exact.index(name.strip())
            if folded(name) in names:
                return names.index(folded(name))
        return None

    number = position("to", NUMBER_HEADERS)
    if number is None:
        if any(_is_like_a_number(h) for h in header):
            raise InvalidColumns(
                "The first row holds what looks like a phone number: the file has no header. Put a row above that "
                "names its columns, such as phone and name.",
                "/file",
            )
        raise InvalidColumns(
            f"The file has no column for the phone number. Name one phone, or say which it is with columns. "
            f"It has: {has}.",
            "/file",
        )
    found = [(p, position(p, (p, *PARAMETER_HEADERS.get(p, ())))) for p in parameters]
    missing = [p for p, at in found if at is None]
    if missing:
        raise InvalidColumns(
            f"The template needs {', '.join(missing)}, and the file has no such column. It has: {has}.",
            "/file",
        )
    places = tuple((p, at) for p, at in found if at is not None)
    language = None
    if "language" not in parameters and (languages or "language" in chosen):
        taken = {at for _, at in places} | {number}
        language = position("language", LANGUAGE_HEADERS)
        language = None if language in taken and "language" not in chosen else language
    event_at = None if "event_at" in parameters else position("event_at", ("event_at",))
    return Columns(number, position("reference", REFERENCE_HEADERS), places, len(names), language, event_at)


def shown(columns: Columns, header: Sequence[str]) -> dict[str, str]:
    """What each thing that is needed is taken from: `to`, `reference` … or a parameter → heading."""
    places = {
        "to": columns.number,
        "reference": columns.reference,
        "language": columns.language,
        "event_at": columns.event_at,
        **dict(columns.parameters),
    }
    return {name: header[at].strip() for name, at in places.items() if at is not None}


def in_use(columns: Columns) -> tuple[int, ...]:
    """The positions that a row is read at, in order."""
    others = (columns.number, columns.reference, columns.language, columns.event_at)
    return tuple(sorted({at for at in (*others, *(at for _, at in columns.parameters)) if at is not None}))
