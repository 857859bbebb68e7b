"""Putting an archive's experiment into a store: files and many points first, then its record in one transaction."""

from __future__ import annotations

import json
import sqlite3
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO

from ...errors import ArtifactError, ExperimentExistsError, PiximiError, StoreError
from ..artifacts.keeping import remove_unused
from ..sql import contents as sql_contents
from ..sql import record as record_sql
from ..values import now, numbered_name
from . import sql
from .metrics import MetricRows
from .opening import Archive
from .parsing import Parsed

if TYPE_CHECKING:
    from ..store import ExperimentStore

_TRIES = 5


def place(store: ExperimentStore, archive: Archive, parsed: Parsed, if_exists: str) -> int:
    """Import an experiment; returns its id.

    Raises
    ------
    ExperimentExistsError
        Its uid or name is taken, and `if_exists` does not say what to do; or the one to reuse was deleted.
    StoreError
        The disk is full, or the record contradicts itself.
    """
    with store.database.read() as connection:
        there = _reused(connection, parsed, if_exists)
        if there is not None:
            return there
        _header_for(connection, parsed, if_exists)
    metrics = MetricRows(parsed)
    kept: set[str] = set()
    try:
        for _ in range(_TRIES):
            _keep_files(store, archive, kept)
            metrics.stage(store)
            with store.database.write(durable=True) as connection:
                # Another thread or process may have imported the same since.
                there = _reused(connection, parsed, if_exists)
                # A file that nothing referred to may have been removed until this transaction began.
                if there is None and _all_there(store, archive):
                    return _insert(connection, parsed, metrics, _header_for(connection, parsed, if_exists))
            if there is not None:
                _take_back(store, metrics, kept)
                return there
        raise ArtifactError(
            f"Files in {store.contents.folder} are removed again and again by another program."
        )
    except BaseException as error:
        _take_back(store, metrics, kept)
        if isinstance(error, sqlite3.IntegrityError | OverflowError):
            raise StoreError(
                f"{archive.path} contradicts itself ({error}); nothing was imported. Get the file again from where it"
                " comes from."
            ) from error
        raise


def _keep_files(store: ExperimentStore, archive: Archive, kept: set[str]) -> None:
    """Write those files that the store does not have, or has damaged; `kept` gets their names."""

    def copy(sha256: str, file: BinaryIO) -> None:
        kept.add(sha256)
        archive.copy(sha256, file)

    try:
        store.contents.keep_from(archive.contents, copy)
    except ArtifactError as error:
        raise ArtifactError(f"{archive.path} was not imported: {error}") from error


def _all_there(store: ExperimentStore, archive: Archive) -> bool:
    return all(store.contents.path(sha256).is_file() for sha256 in archive.contents)


def _take_back(store: ExperimentStore, metrics: MetricRows, kept: set[str]) -> None:
    # What cannot be removed now is found by collect_garbage().
    with suppress(PiximiError):
        remove_unused(store, kept)
    metrics.discard(store)


def _reused(connection: sqlite3.Connection, parsed: Parsed, if_exists: str) -> int | None:
    """The id of the experiment that is there already, where that is what is asked for."""
    uid = parsed.header["uid"]
    there = record_sql.experiment_id_by_uid(connection, uid) if if_exists == "reuse" else None
    if there is None:
        return None
    row = record_sql.experiment(connection, there)
    assert row is not None
    if row["deleted"] is not None:
        raise ExperimentExistsError(
            f"The experiment {row['name']!r} with the uid {uid} was deleted in this store; nothing was imported."
            f' store[{there}].restore() brings it back; if_exists="rename" imports a copy with a uid of its own.'
        )
    return there


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


def _insert(
    connection: sqlite3.Connection, parsed: Parsed, metrics: MetricRows, header: dict[str, object]
) -> int:
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
    metrics.insert(connection, new)
    base, model = parsed.base_uid("base_experiment"), parsed.base_uid("base_model")
    sql.put_origin(connection, new, parsed.header["uid"], now(), base, model, json.dumps(parsed.bases))
    sql.put_parent(connection, new, parsed.base_uid("parent"))
    for dataset in parsed.datasets:
        sql.put_kept_dataset(connection, new, *dataset)
    return new
