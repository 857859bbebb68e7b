"""Experiments whose images are in another project: what goes into their archive, and what can be done with it here."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import numpy as np

from ..dataset.records import PARTITIONS, PredictionArrays
from ..engine.evaluation import Evaluation
from ..engine.jobs.lineage import images_trained_on
from ..errors import DatasetVersionError, EvaluationError, TrainingError
from ..experiments.archive.layout import Dataset
from ..experiments.results.evaluations import read_evaluations
from .recorded import recorded_evaluation

if TYPE_CHECKING:
    from ..dataset import DatasetVersion
    from ..experiments import Experiment as StoredExperiment
    from .experiment import Experiment

COLUMNS = ("id", "category", "partition", "trained_on", "pixels")


def for_archive(experiment: Experiment) -> list[Dataset]:
    """The dataset versions of an experiment with their images: those of its project, and those that came with it."""
    found = dict(experiment._kept_datasets())
    seen = None
    for attached in experiment.datasets.values():
        try:
            version = experiment.project.version(attached.uid)
        except DatasetVersionError:
            continue
        if seen is None:
            seen = trained_on(experiment)
        found[version.uid] = _as_dataset(version, seen, experiment.project.name)
    return list(found.values())


def trained_on(experiment: Experiment) -> np.ndarray:
    """Ids (int64, ascending) of the images of the project on which the experiment was trained, or what it goes on from.

    Of an experiment that was imported into a copy of its project the base may be missing here; then the archive's
    word for it counts, and also for experiments that go on from it.
    """
    found = [images_trained_on(experiment, experiment.project)]
    waiting: list[StoredExperiment | None] = [experiment]
    seen = set()
    while waiting:
        one = waiting.pop()
        if one is None or one.id in seen:
            continue
        seen.add(one.id)
        # Ids of a version that this project does not have may name other images here.
        for dataset in one._kept_datasets().values():
            if _is_here(experiment, dataset.uid):
                found.append(np.array([row[0] for row in _rows(dataset) if row[3]], dtype=np.int64))
        model = one.base_model
        waiting += [one.base_experiment, None if model is None else model.context.experiment]
    return np.unique(np.concatenate(found))


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
    if _is_here(experiment, attached.uid):
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
    rows = _rows(dataset)
    arrays = [
        PredictionArrays(part.classes, part.ids, part.probabilities)
        for part in read_evaluations(experiment, None)
    ]
    if not arrays:
        raise EvaluationError(f"{experiment.name!r} came without predictions; there is nothing to score.")
    classes = arrays[0].classes
    ids, first = np.unique(np.concatenate([part.ids for part in arrays]), return_index=True)
    probabilities = np.concatenate([part.probabilities for part in arrays])[first]
    chosen = [row for row in rows if row[2] == partition and not row[3]]
    index = {text: position for position, text in enumerate(classes)}
    wanted = np.array([row[0] for row in chosen], dtype=np.int64)
    target = np.array([index.get(row[1], -1) for row in chosen], dtype=np.int64)
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


def _is_here(experiment: Experiment, uid: str) -> bool:
    try:
        experiment.project.version(uid)
    except DatasetVersionError:
        return False
    return True


def _project_uid(dataset: Dataset) -> str | None:
    uid = dataset.record.get("project_uid")
    return uid if isinstance(uid, str) else None


def _as_dataset(version: DatasetVersion, trained_on: np.ndarray, project: str) -> Dataset:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    seen = np.isin(version.ids, trained_on).astype(int).tolist()
    for number, label, partition, was, digest in zip(
        version.ids.tolist(),
        version.labels.tolist(),
        version.partitions.tolist(),
        seen,
        version.hashes.tolist(),
        strict=True,
    ):
        writer.writerow((number, version.classes[label], PARTITIONS[partition], was, f"{digest:016x}"))
    record: dict[str, object] = {
        "name": version.name,
        "fingerprint": version.fingerprint,
        "created": round(version.created.timestamp() * 1000),
        "classes": version.classes,
        "images": len(version),
        "project": project,
        "project_uid": version.project_uid,
    }
    return Dataset(version.uid, record, text.getvalue().encode())


def _rows(dataset: Dataset) -> list[tuple[int, str, str, bool]]:
    """Id, category, partition and whether it was trained on, of each image."""
    try:
        lines = list(csv.reader(io.StringIO(dataset.table.decode(), newline="")))
        if not lines or tuple(lines[0]) != COLUMNS:
            raise ValueError("it has other columns")
        found = [
            (_id(number), category, partition, was != "0")
            for number, category, partition, was, _ in lines[1:]
        ]
        if len({row[0] for row in found}) != len(found):
            raise ValueError("it has an image twice")
    except (ValueError, csv.Error) as error:
        raise DatasetVersionError(
            f"The table of the dataset version {dataset.record.get('name')!r} that came with the experiment is damaged"
            f" ({error}). Import the experiment again."
        ) from error
    return found


def _id(text: str) -> int:
    number = int(text)
    if not 0 < number < 2**63:
        raise ValueError(f"{text} is no image's id")
    return number
