"""What every handle on an experiment stands on: its row in the store, and fenced writes."""

from __future__ import annotations

import sqlite3
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from ..errors import ExperimentNotFoundError
from .sql import record as sql_record
from .values import clean_text
from .work.jobs import Fence

if TYPE_CHECKING:
    from .store import ExperimentStore


class Handle:
    """One experiment of a store, by its id; two of them are equal when they mean the same one."""

    fence: Fence | None = None
    """In the hands of a worker: checked within each write, so that a lost attempt cannot write."""

    def __init__(self, store: ExperimentStore, id: int) -> None:
        self.store = store
        self.id = id

    @property
    def uid(self) -> str:
        return str(self._row()["uid"])

    @property
    def name(self) -> str:
        return str(self._row()["name"])

    def writing(self, *, durable: bool | None = None) -> AbstractContextManager[sqlite3.Connection]:
        """A write transaction.

        Raises
        ------
        StaleAttemptError
            This process lost the attempt.
        ExperimentNotFoundError
            It was purged.
        """
        return self.store.database.write(durable=durable, check=self._check)

    def _check(self, connection: sqlite3.Connection) -> None:
        self.check_fence(connection)
        self.row(connection)

    def check_fence(self, connection: sqlite3.Connection) -> None:
        """Raise StaleAttemptError in a transaction of a process that lost the attempt."""
        fence = self.fence or self.store.fences.get(self.id)
        if fence is not None:
            fence.check(connection)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Handle) and (self.store.place, self.id) == (other.store.place, other.id)

    def __hash__(self) -> int:
        return hash((self.store.place, self.id))

    def __repr__(self) -> str:
        row = self._row()
        return f"<Experiment {row['id']} {row['name']!r}: {row['status']}>"

    def _row(self) -> sqlite3.Row:
        with self.store.database.read() as connection:
            return self.row(connection)

    def row(self, connection: sqlite3.Connection) -> sqlite3.Row:
        """The header, read within an open transaction.

        Raises
        ------
        ExperimentNotFoundError
            It was purged.
        """
        row = sql_record.experiment(connection, self.id)
        if row is None:
            raise ExperimentNotFoundError(
                f"There is no experiment with the id {self.id} in {self.store.url}; it may have been purged."
            )
        return row

    def _update_text(self, field: str, text: str) -> None:
        text = clean_text(text, f"The {field}")
        with self.writing(durable=True) as connection:
            sql_record.update_experiment(connection, self.id, **{field: text})
