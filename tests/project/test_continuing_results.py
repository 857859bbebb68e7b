"""What is left when a training was continued: which weights, which results, and what may be scored."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import piximi_widgets as pw
from piximi_widgets.engine import launcher
from piximi_widgets.engine.jobs import course, tasks
from piximi_widgets.engine.jobs.recording import EpochLog, result_logs
from piximi_widgets.engine.jobs.surroundings import Stopped
from piximi_widgets.engine.training import weights_digest
from piximi_widgets.errors import ConfigurationError, EvaluationError, TrainingError

pytestmark = pytest.mark.training


@pytest.fixture(autouse=True)
def checkpoints_of_all_epochs(monkeypatch):
    monkeypatch.setattr("piximi_widgets.engine.jobs.checkpoints._PAUSE_SECONDS", 0.0)
    monkeypatch.setattr("piximi_widgets.engine.jobs.checkpoints._PAUSE_TO_COST", 0)


@pytest.fixture
def trained(project, config):
    return project.fit(config, run="inline", name="first")


class Never:
    """An executor that is as busy as can be."""

    def submit(self, function, /, *arguments):
        pass


def stop_after(monkeypatch, epoch: int, error: type[BaseException]) -> None:
    """End the training in this process when the metrics of an epoch are written."""
    log_epoch = EpochLog.epoch

    def ending(self, report):
        log_epoch(self, report)
        if self.epochs_done == epoch:
            raise error

    monkeypatch.setattr(EpochLog, "epoch", ending)


def stop_training_after(monkeypatch, epoch: int) -> None:
    """Stop as the button does: asked between two batches."""
    begin = course.Course.run

    def run(self):
        around = self._around
        object.__setattr__(around, "stopping", lambda: self._log.epochs_done >= epoch)
        return begin(self)

    monkeypatch.setattr(course.Course, "run", run)


def test_the_record_says_which_weights_are_kept(trained):
    record = trained.get_log("weights").data
    assert record == {"epoch": 4, "step": 16, "model sha256": trained.artifacts["model-latest"].sha256}


def test_an_extension_that_lost_its_weights_and_not_its_metrics_is_resumed_before_it_is_extended(
    project, config, trained, monkeypatch
):
    """Killed in its third epoch, put on the list again, and taken from it: the weights are those before it."""
    with monkeypatch.context() as patch:
        stop_after(patch, 6, KeyboardInterrupt)
        with pytest.raises(KeyboardInterrupt):
            trained.extend(4, run="inline")
    trained.resume(run=Never())
    trained.stop()
    assert trained.status == "CANCELED"
    assert len(trained.history) == 6
    before = len(project.experiments.jobs(trained))
    with pytest.raises(TrainingError, match=r"6 epochs.*after epoch 4.*resume\(\) first"):
        trained.extend(1)
    assert len(project.experiments.jobs(trained)) == before
    trained.resume(run="inline")
    trained.extend(1, run="inline")
    assert list(trained.history.index) == list(range(1, 10))
    assert trained.get_log("extensions").data["data"] == [[4, 4], [8, 1]]


def test_a_stopped_extension_keeps_no_result_of_the_weights_before(project, config, trained, monkeypatch):
    project.predict(trained, run="inline")
    old = weights_digest(trained.classifier.keras_model)
    assert {log.name for log in trained.logs} >= {"val/final-accuracy", "val/confusion-matrix"}
    with monkeypatch.context() as patch:
        stop_training_after(patch, 6)
        trained.extend(5, run="inline")
    assert trained.status == "CANCELED"
    assert len(trained.history) == 6
    assert not {log.name for log in trained.logs} & set(result_logs())
    assert project.prediction_arrays(trained.uid) is None
    with pytest.raises(EvaluationError, match=r"predict=True"):
        trained.evaluate()
    new = weights_digest(trained.classifier.keras_model)
    assert new != old
    assert trained.get_log("weights sha256").data == new
    assert trained.get_log("weights").data["epoch"] == 6


def test_an_extension_that_was_stopped_before_it_began_leaves_all_as_it_was(
    project, config, trained, monkeypatch
):
    accuracy = trained.evaluate().accuracy

    def stopped(*_, **__):
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(tasks, "prepare_partitions", stopped)
        trained.extend(5, run="inline")
    assert trained.status == "CANCELED"
    assert trained.evaluate().accuracy == accuracy
    assert {log.name for log in trained.logs} >= {"val/final-accuracy", "val/confusion-matrix"}
    assert len(trained.artifacts["model-latest"].versions) == 1


class TestReplay:
    def test_of_an_extended_one_it_says_which_epochs_it_repeats(self, trained):
        trained.extend(1, run="inline")
        replay = trained.replay(run="inline")
        assert replay.epochs == (4, 5)
        assert replay.same is True
        assert "epochs 1 to 4 of 5" in repr(replay)
        assert "epochs 1 to 4 of 5" in replay._repr_html_()

    def test_of_one_on_a_base_it_scores_no_image_that_the_base_was_trained_on(self, project, config, trained):
        seen = set(project.version(trained.datasets["train"].uid).select("training").tolist())
        project.split(training=0.5, seed=9)
        based = project.fit(config.model_copy(update={"epochs": 1}), base=trained, run="inline")
        replay = based.replay(run="inline")
        assert replay.same is True
        assert replay.experiment.base_experiment == trained
        mine, theirs = replay.experiment.evaluate(), based.evaluate()
        assert mine.ids.tolist() == theirs.ids.tolist()
        assert not set(mine.ids.tolist()) & seen
        np.testing.assert_array_equal(mine.probabilities, theirs.probabilities)


class TestBaseWeights:
    def test_a_relative_path_is_absolute_before_the_worker_has_it(
        self, project, config, tmp_path, monkeypatch
    ):
        (tmp_path / "weights.h5").write_bytes(b"none yet")
        monkeypatch.chdir(tmp_path)
        relative = config.model_copy(update={"architecture": "mobilenet", "base_weights": "weights.h5"})
        experiment = project.fit(relative, run=Never())
        assert experiment.config.base_weights == str(tmp_path / "weights.h5")
        again = project.fit(relative, run=Never(), if_exists="reuse")
        assert again == experiment

    def test_a_missing_file_is_said_by_fit_and_nothing_is_made(self, project, config):
        missing = config.model_copy(update={"architecture": "mobilenet", "base_weights": "no/such.h5"})
        with pytest.raises(ConfigurationError, match=r"base_weights.*no/such\.h5"):
            project.fit(missing)
        assert len(project.experiments) == 0
        assert project.versions == []


class TestReuse:
    def test_a_dataset_that_is_given_must_be_the_same(self, project, config, trained):
        version = project.version(trained.datasets["train"].uid)
        for same in (version, version.uid, version.name):
            again = project.fit(config, name="first", dataset=same, if_exists="reuse", run=Never())
            assert again == trained
        project.unlabel(version.select("training")[:1])
        other = project.snapshot()
        fresh = project.fit(config, name="first", dataset=other, if_exists="reuse", run=Never())
        assert fresh.name == "first 2"
        assert fresh.datasets["train"].uid == other.uid


class TestWorkThatNobodyWatches:
    """Put on the list by a process that is gone, before it or a worker could do it."""

    @pytest.fixture
    def waiting(self, project, config, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setattr(launcher, "ensure_worker", lambda *_: None)
            return project.fit(config)

    @pytest.fixture
    def started(self, monkeypatch):
        """The projects for which a worker would be started."""
        found = []
        monkeypatch.setattr(launcher, "_PATIENCE_SECONDS", 0.0)
        monkeypatch.setattr(launcher, "_start", lambda store, path, **_: found.append(path))
        return found

    def test_a_look_at_its_status_starts_a_worker(self, project, waiting, started):
        assert waiting.status == "WAITING"
        assert started == [project.path.absolute()]

    def test_waiting_for_it_starts_a_worker(self, project, waiting, started):
        with pytest.raises(TimeoutError):
            waiting.wait(timeout=0.1)
        assert started

    def test_who_may_only_read_starts_none(self, project, waiting, started):
        with pw.Project(project.path, mode="r") as reader:
            assert reader.experiments[waiting.name].status == "WAITING"
        assert started == []

    def test_a_new_fit_starts_the_worker_that_does_both(self, project, config, waiting, started):
        project.fit(config)
        assert started
        waiting.stop()

    def test_an_executor_of_this_process_leaves_no_reservation(self, project, config):
        with ThreadPoolExecutor(1) as pool:
            experiment = project.fit(config.model_copy(update={"epochs": 1}), run=pool)
        assert experiment.status == "SUCCESS"
        assert list((project.path / "workers").glob("*.lock")) == []
