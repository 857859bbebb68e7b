"""What a saved notebook shows in place of the monitor."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import theme
from .plots import value_ticks
from .reading import ACCURACY, EMPTY, LOSS, Reading, decimate, read
from .words import number, progress_words, split_error, time_words

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def static_monitor(experiment: Any) -> str:
    """Status, numbers and the curves as a picture."""
    if experiment is None:
        return theme.static_page("The training monitor", "<p>No training yet.</p>")
    reading = read(experiment)
    head = (
        f"<p><b>{escape(reading.name)}</b> {theme.static_badge(reading.status)} "
        f"{progress_words(reading)} · {time_words(reading)}</p>"
    )
    body = f"<p>{escape(split_error(reading.error)[0])}</p>" if reading.error else ""
    accuracy = reading.curves.get("val/accuracy", EMPTY)
    if len(accuracy.values):
        body += f"<p>Validation accuracy {number(float(accuracy.values[-1]), percent=True)}</p>"
    if any(len(curve.steps) for curve in reading.curves.values()):
        body += theme.static_picture(
            draw_curves(reading), "Loss and accuracy by epoch, training and validation"
        )
    return theme.static_page("The training monitor", head + body)


def draw_curves(reading: Reading) -> Figure:
    """Loss and accuracy side by side, on a white ground that dark pages can bear too."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    figure = Figure(figsize=(8.4, 2.7), layout="constrained")
    for axes, title, names in zip(figure.subplots(1, 2), ("Loss", "Accuracy"), (LOSS, ACCURACY), strict=True):
        looks = (("training", theme.TRAINING_INK, "-", "o"), ("validation", theme.VALIDATION_INK, "--", "D"))
        for name, (label, color, dash, marker) in zip(names, looks, strict=True):
            steps, values = decimate(reading.curves.get(name, EMPTY).finite)
            axes.plot(
                steps, values, dash, color=color, label=label, marker=marker, markersize=3, linewidth=1.5
            )
        axes.set(title=title, xlabel="Epoch", xlim=(1, max(reading.epochs, reading.epoch, 2)))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(axis="y", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        if title == "Accuracy":
            axes.yaxis.set_major_formatter(PercentFormatter(1.0))
            shown = [reading.curves.get(name, EMPTY).finite.values for name in names]
            axes.set_ylim(value_ticks(np.concatenate(shown), percent=True)[0], 1.0)
        else:
            axes.set_ylim(bottom=0)
        axes.legend(frameon=False, fontsize=8)
    return figure
