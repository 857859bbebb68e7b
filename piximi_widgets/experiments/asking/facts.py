"""What a query can ask of each experiment, read in one transaction and without its points."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ...errors import StoreError
from ..metrics.writing import as_float, current_statistics, fold
from ..sql import metrics as sql_metrics
from ..sql.metrics import Statistics
from . import sql_asking
from .syntax import Part

if TYPE_CHECKING:
    from ..store import ExperimentStore

_ERRORS = {
    "loss",
    "error",
    "mae",
    "mse",
    "rmse",
    "msle",
    "mape",
    "nll",
    "brier",
    "ece",
    "distance",
    "divergence",
}
_LOWER_IS_BETTER = _ERRORS | {"entropy", "crossentropy", "perplexity", "cost", "time", "seconds", "duration"}

_LONGEST_WRITE = 0.05
"""Seconds."""


@dataclass(frozen=True)
class Facts:
    """One experiment.

    Attributes
    ----------
    header : mapping
        Columns of the table `experiment`, with ``base_experiment``, ``base_model`` and ``parent`` as names, and of one that
        came in an archive ``imported_uid`` and ``imported``, else None.
    parameters : dict of str to object
    metrics : dict of str to Statistics
    lists : dict of str to list of str
        Tags, names of models published from it, and what is attached; by the names that queries use.
    """

    header: sqlite3.Row
    parameters: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Statistics] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    @property
    def duration(self) -> float | None:
        """Seconds from the start to the end of the last attempt; None before its end."""
        started, ended = self.header["started"], self.header["ended"]
        return None if started is None or ended is None else (ended - started) / 1000

    @property
    def texts(self) -> list[str]:
        """Where words are looked for."""
        return [
            *(self.header[name] for name in ("name", "description", "notes", "status", "creator")),
            *self.lists["tags"],
        ]


def facts_in(
    connection: sqlite3.Connection,
    late: dict[int, Statistics],
    *,
    deleted: bool = False,
    ids: Collection[int] | None = None,
    parameters: Collection[str] | None = None,
    metrics: Collection[str] | None = None,
) -> list[Facts]:
    """Facts in this transaction, oldest first.

    Parameters
    ----------
    connection : Connection
    late : dict of int to Statistics
        What :func:`bring_up_to_date` returned.
    deleted : bool
        With the deleted experiments.
    ids : collection of int, optional
        Of these experiments only.
    parameters, metrics : collection of str, optional
        Of these names only.
    """
    found = {row["id"]: Facts(row) for row in sql_asking.headers(connection, deleted=deleted, ids=ids)}
    rows = sql_asking.parameters(connection, parameters, ids)
    # one long text is parsed five times faster than as many short ones
    values = json.loads(f"[{','.join(row[2] for row in rows)}]")
    for (id, name, _), value in zip(rows, values, strict=True):
        if id in found:
            found[id].parameters[name] = value
    for id, name, series_id, *row in sql_asking.statistics(connection, metrics, ids):
        if id in found:
            known = late.get(series_id) or (None if row[0] is None else Statistics(*row))
            if known is not None:
                found[id].metrics[name] = known
    for id, tag in sql_asking.tags(connection):
        if id in found:
            found[id].lists["tags"].append(tag)
    for id, model in sql_asking.published(connection):
        if id in found:
            found[id].lists["models"].append(model)
    for id, *dataset in sql_asking.datasets(connection):
        if id in found:
            for name, text in zip(("alias", "uid", "name", "fingerprint"), dataset, strict=True):
                found[id].lists[f"dataset.{name}"].append(text)
    return list(found.values())


def metric_value(name: str, statistics: Statistics, part: Part) -> float | None:
    """A value of a metric; the extremes of one that was never finite are None."""
    if part == "last":
        return as_float(statistics.last_value, statistics.last_flag)
    if part == "count":
        return statistics.points
    if part == "min" or (part == "best" and is_lower_better(name)):
        return statistics.min_value
    return statistics.max_value


@lru_cache(maxsize=4096)
def is_lower_better(name: str) -> bool:
    """Whether the metric's name, after the last slash, has a word in it such as loss, error or mse."""
    words = re.split(r"[^a-z0-9]+", name.rpartition("/")[2].lower())
    return not _LOWER_IS_BETTER.isdisjoint(words)


def identity(value: Any) -> Any:
    """What is equal for equal values, and hashable: 1 and 1.0 are equal, True and 1 are not, and NaN equals NaN."""
    if isinstance(value, list):
        return ("list", *map(identity, value))
    if isinstance(value, dict):
        return ("dict", frozenset((key, identity(item)) for key, item in value.items()))
    if isinstance(value, float) and value != value:
        return ("number", "nan")
    kind = (
        "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
    )
    return (kind, value)


def bring_up_to_date(store: ExperimentStore) -> dict[int, Statistics]:
    """Close what vanished, and sum up what writers left behind.

    Returns
    -------
    dict of int to Statistics
        By series, of a store that may not be written, or cannot since its disk is full; there the sums are kept in
        memory only.
    """
    if store.read_only:
        return _summed_up(store)
    try:
        store.reconcile()
        _sum_up(store)
    except StoreError as error:
        # Who asks changes nothing that would be lost.
        if not isinstance(error.__cause__, sqlite3.OperationalError):
            raise
        return _summed_up(store)
    return {}


def _summed_up(store: ExperimentStore) -> dict[int, Statistics]:
    """What is to be folded in, without writing it."""
    late: dict[int, Statistics] = {}
    with store.database.read() as connection:
        for phase_id in sql_metrics.unfolded_phases(connection):
            late |= current_statistics(connection, phase_id)
    return late


def _sum_up(store: ExperimentStore) -> None:
    with store.database.read() as connection:
        phases = sql_metrics.unfolded_phases(connection)
    remaining = iter(phases)
    while phases:
        with store.database.write() as connection:
            began = time.monotonic()
            for phase_id in remaining:
                fold(connection, phase_id)
                # a thousand commits would be slow, and one long one would keep those waiting who train
                if time.monotonic() - began > _LONGEST_WRITE:
                    break
            else:
                break
