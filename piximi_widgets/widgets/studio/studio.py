"""Studio: labeling, training and evaluation as tabs over one project, kept in step."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets
import traitlets

from .. import theme
from ..refresher import Refresher
from ..routing import heard_while_cells_run
from .changes import LabelChanges, label_changes
from .static import static_studio

if TYPE_CHECKING:
    from ...project import Experiment, Project

LABEL, TRAIN, EVALUATE = range(3)
_UNDER_WAY = ("WAITING", "RUNNING")
_MARK = " •"


class Studio(ipywidgets.VBox):
    """The whole loop over one project: label, train, watch, evaluate, mend, train again.

    A tab is made when it is first looked at, and only the tab that is seen does work. Making the studio again shows the
    project as it is, with its last experiment.

    Parameters
    ----------
    project : Project

    Attributes
    ----------
    experiment : Experiment or None
        The experiment that the Train and Evaluate tabs show.
    labeler, form, monitor, evaluation : widgets or None
        The parts, once their tab was looked at.
    import_form : ImportForm or None
        Above the tabs, once “Add images” was pressed; an empty project begins with it.
    """

    experiment = traitlets.Any(None, allow_none=True)

    def __init__(self, project: Project) -> None:
        self._project = project
        self._closing = False
        self._seen_done: set[str] = set()
        self._running: set[str] = set()
        self._version: tuple[str, Any] | None = None
        self._listed: list[tuple[str, str]] = []
        self.labeler: Any = None
        self.form: Any = None
        self.monitor: Any = None
        self.evaluation: Any = None
        self.import_form: Any = None
        self._title = theme.html("pxw-u-grow")
        self._picker = theme.classes(
            ipywidgets.Dropdown(description="Experiment", options=[], tooltip="Which training is shown"),
            "pxw-u-labelled",
            "pxw-u-experiments",
        )
        self._hint = theme.html("pxw-u-grow")
        self._again = theme.classes(
            ipywidgets.Button(
                description="Train again", tooltip="Start a training with the labels as they are now"
            ),
            "pxw-u-button",
        )
        self._adding = theme.classes(
            ipywidgets.ToggleButton(
                description="Add images", tooltip="Add image files to the project", disabled=project.read_only
            ),
            "pxw-u-button",
        )
        self._import = theme.classes(ipywidgets.VBox(()), "pxw-u-import")
        theme.show(self._import, False)
        self._failure, self._stuck = theme.html(), theme.html()
        self._pages = [theme.classes(ipywidgets.VBox(()), "pxw-u-page") for _ in range(3)]
        self.tabs = ipywidgets.Tab(self._pages, titles=("Label", "Train", "Evaluate"))
        top = theme.classes(ipywidgets.Box((self._title, self._adding, self._picker)), "pxw-u-row")
        self._hints = theme.classes(ipywidgets.Box((self._hint, self._again)), "pxw-u-row", "pxw-u-hint-row")
        theme.show(self._hints, False)
        super().__init__(
            (theme.style(), top, self._import, self._hints, self._failure, self._stuck, self.tabs)
        )
        theme.classes(self, "pxw", "pxw-studio", "pxw-u-stack")
        heard_while_cells_run(self)
        self.refresher = Refresher(self._draw, self._show_failure, name="piximi-studio", per_second=4)
        self._again.on_click(lambda _: self.train_again())
        self._adding.observe(self._add_pressed, "value")
        self.tabs.observe(self._turned, "selected_index")
        self._picker.observe(self._picked, "value")
        self.observe(lambda change: self.refresher.request(), "experiment")
        self._subscriptions = [
            project.watch(self.refresher.request),
            project.experiments.watch(self.refresher.request),
        ]
        self._act(self._begin)

    def show(self, tab: str) -> None:
        """Turn to a tab: ``"label"``, ``"train"`` or ``"evaluate"``."""
        index = ("label", "train", "evaluate").index(tab)
        self._act(lambda: self._turn_to(index))

    def train_again(self) -> None:
        """Turn to the training tab and start a training with its settings and the labels as they are now."""

        def start() -> None:
            self._turn_to(TRAIN)
            self.form.fit()

        self._act(start)

    def close(self) -> None:
        """End the threads and subscriptions of the studio and its parts; a training under way goes on."""
        self._closing = True
        for subscription in getattr(self, "_subscriptions", ()):
            subscription.close()
        if hasattr(self, "refresher"):
            self.refresher.close()
            for part in (self.import_form, self.labeler, self.form, self.monitor, self.evaluation):
                if part is not None:
                    part.close()
        super().close()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return theme.with_static(super()._repr_mimebundle_(**options), lambda: static_studio(self._project))

    # -- handlers, on any thread -------------------------------------------------------------------

    def _act(self, action: Callable[[], None]) -> None:
        def run() -> None:
            action()
            theme.write_html(self._stuck, "")

        self.refresher.do(run, self._show_stuck)

    def _turned(self, change: Any) -> None:
        self._act(lambda: self._open(self.tabs.selected_index))

    def _add_pressed(self, change: Any) -> None:
        self._act(lambda: self._show_import(self._adding.value))

    def _picked(self, change: Any) -> None:
        uid = change["new"]
        if uid is not None and (self.experiment is None or uid != self.experiment.uid):
            self._act(lambda: self._choose(uid))

    # -- on the drawing thread ---------------------------------------------------------------------

    def _begin(self) -> None:
        from ..training_form.form import latest_experiment

        self.experiment = latest_experiment(self._project)
        self._open(self.tabs.selected_index)
        if not len(self._project) and not self._project.read_only:
            self._adding.value = True

    def _show_import(self, wanted: bool) -> None:
        if wanted and self.import_form is None:
            from ..import_form import ImportForm

            self.import_form = ImportForm(self._project)
            self._import.children = (self.import_form,)
        theme.show(self._import, wanted)

    def _choose(self, uid: str) -> None:
        self.experiment = self._project.experiments[uid]

    def _turn_to(self, index: int) -> None:
        if self.tabs.selected_index != index:
            self.tabs.selected_index = index
        self._open(index)

    def _open(self, index: int | None) -> None:
        """Make the parts of a tab when it is first seen; let only them work."""
        if index == LABEL and self.labeler is None:
            from ..labeler import Labeler

            self.labeler = Labeler(self._project)
            self._pages[LABEL].children = (self.labeler,)
        if index == TRAIN and self.form is None:
            from ..training_form import TrainingForm
            from ..training_monitor import TrainingMonitor

            self.form = TrainingForm(self._project)
            self.monitor = TrainingMonitor(self.experiment)
            self.form.observe(self._started, "experiment")
        if index == EVALUATE and self.evaluation is None:
            from ..evaluation_view import EvaluationView

            self.evaluation = EvaluationView(self.experiment)
        if index == TRAIN:
            self.form.touch()
        if index == EVALUATE and self.experiment is not None:
            self._seen_done.add(self.experiment.uid)
        for part, tab in ((self.form, TRAIN), (self.monitor, TRAIN), (self.evaluation, EVALUATE)):
            if part is not None:
                part.refresher.active = tab == index
        # Plots in a hidden page are drawn with a size below zero, and grow in memory: only the page that is seen has them.
        self._fill(TRAIN, (self.form, self.monitor) if index == TRAIN else ())
        self._fill(EVALUATE, (self.evaluation,) if index == EVALUATE else ())

    def _fill(self, tab: int, parts: tuple[Any, ...]) -> None:
        if self._pages[tab].children != parts:
            self._pages[tab].children = parts

    def _started(self, change: Any) -> None:
        self.experiment = change["new"]

    def _draw(self) -> None:
        experiment = self.experiment
        self._follow(experiment)
        count = len(self._project)
        theme.write_html(
            self._title,
            f'<span class="pxw-u-title">{escape(self._project.path.name)}</span> '
            f'<span class="pxw-u-muted">{count} {"image" if count == 1 else "images"}</span>',
        )
        self._list_experiments(experiment)
        self._mark(experiment)
        changes = self._changes(experiment)
        words = f"{changes.words}. Train again to learn from them." if changes else ""
        theme.write_html(self._hint, theme.notice("warn", words) if words else "")
        theme.show(self._hints, bool(words))
        theme.write_html(self._failure, "")

    def _follow(self, experiment: Experiment | None) -> None:
        for part in (self.monitor, self.evaluation):
            if part is not None and part.experiment is not experiment:
                part.experiment = experiment

    def _list_experiments(self, experiment: Experiment | None) -> None:
        """Keep the list of experiments, the newest first, with a word on how each one ended."""
        found = sorted(self._project.experiments, key=lambda item: -item.id)
        listed = [(f"{item.name} · {theme.look(item.status).word.lower()}", item.uid) for item in found]
        theme.show(self._picker, bool(listed))
        chosen = experiment.uid if experiment is not None else None
        if listed != self._listed:
            self._listed = listed
            with self._picker.hold_sync():
                self._picker.options = listed
                self._picker.value = chosen if any(uid == chosen for _, uid in listed) else None
        elif chosen is not None and self._picker.value != chosen:
            self._picker.value = chosen

    def _mark(self, experiment: Experiment | None) -> None:
        """Say on the tabs that a training is under way, and that its evaluation has not been looked at."""
        status = str(experiment.status) if experiment is not None else ""
        if experiment is not None and status in _UNDER_WAY:
            self._running.add(experiment.uid)
        fresh = (
            experiment is not None
            and status in ("SUCCESS", "CANCELED")
            and experiment.uid in self._running
            and experiment.uid not in self._seen_done
        )
        if fresh and self.tabs.selected_index == EVALUATE and experiment is not None:
            self._seen_done.add(experiment.uid)
            fresh = False
        titles = (
            "Label",
            "Train" + (" …" if status in _UNDER_WAY else ""),
            "Evaluate" + (_MARK if fresh else ""),
        )
        if tuple(self.tabs.titles) != titles:
            self.tabs.titles = titles

    def _changes(self, experiment: Experiment | None) -> LabelChanges | None:
        if experiment is None or str(experiment.status) in _UNDER_WAY:
            return None
        if self._version is None or self._version[0] != experiment.uid:
            attached = experiment.datasets.get("train")
            version = None if attached is None else self._project.version(attached.uid)
            self._version = (experiment.uid, version)
        version = self._version[1]
        return None if version is None else label_changes(self._project, version)

    def _show_stuck(self, error: BaseException) -> None:
        if not self._closing:
            theme.write_html(self._stuck, theme.explain(error))

    def _show_failure(self, error: BaseException) -> None:
        if not self._closing:
            theme.write_html(self._failure, theme.explain(error))
