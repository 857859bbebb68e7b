"""SQL of following: what was committed to an experiment since somebody looked last."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from .curves import PHASE_ANEW, SERIES_ANEW
from .metrics import VALUE


class FollowedPoint(NamedTuple):
    """A point as a follower sees it; NaN is None, infinities are floats."""

    series_id: int
    step: int
    time: int
    value: float | None


class Anew(NamedTuple):
    """Ids of series of which all points, or those of their whole phase, are looked at anew."""

    phases: set[int]
    series: set[int]


class FollowedSeries(NamedTuple):
    """A series, and up to which step its phase is folded."""

    id: int
    phase_id: int
    folded: int
    name: str


def followed_series(connection: sqlite3.Connection, experiment_id: int) -> list[FollowedSeries]:
    rows = connection.execute(
        "SELECT series.id, phase_id, folded, series.name FROM series JOIN phase ON phase.id = phase_id"
        " WHERE series.experiment_id = ? ORDER BY series.id",
        (experiment_id,),
    ).fetchall()
    return [FollowedSeries(*row) for row in rows]


def points_after(connection: sqlite3.Connection, phase_id: int, step: int) -> list[FollowedPoint]:
    """Points of all series of a phase with a larger step, in the order of steps."""
    cursor = connection.execute(
        f"SELECT series_id, step, time, {VALUE} FROM point WHERE phase_id = ? AND step > ? ORDER BY step, series_id",
        (phase_id, step),
    )
    cursor.row_factory = None
    return [FollowedPoint(*row) for row in cursor.fetchall()]


def points_up_to(
    connection: sqlite3.Connection, phase_id: int, series_id: int, step: int
) -> list[FollowedPoint]:
    """Points of one series up to a step, in the order of steps."""
    cursor = connection.execute(
        f"SELECT series_id, step, time, {VALUE} FROM point WHERE phase_id = ? AND step <= ? AND series_id = ?"
        " ORDER BY step",
        (phase_id, step, series_id),
    )
    cursor.row_factory = None
    return [FollowedPoint(*row) for row in cursor.fetchall()]


def corrected_points(
    connection: sqlite3.Connection, experiment_id: int, after: int
) -> tuple[list[FollowedPoint], Anew, int]:
    """Points that were written at folded steps, as they are now, what is to be looked at anew, and the last number.

    Only what was noted after the note of number `after`.
    """
    last = connection.execute("SELECT coalesce(max(id), 0) FROM point_correction").fetchone()[0]
    if last <= after:
        return [], Anew(set(), set()), after
    cursor = connection.execute(
        f"SELECT DISTINCT point.series_id, point.step, time, {VALUE} FROM point_correction AS correction"
        " JOIN series ON series.id = correction.series_id"
        " JOIN point ON point.phase_id = series.phase_id AND point.step = correction.step"
        " AND point.series_id = correction.series_id"
        " WHERE correction.id > ? AND series.experiment_id = ? ORDER BY point.step, point.series_id",
        (after, experiment_id),
    )
    cursor.row_factory = None
    points = [FollowedPoint(*row) for row in cursor.fetchall()]
    rows = connection.execute(
        "SELECT DISTINCT series_id, step FROM point_correction WHERE id > ? AND step IN (?, ?)"
        " AND series_id IN (SELECT id FROM series WHERE experiment_id = ?)",
        (after, PHASE_ANEW, SERIES_ANEW, experiment_id),
    ).fetchall()
    anew = Anew(
        {row[0] for row in rows if row[1] == PHASE_ANEW}, {row[0] for row in rows if row[1] == SERIES_ANEW}
    )
    return points, anew, int(last)


def logs(connection: sqlite3.Connection, experiment_id: int) -> list[sqlite3.Row]:
    """Logs that are no metrics: id, name, type, updated, and the SHA-256 of an IMAGE."""
    return connection.execute(
        "SELECT id, name, type, updated, sha256 FROM log WHERE experiment_id = ? ORDER BY id",
        (experiment_id,),
    ).fetchall()


def log_data(connection: sqlite3.Connection, log_id: int) -> str:
    return str(connection.execute("SELECT data FROM log WHERE id = ?", (log_id,)).fetchone()[0])


def artifacts_after(connection: sqlite3.Connection, experiment_id: int, after: int) -> list[sqlite3.Row]:
    return connection.execute(
        "SELECT id, name, version, filename, size, created FROM artifact WHERE experiment_id = ? AND id > ?"
        " ORDER BY id",
        (experiment_id, after),
    ).fetchall()


def evaluations(connection: sqlite3.Connection, experiment_id: int) -> list[sqlite3.Row]:
    """Evaluations: id, partition, updated, and the number of their images."""
    return connection.execute(
        "SELECT id, partition, updated,"
        " (SELECT count(*) FROM evaluation_row WHERE evaluation_id = evaluation.id) AS images"
        " FROM evaluation WHERE experiment_id = ? ORDER BY id",
        (experiment_id,),
    ).fetchall()
