"""System samples: what psutil and the card say, at a slower and slower pace, and never in the training's way."""

from __future__ import annotations

import sys
import threading
import time
from itertools import accumulate
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from piximi_widgets.errors import ReadOnlyError
from piximi_widgets.experiments import ExperimentStore
from piximi_widgets.experiments.watching.system_samples import Probe, Sampling, seconds_to_next


class Counter:
    """A probe that counts how often it is read."""

    def __init__(self, folder: Path) -> None:
        self.reads = 0

    def read(self):
        self.reads += 1
        return {"reads": float(self.reads)}

    def close(self):
        pass


def wait_for(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def test_a_week_is_sampled_often_at_first_and_not_too_often_in_all():
    moments = [0.0]
    while moments[-1] < 7 * 86400:
        moments.append(moments[-1] + seconds_to_next(moments[-1]))
    pauses = np.diff(moments)
    assert sum(moment < 60 for moment in moments) == 60
    assert sum(moment < 3600 for moment in moments) < 450
    assert (pauses == np.array(list(accumulate(pauses, max)))).all()
    assert set(pauses) == {1.0, 2.0, 4.0, 8.0, 16.0, 30.0}
    assert len(moments) < 21_000


def test_samples_are_those_of_this_machine(experiment, query):
    begun = time.time()
    with experiment.telemetry.sampling():
        wait_for(lambda: query("SELECT count(*) FROM system_sample") != [(0,)])
    memory = psutil.Process().memory_info().rss  # before pandas is loaded
    frame = experiment.telemetry.system
    assert (frame.index.name, str(frame.index.tz)) == ("time", "UTC")
    assert begun <= frame.index[0].timestamp() + 0.001 <= time.time() + 1
    row = frame.iloc[0]
    assert 0 <= row["cpu"] <= 100
    assert 0 <= row["process-cpu"] <= 100
    assert row["memory"] == pytest.approx(memory, rel=0.2)
    assert row["machine-memory"] <= psutil.virtual_memory().total
    assert row["disk-free"] == pytest.approx(psutil.disk_usage(str(experiment.store.folder)).free, rel=0.2)
    assert all(frame.dtypes == np.float64)


def test_no_samples_are_an_empty_frame(experiment):
    frame = experiment.telemetry.system
    assert len(frame) == 0
    assert frame.index.name == "time"


def test_columns_of_moments_that_lack_a_name_are_nan(store, experiment):
    with store.database.write() as connection:
        connection.executemany(
            "INSERT INTO system_sample VALUES (?, ?, ?, ?)",
            [(experiment.id, 1000, "cpu", 5.0), (experiment.id, 2000, "gpu0", 7.0)],
        )
    frame = experiment.telemetry.system
    assert list(frame.columns) == ["cpu", "gpu0"]
    assert repr(frame.to_numpy().tolist()) == "[[5.0, nan], [nan, 7.0]]"
    assert frame.index[0].timestamp() == 1.0


def test_without_psutil_there_is_no_sample_and_no_error(experiment, monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    with experiment.telemetry.sampling():
        time.sleep(0.1)
    assert len(experiment.telemetry.system) == 0


def test_a_probe_that_fails_does_not_disturb(experiment, monkeypatch):
    class Broken(Counter):
        def read(self):
            raise OSError("no disk")

    monkeypatch.setattr("piximi_widgets.experiments.watching.system_samples._FIRST_SECONDS", 0.01)
    with Sampling(experiment, Broken) as sampling:
        wait_for(lambda: not sampling._thread.is_alive())
    assert len(experiment.telemetry.system) == 0


def test_leaving_the_block_ends_the_thread_at_once(experiment):
    before = set(threading.enumerate())
    with Sampling(experiment, Counter):
        time.sleep(0.05)
        begun = time.monotonic()
    assert time.monotonic() - begun < 0.9
    assert set(threading.enumerate()) <= before


def test_a_lost_attempt_writes_no_sample(store, experiment, hire, monkeypatch, query):
    monkeypatch.setattr("piximi_widgets.experiments.watching.system_samples._FIRST_SECONDS", 0.01)
    worker, _ = hire("here")
    store.enqueue(experiment, "train", {}, "here")
    job = store.claim(worker, "here", 0)
    with Sampling(job.experiment, Counter) as sampling:
        wait_for(lambda: query("SELECT count(*) > 3 FROM system_sample") == [(1,)])
        store.job(job.id).finish("CANCELED")
        wait_for(lambda: not sampling._thread.is_alive())
    ended = job.refresh() and query("SELECT ended FROM job")[0][0]
    assert query("SELECT max(time) FROM system_sample")[0][0] <= ended


def test_cards_are_read_where_pynvml_finds_them(tmp_path, monkeypatch):
    class Missing(Exception):
        pass

    def utilization(handle):
        if handle == 1:
            raise Missing("not supported")
        return SimpleNamespace(gpu=35)

    closed = []
    card = SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlShutdown=lambda: closed.append(True),
        nvmlDeviceGetCount=lambda: 2,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetUtilizationRates=utilization,
        nvmlDeviceGetMemoryInfo=lambda handle: SimpleNamespace(used=1000 + handle),
    )
    monkeypatch.setitem(sys.modules, "pynvml", card)
    probe = Probe(tmp_path)
    values = probe.read()
    probe.close()
    assert {name: value for name, value in values.items() if name.startswith("gpu")} == {
        "gpu0": 35.0,
        "gpu0-memory": 1000.0,
        "gpu1-memory": 1001.0,
    }
    assert closed == [True]


def test_a_read_only_store_refuses_at_once(store, experiment):
    with ExperimentStore(store.url, read_only=True) as reader, pytest.raises(ReadOnlyError):
        reader["first"].telemetry.sampling().__enter__()
    assert len(experiment.telemetry.system) == 0
