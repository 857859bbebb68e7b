"""Copies of a store's database, and putting one of them back in its place."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import NewerVersionError, StoreError
from ...storage import FileLock
from ...storage.copies import BACKUPS_FOLDER, BESIDE, defects, is_open, open_copy, set_aside, write_copy
from ...storage.files import sync_folder
from ...storage.places import logs_of
from ...storage.salvage import salvage
from ...storage.wal import damage_of
from ..own_files import refuse_own
from ..sql.schema import APPLICATION_ID, MIGRATIONS
from . import sql

if TYPE_CHECKING:
    from ..store import ExperimentStore

TIME_FORMAT = "%Y%m%dT%H%M%SZ"
_SHOWN = 3


@dataclass(frozen=True)
class Backup:
    """A copy of a store's database.

    Attributes
    ----------
    path : Path
    time : datetime
        In UTC.
    rolling : bool
        Made in the background, and deleted when newer ones are there.
    """

    path: Path
    time: datetime
    rolling: bool

    def rows(self) -> int | None:
        """How many rows it holds; None when it is damaged or no store."""
        with _opened(self.path) as connection:
            return _rows(connection)

    def __str__(self) -> str:
        rows = self.rows()
        held = "damaged" if rows is None else f"with {rows:,} rows"
        return f"{self.path.name} of {self.time:%Y-%m-%d %H:%M} UTC, {held}"


def backups(database: Path) -> list[Backup]:
    """The backups of a store in ``backups`` beside it, the newest first."""
    try:
        names = os.listdir(database.parent / BACKUPS_FOLDER)
    except OSError:
        return []
    stem = re.escape(database.stem)
    timed = re.compile(rf"{stem}-(\d{{8}}T\d{{6}}Z)(-by-hand(?:-\d+)?)?\.db")
    before = re.compile(rf"{stem}-before-schema-\d+\.db")
    found = []
    for name in names:
        path = database.parent / BACKUPS_FOLDER / name
        if match := timed.fullmatch(name):
            made = datetime.strptime(match[1], TIME_FORMAT).replace(tzinfo=UTC)
            found.append(Backup(path, made, match[2] is None))
        elif before.fullmatch(name):
            found.append(Backup(path, datetime.fromtimestamp(path.stat().st_mtime, UTC), False))
    return sorted(found, key=lambda backup: (backup.time, backup.path.name), reverse=True)


def advice(database: Path) -> str:
    """What can be done about a damaged store: its backups, and the call that restores."""
    call = f"piximi_widgets.ExperimentStore.restore({str(database)!r})"
    found = backups(database)
    if not found:
        return f"There is no backup; {call} puts what can still be read of it in its place."
    listed = "; ".join(map(str, found[:_SHOWN])) + (" …" if len(found) > _SHOWN else "")
    number = f"are {len(found)} backups" if len(found) > 1 else "is a backup"
    return f"There {number} in {database.parent / BACKUPS_FOLDER}: {listed}. {call} puts the newest intact one in its place."


def refuse_lost(database: Path) -> None:
    """Refuse a store whose file is gone or empty although there are backups of it.

    Raises
    ------
    StoreError
        With the backups, and the call that restores.
    """
    try:
        if database.stat().st_size:
            return
        state = "is empty"
    except OSError:
        state = "is missing"
    if backups(database):
        raise StoreError(
            f"{database} {state}, although there was a store; nothing was changed. {advice(database)}"
        )


def make_backup(store: ExperimentStore, path: Path | None) -> Path:
    """Write a copy of an open store's database; by default among its backups, under a name of the time.

    Raises
    ------
    StoreError
        The copy cannot be written, or `path` is the store itself, no backup, or in use.
    """
    database = store.database
    if path is None:
        stem = f"{database.path.stem}-{datetime.now(UTC).strftime(TIME_FORMAT)}-by-hand"
        path, number = database.path.parent / BACKUPS_FOLDER / f"{stem}.db", 1
        while path.exists():
            number += 1
            path = path.with_name(f"{stem}-{number}.db")
    else:
        path = Path(os.path.abspath(path))
        path = path / f"{database.path.stem}-backup.db" if path.is_dir() else path
        refuse_own(store, path)
        # One that is in use is refused when the copy is written, with the reason.
        if path.exists() and not is_open(path):
            with _opened(path) as connection:
                if _rows(connection) is None:
                    raise StoreError(f"{path} is there and is no backup of a store; it is not replaced.")
    try:
        database.copy(path)
    except OSError as error:
        raise StoreError(
            f"No backup of {database.path} could be made at {path} ({error.strerror or error}). Make room, or mend the"
            " rights of the folder."
        ) from error
    except sqlite3.DatabaseError as error:
        raise StoreError(f"No backup of {database.path} could be made at {path} ({error}).") from error
    return path


def restore(database: Path, backup: str | os.PathLike[str] | None) -> Path:
    """See ``ExperimentStore.restore``."""
    if not database.exists() and not backups(database) and backup is None:
        raise StoreError(f"There is no experiment store at {database}, and no backup of one.")
    users = FileLock(database.with_name(f"{database.name}-open-lock"))
    writers = FileLock(database.with_name(f"{database.name}-lock"))
    try:
        # Before anything is read: to close a file that SQLite has open in this process would drop its locks.
        if not users.acquire():
            raise StoreError(
                f"The store {database} is open, here or in another program; close it everywhere and try again."
            )
        if not writers.acquire(blocking=True):
            raise StoreError(f"The store {database} is being written; close it everywhere and try again.")
        with tempfile.TemporaryDirectory(dir=database.parent, prefix=".restore-") as scratch:
            prepared = Path(scratch) / "restored.db"
            source, told = _chosen(database, backup, Path(scratch), prepared)
            there = database.exists()
            stamp = datetime.now(UTC).strftime(TIME_FORMAT)
            aside = set_aside(database, _free_name(database, f"{database.stem}-damaged-{stamp}"))
            os.replace(prepared, database)
            sync_folder(database.parent)
    except OSError as error:
        raise StoreError(
            f"The store {database} could not be restored ({error.strerror or error}). Make room, or mend the folder's"
            " rights, and try again."
        ) from error
    finally:
        writers.release()
        users.release()
    kept = f" What was there is kept as {aside.name}." if there else ""
    print(f"Restored the store {database} from {told}.{kept}")
    return source or aside


def _chosen(
    database: Path, backup: str | os.PathLike[str] | None, scratch: Path, target: Path
) -> tuple[Path | None, str]:
    """Write what is to be put in place to `target`; the backup that it is, if any, and a description."""
    found = backups(database)
    if backup is not None:
        chosen = Path(backup)
        chosen = chosen if chosen.is_file() else database.parent / BACKUPS_FOLDER / chosen.name
        if not chosen.is_file():
            names = ", ".join(one.path.name for one in found) or "none"
            raise StoreError(f"There is no backup {str(backup)!r}; there are: {names}.")
        return chosen, _taken(chosen, target)
    saved = scratch / "saved.db"
    rows, how = _saved(database, scratch, saved, [one.path.name for one in found])
    newest, passed = _newest_intact(found)
    if newest is not None and newest[0] > (rows or 0):
        over = f". Newer backups are of no use and were passed over: {'; '.join(passed)}" if passed else ""
        return newest[1].path, _taken(newest[1].path, target) + over
    if not rows:
        raise StoreError(
            f"There is no intact backup of {database}, and nothing of the file can be read; it was left as it is."
        )
    os.replace(saved, target)
    return None, f"{how}: {rows:,} rows. Open it and call check() to see what is missing"


def _newest_intact(found: list[Backup]) -> tuple[tuple[int, Backup] | None, list[str]]:
    """The newest backup that can be used, with its number of rows; and what is wrong with those after it."""
    passed: list[str] = []
    for backup in found:
        rows = backup.rows()
        if rows is not None and not _is_newer(backup.path):
            return (rows, backup), passed
        state = "damaged" if rows is None else "by a newer version of piximi_widgets"
        passed.append(f"{backup.path.name} ({state})")
    return None, passed


def _saved(database: Path, scratch: Path, target: Path, names: list[str]) -> tuple[int | None, str]:
    """Write what can be read of the present file; how many rows that are, and how they were got."""
    if not database.exists() or not database.stat().st_size:
        return None, ""
    # Copied byte by byte, since SQLite takes the log into what it opens.
    copy = scratch / database.name
    for file in (database, *logs_of(database)):
        if file.exists():
            shutil.copyfile(file, copy.with_name(file.name))
    whole_log = damage_of(logs_of(database)[0]) is None
    rows = None
    with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        if not database.stat().st_size % sql.page_size(connection):
            rows = _rows(connection)
        if rows is not None:
            if whole_log:
                raise StoreError(
                    f"The store {database} is intact, so nothing was done. Name a backup to go back to it:"
                    f" {', '.join(names) or 'there is none'}."
                )
            write_copy(connection, target)
            return rows, "its own file, as far as that is whole"
    with suppress(sqlite3.DatabaseError):
        salvage(copy, target, application_id=APPLICATION_ID, migrations=MIGRATIONS)
        with _opened(target) as opened:
            rows = _rows(opened)
            if opened is None or not sql.count_all_experiments(opened):
                rows = None
    return rows, "what could still be read"


def _taken(backup: Path, target: Path) -> str:
    """Copy a backup; returns a description of it."""
    if _is_newer(backup):
        raise NewerVersionError(
            f"The backup {backup} was written by a newer version of piximi_widgets; nothing was changed. Update with:"
            " pip install -U piximi-widgets"
        )
    with _opened(backup) as connection:
        if connection is None or (rows := _rows(connection)) is None:
            raise StoreError(f"The backup {backup} is damaged or no store; it was left as it is.")
        write_copy(connection, target)
    return f"{backup.name} with {rows:,} rows"


def _free_name(database: Path, stem: str) -> str:
    name, number = f"{stem}.db", 1
    while any((database.parent / f"{name}{ending}").exists() for ending in BESIDE):
        number += 1
        name = f"{stem}-{number}.db"
    return name


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection | None]:
    try:
        connection = open_copy(path)
    except sqlite3.Error:
        yield None
        return
    with closing(connection):
        yield connection


def _is_newer(path: Path) -> bool:
    with _opened(path) as connection:
        try:
            application_id, version = sql.identity(connection) if connection is not None else (0, 0)
        except sqlite3.DatabaseError:
            return False
    return application_id == APPLICATION_ID and version > len(MIGRATIONS)


def _rows(connection: sqlite3.Connection | None) -> int | None:
    """The number of rows in an intact store's database, else None."""
    if connection is None or defects(connection, quick=True):
        return None
    try:
        application_id, version = sql.identity(connection)
        return sql.count_rows(connection) if application_id == APPLICATION_ID and version else None
    except sqlite3.DatabaseError:
        return None
