"""Copies of a database in use, and reading what is left of a damaged one."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from piximi_widgets.errors import ProjectError
from piximi_widgets.storage import Database, FileLock
from piximi_widgets.storage import database as database_module
from piximi_widgets.storage import opening as opening_module
from piximi_widgets.storage.copies import CopyStopped, defects, open_copy, set_aside, write_copy
from piximi_widgets.storage.salvage import salvage

SCHEMA = ["CREATE TABLE item (id INTEGER PRIMARY KEY AUTOINCREMENT, value TEXT NOT NULL);"]
APPLICATION_ID = 0x50585401


def make(path: Path, **options: object) -> Database:
    return Database(path, application_id=APPLICATION_ID, migrations=SCHEMA, what="project", **options)  # type: ignore[arg-type]


def insert(database: Database, *values: str) -> None:
    with database.write() as connection:
        connection.executemany("INSERT INTO item (value) VALUES (?)", [(value,) for value in values])


def values(path: Path) -> list[str]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return [row[0] for row in connection.execute("SELECT value FROM item ORDER BY id")]


@pytest.mark.parametrize("wal", [True, False])
def test_a_copy_is_one_file_of_one_moment(tmp_path, monkeypatch, wal):
    """While another thread writes; with a log and without one."""
    monkeypatch.setattr(database_module, "_PAGES_AT_ONCE", 3)
    monkeypatch.setattr(opening_module, "can_use_wal", lambda folder: wal)
    database = make(tmp_path / "a.db")
    insert(database, *(f"{number}" * 500 for number in range(200)))
    stop = threading.Event()

    def write() -> None:
        while not stop.wait(0.02):
            insert(database, "later", "later")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        database.copy(tmp_path / "copies" / "b.db")
    finally:
        stop.set()
        writer.join()
    assert [path.name for path in (tmp_path / "copies").iterdir()] == ["b.db"]
    found = values(tmp_path / "copies" / "b.db")
    assert found[:200] == [f"{number}" * 500 for number in range(200)]
    assert len(found) % 2 == 0
    with closing(sqlite3.connect(tmp_path / "copies" / "b.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "delete"
        assert defects(connection) == []


def test_a_copy_that_is_given_up_leaves_the_old_one(tmp_path):
    database = make(tmp_path / "a.db")
    insert(database, "old")
    database.copy(tmp_path / "b.db")
    insert(database, *["new"] * 100)
    with pytest.raises(CopyStopped):
        database.copy(tmp_path / "b.db", stop=lambda: True)
    assert values(tmp_path / "b.db") == ["old"]
    assert not list(tmp_path.glob(".*"))


def test_closing_a_database_ends_its_copies(tmp_path, monkeypatch):
    monkeypatch.setattr(database_module, "_PAGES_AT_ONCE", 1)
    monkeypatch.setattr(database_module, "_PAUSE_SECONDS", 0.05)
    database = make(tmp_path / "a.db")
    insert(database, *["x" * 3000] * 500)
    outcome: list[BaseException] = []
    begun = threading.Event()

    def copy() -> None:
        try:
            database.copy(tmp_path / "b.db", stop=begun.set)  # type: ignore[arg-type]
        except BaseException as problem:
            outcome.append(problem)

    thread = threading.Thread(target=copy)
    thread.start()
    assert begun.wait(10)
    database.close()
    thread.join(5)
    assert isinstance(outcome[0], CopyStopped)
    assert not (tmp_path / "b.db").exists()


def test_a_damaged_database_gives_no_copy(tmp_path):
    database = make(tmp_path / "a.db")
    insert(database, *["x" * 3000] * 100)
    database.copy(tmp_path / "b.db")
    database.close()
    with (tmp_path / "a.db").open("rb+") as file:
        file.seek(4096 * 20)
        file.write(b"\xff" * 4096)
    database = make(tmp_path / "a.db")
    with pytest.raises(ProjectError, match="is damaged"):
        database.copy(tmp_path / "b.db")
    assert len(values(tmp_path / "b.db")) == 100


def test_advice_and_kinds_of_errors(tmp_path):
    """A damaged file's message ends with the owner's advice; what is no database has an error of its own."""

    class Foreign(ProjectError):
        pass

    options = {"foreign": Foreign, "advice": lambda path: f"Ask for {path.name}."}
    database = make(tmp_path / "a.db", **options)
    insert(database, *["x" * 3000] * 100)
    database.close()
    os.truncate(tmp_path / "a.db", 12_288)
    with pytest.raises(ProjectError, match=r"is damaged.*left as it is\. Ask for a\.db\.") as raised:
        make(tmp_path / "a.db", **options)
    assert not isinstance(raised.value, Foreign)
    (tmp_path / "a.db").write_bytes(b"something else" * 100)
    with pytest.raises(Foreign, match="not a database"):
        make(tmp_path / "a.db", **options)


def test_a_lock_file_that_was_tidied_away_is_made_anew(tmp_path, monkeypatch):
    """Two that hold locks on two files of one name would write and checkpoint at once."""
    monkeypatch.setattr(opening_module, "has_wal_reset_bug", lambda: True)
    first, second = make(tmp_path / "a.db"), make(tmp_path / "a.db")
    insert(first, "one")
    insert(second, "two")
    (tmp_path / "a.db-lock").unlink()
    insert(second, "three")
    monkeypatch.setattr(database_module, "_BUSY_SECONDS", 0.2)
    with first._guard(), pytest.raises(ProjectError, match="another process"):
        insert(second, "not now")
    insert(second, "four")
    assert values(tmp_path / "a.db") == ["one", "two", "three", "four"]


def test_two_that_bring_a_file_up_to_date_at_once(tmp_path, monkeypatch):
    """Where no lock keeps them apart, the second one comes while the first one checks the copy it keeps."""
    monkeypatch.setattr(opening_module, "has_wal_reset_bug", lambda: False)
    old = make(tmp_path / "a.db")
    insert(old, "one")
    old.close()
    newer = {
        "application_id": APPLICATION_ID,
        "migrations": [*SCHEMA, "ALTER TABLE item ADD COLUMN size INTEGER;"],
        "what": "project",
    }

    def interrupted(path: Path) -> sqlite3.Connection:
        monkeypatch.setattr(opening_module, "open_copy", open_copy)
        Database(tmp_path / "a.db", **newer).close()
        return open_copy(path)

    monkeypatch.setattr(opening_module, "open_copy", interrupted)
    database = Database(tmp_path / "a.db", **newer)
    with database.write() as connection:
        connection.execute("INSERT INTO item (value, size) VALUES ('two', 2)")
    database.close()
    assert values(tmp_path / "a.db") == ["one", "two"]
    assert [path.name for path in (tmp_path / "backups").iterdir()] == ["a-before-schema-2.db"]
    assert values(tmp_path / "backups" / "a-before-schema-2.db") == ["one"]


def test_setting_aside_takes_all_files_of_a_database(tmp_path):
    for ending in ("", "-wal", "-shm", "-journal"):
        (tmp_path / f"a.db{ending}").write_text(ending)
    (tmp_path / "a.db-lock").write_text("stays")
    assert set_aside(tmp_path / "a.db", "b.db") == tmp_path / "b.db"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.db-lock",
        "b.db",
        "b.db-journal",
        "b.db-shm",
        "b.db-wal",
    ]


def test_what_is_left_of_a_file_that_was_cut_off(tmp_path):
    """The rows before the cut, and the count of ids that were given."""
    database = make(tmp_path / "a.db")
    insert(database, *(f"{number:04}" * 200 for number in range(400)))
    database.close()
    os.truncate(tmp_path / "a.db", (tmp_path / "a.db").stat().st_size // 2)
    counts = salvage(tmp_path / "a.db", tmp_path / "b.db", application_id=APPLICATION_ID, migrations=SCHEMA)
    found = values(tmp_path / "b.db")
    assert 100 < len(found) == counts["item"] < 300
    assert found == [f"{number:04}" * 200 for number in range(len(found))]
    database = make(tmp_path / "b.db")
    insert(database, "new")
    with database.read() as connection:
        assert connection.execute("SELECT id FROM item WHERE value = 'new'").fetchone()[0] == 401


def test_a_copy_is_written_from_a_plain_connection(tmp_path):
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, value)")
        connection.execute("INSERT INTO item VALUES (1, 'x')")
        connection.commit()
        write_copy(connection, tmp_path / "b.db")
    assert values(tmp_path / "b.db") == ["x"]


def test_a_copy_does_not_take_the_place_of_a_database_in_use(tmp_path):
    """One that is open, and one whose log lies beside it, stay as they are."""
    with closing(sqlite3.connect(tmp_path / "source.db")) as source:
        source.execute("CREATE TABLE fact (value)")
        target = tmp_path / "target.db"
        target.write_bytes(b"precious")
        lock = FileLock(tmp_path / "target.db-open-lock")
        assert lock.acquire()
        with pytest.raises(OSError, match="is open"):
            write_copy(source, target)
        lock.release()
        for ending in ("-wal", "-journal"):
            log = tmp_path / f"target.db{ending}"
            log.write_bytes(b"half a change")
            with pytest.raises(OSError, match=f"target.db{ending} lies there"):
                write_copy(source, target)
            log.unlink()
        assert target.read_bytes() == b"precious"
        assert not list(tmp_path.glob(".*"))
        write_copy(source, target)
        assert target.read_bytes() != b"precious"
