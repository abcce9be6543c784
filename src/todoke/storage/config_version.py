"""The number that tells whether what a process keeps of keys, channels, templates and the like still holds."""

from sqlalchemy import select

from todoke.storage.bulk import Fetch
from todoke.storage.database import Tx
from todoke.storage.tables import config_version as v

_current = Fetch(select(v.c.version).where(v.c.id == 1))


async def current(tx: Tx) -> int:
    """As this transaction sees it: whoever keeps something under this number has seen all that was committed."""
    rows = await _current(tx)
    return int(rows[0][0])
