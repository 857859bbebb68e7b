"""Metrics: every value exact, steps counted and overwritten, statistics always those of the points."""

from __future__ import annotations

import math
import threading
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piximi_widgets.errors import LogError
from piximi_widgets.experiments import ExperimentStore
from piximi_widgets.experiments.metrics.writing import current_statistics, fold
from piximi_widgets.experiments.sql.metrics import unfolded_phases


def curve(experiment, name):
    frame = experiment.metric(name)
    return list(zip(frame["step"].tolist(), frame["value"].tolist(), strict=True))


def test_values_come_back_by_step(experiment, query):
    experiment.log_metrics({"loss": 0.3, "accuracy": 0.9}, step=3, phase="train")
    experiment.log_metrics({"loss": 0.5}, step=1, phase="train")
    frame = experiment.metric("train/loss")
    assert list(frame.columns) == ["step", "time", "value"]
    assert frame["step"].tolist() == [1, 3]
    assert frame["value"].tolist() == [0.5, 0.3]
    assert str(frame["time"].dt.tz) == "UTC"
    assert experiment.metrics == ["train/loss", "train/accuracy"]
    assert sorted(query("SELECT step, value FROM point")) == [(1, 0.5), (3, 0.3), (3, 0.9)]


def test_what_another_connection_reads_when_the_call_returns(experiment, query):
    for step in range(1, 4):
        experiment.log_metrics({"loss": float(step)}, step=step)
        assert query("SELECT count(*) FROM point") == [(step,)]


def test_nan_infinities_and_zero_are_kept(experiment):
    values = [math.nan, math.inf, -math.inf, 0.0, 5e-324, 1.7976931348623157e308]
    for value in values:
        experiment.log_metrics({"x": value})
    assert repr(experiment.metric("x")["value"].tolist()) == repr(values)
    steps, array = experiment.metrics_array("x")
    assert steps.tolist() == [1, 2, 3, 4, 5, 6]
    assert repr(array.tolist()) == repr(values)
    assert (steps.dtype, array.dtype) == (np.int64, np.float64)


def test_no_step_is_the_last_plus_one(experiment):
    experiment.log_metrics({"loss": 1})
    experiment.log_metrics({"loss": 2}, step=10)
    experiment.log_metrics({"loss": 3, "late": 4})
    experiment.log_metrics({"other/late": 5})
    assert curve(experiment, "loss") == [(1, 1.0), (10, 2.0), (11, 3.0)]
    assert curve(experiment, "late") == [(11, 4.0)]
    assert curve(experiment, "other/late") == [(1, 5.0)]


def test_values_of_several_phases_in_one_call_share_the_step(experiment):
    experiment.log_metrics({"train/loss": 1}, step=7)
    experiment.log_metrics({"train/loss": 2, "val/loss": 3})
    assert curve(experiment, "train/loss") == [(7, 1.0), (8, 2.0)]
    assert curve(experiment, "val/loss") == [(8, 3.0)]


def test_the_same_step_overwrites(experiment, query):
    experiment.log_metrics({"loss": 1}, step=2)
    experiment.log_metrics({"loss": math.nan}, step=2)
    experiment.log_metrics({"loss": 3}, step=2)
    assert curve(experiment, "loss") == [(2, 3.0)]
    assert query("SELECT value, flag FROM point") == [(3.0, 0)]


def test_numbers_of_every_kind_are_taken(experiment):
    values = {"i": 3, "b": True, "n": np.float32(0.5), "a": np.array(2), "z": np.int64(0)}
    experiment.log_metrics(values, step=np.int64(1))
    experiment.log_metrics({"i": 4}, step=2.0)
    assert {name: curve(experiment, name)[0] for name in values} == {
        "i": (1, 3.0),
        "b": (1, 1.0),
        "n": (1, 0.5),
        "a": (1, 2.0),
        "z": (1, 0.0),
    }
    assert curve(experiment, "i")[1] == (2, 4.0)


@pytest.mark.parametrize("value", ["0.3", None, [1], 1j, np.arange(2), 10**400, {}])
def test_what_is_no_number_is_refused_and_nothing_is_written(experiment, value):
    with pytest.raises(LogError, match="'bad'"):
        experiment.log_metrics({"good": 1, "bad": value})
    assert experiment.metrics == []


@pytest.mark.parametrize("step", ["3", 1.5, True, math.nan, [1], 2**63])
def test_what_is_no_step_is_refused(experiment, step):
    with pytest.raises(LogError, match="step"):
        experiment.log_metrics({"loss": 1}, step=step)
    assert experiment.metrics == []


@pytest.mark.parametrize("values", [[("a", 1)], 3, {"": 1}, {1: 1}, {"a": 1, " a": 2}, {"parameters": 1}])
def test_metrics_need_different_free_names(experiment, values):
    with pytest.raises(LogError):
        experiment.log_metrics(values)
    with pytest.raises(LogError, match="phase"):
        experiment.log_metrics({"a": 1}, phase=["train"])
    assert experiment.metrics == []


