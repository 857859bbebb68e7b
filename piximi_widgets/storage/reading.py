"""One read transaction of a `Database`."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from .blocks import Block, Ending, in_transaction

if TYPE_CHECKING:
    from .database import Database


class Reading(Block):
    """What `Database.read` gives; inside another transaction it is a part of that one."""

    __slots__ = ("_nested",)

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._nested = False

    def __enter__(self) -> sqlite3.Connection:
        database = self._database
        self._nested = self._connect()
        connection = self._connection
        if self._nested:
            self._ending = None
            return connection
        # Ctrl+C may be raised when any call returns or begins: what is to be undone is undone within the same `try`.
        try:
            self._hold()
            database._begin()
            connection.execute("BEGIN")
        except BaseException as exception:
            self._leave()
            database._put_in_words(exception)
            raise
        return connection

    @Ending
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if self._nested:
            return
        database = self._database
        try:
            self._leave()
        except sqlite3.DatabaseError as exception:
            database._put_in_words(exception)
            raise
        database._put_in_words(error)

    def _leave(self) -> None:
        """Let go of everything; what is let go already does no harm."""
        try:
            if in_transaction(self._connection):
                self._connection.execute("ROLLBACK")
        finally:
            self._database._end()
        self._forget()
