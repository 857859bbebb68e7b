"""Undo and redo: both revert an operation, and are operations themselves.

An author's history is a stack that is never stored: it follows from the journal. Read from the newest
operation backwards, an undo hides the nearest operation before it that no later undo has hidden; what
is left is what the author has done and not taken back.
"""

from __future__ import annotations

import json
import sqlite3

import numpy as np

from ..outcome import Outcome, counted
from ..records import NO_IDS
from ..sql import categories, journal


def undo(connection: sqlite3.Connection, operation_id: int, author: str) -> Outcome:
    """Revert what the author did last."""
    hidden = 0
    for row in journal.newest_first(connection, author):
        if row["action"] == "undo":
            hidden += 1
        elif hidden:
            hidden -= 1
        else:
            return _revert(connection, operation_id, row["id"], "Undone")
    return Outcome("There is nothing to undo.")


def redo(connection: sqlite3.Connection, operation_id: int, author: str) -> Outcome:
    """Revert the author's last undo, unless the author has done something else since."""
    hidden = 0
    for row in journal.newest_first(connection, author):
        if row["action"] == "redo":
            hidden += 1
        elif row["action"] != "undo":
            break
        elif hidden:
            hidden -= 1
        else:
            return _revert(connection, operation_id, row["id"], "Done again")
    return Outcome("There is nothing to redo.")


def _revert(connection: sqlite3.Connection, operation_id: int, reverted: int, what: str) -> Outcome:
    changed, skipped = [NO_IDS], [NO_IDS]
    rows = journal.category_changes(connection, reverted)
    keys = [row for row in rows if row["field"] == "key"]
    # Categories come back before images are labeled with them, and go after no image is.
    kept = 0
    for row in rows:
        if row["field"] != "key" and (row["field"], row["before"]) != ("removed", 1):
            kept += not _revert_category(connection, operation_id, row)
    kept += _revert_keys(connection, operation_id, keys)
    for field in journal.image_fields(connection, reverted):
        done, left = journal.revert_images(connection, operation_id, reverted, field)
        changed.append(done)
        skipped.append(left)
    for row in rows:
        if (row["field"], row["before"]) == ("removed", 1):
            kept += not _revert_category(connection, operation_id, row)
    left_alone = np.unique(np.concatenate(skipped))
    message = f"{what}: {_told(connection, reverted)}"
    if len(left_alone):
        message += f" {counted(len(left_alone))} changed by somebody else since stayed as they are."
    if kept:
        message += " A category that was changed or used since stayed as it is."
    return Outcome(message, np.unique(np.concatenate(changed)), left_alone, reverts=reverted)


def _revert_category(connection: sqlite3.Connection, operation_id: int, row: sqlite3.Row) -> bool:
    category_id, field, before = row["target_id"], row["field"], row["before"]
    if categories.value(connection, category_id, field) != row["after"]:
        return False
    if field == "removed" and before == 1 and categories.is_used(connection, category_id):
        return False
    name = None
    if field == "name":
        name = before
    elif field == "removed" and before == 0:
        name = categories.name_of(connection, category_id)
    if name is not None and categories.is_taken(connection, name, but=category_id):
        return False
    journal.set_category(connection, operation_id, category_id, field, before)
    if field == "removed" and before == 0:
        key = str(categories.value(connection, category_id, "key"))
        if key and categories.with_key(connection, key, but=category_id) is not None:
            # Somebody gave its key to another category in the meantime.
            journal.set_category(connection, operation_id, category_id, "key", "")
    return True


def _revert_keys(connection: sqlite3.Connection, operation_id: int, rows: list[sqlite3.Row]) -> int:
    """Give categories back the keys that they had, and return how many stayed as they are.

    No two have the same key: where a key went from one to another, the other has to let go of it first.
    """
    waiting = [row for row in rows if categories.value(connection, row["target_id"], "key") == row["after"]]
    kept = len(rows) - len(waiting)
    while waiting:
        blocked = []
        for row in waiting:
            key = row["before"]
            if key and categories.with_key(connection, key, but=row["target_id"]) is not None:
                blocked.append(row)
            else:
                journal.set_category(connection, operation_id, row["target_id"], "key", key)
        if len(blocked) == len(waiting):
            break
        waiting = blocked
    return kept + len(waiting)


def _told(connection: sqlite3.Connection, operation_id: int) -> str:
    """The message of the operation that a chain of undos and redos started from."""
    row = journal.operation(connection, operation_id)
    while row["reverts"] is not None:
        row = journal.operation(connection, row["reverts"])
    return str(json.loads(row["detail"]).get("message", row["action"]))
