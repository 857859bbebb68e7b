"""Transfer from a frozen MobileNet: ours, Keras ``fit`` as users write it, and the same network in PyTorch."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from typing import Any

TITLE = "MobileNet transfer: 40 times Keras fit from call to trained, features 5 times Keras predict"

_COUNT = 1000
_EPOCHS = 10
_BATCH = 32
_SIDE = 224

_DATA = """
import json, sys, time
import numpy as np
generator = np.random.default_rng(0)
x = generator.uniform(-1, 1, size=({count}, {side}, {side}, 3)).astype("float32")
y = generator.integers(0, 5, {count}).astype("int32")
def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
"""

_OURS = """
import shutil
from pathlib import Path
from piximi_widgets.engine import runtime
runtime.start_tensorflow(lean=True)
from piximi_widgets.engine.architectures.frozen import split
from piximi_widgets.engine.architectures.mobilenet import mobilenet
from piximi_widgets.engine.config import TrainingConfig
from piximi_widgets.engine.features import FeatureExtractor, frozen_training
from piximi_widgets.engine.partitions import Partition
from piximi_widgets.engine.pixels.naming import row_digests
from piximi_widgets.engine.pixels.pixel_cache import Contents
from piximi_widgets.engine.preprocessing import Preprocessing
from piximi_widgets.engine.training import train
config = TrainingConfig(architecture="mobilenet", augmentation="none", epochs={epochs}, batch_size={batch})
cache = Path(sys.argv[1])
names = tuple(f"{{number:064x}}" for number in range({count}))
as_they_are = Preprocessing(x.shape[1:], (0.0,) * 3, (1.0,) * 3, normalization="none")
def fit(count, named):
    base, head = split(model)
    digests = row_digests(Contents({{}}, x.shape[1:], names[:count]), as_they_are) if named else None
    data, none, _ = frozen_training(
        model, config, Partition(x[:count], y[:count], digests=digests), Partition(x[:0], y[:0]),
        FeatureExtractor(base, cache),
    )
    train(head, config, data, none)
model = mobilenet(x.shape[1:], 5, 0)
converted = timed(lambda: fit(40, True))
cold, again = {{False: [], True: []}}, []
for _ in range(3):
    for named in cold:
        shutil.rmtree(cache / "features")
        cold[named].append(timed(lambda: fit(None, named)))
    again.append(timed(lambda: fit(None, True)))
extractor = FeatureExtractor(split(model)[0], cache)
extractor.compute(x[:40])
compute = [timed(lambda: extractor.compute(x)) for _ in range(3)]
print(json.dumps([cold[True], cold[False], again, [{count} / seconds for seconds in compute], converted]))
"""

_KERAS = """
import keras
from piximi_widgets.engine.architectures.mobilenet import mobilenet
model = mobilenet(x.shape[1:], 5, 0)
model.predict(x[:{batch}], verbose=0)
model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy", metrics=["accuracy"])
fit = timed(lambda: model.fit(x, y, batch_size={batch}, epochs={epochs}, verbose=0))
base = model.get_layer("base")
base.predict(x[:{batch}], verbose=0)
print(json.dumps([fit, [{count} / timed(lambda: base.predict(x, verbose=0)) for _ in range(3)]]))
"""

_TORCH = """
import torch
from torch import nn
torch.manual_seed(0)
def block(i, o, stride=1, groups=1, kernel=3):
    return [nn.Conv2d(i, o, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(o), nn.ReLU6()]
layers, width = block(3, 8, 2), 8
for out, stride in zip([16, 32, 32, 64, 64, *[128] * 6, 256, 256], [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1]):
    layers += [*block(width, width, stride, width), *block(width, out, kernel=1)]
    width = out
base = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval().requires_grad_(False)
head = nn.Linear(256, 5)
images, labels = torch.from_numpy(x.transpose(0, 3, 1, 2).copy()), torch.from_numpy(y.astype("int64"))
optimizer = torch.optim.Adam(head.parameters(), 0.003)
def fit():
    for epoch in range({epochs}):
        for chosen in torch.randperm({count}).split({batch}):
            optimizer.zero_grad()
            nn.functional.cross_entropy(head(base(images[chosen])), labels[chosen]).backward()
            optimizer.step()
print(json.dumps([timed(fit)]))
"""


def measured(script: str, *arguments: str) -> list[Any]:
    """Return what a script prints as its last line, in JSON, run in a process of its own."""
    code = (_DATA + script).format(count=_COUNT, epochs=_EPOCHS, batch=_BATCH, side=_SIDE)
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return list(json.loads(done.stdout.splitlines()[-1]))


def run() -> list[dict[str, Any]]:
    """Measure one process after the other; pixels are in memory and ready, and Keras has the same oneDNN as ours.

    Ours is measured before and after Keras, and the medians are compared: what else the machine does meets both.
    """
    rounds = []
    for position in range(2):
        with tempfile.TemporaryDirectory() as cache:
            rounds.append(measured(_OURS, cache))
        if position == 0:
            fit, predictions = measured(_KERAS)
    first = rounds[0].pop()
    cold, hashed, again, images = (
        statistics.median(before + after) for before, after in zip(rounds[0], rounds[1], strict=False)
    )
    predict = statistics.median(predictions)
    size = f"{_COUNT} images of {_SIDE}x{_SIDE}x3, {_EPOCHS} epochs of batches of {_BATCH}"
    rows = [
        {
            "label": "ours, call to trained",
            "value": cold,
            "unit": "s",
            "note": f"{size}; features not cached; named by their images' hashes, as in a project",
        },
        {
            "label": "ours, arrays without names",
            "value": hashed,
            "unit": "s",
            "note": f"the same, with a SHA-256 of {_COUNT * _SIDE * _SIDE * 12 / 1e6:.0f} MB",
        },
        {"label": "ours, again", "value": again, "unit": "s", "note": "features cached, named"},
        {
            "label": "ours, 40 images, the first time",
            "value": first,
            "unit": "s",
            "note": "with the conversion",
        },
        {"label": "Keras fit, frozen base", "value": fit, "unit": "s", "note": "oneDNN on"},
        {"label": "Keras / ours", "value": fit / cold, "unit": "x", "note": "budget 40"},
        {"label": "Keras / ours, without names", "value": fit / hashed, "unit": "x", "note": ""},
        {"label": "Keras / ours, again", "value": fit / again, "unit": "x", "note": ""},
        {"label": "features, ours", "value": images, "unit": "images/s", "note": ""},
        {"label": "features, Keras predict", "value": predict, "unit": "images/s", "note": ""},
        {"label": "features, ours / Keras", "value": images / predict, "unit": "x", "note": "budget 5"},
    ]
    try:
        (torch,) = measured(_TORCH)
    except subprocess.CalledProcessError as error:
        # Also where it is there and one of its own libraries is not.
        reason = (error.stderr.strip().splitlines() or ["unknown reason"])[-1]
        return [*rows, {"label": "PyTorch, frozen base", "value": "-", "unit": "", "note": reason[:90]}]
    return [
        *rows,
        {"label": "PyTorch, frozen base", "value": torch, "unit": "s", "note": "same topology"},
        {"label": "PyTorch / ours", "value": torch / cold, "unit": "x", "note": ""},
    ]
