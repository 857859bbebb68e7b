"""Thinned curves: the extremes of the points as they are now, whatever was overwritten, folded or left waiting."""

from __future__ import annotations

import math
import shutil
import sqlite3
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piximi_widgets.errors import LogError
from piximi_widgets.experiments import ExperimentStore
from piximi_widgets.experiments.metrics.curves import kept
from piximi_widgets.experiments.metrics.writing import fold_all


def pairs(curve):
    steps, values = curve
    assert (steps.dtype, values.dtype) == (np.int64, np.float64)
    return list(zip(steps.tolist(), values.tolist(), strict=True))


def assert_shows(curve, truth: dict[int, float], points: int) -> None:
    """Whether a curve is what a plot of at most `points` points must have of all the points."""
    found = pairs(curve)
    steps = [step for step, _ in found]
    assert steps == sorted(set(steps))
    if len(truth) <= points:
        assert repr(found) == repr(sorted(truth.items()))
        return
    assert len(found) <= points
    assert all(repr(truth[step]) == repr(value) for step, value in found)
    assert (steps[0], steps[-1]) == (min(truth), max(truth))
    shown = [value for _, value in found]
    for odd in (math.isnan, lambda value: value == math.inf, lambda value: value == -math.inf):
        assert any(map(odd, shown)) == any(map(odd, truth.values()))
    finite = [value for value in truth.values() if math.isfinite(value)]
    if finite:
        assert min(filter(math.isfinite, shown)) == min(finite)
        assert max(filter(math.isfinite, shown)) == max(finite)


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory):
    with ExperimentStore(tmp_path_factory.mktemp("curves") / "curves.db") as store:
        yield store


