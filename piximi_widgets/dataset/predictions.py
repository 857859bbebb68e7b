"""What classifiers said about the project's images."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..errors import SelectionError
from ..storage import Database
from .columns import current_categories
from .frames import text_column
from .outcome import counted
from .records import PredictionArrays
from .sql import categories as category_sql
from .sql import journal as journal_sql
from .sql import predictions as sql

if TYPE_CHECKING:
    import pandas as pd

_PER_COMMIT = 5000


def store(
    database: Database,
    experiment_uid: str,
    classes: Sequence[str],
    ids: np.ndarray,
    probabilities: np.ndarray,
    author: str,
) -> None:
    """Store an experiment's predictions, some thousand with each commit; they are the newest then.

    Raises
    ------
    SelectionError
        If the numbers of ids, classes and probabilities do not fit together.
    """
    probabilities = np.ascontiguousarray(probabilities, dtype="<f4")
    if probabilities.shape != (len(ids), len(classes)) or not len(classes):
        raise SelectionError(
            f"Predictions of {len(ids)} images in {len(classes)} classes have the shape"
            f" ({len(ids)}, {len(classes)}), not {probabilities.shape}."
        )
    if not np.isfinite(probabilities).all():
        raise SelectionError("Probabilities must be numbers; some of these are NaN or infinite.")
    best = probabilities.argmax(axis=1)
    confidence = probabilities[np.arange(len(ids)), best]
    with database.read() as connection:
        old = sql.set_of(connection, experiment_uid)
    if old is not None and json.loads(old["classes"]) != list(classes):
        clear(database, experiment_uid, author)
    for start in range(0, len(ids), _PER_COMMIT):
        part = slice(start, start + _PER_COMMIT)
        rows = zip(
            ids[part].tolist(),
            best[part].tolist(),
            confidence[part].tolist(),
            (row.tobytes() for row in probabilities[part]),
            strict=True,
        )
        with database.write() as connection:
            operation_id = journal_sql.next_id(connection)
            by_name = {row["name"]: row["id"] for row in category_sql.live(connection)}
            categories = [by_name.get(name, 0) for name in classes]
            set_id = sql.put_set(connection, experiment_uid, classes, categories, operation_id)
            sql.put(connection, set_id, rows)
            count = len(ids[part])
            _note(connection, operation_id, author, "predict", experiment_uid, f"{counted(count)} predicted.")


def clear(database: Database, experiment_uid: str | None, author: str) -> None:
    """Forget the predictions of one experiment, or of all."""
    with database.read() as connection:
        if experiment_uid is None:
            sets = sql.all_sets(connection)
        else:
            row = sql.set_of(connection, experiment_uid)
            sets = [row["id"]] if row is not None else []
    for set_id in sets:
        removed = _PER_COMMIT
        while removed == _PER_COMMIT:
            with database.write() as connection:
                operation_id = journal_sql.next_id(connection)
                removed = sql.remove_some(connection, set_id, _PER_COMMIT)
                _note(
                    connection,
                    operation_id,
                    author,
                    "clear_predictions",
                    experiment_uid,
                    f"Predictions of {counted(removed)} cleared.",
                )


def arrays(connection: sqlite3.Connection, experiment_uid: str) -> PredictionArrays | None:
    """What `store` was given for an experiment, for the images that are not removed."""
    found = sql.set_of(connection, experiment_uid)
    if found is None:
        return None
    rows = sql.full_rows(connection, found["id"])
    classes = json.loads(found["classes"])
    return PredictionArrays(
        classes=classes,
        ids=np.array([row[0] for row in rows], dtype=np.int64),
        probabilities=np.frombuffer(b"".join(row[3] for row in rows), dtype="<f4").reshape(
            len(rows), len(classes)
        ),
    )


def frame(connection: sqlite3.Connection, experiment_uid: str | None) -> pd.DataFrame:
    """DataFrame with the index ``id``, ``prediction``, ``confidence`` and a column for each class."""
    import pandas as pd

    found = sql.newest_set(connection) if experiment_uid is None else sql.set_of(connection, experiment_uid)
    if found is None:
        empty = pd.Index(np.empty(0, dtype=np.int64), name="id")
        return pd.DataFrame(
            {
                "prediction": text_column([], np.empty(0, dtype=int), empty),
                "confidence": np.empty(0, dtype=np.float32),
            },
            index=empty,
        )
    classes = json.loads(found["classes"])
    rows = sql.full_rows(connection, found["id"])
    ids, best, confidence, blobs = list(zip(*rows, strict=True)) or [(), (), (), ()]
    index = pd.Index(np.array(ids, dtype=np.int64), name="id")
    probabilities = np.frombuffer(b"".join(blobs), dtype="<f4").reshape(len(rows), len(classes))
    names = _shown_names(connection, found)
    table: dict[str, Any] = {
        "prediction": text_column(names, np.array(best, dtype=np.int64), index),
        "confidence": np.array(confidence, dtype=np.float32),
    }
    whole = pd.DataFrame(table, index=index)
    # Joined by position: a class may be called "prediction" too.
    return pd.concat([whole, pd.DataFrame(probabilities, index=index, columns=names)], axis=1)


def _shown_names(connection: sqlite3.Connection, prediction_set: sqlite3.Row) -> list[str]:
    """The classes by the names that their categories have now."""
    names = category_sql.all_names(connection)
    ids = current_categories(connection, prediction_set)
    classes = json.loads(prediction_set["classes"])
    return [names.get(number, name) for number, name in zip(ids, classes, strict=True)]


def classes_of(connection: sqlite3.Connection, ids: np.ndarray) -> list[str | None]:
    """For each image the newest prediction's class, be it a category or not."""
    found = sql.newest_set(connection)
    if found is None:
        return [None] * len(ids)
    names = _shown_names(connection, found)
    best = {image_id: names[position] for image_id, position, _ in sql.newest_rows(connection, found["id"])}
    return [best.get(image_id) for image_id in ids.tolist()]


class Prediction(NamedTuple):
    """What was predicted for one image.

    Attributes
    ----------
    name : str
        The class, by the name that its category has now.
    category_id : int
        0 where the class is no category.
    confidence : float
    """

    name: str
    category_id: int
    confidence: float


def of_images(
    connection: sqlite3.Connection, experiment_uid: str | None, ids: np.ndarray
) -> dict[int, Prediction] | None:
    """What an experiment, by default the newest, predicted for those of the images that it saw.

    None where nothing of that experiment is stored.
    """
    found = sql.newest_set(connection) if experiment_uid is None else sql.set_of(connection, experiment_uid)
    if found is None:
        return None
    names = _shown_names(connection, found)
    categories = current_categories(connection, found)
    return {
        image_id: Prediction(names[position], categories[position], confidence)
        for image_id, position, confidence in sql.some_rows(connection, found["id"], ids.tolist())
    }


def newest(connection: sqlite3.Connection) -> str | None:
    """The uid of the experiment whose predictions were stored last."""
    found = sql.newest_set(connection)
    return None if found is None else str(found["experiment_uid"])


def _note(
    connection: sqlite3.Connection,
    operation_id: int,
    author: str,
    action: str,
    experiment_uid: str | None,
    message: str,
) -> None:
    journal_sql.append(
        connection,
        operation_id,
        author=author,
        source="api",
        action=action,
        detail={"experiment": experiment_uid, "message": message},
    )
