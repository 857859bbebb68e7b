"""What a write transaction says of its end."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing

import pytest

from piximi_widgets.errors import ProjectError
from piximi_widgets.storage import Database
from piximi_widgets.storage.blocks import Block
from tests.storage.test_database import insert, make


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


@pytest.mark.parametrize("kind", ["read", "write"])
def test_a_database_that_another_thread_closes_just_before_a_block_says_so(tmp_path, monkeypatch, kind):
    database = make(tmp_path / "a.db")
    insert(database, "before")
    hold = Block._hold

    def closed_before(self: Block) -> None:
        monkeypatch.undo()
        closer = threading.Thread(target=database.close)
        closer.start()
        closer.join(10)
        hold(self)

    monkeypatch.setattr(Block, "_hold", closed_before)
    with pytest.raises(ProjectError, match="was closed; open it again"), getattr(database, kind)():
        pass
