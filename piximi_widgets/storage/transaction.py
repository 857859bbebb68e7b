"""One write transaction of a `Database`."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .database import Database


class Transaction:
    """What `Database.write` gives; one plain class, since nested generators would cost half of a small
    commit."""

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
                    database._refuse_if_gone()
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
