"""An SQLite file that many threads and processes write without losing or damaging anything."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ..errors import NewerVersionError, PiximiError, ProjectError, ReadOnlyError
from .locks import try_lock, unlock
from .poller import Poller, Subscription
from .sqlite import can_use_wal, explanation, has_wal_reset_bug, is_wal, statements

_BUSY_SECONDS = 30.0
_CHECKPOINT_BYTES = 4 << 20
_COMMITS_BETWEEN_LOOKS = 16

# A connection that was inherited by fork must not even be closed: closing would drop the parent's locks.
_inherited: list[object] = []


class Database:
    """One SQLite file, a connection for each thread that uses it.

    Parameters
    ----------
    path : Path
        The file.
    application_id : int
        SQLite's application id; a file with another one is refused.
    migrations : sequence of str
        One SQL script for each schema version: script *n* brings version *n* to *n* + 1.
    what : str
        The word for this file in messages, for example ``"project"``.
    synchronous : {"FULL", "NORMAL"}
        What a commit survives: a power cut, or the death of the process.
    read_only : bool
        Never write; nothing is created beside the file.
    create : bool
        Make the file when it is missing.
    error : type
        The exception for a file that cannot be used.

    Notes
    -----
    WAL mode is used where a probe shows that it works, else a rollback journal. Where the SQLite
    library has the WAL-reset defect (see `has_wal_reset_bug`), no connection checkpoints by itself, and
    writing and checkpointing exclude each other by an OS lock on ``<name>-lock``.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        application_id: int,
        migrations: Sequence[str],
        what: str,
        synchronous: str = "FULL",
        read_only: bool = False,
        create: bool = True,
        error: type[PiximiError] = ProjectError,
    ) -> None:
        self.path = Path(path).absolute()
        self.read_only = read_only
        self._what = what
        self._error = error
        self._application_id = application_id
        self._closed = False
        self._local = threading.local()
        self._pid = os.getpid()
        self._connections: list[tuple[threading.Thread, sqlite3.Connection]] = []
        self._bookkeeping = threading.Condition()
        self._running = 0
        self._writing = threading.Lock()
        if not self.path.exists() and (read_only or not create):
            raise error(f"There is no {what} at {self.path}.")
        self._wal = is_wal(self.path) if self.path.exists() else False
        if not self._wal and not read_only:
            self._wal = can_use_wal(self.path.parent)
        self._synchronous = synchronous if self._wal else "FULL"
        self._guarded = self._wal and has_wal_reset_bug() and not read_only
        self._lock_file: IO[bytes] | None = None
        self._checkpoint_at = _CHECKPOINT_BYTES
        self._commits = 0
        self._poller = Poller(self._connect)
        with self._explained():
            self._migrate(migrations)

    # -- transactions ------------------------------------------------------------------------------

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A read transaction: everything read inside belongs to one moment."""
        connection = self._connection()
        if connection.in_transaction:
            yield connection
            return
        self._begin()
        try:
            with self._explained():
                try:
                    connection.execute("BEGIN")
                    yield connection
                finally:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
        finally:
            self._end()

    def write(self, *, durable: bool | None = None) -> Transaction:
        """A write transaction, committed at the end of the block and rolled back by an exception.

        Parameters
        ----------
        durable : bool, optional
            True: survives a power cut when the block has ended, whatever the file's own setting.
        """
        if self.read_only:
            raise ReadOnlyError(f"The {self._what} at {self.path} was opened read-only; nothing was changed.")
        return Transaction(self, full_sync=bool(durable) and self._synchronous != "FULL")

    def watch(self, callback: Callable[[], None], interval: float = 0.1) -> Subscription:
        """Call `callback` after commits of any process, on the one poller thread of this database."""
        return self._poller.subscribe(callback, interval)

    def close(self) -> None:
        """Close the connections of this process once the transactions of all threads have ended.

        Later use is refused.
        """
        self._poller.close()
        with self._bookkeeping:
            self._closed = True
            # SQLite crashes the process when a connection is closed while another thread is using it.
            idle = self._bookkeeping.wait_for(lambda: self._running == 0, _BUSY_SECONDS)
            connections, self._connections = self._connections if idle else [], []
        if os.getpid() == self._pid:
            for _, connection in connections:
                connection.close()
            if self._lock_file is not None:
                self._lock_file.close()
                self._lock_file = None

    def _begin(self) -> None:
        with self._bookkeeping:
            if self._closed:
                raise self._closed_error()
            self._running += 1

    def _end(self) -> None:
        with self._bookkeeping:
            self._running -= 1
            if self._closed:
                self._bookkeeping.notify_all()

    def _closed_error(self) -> PiximiError:
        return self._error(f"The {self._what} at {self.path} was closed; open it again.")

    # -- connections -------------------------------------------------------------------------------

    def _connection(self) -> sqlite3.Connection:
        if self._closed:
            raise self._closed_error()
        if os.getpid() != self._pid:
            self._after_fork()
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect()
            self._local.connection = connection
            with self._bookkeeping:
                gone = [old for thread, old in self._connections if not thread.is_alive()]
                self._connections = [pair for pair in self._connections if pair[0].is_alive()]
                self._connections.append((threading.current_thread(), connection))
            for old in gone:
                old.close()
        return connection

    def _after_fork(self) -> None:
        _inherited.append((self._local, self._connections, self._lock_file, self._poller))
        self._pid = os.getpid()
        self._local = threading.local()
        self._connections = []
        self._bookkeeping = threading.Condition()
        self._running = 0
        self._writing = threading.Lock()
        self._lock_file = None
        self._poller = Poller(self._connect)

    def _connect(self) -> sqlite3.Connection:
        with self._explained():
            if self.read_only:
                connection = self._connect_read_only()
            else:
                connection = sqlite3.connect(
                    self.path,
                    timeout=_BUSY_SECONDS,
                    isolation_level=None,
                    check_same_thread=False,
                    cached_statements=256,
                )
                mode = "WAL" if self._wal else "DELETE"
                connection.execute(f"PRAGMA journal_mode={mode}").fetchall()
                connection.execute(f"PRAGMA synchronous={self._synchronous}")
                pages = 0 if self._guarded else 1000
                connection.execute(f"PRAGMA wal_autocheckpoint={pages}").fetchall()
                connection.execute(f"PRAGMA journal_size_limit={16 * _CHECKPOINT_BYTES}").fetchall()
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute("PRAGMA mmap_size=0").fetchall()
            connection.execute("PRAGMA cache_size=-20000")
            return connection

    def _connect_read_only(self) -> sqlite3.Connection:
        # A WAL database needs its -shm file; where the folder cannot be written and nobody else is
        # writing either, the file is read as it stands.
        wal = self.path.with_name(f"{self.path.name}-wal")
        still = not os.access(self.path.parent, os.W_OK) and not wal.exists()
        uri = f"{self.path.as_uri()}?mode=ro{'&immutable=1' if still else ''}"
        return sqlite3.connect(
            uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )

    # -- schema ------------------------------------------------------------------------------------

    def _migrate(self, migrations: Sequence[str]) -> None:
        if self.path.exists() and self.path.stat().st_size:
            # A foreign file is recognised before anything, even its journal mode, is touched.
            stranger = self._connect_read_only()
            try:
                self._version(stranger, len(migrations))
            finally:
                stranger.close()
        # Two processes that create the file at once must not both switch it to WAL mode.
        with self._writing, self._guard():
            connection = self._connection()
        version = self._version(connection, len(migrations))
        if version == len(migrations):
            return
        if self.read_only:
            raise self._error(
                f"The {self._what} at {self.path} was written by an older version of piximi_widgets and "
                "was opened read-only. Open it once for writing to bring it up to date."
            )
        with self._writing, self._guard():
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

    def _version(self, connection: sqlite3.Connection, known: int) -> int:
        # The id last: another process may be making the tables right now, and commits them with the id.
        tables = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        application_id = connection.execute("PRAGMA application_id").fetchone()[0]
        if application_id != self._application_id and (tables or version):
            raise self._error(f"{self.path} is not a {self._what} of piximi_widgets; it was left as it is.")
        if version > known:
            raise NewerVersionError(
                f"The {self._what} at {self.path} was written by a newer version of piximi_widgets "
                f"(schema {version}, this one knows {known}). Update with: pip install -U piximi-widgets"
            )
        return version

    # -- the WAL-reset guard -----------------------------------------------------------------------

    @contextmanager
    def _guard(self) -> Iterator[None]:
        self._lock()
        try:
            yield
        finally:
            self._unlock()

    def _lock(self) -> None:
        if not self._guarded:
            return
        if self._lock_file is None:
            self._lock_file = self.path.with_name(f"{self.path.name}-lock").open("ab")
        if try_lock(self._lock_file):
            return
        deadline = time.monotonic() + _BUSY_SECONDS
        pause = 0.0002
        while not try_lock(self._lock_file):
            if time.monotonic() > deadline:
                raise sqlite3.OperationalError("database is locked")
            time.sleep(pause)
            pause = min(pause * 1.5, 0.005)

    def _unlock(self) -> None:
        if self._lock_file is not None:
            unlock(self._lock_file)

    def _checkpoint(self, connection: sqlite3.Connection) -> None:
        self._commits += 1
        if self._commits % _COMMITS_BETWEEN_LOOKS:
            return
        try:
            size = os.stat(f"{self.path}-wal").st_size
        except FileNotFoundError:
            return
        if size < self._checkpoint_at:
            return
        connection.execute("PRAGMA busy_timeout=0").fetchall()
        try:
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            connection.execute(f"PRAGMA busy_timeout={int(_BUSY_SECONDS * 1000)}").fetchall()
        # A reader in the way: come back when the log has grown by as much again.
        self._checkpoint_at = size + _CHECKPOINT_BYTES if busy else _CHECKPOINT_BYTES

    # -- messages ----------------------------------------------------------------------------------

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as exception:
            self._put_in_words(exception)
            raise

    def _put_in_words(self, exception: BaseException | None) -> None:
        """Raise what a person can act on; return where the exception is a programming error."""
        sentence = explanation(exception) if isinstance(exception, sqlite3.DatabaseError) else None
        if sentence is not None:
            raise self._error(f"The {self._what} at {self.path} {sentence}") from exception


class Transaction:
    """What `Database.write` gives; one plain class, since nested generators would cost half of a small commit."""

    __slots__ = ("_connection", "_database", "_full_sync")

    def __init__(self, database: Database, full_sync: bool) -> None:
        self._database = database
        self._full_sync = full_sync

    def __enter__(self) -> sqlite3.Connection:
        database = self._database
        connection = self._connection = database._connection()
        if connection.in_transaction:
            raise RuntimeError("a write transaction was begun inside another transaction")
        database._begin()
        try:
            database._writing.acquire()
            try:
                try:
                    database._lock()
                    if self._full_sync:
                        connection.execute("PRAGMA synchronous=FULL")
                    connection.execute("BEGIN IMMEDIATE")
                except BaseException:
                    # Ctrl+C during a wait is raised after SQLite has begun the transaction all the same.
                    try:
                        if connection.in_transaction:
                            connection.execute("ROLLBACK")
                    finally:
                        database._unlock()
                    raise
            except BaseException:
                database._writing.release()
                raise
        except BaseException as exception:
            database._end()
            database._put_in_words(exception)
            raise
        return connection

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        database, connection = self._database, self._connection
        try:
            try:
                if kind is None:
                    connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                if self._full_sync:
                    connection.execute(f"PRAGMA synchronous={database._synchronous}")
            if database._guarded:
                database._checkpoint(connection)
        except sqlite3.DatabaseError as exception:
            database._put_in_words(exception)
            raise
        finally:
            try:
                database._unlock()
            finally:
                try:
                    database._writing.release()
                finally:
                    database._end()
        database._poller.poke()
        database._put_in_words(error)
