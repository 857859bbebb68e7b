"""Making a model version from an experiment."""

from __future__ import annotations

import json
import sqlite3
import uuid
from typing import TYPE_CHECKING

from ...errors import StoreError
from ..creator import current_user
from ..sql import contents as sql_contents
from ..sql import record as sql_record
from ..sql import results as sql_results
from ..values import LABELMAP, clean_text, now
from . import sql
from .models import clean_model_name
from .versions import FRAMEWORKS, ModelVersion

if TYPE_CHECKING:
    from ..inheritance import Inheritance

_LEFT_OUT = "checkpoint"
_BY_ENDING = {
    ".keras": "TENSORFLOW",
    ".h5": "TENSORFLOW",
    ".hdf5": "TENSORFLOW",
    ".tflite": "TENSORFLOW",
    ".onnx": "ONNX",
    ".pt": "PYTORCH",
    ".pth": "PYTORCH",
    ".safetensors": "PYTORCH",
}
_SAVED_MODEL = "saved_model.pb"


def publish(
    experiment: Inheritance, model_name: str, description: str, framework: str | None
) -> ModelVersion:
    """See ``Experiment.publish``."""
    model_name = clean_model_name(model_name)
    description = clean_text(description, "The description")
    if framework is not None and framework not in FRAMEWORKS:
        raise StoreError(f"framework must be one of {', '.join(FRAMEWORKS)}, not {framework!r}.")
    store = experiment.store
    with experiment.writing(durable=True) as connection:
        record = experiment.row(connection)
        if record["deleted"] is not None:
            raise StoreError(f"Experiment {record['name']!r} is deleted; restore() it, then publish it.")
        files = [
            row
            for row in sql_results.newest_artifacts(connection, experiment.id)
            if not row["name"].startswith(_LEFT_OUT)
        ]
        if not files:
            raise StoreError(
                f"Experiment {record['name']!r} has no artifacts to publish; store the model first, as in "
                'e.artifacts.store("model-latest", path).'
            )
        _check_files(experiment, connection, files)
        labels = sql_record.log_data(connection, experiment.id, LABELMAP)
        datasets = sql_record.attached_datasets(connection, experiment.id)
        parameters = sql_record.parameters(connection, experiment.id)
        time = now()
        model = sql.model_id_by_name(connection, model_name)
        if model is None:
            model = sql.insert_model(connection, str(uuid.uuid4()), model_name, time)
        fields = {
            "uid": str(uuid.uuid4()),
            "model_id": model,
            "number": sql.next_number(connection, model),
            "description": description,
            "framework": framework or _framework(connection, files),
            "labels": "{}" if labels is None else labels["data"],
            "creator": current_user(),
            "created": time,
            "experiment_id": experiment.id,
            "experiment_uid": record["uid"],
            "experiment_name": record["name"],
            "datasets": json.dumps({alias: values for alias, *values in datasets}, separators=(",", ":")),
            "parameters": json.dumps({name: json.loads(value) for name, _, value in parameters}),
            "trained_on": json.dumps(sql.datasets_trained_on(connection, experiment.id)),
        }
        new = sql.insert_version(connection, fields)
        sql.insert_files(connection, new, files)
        row = sql.version(connection, new)
        assert row is not None
    return store.version_class(store, row)


def _check_files(experiment: Inheritance, connection: sqlite3.Connection, files: list[sqlite3.Row]) -> None:
    """Raise ArtifactError where a file is missing: what is published must be there."""
    existing = experiment.store.contents.existing
    for row in files:
        if row["kind"] == "file":
            existing(row["sha256"])
        else:
            for _, sha256, _ in sql_contents.folder_rows(connection, row["sha256"]):
                existing(sha256)


def _framework(connection: sqlite3.Connection, files: list[sqlite3.Row]) -> str:
    for row in sorted(files, key=lambda row: row["name"] != "model-latest"):
        if row["kind"] == "folder":
            names = [path for path, _, _ in sql_contents.folder_rows(connection, row["sha256"])]
            if _SAVED_MODEL in names:
                return "TENSORFLOW"
        else:
            names = [row["filename"]]
        for name in names:
            for ending, framework in _BY_ENDING.items():
                if name.lower().endswith(ending):
                    return framework
    return "NOT_CONFIGURED"
