"""Copies of ``project.db`` that are kept in ``backups/``, and putting one of them back in its place."""

from __future__ import annotations

import os
import re
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ...errors import NewerVersionError, NotAProjectError, ProjectError
from ...storage import FileLock
from ...storage.copies import BACKUPS_FOLDER, BESIDE, defects, open_copy, set_aside, write_copy
from ...storage.files import sync_folder
from ...storage.salvage import salvage
from ...storage.wal import damage_of
from ..sql import checks as check_sql

_SHOWN = 3
TIME_FORMAT = "%Y%m%dT%H%M%SZ"
_NAMED = re.compile(r"project-(\d{8}T\d{6}Z)(-by-hand(?:-\d+)?)?\.db")


@dataclass(frozen=True)
class Backup:
    """A copy of a project's database.

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

    def operations(self) -> int | None:
        """How many operations of the journal it holds; None when it is damaged."""
        with _database(self.path) as connection:
            return _operations(connection)

    def __str__(self) -> str:
        count = self.operations()
        held = "damaged" if count is None else f"with {count:,} operation{'' if count == 1 else 's'}"
        return f"{self.path.name} of {self.time:%Y-%m-%d %H:%M} UTC, {held}"


def backups(folder: Path) -> list[Backup]:
    """The backups of a project's folder, the newest first."""
    try:
        names = os.listdir(folder / BACKUPS_FOLDER)
    except OSError:
        return []
    found = []
    for name in names:
        path = folder / BACKUPS_FOLDER / name
        if match := _NAMED.fullmatch(name):
            made = datetime.strptime(match[1], TIME_FORMAT).replace(tzinfo=UTC)
            found.append(Backup(path, made, match[2] is None))
        elif name.startswith("project-") and name.endswith(".db"):
            found.append(Backup(path, datetime.fromtimestamp(path.stat().st_mtime, UTC), False))
    return sorted(found, key=lambda backup: (backup.time, backup.path.name), reverse=True)


def advice(database: Path) -> str:
    """What can be done about a damaged ``project.db``: its backups, and the call that restores."""
    folder = database.parent
    call = f"piximi_widgets.Project.restore({str(folder)!r})"
    found = backups(folder)
    if not found:
        return f"There is no backup; {call} puts what can still be read of it in its place."
    listed = "; ".join(map(str, found[:_SHOWN])) + (" …" if len(found) > _SHOWN else "")
    number = f"are {len(found)} backups" if len(found) > 1 else "is a backup"
    return f"There {number} in {folder / BACKUPS_FOLDER}: {listed}. {call} puts the best one in its place."


def refuse_lost(folder: Path) -> None:
    """Refuse a folder whose ``project.db`` is gone or empty although a project was there.

    Raises
    ------
    ProjectError
        With the backups, and the call that restores.
    """
    from ..schema import DATABASE_NAME, IMAGES_FOLDER

    place = folder / DATABASE_NAME
    try:
        if place.stat().st_size:
            return
        state = "is empty"
    except OSError:
        state = "is missing"
    lost = bool(backups(folder))
    if state == "is empty" and not lost:
        # Somebody may be making this project right now; then nothing else is there yet.
        images = folder / IMAGES_FOLDER
        lost = (folder / "experiments.db").exists() or (images.is_dir() and any(images.iterdir()))
    if lost:
        raise ProjectError(
            f"{place} {state}, although there was a project; nothing was changed. {advice(place)}"
        )


def restore(folder: str | os.PathLike[str], backup: str | os.PathLike[str] | None = None) -> Path:
    """Put a backup in the place of a project's damaged or missing database, and say which.

    The old file stays in the folder as ``project-damaged-<time>.db``. Pixels and experiments are not touched.

    Parameters
    ----------
    folder : path-like
        The project's folder. The project must not be open; an object that still is refuses to write then.
    backup : path-like, optional
        A file in ``backups/``, or the path of one. By default the copy that holds most operations: one of the
        intact backups, or the file itself as far as it is whole. Where none is intact, what can still be read
        of the damaged file is saved.

    Returns
    -------
    Path
        What was put in place: the backup, or the old file at its new path.

    Raises
    ------
    ProjectError
        If the project is intact and no backup is named, the backup is damaged, or nothing can be read.
    """
    from ..schema import DATABASE_NAME

    folder = Path(os.path.abspath(os.path.expanduser(folder)))
    place = folder / DATABASE_NAME
    if not folder.is_dir() or not (place.exists() or backups(folder)):
        raise NotAProjectError(f"There is no project at {folder}, and no backup of one.")
    writers = FileLock(place.with_name(f"{place.name}-lock"))
    try:
        if not writers.acquire(blocking=True):
            raise ProjectError(
                f"The project at {folder} is being written; close it everywhere and try again."
            )
        with tempfile.TemporaryDirectory(dir=folder, prefix=".restore-") as scratch:
            current = _current(place, Path(scratch))
            name = DATABASE_NAME.removesuffix(".db")
            state = "replaced" if current.intact else "damaged"
            aside_name = _free_name(folder, f"{name}-{state}-{datetime.now(UTC).strftime(TIME_FORMAT)}")
            prepared = Path(scratch) / "restored.db"
            source, told = _chosen(folder, backup, current, prepared)
            there = place.exists()
            aside = set_aside(place, aside_name)
            os.replace(prepared, place)
            sync_folder(folder)
    except OSError as error:
        raise ProjectError(
            f"The project at {folder} could not be restored ({error.strerror or error}). Make room, or mend"
            " the folder's rights, and try again."
        ) from error
    finally:
        writers.release()
    kept = f" What was there is kept as {aside.name}." if there else ""
    print(f"Restored the project {folder} from {told}.{kept}")
    return source or aside


