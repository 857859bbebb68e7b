"""Copies of ``project.db`` that are kept in ``backups/``, and putting one of them back in its place."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from ...errors import NotAProjectError, ProjectError
from ...storage import Database, restoring
from ...storage import backups as copies
from ...storage.backups import Backup, Kind
from ...storage.rolling_backups import RollingBackups
from ..schema import APPLICATION_ID, DATABASE_NAME, IMAGES_FOLDER, MIGRATIONS
from ..sql import checks as check_sql


def _salvaged(connection: sqlite3.Connection, counts: Mapping[str, int]) -> str:
    if not counts.get("image"):
        raise sqlite3.DatabaseError("no image could be read")
    last = check_sql.last_operation(connection)
    return f"{counts.get('operation', 0):,} of {last:,} operations and {counts['image']:,} images"


PROJECT = Kind(
    what="project",
    place=lambda database: database.parent,
    preposition="at ",
    call=lambda database: f"piximi_widgets.Project.restore({str(database.parent)!r})",
    application_id=APPLICATION_ID,
    migrations=MIGRATIONS,
    error=ProjectError,
    unit="operation",
    count=check_sql.operations,
    others=".*",
    salvaged=_salvaged,
    # What is lost of it may be labels, and check() cannot bring them back.
    rest_counts=False,
)
"""What copies of a project are."""


def backups(folder: Path) -> list[Backup]:
    """The backups of a project's folder, the newest first."""
    return copies.backups(PROJECT, folder / DATABASE_NAME)


def rolling_backups(database: Database) -> RollingBackups:
    """Those that a project makes unasked; one without a new operation needs none."""

    def is_unchanged(newest: Backup) -> bool:
        with database.read() as connection:
            return newest.count() == check_sql.operations(connection)

    return RollingBackups(PROJECT, database, check_sql.first_time, is_unchanged)


def advice(database: Path) -> str:
    """What can be done about a damaged ``project.db``: its backups, and the call that restores."""
    return copies.advice(PROJECT, database)


def refuse_lost(folder: Path) -> None:
    """Refuse a folder whose ``project.db`` is gone or empty although a project was there.

    Raises
    ------
    ProjectError
        With the backups, and the call that restores.
    """
    place = folder / DATABASE_NAME
    state = copies.lost_state(place)
    if state is None:
        return
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
        The project's folder. The project must not be open.
    backup : path-like, optional
        A file in ``backups/``, or the path of one. By default the newest intact one, or the file itself as far as it
        is whole if that has as many operations. Where none is intact, what can still be read of the damaged file is
        saved.

    Returns
    -------
    Path
        What was put in place: the backup, or the old file at its new path.

    Raises
    ------
    ProjectError
        If the project is open, it is intact and no backup is named, the backup is damaged, or nothing can be read.
    """
    folder = Path(os.path.abspath(os.path.expanduser(folder)))
    place = folder / DATABASE_NAME
    if not folder.is_dir() or not (place.exists() or backups(folder)):
        raise NotAProjectError(f"There is no project at {folder}, and no backup of one.")
    return restoring.restore(PROJECT, place, backup)
