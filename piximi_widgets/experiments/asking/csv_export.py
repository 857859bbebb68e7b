"""Experiments as CSV files: one a kind of record, each row with the experiment that it belongs to."""

from __future__ import annotations

import csv
import errno
import io
import json
import math
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from ...errors import StoreError
from ...storage import write_atomically
from ..own_files import refuse_own
from ..registry.sql import datasets_trained_on
from . import sql_export
from .facts import Facts, bring_up_to_date, facts_in
from .plain_text import moment, number, short_floats, strict_json

if TYPE_CHECKING:
    from ..store import ExperimentStore

Row = Sequence[Any]
_OF = ("experiment_id", "experiment")
_HEADER = (
    *(
        "uid",
        "description",
        "notes",
        "status",
        "creator",
        "created",
        "started",
        "ended",
        "deleted",
        "exit_code",
    ),
    *("error", "base_experiment", "base_model", "base_model_version", "parent", "imported_uid", "imported"),
    *("trained_on", "tags"),
)


class _Table(NamedTuple):
    columns: tuple[str, ...]
    rows: Callable[[sqlite3.Connection, Facts], Iterator[Row]]


def write_csv(
    store: ExperimentStore, folder: str | os.PathLike[str], ids: Sequence[int] | None, *, overwrite: bool
) -> list[Path]:
    """Write experiments, by default all that are not deleted. See ``ExperimentStore.to_csv``."""
    target = Path(os.path.abspath(folder))
    if target.exists() and not target.is_dir():
        raise StoreError(f"{target} is a file; give a folder.")
    if not target.parent.is_dir():
        raise StoreError(f"The folder {target.parent} does not exist; make it, or choose another one.")
    late = bring_up_to_date(store)
    staging: Path | None = None
    try:
        with store.database.read() as connection:
            chosen = sql_export.experiment_ids(connection) if ids is None else ids
            facts = facts_in(connection, late, deleted=ids is not None, ids=chosen, parameters=(), metrics=())
            tables = _tables(_classes(connection, chosen))
            taken = [name for name in tables if (target / name).exists()]
            if taken and not overwrite:
                raise StoreError(
                    f"{target} holds {taken[0]} already; give another folder, or overwrite=True. Nothing was written."
                )
            refuse_own(store, target / next(iter(tables)))
            # Within the folder, which may be a disk of its own.
            place = target if target.exists() else target.parent
            staging = Path(tempfile.mkdtemp(dir=place, prefix=".export-", suffix=".part"))
            for name, table in tables.items():
                write_atomically(staging / name, lambda file, t=table: _write(file, t, connection, facts))  # type: ignore[misc]
        target.mkdir(exist_ok=True)
        # only what was written whole comes into the folder
        _put_in_place(staging, target, list(tables))
    except OSError as error:
        raise StoreError(f"The experiments could not be written into {target}: {error}.") from error
    finally:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)
    return [target / name for name in tables]


def _put_in_place(staging: Path, target: Path, names: Sequence[str]) -> None:
    """Move all files into a folder, or none: what was there comes back where one cannot be moved."""
    aside = staging / "before"
    aside.mkdir()
    done: list[Callable[[], object]] = []
    try:
        for name in names:
            old, new = target / name, staging / name
            if old.is_dir():
                raise IsADirectoryError(
                    errno.EISDIR, "a folder has the name of a file to be written", str(old)
                )
            if old.exists():
                os.replace(old, aside / name)
                done.append(partial(os.replace, aside / name, old))
            os.replace(new, old)
            done.append(old.unlink)
    except BaseException:
        for undo in reversed(done):
            undo()
        raise


def _write(file: BinaryIO, table: _Table, connection: sqlite3.Connection, facts: Sequence[Facts]) -> None:
    # a text may hold half of a surrogate pair, which UTF-8 cannot
    text = io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="")
    writer = csv.writer(text)
    writer.writerow((*_OF, *table.columns))
    for each in facts:
        of = (each.header["id"], each.header["name"])
        writer.writerows((*of, *row) for row in table.rows(connection, each))
    text.detach()


