"""Taking back results that no longer hold, because the weights are others now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..sql import logs as sql_logs
from ..sql import results as sql_results

if TYPE_CHECKING:
    from ..experiment import Experiment


def withdraw_results(experiment: Experiment, partitions: Iterable[str], logs: Iterable[str]) -> None:
    """Remove evaluations and logs that are no metrics, all at once; what is not there is no error.

    Parameters
    ----------
    experiment : Experiment
    partitions : iterable of str
        Whose evaluations go.
    logs : iterable of str
        Names.

    Raises
    ------
    StaleAttemptError
        The experiment is in other hands; nothing was removed.
    """
    with experiment.writing(durable=True) as connection:
        for partition in partitions:
            row = sql_results.evaluation(connection, experiment.id, partition)
            if row is not None:
                sql_results.delete_evaluation(connection, row["id"])
        sql_logs.delete_values(connection, experiment.id, logs)
