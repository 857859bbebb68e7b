"""EvaluationView: confusion matrix, numbers of each class, and the images behind a cell."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets
import numpy as np
import traitlets

from ...errors import EvaluationError
from .. import theme
from ..refresher import Refresher
from ..routing import heard_while_cells_run
from .matrix import Matrix
from .source import PARTITIONS, Source, source_of
from .static import static_evaluation
from .tables import Group, cell_title, classes_html, groups, images, tiles_html

if TYPE_CHECKING:
    from ...engine.evaluation import Evaluation
    from ...project import Experiment

_UNDER_WAY = ("WAITING", "RUNNING")
_NO_IMAGES = (
    "The images of this experiment are in no project that is open here, so that they cannot be shown."
)
_NOTHING = "– choose images to look at –"


class EvaluationView(ipywidgets.VBox):
    """Shows where an experiment's classifier is right and wrong, and follows the labels as they are mended.

    A click on a cell of the matrix, or a choice in the list beside it, shows the images in a gallery below.

    Parameters
    ----------
    experiment : Experiment, optional
        Set ``view.experiment`` to look at another one. Of one that was trained on images of a project at hand, the images
        can be looked at and the labels be followed; of any other, what its record says of the images is shown.
    partition : str
        ``"validation"`` or ``"test"``; of a training of your own, any partition that has evaluations.

    Attributes
    ----------
    evaluation : Evaluation or None
        What is shown. A trait; its observers run on the view's own thread.
    labeler : Labeler or None
        The gallery, once images were asked for.
    """

    experiment = traitlets.Any(None, allow_none=True)
    evaluation = traitlets.Any(None, allow_none=True)

    def __init__(self, experiment: Experiment | None = None, partition: str = "validation") -> None:
        self.labeler: Any = None
        self._closing = False
        self._key: Any = None
        self._source: Source | None = None
        self._subscriptions: list[Any] = []
        self._followed: Any = None
        self._groups: list[Group] = []
        self._heading = theme.html("pxw-u-grow")
        options = dict.fromkeys([*PARTITIONS, (partition.capitalize(), partition)])
        self._partition = _pick("Partition", list(options), partition, "Which images are scored")
        self._labels = _pick(
            "Labels",
            [("As they are now", "current"), ("As in training", "trained")],
            "current",
            "Which labels count as the truth",
        )
        self._tiles, self._measured = theme.html(), theme.html("pxw-u-hint")
        self._empty, self._failure = theme.html(), theme.html()
        self.matrix = Matrix(self.show_cell)
        self._table = theme.html("pxw-u-classes")
        self._choice = _pick("Show images", [(_NOTHING, -1)], -1, "The most confused pairs first")
        self._choice.add_class("pxw-u-choice")
        self._gallery, self._missing = ipywidgets.VBox(()), theme.html()
        head = theme.html(
            value='<div class="pxw-u-plot-head"><b>Confusion matrix</b><span class="pxw-u-legend pxw-u-small pxw-u-muted">'
            '<span><i class="pxw-u-key" style="--pxw-tone:var(--pxw-hit)"></i>right</span>'
            '<span><i class="pxw-u-key" style="--pxw-tone:var(--pxw-miss)"></i>wrong</span>'
            "<span>deeper: larger share of the truth</span></span></div>"
        )
        matrix = theme.classes(ipywidgets.VBox((head, self.matrix.widget)), "pxw-u-plot")
        both = theme.classes(ipywidgets.Box((matrix, self._table)), "pxw-u-evaluation")
        self._body = theme.classes(
            ipywidgets.VBox((self._tiles, self._measured, both, self._choice, self._missing, self._gallery)),
            "pxw-u-stack",
        )
        self._top = theme.classes(ipywidgets.Box((self._heading, self._partition, self._labels)), "pxw-u-row")
        self._parts: tuple[Any, ...] = (theme.style(), self._top, self._failure, self._empty)
        super().__init__(self._parts)
        theme.classes(self, "pxw", "pxw-evaluation-view", "pxw-u-stack")
        for part in (self._top, self._body, self.matrix.cells):
            heard_while_cells_run(part)
        self.refresher = Refresher(self._draw, self._show_failure, name="piximi-evaluation", per_second=5)
        for picker in (self._partition, self._labels):
            picker.observe(lambda change: self.refresher.request(), "value")
        self._choice.observe(self._chosen, "value")
        self.observe(lambda change: self.refresher.request(), "experiment")
        self.experiment = experiment
        self.refresher.request()

    def show_cell(self, truth: int, predicted: int) -> None:
        """Show the images of one cell of the confusion matrix in the gallery; indices as in ``evaluation.classes``."""
        self.refresher.do(lambda: self._show(Group("", truth, predicted)), self._show_missing)

    def show_errors(self) -> None:
        """Show all images that were predicted wrong."""
        self.refresher.do(lambda: self._show(Group("", None, None)), self._show_missing)

    def close(self) -> None:
        """End the view's thread and subscriptions."""
        self._closing = True
        if hasattr(self, "refresher"):
            self.refresher.close()
            self._unsubscribe()
            self.matrix.close()
            if self.labeler is not None:
                self.labeler.close()
        super().close()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return theme.with_static(
            super()._repr_mimebundle_(**options),
            lambda: static_evaluation(self.experiment, self._partition.value, self._labels.value),
        )

    # -- on the drawing thread ---------------------------------------------------------------------

    def _draw(self) -> None:
        experiment = self.experiment
        if experiment is not self._followed:
            self._follow(experiment)
        theme.show(self._top, experiment is not None)
        if experiment is None:
            self._show_empty(
                "Nothing to evaluate yet",
                "Train first: what the classifier gets right and wrong appears here.",
            )
            return
        status = str(experiment.status)
        theme.write_html(
            self._heading,
            f'<div class="pxw-u-row"><span class="pxw-u-title">{escape(experiment.name)}</span>{theme.badge(status)}</div>',
        )
        if status in _UNDER_WAY:
            self._show_empty("Still training", "The evaluation appears here when the training has ended.")
            return
        source = self._source
        assert source is not None
        self._offer(source.partitions)
        partition, current = self._partition.value, self._labels.value == "current"
        key = (experiment.uid, status, partition, current, source.revision(current=current))
        if key == self._key:
            return
        try:
            evaluation = source.evaluate(partition, current=current)
            words = source.measured(evaluation, current=current)
        except EvaluationError as error:
            self._show_empty("Nothing to score", str(error))
            self._key = key
            return
        self._key = key
        self._show_evaluation(evaluation, words)

    def _offer(self, partitions: list[tuple[str, str]]) -> None:
        if [tuple(option) for option in self._partition.options] != partitions:
            kept = self._partition.value
            with self._partition.hold_sync():
                self._partition.options = partitions
                if kept in dict(partitions).values():
                    self._partition.value = kept

    def _show_evaluation(self, evaluation: Evaluation, measured: str) -> None:
        theme.write_html(self._empty, "")
        theme.write_html(self._failure, "")
        theme.write_html(self._tiles, tiles_html(evaluation))
        theme.write_html(self._measured, escape(measured))
        self.matrix.draw(evaluation.confusion_matrix, evaluation.classes)
        theme.write_html(self._table, classes_html(evaluation))
        self._groups = groups(evaluation.confusion_matrix, evaluation.classes)
        options = [(_NOTHING, -1), *((group.label, index) for index, group in enumerate(self._groups))]
        if list(self._choice.options) != options:
            # The list is about to be another one: what was chosen has been shown, and stays in the gallery.
            with self._choice.hold_sync():
                self._choice.value = -1
                self._choice.options = options
        self.children = (*self._parts, self._body)
        self.evaluation = evaluation

    def _show_empty(self, title: str, sentence: str) -> None:
        theme.write_html(
            self._empty, f'<div class="pxw-u-empty"><b>{escape(title)}</b>{escape(sentence)}</div>'
        )
        # A matrix that is drawn while it is hidden has a size below zero: it is taken out instead.
        self.children = self._parts
        self._key = None
        self.evaluation = None

    def _follow(self, experiment: Any) -> None:
        self._unsubscribe()
        self._followed = experiment
        self._key = self._source = None
        theme.write_html(self._failure, "")
        if self.labeler is not None:
            theme.show(self._gallery, False)
        if experiment is not None:
            self._subscriptions = [experiment.store.watch(self.refresher.request)]
            source = self._source = source_of(experiment)
            if source.project is not None:
                self._subscriptions.append(source.project.watch(self.refresher.request))
            theme.show(self._labels, source.follows_labels)

    def _unsubscribe(self) -> None:
        for subscription in self._subscriptions:
            subscription.close()
        self._subscriptions = []

    # -- images ------------------------------------------------------------------------------------

    def _chosen(self, change: Any) -> None:
        index = change["new"]
        if isinstance(index, int) and 0 <= index < len(self._groups):
            group = self._groups[index]
            self.refresher.do(lambda: self._show(group), self._show_missing)

    def _show(self, group: Group) -> None:
        evaluation, source = self.evaluation, self._source
        if evaluation is None or source is None:
            return
        if source.project is None:
            theme.write_html(self._missing, theme.notice("quiet", _NO_IMAGES))
            return
        if group.truth is None or group.predicted is None:
            wrong = evaluation.truth != evaluation.predicted
            ids = evaluation.ids[wrong][
                np.argsort(-evaluation.probabilities.max(axis=1)[wrong], kind="stable")
            ]
            title = f"all errors ({images(len(ids))}), the surest first"
        else:
            ids = evaluation.ids_of(group.truth, group.predicted)
            title = cell_title(evaluation.confusion_matrix, evaluation.classes, group.truth, group.predicted)
        if self.labeler is None or self.labeler_project is not source.project:
            self._make_labeler(source.project)
        self.labeler.show([int(image) for image in ids], title=title)
        theme.write_html(self._missing, "")
        theme.show(self._gallery, True)

    def _make_labeler(self, project: Any) -> None:
        from ..labeler import Labeler

        if self.labeler is not None:
            self.labeler.close()
        self.labeler, self.labeler_project = Labeler(project), project
        self._gallery.children = (self.labeler,)

    def _show_missing(self, error: BaseException) -> None:
        if not self._closing:
            theme.write_html(self._missing, theme.explain(error))

    def _show_failure(self, error: BaseException) -> None:
        if not self._closing:
            self._key = None
            theme.write_html(self._failure, theme.explain(error))


def _pick(label: str, options: list[tuple[str, Any]], value: Any, tooltip: str) -> ipywidgets.Dropdown:
    return theme.classes(
        ipywidgets.Dropdown(description=label, options=options, value=value, tooltip=tooltip),
        "pxw-u-labelled",
    )
