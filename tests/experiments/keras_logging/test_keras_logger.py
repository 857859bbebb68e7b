"""KerasLogger: what Keras itself says of a fit, once, and an honest status however the fit ends."""

from __future__ import annotations

import gc
import math
import subprocess
import sys
import textwrap
import threading
import time
import warnings

import numpy as np
import pytest

import piximi_widgets as pw
from piximi_widgets.errors import ReadOnlyError, StoreError
from piximi_widgets.experiments import ExperimentStore, Status
from piximi_widgets.experiments.keras_logging import keras_logger as keras_logger_module

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("tensorflow")]


@pytest.fixture
def tensorflow():
    """TensorFlow with the worker's settings, which want a seed."""
    from piximi_widgets.engine import runtime

    runtime.start_tensorflow()
    import keras

    keras.utils.set_random_seed(0)


def make_model(loss="mse", rate=0.01):
    import keras

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, name="head")], name="tiny")
    model.compile(optimizer=keras.optimizers.SGD(rate), loss=loss, metrics=["mae"])
    return model


def data(count=32):
    generator = np.random.default_rng(0)
    x = generator.normal(size=(count, 3)).astype("float32")
    return x, x.sum(axis=1, keepdims=True)


def fit(model, logger, epochs=3, **options):
    x, y = data()
    options = {"validation_data": (x[:8], y[:8]), "batch_size": 8, "verbose": 0, **options}
    return model.fit(x, y, epochs=epochs, **{"callbacks": [logger], **options})


def curve(experiment, name):
    steps, values = experiment.metrics_array(name)
    return dict(zip(steps.tolist(), values.tolist(), strict=True))


