"""TrainingMonitor: an experiment's curves, progress and output, live or afterwards."""

from __future__ import annotations

from collections import deque
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets
import traitlets

from .. import theme
from ..refresher import Refresher
from ..routing import heard_while_cells_run
from . import words
from .plots import Plot
from .reading import ACCURACY, EMPTY, LOSS, Reading, read
from .static import static_monitor

if TYPE_CHECKING:
    from ...experiments import Experiment

_LINES = 200


class TrainingMonitor(ipywidgets.VBox):
    """Shows a training while it runs, and how it went afterwards.

    All that it shows is read from the experiment's store: a view that is made later, in another notebook or after a restart
    of the kernel, shows the same.

    Parameters
    ----------
    experiment : Experiment, optional
        Set ``monitor.experiment`` to follow another one.
    """

    experiment = traitlets.Any(None, allow_none=True)

    def __init__(self, experiment: Experiment | None = None) -> None:
        self._subscription: Any = None
        self._stopping = ""
        self._shown: Any = None
        self._closing = False
        self.reading: Reading | None = None
        self._lines: deque[str] = deque(maxlen=_LINES)
        self._last_line: int | None = None
        self._header = theme.html("pxw-u-grow")
        self._stop = theme.classes(
            ipywidgets.Button(
                description="Stop",
                disabled=True,
                tooltip="Stop the training; what it has learned so far is kept",
            ),
            "pxw-u-button",
        )
        self._progress, self._tiles, self._failure = theme.html(), theme.html(), theme.html()
        self._empty = theme.html(value=words.EMPTY_STATE)
        self.loss = Plot("Loss", "Cross-entropy", percent=False)
        self.accuracy = Plot("Accuracy", "Accuracy", percent=True)
        self._plots = theme.classes(ipywidgets.Box((self.loss.widget, self.accuracy.widget)), "pxw-u-plots")
        self._more = theme.classes(
            ipywidgets.ToggleButton(description="Show the trainer's output"), "pxw-u-button", "pxw-u-plain"
        )
        self._output = theme.html()
        top = theme.classes(ipywidgets.Box((self._header, self._stop)), "pxw-u-row")
        self._body = theme.classes(
            ipywidgets.VBox(
                (top, self._progress, self._failure, self._tiles, self._plots, self._more, self._output)
            ),
            "pxw-u-stack",
        )
        self._style = theme.style()
        super().__init__((self._style, self._empty))
        theme.classes(self, "pxw", "pxw-training-monitor")
        heard_while_cells_run(self._body)
        self.refresher = Refresher(self._draw, self._show_failure, name="piximi-monitor", per_second=5)
        self._stop.on_click(lambda _: self.stop())
        self._more.observe(lambda change: self.refresher.request(), "value")
        self.observe(lambda change: self.refresher.request(), "experiment")
        self.experiment = experiment
        if experiment is not None:
            self.refresher.request()

    def stop(self) -> None:
        """Ask the training to stop, and return at once; what it has learned until then is kept."""
        experiment = self.experiment
        if experiment is None:
            return

        def ask() -> None:
            self._stopping = experiment.uid
            experiment.request_stop()

        self.refresher.do(ask)

    def close(self) -> None:
        """End the monitor's thread and subscription; the training goes on."""
        self._closing = True
        if hasattr(self, "refresher"):
            self.refresher.close()
        if self._subscription is not None:
            self._subscription.close()
        super().close()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return theme.with_static(
            super()._repr_mimebundle_(**options), lambda: static_monitor(self.experiment)
        )

    # -- on the drawing thread ---------------------------------------------------------------------

    def _draw(self) -> None:
        experiment = self.experiment
        if experiment is not self._shown:
            self._follow(experiment)
        if experiment is None:
            self._place(self._empty)
            self.reading = None
            self.refresher.every(None)
            return
        reading = read(experiment)
        # The clock ticks, and a worker that vanished commits nothing: look again also without news.
        self.refresher.every(1.0 if reading.under_way else None)
        theme.write_html(self._header, words.header_html(reading))
        theme.write_html(self._progress, words.progress_html(reading))
        theme.write_html(self._tiles, words.tiles_html(reading))
        theme.write_html(self._failure, words.failure_html(reading))
        for plot, names in ((self.loss, LOSS), (self.accuracy, ACCURACY)):
            training, validation = (reading.curves.get(name, EMPTY) for name in names)
            plot.draw(training, validation, reading.epochs)
        stopping = reading.under_way and self._stopping == experiment.uid
        if self._stop.disabled == (reading.under_way and not stopping):
            self._stop.disabled = not self._stop.disabled
        label = "Stopping…" if stopping else "Stop"
        if self._stop.description != label:
            self._stop.description = label
        theme.show(self._stop, reading.under_way)
        self._place(self._body)
        self._draw_output(experiment)
        self.reading = reading

    def _place(self, part: ipywidgets.DOMWidget) -> None:
        # A plot that is drawn while it is hidden has a size below zero: it is taken out instead.
        # The same children again are no message.
        self.children = (self._style, part)

    def _follow(self, experiment: Any) -> None:
        if self._subscription is not None:
            self._subscription.close()
        self._lines.clear()
        self._last_line = None
        self._shown = experiment
        self._subscription = (
            experiment.store.watch(self.refresher.request) if experiment is not None else None
        )

    def _draw_output(self, experiment: Any) -> None:
        opened = self._more.value
        label = "Hide the trainer's output" if opened else "Show the trainer's output"
        if self._more.description != label:
            self._more.description = label
        if not opened:
            theme.write_html(self._output, "")
            return
        for line in experiment.telemetry.lines(after=self._last_line):
            self._last_line = line.number
            self._lines.append(line.text)
        text = escape("\n".join(self._lines)) or "Nothing was written yet."
        theme.write_html(self._output, f'<div class="pxw-u-log" tabindex="0"><pre>{text}</pre></div>')

    def _show_failure(self, error: BaseException) -> None:
        if not self._closing:
            theme.write_html(self._failure, theme.explain(error))
            self._place(self._body)
