"""Opening, creating and refusing project folders."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import uuid

import numpy as np
import pytest

from piximi_widgets.dataset import Dataset
from piximi_widgets.errors import NewerVersionError, NotAProjectError, ProjectError, ReadOnlyError


def everything_in(folder):
    """Names and contents of all files below a folder."""
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_new_project_is_announced_in_one_line(tmp_path, capsys):
    """Mode "a" creates and says so; opening again is silent."""
    with Dataset(tmp_path / "new" / "cells") as dataset:
        assert dataset.name == "cells"
        assert len(dataset) == 0
    assert capsys.readouterr().out == f"Created the project {tmp_path / 'new' / 'cells'}\n"
    Dataset(tmp_path / "new" / "cells").close()
    assert capsys.readouterr().out == ""


def test_the_folder_has_the_documented_layout(dataset):
    """project.db, images and cache lie in the folder."""
    names = {path.name for path in dataset.path.iterdir()}
    assert {"project.db", "images", "cache"} <= names


def test_the_uid_is_a_uuid_that_moves_with_the_folder(dataset, tmp_path):
    """A project is known by its uid wherever it is opened, and no two share one."""
    uid = dataset.uid
    assert str(uuid.UUID(uid)) == uid
    dataset.close()
    shutil.move(dataset.path, tmp_path / "moved")
    with Dataset(tmp_path / "moved") as moved, Dataset(tmp_path / "other") as other:
        assert moved.uid == uid != other.uid


@pytest.mark.parametrize("mode", ["a", "x", "r", "r+"])
def test_a_folder_with_other_things_is_not_touched(tmp_path, mode):
    """A folder that is no project is refused, and nothing is written into it."""
    folder = tmp_path / "holiday"
    folder.mkdir()
    (folder / "photo.txt").write_text("sun")
    before = everything_in(tmp_path)
    with pytest.raises(NotAProjectError, match="holiday"):
        Dataset(folder, mode)
    assert everything_in(tmp_path) == before


def test_a_folder_with_litter_only_counts_as_empty(tmp_path):
    """What a file browser leaves behind does not make a folder somebody's."""
    (tmp_path / "cells").mkdir()
    (tmp_path / "cells" / ".DS_Store").write_bytes(b"x")
    Dataset(tmp_path / "cells").close()


@pytest.mark.parametrize("mode", ["r", "r+"])
def test_a_missing_project_is_not_made(tmp_path, mode):
    """Modes that need a project do not create one."""
    with pytest.raises(NotAProjectError, match='mode="a" makes a new one'):
        Dataset(tmp_path / "nowhere", mode)
    assert not list(tmp_path.iterdir())


def test_x_refuses_an_existing_project(dataset):
    """Mode "x" never opens what is there."""
    with pytest.raises(ProjectError, match="already"):
        Dataset(dataset.path, "x")


def test_a_file_and_an_unknown_mode_are_refused(tmp_path):
    """A path to a file, and a mode of another kind, get a sentence."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotAProjectError, match="is a file"):
        Dataset(tmp_path / "file")
    with pytest.raises(ProjectError, match="read-only"):
        Dataset(tmp_path / "new", "w")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("mode", ["a", "r", "r+", "x"])
def test_a_name_that_no_file_system_takes(tmp_path, mode):
    with pytest.raises(ProjectError, match="cannot be reached: .*too long"):
        Dataset(tmp_path / ("x" * 300), mode)


def test_another_programs_database_is_not_touched(tmp_path):
    """A project.db that belongs to something else, or is no database, is recognised and left alone."""
    for name in ("sqlite", "text"):
        folder = tmp_path / name
        folder.mkdir()
        if name == "sqlite":
            with sqlite3.connect(folder / "project.db") as connection:
                connection.execute("CREATE TABLE somebody (thing)")
            connection.close()
        else:
            (folder / "project.db").write_text("not a database at all" * 100)
        before = everything_in(folder)
        for mode in ("a", "r+", "r"):
            with pytest.raises(NotAProjectError, match="left as it is"):
                Dataset(folder, mode)
        assert {path: data for path, data in everything_in(folder).items() if path in before} == before


def test_a_newer_projects_folder_is_refused_by_name(dataset):
    """A schema that this version does not know is never half read."""
    dataset.close()
    connection = sqlite3.connect(dataset.path / "project.db")
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    for mode in ("a", "r", "r+"):
        with pytest.raises(NewerVersionError, match=r"newer version.*pip install -U"):
            Dataset(dataset.path, mode)


def test_read_only_reads_everything_and_writes_nothing(ten, tmp_path):
    """Mode "r" shows the project, and every change is refused before it happens."""
    ten.label(1, "a")
    version = ten.snapshot()
    with Dataset(ten.path, "r") as reader:
        assert reader.read_only
        revision = reader.revision
        assert reader.images.loc[1, "category"] == "a"
        assert reader.version(version.uid).fingerprint == version.fingerprint
        assert reader.pixels(1).shape == (1, 4, 6, 1)
        changes = [
            lambda: reader.label(1, "b"),
            lambda: reader.add_images(np.zeros((1, 4, 9), np.uint8)),
            lambda: reader.add_images(tmp_path / "none.png"),
            lambda: reader.undo(),
            lambda: reader.snapshot("mine"),
            lambda: reader.split(),
            lambda: reader.assign_partitions(),
            lambda: reader.store_predictions("e", ["a"], [1], np.ones((1, 1))),
            lambda: reader.clear_predictions(),
            lambda: reader.accept_predictions(),
        ]
        for change in changes:
            with pytest.raises(ReadOnlyError):
                change()
        assert reader.revision == revision
    assert len(list((ten.path / "images").iterdir())) == 1


def test_a_closed_project_says_so(ten):
    """Use after close is an error of ours; closing twice is not."""
    ten.close()
    ten.close()
    with pytest.raises(ProjectError, match="closed"):
        ten.label(1, "a")


def test_two_processes_may_create_the_same_project(tmp_path):
    """Both find the same project, whoever came first."""
    script = (
        "import sys; from piximi_widgets.dataset import Dataset\n"
        "d = Dataset(sys.argv[1]); d.add_category(sys.argv[2]); print('uid', d.uid)"
    )
    commands = [[sys.executable, "-c", script, str(tmp_path / "cells"), name] for name in "ab"]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert len({output.splitlines()[-1] for output in outputs}) == 1
    with Dataset(tmp_path / "cells") as dataset:
        assert sorted(category.name for category in dataset.categories) == ["a", "b"]


def test_the_room_loads_no_heavy_package():
    """Importing the room, and labeling, load neither pandas nor TensorFlow."""
    script = (
        "import sys, tempfile, numpy as np; from piximi_widgets.dataset import Dataset\n"
        "d = Dataset(tempfile.mkdtemp() + '/cells'); d.add_images(np.zeros((2, 9, 9), np.uint8))\n"
        "d.add_category('a'); d.label([1, 2], 'a'); d.snapshot(); d.thumbnail(1); d._repr_html_()\n"
        "print([m for m in ('pandas', 'tensorflow', 'sklearn', 'matplotlib', 'keras') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr
