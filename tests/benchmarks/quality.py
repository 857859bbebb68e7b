"""How good the result is: a whole `Project.fit`, its validation accuracy and its time, over several seeds.

A project is made anew for each seed, which also decides which images are for training.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.defaults import mnist_fixture

TITLE = "Quality: validation accuracy of a whole fit, mean and worst of 8 seeds"

SEEDS = 8
_CELLS = 600


def run(seeds: int = SEEDS) -> list[dict[str, Any]]:
    """Train on the labeled digits of Piximi's example project, where it is at hand, and on the sample of cells."""
    import piximi_widgets as pw

    rows = []
    with tempfile.TemporaryDirectory(prefix="quality-") as name:
        home = Path(name)
        digits = mnist_fixture()
        if digits is not None:
            make = _digits(*digits)
            rows += _measured(
                home, "MNIST, Piximi's settings", make, pw.TrainingConfig.piximi(), seeds, "at least 0.88"
            )
            rows += _measured(
                home, "MNIST, the defaults", make, pw.TrainingConfig(), seeds, "at least 0.95, a minute"
            )
        rows += _measured(
            home, "cells, the defaults", _cells, pw.TrainingConfig(), seeds, "at least 0.95, a minute"
        )
        microscopy = pw.TrainingConfig(augmentation="microscopy")
        rows += _measured(home, "cells, augmented as for microscopy", _cells, microscopy, seeds, "")
    return rows


def _digits(pixels: np.ndarray, truth: np.ndarray) -> Callable[[Path, int], Any]:
    def make(path: Path, seed: int) -> Any:
        import piximi_widgets as pw

        project = pw.Project(path, mode="x")
        project.add_images(pixels, labels=[str(digit) for digit in truth], progress=False)
        return project

    return make


def _cells(path: Path, seed: int) -> Any:
    import piximi_widgets as pw

    return pw.samples.cells(path, images=_CELLS, seed=seed)


def _measured(
    home: Path, label: str, make: Callable[[Path, int], Any], config: Any, seeds: int, budget: str
) -> list[dict[str, Any]]:
    accuracies, seconds = [], []
    for seed in range(seeds):
        path = home / f"{len(list(home.iterdir()))}"
        with make(path, seed) as project:
            started = time.perf_counter()
            experiment = project.fit(config.model_copy(update={"seed": seed}), run="inline")
            seconds.append(time.perf_counter() - started)
            accuracies.append(experiment.evaluate().accuracy)
    note = f"worst {min(accuracies):.3f}; {np.median(seconds):.1f} s a run"
    return [
        {
            "label": label,
            "value": float(np.mean(accuracies)),
            "unit": "",
            "note": f"{note}; {budget}" if budget else note,
        }
    ]
