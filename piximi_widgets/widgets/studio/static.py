"""What a saved notebook shows in place of the studio."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from .. import theme
from ..training_form.dataset_line import count_images, sentence
from ..training_form.form import latest_experiment
from ..training_monitor.static import static_monitor

if TYPE_CHECKING:
    from ...project import Project


def static_studio(project: Project) -> str:
    """The state of the data, and the last experiment with its curves and its evaluation."""
    body = f"<p><b>{escape(project.path.name)}</b>: {escape(sentence(count_images(project)))}</p>"
    experiment = latest_experiment(project)
    if experiment is not None:
        from ..evaluation_view.static import static_evaluation

        body += static_monitor(experiment) + static_evaluation(experiment, "validation", "current")
    return theme.static_page("The studio", body)
