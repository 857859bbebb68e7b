"""Copies of a database that is in use: whole, verified, and one file each."""

from __future__ import annotations

import errno
import os
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from .files import sync_folder
from .locks import FileLock
from .places import logs_of, size_of

BACKUPS_FOLDER = "backups"
"""Where the copies of a database lie, beside it."""

BESIDE = ("", "-wal", "-shm", "-journal")
"""The endings of a database's files."""


class CopyStopped(Exception):
    """A copy was given up because its caller said so; nothing is left of it."""


def write_copy(
    source: sqlite3.Connection,
    target: Path,
    *,
    pages: int = -1,
    step: Callable[[int, int], object] | None = None,
) -> None:
    """Write a copy of an open database with SQLite's backup interface.

    The copy appears under its name when it is complete, has passed ``PRAGMA quick_check``, and is on disk. It
    is in rollback-journal mode, so that it is one file which can be read anywhere.

    Parameters
    ----------
    source : sqlite3.Connection
        Inside a read transaction the copy shows its moment; outside of one SQLite begins anew when another
        connection commits between two steps.
    target : Path
        Its folder is made when it is missing; a file of that name is replaced.
    pages : int
        How many pages are copied in one step; all by default.
    step : callable, optional
        Called after each step with the numbers of remaining and of all pages; may sleep, or raise to end the
        copy.

    Raises
    ------
    sqlite3.DatabaseError
        If the source is damaged, or the copy cannot be written.
    OSError
        If the folder cannot be written, or the file in the target's place is in use or was not closed.
    """
    _refuse_used(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name[:60]}.{uuid.uuid4().hex[:8]}.part")
    try:
        with closing(sqlite3.connect(part, isolation_level=None)) as copy:
            # Synced once, below.
            copy.execute("PRAGMA synchronous=OFF")
            source.backup(copy, pages=pages, progress=lambda _, *pages: step(*pages) if step else None)
            copy.execute("PRAGMA journal_mode=DELETE").fetchall()
            if found := defects(copy, quick=True):
                raise sqlite3.DatabaseError(f"database disk image is malformed: {found[0]}")
        _sync(part)
        _refuse_used(target)
        os.replace(part, target)
    except BaseException:
        for ending in BESIDE:
            Path(f"{part}{ending}").unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def defects(connection: sqlite3.Connection, *, quick: bool = False) -> list[str]:
    """What SQLite finds wrong with a database's structure; empty where it is intact."""
    check = "quick_check" if quick else "integrity_check"
    try:
        rows = connection.execute(f"PRAGMA {check}(100)").fetchall()
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return [str(row[0]) for row in rows if row[0] != "ok"]


def open_copy(path: Path) -> sqlite3.Connection:
    """A connection that reads a copy and never changes it."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)


def set_aside(path: Path, name: str) -> Path:
    """Give a database, and what lies beside it, another name in the same folder; returns the new path.

    The database itself goes first: a log that stays behind alone is harmless, one that met another database
    would damage it.
    """
    aside = path.with_name(name)
    for ending in BESIDE:
        old = Path(f"{path}{ending}")
        if old.exists():
            os.replace(old, f"{aside}{ending}")
    sync_folder(path.parent)
    return aside


def is_open(path: Path) -> bool:
    """Whether a `Database` has the file open, in this process or in another one."""
    return FileLock.is_held(path.with_name(f"{path.name}-open-lock"))


def _refuse_used(target: Path) -> None:
    """Raise OSError where a file in the target's place has users, or a log that would meet the copy and damage it."""
    if is_open(target):
        raise OSError(
            errno.EBUSY, "a database of that name is open; choose another place, or close it", str(target)
        )
    for log in logs_of(target):
        if size_of(log):
            raise OSError(
                errno.EEXIST,
                f"{log.name} lies there, since the database of that name was not closed; choose another place, or"
                " open that one once and close it",
                str(target),
            )


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
