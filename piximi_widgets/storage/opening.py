"""Opening a database file: what it is, whether it is whole, and bringing it up to date."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import threading
import uuid
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from ..errors import NewerVersionError, PiximiError
from .copies import BACKUPS_FOLDER, defects, open_copy, write_copy
from .places import identity_of, logs_of, marks_changes, size_of
from .sqlite import can_use_wal, has_wal_reset_bug, statements
from .users import Users
from .wal import damage_of


class Opening:
    """The part of a `Database` that is at work until it is open."""

    path: Path
    read_only: bool
    _what: str
    _error: type[PiximiError]
    _foreign: type[PiximiError]
    _application_id: int
    _wal: bool
    _guarded: bool
    # Whether its folder tells of changes in it.
    _marked: bool
    _synchronous: str
    _writing: threading.RLock
    _users: Users
    # What is read: the file itself, or a temporary copy of one that cannot be read where it lies.
    _place: Path
    _temporary: tempfile.TemporaryDirectory[str] | None
    _identity: tuple[int, int] | None

    def _connection(self) -> sqlite3.Connection:
        raise NotImplementedError

    def _connect_read_only(self) -> sqlite3.Connection:
        raise NotImplementedError

    def _guard(self) -> AbstractContextManager[None]:
        raise NotImplementedError

    def _damaged(self, sentence: str, kind: type[PiximiError] | None = None) -> PiximiError:
        raise NotImplementedError

    @property
    def _log(self) -> Path:
        return logs_of(self._place)[0]

    def _open(self, migrations: Sequence[str]) -> None:
        known = len(migrations)
        size = self.path.stat().st_size if self.path.exists() else 0
        version = 0
        with self._users.joining(self.read_only) as alone:
            # Whoever is the last to close a database leaves no log behind.
            unclean = alone and any(map(size_of, logs_of(self.path)))
            if size or size_of(self._log):
                if self.read_only and not os.access(self.path.parent, os.W_OK):
                    self._read_unfinished_from_copy()
                version = self._look(size, known, unclean)
        if self.read_only:
            if not version:
                raise self._error(f"The {self._what} at {self.path} is empty; open it for writing.")
            if version < known:
                self._read_from_updated_copy(migrations)
            return
        self._wal = self._wal or can_use_wal(self.path.parent)
        self._synchronous = self._synchronous if self._wal else "FULL"
        self._guarded = self._wal and has_wal_reset_bug()
        self._marked = marks_changes(self.path.parent)
        # Two processes that create the file at once must not both switch it to WAL mode.
        with self._writing, self._guard():
            connection = self._connection()
            self._identity = identity_of(self.path)
        version = self._version(connection, known)
        if version == known:
            return
        with self._writing, self._guard():
            if version:
                self._keep(connection, version, known)
            self._update(connection, migrations)

    def _look(self, size: int, known: int, unclean: bool) -> int:
        """The schema version; what is foreign, newer or damaged is refused before its journal mode is
        touched. A file that was not closed is looked through."""
        if lost := damage_of(self._log):
            raise self._damaged(f"is damaged: its log {self._log.name} {lost}. It was left as it is.")
        if not size:
            raise self._damaged("is empty, but its log is not: the file was cut off. It was left as it is.")
        if self._temporary is not None:
            # Takes the log in, or an unfinished change back.
            connection = sqlite3.connect(self._place, isolation_level=None)
            connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
            connection.close()
        if size_of(logs_of(self._place)[1]) and not self.read_only:
            # A change that was cut off in rollback-journal mode can only be taken back by writing.
            stranger = sqlite3.connect(f"{self.path.as_uri()}?mode=rw", uri=True, isolation_level=None)
        else:
            stranger = self._connect_read_only()
        try:
            version = self._version(stranger, known)
            self._wal = stranger.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
            page_size = stranger.execute("PRAGMA page_size").fetchone()[0]
            found = defects(stranger, quick=True) if unclean else []
        finally:
            stranger.close()
        # SQLite reads a last page that was cut off as if zeros followed. A log may still hold it whole.
        if size % page_size and not any(map(size_of, logs_of(self._place))):
            raise sqlite3.DatabaseError("database disk image is malformed: its last page was cut off")
        if found:
            raise self._damaged(
                f"is damaged ({found[0].splitlines()[-1]}); it was looked through because it had not been closed."
                " It was left as it is."
            )
        return version

    def _keep(self, connection: sqlite3.Connection, version: int, known: int) -> None:
        """Keep a copy of an older schema's file before it is brought up to date."""
        target = self.path.parent / BACKUPS_FOLDER / f"{self.path.stem}-before-schema-{known}.db"
        # Where SQLite needs no guard, another process may be doing the same, or have come first.
        mine = target.with_name(f".{target.stem}.{uuid.uuid4().hex[:8]}.part")
        try:
            write_copy(connection, mine)
            copy = open_copy(mine)
            try:
                unchanged = self._version(copy, known) == version
            finally:
                copy.close()
            if unchanged:
                os.replace(mine, target)
            else:
                mine.unlink()
        except OSError as error:
            raise self._error(
                f"The {self._what} at {self.path} was written by an older version of piximi_widgets, and no"
                f" copy of it could be kept before it is brought up to date ({error.strerror}); it was left"
                " as it is. Make room or mend the folder's rights, or open it read-only."
            ) from error

    def _update(self, connection: sqlite3.Connection, migrations: Sequence[str]) -> None:
        connection.execute("BEGIN EXCLUSIVE")
        try:
            # Another process may have come first while this one waited.
            for script in migrations[self._version(connection, len(migrations)) :]:
                for statement in statements(script):
                    connection.execute(statement)
            connection.execute(f"PRAGMA application_id={self._application_id}")
            connection.execute(f"PRAGMA user_version={len(migrations)}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _read_unfinished_from_copy(self) -> None:
        """Read a copy where a log lies beside the file that SQLite could only take in by writing."""
        if not any(map(size_of, logs_of(self.path))):
            return
        place = self._temporary_place()
        for file in (self.path, *logs_of(self.path)):
            if file.exists():
                shutil.copyfile(file, place.with_name(file.name))
        self._place = place

    def _read_from_updated_copy(self, migrations: Sequence[str]) -> None:
        """Read a copy, brought up to date, of a file that an older version has written."""
        if self._temporary is None:
            source = self._connect_read_only()
            try:
                write_copy(source, self._temporary_place())
            finally:
                source.close()
            self._place = self._temporary_place()
        connection = sqlite3.connect(self._place, isolation_level=None)
        try:
            self._update(connection, migrations)
        finally:
            connection.close()

    def _temporary_place(self) -> Path:
        if self._temporary is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="piximi-", ignore_cleanup_errors=True)
        return Path(self._temporary.name) / self.path.name

    def _version(self, connection: sqlite3.Connection, known: int) -> int:
        # The id last: another process may be making the tables right now, and commits them with the id.
        tables = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        application_id = connection.execute("PRAGMA application_id").fetchone()[0]
        if application_id != self._application_id and (tables or version):
            raise self._foreign(f"{self.path} is not a {self._what} of piximi_widgets; it was left as it is.")
        if version > known:
            raise NewerVersionError(
                f"The {self._what} at {self.path} was written by a newer version of piximi_widgets "
                f"(schema {version}, this one knows {known}). Update with: pip install -U piximi-widgets"
            )
        return version
