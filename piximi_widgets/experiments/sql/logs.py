"""SQL of taking logs away.

A series stays when its points go: other processes remember its number, and would write to it. One without points is not
listed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from .curves import PHASE_ANEW, note_corrections
from .metrics import NOTHING_FOLDED, Key


def line_names(connection: sqlite3.Connection, experiment_id: int) -> list[str]:
    """Names of the series that have points, in the order in which they were first logged."""
    rows = connection.execute(
        "SELECT name FROM series WHERE experiment_id = ? AND (EXISTS (SELECT 1 FROM series_stat"
        " WHERE series_id = series.id) OR EXISTS (SELECT 1 FROM point WHERE phase_id = series.phase_id"
        " AND series_id = series.id)) ORDER BY id",
        (experiment_id,),
    ).fetchall()
    return [row[0] for row in rows]


def clear_line(connection: sqlite3.Connection, key: Key) -> None:
    """Remove the points of a series and what was made of them."""
    connection.execute(
        "DELETE FROM point WHERE phase_id = ? AND series_id = ?", (key.phase_id, key.series_id)
    )
    connection.execute("DELETE FROM series_stat WHERE series_id = ?", (key.series_id,))
    connection.execute("DELETE FROM series_block WHERE series_id = ?", (key.series_id,))
    emptied = connection.execute(
        "UPDATE phase SET folded = ?1 WHERE id = ?2 AND folded <> ?1"
        " AND NOT EXISTS (SELECT 1 FROM point WHERE phase_id = ?2)",
        (NOTHING_FOLDED, key.phase_id),
    )
    # An earlier note of this kind is still needed by who has not seen it.
    connection.execute(
        "DELETE FROM point_correction WHERE series_id = ? AND (step <> ? OR ?)",
        (key.series_id, PHASE_ANEW, emptied.rowcount),
    )
    if emptied.rowcount:
        note_corrections(connection, key.series_id, [PHASE_ANEW])


def clear_lines(connection: sqlite3.Connection, experiment_id: int) -> None:
    """Remove the points of all series of an experiment."""
    mine = "(SELECT id FROM series WHERE experiment_id = ?)"
    connection.execute(
        "DELETE FROM point WHERE phase_id IN (SELECT id FROM phase WHERE experiment_id = ?)", (experiment_id,)
    )
    connection.execute(f"DELETE FROM series_stat WHERE series_id IN {mine}", (experiment_id,))
    connection.execute(f"DELETE FROM series_block WHERE series_id IN {mine}", (experiment_id,))
    connection.execute("UPDATE phase SET folded = ? WHERE experiment_id = ?", (NOTHING_FOLDED, experiment_id))
    connection.execute(f"DELETE FROM point_correction WHERE series_id IN {mine}", (experiment_id,))
    connection.execute(
        "INSERT INTO point_correction (series_id, step) SELECT id, ? FROM series WHERE experiment_id = ?",
        (PHASE_ANEW, experiment_id),
    )


def delete_logs(
    connection: sqlite3.Connection, experiment_id: int, kept: str, name: str | None = None
) -> set[str]:
    """Delete the log of that name, or all but `kept`; returns the contents to which they referred."""
    chosen = "experiment_id = ?1 AND name <> ?2 AND (?3 IS NULL OR name = ?3)"
    values = (experiment_id, kept, name)
    rows = connection.execute(
        f"SELECT sha256 FROM log WHERE sha256 IS NOT NULL AND {chosen}", values
    ).fetchall()
    connection.execute(f"DELETE FROM log WHERE {chosen}", values)
    return {row[0] for row in rows}


def delete_values(connection: sqlite3.Connection, experiment_id: int, names: Iterable[str]) -> None:
    """Delete the logs of these names that have neither points nor files."""
    connection.executemany(
        "DELETE FROM log WHERE experiment_id = ? AND name = ? AND sha256 IS NULL",
        [(experiment_id, name) for name in names],
    )