def _free_name(folder: Path, stem: str) -> str:
    """A name that no file has, so that a second restore in one second keeps what the first one has kept."""
    name, number = f"{stem}.db", 1
    while any((folder / f"{name}{ending}").exists() for ending in BESIDE):
        number += 1
        name = f"{stem}-{number}.db"
    return name


@dataclass(frozen=True)
class _Current:
    """What is known of the file that is to be replaced."""

    copy: Path | None
    intact: bool
    operations: int | None


def _current(place: Path, scratch: Path) -> _Current:
    """Look at a copy of the present file, into which SQLite may take its log."""
    if not place.exists() or not place.stat().st_size:
        return _Current(None, False, None)
    whole_log = damage_of(place.with_name(f"{place.name}-wal")) is None
    copy = scratch / place.name
    for ending in ("", "-wal", "-journal"):
        old = Path(f"{place}{ending}")
        if old.exists():
            # Not renamed or linked: the old file stays as it is, byte by byte.
            Path(f"{copy}{ending}").write_bytes(old.read_bytes())
    try:
        with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            cut = place.stat().st_size % check_sql.page_size(connection) != 0
            operations = _operations(connection) if not cut else None
    except sqlite3.DatabaseError:
        operations = None
    return _Current(copy, operations is not None and whole_log, operations)


def _chosen(
    folder: Path, backup: str | os.PathLike[str] | None, current: _Current, target: Path
) -> tuple[Path | None, str]:
    """Write what is to be put in place to `target`; the backup that it is, if any, and a description."""
    found = backups(folder)
    if backup is not None:
        chosen = Path(backup)
        chosen = chosen if chosen.is_file() else folder / BACKUPS_FOLDER / chosen.name
        if not chosen.is_file():
            names = ", ".join(one.path.name for one in found) or "none"
            raise ProjectError(f"There is no backup {str(backup)!r}; there are: {names}.")
    else:
        if current.intact:
            raise ProjectError(
                f"The project at {folder} is intact, so nothing was done. Name a backup to go back to it:"
                f" {', '.join(one.path.name for one in found) or 'there is none'}."
            )
        counts = [(one.operations(), one) for one in found if not _is_newer(one.path)]
        best = max(
            ((count, one.time, one) for count, one in counts if count is not None),
            key=lambda entry: entry[:2],
            default=None,
        )
        if best is None or (current.operations is not None and current.operations >= best[0]):
            return None, _saved(folder, current, target)
        chosen = best[2].path
    if _is_newer(chosen):
        raise NewerVersionError(
            f"The backup {chosen} was written by a newer version of piximi_widgets; nothing was changed. Update"
            " with: pip install -U piximi-widgets"
        )
    with _database(chosen) as connection:
        if connection is None or (count := _operations(connection)) is None:
            raise ProjectError(f"The backup {chosen} is damaged or no project; it was left as it is.")
        write_copy(connection, target)
    return chosen, f"{chosen.name} with {count:,} operation{'' if count == 1 else 's'}"


def _saved(folder: Path, current: _Current, target: Path) -> str:
    """Write what can be read of the present file."""
    from ..schema import APPLICATION_ID, MIGRATIONS

    if current.copy is not None and current.operations is not None:
        with _database(current.copy) as connection:
            assert connection is not None
            write_copy(connection, target)
        return f"its own file, as far as that is whole: {current.operations:,} operations"
    try:
        if current.copy is None:
            raise sqlite3.DatabaseError("it is empty")
        counts = salvage(current.copy, target, application_id=APPLICATION_ID, migrations=MIGRATIONS)
        with _database(target) as connection:
            if connection is None or not counts.get("image"):
                raise sqlite3.DatabaseError("no image could be read")
            last = check_sql.last_operation(connection)
    except sqlite3.DatabaseError as error:
        raise ProjectError(
            f"There is no intact backup of the project at {folder}, and nothing of its file can be read"
            f" ({error}); it was left as it is."
        ) from error
    return (
        f"what could still be read: {counts.get('operation', 0):,} of {last:,} operations and {counts['image']:,}"
        " images. Open it and call check() to see what is missing"
    )


@contextmanager
def _database(path: Path) -> Iterator[sqlite3.Connection | None]:
    """A connection that reads a copy; None where there is none to be had."""
    try:
        connection = open_copy(path)
    except sqlite3.Error:
        yield None
        return
    with closing(connection):
        yield connection


def _is_newer(path: Path) -> bool:
    """Whether a newer version of this package has written a copy."""
    from ..schema import APPLICATION_ID, MIGRATIONS

    with _database(path) as connection:
        try:
            application_id, version = check_sql.identity(connection) if connection is not None else (0, 0)
        except sqlite3.DatabaseError:
            return False
    return application_id == APPLICATION_ID and version > len(MIGRATIONS)


def _operations(connection: sqlite3.Connection | None) -> int | None:
    """The number of operations in an intact database of a project, of a newer version too, else None."""
    from ..schema import APPLICATION_ID

    if connection is None or defects(connection, quick=True):
        return None
    try:
        application_id, version = check_sql.identity(connection)
        return check_sql.operations(connection) if application_id == APPLICATION_ID and version else None
    except sqlite3.DatabaseError:
        return None
