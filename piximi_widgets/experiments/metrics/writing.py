"""Writing metrics: values at a step, committed by the call that logs them.

This is the store's hot path. What a call with the same names needs to know is remembered, so that ten
values are one prepared statement. Statistics follow in strides: most calls leave their points for a
later one to fold in, and whoever reads statistics folds in the rest.
"""

from __future__ import annotations

import math
import operator
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...errors import ExperimentNotFoundError, LogError
from ..sql import curves as sql_curves
from ..sql import metrics as sql_metrics
from ..sql import record as sql_record
from ..sql.metrics import Key, Point, Statistics
from ..values import PARAMETERS, clean_name
from . import curves
from .summing import correct, stored, summed_up

_LARGEST_STEP = 2**63 - 1
_CALLS_BETWEEN_FOLDS = 256
_MOST_REMEMBERED = 4096
_FLOAT = frozenset([float])

Names = tuple[int, str | None, tuple[str, ...]]
"""Experiment id, phase and the names of one call."""


class Place(NamedTuple):
    """Where values of a call go within one phase: into which series, and which of the values, by position."""

    phase_id: int
    series_ids: tuple[int, ...]
    chosen: tuple[int, ...]


class Series:
    """What this process knows of series; a series never moves and is never removed."""

    def __init__(self) -> None:
        self._places: dict[Names, tuple[Place, ...]] = {}
        self._calls: dict[int, int] = {}

    def known(self, names: Names) -> tuple[Place, ...] | None:
        """Where the values of an earlier call with the same names went."""
        return self._places.get(names)

    def remember(self, names: Names, places: tuple[Place, ...]) -> None:
        """Keep places, once what they point to is committed."""
        if len(self._places) >= _MOST_REMEMBERED:
            self._places.clear()
        self._places[names] = places

    def is_fold_due(self, phase_id: int) -> bool:
        """Count a call; whether it is the one in many that brings the statistics up to date."""
        calls = self._calls.get(phase_id, 0) + 1
        self._calls[phase_id] = calls
        return calls % _CALLS_BETWEEN_FOLDS == 0


def open_series(
    connection: sqlite3.Connection, experiment_id: int, names: Iterable[str], time: int
) -> tuple[Key, ...]:
    """The key of each metric; those that are new are made in this transaction.

    Raises
    ------
    LogError
        The name belongs to a log of another type.
    """
    keys = []
    for name in names:
        key = sql_metrics.series(connection, experiment_id, name)
        if key is None:
            kind = "TABLE" if name == PARAMETERS else sql_record.log_type(connection, experiment_id, name)
            if kind is not None:
                raise LogError(f"{name!r} is the name of a {kind}; give the metric another one.")
            phase = name.rpartition("/")[0]
            key = sql_metrics.insert_series(connection, experiment_id, phase, name, time)
        keys.append(key)
    return tuple(keys)


def places_of(keys: Sequence[Key]) -> tuple[Place, ...]:
    """Part the values of a call, one for each key, by phases."""
    positions: dict[int, list[int]] = {}
    for position, key in enumerate(keys):
        positions.setdefault(key.phase_id, []).append(position)
    return tuple(
        Place(phase_id, tuple(keys[position].series_id for position in chosen), tuple(chosen))
        for phase_id, chosen in positions.items()
    )


def as_values(values: Mapping[str, Any]) -> tuple[Sequence[float | None], Sequence[int]]:
    """Numbers and flags of the values of a call; see :func:`as_value`."""
    numbers = tuple(values.values())
    if _FLOAT.issuperset(map(type, numbers)) and math.isfinite(sum(numbers)):
        return numbers, (0,) * len(numbers)
    pairs = [as_value(name, value) for name, value in values.items()]
    return [number for number, _ in pairs], [flag for _, flag in pairs]


def as_value(name: str, value: Any) -> tuple[float | None, int]:
    """(value, flag) of a number as it is stored: NaN and infinities are a flag beside NULL.

    Raises
    ------
    LogError
        Not one real number.
    """
    if type(value) is not float:
        if isinstance(value, str | bytes | bytearray | complex) or value is None:
            raise LogError(f"The metric {name!r} must be a number, not {value!r}.")
        try:
            value = float(value)
        except (TypeError, ValueError, OverflowError):
            raise LogError(
                f"The metric {name!r} must be one number that fits a float, not {type(value).__name__}."
            ) from None
    return stored(value)


def as_float(value: float | None, flag: int) -> float | None:
    """The inverse of :func:`as_value`."""
    if flag == sql_metrics.NAN:
        return math.nan
    if flag == sql_metrics.PLUS_INFINITY:
        return math.inf
    if flag == sql_metrics.MINUS_INFINITY:
        return -math.inf
    return value


def as_step(step: Any) -> int:
    """A whole number, or a LogError."""
    if type(step) is int and -_LARGEST_STEP <= step <= _LARGEST_STEP:
        return step
    try:
        if isinstance(step, bool):
            raise TypeError
        # a float that counts (an epoch computed by division) is meant as the whole number that it is
        number = int(step) if isinstance(step, float) and step.is_integer() else operator.index(step)
    except TypeError:
        raise LogError(f"A step must be a whole number or None, not {step!r}.") from None
    if not -_LARGEST_STEP <= number <= _LARGEST_STEP:
        raise LogError(f"The step {number} does not fit 64 bits.")
    return number


