"""Deleting for good: all rows and files go, what others need stays, and nothing goes by halves."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from piximi_widgets.errors import ExperimentExistsError, ExperimentNotFoundError, ReadOnlyError, StoreError
from piximi_widgets.experiments import ExperimentStore, settings


class Version:
    uid, name, fingerprint = "u-1", "plates", "ab" * 32


def fill(experiment, folder: Path) -> None:
    """Something of every kind."""
    experiment.parameters = {"lr": 0.1}
    experiment.labelmap = ["a", "b"]
    experiment.tags = ["x"]
    experiment.attach_dataset(Version)
    experiment.log_metrics({"loss": 1.0, "accuracy": 0.5}, phase="train")
    experiment.log("curve", list(range(500)))
    image = folder / "image.png"
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(image)
    experiment.log("image", image, type="IMAGE")
    deep = folder / "deep" / "er"
    deep.mkdir(parents=True)
    (deep / "x").write_bytes(experiment.name.encode())
    experiment.artifacts.store("folder", folder / "deep")
    experiment.artifacts.store("file", b"version 1")
    experiment.artifacts.store("file", b"version 2")
    experiment.add_evaluations("test", [1, 2], [0, 1], np.eye(2, dtype=np.float32), ["a", "b"])
    experiment.telemetry.append("a line")


def counts(path: Path) -> dict[str, int]:
    """Rows of every table, by plain sqlite3."""
    connection = sqlite3.connect(path)
    try:
        names = [
            row[0]
            for row in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            )
        ]
        return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}
    finally:
        connection.close()


def test_a_purged_experiment_leaves_no_row_and_no_file(store, tmp_path):
    before = counts(store.database.path)
    experiment = store.create_experiment("gone")
    fill(experiment, tmp_path)
    full = counts(store.database.path)
    assert full["point"] == 502
    assert full["folder_file"] == 1
    uid = experiment.uid
    experiment.delete()
    experiment.purge()
    assert counts(store.database.path) == before
    assert [path for path in store.contents.folder.glob("??/*") if path.is_file()] == []
    for key in (experiment.id, uid, "gone"):
        with pytest.raises(ExperimentNotFoundError):
            store[key]
    with pytest.raises(ExperimentNotFoundError, match="purged"):
        experiment.name  # noqa: B018
    with pytest.raises(ExperimentNotFoundError):
        experiment.purge()
    assert store.create_experiment("gone").id > experiment.id


def test_what_others_need_stays(store, tmp_path):
    gone = store.create_experiment("gone")
    (tmp_path / "1").mkdir()
    fill(gone, tmp_path / "1")
    other = store.create_experiment("other")
    other.artifacts.store("folder", tmp_path / "1" / "deep")
    other.artifacts.store("file", b"version 2")
    other.log("image", tmp_path / "1" / "image.png", type="IMAGE")
    other.log_metrics({"loss": 7.0}, phase="train")
    gone.delete()
    gone.purge()
    copy = other.artifacts["folder"].download(tmp_path / "out")
    assert (copy / "er" / "x").read_bytes() == b"gone"
    assert other.artifacts["file"].path.read_bytes() == b"version 2"
    assert other.get_log("image").path.is_file()
    assert other.metrics_array("train/loss")[1].tolist() == [7.0]
    assert len([path for path in store.contents.folder.glob("??/*") if path.is_file()]) == 3


def test_only_a_deleted_experiment_is_purged(store, experiment):
    with pytest.raises(StoreError, match="delete"):
        experiment.purge()
    assert store["first"] == experiment


def test_a_base_is_not_purged(store, experiment):
    child = store.create_experiment("child", base_experiment=experiment)
    experiment.delete()
    with pytest.raises(StoreError, match="'child' went on from 'first'.*hidden"):
        experiment.purge()
    child.delete()
    with pytest.raises(StoreError, match="'child'"):
        experiment.purge()
    child.purge()
    experiment.purge()
    assert store.deleted == []


def test_one_that_is_worked_on_is_not_purged(store, experiment, hire):
    worker, _ = hire()
    job = store.enqueue(experiment, "predict", {}, "here")
    experiment.delete()
    assert store.claim(worker, "here", 0) is not None
    with pytest.raises(StoreError, match="at work"):
        experiment.purge()
    assert store.jobs(experiment)[0].id == job.id


def test_points_go_piece_by_piece(store, experiment, monkeypatch, query):
    """One purge that ends after its first step leaves points, which nobody sees and the next purge takes along."""
    monkeypatch.setattr("piximi_widgets.experiments.artifacts.garbage._POINTS_A_COMMIT", 100)
    store.create_experiment("second").log("curve", list(range(450)))
    experiment.log("curve", list(range(450)))
    monkeypatch.setattr(settings, "remove_orphaned_points", lambda store: None)
    experiment.delete()
    experiment.purge()
    assert query("SELECT count(*) FROM point") == [(900,)]
    assert query("SELECT count(*) FROM experiment") == [(1,)]
    store.collect_garbage()
    assert query("SELECT count(*) FROM point") == [(450,)]
    assert store["second"].metrics_array("curve")[1].tolist() == list(range(450))


def test_deleted_lists_what_can_be_restored_or_purged(store):
    for name in "abc":
        store.create_experiment(name)
    assert store.deleted == []
    for name in "bca":
        store[name].delete()
    assert sorted(found.name for found in store.deleted) == ["a", "b", "c"]
    assert all(found.is_deleted for found in store.deleted)
    next(found for found in store.deleted if found.name == "b").restore()
    assert sorted(found.name for found in store.deleted) == ["a", "c"]
    assert [found.name for found in store] == ["b"]


def test_the_one_that_was_deleted_last_comes_first(store, query):
    for name in "ab":
        store.create_experiment(name).delete()
    connection = sqlite3.connect(store.database.path)
    connection.execute("UPDATE experiment SET deleted = 1000 WHERE name = 'b'")
    connection.commit()
    connection.close()
    assert [found.name for found in store.deleted] == ["a", "b"]


def test_a_name_error_says_what_a_name_is(store, experiment):
    store.create_experiment("second")
    with pytest.raises(ExperimentExistsError, match="'second' already, and names are unique"):
        experiment.rename("second")
    with pytest.raises(StoreError, match="at most 60 characters.*61"):
        experiment.rename("x" * 61)
    with pytest.raises(ExperimentNotFoundError, match=r"did you mean 'second'\?"):
        store["secnd"]


def test_a_read_only_store_purges_nothing(store, experiment):
    experiment.delete()
    with ExperimentStore(store.url, read_only=True) as reader:
        assert reader.deleted == [experiment]
        with pytest.raises(ReadOnlyError):
            reader.deleted[0].purge()
    assert store.deleted == [experiment]
