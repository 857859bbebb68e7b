"""What each action of `Dataset.apply` does to the project.

Every function here works inside a write transaction and notes its changes in the journal under an
operation id that is announced before; `apply` then appends the operation itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import CategoryError, SelectionError
from ..outcome import Outcome, counted
from ..records import Category
from ..sql import categories, journal
from . import history
from .categories import checked_color, checked_name, found, listed, next_color, refuse_taken

LONGEST_NOTE = 2000


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

    def set_images(self, field: str, value: int | str) -> tuple[np.ndarray, np.ndarray]:
        """Give the images one value and return the changed and the skipped ids."""
        values = ((image_id, value) for image_id in self.ids.tolist())
        return journal.set_images(self.connection, self.operation_id, field, values)


def label(edit: Edit) -> Outcome:
    """Label the images with an existing category."""
    category = edit.category(edit.options("category"), "category", "category_id")
    changed, skipped = edit.set_images("category_id", category.id)
    return Outcome(f"{counted(len(changed))} labeled “{category.name}”.", changed, skipped)


def unlabel(edit: Edit) -> Outcome:
    """Take the images' labels away."""
    changed, skipped = edit.set_images("category_id", 0)
    return Outcome(f"{counted(len(changed))} unlabeled.", changed, skipped)


def exclude(edit: Edit) -> Outcome:
    """Keep the images out of trainings, evaluations and counts."""
    changed, skipped = edit.set_images("excluded", 1)
    return Outcome(f"{counted(len(changed))} excluded.", changed, skipped)


def include(edit: Edit) -> Outcome:
    """Take back `exclude`."""
    changed, skipped = edit.set_images("excluded", 0)
    return Outcome(f"{counted(len(changed))} included.", changed, skipped)


def mark_unsure(edit: Edit) -> Outcome:
    """Flag the images as ones to look at again."""
    changed, skipped = edit.set_images("unsure", 1)
    return Outcome(f"{counted(len(changed))} marked as unsure.", changed, skipped)


def mark_sure(edit: Edit) -> Outcome:
    """Take back `mark_unsure`."""
    changed, skipped = edit.set_images("unsure", 0)
    return Outcome(f"{counted(len(changed))} no longer unsure.", changed, skipped)


def set_note(edit: Edit) -> Outcome:
    """Write a note on the images; an empty one takes it away."""
    note = checked_note(edit.options("note").get("note"))
    changed, skipped = edit.set_images("note", note)
    return Outcome(f"{counted(len(changed))} {'noted' if note else 'without a note now'}.", changed, skipped)


def remove_images(edit: Edit) -> Outcome:
    """Take the images out of the project; their files stay, and undo brings them back."""
    changed, skipped = edit.set_images("removed", 1)
    return Outcome(f"{counted(len(changed))} removed.", changed, skipped)


def add_category(edit: Edit) -> Outcome:
    """Add a category behind the others."""
    options = edit.options("name")
    name = checked_name(options.get("name"))
    refuse_taken(edit.connection, name)
    make_category(edit.connection, edit.operation_id, name, options.get("color"))
    return Outcome(f"Category “{name}” added.")


def rename_category(edit: Edit) -> Outcome:
    """Give a category another name; its images keep it."""
    options = edit.options("old")
    category = edit.category(options, "old")
    name = checked_name(options.get("new"))
    refuse_taken(edit.connection, name, but=category.id)
    journal.set_category(edit.connection, edit.operation_id, category.id, "name", name)
    return Outcome(f"Category “{category.name}” renamed to “{name}”.")


def recolor_category(edit: Edit) -> Outcome:
    """Give a category another color."""
    options = edit.options("name")
    category = edit.category(options, "name")
    color = checked_color(options.get("color"))
    journal.set_category(edit.connection, edit.operation_id, category.id, "color", color)
    return Outcome(f"Category “{category.name}” has the color {color} now.")


