"""The table of experiments, made from their records and statistics."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ..errors import StoreError
from . import sql, sql_metrics
from .metrics import as_float, current_statistics, fold
from .sql_metrics import Statistics
from .values import as_datetime

if TYPE_CHECKING:
    import pandas as pd

    from .store import ExperimentStore

_COLUMNS = (
    "name",
    "status",
    "description",
    "tags",
    "creator",
    "created",
    "started",
    "ended",
    "duration",
    "uid",
)
_COMPARISON = re.compile(r"[<>=]|\b(param|metric)\.")


def search(store: ExperimentStore, query: str | None) -> pd.DataFrame:
    """Experiments whose record holds all words of `query`. See ``ExperimentStore.search``."""
    import pandas as pd

    words = _words(query)
    store.reconcile()
    late = _fold(store)
    with store.database.read() as connection:
        headers = sql.experiments(connection)
        parameters = sql.all_parameters(connection)
        tags = sql.all_tags(connection)
        statistics = sql_metrics.all_statistics(connection) | late
        series = sql_metrics.all_series(connection)
    rows: dict[int, dict[str, Any]] = {}
    searched: dict[int, list[str]] = {}
    for header in headers:
        started, ended = as_datetime(header["started"]), as_datetime(header["ended"])
        rows[header["id"]] = {
            **{field: header[field] for field in ("name", "status", "description", "creator", "uid")},
            "tags": [],
            "created": as_datetime(header["created"]),
            "started": started,
            "ended": ended,
            "duration": (ended - started).total_seconds() if started and ended else None,
        }
        searched[header["id"]] = [
            header[field] for field in ("name", "description", "notes", "status", "creator")
        ]
    for tag in tags:
        if tag["experiment_id"] in rows:
            rows[tag["experiment_id"]]["tags"].append(tag["name"])
            searched[tag["experiment_id"]].append(tag["name"])
    for parameter in parameters:
        if parameter["experiment_id"] in rows:
            rows[parameter["experiment_id"]][f"param.{parameter['name']}"] = json.loads(parameter["value"])
    for series_id, experiment_id, name in series:
        if experiment_id in rows and series_id in statistics:
            last = statistics[series_id]
            rows[experiment_id][f"metric.{name}"] = as_float(last.last_value, last.last_flag)
    chosen = {
        id: row
        for id, row in rows.items()
        if all(any(word in text.casefold() for text in searched[id]) for word in words)
    }
    names = dict.fromkeys(_COLUMNS) | dict.fromkeys(
        column
        for prefix in ("param.", "metric.")
        for row in chosen.values()
        for column in row
        if column.startswith(prefix)
    )
    frame = pd.DataFrame(
        {column: [row.get(column) for row in chosen.values()] for column in names},
        index=pd.Index(list(chosen), name="id", dtype="int64"),
    )
    for column in ("created", "started", "ended"):
        frame[column] = pd.to_datetime(frame[column], utc=True)
    frame["duration"] = frame["duration"].astype("float64")
    return frame


def _fold(store: ExperimentStore) -> dict[int, Statistics]:
    """Bring all statistics up to date; those of a store that may not be written are returned."""
    late: dict[int, Statistics] = {}
    with store.database.read() as connection:
        phases = sql_metrics.unfolded_phases(connection)
        if store.read_only:
            for phase_id in phases:
                late |= current_statistics(connection, phase_id)
            return late
    for phase_id in phases:
        with store.database.write() as connection:
            fold(connection, phase_id)
    return late


def _words(query: str | None) -> list[str]:
    if query is None:
        return []
    if not isinstance(query, str):
        raise StoreError(f"A query is a string of words, not {query!r}.")
    if _COMPARISON.search(query):
        raise StoreError(
            f"The query {query!r} compares; only words can be searched for. Compare in the table instead: "
            "table = store.search(); table[table['metric.val/accuracy'] > 0.9]"
        )
    return query.casefold().split()
