"""SIGKILL at random moments: a resumed training ends in what one has that was never interrupted, bit for bit."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

import piximi_widgets as pw
from piximi_widgets.engine import launcher
from piximi_widgets.engine.jobs.recording import DIGESTS
from tests.engine.conftest import stripes
from tests.recorded import metrics_of
from tests.workers import end_workers

pytestmark = pytest.mark.training

# All that a checkpoint has to hold: an optimizer's memory, a plateau, the best weights, and random augmentation.
CONFIG = pw.TrainingConfig(
    epochs=30,
    batch_size=1,
    seed=3,
    optimizer="adam",
    schedule="plateau",
    early_stopping=25,
    augmentation="natural",
)
RESULTS = ("val/confusion-matrix", "val/metrics", "val/final-accuracy", "val/final-cross-entropy", DIGESTS)


@pytest.fixture
def project(tmp_path: Path):
    pixels, labels = stripes(120)
    project = pw.Project(tmp_path / "stripes")
    project.add_images(pixels, labels=["vertical" if label else "horizontal" for label in labels])
    yield project
    end_workers(project.path / "experiments.db")


def assert_same(killed: pw.Experiment, whole: pw.Experiment) -> None:
    """Weights, every metric with its steps, and results agree to the last bit, and nothing is there twice."""
    assert killed.get_log("weights sha256").data == whole.get_log("weights sha256").data
    assert metrics_of(killed) == metrics_of(whole)
    for name in RESULTS:
        assert killed.get_log(name).data == whole.get_log(name).data
    assert [log.name for log in killed.logs] == [log.name for log in whole.logs]
    mine, theirs = (run.evaluation_arrays("validation") for run in (killed, whole))
    np.testing.assert_array_equal(mine.ids, theirs.ids)
    np.testing.assert_array_equal(mine.probabilities, theirs.probabilities)


def kill_at_random(project: pw.Project, kills: int, seed: int) -> None:
    store, generator = project.experiments, np.random.default_rng(seed)
    whole = project.fit(CONFIG, wait=True)
    seconds = (whole.ended - whole.started).total_seconds()
    done, resumed_late = 0, 0
    while done < kills:
        experiment = project.fit(CONFIG, dataset=whole.datasets["train"].uid)
        while True:
            # The next worker loads TensorFlow while this one trains.
            launcher._start(store, project.path)
            until(lambda e=experiment: e.status != "WAITING")
            if generator.random() < 0.5:
                time.sleep(generator.uniform(0, seconds * 0.6))
            else:
                # However slow the machine is at this moment, checkpoints have been made by then.
                target = min(len(experiment.history) + int(generator.integers(1, 8)), CONFIG.epochs)
                until(lambda e=experiment, n=target: len(e.history) >= n or e.status != "RUNNING")
                time.sleep(generator.uniform(0, 0.1))
            job = store.jobs(experiment)[-1]
            worker = [found for found in store.live_workers() if found.uid == job.worker]
            if done == kills or experiment.status != "RUNNING" or not worker:
                break
            psutil.Process(worker[0].pid).send_signal(signal.SIGKILL)
            until(lambda e=experiment: e.status in ("INTERRUPTED", "TERMINATED"))
            done += 1
            experiment.resume()
        experiment.wait(timeout=120)
        assert_same(experiment, whole)
        assert not (store.folder / "checkpoints" / experiment.uid).exists()
        texts = [line.text for line in experiment.telemetry.lines()]
        resumed_late += sum(text.startswith("Goes on after epoch") for text in texts)
    assert resumed_late, "no kill came after the first checkpoint"


def until(condition, timeout: float = 120) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_five_kills(project):
    kill_at_random(project, 5, seed=0)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_fifty_kills(project):
    kill_at_random(project, 50, seed=1)
