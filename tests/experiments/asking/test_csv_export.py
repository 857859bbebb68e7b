"""CSV files, read back by csv and pandas."""

from __future__ import annotations

import csv
import json
import math
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from piximi_widgets.errors import StoreError
from piximi_widgets.experiments import ExperimentStore

FILES = [
    *(
        "artifact_files.csv",
        "artifacts.csv",
        "datasets.csv",
        "evaluations.csv",
        "experiments.csv",
        "logs.csv",
    ),
    *("metrics.csv", "models.csv", "parameters.csv", "system.csv", "telemetry.csv"),
]


def _rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_points_come_back_as_they_were(store, pair, tmp_path):
    pair[1].log("odd", [math.nan, math.inf, -math.inf, 0.0, -0.0, 0.1, 5e-324])
    store.to_csv(tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "metrics.csv")
    assert list(table.columns) == ["experiment_id", "experiment", "metric", "step", "time", "value"]
    for experiment in pair:
        for name in experiment.metrics:
            found = table[(table["experiment_id"] == experiment.id) & (table["metric"] == name)]
            expected = experiment.metric(name)
            assert found["step"].tolist() == expected["step"].tolist()
            np.testing.assert_array_equal(found["value"], expected["value"])
            assert pd.to_datetime(found["time"]).tolist() == expected["time"].tolist()
    assert len(table) == sum(len(each.metric(name)) for each in pair for name in each.metrics)
    assert [row["value"] for row in _rows(tmp_path / "out" / "metrics.csv")][-7:-3] == [
        *("NaN", "Infinity", "-Infinity", "0.0"),
    ]


def test_one_experiment_is_written_alone_in_the_same_files(store, pair, tmp_path):
    paths = pair[1].to_csv(tmp_path / "two")
    assert sorted(path.name for path in paths) == FILES == sorted(os.listdir(tmp_path / "two"))
    for path in paths:
        assert {row["experiment"] for row in _rows(path)} <= {"two"}
    assert [row["name"] for row in _rows(tmp_path / "two" / "parameters.csv")] == ["lr", "net", "seed"]


def test_parameters_keep_their_types(store, tmp_path):
    given = {
        "i": 1,
        "f": 1.0,
        "n": math.nan,
        "t": "1",
        "e": "",
        "b": True,
        "none": None,
        "l": [1, math.inf],
        "d": {"a": 1},
    }
    store.create_experiment("x", parameters=given)
    store.to_csv(tmp_path / "out")
    rows = {row["name"]: (row["type"], row["value"]) for row in _rows(tmp_path / "out" / "parameters.csv")}
    assert rows == {
        "i": ("int", "1"),
        "f": ("float", "1.0"),
        "n": ("float", "NaN"),
        "t": ("str", "1"),
        "e": ("str", ""),
        "b": ("bool", "true"),
        "none": ("null", "null"),
        "l": ("list", '[1,"Infinity"]'),
        "d": ("dict", '{"a":1}'),
    }


def test_everything_else_is_there(store, pair, tmp_path):
    one, _ = pair
    one.notes = 'line\r\nbreak, "quoted"; =SUM(A1)'
    one.start()
    one.finish("FAILED", error="Traceback", exit_code=-9)
    one.log("table", {"columns": ["a"], "data": [[1]]})
    one.telemetry.append(["before", "--#--fit", "epoch 1", "1%\r", "100%"], stream="stdout")
    one.artifacts.store("model", b"abc", filename="model.keras")
    child = store.create_experiment("child", base_experiment=one)
    with store.database.write() as connection:
        connection.execute("INSERT INTO system_sample VALUES (?, 1000, 'cpu', 12.5)", (one.id,))
    store.to_csv(tmp_path / "out")
    files = {name: _rows(tmp_path / "out" / name) for name in FILES}
    first, second, third = files["experiments.csv"]
    assert first["notes"] == one.notes
    assert (first["status"], first["exit_code"], first["error"]) == ("FAILED", "-9", "Traceback")
    assert json.loads(first["tags"]) == ["plate7"]
    assert pd.Timestamp(first["created"]) == one.created
    assert (second["started"], second["exit_code"]) == ("", "")
    assert third["base_experiment"] == "one"
    assert child.base_experiment == one
    logged = [(row["experiment"], row["name"], row["type"]) for row in files["logs.csv"]]
    assert ("one", "labelmap", "LABELMAP") in logged
    assert ("two", "labelmap", "LABELMAP") in logged
    assert next(json.loads(row["data"]) for row in files["logs.csv"] if row["name"] == "table")["data"] == [
        [1]
    ]
    assert [(row["chapter"], row["text"]) for row in files["telemetry.csv"]] == [
        ("", "before"),
        ("fit", "epoch 1"),
        ("fit", "100%"),
    ]
    assert files["system.csv"] == [
        {
            "experiment_id": "1",
            "experiment": "one",
            "time": "1970-01-01T00:00:01.000+00:00",
            "name": "cpu",
            "value": "12.5",
        }
    ]
    assert files["artifacts.csv"][0]["sha256"] == one.artifacts["model"].sha256
    assert files["artifacts.csv"][0]["filename"] == "model.keras"
    assert files["datasets.csv"][0]["fingerprint"] == "f" * 64


