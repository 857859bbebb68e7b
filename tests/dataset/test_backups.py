"""Copies of the database that are made unasked, those made by hand, and putting one of them back."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from piximi_widgets.dataset import Dataset
from piximi_widgets.dataset.safety.backups import backups, restore
from piximi_widgets.errors import NewerVersionError, NotAProjectError, ProjectError, ReadOnlyError
from piximi_widgets.storage import FileLock
from piximi_widgets.storage import backups as backups_module
from piximi_widgets.storage import database as database_module
from piximi_widgets.storage import rolling_backups as rolling_module


def names(folder: Path) -> list[str]:
    """The files in ``backups/``, hidden ones left out."""
    place = folder / "backups"
    return sorted(path.name for path in place.glob("[!.]*")) if place.is_dir() else []


def labels(path: Path) -> dict[int, int]:
    """Category by image, read by SQLite alone, which makes no other file on the way."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA journal_mode").fetchall() == [("delete",)]
        return dict(connection.execute("SELECT id, category_id FROM image"))


@pytest.fixture
def days(monkeypatch):
    """Lets the backups' clock go on by some days."""
    passed = [0.0]
    real = time.time
    monkeypatch.setattr(rolling_module.time, "time", lambda: real() + 86_400 * passed[0])

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(days=passed[0])

    monkeypatch.setattr(backups_module, "datetime", Clock)

    def go_on(number: float) -> None:
        passed[0] += number

    return go_on


def opened(path: Path, mode: str = "a") -> Dataset:
    """The project, once a backup that is being made is there."""
    dataset = Dataset(path, mode)
    dataset._backups.wait(30)
    return dataset


def test_a_new_project_has_neither_backup_nor_thread(ten):
    """Nothing is done for a project that is not a day old, however often it is opened."""
    ten.close()
    before = threading.active_count()
    with Dataset(ten.path) as dataset:
        assert threading.active_count() == before
        dataset.label(1, "a")
    assert names(ten.path) == []


def test_a_changed_project_is_copied_once_a_day(ten, days):
    """When it is opened for writing and the last copy is a day old; three copies are kept, and those made by
    hand."""
    ten.label([1, 2], "a")
    by_hand = ten.backup()
    ten.close()
    days(1.1)
    # Unchanged since the copy by hand.
    opened(ten.path).close()
    assert names(ten.path) == [by_hand.name]
    with opened(ten.path) as dataset:
        dataset.label([3], "b")
    expected = []
    for day in range(5):
        days(1.1)
        opened(ten.path, "r").close()
        with opened(ten.path) as dataset:
            dataset.label([4], "ab"[day % 2])
        opened(ten.path).close()
        (new,) = set(names(ten.path)) - {by_hand.name} - set(expected)
        expected.append(new)
        expected = expected[-3:]
        assert names(ten.path) == sorted([*expected, by_hand.name])
    # The label of the last day is not in it; those before are.
    assert labels(ten.path / "backups" / expected[-1]) == {
        1: 1,
        2: 1,
        3: 2,
        4: 2,
        **dict.fromkeys(range(5, 11), 0),
    }
    assert labels(by_hand)[3] == 0


def test_labels_go_on_while_a_copy_is_made(ten, days, monkeypatch):
    """A copy takes its time in steps; every label in between is quick, and the copy shows one moment."""
    ten.add_images(np.zeros((3000, 2, 2), np.uint8))
    ten.label(range(1, 11), "a")
    ten.close()
    days(1.1)
    monkeypatch.setattr(database_module, "_PAGES_AT_ONCE", 2)
    slowest = 0.0
    with Dataset(ten.path) as dataset:
        thread = dataset._backups._thread
        count = 0
        while thread.is_alive():
            started = time.perf_counter()
            dataset.label(range(1, 11), "bc"[count % 2])
            slowest = max(slowest, time.perf_counter() - started)
            count += 1
        assert count > 20
        (copy,) = names(ten.path)
        found = labels(ten.path / "backups" / copy)
        assert len({found[number] for number in range(1, 11)}) == 1
        assert len(found) == 3010
        assert dataset.check().ok
    assert slowest < 0.5


