"""Everything that a store knows of an experiment, as the members of an archive."""

from __future__ import annotations

import io
import json
import sqlite3
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..sql import contents as sql_contents
from . import layout, sql
from .layout import Dataset


@dataclass
class Gathered:
    """An experiment on its way into an archive.

    Attributes
    ----------
    uid, name : str
    records : dict of str to bytes
        Members by name, but for stored files.
    contents : set of str
        SHA-256 of the stored files.
    """

    uid: str
    name: str
    records: dict[str, bytes] = field(default_factory=dict)
    contents: set[str] = field(default_factory=set)


def gather(
    connection: sqlite3.Connection, experiment_id: int, parameters: Mapping[str, Any], tags: Sequence[str]
) -> Gathered:
    """Read one experiment in an open transaction, but for dataset versions."""

    def table(name: str) -> list[dict[str, Any]]:
        found = sql.rows(connection, name, experiment_id)
        return [dict(zip(sql.COLUMNS[name], row, strict=True)) for row in found]

    (header,) = table("experiment")
    gathered = Gathered(header["uid"], header["name"])
    records = gathered.records
    header |= {
        "parameters": parameters,
        "tags": list(tags),
        "datasets": table("attached_dataset"),
        **_bases(connection, experiment_id),
    }
    records[layout.EXPERIMENT] = json.dumps(header, indent=1).encode()
    logs = table("log")
    for log in logs:
        log["data"] = json.loads(log["data"])
    records[layout.LOGS] = lines(logs)
    records[layout.METRICS] = lines(table("series"))
    records[layout.POINTS] = as_npy(_points(connection, experiment_id))
    _evaluations(connection, experiment_id, table("evaluation"), records)
    records[layout.TELEMETRY] = lines(table("telemetry_line"))
    records[layout.CHAPTERS] = lines(table("telemetry_chapter"))
    records[layout.SAMPLES] = lines(table("system_sample"))
    artifacts = table("artifact")
    records[layout.ARTIFACTS] = lines(artifacts)
    digests = sorted({artifact["sha256"] for artifact in artifacts if artifact["kind"] == "folder"})
    folders = [
        {"folder": digest, "path": path, "sha256": sha256, "size": size}
        for digest in digests
        for path, sha256, size in sql_contents.folder_rows(connection, digest)
    ]
    records[layout.FOLDERS] = lines(folders)
    jobs = table("job")
    for job in jobs:
        job["payload"] = json.loads(job["payload"])
    records[layout.JOBS] = lines(jobs)
    gathered.contents.update(artifact["sha256"] for artifact in artifacts if artifact["kind"] == "file")
    gathered.contents.update(file["sha256"] for file in folders)
    gathered.contents.update(log["sha256"] for log in logs if log["sha256"])
    return gathered


def kept_datasets(connection: sqlite3.Connection, experiment_id: int) -> list[Dataset]:
    """The dataset versions that came with an imported experiment."""
    return [
        Dataset(uid, json.loads(record), zlib.decompress(content))
        for uid, record, content in sql.kept_datasets(connection, experiment_id)
    ]


def add_datasets(gathered: Gathered, datasets: Iterable[Dataset]) -> None:
    """Put dataset versions beside the record."""
    for number, dataset in enumerate(sorted(datasets)):
        record = json.dumps({"uid": dataset.uid, **dataset.record}, indent=1)
        gathered.records[f"datasets/{number}.json"] = record.encode()
        gathered.records[f"datasets/{number}.csv"] = dataset.table


def lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """JSON lines."""
    return "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows).encode()


def as_npy(array: np.ndarray) -> bytes:
    """The content of a ``.npy``."""
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=(1, 0), allow_pickle=False)
    return file.getvalue()


def _bases(connection: sqlite3.Connection, experiment_id: int) -> dict[str, Any]:
    """What it is based on, and its parent; also those of an imported one where it comes from."""
    row = sql.base(connection, experiment_id)
    origin = sql.origin(connection, experiment_id)
    known = {} if origin is None else json.loads(origin["bases"])
    experiment = {"uid": row["experiment_uid"], "name": row["experiment_name"]}
    parent = {"uid": row["parent_uid"], "name": row["parent_name"]}
    model = {"uid": row["model_uid"], "name": row["model_name"], "number": row["model_number"]}
    return {
        "base_experiment": experiment if experiment["uid"] else known.get("base_experiment"),
        "base_model": model if model["uid"] else known.get("base_model"),
        "parent": parent if parent["uid"] else known.get("parent"),
    }


def _points(connection: sqlite3.Connection, experiment_id: int) -> np.ndarray:
    ids = np.array(sql.series_ids(connection, experiment_id), dtype=np.int64)
    read = np.dtype([("series", "<i8"), *[(name, layout.POINT[name]) for name in ("step", "time", "value")]])
    # NULL arrives as None, which NumPy makes NaN of
    found = np.fromiter(sql.points(connection, experiment_id), read)
    points = np.empty(len(found), layout.POINT)
    for name in ("step", "time", "value"):
        points[name] = found[name]
    points["series"] = np.searchsorted(ids, found["series"])
    return points


def _evaluations(
    connection: sqlite3.Connection,
    experiment_id: int,
    evaluations: Sequence[dict[str, Any]],
    records: dict[str, bytes],
) -> None:
    for number, evaluation_id in enumerate(sql.evaluation_ids(connection, experiment_id)):
        evaluation = evaluations[number]
        evaluation["classes"] = classes = json.loads(evaluation["classes"])
        found = sql.evaluation_rows(connection, evaluation_id)
        rows = np.empty(len(found), layout.evaluation_type(len(classes)))
        rows["image"] = [row[0] for row in found]
        rows["truth"] = [row[1] for row in found]
        joined = b"".join(row[2] for row in found)
        rows["probabilities"] = np.frombuffer(joined, "<f4").reshape(len(found), len(classes))
        records[f"evaluations/{number}.npy"] = as_npy(rows)
        further = [
            {"image": image, "metrics": _parsed(metrics), "shapes": _parsed(shapes)}
            for image, _, _, metrics, shapes in found
            if metrics is not None or shapes is not None
        ]
        if further:
            records[f"evaluations/{number}.jsonl"] = lines(further)
    records[layout.EVALUATIONS] = lines(evaluations)


def _parsed(text: str | None) -> Any:
    return None if text is None else json.loads(text)
