"""SQL of metrics: phases and their series, points, and statistics."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

import numpy as np

NAN, PLUS_INFINITY, MINUS_INFINITY = 1, 2, 3
NOTHING_FOLDED = -(2**63)

_OVERWRITE = (
    " ON CONFLICT (phase_id, step, series_id) DO UPDATE SET"
    " time = excluded.time, value = excluded.value, flag = excluded.flag"
)
_INSERT_POINTS = "INSERT INTO point (phase_id, step, series_id, time, value, flag) VALUES "
PUT_POINT = f"{_INSERT_POINTS}(?, ?, ?, ?, ?, ?){_OVERWRITE}"
_MOST_IN_ONE_STATEMENT = 100
VALUE = f"CASE flag WHEN {PLUS_INFINITY} THEN 9e999 WHEN {MINUS_INFINITY} THEN -9e999 ELSE value END"

Point = tuple[int, int, int, int, float | None, int]
"""Phase id, step, series id, time, value, flag."""
_STATISTICS = (
    "series_stat.series_id, count, last_step, last_value, last_flag, min_value, min_step, max_value, max_step"
)
_POINT = np.dtype([("step", np.int64), ("value", np.float64), ("time", np.int64)])
_LATE = np.dtype([("series", np.int64), ("step", np.int64), ("value", np.float64)])
CURVE = np.dtype([("step", np.int64), ("value", np.float64)])
"""The points of a curve, also as they lie in a block (little-endian on every platform that TensorFlow runs on)."""


class Key(NamedTuple):
    """Where the points of a series lie."""

    phase_id: int
    series_id: int


class Statistics(NamedTuple):
    """What is known of a series without reading its points; extremes are of finite values only."""

    points: int
    last_step: int
    last_value: float | None
    last_flag: int
    min_value: float | None
    min_step: int | None
    max_value: float | None
    max_step: int | None


# -- phases and series -----------------------------------------------------------------------------


def series(connection: sqlite3.Connection, experiment_id: int, name: str) -> Key | None:
    rows = connection.execute(
        "SELECT phase_id, id FROM series WHERE experiment_id = ? AND name = ?", (experiment_id, name)
    ).fetchall()
    return Key(*rows[0]) if rows else None


def insert_series(
    connection: sqlite3.Connection, experiment_id: int, phase: str, name: str, time: int
) -> Key:
    connection.execute(
        "INSERT INTO phase (experiment_id, name, folded) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (experiment_id, phase, NOTHING_FOLDED),
    )
    phase_id = connection.execute(
        "SELECT id FROM phase WHERE experiment_id = ? AND name = ?", (experiment_id, phase)
    ).fetchone()[0]
    cursor = connection.execute(
        "INSERT INTO series (experiment_id, phase_id, name, created) VALUES (?, ?, ?, ?)",
        (experiment_id, phase_id, name, time),
    )
    return Key(phase_id, int(cursor.lastrowid or 0))


def folded_step(connection: sqlite3.Connection, phase_id: int) -> int | None:
    """The last step whose points are in the statistics; None where the phase is gone with its experiment."""
    rows = connection.execute("SELECT folded FROM phase WHERE id = ?", (phase_id,)).fetchall()
    return int(rows[0][0]) if rows else None


def set_folded_step(connection: sqlite3.Connection, phase_id: int, step: int) -> None:
    # Never back, also where the longest series was deleted: who follows looks no more at what lies before it.
    connection.execute("UPDATE phase SET folded = max(folded, ?) WHERE id = ?", (step, phase_id))


def unfolded_phases(connection: sqlite3.Connection, experiment_id: int | None = None) -> list[int]:
    """Phases with points that are not in the statistics yet; of one experiment, or of all."""
    rows = connection.execute(
        "SELECT id FROM phase WHERE (?1 IS NULL OR experiment_id = ?1)"
        " AND EXISTS (SELECT 1 FROM point WHERE phase_id = phase.id AND step > phase.folded)",
        (experiment_id,),
    ).fetchall()
    return [row[0] for row in rows]


# -- points ----------------------------------------------------------------------------------------


@lru_cache(maxsize=_MOST_IN_ONE_STATEMENT + 1)
def _put_statement(count: int) -> str:
    return _INSERT_POINTS + ", ".join(["(?, ?, ?, ?, ?, ?)"] * count) + _OVERWRITE


def put_points(connection: sqlite3.Connection, points: Sequence[Point]) -> None:
    """Write points; one that is there already is overwritten."""
    if len(points) <= _MOST_IN_ONE_STATEMENT:
        # a quarter faster than executemany, for the few values of one call
        connection.execute(_put_statement(len(points)), [*chain.from_iterable(points)])
    else:
        connection.executemany(PUT_POINT, points)


@lru_cache(maxsize=_MOST_IN_ONE_STATEMENT + 1)
def _put_beyond_fold_statement(count: int) -> str:
    # the parameters come column by column
    values = ", ".join(
        f"(?{index + 4}, ?{index + 4 + count}, ?{index + 4 + 2 * count})" for index in range(count)
    )
    return (
        "INSERT INTO point (series_id, value, flag, phase_id, step, time)"
        f" SELECT column1, column2, column3, ?1, ?2, ?3 FROM (VALUES {values})"
        f" WHERE ?2 > (SELECT folded FROM phase WHERE id = ?1){_OVERWRITE}"
    )


def put_beyond_fold(
    connection: sqlite3.Connection,
    phase_id: int,
    step: int,
    time: int,
    series_ids: Sequence[int],
    values: Sequence[float | None],
    flags: Sequence[int],
) -> bool:
    """Write a value of each series at one step; False, and nothing, where that is folded or the phase is gone.

    To ask for that first would be a second statement, and a tenth of a small call.
    """
    written = True
    for first in range(0, len(series_ids), _MOST_IN_ONE_STATEMENT):
        some = slice(first, first + _MOST_IN_ONE_STATEMENT)
        parameters = (phase_id, step, time, *series_ids[some], *values[some], *flags[some])
        statement = _put_beyond_fold_statement(len(series_ids[some]))
        written = bool(connection.execute(statement, parameters).rowcount)
    return written


def has_point(connection: sqlite3.Connection, key: Key, step: int) -> bool:
    return bool(
        connection.execute(
            "SELECT EXISTS (SELECT 1 FROM point WHERE phase_id = ? AND step = ? AND series_id = ?)",
            (key.phase_id, step, key.series_id),
        ).fetchone()[0]
    )


def count_of(connection: sqlite3.Connection, key: Key) -> int:
    """How many points of a series are in its statistics."""
    rows = connection.execute(
        "SELECT count FROM series_stat WHERE series_id = ?", (key.series_id,)
    ).fetchall()
    return int(rows[0][0]) if rows else 0


def last_step(connection: sqlite3.Connection, keys: Sequence[Key]) -> int | None:
    """The largest step at which any of the series has a point."""
    steps = []
    for phase_id in {key.phase_id for key in keys}:
        chosen = [key.series_id for key in keys if key.phase_id == phase_id]
        rows = connection.execute(
            f"SELECT step FROM point WHERE phase_id = ? AND series_id IN ({','.join('?' * len(chosen))})"
            " ORDER BY step DESC LIMIT 1",
            (phase_id, *chosen),
        ).fetchall()
        steps += [row[0] for row in rows]
    return max(steps, default=None)


def points(
    connection: sqlite3.Connection, key: Key, after_step: int | None, *, with_time: bool
) -> np.ndarray:
    """A structured array of step, value and, if wanted, time, in the order of steps."""
    cursor = connection.execute(
        f"SELECT step, {VALUE}{', time' if with_time else ''} FROM point"
        " WHERE phase_id = ? AND step > ? AND series_id = ? ORDER BY step",
        (key.phase_id, NOTHING_FOLDED if after_step is None else after_step, key.series_id),
    )
    cursor.row_factory = None  # plain tuples are read twice as fast as rows
    # NULL arrives as None, which NumPy makes NaN of
    return np.fromiter(cursor, _POINT if with_time else CURVE)


def unfolded_points(connection: sqlite3.Connection, phase_id: int) -> np.ndarray:
    """A structured array of series, step and value, in the order of steps, of points not in the statistics yet."""
    cursor = connection.execute(
        f"SELECT series_id, step, {VALUE} FROM point WHERE phase_id = ?1"
        " AND step > (SELECT folded FROM phase WHERE id = ?1) ORDER BY step",
        (phase_id,),
    )
    cursor.row_factory = None
    # a million tuples at once would keep Python's collector busy for longer than SQLite reads them
    return np.fromiter(cursor, _LATE)


# -- statistics ------------------------------------------------------------------------------------


def statistics(connection: sqlite3.Connection, phase_id: int) -> dict[int, Statistics]:
    """By series of a phase, of the points that were folded."""
    rows = connection.execute(
        f"SELECT {_STATISTICS} FROM series_stat JOIN series ON series.id = series_id WHERE phase_id = ?",
        (phase_id,),
    ).fetchall()
    return {row[0]: Statistics(*row[1:]) for row in map(tuple, rows)}


def put_statistics(connection: sqlite3.Connection, statistics: dict[int, Statistics]) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO series_stat (series_id, count, last_step, last_value, last_flag,"
        " min_value, min_step, max_value, max_step) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(series_id, *row) for series_id, row in statistics.items()],
    )
