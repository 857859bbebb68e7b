"""The labelled images on which trainings are compared, and how each is parted into images to learn from and others."""

from __future__ import annotations

import base64
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

_CELLS = 900


@dataclass(frozen=True)
class Labelled:
    """Images of which a few are learned from, and all others are scored.

    Attributes
    ----------
    pixels : (N, h, w, C) ndarray
        As the files have them.
    truth : (N,) ndarray of int
        The class of each, from 0.
    labelled : int
        How many are learned from.
    """

    pixels: np.ndarray
    truth: np.ndarray
    labelled: int

    def parted(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the indices of the images to learn from and those of the others, stratified."""
        from sklearn.model_selection import train_test_split

        every = np.arange(len(self.truth))
        chosen, others = train_test_split(
            every, train_size=self.labelled, stratify=self.truth, random_state=seed
        )
        return chosen, others


def labelled_sets(cell_count: int = _CELLS) -> dict[str, Labelled]:
    """Sample digits (225 labelled), sample cells (two ninths labelled), and the MNIST fixture (three quarters).

    The fixture is left out where it is not at hand.
    """
    found = {
        "digits": Labelled(*sample_digits(), 225),
        "cells": Labelled(*cells(cell_count), 2 * cell_count // 9),
    }
    fixture = mnist_fixture()
    if fixture is not None:
        found["MNIST"] = Labelled(fixture[0][..., None], fixture[1], round(0.75 * len(fixture[1])))
    return found


def cells(count: int = _CELLS) -> tuple[np.ndarray, np.ndarray]:
    """Images of the sample project, (N, 64, 64, 2) uint16, and their truth, (N,) int."""
    from piximi_widgets.samples.cell_images import cell_class, cell_image
    from piximi_widgets.samples.cell_plates import CLASSES

    truth = np.array([CLASSES.index(cell_class(0, index)) for index in range(count)])
    return np.stack([cell_image(0, index) for index in range(count)]), truth


def sample_digits() -> tuple[np.ndarray, np.ndarray]:
    """Scikit-learn's digits as the sample project has them: (1797, 32, 32, 1) uint8 and (1797,) int."""
    from piximi_widgets.samples.digits import _load

    pixels, truth = _load()
    return pixels[..., None], truth


def mnist_fixture() -> tuple[np.ndarray, np.ndarray] | None:
    """The labelled digits of Piximi's example project, (942, 28, 28) uint8; None where it is not at hand."""
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


@dataclass(frozen=True)
class Trained:
    """What came of one training.

    Attributes
    ----------
    accuracy : float
        On the images that were not learned from.
    seconds, processor_seconds : float
        From the call to the end, on the clock and of the processor.
    pace : list of float
        Processor seconds of each epoch.
    """

    accuracy: float
    seconds: float
    processor_seconds: float
    pace: list[float]


def train_and_score(data: Labelled, config: Any) -> Trained:
    """Train with the trainer that `Project.fit` uses; `config.seed` also parts the images.

    Parameters
    ----------
    data : Labelled
    config : TrainingConfig
    """
    import time

    from piximi_widgets.engine.architectures import build
    from piximi_widgets.engine.classifier import Classifier
    from piximi_widgets.engine.partitions import Partition
    from piximi_widgets.engine.preprocessing import fit_preprocessing, stack
    from piximi_widgets.engine.training import train

    chosen, others = data.parted(config.seed)
    shape = data.pixels.shape[1:]
    raw = stack(data.pixels[chosen][:, None], shape)
    preprocessing = fit_preprocessing(raw, config.normalization)
    training = Partition(preprocessing.normalize(raw), data.truth[chosen].astype(np.int32))
    nothing = Partition(training.pixels[:0], training.labels[:0])
    model = build(config.architecture, shape, int(data.truth.max()) + 1, config.seed)
    pace: list[float] = []
    started = last = time.process_time()
    clock = time.perf_counter()

    def on_epoch(_: Any) -> None:
        nonlocal last
        now = time.process_time()
        pace.append(now - last)
        last = now

    train(model, config, training, nothing, on_epoch=on_epoch)
    seconds, processor_seconds = time.perf_counter() - clock, time.process_time() - started
    classes = [str(number) for number in range(int(data.truth.max()) + 1)]
    classifier = Classifier(model, classes, preprocessing, config)
    guesses = classifier.predict(data.pixels[others]).argmax(axis=1)
    return Trained(float((guesses == data.truth[others]).mean()), seconds, processor_seconds, pace)
