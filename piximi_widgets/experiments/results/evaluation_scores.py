"""The numbers that follow from evaluations, partition by partition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from . import scores
from .evaluations import EvaluationArrays

if TYPE_CHECKING:
    import pandas as pd

_NAMES = (
    *("accuracy", "balanced_accuracy", "cross_entropy"),
    *("macro_precision", "macro_recall", "macro_f1"),
    *("weighted_precision", "weighted_recall", "weighted_f1"),
)


def evaluation_scores(evaluations: Sequence[EvaluationArrays]) -> pd.DataFrame:
    """One row a partition. See ``Experiment.evaluation_metrics``."""
    import pandas as pd

    rows = [_row(evaluation) for evaluation in evaluations]
    metrics = dict.fromkeys(name for evaluation in evaluations for name in evaluation.metrics)
    frame = pd.DataFrame(
        rows,
        columns=["images", "known", *_NAMES, *(f"metric.{name}" for name in metrics)],
        index=pd.Index([evaluation.partition for evaluation in evaluations], name="partition", dtype=object),
    )
    return frame.astype({name: "int64" if name in ("images", "known") else "float64" for name in frame})


def _row(evaluation: EvaluationArrays) -> dict[str, float]:
    known = evaluation.truth >= 0
    row: dict[str, float] = {"images": len(known), "known": int(known.sum())}
    if row["known"]:
        truth, probabilities = evaluation.truth[known], evaluation.probabilities[known]
        size = len(evaluation.classes)
        predicted = evaluation.prediction[known]
        # Images without a prediction count in a column of their own: as not found, for their class.
        matrix = scores.confusion_matrix(truth, np.where(predicted < 0, size, predicted), size + 1)[:size]
        by_class = scores.class_metrics(matrix)
        macro, weighted = scores.macro_average(by_class), scores.weighted_average(by_class)
        numbers = (
            *(scores.accuracy(matrix), scores.balanced_accuracy(by_class)),
            scores.cross_entropy(truth, probabilities),
            *(macro.precision, macro.recall, macro.f1),
            *(weighted.precision, weighted.recall, weighted.f1),
        )
        row |= dict(zip(_NAMES, numbers, strict=True))
    for name, values in evaluation.metrics.items():
        given = values[~np.isnan(values)]
        if len(given):
            # Both infinities together have no mean.
            with np.errstate(invalid="ignore"):
                row[f"metric.{name}"] = float(given.mean())
    return row
