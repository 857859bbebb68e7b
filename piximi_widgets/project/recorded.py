"""The evaluation of an experiment whose images are in no project: from the predictions and truths of its record."""

from __future__ import annotations

import numpy as np

from ..engine.evaluation import Evaluation
from ..errors import EvaluationError
from ..experiments import Experiment
from ..experiments.results.evaluations import read_evaluations


def recorded_evaluation(experiment: Experiment, partition: str) -> Evaluation:
    """Score what ``Experiment.add_evaluations`` stored.

    Parameters
    ----------
    experiment : Experiment
        Of any store.
    partition : str

    Raises
    ------
    EvaluationError
        There is no image of that partition with a truth and a prediction.
    """
    found = {part.partition: part for part in read_evaluations(experiment, None)}
    if partition not in found:
        known = (
            f"there are those of {', '.join(map(repr, found))}" if found else "add_evaluations() records some"
        )
        raise EvaluationError(f"{experiment.name!r} has no evaluations of {partition!r}; {known}.")
    part = found[partition]
    usable = (part.truth >= 0) & ~np.isnan(part.probabilities).any(axis=1)
    if not usable.any():
        raise EvaluationError(
            f"No image of the partition {partition!r} has both a truth and a prediction in {experiment.name!r}."
        )
    return Evaluation(
        part.classes,
        part.ids[usable],
        part.truth[usable],
        part.probabilities[usable],
        partition=partition,
        dataset_name="truths that were recorded",
        unscored=int((~usable).sum()),
    )
