"""Putting a backup, or what can still be read, in the place of a damaged or missing database."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..errors import NewerVersionError
from .backups import TIME_FORMAT, Backup, Kind, backups, opened
from .copies import BACKUPS_FOLDER, BESIDE, set_aside, write_copy
from .files import sync_folder
from .locks import FileLock
from .places import logs_of, size_of
from .salvage import salvage
from .wal import damage_of

_LOOK = "Open it and call check() to see what is missing"


def restore(kind: Kind, database: Path, backup: str | os.PathLike[str] | None) -> Path:
    """Put a backup in a database's place and print which.

    Parameters
    ----------
    kind : Kind
    database : Path
    backup : path-like, optional
        A file in ``backups/``, or the path of one. By default the newest intact one, or what is left of the database
        itself where that holds as much.

    Returns
    -------
    Path
        The backup, or the old file at its new path ``<name>-damaged-<time>.db`` (``-replaced-`` if it was intact).

    Raises
    ------
    PiximiError
        `kind.error`: somebody has it open; it is intact and no backup is named; the backup is damaged; or nothing can be
        read.
    NewerVersionError
        A newer version wrote the backup that is named.
    """
    called = kind.called(database)
    users = FileLock(database.with_name(f"{database.name}-open-lock"))
    writers = FileLock(database.with_name(f"{database.name}-lock"))
    try:
        # Before anything is read: to close a file that SQLite has open in this process would drop its locks.
        if not users.acquire():
            raise kind.error(
                f"The {called} is open, here or in another program; close it everywhere and try again."
            )
        if not writers.acquire(blocking=True):
            raise kind.error(f"The {called} is being written; close it everywhere and try again.")
        with tempfile.TemporaryDirectory(dir=database.parent, prefix=".restore-") as scratch:
            current = _current(kind, database, Path(scratch))
            prepared = Path(scratch) / "restored.db"
            source, told = _chosen(kind, database, backup, current, prepared)
            there = database.exists()
            state = "replaced" if current.intact else "damaged"
            stamp = datetime.now(UTC).strftime(TIME_FORMAT)
            aside = set_aside(database, _free_name(database, f"{database.stem}-{state}-{stamp}"))
            os.replace(prepared, database)
            sync_folder(database.parent)
    except OSError as error:
        raise kind.error(
            f"The {called} could not be restored ({error.strerror or error}). Make room, or mend the folder's rights, and"
            " try again."
        ) from error
    finally:
        writers.release()
        users.release()
    kept = f" What was there is kept as {aside.name}." if there else ""
    print(f"Restored the {kind.what} {kind.place(database)} from {told}.{kept}")
    return source or aside


@dataclass(frozen=True)
class _Current:
    """What is known of the file that is to be replaced.

    Attributes
    ----------
    copy : Path or None
        A copy of it with its log, which may be changed; None where it is missing or empty.
    count : int or None
        How much it holds as far as its log is whole; None where its pages are damaged.
    intact : bool
        Its log, too.
    """

    copy: Path | None
    count: int | None
    intact: bool


def _current(kind: Kind, database: Path, scratch: Path) -> _Current:
    """Look at a copy of the present file, into which SQLite may take its log."""
    if not size_of(database):
        return _Current(None, None, False)
    copy = scratch / database.name
    for file in (database, *logs_of(database)):
        if file.exists():
            # Not renamed or linked: the old file stays as it is, byte by byte.
            shutil.copyfile(file, copy.with_name(file.name))
    count = None
    try:
        with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            page_size = connection.execute("PRAGMA page_size").fetchone()[0]
            if not size_of(database) % page_size:
                count = kind.held(connection)
    except sqlite3.DatabaseError:
        count = None
    return _Current(copy, count, count is not None and damage_of(logs_of(database)[0]) is None)


def _chosen(
    kind: Kind, database: Path, backup: str | os.PathLike[str] | None, current: _Current, target: Path
) -> tuple[Path | None, str]:
    """Write what is to be put in place to `target`; the backup that it is, if any, and a description."""
    found = backups(kind, database)
    names = ", ".join(one.path.name for one in found)
    if backup is not None:
        chosen = Path(backup)
        chosen = chosen if chosen.is_file() else database.parent / BACKUPS_FOLDER / chosen.name
        if not chosen.is_file():
            raise kind.error(f"There is no backup {str(backup)!r}; there are: {names or 'none'}.")
        return chosen, _taken(kind, chosen, target)
    if current.intact:
        raise kind.error(
            f"The {kind.called(database)} is intact, so nothing was done. Name a backup to go back to it:"
            f" {names or 'there is none'}."
        )
    newest, passed = _newest_intact(found)
    least = 0 if newest is None else newest[0]
    reason = ""
    if current.copy is not None and current.count is not None:
        if current.count >= least:
            with closing(sqlite3.connect(current.copy, isolation_level=None)) as connection:
                write_copy(connection, target)
            return (
                None,
                f"its own file, as far as that is whole: {kind.counted(current.count)}. {_LOOK}",
            )
    elif newest is None or kind.rest_counts:
        try:
            count, told = _salvaged(kind, current, target.with_name("salvaged.db"))
        except sqlite3.DatabaseError as error:
            reason = str(error)
        else:
            if count >= least:
                os.replace(target.with_name("salvaged.db"), target)
                return None, f"what could still be read: {told}. {_LOOK}"
    if newest is None:
        raise kind.error(
            f"There is no intact backup of the {kind.called(database)}, and nothing of the file can be read"
            f" ({reason}); it was left as it is."
        )
    over = f". Newer backups are of no use and were passed over: {'; '.join(passed)}" if passed else ""
    return newest[1].path, _taken(kind, newest[1].path, target) + over


def _newest_intact(found: list[Backup]) -> tuple[tuple[int, Backup] | None, list[str]]:
    """The newest backup that can be used, with how much it holds; and what is wrong with those after it.

    Those that seem to be of the future come last: nobody knows how old they are.
    """
    passed: list[str] = []
    for backup in sorted(found, key=lambda one: one.is_of_the_future):
        count = backup.count()
        newer = backup.kind.is_newer(backup.path)
        if count is not None and not newer:
            return (count, backup), passed
        state = "by a newer version of piximi_widgets" if newer else "damaged"
        passed.append(f"{backup.path.name} ({state})")
    return None, passed


def _salvaged(kind: Kind, current: _Current, target: Path) -> tuple[int, str]:
    """Write what can be read of a damaged file; how much that is, and a description.

    Raises
    ------
    sqlite3.DatabaseError
        If that is nothing, or of no use.
    """
    if current.copy is None:
        raise sqlite3.DatabaseError("it is empty")
    counts = salvage(current.copy, target, application_id=kind.application_id, migrations=kind.migrations)
    with opened(target) as connection:
        count = kind.held(connection)
        if connection is None or count is None:
            raise sqlite3.DatabaseError("what was read is not whole")
        return count, kind.salvaged(connection, counts)


def _taken(kind: Kind, backup: Path, target: Path) -> str:
    """Copy a backup; returns a description of it."""
    if kind.is_newer(backup):
        raise NewerVersionError(
            f"The backup {backup} was written by a newer version of piximi_widgets; nothing was changed. Update with:"
            " pip install -U piximi-widgets"
        )
    with opened(backup) as connection:
        if connection is None or (count := kind.held(connection)) is None:
            raise kind.error(f"The backup {backup} is damaged or no {kind.what}; it was left as it is.")
        write_copy(connection, target)
    return f"{backup.name} with {kind.counted(count)}"


def _free_name(database: Path, stem: str) -> str:
    """A name that no file has, so that a second restore in one second keeps what the first one has kept."""
    name, number = f"{stem}.db", 1
    while any((database.parent / f"{name}{ending}").exists() for ending in BESIDE):
        number += 1
        name = f"{stem}-{number}.db"
    return name
