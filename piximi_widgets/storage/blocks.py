"""What the blocks of transactions stand on: Ctrl+C leaves none of them open."""

from __future__ import annotations

import os
import sqlite3
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .database import Database

_Exit = Callable[[Any, "type[BaseException] | None", "BaseException | None", object], None]


class Ending:
    """An `__exit__` that is an object of its own for each ``with`` statement.

    Ctrl+C can be raised when `__exit__` was called and has not come to its first line: then nothing in it ends
    the transaction. What the ``with`` statement got as `__exit__` is held by that statement alone, while its block
    runs, while a generator waits inside it, and until the call has returned. A traceback holds the frames
    of the call, thereby `self`, but not this. When it is gone, nobody is left who could end the block.

    A `partial`, since Python may take a bound method apart, so that it is gone when the call begins.
    """

    def __init__(self, function: _Exit) -> None:
        self._function = function

    def __get__(self, block: Block | None, owner: type[Block]) -> Callable[..., None]:
        if block is None:
            return self._function
        ending = partial(self._function, block)
        block._ending = weakref.ref(ending, block._gone)
        return ending


class Block:
    """One transaction of a thread.

    Entered without a ``with`` statement, as by an `ExitStack`, it is held by whoever has the object itself.
    """

    __slots__ = ("__weakref__", "_connection", "_database", "_ending")

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ending: weakref.ref[Any] | None = None

    def _connect(self) -> bool:
        """Take the thread's connection; whether one of its transactions is open whose block still runs."""
        database = self._database
        connection = self._connection = database._connection()
        block = getattr(database._local, "block", None)
        if block is not None and block() is None:
            _end(database, connection)
        return connection.in_transaction

    def _hold(self) -> None:
        """Note that this block is the one whose end is the end of the thread's transaction."""
        ending = self._ending
        if ending is None or ending() is None:
            ending = weakref.ref(self)
        self._database._local.block = ending

    def _forget(self) -> None:
        """Note that the transaction has ended, as the last thing of its end."""
        self._database._local.block = None
        self._ending = None

    def _gone(self, ending: weakref.ref[Any]) -> None:
        """End at once what was not ended, or other processes wait until this one uses the file again."""
        database = self._database
        # Of another thread, after a fork, or when all is well, it is none of ours.
        if getattr(database._local, "block", None) is ending and os.getpid() == database._pid:
            # What fails here, or is cut off by yet another Ctrl+C, is done with the next transaction.
            with suppress(sqlite3.Error):
                _end(database, self._connection)


def in_transaction(connection: sqlite3.Connection) -> bool:
    """Whether one is open; none is where another thread has closed the connection."""
    try:
        return connection.in_transaction
    except sqlite3.ProgrammingError:
        return False


def _end(database: Database, connection: sqlite3.Connection) -> None:
    """Roll back and let go of everything; what is let go already does no harm."""
    try:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if not database.read_only:
            connection.execute(f"PRAGMA synchronous={database._synchronous}")
    finally:
        try:
            database._stop_writing()
        finally:
            database._end()
    database._local.block = None
