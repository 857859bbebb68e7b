"""The worker process, alive: it outlives its starter, stops at once, and leaves a true record however it ends."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from piximi_widgets.engine import launcher
from piximi_widgets.engine.config import TrainingConfig
from piximi_widgets.errors import TrainingFailed
from piximi_widgets.experiments import ExperimentStore, Job

from .conftest import Place

pytestmark = pytest.mark.training

LONG = TrainingConfig(epochs=10_000, batch_size=8)
SHORT = TrainingConfig(epochs=3, batch_size=8, seed=3)


def until(condition: Callable[[], object], what: str, timeout: float = 90) -> None:
    """Wait for a condition, and say which one never came."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


def epochs(job: Job) -> int:
    return len(job.experiment.metrics_array("train/loss")[0])


def ended(store: ExperimentStore, job: Job) -> str:
    launcher.wait_for(store, job, timeout=90)
    return str(job.state)


@pytest.fixture
def served(place: Place) -> Iterator[Place]:
    """A place with a worker that is loading TensorFlow; the worker is killed in the end."""
    launcher.warm(place.store, place.dataset.path)
    yield place
    for worker in place.store.live_workers():
        psutil.Process(worker.pid).kill()


def start(place: Place, config: TrainingConfig, **options) -> Job:
    job = place.enqueue(config, launcher.environment(place.dataset.path), **options)
    launcher.ensure_worker(place.store, place.dataset.path)
    return job


def worker_pid(place: Place) -> int:
    (worker,) = place.store.live_workers(launcher.environment(place.dataset.path))
    return worker.pid


def test_one_worker_trains_stops_fails_and_trains_the_same_again(served: Place):
    """A warm worker equals a cold one, and no end of a job hurts the next one."""
    store = served.store
    first, second = start(served, SHORT), start(served, SHORT)
    assert ended(store, first) == "DONE", first.error
    pid = worker_pid(served)
    experiment = first.experiment
    assert experiment.status == "SUCCESS"
    assert experiment.exit_code == 0
    for name in ("train/loss", "train/accuracy", "val/loss", "val/accuracy"):
        assert list(experiment.metrics_array(name)[0]) == [1, 2, 3]
    assert list(experiment.metrics_array("batch/loss")[0]) == list(range(1, 3 * 4 + 1))
    assert experiment.labelmap == {"0": "horizontal", "1": "vertical"}
    assert {"config", "model-latest"} <= set(experiment.artifacts)
    scored = experiment.evaluation_arrays("validation")
    assert sorted(scored.ids) == sorted(served.version.select("validation"))
    assert experiment.get_log("val/confusion-matrix").data["categories"] == ["horizontal", "vertical"]
    texts = [line.text for line in experiment.telemetry.lines()]
    assert [text for text in texts if text.startswith("Epoch 3 of 3 · loss")]
    assert len(texts) == len(set(texts)), "a line is doubled"
    chapters = [line.chapter for line in experiment.telemetry.lines()]
    assert list(dict.fromkeys(chapters)) == ["Prepare", "Train", "Evaluate"]

    stopped = start(served, LONG)
    until(lambda: epochs(stopped) >= 1, "the first epoch")
    stopped.experiment.request_stop()
    asked = time.monotonic()
    until(lambda: stopped.refresh().state != "RUNNING", "the stop")
    assert time.monotonic() - asked < 1.0
    assert stopped.experiment.status == "CANCELED"
    assert "model-latest" in stopped.experiment.artifacts

    failed = start(served, SHORT, dataset="00000000-0000-0000-0000-000000000000")
    assert ended(store, failed) == "FAILED"
    assert failed.experiment.status == "FAILED"
    assert failed.exit_code == 1
    assert "Traceback" in failed.error
    assert "DatasetVersionError" in failed.error

    again = start(served, SHORT)
    assert ended(store, second) == "DONE"
    assert ended(store, again) == "DONE"
    assert worker_pid(served) == pid, "the worker did not survive a job's end"
    digests = {job.experiment.get_log("weights sha256").data for job in (first, second, again)}
    assert len(digests) == 1

    kill(pid, signal.SIGTERM)
    cold = start(served, SHORT)
    assert ended(store, cold) == "DONE"
    assert {cold.experiment.get_log("weights sha256").data} == digests

    prediction = store.enqueue(
        cold.experiment, "predict", {"ids": None}, launcher.environment(served.dataset.path)
    )
    assert ended(store, prediction) == "DONE", prediction.error
    predicted = served.dataset.predictions(cold.experiment.uid)
    assert len(predicted) == 8
    assert set(predicted["prediction"]) <= {"horizontal", "vertical"}


def kill(pid: int, number: int) -> None:
    process = psutil.Process(pid)
    process.send_signal(number)
    until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, "the worker's end")