def test_a_name_that_is_another_log_is_refused(experiment):
    experiment.log("table", {"a": 1})
    with pytest.raises(LogError, match="TABLE"):
        experiment.log_metrics({"new": 1, "table": 1})
    assert experiment.metrics == []


def test_an_empty_call_writes_nothing(experiment):
    experiment.log_metrics({})
    assert experiment.metrics == []


def test_an_unknown_metric_says_what_there_is(experiment):
    experiment.log_metrics({"loss": 1})
    with pytest.raises(LogError, match="'loss'"):
        experiment.metric("los")
    steps, values = experiment.metrics_array("los")
    assert len(steps) == len(values) == 0


def test_a_follower_reads_what_came_after(experiment):
    experiment.log("x", {"steps": list(range(-5, 1000)), "values": [0.5] * 1005})
    steps, values = experiment.metrics_array("x", after_step=997)
    assert steps.tolist() == [998, 999]
    assert len(values) == 2
    assert len(experiment.metrics_array("x")[0]) == 1005
    assert len(experiment.metrics_array("x", after_step=999)[0]) == 0


def test_a_long_curve_is_kept_whole_and_read_fast(experiment):
    values = np.sin(np.arange(50_000))
    experiment.log("x", values)
    steps, read = experiment.metrics_array("x")
    assert np.array_equal(steps, np.arange(1, 50_001))
    assert np.array_equal(read, values)


def test_many_values_of_one_call(experiment):
    values = {f"m{index}": index for index in range(1000)}
    experiment.log_metrics(values, step=1)
    assert [experiment.metrics_array(name)[1].tolist() for name in ("m0", "m999")] == [[0.0], [999.0]]


def test_threads_and_handles_count_one_series_together(store, experiment):
    handles = [experiment, store["first"], ExperimentStore(store.url)["first"]]

    def log(handle):
        for _ in range(30):
            handle.log_metrics({"loss": 1.0})

    threads = [threading.Thread(target=log, args=(handle,)) for handle in handles]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert experiment.metrics_array("loss")[0].tolist() == list(range(1, 91))


def test_a_refused_call_is_not_remembered_as_written(experiment, monkeypatch):
    from piximi_widgets.experiments import experiment as module

    def fail(*arguments):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_values", fail)
        with pytest.raises(OSError, match="disk full"):
            experiment.log_metrics({"loss": 1})
    assert experiment.metrics == []
    experiment.log_metrics({"loss": 2})
    assert curve(experiment, "loss") == [(1, 2.0)]


# -- the model: a dict from step to value ----------------------------------------------------------

_values = st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0, math.nan, math.inf, -math.inf])
_calls = st.lists(
    st.tuples(
        st.none() | st.integers(-3, 8),
        st.dictionaries(st.sampled_from(["a", "b", "p/a"]), _values, min_size=1),
        st.booleans(),
    ),
    max_size=20,
)


def expected_statistics(points: dict[int, float]) -> tuple:
    finite = sorted((step, value) for step, value in points.items() if math.isfinite(value))
    low = min((value for _, value in finite), default=None)
    high = max((value for _, value in finite), default=None)
    return (
        len(points),
        max(points),
        low,
        next((step for step, value in finite if value == low), None),
        high,
        next((step for step, value in finite if value == high), None),
    )


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory):
    with ExperimentStore(tmp_path_factory.mktemp("model") / "model.db") as store:
        yield store


_numbers = count()


@settings(max_examples=60)
@given(_calls)
def test_points_and_statistics_follow_the_model(shared_store, calls):
    experiment = shared_store.create_experiment(f"model {next(_numbers)}")
    model: dict[str, dict[int, float]] = {}
    for step, values, folds in calls:
        experiment.log_metrics(values, step=step)
        if step is None:
            step = 1 + max((max(model[name]) for name in values if name in model), default=0)
        for name, value in values.items():
            model.setdefault(name, {})[step] = value
        if folds:
            with shared_store.database.write() as connection:
                for phase_id in unfolded_phases(connection, experiment.id):
                    fold(connection, phase_id)
    for name, points in model.items():
        steps, values = experiment.metrics_array(name)
        assert steps.tolist() == sorted(points)
        assert repr(values.tolist()) == repr([points[step] for step in sorted(points)])
    with shared_store.database.read() as connection:
        phases = connection.execute(
            "SELECT id FROM phase WHERE experiment_id = ?", (experiment.id,)
        ).fetchall()
        found = {}
        for row in phases:
            found |= current_statistics(connection, row[0])
        names = dict(
            map(
                tuple,
                connection.execute("SELECT id, name FROM series WHERE experiment_id = ?", (experiment.id,)),
            )
        )
    assert {names[series]: row.points for series, row in found.items()} == {
        name: len(points) for name, points in model.items()
    }
    for series, row in found.items():
        wanted = expected_statistics(model[names[series]])
        got = (row.points, row.last_step, row.min_value, row.min_step, row.max_value, row.max_step)
        assert got == wanted


def test_many_calls_fold_statistics_along_the_way(experiment, query):
    for step in range(300):
        experiment.log_metrics({"loss": -step}, step=step)
    ((points, low),) = query("SELECT count, min_value FROM series_stat")
    assert points == 256
    assert low == -255.0
