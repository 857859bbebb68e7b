"""The quickstart's promise: accuracy on the digits that were never labeled, with the form's defaults."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

TITLE = "Quickstart: over 4 seeds at least 0.93 on average, none below 0.90, each training under 30 s"

SEEDS = range(4)


def run() -> list[dict[str, Any]]:
    """Train in the worker on the 300 labeled digits with each seed, then predict the other 1497."""
    # Progress bars and warnings of TensorFlow in this process would break the table.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import piximi_widgets as pw

    rows: list[dict[str, Any]] = []
    accuracies, seconds = [], []
    with tempfile.TemporaryDirectory() as folder:
        for seed in SEEDS:
            # A project of its own for each seed, so that the seed also decides the split.
            with pw.samples.digits(Path(folder) / f"digits-{seed}") as project:
                truth = pw.samples.digits_truth(project)
                start = time.perf_counter()
                experiment = project.fit(pw.TrainingConfig(seed=seed), wait=True)
                took = time.perf_counter() - start
                ran = (experiment.ended - experiment.started).total_seconds()
                project.predict(experiment)
                predicted = project.predictions(experiment.uid)["prediction"].astype(str)
                for worker in project.experiments.live_workers():
                    _end(worker.pid)
            accuracy = float((predicted == truth[predicted.index].astype(str)).mean())
            accuracies.append(accuracy)
            seconds.append(ran)
            note = f"{len(predicted)} digits; training {ran:.1f} s, {took:.1f} s from the call with a cold worker"
            rows.append({"label": f"accuracy, seed {seed}", "value": accuracy, "unit": "", "note": note})
    mean = sum(accuracies) / len(accuracies)
    return [
        *rows,
        {"label": "accuracy, mean", "value": mean, "unit": "", "note": "budget 0.93"},
        {"label": "accuracy, worst", "value": min(accuracies), "unit": "", "note": "budget 0.90"},
        {"label": "training, slowest", "value": max(seconds), "unit": "s", "note": "budget 30"},
    ]


def _end(pid: int) -> None:
    import psutil

    worker = psutil.Process(pid)
    worker.terminate()
    worker.wait(30)
