"""Which images the weights of an experiment have seen, its own and those of everything that it goes on from."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from ...errors import DatasetVersionError

if TYPE_CHECKING:
    from ...dataset import Dataset
    from ...experiments import Experiment


def images_trained_on(experiment: Experiment, dataset: Dataset) -> np.ndarray:
    """Ids (int64, ascending) of the images on which `experiment`, or what it goes on from, was trained."""
    return _training_images(experiment.trained_on, dataset)


def images_bases_trained_on(experiment: Experiment, dataset: Dataset) -> np.ndarray:
    """Ids (int64, ascending) of the images on which the experiments and models that `experiment` goes on from were
    trained, but not itself."""
    bases = [base for base in (experiment.base_experiment, experiment.base_model) if base is not None]
    return _training_images([uid for base in bases for uid in base.trained_on], dataset)


def _training_images(versions: Iterable[str], dataset: Dataset) -> np.ndarray:
    seen = [np.empty(0, dtype=np.int64)]
    for uid in versions:
        # One that another project has trained has seen none of this one's images.
        with suppress(DatasetVersionError):
            seen.append(dataset.version(uid).select("training"))
    return np.unique(np.concatenate(seen))
