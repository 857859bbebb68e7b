"""How a project was divided last, so that new labels join in the same manner."""

from __future__ import annotations

import sqlite3
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from ..sql import journal as journal_sql
from ..sql import settings as settings_sql
from .grouping import Groups

_KEY = "split"
# After an undo the split before it counts again.
_REMEMBERED = 4


@dataclass(frozen=True)
class SplitSettings:
    """The arguments of a `Dataset.split`.

    Attributes
    ----------
    training, test : float
        Fractions of the images; validation gets the rest.
    stratify : bool
    groups : tuple of str
        The columns whose values were kept together; empty if there were none.
    seed : int
    keep_duplicates_together : bool
    given : dict, optional
        Groups that were given as values and not as columns: ``ids``, for each of them its group's number ``of``,
        and the groups' ``names``. Images that stood alone are not in it.
    """

    training: float = 0.75
    test: float = 0.0
    stratify: bool = True
    groups: tuple[str, ...] = ()
    seed: int = 0
    keep_duplicates_together: bool = False
    given: dict[str, Any] | None = field(default=None, repr=False)

    def given_groups(self, ids: np.ndarray) -> Groups | None:
        """The groups that were given as values, for these images; the others stand alone."""
        if self.given is None:
            return None
        names = list(self.given["names"])
        known = np.array(self.given["ids"], dtype=np.int64)
        numbers = np.array(self.given["of"], dtype=np.int64)
        of = len(names) + np.arange(len(ids), dtype=np.int64)
        _, there, position = np.intersect1d(ids, known, assume_unique=True, return_indices=True)
        of[there] = numbers[position]
        return Groups(of, names)


def given(ids: np.ndarray, groups: Groups) -> dict[str, Any]:
    """`SplitSettings.given` for groups of these images."""
    named = groups.of < len(groups.names)
    return {"ids": ids[named].tolist(), "of": groups.of[named].tolist(), "names": groups.names}


def remember(
    connection: sqlite3.Connection, settings: SplitSettings, *, operation_id: int | None, author: str
) -> None:
    """Note the settings of a split.

    Parameters
    ----------
    operation_id : int, optional
        The split's operation, with whose undo the settings are forgotten; None if the split changed nothing.
    """
    entries = (settings_sql.load(connection, _KEY) or [])[1 - _REMEMBERED :]
    entry = {**asdict(settings), "operation": operation_id, "author": author}
    settings_sql.save(connection, _KEY, [*entries, entry])


def recall(connection: sqlite3.Connection) -> SplitSettings | None:
    """The settings of the last split that was not undone."""
    for entry in reversed(settings_sql.load(connection, _KEY) or []):
        if entry["operation"] is None or not _is_undone(connection, entry["operation"], entry["author"]):
            known = {one.name: entry[one.name] for one in fields(SplitSettings)}
            return SplitSettings(**{**known, "groups": tuple(entry["groups"])})
    return None


def _is_undone(connection: sqlite3.Connection, operation_id: int, author: str) -> bool:
    """Whether the author has taken an operation back, and not done it again since."""
    undone = redone = 0
    for row in journal_sql.newest_first(connection, author):
        if row["id"] == operation_id:
            return undone > 0
        if row["action"] == "undo":
            if redone:
                redone -= 1
            else:
                undone += 1
        elif undone:
            undone -= 1
        elif row["action"] == "redo":
            redone += 1
    return False
