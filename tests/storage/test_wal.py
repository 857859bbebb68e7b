"""Damage in a write-ahead log, told from an end that was never written."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from piximi_widgets.storage.wal import damage_of


def make(folder: Path, page_size: int, commits: int) -> Path:
    """A database whose log holds some commits, as a process leaves it that was killed."""
    with closing(sqlite3.connect(folder / "live.db", isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size={page_size}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("CREATE TABLE item (value)")
        for number in range(commits):
            connection.execute("INSERT INTO item VALUES (?)", (number,))
        for ending in ("", "-wal"):
            shutil.copy(folder / f"live.db{ending}", folder / f"killed.db{ending}")
    return folder / "killed.db"


def readable(path: Path) -> int:
    """How many commits SQLite still finds."""
    with closing(sqlite3.connect(path)) as connection:
        try:
            return connection.execute("SELECT COUNT(*) FROM item").fetchone()[0]
        except sqlite3.OperationalError:
            return -1


@pytest.mark.parametrize("page_size", [512, 4096, 65536])
def test_a_log_of_any_page_size_is_sound(tmp_path, page_size):
    path = make(tmp_path, page_size, 12)
    log = path.with_name("killed.db-wal")
    assert log.stat().st_size > 12 * page_size
    assert damage_of(log) is None
    assert readable(path) == 12


def test_a_log_that_was_begun_anew(tmp_path):
    """Behind the new commits lie old ones, which nobody needs."""
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE item (value)")
        for number in range(30):
            connection.execute("INSERT INTO item VALUES (?)", (number,))
        connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
        size = (tmp_path / "a.db-wal").stat().st_size
        connection.execute("INSERT INTO item VALUES (99)")
        assert (tmp_path / "a.db-wal").stat().st_size == size
        assert damage_of(tmp_path / "a.db-wal") is None


@pytest.mark.parametrize("content", [None, b"", b"x", bytes(32)])
def test_no_log_is_no_damage(tmp_path, content):
    if content is not None:
        (tmp_path / "a.db-wal").write_bytes(content)
    assert damage_of(tmp_path / "a.db-wal") is None


@pytest.fixture(scope="module")
def killed(tmp_path_factory) -> Path:
    return make(tmp_path_factory.mktemp("log"), 512, 25)


@example(where=0.927734375, bit=0)  # in the checksum of the last commit but one
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_is_found_where_it_costs_commits(killed, where, bit):
    """SQLite itself says how many commits a flipped bit costs: more than the last one is damage."""
    folder = killed.parent / "flipped"
    folder.mkdir(exist_ok=True)
    content = bytearray(killed.with_name("killed.db-wal").read_bytes())
    content[int(where * len(content))] ^= 1 << bit
    shutil.copy(killed, folder / "a.db")
    (folder / "a.db-shm").unlink(missing_ok=True)
    (folder / "a.db-wal").write_bytes(content)
    found = damage_of(folder / "a.db-wal")
    left = readable(folder / "a.db")
    if left == 25:
        assert found is None
    elif left < 24:
        assert found is not None


@given(length=st.floats(0, 1))
def test_an_end_that_is_missing_is_no_damage(killed, length):
    """Wherever it is cut off: that is what a power cut leaves."""
    log = killed.with_name("cut.db-wal")
    shutil.copy(killed.with_name("killed.db-wal"), log)
    os.truncate(log, int(length * log.stat().st_size))
    assert damage_of(log) is None
