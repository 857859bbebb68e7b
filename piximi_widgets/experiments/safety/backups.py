"""Copies of a store's database, and putting one of them back in its place."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import StoreError
from ...storage import Database, restoring
from ...storage import backups as copies
from ...storage.backups import BY_HAND, Backup, Kind
from ...storage.copies import is_open
from ...storage.places import logs_of, size_of
from ...storage.rolling_backups import RollingBackups
from ..own_files import refuse_own
from ..sql.schema import APPLICATION_ID, MIGRATIONS
from . import sql

if TYPE_CHECKING:
    from ..store import ExperimentStore


def _salvaged(connection: sqlite3.Connection, counts: Mapping[str, int]) -> str:
    if not counts.get("experiment"):
        raise sqlite3.DatabaseError("no experiment could be read")
    return f"{sql.count_rows(connection):,} rows"


STORE = Kind(
    what="store",
    place=lambda database: database,
    preposition="",
    call=lambda database: f"piximi_widgets.ExperimentStore.restore({str(database)!r})",
    application_id=APPLICATION_ID,
    migrations=MIGRATIONS,
    error=StoreError,
    unit="row",
    count=sql.count_rows,
    # Not everything: lab-2.db beside lab.db is another store.
    others=r"before-schema-\d+",
    salvaged=_salvaged,
    rest_counts=True,
)
"""What copies of a store are."""


def backups(database: Path) -> list[Backup]:
    """The backups of a store in ``backups`` beside it, the newest first."""
    return copies.backups(STORE, database)


def rolling_backups(database: Database) -> RollingBackups:
    """Those that a project's store makes unasked; one that was not written since needs none."""

    def is_unchanged(newest: Backup) -> bool:
        # Rows alone would not tell: a name or a status changes none of their numbers.
        written = [file for file in (database.path, logs_of(database.path)[0]) if size_of(file)]
        return all(file.stat().st_mtime < newest.time.timestamp() for file in written)

    return RollingBackups(STORE, database, sql.first_time, is_unchanged)


def advice(database: Path) -> str:
    """What can be done about a damaged store: its backups, and the call that restores."""
    return copies.advice(STORE, database)


def refuse_lost(database: Path) -> None:
    """Refuse a store whose file is gone or empty although there are backups of it.

    Raises
    ------
    StoreError
        With the backups, and the call that restores.
    """
    state = copies.lost_state(database)
    if state is not None and backups(database):
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
        path = copies.free_path(database.path, BY_HAND)
    else:
        path = Path(os.path.abspath(path))
        path = path / f"{database.path.stem}-backup.db" if path.is_dir() else path
        refuse_own(store, path)
        # One that is in use is refused when the copy is written, with the reason.
        if path.exists() and not is_open(path):
            with copies.opened(path) as connection:
                if STORE.held(connection) is None:
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
    return restoring.restore(STORE, database, backup)
