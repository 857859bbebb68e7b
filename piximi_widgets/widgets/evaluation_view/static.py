"""What a saved notebook shows in place of the evaluation."""

from __future__ import annotations

from html import escape
from typing import Any

from ...errors import EvaluationError
from .. import theme
from .source import source_of


def static_evaluation(experiment: Any, partition: str, labels: str) -> str:
    """The numbers, the confusion matrix as a table, and the numbers of each class."""
    kind = "The evaluation"
    if experiment is None:
        return theme.static_page(kind, "<p>Nothing to evaluate yet.</p>")
    head = f"<p><b>{escape(experiment.name)}</b> {theme.static_badge(experiment.status)}</p>"
    try:
        evaluation = source_of(experiment).evaluate(partition, current=labels == "current")
    except EvaluationError as error:
        return theme.static_page(kind, f"{head}<p>{escape(str(error))}</p>")
    return theme.static_page(kind, head + evaluation._repr_html_())
