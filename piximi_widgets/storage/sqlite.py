"""Facts about the SQLite library and the file system under a database."""

from __future__ import annotations

import os
import sqlite3
import tempfile
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