def metric_name(name: Any, phase: str | None) -> str:
    """``"phase/name"``, or the stripped name without a phase."""
    name = clean_name(name, "A metric's name")
    if phase is None:
        return name
    return f"{clean_name(phase, 'A phase')}/{name}"


def write_values(
    connection: sqlite3.Connection,
    series: Series,
    places: Sequence[Place],
    numbers: Sequence[float | None],
    flags: Sequence[int],
    step: int | None,
    time: int,
) -> None:
    """Write values at one step, each into its place; None: one after the last step of any of the series, from 1."""
    if step is None:
        step = _next_step(
            connection, [Key(place.phase_id, id) for place in places for id in place.series_ids]
        )
    for phase_id, series_ids, chosen in places:
        own, own_flags = numbers, flags
        if len(places) > 1:
            own, own_flags = [numbers[index] for index in chosen], [flags[index] for index in chosen]
        if not sql_metrics.put_beyond_fold(connection, phase_id, step, time, series_ids, own, own_flags):
            _folded_step(connection, phase_id)
            rows = zip(series_ids, own, own_flags, strict=True)
            correct(connection, [(phase_id, step, id, time, number, flag) for id, number, flag in rows])
        if series.is_fold_due(phase_id):
            fold(connection, phase_id)


def write_points(
    connection: sqlite3.Connection,
    key: Key,
    steps: Sequence[int] | None,
    values: Sequence[tuple[float | None, int]],
    time: int,
) -> int:
    """Write many points of one series; steps None: after the last. Returns the step after them."""
    if steps is None:
        first = _next_step(connection, [key])
        steps = range(first, first + len(values))
    rows: list[Point] = [
        (key.phase_id, step, key.series_id, time, value, flag)
        for step, (value, flag) in zip(steps, values, strict=True)
    ]
    folded = _folded_step(connection, key.phase_id)
    early = sorted({row[1] for row in rows if row[1] <= folded})
    if len(rows) == 1 and early:
        correct(connection, rows)
        return steps[0] + 1
    sql_metrics.put_points(connection, rows)
    if early:
        # one look through the series, not one for each of perhaps thousands of points
        points = sql_curves.points_between(connection, key, sql_metrics.NOTHING_FOLDED, folded)
        sql_metrics.put_statistics(connection, {key.series_id: summed_up(None, points)})
        curves.note_corrections(connection, key.series_id, early)
    return max(steps, default=0) + 1


def fold(connection: sqlite3.Connection, phase_id: int) -> None:
    """Bring the statistics of a phase, and what plots read of its curves, up to its last point."""
    statistics = sql_metrics.statistics(connection, phase_id)
    late = _late_points(connection, phase_id)
    curves.extend_blocks(connection, phase_id, late, statistics)
    for series_id, points in late.items():
        statistics[series_id] = summed_up(statistics.get(series_id), points)
    if statistics:
        sql_metrics.put_statistics(connection, statistics)
        last = max(row.last_step for row in statistics.values())
        sql_metrics.set_folded_step(connection, phase_id, last)
    sql_curves.prune_corrections(connection, phase_id)


def fold_all(connection: sqlite3.Connection, experiment_id: int) -> None:
    """Bring the statistics of an experiment up to date, once its training has ended."""
    late = sql_metrics.unfolded_phases(connection, experiment_id)
    stale = sql_curves.phases_with_stale_blocks(connection, experiment_id)
    for phase_id in dict.fromkeys([*late, *stale]):
        fold(connection, phase_id)


def current_statistics(connection: sqlite3.Connection, phase_id: int) -> dict[int, Statistics]:
    """Statistics of each series of a phase, points that were not folded yet included."""
    statistics = sql_metrics.statistics(connection, phase_id)
    for series_id, points in _late_points(connection, phase_id).items():
        statistics[series_id] = summed_up(statistics.get(series_id), points)
    return statistics


def _late_points(connection: sqlite3.Connection, phase_id: int) -> dict[int, np.ndarray]:
    """Points that were not folded yet, by series, each a structured array of `CURVE` in the order of steps."""
    found = sql_metrics.unfolded_points(connection, phase_id)
    found = found[np.argsort(found["series"], kind="stable")]
    points = np.empty(len(found), sql_metrics.CURVE)
    points["step"], points["value"] = found["step"], found["value"]
    ids, starts = np.unique(found["series"], return_index=True)
    return dict(zip(ids.tolist(), np.split(points, starts[1:]), strict=True)) if len(ids) else {}


def _next_step(connection: sqlite3.Connection, keys: Sequence[Key]) -> int:
    last = sql_metrics.last_step(connection, keys)
    step = 1 if last is None else last + 1
    if step > _LARGEST_STEP:
        raise LogError(f"There is no step after {last}; give one.")
    return step


def _folded_step(connection: sqlite3.Connection, phase_id: int) -> int:
    """The phase's folded step, or an error where it went with its experiment."""
    folded = sql_metrics.folded_step(connection, phase_id)
    if folded is None:
        raise ExperimentNotFoundError("This experiment was purged; nothing was written.")
    return folded
