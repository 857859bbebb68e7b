"""Per-image evaluations: what a classifier said of each image, beside what is true of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import LogError
from . import sql_results
from .values import clean_name, now

if TYPE_CHECKING:
    import pandas as pd

    from .experiment import Experiment

UNKNOWN = -1
"""The truth of an image whose category is not known."""


@dataclass(frozen=True)
class EvaluationArrays:
    """The evaluated images of one partition, ordered by id.

    Attributes
    ----------
    partition : str
    classes : list of str
        The K classes.
    ids : (N,) ndarray of int64
    truth : (N,) ndarray of int32
        Index in `classes`; -1 where it is not known.
    probabilities : (N, K) ndarray of float32
    """

    partition: str
    classes: list[str]
    ids: np.ndarray
    truth: np.ndarray
    probabilities: np.ndarray

    @property
    def prediction(self) -> np.ndarray:
        """(N,) ndarray of int32: index of the most probable class; -1 where the probabilities are NaN."""
        lost = np.isnan(self.probabilities).any(axis=1)
        return np.where(lost, UNKNOWN, self.probabilities.argmax(axis=1)).astype(np.int32)

    def frame(self) -> pd.DataFrame:
        """DataFrame, index id: partition, truth, prediction, confidence, and p(class) for each class."""
        import pandas as pd

        names = np.array([*self.classes, None], dtype=object)
        columns: dict[str, Any] = {
            "partition": [self.partition] * len(self.ids),
            "truth": names[self.truth],
            "prediction": names[self.prediction],
            "confidence": self.probabilities.max(axis=1) if len(self.ids) else np.empty(0, np.float32),
        }
        columns |= {f"p({name})": self.probabilities[:, index] for index, name in enumerate(self.classes)}
        return pd.DataFrame(columns, index=pd.Index(self.ids, name="id"))


def add_evaluations(
    experiment: Experiment, partition: str, ids: Any, truth: Any, probabilities: Any, classes: Sequence[str]
) -> None:
    """Store rows for images; those that are there already are replaced. See ``Experiment``."""
    partition = clean_name(partition, "A partition")
    names = _class_names(classes)
    rows = list(_checked_rows(ids, truth, probabilities, names))
    encoded = json.dumps(names)
    with experiment.writing(durable=True) as connection:
        known = sql_results.evaluation(connection, experiment.id, partition)
        if known is not None and known["classes"] != encoded:
            raise LogError(
                f"The evaluations of {partition!r} have the classes {known['classes']}, not {encoded}; "
                f"call clear_evaluations({partition!r}) first."
            )
        evaluation_id = sql_results.put_evaluation(connection, experiment.id, partition, encoded, now())
        sql_results.put_evaluation_rows(connection, evaluation_id, rows)


def clear_evaluations(experiment: Experiment, partition: str | None) -> None:
    """Remove the rows of one partition, or of all."""
    with experiment.writing(durable=True) as connection:
        chosen = [partition] if partition is not None else None
        for name in chosen or sql_results.evaluated_partitions(connection, experiment.id):
            known = sql_results.evaluation(connection, experiment.id, name)
            if known is not None:
                sql_results.delete_evaluation(connection, known["id"])


def read_evaluations(experiment: Experiment, partition: str | None) -> list[EvaluationArrays]:
    """The evaluations of one partition, or of all, in the order in which they were first stored."""
    found = []
    with experiment.store.database.read() as connection:
        partitions = sql_results.evaluated_partitions(connection, experiment.id)
        if partition is not None and partition not in partitions:
            known = ", ".join(map(repr, partitions)) or "none yet"
            raise LogError(
                f"Experiment {experiment.name!r} has no evaluations of {partition!r}; there are: {known}."
            )
        for name in partitions if partition is None else [partition]:
            row = sql_results.evaluation(connection, experiment.id, name)
            assert row is not None
            classes = json.loads(row["classes"])
            found.append(
                EvaluationArrays(
                    name, classes, *sql_results.evaluation_rows(connection, row["id"], len(classes))
                )
            )
    return found


def evaluations_frame(evaluations: Sequence[EvaluationArrays]) -> pd.DataFrame:
    """One DataFrame of several partitions; a class that a partition lacks is NaN there."""
    import pandas as pd

    if evaluations:
        return pd.concat([evaluation.frame() for evaluation in evaluations])
    return pd.DataFrame(
        columns=["partition", "truth", "prediction", "confidence"],
        index=pd.Index([], name="id", dtype="int64"),
    )


def _class_names(classes: Sequence[str]) -> list[str]:
    if isinstance(classes, str) or not all(isinstance(name, str) for name in classes):
        raise LogError(f"classes must be a list of names, not {classes!r}.")
    names = [str(name) for name in classes]
    if not names or len(set(names)) != len(names):
        raise LogError(f"classes must be one or more different names, not {names}.")
    return names


def _checked_rows(
    ids: Any, truth: Any, probabilities: Any, classes: list[str]
) -> Iterator[tuple[int, int, bytes]]:
    images = np.asarray(ids)
    if images.ndim != 1 or (images.size and images.dtype.kind not in "iu"):
        raise LogError(
            f"ids must be a sequence of whole numbers, not an array of {images.dtype} {images.shape}."
        )
    if len(np.unique(images)) != len(images):
        raise LogError("ids names an image twice; give each image one row.")
    expected = (len(images), len(classes))
    try:
        table = np.ascontiguousarray(probabilities, dtype="<f4")
    except (TypeError, ValueError) as error:
        raise LogError(
            f"probabilities must be a table of numbers of the shape {expected}: {error}."
        ) from None
    if not images.size and not table.size:
        table = table.reshape(expected)
    if table.shape != expected:
        raise LogError(
            f"probabilities must have one row an image and one column a class, {expected}, not {table.shape}."
        )
    labels = _truth_indices(truth, classes)
    if labels.shape != images.shape:
        raise LogError(f"truth must have one entry an image, {len(images)}, not {labels.shape}.")
    return (
        (image, label, table[row].tobytes())
        for row, (image, label) in enumerate(zip(images.tolist(), labels.tolist(), strict=True))
    )


def _truth_indices(truth: Any, classes: list[str]) -> np.ndarray:
    """Indices of classes; names are looked up, None is unknown."""
    given = np.asarray(truth, dtype=object if isinstance(truth, list | tuple) else None)
    if given.dtype.kind in "OUT" and not all(isinstance(label, int | np.integer) for label in given.ravel()):
        positions: dict[Any, int] = {name: index for index, name in enumerate(classes)} | {None: UNKNOWN}
        strangers = [label for label in given.ravel().tolist() if label not in positions]
        if strangers:
            raise LogError(f"truth names {strangers[0]!r}, which is none of the classes {classes}.")
        return np.array([positions[label] for label in given.tolist()], dtype=np.int64)
    if given.size and given.dtype.kind not in "iuO":
        raise LogError(f"truth must hold indices of classes or their names, not {given.dtype}.")
    labels = given.astype(np.int64)
    if labels.size and not (labels.min() >= UNKNOWN and labels.max() < len(classes)):
        raise LogError(
            f"truth must be indices from 0 to {len(classes) - 1}, or -1 for unknown; it reaches from "
            f"{labels.min()} to {labels.max()}."
        )
    return labels
