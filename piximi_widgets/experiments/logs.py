"""Logs: the named values, tables and pictures of an experiment's dashboard."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import LogError
from . import sql, sql_results
from .artifacts import keep_content
from .log_types import LogType, as_log_type, check_data, infer_type, line_points
from .metrics import as_step, as_value, fold, open_series, write_points
from .values import as_datetime, clean_name, encode_parameters, now

if TYPE_CHECKING:
    from .experiment import Experiment

PARAMETERS = "parameters"
LABELMAP = "labelmap"

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
        """
        experiment = self._experiment
        if self.name == PARAMETERS:
            return experiment.parameters
        if self.type is LogType.LINE:
            steps, values = experiment.metrics_array(self.name)
            return {"steps": steps.tolist(), "values": values.tolist()}
        return json.loads(_row(experiment, self.name)["data"])

    @property
    def path(self) -> Path:
        """The stored picture of an IMAGE."""
        if self.type is not LogType.IMAGE:
            raise LogError(f"{self.name!r} is a {self.type}; only an IMAGE has a file.")
        return self._experiment.store.contents.existing(_row(self._experiment, self.name)["sha256"])


def read_logs(experiment: Experiment) -> list[Log]:
    """All logs: the two reserved ones, then the others in the order in which they were first logged."""
    with experiment.store.database.read() as connection:
        rows = sql.logs(connection, experiment.id)
    logs = [Log(PARAMETERS, LogType.TABLE, experiment.created, experiment)]
    for row in rows:
        created = as_datetime(row["created"])
        assert created is not None
        logs.append(Log(row["name"], LogType(row["type"]), created, experiment))
    return logs


def write_log(experiment: Experiment, name: str, value: Any, kind: LogType | str | None, step: Any) -> None:
    """Write one log. See ``Experiment.log``."""
    name = clean_name(name, "A log's name")
    chosen = _choose_type(experiment, name, value, kind)
    if step is not None and chosen is not LogType.LINE:
        raise LogError(f"{name!r} is a {chosen}, which has no steps; only a LINE has.")
    if name == PARAMETERS:
        rows = encode_parameters(value)
        with experiment.writing(durable=True) as connection:
            sql.replace_parameters(connection, experiment.id, rows)
    elif chosen is LogType.LINE:
        _write_line(experiment, name, value, step)
    elif chosen is LogType.IMAGE:
        _write_image(experiment, name, value)
    else:
        data = json.dumps(check_data(chosen, name, value), separators=(",", ":"))
        with experiment.writing() as connection:
            _refuse_other_type(connection, experiment, name, chosen)
            sql.put_log(connection, experiment.id, name, chosen, data, None, now())


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
        known = sql.log_type(connection, experiment.id, name)
    return infer_type(value) if known is None else LogType(known)


def _write_line(experiment: Experiment, name: str, value: Any, step: Any) -> None:
    steps, values = line_points(name, value)
    if step is not None:
        if steps is not None or len(values) != 1:
            raise LogError(f"The LINE {name!r}: step= belongs to one value; give steps in the dict instead.")
        steps = [step]
    points = [as_value(name, number) for number in values]
    whole: Sequence[int] | None = None if steps is None else [as_step(number) for number in steps]
    time = now()
    # a long curve is committed piece by piece, so that others can write in between
    for start in range(0, len(points), _POINTS_A_COMMIT):
        piece = slice(start, start + _POINTS_A_COMMIT)
        with experiment.writing() as connection:
            (key,) = open_series(connection, experiment.id, [name], time)
            following = write_points(
                connection, key, None if whole is None else whole[piece], points[piece], time
            )
            if len(points) > 1:
                fold(connection, key.phase_id)
        if whole is None:
            first = following - len(points[piece])
            whole = range(first, first + len(points))


def _write_image(experiment: Experiment, name: str, value: Any) -> None:
    if not isinstance(value, str | os.PathLike):
        raise LogError(f"The IMAGE {name!r} must be the path of an image file, not a {type(value).__name__}.")
    experiment.store.check_writable()
    path = Path(value)
    _check_image(name, path)

    def refer(connection: sqlite3.Connection, sha256: str, size: int) -> None:
        _refuse_other_type(connection, experiment, name, LogType.IMAGE)
        earlier = sql.log_data(connection, experiment.id, name)
        data = json.dumps({"filename": path.name, "size": size})
        sql.put_log(connection, experiment.id, name, LogType.IMAGE, data, sha256, now())
        if earlier is not None and not sql_results.is_content_used(connection, earlier["sha256"]):
            experiment.store.contents.remove([earlier["sha256"]])

    keep_content(experiment, path, refer)


def _check_image(name: str, path: Path) -> None:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            image.verify()
    except UnidentifiedImageError:
        raise LogError(f"The IMAGE {name!r}: {path} is not an image file.") from None
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise LogError(f"The IMAGE {name!r}: {path} cannot be read: {error}.") from error


def _refuse_other_type(
    connection: sqlite3.Connection, experiment: Experiment, name: str, kind: LogType
) -> None:
    known = sql.log_type(connection, experiment.id, name)
    if known is not None and known != kind:
        raise LogError(f"The log {name!r} is a {known} and cannot become a {kind}; choose another name.")


def _row(experiment: Experiment, name: str) -> sqlite3.Row:
    with experiment.store.database.read() as connection:
        row = sql.log_data(connection, experiment.id, name)
    if row is None:
        raise LogError(f"Experiment {experiment.name!r} no longer has a log {name!r}.")
    return row
