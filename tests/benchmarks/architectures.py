"""What ``small-resnet`` makes of the time that ``simple-cnn`` gets: accuracy on images that were not trained on."""

from __future__ import annotations

from typing import Any

import numpy as np

from .defaults import mnist_fixture, sample_digits

TITLE = "Architectures: accuracy after equal wall time, and images/s"

_NAMES = ("simple-cnn", "small-resnet")
_CELLS = 900
_TRIAL_EPOCHS = 3


def cells(count: int = _CELLS) -> tuple[np.ndarray, np.ndarray]:
    """Images of the sample project, (N, 64, 64, 2) uint16, and their truth, (N,) int."""
    from piximi_widgets.samples.cell_images import cell_class, cell_image
    from piximi_widgets.samples.cell_plates import CLASSES

    truth = np.array([CLASSES.index(cell_class(0, index)) for index in range(count)])
    return np.stack([cell_image(0, index) for index in range(count)]), truth


def compare(
    pixels: np.ndarray, truth: np.ndarray, labeled: int, seconds: float, seed: int, **settings: Any
) -> dict[str, tuple[float, float, int]]:
    """Train each network for `seconds`; return its accuracy on the other images, its images/s and its epochs.

    Each is timed first over a few epochs, from which follows how many it may have: the schedule of the learning rate
    must know its end.
    """
    from sklearn.model_selection import train_test_split

    from piximi_widgets.engine.architectures import build
    from piximi_widgets.engine.config import TrainingConfig
    from piximi_widgets.engine.partitions import Partition
    from piximi_widgets.engine.training import train

    chosen, others = train_test_split(
        np.arange(len(truth)), train_size=labeled, stratify=truth, random_state=seed
    )
    values = pixels.reshape(*pixels.shape[:3], -1).astype(np.float32)
    values -= values[chosen].mean(axis=(0, 1, 2))
    values /= values[chosen].std(axis=(0, 1, 2))
    training = Partition(values[chosen], truth[chosen].astype(np.int32))
    nothing = Partition(values[:0], training.labels[:0])
    found = {}
    for name in _NAMES:

        def trained(epochs: int, name: str = name) -> tuple[Any, list[float]]:
            model = build(name, values.shape[1:], int(truth.max()) + 1, seed)
            config = TrainingConfig(seed=seed, architecture=name, epochs=epochs, **settings)
            pace: list[float] = []
            train(model, config, training, nothing, on_epoch=lambda report: pace.append(report.seconds))
            return model, pace

        _, pace = trained(_TRIAL_EPOCHS)
        epochs = max(1, round(seconds / min(pace[1:])))
        model, pace = trained(epochs)
        guesses = [
            np.asarray(model(values[others[start : start + 256]])).argmax(axis=1)
            for start in range(0, len(others), 256)
        ]
        accuracy = float((np.concatenate(guesses) == truth[others]).mean())
        found[name] = accuracy, labeled / float(np.median(pace)), epochs
    return found


def run(seconds: float = 20.0, seeds: int = 3, cell_count: int = _CELLS) -> list[dict[str, Any]]:
    """Give both networks the same time on each data set; cells may be turned and mirrored, digits may not."""
    from piximi_widgets.engine import runtime

    runtime.start_tensorflow()
    sets: dict[str, tuple[np.ndarray, np.ndarray, int, dict[str, Any]]] = {
        "cells": (*cells(cell_count), 2 * cell_count // 9, {"augmentation": "microscopy"}),
        "digits": (*sample_digits(), 225, {}),
    }
    fixture = mnist_fixture()
    if fixture is not None:
        sets["MNIST fixture"] = (*fixture, round(0.75 * len(fixture[1])), {})
    rows: list[dict[str, Any]] = []
    for label, (pixels, truth, labeled, settings) in sets.items():
        found = [compare(pixels, truth, labeled, seconds, seed, **settings) for seed in range(seeds)]
        for name in _NAMES:
            accuracies, rates, epochs = zip(*(one[name] for one in found), strict=True)
            note = f"worst {min(accuracies):.3f}, {np.mean(epochs):.0f} epochs in {seconds:g} s, {np.mean(rates):,.0f} images/s"
            rows.append({"label": f"{label}, {name}", "value": float(np.mean(accuracies)), "note": note})
    return rows