def failing(at_batch=2, error=RuntimeError):
    import keras

    class Failing(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == at_batch:
                raise error("no luck")

    return Failing()


def wait_for(condition, seconds=15.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


def test_the_points_are_exactly_those_of_the_history(experiment):
    history = fit(make_model(), pw.KerasLogger(experiment, system=False)).history
    assert set(history) == {"loss", "mae", "val_loss", "val_mae"}
    for name, values in history.items():
        ours = f"val/{name[4:]}" if name.startswith("val_") else f"train/{name}"
        assert curve(experiment, ours) == dict(enumerate(values, 1))
    assert list(curve(experiment, "batch/loss")) == list(range(1, 13))
    assert [curve(experiment, "batch/loss")[step] for step in (4, 8, 12)] == history["loss"]
    assert curve(experiment, "batches") == {1: 4.0, 2: 8.0, 3: 12.0}
    assert list(curve(experiment, "epoch-time")) == [1, 2, 3]
    assert experiment.status is Status.SUCCESS
    assert experiment.exit_code == 0
    assert experiment.labelmap == {}
    assert [line.chapter for line in experiment.telemetry.lines()] == ["Train"] * 3


def test_nothing_is_put_into_the_history(experiment):
    with_logger = fit(make_model(), pw.KerasLogger(experiment, system=False)).history
    x, y = data()
    without = make_model().fit(x, y, validation_data=(x, y), verbose=0).history
    assert set(with_logger) == set(without)


def test_it_is_a_keras_callback(experiment):
    import keras

    logger = pw.KerasLogger(experiment)
    assert isinstance(logger, keras.callbacks.Callback)
    assert isinstance(logger, pw.KerasLogger)


def test_batches_that_come_from_several_threads_are_all_logged(experiment, monkeypatch):
    # Keras does so with JAX and PyTorch, for callbacks that say that they can bear it.
    from keras.src.callbacks import callback_list

    monkeypatch.setattr(callback_list.backend, "IS_THREAD_SAFE", True)
    threads = set()
    logger = pw.KerasLogger(experiment, system=False)
    log = logger.on_train_batch_end
    monkeypatch.setattr(
        logger,
        "on_train_batch_end",
        lambda *given, **named: (threads.add(threading.get_ident()), log(*given, **named)),
    )
    history = fit(make_model(), logger).history
    assert threading.get_ident() not in threads
    assert list(curve(experiment, "batch/loss")) == list(range(1, 13))
    assert curve(experiment, "train/loss") == dict(enumerate(history["loss"], 1))


def stored_when_a_batch_ends(experiment, logger) -> list[int]:
    """How many batches another handle finds after each batch of two epochs of four."""
    import keras

    found = []

    class Looking(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            found.append(len(curve(experiment, "batch/loss")))

    fit(make_model(), logger, epochs=2, callbacks=[logger, Looking()])
    return found


@pytest.mark.parametrize(
    ("share", "found"),
    [
        pytest.param(1e9, [1, 2, 3, 4, 5, 6, 7, 8], id="long batches"),
        pytest.param(1e-9, [1] * 4 + [4] * 4, id="short ones"),
    ],
)
def test_a_batch_is_committed_at_once_unless_commits_would_take_too_long(
    experiment, monkeypatch, share, found
):
    monkeypatch.setattr(keras_logger_module, "_SHARE_OF_COMMITS", share)
    monkeypatch.setattr(keras_logger_module, "_MOST_SECONDS_WAITING", 60.0)
    assert stored_when_a_batch_ends(experiment, pw.KerasLogger(experiment, system=False)) == found
    assert len(curve(experiment, "batch/loss")) == 8


def test_no_batch_waits_for_long_however_slow_the_disk_is(experiment, monkeypatch):
    monkeypatch.setattr(keras_logger_module, "_SHARE_OF_COMMITS", 1e-9)
    monkeypatch.setattr(keras_logger_module, "_MOST_SECONDS_WAITING", 0.0)
    found = stored_when_a_batch_ends(experiment, pw.KerasLogger(experiment, system=False))
    assert found == [1, 2, 3, 4, 5, 6, 7, 8]


def test_parameters_are_what_keras_knows_unless_they_are_given(store):
    experiment = store.create_experiment("run", parameters={"optimizer": "mine", "plate": 7})
    fit(make_model(), pw.KerasLogger(experiment, system=False), epochs=2)
    assert experiment.parameters == {
        "optimizer": "mine",
        "plate": 7,
        "epochs": 2,
        "steps": 4,
        "model": "tiny",
        "learning_rate": pytest.approx(0.01),
        "loss": "mse",
    }
    fit(make_model(), pw.KerasLogger(experiment, system=False), epochs=5, initial_epoch=2)
    assert (experiment.parameters["epochs"], experiment.parameters["optimizer"]) == (5, "mine")


def test_beside_the_settings_of_a_training_of_ours_nothing_becomes_a_parameter(store, hire):
    """They are read again when it is resumed, where others would be faults."""
    experiment = store.create_experiment("ours", parameters={"epochs": 2})
    worker, _ = hire()
    store.enqueue(experiment, "train", {"dataset": "v1"}, "here")
    store.claim(worker, "here", 0).finish("DONE", 0)
    fit(make_model(), pw.KerasLogger(experiment), epochs=1)
    assert experiment.status == "SUCCESS"
    assert experiment.parameters == {"epochs": 2}


def test_the_learning_rate_is_that_of_the_epoch(experiment):
    import keras

    schedule = keras.callbacks.LearningRateScheduler(lambda epoch: 0.5**epoch)
    x, y = data()
    make_model().fit(
        x, y, epochs=3, verbose=0, callbacks=[schedule, pw.KerasLogger(experiment, system=False)]
    )
    assert curve(experiment, "learning-rate") == {1: 1.0, 2: 0.5, 3: 0.25}
    assert "train/learning_rate" not in experiment.metrics


def test_zero_and_nan_are_kept(experiment):
    import keras

    def loss(truth, prediction):
        return 0.0 * keras.ops.mean(prediction)

    fit(make_model(loss), pw.KerasLogger(experiment, system=False), epochs=1)
    assert curve(experiment, "train/loss") == {1: 0.0}
    x, y = data()
    other = experiment.store.create_experiment("nan")
    make_model().fit(x * np.nan, y, verbose=0, callbacks=[pw.KerasLogger(other, system=False)])
    assert math.isnan(curve(other, "train/loss")[1])
    assert other.status is Status.SUCCESS


@pytest.mark.parametrize("known", [True, False], ids=["steps known", "steps unknown"])
def test_going_on_at_an_epoch_overwrites_and_does_not_double(store, experiment, known, query):
    x, y = data()

    def train(**options):
        if known:
            return fit(make_model(), pw.KerasLogger(experiment, system=False), **options).history

        def batches():
            for start in range(0, 32, 8):
                yield x[start : start + 8], y[start : start + 8]

        import tensorflow as tf

        kinds = (tf.TensorSpec((None, 3)), tf.TensorSpec((None, 1)))
        dataset = tf.data.Dataset.from_generator(batches, output_signature=kinds)
        logger = pw.KerasLogger(store["first"], system=False)
        return make_model().fit(dataset, verbose=0, callbacks=[logger], **options).history

    first = train(epochs=4)["loss"]
    second = train(epochs=5, initial_epoch=2)["loss"]
    assert curve(experiment, "train/loss") == dict(enumerate([*first[:2], *second], 1))
    assert list(curve(experiment, "batch/loss")) == list(range(1, 21))
    assert query("SELECT attempt, state FROM job ORDER BY id") == [(1, "DONE"), (2, "DONE")]


def test_the_model_is_stored_as_it_is_in_the_end(experiment, tmp_path):
    import keras

    model = make_model()
    fit(model, pw.KerasLogger(experiment, system=False))
    loaded = keras.models.load_model(experiment.artifacts["model-latest"].download(tmp_path))
    assert all(np.array_equal(a, b) for a, b in zip(loaded.get_weights(), model.get_weights(), strict=True))
    other = experiment.store.create_experiment("other")
    fit(model, pw.KerasLogger(other, system=False, save_model=False))
    assert list(other.artifacts) == []


def test_batches_can_be_left_out(experiment):
    fit(make_model(), pw.KerasLogger(experiment, batches=False, system=False))
    assert not [name for name in experiment.metrics if name.startswith("batch/")]
    assert curve(experiment, "batches")[3] == 12.0


def test_the_network_the_environment_and_the_machine_are_recorded(experiment):
    import keras

    with pw.KerasLogger(experiment) as logger:
        x, y = data()
        pause = keras.callbacks.LambdaCallback(on_train_begin=lambda logs: time.sleep(1.5))
        make_model().fit(x, y, verbose=0, callbacks=[logger, pause])
    summary = experiment.get_log("model-summary").data
    assert summary["rows"] == ["head"]
    assert summary["data"] == [["Dense", "1", 4, True]]
    assert experiment.get_log("environment").data["keras"] == keras.__version__
    assert len(experiment.telemetry.system) >= 1


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RuntimeError, Status.FAILED),
        (KeyboardInterrupt, Status.CANCELED),
        (MemoryError, Status.TERMINATED),
        (SystemExit, Status.TERMINATED),
    ],
)
def test_the_block_says_how_a_fit_failed(experiment, error, status):
    def train():
        with pw.KerasLogger(experiment, system=False) as logger:
            x, y = data()
            make_model().fit(x, y, batch_size=8, verbose=0, callbacks=[logger, failing(error=error)])

    with pytest.raises(error):
        train()
    assert experiment.status is status
    assert ("no luck" in (experiment.error or "")) == (error is not KeyboardInterrupt)
    assert list(curve(experiment, "batch/loss")) == [1, 2, 3]
    fit(make_model(), pw.KerasLogger(experiment, system=False))
    assert experiment.status is Status.SUCCESS


