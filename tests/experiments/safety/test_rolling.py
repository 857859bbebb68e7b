"""Copies of a project's store that are made unasked, and that a restore finds."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from piximi_widgets.experiments import ExperimentStore

_DAY = 86_400


def made_days_ago(copy: Path, days: float) -> Path:
    """The copy as if it had been made then."""
    stamp = datetime.fromtimestamp(time.time() - days * _DAY, UTC).strftime("%Y%m%dT%H%M%SZ")
    return copy.rename(copy.with_name(f"experiments-{stamp}.db"))


def copies(path: Path) -> list[str]:
    return sorted(copy.name for copy in (path.parent / "backups").glob("experiments-*.db"))


def run(path: Path) -> str | None:
    """Open the store and do what a project does; returns the failure."""
    with ExperimentStore(path) as store:
        store.rolling.start_if_due()
        store.rolling.wait(30)
        return store.rolling.failure


@pytest.fixture
def path(store, experiment) -> Path:
    """A store whose only experiment is two days old."""
    with store.database.write() as connection:
        connection.execute("UPDATE experiment SET created = created - ?", (2 * _DAY * 1000,))
    store.close()
    return store.database.path


def test_a_store_without_experiments_or_of_today_needs_no_copy(store):
    store.close()
    assert run(store.database.path) is None
    with ExperimentStore(store.database.path) as again:
        again.create_experiment("of today")
    run(store.database.path)
    assert copies(store.database.path) == []


def test_a_changed_store_is_copied_once_a_day_and_three_copies_are_kept(path):
    assert run(path) is None
    (first,) = copies(path)
    run(path)
    assert copies(path) == [first]
    place = path.parent / "backups"
    for days in (5, 4, 3, 2):
        made_days_ago(place / first, days)
        (place / first).write_bytes(path.read_bytes())
    by_hand = (place / first).rename(place / "experiments-20200101T000000Z-by-hand.db")
    old = copies(path)
    # A change that alters no number of rows.
    with ExperimentStore(path) as store:
        store["first"].describe("changed")
    run(path)
    (new,) = set(copies(path)) - set(old)
    assert copies(path) == sorted([by_hand.name, new, *old[-2:]])
    with closing(sqlite3.connect(place / new)) as connection:
        assert connection.execute("SELECT name, description FROM experiment").fetchall() == [
            ("first", "changed")
        ]


def test_an_unchanged_store_is_not_copied_again(path):
    run(path)
    (copy,) = copies(path)
    old = made_days_ago(path.parent / "backups" / copy, 2)
    os.utime(path, (time.time() - 3 * _DAY,) * 2)
    run(path)
    assert copies(path) == [old.name]


def test_a_restore_finds_it(path):
    run(path)
    (copy,) = copies(path)
    path.write_bytes(b"\xee" * 50_000)
    assert ExperimentStore.restore(path).name == copy
    with ExperimentStore(path) as store:
        assert [experiment.name for experiment in store] == ["first"]
        assert store.check().warnings == []


def test_a_copy_that_fails_harms_nobody(path):
    (path.parent / "backups").write_text("a file in the way")
    with ExperimentStore(path) as store:
        store.rolling.start_if_due()
        store.rolling.wait(30)
        store["first"].describe("works")
        report = store.check()
    assert report.ok
    assert "The last backup could not be made" in repr(report)
