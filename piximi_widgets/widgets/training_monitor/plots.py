"""The two plots of the monitor: bqplot, in the colours of the theme."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import ipywidgets
import numpy as np

from .. import theme
from .reading import Curve, decimate

# Up to this many epochs each one gets its marker; more would only thicken the line.
_MARKED = 60


class Plot:
    """One metric by epoch, a line each for training and validation.

    Told apart by colour, by dash and by marker; the legend stands in the plot's heading.
    """

    def __init__(self, title: str, label: str, *, percent: bool) -> None:
        import bqplot

        self._percent = percent
        # Without padding of its own, the axis ends where `draw` says.
        self.x = bqplot.LinearScale(min=1.0, max=2.0, allow_padding=False)
        self.y = bqplot.LinearScale(min=0.0, max=1.0, allow_padding=False)
        scales = {"x": self.x, "y": self.y}
        self.training = bqplot.Lines(
            x=[],
            y=[],
            scales=scales,
            colors=[theme.TRAINING],
            stroke_width=2.0,
            marker="circle",
            marker_size=22,
        )
        self.validation = bqplot.Lines(
            x=[],
            y=[],
            scales=scales,
            colors=[theme.VALIDATION],
            stroke_width=2.0,
            line_style="dashed",
            marker="diamond",
            marker_size=30,
        )
        self.epochs = bqplot.Axis(
            scale=self.x, label="Epoch", grid_lines="none", tick_format="d", label_offset="34px"
        )
        self.values = bqplot.Axis(
            scale=self.y,
            label=label,
            orientation="vertical",
            grid_lines="solid",
            label_offset="48px",
            tick_format=".0%" if percent else "~g",
        )
        self.figure = bqplot.Figure(
            marks=[self.training, self.validation],
            axes=[self.epochs, self.values],
            animation_duration=0,
            fig_margin={"top": 12, "bottom": 48, "left": 62, "right": 16},
            padding_x=0.0,
            padding_y=0.0,
            display_toolbar=False,
            layout=ipywidgets.Layout(height="230px", width="auto", min_width="0"),
        )
        self.widget = theme.classes(
            ipywidgets.VBox((theme.html(value=_heading(title)), self.figure)), "pxw-u-plot"
        )

    def draw(self, training: Curve, validation: Curve, epochs: int) -> None:
        """Show two curves on an axis that reaches to `epochs`, so that it does not move while they grow."""
        lines = [decimate(training.finite), decimate(validation.finite)]
        last = max([epochs, 2, *(int(line.steps[-1]) for line in lines if len(line.steps))])
        values = np.concatenate([line.values for line in lines])
        with ExitStack() as stack:
            for part in (self.x, self.y, self.epochs, self.values, self.training, self.validation):
                stack.enter_context(part.hold_sync())
            ticks = value_ticks(values, percent=self._percent)
            self.x.min, self.x.max = 1.0 - 0.02 * (last - 1), last + 0.02 * (last - 1)
            # A little room above, or the markers of an accuracy of 1 would be cut in half.
            self.y.min, self.y.max = ticks[0], ticks[-1] + 0.03 * (ticks[-1] - ticks[0])
            for axis, places in ((self.epochs, epoch_ticks(last)), (self.values, ticks)):
                if axis.tick_values is None or not np.array_equal(axis.tick_values, places):
                    axis.tick_values = np.array(places, dtype=np.float64)
            for mark, line, marker in zip(
                (self.training, self.validation), lines, ("circle", "diamond"), strict=True
            ):
                _set(mark, "marker", marker if len(line.steps) <= _MARKED else None)
                if not (np.array_equal(mark.x, line.steps) and np.array_equal(mark.y, line.values)):
                    mark.x, mark.y = line.steps.astype(np.float64), line.values

    def close(self) -> None:
        """Forget the models of the plot."""
        for part in (*self.figure.marks, *self.figure.axes, self.x, self.y, self.figure):
            part.close()


def epoch_ticks(last: int) -> list[int]:
    """Whole epochs to be marked on an axis from 1 to `last`: 1, then multiples of a round number."""
    step = _round_step(last / 8, whole=True)
    if step <= 2:
        return list(range(1, last + 1, int(step)))
    return [1, *range(int(step), last + 1, int(step))]


def value_ticks(values: np.ndarray, *, percent: bool) -> list[float]:
    """The marks of the value axis, which begins and ends with one.

    Accuracies end at 1 and begin at a round share below the lowest; losses begin at 0.
    """
    if percent:
        low = float(values.min()) if len(values) else 0.0
        first = max(0, int(np.floor(10 * (low - 0.005))))
        apart = 1 if first >= 5 else 2
        return [mark / 10 for mark in range(10, first - apart, -apart) if mark >= 0][::-1]
    top = float(values.max()) if len(values) else 1.0
    step = _round_step(top / 5) if top > 0 else 0.2
    marks = max(1, int(np.ceil(top / step - 1e-9)))
    return [float(f"{step * index:.10g}") for index in range(marks + 1)]


def _round_step(least: float, *, whole: bool = False) -> float:
    """The smallest of 1, 2, 5, 10, … (with tenths and hundredths unless `whole`) that is at least `least`."""
    power = 10.0 ** np.floor(np.log10(max(least, 1e-9)))
    step = next(step for step in (power, 2 * power, 5 * power, 10 * power) if step >= least * (1 - 1e-9))
    return max(1.0, step) if whole else float(step)


def _heading(title: str) -> str:
    training = _sample(theme.TRAINING, "", '<circle cx="13" cy="5" r="3" fill="currentColor"/>')
    validation = _sample(theme.VALIDATION, "4 3", '<path d="M13 1l4 4-4 4-4-4z" fill="currentColor"/>')
    return (
        f'<div class="pxw-u-plot-head"><b>{title}</b><span class="pxw-u-legend pxw-u-small">'
        f"<span>{training} training</span><span>{validation} validation</span></span></div>"
    )


def _sample(color: str, dash: str, marker: str) -> str:
    return (
        f'<svg width="26" height="10" viewBox="0 0 26 10" style="color:{color};vertical-align:-1px" aria-hidden="true">'
        f'<path d="M0 5h26" stroke="currentColor" stroke-width="2" stroke-dasharray="{dash}"/>{marker}</svg>'
    )


def _set(widget: Any, name: str, value: Any) -> None:
    if getattr(widget, name) != value:
        setattr(widget, name, value)