def test_a_fit_that_failed_without_the_block_does_not_seem_to_run_for_ever(experiment, query):
    logger = pw.KerasLogger(experiment, system=False)
    x, y = data()
    with pytest.raises(RuntimeError):
        make_model().fit(x, y, batch_size=8, verbose=0, callbacks=[logger, failing()])
    wait_for(lambda: query("SELECT status FROM experiment") == [("FAILED",)])
    assert "with KerasLogger" in experiment.error


def test_a_slow_fit_is_not_taken_for_one_that_failed(experiment):
    import keras

    slow = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: time.sleep(2.5))
    x, y = data()
    make_model().fit(x, y, verbose=0, callbacks=[pw.KerasLogger(experiment, system=False), slow])
    assert experiment.status is Status.SUCCESS


def test_a_fit_on_another_thread_is_watched_there(experiment):
    thread = threading.Thread(
        target=lambda: fit(make_model(), pw.KerasLogger(experiment, system=False), epochs=2)
    )
    thread.start()
    thread.join(60)
    assert experiment.status is Status.SUCCESS
    assert list(curve(experiment, "train/loss")) == [1, 2]


def test_stop_from_elsewhere_ends_the_fit_as_canceled(store, experiment):
    import keras

    class Asks(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                with ExperimentStore(store.url) as other:
                    assert other["first"].request_stop()
                time.sleep(1.2)

    x, y = data()
    with pw.KerasLogger(experiment, system=False) as logger:
        history = make_model().fit(x, y, epochs=50, verbose=0, callbacks=[logger, Asks()])
    assert len(history.history["loss"]) <= 4
    assert experiment.status is Status.CANCELED
    assert "model-latest" in list(experiment.artifacts)


_SCRIPT = """
import os, sys, numpy as np, keras
import piximi_widgets as pw
experiment = pw.ExperimentStore(sys.argv[1])["first"]
class End(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if sys.argv[2] == "kill":
            os.kill(os.getpid(), 9)
        raise ValueError("no luck")
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
x = np.ones((8, 3))
model.fit(x, x[:, :1], verbose=0, callbacks=[pw.KerasLogger(experiment, system=False), End()])
"""


@pytest.mark.parametrize(("how", "status"), [("kill", Status.INTERRUPTED), ("raise", Status.FAILED)])
def test_a_process_that_ends_within_fit(store, experiment, how, status):
    process = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_SCRIPT), store.url, how],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert process.returncode == (-9 if how == "kill" else 1), process.stderr
    assert experiment.status is status
    assert list(curve(experiment, "train/loss")) == [1]
    if how == "raise":
        assert "no luck" in experiment.error


