"""Stores that keep their files in one folder: none removes what another one needs."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

from piximi_widgets.errors import StoreError
from piximi_widgets.experiments import ExperimentStore


@pytest.fixture
def other(store):
    with ExperimentStore(store.folder / "other.db") as other:
        yield other


def test_no_way_of_removing_takes_a_file_of_the_other_store(store, experiment, other, tmp_path):
    for number, shade in enumerate((0, 255)):
        Image.fromarray(np.full((4, 4), shade, np.uint8)).save(tmp_path / f"{number}.png")
    theirs = other.create_experiment("theirs")
    for one in (experiment, theirs):
        one.artifacts.store("model", b"weights")
        one.artifacts.store("more", b"more weights")
        one.log("image", tmp_path / "0.png", type="IMAGE")
    experiment.publish("cells")
    experiment.log("image", tmp_path / "1.png", type="IMAGE")
    experiment.artifacts["model"].delete()
    experiment.delete_logs()
    store.models["cells"].delete()
    experiment.delete()
    experiment.purge()
    assert theirs.artifacts["model"].path.read_bytes() == b"weights"
    assert theirs.artifacts["more"].path.read_bytes() == b"more weights"
    assert theirs.get_log("image").path.is_file()


def test_a_store_elsewhere_that_keeps_its_files_here_is_known(store, experiment, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    with ExperimentStore(tmp_path / "elsewhere" / "far.db", store.contents.folder) as far:
        theirs = far.create_experiment("theirs").artifacts.store("model", b"same")
        ours = experiment.artifacts.store("model", b"same")
        ours.delete()
        assert theirs.path.read_bytes() == b"same"
        with pytest.raises(StoreError, match="far.db"):
            store.collect_garbage()


def test_a_store_of_before_without_a_note_is_known_by_its_file(store, experiment, other):
    theirs = other.create_experiment("theirs").artifacts.store("model", b"same")
    experiment.artifacts.store("model", b"same")
    shutil.rmtree(store.contents.folder / "stores")
    experiment.artifacts["model"].delete()
    assert theirs.path.read_bytes() == b"same"


def test_a_store_alone_removes_its_files_also_after_it_was_moved_with_them(store, experiment, tmp_path):
    experiment.artifacts.store("model", b"weights")
    store.close()
    moved = tmp_path / "moved"
    moved.mkdir()
    shutil.move(store.database.path, moved / "experiments.db")
    shutil.move(store.contents.folder, moved / "artifacts")
    with ExperimentStore(moved / "experiments.db") as again:
        path = again["first"].artifacts["model"].path
        again["first"].artifacts["model"].delete()
        assert not path.exists()


def test_a_store_that_was_renamed_or_deleted_beside_the_folder_no_longer_counts(store, experiment, other):
    other.create_experiment("theirs").artifacts.store("model", b"theirs")
    other.close()
    (store.folder / "other.db").unlink()
    path = experiment.artifacts.store("model", b"ours").path
    experiment.artifacts["model"].delete()
    assert not path.exists()


def test_an_imported_experiment_makes_the_folder_known_as_used(store, experiment, tmp_path):
    experiment.artifacts.store("model", b"same")
    archive = experiment.export(tmp_path / "run.zip")
    (tmp_path / "elsewhere").mkdir()
    with ExperimentStore(tmp_path / "elsewhere" / "far.db", store.contents.folder) as far:
        imported = far.import_experiment(archive)
        experiment.artifacts["model"].delete()
        assert imported.artifacts["model"].path.read_bytes() == b"same"
