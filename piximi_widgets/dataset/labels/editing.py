"""What each action of `Dataset.apply` does to the project.

Every function here works inside a write transaction and notes its changes in the journal under an
operation id that is announced before; `apply` then appends the operation itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...errors import SelectionError
from ..outcome import Outcome, counted
from . import history
from .category_editing import (
    add_category,
    merge_categories,
    recolor_category,
    remove_category,
    rename_category,
    reorder_categories,
    set_category_key,
)
from .edit import Edit
from .predicted import accept_predictions, refuse_predictions

LONGEST_NOTE = 2000


def label(edit: Edit) -> Outcome:
    """Label the images with an existing category.

    With the option ``confirm`` it is noted too for images that have the label already: it is the author's own then.
    """
    options = edit.options("category")
    category = edit.category(options, "category", "category_id")
    changed, skipped = edit.set_images("category_id", category.id, also_same=bool(options.get("confirm")))
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
        set_category_key,
        accept_predictions,
        refuse_predictions,
        undo,
        redo,
    )
}

NEED_IDS = frozenset(
    {
        "label",
        "unlabel",
        "exclude",
        "include",
        "mark_unsure",
        "mark_sure",
        "set_note",
        "remove_images",
        "accept_predictions",
        "refuse_predictions",
    }
)
