"""Thinned curves: what a plot needs of a long series, kept beside its points.

Points lie by step, all series of a phase side by side, so that reading one series of a million points means
to pass all of them. Folding therefore also keeps blocks: of each stretch of sixteen points the lowest and the
highest, and one of each kind that cannot be drawn. A block in which a point was corrected is read from the
points themselves until the next fold makes it again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

import numpy as np

from ..sql import curves as sql_curves
from ..sql import metrics as sql_metrics
from ..sql.curves import Block
from ..sql.metrics import CURVE, NOTHING_FOLDED, Key

LEAST_POINTS = 10
"""The fewest points that a thinned curve can have: both ends, and one of each kind."""

_BLOCK = 256
_STRETCH = 16
# A shorter block is joined with what follows, so that a fold after each point makes no block a point.
_SHORTEST_BLOCK = 64
_MOST_MADE_AGAIN = 20_000
_ODD = {sql_metrics.NAN: np.nan, sql_metrics.PLUS_INFINITY: np.inf, sql_metrics.MINUS_INFINITY: -np.inf}

LatePoint = tuple[int, float | None, int]
"""Step, value and flag of a point."""


def curve(
    connection: sqlite3.Connection, experiment_id: int, name: str, points: int
) -> tuple[np.ndarray, np.ndarray]:
    """Steps and values of a metric, at most `points` of them. See ``Experiment.curve``."""
    key = sql_metrics.series(connection, experiment_id, name)
    if key is None:
        return np.empty(0, np.int64), np.empty(0, np.float64)
    count = sql_metrics.count_of(connection, key)
    if count < 2 * _STRETCH * points:
        # The blocks hold an eighth of the points, which for so few would be too coarse.
        found = sql_metrics.points(connection, key, None, with_time=False)
    else:
        found = _thinned(connection, key)
    chosen = found if len(found) <= points else found[kept(found["value"], points=points)]
    return np.ascontiguousarray(chosen["step"]), np.ascontiguousarray(chosen["value"])


def kept(values: np.ndarray, *, points: int | None = None, stretch: int = _STRETCH) -> np.ndarray:
    """Indices, ascending, of the values that show the same line.

    They are the first and the last, and of each stretch the lowest and highest finite value and one NaN,
    one infinity and one minus infinity where it has them; the first of equals.

    Parameters
    ----------
    values : (N,) ndarray of float64
        At least one.
    points : int, optional
        At most so many indices, at least `LEAST_POINTS`; the stretches are as long as that needs.
    stretch : int
        Values in a stretch, unless `points` is given.
    """
    finite = np.isfinite(values)
    chosen = np.zeros(len(values), bool)
    chosen[[0, -1]] = True
    if finite.all():
        length = stretch if points is None else -(-len(values) // max(1, (points - 2) // 2))
        rows, starts = _stretches(values, length)
        chosen[rows.argmin(axis=1) + starts] = True
        chosen[rows.argmax(axis=1) + starts] = True
    else:
        kinds = [odd for odd in (np.isnan(values), np.isposinf(values), np.isneginf(values)) if odd.any()]
        length = stretch if points is None else -(-len(values) // max(1, (points - 2) // (2 + len(kinds))))
        orders = [np.where(finite, values, np.inf), np.where(finite, -values, np.inf)]
        orders += [np.where(odd, 0.0, np.inf) for odd in kinds]
        for order in orders:
            rows, starts = _stretches(order, length)
            index = rows.argmin(axis=1) + starts
            # Where a stretch has none of a kind, the first of it was found.
            chosen[index[order[index] < np.inf]] = True
    return np.flatnonzero(chosen)


def _stretches(values: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """(R, length) values of each stretch, the last one filled up with its own last value, and where each begins."""
    count = -(-len(values) // length)
    missing = count * length - len(values)
    if missing:
        # of equals the first is found, so what fills up is not
        values = np.concatenate([values, np.repeat(values[-1:], missing)])
    return values.reshape(count, length), np.arange(0, count * length, length)


def extremes(
    connection: sqlite3.Connection, key: Key
) -> tuple[tuple[int | None, float | None], tuple[int | None, float | None]]:
    """(step, value) of the lowest and of the highest finite value that is folded, the first of equals."""
    found = _folded_points(connection, key, sql_metrics.folded_step(connection, key.phase_id) or 0)
    found = found[np.isfinite(found["value"])]
    if not len(found):
        return (None, None), (None, None)
    lowest, highest = found[found["value"].argmin()], found[found["value"].argmax()]
    return (int(lowest["step"]), float(lowest["value"])), (int(highest["step"]), float(highest["value"]))


def _thinned(connection: sqlite3.Connection, key: Key) -> np.ndarray:
    """Points of a long series: those of its blocks, and all where there is no block that holds."""
    folded = sql_metrics.folded_step(connection, key.phase_id)
    if folded is None:
        return np.empty(0, CURVE)
    late = np.empty(0, CURVE)
    if folded < sql_curves.LAST_STEP:
        late = sql_curves.points_between(connection, key, folded + 1, sql_curves.LAST_STEP)
    return np.concatenate([_folded_points(connection, key, folded), late])


def _folded_points(connection: sqlite3.Connection, key: Key, folded: int) -> np.ndarray:
    blocks = sql_curves.blocks(connection, key.series_id)
    if not blocks:
        return sql_curves.points_between(connection, key, NOTHING_FOLDED, folded)
    parts: list[np.ndarray] = []
    fresh: list[bytes] = []
    for index, block in enumerate(blocks):
        if block.points is not None:
            fresh.append(block.points)
            continue
        parts.append(np.frombuffer(b"".join(fresh), CURVE))
        fresh = []
        first = block.first_step if index else NOTHING_FOLDED
        last = blocks[index + 1].first_step - 1 if index + 1 < len(blocks) else folded
        parts.append(sql_curves.points_between(connection, key, first, last))
    parts.append(np.frombuffer(b"".join(fresh), CURVE))
    return np.concatenate(parts)


# -- keeping the blocks ----------------------------------------------------------------------------


def note_corrections(connection: sqlite3.Connection, series_id: int, steps: Sequence[int]) -> None:
    """Take note of points of a series that were written at steps, ascending, which are folded already."""
    sql_curves.make_stale(connection, series_id, steps)
    sql_curves.note_corrections(connection, series_id, steps)


def extend_blocks(
    connection: sqlite3.Connection,
    phase_id: int,
    late: Mapping[int, np.ndarray],
    folded_before: Mapping[int, object],
) -> None:
    """Put points into blocks that follow those of their series, and make stale blocks again.

    To be called by a fold before the phase's folded step is moved.

    Parameters
    ----------
    late : mapping of int to ndarray of `CURVE`
        By series id, in the order of steps, all beyond the folded step.
    folded_before : mapping by series id
        The series of which points were folded earlier.
    """
    folded = sql_metrics.folded_step(connection, phase_id)
    if folded is None:
        return
    last = sql_curves.last_blocks(connection, phase_id)
    rows: list[tuple[int, int, int, bytes | None]] = []
    for series_id, array in late.items():
        block = last.get(series_id)
        if block is None:
            if series_id in folded_before:
                # Its earlier points were folded without blocks: one that is to be made stands for all of them.
                rows.append((series_id, NOTHING_FOLDED, 0, None))
        elif block.points is not None and block.length < _SHORTEST_BLOCK:
            if len(block.points) == block.length * CURVE.itemsize:
                earlier = np.frombuffer(block.points, CURVE)
            else:
                earlier = sql_curves.points_between(
                    connection, Key(phase_id, series_id), block.first_step, folded
                )
            array = np.concatenate([earlier, array])
        rows += [(series_id, *piece) for piece in blocks_of(array)]
    sql_curves.put_blocks(connection, rows)
    _make_again(connection, phase_id, folded)


def _make_again(connection: sqlite3.Connection, phase_id: int, folded: int) -> None:
    """Make stale blocks again, as many as can be read without keeping others from writing for long."""
    left = _MOST_MADE_AGAIN
    for stale in sql_curves.stale_blocks(connection, phase_id, folded):
        if left <= 0:
            return
        points = sql_curves.points_between(connection, stale.key, stale.first, stale.last, left)
        series_id = stale.key.series_id
        rows: list[tuple[int, int, int, bytes | None]] = [(series_id, *piece) for piece in blocks_of(points)]
        if len(points) == left and points["step"][-1] < stale.last:
            rows.append((series_id, int(points["step"][-1]) + 1, 0, None))
        left -= len(points)
        sql_curves.delete_block(connection, series_id, stale.first_step)
        sql_curves.put_blocks(connection, rows)


def blocks_of(points: np.ndarray) -> list[Block]:
    """The blocks of consecutive points of a series, an array of `CURVE` in the order of steps."""
    pieces = (points[start : start + _BLOCK] for start in range(0, len(points), _BLOCK))
    # a short one is kept whole: it is joined with what follows, and needs not be read from the points again
    return [
        Block(
            int(piece["step"][0]),
            len(piece),
            (piece if len(piece) < _SHORTEST_BLOCK else piece[kept(piece["value"])]).tobytes(),
        )
        for piece in pieces
    ]


def as_array(points: Sequence[LatePoint]) -> np.ndarray:
    """Points as a structured array of `CURVE`."""
    array = np.empty(len(points), CURVE)
    steps, values, flags = zip(*points, strict=True)
    array["step"] = steps
    # None is made NaN of
    array["value"] = (
        [_ODD[flag] if flag else value for value, flag in zip(values, flags, strict=True)]
        if any(flags)
        else values
    )
    return array
