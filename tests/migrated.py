"""A migrated, empty database, made once and copied: most tests are about something else than making tables."""

from __future__ import annotations

import tempfile
from pathlib import Path

from todoke.storage.database import Database

_made: list[bytes] = []


async def put_database(path: Path) -> None:
    """Puts one there, unless something stands there already. Who opens it migrates it as ever, and finds it done."""
    if not _made:
        with tempfile.TemporaryDirectory() as folder:
            database = Database(f"sqlite:///{folder}/made.db")
            await database.migrate()
            await database.close()
            _made.append((Path(folder) / "made.db").read_bytes())
    _put(path)


def _put(path: Path) -> None:
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(_made[0])
