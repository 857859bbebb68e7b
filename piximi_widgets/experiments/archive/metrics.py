"""Putting the metrics of an archive into a store: millions of points, and others who write meanwhile."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ...errors import PiximiError
from ..metrics import curves
from ..sql import contents as sql_contents
from ..sql import curves as sql_curves
from ..sql import metrics as sql_metrics
from ..sql.metrics import NOTHING_FOLDED, Point, Statistics
from . import sql
from .parsing import Parsed

if TYPE_CHECKING:
    from ..store import ExperimentStore

_POINTS_AT_ONCE = 20_000


class MetricRows:
    """The metrics of an experiment on their way into a store.

    Many points are written before the record, in transactions of their own under ids that were set aside: until the
    record is there nothing refers to them. What a killed process leaves of them is what a purge leaves,
    which `collect_garbage` removes.

    Parameters
    ----------
    parsed : Parsed
    """

    def __init__(self, parsed: Parsed) -> None:
        self._series = [(str(name), int(created)) for name, created in parsed.tables["series"]]
        self._phases = list(dict.fromkeys(_phase(name) for name, _ in self._series))
        self._phase_of = np.array([self._phases.index(_phase(name)) for name, _ in self._series], np.int64)
        points = parsed.points
        starts = np.searchsorted(points["series"], np.arange(len(self._series) + 1))
        self._folded = [NOTHING_FOLDED] * len(self._phases)
        self._statistics: dict[int, Statistics] = {}
        self._blocks: list[tuple[int, sql_curves.Block]] = []
        for number, (start, stop) in enumerate(pairwise(starts)):
            if start < stop:
                self._sum_up(number, points[start:stop])
        # In the order in which they lie in the table.
        phases = self._phase_of[points["series"]] if len(points) else np.empty(0, np.int64)
        self._points = points[np.lexsort((points["series"], points["step"], phases))]
        self._first: tuple[int, int] | None = None

    def stage(self, store: ExperimentStore) -> None:
        """Write the points where they are too many for the record's transaction; a second call does nothing."""
        if self._first is not None or len(self._points) <= _POINTS_AT_ONCE:
            return
        with store.database.write() as connection:
            self._first = self._ids(connection)
        for start in range(0, len(self._points), _POINTS_AT_ONCE):
            rows = self._rows(self._first, start)
            with store.database.write() as connection:
                sql_metrics.put_points(connection, rows)

    def insert(self, connection: sqlite3.Connection, experiment_id: int) -> None:
        """Write everything else, and points that are not there."""
        first_phase, first_series = first = self._first or self._ids(connection)
        # Another program may have taken them for the remains of a purge.
        if sql.count_points(connection, first_phase, len(self._phases)) != len(self._points):
            for start in range(0, len(self._points), _POINTS_AT_ONCE):
                sql_metrics.put_points(connection, self._rows(first, start))
        phases = [
            (first_phase + number, name, self._folded[number]) for number, name in enumerate(self._phases)
        ]
        series = [
            (first_series + number, first_phase + int(self._phase_of[number]), *row)
            for number, row in enumerate(self._series)
        ]
        sql.insert_metrics(connection, experiment_id, phases, series)
        statistics = {first_series + number: row for number, row in self._statistics.items()}
        sql_metrics.put_statistics(connection, statistics)
        sql_curves.put_blocks(connection, [(first_series + number, *block) for number, block in self._blocks])

    def discard(self, store: ExperimentStore) -> None:
        """Remove points that were written and belong to nothing now; what cannot be removed is garbage."""
        if self._first is None:
            return
        with suppress(PiximiError):
            for phase in range(self._first[0], self._first[0] + len(self._phases)):
                deleted = 1
                while deleted:
                    with store.database.write() as connection:
                        deleted = sql_contents.delete_points(connection, phase, _POINTS_AT_ONCE)
        self._first = None

    def _sum_up(self, number: int, points: np.ndarray) -> None:
        """Make what the store keeps of a series beside its points."""
        phase = int(self._phase_of[number])
        self._folded[phase] = max(self._folded[phase], int(points["step"][-1]))
        self._statistics[number] = _statistics(points)
        curve = np.empty(len(points), sql_curves.CURVE)
        curve["step"], curve["value"] = points["step"], points["value"]
        self._blocks += [(number, block) for block in curves.blocks_of(curve)]

    def _ids(self, connection: sqlite3.Connection) -> tuple[int, int]:
        """The first of the phases' and of the series' ids, which nobody else gets."""
        return (
            sql.reserve(connection, "phase", len(self._phases)),
            sql.reserve(connection, "series", len(self._series)),
        )

    def _rows(self, first: tuple[int, int], start: int) -> list[Point]:
        first_phase, first_series = first
        points = self._points[start : start + _POINTS_AT_ONCE]
        flags = _flags(points["value"])
        values = points["value"].astype(object)
        values[flags > 0] = None
        series = points["series"].astype(np.int64)
        return list(
            zip(
                (first_phase + self._phase_of[series]).tolist(),
                points["step"].tolist(),
                (first_series + series).tolist(),
                points["time"].tolist(),
                values.tolist(),
                flags.tolist(),
                strict=True,
            )
        )


def _phase(name: str) -> str:
    return name.rpartition("/")[0]


def _flags(values: np.ndarray) -> np.ndarray:
    flags = np.zeros(len(values), np.int64)
    flags[np.isnan(values)] = sql_metrics.NAN
    flags[np.isposinf(values)] = sql_metrics.PLUS_INFINITY
    flags[np.isneginf(values)] = sql_metrics.MINUS_INFINITY
    return flags


def _statistics(points: np.ndarray) -> Statistics:
    """Of at least one point, in the order of steps."""
    values = points["value"]
    flag = int(_flags(values[-1:])[0])
    finite = np.flatnonzero(np.isfinite(values))
    extremes: list[float | int | None] = [None] * 4
    if len(finite):
        low, high = finite[values[finite].argmin()], finite[values[finite].argmax()]
        extremes = [
            float(values[low]),
            int(points["step"][low]),
            float(values[high]),
            int(points["step"][high]),
        ]
    last = None if flag else float(values[-1])
    return Statistics(len(points), int(points["step"][-1]), last, flag, *extremes)  # type: ignore[arg-type]
