"""SQL of questions about all experiments at once; rows are plain tuples, which are read twice as fast."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

_SOME = (
    " WHERE (?1 IS NULL OR {0}.name IN (SELECT value FROM json_each(?1)))"
    " AND (?2 IS NULL OR {0}.experiment_id IN (SELECT value FROM json_each(?2)))"
)


def headers(
    connection: sqlite3.Connection, *, deleted: bool, ids: Iterable[int] | None = None
) -> list[sqlite3.Row]:
    """Rows of `experiment` with the names of what each is based on and came from, oldest first; of all, or of some."""
    return connection.execute(
        "SELECT experiment.*, base.name AS base_experiment, model.name AS base_model,"
        " model_version.number AS base_model_number, parent.name AS parent, origin.uid AS imported_uid,"
        " origin.imported FROM experiment"
        " LEFT JOIN experiment AS parent ON parent.id = experiment.parent_id"
        " LEFT JOIN origin ON origin.experiment_id = experiment.id"
        " LEFT JOIN experiment AS base ON base.id = experiment.base_experiment_id"
        " LEFT JOIN model_version ON model_version.id = experiment.base_model_version_id"
        " LEFT JOIN model ON model.id = model_version.model_id"
        " WHERE (?1 OR experiment.deleted IS NULL)"
        " AND (?2 IS NULL OR experiment.id IN (SELECT value FROM json_each(?2))) ORDER BY experiment.id",
        (deleted, _list(ids)),
    ).fetchall()


def parameter_names(connection: sqlite3.Connection, *, deleted: bool) -> list[str]:
    """All names of parameters."""
    rows = connection.execute(
        "SELECT DISTINCT name FROM parameter WHERE ?1 OR experiment_id IN"
        " (SELECT id FROM experiment WHERE deleted IS NULL)",
        (deleted,),
    ).fetchall()
    return [row[0] for row in rows]


def metric_names(connection: sqlite3.Connection, late: Iterable[int], *, deleted: bool) -> list[str]:
    """All names of metrics with statistics, those of the series `late` included; others have lost their points."""
    rows = connection.execute(
        "SELECT DISTINCT name FROM series WHERE (?1 OR experiment_id IN"
        " (SELECT id FROM experiment WHERE deleted IS NULL))"
        " AND (id IN (SELECT series_id FROM series_stat) OR id IN (SELECT value FROM json_each(?2)))",
        (deleted, _list(late)),
    ).fetchall()
    return [row[0] for row in rows]


def parameters(
    connection: sqlite3.Connection, names: Iterable[str] | None, ids: Iterable[int] | None
) -> list[tuple[Any, ...]]:
    """(experiment id, name, JSON), where wanted of some names and experiments only."""
    return _tuples(
        connection,
        f"SELECT experiment_id, name, value FROM parameter{_SOME.format('parameter')}"
        " ORDER BY experiment_id, position",
        (_list(names), _list(ids)),
    )


def statistics(
    connection: sqlite3.Connection, names: Iterable[str] | None, ids: Iterable[int] | None
) -> list[tuple[Any, ...]]:
    """(experiment id, name, series id, and the fields of Statistics, None where there are none yet)."""
    return _tuples(
        connection,
        "SELECT experiment_id, name, series.id, count, last_step, last_value, last_flag, min_value, min_step,"
        " max_value, max_step FROM series LEFT JOIN series_stat ON series_id = series.id"
        f"{_SOME.format('series')} ORDER BY series.id",
        (_list(names), _list(ids)),
    )


def tags(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
    """(experiment id, tag)."""
    return _tuples(connection, "SELECT experiment_id, name FROM tag ORDER BY experiment_id, position")


def datasets(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
    """(experiment id, alias, uid, name, fingerprint)."""
    return _tuples(
        connection, "SELECT experiment_id, alias, uid, name, fingerprint FROM attached_dataset ORDER BY id"
    )


def published(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
    """(experiment id, model name), each once."""
    return _tuples(
        connection,
        "SELECT experiment_id, model.name FROM model_version JOIN model ON model.id = model_id"
        " WHERE experiment_id IS NOT NULL GROUP BY experiment_id, model.id ORDER BY min(model_version.id)",
    )


def _tuples(
    connection: sqlite3.Connection, statement: str, values: tuple[Any, ...] = ()
) -> list[tuple[Any, ...]]:
    cursor = connection.execute(statement, values)
    cursor.row_factory = None
    return cursor.fetchall()


def _list(values: Iterable[Any] | None) -> str | None:
    return None if values is None else json.dumps(list(values))