def test_evaluations_have_a_column_a_class(store, pair, tmp_path):
    one, two = pair
    probabilities = np.random.default_rng(0).random((5, 2)).astype(np.float32)
    one.add_evaluations("test", range(5), [0, 1, -1, 0, 1], probabilities, ["cat", "a,b"])
    two.add_evaluations("test", [9], ["owl"], [[1.0, 0.0]], ["owl", "cat"])
    store.to_csv(tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "evaluations.csv")
    expected = one.evaluations("test")
    found = table[table["experiment"] == "one"].set_index("id")
    for column in ("prediction", "partition"):
        assert found[column].tolist() == expected[column].tolist()
    assert found["truth"].fillna("").tolist() == ["cat", "a,b", "", "cat", "a,b"]
    for column in ("p(cat)", "p(a,b)", "confidence"):
        np.testing.assert_array_equal(found[column].astype(np.float32), expected[column])
    assert found["p(owl)"].isna().all()
    assert table.iloc[-1][["id", "truth", "p(owl)", "p(cat)"]].tolist() == [9, "owl", 1.0, 0.0]


def test_names_leave_neither_the_folder_nor_their_cells(store, tmp_path):
    names = [
        "../../escape",
        "/etc/passwd",
        "=cmd|' /C calc'!A0",
        'quote " and, comma',
        "CON",
        "..",
        "ü\u2028x",
    ]
    for name in names:
        store.create_experiment(name, parameters={name: "\ud800 half a pair"})
    (tmp_path / "deep").mkdir()
    store.to_csv(tmp_path / "deep" / "out")
    assert sorted(os.listdir(tmp_path / "deep")) == ["out"]
    assert sorted(os.listdir(tmp_path / "deep" / "out")) == FILES
    assert [row["experiment"] for row in _rows(tmp_path / "deep" / "out" / "experiments.csv")] == names
    rows = _rows(tmp_path / "deep" / "out" / "parameters.csv")
    assert {row["value"] for row in rows} == {"\\ud800 half a pair"}


def test_files_are_only_replaced_on_request(store, pair, tmp_path):
    folder = tmp_path / "out"
    store.to_csv(folder)
    (folder / "mine.txt").write_text("mine")
    before = (folder / "metrics.csv").read_bytes()
    pair[0].log_metrics({"loss": 0.0}, phase="val")
    with pytest.raises(StoreError, match="overwrite=True"):
        store.to_csv(folder)
    assert (folder / "metrics.csv").read_bytes() == before
    store.to_csv(folder, overwrite=True)
    assert (folder / "metrics.csv").read_bytes() != before
    assert (folder / "mine.txt").read_text() == "mine"


def test_an_error_on_the_way_leaves_nothing(store, pair, tmp_path, monkeypatch):
    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("piximi_widgets.experiments.asking.csv_export.number", fail)
    (tmp_path / "space").mkdir()
    with pytest.raises(StoreError, match="No space left"):
        store.to_csv(tmp_path / "space" / "out")
    assert os.listdir(tmp_path / "space") == []


def test_a_folder_that_cannot_be_is_refused(store, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="is a file"):
        store.to_csv(tmp_path / "file")
    with pytest.raises(StoreError, match="does not exist"):
        store.to_csv(tmp_path / "missing" / "out")


def test_deleted_experiments_are_left_out_unless_they_are_asked(store, pair, tmp_path):
    pair[0].delete()
    store.to_csv(tmp_path / "all")
    assert [row["experiment"] for row in _rows(tmp_path / "all" / "experiments.csv")] == ["two"]
    pair[0].to_csv(tmp_path / "one")
    assert _rows(tmp_path / "one" / "experiments.csv")[0]["deleted"]


def test_an_empty_store_and_a_read_only_one_are_written(store, tmp_path):
    store.to_csv(tmp_path / "empty")
    assert pd.read_csv(tmp_path / "empty" / "metrics.csv").empty
    store.create_experiment("x").log_metrics({"loss": 1.0})
    with ExperimentStore(store.url, read_only=True) as reader:
        reader.to_csv(tmp_path / "read")
    assert len(_rows(tmp_path / "read" / "metrics.csv")) == 1


def test_files_come_into_a_folder_on_another_disk(store, pair, tmp_path, monkeypatch):
    """The folder may be where a disk is mounted: no file can be moved into it from outside."""
    (tmp_path / "disk").mkdir()
    replace = os.replace

    def refuse(source, target, **options):
        inside = [(tmp_path / "disk") in Path(place).parents for place in (source, target)]
        if inside[0] is not inside[1]:
            raise OSError(18, "Invalid cross-device link")
        replace(source, target, **options)

    monkeypatch.setattr("piximi_widgets.experiments.asking.csv_export.os.replace", refuse)
    store.to_csv(tmp_path / "disk")
    assert sorted(os.listdir(tmp_path / "disk")) == FILES
    assert len(_rows(tmp_path / "disk" / "experiments.csv")) == 2


def test_a_file_that_cannot_be_replaced_leaves_all_as_they_were(store, pair, tmp_path):
    store.to_csv(tmp_path / "out")
    (tmp_path / "out" / "logs.csv").unlink()
    (tmp_path / "out" / "logs.csv").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir() if path.is_file()}
    store.create_experiment("third")
    with pytest.raises(StoreError, match=r"a folder has the name.*logs\.csv"):
        store.to_csv(tmp_path / "out", overwrite=True)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir() if path.is_file()} == before
    (tmp_path / "out" / "logs.csv").rmdir()
    store.to_csv(tmp_path / "out", overwrite=True)
    assert len(_rows(tmp_path / "out" / "experiments.csv")) == 3
    assert sorted(os.listdir(tmp_path / "out")) == sorted([*FILES, "notes.txt"])
