"""Where each image's present label comes from: by hand, from a prediction, or from a file.

Nothing of this is stored. It follows from the journal: of each change of a label, the change that the label was
given by. That is the change itself, but where categories were merged the one before it, and where something was
undone or done again the one before what was reverted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np

from ...storage import Database
from ..records import Columns, LabelOrigins
from ..sql import origins as sql

_NONE = -1


class OriginCache:
    """The origins of a project's labels, brought up to date from the journal; several threads may ask at once.

    Parameters
    ----------
    database : Database
    columns : callable
        Gives the project's present columns.
    """

    def __init__(self, database: Database, columns: Callable[[], Columns]) -> None:
        self._database = database
        self._columns = columns
        self._lock = threading.Lock()
        self._revision = 0
        self._shown: tuple[Columns, LabelOrigins] | None = None
        # Of each change of a label: its operation, image, the image's change before it, and the change that gave the
        # label; the latter two are positions here, -1 for none.
        self._operation = np.empty(0, dtype=np.int64)
        self._image = np.empty(0, dtype=np.int64)
        self._before = np.empty(0, dtype=np.int64)
        self._source = np.empty(0, dtype=np.int64)
        # By image id the position of its last change.
        self._last = np.empty(0, dtype=np.int64)
        # By operation id.
        self._kind = np.zeros(1, dtype=np.uint8)
        self._author = np.zeros(1, dtype=np.int32)
        self._time = np.full(1, np.nan)
        self._authors: dict[str, int] = {}

    def current(self) -> LabelOrigins:
        """The origins at the newest revision."""
        with self._lock:
            columns = self._columns()
            if self._shown is None or self._shown[0] is not columns:
                self._follow(columns.revision)
                self._shown = (columns, self._origins(columns))
            return self._shown[1]

    def _origins(self, columns: Columns) -> LabelOrigins:
        ids = columns.id
        known = ids < len(self._last)
        source = np.full(len(ids), _NONE, dtype=np.int64)
        last = self._last[ids[known]]
        source[known] = np.where(last == _NONE, _NONE, self._source[last] if len(self._source) else _NONE)
        labeled = source != _NONE
        given_by = self._operation[source[labeled]]
        origin = np.zeros(len(ids), dtype=np.uint8)
        author = np.full(len(ids), -1, dtype=np.int32)
        time = np.full(len(ids), np.nan)
        origin[labeled] = self._kind[given_by]
        author[labeled] = self._author[given_by]
        time[labeled] = self._time[given_by]
        for array in (origin, author, time):
            array.flags.writeable = False
        return LabelOrigins(columns.revision, ids, origin, author, time, list(self._authors))

    def _follow(self, revision: int) -> None:
        """Take in the operations since the last look; the journal only grows."""
        if revision <= self._revision:
            return
        with self._database.read() as connection:
            operations = sql.operations(connection, self._revision, revision)
            changes = sql.label_changes(connection, self._revision, revision)
        reverts = self._take_operations(operations, revision)
        if len(changes.operation):
            self._take_changes(changes, reverts)
        self._revision = revision

    def _take_operations(self, operations: sql.Operations, revision: int) -> np.ndarray:
        """Note who did what when, and return by operation id what each of the new ones reverts."""
        size = revision + 1
        known = len(self._kind)
        self._kind = np.concatenate([self._kind, np.full(size - known, sql.HAND, dtype=np.uint8)])
        self._author = np.concatenate([self._author, np.full(size - known, -1, dtype=np.int32)])
        self._time = np.concatenate([self._time, np.full(size - known, np.nan)])
        for name in sorted(set(operations.author) - self._authors.keys()):
            self._authors[name] = len(self._authors)
        self._kind[operations.id] = operations.kind
        self._time[operations.id] = operations.time
        self._author[operations.id] = np.fromiter(
            map(self._authors.__getitem__, operations.author), dtype=np.int32, count=len(operations.id)
        )
        reverts = np.zeros(size, dtype=np.int64)
        reverts[operations.id] = operations.reverts
        return reverts

    def _take_changes(self, changes: sql.LabelChanges, reverts: np.ndarray) -> None:
        start = len(self._operation)
        rows = np.arange(start, start + len(changes.operation))
        self._before = np.concatenate([self._before, self._changes_before(changes, rows)])
        self._operation = np.concatenate([self._operation, changes.operation])
        self._image = np.concatenate([self._image, changes.image])
        # Where a label comes from: at first only a step back, …
        source = rows.copy()
        moved = self._kind[changes.operation] == sql.MOVED
        source[moved] = self._before[rows[moved]]
        reverting = reverts[changes.operation] != 0
        source[reverting] = self._before_reverted(
            changes.image[reverting], reverts[changes.operation[reverting]]
        )
        source[~changes.labeled] = _NONE
        self._source = np.concatenate([self._source, source])
        # … and then as many as there are. Each round doubles the steps, and all of them lead back in time.
        while True:
            step = np.where(source == _NONE, _NONE, self._source[source])
            if np.array_equal(step, source):
                break
            source = step
            self._source[start:] = source
        lost = changes.labeled & (source == _NONE)
        # In a journal with gaps a label may come from nowhere; then it is its own beginning.
        self._source[start:][lost] = rows[lost]

    def _changes_before(self, changes: sql.LabelChanges, rows: np.ndarray) -> np.ndarray:
        """For each new change the image's change before it, and note the images' last ones."""
        size = int(changes.image.max()) + 1
        if size > len(self._last):
            self._last = np.concatenate([self._last, np.full(size - len(self._last), _NONE, dtype=np.int64)])
        order = np.argsort(changes.image, kind="stable")
        image, row = changes.image[order], rows[order]
        first = np.ones(len(order), dtype=bool)
        first[1:] = image[1:] != image[:-1]
        before = np.empty(len(order), dtype=np.int64)
        before[order] = np.where(first, self._last[image], np.roll(row, 1))
        final = np.roll(first, -1)
        self._last[image[final]] = row[final]
        return before

    def _before_reverted(self, image: np.ndarray, reverted: np.ndarray) -> np.ndarray:
        """For images and operations that were reverted, the change before that operation's."""
        # The changes are ascending by operation and, within each, by image, so that both make one ascending key.
        span = int(self._image.max()) + 1
        keys = self._operation * span + self._image
        wanted = reverted * span + image
        found = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where(keys[found] == wanted, self._before[found], _NONE)
