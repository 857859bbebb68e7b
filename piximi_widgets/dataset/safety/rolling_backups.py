"""Backups that are made unasked, beside other work."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from ...errors import PiximiError
from ...storage import Database, FileLock
from ...storage.copies import BACKUPS_FOLDER, CopyStopped
from ..sql import checks as check_sql
from .backups import TIME_FORMAT, Backup, backups

logger = logging.getLogger(__name__)

_DAY = 86_400.0
_KEPT = 3
_PATIENCE_SECONDS = 5.0


class RollingBackups:
    """Makes a backup in the background when one is due, and never in the way of anything.

    Parameters
    ----------
    database : Database
    folder : Path
        The project's.

    Attributes
    ----------
    failure : str or None
        Why the last backup could not be made.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.failure: str | None = None

    def start_if_due(self) -> None:
        """Make a backup on a thread of its own when the newest one, or a project without any, is a day
        old."""
        found = self._found()
        if found:
            since: float | None = found[0].time.timestamp()
        elif backups(self._folder):
            since = 0.0
        else:
            with self._database.read() as connection:
                since = check_sql.first_time(connection)
        # A project from the future is one of a clock that went wrong, and no reason to wait for it.
        if since is None or 0 <= time.time() - since < _DAY:
            return
        self._thread = threading.Thread(target=self._run, name="piximi-backup", daemon=True)
        self._thread.start()

    def make(self, ending: str = "") -> Path:
        """Write a backup now and return its path."""
        stem = f"project-{datetime.now(UTC).strftime(TIME_FORMAT)}{ending}"
        path, number = self._folder / BACKUPS_FOLDER / f"{stem}.db", 1
        while path.exists():
            number += 1
            path = path.with_name(f"{stem}-{number}.db")
        self._database.copy(path, stop=self._stop.is_set)
        return path

    def stop(self) -> None:
        """Give up a backup that is being made; its thread has ended when this returns."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_PATIENCE_SECONDS)

    def wait(self, timeout: float | None = None) -> None:
        """Wait until a backup that is being made is there."""
        if self._thread is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        place = self._folder / BACKUPS_FOLDER
        try:
            place.mkdir(exist_ok=True)
            lock = FileLock(place / ".lock")
            if not lock.acquire():
                return
            try:
                self._renew(place)
            finally:
                lock.release()
        except CopyStopped:
            return
        except (OSError, sqlite3.Error, PiximiError) as error:
            if not self._stop.is_set():
                self.failure = str(error)
                logger.warning("No backup of %s could be made: %s", self._folder, error)

    def _found(self) -> list[Backup]:
        """The backups, the newest first, but for those that a clock that went wrong has put into the future."""
        now = time.time()
        return [backup for backup in backups(self._folder) if backup.time.timestamp() <= now]

    def _renew(self, place: Path) -> None:
        found = self._found()
        with self._database.read() as connection:
            operations = check_sql.operations(connection)
        if found and found[0].operations() == operations:
            return
        self.make()
        for old in [backup for backup in self._found() if backup.rolling][_KEPT:]:
            old.path.unlink(missing_ok=True)
        for part in place.glob(".*.part*"):
            # What a killed process has left.
            if time.time() - part.stat().st_mtime > _DAY:
                part.unlink(missing_ok=True)
