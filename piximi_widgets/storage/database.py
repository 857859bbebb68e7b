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

from ..errors import PiximiError, ProjectError, ReadOnlyError
from .copies import CopyStopped, write_copy
from .locks import try_lock, unlock
from .opening import Opening
from .places import Surroundings, identity_of
from .poller import Poller, Subscription
from .reading import Reading
from .sqlite import explanation, is_damage, is_foreign
from .transaction import Transaction
from .users import Users

_BUSY_SECONDS = 30.0
_CHECKPOINT_BYTES = 4 << 20
# With fewer pages every sixtieth small commit is a checkpoint, twenty times as slow as the others.
_CHECKPOINT_PAGES = 4000
_COMMITS_BETWEEN_LOOKS = 16
# A copy that is made beside other work: one megabyte, then a pause for them.
_PAGES_AT_ONCE = 256
_PAUSE_SECONDS = 0.01
_MOST_OVERTAKEN = 3

# A connection that was inherited by fork must not even be closed: closing would drop the parent's locks.
_inherited: list[object] = []


class Database(Opening):
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
    error, foreign : type
        The exception for a file that cannot be used, and for one that is no database of this kind; the latter
        is `error` by default.
    advice : callable, optional
        Is given the file's path, and says what can be done where it is damaged, or an empty text.

    Notes
    -----
    WAL mode is used where a probe shows that it works, else a rollback journal. Where the SQLite
    library has the WAL-reset defect (see `has_wal_reset_bug`), no connection checkpoints by itself, and
    writing and checkpointing exclude each other by an OS lock on ``<name>-lock``.

    The file and its ``-shm`` are only ever opened by SQLite: to close another handle of theirs would drop all
    locks of this process, whereupon another process takes itself for the last one and deletes the log in use.

    Beside a file that was not closed by its last user a log is left; whoever opens it next looks through it first
    (``PRAGMA quick_check``) and refuses it where it is damaged.

    A file of an older schema is copied to ``backups/<name>-before-schema-<n>.db`` before it is brought up to
    date; one that is opened read-only stays as it is, and a temporary copy of it is read.
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
        foreign: type[PiximiError] | None = None,
        advice: Callable[[Path], str] | None = None,
    ) -> None:
        self.path = Path(path).absolute()
        # As texts: a path that is made at each commit would be a tenth of a small one.
        self._file_name, self._lock_name = str(self.path), f"{self.path}-lock"
        self.read_only = read_only
        self._what = what
        self._error = error
        self._foreign = foreign or error
        self._advice = advice
        self._application_id = application_id
        self._closed = False
        self._local = threading.local()
        self._pid = os.getpid()
        self._connections: list[tuple[threading.Thread, sqlite3.Connection]] = []
        # With a lock of C's as the context manager, Ctrl+C cannot come between its being taken and the block.
        self._bookkeeping = threading.RLock()
        self._ended = threading.Condition(self._bookkeeping)
        # Threads with a transaction. Both forgive being told twice, as when Ctrl+C cuts the telling short.
        self._running: set[int] = set()
        self._writing = threading.RLock()
        if not self.path.exists() and (read_only or not create):
            raise error(f"There is no {what} at {self.path}.")
        self._wal = False
        self._guarded = False
        self._marked = False
        self._synchronous = synchronous
        self._place = self.path
        self._temporary = None
        self._identity = None
        self._lock_file: IO[bytes] | None = None
        self._users = Users(self.path)
        self._checkpoint_at = _CHECKPOINT_BYTES
        self._commits = 0
        self._poller = Poller(self._connect)
        try:
            with self._explained():
                self._open(migrations)
        except BaseException as exception:
            self.close()
            if isinstance(exception, OSError):
                raise self._unreachable(exception) from exception
            raise

    # -- transactions ------------------------------------------------------------------------------

    def read(self) -> Reading:
        """A read transaction: everything read inside belongs to one moment."""
        return Reading(self)

    def write(
        self,
        *,
        durable: bool | None = None,
        check: Callable[[sqlite3.Connection], None] | None = None,
    ) -> Transaction:
        """A write transaction, committed at the end of the block and rolled back by an exception.

        Parameters
        ----------
        durable : bool, optional
            True: survives a power cut when the block has ended, whatever the file's own setting.
        check : callable, optional
            Is called with the connection before the block; what it raises refuses the transaction.
        """
        if self.read_only:
            raise ReadOnlyError(f"The {self._what} at {self.path} was opened read-only; nothing was changed.")
        return Transaction(self, bool(durable) and self._synchronous != "FULL", check)

    def watch(self, callback: Callable[[], None], interval: float = 0.1) -> Subscription:
        """Call `callback` after commits of any process, on the one poller thread of this database."""
        return self._poller.subscribe(callback, interval)

    def copy(self, target: Path, *, stop: Callable[[], bool] = lambda: False) -> None:
        """Write a verified copy of this moment into one file, in steps that let others work in between.

        Works too when the file was deleted while it was open. In WAL mode the copy reads one moment for as
        long as it takes, and holds up nobody. Without it, each step reads for itself, and the copy begins anew
        after another one's commit; overtaken too often, it is made in one step.

        Parameters
        ----------
        target : Path
            Replaced when it is there; a copy that fails leaves what was there before.
        stop : callable
            Asked after each step; True gives the copy up. Closing the database does so too.

        Raises
        ------
        CopyStopped
            If the copy was given up.
        """

        copied = 0

        def step(remaining: int, total: int) -> None:
            nonlocal copied
            if stop() or self._closed:
                raise CopyStopped
            copied += _PAGES_AT_ONCE
            if not self._wal and remaining and copied > _MOST_OVERTAKEN * total + _PAGES_AT_ONCE:
                raise TimeoutError
            time.sleep(_PAUSE_SECONDS)

        with self.read() as connection:
            if self._wal:
                connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
            try:
                write_copy(connection, target, pages=_PAGES_AT_ONCE, step=step)
            except TimeoutError:
                write_copy(connection, target)

    def close(self) -> None:
        """Close the connections of this process once the transactions of all threads have ended.

        Later use is refused.
        """
        self._poller.close()
        with self._bookkeeping:
            self._closed = True
            # Of this thread itself it is a transaction that Ctrl+C has cut off.
            self._running.discard(threading.get_ident())
            # SQLite crashes the process when a connection is closed while another thread is using it.
            idle = self._ended.wait_for(lambda: not self._running, _BUSY_SECONDS)
            connections, self._connections = self._connections if idle else [], []
        if os.getpid() == self._pid:
            for _, connection in connections:
                connection.close()
            if idle:
                self._users.leave()
            if self._lock_file is not None:
                self._lock_file.close()
                self._lock_file = None
            if self._temporary is not None:
                self._temporary.cleanup()
                self._temporary = None

    def _begin(self) -> None:
        # Without the lock: either `close` sees this thread at work, or this thread sees that it was closed.
        self._running.add(threading.get_ident())
        if self._closed:
            self._end()
            raise self._closed_error()

    def _end(self) -> None:
        self._running.discard(threading.get_ident())
        if self._closed:
            with self._bookkeeping:
                self._ended.notify_all()

    def _stop_writing(self) -> None:
        """Let go of both locks of writers, as far as this thread holds them."""
        try:
            if getattr(self._local, "writing", False):
                self._unlock()
                self._local.writing = False
        finally:
            try:  # noqa: SIM105 (`suppress` would take longer than the release)
                self._writing.release()
            except RuntimeError:
                # It is not held where Ctrl+C came first.
                pass

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
            self._local.log_name = str(self._log)
            self._local.log = identity_of(self._log) if self._wal and not self.read_only else None
            self._local.surroundings = Surroundings(self.path.parent, trusted=self._marked)
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
        self._bookkeeping = threading.RLock()
        self._ended = threading.Condition(self._bookkeeping)
        self._running = set()
        self._writing = threading.RLock()
        self._lock_file = None
        self._poller = Poller(self._connect)

    def _connect(self) -> sqlite3.Connection:
        with self._explained():
            if self.read_only:
                connection = self._connect_read_only()
            else:
                # Only the very first connection may make the file; later ones must not put an empty one in
                # the
                # place of one that was deleted.
                mode = "rwc" if self._identity is None else "rw"
                connection = sqlite3.connect(
                    f"{self.path.as_uri()}?mode={mode}",
                    uri=True,
                    timeout=_BUSY_SECONDS,
                    isolation_level=None,
                    check_same_thread=False,
                    cached_statements=256,
                )
                mode = "WAL" if self._wal else "DELETE"
                connection.execute(f"PRAGMA journal_mode={mode}").fetchall()
                connection.execute(f"PRAGMA synchronous={self._synchronous}")
                pages = 0 if self._guarded else _CHECKPOINT_PAGES
                connection.execute(f"PRAGMA wal_autocheckpoint={pages}").fetchall()
                connection.execute(f"PRAGMA journal_size_limit={16 * _CHECKPOINT_BYTES}").fetchall()
                # Opens the log, so that it is known which one this connection writes.
                connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute("PRAGMA mmap_size=0").fetchall()
            connection.execute("PRAGMA cache_size=-20000")
            connection.execute("PRAGMA temp_store=MEMORY")
            return connection

    def _connect_read_only(self) -> sqlite3.Connection:
        # A WAL database needs its -shm file; where the folder cannot be written and there is no log, the file
        # is read as it stands.
        folder = self._place.parent
        uri = f"{self._place.as_uri()}?mode=ro{'' if os.access(folder, os.W_OK) else '&immutable=1'}"
        return sqlite3.connect(
            uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )

    def _refuse_if_gone(self) -> None:
        """Refuse to write into a file, or a log, that nobody will find any more."""
        local = self._local
        surroundings: Surroundings = local.surroundings
        if surroundings.are_calm():
            return
        state = surroundings.state()
        if identity_of(self._file_name) != self._identity:
            raise self._error(
                f"The {self._what} at {self.path} was deleted, moved or replaced while it was open; nothing"
                " was changed. Open it anew where it is now. If it is gone, backup() on the object that is"
                " still open saves all that was in it."
            )
        if local.log is not None and identity_of(local.log_name) != local.log:
            raise self._error(
                f"{self._log.name}, a part of the {self._what} at {self.path}, was deleted while it was"
                " open; nothing was changed. backup() on the object that is still open saves all that was"
                " in it."
            )
        # What a link points to lies in another folder.
        linked = any(map(os.path.islink, (self._file_name, local.log_name, self._lock_name)))
        if not linked and (self._lock_file is None or self._is_lock_in_place()):
            surroundings.remember(state)

    # -- the WAL-reset guard -----------------------------------------------------------------------

    @contextmanager
    def _guard(self) -> Iterator[None]:
        self._lock()
        try:
            yield
        finally:
            self._unlock()

    def _lock(self) -> None:
        if not self._guarded or self._try_lock():
            return
        deadline = time.monotonic() + _BUSY_SECONDS
        pause = 0.0002
        while not self._try_lock():
            if time.monotonic() > deadline:
                raise sqlite3.OperationalError("database is locked")
            time.sleep(pause)
            pause = min(pause * 1.5, 0.005)

    def _try_lock(self) -> bool:
        if self._lock_file is None:
            try:
                self._lock_file = open(self._lock_name, "ab")  # noqa: SIM115
            except OSError as error:
                if self._identity is not None:
                    self._refuse_if_gone()
                raise self._unreachable(error) from error
        if not try_lock(self._lock_file):
            return False
        # The file is opened under this lock, when nothing was seen yet.
        surroundings: Surroundings | None = getattr(self._local, "surroundings", None)
        if (surroundings is not None and surroundings.are_calm()) or self._is_lock_in_place():
            return True
        # Somebody has tidied up: others would lock a new file of that name.
        self._lock_file.close()
        self._lock_file = None
        return False

    def _is_lock_in_place(self) -> bool:
        assert self._lock_file is not None
        status = os.fstat(self._lock_file.fileno())
        return identity_of(self._lock_name) == (status.st_dev, status.st_ino)

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
        if not isinstance(exception, sqlite3.DatabaseError):
            return
        if self._closed and isinstance(exception, sqlite3.ProgrammingError):
            # By another thread, between two steps of this one.
            raise self._closed_error() from exception
        sentence = explanation(exception, self.path, _BUSY_SECONDS, self.read_only)
        if sentence is None:
            return
        if is_damage(exception):
            raise self._damaged(sentence, self._foreign if is_foreign(exception) else None) from exception
        raise self._error(f"The {self._what} at {self.path} {sentence}") from exception

    def _unreachable(self, exception: OSError) -> PiximiError:
        return self._error(
            f"The {self._what} at {self.path} cannot be used here ({exception.strerror or exception}). Check the"
            " folder, its rights and the disk; where it may only be read, open it read-only."
        )

    def _damaged(self, sentence: str, kind: type[PiximiError] | None = None) -> PiximiError:
        advice = self._advice(self.path) if self._advice else "Restore it from a copy."
        return (kind or self._error)(f"The {self._what} at {self.path} {sentence} {advice}".rstrip())
