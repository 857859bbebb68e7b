"""One write transaction of a `Database`."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING

from .blocks import Block, Ending, in_transaction

if TYPE_CHECKING:
    from .database import Database


class Transaction(Block):
    """What `Database.write` gives; one plain class, since nested generators would cost half of a small
    commit."""

    __slots__ = ("_check", "_full_sync")

    def __init__(
        self, database: Database, full_sync: bool, check: Callable[[sqlite3.Connection], None] | None
    ) -> None:
        super().__init__(database)
        self._full_sync = full_sync
        self._check = check

    def __enter__(self) -> sqlite3.Connection:
        database = self._database
        if self._connect():
            raise RuntimeError("a write transaction was begun inside another transaction")
        connection = self._connection
        # Ctrl+C may be raised when any call returns or begins: what is to be undone is undone within the same `try`.
        try:
            self._hold()
            database._begin()
            database._writing.acquire()
            # From here on the lock file is ours to unlock, which other threads of this process hold through the same handle.
            database._local.writing = True
            database._lock()
            if self._full_sync:
                connection.execute("PRAGMA synchronous=FULL")
            connection.execute("BEGIN IMMEDIATE")
            if self._check is not None:
                self._check(connection)
        except BaseException as exception:
            # Ctrl+C during a wait is raised after SQLite has begun the transaction all the same.
            self._leave()
            database._put_in_words(exception)
            raise
        return connection

    @Ending
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        database, connection = self._database, self._connection
        try:
            if kind is None:
                database._refuse_if_gone()
                connection.execute("COMMIT")
            elif connection.in_transaction:
                connection.execute("ROLLBACK")
            if database._guarded:
                try:  # noqa: SIM105 (`suppress` would take longer than most looks)
                    database._checkpoint(connection)
                except sqlite3.Error:
                    # The commit has happened by now: whoever heard of this would write the same once more.
                    pass
        except sqlite3.DatabaseError as exception:
            database._put_in_words(exception)
            raise
        finally:
            try:
                self._leave()
            except KeyboardInterrupt:
                self._leave()
                raise
        database._poller.poke()
        if error is not None:
            database._put_in_words(error)

    def _leave(self) -> None:
        """Let go of everything; what is let go already does no harm."""
        database, connection = self._database, self._connection
        try:
            if in_transaction(connection):
                connection.execute("ROLLBACK")
            if self._full_sync:
                connection.execute(f"PRAGMA synchronous={database._synchronous}")
        finally:
            try:
                database._stop_writing()
            except KeyboardInterrupt:
                database._stop_writing()
                raise
            finally:
                database._end()
        self._forget()
