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
SECOND_FINGERPRINT = "0b7433ee0a153d3afa46d89af5e864d9633d9a4f024781dba187c58be83bd98d"


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """A project of the first schema: seven images, four of them PNGs in a folder beside the project."""
    with zipfile.ZipFile(GOLDEN / "schema-1.zip") as archive:
        archive.extractall(tmp_path)
    return tmp_path / "cells"


@pytest.fixture
def second(tmp_path: Path) -> Path:
    """A project of the second schema: four PNGs in a folder beside it, three stacks, and two crops of a PNG."""
    with zipfile.ZipFile(GOLDEN / "schema-2.zip") as archive:
        archive.extractall(tmp_path)
    return tmp_path / "cells"


def is_all_there(dataset: Dataset) -> None:
    """What was in the first project when its folder was packed."""
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


# -- the second schema -----------------------------------------------------------------------------


def second_is_all_there(dataset: Dataset) -> None:
    """What was in the second project when its folder was packed."""
    assert [(category.name, category.color) for category in dataset.categories] == [
        ("spherical", "#0072b2"),
        ("flat", "#123456"),
    ]
    images = dataset.images
    assert images.index.tolist() == list(range(1, 10))
    labels = ["spherical", "flat", "flat", "flat", "flat", "flat", None, "flat", None]
    assert [None if name != name else name for name in images["category"].tolist()] == labels
    assert images["partition"].tolist() == [
        *("training", "test", "validation", "validation", "training"),
        *("unassigned", "unassigned", "training", "unassigned"),
    ]
    assert images.index[images["unsure"]].tolist() == [2]
    assert images.index[images["excluded"]].tolist() == [7]
    assert images["note"].tolist() == [*[""] * 4, "out of focus", *[""] * 4]
    assert images["well"].tolist()[:4] == ["A1", "A2", "B1", "B2"]
    assert images["parent"].tolist()[7:] == [1, 1]
    assert images["prediction"].tolist()[4:] == ["spherical", "flat", "unheard of", "spherical", "flat"]
    assert images["confidence"].tolist()[5:] == [0.75, 1.0, 0.5, 0.5]
    assert dataset.predictions("exp-1")["unheard of"].tolist() == [0.0, 0.0, 1.0, pytest.approx(0.1), 0.375]
    assert dataset.columns().fixed.tolist() == [image_id == 2 for image_id in range(1, 10)]
    assert [channel.name for channel in dataset.channels][:2] == ["DAPI", "GFP"]
    assert dataset.channels[1].color == "#ff00ff"
    assert dataset.window()[1] == (10.0, 3000.0)
    version = dataset.version("second")
    assert version.fingerprint == SECOND_FINGERPRINT
    assert version.ids.tolist() == [1, 2, 3, 4, 5, 8]
    journal = dataset.journal
    assert journal["action"].tolist().count("undo") == 2
    assert journal.loc[journal["field"] == "unsure", ["author", "id"]].to_numpy().tolist() == [["bob", 2]]
    report = dataset.check(pixels=True)
    assert report.ok, report


def test_a_project_of_the_second_schema_is_brought_up_to_date(second):
    """Opened for writing, with a copy of what it was; an undo of the old journal still works."""
    with Dataset(second) as dataset:
        second_is_all_there(dataset)
        dataset.undo(by="bob")
        assert dataset.categories[1].color == "#e69f00"
        dataset.redo(by="bob")
        assert dataset.categories[1].color == "#123456"
        assert [category.key for category in dataset.categories] == ["", ""]
        assert not dataset.columns().refused.any()
        dataset.unlabel([6])
        assert dataset.snapshot("now").fingerprint == SECOND_FINGERPRINT
    assert schema_of(second / "project.db") == len(MIGRATIONS)
    copy = second / "backups" / f"project-before-schema-{len(MIGRATIONS)}.db"
    assert schema_of(copy) == 2
    assert restore(second, copy.name) == copy
    with Dataset(second) as dataset:
        second_is_all_there(dataset)


def test_a_project_of_the_second_schema_can_be_read_without_being_changed(second):
    """Mode "r" leaves every byte as it is."""
    before = {path: path.read_bytes() for path in second.rglob("*") if path.is_file()}
    with Dataset(second, "r") as dataset:
        second_is_all_there(dataset)
    after = {path: path.read_bytes() for path in second.rglob("*") if path.is_file()}
    assert {path: content for path, content in after.items() if path in before} == before
    assert schema_of(second / "project.db") == 2
