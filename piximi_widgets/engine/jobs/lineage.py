"""Which images the weights of an experiment have seen, its own and those of everything that it goes on from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from ...errors import DatasetVersionError
from . import image_table

if TYPE_CHECKING:
    from ...dataset import Dataset
    from ...experiments import Experiment


def images_trained_on(experiment: Experiment, dataset: Dataset, among: np.ndarray) -> np.ndarray:
    """Those of some images on which `experiment`, or what it goes on from, was trained.

    Where one of them came in an archive, its versions or its bases may be missing here. Then the archive's word for it
    counts: it tells the images by their pixels.

    Parameters
    ----------
    experiment : Experiment
    dataset : Dataset
    among : (N,) ndarray of int64
        Ids. Where pixels have to be compared, those that were never read are read.

    Returns
    -------
    ndarray of int64
        Ids, ascending.
    """
    return _seen(experiment.trained_on, lineage([experiment]), dataset, among)


def images_bases_trained_on(experiment: Experiment, dataset: Dataset, among: np.ndarray) -> np.ndarray:
    """As `images_trained_on`, for the experiments and models that `experiment` goes on from, but not itself."""
    bases = [base for base in (experiment.base_experiment, experiment.base_model) if base is not None]
    return _seen(
        [uid for base in bases for uid in base.trained_on], lineage(_bases(experiment)), dataset, among
    )


def lineage(experiments: Iterable[Experiment | None]) -> Iterator[Experiment]:
    """The experiments, and those that they go on from as far as they are here, each once."""
    waiting, seen = list(experiments), set()
    while waiting:
        one = waiting.pop()
        if one is None or one.id in seen:
            continue
        seen.add(one.id)
        yield one
        waiting += _bases(one)


def has_version(dataset: Dataset, uid: str) -> bool:
    """Whether a dataset version is one of this project, or of what it is a copy of."""
    try:
        dataset.version(uid)
    except DatasetVersionError:
        return False
    return True


def _bases(experiment: Experiment) -> list[Experiment | None]:
    model = experiment.base_model
    return [experiment.base_experiment, None if model is None else model.context.experiment]


def _seen(
    versions: Iterable[str], experiments: Iterable[Experiment], dataset: Dataset, among: np.ndarray
) -> np.ndarray:
    ids = [np.empty(0, dtype=np.int64)]
    for uid in versions:
        # One that another project has trained is told by its pixels, below.
        with suppress(DatasetVersionError):
            ids.append(dataset.version(uid).select("training"))
    pixels = [np.empty(0, dtype=np.uint64)]
    for experiment in experiments:
        for kept in experiment._kept_datasets().values():
            rows = [row for row in image_table.read(kept) if row.trained_on]
            pixels.append(np.array([row.pixels for row in rows], dtype=np.uint64))
            # Elsewhere the same ids name other images.
            if has_version(dataset, kept.uid):
                ids.append(np.array([row.id for row in rows], dtype=np.int64))
    ids.append(dataset._with_pixels(np.concatenate(pixels), among))
    return np.intersect1d(np.concatenate(ids), among)
