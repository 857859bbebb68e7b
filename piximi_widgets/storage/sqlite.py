"""What SQLite and the file system under it can do, and what they say when they cannot."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path


def has_wal_reset_bug(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> bool:
    """Whether this SQLite can damage a WAL database when two connections write and checkpoint at once.

    SQLite 3.7.0 to 3.51.2 have the defect; it is mended in 3.51.3, 3.50.7 and 3.44.6.
    """
    if version >= (3, 51, 3):
        return False
    return not ((3, 50, 7) <= version < (3, 51, 0) or (3, 44, 6) <= version < (3, 45, 0))


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


def is_damage(exception: BaseException | None) -> bool:
    """Whether SQLite found a database damaged, or no database at all."""
    text = str(exception).lower()
    return isinstance(exception, sqlite3.DatabaseError) and (
        "malformed" in text or "unsupported file format" in text or is_foreign(exception)
    )


def is_foreign(exception: BaseException | None) -> bool:
    """Whether SQLite does not know a file as a database."""
    return isinstance(exception, sqlite3.DatabaseError) and "not a database" in str(exception).lower()


def explanation(exception: sqlite3.DatabaseError, path: Path, waited: float, read_only: bool) -> str | None:
    """What a person can do about an SQLite error, or None when it is a programming error.

    Parameters
    ----------
    exception : sqlite3.DatabaseError
    path : Path
        The database.
    waited : float
        Seconds that another process' lock was waited for.
    read_only : bool
        Whether the database is open for reading only.
    """
    text = str(exception).lower()
    if "full" in text:
        return (
            "could not be written: the disk is full. Make room and try again; what was saved before is safe."
        )
    if "locked" in text or "busy" in text:
        return (
            f"was being written by another process for {waited:g} seconds. Try again; if it stays so, close"
            " the other programs that have it open."
        )
    if is_damage(exception):
        return "is damaged or is not a database; it was left as it is."
    if "readonly" in text and read_only:
        return (
            "was left in the middle of a change by a process that did not end well. Open it once for"
            " writing, which takes that change back."
        )
    if "readonly" in text:
        return "may not be written: check the file's rights, or open it read-only."
    if "unable to open" in text and path.exists() and not os.access(path.parent, os.W_OK):
        return "may not be written: its folder is read-only. Open it read-only, or copy the folder."
    if "disk i/o" in text:
        return (
            f"could not be read or written ({exception}): the disk may be full, gone or damaged. Make room,"
            " check the disk and try again; what was saved before is safe."
        )
    if "unable to open" in text:
        return f"cannot be reached ({exception}). Check the folder, its rights and the disk."
    return None