def remove_category(edit: Edit) -> Outcome:
    """Remove a category; its images become unlabeled, or get the label `move_to`."""
    options = edit.options("name")
    category = edit.category(options, "name")
    target = None
    if options.get("move_to") is not None or options.get("move_to_id") is not None:
        target = edit.category(options, "move_to", "move_to_id")
        if target.id == category.id:
            raise CategoryError(
                f"The images of “{category.name}” cannot move to the category that is removed."
            )
    changed = journal.move_images(
        edit.connection, edit.operation_id, [category.id], target.id if target else 0
    )
    journal.set_category(edit.connection, edit.operation_id, category.id, "removed", 1)
    became = f"labeled “{target.name}”" if target else "unlabeled"
    tail = f"; {counted(len(changed))} {became}" if len(changed) else ""
    return Outcome(f"Category “{category.name}” removed{tail}.", changed)


def merge_categories(edit: Edit) -> Outcome:
    """Join categories into one of the project's categories and remove the others."""
    options = edit.options("names")
    into = edit.category(options, "into", "into_id")
    names = options.get("names")
    if not isinstance(names, (list, tuple)) or not names:
        raise CategoryError(f"Name the categories to merge in a list, not {names!r}.")
    merged = {found(edit.connection, name).id: name for name in names}
    merged.pop(into.id, None)
    if not merged:
        raise CategoryError(f"Name a category besides “{into.name}”, which the others are merged into.")
    changed = journal.move_images(edit.connection, edit.operation_id, list(merged), into.id)
    for category_id in merged:
        journal.set_category(edit.connection, edit.operation_id, category_id, "removed", 1)
    joined = ", ".join(f"“{name}”" for name in merged.values())
    return Outcome(f"{joined} merged into “{into.name}”; {counted(len(changed))} relabeled.", changed)


def reorder_categories(edit: Edit) -> Outcome:
    """Put the categories in the order of the given names or ids."""
    options = edit.options("names")
    wanted = options.get("ids") if options.get("ids") is not None else options.get("names")
    if not isinstance(wanted, (list, tuple)):
        raise CategoryError("Name all categories in a list, in their new order.")
    order = [found(edit.connection, which) for which in wanted]
    current = listed(categories.live(edit.connection))
    if sorted(category.id for category in order) != sorted(category.id for category in current):
        raise CategoryError(
            f"Name each of the {len(current)} categories once; got {[category.name for category in order]}."
        )
    for position, category in enumerate(order):
        journal.set_category(edit.connection, edit.operation_id, category.id, "position", position)
    return Outcome("Categories reordered.")


def undo(edit: Edit) -> Outcome:
    """Take back the author's own last operation."""
    return history.undo(edit.connection, edit.operation_id, edit.author)


def redo(edit: Edit) -> Outcome:
    """Take back the author's own last undo, if nothing else came after it."""
    return history.redo(edit.connection, edit.operation_id, edit.author)


def checked_note(note: Any) -> str:
    """A note without surrounding blanks.

    Raises
    ------
    SelectionError
        If it is no text, or longer than 2000 characters.
    """
    if not isinstance(note, str):
        raise SelectionError(f"A note is a text, not {type(note).__name__} {note!r}.")
    tidy = note.strip()
    if len(tidy) > LONGEST_NOTE:
        raise SelectionError(f"The note has {len(tidy)} characters; use at most {LONGEST_NOTE}.")
    if any("\ud800" <= character <= "\udfff" for character in tidy):
        raise SelectionError("The note is not valid Unicode; type it again.")
    return tidy


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


ACTIONS: dict[str, Callable[[Edit], Outcome]] = {
    function.__name__: function
    for function in (
        label,
        unlabel,
        exclude,
        include,
        mark_unsure,
        mark_sure,
        set_note,
        remove_images,
        add_category,
        rename_category,
        recolor_category,
        remove_category,
        merge_categories,
        reorder_categories,
        undo,
        redo,
    )
}

NEED_IDS = frozenset(
    {"label", "unlabel", "exclude", "include", "mark_unsure", "mark_sure", "set_note", "remove_images"}
)
