"""An experiment of one project in another one: its numbers come along, its images do not."""

from __future__ import annotations

import csv
import io
import json
import shutil
import zipfile

import numpy as np
import pytest

import piximi_widgets as pw
from piximi_widgets.errors import EvaluationError, StoreError, TrainingError
from piximi_widgets.experiments import ExperimentStore


@pytest.fixture
def here(tmp_path):
    with pw.Project(tmp_path / "here") as project:
        pixels = np.arange(12 * 4, dtype=np.uint8).reshape(12, 2, 2)
        project.add_images(pixels, labels=["a, b", "c"] * 6)
        project.split(training=0.5, test=0.25, seed=0)
        yield project


@pytest.fixture
def trained(here):
    """What a training leaves in the record, with predictions that are right but for one image."""
    experiment = here.experiments.create_experiment("first")
    version = here.snapshot("monday")
    experiment.attach_dataset(version)
    for partition in ("validation", "test"):
        ids = version.select(partition)
        truth = version.labels[np.isin(version.ids, ids)]
        guess = truth.copy()
        guess[0] = 1 - guess[0]
        experiment.add_evaluations(partition, ids, truth, np.eye(2)[guess], version.classes)
    return experiment


def test_the_archive_has_the_table_of_the_version(here, trained, tmp_path):
    with zipfile.ZipFile(trained.export(tmp_path / "run.zip")) as archive:
        record = json.loads(archive.read("datasets/0.json"))
        rows = list(csv.DictReader(io.StringIO(archive.read("datasets/0.csv").decode())))
    version = here.version("monday")
    assert (record["uid"], record["fingerprint"]) == (version.uid, version.fingerprint)
    assert (record["project"], record["project_uid"]) == ("here", here.uid)
    assert [int(row["id"]) for row in rows] == version.ids.tolist()
    assert [row["category"] for row in rows] == version.images["category"].tolist()
    assert [row["partition"] for row in rows] == version.images["partition"].tolist()
    training = set(version.select("training").tolist())
    assert [row["trained_on"] == "1" for row in rows] == [
        number in training for number in version.ids.tolist()
    ]
    assert [int(row["pixels"], 16) for row in rows] == version.hashes.tolist()


@pytest.mark.parametrize("partition", ["validation", "test"])
def test_it_scores_in_another_project_as_at_home(here, trained, tmp_path, partition):
    path = trained.export(tmp_path / "run.zip")
    at_home = trained.evaluate(partition)
    with pw.Project(tmp_path / "there") as there:
        # Images of the same ids, which are others.
        there.add_images(np.zeros((12, 2, 2), np.uint8), labels=["c"] * 12)
        imported = there.experiments.import_experiment(path)
        assert imported.datasets["train"].name == "monday"
        evaluation = imported.evaluate(partition)
        assert evaluation.accuracy == at_home.accuracy < 1
        assert np.array_equal(evaluation.confusion_matrix, at_home.confusion_matrix)
        assert sorted((-evaluation.ids).tolist()) == sorted(at_home.ids.tolist())
        assert "of here" in evaluation.names[0]
        assert (evaluation.dataset_name, evaluation.unscored) == ("monday", 0)
        for arguments in ({"dataset": "current"}, {"predict": True}):
            with pytest.raises(EvaluationError, match="imported without its images"):
                imported.evaluate(partition, **arguments)
        for go_on in (imported.resume, imported.replay, lambda: imported.extend(3)):
            with pytest.raises(TrainingError, match="in the project 'here'"):
                go_on()
        # It can go on from there.
        again = imported.export(tmp_path / "again.zip")
        assert again.read_bytes() == path.read_bytes()
        report = there.check()
        assert report.ok, report


def test_no_image_that_it_was_trained_on_is_scored_elsewhere(here, trained, tmp_path):
    """Also not where only an experiment that it goes on from has seen it."""
    base = trained
    here.split(training=0.25, test=0.25, seed=5)
    child = here.experiments.create_experiment("child", base_experiment=base)
    version = here.snapshot("tuesday")
    child.attach_dataset(version)
    child.add_evaluations(
        "validation", version.ids, version.labels, np.eye(2)[version.labels], version.classes
    )
    seen = set(here.version("monday").select("training").tolist())
    validation = set(version.select("validation").tolist())
    path = child.export(tmp_path / "run.zip")
    with pw.Project(tmp_path / "there") as there:
        imported = there.experiments.import_experiment(path)
        scored = set((-imported.evaluate().ids).tolist())
    assert scored == validation - seen
    assert scored == set(child.evaluate().ids.tolist())


def test_back_in_its_own_project_nothing_is_missing(here, trained, tmp_path):
    copy = here.experiments.import_experiment(trained.export(tmp_path / "run.zip"), if_exists="rename")
    assert copy.evaluate().ids.tolist() == trained.evaluate().ids.tolist()


