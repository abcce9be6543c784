"""Copies SQLite's log into the file beside the writers, not in the middle of their commits.

In WAL mode every change goes to a log first and is copied into the file later (https://www.sqlite.org/wal.html).
SQLite leaves that to whichever commit finds the log over 1,000 pages: under load every second one, which then takes 10
to 30 ms more, while whoever wants to write waits. Copied by a connection of its own, it is in nobody's way.
"""

import asyncio
import sqlite3

SECONDS = 0.5
"""From the first commit to the copying."""
MOST_PAGES = 16_384
"""Of the log (64 MB). Beyond it a commit copies the rest itself, as one must now and then while nobody else writes, for
the log to begin anew. By then there is little left to copy."""


class Log:
    """The log of one database."""

    def __init__(self, path: str) -> None:
        """`path`: empty for a database in memory, which has no log."""
        self._path = path
        self._due: asyncio.TimerHandle | None = None
        self._copying: asyncio.Future[None] | None = None
        self._connection: sqlite3.Connection | None = None

    def written(self) -> None:
        """Something was committed."""
        if self._due is None and self._copying is None and self._path:
            self._due = asyncio.get_running_loop().call_later(SECONDS, self._begin)

    def _begin(self) -> None:
        self._due = None
        self._copying = asyncio.get_running_loop().run_in_executor(None, self._copy)
        self._copying.add_done_callback(self._end)

    def _end(self, done: asyncio.Future[None]) -> None:
        self._copying = None
        if not done.cancelled():
            done.exception()

    def _copy(self) -> None:
        """Whatever keeps it from it, the next commit beyond MOST_PAGES will do it, and say what is wrong."""
        try:
            if self._connection is None:
                self._connection = sqlite3.connect(
                    self._path, timeout=0, isolation_level=None, check_same_thread=False
                )
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    async def close(self) -> None:
        """Returns when nothing of it is at work any more."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        if self._copying is not None:
            await asyncio.wait([self._copying])
        if self._connection is not None:
            self._connection.close()
            self._connection = None
