"""Statistics of a series: after points that follow, and after one that was written at a step of before."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence

import numpy as np

from ..sql import metrics as sql_metrics
from ..sql.metrics import Key, Point, Statistics
from . import curves


def stored(value: float) -> tuple[float | None, int]:
    """(value, flag) of a number as it is stored: NaN and infinities are a flag beside NULL."""
    if math.isfinite(value):
        return value, 0
    if math.isnan(value):
        return None, sql_metrics.NAN
    return None, sql_metrics.PLUS_INFINITY if value > 0 else sql_metrics.MINUS_INFINITY


def summed_up(old: Statistics | None, points: np.ndarray) -> Statistics:
    """Statistics after points, a structured array of `CURVE` in the order of steps, all beyond the last one."""
    count, low, low_step, high, high_step = 0, None, None, None, None
    if old is not None:
        count, _, _, _, low, low_step, high, high_step = old
    finite = points[np.isfinite(points["value"])]
    if len(finite):
        lowest, highest = finite[finite["value"].argmin()].item(), finite[finite["value"].argmax()].item()
        if low is None or lowest[1] < low:
            low_step, low = lowest
        if high is None or highest[1] > high:
            high_step, high = highest
    last_step, last_value = points[-1].item()
    return Statistics(count + len(points), last_step, *stored(last_value), low, low_step, high, high_step)


def correct(connection: sqlite3.Connection, rows: Sequence[Point]) -> None:
    """Write points of one phase at a step that is folded already, one a series, and correct the statistics.

    Only a point that held an extreme, and no longer does, makes it necessary to look through the series.
    """
    phase_id, step = rows[0][:2]
    statistics = sql_metrics.statistics(connection, phase_id)
    known = {row[2]: sql_metrics.has_point(connection, Key(phase_id, row[2]), step) for row in rows}
    sql_metrics.put_points(connection, rows)
    changed = {}
    for _, _, series_id, _, value, flag in rows:
        curves.note_corrections(connection, series_id, [step])
        old = statistics.get(series_id)
        if old is None or step > old.last_step:
            changed[series_id] = summed_up(old, curves.as_array([(step, value, flag)]))
            continue
        new = old._replace(points=old.points + (not known[series_id]))
        if step == old.last_step:
            new = new._replace(last_value=value, last_flag=flag)
        gone = (
            step == old.min_step and (value is None or value > (old.min_value or 0.0)),
            step == old.max_step and (value is None or value < (old.max_value or 0.0)),
        )
        if any(gone):
            lowest, highest = curves.extremes(connection, Key(phase_id, series_id))
            if gone[0]:
                new = new._replace(min_step=lowest[0], min_value=lowest[1])
            if gone[1]:
                new = new._replace(max_step=highest[0], max_value=highest[1])
        if value is not None:
            if not gone[0] and _is_before((value, step), (old.min_value, old.min_step)):
                new = new._replace(min_step=step, min_value=value)
            if not gone[1] and _is_before(
                (-value, step), (None if old.max_value is None else -old.max_value, old.max_step)
            ):
                new = new._replace(max_step=step, max_value=value)
        changed[series_id] = new
    sql_metrics.put_statistics(connection, changed)


def _is_before(new: tuple[float, int], old: tuple[float | None, int | None]) -> bool:
    return old[0] is None or old[1] is None or new < (old[0], old[1])
