"""What every part of a dataset stands on: the opened folder, its columns, and committed operations."""

from __future__ import annotations

import getpass
import json
import os
import sqlite3
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np

from ..errors import PiximiError, ReadOnlyError
from ..imaging.display_values import storable
from ..storage import Database, Subscription
from .columns import ColumnCache, changes_since
from .fields.fields import Fields
from .files.hashing import PixelWitness
from .files.pixels import PixelReader
from .labels.edit import Edit
from .labels.origins import OriginCache
from .outcome import Outcome
from .pictures.pictures import Pictures
from .records import NO_IDS, Changes, Columns, OperationResult
from .schema import open_folder
from .selection import existing, known, requested
from .sql import images as image_sql
from .sql import journal as journal_sql

_LONGEST_AUTHOR = 200


class Foundation:
    """An opened project folder; `Dataset` adds what users do with it."""

    def __init__(self, path: str | os.PathLike[str], mode: str = "a") -> None:
        place = os.path.abspath(os.path.expanduser(path))
        # Stored paths such as ../raw/a.tif start from the folder itself, not from where a link to it lies.
        self.path = Path(os.path.realpath(place) if os.path.islink(place) else place)
        self._database: Database = open_folder(self.path, mode)
        self._witness = PixelWitness(self._database)
        self._reader = PixelReader(self.path, self._witness)
        self._columns = ColumnCache(self._database)
        self._origins = OriginCache(self._database, self._columns.current)
        self._fields = Fields(self._database, self.path, self._columns.current, self._origins)
        self._pictures = Pictures(self._database, self._reader, lambda: self._columns.current().id)
        self._frame_lock = threading.Lock()
        self._frame: tuple[int, Any] | None = None
        self._static: tuple[np.ndarray, Any] | None = None
        try:
            with self._database.read() as connection:
                # Made from random digits that SQLite drew when the tables were made, in the same transaction.
                self._uid = str(uuid.UUID(hex=image_sql.seed(connection), version=4))
        except BaseException:
            self._database.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the project's files; calling it twice is harmless."""
        # First, since it writes down the hashes that still wait.
        self._reader.close()
        self._database.close()

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def uid(self) -> str:
        """The project's identity, a UUID that stays with the folder wherever it is moved."""
        return self._uid

    @property
    def read_only(self) -> bool:
        """Whether the project was opened with ``mode="r"``."""
        return self._database.read_only

    @property
    def revision(self) -> int:
        """Id of the last operation; it grows with every visible change."""
        with self._database.read() as connection:
            return journal_sql.revision(connection)

    def __len__(self) -> int:
        return len(self._columns.current().id)

    def columns(self, ids: Any = None) -> Columns:
        """What changes often about the images, as arrays; fast, and without pandas.

        Parameters
        ----------
        ids : optional
            Some images, in this order; all by default.

        Returns
        -------
        Columns

        Raises
        ------
        SelectionError
            If an id is unknown.
        """
        columns = self._columns.current()
        if ids is None:
            return columns
        wanted = existing(ids, columns.id)
        where = np.searchsorted(columns.id, wanted)
        return Columns(
            revision=columns.revision,
            id=wanted,
            category_id=columns.category_id[where],
            partition=columns.partition[where],
            excluded=columns.excluded[where],
            unsure=columns.unsure[where],
            fixed=columns.fixed[where],
            refused=columns.refused[where],
            prediction_id=columns.prediction_id[where],
            confidence=columns.confidence[where],
            names=[columns.names[position] for position in where.tolist()],
        )

    def changes_since(self, revision: int) -> Changes:
        """What the operations after a revision have touched, for views that keep up with the project."""
        with self._database.read() as connection:
            return changes_since(connection, revision)

    def watch(self, callback: Callable[[], None]) -> Subscription:
        """Call `callback` on a thread of its own after changes by any process, until the subscription is closed."""
        return self._database.watch(callback)

    def _ids(self, ids: Any) -> np.ndarray:
        return existing(ids, self._columns.current().id)

    def _author(self, by: str | None) -> str:
        """Whose change this is; the first thing that every change asks."""
        if self.read_only:
            raise ReadOnlyError(
                f'The project {self.path} was opened read-only; open it with mode="a" or "r+" to change it.'
            )
        return author_name(by)

    def _commit(
        self,
        action: str,
        act: Callable[[Edit], Outcome],
        *,
        ids: Any = NO_IDS,
        argument: Any = None,
        by: str | None = None,
        source: str = "api",
        client: tuple[str, int] | None = None,
        base: int | None = None,
        reversible: bool = True,
    ) -> OperationResult:
        """Run an action in one transaction and append its operation, unless nothing came of it.

        A client's operation is always appended: sent again under its number, it must find its result.
        """
        author = self._author(by)
        gone = NO_IDS
        current = self._columns.current()
        all_ids = current.id
        if base is None:
            base = current.revision
        if client is None:
            wanted = existing(ids, all_ids)
        else:
            # What a browser sends may be about images that were removed before it arrived.
            client = (str(client[0]), int(client[1]))
            wanted = requested(ids, all_ids)
            there = known(wanted, all_ids)
            wanted, gone = wanted[there], wanted[~there]
        with self._database.write() as connection:
            if client is not None and (earlier := journal_sql.by_client(connection, client)) is not None:
                return _stored(connection, earlier)
            operation_id = journal_sql.next_id(connection)
            outcome = act(Edit(connection, operation_id, author, wanted, argument))
            skipped = np.union1d(outcome.skipped, gone)
            did_something = journal_sql.has_changes(connection, operation_id)
            if client is None and not did_something and outcome.reverts is None:
                return OperationResult(
                    journal_sql.revision(connection), action, outcome.changed, skipped, outcome.message
                )
            journal_sql.append(
                connection,
                operation_id,
                author=author,
                source=source,
                action=action,
                detail={"message": outcome.message, "skipped": skipped.tolist()},
                reversible=reversible and (did_something or outcome.reverts is not None),
                reverts=outcome.reverts,
                client=client,
                base=min(base, operation_id - 1),
            )
        return OperationResult(operation_id, action, outcome.changed, skipped, outcome.message)


def author_name(by: str | None) -> str:
    """The author that an operation is noted for, by default the user's login name."""
    if by is None:
        try:
            return storable(getpass.getuser())
        except (OSError, KeyError, ImportError):
            # In containers a user id need not have a name.
            return "unknown"
    if not isinstance(by, str) or not by.strip() or len(by) > _LONGEST_AUTHOR or storable(by) != by:
        raise PiximiError(
            f"by= is the author's name, a text of 1 to {_LONGEST_AUTHOR} characters, not {by!r}."
        )
    return by.strip()


def _stored(connection: sqlite3.Connection, row: sqlite3.Row) -> OperationResult:
    detail = json.loads(row["detail"])
    return OperationResult(
        row["id"],
        row["action"],
        journal_sql.changed_images(connection, row["id"], row["id"]),
        np.array(detail.get("skipped", []), dtype=np.int64),
        detail["message"],
    )
