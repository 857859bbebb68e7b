"""Experiments side by side."""

from __future__ import annotations

import math

import numpy as np
import pytest

from piximi_widgets.errors import ExperimentNotFoundError, LogError, StoreError
from piximi_widgets.experiments import ExperimentStore


@pytest.fixture
def comparison(store, pair):
    return store.compare(pair)


def test_experiments_are_named_by_handle_name_id_or_uid(store, pair):
    one, two = pair
    for given in ([one, two], ["one", "two"], [1, 2], [one.uid, two], (each for each in pair)):
        assert store.compare(given).experiments == (one, two)
    assert store.compare(["two", "one"]).labels == ("two", "one")


def test_only_parameters_that_differ_are_shown(comparison):
    table = comparison.parameters
    # a seed of 1 and one of 1.0 are the same; a parameter of None is not one that is not there
    assert table.index.tolist() == ["lr", "only"]
    assert table.loc["lr"].tolist() == [0.1, 0.2]
    assert table.loc["only", "one"] is None
    assert math.isnan(table.loc["only", "two"])
    assert comparison.all_parameters.index.tolist() == ["lr", "net", "seed", "only"]


def test_parameters_of_all_types_are_told_apart(store):
    first = {
        "nan": math.nan,
        "flag": True,
        "list": [1, [2]],
        "dict": {"a": 1, "b": 2},
        "text": "1",
        "none": None,
    }
    second = {
        "nan": math.nan,
        "flag": 1,
        "list": [1, [2.0]],
        "dict": {"b": 2, "a": 1},
        "text": 1,
        "none": None,
    }
    store.create_experiment("a", parameters=first)
    store.create_experiment("b", parameters=second)
    assert store.compare("ab"[i] for i in range(2)).parameters.index.tolist() == ["flag", "text"]


def test_last_and_best_metrics_stand_side_by_side(comparison):
    last, best = comparison.metrics["last"], comparison.metrics["best"]
    assert last.columns.tolist() == ["one", "two"]
    assert last.loc["val/accuracy", "one"] == 0.2
    assert best.loc["val/accuracy", "one"] == 0.4
    assert best.loc["val/loss", "one"] == 1.0
    assert last.loc["val/f1-score", "two"] == 0.5
    assert math.isnan(last.loc["val/f1-score", "one"])


def test_curves_share_their_steps(store, pair):
    pair[1].log_metrics({"loss": 9.0}, step=7, phase="val")
    curves = store.compare(pair).curves("val/loss")
    assert curves.index.tolist() == [0, 1, 2, 7]
    np.testing.assert_array_equal(curves["one"], [4.0, 1.0, 2.0, math.nan])
    np.testing.assert_array_equal(curves["two"], [math.nan, math.nan, math.nan, 9.0])
    only = store.compare(pair).curves("val/accuracy")
    assert only["two"].isna().all()


def test_a_curve_that_none_has_is_refused_with_close_names(comparison):
    with pytest.raises(LogError, match="'val/loss'"):
        comparison.curves("val/los")


def test_datasets_are_shown_by_alias(comparison):
    table = comparison.datasets
    assert table.index.tolist() == ["train"]
    assert table["name"].loc["train"].tolist() == ["v1", None]
    assert table["fingerprint"].loc["train", "one"] == "f" * 64


def test_experiments_of_one_name_are_told_apart_by_id(store, pair):
    pair[0].delete()
    again = store.create_experiment("one")
    assert store.compare([1, again]).labels == ("one (1)", "one (3)")


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (["one"], StoreError, "2 to 20"),
        ([], StoreError, "2 to 20"),
        (["one", "one"], StoreError, "twice"),
        (["one", "three"], ExperimentNotFoundError, "three"),
        ("one", StoreError, "list"),
        (3, StoreError, "list"),
    ],
)
def test_what_cannot_be_compared_is_refused(store, pair, given, error, message):
    with pytest.raises(error, match=message):
        store.compare(given)


def test_an_experiment_of_another_store_is_refused(store, pair, tmp_path):
    with ExperimentStore(tmp_path / "other.db") as other, pytest.raises(StoreError, match="belongs"):
        store.compare([pair[0], other.create_experiment("x")])


def test_the_page_is_escaped_and_bounded(store):
    hostile = "<script>alert(1)</script>"
    parameters = {f"<b>{number}": hostile * 1000 for number in range(500)}
    store.create_experiment(hostile, parameters=parameters).log("<i>loss", [1.0])
    store.create_experiment("b").log("batch/loss", [1.0])
    html = store.compare([1, 2])._repr_html_()
    assert "<script" not in html
    assert "<b>" not in html
    assert "<i>" not in html
    assert "&lt;i&gt;loss" in html
    assert "batch/loss" not in html
    assert "440 more" in html
    assert len(html) < 60_000


def test_the_page_shows_what_differs(comparison):
    html = comparison._repr_html_()
    for shown in ("lr", "0.2", "2 are the same", "val/f1-score", "v1"):
        assert shown in html
    assert "seed" not in html
