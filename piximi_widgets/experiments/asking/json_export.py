"""Experiments as one JSON document, with everything but the contents of files."""

from __future__ import annotations

import io
import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ...errors import StoreError
from ...storage import write_atomically
from ..own_files import refuse_database, refuse_own
from ..registry.sql import datasets_trained_on
from ..sql import jobs as sql_jobs
from . import sql_export
from .facts import Facts, bring_up_to_date, facts_in
from .plain_text import moment, short_floats, strict, strict_json

if TYPE_CHECKING:
    from ..store import ExperimentStore

FORMAT = "piximi-experiments"
VERSION = 1


def write_json(
    store: ExperimentStore,
    path: str | os.PathLike[str] | None,
    ids: Sequence[int] | None,
    *,
    overwrite: bool,
) -> str | None:
    """Write experiments, by default all that are not deleted. See ``ExperimentStore.to_json``."""
    if path is None:
        memory = io.BytesIO()
        _write(memory, store, ids)
        return memory.getvalue().decode()
    target = Path(os.path.abspath(path))
    if target.is_dir():
        raise StoreError(f"{target} is a folder; give the path of a file.")
    if not target.parent.is_dir():
        raise StoreError(f"The folder {target.parent} does not exist; make it, or choose another one.")
    refuse_own(store, target)
    refuse_database(target)
    if target.exists() and not overwrite:
        raise StoreError(
            f"{target} is there already; give another path, or overwrite=True. Nothing was written."
        )
    try:
        write_atomically(target, lambda file: _write(file, store, ids))
    except OSError as error:
        raise StoreError(f"The experiments could not be written to {target}: {error}.") from error
    return None


def _write(file: BinaryIO, store: ExperimentStore, ids: Sequence[int] | None) -> None:
    late = bring_up_to_date(store)
    with store.database.read() as connection:
        chosen = sql_export.experiment_ids(connection) if ids is None else ids
        facts = facts_in(connection, late, deleted=ids is not None, ids=chosen, parameters=(), metrics=())
        file.write(f'{{"format":"{FORMAT}","version":{VERSION},"experiments":['.encode())
        for position, each in enumerate(facts):
            text = strict_json(_experiment(connection, each))
            # half of a surrogate pair, which UTF-8 cannot hold, becomes the escape that JSON has for it
            file.write((",\n" if position else "\n").encode() + text.encode("utf-8", "backslashreplace"))
        file.write(b"\n]}\n")


def _experiment(connection: sqlite3.Connection, facts: Facts) -> dict[str, Any]:
    header, id = facts.header, facts.header["id"]
    model = header["base_model"]
    return {
        **{name: header[name] for name in ("id", "uid", "name", "description", "notes", "status", "creator")},
        **{name: moment(header[name]) for name in ("created", "started", "ended", "deleted")},
        "exit_code": header["exit_code"],
        "error": header["error"],
        "base_experiment": header["base_experiment"],
        "base_model": None if model is None else {"model": model, "version": header["base_model_number"]},
        "parent": header["parent"],
        "imported": None
        if header["imported_uid"] is None
        else {"uid": header["imported_uid"], "time": moment(header["imported"])},
        "trained_on": datasets_trained_on(connection, id),
        "tags": list(facts.lists["tags"]),
        "parameters": [
            {"name": name, "type": kind, "value": json.loads(value)}
            for name, kind, value in sql_export.parameters(connection, id)
        ],
        "datasets": _records(
            sql_export.datasets(connection, id), ("alias", "uid", "name", "fingerprint", "attached")
        ),
        "logs": [
            {**record, "data": json.loads(record["data"])}
            for record in _records(
                sql_export.logs(connection, id), ("name", "type", "data", "sha256", "created", "updated")
            )
        ],
        "metrics": _metrics(connection, id),
        "evaluations": [_evaluation(connection, *row) for row in sql_export.evaluations(connection, id)],
        "telemetry": {
            "chapters": [
                dict(zip(("number", "name"), row, strict=True)) for row in sql_jobs.chapters(connection, id)
            ],
            "lines": _records(
                sql_export.lines(connection, id), ("number", "time", "stream", "chapter", "text")
            ),
        },
        "system": _records(sql_export.system_samples(connection, id), ("time", "name", "value")),
        "artifacts": _artifacts(connection, id),
        "models": [
            {**record, "labels": json.loads(record["labels"])}
            for record in _records(
                sql_export.published(connection, id),
                ("model", "version", "framework", "labels", "description", "created"),
            )
        ],
    }


_TIMES = frozenset({"time", "created", "updated", "attached"})


def _records(rows: Iterator[tuple[Any, ...]], names: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {name: moment(value) if name in _TIMES else value for name, value in zip(names, row, strict=True)}
        for row in rows
    ]


def _metrics(connection: sqlite3.Connection, id: int) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, step, time, value in sql_export.points(connection, id):
        curve = found.setdefault(name, {"name": name, "steps": [], "times": [], "values": []})
        curve["steps"].append(step)
        curve["times"].append(time)
        curve["values"].append("NaN" if value is None else strict(value))
    return list(found.values())


def _evaluation(
    connection: sqlite3.Connection, evaluation_id: int, partition: str, classes: str
) -> dict[str, Any]:
    rows = list(sql_export.evaluation_rows(connection, evaluation_id))
    return {
        "partition": partition,
        "classes": json.loads(classes),
        "ids": [row[0] for row in rows],
        "truth": [row[1] for row in rows],
        "probabilities": [short_floats(row[2]) for row in rows],
        "metrics": [None if row[3] is None else json.loads(row[3]) for row in rows],
        "shapes": [None if row[4] is None else json.loads(row[4]) for row in rows],
    }


def _artifacts(connection: sqlite3.Connection, id: int) -> list[dict[str, Any]]:
    found = _records(
        sql_export.artifacts(connection, id),
        ("name", "version", "kind", "filename", "size", "sha256", "created"),
    )
    for record in found:
        record["files"] = []
    by_version = {(record["name"], record["version"]): record for record in found}
    for name, version, path, size, sha256 in sql_export.artifact_files(connection, id):
        by_version[name, version]["files"].append({"path": path, "size": size, "sha256": sha256})
    return found
