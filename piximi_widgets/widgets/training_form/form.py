"""TrainingForm: the settings of a training, what is wrong with them, and the buttons that start and stop it."""

from __future__ import annotations

import threading
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets
import traitlets

from ...dataset.splits.leakage import leakage_warning
from ...engine.config import TrainingConfig
from ...errors import ConfigurationError, NotTrainableError
from .. import theme
from ..refresher import Refresher, in_thread
from ..routing import heard_while_cells_run
from .dataset_line import count_images, line_html
from .panel import SettingsPanel
from .static import static_form
from .words import piximi_html

if TYPE_CHECKING:
    from ...project import Experiment, Project

_UNDER_WAY = ("WAITING", "RUNNING")


class TrainingForm(ipywidgets.VBox):
    """A form for the settings of a training, with Fit and Stop.

    Parameters
    ----------
    project : Project
        What is trained on. The form follows it: labels that are given elsewhere change what it says.
    config : TrainingConfig, optional
        The settings to begin with; default those of ``TrainingConfig()``.

    Attributes
    ----------
    experiment : Experiment or None
        The training that was started last, by this form or, when one is under way, by another view of the project.
        A trait: ``form.observe(callback, "experiment")``; the callback may run on any thread.
    """

    experiment = traitlets.Any(None, allow_none=True)
    refresher: Refresher

    def __init__(self, project: Project, config: TrainingConfig | None = None) -> None:
        self._project = project
        self._lock = threading.Lock()
        self._starting = False
        self._stopping = ""
        self._touched = False
        self._refused: tuple[Any, list[str]] | None = None
        self._closing = False
        self._work: list[threading.Thread] = []
        self._name = ipywidgets.Text(
            description="Model name",
            placeholder="chosen for you",
            tooltip="The name of the experiment. A name that is taken gets a number.",
        )
        named = theme.classes(ipywidgets.VBox((self._name,)), "pxw-u-field", "pxw-u-wide")
        self._panel = SettingsPanel(config or TrainingConfig(), self._changed, {"Architecture": named})
        self.fields = self._panel.fields
        self._data, self._about = theme.html("pxw-u-grow"), theme.html("pxw-u-about")
        self._problems, self._leakage = theme.html(), theme.html()
        self._failure, self._fit_failure = theme.html(), theme.html()
        self._state = theme.html("pxw-u-muted")
        self._fit = self._button("Fit", "Start a training with these settings", self.fit, "pxw-u-primary")
        self._stop = self._button("Stop", "Stop the training; what it has learned so far is kept", self.stop)
        self._piximi = self._button(
            "Piximi's settings",
            "Set every field to what Piximi 1.1.4 does by default",
            lambda: self.refresher.do(lambda: self._panel.fill(TrainingConfig.piximi())),
            "pxw-u-plain",
        )
        self._reset = self._button(
            "Reset to defaults",
            "Set every field to its default",
            lambda: self.refresher.do(self.reset),
            "pxw-u-plain",
        )
        super().__init__((theme.style(), *self._layout()))
        theme.classes(self, "pxw", "pxw-training-form", "pxw-u-stack")
        heard_while_cells_run(self)
        self.refresher = Refresher(self._draw, self._show_failure, name="piximi-training-form", per_second=4)
        self._name.observe(lambda change: self._changed(), "value")
        self.observe(lambda change: self.refresher.request(), "experiment")
        self._subscriptions = [
            project.watch(self.refresher.request),
            project.experiments.watch(self.refresher.request),
        ]
        self.refresher.do(self._adopt)

    # -- what a user of the API calls --------------------------------------------------------------

    @property
    def config(self) -> TrainingConfig:
        """The settings as they stand in the form; raises ConfigurationError while one of them is wrong."""
        config, problems = self._panel.read()
        if config is None:
            raise ConfigurationError(problems)
        return config

    @config.setter
    def config(self, config: TrainingConfig) -> None:
        self._panel.fill(config)

    @property
    def name(self) -> str | None:
        """The name that the next experiment gets; None leaves it to the project."""
        return self._name.value.strip() or None

    def fit(self) -> None:
        """Start a training and return at once; does nothing while one is being started or is under way."""
        self.touch()
        with self._lock:
            if self._starting or self._closing or self._is_under_way():
                return
            self._starting = True
        self._refused = None
        self.refresher.do(lambda: theme.write_html(self._fit_failure, ""))
        self._work.append(in_thread(self._start, self._show_fit_failure, name="piximi-fit"))

    def stop(self) -> None:
        """Ask the training to stop, and return at once; what it has learned until then is kept."""
        experiment = self.experiment
        if experiment is None:
            return

        def ask() -> None:
            self._stopping = experiment.uid
            experiment.stop()

        self.refresher.do(ask, self._show_fit_failure)

    def reset(self) -> None:
        """Set every field to its default."""
        self._panel.fill(TrainingConfig())

    def touch(self) -> None:
        """Tell the form that somebody is about to use it: a worker is made ready, once."""
        with self._lock:
            if self._touched:
                return
            self._touched = True
        self._work.append(in_thread(self._project.warm, self._show_fit_failure, name="piximi-warm"))

    def close(self) -> None:
        """End the form's thread and subscriptions; a training under way goes on."""
        self._closing = True
        for subscription in getattr(self, "_subscriptions", ()):
            subscription.close()
        if hasattr(self, "refresher"):
            self.refresher.close()
            # Whoever closes the form may close the project next; nothing of the form's must still be using it.
            for thread in self._work:
                if thread is not threading.current_thread():
                    thread.join(timeout=5.0)
        super().close()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return theme.with_static(super()._repr_mimebundle_(**options), lambda: static_form(self))

    # -- parts -------------------------------------------------------------------------------------

    def _button(self, word: str, tooltip: str, action: Any, *names: str) -> ipywidgets.Button:
        button = theme.classes(ipywidgets.Button(description=word, tooltip=tooltip), "pxw-u-button", *names)
        button.on_click(lambda _: action())
        return button

    def _layout(self) -> tuple[Any, ...]:
        fills = theme.classes(ipywidgets.Box((self._reset, self._piximi)), "pxw-u-row", "pxw-u-fills")
        buttons = ipywidgets.Box((self._fit, self._stop, self._state, fills))
        return (
            self._panel.widget,
            self._about,
            self._data,
            self._problems,
            self._leakage,
            self._failure,
            self._fit_failure,
            theme.classes(buttons, "pxw-u-row", "pxw-u-actions"),
        )

    # -- what happens, on whatever thread ----------------------------------------------------------

    def _changed(self) -> None:
        self._refused = None
        self.touch()
        self.refresher.request()

    def _start(self) -> None:
        try:
            config = self.config
            experiment = self._project.fit(config, name=self.name, wait=False)
            self.experiment = experiment
            attached = experiment.datasets.get("train")
            warning = leakage_warning(self._project.version(attached.uid)) if attached else ""
            self.refresher.do(
                lambda: theme.write_html(self._leakage, theme.notice("warn", warning) if warning else "")
            )
        except NotTrainableError as error:
            self._refused = (None, error.problems)
        except ConfigurationError as error:
            self._refused = (error.problems, [])
        finally:
            with self._lock:
                self._starting = False
            self.refresher.request()

    def _adopt(self) -> None:
        # A training that another notebook, or this one before a reload, has started can be stopped from here.
        if self.experiment is None:
            last = latest_experiment(self._project)
            if last is not None and str(last.status) in _UNDER_WAY:
                self.experiment = last

    def _is_under_way(self) -> bool:
        experiment = self.experiment
        return experiment is not None and str(experiment.status) in _UNDER_WAY

    def _show_failure(self, error: BaseException) -> None:
        if not self._closing:
            theme.write_html(self._failure, theme.explain(error))
            _set(self._fit, disabled=True)

    def _show_fit_failure(self, error: BaseException) -> None:
        if not self._closing:
            self.refresher.do(lambda: theme.write_html(self._fit_failure, theme.explain(error)))

    def _draw(self) -> None:
        self._panel.follow()
        config, by_field = self._panel.read()
        for_all: list[str] = []
        if self._project.read_only:
            for_all.append("This project was opened read-only. Open it with mode='a' to train.")
        elif config is not None:
            for problem in self._project.problems(config):
                if problem.field in self.fields:
                    by_field.setdefault(problem.field, problem.message)
                else:
                    for_all.append(problem.message)
        refused = self._refused
        if refused is not None:
            by_field = {**by_field, **(refused[0] or {})}
            for_all += [line for line in refused[1] if line not in for_all and line not in by_field.values()]
        self._panel.draw(by_field)
        is_piximi = config is not None and config == TrainingConfig.piximi()
        theme.write_html(
            self._about, piximi_html(config.differences) if config is not None and is_piximi else ""
        )
        theme.write_html(self._data, line_html(count_images(self._project)))
        theme.write_html(self._problems, theme.notice("warn", for_all) if for_all else "")
        self._draw_buttons(marked=bool(by_field), fine=not by_field and not for_all)
        theme.write_html(self._failure, "")

    def _draw_buttons(self, *, marked: bool, fine: bool) -> None:
        under_way = self._is_under_way()
        starting = self._starting
        stopping = under_way and self.experiment.uid == self._stopping
        _set(self._fit, disabled=not fine or under_way or starting)
        _set(self._stop, disabled=not under_way or stopping)
        if starting:
            words = "Starting…"
        elif stopping:
            words = "Stopping…"
        elif under_way:
            words = f"{theme.badge(self.experiment.status)} &nbsp;<b>{escape(self.experiment.name)}</b>"
        elif marked:
            words = "Mend what is marked, then press Fit."
        else:
            words = ""
        theme.write_html(self._state, words)


def latest_experiment(project: Project) -> Experiment | None:
    """The experiment of the project's store that was made last, or None."""
    experiments: list[Any] = list(project.experiments)
    return max(experiments, key=lambda experiment: experiment.id, default=None)


def _set(button: ipywidgets.Button, *, disabled: bool) -> None:
    if button.disabled != disabled:
        button.disabled = disabled