STARTER = """
import sys, time
from piximi_widgets.engine import launcher
from piximi_widgets.experiments import ExperimentStore
store = ExperimentStore(sys.argv[1])
launcher.ensure_worker(store, sys.argv[2])
print("started", flush=True)
time.sleep(600)
"""


def test_it_outlives_its_starter_and_a_vanished_worker_is_noticed(place: Place):
    """SIGKILL of the starter leaves the training running; SIGKILL of the worker makes it INTERRUPTED."""
    job = place.enqueue(LONG, launcher.environment(place.dataset.path))
    arguments = [place.store.url, str(place.dataset.path)]
    starter = subprocess.Popen([sys.executable, "-c", STARTER, *arguments], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    assert starter.stdout.readline().strip() == "started"
    os.kill(starter.pid, signal.SIGINT)
    starter.kill()
    starter.wait()
    until(lambda: epochs(job) >= 2, "epochs after the starter's death")
    assert job.experiment.status == "RUNNING"
    kill(worker_pid(place), signal.SIGKILL)
    # The lock is free when the last of its threads is gone, a moment after the process counts as dead.
    until(lambda: job.experiment.status == "INTERRUPTED", "the status", timeout=5)
    assert job.refresh().state == "LOST"
    assert place.store.live_workers() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_is_in_the_record_while_the_starter_lives(served: Place, number: int):
    job = start(served, LONG)
    until(lambda: epochs(job) >= 1, "the first epoch")
    kill(worker_pid(served), number)
    until(lambda: job.experiment.status == "TERMINATED", "the status")
    assert job.refresh().exit_code == -number
    assert job.error


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV])
def test_a_crash_is_in_the_record_with_the_last_words(served: Place, number: int):
    """What a check inside TensorFlow does, and a defect of it."""
    job = start(served, LONG)
    until(lambda: epochs(job) >= 1, "the first epoch")
    kill(worker_pid(served), number)
    until(lambda: job.experiment.status == "FAILED", "the status")
    assert job.refresh().exit_code == -number
    assert f"The training process crashed ({signal.Signals(number).name})." in job.error
    assert "Fatal Python error" in job.error


class TestWorkThatNobodyWatches:
    """Who asked for it is gone, and so is the worker."""

    @pytest.fixture(autouse=True)
    def _at_once(self, monkeypatch):
        monkeypatch.setattr(launcher, "_PATIENCE_SECONDS", 0.0)

    def test_who_waits_for_a_queued_job_starts_a_worker(self, place: Place):
        job = place.enqueue(SHORT, launcher.environment(place.dataset.path))
        assert ended(place.store, job) == "DONE", job.error
        psutil.Process(worker_pid(place)).kill()

    def test_the_rest_of_a_queue_is_done_when_starter_and_worker_were_killed(self, place: Place):
        first = place.enqueue(LONG, launcher.environment(place.dataset.path))
        second = place.enqueue(SHORT, launcher.environment(place.dataset.path))
        command = [sys.executable, "-c", STARTER, place.store.url, str(place.dataset.path)]
        starter = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        until(lambda: epochs(first) >= 1, "the first epoch")
        starter.kill()
        starter.communicate()
        psutil.Process(worker_pid(place)).kill()
        assert ended(place.store, second) == "DONE", second.error
        assert first.refresh().state == "LOST"
        psutil.Process(worker_pid(place)).kill()

    def test_a_worker_that_lives_is_left_alone(self, served: Place):
        until(served.store.live_workers, "the worker")
        served.enqueue(LONG, launcher.environment(served.dataset.path))
        for _ in range(3):
            launcher.attend(served.store)
        assert len(served.store.live_workers()) == 1

    def test_somebody_who_has_just_asked_is_given_time_to_start_one(self, place: Place, monkeypatch):
        monkeypatch.setattr(launcher, "_PATIENCE_SECONDS", 60.0)
        monkeypatch.setattr(launcher, "_start", lambda *_, **__: pytest.fail("it started a second worker"))
        place.enqueue(SHORT, launcher.environment(place.dataset.path))
        launcher.attend(place.store)

    def test_work_for_another_installation_is_done_by_this_one_in_the_end(self, place: Place, monkeypatch):
        monkeypatch.setattr(launcher, "_PATIENCE_WITH_OTHERS_SECONDS", 0.0)
        started = []
        monkeypatch.setattr(launcher, "_start", lambda store, path, **_: started.append(path))
        here = launcher.environment(place.dataset.path)
        gone = place.enqueue(SHORT, f"/old/python piximi-widgets 0.0.1 {place.dataset.path.absolute()}")
        moved = place.enqueue(SHORT, launcher.environment(place.dataset.path.parent / "before"))
        other = place.enqueue(SHORT, "/old/python piximi-widgets 0.0.1 /another/project")
        launcher.attend(place.store, place.dataset.path)
        assert started
        assert gone.refresh().environment == moved.refresh().environment == here
        assert other.refresh().environment != here


