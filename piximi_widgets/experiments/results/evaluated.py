"""What was predicted of images, as an experiment offers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from ..handle import Handle
from ..sql import results as sql_results
from ..values import as_datetime
from .evaluation_scores import evaluation_scores
from .evaluations import (
    EvaluationArrays,
    add_evaluations,
    clear_evaluations,
    evaluations_frame,
    read_evaluations,
)

if TYPE_CHECKING:
    import pandas as pd


class Evaluated(Handle):
    """Per-image results of an experiment, by partition; see :class:`Experiment`."""

    def add_evaluations(
        self,
        partition: str,
        ids: Any,
        truth: Any,
        probabilities: Any,
        classes: Sequence[str],
        *,
        predictions: Sequence[tuple[str, float] | None] | None = None,
        metrics: Mapping[str, Any] | None = None,
        shapes: Sequence[Sequence[Mapping[str, Any]] | None] | None = None,
        mode: Literal["replace", "keep"] = "replace",
    ) -> None:
        """Store what was predicted for images: all of them, or none where something does not fit.

        Parameters
        ----------
        partition : str
        ids : (N,) sequence of int
        truth : (N,) sequence of int or str
            Indices of `classes` (-1: unknown) or their names (None: unknown).
        probabilities : (N, K) array, or None
            Kept as float32. None where only `predictions` are known.
        classes : sequence of K str
            The same for all images of a partition.
        predictions : (N,) sequence of (str, float), optional
            Instead of probabilities, the name of a class and its score, or None for nothing; the probabilities of
            the other classes are NaN then.
        metrics : mapping of str to (N,) array, optional
            Numbers of your own by name; NaN and infinities are kept.
        shapes : (N,) sequence of sequence of dict, optional
            Boxes, polygons, masks and the like of each image, or None: dicts of JSON types, each with a ``"type"``.
            They are kept as they are; nothing is computed from them.
        mode : {"replace", "keep"}
            What happens to an image that is there already: all that is known of it is replaced, or it stays as it is.

        Raises
        ------
        LogError
            Something does not fit, or the partition has other classes; nothing is stored.
        """
        add_evaluations(
            self,
            partition,
            ids,
            truth,
            probabilities,
            classes,
            predictions=predictions,
            metrics=metrics,
            shapes=shapes,
            mode=mode,
        )

    def evaluations(self, partition: str | None = None) -> pd.DataFrame:
        """One row an image of a partition, or of all, index id.

        Its columns are partition, truth, prediction, confidence, ``p(class)`` for each class, ``metric.name`` for each
        metric (NaN where an image has none) and, if there are any, shapes.
        """
        return evaluations_frame(read_evaluations(self, partition))

    @property
    def evaluated_partitions(self) -> dict[str, datetime]:
        """Partitions that have evaluations, in the order of the first ones, and when each was changed last."""
        with self.store.database.read() as connection:
            rows = sql_results.evaluated_at(connection, self.id)
        changed = {partition: as_datetime(updated) for partition, updated in rows}
        return {partition: moment for partition, moment in changed.items() if moment is not None}

    def evaluation_arrays(self, partition: str) -> EvaluationArrays:
        """The evaluated images of a partition as arrays."""
        return read_evaluations(self, partition)[0]

    def evaluation_metrics(self, partition: str | None = None) -> pd.DataFrame:
        """The numbers that follow from the evaluations of a partition, or of each.

        Returns
        -------
        DataFrame
            Index partition; columns images and known (those of a known truth, to which all numbers but the means of
            metrics refer), accuracy, balanced_accuracy, cross_entropy, precision, recall and f1 with ``macro_`` and
            ``weighted_`` before them, and ``metric.name``, the mean of a metric over the images that have it.

        Notes
        -----
        Definitions are scikit-learn's with ``labels`` of all classes and ``zero_division=0``; balanced accuracy is of the
        classes that images are of. An image for which nothing was predicted is one that is not right. Probabilities are
        clipped to 1e-7 … 1 - 1e-7 for the cross-entropy, in nats, which is NaN where that of a true class is not known.
        Without any known truth all these are NaN.
        """
        return evaluation_scores(read_evaluations(self, partition))

    def clear_evaluations(self, partition: str | None = None) -> None:
        """Remove the evaluations of a partition, or all."""
        clear_evaluations(self, partition)