def test_one_that_is_being_trained_is_refused_and_stays_as_it_is(store, experiment, hire):
    worker, _ = hire("here")
    store.enqueue(experiment, "train", {}, "here")
    store.claim(worker, "here", 0)
    with pytest.raises(StoreError, match="already"):
        fit(make_model(), pw.KerasLogger(experiment))
    assert experiment.status is Status.RUNNING
    assert experiment.metrics == []
    assert len(store.live_workers()) == 1


def test_a_model_that_cannot_be_saved_was_still_trained(experiment, monkeypatch):
    model = make_model()

    def fail(path):
        raise NotImplementedError("a layer without a config")

    monkeypatch.setattr(model, "save", fail)
    with pytest.warns(UserWarning, match="a layer without a config"):
        fit(model, pw.KerasLogger(experiment, system=False))
    assert experiment.status is Status.SUCCESS
    assert "a layer without a config" in experiment.telemetry.lines()[-1].text


def test_what_is_no_number_is_named_once_and_left_out(experiment):
    import keras

    class Adds(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["matrix"] = [[1, 2]]

    x, y = data()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        logger = pw.KerasLogger(experiment, system=False)
        make_model().fit(x, y, epochs=3, verbose=0, callbacks=[Adds(), logger])
    assert len([one for one in caught if "matrix" in str(one.message)]) == 1
    assert list(curve(experiment, "train/loss")) == [1, 2, 3]


def test_the_data_of_a_fit_is_let_go_when_it_has_ended(experiment):
    import weakref

    logger = pw.KerasLogger(experiment, system=False)
    model = make_model()

    def train():
        x, y = data()
        model.fit(x, y, verbose=0, callbacks=[logger])
        return weakref.ref(x)

    reference = train()
    gc.collect()
    assert reference() is None


def test_what_is_no_experiment_is_refused(store, experiment):
    with pytest.raises(StoreError, match="into an experiment"):
        pw.KerasLogger("first")
    with ExperimentStore(store.url, read_only=True) as reader, pytest.raises(ReadOnlyError):
        pw.KerasLogger(reader["first"])