_numbers = count()
_odd = st.sampled_from([-9.0, 9.0, 0.0, math.nan, math.inf, -math.inf])
_operations = st.lists(
    st.one_of(
        st.tuples(st.just("many"), st.integers(-300, 900), st.integers(1, 700), st.integers(0, 99)),
        st.tuples(st.just("one"), st.integers(-310, 1600), _odd),
        st.tuples(st.just("other"), st.integers(-310, 1600), _odd),
        st.tuples(st.just("fold")),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=120, deadline=None)
@given(_operations, st.sampled_from([10, 11, 25, 1000]))
def test_a_curve_shows_what_all_points_show(shared_store, operations, points):
    experiment = shared_store.create_experiment(f"curve {next(_numbers)}")
    truth: dict[int, float] = {}
    for kind, *values in operations:
        if kind == "many":
            start, length, seed = values
            drawn = np.random.default_rng(seed).normal(size=length).tolist()
            steps = list(range(start, start + length))
            experiment.log("p/x", {"steps": steps, "values": drawn})
            truth.update(zip(steps, drawn, strict=True))
        elif kind == "one":
            experiment.log_metrics({"p/x": values[1]}, step=values[0])
            truth[values[0]] = values[1]
        elif kind == "other":
            # of the same phase: it lies between the points, and moves the step up to which they are folded
            experiment.log_metrics({"p/y": values[1]}, step=values[0])
        else:
            with shared_store.database.write() as connection:
                fold_all(connection, experiment.id)
    assert_shows(experiment.curve("p/x", points), truth, points)


@given(st.lists(_odd | st.floats(-1, 1), min_size=1, max_size=300), st.integers(10, 60))
def test_thinning_keeps_both_ends_and_the_extremes(values, points):
    array = np.array(values)
    indices = kept(array, points=points)
    assert indices.tolist() == sorted(set(indices.tolist()))
    if len(values) > points:
        assert_shows((indices, array[indices]), dict(enumerate(values)), points)


def test_a_spike_and_a_gap_of_a_long_curve_show(experiment):
    values = np.sin(np.arange(60_000) / 9000)
    values[31_415], values[5_000:5_100], values[59_999] = 77.0, np.nan, -3.0
    experiment.log("loss", values)
    steps, shown = experiment.curve("loss")
    assert len(steps) <= 1000
    assert shown[steps == 31_416] == [77.0]
    assert (steps[0], steps[-1], shown[-1]) == (1, 60_000, -3.0)
    assert np.isnan(shown[(steps > 5_000) & (steps <= 5_100)]).any()
    assert not np.isnan(shown[steps < 5_000]).any()


def test_every_stretch_of_a_long_curve_has_points(experiment):
    experiment.log("loss", np.random.default_rng(0).normal(size=100_000))
    steps, _ = experiment.curve("loss")
    assert 900 <= len(steps) <= 1000
    assert np.diff(steps).max() <= 2 * 100_000 / 400


def test_a_long_curve_is_read_from_blocks_and_right_after_a_correction(experiment, query):
    truth = dict(enumerate(np.cos(np.arange(40_000)).tolist(), 1))
    experiment.log("loss", list(truth.values()))
    assert query("SELECT count(*) FROM series_block WHERE points IS NULL") == [(0,)]
    experiment.log_metrics({"loss": 5.0}, step=123)
    experiment.log_metrics({"loss": -5.0}, step=-7)
    experiment.log_metrics({"loss": 6.0}, step=40_050)
    truth |= {123: 5.0, -7: -5.0, 40_050: 6.0}
    assert query("SELECT count(*) FROM series_block WHERE points IS NULL") == [(1,)]
    assert_shows(experiment.curve("loss"), truth, 1000)
    experiment.finish()
    assert query("SELECT count(*) FROM series_block WHERE points IS NULL") == [(0,)]
    assert query("SELECT sum(count) FROM series_block") == [(40_002,)]
    assert_shows(experiment.curve("loss"), truth, 1000)


def test_blocks_are_of_use_although_each_point_was_folded_by_itself(store, experiment, query):
    for step in range(300):
        experiment.log_metrics({"loss": float(step)}, step=step)
        with store.database.write() as connection:
            fold_all(connection, experiment.id)
    assert query("SELECT count(*) <= 5, sum(count) FROM series_block") == [(1, 300)]


def test_a_read_only_store_shows_points_that_still_wait(store, experiment):
    experiment.log("loss", np.arange(40_000.0))
    experiment.log_metrics({"loss": 1e6})
    experiment.log_metrics({"loss": -1.0}, step=20_000)
    truth = dict(enumerate(map(float, range(40_000)), 1)) | {40_001: 1e6, 20_000: -1.0}
    with ExperimentStore(store.url, read_only=True) as reader:
        assert_shows(reader["first"].curve("loss", 100), truth, 100)


def test_statistics_of_an_older_schema_have_no_blocks_and_still_a_right_curve(store, experiment, tmp_path):
    values = np.random.default_rng(1).normal(size=50_000)
    experiment.log("loss", values)
    store.close()
    path = shutil.copy(store.database.path, tmp_path / "old.db")
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM series_block")
    connection.commit()
    connection.close()
    truth = dict(enumerate(values.tolist(), 1))
    with ExperimentStore(path) as old:
        assert_shows(old["first"].curve("loss"), truth, 1000)
        old["first"].log_metrics({"loss": 50.0})
        truth[50_001] = 50.0
        for _ in range(4):
            with old.database.write() as connection:
                fold_all(connection, experiment.id)
        assert_shows(old["first"].curve("loss"), truth, 1000)
        with old.database.read() as connection:
            rows = connection.execute("SELECT sum(count), sum(points IS NULL) FROM series_block").fetchall()
        assert [tuple(row) for row in rows] == [(50_001, 0)]


def test_a_metric_that_is_not_there_is_empty(experiment):
    assert pairs(experiment.curve("loss")) == []


@pytest.mark.parametrize("points", [9, 0, -1, 10.0, "1000", True, None])
def test_too_few_points_are_refused(experiment, points):
    with pytest.raises(LogError, match="at least 10"):
        experiment.curve("loss", points)
