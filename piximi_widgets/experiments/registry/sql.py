"""SQL of the model registry: models, their versions and files, and which experiments go on from which."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

from ..sql import contents as sql_contents

_VERSION = (
    "SELECT model_version.*, model.name AS model_name, model.uid AS model_uid"
    " FROM model_version JOIN model ON model.id = model_version.model_id"
)
# the dataset versions that an experiment's weights have seen, and those of everything that it goes on from; a model
# version has noted all of its own when it was published
_ANCESTORS = (
    "WITH RECURSIVE ancestor (id) AS (VALUES (?1) UNION"
    " SELECT experiment.base_experiment_id FROM experiment JOIN ancestor USING (id)"
    " WHERE experiment.base_experiment_id IS NOT NULL UNION"
    " SELECT model_version.experiment_id FROM experiment JOIN ancestor USING (id)"
    " JOIN model_version ON model_version.id = experiment.base_model_version_id"
    " WHERE model_version.experiment_id IS NOT NULL)"
)


# -- models ----------------------------------------------------------------------------------------


def model_id_by_name(connection: sqlite3.Connection, name: str) -> int | None:
    rows = connection.execute("SELECT id FROM model WHERE name = ?", (name,)).fetchall()
    return int(rows[0][0]) if rows else None


def model(connection: sqlite3.Connection, model_id: int) -> sqlite3.Row | None:
    rows = connection.execute("SELECT * FROM model WHERE id = ?", (model_id,)).fetchall()
    return rows[0] if rows else None


def model_rows(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    """(id, name), oldest first."""
    return connection.execute("SELECT id, name FROM model ORDER BY id").fetchall()


def insert_model(connection: sqlite3.Connection, uid: str, name: str, time: int) -> int:
    cursor = connection.execute("INSERT INTO model (uid, name, created) VALUES (?, ?, ?)", (uid, name, time))
    return int(cursor.lastrowid or 0)


def update_model(connection: sqlite3.Connection, model_id: int, field: str, value: str) -> bool:
    """Change the name or the description; False when the model is gone."""
    assert field in ("name", "description")
    cursor = connection.execute(f"UPDATE model SET {field} = ? WHERE id = ?", (value, model_id))
    return cursor.rowcount == 1


def delete_model(connection: sqlite3.Connection, model_id: int) -> set[str]:
    """Remove a model with its versions; returns the contents to which nothing refers any more."""
    contents = _file_contents(
        connection, "model_version_id IN (SELECT id FROM model_version WHERE model_id = ?)", model_id
    )
    connection.execute("DELETE FROM model WHERE id = ?", (model_id,))
    return sql_contents.release(connection, contents)


# -- versions --------------------------------------------------------------------------------------


def next_number(connection: sqlite3.Connection, model_id: int) -> int:
    """A number that no version of the model has or had."""
    connection.execute("UPDATE model SET last_number = last_number + 1 WHERE id = ?", (model_id,))
    return int(connection.execute("SELECT last_number FROM model WHERE id = ?", (model_id,)).fetchone()[0])


def insert_version(connection: sqlite3.Connection, fields: dict[str, Any]) -> int:
    names = ", ".join(fields)
    marks = ", ".join("?" * len(fields))
    cursor = connection.execute(
        f"INSERT INTO model_version ({names}) VALUES ({marks})", tuple(fields.values())
    )
    return int(cursor.lastrowid or 0)


def insert_files(connection: sqlite3.Connection, version_id: int, rows: Iterable[sqlite3.Row]) -> None:
    """Rows have name, kind, filename, sha256 and size."""
    connection.executemany(
        "INSERT INTO model_file (model_version_id, name, kind, filename, sha256, size) VALUES (?, ?, ?, ?, ?, ?)",
        [(version_id, row["name"], row["kind"], row["filename"], row["sha256"], row["size"]) for row in rows],
    )


def version(connection: sqlite3.Connection, version_id: int) -> sqlite3.Row | None:
    rows = connection.execute(f"{_VERSION} WHERE model_version.id = ?", (version_id,)).fetchall()
    return rows[0] if rows else None


def versions_of_model(connection: sqlite3.Connection, model_id: int) -> list[sqlite3.Row]:
    """Oldest first."""
    return connection.execute(f"{_VERSION} WHERE model_id = ? ORDER BY number", (model_id,)).fetchall()


def version_numbers(connection: sqlite3.Connection, model_id: int) -> list[int]:
    """Ascending."""
    rows = connection.execute(
        "SELECT number FROM model_version WHERE model_id = ? ORDER BY number", (model_id,)
    ).fetchall()
    return [int(row[0]) for row in rows]


def version_of_model(connection: sqlite3.Connection, model_id: int, number: int) -> sqlite3.Row | None:
    rows = connection.execute(f"{_VERSION} WHERE model_id = ? AND number = ?", (model_id, number)).fetchall()
    return rows[0] if rows else None


def versions_of_experiment(connection: sqlite3.Connection, experiment_id: int) -> list[sqlite3.Row]:
    """What an experiment has published, oldest first."""
    return connection.execute(
        f"{_VERSION} WHERE experiment_id = ? ORDER BY model_version.id", (experiment_id,)
    ).fetchall()


def files(connection: sqlite3.Connection, version_id: int) -> list[sqlite3.Row]:
    return connection.execute(
        "SELECT name, kind, filename, sha256, size FROM model_file WHERE model_version_id = ? ORDER BY id",
        (version_id,),
    ).fetchall()


def delete_version(connection: sqlite3.Connection, version_id: int) -> set[str] | None:
    """Remove a version; returns the contents to which nothing refers any more, None when it was gone already."""
    contents = _file_contents(connection, "model_version_id = ?", version_id)
    cursor = connection.execute("DELETE FROM model_version WHERE id = ?", (version_id,))
    return sql_contents.release(connection, contents) if cursor.rowcount else None


def experiments_on_version(connection: sqlite3.Connection, version_id: int) -> list[str]:
    """Names of the experiments, deleted ones too, whose base is the version."""
    return _names(connection, "base_model_version_id = ?", version_id)


def experiments_on_model(connection: sqlite3.Connection, model_id: int) -> list[str]:
    """Names of the experiments, deleted ones too, whose base is any version of the model."""
    return _names(
        connection, "base_model_version_id IN (SELECT id FROM model_version WHERE model_id = ?)", model_id
    )


def experiments_on_experiment(connection: sqlite3.Connection, experiment_id: int) -> list[str]:
    """Names of the experiments, deleted ones too, that need the experiment to know what their weights have seen.

    Those whose base it is; and where it, or one that it goes on from, came with images in an archive, also those whose base
    it has published: a version notes the dataset versions, not what came with them.
    """
    rows = connection.execute(
        f"{_ANCESTORS} SELECT name FROM experiment WHERE base_experiment_id = ?1"
        " OR base_model_version_id IN (SELECT id FROM model_version WHERE experiment_id = ?1)"
        " AND EXISTS (SELECT 1 FROM kept_dataset JOIN ancestor ON experiment_id = ancestor.id) ORDER BY experiment.id",
        (experiment_id,),
    ).fetchall()
    return [row[0] for row in rows]


# -- bases -----------------------------------------------------------------------------------------


def set_base(connection: sqlite3.Connection, experiment_id: int, field: str, base_id: int | None) -> None:
    assert field in ("base_experiment_id", "base_model_version_id")
    connection.execute(f"UPDATE experiment SET {field} = ? WHERE id = ?", (base_id, experiment_id))


def goes_on_from(connection: sqlite3.Connection, experiment_id: int, ancestor_id: int) -> bool:
    """Whether an experiment is the other one, or was made from it, over any number of bases."""
    row = connection.execute(
        f"{_ANCESTORS} SELECT EXISTS (SELECT 1 FROM ancestor WHERE id = ?2)", (experiment_id, ancestor_id)
    ).fetchone()
    return bool(row[0])


def datasets_trained_on(connection: sqlite3.Connection, experiment_id: int) -> list[str]:
    """Uids of the dataset versions with the alias "train" of an experiment and of all that it goes on from."""
    rows = connection.execute(
        f"{_ANCESTORS} SELECT uid FROM attached_dataset JOIN ancestor ON experiment_id = ancestor.id"
        " WHERE alias = 'train' UNION SELECT seen.value FROM experiment JOIN ancestor USING (id)"
        " JOIN model_version ON model_version.id = experiment.base_model_version_id,"
        " json_each(model_version.trained_on) AS seen ORDER BY 1",
        (experiment_id,),
    ).fetchall()
    return [row[0] for row in rows]


def _names(connection: sqlite3.Connection, condition: str, value: int) -> list[str]:
    rows = connection.execute(
        f"SELECT name FROM experiment WHERE {condition} ORDER BY id", (value,)
    ).fetchall()
    return [row[0] for row in rows]


def _file_contents(connection: sqlite3.Connection, condition: str, value: int) -> list[str]:
    rows = connection.execute(f"SELECT sha256 FROM model_file WHERE {condition}", (value,)).fetchall()
    return [row[0] for row in rows]
