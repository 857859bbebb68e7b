"""The files of a database, looked at from outside."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from piximi_widgets.errors import ProjectError
from piximi_widgets.storage import places as places_module
from piximi_widgets.storage.places import Surroundings
from tests.storage.test_database import insert, make, values


def remembered(folder: Path, **options: bool) -> Surroundings:
    surroundings = Surroundings(folder, **{"trusted": True, **options})
    surroundings.remember(surroundings.state())
    return surroundings


@pytest.fixture
def at_once(monkeypatch):
    """Folders are believed a moment after their last change, not three seconds."""
    monkeypatch.setattr(places_module, "_COARSEST_SECONDS", 0.1)
    return lambda: time.sleep(0.2)


def make_file(folder: Path) -> None:
    (folder / "new").touch()


def delete_file(folder: Path) -> None:
    (folder / "old").unlink()


def rename_file(folder: Path) -> None:
    (folder / "old").rename(folder / "older")


def replace_file(folder: Path) -> None:
    (folder.parent / "other").touch()
    os.replace(folder.parent / "other", folder / "old")


def move_folder(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


def replace_folder(folder: Path) -> None:
    shutil.copytree(folder, folder.with_name("copy"))
    shutil.rmtree(folder)
    folder.with_name("copy").rename(folder)


def set_times_back(folder: Path) -> None:
    """As an unpacked archive or rsync leaves it."""
    status = folder.stat()
    delete_file(folder)
    os.utime(folder, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize(
    "happens",
    [make_file, delete_file, rename_file, replace_file, move_folder, replace_folder, set_times_back],
)
def test_what_happens_in_a_folder_ends_its_calm(tmp_path, at_once, happens):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "old").touch()
    at_once()
    surroundings = remembered(folder)
    assert surroundings.are_calm()
    happens(folder)
    assert not surroundings.are_calm()


def test_a_folder_that_has_just_changed_is_not_called_calm(tmp_path):
    """Its time could stay the same if it changed once more now."""
    assert not remembered(tmp_path).are_calm()


def test_neither_is_one_that_is_not_there_or_not_trusted(tmp_path, at_once):
    at_once()
    assert not remembered(tmp_path / "missing").are_calm()
    assert not remembered(tmp_path, trusted=False).are_calm()


@pytest.mark.skipif(os.name != "posix", reason="Windows deletes no file that is open")
@pytest.mark.parametrize("name", ["a.db", "a.db-wal"])
def test_a_deleted_file_is_noticed_by_the_very_next_commit(tmp_path, at_once, name):
    database = make(tmp_path / "a.db")
    at_once()
    # The second one already believes the folder.
    insert(database, "kept")
    insert(database, "kept")
    saved = (tmp_path / name).read_bytes()
    (tmp_path / name).unlink()
    with pytest.raises(ProjectError, match="deleted"):
        insert(database, "lost")
    (tmp_path / name).write_bytes(saved)
    with pytest.raises(ProjectError, match="deleted"):
        insert(database, "lost, too")


@pytest.mark.skipif(os.name != "posix", reason="Windows deletes no file that is open")
@pytest.mark.parametrize("linked", ["before", "after"])
def test_a_deleted_file_is_noticed_also_behind_a_link(tmp_path, at_once, linked):
    """The folder of the link tells nothing of the file."""
    (tmp_path / "big").mkdir()
    (tmp_path / "small").mkdir()
    path, real = tmp_path / "small" / "a.db", tmp_path / "big" / "a.db"
    if linked == "before":
        path.symlink_to(real)
        real.touch()
    database = make(path)
    if linked == "after":
        path.rename(real)
        path.symlink_to(real)
    at_once()
    insert(database, "kept")
    insert(database, "kept")
    real.unlink()
    with pytest.raises(ProjectError, match="deleted"):
        insert(database, "lost")


@pytest.mark.skipif(os.name != "posix", reason="Windows deletes no file that is open")
def test_a_deleted_file_is_noticed_where_folders_have_no_times(tmp_path, at_once, monkeypatch):
    """As the topmost folder of a FAT volume."""
    stat = os.stat

    def without_times(path, *arguments, **options):
        status = stat(path, *arguments, **options)
        if os.fspath(path) != str(tmp_path):
            return status
        return SimpleNamespace(
            **{name: getattr(status, name) for name in dir(status) if name.startswith("st_")}
            | {"st_mtime": 0, "st_mtime_ns": 0, "st_ctime_ns": 0}
        )

    monkeypatch.setattr(places_module.os, "stat", without_times)
    database = make(tmp_path / "a.db")
    insert(database, "kept")
    insert(database, "kept")
    (tmp_path / "a.db").unlink()
    with pytest.raises(ProjectError, match="deleted"):
        insert(database, "lost")


@pytest.mark.skipif(os.name != "posix", reason="Windows deletes no file that is open")
def test_a_file_that_was_deleted_in_a_transaction_is_noticed_by_its_commit(tmp_path, at_once):
    database = make(tmp_path / "a.db")
    at_once()
    insert(database, "kept")
    insert(database, "kept")

    def write_into_nothing() -> None:
        with database.write() as connection:
            connection.execute("INSERT INTO item (value) VALUES ('lost')")
            (tmp_path / "a.db").unlink()

    with pytest.raises(ProjectError, match="deleted"):
        write_into_nothing()


@pytest.mark.skipif(os.name != "posix", reason="Windows deletes no file that is open")
def test_two_writers_agree_on_a_lock_file_that_somebody_tidied_away(tmp_path, at_once):
    one, other = make(tmp_path / "a.db"), make(tmp_path / "a.db")
    if not one._guarded:
        pytest.skip("this SQLite needs no lock file")
    at_once()
    for _ in range(2):
        insert(one, "before")
        insert(other, "before")
    (tmp_path / "a.db-lock").unlink()
    insert(one, "after")
    with one.write():
        # The first time it only finds that its own file is not the one that is locked.
        assert not other._try_lock()
        assert not other._try_lock()
    insert(other, "after")
    assert values(tmp_path / "a.db").count("after") == 2


def test_a_commit_in_a_calm_folder_looks_at_nothing_else(tmp_path, at_once, monkeypatch):
    database = make(tmp_path / "a.db")
    at_once()
    insert(database, "one")
    looked: list[str] = []
    stat = os.stat

    def seen(path, *arguments, **options):
        looked.append(os.fspath(path))
        return stat(path, *arguments, **options)

    monkeypatch.setattr(places_module.os, "stat", seen)
    insert(database, "two")
    assert set(looked) == {str(tmp_path)}