def test_a_worker_that_cannot_start_fails_the_job_with_its_last_words(place: Place, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(broken_tensorflow(place)))
    job = start(place, SHORT)
    assert ended(place.store, job) == "FAILED"
    assert job.exit_code == 1
    assert "no TensorFlow today" in job.error


def broken_tensorflow(place: Place):
    folder = place.dataset.path.parent / "broken"
    folder.mkdir()
    (folder / "keras.py").write_text("raise RuntimeError('no TensorFlow today')")
    return folder


def test_two_workers_share_the_jobs(place: Place):
    """Each of three jobs is done once, whoever takes it."""
    for _ in range(2):
        launcher._start(place.store, place.dataset.path)
    jobs = [place.enqueue(SHORT, launcher.environment(place.dataset.path)) for _ in range(3)]
    try:
        assert [ended(place.store, job) for job in jobs] == ["DONE"] * 3
        digests = {job.experiment.get_log("weights sha256").data for job in jobs}
        assert len(digests) == 1
        for job in jobs:
            assert list(job.experiment.metrics_array("val/loss")[0]) == [1, 2, 3]
    finally:
        for worker in place.store.live_workers():
            psutil.Process(worker.pid).kill()


def test_an_idle_worker_ends_itself(place: Place, monkeypatch):
    monkeypatch.setenv(launcher.IDLE_VARIABLE, "0.5")
    launcher.warm(place.store, place.dataset.path)
    until(place.store.live_workers, "the worker")
    until(lambda: not place.store.live_workers(), "its end")


def test_inline_does_the_same_in_this_process(place: Place, tensorflow):
    job = place.enqueue(SHORT, launcher.inline_environment())
    launcher.run_inline(place.store, place.dataset.path, job)
    assert job.state == "DONE"
    assert job.experiment.status == "SUCCESS"
    assert [line.text for line in job.experiment.telemetry.lines() if line.text.startswith("Epoch 3 of 3")]
    assert place.store.live_workers() == []


@pytest.mark.parametrize("kind", ["python", "computer", "tensorflow", "cuda"])
def test_out_of_memory_is_said_in_plain_words(place: Place, tensorflow, monkeypatch, kind):
    from piximi_widgets.engine.jobs import execution

    errors = tensorflow.errors
    error = {
        "python": MemoryError(),
        "computer": OSError(errno.ENOMEM, "Cannot allocate memory"),
        "tensorflow": errors.ResourceExhaustedError(None, None, "OOM when allocating tensor"),
        "cuda": errors.InternalError(None, None, "CUDA_ERROR_OUT_OF_MEMORY: out of memory"),
    }[kind]

    def raising(*_):
        raise error

    monkeypatch.setitem(execution.WORK, "train", raising)
    job = place.enqueue(SHORT, launcher.inline_environment())
    with pytest.raises(TrainingFailed, match="ran out of memory.*smaller"):
        launcher.run_inline(place.store, place.dataset.path, job)
    assert job.state == "TERMINATED"
    assert job.experiment.status == "TERMINATED"
    assert "Choose a smaller input shape or batch size" in job.experiment.error


def test_an_error_that_is_not_about_memory_is_a_failure(place: Place, tensorflow, monkeypatch):
    from piximi_widgets.engine.jobs import execution

    def raising(*_):
        raise OSError(errno.ENOENT, "no such file")

    monkeypatch.setitem(execution.WORK, "train", raising)
    job = place.enqueue(SHORT, launcher.inline_environment())
    with pytest.raises(TrainingFailed, match="no such file"):
        launcher.run_inline(place.store, place.dataset.path, job)
    assert job.state == "FAILED"


def test_a_gpus_memory_grows_also_where_tensorflow_was_used_before(tensorflow, monkeypatch):
    """Threads are fixed by then; that must not keep memory from growing as needed."""
    from piximi_widgets.engine import runtime

    def refuse(number):
        raise RuntimeError("cannot be modified after initialization")

    asked = []
    monkeypatch.setattr(tensorflow.config.threading, "set_intra_op_parallelism_threads", refuse)
    monkeypatch.setattr(tensorflow.config, "list_physical_devices", lambda kind: [f"{kind}:0"])
    monkeypatch.setattr(
        tensorflow.config.experimental, "set_memory_growth", lambda gpu, wanted: asked.append((gpu, wanted))
    )
    runtime.start_tensorflow()
    assert asked == [("GPU:0", True)]


def test_inline_raises_what_went_wrong(place: Place, tensorflow):
    job = place.enqueue(SHORT, launcher.inline_environment(), dataset="nothing")
    with pytest.raises(TrainingFailed, match="DatasetVersionError"):
        launcher.run_inline(place.store, place.dataset.path, job)
    assert job.experiment.status == "FAILED"


def test_a_job_that_waits_is_canceled_at_once(place: Place):
    job = place.enqueue(SHORT, launcher.environment(place.dataset.path))
    job.experiment.request_stop()
    assert job.refresh().state == "CANCELED"
