"""Projects and experiments that the widgets' tests look at; nothing is trained here."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from piximi_widgets.experiments import ExperimentStore

CLASSES = ["anaphase", "metaphase", "telophase"]
# Truth and prediction of the nine validation images of `trained`, as indices of CLASSES. Worked by hand:
#   confusion matrix (rows truth)  [[2, 1, 0], [0, 2, 1], [1, 0, 2]], accuracy 6/9
TRUTH = [0, 0, 0, 1, 1, 1, 2, 2, 2]
PREDICTED = [0, 0, 1, 1, 1, 2, 2, 2, 0]


def eventually(condition: Callable[[], bool], timeout: float = 5.0) -> bool:
    """Wait until the condition holds; False when it did not within `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return bool(condition())


@pytest.fixture
def close_later() -> Iterator[Callable]:
    """Close widgets after the test, and see that their threads end."""
    widgets: list = []

    def keep(widget):
        widgets.append(widget)
        return widget

    yield keep
    for widget in widgets:
        widget.close()
    names = {
        "piximi-import-form",
        "piximi-training-form",
        "piximi-monitor",
        "piximi-evaluation",
        "piximi-studio",
    }
    assert eventually(lambda: not any(thread.name in names for thread in threading.enumerate()))


@pytest.fixture
def store(tmp_path) -> Iterator[ExperimentStore]:
    with_store = ExperimentStore(f"sqlite:///{tmp_path / 'experiments.db'}")
    yield with_store
    with_store.close()


@pytest.fixture
def project(tmp_path):
    """24 images of 16x16, the first 18 labeled, six of each of three categories; none has a partition."""
    from piximi_widgets.project import Project

    pixels = np.random.default_rng(0).integers(0, 255, (24, 20, 20), dtype=np.uint8)
    labels = [CLASSES[index % 3] for index in range(18)] + [None] * 6
    made = Project(tmp_path / "cells", mode="x")
    made.add_images(pixels, labels=labels)
    yield made
    made.close()


@pytest.fixture
def trained(project):
    """An experiment of `project` with nine validation images, predicted as in TRUTH and PREDICTED."""
    return make_trained(project)


def make_trained(project, name: str = "first"):
    """Record a training that ended well, as the worker would."""
    ids = project.columns().id
    project.split(training=0.5, stratify=True, seed=0)
    version = project.snapshot(name)
    experiment = project.experiments.create_experiment(name, parameters={"epochs": 3})
    experiment.attach_dataset(version, "train")
    experiment.start()
    validation = version.select("validation")
    assert len(validation) == 9
    assert len(ids) == 24
    by_class = sorted(validation.tolist(), key=lambda image: (version.labels[version.ids == image][0], image))
    probabilities = np.full((9, 3), 0.1, dtype=np.float32)
    probabilities[np.arange(9), PREDICTED] = 0.8
    experiment.add_evaluations("validation", by_class, TRUTH, probabilities, CLASSES)
    experiment.finish("SUCCESS")
    return experiment
