"""What a training has recorded, for comparison with another one that must have done the same."""

from __future__ import annotations

from piximi_widgets.experiments import Experiment

_MEASURED = "epoch-time"


def metrics_of(experiment: Experiment) -> dict[str, list[list[float]]]:
    """Steps and values of every metric; only the steps of what a clock has measured."""
    found = {name: [part.tolist() for part in experiment.metrics_array(name)] for name in experiment.metrics}
    found[_MEASURED] = found[_MEASURED][:1]
    return found
