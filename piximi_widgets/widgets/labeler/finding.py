"""What a page asks to filter and sort by: the values of a field, and the images for which a query is true.

=========  ==========  ==========================================================================================
kind       question    answer
=========  ==========  ==========================================================================================
``field``  ``name``    ``name``, ``kind``; ids and, of texts, codes (-1: none) and their values in natural order
                       as JSON, else numbers (NaN: none). Meanwhile ``{kind: progress, question, done, total}``
``query``  ``query``   ids
=========  ==========  ==========================================================================================
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from ...dataset import Dataset
from ...errors import PiximiError
from .packing import pack_ids, pack_numbers, pack_texts
from .questions import Answer, Question

SLOW_FIELDS = ("brightness",)
"""Fields for which all pixels may have to be read."""

_PROGRESS_INTERVAL = 0.25
_ATTEMPTS = 5

HELD = {
    "category": "text",
    "partition": "text",
    "prediction": "text",
    "origin": "text",
    "agreement": "text",
    "confidence": "number",
}
"""Fields that a page makes from the columns that it has, and their kinds."""


def kinds_of(project: Dataset) -> dict[str, str]:
    """All fields that a page and a query can filter and sort by alike, as ``"text"`` or ``"number"``."""
    fields = dict(project.fields)
    # Metadata called "origin" is something else to a query than to a page.
    return {name: kind for name, kind in {**HELD, **fields}.items() if not (name in HELD and name in fields)}


class Finding:
    """Answers a page's questions about all images; a page asks again when images have changed.

    Parameters
    ----------
    project : Dataset
    tell : callable
        Gets the question's id, and how much of how much is done, while an answer is made.
    """

    def __init__(self, project: Dataset, tell: Callable[[str, int, int], None]) -> None:
        self._project = project
        self._tell = tell

    def field(self, question: Question) -> Answer:
        """The values of a field."""
        name = question.text("name")
        told = time.monotonic()

        def progress(done: int, total: int) -> None:
            nonlocal told
            now = time.monotonic()
            if now - told >= _PROGRESS_INTERVAL:
                told = now
                self._tell(question.id, done, total)

        for _ in range(_ATTEMPTS):
            ids = self._project.columns().id
            found = self._project.field_values(name, progress=progress, cancel=question.cancelled)
            # Images may have come or gone meanwhile; what took long is remembered.
            if question.cancelled.is_set() or np.array_equal(self._project.columns().id, ids):
                break
        else:
            raise PiximiError("Images are being added; ask again when that has ended.")
        values = pack_texts(found.values) if found.kind == "text" else pack_numbers(found.values)
        return {"name": name, "kind": found.kind}, [pack_ids(ids), *values]

    def query(self, question: Question) -> Answer:
        """The images for which a query is true."""
        return {}, [pack_ids(self._project.select(question.text("query")))]
