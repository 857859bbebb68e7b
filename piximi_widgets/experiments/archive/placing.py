"""Putting an archive's experiment into a store: its files first, then its record in one transaction."""

from __future__ import annotations

import json
import sqlite3
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

from ...errors import ArtifactError, ExperimentExistsError, PiximiError, StoreError
from ...storage import write_atomically
from .. import sql as record_sql
from .. import sql_contents, sql_metrics
from ..keeping import remove_unused
from ..metrics import as_value, fold_all
from ..values import now, numbered_name
from . import sql
from .opening import Archive, broken
from .parsing import Parsed

if TYPE_CHECKING:
    from ..store import ExperimentStore

_TRIES = 5
_POINTS_AT_ONCE = 20_000


def place(store: ExperimentStore, archive: Archive, parsed: Parsed, if_exists: str) -> int:
    """Import an experiment; returns its id.

    Raises
    ------
    ExperimentExistsError
        Its uid or name is taken, and `if_exists` does not say what to do.
    StoreError
        The disk is full, or the record contradicts itself.
    """
    with store.database.read() as connection:
        there = record_sql.experiment_id_by_uid(connection, parsed.header["uid"])
        if if_exists == "reuse" and there is not None:
            return there
        _header_for(connection, parsed, if_exists)
    kept: list[str] = []
    try:
        for _ in range(_TRIES):
            _keep_files(store, archive, kept)
            with store.database.write(durable=True) as connection:
                # A file that nothing referred to may have been removed until this transaction began.
                if all(store.contents.path(sha256).is_file() for sha256 in archive.contents):
                    return _insert(connection, parsed, _header_for(connection, parsed, if_exists))
        raise ArtifactError(
            f"Files in {store.contents.folder} are removed again and again by another program."
        )
    except BaseException as error:
        # What cannot be removed now is found by collect_garbage().
        with suppress(PiximiError):
            remove_unused(store, kept)
        if isinstance(error, sqlite3.IntegrityError | OverflowError):
            raise StoreError(
                f"{archive.path} contradicts itself ({error}); nothing was imported. Get the file again from where it"
                " comes from."
            ) from error
        raise


def _keep_files(store: ExperimentStore, archive: Archive, kept: list[str]) -> None:
    """Write those files that the store does not have; `kept` gets their names."""
    for sha256, size in archive.contents.items():
        target = store.contents.path(sha256)
        if target.is_file() and target.stat().st_size == size:
            continue
        kept.append(sha256)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with broken(archive.path):
                write_atomically(target, lambda file, sha256=sha256: archive.copy(sha256, file))  # type: ignore[misc]
        except OSError as error:
            raise StoreError(
                f"The files of {archive.path} could not be kept in {store.contents.folder} ({error.strerror or error});"
                " nothing was imported. Make room, or mend the folder's rights, and try again."
            ) from error


def _header_for(connection: sqlite3.Connection, parsed: Parsed, if_exists: str) -> dict[str, object]:
    """The experiment's own row with a uid and a name that are free."""
    uid, name = parsed.header["uid"], parsed.header["name"]
    there = record_sql.experiment_id_by_uid(connection, uid)
    if there is not None and if_exists != "rename":
        row = record_sql.experiment(connection, there)
        assert row is not None
        deleted = f" (deleted; store[{there}].restore() brings it back)" if row["deleted"] is not None else ""
        raise ExperimentExistsError(
            f"The experiment {name!r} with the uid {uid} is in this store already, as {row['name']!r}{deleted}; nothing"
            ' was imported. if_exists="rename" imports a copy with a uid of its own, if_exists="reuse" returns the one'
            " that is there."
        )
    number, free = 1, name
    while record_sql.experiment_id_by_name(connection, free) is not None:
        if if_exists == "raise":
            raise ExperimentExistsError(
                f'There is another experiment {name!r} in this store; nothing was imported. if_exists="rename" imports'
                " it under another name."
            )
        number += 1
        free = numbered_name(name, number)
    return {**parsed.header, "uid": uid if there is None else str(uuid.uuid4()), "name": free}


def _insert(connection: sqlite3.Connection, parsed: Parsed, header: dict[str, object]) -> int:
    new = sql.insert_experiment(connection, [header[column] for column in sql.COLUMNS["experiment"]])
    record_sql.replace_parameters(connection, new, parsed.parameters)
    record_sql.replace_tags(connection, new, parsed.tags)
    for table in (
        "attached_dataset",
        "log",
        "telemetry_line",
        "telemetry_chapter",
        "system_sample",
        "artifact",
    ):
        sql.insert(connection, table, new, parsed.tables[table])
    sql.insert(connection, "job", new, parsed.tables["job"])
    sql.insert(connection, "evaluation", new, parsed.tables["evaluation"])
    for evaluation, rows in zip(sql.evaluation_ids(connection, new), parsed.evaluations, strict=True):
        sql.insert_evaluation_rows(connection, evaluation, rows)
    for folder, entries in parsed.folders.items():
        sql_contents.put_folder(connection, folder, entries)
    _insert_metrics(connection, parsed, new)
    base, model = parsed.base_uid("base_experiment"), parsed.base_uid("base_model")
    sql.put_origin(connection, new, parsed.header["uid"], now(), base, model, json.dumps(parsed.bases))
    for dataset in parsed.datasets:
        sql.put_kept_dataset(connection, new, *dataset)
    return new


def _insert_metrics(connection: sqlite3.Connection, parsed: Parsed, new: int) -> None:
    keys = [
        sql_metrics.insert_series(connection, new, name.rpartition("/")[0], name, created)
        for name, created in parsed.tables["series"]
    ]
    points = parsed.points
    for start in range(0, len(points), _POINTS_AT_ONCE):
        part = points[start : start + _POINTS_AT_ONCE]
        sql_metrics.put_points(
            connection,
            [
                (keys[series].phase_id, step, keys[series].series_id, time, *as_value("", value))
                for series, step, time, value in part.tolist()
            ],
        )
    fold_all(connection, new)
