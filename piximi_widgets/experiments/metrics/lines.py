"""Writing a LINE from its first point on: what it had is gone, and other metrics of its phase stay as they are."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from ..sql import curves as sql_curves
from ..sql import logs as sql_logs
from ..sql import metrics as sql_metrics
from ..sql.metrics import Key, Point
from . import curves
from .summing import summed_up


def write_line(
    connection: sqlite3.Connection,
    key: Key,
    steps: Sequence[int] | None,
    values: Sequence[tuple[float | None, int]],
    time: int,
) -> int:
    """Put points in place of all that a series has; steps None: from 1 on. Returns the step after them.

    Where other series of the phase have reached these steps, the points count as folded: their statistics are made here
    at once, which for many points is a hundred times faster than correcting them one by one.
    """
    sql_logs.clear_line(connection, key)
    if steps is None:
        steps = range(1, len(values) + 1)
    # the same step again overwrites
    points: dict[int, Point] = {
        step: (key.phase_id, step, key.series_id, time, value, flag)
        for step, (value, flag) in zip(steps, values, strict=True)
    }
    sql_metrics.put_points(connection, list(points.values()))
    folded = sql_metrics.folded_step(connection, key.phase_id)
    early = sorted(step for step in points if folded is not None and step <= folded)
    if early:
        late = sql_curves.points_between(connection, key, early[0], early[-1])
        sql_metrics.put_statistics(connection, {key.series_id: summed_up(None, late)})
        # one block to be made again, which stands for all of them
        curves.note_corrections(connection, key.series_id, early)
    return max(points, default=0) + 1
