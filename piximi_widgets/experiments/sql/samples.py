"""SQL of system samples: what the machine did while an experiment ran."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping


def put_samples(
    connection: sqlite3.Connection, experiment_id: int, time: int, values: Mapping[str, float]
) -> None:
    """Write the values of one moment; those of the same millisecond are replaced."""
    connection.executemany(
        "INSERT OR REPLACE INTO system_sample (experiment_id, time, name, value) VALUES (?, ?, ?, ?)",
        [(experiment_id, time, name, value) for name, value in values.items()],
    )


def samples(connection: sqlite3.Connection, experiment_id: int) -> list[tuple[int, str, float]]:
    """(time, name, value) in the order of time."""
    cursor = connection.execute(
        "SELECT time, name, value FROM system_sample WHERE experiment_id = ? ORDER BY time", (experiment_id,)
    )
    cursor.row_factory = None
    return cursor.fetchall()
