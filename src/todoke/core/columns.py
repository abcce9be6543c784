"""Which column of a list is what: the phone number, the reference, a parameter of the template."""

from collections.abc import Mapping, Sequence

import msgspec

from todoke.core.errors import TodokeError

NUMBER_HEADERS = (
    *("to", "phone", "phone_number", "number", "mobile", "mobile_number", "tel", "telephone", "cell"),
    *("電話", "手機", "手機號碼", "電話號碼", "行動電話", "聯絡電話"),
    *("携帯", "携帯電話", "携帯番号", "電話番号"),
    *("เบอร์โทร", "เบอร์โทรศัพท์", "เบอร์มือถือ", "โทรศัพท์"),
)
REFERENCE_HEADERS = (
    *("reference", "ref", "order", "order_id", "order_number"),
    *("訂單編號", "注文番号", "หมายเลขคำสั่งซื้อ"),
)
LANGUAGE_HEADERS = ("language", "lang", "locale", "語言", "語系", "言語", "ภาษา")


class InvalidColumns(TodokeError):
    """The columns of a list do not give what the template needs."""

    code = "invalid-columns"


class Columns(msgspec.Struct, frozen=True):
    """Positions in a row. `width` is the number of cells of the header."""

    number: int
    reference: int | None
    parameters: tuple[tuple[str, int], ...]
    width: int
    language: int | None = None
    event_at: int | None = None


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
    names = [h.strip().lower() for h in header]
    has = ", ".join(h.strip() or "(no name)" for h in header[:30])[:300]
    chosen = chosen or {}
    for wanted, column in chosen.items():
        if wanted not in {"to", "reference", "language", "event_at", *parameters}:
            raise InvalidColumns(
                f"columns names {wanted[:40]!r}, which is neither to, reference, language, event_at nor a parameter "
                "of the template.",
                f"/columns/{wanted[:40]}",
            )
        if column.strip().lower() not in names:
            raise InvalidColumns(
                f"The file has no column {column[:40]!r}. It has: {has}.", f"/columns/{wanted[:40]}"
            )

    def position(key: str, usual: Sequence[str]) -> int | None:
        wanted = (chosen[key],) if key in chosen else usual
        return next((names.index(w.strip().lower()) for w in wanted if w.strip().lower() in names), None)

    number = position("to", NUMBER_HEADERS)
    if number is None and len(header) == 1 and any(separator in header[0] for separator in ";\t|"):
        raise InvalidColumns(
            f"The header is one cell: {has}. Save the file with commas between the cells.", "/file"
        )
    if number is None:
        raise InvalidColumns(
            f"The file has no column for the phone number. Name one phone, or say which it is with columns. "
            f"It has: {has}.",
            "/file",
        )
    found = [(p, position(p, (p,))) for p in parameters]
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