def test_closing_gives_a_copy_up(ten, days, monkeypatch):
    """The thread has ended when close() returns, and nothing half is left."""
    ten.add_images(np.zeros((2000, 2, 2), np.uint8))
    ten.close()
    days(1.1)
    monkeypatch.setattr(database_module, "_PAGES_AT_ONCE", 1)
    monkeypatch.setattr(database_module, "_PAUSE_SECONDS", 0.05)
    before = threading.active_count()
    dataset = Dataset(ten.path)
    time.sleep(0.2)
    assert dataset._backups._thread.is_alive()
    started = time.perf_counter()
    dataset.close()
    assert time.perf_counter() - started < 2
    assert threading.active_count() == before
    assert list((ten.path / "backups").glob("*project-*")) == []
    assert list((ten.path / "backups").glob(".*part*")) == []


def test_a_copy_that_fails_harms_nobody(ten, days):
    """The project opens and works; check() tells."""
    ten.label(1, "a")
    ten.close()
    (ten.path / "backups").write_text("a file in the way")
    days(1.1)
    with opened(ten.path) as dataset:
        dataset.label(2, "a")
        report = dataset.check()
        assert report.ok
        (warning,) = report.warnings
        assert warning.kind == "backup"
        assert "could not be made" in repr(report)
        with pytest.raises(ProjectError, match="No backup of"):
            dataset.backup()


def test_a_copy_of_a_damaged_project_replaces_no_good_one(ten, days):
    """Only what passes SQLite's check becomes a backup."""
    ten.label(range(1, 11), "a")
    good = ten.backup()
    ten.label(1, "b")
    ten.close()
    with closing(sqlite3.connect(ten.path / "project.db")) as connection:
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'prediction'").fetchone()[
            0
        ]
    with (ten.path / "project.db").open("rb+") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xff" * 4096)
    days(1.1)
    with opened(ten.path) as dataset:
        assert dataset._backups.failure
        assert not dataset.check().ok
    assert names(ten.path) == [good.name]


def test_a_read_only_project_makes_no_copy(ten, days):
    """Neither by itself nor by hand."""
    ten.label(1, "a")
    ten.close()
    days(3)
    with opened(ten.path, "r") as dataset, pytest.raises(ReadOnlyError):
        dataset.backup()
    assert names(ten.path) == []


def test_copies_by_hand_are_all_kept(ten):
    """Two within one second have names of their own."""
    first, second = ten.backup(), ten.backup()
    assert first != second
    assert labels(first) == labels(second)
    assert [backup.rolling for backup in backups(ten.path)] == [False, False]


def test_restore_takes_the_newest_intact_copy(ten, capsys):
    """A damaged copy is passed over and named, also among those of one second; the old file is kept, and what is in place can be worked with."""
    ten.label([1], "a")
    oldest = ten.backup()
    ten.label([2], "b")
    wanted = ten.backup()
    ten.label([3], "c")
    newest = ten.backup()
    ten.close()
    os.truncate(newest, 30_000)
    os.truncate(ten.path / "project.db", 20_000)
    damaged = (ten.path / "project.db").read_bytes()
    capsys.readouterr()
    assert restore(ten.path) == wanted
    (aside,) = ten.path.glob("project-damaged-*.db")
    assert aside.read_bytes() == damaged
    assert capsys.readouterr().out == (
        f"Restored the project {ten.path} from {wanted.name} with 6 operations. Newer backups are of no use and"
        f" were passed over: {newest.name} (damaged). What was there is kept as {aside.name}.\n"
    )
    assert wanted.exists()
    with Dataset(ten.path) as dataset:
        assert dataset.uid == ten.uid
        assert dataset.images["category"].tolist()[:2] == ["a", "b"]
        assert dataset.images["category"].isna().sum() == 8
        dataset.label([4], "c")
        report = dataset.check(pixels=True)
        assert report.ok
        assert newest.name in report.warnings[0].sentence
    # By name, and although the project is intact now.
    assert restore(ten.path, oldest.name) == oldest
    assert len(list(ten.path.glob("project-replaced-*.db"))) == 1
    with Dataset(ten.path) as dataset:
        assert dataset.images["category"].isna().sum() == 9


def test_restores_in_one_second_overwrite_nothing(ten):
    """What each of them found is kept."""
    copy = ten.backup()
    ten.close()
    for number in (1, 2, 3):
        with Dataset(ten.path) as dataset:
            dataset.label(number, "a")
        restore(ten.path, copy.name)
    labeled = []
    for path in ten.path.glob("project-replaced-*.db"):
        with closing(sqlite3.connect(path)) as connection:
            labeled += connection.execute("SELECT id FROM image WHERE category_id > 0").fetchall()
    assert sorted(labeled) == [(1,), (2,), (3,)]


