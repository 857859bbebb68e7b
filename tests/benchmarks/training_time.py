"""Where the time of a training goes that is not spent on learning.

How long a warm worker takes until the first epoch begins, how long the steps wait for pixels that are read from a memory
map while they compute, what checkpoints and the record take, and what TensorFlow's deterministic operations cost.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TITLE = "Training: waiting, record and determinism"

_COUNT = 2000
_SIDE = 64
_EPOCHS = 4
_FITS = 5
_NETWORKS = ("simple-cnn", "small-resnet")

_INLINE = """
import json, sys, time
import piximi_widgets as pw
from piximi_widgets.engine.jobs.checkpoints import Checkpoints
from piximi_widgets.engine.jobs.recording import EpochLog
from piximi_widgets.engine.pixels import preparing
from piximi_widgets.engine.training.feeding import Feed
if sys.argv[3] == "map":
    preparing.RESIDENT_BYTES = 0
spent = {}
def clock(owner, name, label):
    method = getattr(owner, name)
    def timed(*given, **named):
        begin = time.perf_counter()
        try:
            return method(*given, **named)
        finally:
            spent[label] = spent.get(label, 0.0) + time.perf_counter() - begin
    setattr(owner, name, timed)
clock(Feed, "fetch", "pixels")
clock(Checkpoints, "write", "checkpoints")
for name in ("batches", "epoch", "write_digests"):
    clock(EpochLog, name, "record")
with pw.Project(sys.argv[1], mode="r+") as project:
    experiment = project.fit(pw.TrainingConfig(**json.loads(sys.argv[2])), run="inline", wait=True)
    epochs = experiment.metric("epoch-time")["value"]
print(json.dumps({**spent, "epochs": float(epochs[1:].sum() * len(epochs) / (len(epochs) - 1))}))
"""

_EPOCH = """
import json, sys
import numpy as np
from piximi_widgets.engine import runtime
runtime.start_tensorflow(lean=True)
if sys.argv[2] == "free":
    runtime._switch().disable_op_determinism()
from piximi_widgets.engine.architectures import build
from piximi_widgets.engine.config import TrainingConfig
from piximi_widgets.engine.partitions import Partition
from piximi_widgets.engine.training import train
generator = np.random.default_rng(0)
x = generator.normal(size=({count}, {side}, {side}, 1)).astype("float32")
y = generator.integers(0, 10, {count}).astype("int32")
seconds = []
train(
    build(sys.argv[1], x.shape[1:], 10, 0), TrainingConfig(architecture=sys.argv[1], epochs={epochs} + 1),
    Partition(x, y), Partition(x[:0], y[:0]), on_epoch=lambda report: seconds.append(report.seconds),
)
print(json.dumps(min(seconds[1:])))
"""


def run(count: int = _COUNT, epochs: int = _EPOCHS, fits: int = _FITS) -> list[dict[str, Any]]:
    """Measure; fewer images, epochs (at least 2) and fits for a quick look."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        rows += _until_the_first_epoch(Path(folder) / "digits", fits)
        cells = _labelled_cells(Path(folder) / "cells", count)
        for network in _NETWORKS:
            for way, words in (("memory", "in memory"), ("map", "from a memory map")):
                settings = {"architecture": network, "epochs": epochs}
                spent = _measured(_INLINE, str(cells), json.dumps(settings), way)
                rows += [
                    {
                        "label": f"{network}, {words}: {label}",
                        "value": 100 * spent.get(label, 0.0) / spent["epochs"],
                        "unit": "%",
                        "note": f"of {spent['epochs']:.1f} s in {epochs} epochs of {count} images",
                    }
                    for label in ("pixels", "checkpoints", "record")
                ]
    for network in _NETWORKS:
        script = _EPOCH.format(count=count, side=_SIDE, epochs=epochs)
        best = {way: min(_measured(script, network, way) for _ in range(2)) for way in ("fixed", "free")}
        rows.append(
            {
                "label": f"{network}: deterministic operations",
                "value": 100 * (best["fixed"] / best["free"] - 1),
                "unit": "%",
                "note": f"slower; {best['fixed']:.2f} s an epoch, {best['free']:.2f} s without",
            }
        )
    return rows


def _until_the_first_epoch(place: Path, fits: int) -> list[dict[str, Any]]:
    """From the call of ``fit`` to the beginning of the first epoch, by its end and its length in the record."""
    import piximi_widgets as pw

    waited = []
    with pw.samples.digits(place) as project:
        for seed in range(fits + 1):
            called = time.time()
            experiment = project.fit(pw.TrainingConfig(seed=seed, epochs=1), wait=True)
            first = experiment.metric("epoch-time").iloc[0]
            waited.append(first["time"].timestamp() - first["value"] - called)
    cold, *warm = waited
    return [
        {
            "label": "Fit to the first epoch's beginning, warm worker",
            "value": statistics.median(warm),
            "unit": "s",
            "note": f"slowest of {fits}: {max(warm):.2f} s; a cold worker {cold:.1f} s; budget 1",
        }
    ]


def _labelled_cells(place: Path, count: int) -> Path:
    import piximi_widgets as pw

    from ._sets import cells

    pixels, truth = cells(count)
    with pw.Project(place) as project:
        project.add_images(pixels, labels=[f"class {number}" for number in truth])
    return place


def _measured(code: str, *arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=os.environ, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])
