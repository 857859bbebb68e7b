"""What the pages know of a project, and what they are told when it has changed."""

from __future__ import annotations

from typing import Any

from ...dataset import Dataset
from ...dataset.records import Columns, LabelOrigins
from ...errors import PiximiError
from .packing import pack_categories, pack_columns, rows_of
from .questions import Answer, Question

_ATTEMPTS = 20


class Following:
    """Says everything about the images of a project at first, and later what is new.

    Parameters
    ----------
    project : Dataset
    author : str
        Whose labels are marked as the labeler's own.
    """

    def __init__(self, project: Dataset, author: str) -> None:
        self._project = project
        self._author = author
        self._told: int | None = None

    def open(self, question: Question) -> Answer:
        """Everything that a page begins with."""
        columns, origins = self._columns()
        if self._told is None:
            self._told = columns.revision
        content = {
            "revision": columns.revision,
            "categories": pack_categories(self._project.category_table()),
            "project": self._project.name,
            "read_only": self._project.read_only,
            "fields": [{"name": name, "kind": kind} for name, kind in self._project.fields],
            **self._state(),
        }
        return content, pack_columns(columns, origins, self._author)

    def changes(self, question: Question) -> Answer:
        """What is new since the revision that a page knows."""
        return self._delta(question.whole("since"))

    def news(self) -> Answer | None:
        """What is new since the pages were last told; None if nothing is, or if no page has opened yet."""
        if self._told is None:
            return None
        delta, columns = self._delta(self._told)
        if delta["to"] == self._told:
            return None
        self._told = delta["to"]
        return {"kind": "reload" if delta.get("reload") else "delta", **delta}, columns

    def _delta(self, since: int) -> Answer:
        changes = self._project.changes_since(since)
        if changes.image_ids is None:
            return {"reload": True, "to": changes.revision}, []
        columns, origins = self._columns()
        rows = rows_of(columns, changes.image_ids)
        if len(rows) < len(changes.image_ids):
            # Images were removed. Added ones are part of the delta, and a page that does not know them opens again.
            return {"reload": True, "to": changes.revision}, []
        categories = pack_categories(self._project.category_table()) if changes.categories else None
        delta = {"from": since, "to": changes.revision, "categories": categories, **self._state()}
        return delta, pack_columns(columns, origins, self._author, rows)

    def _columns(self) -> tuple[Columns, LabelOrigins]:
        """Both of one moment."""
        for _ in range(_ATTEMPTS):
            origins, columns = self._project.label_origins(), self._project.columns()
            if origins.revision == columns.revision:
                return columns, origins
        raise PiximiError("The project is being changed faster than it can be read; wait a moment.")

    def _state(self) -> dict[str, Any]:
        return {
            "pictures": self._project.picture_version,
            "predictions": self._project.newest_predictions,
        }
