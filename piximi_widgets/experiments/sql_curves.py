"""SQL of thinned curves: the blocks of a series, and the raw points that stand in for a missing one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from .sql_metrics import NOTHING_FOLDED, VALUE, Key

LAST_STEP = 2**63 - 1
CURVE = np.dtype([("step", np.int64), ("value", np.float64)])
"""The points of a curve, also as they lie in a block (little-endian on every platform that TensorFlow runs on)."""


class Block(NamedTuple):
    """Some consecutive points of a series; `points` is None where they must be read themselves."""

    first_step: int
    length: int
    points: bytes | None


class Stale(NamedTuple):
    """A block to be made again of the points from `first` to `last`, steps included."""

    key: Key
    first_step: int
    first: int
    last: int


def blocks(connection: sqlite3.Connection, series_id: int) -> list[Block]:
    cursor = connection.execute(
        "SELECT first_step, count, points FROM series_block WHERE series_id = ? ORDER BY first_step",
        (series_id,),
    )
    cursor.row_factory = None
    return [Block(*row) for row in cursor.fetchall()]


def last_blocks(connection: sqlite3.Connection, phase_id: int) -> dict[int, Block]:
    """The last block of each series of a phase that has one."""
    cursor = connection.execute(
        "SELECT series_id, first_step, count, points FROM series_block WHERE (series_id, first_step) IN"
        " (SELECT id, (SELECT max(first_step) FROM series_block WHERE series_id = series.id)"
        " FROM series WHERE phase_id = ?)",
        (phase_id,),
    )
    cursor.row_factory = None
    return {series_id: Block(*row) for series_id, *row in cursor.fetchall()}


def put_blocks(connection: sqlite3.Connection, rows: Iterable[tuple[int, int, int, bytes | None]]) -> None:
    """Rows are (series id, first step, count, points); one with the same first step is replaced."""
    connection.executemany(
        "INSERT OR REPLACE INTO series_block (series_id, first_step, count, points) VALUES (?, ?, ?, ?)", rows
    )


def delete_block(connection: sqlite3.Connection, series_id: int, first_step: int) -> None:
    connection.execute(
        "DELETE FROM series_block WHERE series_id = ? AND first_step = ?", (series_id, first_step)
    )


def make_stale(connection: sqlite3.Connection, places: Sequence[tuple[int, int]]) -> None:
    """Mark the blocks that hold (series id, step) as to be made again; a series without blocks gets one."""
    connection.executemany(
        "UPDATE series_block SET points = NULL WHERE series_id = ?1 AND points IS NOT NULL AND first_step ="
        " coalesce((SELECT max(first_step) FROM series_block WHERE series_id = ?1 AND first_step <= ?2),"
        " (SELECT min(first_step) FROM series_block WHERE series_id = ?1))",
        places,
    )
    connection.executemany(
        "INSERT INTO series_block (series_id, first_step, count, points) SELECT ?1, ?2, 0, NULL"
        " WHERE NOT EXISTS (SELECT 1 FROM series_block WHERE series_id = ?1)",
        [(series_id, NOTHING_FOLDED) for series_id, _ in places],
    )


def stale_blocks(connection: sqlite3.Connection, phase_id: int, folded: int) -> list[Stale]:
    rows = connection.execute(
        "SELECT series_id, first_step,"
        " EXISTS (SELECT 1 FROM series_block AS other WHERE other.series_id = block.series_id"
        "  AND other.first_step < block.first_step) AS follows,"
        " (SELECT min(first_step) FROM series_block AS other WHERE other.series_id = block.series_id"
        "  AND other.first_step > block.first_step) AS next"
        " FROM series_block AS block WHERE points IS NULL"
        " AND series_id IN (SELECT id FROM series WHERE phase_id = ?) ORDER BY series_id, first_step",
        (phase_id,),
    ).fetchall()
    return [
        Stale(
            Key(phase_id, row["series_id"]),
            row["first_step"],
            row["first_step"] if row["follows"] else NOTHING_FOLDED,
            folded if row["next"] is None else row["next"] - 1,
        )
        for row in rows
    ]


def phases_with_stale_blocks(connection: sqlite3.Connection, experiment_id: int) -> list[int]:
    rows = connection.execute(
        "SELECT DISTINCT phase_id FROM series JOIN series_block ON series_id = series.id"
        " WHERE experiment_id = ? AND points IS NULL",
        (experiment_id,),
    ).fetchall()
    return [row[0] for row in rows]


def points_between(
    connection: sqlite3.Connection, key: Key, first: int, last: int, most: int = -1
) -> np.ndarray:
    """Structured array (step, value) of the points of a series from one step to another, both included.

    `most` limits their number.
    """
    cursor = connection.execute(
        f"SELECT step, {VALUE} FROM point WHERE phase_id = ? AND step BETWEEN ? AND ? AND series_id = ?"
        " ORDER BY step LIMIT ?",
        (key.phase_id, first, last, key.series_id, most),
    )
    cursor.row_factory = None
    return np.fromiter(cursor, CURVE)


def note_corrections(connection: sqlite3.Connection, places: Sequence[tuple[int, int]]) -> None:
    """Note that points (series id, step) were written at steps that are folded already."""
    connection.executemany("INSERT INTO point_correction (series_id, step) VALUES (?, ?)", places)