@pytest.fixture
def copies(tmp_path):
    """A project and a colleague's copy of it, in which an experiment of the first one has lost its base.

    Two images that its base was trained on are validation images of its own.
    """
    with pw.Project(tmp_path / "here") as project:
        project.add_images(np.arange(12 * 4, dtype=np.uint8).reshape(12, 2, 2), labels=["a", "c"] * 6)
        project.split(training=0.5, test=0.25, seed=0)
        project.snapshot("monday")
        project.split(training=0.25, test=0.25, seed=5)
        project.snapshot("tuesday")
    shutil.copytree(tmp_path / "here", tmp_path / "copy")
    with pw.Project(tmp_path / "here") as here, pw.Project(tmp_path / "copy") as copy:
        base = here.experiments.create_experiment("base")
        base.attach_dataset(here.version("monday"))
        child = here.experiments.create_experiment("child", base_experiment=base)
        version = here.version("tuesday")
        child.attach_dataset(version)
        truth = version.labels
        child.add_evaluations("validation", version.ids, truth, np.eye(2)[truth], version.classes)
        yield child, copy.experiments.import_experiment(child.export(tmp_path / "run.zip"))


def test_no_image_that_its_base_was_trained_on_is_scored_in_a_copy_of_the_project(copies, tmp_path):
    """The copy has the version, but not the base: what the archive says of its images counts."""
    child, imported = copies
    seen = set(child.project.version("monday").select("training").tolist())
    validation = set(child.project.version("tuesday").select("validation").tolist())
    assert seen & validation
    assert set(imported.evaluate().ids.tolist()) == validation - seen
    assert not seen & set(imported.evaluate(dataset="current").ids.tolist())
    assert not seen & set(imported.evaluate(dataset="tuesday").ids.tolist())
    # It is passed on, to what goes on from there and in the next archive.
    grandchild = imported.store.create_experiment("grandchild", base_experiment=imported)
    version = imported.project.version("tuesday")
    grandchild.attach_dataset(version)
    truth = version.labels
    grandchild.add_evaluations("validation", version.ids, truth, np.eye(2)[truth], version.classes)
    assert not seen & set(grandchild.evaluate().ids.tolist())
    with zipfile.ZipFile(imported.export(tmp_path / "again.zip")) as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("datasets/0.csv").decode())))
    assert seen & validation <= {int(row["id"]) for row in rows if row["trained_on"] == "1"}


def test_flags_of_another_project_say_nothing_of_images_here(here, trained, tmp_path):
    """The same ids name other images there."""
    path = trained.export(tmp_path / "run.zip")
    with pw.Project(tmp_path / "there") as there:
        there.add_images(np.arange(12 * 4, dtype=np.uint8).reshape(12, 2, 2) + 9, labels=["a", "c"] * 6)
        there.split(training=0.25, test=0.25, seed=5)
        imported = there.experiments.import_experiment(path)
        version = there.snapshot("own")
        mine = there.experiments.create_experiment("mine", base_experiment=imported)
        mine.attach_dataset(version)
        truth = version.labels
        mine.add_evaluations("validation", version.ids, truth, np.eye(2)[truth], version.classes)
        assert mine.evaluate().ids.tolist() == version.select("validation").tolist()


def test_without_a_table_the_record_is_scored_and_nothing_goes_on(here, trained, tmp_path):
    """A store that knows of no project has exported it."""
    at_home = trained.evaluate("validation")
    with ExperimentStore(here.path / "experiments.db") as bare:
        path = bare["first"].export(tmp_path / "bare.zip")
    with pw.Project(tmp_path / "there") as there:
        there.add_images(np.zeros((12, 2, 2), np.uint8), labels=["c"] * 12)
        imported = there.experiments.import_experiment(path)
        evaluation = imported.evaluate("validation")
        assert evaluation.accuracy == at_home.accuracy < 1
        assert sorted((-evaluation.ids).tolist()) == sorted(at_home.ids.tolist())
        with pytest.raises(EvaluationError, match="unassigned"):
            imported.evaluate("unassigned")
        for go_on in (imported.resume, imported.replay, lambda: imported.extend(3)):
            with pytest.raises(TrainingError, match="in another project"):
                go_on()


def test_evaluations_of_images_of_different_projects_are_not_paired(here, trained, tmp_path):
    path = trained.export(tmp_path / "run.zip")
    back = here.experiments.import_experiment(path, if_exists="rename")
    assert here.experiments.compare([trained, back]).evaluation().same_images
    with pw.Project(tmp_path / "there") as there:
        there.add_images(np.zeros((12, 2, 2), np.uint8), labels=["a, b", "c"] * 6)
        there.split(training=0.5, test=0.25, seed=0)
        version = there.snapshot("own")
        mine = there.experiments.create_experiment("mine")
        mine.attach_dataset(version)
        truth = version.labels
        mine.add_evaluations("validation", version.ids, truth, np.eye(2)[truth], version.classes)
        imported = there.experiments.import_experiment(path)
        with pytest.raises(StoreError, match="different projects"):
            there.experiments.compare([mine, imported]).evaluation()
        again = there.experiments.import_experiment(path, if_exists="rename")
        assert there.experiments.compare([imported, again]).evaluation().same_images
    # Two versions of one project number the same images.
    here.split(training=0.25, test=0.25, seed=5)
    other = here.experiments.create_experiment("other")
    version = here.snapshot("tuesday")
    other.attach_dataset(version)
    truth = version.labels
    other.add_evaluations("validation", version.ids, truth, np.eye(2)[truth], version.classes)
    assert len(here.experiments.compare([back, other]).evaluation().ids)
