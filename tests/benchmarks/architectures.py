"""What ``small-resnet`` makes of the time that ``simple-cnn`` gets: accuracy on images that were not learned from.

Time is that of the processor, which other programs disturb less than the clock: N seconds on two cores are 2N of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ._sets import Labelled, Trained, labelled_sets, train_and_score

TITLE = "Architectures: accuracy after equal processor time, and with the form's epochs"

NAMES = ("simple-cnn", "small-resnet")

_CORES = 2
_TRIAL_EPOCHS = 8
_TRIALS = 2
#: Cells may be turned and mirrored; digits may not.
_SETTINGS: dict[str, dict[str, Any]] = {"cells": {"augmentation": "microscopy"}}


def epoch_seconds(data: Labelled, settings: dict[str, Any]) -> dict[str, float]:
    """Return the processor seconds of an epoch of each network: the fastest of several, taken in turns."""
    from piximi_widgets.engine.config import TrainingConfig

    fastest = dict.fromkeys(NAMES, np.inf)
    for _ in range(_TRIALS):
        for name in NAMES:
            config = TrainingConfig(architecture=name, epochs=_TRIAL_EPOCHS, **settings)
            # The first epoch also builds the graph.
            fastest[name] = min(fastest[name], *train_and_score(data, config).pace[1:])
    return fastest


def run(
    seconds: tuple[float, ...] = (10.0, 30.0), seeds: int = 4, cell_count: int = 900
) -> list[dict[str, Any]]:
    """Give both networks the same time on each set, then the epochs of the defaults.

    Parameters
    ----------
    seconds : tuple of float
        On two cores.
    seeds : int
        Each also parts the images anew; both networks learn from the same ones.
    cell_count : int
        Images of cells, of which two ninths are learned from.
    """
    from piximi_widgets.engine import runtime
    from piximi_widgets.engine.config import TrainingConfig

    runtime.start_tensorflow()
    rows: list[dict[str, Any]] = []
    for label, data in labelled_sets(cell_count).items():
        settings = _SETTINGS.get(label, {})
        pace = epoch_seconds(data, settings)
        for limit in (*seconds, None):
            # The schedule of the learning rate must know its end, hence epochs are set beforehand.
            epochs = {
                name: TrainingConfig().epochs if limit is None else max(1, round(_CORES * limit / pace[name]))
                for name in NAMES
            }
            found: dict[str, list[Trained]] = {name: [] for name in NAMES}
            for seed in range(seeds):
                for name in NAMES:
                    config = TrainingConfig(seed=seed, architecture=name, epochs=epochs[name], **settings)
                    found[name].append(train_and_score(data, config))
            budget = "default epochs" if limit is None else f"{limit:g} s"
            rows += _compared(f"{label}, {budget}", found, epochs)
    return rows


def _compared(label: str, found: dict[str, list[Trained]], epochs: dict[str, int]) -> list[dict[str, Any]]:
    accuracies = {name: np.array([one.accuracy for one in runs]) for name, runs in found.items()}
    rows: list[dict[str, Any]] = []
    for name, values in accuracies.items():
        taken = np.median([one.processor_seconds for one in found[name]])
        note = f"worst {values.min():.3f}, {epochs[name]} epochs in {taken:.0f} s of processor time"
        rows.append({"label": f"{label}: {name}", "value": f"{values.mean():.4f}", "note": note})
    gains = accuracies[NAMES[1]] - accuracies[NAMES[0]]
    error = f"± {gains.std(ddof=1) / np.sqrt(len(gains)):.4f}" if len(gains) > 1 else "one seed"
    rows.append({"label": f"{label}: difference", "value": f"{gains.mean():+.4f}", "note": error})
    return rows
