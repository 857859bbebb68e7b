"""Which images the weights of an experiment have seen, its own and those of the experiments that it goes on from."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from ...errors import DatasetVersionError

if TYPE_CHECKING:
    from ...dataset import Dataset
    from ...experiments import Experiment


def images_trained_on(experiment: Experiment | None, dataset: Dataset) -> np.ndarray:
    """Ids (int64, ascending) of the images on which `experiment` or one that it goes on from was trained."""
    seen = [np.empty(0, dtype=np.int64)]
    while experiment is not None:
        if "train" in experiment.datasets:
            # One that another project has trained has seen none of this one's images.
            with suppress(DatasetVersionError):
                seen.append(dataset.version(experiment.datasets["train"].uid).select("training"))
        experiment = experiment.base_experiment
    return np.unique(np.concatenate(seen))
