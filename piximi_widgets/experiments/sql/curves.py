"""SQL of thinned curves: the blocks of a series, and the raw points that stand in for a missing one."""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from .metrics import CURVE as CURVE
from .metrics import NOTHING_FOLDED, VALUE, Key

LAST_STEP = 2**63 - 1
_MOST_CORRECTIONS = 1000
# Instead of a step: whoever follows, and has not seen this yet, looks at all points of the phase or series anew. The
# latter may be a step too, which then is looked at among the others.
PHASE_ANEW = NOTHING_FOLDED
SERIES_ANEW = NOTHING_FOLDED + 1


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


def make_stale(connection: sqlite3.Connection, series_id: int, steps: Sequence[int]) -> None:
    """Mark the blocks that hold these steps, ascending, as to be made again; a series without blocks gets one."""
    starts = [
        row[0]
        for row in connection.execute(
            "SELECT first_step FROM series_block WHERE series_id = ? ORDER BY first_step", (series_id,)
        )
    ]
    if not starts:
        put_blocks(connection, [(series_id, NOTHING_FOLDED, 0, None)])
        return
    # the first block also holds what lies before it
    places = {max(bisect_right(starts, step) - 1, 0) for step in steps}
    connection.executemany(
        "UPDATE series_block SET points = NULL WHERE series_id = ? AND first_step = ? AND points IS NOT NULL",
        [(series_id, starts[place]) for place in sorted(places)],
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


def note_corrections(connection: sqlite3.Connection, series_id: int, steps: Iterable[int]) -> None:
    """Note that points of a series were written at steps that are folded already."""
    connection.executemany(
        "INSERT INTO point_correction (series_id, step) VALUES (?, ?)", [(series_id, step) for step in steps]
    )


def prune_corrections(connection: sqlite3.Connection, phase_id: int) -> None:
    """Leave one note for all but the newest of those of a series, with the number of the last of them.

    So whoever has seen that one has missed nothing, and the others begin the series anew.
    """
    rows = connection.execute(
        "SELECT series_id FROM point_correction WHERE series_id IN (SELECT id FROM series WHERE phase_id = ?)"
        " GROUP BY series_id HAVING count(*) > ?",
        (phase_id, _MOST_CORRECTIONS + 1),
    ).fetchall()
    for (series_id,) in rows:
        number = connection.execute(
            "SELECT id FROM point_correction WHERE series_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?",
            (series_id, _MOST_CORRECTIONS),
        ).fetchone()[0]
        connection.execute(
            "DELETE FROM point_correction WHERE series_id = ? AND id <= ? AND step <> ?",
            (series_id, number, PHASE_ANEW),
        )
        # What begins the phase anew begins the series anew, too.
        connection.execute(
            "INSERT OR IGNORE INTO point_correction (id, series_id, step) VALUES (?, ?, ?)",
            (number, series_id, SERIES_ANEW),
        )
