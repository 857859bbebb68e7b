"""Project folders as released versions have written them open, and keep all that was in them."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from piximi_widgets.dataset import Dataset
from piximi_widgets.dataset.safety.backups import restore
from piximi_widgets.dataset.schema import MIGRATIONS
from piximi_widgets.errors import ProjectError
from piximi_widgets.storage import Database
from piximi_widgets.storage import database as database_module

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).with_name("golden")
FIRST_FINGERPRINT = "2091b0d3a110fd164fd04cb0fac4bdd96b585b3b8175407120b6452198119029"


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """A project of the first schema: seven images, four of them PNGs in a folder beside the project."""
    with zipfile.ZipFile(GOLDEN / "schema-1.zip") as archive:
        archive.extractall(tmp_path)
    return tmp_path / "cells"


def is_all_there(dataset: Dataset) -> None:
    """What was in the project when its folder was packed."""
    assert len(dataset) == 7
    assert [category.name for category in dataset.categories] == ["spherical", "flat"]
    images = dataset.images
    assert images.loc[4, "category"] == "flat"
    assert images["excluded"].tolist() == [False] * 6 + [True]
    assert images["name"].str.endswith(".png").sum() == 4
    assert not dataset.columns().unsure.any()
    assert not dataset.columns().fixed.any()
    for image_id in images.index:
        assert (
            dataset.pixels(image_id).size
            == images.loc[image_id, ["planes", "height", "width", "channels"]].prod()
        )
    version = dataset.version("first")
    assert version.fingerprint == FIRST_FINGERPRINT
    journal = dataset.journal
    assert journal["revision"].is_monotonic_increasing
    assert {"ann", "bob"} <= set(journal["author"])
    of_four = journal[
        (journal["target"] == "image") & (journal["field"] == "category") & (journal["id"] == 4)
    ]
    assert of_four.iloc[-1]["author"] == "ann"
    assert of_four.iloc[-1]["action"] == "undo"
    assert of_four.iloc[-1]["after"] == "flat"
    report = dataset.check(pixels=True)
    assert report.ok, report


def schema_of(path: Path) -> int:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return connection.execute("PRAGMA user_version").fetchone()[0]


def test_a_project_of_the_first_schema_is_brought_up_to_date(first):
    """Opened for writing once, with a copy of what it was; everything is there and can be worked with."""
    with Dataset(first) as dataset:
        is_all_there(dataset)
        dataset.label([1, 7], "flat")
        dataset.undo()
        snapshot = dataset.snapshot("second")
        assert len(snapshot)
    assert schema_of(first / "project.db") == len(MIGRATIONS)
    copy = first / "backups" / f"project-before-schema-{len(MIGRATIONS)}.db"
    assert schema_of(copy) == 1
    # The copy is a backup like any other.
    assert restore(first, copy.name) == copy
    with Dataset(first) as dataset:
        is_all_there(dataset)


def test_an_old_project_can_be_read_without_being_changed(first):
    """Mode "r" shows it brought up to date, from threads too, while not a byte of the folder changes."""
    before = {path: path.read_bytes() for path in first.rglob("*") if path.is_file()}
    with Dataset(first, "r") as dataset:
        is_all_there(dataset)
        place = dataset._database._place
        assert place.exists()
    assert not place.parent.exists()
    after = {path: path.read_bytes() for path in first.rglob("*") if path.is_file()}
    assert {path: content for path, content in after.items() if path in before} == before
    assert {path.name for path in after.keys() - before.keys()} <= {"project.db-shm", "project.db-wal"}
    assert schema_of(first / "project.db") == 1


def test_an_old_project_in_a_folder_that_may_only_be_read(first, monkeypatch):
    """As it is when it came in an archive, on a disc, or from a colleague's share."""
    monkeypatch.setattr(database_module.os, "access", lambda path, mode: "piximi-" in str(path))
    names = set(first.iterdir())
    with Dataset(first, "r") as dataset:
        is_all_there(dataset)
    assert set(first.iterdir()) == names


def test_an_update_that_finds_the_disk_full_leaves_the_old_project(first, monkeypatch):
    """SQLite's page limit stands for the full disk, reached in the middle of the update."""
    real = Database._connect

    def connect(self: Database) -> sqlite3.Connection:
        connection = real(self)
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}").fetchall()
        return connection

    monkeypatch.setattr(Database, "_connect", connect)
    with pytest.raises(ProjectError, match=r"disk is full.* what was saved before is safe"):
        Dataset(first)
    monkeypatch.undo()
    assert schema_of(first / "project.db") == 1
    with Dataset(first) as dataset:
        is_all_there(dataset)


def test_no_update_without_a_copy(first):
    """Where the copy cannot be made nothing is changed, and reading goes on."""
    (first / "backups").write_text("a file in the way")
    with pytest.raises(ProjectError, match=r"no copy of it could be kept.*open it read-only"):
        Dataset(first)
    assert schema_of(first / "project.db") == 1
    with Dataset(first, "r") as dataset:
        is_all_there(dataset)


def test_two_that_update_at_once_lose_nothing(first):
    """Whoever comes second finds the new schema, and the copy is of the old one."""
    program = "import sys; from piximi_widgets.dataset import Dataset; print(len(Dataset(sys.argv[1])))"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(first)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for _ in range(3)
    ]
    assert [process.communicate(timeout=60)[0] for process in processes] == ["7\n"] * 3
    assert schema_of(first / "backups" / f"project-before-schema-{len(MIGRATIONS)}.db") == 1
    with Dataset(first) as dataset:
        is_all_there(dataset)
