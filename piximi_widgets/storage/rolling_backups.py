"""Backups that are made unasked, beside other work."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ..errors import PiximiError
from .backups import Backup, Kind, backups, free_path
from .copies import BACKUPS_FOLDER, CopyStopped
from .database import Database
from .locks import FileLock

logger = logging.getLogger(__name__)

_DAY = 86_400.0
_KEPT = 3
_PATIENCE_SECONDS = 5.0


class RollingBackups:
    """Makes a backup in the background when one is due, and never in the way of anything.

    Parameters
    ----------
    kind : Kind
    database : Database
    first_time : callable
        From a connection: when something was first written, in seconds since 1970; None where nothing was.
    is_unchanged : callable
        Whether a backup still shows the database as it is.

    Attributes
    ----------
    failure : str or None
        Why the last backup could not be made.
    """

    def __init__(
        self,
        kind: Kind,
        database: Database,
        first_time: Callable[[sqlite3.Connection], float | None],
        is_unchanged: Callable[[Backup], bool],
    ) -> None:
        self._kind = kind
        self._database = database
        self._first_time = first_time
        self._is_unchanged = is_unchanged
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.failure: str | None = None

    def start_if_due(self) -> None:
        """Make a backup on a thread of its own when the newest one, or a database without any, is a day old."""
        found = self._found()
        if found:
            since: float | None = found[0].time.timestamp()
        elif backups(self._kind, self._database.path):
            since = 0.0
        else:
            with self._database.read() as connection:
                since = self._first_time(connection)
        # One from the future is of a clock that went wrong, and no reason to wait for it.
        if since is None or 0 <= time.time() - since < _DAY:
            return
        self._thread = threading.Thread(target=self._run, name="piximi-backup", daemon=True)
        self._thread.start()

    def make(self, ending: str = "") -> Path:
        """Write a backup now and return its path."""
        path = free_path(self._database.path, ending)
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
        path = self._database.path
        place = path.parent / BACKUPS_FOLDER
        try:
            place.mkdir(exist_ok=True)
            lock = FileLock(place / f".{path.stem}.lock")
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
                logger.warning("No backup of %s could be made: %s", path, error)

    def _found(self) -> list[Backup]:
        """The backups, the newest first, but for those that a clock that went wrong has put into the future."""
        found = backups(self._kind, self._database.path)
        return [backup for backup in found if not backup.is_of_the_future]

    def _renew(self, place: Path) -> None:
        found = self._found()
        if found and self._is_unchanged(found[0]):
            return
        self.make()
        for old in [backup for backup in self._found() if backup.rolling][_KEPT:]:
            old.path.unlink(missing_ok=True)
        for part in place.glob(".*.part*"):
            # What a killed process has left.
            if time.time() - part.stat().st_mtime > _DAY:
                part.unlink(missing_ok=True)