def test_restore_refuses_what_would_help_nobody(ten, tmp_path):
    """An intact project without a named copy, a copy that is damaged or unknown, and a folder without any."""
    good = ten.backup()
    ten.close()
    before = (ten.path / "project.db").read_bytes()
    with pytest.raises(ProjectError, match=rf"is intact.*{good.name}"):
        restore(ten.path)
    with pytest.raises(ProjectError, match=rf"no backup 'other\.db'; there are: {good.name}"):
        restore(ten.path, "other.db")
    os.truncate(good, 10_000)
    with pytest.raises(ProjectError, match="is damaged or no project"):
        restore(ten.path, good)
    with pytest.raises(NotAProjectError, match="no project at"):
        restore(tmp_path / "nowhere")
    assert (ten.path / "project.db").read_bytes() == before
    assert not list(ten.path.glob("project-*"))


def test_restore_leaves_projects_of_a_newer_version_alone(ten):
    """What this version cannot read is not damaged, and not rewritten with what this version knows."""
    good = ten.backup()
    newer = ten.backup()
    ten.close()
    with closing(sqlite3.connect(newer)) as connection:
        connection.execute("PRAGMA user_version=99")
    with Dataset(ten.path) as dataset:
        assert dataset.check().warnings == []
    before = (ten.path / "project.db").read_bytes()
    with pytest.raises(NewerVersionError, match="Update with"):
        restore(ten.path, newer.name)
    assert (ten.path / "project.db").read_bytes() == before
    os.truncate(ten.path / "project.db", 100)
    assert restore(ten.path) == good
    (ten.path / "project.db").write_bytes(newer.read_bytes())
    with pytest.raises(ProjectError, match="is intact"):
        restore(ten.path)
    assert (ten.path / "project.db").read_bytes() == newer.read_bytes()


def test_restore_finds_no_project_in_another_database(ten):
    ten.close()
    place = ten.path / "project.db"
    place.unlink()
    with closing(sqlite3.connect(place)) as connection:
        connection.execute("CREATE TABLE stranger (id)")
    with pytest.raises(ProjectError, match="no image could be read"):
        restore(ten.path)


def test_a_project_that_is_open_is_not_restored(ten):
    """Not even looked at: to close the file here would drop the locks of whoever has it open in this process."""
    copy = ten.backup()
    ten.label(range(1, 11), "a")
    for backup in (None, copy):
        with pytest.raises(ProjectError, match="is open, here or in another program"):
            restore(ten.path, backup)
    assert ten.label(1, "b").changed.tolist() == [1]
    ten.close()
    lock = FileLock(ten.path / "project.db-open-lock")
    assert lock.acquire()
    with pytest.raises(ProjectError, match="is open"):
        restore(ten.path, copy)
    lock.release()
    assert restore(ten.path, copy) == copy
    with Dataset(ten.path) as dataset:
        assert dataset.images["category"].isna().all()
        assert dataset.check().ok


def test_the_newest_copy_is_restored_and_not_the_one_with_most_operations(ten):
    """Who went back to an older state and worked on there means that one; a clock that went wrong does not count."""
    early = ten.backup()
    for number in range(1, 6):
        ten.label(number, "a")
    large = ten.backup()
    ten.close()
    restore(ten.path, early.name)
    with Dataset(ten.path) as dataset:
        dataset.label(7, "b")
        newest = dataset.backup()
    future = large.with_name(f"project-{datetime.now(UTC).year + 9}0101T000000Z.db")
    large.rename(large.with_name("project-20200101T000000Z.db"))
    future.write_bytes(early.read_bytes())
    (ten.path / "project.db").unlink()
    assert restore(ten.path) == newest
    with Dataset(ten.path) as dataset:
        assert dataset.images["category"].dropna().to_dict() == {7: "b"}


def test_an_object_that_is_still_open_writes_nothing_after_its_file_was_replaced(ten):
    """Its connection leads to the file that was set aside, as when somebody copies a backup there by hand."""
    copy = ten.backup()
    ten.label(range(1, 11), "a")
    ten.close()
    dataset = Dataset(ten.path)
    (ten.path / "project.db").rename(ten.path / "aside.db")
    (ten.path / "project.db").write_bytes(copy.read_bytes())
    with pytest.raises(ProjectError, match="replaced while it was open"):
        dataset.label(1, "b")
    dataset.close()
    with Dataset(ten.path) as dataset:
        assert dataset.images["category"].isna().all()
        assert dataset.check().ok


