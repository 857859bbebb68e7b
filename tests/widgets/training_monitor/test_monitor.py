"""The monitor shows what is in the store, live and afterwards."""

from __future__ import annotations

import re

import pytest

from piximi_widgets.experiments import ExperimentStore
from piximi_widgets.widgets.training_monitor import TrainingMonitor

from ..conftest import eventually


@pytest.fixture
def experiment(store):
    return store.create_experiment("a <run>", parameters={"epochs": 5})


def log_epoch(experiment, epoch):
    experiment.log_metrics({"loss": 2.0 / epoch, "accuracy": 1 - 0.5 / epoch}, step=epoch, phase="train")
    experiment.log_metrics({"loss": 2.2 / epoch, "accuracy": 1 - 0.6 / epoch}, step=epoch, phase="val")


def drawn(monitor):
    marks = (
        monitor.loss.training,
        monitor.loss.validation,
        monitor.accuracy.training,
        monitor.accuracy.validation,
    )
    return [(mark.x.tolist(), mark.y.tolist()) for mark in marks]


def stored(experiment):
    names = ("train/loss", "val/loss", "train/accuracy", "val/accuracy")
    return [tuple(array.tolist() for array in experiment.metrics_array(name)) for name in names]


def test_without_an_experiment_it_says_what_to_do(close_later):
    monitor = close_later(TrainingMonitor())
    assert "press Fit" in monitor._empty.value
    assert monitor._empty in monitor.children


def test_lines_follow_the_store_while_it_is_written(store, experiment, close_later):
    monitor = close_later(TrainingMonitor(experiment))
    experiment.start()
    for epoch in range(1, 4):
        log_epoch(experiment, epoch)
        assert eventually(lambda epoch=epoch: drawn(monitor)[0][0] == list(range(1, epoch + 1)))
    assert eventually(lambda: drawn(monitor) == stored(experiment))
    assert "Epoch 4 of 5" in monitor._progress.value
    assert monitor.loss.x.max >= 5


def test_a_view_made_later_equals_the_first(store, experiment, close_later):
    first = close_later(TrainingMonitor(experiment))
    experiment.start()
    for epoch in range(1, 6):
        log_epoch(experiment, epoch)
    experiment.finish("SUCCESS")
    assert eventually(lambda: "All 5 epochs done" in first._progress.value)
    with_own_handle = ExperimentStore(store.url)
    second = close_later(TrainingMonitor(with_own_handle["a <run>"]))
    assert second.refresher.flush()
    assert drawn(second) == drawn(first) == stored(experiment)
    assert second._tiles.value == first._tiles.value
    assert second._header.value == first._header.value
    second.close()
    with_own_handle.close()


def test_stop_asks_through_the_store_and_the_button_waits(store, experiment, close_later, monkeypatch):
    asked = []
    monkeypatch.setattr(experiment, "request_stop", lambda: asked.append(1))
    experiment.start()
    monitor = close_later(TrainingMonitor(experiment))
    monitor.refresher.flush()
    assert not monitor._stop.disabled
    monitor._stop.click()
    monitor.refresher.flush()
    assert asked == [1]
    assert monitor._stop.disabled
    assert monitor._stop.description == "Stopping…"
    experiment.finish("CANCELED")
    assert eventually(lambda: "Stopped after 0 of 5 epochs" in monitor._progress.value)
    assert monitor._stop.layout.display == "none"


def test_a_failure_is_told_with_its_sentence(experiment, close_later):
    experiment.start()
    experiment.finish(
        "FAILED", error="Traceback (most recent call last):\n  File x\nValueError: too <small>", exit_code=1
    )
    monitor = close_later(TrainingMonitor(experiment))
    monitor.refresher.flush()
    assert "too &lt;small&gt;" in monitor._failure.value
    assert "Failed" in monitor._header.value


def test_another_experiment_replaces_all_that_is_shown(store, experiment, close_later):
    log_epoch(experiment, 1)
    other = store.create_experiment("other", parameters={"epochs": 2})
    monitor = close_later(TrainingMonitor(experiment))
    monitor.refresher.flush()
    monitor.experiment = other
    monitor.refresher.flush()
    assert "other" in monitor._header.value
    assert drawn(monitor)[0] == ([], [])
    monitor.experiment = None
    monitor.refresher.flush()
    assert monitor._empty in monitor.children


def test_output_is_read_only_when_it_is_opened_and_then_grows(experiment, close_later):
    experiment.telemetry.append(["first <line>"])
    monitor = close_later(TrainingMonitor(experiment))
    monitor.refresher.flush()
    assert monitor._output.value == ""
    monitor._more.value = True
    monitor.refresher.flush()
    assert "first &lt;line&gt;" in monitor._output.value
    experiment.telemetry.append(["second"])
    assert eventually(lambda: "second" in monitor._output.value)


def test_an_exception_while_drawing_shows_in_the_widget(experiment, close_later, monkeypatch):
    monitor = close_later(TrainingMonitor(experiment))
    monitor.refresher.flush()
    monkeypatch.setattr(experiment, "curve", lambda name, points: 1 / 0)
    monitor.refresher.request()
    monitor.refresher.flush()
    assert "ZeroDivisionError" in monitor._failure.value


def test_at_most_five_updates_a_second(experiment, close_later):
    experiment.start()
    monitor = close_later(TrainingMonitor(experiment))
    monitor.refresher.flush()
    messages = []
    monitor._progress.observe(lambda change: messages.append(change["new"]), "value")
    import time

    until = time.monotonic() + 1.0
    step = 0
    while time.monotonic() < until:
        step += 1
        log_epoch(experiment, step)
    assert step > 20
    assert 1 <= len(messages) <= 7


def test_the_saved_notebook_shows_state_and_curves(experiment, close_later):
    experiment.start()
    for epoch in range(1, 4):
        log_epoch(experiment, epoch)
    experiment.finish("SUCCESS")
    monitor = close_later(TrainingMonitor(experiment))
    html = monitor._repr_mimebundle_()["text/html"]
    assert "a &lt;run&gt;" in html
    assert "<run>" not in html
    assert re.search(r'<img[^>]+src="data:image/png;base64,iVBOR', html)
    assert len(html) < 200_000
