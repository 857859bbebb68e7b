"""Per-image evaluations: what a classifier said of each image, beside what is true of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ...errors import LogError
from ..sql import results as sql_results
from ..values import clean_name, now
from .evaluation_checks import UNKNOWN, Row, checked_rows, class_names

if TYPE_CHECKING:
    import pandas as pd

    from ..handle import Handle

Shapes = list[dict[str, Any]] | None
"""The boxes, polygons or masks of one image; None where none were given."""


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
        NaN where only the score of another class was given, or nothing.
    metrics : dict of str to (N,) ndarray of float64
        NaN also where an image has none of that name.
    shapes : list of (list of dict, or None), or None
        Those of each image; None where no image has any.
    """

    partition: str
    classes: list[str]
    ids: np.ndarray
    truth: np.ndarray
    probabilities: np.ndarray
    metrics: dict[str, np.ndarray] = field(default_factory=dict)
    shapes: list[Shapes] | None = None

    @property
    def prediction(self) -> np.ndarray:
        """(N,) ndarray of int32: index of the most probable class, of equals the first; -1 where all are NaN."""
        known = ~np.isnan(self.probabilities)
        best = np.where(known, self.probabilities, -np.inf).argmax(axis=1)
        return np.where(known.any(axis=1), best, UNKNOWN).astype(np.int32)

    @property
    def confidence(self) -> np.ndarray:
        """(N,) ndarray of float32: the probability of the most probable class; NaN where all are."""
        largest: np.ndarray = np.fmax.reduce(self.probabilities, axis=1)
        return largest

    def frame(self, *, with_shapes: bool | None = None) -> pd.DataFrame:
        """One row an image, index id.

        Its columns are partition, truth, prediction, confidence, ``p(class)`` for each class, ``metric.name`` for each
        metric and, if there are any or `with_shapes` says so, shapes.
        """
        import pandas as pd

        index = pd.Index(self.ids, name="id")

        def objects(values: Any) -> pd.Series:
            # as objects: pandas' strings would make NaN of the None of what is not known
            column = np.empty(len(index), dtype=object)
            column[:] = values
            return pd.Series(column, index=index, dtype=object)

        names = np.array([*self.classes, None], dtype=object)
        columns: dict[str, Any] = {
            "partition": [self.partition] * len(index),
            "truth": objects(names[self.truth]),
            "prediction": objects(names[self.prediction]),
            "confidence": self.confidence,
        }
        columns |= {f"p({name})": self.probabilities[:, place] for place, name in enumerate(self.classes)}
        columns |= {f"metric.{name}": values for name, values in self.metrics.items()}
        if self.shapes is not None if with_shapes is None else with_shapes:
            columns["shapes"] = objects(self.shapes)
        return pd.DataFrame(columns, index=index)


def add_evaluations(
    experiment: Handle,
    partition: str,
    ids: Any,
    truth: Any,
    probabilities: Any,
    classes: Sequence[str],
    *,
    predictions: Any = None,
    metrics: Mapping[str, Any] | None = None,
    shapes: Sequence[Any] | None = None,
    mode: Literal["replace", "keep"] = "replace",
) -> None:
    """Store rows for images. See ``Experiment.add_evaluations``."""
    if mode not in ("replace", "keep"):
        raise LogError(f'mode must be "replace" or "keep", not {mode!r}.')
    partition = clean_name(partition, "A partition")
    names = class_names(classes)
    rows = checked_rows(ids, truth, probabilities, predictions, names, metrics, shapes)
    encoded = json.dumps(names)
    with experiment.writing(durable=True) as connection:
        known = sql_results.evaluation(connection, experiment.id, partition)
        if known is not None and known["classes"] != encoded:
            raise LogError(
                f"The evaluations of {partition!r} have the classes {known['classes']}, not {encoded}; "
                f"call clear_evaluations({partition!r}) first."
            )
        evaluation_id = sql_results.put_evaluation(connection, experiment.id, partition, encoded, now())
        sql_results.put_evaluation_rows(connection, evaluation_id, rows, replace=mode == "replace")


def clear_evaluations(experiment: Handle, partition: str | None) -> None:
    """Remove the rows of one partition, or of all."""
    with experiment.writing(durable=True) as connection:
        chosen = [partition] if partition is not None else None
        for name in chosen or sql_results.evaluated_partitions(connection, experiment.id):
            known = sql_results.evaluation(connection, experiment.id, name)
            if known is not None:
                sql_results.delete_evaluation(connection, known["id"])


def read_evaluations(experiment: Handle, partition: str | None) -> list[EvaluationArrays]:
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
            rows = sql_results.evaluation_rows(connection, row["id"])
            found.append((name, json.loads(row["classes"]), rows))
    return [_arrays(*parts) for parts in found]


def evaluations_frame(evaluations: Sequence[EvaluationArrays]) -> pd.DataFrame:
    """One DataFrame of several partitions; a class or metric that a partition lacks is NaN there."""
    import pandas as pd

    if evaluations:
        with_shapes = any(evaluation.shapes is not None for evaluation in evaluations)
        frame = pd.concat([evaluation.frame(with_shapes=with_shapes) for evaluation in evaluations])
        # The metrics and shapes of a later partition stand behind the classes of all.
        order = {"p(": 1, "metric.": 2, "shapes": 3}
        ranks = [
            next((rank for start, rank in order.items() if str(name).startswith(start)), 0) for name in frame
        ]
        return frame.iloc[:, np.argsort(ranks, kind="stable")]
    return pd.DataFrame(
        columns=["partition", "truth", "prediction", "confidence"],
        index=pd.Index([], name="id", dtype="int64"),
    )


def _arrays(partition: str, classes: list[str], rows: Sequence[Row]) -> EvaluationArrays:
    count = len(rows)
    metrics: dict[str, np.ndarray] = {}
    for position, row in enumerate(rows):
        if row[3] is not None:
            for name, value in json.loads(row[3]).items():
                if name not in metrics:
                    metrics[name] = np.full(count, np.nan)
                metrics[name][position] = value
    drawn = any(row[4] is not None for row in rows)
    probabilities = np.frombuffer(b"".join(row[2] for row in rows), "<f4").astype(np.float32)
    return EvaluationArrays(
        partition,
        classes,
        np.fromiter((row[0] for row in rows), np.int64, count),
        np.fromiter((row[1] for row in rows), np.int32, count),
        probabilities.reshape(count, len(classes)),
        metrics,
        [None if row[4] is None else json.loads(row[4]) for row in rows] if drawn else None,
    )
