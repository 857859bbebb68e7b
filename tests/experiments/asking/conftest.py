"""Experiments whose records are known beforehand, for everything that is asked of them."""

from __future__ import annotations

import math
from typing import NamedTuple

import pytest

from piximi_widgets.experiments import Experiment, ExperimentStore


class Version(NamedTuple):
    """What an experiment takes for a dataset version."""

    uid: str
    name: str
    fingerprint: str


@pytest.fixture
def pair(store: ExperimentStore) -> tuple[Experiment, Experiment]:
    """Two small experiments that differ."""
    one = store.create_experiment(
        "one", parameters={"lr": 0.1, "net": "small", "seed": 1, "only": None}, tags=["plate7"]
    )
    two = store.create_experiment("two", parameters={"lr": 0.2, "net": "small", "seed": 1.0})
    for step, loss in enumerate([4.0, 1.0, 2.0]):
        one.log_metrics({"loss": loss, "accuracy": loss / 10}, step=step, phase="val")
    two.log_metrics({"loss": math.nan, "f1-score": 0.5}, step=1, phase="val")
    one.attach_dataset(Version("uid-1", "v1", "f" * 64), alias="train")
    return one, two