def damage(path: Path, table: str, which: float) -> None:
    """Overwrite one leaf page of a table with garbage; `which` is its place from 0 to 1."""
    with closing(sqlite3.connect(path)) as connection:
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
    content = bytearray(path.read_bytes())
    interior = content[(root - 1) * 4096 : root * 4096]
    assert interior[0] in (2, 5), "the table is too small to have leaves of its own"
    cells = int.from_bytes(interior[3:5], "big")
    cell = int.from_bytes(interior[12 + 2 * int(cells * which) : 14 + 2 * int(cells * which)], "big")
    leaf = int.from_bytes(interior[cell : cell + 4], "big")
    content[(leaf - 1) * 4096 : leaf * 4096] = b"\xee" * 4096
    path.write_bytes(content)


@pytest.mark.parametrize("table", ["image", "change", "operation"])
def test_what_can_be_read_is_saved_where_there_is_no_copy(dataset, table, capsys):
    """The rows before and after the damage; check() says what is missing, and no id is given twice."""
    dataset.add_images(np.arange(2000 * 4, dtype=np.uint16).reshape(2000, 2, 2))
    for name in "ab":
        dataset.add_category(name)
    for number in range(400):
        dataset.label(range(1 + number * 5, 6 + number * 5), "ab"[number % 2])
    last = dataset.revision
    truth = dict(zip(dataset.columns().id.tolist(), dataset.columns().category_id.tolist(), strict=True))
    dataset.close()
    damage(dataset.path / "project.db", table, 0.5)
    restore(dataset.path)
    assert "what could still be read" in capsys.readouterr().out
    with Dataset(dataset.path) as saved:
        assert saved.uid == dataset.uid
        report = saved.check(pixels=True)
        assert not report.ok
        assert {problem.kind for problem in report.problems} <= {"journal", "database"}
        columns = saved.columns()
        found = dict(zip(columns.id.tolist(), columns.category_id.tolist(), strict=True))
        assert found.items() <= truth.items()
        if table == "image":
            assert 1900 < len(found) < 2000
        else:
            assert found == truth
        assert saved.add_images(np.zeros((1, 2, 2), np.uint16)).added == [2001]
        assert saved.revision == last + 1
        assert saved.label([2001, 1], "a").changed.tolist()


def test_a_file_of_which_nothing_is_left_is_left_alone(ten):
    """Where nothing can be saved, nothing is done."""
    ten.close()
    (ten.path / "project.db").write_bytes(os.urandom(50_000))
    before = (ten.path / "project.db").read_bytes()
    with pytest.raises(ProjectError, match="no intact backup.*left as it is"):
        restore(ten.path)
    assert (ten.path / "project.db").read_bytes() == before
    left = {"project.db", "project.db-lock", "project.db-open-lock", "images", "cache"}
    assert {path.name for path in ten.path.iterdir()} <= left


def test_a_time_in_the_future_stops_no_backup(ten, days):
    """A clock that went wrong once must not keep backups away for years."""
    ten.label(1, "a")
    copy = ten.backup()
    future = copy.with_name(f"project-{datetime.now(UTC).year + 9}0101T000000Z.db")
    copy.rename(future)
    ten.label(2, "a")
    ten.close()
    opened(ten.path).close()
    assert len(names(ten.path)) == 2


def test_copies_from_the_future_drive_no_newer_ones_out(ten, days):
    """Three of them count for nothing: a copy a day is made and kept beside them."""
    ten.label(1, "a")
    copy = ten.backup()
    year = datetime.now(UTC).year + 9
    future = [f"project-{year}010{number}T000000Z.db" for number in (1, 2, 3)]
    for name in future:
        copy.with_name(name).write_bytes(copy.read_bytes())
    copy.unlink()
    days(1.5)
    ten.close()
    for number in (2, 3):
        opened(ten.path).close()
        present = set(names(ten.path)) - set(future)
        assert len(present) == 1
        with opened(ten.path) as again:
            # Not due: no second one on the same day.
            assert set(names(ten.path)) - set(future) == present
            again.label(number, "a")
    days(1.5)
    opened(ten.path).close()
    assert len(names(ten.path)) == len(future) + 2
