"""Following an experiment: each thing that is committed to it, once, by whatever process.

A look compares the store with what was seen before, all in one read transaction. Points are found without
reading them all again: those beyond the step up to which their phase was folded at the last look are few, and
whoever writes at an earlier step leaves a note of it.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import ExperimentNotFoundError, StoreError
from ..sql import following as sql_following
from ..sql import jobs as sql_jobs
from ..sql import record as sql_record
from ..sql.metrics import NOTHING_FOLDED
from ..status import Status
from ..values import PARAMETERS, as_datetime, now
from ..work.workers import is_alive

if TYPE_CHECKING:
    from ..experiment import Experiment
    from .telemetry import Line

_UNDER_WAY = (Status.WAITING, Status.RUNNING)
# A vanished worker commits nothing that would wake anybody up.
_SECONDS_BETWEEN_LOOKS = 1.0
# Many commits in a row are one look.
_SHORTEST_PAUSE = 0.05

Found = tuple[int, str, str, Any]
"""Time in milliseconds, kind, name and data of what becomes an event."""


class Event(NamedTuple):
    """Something that was committed to an experiment.

    Attributes
    ----------
    kind : {"status", "metric", "line", "log", "artifact", "evaluation"}
    time : datetime
        When it was written, UTC.
    name : str
        Of the metric, log or artifact; the partition of an evaluation; the chapter of a line.
    data : object
        Of a metric its :class:`MetricPoint`, of a line the :class:`Line`, of a log what was logged, of an
        artifact a dict with version, filename and size, of an evaluation a dict with the number of images,
        and the :class:`Status`.
    """

    kind: str
    time: datetime
    name: str
    data: Any


class MetricPoint(NamedTuple):
    """A value that was logged at a step."""

    step: int
    value: float


def follow(experiment: Experiment, timeout: float | None, from_start: bool) -> Iterator[Event]:
    """See ``Experiment.follow``."""
    if timeout is not None and not (isinstance(timeout, int | float) and timeout >= 0):
        raise StoreError(f"A timeout is a number of seconds or None, not {timeout!r}.")
    follower = _Follower(experiment)
    if not from_start:
        follower.look()
    return _events(experiment, follower, None if timeout is None else time.monotonic() + timeout)


def _events(experiment: Experiment, follower: _Follower, deadline: float | None) -> Iterator[Event]:
    wake = threading.Event()
    subscription = experiment.store.watch(wake.set)
    reconciled = -_SECONDS_BETWEEN_LOOKS
    try:
        while True:
            wake.clear()
            expired = deadline is not None and time.monotonic() >= deadline
            if time.monotonic() - reconciled >= _SECONDS_BETWEEN_LOOKS:
                experiment.store.reconcile()
                reconciled = time.monotonic()
            found, ended = follower.look()
            for moment, kind, name, data in found:
                yield Event(kind, _moment(moment), name, data)
            if ended or expired:
                return
            pause = _SECONDS_BETWEEN_LOOKS
            if deadline is not None:
                pause = min(pause, max(0.0, deadline - time.monotonic()))
            if wake.wait(pause):
                time.sleep(min(_SHORTEST_PAUSE, pause))
    finally:
        subscription.close()


class _Follower:
    """What of an experiment was seen so far."""

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment
        self._status: Status | None = None
        self._parameters: list[tuple[str, str, str]] = []
        self._folded: dict[int, int] = {}
        self._unfolded: dict[tuple[int, int], tuple[int, float | None]] = {}
        self._correction = 0
        self._line: Line | None = None
        self._logs: dict[int, tuple[int, str]] = {}
        self._artifact = 0
        self._evaluations: dict[int, tuple[int, int]] = {}

    def look(self) -> tuple[list[Found], bool]:
        """What is new, in the order in which it was written, and whether the experiment has ended."""
        experiment = self._experiment
        with experiment.store.database.read() as connection:
            row = sql_record.experiment(connection, experiment.id)
            if row is None:
                raise ExperimentNotFoundError(
                    f"The experiment with the id {experiment.id} is no longer in {experiment.store.url}."
                )
            found = [
                *self._points(connection),
                *self._lines(),
                *self._changed_logs(connection),
                *self._artifacts(connection),
                *self._changed_evaluations(connection),
            ]
            found.sort(key=lambda one: one[0])
            status = Status(row["status"])
            if status is Status.RUNNING and self._has_vanished(connection):
                status = Status.INTERRUPTED
        if status is not self._status:
            self._status = status
            moments = {Status.WAITING: row["created"], Status.RUNNING: row["started"]}
            moment = moments.get(status, row["ended"]) or now()
            place = 0 if status in _UNDER_WAY else len(found)
            found.insert(place, (moment, "status", "status", status))
        return found, status not in _UNDER_WAY

    def _points(self, connection: sqlite3.Connection) -> Iterator[Found]:
        series = sql_following.followed_series(connection, self._experiment.id)
        names = {one.id: one.name for one in series}
        phase_of = {one.id: one.phase_id for one in series}
        corrected, anew, self._correction = sql_following.corrected_points(
            connection, self._experiment.id, self._correction
        )
        before, self._folded = self._folded, {one.phase_id: one.folded for one in series}
        known, self._unfolded = self._unfolded, {}
        for one in series:
            if one.id in anew.phases:
                before.pop(one.phase_id, None)
        for series_id in anew.series:
            up_to = before.get(phase_of[series_id], NOTHING_FOLDED)
            corrected += sql_following.points_up_to(connection, phase_of[series_id], series_id, up_to)
        for point in sorted(set(corrected), key=lambda one: (one.step, one.series_id)):
            # those beyond are looked at in any case
            if point.step <= before.get(phase_of[point.series_id], NOTHING_FOLDED):
                yield _metric(names, point)
        for phase_id, folded in self._folded.items():
            for point in sql_following.points_after(
                connection, phase_id, before.get(phase_id, NOTHING_FOLDED)
            ):
                key, seen = (point.series_id, point.step), (point.time, point.value)
                if point.step > folded:
                    self._unfolded[key] = seen
                if known.get(key) != seen:
                    yield _metric(names, point)

    def _lines(self) -> Iterator[Found]:
        # The last line may have been replaced since.
        after = 0 if self._line is None else self._line.number - 1
        for line in self._experiment.telemetry.lines(after):
            if line != self._line:
                self._line = line
                yield round(line.time.timestamp() * 1000), "line", line.chapter, line

    def _changed_logs(self, connection: sqlite3.Connection) -> Iterator[Found]:
        newest = max((updated for updated, _ in self._logs.values()), default=0)
        for row in sql_following.logs(connection, self._experiment.id):
            known = self._logs.get(row["id"])
            if known is not None and known[0] == row["updated"] < newest:
                continue
            # also one of the same millisecond may have been written since
            seen = (row["updated"], sql_following.log_data(connection, row["id"]))
            if seen != known:
                self._logs[row["id"]] = seen
                yield row["updated"], "log", row["name"], json.loads(seen[1])
        parameters = sql_record.parameters(connection, self._experiment.id)
        if parameters != self._parameters:
            self._parameters = parameters
            yield now(), "log", PARAMETERS, {name: json.loads(value) for name, _, value in parameters}

    def _artifacts(self, connection: sqlite3.Connection) -> Iterator[Found]:
        for row in sql_following.artifacts_after(connection, self._experiment.id, self._artifact):
            self._artifact = row["id"]
            data = {"version": row["version"], "filename": row["filename"], "size": row["size"]}
            yield row["created"], "artifact", row["name"], data

    def _changed_evaluations(self, connection: sqlite3.Connection) -> Iterator[Found]:
        for row in sql_following.evaluations(connection, self._experiment.id):
            seen = (row["updated"], row["images"])
            if seen != self._evaluations.get(row["id"]):
                self._evaluations[row["id"]] = seen
                yield row["updated"], "evaluation", row["partition"], {"images": row["images"]}

    def _has_vanished(self, connection: sqlite3.Connection) -> bool:
        """Whether its worker is gone, which only a store that can be written notes by itself."""
        store = self._experiment.store
        return store.read_only and any(
            row["experiment_id"] == self._experiment.id
            and row["kind"] == "train"
            and not is_alive(store, row)
            for row in sql_jobs.running_jobs(connection)
        )


def _metric(names: dict[int, str], point: sql_following.FollowedPoint) -> Found:
    value = float("nan") if point.value is None else point.value
    return point.time, "metric", names[point.series_id], MetricPoint(point.step, value)


def _moment(milliseconds: int) -> datetime:
    moment = as_datetime(milliseconds)
    assert moment is not None
    return moment
