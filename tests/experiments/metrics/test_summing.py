"""Statistics of metrics against brute force, however points were written, and over and over again."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from piximi_widgets.experiments.metrics import curves
from piximi_widgets.experiments.metrics import writing as metrics
from piximi_widgets.experiments.sql import metrics as sql_metrics

_VALUES = st.sampled_from([0.0, 1.0, 2.0, -1.0, math.nan, math.inf, -math.inf]) | st.floats(-2, 2)
_STEPS = st.integers(-3, 40)
_WRITES = st.lists(
    st.one_of(
        st.tuples(st.just("metrics"), st.none() | _STEPS, st.lists(_VALUES, min_size=1, max_size=2)),
        st.tuples(st.just("list"), st.none(), st.lists(_VALUES, min_size=1, max_size=12)),
        st.tuples(st.just("steps"), st.none(), st.lists(st.tuples(_STEPS, _VALUES), min_size=1, max_size=12)),
        st.tuples(st.just("update"), st.none(), st.lists(_VALUES, min_size=1, max_size=12)),
        st.tuples(st.just("delete"), st.none(), st.just([])),
        st.tuples(st.just("fold"), st.none(), st.just([])),
    ),
    max_size=25,
)


@pytest.fixture
def small(monkeypatch):
    """Folds and blocks so short that a few writes pass over many of them."""
    monkeypatch.setattr(metrics, "_CALLS_BETWEEN_FOLDS", 5)
    monkeypatch.setattr(curves, "_BLOCK", 8)
    monkeypatch.setattr(curves, "_SHORTEST_BLOCK", 4)
    monkeypatch.setattr(curves, "_STRETCH", 2)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes=_WRITES)
def test_they_are_those_of_the_points(store, small, writes):
    experiment = store.create_experiment("fuzzed", if_exists="rename")
    for kind, step, given_values in writes:
        if kind == "metrics":
            experiment.log_metrics(dict(zip("ab", given_values, strict=False)), step=step)
        elif kind == "list":
            experiment.log("a", given_values)
        elif kind == "steps":
            steps, values = zip(*given_values, strict=True)
            experiment.log("a", {"steps": list(steps), "values": list(values)})
        elif kind == "fold":
            with store.database.write() as connection:
                metrics.fold_all(connection, experiment.id)
        elif "a" in experiment.metrics:
            log = experiment.get_log("a")
            log.update(given_values) if kind == "update" else log.delete()
    with store.database.read() as connection:
        for name in experiment.metrics:
            key = sql_metrics.series(connection, experiment.id, name)
            found = metrics.current_statistics(connection, key.phase_id)[key.series_id]
            steps, values = experiment.metrics_array(name)
            finite = [(value, step) for step, value in zip(steps, values, strict=True) if np.isfinite(value)]
            assert (found.points, found.last_step) == (len(steps), steps[-1])
            assert metrics.as_float(found.last_value, found.last_flag) == pytest.approx(
                values[-1], rel=0, abs=0, nan_ok=True
            )
            lowest = min(finite, default=(None, None))
            highest = max(finite, key=lambda point: (point[0], -point[1]), default=(None, None))
            assert (found.min_value, found.min_step) == lowest
            assert (found.max_value, found.max_step) == highest


@pytest.mark.parametrize(("before", "after"), [(0.0, 1.0), (1.0, 0.0), (0.5, 0.5)])
def test_a_long_curve_is_logged_anew_in_time(experiment, before, after):
    steps = list(range(20_000))
    experiment.log("curve", {"steps": steps, "values": [before] * len(steps)})
    began = time.perf_counter()
    experiment.log("curve", {"steps": steps, "values": [after] * len(steps)})
    # one look through the series a point would be minutes
    assert time.perf_counter() - began < 10
    assert set(experiment.metrics_array("curve")[1]) == {after}


def test_only_an_extreme_that_is_given_up_is_looked_for(experiment, monkeypatch):
    experiment.log("curve", [1 - number / 1000 for number in range(1000)])
    looks = []
    look = curves.extremes
    monkeypatch.setattr(curves, "extremes", lambda *given: looks.append(given) or look(*given))
    experiment.log_metrics({"curve": 2.0}, step=1)
    experiment.log_metrics({"curve": -1.0}, step=1000)
    experiment.log_metrics({"curve": 0.5}, step=500)
    assert not looks
    experiment.log_metrics({"curve": 0.0}, step=1)
    assert len(looks) == 1
