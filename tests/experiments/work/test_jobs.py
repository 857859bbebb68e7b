"""Jobs: asked for by one, done by exactly one, and closed when that one is gone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from piximi_widgets.errors import StaleAttemptError, StoreError
from piximi_widgets.experiments import ExperimentStore, JobState, Status
from piximi_widgets.experiments.results.withdrawing import withdraw_results
from piximi_widgets.experiments.work import workers as workers_module


@pytest.fixture
def claimed(store, experiment, hire):
    worker, lock = hire()
    store.enqueue(experiment, "train", {"dataset": "v1"}, "here")
    job = store.claim(worker, "here", 0)
    return worker, lock, job


def test_a_training_is_asked_for_claimed_and_done(store, experiment, hire):
    worker, _ = hire()
    job = store.enqueue(experiment, "train", {"dataset": "v1", "device": "auto"}, "here")
    assert (job.kind, job.attempt, job.state) == ("train", 1, JobState.WAITING)
    assert experiment.status is Status.WAITING
    assert store.claim(worker, "elsewhere", 0) is None
    claimed = store.claim(worker, "here", 100)
    assert (claimed.id, claimed.state, claimed.worker, claimed.log_offset) == (
        job.id,
        "RUNNING",
        worker.uid,
        100,
    )
    assert claimed.payload == {"dataset": "v1", "device": "auto"}
    assert experiment.status is Status.RUNNING
    assert experiment.started is not None
    assert store.claim(worker, "here", 0) is None
    claimed.finish("DONE", exit_code=0)
    assert (experiment.status, experiment.exit_code) == ("SUCCESS", 0)
    assert experiment.ended >= experiment.started
    assert job.refresh().state is JobState.DONE


@pytest.mark.parametrize(
    ("state", "status"),
    [("DONE", "SUCCESS"), ("FAILED", "FAILED"), ("CANCELED", "CANCELED"), ("TERMINATED", "TERMINATED")],
)
def test_the_experiment_follows_its_training(claimed, experiment, state, status):
    *_, job = claimed
    job.finish(state, exit_code=3, error="why")
    assert (experiment.status, experiment.exit_code, experiment.error) == (status, 3, "why")
    with pytest.raises(StaleAttemptError, match="ended already"):
        job.finish("DONE")


@pytest.mark.parametrize("state", ["RUNNING", "WAITING", "LOST"])
def test_a_job_does_not_end_as_something_that_goes_on(claimed, state):
    with pytest.raises(StoreError):
        claimed[2].finish(state)


def test_a_prediction_leaves_the_status_alone(store, experiment, hire, claimed):
    claimed[2].finish("DONE")
    job = store.enqueue(experiment, "predict", {"ids": None}, "here")
    assert job.attempt == 1
    assert experiment.status is Status.SUCCESS
    store.claim(claimed[0], "here", 0).finish("FAILED", error="no")
    assert experiment.status is Status.SUCCESS


def test_attempts_are_counted_and_one_runs_at_a_time(store, experiment, claimed):
    with pytest.raises(StoreError, match="running already"):
        store.enqueue(experiment, "train", {}, "here")
    claimed[2].finish("FAILED", exit_code=1, error="no")
    assert store.enqueue(experiment, "train", {}, "here").attempt == 2
    assert (experiment.status, experiment.error, experiment.exit_code, experiment.ended) == (
        "WAITING",
        None,
        None,
        None,
    )
    with pytest.raises(StoreError, match="waiting already"):
        store.enqueue(experiment, "train", {}, "here")


def test_the_oldest_job_is_claimed_first(store, hire):
    worker, _ = hire()
    jobs = [store.enqueue(store.create_experiment(name), "train", {}, "here") for name in "ab"]
    assert [store.claim(worker, "here", 0).id for _ in jobs] == [job.id for job in jobs]
    assert [job.id for job in store.jobs(state="RUNNING")] == [1, 2]
    assert [job.id for job in store.jobs(store["b"])] == [2]
    assert store.job(2).experiment == store["b"]


def test_unknown_work_is_refused(store, experiment, tmp_path):
    with pytest.raises(StoreError, match="train, predict"):
        store.enqueue(experiment, "dance", {}, "here")
    with ExperimentStore(tmp_path / "other.db") as other, pytest.raises(StoreError, match="belongs"):
        other.enqueue(experiment, "train", {}, "here")
    with pytest.raises(StoreError, match="job 7"):
        store.job(7)


def test_a_waiting_job_is_canceled_at_once(store, experiment, hire):
    job = store.enqueue(experiment, "train", {}, "here")
    job.cancel()
    assert job.state is JobState.CANCELED
    assert experiment.status is Status.CANCELED
    worker, _ = hire()
    assert store.claim(worker, "here", 0) is None


def test_a_running_job_is_asked_to_stop(experiment, claimed):
    *_, job = claimed
    assert not job.stop_requested
    assert experiment.request_stop()
    assert job.stop_requested
    assert experiment.status is Status.RUNNING
    job.finish("CANCELED")
    assert not experiment.request_stop()
    assert experiment.status is Status.CANCELED


def test_a_job_that_nobody_took_can_be_failed_by_who_asked_for_it(store, experiment, hire):
    job = store.enqueue(experiment, "train", {}, "here")
    job.finish("FAILED", exit_code=2, error="ModuleNotFoundError")
    assert (experiment.status, experiment.error, experiment.exit_code) == ("FAILED", "ModuleNotFoundError", 2)


def test_who_asked_cannot_fail_a_job_that_was_taken_meanwhile(store, experiment, hire):
    job = store.enqueue(experiment, "train", {}, "here")
    worker, _ = hire()
    store.claim(worker, "here", 0)
    with pytest.raises(StaleAttemptError):
        job.finish("FAILED", error="died at the start")
    assert experiment.status is Status.RUNNING


def test_the_exit_code_of_a_lost_worker_can_be_told_later(store, experiment, claimed):
    _, lock, job = claimed
    mine = store.job(job.id)
    lock.release()
    assert experiment.status is Status.INTERRUPTED
    mine.refresh().finish("TERMINATED", exit_code=-9, error="killed by signal 9")
    assert (experiment.status, experiment.exit_code) == ("TERMINATED", -9)


def test_the_exit_code_of_an_attempt_that_was_followed_does_not_touch_the_experiment(
    store, experiment, hire, claimed
):
    _, lock, job = claimed
    lock.release()
    store.reconcile()
    store.enqueue(experiment, "train", {}, "here")
    worker, _ = hire()
    store.claim(worker, "here", 0)
    job.refresh().finish("TERMINATED", exit_code=-9)
    assert experiment.status is Status.RUNNING
    assert experiment.exit_code is None


def test_a_vanished_worker_leaves_its_output_and_an_interrupted_experiment(store, experiment, claimed):
    worker, lock, job = claimed
    first, second = b"epoch 1\n", b"10%\r20%\rTraceback"
    (store.folder / worker.log).write_bytes(first + second)
    job.append_output(["epoch 1"], len(first))
    store.reconcile()
    assert experiment.status is Status.RUNNING
    lock.release()
    assert experiment.status is Status.INTERRUPTED
    assert "vanished" in experiment.error
    assert experiment.ended is not None
    assert [line.text for line in experiment.telemetry.lines()] == ["epoch 1", "Traceback"]
    assert job.refresh().state is JobState.LOST
    assert job.log_offset == len(first + second)
    store.reconcile()
    assert len(experiment.telemetry) == 2
    assert store.live_workers() == []


def test_claim_reconciles(store, experiment, hire, claimed):
    claimed[1].release()
    worker, _ = hire()
    assert store.claim(worker, "here", 0) is None
    assert store.job(claimed[2].id).state is JobState.LOST


def test_a_lost_attempt_cannot_write(store, experiment, hire, claimed, tmp_path):
    _, lock, job = claimed
    handle = job.experiment
    handle.log_metrics({"loss": 1.0}, step=1)
    lock.release()
    store.reconcile()
    changes = {
        "log_metrics": lambda: handle.log_metrics({"loss": 2.0}, step=2),
        "log": lambda: handle.log("t", {"a": 1}),
        "line": lambda: handle.log("loss", 2.0),
        "parameters": lambda: setattr(handle, "parameters", {"a": 1}),
        "artifact": lambda: handle.artifacts.store("model-latest", b"stale"),
        "evaluations": lambda: handle.add_evaluations("test", [1], [0], [[1.0]], ["a"]),
        "telemetry": lambda: handle.telemetry.append("stale"),
        "rename": lambda: handle.rename("stale"),
        "finish": lambda: job.finish("DONE"),
        "heartbeat": job.heartbeat,
        "output": lambda: job.append_output(["stale"], 10),
    }
    for name, change in changes.items():
        with pytest.raises(StaleAttemptError):
            change()
        assert experiment.metrics_array("loss")[0].tolist() == [1], name
    assert (experiment.name, experiment.status, experiment.parameters) == ("first", "INTERRUPTED", {})
    assert list(experiment.artifacts) == []
    assert len(experiment.telemetry) == 0
    # the next attempt writes, the old one still does not
    store.enqueue(experiment, "train", {}, "here")
    next_worker, _ = hire()
    fresh = store.claim(next_worker, "here", 0).experiment
    fresh.log_metrics({"loss": 3.0}, step=2)
    with pytest.raises(StaleAttemptError):
        changes["log_metrics"]()
    assert experiment.metrics_array("loss")[1].tolist() == [1.0, 3.0]


def test_within_a_fence_every_handle_is_checked(store, experiment, claimed):
    _, lock, job = claimed
    with store.fenced(job) as handle:
        assert handle == experiment
        experiment.log_metrics({"loss": 1.0})
        store.create_experiment("other").log_metrics({"loss": 1.0})
        lock.release()
        store.reconcile()
        with pytest.raises(StaleAttemptError):
            experiment.log_metrics({"loss": 2.0})
    experiment.log_metrics({"loss": 2.0})
    assert experiment.metrics_array("loss")[1].tolist() == [1.0, 2.0]


def test_output_is_added_exactly_once(experiment, claimed, query):
    *_, job = claimed
    job.append_output(["a", "b"], 4)
    job.append_output(["a", "b"], 4)
    job.append_output(["c"], 6)
    job.append_output(["b"], 5)
    assert [line.text for line in experiment.telemetry.lines()] == ["a", "b", "c"]
    assert query("SELECT log_offset FROM job") == [(6,)]
    assert job.log_offset == 6


def test_workers_are_known_while_they_hold_their_lock(store, experiment, hire):
    worker, lock = hire()
    other, _ = hire("elsewhere")
    assert [found.uid for found in store.live_workers("here")] == [worker.uid]
    assert {found.uid for found in store.live_workers()} == {worker.uid, other.uid}
    store.enqueue(experiment, "train", {}, "here")
    store.claim(worker, "here", 0)
    assert store.live_workers("here")[0].state == "busy"
    lock.release()
    assert store.live_workers("here") == []


def test_a_worker_stays_while_work_waits(store, experiment, hire):
    worker, _ = hire()
    store.enqueue(experiment, "train", {}, "here")
    assert not store.retire_worker(worker.uid)
    store.claim(worker, "here", 0).finish("DONE")
    assert store.retire_worker(worker.uid)
    assert store.live_workers() == []
    assert store.retire_worker(worker.uid)


def test_a_worker_on_another_host_is_known_by_its_heartbeat(store, experiment, hire, monkeypatch):
    worker, lock = hire(host="far-away")
    lock.release()  # a lock of another host says nothing here
    store.enqueue(experiment, "train", {}, "here")
    job = store.claim(worker, "here", 0)
    assert [found.host for found in store.live_workers()] == ["far-away"]
    real = workers_module.now
    monkeypatch.setattr(workers_module, "now", lambda: real() + 61_000)
    assert store.live_workers() == []
    monkeypatch.setattr(workers_module, "now", real)
    job.heartbeat()
    assert experiment.status is Status.RUNNING
    monkeypatch.setattr(workers_module, "now", lambda: real() + 61_000)
    assert experiment.status is Status.INTERRUPTED


def test_an_idle_worker_that_asks_for_work_gives_a_sign_of_life(store, hire, monkeypatch):
    worker, _ = hire(host="far-away")
    before = store.live_workers()[0].heartbeat
    real = workers_module.now
    monkeypatch.setattr(workers_module, "now", lambda: real() + 20_000)
    assert store.claim(worker, "here", 0) is None
    assert (store.live_workers()[0].heartbeat - before).total_seconds() >= 19


def test_workers_are_registered_once_and_with_relative_paths(store, hire):
    worker, _ = hire()
    fields = {"log": "workers/x.log", "environment": "here"}
    with pytest.raises(StoreError, match="registered already"):
        store.register_worker(worker.uid, lock="workers/x.lock", **fields)
    for path in ("/tmp/x.lock", "../x.lock"):
        with pytest.raises(StoreError, match="below"):
            store.register_worker("new", lock=path, **fields)


def test_an_unregistered_worker_gets_no_work(store, hire):
    worker, _ = hire()
    stranger = type(worker)(**{**worker.__dict__, "uid": "stranger"})
    with pytest.raises(StoreError, match="register"):
        store.claim(stranger, "here", 0)


def test_a_trained_experiment_is_not_deleted_under_its_worker(experiment, claimed):
    with pytest.raises(StoreError, match="stop it"):
        experiment.delete()
    with pytest.raises(StoreError, match="worker"):
        experiment.finish()
    claimed[2].finish("DONE")
    experiment.delete()
    assert experiment.is_deleted


ASKER = """
import sys
from piximi_widgets.experiments import ExperimentStore
store = ExperimentStore(sys.argv[1])
reservation = store.reserve()
store.enqueue(store["first"], "train", {}, reservation.environment)
print("asked", flush=True)
sys.stdin.readline()
"""


def test_what_waits_for_a_killed_process_is_lost_and_says_why(store, experiment):
    """As when a kernel dies between asking for a training of its own and beginning it."""
    command = [sys.executable, "-c", ASKER, store.url]
    asker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert asker.stdout.readline() == "asked\n"
    store.reconcile()
    (job,) = store.jobs(experiment)
    assert job.state == "WAITING", "who asked lives"
    asker.kill()
    asker.communicate()
    store.reconcile()
    assert job.refresh().state == "LOST"
    assert experiment.status == "INTERRUPTED"
    assert "ended before it began" in experiment.error
    assert store.enqueue(experiment, "train", {}, "here", after_attempt=1).attempt == 2


def test_what_waits_for_an_unknown_process_waits_on(store, experiment):
    job = store.enqueue(experiment, "train", {}, "inline 0123456789")
    store.reconcile()
    assert job.refresh().state == "WAITING"


def test_a_released_reservation_leaves_no_file(store, experiment):
    with store.reserve() as reservation:
        job = store.enqueue(experiment, "train", {}, reservation.environment)
        job.cancel()
    assert list((store.folder / "workers").iterdir()) == []
    store.reconcile()
    assert job.refresh().state == "CANCELED"


def test_environments_without_a_worker_are_known_with_the_time_since_the_last_sign(
    store, experiment, hire, monkeypatch
):
    times = iter([1_000_000])
    monkeypatch.setattr("piximi_widgets.experiments.work.jobs.now", lambda: next(times, 1_000_000))
    store.enqueue(experiment, "train", {}, "here")
    monkeypatch.setattr("piximi_widgets.experiments.work.worklist.now", lambda: 1_007_000)
    assert store.unattended() == {"here": 7.0}
    monkeypatch.setattr("piximi_widgets.experiments.work.workers.now", lambda: 1_005_000)
    _, lock = hire("here")
    assert store.unattended() == {}, "it lives"
    lock.release()
    assert store.unattended() == {"here": 2.0}, "it was there"
    hire("elsewhere")
    assert list(store.unattended()) == ["here"]
    store.jobs(experiment)[0].cancel()
    assert store.unattended() == {}


def test_waiting_work_can_be_given_to_another_environment(store, experiment, hire):
    worker, _ = hire("there")
    job = store.enqueue(experiment, "train", {}, "here")
    assert store.move_waiting("here", "there") == 1
    assert store.claim(worker, "there", 0).id == job.id
    assert store.move_waiting("there", "here") == 0, "it no longer waits"


def test_results_are_withdrawn_together_and_metrics_stay(experiment, query):
    experiment.add_evaluations("validation", [1, 2], [0, 1], [[0.5, 0.5], [0.1, 0.9]], ["a", "b"])
    experiment.log("val/final-accuracy", 0.5, type="VALUE")
    experiment.log("val/kept", 0.25, type="VALUE")
    experiment.log_metrics({"val/accuracy": 0.5}, step=1)
    withdraw_results(experiment, ["validation", "test"], ["val/final-accuracy", "val/accuracy", "absent"])
    assert [log.name for log in experiment.logs] == ["parameters", "labelmap", "val/kept", "val/accuracy"]
    assert experiment.metrics_array("val/accuracy")[1].tolist() == [0.5]
    assert query("SELECT count(*) FROM evaluation_row") == [(0,)]