def _tables(classes: Sequence[str]) -> dict[str, _Table]:
    probabilities = tuple(f"p({name})" for name in classes)
    evaluated = ("partition", "id", "truth", "prediction", "confidence", *probabilities, "metrics", "shapes")
    return {
        "experiments.csv": _Table(_HEADER, _header_rows),
        "parameters.csv": _Table(("name", "type", "value"), _parameter_rows),
        "datasets.csv": _Table(
            ("alias", "uid", "name", "fingerprint", "attached"), _timed(sql_export.datasets, -1)
        ),
        "metrics.csv": _Table(("metric", "step", "time", "value"), _point_rows),
        "logs.csv": _Table(("name", "type", "data", "sha256", "created", "updated"), _log_rows),
        "evaluations.csv": _Table(
            evaluated, lambda connection, facts: _evaluation_rows(connection, facts, classes)
        ),
        "telemetry.csv": _Table(("number", "time", "stream", "chapter", "text"), _timed(sql_export.lines, 1)),
        "system.csv": _Table(("time", "name", "value"), _timed(sql_export.system_samples, 0)),
        "artifacts.csv": _Table(
            ("name", "version", "kind", "filename", "size", "sha256", "created"),
            _timed(sql_export.artifacts, -1),
        ),
        "artifact_files.csv": _Table(
            ("name", "version", "path", "size", "sha256"),
            lambda connection, facts: sql_export.artifact_files(connection, facts.header["id"]),
        ),
        "models.csv": _Table(
            ("model", "version", "framework", "labels", "description", "created"),
            _timed(sql_export.published, -1),
        ),
    }


def _classes(connection: sqlite3.Connection, ids: Sequence[int]) -> list[str]:
    """Classes of all evaluations, each once."""
    found = [json.loads(row[2]) for id in ids for row in sql_export.evaluations(connection, id)]
    return list(dict.fromkeys(name for names in found for name in names))


def _timed(
    read: Callable[[sqlite3.Connection, int], Iterator[Row]], place: int
) -> Callable[[sqlite3.Connection, Facts], Iterator[Row]]:
    """Rows of which one column is a time."""

    def rows(connection: sqlite3.Connection, facts: Facts) -> Iterator[Row]:
        for row in read(connection, facts.header["id"]):
            cells = list(row)
            cells[place] = moment(cells[place])
            yield cells

    return rows


def _header_rows(connection: sqlite3.Connection, facts: Facts) -> Iterator[Row]:
    header = facts.header
    times = (moment(header[name]) for name in ("created", "started", "ended", "deleted"))
    yield (
        *(header[name] for name in ("uid", "description", "notes", "status", "creator")),
        *times,
        *(
            header[name]
            for name in ("exit_code", "error", "base_experiment", "base_model", "base_model_number", "parent")
        ),
        header["imported_uid"],
        moment(header["imported"]),
        strict_json(datasets_trained_on(connection, header["id"])),
        strict_json(list(facts.lists["tags"])),
    )


def _parameter_rows(connection: sqlite3.Connection, facts: Facts) -> Iterator[Row]:
    for name, kind, text in sql_export.parameters(connection, facts.header["id"]):
        value = json.loads(text)
        yield name, kind, number(value) if kind == "float" else value if kind == "str" else strict_json(value)


def _point_rows(connection: sqlite3.Connection, facts: Facts) -> Iterator[Row]:
    for name, step, time, value in sql_export.points(connection, facts.header["id"]):
        yield name, step, moment(time), number(value)


def _log_rows(connection: sqlite3.Connection, facts: Facts) -> Iterator[Row]:
    for name, kind, data, sha256, created, updated in sql_export.logs(connection, facts.header["id"]):
        yield name, kind, strict_json(json.loads(data)), sha256, moment(created), moment(updated)


def _evaluation_rows(connection: sqlite3.Connection, facts: Facts, columns: Sequence[str]) -> Iterator[Row]:
    for evaluation_id, partition, text in sql_export.evaluations(connection, facts.header["id"]):
        classes = json.loads(text)
        for image, truth, data, metrics, shapes in sql_export.evaluation_rows(connection, evaluation_id):
            values = short_floats(data)
            known = [value for value in values if not math.isnan(value)]
            by_class = {name: number(value) for name, value in zip(classes, values, strict=True)}
            yield (
                partition,
                image,
                None if truth < 0 else classes[truth],
                classes[values.index(max(known))] if known else None,
                number(max(known, default=None)),
                *(by_class.get(name) for name in columns),
                metrics and strict_json(json.loads(metrics)),
                shapes and strict_json(json.loads(shapes)),
            )
