"""Copies of a database that are kept in ``backups/`` beside it: their names, what they hold, and what is said of them."""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..errors import PiximiError
from .copies import BACKUPS_FOLDER, defects, open_copy
from .findings import some

TIME_FORMAT = "%Y%m%dT%H%M%SZ"
BY_HAND = "-by-hand"
"""The ending of a copy that somebody has asked for, which is never deleted."""

_SHOWN = 3


@dataclass(frozen=True)
class Kind:
    """What one sort of database has of its own where copies of it are kept.

    Attributes
    ----------
    what : str
        For example ``"store"``.
    place : callable
        What a user calls it by, from its path: itself, or its folder.
    preposition : str
        Between `what` and the place in a sentence.
    call : callable
        The Python call that restores one of them, from its path.
    application_id : int
    migrations : sequence of str
        The schema's scripts.
    error : type of PiximiError
        What is raised.
    unit : str
        What is counted to tell how much a copy holds, ``"row"``.
    count : callable
        How many of these a database holds.
    others : str
        Pattern of what else may stand between ``<name>-`` and ``.db`` in a copy's name.
    salvaged : callable
        Describes a database into which was saved what could still be read, from a connection and the numbers of rows by
        table; raises sqlite3.DatabaseError, with the reason, where that is of no use.
    rest_counts : bool
        Whether what could still be read is preferred to an intact backup that holds less; otherwise it is taken only
        where no backup is intact.
    """

    what: str
    place: Callable[[Path], Path]
    preposition: str
    call: Callable[[Path], str]
    application_id: int
    migrations: Sequence[str]
    error: type[PiximiError]
    unit: str
    count: Callable[[sqlite3.Connection], int]
    others: str
    salvaged: Callable[[sqlite3.Connection, Mapping[str, int]], str]
    rest_counts: bool

    def called(self, database: Path) -> str:
        """``"project at /lab"``, ``"store /lab/experiments.db"``."""
        return f"{self.what} {self.preposition}{self.place(database)}"

    def counted(self, count: int) -> str:
        """``"1 row"``, ``"2 rows"``."""
        return f"{count:,} {self.unit}{'' if count == 1 else 's'}"

    def held(self, connection: sqlite3.Connection | None) -> int | None:
        """How much an intact database of this kind holds, one of a newer version too; else None."""
        if connection is None or defects(connection, quick=True):
            return None
        try:
            application_id, version = _identity(connection)
            return self.count(connection) if application_id == self.application_id and version else None
        except sqlite3.DatabaseError:
            return None

    def is_newer(self, path: Path) -> bool:
        """Whether a newer version of this package has written a copy."""
        with opened(path) as connection:
            try:
                application_id, version = _identity(connection) if connection is not None else (0, 0)
            except sqlite3.DatabaseError:
                return False
        return application_id == self.application_id and version > len(self.migrations)


@dataclass(frozen=True)
class Backup:
    """A copy of a database.

    Attributes
    ----------
    kind : Kind
    path : Path
    time : datetime
        In UTC.
    number : int
        Counts those of one second.
    rolling : bool
        Made in the background, and deleted when newer ones are there.
    """

    kind: Kind
    path: Path
    time: datetime
    number: int
    rolling: bool

    def count(self) -> int | None:
        """How many units of its kind it holds; None when it is damaged or of another kind."""
        with opened(self.path) as connection:
            return self.kind.held(connection)

    @property
    def is_of_the_future(self) -> bool:
        """Whether a clock that went wrong has given it its name."""
        return self.time.timestamp() > time.time()

    def __str__(self) -> str:
        count = self.count()
        held = "damaged" if count is None else f"with {self.kind.counted(count)}"
        return f"{self.path.name} of {self.time:%Y-%m-%d %H:%M} UTC, {held}"


def backups(kind: Kind, database: Path) -> list[Backup]:
    """The backups of a database, the newest first."""
    folder = database.parent / BACKUPS_FOLDER
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    stem = re.escape(database.stem)
    timed = re.compile(rf"{stem}-(\d{{8}}T\d{{6}}Z)({BY_HAND})?(?:-(\d+))?\.db")
    other = re.compile(rf"{stem}-(?:{kind.others})\.db")
    found = []
    for name in names:
        path = folder / name
        if match := timed.fullmatch(name):
            made = datetime.strptime(match[1], TIME_FORMAT).replace(tzinfo=UTC)
            found.append(Backup(kind, path, made, int(match[3] or 1), match[2] is None))
        elif other.fullmatch(name):
            made = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            found.append(Backup(kind, path, made, 1, False))
    return sorted(found, key=lambda backup: (backup.time, backup.number, backup.path.name), reverse=True)


def free_path(database: Path, ending: str) -> Path:
    """Where a new backup goes: its name tells the time."""
    stem = f"{database.stem}-{datetime.now(UTC).strftime(TIME_FORMAT)}{ending}"
    path, number = database.parent / BACKUPS_FOLDER / f"{stem}.db", 1
    while path.exists():
        number += 1
        path = path.with_name(f"{stem}-{number}.db")
    return path


def advice(kind: Kind, database: Path) -> str:
    """What can be done about a damaged database: its backups, and the call that restores."""
    found = backups(kind, database)
    if not found:
        return f"There is no backup; {kind.call(database)} puts what can still be read of it in its place."
    listed = "; ".join(map(str, found[:_SHOWN])) + (" …" if len(found) > _SHOWN else "")
    number = f"are {len(found)} backups" if len(found) > 1 else "is a backup"
    return (
        f"There {number} in {database.parent / BACKUPS_FOLDER}: {listed}. {kind.call(database)} puts the newest intact"
        " one in its place."
    )


def warnings_of(found: Sequence[Backup], failure: str | None) -> list[str]:
    """What a check says of some backups; `failure` says why the last one could not be made unasked."""
    told = []
    damaged = [backup.path.name for backup in found if backup.count() is None]
    if damaged:
        told.append(f"Backups are damaged and may be deleted: {some(damaged)}.")
    if failure:
        told.append(
            f"The last backup could not be made ({failure}). Make room or mend the rights of the folder backups, then"
            " call backup()."
        )
    return told


def lost_state(database: Path) -> str | None:
    """``"is missing"`` or ``"is empty"``; None where something is in the file."""
    try:
        return None if database.stat().st_size else "is empty"
    except OSError:
        return "is missing"


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection | None]:
    """A connection that reads a copy; None where there is none to be had."""
    try:
        connection = open_copy(path)
    except sqlite3.Error:
        yield None
        return
    with closing(connection):
        yield connection


def _identity(connection: sqlite3.Connection) -> tuple[int, int]:
    """Application id and schema version."""
    application_id = connection.execute("PRAGMA application_id").fetchone()[0]
    return int(application_id), int(connection.execute("PRAGMA user_version").fetchone()[0])
