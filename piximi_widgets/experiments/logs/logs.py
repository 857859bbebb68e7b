"""Logs: the named values, tables and pictures of an experiment's dashboard."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import LogError
from ..artifacts.keeping import keep_content, remove_unused
from ..metrics.lines import write_line
from ..metrics.writing import as_step, as_value, fold, open_series, write_points
from ..sql import logs as sql_logs
from ..sql import metrics as sql_metrics
from ..sql import record as sql_record
from ..values import LABELMAP as LABELMAP
from ..values import PARAMETERS as PARAMETERS
from ..values import as_datetime, clean_name, encode_parameters, encoded, now
from .log_types import LogType, as_log_type, check_data, infer_type, line_points
from .pictures import picture_of

if TYPE_CHECKING:
    from ..experiment import Experiment

_NO_LABELS = "{}"
_POINTS_A_COMMIT = 20_000


@dataclass(frozen=True)
class Log:
    """A named log of an experiment.

    Attributes
    ----------
    name : str
    type : LogType
    created : datetime
    """

    name: str
    type: LogType
    created: datetime
    _experiment: Experiment = field(repr=False, compare=False)

    @property
    def data(self) -> Any:
        """What was logged, read now: plain JSON types in the shape of the type.

        A LINE is ``{"steps": […], "values": […]}``, an IMAGE ``{"filename": …, "size": bytes}``.

        Raises
        ------
        LogError
            The log was deleted meanwhile.
        """
        experiment = self._experiment
        if self.name == PARAMETERS:
            return experiment.parameters
        if self.type is LogType.LINE:
            steps, values = experiment.metrics_array(self.name)
            if not len(steps):
                raise _gone(experiment, self.name)
            return {"steps": steps.tolist(), "values": values.tolist()}
        return json.loads(_row(experiment, self.name)["data"])

    @property
    def path(self) -> Path:
        """The stored picture of an IMAGE."""
        if self.type is not LogType.IMAGE:
            raise LogError(f"{self.name!r} is a {self.type}; only an IMAGE has a file.")
        return self._experiment.store.contents.existing(_row(self._experiment, self.name)["sha256"])

    def update(self, value: Any) -> None:
        """Put another value of the same type in place of this one, for a LINE in place of all its points.

        Raises
        ------
        LogError
            The value does not have the shape of the type, or the log was deleted meanwhile; nothing is written.
        """
        _ = self.data
        if self.type is LogType.LINE:
            _write_line(self._experiment, self.name, value, None, anew=True)
        else:
            write_log(self._experiment, self.name, value, self.type, None)

    def append(self, value: Any) -> None:
        """Add points to a LINE: a number, a list of numbers, or ``{"steps": […], "values": […]}``.

        Raises
        ------
        LogError
            Another type, no such value, or a step that the LINE has already; nothing is written.
        """
        if self.type is not LogType.LINE:
            raise LogError(
                f"{self.name!r} is a {self.type}; only a LINE grows, the others have update(value)."
            )
        write_log(self._experiment, self.name, value, self.type, None, replace=False)

    def delete(self) -> None:
        """Delete the log; `parameters` and `labelmap` are emptied and stay.

        The name of a LINE stays that of a LINE, since another process may be about to log to it.

        Raises
        ------
        LogError
            It was deleted already.
        """
        experiment = self._experiment
        _ = self.data
        contents: set[str] = set()
        with experiment.writing(durable=True) as connection:
            if self.name == PARAMETERS:
                sql_record.replace_parameters(connection, experiment.id, [])
            elif self.name == LABELMAP:
                sql_record.put_log(
                    connection, experiment.id, LABELMAP, LogType.LABELMAP, _NO_LABELS, None, now()
                )
            elif self.type is LogType.LINE:
                key = sql_metrics.series(connection, experiment.id, self.name)
                if key is not None:
                    sql_logs.clear_line(connection, key)
            else:
                contents = sql_logs.delete_logs(connection, experiment.id, LABELMAP, self.name)
        remove_unused(experiment.store, contents)


def delete_logs(experiment: Experiment) -> None:
    """Delete all logs and empty the two reserved ones. See ``Experiment.delete_logs``."""
    with experiment.writing(durable=True) as connection:
        contents = sql_logs.delete_logs(connection, experiment.id, LABELMAP)
        sql_record.put_log(connection, experiment.id, LABELMAP, LogType.LABELMAP, _NO_LABELS, None, now())
        sql_record.replace_parameters(connection, experiment.id, [])
        sql_logs.clear_lines(connection, experiment.id)
    remove_unused(experiment.store, contents)


def read_logs(experiment: Experiment) -> list[Log]:
    """All logs: the two reserved ones, then the others in the order in which they were first logged."""
    with experiment.store.database.read() as connection:
        rows = sql_record.logs(connection, experiment.id)
    logs = [Log(PARAMETERS, LogType.TABLE, experiment.created, experiment)]
    for row in rows:
        created = as_datetime(row["created"])
        assert created is not None
        logs.append(Log(row["name"], LogType(row["type"]), created, experiment))
    return logs


def write_log(
    experiment: Experiment,
    name: str,
    value: Any,
    kind: LogType | str | None,
    step: Any,
    *,
    replace: bool = True,
) -> None:
    """Write one log. See ``Experiment.log``."""
    name = clean_name(name, "A log's name")
    chosen = _choose_type(experiment, name, value, kind)
    if step is not None and chosen is not LogType.LINE:
        raise LogError(f"{name!r} is a {chosen}, which has no steps; only a LINE has.")
    if name == PARAMETERS:
        rows = encode_parameters(value)
        with experiment.writing(durable=True) as connection:
            if not replace and sql_record.parameters(connection, experiment.id):
                raise _conflict(name)
            sql_record.replace_parameters(connection, experiment.id, rows)
    elif chosen is LogType.LINE:
        _write_line(experiment, name, value, step, replace=replace)
    elif chosen is LogType.IMAGE:
        _write_image(experiment, name, value, replace)
    else:
        data = encoded(check_data(chosen, name, value), f"The {chosen} {name!r}")
        with experiment.writing() as connection:
            _earlier(connection, experiment, name, chosen, replace)
            sql_record.put_log(connection, experiment.id, name, chosen, data, None, now())


def _choose_type(experiment: Experiment, name: str, value: Any, kind: LogType | str | None) -> LogType:
    reserved = {PARAMETERS: LogType.TABLE, LABELMAP: LogType.LABELMAP}
    if kind is not None:
        chosen = as_log_type(kind)
        if chosen is not reserved.get(name, chosen):
            raise LogError(f"The log {name!r} is always a {reserved[name]}, not a {chosen}.")
        return chosen
    if name in reserved:
        return reserved[name]
    with experiment.store.database.read() as connection:
        known = sql_record.log_type(connection, experiment.id, name)
    return infer_type(value) if known is None else LogType(known)


def _write_line(
    experiment: Experiment, name: str, value: Any, step: Any, *, replace: bool = True, anew: bool = False
) -> None:
    steps, values = line_points(name, value)
    if step is not None:
        if steps is not None or len(values) != 1:
            raise LogError(f"The LINE {name!r}: step= belongs to one value; give steps in the dict instead.")
        steps = [step]
    points = [as_value(name, number) for number in values]
    whole: Sequence[int] | None = None if steps is None else [as_step(number) for number in steps]
    if not replace and whole is not None and len(set(whole)) != len(whole):
        raise LogError(
            f"The LINE {name!r} is given two points at one step; replace=True keeps the last of them."
        )
    if anew and not points:
        raise LogError(f"The LINE {name!r} needs at least one point; delete() takes it away.")
    time = now()
    # a long curve is committed piece by piece, so that others can write in between; not where points go first
    size = len(points) if anew else _POINTS_A_COMMIT
    for start in range(0, len(points), max(1, size)):
        piece = slice(start, start + size)
        with experiment.writing() as connection:
            (key,) = open_series(connection, experiment.id, [name], time)
            if not replace and start == 0:
                for number in whole or ():
                    if sql_metrics.has_point(connection, key, number):
                        raise LogError(f"The LINE {name!r} has a point at step {number} already.")
            first_ever = start == 0 and sql_metrics.last_step(connection, [key]) is None
            following = (write_line if anew or first_ever else write_points)(
                connection, key, None if whole is None else whole[piece], points[piece], time
            )
            if len(points) > 1 or experiment.store.series.is_fold_due(key.phase_id):
                fold(connection, key.phase_id)
        if whole is None:
            first = following - len(points[piece])
            whole = range(first, first + len(points))


def _write_image(experiment: Experiment, name: str, value: Any, replace: bool) -> None:
    experiment.store.check_writable()
    content, filename = picture_of(name, value)

    def refer(connection: sqlite3.Connection, sha256: str, size: int) -> str | None:
        earlier = _earlier(connection, experiment, name, LogType.IMAGE, replace)
        data = json.dumps({"filename": filename, "size": size})
        sql_record.put_log(connection, experiment.id, name, LogType.IMAGE, data, sha256, now())
        return None if earlier is None else str(earlier["sha256"])

    earlier = keep_content(experiment, content, refer)
    if earlier is not None:
        remove_unused(experiment.store, [earlier])


def _earlier(
    connection: sqlite3.Connection, experiment: Experiment, name: str, kind: LogType, replace: bool
) -> sqlite3.Row | None:
    """The log that is about to be replaced, or a LogError where it may not be."""
    known = sql_record.log_type(connection, experiment.id, name)
    if known is not None and known != kind:
        raise LogError(f"The log {name!r} is a {known} and cannot become a {kind}; choose another name.")
    row = sql_record.log_data(connection, experiment.id, name)
    if row is not None and not replace and not (name == LABELMAP and row["data"] == _NO_LABELS):
        raise _conflict(name)
    return row


def _conflict(name: str) -> LogError:
    return LogError(f"There is a log {name!r} already; choose another name, or replace=True.")


def _gone(experiment: Experiment, name: str) -> LogError:
    return LogError(f"Experiment {experiment.name!r} no longer has a log {name!r}.")


def _row(experiment: Experiment, name: str) -> sqlite3.Row:
    with experiment.store.database.read() as connection:
        row = sql_record.log_data(connection, experiment.id, name)
    if row is None:
        raise _gone(experiment, name)
    return row
