"""The state file: records in the order in which things happened, each with its length and a checksum.

A record is written before the answer that tells of it, so a killed emulator has lost nothing that anybody was
told. The system writes to the disk when it likes: a power cut may take the last seconds.
"""

from __future__ import annotations

import fcntl
import logging
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec

from line_emulator.ids import Run

MAGIC = b"line-emulator state\n"
FORMAT = 1
LARGEST = 64 * 1024 * 1024
"""Bytes of one record; anything that claims to be longer is damage."""
_HEAD = 8


class BadStateFile(Exception):
    """The file can't be used; the text names it and the remedy."""


class Header(msgspec.Struct):
    """The first record. `emulator`: the version that made the file."""

    format: int
    emulator: str
    run: Run


class StateFile:
    """An open and locked state file. `size`: its good bytes; `records`: how many it has beside the header.

    `dropped`: bytes of a record at the end that had not been written to its end. `error`: why nothing is
    recorded any more; None as long as all is well.
    """

    def __init__(self, path: Path, fresh_run: Run) -> None:
        """Opens or makes the file. Raises BadStateFile."""
        self.path = path
        self.records = 0
        self.dropped = 0
        self.error: str | None = None
        self._fd = _open(path)
        try:
            self.run = self._begin(fresh_run)
        except BaseException:
            os.close(self._fd)
            raise

    def _begin(self, fresh_run: Run) -> Run:
        start = os.pread(self._fd, len(MAGIC), 0)
        length = os.fstat(self._fd).st_size
        if (length > len(start) and start != MAGIC) or not MAGIC.startswith(start):
            raise BadStateFile(
                f"{self.path} is no state file of the LINE emulator. Name another with --state."
            )
        self.size = len(MAGIC)
        header = self._read() if start == MAGIC else None
        if header is None:
            if length > 4096:
                raise BadStateFile(f"{self.path} is damaged at its beginning. Delete it, or name another.")
            return self._make(fresh_run)
        form = _format(header)
        if form != FORMAT:
            raise BadStateFile(
                f"{self.path} was written by another version of the emulator (format {form}; this one reads "
                f"{FORMAT}). Use that version, or name another file with --state."
            )
        self._first = self.size
        return msgspec.msgpack.decode(header, type=Header).run

    def _make(self, run: Run) -> Run:
        header = Header(FORMAT, _own_version(), run)
        try:
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, MAGIC + _framed(msgspec.msgpack.encode(header)), 0)
        except OSError as error:
            raise BadStateFile(
                f"{self.path} can't be written: {error.strerror}. Name another file."
            ) from None
        self._first = self.size = os.fstat(self._fd).st_size
        return run

    def read(self) -> Iterator[Any]:
        """All records, decoded; then the file is ready to be written on. Raises BadStateFile on damage."""
        decode = msgspec.msgpack.decode
        while (payload := self._read()) is not None:
            self.records += 1
            yield decode(payload)
        length = os.fstat(self._fd).st_size
        self.dropped = length - self.size
        if self.dropped:
            os.ftruncate(self._fd, self.size)

    def _read(self) -> bytes | None:
        """The record at `size`; None at the end, or where a record breaks off there."""
        head = os.pread(self._fd, _HEAD, self.size)
        if len(head) < _HEAD:
            return None
        count, checksum = int.from_bytes(head[:4]), int.from_bytes(head[4:])
        payload = os.pread(self._fd, count, self.size + _HEAD) if count <= LARGEST else b""
        if 0 < count == len(payload) and zlib.crc32(payload) == checksum:
            self.size += _HEAD + count
            return payload
        rest = os.fstat(self._fd).st_size - self.size
        if rest <= _HEAD + count <= _HEAD + LARGEST or not any(os.pread(self._fd, LARGEST, self.size)):
            return None
        raise BadStateFile(
            f"{self.path} is damaged at byte {self.size}, after {self.records} good records. "
            f"To go on with these: truncate -s {self.size} {self.path}"
        )

    def append(self, record: Any) -> None:
        """Writes one record through to the system. After a failure nothing more is recorded, which is said once."""
        if self.error is not None:
            return
        try:
            data = _framed(msgspec.msgpack.encode(record))
        except (ValueError, TypeError, OverflowError) as error:
            self.give_up(f"a record can't be put into it ({error})")
            return
        try:
            written = os.pwrite(self._fd, data, self.size)
            if written < len(data):
                written += os.pwrite(self._fd, data[written:], self.size + written)
            if written < len(data):
                raise OSError(0, "the disk is full")
        except OSError as error:
            self.give_up(f"it can't be written ({error.strerror})")
            return
        self.size += len(data)
        self.records += 1

    def give_up(self, reason: str) -> None:
        """Records nothing any more, and says so once."""
        if self.error is not None:
            return
        self.error = (
            f"The state file {self.path} is given up: {reason}. The emulator goes on without it: "
            "a later start will know what happened up to now, and nothing after."
        )
        logging.getLogger(__name__).error(self.error)
        with suppress(OSError):
            os.ftruncate(self._fd, self.size)

    def clear(self) -> None:
        """Drops all records."""
        self.size, self.records = self._first, 0
        try:
            os.ftruncate(self._fd, self.size)
        except OSError as error:
            self.give_up(f"it can't be emptied ({error.strerror})")

    def close(self) -> None:
        """Closes the file and lets others have it."""
        os.close(self._fd)


def _open(path: Path) -> int:
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
    except FileNotFoundError:
        text = f"{path} can't be opened: there is no folder {path.parent}. Make it, or name another file with --state."
        raise BadStateFile(text) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadStateFile(f"{path} can't be opened: {reason}. Name another file with --state.") from None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise BadStateFile(f"{path} is no ordinary file. Name another with --state.")
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise BadStateFile(
            f"{path} is in use by another emulator. Stop that one, or name another file with --state."
        ) from None
    except BadStateFile:
        os.close(fd)
        raise
    return fd


def _framed(payload: bytes) -> bytes:
    return len(payload).to_bytes(4) + zlib.crc32(payload).to_bytes(4) + payload


def _format(header: bytes) -> Any:
    """The format that a header names, whatever else it says."""
    try:
        found = msgspec.msgpack.decode(header)
    except ValueError:
        return None
    return found.get("format") if isinstance(found, dict) else None


def _own_version() -> str:
    try:
        return version("todoke")
    except PackageNotFoundError:
        return "unknown"
