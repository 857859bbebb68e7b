"""Why the form's defaults are what they are: settings side by side on two sets of digits."""

from __future__ import annotations

import base64
import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

TITLE = "Defaults: accuracy on digits that were not trained on, mean (worst) of the seeds"

#: Changes against the defaults; the empty one is the defaults themselves.
CANDIDATES: tuple[dict[str, Any], ...] = (
    {},
    {"shift": 0.0},
    {"schedule": "constant"},
    {"learning_rate": 0.001},
    {"learning_rate": 0.01},
    {"batch_size": 32},
    {"epochs": 20},
)
_SEEDS = {"digits": 4, "MNIST fixture": 2}


def sample_digits() -> tuple[np.ndarray, np.ndarray]:
    """Scikit-learn's digits as the sample project has them: (1797, 32, 32) uint8 and (1797,) int."""
    from piximi_widgets.samples.digits import _load

    return _load()


def mnist_fixture() -> tuple[np.ndarray, np.ndarray] | None:
    """The labeled digits of Piximi's example project, (942, 28, 28) uint8; None where it is not at hand."""
    from PIL import Image

    shared = Path(os.environ.get("PIXIMI_SHARED", Path(__file__).parents[3] / "shared"))
    path = shared / "fixtures" / "piximi" / "mnistExampleProject.json"
    if not path.exists():
        return None
    project = json.loads(path.read_text())["project"]
    names = {item["id"]: item["name"] for item in project["categories"] if item["name"] != "Unknown"}
    chosen = [item for item in project["serializedImages"] if item["imageCategoryId"] in names]
    encoded = (item["imageData"][0][0].split(",", 1)[1] for item in chosen)
    pixels = [np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("L")) for text in encoded]
    return np.stack(pixels), np.array([int(names[item["imageCategoryId"]]) for item in chosen])


def accuracy(pixels: np.ndarray, truth: np.ndarray, labeled: int, seed: int, **settings: Any) -> float:
    """Train on a part of `labeled` images, stratified, and score all others."""
    from sklearn.model_selection import train_test_split

    from piximi_widgets.engine.architectures import build
    from piximi_widgets.engine.classifier import Classifier
    from piximi_widgets.engine.config import TrainingConfig
    from piximi_widgets.engine.partitions import Partition
    from piximi_widgets.engine.preprocessing import fit_preprocessing, stack
    from piximi_widgets.engine.training import train

    config = TrainingConfig(seed=seed, **settings)
    every = np.arange(len(truth))
    if labeled < len(truth):
        known, _ = train_test_split(every, train_size=labeled, stratify=truth, random_state=0)
    else:
        known = every
    chosen, _ = train_test_split(
        known, train_size=config.training_fraction, stratify=truth[known], random_state=seed
    )
    shape = (*pixels.shape[1:], 1)
    raw = stack(pixels[chosen][:, None, :, :, None], shape)
    preprocessing = fit_preprocessing(raw, config.normalization)
    training = Partition(preprocessing.normalize(raw), truth[chosen].astype(np.int32))
    model = build(config.architecture, shape, 10, config.seed)
    train(model, config, training, Partition(raw[:0], training.labels[:0]))
    others = np.setdiff1d(every, known if labeled < len(truth) else chosen)
    classifier = Classifier(model, [str(digit) for digit in range(10)], preprocessing, config)
    return float((classifier.predict(pixels[others]).argmax(axis=1) == truth[others]).mean())


def run() -> list[dict[str, Any]]:
    """Train every candidate on each set with each seed."""
    from piximi_widgets.engine import runtime

    runtime.start_tensorflow()
    sets = {"digits": (*sample_digits(), 300)}
    fixture = mnist_fixture()
    if fixture is not None:
        sets["MNIST fixture"] = (*fixture, len(fixture[1]))
    rows = []
    for name, (pixels, truth, labeled) in sets.items():
        for settings in CANDIDATES:
            found = [accuracy(pixels, truth, labeled, seed, **settings) for seed in range(_SEEDS[name])]
            changed = ", ".join(f"{field} {value}" for field, value in settings.items()) or "the defaults"
            note = f"worst {min(found):.3f} of {len(found)} seeds"
            rows.append(
                {"label": f"{name}: {changed}", "value": float(np.mean(found)), "unit": "", "note": note}
            )
    return rows
