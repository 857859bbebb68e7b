"""The table of experiments, made from their records and statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ...errors import StoreError
from ..values import as_datetime
from . import sql_asking
from .facts import Facts, bring_up_to_date, facts_in, metric_value
from .matching import bind, matches
from .parser import EVERYTHING, parse
from .syntax import Part

if TYPE_CHECKING:
    import pandas as pd

    from ..store import ExperimentStore

Metrics = Literal["last", "best", "all"]

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
_PARTS: dict[str, tuple[Part, ...]] = {
    "last": (),
    "best": ("best",),
    "all": ("best", "min", "max", "count"),
}


def found_facts(store: ExperimentStore, query: str | None, *, deleted: bool = False) -> list[Facts]:
    """Facts of the experiments for which a query is true, oldest first."""
    node = parse(query)
    late = bring_up_to_date(store)
    with store.database.read() as connection:
        if node == EVERYTHING:
            return facts_in(connection, late, deleted=deleted)
        parameters = sql_asking.parameter_names(connection, deleted=deleted)
        series = sql_asking.metric_names(connection, late, deleted=deleted)
        bound, names = bind(node, query or "", {"param": parameters, "metric": series})
        # only what the query names is read of all experiments, and everything of those that are found
        facts = facts_in(
            connection, late, deleted=deleted, parameters=names["param"], metrics=names["metric"]
        )
        ids = [each.header["id"] for each in facts if matches(bound, each)]
        return facts_in(connection, late, deleted=deleted, ids=ids)


def search(
    store: ExperimentStore, query: str | None, *, metrics: Metrics = "best", deleted: bool = False
) -> pd.DataFrame:
    """The experiments for which `query` is true. See ``ExperimentStore.search``."""
    import pandas as pd

    if metrics not in _PARTS:
        raise StoreError(f'metrics must be "last", "best" or "all", not {metrics!r}.')
    chosen = found_facts(store, query, deleted=deleted)
    columns: dict[str, list[Any]] = {column: [] for column in _COLUMNS}
    for each in chosen:
        header = each.header
        for column in ("name", "status", "description", "creator", "uid"):
            columns[column].append(header[column])
        columns["tags"].append(list(each.lists["tags"]))
        columns["duration"].append(each.duration)
        for column in ("created", "started", "ended"):
            columns[column].append(as_datetime(header[column]))
    if deleted:
        columns["deleted"] = [as_datetime(each.header["deleted"]) for each in chosen]
    for name in dict.fromkeys(name for each in chosen for name in each.parameters):
        columns[f"param.{name}"] = [each.parameters.get(name) for each in chosen]
    names = list(dict.fromkeys(name for each in chosen for name in each.metrics))
    taken = {f"metric.{name}" for name in names}
    for name in names:
        found = [each.metrics.get(name) for each in chosen]
        columns[f"metric.{name}"] = [row and metric_value(name, row, "last") for row in found]
        for part in _PARTS[metrics]:
            # a metric that is called so itself goes before
            if f"metric.{name}.{part}" not in taken:
                columns[f"metric.{name}.{part}"] = [row and metric_value(name, row, part) for row in found]
    frame = pd.DataFrame(
        columns, index=pd.Index([each.header["id"] for each in chosen], name="id", dtype="int64")
    )
    for column in ("created", "started", "ended", *(["deleted"] if deleted else [])):
        frame[column] = pd.to_datetime(frame[column], utc=True)
    frame["duration"] = frame["duration"].astype("float64")
    return frame
