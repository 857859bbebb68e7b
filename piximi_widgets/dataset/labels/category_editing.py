"""What the actions of `Dataset.apply` that are about categories do, inside a write transaction."""

from __future__ import annotations

from ...errors import CategoryError
from ..outcome import Outcome, counted
from ..sql import categories, journal
from .categories import checked_color, checked_key, checked_name, found, listed, refuse_taken
from .edit import Edit, make_category


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


def set_category_key(edit: Edit) -> Outcome:
    """Give a category the key that labels with it; another category that had the key loses it."""
    options = edit.options("name")
    category = edit.category(options, "name")
    key = checked_key(options.get("key"))
    tail = ""
    if key:
        holder = categories.with_key(edit.connection, key, but=category.id)
        if holder is not None:
            journal.set_category(edit.connection, edit.operation_id, holder, "key", "")
            tail = f" in place of “{categories.name_of(edit.connection, holder)}”"
    journal.set_category(edit.connection, edit.operation_id, category.id, "key", key)
    if not key:
        return Outcome(f"Category “{category.name}” has no key of its own now.")
    return Outcome(f"The key {key} labels with “{category.name}” now{tail}.")
