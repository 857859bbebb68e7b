"""Why the form's defaults are what they are: settings side by side, each with one change, on three sets of images.

The defaults should be those that do best on the mean of the sets within a minute a run on two cores; the minute is that
of the whole sample of cells, of which fewer are learned from here. All candidates learn from the same images with the same
seeds, so that their differences are known better than their means.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ._sets import Trained, labelled_sets, mnist_fixture, sample_digits, train_and_score

__all__ = ["CANDIDATES", "TITLE", "mnist_fixture", "run", "sample_digits"]

TITLE = "Defaults: mean accuracy over the sets, on images that were not learned from"

#: Changes against the defaults; the empty one, which comes first, is the defaults themselves.
CANDIDATES: tuple[dict[str, Any], ...] = (
    {},
    {"augmentation": "none"},
    {"augmentation": "microscopy"},
    {"augmentation": "natural"},
    {"shift": 0.05},
    {"shift": 0.2},
    {"schedule": "constant"},
    {"learning_rate": 0.001},
    {"learning_rate": 0.01},
    {"batch_size": 8},
    {"batch_size": 32},
    {"epochs": 40},
    {"epochs": 120},
    {"warmup_epochs": 2},
    {"weight_decay": 0.01},
    {"label_smoothing": 0.0},
    {"label_smoothing": 0.1},
    {"architecture": "simple-cnn"},
)


def run(
    seeds: int = 4,
    candidates: Sequence[dict[str, Any]] = CANDIDATES,
    cell_count: int = 900,
    **always: Any,
) -> list[dict[str, Any]]:
    """Train every candidate on each set with each seed; an hour or two with the defaults of this function.

    Parameters
    ----------
    seeds : int
        Each also parts the images anew.
    candidates : sequence of dict
        Settings against the defaults; differences are taken to the first one.
    cell_count : int
        Images of cells, of which two ninths are learned from.
    **always
        Settings of every run: ``run(1, epochs=2)`` is over in minutes.
    """
    from piximi_widgets.engine import runtime
    from piximi_widgets.engine.config import TrainingConfig

    runtime.start_tensorflow()
    sets = labelled_sets(cell_count)
    rows: list[dict[str, Any]] = []
    found: list[dict[str, list[Trained]]] = []
    for settings in candidates:
        wanted = {**always, **settings}
        found.append(
            {
                name: [train_and_score(data, TrainingConfig(seed=seed, **wanted)) for seed in range(seeds)]
                for name, data in sets.items()
            }
        )
        changed = ", ".join(f"{field} {value}" for field, value in settings.items()) or "the defaults"
        rows.append({"label": changed, **_summary(found[-1], found[0])})
    return rows


def _summary(found: dict[str, list[Trained]], first: dict[str, list[Trained]]) -> dict[str, Any]:
    accuracies = {name: np.array([one.accuracy for one in runs]) for name, runs in found.items()}
    every = [one for runs in found.values() for one in runs]
    parts = [f"{name} {values.mean():.3f} (worst {values.min():.3f})" for name, values in accuracies.items()]
    if found is not first:
        # One number a seed: the mean over the sets of what the change adds.
        gains = np.mean(
            [values - [one.accuracy for one in first[name]] for name, values in accuracies.items()], axis=0
        )
        parts.append(f"{gains.mean():+.4f}{_error(gains)} against the first")
    slowest = max(np.median([one.processor_seconds for one in runs]) for runs in found.values())
    parts.append(
        f"{np.mean([one.seconds for one in every]):.0f} s a run, at most {slowest:.0f} s of processor time"
    )
    mean = float(np.mean([values.mean() for values in accuracies.values()]))
    return {"value": f"{mean:.4f}", "note": "; ".join(parts)}


def _error(values: np.ndarray) -> str:
    return f" ± {values.std(ddof=1) / np.sqrt(len(values)):.4f}" if len(values) > 1 else ""
