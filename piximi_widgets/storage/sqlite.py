"""What SQLite and the file system under it can do, and what they say when they cannot."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

_WAL_VERSION_BYTE = 18


def has_wal_reset_bug(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> bool:
    """Whether this SQLite can damage a WAL database when two connections write and checkpoint at once.

    SQLite 3.7.0 to 3.51.2 have the defect; it is mended in 3.51.3, 3.50.7 and 3.44.6.
    """
    if version >= (3, 51, 3):
        return False
    return not ((3, 50, 7) <= version < (3, 51, 0) or (3, 44, 6) <= version < (3, 45, 0))


def is_wal(path: Path) -> bool:
    """Whether the database file says that it is in WAL mode (byte 18 of SQLite's file format)."""
    try:
        with path.open("rb") as file:
            header = file.read(_WAL_VERSION_BYTE + 1)
    except OSError:
        return False
    return len(header) > _WAL_VERSION_BYTE and header[_WAL_VERSION_BYTE] == 2


@lru_cache(maxsize=64)
def can_use_wal(folder: Path) -> bool:
    """Whether a WAL database works in `folder`, tried with two connections.

    Network file systems often report success and fail at the first write, so the mode's name alone
    proves nothing.
    """
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".probe-", ignore_cleanup_errors=True) as name:
            path = os.path.join(name, "wal.db")
            writer = sqlite3.connect(path, isolation_level=None)
            try:
                mode = writer.execute("PRAGMA journal_mode=WAL").fetchone()[0]
                writer.execute("CREATE TABLE probe (value INTEGER)")
                reader = sqlite3.connect(path, isolation_level=None)
                try:
                    writer.execute("INSERT INTO probe VALUES (7)")
                    found = reader.execute("SELECT value FROM probe").fetchall()
                finally:
                    reader.close()
            finally:
                writer.close()
    except (OSError, sqlite3.Error):
        return False
    return bool(mode == "wal" and found == [(7,)])


def statements(script: str) -> Iterator[str]:
    """The statements of a script one by one, since ``executescript`` would commit between them."""
    statement = ""
    for piece in script.split(";")[:-1]:
        statement += f"{piece};"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    statement += script.rpartition(";")[2]
    if statement.strip():
        yield statement


def explanation(exception: sqlite3.DatabaseError) -> str | None:
    """What a person can do about an SQLite error, or None when it is a programming error."""
    text = str(exception).lower()
    if "full" in text:
        return (
            "could not be written: the disk is full. Make room and try again; what was saved before is safe."
        )
    if "locked" in text or "busy" in text:
        return "was being written by another process for half a minute. Try again."
    if "readonly" in text:
        return "may not be written: check the file's rights, or open it read-only."
    if "not a database" in text or "malformed" in text:
        return "is damaged or is not a database. Restore it from a copy; it was left as it is."
    if "unable to open" in text or "disk i/o" in text:
        return f"cannot be reached ({exception}). Check the folder, its rights and the disk."
    return None
