"""Experiments whose images are in another project: what goes into their archive, and what can be done with it here."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from ..dataset.records import PredictionArrays
from ..engine.evaluation import Evaluation
from ..engine.jobs import image_table
from ..engine.jobs.lineage import has_version, images_trained_on, lineage
from ..errors import DatasetVersionError, EvaluationError, TrainingError
from ..experiments.archive.layout import Dataset
from ..experiments.results.evaluations import read_evaluations
from .recorded import recorded_evaluation

if TYPE_CHECKING:
    from .experiment import Experiment


def for_archive(experiment: Experiment) -> list[Dataset]:
    """The dataset versions with their images that its weights, or anything it goes on from, have learned from.

    Those of its project, and those that came with it and with its bases from other projects.
    """
    project = experiment.project
    found: dict[str, Dataset] = {}
    for one in lineage([experiment]):
        found = {**one._kept_datasets(), **found}
    versions = []
    for uid in {*experiment.trained_on, *(attached.uid for attached in experiment.datasets.values())}:
        with suppress(DatasetVersionError):
            versions.append(project.version(uid))
    if versions:
        ids = np.unique(np.concatenate([version.ids for version in versions]))
        seen = images_trained_on(experiment, project, ids)
        found |= {version.uid: image_table.write(version, seen, project.name) for version in versions}
    return list(found.values())


def images_of(experiment: Experiment, told: str | None) -> str | None:
    """Uid of the project that numbers the images of an experiment; `told` by what came along where nothing here says."""
    if not experiment._is_imported:
        return experiment.project.uid
    dataset = kept(experiment)
    if dataset is None and "train" in experiment.datasets:
        return experiment.project.uid
    return told if dataset is None else _project_uid(dataset)


def kept(experiment: Experiment) -> Dataset | None:
    """The dataset version that an imported experiment was trained with, unless this project has it.

    Its table is empty where a store that knows of no project has exported the experiment.
    """
    attached = experiment.datasets.get("train")
    if attached is None:
        return None
    if has_version(experiment.project, attached.uid):
        return None
    found = experiment._kept_datasets().get(attached.uid)
    if found is None and experiment._is_imported:
        found = Dataset(attached.uid, {"name": attached.name}, b"")
    return found


def refuse(experiment: Experiment, what: str) -> None:
    """Raise TrainingError where the images that a training needs are in another project."""
    dataset = kept(experiment)
    if dataset is not None:
        project = dataset.record.get("project")
        where = "another project" if project is None else f"the project {project!r}"
        raise TrainingError(
            f"{experiment.name!r} cannot be {what} here: it was imported, and the images that it was trained with are in"
            f" {where}. Its classifier works here; project.fit() trains a new one."
        )


def evaluate(experiment: Experiment, dataset: Dataset, partition: str) -> Evaluation:
    """Score the predictions that came with an experiment against the labels that came with it."""
    if not dataset.table:
        return _as_recorded(experiment, partition)
    name, project = str(dataset.record.get("name")), dataset.record.get("project")
    rows = image_table.read(dataset)
    arrays = [
        PredictionArrays(part.classes, part.ids, part.probabilities)
        for part in read_evaluations(experiment, None)
    ]
    if not arrays:
        raise EvaluationError(f"{experiment.name!r} came without predictions; there is nothing to score.")
    classes = arrays[0].classes
    ids, first = np.unique(np.concatenate([part.ids for part in arrays]), return_index=True)
    probabilities = np.concatenate([part.probabilities for part in arrays])[first]
    chosen = [row for row in rows if row.partition == partition and not row.trained_on]
    index = {text: position for position, text in enumerate(classes)}
    wanted = np.array([row.id for row in chosen], dtype=np.int64)
    target = np.array([index.get(row.category, -1) for row in chosen], dtype=np.int64)
    usable = np.isin(wanted, ids) & (target >= 0)
    at = np.searchsorted(ids, wanted[usable])
    return Evaluation(
        classes,
        # Negative, since the same ids name other images here.
        -wanted[usable],
        target[usable],
        probabilities[at],
        partition=partition,
        dataset_name=name,
        dataset_uid=dataset.uid,
        unscored=int((~usable).sum()),
        names=[f"image {number} of {project}" for number in wanted[usable].tolist()],
    )


def _as_recorded(experiment: Experiment, partition: str) -> Evaluation:
    """Score what the record alone holds, where nothing else came along."""
    found = recorded_evaluation(experiment, partition)
    # Negative, since the same ids name other images here.
    ids = -found.ids if (found.ids > 0).all() else -np.arange(1, len(found.ids) + 1)
    return Evaluation(
        found.classes,
        ids,
        found.truth,
        found.probabilities,
        partition=partition,
        dataset_name=found.dataset_name,
        unscored=found.unscored,
        names=[f"image {number} of another project" for number in found.ids.tolist()],
    )


def _project_uid(dataset: Dataset) -> str | None:
    uid = dataset.record.get("project_uid")
    return uid if isinstance(uid, str) else None
