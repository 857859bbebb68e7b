"""The edits of a page, applied to the project."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...dataset import Dataset
from ...errors import PiximiError
from .questions import Question, sentence

Given = dict[str, Any]


def _named(*names: str) -> Callable[[Given], Given]:
    """The arguments of these names, as they are."""
    return lambda given: {name: given.get(name) for name in names}


# What a page may ask for, and its arguments in the dataset's words.
ACTIONS: dict[str, Callable[[Given], Given | None]] = {
    "label": lambda given: {"category": given.get("name"), "confirm": given.get("confirm") is True},
    "unlabel": lambda given: None,
    "exclude": lambda given: None,
    "include": lambda given: None,
    "mark_unsure": lambda given: None,
    "mark_sure": lambda given: None,
    # The person chose these images: their labels give way to the prediction.
    "accept_predictions": lambda given: {"experiment": given.get("experiment"), "relabel": True},
    "refuse_predictions": _named("experiment"),
    "undo": lambda given: None,
    "redo": lambda given: None,
    "add_category": _named("name", "color"),
    "rename_category": lambda given: {"old": given.get("name"), "new": given.get("new")},
    "recolor_category": _named("name", "color"),
    "remove_category": _named("name", "move_to"),
    "merge_categories": _named("names", "into"),
    "reorder_categories": _named("names"),
    "set_category_key": _named("name", "key"),
}

# Errors that trying again does not mend; all others, such as a full disk, leave the edit waiting in the page.
FINAL = (PiximiError, ValueError, TypeError, KeyError)


def operate(project: Dataset, author: str, question: Question) -> Given:
    """Apply an edit and say what came of it, in the words of the answer.

    Sent again under its number, an edit changes nothing and has the same answer.
    """
    content = question.content
    known = {"kind": "operation", "client": content.get("client"), "sequence": content.get("sequence")}
    try:
        action = question.text("action")
        if action not in ACTIONS:
            raise PiximiError(
                f"The page asked for {action!r:.60}, which this version does not know. Reload the page."
            )
        argument = content.get("argument")
        result = project.apply(
            action,
            ids=question.ids() if content.get("images") else None,
            argument=ACTIONS[action](argument if isinstance(argument, dict) else {}),
            by=author,
            source="labeler",
            client=(question.text("client"), question.whole("sequence")),
            base=question.whole("base") if content.get("base") is not None else None,
        )
    except Exception as error:
        # Known to the page by the edit's number, so that it can take back what it showed.
        return {**known, "error": sentence(error), "final": isinstance(error, FINAL)}
    return {
        **known,
        "revision": result.revision,
        "message": result.message,
        "changed": len(result.changed),
        "skipped": len(result.skipped),
    }
