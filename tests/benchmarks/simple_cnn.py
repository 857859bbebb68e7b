"""An epoch of ``simple-cnn`` in our loop, against Keras ``fit`` as users write it and as tuned as it gets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

TITLE = "simple-cnn epoch: at least 2 times default Keras fit, 1.2 times tuned Keras"

_COUNT = 1000
_EPOCHS = 4
_BATCH = 32

_DATA = """
import json, sys, time
import numpy as np
side = int(sys.argv[1])
generator = np.random.default_rng(0)
x = generator.normal(size=({count}, side, side, 1)).astype("float32")
y = generator.integers(0, 10, {count}).astype("int32")
"""

_OURS = """
from piximi_widgets.engine import runtime
runtime.start_tensorflow(lean=True)
from piximi_widgets.engine.architectures import build
from piximi_widgets.engine.config import TrainingConfig
from piximi_widgets.engine.partitions import Partition
from piximi_widgets.engine.training import train
config = TrainingConfig(epochs={epochs} + 1, batch_size={batch}, learning_rate=0.001, **json.loads(sys.argv[2]))
data, seconds = Partition(x, y), []
none = Partition(x[:0], y[:0])
model = build("simple-cnn", x.shape[1:], 10, 0)
train(model, config, data, none, on_epoch=lambda report: seconds.append(report.seconds))
print(json.dumps(seconds[1:]))
"""

_KERAS = """
import keras
from piximi_widgets.engine.architectures import build
model = build("simple-cnn", x.shape[1:], 10, 0)
model.compile(keras.optimizers.Adam(0.001), "sparse_categorical_crossentropy", metrics=["accuracy"], **json.loads(sys.argv[2]))
seconds = []
for epoch in range({epochs} + 1):
    start = time.perf_counter()
    model.fit(x, y, batch_size={batch}, epochs=1, verbose=0)
    seconds.append(time.perf_counter() - start)
print(json.dumps(seconds[1:]))
"""

_TORCH = """
import torch
from torch import nn
torch.manual_seed(0)
images, labels = torch.from_numpy(x.transpose(0, 3, 1, 2).copy()), torch.from_numpy(y.astype("int64"))
model = nn.Sequential(
    nn.Conv2d(1, 8, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
    nn.LazyLinear(10),
)
model(images[:1])
optimizer = torch.optim.Adam(model.parameters(), 0.001)
seconds = []
for epoch in range({epochs} + 1):
    start, hits = time.perf_counter(), 0
    for chosen in torch.randperm(len(images)).split({batch}):
        optimizer.zero_grad()
        scores = model(images[chosen])
        nn.functional.cross_entropy(scores, labels[chosen]).backward()
        optimizer.step()
        hits += int((scores.argmax(1) == labels[chosen]).sum())
    seconds.append(time.perf_counter() - start)
print(json.dumps(seconds[1:]))
"""

_TUNED = {"jit_compile": False, "steps_per_execution": 32}


def images_per_second(script: str, side: int, option: str, *, onednn: bool = True) -> float:
    """Return the throughput of the best epoch but the first, in a process of its own."""
    code = (_DATA + script).format(count=_COUNT, epochs=_EPOCHS, batch=_BATCH)
    settings = {"TF_CPP_MIN_LOG_LEVEL": "3"} | ({"TF_ENABLE_ONEDNN_OPTS": "1"} if onednn else {})
    done = subprocess.run(
        [sys.executable, "-c", code, str(side), option],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=True,
    )
    return _COUNT / min(json.loads(done.stdout.splitlines()[-1]))


def run() -> list[dict[str, Any]]:
    """Measure at MNIST's size and at 64 x 64, one process after the other; Keras has the same oneDNN as ours."""
    rows: list[dict[str, Any]] = []
    for side in (28, 64):
        ours, shifted, varied = (
            images_per_second(_OURS, side, json.dumps({"augmentation": preset}))
            for preset in ("none", "gentle", "microscopy")
        )
        default = images_per_second(_KERAS, side, "{}")
        tuned = images_per_second(_KERAS, side, json.dumps(_TUNED))
        plain = images_per_second(_KERAS, side, "{}", onednn=False)
        size = f"{side}x{side}x1"
        rows += [
            {"label": f"ours, {size}", "value": ours, "unit": "images/s", "note": f"batches of {_BATCH}"},
            {
                "label": f"ours with random shift, {size}",
                "value": shifted,
                "unit": "images/s",
                "note": "gentle",
            },
            {
                "label": f"ours as for microscopy, {size}",
                "value": varied,
                "unit": "images/s",
                "note": "views, shift, brightness, contrast",
            },
            {
                "label": f"Keras fit, {size}",
                "value": default,
                "unit": "images/s",
                "note": "default, oneDNN on",
            },
            {
                "label": f"Keras fit out of the box, {size}",
                "value": plain,
                "unit": "images/s",
                "note": "no variables",
            },
            {"label": f"Keras fit tuned, {size}", "value": tuned, "unit": "images/s", "note": str(_TUNED)},
            {"label": f"ours / Keras, {size}", "value": ours / default, "unit": "x", "note": "budget 2"},
            {
                "label": f"ours / tuned Keras, {size}",
                "value": ours / tuned,
                "unit": "x",
                "note": "budget 1.2",
            },
            _torch_row(side, ours),
        ]
    return rows


def _torch_row(side: int, ours: float) -> dict[str, Any]:
    label = f"PyTorch, {side}x{side}x1"
    try:
        speed = images_per_second(_TORCH, side, "{}")
    except subprocess.CalledProcessError as error:
        # Also where it is there and one of its own libraries is not.
        reason = (error.stderr.strip().splitlines() or ["unknown reason"])[-1]
        return {"label": label, "value": "-", "unit": "", "note": reason[:90]}
    return {
        "label": label,
        "value": speed,
        "unit": "images/s",
        "note": f"same network; ours is {ours / speed:.1f} times as fast",
    }
