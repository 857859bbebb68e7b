"""What would keep a training on a project's images from starting."""

from __future__ import annotations

from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from ..dataset.records import TEST, TRAINING, VALIDATION
from ..dataset.sql.data_types import data_types
from ..engine.checks import Problem, check
from ..engine.config import TrainingConfig
from ..engine.preprocessing import mixed_depths

if TYPE_CHECKING:
    from ..dataset import DatasetVersion
    from .project import Project


def fractions_of(project: Project, config: TrainingConfig) -> dict[str, Any]:
    """How new labels are divided: as in the last split, or by the settings where there was none."""
    return {} if project.last_split else {"training": config.training_fraction, "seed": config.seed}


def problems_now(project: Project, config: TrainingConfig, *, measures: bool = True) -> list[Problem]:
    """What keeps a training on the images as they are labeled now from starting. See ``Project.problems``.

    Parameters
    ----------
    project : Project
    config : TrainingConfig
    measures : bool
        Whether the training measures its images; one on a base takes the base's normalisation.
    """
    planned = project.planned_partitions(**fractions_of(project, config))
    columns = project.columns()
    if len(planned) != len(columns.id):
        # Images came or went in between; whoever asks hears of it and asks again.
        planned = columns.partition
    usable = ~columns.excluded & (columns.category_id > 0)
    names = {category.id: category.name for category in project.category_table()}
    categories, ids = columns.category_id[usable], columns.id[usable]
    return _problems(project, config, names, categories, planned[usable], ids, len(columns.id), measures)


def problems_of(
    project: Project, config: TrainingConfig, version: DatasetVersion, *, measures: bool = True
) -> list[Problem]:
    """What keeps a training on a dataset version from starting; `measures` as in `problems_now`."""
    names = dict(enumerate(version.classes))
    return _problems(
        project, config, names, version.labels, version.partitions, version.ids, len(version), measures
    )


def _problems(
    project: Project,
    config: TrainingConfig,
    names: dict[int, str],
    categories: np.ndarray,
    partitions: np.ndarray,
    ids: np.ndarray,
    image_count: int,
    measures: bool,
) -> list[Problem]:
    """What keeps a training on these images, with these categories (keys of `names`), from starting."""
    parts = (TRAINING, VALIDATION, TEST)
    counts = {
        name: tuple(int(((categories == key) & (partitions == code)).sum()) for code in parts)
        for key, name in names.items()
    }
    found = check(
        config,
        class_counts={name: int((categories == key).sum()) for key, name in names.items()},
        partition_counts=counts,  # type: ignore[arg-type]
        shapes=project.shapes(ids),
        image_count=image_count,
    )
    if measures and len(ids):
        found += _mixed_depths(project, config, ids[np.isin(partitions, parts)])
    return found


def _mixed_depths(project: Project, config: TrainingConfig, ids: np.ndarray) -> list[Problem]:
    with project._database.read() as connection:
        # Hardly any project mixes them, and to count all images takes a fraction of the time of naming some.
        if mixed_depths(config.normalization, data_types(connection)) is None:
            return []
        counts = data_types(connection, ids.tolist())
    message = mixed_depths(
        config.normalization, chain.from_iterable(repeat(*item) for item in counts.items())
    )
    return [] if message is None else [Problem("normalization", message)]
