"""What a write transaction says of its end."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from piximi_widgets.storage import Database


def test_a_checkpoint_that_fails_does_not_make_a_failure_of_the_commit(tmp_path, monkeypatch):
    """Who heard of one would write the same again."""
    schema = ["CREATE TABLE item (value INTEGER NOT NULL);"]
    with closing(
        Database(tmp_path / "x.db", application_id=7, migrations=schema, what="project")
    ) as database:
        asked = []

        def fail(connection):
            asked.append(connection)
            raise sqlite3.OperationalError("database or disk is full")

        # As where SQLite has the WAL-reset defect, whichever version this is.
        monkeypatch.setattr(database, "_guarded", True)
        monkeypatch.setattr(database, "_checkpoint", fail)
        with database.write() as connection:
            connection.execute("INSERT INTO item VALUES (7)")
        assert asked
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        assert connection.execute("SELECT value FROM item").fetchall() == [(7,)]
