"""What a saved notebook shows in place of the evaluation."""

from __future__ import annotations

from html import escape
from typing import Any

from ...errors import EvaluationError
from .. import theme

NOT_SCORABLE = (
    "This experiment was not trained on images of a project; open one as project.experiments[name]."
)


def can_be_scored(experiment: Any) -> bool:
    """Whether the experiment knows the images that it was trained on."""
    return getattr(experiment, "project", None) is not None and "train" in experiment.datasets


def static_evaluation(experiment: Any, partition: str, labels: str) -> str:
    """The numbers, the confusion matrix as a table, and the numbers of each class."""
    kind = "The evaluation"
    if experiment is None:
        return theme.static_page(kind, "<p>Nothing to evaluate yet.</p>")
    head = f"<p><b>{escape(experiment.name)}</b> {theme.static_badge(experiment.status)}</p>"
    if not can_be_scored(experiment):
        return theme.static_page(kind, f"{head}<p>{escape(NOT_SCORABLE)}</p>")
    try:
        evaluation = experiment.evaluate(partition, dataset="current" if labels == "current" else None)
    except EvaluationError as error:
        return theme.static_page(kind, f"{head}<p>{escape(str(error))}</p>")
    return theme.static_page(kind, head + evaluation._repr_html_())
