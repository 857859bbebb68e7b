"""An experiment of one project in another one: its numbers come along, its images do not."""

from __future__ import annotations

import csv
import io
import json
import zipfile

import numpy as np
import pytest

import piximi_widgets as pw
from piximi_widgets.errors import EvaluationError, TrainingError


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
