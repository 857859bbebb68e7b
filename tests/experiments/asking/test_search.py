"""The table of experiments."""

from __future__ import annotations

import math
import time

import numpy as np
import pandas as pd
import pytest

from piximi_widgets.errors import StoreError
from piximi_widgets.experiments import ExperimentStore


def test_columns_hold_parameters_and_last_and_best_metrics(store, pair):
    table = store.search()
    assert list(table.columns) == [
        *(
            "name",
            "status",
            "description",
            "tags",
            "creator",
            "created",
            "started",
            "ended",
            "duration",
            "uid",
        ),
        *("param.lr", "param.net", "param.seed", "param.only"),
        *("metric.val/loss", "metric.val/loss.best", "metric.val/accuracy", "metric.val/accuracy.best"),
        *("metric.val/f1-score", "metric.val/f1-score.best"),
    ]
    assert table["tags"].tolist() == [["plate7"], []]
    assert table.loc[1, ["metric.val/loss", "metric.val/loss.best"]].tolist() == [2.0, 1.0]
    assert table.loc[1, ["metric.val/accuracy", "metric.val/accuracy.best"]].tolist() == [0.2, 0.4]
    assert math.isnan(table.loc[2, "metric.val/loss"])
    assert math.isnan(table.loc[2, "metric.val/loss.best"])
    assert str(table["created"].dtype).endswith("UTC]")


def test_a_choice_of_metric_columns(store, pair):
    assert "metric.val/loss.best" not in store.search(metrics="last")
    table = store.search(metrics="all")
    columns = [f"metric.val/loss.{part}" for part in ("best", "min", "max", "count")]
    assert table.loc[1, columns].tolist() == [1.0, 1.0, 4.0, 3]
    with pytest.raises(StoreError, match='"last", "best" or "all"'):
        store.search(metrics="mean")


@pytest.mark.parametrize(
    ("name", "best"),
    [
        ("val/loss", 1.0),
        ("cross_entropy", 1.0),
        ("val/mse", 1.0),
        ("epoch_time", 1.0),
        ("loss/accuracy", 3.0),
        ("glossiness", 3.0),
        ("learning_rate", 3.0),
    ],
)
def test_of_losses_and_errors_the_smallest_is_best(store, experiment, name, best):
    experiment.log(name, [3.0, 1.0, 2.0])
    assert store.search().loc[1, f"metric.{name}.best"] == best


def test_a_metric_that_is_called_like_a_column_keeps_it(store, experiment):
    experiment.log("acc", [1.0, 0.0])
    experiment.log("acc.best", [7.0])
    assert store.search().loc[1, "metric.acc.best"] == 7.0


def test_deleted_experiments_are_shown_on_request(store, pair):
    pair[0].delete()
    assert store.search()["name"].tolist() == ["two"]
    table = store.search("metric.val/accuracy > 0", deleted=True)
    assert table["name"].tolist() == ["one"]
    assert abs(table.loc[1, "deleted"].timestamp() - time.time()) < 60
    assert store.search("two", deleted=True)["deleted"].isna().all()
    with pytest.raises(StoreError, match="no experiment has"):
        store.search("metric.val/accuracy > 0")


def test_an_empty_table_has_its_columns_and_types(store):
    table = store.search("anything")
    assert isinstance(table, pd.DataFrame)
    assert table.empty
    assert list(table.columns)[:2] == ["name", "status"]
    assert table["duration"].dtype == np.float64
    assert table.index.name == "id"


def test_points_that_were_not_summed_up_yet_are_found(store, experiment):
    for step in range(300):
        experiment.log_metrics({"loss": 300.0 - step}, step=step)
    # steps beyond the last stride of 256 calls are in no statistics before somebody asks
    with ExperimentStore(store.url, read_only=True) as reader:
        assert len(reader.search("metric.loss == 1 and metric.loss.max == 300")) == 1
    assert len(store.search("metric.loss == 1 and metric.loss.count == 300")) == 1


def test_statistics_of_many_experiments_follow_in_few_commits(store, query):
    for number in range(40):
        store.create_experiment(f"e{number}").log_metrics({"loss": number, "x": 1}, step=1, phase="val")
    assert store.search("metric.val/loss >= 20")["name"].tolist() == [
        f"e{number}" for number in range(20, 40)
    ]
    assert query("SELECT count(*), sum(last_value) FROM series_stat") == [(80, 820.0)]


def test_a_table_is_made_without_reading_points(store, experiment, query):
    experiment.log("loss", np.arange(1000.0))
    store.search()
    with store.database.write() as connection:
        # whoever scanned points would see these
        connection.execute("UPDATE point SET value = -1")
    assert store.search(metrics="all").loc[1, "metric.loss.min"] == 0


def test_only_what_matches_has_columns(store, pair):
    assert "param.only" not in store.search("name == 'two'")
    assert "param.only" in store.search("name == 'one'")


def test_a_metric_that_lost_its_points_is_unknown(store, pair):
    pair[0].log("gone", [1.0])
    assert len(store.search("metric.gone == 1")) == 1
    with store.database.write() as connection:
        connection.execute("DELETE FROM point WHERE series_id = (SELECT id FROM series WHERE name = 'gone')")
        connection.execute(
            "DELETE FROM series_stat WHERE series_id = (SELECT id FROM series WHERE name = 'gone')"
        )
    with pytest.raises(StoreError, match="no experiment has the metric"):
        store.search("metric.gone == 1")


def test_who_asks_on_a_full_disk_is_answered(store, experiment):
    """What is not summed up yet is then summed up in memory."""
    experiment.log_metrics({"loss": 3.0}, step=1)
    experiment.log_metrics({"loss": 1.0}, step=2)
    # Their sums need room of their own.
    experiment.log_metrics({f"m{number}": 1.0 for number in range(500)})
    store.create_experiment("second")
    with store.database.read() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}").fetchall()

    def fill():
        for number in range(2000):
            experiment.notes = "x" * number * 100

    with pytest.raises(StoreError, match="disk is full"):
        fill()
    with pytest.raises(StoreError, match="disk is full"):
        experiment.log_metrics({f"metric {number}": 1.0 for number in range(2000)})
    found = store.search("name == 'first'", metrics="all")
    assert found.loc[experiment.id, "metric.loss"] == 1.0
    assert found.loc[experiment.id, "metric.loss.max"] == 3.0
    assert store.compare(["first", "second"]).metrics["best"].loc["loss", "first"] == 1.0
