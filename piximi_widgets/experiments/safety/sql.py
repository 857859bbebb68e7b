"""SQL that looks for what cannot be."""

from __future__ import annotations

import sqlite3
from collections import Counter
from typing import Any


def count_rows(connection: sqlite3.Connection) -> int:
    """Rows of all tables together."""
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    )
    return sum(
        int(connection.execute(f'SELECT COUNT(*) FROM "{name}"').fetchone()[0])
        for (name,) in names.fetchall()
    )


def first_time(connection: sqlite3.Connection) -> float | None:
    """When the first experiment was made, in seconds since 1970."""
    row = connection.execute("SELECT min(created) FROM experiment").fetchone()
    return None if row[0] is None else row[0] / 1000


def count_all_experiments(connection: sqlite3.Connection) -> int:
    """Deleted ones too."""
    return int(connection.execute("SELECT COUNT(*) FROM experiment").fetchone()[0])


def dangling(connection: sqlite3.Connection) -> dict[tuple[str, str], int]:
    """How many rows of a table refer to rows of another one that are not there."""
    return Counter((row[0], row[2]) for row in connection.execute("PRAGMA foreign_key_check").fetchall())


def texts(connection: sqlite3.Connection) -> list[tuple[int, str, str]]:
    """(experiment id, what it is, JSON) of everything that is kept as JSON."""
    cursor = connection.execute(
        "SELECT experiment_id, 'parameter ' || name, value FROM parameter"
        " UNION ALL SELECT experiment_id, 'log ' || name, data FROM log"
        " UNION ALL SELECT experiment_id, 'evaluation ' || partition, classes FROM evaluation"
        " UNION ALL SELECT experiment_id, 'job ' || id, payload FROM job"
    )
    cursor.row_factory = None
    return cursor.fetchall()


def wrong_statistics(connection: sqlite3.Connection) -> list[tuple[int, str]]:
    """(experiment id, name) of metrics whose points are not as many as their statistics say."""
    cursor = connection.execute(
        "SELECT series.experiment_id, series.name FROM series"
        " LEFT JOIN series_stat ON series_stat.series_id = series.id"
        # Each point is looked at once: those of a phase lie together, and not those of a series.
        " LEFT JOIN (SELECT phase_id, series_id, COUNT(*) AS number FROM phase CROSS JOIN point"
        " ON point.phase_id = phase.id AND point.step <= phase.folded GROUP BY phase_id, series_id) AS counted"
        " ON counted.phase_id = series.phase_id AND counted.series_id = series.id"
        " WHERE coalesce(series_stat.count, 0) <> coalesce(counted.number, 0)"
    )
    cursor.row_factory = None
    return cursor.fetchall()


def odd_values(connection: sqlite3.Connection) -> list[tuple[int, str]]:
    """(experiment id, name) of metrics with a point whose value and flag contradict each other."""
    cursor = connection.execute(
        "SELECT DISTINCT series.experiment_id, series.name FROM point JOIN series ON series.id = point.series_id"
        " WHERE flag NOT IN (0, 1, 2, 3) OR (flag = 0) <> (value IS NOT NULL)"
    )
    cursor.row_factory = None
    return cursor.fetchall()


def evaluations(connection: sqlite3.Connection) -> list[tuple[int, str, str, int, int, int, int]]:
    """(experiment id, partition, classes, lowest and highest truth, shortest and longest probabilities in bytes)."""
    cursor = connection.execute(
        "SELECT experiment_id, partition, classes, coalesce(min(truth), 0), coalesce(max(truth), 0),"
        " coalesce(min(length(probabilities)), 0), coalesce(max(length(probabilities)), 0)"
        " FROM evaluation JOIN evaluation_row ON evaluation_id = evaluation.id GROUP BY evaluation.id"
    )
    cursor.row_factory = None
    return cursor.fetchall()


def contents(connection: sqlite3.Connection) -> list[tuple[str, int | None, int | None, str]]:
    """(sha256, size, experiment id, what it is) of every stored file; the size of pictures is not known."""
    cursor = connection.execute(
        "SELECT sha256, size, experiment_id, 'artifact ' || name FROM artifact WHERE kind = 'file'"
        " UNION ALL SELECT sha256, NULL, experiment_id, 'log ' || name FROM log WHERE sha256 IS NOT NULL"
        " UNION ALL SELECT folder_file.sha256, folder_file.size, experiment_id, 'artifact ' || name FROM folder_file"
        " JOIN artifact ON artifact.sha256 = folder"
        " UNION ALL SELECT sha256, size, NULL, 'model file ' || name FROM model_file WHERE kind = 'file'"
        " UNION ALL SELECT folder_file.sha256, folder_file.size, NULL, 'model file ' || name FROM folder_file"
        " JOIN model_file ON model_file.sha256 = folder"
    )
    cursor.row_factory = None
    return cursor.fetchall()


def folders(connection: sqlite3.Connection) -> list[tuple[str, int | None, str]]:
    """(digest, experiment id, what it is) of every folder that something refers to."""
    cursor = connection.execute(
        "SELECT sha256, experiment_id, 'artifact ' || name FROM artifact WHERE kind = 'folder'"
        " UNION ALL SELECT sha256, NULL, 'model file ' || name FROM model_file WHERE kind = 'folder'"
    )
    cursor.row_factory = None
    found: list[tuple[Any, ...]] = cursor.fetchall()
    return [(row[0], row[1], row[2]) for row in found]
