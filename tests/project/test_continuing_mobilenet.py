"""Going on with a network whose base is frozen at first: killed or stopped in either phase, and before it began."""

from __future__ import annotations

import time

import numpy as np
import psutil
import pytest

import piximi_widgets as pw
from piximi_widgets.engine.jobs import course, tasks
from piximi_widgets.engine.jobs.recording import read_digests
from piximi_widgets.engine.jobs.surroundings import Stopped
from piximi_widgets.engine.training import weights_digest
from tests.project.conftest import stripes
from tests.recorded import metrics_of
from tests.workers import end_workers

pytestmark = pytest.mark.training

HEAD, TUNED = 60, 10
CONFIG = pw.TrainingConfig(
    architecture="mobilenet",
    base_weights="none",
    input_shape=(32, 32, 1),
    augmentation="none",
    epochs=HEAD,
    fine_tuned_blocks=1,
    fine_tuning_epochs=TUNED,
    batch_size=8,
    seed=3,
)
RESULTS = ("val/confusion-matrix", "val/metrics", "val/final-accuracy", "val/final-cross-entropy")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    pixels, labels = stripes(40, seed=1)
    project = pw.Project(tmp_path_factory.mktemp("mobilenet") / "stripes")
    project.add_images(pixels, labels=labels)
    yield project
    end_workers(project.path / "experiments.db")


@pytest.fixture(scope="module")
def whole(project):
    """One that was never interrupted."""
    return project.fit(CONFIG, run="inline", name="whole")


def until(condition, timeout: float = 120) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def epochs(experiment) -> int:
    return len(experiment.metrics_array("train/loss")[0])


@pytest.fixture
def killed(project, whole):
    """Kill the worker of a new training once it has so many epochs."""

    def kill(after: int):
        experiment = project.fit(CONFIG, dataset=whole.datasets["train"].uid)
        until(lambda: epochs(experiment) >= after)
        (worker,) = project.experiments.live_workers()
        psutil.Process(worker.pid).kill()
        until(lambda: experiment.status in ("INTERRUPTED", "TERMINATED"))
        return experiment

    return kill


@pytest.mark.parametrize(
    ("after", "stopped_at"),
    [
        (HEAD // 3, [(course, "frozen_training"), (tasks, "prepare_partitions")]),
        (HEAD + TUNED // 4, [(tasks, "prepare_partitions")]),
    ],
    ids=["head", "fine-tuning"],
)
def test_one_that_was_killed_and_then_stopped_before_it_went_on_ends_in_the_same_weights(
    killed, whole, monkeypatch, after, stopped_at
):
    """Each Stop leaves the classifier of the checkpoint, and the last resume ends like one without any interruption."""
    experiment = killed(after)
    in_time = epochs(experiment)
    assert in_time < HEAD if after < HEAD else HEAD < in_time < HEAD + TUNED, "the kill came too late"
    assert "model-latest" not in experiment.artifacts

    def stopped(*_, **__):
        raise Stopped

    for module, name in stopped_at:
        with monkeypatch.context() as patch:
            patch.setattr(module, name, stopped)
            experiment.resume(run="inline")
        assert experiment.status == "CANCELED"
        assert_weights_of_the_checkpoint(experiment, whole)
    experiment.resume(run="inline")
    assert experiment.get_log("weights sha256").data == whole.get_log("weights sha256").data
    assert read_digests(experiment) == read_digests(whole)
    assert metrics_of(experiment) == metrics_of(whole)
    for name in RESULTS:
        assert experiment.get_log(name).data == whole.get_log(name).data


def assert_weights_of_the_checkpoint(experiment, whole) -> None:
    texts = [line.text for line in experiment.telemetry.lines()]
    (epoch,) = {
        int(text.removeprefix("Goes on after epoch ")) for text in texts if text.startswith("Goes on")
    }
    assert 0 < epoch <= epochs(experiment)
    assert experiment.get_log("weights sha256").data == read_digests(whole)[epoch]
    assert experiment.get_log("weights").data["epoch"] == epoch
    assert weights_digest(experiment.classifier.keras_model) == read_digests(whole)[epoch]


def test_a_stop_in_the_worker_leaves_a_classifier_that_can_be_used_and_extended(project):
    pixels, labels = stripes(20, seed=9)
    config = CONFIG.model_copy(update={"epochs": 10_000, "learning_rate": 1e-3})
    experiment = project.fit(config, name="stopped")
    until(lambda: epochs(experiment) >= 20)
    experiment.stop()
    experiment.wait(timeout=60)
    assert experiment.status == "CANCELED"
    classifier = experiment.classifier
    predicted = [classifier.classes[k] for k in classifier.predict(pixels).argmax(axis=1)]
    assert np.mean([a == b for a, b in zip(predicted, labels, strict=True)]) > 0.6
    assert experiment.evaluate(predict=True).unscored == 0
    done = epochs(experiment)
    experiment.extend(2, run="inline")
    assert epochs(experiment) == done + 2
    assert experiment.evaluate().unscored == 0
