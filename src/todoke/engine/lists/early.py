"""What can be said of a file before all of it has come: that it will never be a list."""

from pathlib import Path

from todoke.engine.lists import MAX_RECORD
from todoke.engine.lists.kinds import kind_of
from todoke.engine.lists.refused import not_a_list

_LOOKED_AT = 4 * MAX_RECORD


def refuse_early(path: Path, before: int) -> None:
    """Looks at the beginning of an upload of which `before` bytes were here already. Raises FileRefused."""
    size = path.stat().st_size
    if before >= _LOOKED_AT or size < 4096:
        return
    with path.open("rb") as file:
        head = file.read(4)
        if head == b"PK\x03\x04":  # its directory comes last
            return
        if before < 4096:
            kind_of(path)
        if size < _LOOKED_AT:
            return
        file.seek(0)
        begin = file.read(_LOOKED_AT)
    if b"\n" not in begin and b"\r" not in begin:
        raise not_a_list(f"Line 1 is longer than {MAX_RECORD:,} characters. A list has one row a line.")
