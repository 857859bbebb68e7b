"""Going on: resume, extend and replay, as a user calls them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

import piximi_widgets as pw
from piximi_widgets.engine.architectures import registry
from piximi_widgets.engine.jobs import course
from piximi_widgets.engine.jobs.recording import DIGESTS, EpochLog, read_digests
from piximi_widgets.errors import ConfigurationError, TrainingError, TrainingFailed
from tests.recorded import metrics_of

pytestmark = pytest.mark.training


@pytest.fixture(autouse=True)
def checkpoints_of_all_epochs(monkeypatch):
    monkeypatch.setattr("piximi_widgets.engine.jobs.checkpoints._PAUSE_SECONDS", 0.0)
    monkeypatch.setattr("piximi_widgets.engine.jobs.checkpoints._PAUSE_TO_COST", 0)


@pytest.fixture
def broken_off(monkeypatch):
    """Let trainings of this process break off, as by Ctrl+C, when the given epoch's metrics are written."""

    def break_off(project, begin, epoch):
        log_epoch = EpochLog.epoch

        def raising(self, report):
            log_epoch(self, report)
            if self.epochs_done == epoch:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(EpochLog, "epoch", raising)
            with pytest.raises(KeyboardInterrupt):
                begin()
        return list(project.experiments)[-1]

    return break_off


@pytest.fixture
def trained(project, config):
    return project.fit(config, run="inline", name="first")


