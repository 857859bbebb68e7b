"""Reading what can still be read of a damaged database into a new one."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from .sqlite import statements


def salvage(damaged: Path, target: Path, *, application_id: int, migrations: Sequence[str]) -> dict[str, int]:
    """Copy the readable rows of a damaged database into a new one of the same schema.

    Each table is read from its first row up to the damage, and from its last row back to it. Rows between two
    damaged places are not found.

    Parameters
    ----------
    damaged : Path
        A copy that may be changed: SQLite takes its log in.
    target : Path
        A file that does not exist yet.
    application_id : int
        Of the new database.
    migrations : sequence of str
        The schema's scripts, as `Database` takes them.

    Returns
    -------
    dict of str to int
        For each table the number of its rows in the new database.

    Raises
    ------
    sqlite3.DatabaseError
        If not even the list of tables can be read.
    """
    _drop_half_a_page(damaged)
    with (
        closing(sqlite3.connect(damaged, isolation_level=None)) as source,
        closing(sqlite3.connect(target, isolation_level=None)) as copy,
    ):
        # SQLite then opens a file that is shorter than it says of itself.
        source.execute("PRAGMA writable_schema=ON")
        version = int(source.execute("PRAGMA user_version").fetchone()[0])
        found = {row[0] for row in source.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not 0 < version <= len(migrations):
            version = len(migrations)
        copy.execute("PRAGMA foreign_keys=OFF")
        copy.execute("BEGIN")
        for script in migrations[:version]:
            for statement in statements(script):
                copy.execute(statement)
        tables = [row[0] for row in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        counts = {}
        for table in tables:
            if table in found and not table.startswith("sqlite_"):
                counts[table] = _copy_rows(source, copy, table)
        # The ids of rows that could not be read must not be given away again.
        for row in _until_damage(source, "SELECT seq, name FROM sqlite_sequence"):
            copy.execute("UPDATE sqlite_sequence SET seq = MAX(seq, ?) WHERE name = ?", row or (0, None))
        copy.execute(f"PRAGMA application_id={application_id}")
        copy.execute(f"PRAGMA user_version={version}")
        copy.execute("COMMIT")
    return counts


def _drop_half_a_page(damaged: Path) -> None:
    """Cut a last page that is not whole, which SQLite would read as if zeros followed."""
    with closing(sqlite3.connect(damaged)) as source:
        page_size = source.execute("PRAGMA page_size").fetchone()[0]
    size = damaged.stat().st_size
    if size > page_size:
        os.truncate(damaged, size - size % page_size)


def _copy_rows(source: sqlite3.Connection, copy: sqlite3.Connection, table: str) -> int:
    columns = copy.execute(f'PRAGMA table_info("{table}")').fetchall()
    names = ", ".join(f'"{column[1]}"' for column in columns)
    key = [f'"{column[1]}"' for column in sorted(columns, key=lambda column: column[5]) if column[5]]
    statement = f'SELECT {names} FROM "{table}" NOT INDEXED ORDER BY '
    rows = list(_until_damage(source, statement + ", ".join(key)))
    if rows[-1:] == [None]:
        rows += _until_damage(source, statement + ", ".join(f"{name} DESC" for name in key))
    readable = [row for row in rows if row is not None]
    if readable:
        # The scripts may have put rows of their own there.
        copy.execute(f'DELETE FROM "{table}"')
        marks = ", ".join("?" for _ in columns)
        copy.executemany(f'INSERT OR IGNORE INTO "{table}" VALUES ({marks})', readable)
    return int(copy.execute(f'SELECT COUNT(*) FROM "{table}"').fetchone()[0])


def _until_damage(source: sqlite3.Connection, statement: str) -> Iterator[tuple | None]:
    """The rows of a statement, and None where it could not be read on."""
    try:
        yield from source.execute(statement)
    except (sqlite3.DatabaseError, ValueError, OverflowError):
        yield None
