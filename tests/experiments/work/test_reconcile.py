"""Work that nobody will do is closed, and looking for it costs little."""

from __future__ import annotations

import os
import sqlite3

import pytest

from piximi_widgets.experiments.work import jobs, own_training, reconcile
from piximi_widgets.experiments.work.own_training import OwnTraining


def test_a_training_of_ones_own_whose_process_died_before_it_began_is_interrupted(store, experiment, hire):
    """Between asking for the job and claiming it, a moment of a few milliseconds."""
    _, lock = hire("own training u")
    job = store.enqueue(experiment, "train", {"process": 1}, "own training u")
    store.reconcile()
    assert job.refresh().state == "WAITING", "its process lives"
    lock.release()
    store.reconcile()
    assert job.refresh().state == "LOST"
    assert experiment.status == "INTERRUPTED"


def test_one_that_cannot_begin_leaves_no_waiting_job(store, experiment, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(jobs, "claim", interrupted)
    with pytest.raises(KeyboardInterrupt):
        OwnTraining(experiment)
    (job,) = store.jobs(experiment)
    assert (job.state, experiment.status) == ("CANCELED", "CANCELED")
    assert store.live_workers() == []
    assert list((store.folder / "workers").iterdir()) == []


@pytest.mark.parametrize(("kind", "advice"), [("train", "resume()"), ("predict", "predict()")])
def test_what_was_abandoned_says_how_to_ask_for_it_again(store, experiment, kind, advice):
    reservation = store.reserve()
    job = store.enqueue(experiment, kind, {}, reservation.environment)
    reservation.release()
    store.reconcile()
    assert job.refresh().state == "LOST"
    assert advice in job.error


def test_others_can_write_while_a_log_is_read(store, experiment, hire, monkeypatch, query):
    """Of hours of output, say."""
    worker, lock = hire()
    store.enqueue(experiment, "train", {}, "here")
    job = store.claim(worker, "here", 0)
    (store.folder / worker.log).write_text("one\ntwo\n")
    read = reconcile._rest_of_log

    def slow(path, offset):
        connection = sqlite3.connect(store.database.path, timeout=0.1)
        connection.execute("UPDATE experiment SET description = 'written meanwhile'")
        connection.commit()
        connection.close()
        return read(path, offset)

    monkeypatch.setattr(reconcile, "_rest_of_log", slow)
    lock.release()
    store.reconcile()
    assert job.refresh().state == "LOST"
    assert query("SELECT description FROM experiment") == [("written meanwhile",)]
    assert [line.text for line in experiment.telemetry.lines()] == ["one", "two"]


def test_output_that_came_over_meanwhile_is_not_added_twice(store, experiment, hire, monkeypatch):
    worker, lock = hire()
    store.enqueue(experiment, "train", {}, "here")
    job = store.claim(worker, "here", 0)
    (store.folder / worker.log).write_text("one\ntwo\n")
    read = reconcile._rest_of_log

    def overtaken(path, offset):
        rest = read(path, offset)
        if not offset:
            job.append_output(["one"], 4)
        return rest

    monkeypatch.setattr(reconcile, "_rest_of_log", overtaken)
    lock.release()
    store.reconcile()
    store.reconcile()
    assert job.refresh().state == "LOST"
    assert [line.text for line in experiment.telemetry.lines()] == ["one", "two"]


def test_a_look_at_the_work_reads_no_payload(store, experiment, hire, monkeypatch):
    """A prediction's names all of its images, a hundred thousand, say."""
    worker, _ = hire()
    ids = list(range(100_000))
    store.enqueue(experiment, "predict", {"ids": ids}, "here")
    job = store.claim(worker, "here", 0)
    store.enqueue(experiment, "predict", {"ids": ids}, "here")
    read = []
    load = jobs.json.loads
    monkeypatch.setattr(jobs.json, "loads", lambda text: read.append(len(text)) or load(text))
    rows = []
    with store.database.read() as connection:
        rows += reconcile.sql_jobs.running_jobs(connection)
        rows += reconcile.sql_jobs.waiting_jobs(connection)
        rows += reconcile.sql_jobs.jobs(connection, None)
        rows.append(reconcile.sql_jobs.job(connection, job.id))
    assert len(rows) == 5
    assert max(len(str(value)) for row in rows for value in tuple(row)) < 1000
    assert len(store.jobs()) == 2
    assert not job.stop_requested
    assert read == []
    assert job.payload == {"ids": ids}
    assert job.payload is job.payload
    assert len(read) == 1


def test_the_process_of_a_training_of_ones_own_is_in_its_job(store, experiment):
    training = OwnTraining(experiment, payload={"parameters": ["loss"]})
    (job,) = store.jobs(experiment)
    assert job.payload == {"process": os.getpid(), "parameters": ["loss"]}
    assert own_training.is_own(job.environment)
    training.end()
    assert experiment.status == "SUCCESS"
