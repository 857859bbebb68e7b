"""An experiment: one training and everything that is known of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import LogError
from .archive.archived import ArchivedExperiment
from .artifacts.artifacts import Artifacts
from .asking.asked import AskedExperiment
from .logs.log_types import LogType
from .logs.logs import LABELMAP, Log, delete_logs, read_logs, write_log
from .metrics import curves
from .metrics.writing import as_step, as_values, metric_name, open_series, places_of, write_values
from .record import Record
from .results.evaluated import Evaluated
from .sql import logs as sql_logs
from .sql import metrics as sql_metrics
from .values import now
from .watching.following import Event, follow
from .watching.telemetry import Telemetry

if TYPE_CHECKING:
    import pandas as pd


class Experiment(Evaluated, ArchivedExperiment, AskedExperiment, Record):
    """A handle on one experiment of a store.

    All truth is in the store: every attribute is read when it is asked for, every change is committed
    when the call returns, and two handles on one experiment, in one process or in two, see the same.

    Parameters
    ----------
    store : ExperimentStore
    id : int
        Local to the store and never reused; see `uid` for a name that holds everywhere.
    """

    # -- logs and metrics --------------------------------------------------------------------------

    def log(
        self,
        name: str,
        value: Any,
        type: LogType | str | None = None,
        step: int | None = None,
        phase: str | None = None,
        *,
        replace: bool = True,
    ) -> None:
        """Log a value under a name; a LINE grows, every other type is replaced.

        Parameters
        ----------
        name : str
        value : object
            In the shape of its type; see :class:`LogType`.
        type : LogType, optional
            By default that of the log of this name, else what the shape of `value` tells: a number is
            a point of a LINE.
        step : int, optional
            Of one value of a LINE; by default the last plus 1. The same step again overwrites.
        phase : str, optional
            Goes before the name: ``"train"`` makes ``"train/loss"``.
        replace : bool
            False refuses to overwrite: a log of this name, or a point of a LINE at the same step.

        Raises
        ------
        LogError
            The value does not have the shape of the type, the log has another type, or `replace` is False
            and it is there; nothing is written.
        """
        write_log(self, metric_name(name, phase), value, type, step, replace=replace)

    def log_metrics(
        self, values: Mapping[str, Any], step: int | None = None, phase: str | None = None
    ) -> None:
        """Log the values of several metrics at one step, committed when the call returns.

        Parameters
        ----------
        values : mapping of str to float
            NaN, infinities and zero are kept as they are.
        step : int, optional
            By default one after the last step of any of these metrics, from 1. The same step again
            overwrites.
        phase : str, optional
            Goes before each name: ``"train"`` makes ``"train/loss"``.

        Raises
        ------
        LogError
            Not a number, a step that is none, or a name that belongs to another kind of log; nothing is
            written.
        """
        if type(values) is not dict and not isinstance(values, Mapping):
            raise LogError(f"Metrics are a dict of names and numbers, not {values!r}.")
        if phase is not None and not isinstance(phase, str):
            raise LogError(f"A phase is a word such as 'train', not {phase!r}.")
        if step is not None:
            step = as_step(step)
        numbers, flags = as_values(values)
        if not numbers:
            return
        store = self.store
        names = (self.id, phase, tuple(values))
        known = store.series.known(names)
        if known is None:
            full = [metric_name(name, phase) for name in values]
            if len(set(full)) != len(full):
                raise LogError(f"Two metrics of one call have the same name: {full}.")
        time = now()
        # writing() without its own context manager, which would be a twentieth of the call
        with store.database.write() as connection:
            self.check_fence(connection)
            if known is None:
                # of one that was purged; otherwise `write_values` finds that out without a question more
                self.row(connection)
            places = known or places_of(open_series(connection, self.id, full, time))
            write_values(connection, store.series, places, numbers, flags, step, time)
        if known is None:
            store.series.remember(names, places)

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics, in the order in which they were first logged."""
        with self.store.database.read() as connection:
            return sql_logs.line_names(connection, self.id)

    def metric(self, name: str) -> pd.DataFrame:
        """DataFrame with step (int), time (UTC) and value (float) of a metric, ordered by step.

        Raises
        ------
        LogError
            There is no metric of that name.
        """
        import pandas as pd

        points = self._points(name, None, with_time=True)
        if points is None or not len(points):
            known = ", ".join(map(repr, self.metrics)) or "none yet"
            raise LogError(f"Experiment {self.name!r} has no metric {name!r}; there are: {known}.")
        time = pd.to_datetime(points["time"], unit="ms", utc=True)
        return pd.DataFrame({"step": points["step"], "time": time, "value": points["value"]})

    def metrics_array(self, name: str, after_step: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Steps (N,) int64 and values (N,) float64 of a metric, ordered by step; empty before the first.

        Parameters
        ----------
        name : str
        after_step : int, optional
            Only points with a larger step.
        """
        points = self._points(name, after_step, with_time=False)
        if points is None:
            return np.empty(0, np.int64), np.empty(0, np.float64)
        return np.ascontiguousarray(points["step"]), np.ascontiguousarray(points["value"])

    def curve(self, name: str, points: int = 1000) -> tuple[np.ndarray, np.ndarray]:
        """A metric as a plot shows it, fast also where it has millions of points.

        The first and the last point, the lowest and the highest are always among them, NaN
        shows as a gap, and all are points that were logged, none is an average.

        Parameters
        ----------
        name : str
        points : int
            At most so many, at least 10. A metric with no more than these is returned whole.

        Returns
        -------
        steps : (N,) ndarray of int64
            Ascending.
        values : (N,) ndarray of float64
            Both are empty before the first point.

        Raises
        ------
        LogError
            `points` is less than 10, or no whole number.
        """
        if isinstance(points, bool) or not isinstance(points, int) or points < curves.LEAST_POINTS:
            raise LogError(f"A curve needs at least {curves.LEAST_POINTS} points, not {points!r}.")
        with self.store.database.read() as connection:
            return curves.curve(connection, self.id, name, points)

    @property
    def labelmap(self) -> dict[str, str]:
        """Class names by index, ``{"0": "cat", "1": "dog"}``; assign a mapping or a list of names."""
        return self.get_log(LABELMAP).data

    @labelmap.setter
    def labelmap(self, labels: Mapping[Any, str] | Sequence[str]) -> None:
        self.log(LABELMAP, labels)

    @property
    def logs(self) -> list[Log]:
        """All logs, metrics included: `parameters` and `labelmap` first, then as they came."""
        return read_logs(self)

    def get_log(self, name: str) -> Log:
        """The log of that name, or a LogError that lists what there is."""
        logs = self.logs
        for log in logs:
            if log.name == name:
                return log
        raise LogError(
            f"Experiment {self.name!r} has no log {name!r}; there are: {[log.name for log in logs]}."
        )

    def delete_logs(self) -> None:
        """Delete all logs, metrics included; `parameters` and `labelmap` are emptied and stay."""
        delete_logs(self)

    # -- artifacts and telemetry -------------------------------------------------------------------

    def follow(self, timeout: float | None = None, *, from_start: bool = True) -> Iterator[Event]:
        """What is committed to the experiment, as it comes: ``for event in experiment.follow(): …``

        Works from any process that has opened the store. It ends when the experiment has ended, also
        because its worker vanished (INTERRUPTED); Ctrl+C leaves the training alone. What is written
        twice between two looks (a point, a progress line, the status) is one event, with what is there now;
        after thousands of corrections between two looks all points of that metric come again.

        Parameters
        ----------
        timeout : float, optional
            Seconds after which it ends in any case; 0: with what is there now.
        from_start : bool
            Begin with all that is there already; otherwise with what is committed from now on.

        Yields
        ------
        Event
            kind, time, name and data.
        """
        return follow(self, timeout, from_start)

    @property
    def artifacts(self) -> Artifacts:
        """Files by name: ``artifacts.store(name, path)``, ``artifacts[name].download(folder)``."""
        return Artifacts(self)

    @property
    def telemetry(self) -> Telemetry:
        """What the training printed."""
        return Telemetry(self)

    def _repr_html_(self) -> str:
        from .summary import experiment_html

        return experiment_html(self)

    def _points(self, name: str, after_step: int | None, *, with_time: bool) -> np.ndarray | None:
        with self.store.database.read() as connection:
            key = sql_metrics.series(connection, self.id, name)
            return (
                None if key is None else sql_metrics.points(connection, key, after_step, with_time=with_time)
            )
