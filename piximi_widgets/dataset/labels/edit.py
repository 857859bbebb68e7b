"""What an action is given, and the steps that several actions and imports share.

Every function here works inside a write transaction and notes its changes in the journal under an operation id that
is announced before.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import CategoryError
from ..records import Category
from ..sql import categories, journal
from .categories import checked_color, found, next_color, refuse_taken


@dataclass(frozen=True)
class Edit:
    """What an action is given: the open transaction, its operation's id, the author, and its arguments."""

    connection: sqlite3.Connection
    operation_id: int
    author: str
    ids: np.ndarray
    argument: Any

    def options(self, first: str) -> dict[str, Any]:
        """The argument as a dict; a bare value stands for the option `first`."""
        if self.argument is None:
            return {}
        return dict(self.argument) if isinstance(self.argument, Mapping) else {first: self.argument}

    def category(self, options: Mapping[str, Any], name: str, id_name: str = "id") -> Category:
        """The category that the options name, by id where they have one."""
        number = options.get(id_name)
        if number is not None:
            if isinstance(number, bool) or not isinstance(number, int):
                raise CategoryError(f"A category's id is a whole number, not {number!r}.")
            return found(self.connection, number)
        if options.get(name) is None:
            raise CategoryError(f"Say which category: the option {name!r} is missing.")
        return found(self.connection, options[name])

    def set_images(
        self, field: str, value: int | str, *, also_same: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Give the images one value and return the changed and the skipped ids."""
        values = ((image_id, value) for image_id in self.ids.tolist())
        return journal.set_images(self.connection, self.operation_id, field, values, also_same=also_same)


def make_category(
    connection: sqlite3.Connection, operation_id: int, name: str, color: str | None = None
) -> int:
    """Insert a category under a checked name, note it in the journal and return its id."""
    used = [row["color"] for row in categories.live(connection)]
    chosen = checked_color(color) if color is not None else next_color(used)
    category_id = categories.insert(connection, name, chosen)
    journal.note_category(connection, operation_id, category_id, "removed", 1, 0)
    return category_id


def label_each(
    connection: sqlite3.Connection,
    operation_id: int,
    labels: Mapping[int, str],
    *,
    unlabeled_only: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Label images with checked names, making categories as needed; returns changed and skipped ids."""
    known = {row["name"]: int(row["id"]) for row in categories.live(connection)}
    for name in dict.fromkeys(labels.values()):
        if name not in known:
            refuse_taken(connection, name)
            known[name] = make_category(connection, operation_id, name)
    values = ((image_id, known[name]) for image_id, name in labels.items())
    expected = 0 if unlabeled_only else None
    return journal.set_images(connection, operation_id, "category_id", values, expected=expected)
