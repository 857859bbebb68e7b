"""What is read of an experiment, and how it is put into words."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from piximi_widgets.widgets.training_monitor.plots import epoch_ticks, value_ticks
from piximi_widgets.widgets.training_monitor.reading import Curve, best, decimate, duration, read
from piximi_widgets.widgets.training_monitor.words import (
    failure_html,
    number,
    progress_words,
    split_error,
    time_words,
)


@pytest.fixture
def experiment(store):
    return store.create_experiment("run", parameters={"epochs": 4})


def log_epoch(experiment, epoch, loss=1.0):
    experiment.log_metrics(
        {"train/loss": loss, "train/accuracy": 0.5, "val/loss": loss, "val/accuracy": 0.5}, step=epoch
    )


def test_a_waiting_training_starts_tensorflow(experiment):
    reading = read(experiment)
    assert progress_words(reading) == "Starting TensorFlow…"
    assert reading.under_way
    assert reading.remaining is None


def test_the_epoch_under_way_is_counted_from_one(experiment):
    experiment.start()
    assert progress_words(read(experiment)) == "Epoch 1 of 4"
    log_epoch(experiment, 1)
    assert progress_words(read(experiment)) == "Epoch 2 of 4"


def test_elapsed_ends_with_the_training(experiment):
    experiment.start()
    experiment.finish("SUCCESS")
    later = read(experiment, experiment.ended + timedelta(hours=1))
    assert later.elapsed == pytest.approx((experiment.ended - experiment.started).total_seconds())
    assert time_words(later).startswith("took")


def test_remaining_is_the_pace_of_the_epochs_times_those_left(experiment, monkeypatch):
    import pandas as pd

    experiment.start()
    start = experiment.started
    times = pd.to_datetime([start + timedelta(seconds=second) for second in (9, 11)], utc=True)
    for epoch in (1, 2):
        log_epoch(experiment, epoch)
    monkeypatch.setattr(experiment, "metric", lambda name: pd.DataFrame({"time": times}))
    # One epoch takes 2 s, two are left, and half a second of the next has passed.
    assert read(experiment, start + timedelta(seconds=11.5)).remaining == pytest.approx(3.5)


def test_a_loss_of_nan_stays_in_the_reading_and_out_of_the_drawing(experiment):
    experiment.start()
    log_epoch(experiment, 1, 0.5)
    log_epoch(experiment, 2, float("nan"))
    curve = read(experiment).curves["train/loss"]
    assert np.isnan(curve.values[1])
    assert curve.finite.steps.tolist() == [1]
    assert number(float("nan"), percent=False) == "not a number"


def test_the_best_epoch_is_the_earliest_of_equals():
    curve = Curve(np.array([1, 2, 3]), np.array([0.5, 0.9, 0.9]))
    assert best(curve, largest=True) == (2, 0.9)
    assert best(curve, largest=False) == (1, 0.5)


@pytest.mark.parametrize("count", [1001, 5000, 200_000])
def test_a_long_curve_keeps_its_ends_and_its_extremes_in_a_thousand_points(count):
    values = np.sin(np.arange(count) / 50)
    values[count // 3], values[count // 2] = 9.0, -9.0
    thin = decimate(Curve(np.arange(1, count + 1), values))
    assert len(thin.steps) <= 1000
    assert thin.steps[0] == 1
    assert thin.steps[-1] == count
    assert thin.values.max() == 9.0
    assert thin.values.min() == -9.0
    assert (np.diff(thin.steps) > 0).all()


def test_a_short_curve_is_left_alone():
    curve = Curve(np.arange(1, 1001), np.zeros(1000))
    assert decimate(curve) is curve


@pytest.mark.parametrize("last", [2, 3, 7, 8, 9, 15, 30, 100, 250, 10_000])
def test_ticks_of_epochs_are_few_whole_and_begin_at_one(last):
    ticks = epoch_ticks(last)
    assert ticks[0] == 1
    assert ticks[-1] <= last
    assert len(ticks) == len(set(ticks)) <= 10
    assert all(isinstance(tick, int) for tick in ticks)


@pytest.mark.parametrize("low", [0.0, 0.05, 0.33, 0.61, 0.97, 1.0])
def test_accuracies_end_at_one_and_all_fit(low):
    ticks = value_ticks(np.array([low, 0.5 + low / 2]), percent=True)
    assert ticks[-1] == 1.0
    assert 0.0 <= ticks[0] <= low
    assert len(ticks) >= 2


@pytest.mark.parametrize("top", [0.0, 1e-4, 0.02, 0.7, 2.3, 41.0, 12345.0])
def test_losses_begin_at_zero_and_all_fit(top):
    ticks = value_ticks(np.array([top]), percent=False)
    assert ticks[0] == 0
    assert ticks[-1] >= top * (1 - 1e-9)
    assert len(ticks) <= 8


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59.4, "59 s"), (60, "1:00 min"), (3725, "1:02 h")]
)
def test_durations_are_short(seconds, words):
    assert duration(seconds) == words


def test_a_failure_is_one_sentence_with_the_traceback_folded_away(experiment):
    experiment.start()
    log_epoch(experiment, 1)
    trace = (
        'Traceback (most recent call last):\n  File "w.py", line 1, in run\n    step()\n'
        "piximi_widgets.errors.TrainingError: The loss was no longer a number. Try 0.001 <at most>."
    )
    experiment.finish("FAILED", error=trace, exit_code=1)
    shown = failure_html(read(experiment))
    assert "<p>The loss was no longer a number. Try 0.001 &lt;at most&gt;.</p>" in shown
    assert "<details>" in shown
    assert "signal" not in shown


def test_a_signal_is_called_by_its_name(experiment):
    experiment.start()
    experiment.finish(
        "TERMINATED", error="The worker was killed; it may have run out of memory.", exit_code=-9
    )
    shown = failure_html(read(experiment))
    assert "it may have run out of memory" in shown
    assert "SIGKILL" in shown


def test_an_error_without_a_traceback_is_its_own_sentence():
    assert split_error("The worker vanished.") == ("The worker vanished.", "")
    assert split_error("")[0] == ""