class TestResume:
    def test_it_ends_as_if_never_broken_off(self, project, config, trained, broken_off):
        again = broken_off(project, lambda: project.fit(config, run="inline"), epoch=3)
        assert again.status == "CANCELED"
        assert len(again.history) == 3
        assert again.resume(run="inline") == again
        assert again.status == "SUCCESS"
        assert metrics_of(again) == metrics_of(trained)
        assert read_digests(again) == read_digests(trained)
        assert list(read_digests(again)) == [0, 1, 2, 3, 4]
        assert again.get_log("weights sha256").data == trained.get_log("weights sha256").data
        texts = [line.text for line in again.telemetry.lines()]
        assert "Goes on after epoch 2" in texts
        assert not any(text.startswith("Epoch 2 ") for text in texts[texts.index("Goes on after epoch 2") :])

    def test_without_a_checkpoint_it_begins_anew(self, project, config, trained, broken_off):
        again = broken_off(project, lambda: project.fit(config, run="inline"), epoch=1)
        again.resume(run="inline")
        assert metrics_of(again) == metrics_of(trained)

    def test_one_that_was_canceled_before_it_began(self, project, config, trained):
        class Never:
            def submit(self, function, /, *arguments):
                pass

        waiting = project.fit(config, run=Never())
        waiting.stop()
        waiting.resume(run="inline")
        assert metrics_of(waiting) == metrics_of(trained)

    def test_a_broken_evaluation_is_made_up_for_without_training(self, project, config, trained, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setattr("piximi_widgets.engine.jobs.tasks.store_evaluation", lambda *_: 1 / 0)
            with pytest.raises(TrainingFailed, match="ZeroDivisionError"):
                project.fit(config, run="inline", name="failed")
        failed = project.experiments["failed"]
        assert failed.status == "FAILED"
        monkeypatch.setattr(course, "train", lambda *_, **__: pytest.fail("it trained again"))
        failed.resume(run="inline")
        assert failed.status == "SUCCESS"
        assert failed.evaluate().accuracy == trained.evaluate().accuracy
        assert metrics_of(failed) == metrics_of(trained)

    def test_a_success_names_extend(self, trained):
        with pytest.raises(TrainingError, match=r"extend\(epochs\)"):
            trained.resume()

    def test_one_that_waits_is_refused(self, project, config):
        class Never:
            def submit(self, function, /, *arguments):
                pass

        waiting = project.fit(config, run=Never())
        for call in (waiting.resume, lambda: waiting.extend(2)):
            with pytest.raises(TrainingError, match="is WAITING"):
                call()

    def test_a_record_of_somebody_elses_training_is_refused(self, project):
        experiment = project.experiments.create_experiment("own")
        with pytest.raises(TrainingError, match="not trained by"):
            experiment.resume()

    def test_a_checkpoint_of_other_beginnings_is_refused(self, project, config, broken_off):
        again = broken_off(project, lambda: project.fit(config, run="inline"), epoch=3)
        again.parameters = {**again.parameters, "seed": 4}
        with pytest.raises(TrainingFailed, match="other weights"):
            again.resume(run="inline")


RESUMER = """
import sys
import piximi_widgets as pw
experiment = pw.Project(sys.argv[1], mode="r+").experiments["run"]
print("ready", flush=True)
sys.stdin.readline()
try:
    experiment.resume()
    print("won", flush=True)
except pw.errors.TrainingError as error:
    print(error, flush=True)
"""


def test_of_two_that_resume_one_wins_and_the_other_says_so(project, config, broken_off):
    broken_off(project, lambda: project.fit(config, run="inline", name="run"), epoch=2)
    command = [sys.executable, "-c", RESUMER, str(project.path)]
    both = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for process in both:
        assert process.stdout.readline() == "ready\n"
    for process in both:
        process.stdin.write("\n")
        process.stdin.flush()
    said = sorted(process.communicate()[0] for process in both)
    assert said.count("won\n") == 1
    assert any(
        "Somebody else went on" in text or "is WAITING" in text or "is RUNNING" in text for text in said
    )
    experiment = project.experiments["run"]
    experiment.wait(timeout=120)
    assert [job.attempt for job in project.experiments.jobs(experiment)] == [1, 2]


def suspend(pid, database):
    """Stop a process at a moment at which it holds no lock of the database, as any other process would wait for it."""
    while True:
        os.kill(pid, signal.SIGSTOP)
        # The signal takes effect when the process next runs, on a busy machine some time later.
        while psutil.Process(pid).status() != psutil.STATUS_STOPPED:
            time.sleep(0.005)
        try:
            with contextlib.closing(sqlite3.connect(database, timeout=0.2)) as connection:
                connection.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError:
            os.kill(pid, signal.SIGCONT)
            time.sleep(0.02)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_suspended_worker_is_named_and_cannot_write_once_it_lost_its_attempt(project, config, trained):
    """What happens to a laptop that sleeps while its training is resumed on another host."""
    config = config.model_copy(update={"epochs": 100, "batch_size": 1})
    whole = project.fit(config, run="inline")
    experiment = project.fit(config)
    while len(experiment.history) < 3:
        time.sleep(0.01)
    (worker,) = project.experiments.live_workers()
    suspend(worker.pid, project.experiments.database.path)
    with pytest.raises(TrainingError, match=rf"process {worker.pid} .* suspended.*stop\(\)"):
        experiment.resume()
    with project.experiments.database.write() as connection:
        connection.execute("UPDATE worker SET host = 'elsewhere', heartbeat = 0")
    assert experiment.status == "INTERRUPTED"
    experiment.resume(run="inline")
    assert experiment.status == "SUCCESS"
    before = metrics_of(experiment), experiment.telemetry.lines()
    os.kill(worker.pid, signal.SIGCONT)
    time.sleep(1.5)
    assert (metrics_of(experiment), experiment.telemetry.lines()) == before
    assert metrics_of(experiment) == metrics_of(whole)
    assert experiment.status == "SUCCESS"


class TestExtend:
    def test_epochs_are_counted_on_from_the_final_weights(self, project, config, trained):
        before = metrics_of(trained)
        project.predict(trained, run="inline")
        assert project.prediction_arrays(trained.uid) is not None
        trained.extend(2, run="inline")
        after = metrics_of(trained)
        assert after["train/loss"][0] == [1, 2, 3, 4, 5, 6]
        assert after["batch/loss"][0] == list(range(1, 25))
        for name, parts in before.items():
            assert [part[: len(parts[0])] for part in after[name]] == parts
        assert max(after["batch/loss"][1][16:]) < max(before["batch/loss"][1][:4]), "it began anew"
        assert trained.config.epochs == 4
        assert trained.get_log("extensions").data["data"] == [[4, 2]]
        assert list(read_digests(trained)) == [0, 1, 2, 3, 4, 5, 6]
        assert len(trained.artifacts["model-latest"].versions) == 2
        assert project.prediction_arrays(trained.uid) is None, "they were those of the weights before"

    def test_a_broken_off_extension_is_resumed_and_a_second_one_goes_on(
        self, project, config, trained, broken_off
    ):
        trained.extend(3, run="inline")
        again = project.fit(config, run="inline", name="again")
        broken_off(project, lambda: again.extend(3, run="inline"), epoch=6)
        assert again.status == "CANCELED"
        again.resume(run="inline")
        assert metrics_of(again) == metrics_of(trained)
        assert again.get_log("weights sha256").data == trained.get_log("weights sha256").data
        again.extend(1, run="inline")
        assert again.get_log("extensions").data["data"] == [[4, 3], [7, 1]]
        assert list(again.history.index) == [1, 2, 3, 4, 5, 6, 7, 8]

    def test_what_was_stopped_can_be_extended(self, project, config):
        config = config.model_copy(update={"epochs": 10_000})
        experiment = project.fit(config)
        while len(experiment.history) < 2:
            time.sleep(0.02)
        experiment.stop()
        experiment.wait(timeout=60)
        assert experiment.status == "CANCELED"
        done = len(experiment.history)
        experiment.extend(2, run="inline")
        assert experiment.status == "SUCCESS"
        assert list(experiment.history.index) == list(range(1, done + 3))

    def test_what_failed_names_resume(self, project, config, broken_off):
        again = broken_off(project, lambda: project.fit(config, run="inline"), epoch=2)
        with pytest.raises(TrainingError, match=r"resume\(\)"):
            again.extend(2)

    @pytest.mark.parametrize("epochs", [0, 10_001, True, "many"])
    def test_a_number_of_epochs_that_is_none(self, trained, epochs):
        with pytest.raises(ConfigurationError, match="epochs"):
            trained.extend(epochs)


class TestReplay:
    def test_the_same_record_gives_the_same_weights(self, project, trained):
        replay = trained.replay(run="inline")
        assert replay.same is True
        assert replay.diverged_at is None
        assert replay.differences == {}
        assert replay.experiment.tags == ("replay",)
        assert replay.experiment.name == "first replay"
        assert replay.experiment.datasets == trained.datasets
        then, now = replay.accuracies["val"]
        assert then == now
        assert "bit for bit" in repr(replay)
        assert "first" in replay._repr_html_()

    def test_a_changed_seed_is_named(self, project, trained):
        trained.parameters = {**trained.parameters, "seed": 4}
        replay = trained.replay(run="inline")
        assert replay.same is False
        assert replay.diverged_at == 0
        assert "the setting seed was 3 and is 4" in replay.reasons
        assert "seed was 3 and is 4" in repr(replay)

    def test_another_rate_diverges_after_the_first_epoch(self, project, trained):
        trained.parameters = {**trained.parameters, "learning_rate": 0.01}
        replay = trained.replay(run="inline")
        assert replay.diverged_at == 1
        assert any("learning_rate" in reason for reason in replay.reasons)
        assert any("batch" in reason for reason in replay.reasons)

    def test_a_tampered_record_is_found_at_its_epoch(self, project, trained):
        table = trained.get_log(DIGESTS).data
        table["data"][3] = ["0" * 64]
        trained.log(DIGESTS, table, type="TABLE")
        replay = trained.replay(run="inline")
        assert replay.diverged_at == 3
        assert "after epoch 3" in repr(replay)

    def test_another_environment_is_said_before_it_starts(self, project, trained):
        environment = trained.get_log("environment").data
        trained.log("environment", {**environment, "numpy": "1.0"}, type="TABLE")
        with pytest.warns(UserWarning, match=r"numpy was 1\.0 and is"):
            replay = trained.replay(run="inline")
        assert set(replay.differences) == {"numpy"}
        texts = [line.text for line in replay.experiment.telemetry.lines()]
        assert any("numpy was 1.0" in text for text in texts)
        assert replay.same is True

    def test_extensions_are_left_out(self, project, trained):
        trained.extend(1, run="inline")
        assert trained.replay(run="inline").same is True


def test_the_record_tells_where_it_came_from(project, config, trained):
    record = json.loads(trained.artifacts["config"].path.read_text())
    assert record["dataset"]["fingerprint"] == trained.datasets["train"].fingerprint
    assert record["resolved"]["input_shape"] == [24, 24, 1]
    assert record["config"]["input_shape"] == "auto"
    assert len(record["git commit"]) == 40
    assert record["initial weights sha256"] == read_digests(trained)[0]
    environment = trained.get_log("environment").data
    assert {"tensorflow", "instruction set", "threads an operation", "device"} <= set(environment)
    assert np.isfinite(trained.metrics_array("learning-rate")[1]).all()


def test_a_registered_architecture_is_recorded_resumed_and_replayed(
    project, config, monkeypatch, tmp_path, broken_off
):
    monkeypatch.setenv("PIXIMI_CONFIG", str(tmp_path / "trust"))

    def build(input_shape, classes):
        import keras
        from keras import layers

        return keras.Sequential(
            [
                keras.Input(input_shape),
                layers.Flatten(),
                layers.Dense(8, activation="relu"),
                layers.Dropout(0.3),
                layers.Dense(classes, activation="softmax"),
            ]
        )

    pw.register_architecture("own-layers", build)
    own = config.model_copy(update={"architecture": "own-layers"})
    whole = project.fit(own, run="inline", name="whole")
    assert whole.architecture_record["name"] == "own-layers"
    assert whole.replay(run="inline").same is True
    again = broken_off(project, lambda: project.fit(own, run="inline", name="again"), epoch=3)
    again.resume(run="inline")
    assert metrics_of(again) == metrics_of(whole)
    # As on the account of somebody else, who has not trusted it.
    monkeypatch.setenv("PIXIMI_CONFIG", str(tmp_path / "nobody"))
    with pytest.raises(TrainingFailed, match="registered by somebody else"):
        whole.replay(run="inline")
    with pytest.raises(ConfigurationError, match="registered by somebody else"):
        project.fit(base=whole)
    pw.trust_architecture(whole)
    # In a kernel that never registered it; the source of the record is enough.
    monkeypatch.setattr(registry, "_registered", {})
    child = project.fit(base=whole, run="inline")
    assert child.architecture_record == whole.architecture_record
