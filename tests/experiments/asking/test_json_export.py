"""One JSON document, read back by a parser that takes nothing but strict JSON."""

from __future__ import annotations

import csv
import json
import math
import os

import numpy as np
import pandas as pd
import pytest

from piximi_widgets.errors import StoreError
from piximi_widgets.experiments import ExperimentStore


def _strict(text):
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_numbers_that_json_lacks_are_texts(store, tmp_path):
    experiment = store.create_experiment(
        "x", parameters={"a": math.nan, "b": [math.inf, {"c": -math.inf}], "d": "NaN", "e": 0.1}
    )
    experiment.log("loss", [math.nan, math.inf, -math.inf, 0.0])
    experiment.log("bar", {"x": ["a"], "y": [math.nan]})
    (found,) = _strict(store.to_json())["experiments"]
    assert found["parameters"] == [
        {"name": "a", "type": "float", "value": "NaN"},
        {"name": "b", "type": "list", "value": ["Infinity", {"c": "-Infinity"}]},
        {"name": "d", "type": "str", "value": "NaN"},
        {"name": "e", "type": "float", "value": 0.1},
    ]
    assert found["metrics"][0]["values"] == ["NaN", "Infinity", "-Infinity", 0.0]
    assert next(log["data"] for log in found["logs"] if log["name"] == "bar")["y"] == ["NaN"]


def test_the_whole_record_is_in_the_document(store, pair, query):
    one, two = pair
    one.notes, two.notes = "ü \u2028 \x00", "other"
    one.telemetry.append(["--#--fit", "epoch 1"])
    one.artifacts.store("model", b"abc")
    one.artifacts.store("model", b"abcd")
    one.add_evaluations("test", [3, 1], [0, -1], [[0.1, 0.9], [math.nan, 0.5]], ["cat", "dog"])
    document = _strict(store.to_json())
    assert (document["format"], document["version"]) == ("piximi-experiments", 1)
    first, second = document["experiments"]
    assert (first["uid"], first["notes"], first["tags"]) == (one.uid, one.notes, ["plate7"])
    assert second["name"] == "two"
    assert first["created"] == one.created.isoformat(timespec="milliseconds")
    curves = {curve["name"]: curve for curve in first["metrics"]}
    assert curves["val/loss"]["steps"] == [0, 1, 2]
    assert curves["val/loss"]["values"] == [4.0, 1.0, 2.0]
    assert sorted(curves["val/loss"]["times"] * 2) == sorted(
        row[0]
        for row in query(
            "SELECT time FROM point JOIN series ON series.id = series_id WHERE experiment_id = 1"
        )
    )
    evaluation = first["evaluations"][0]
    assert (evaluation["ids"], evaluation["truth"]) == ([1, 3], [-1, 0])
    assert evaluation["probabilities"] == [["NaN", 0.5], [0.1, 0.9]]
    assert first["telemetry"]["chapters"] == [{"number": 1, "name": "fit"}]
    assert [line["text"] for line in first["telemetry"]["lines"]] == ["epoch 1"]
    assert [(found["version"], found["size"]) for found in first["artifacts"]] == [(1, 3), (2, 4)]
    assert first["datasets"][0]["alias"] == "train"
    assert first["logs"][0]["name"] == "labelmap"


def test_probabilities_are_the_same_float32(store, experiment):
    probabilities = np.random.default_rng(0).random((50, 3)).astype(np.float32)
    experiment.add_evaluations("test", range(50), [0] * 50, probabilities, ["a", "b", "c"])
    found = _strict(experiment.to_json())["experiments"][0]["evaluations"][0]["probabilities"]
    np.testing.assert_array_equal(np.array(found, np.float32), probabilities)


def test_half_of_a_surrogate_pair_survives(store):
    store.create_experiment("x", parameters={"text": "a\ud800b\\ud800"})
    (found,) = _strict(store.to_json())["experiments"]
    assert found["parameters"][0]["value"] == "a\ud800b\\ud800"


def test_the_files_of_a_folder_are_listed(store, experiment):
    with store.database.write() as connection:
        connection.execute(
            "INSERT INTO artifact (experiment_id, name, version, filename, sha256, size, created, kind)"
            " VALUES (1, 'saved', 1, 'saved', 'abc', 3, 0, 'folder')"
        )
        connection.execute("INSERT INTO folder_file VALUES ('abc', 'variables/x.bin', 'def', 3)")
    (found,) = _strict(store.to_json())["experiments"][0]["artifacts"]
    assert found["kind"] == "folder"
    assert found["files"] == [{"path": "variables/x.bin", "size": 3, "sha256": "def"}]


def test_a_file_is_only_replaced_on_request(store, pair, tmp_path):
    path = tmp_path / "all.json"
    assert store.to_json(path) is None
    assert path.read_text(encoding="utf-8") == store.to_json()
    assert len(json.loads(path.read_text(encoding="utf-8"))["experiments"]) == 2
    with pytest.raises(StoreError, match="overwrite=True"):
        pair[0].to_json(path)
    pair[0].to_json(path, overwrite=True)
    assert [found["name"] for found in json.loads(path.read_text(encoding="utf-8"))["experiments"]] == ["one"]


def test_an_error_on_the_way_leaves_the_old_file(store, pair, tmp_path, monkeypatch):
    def fail(*arguments):
        raise OSError(28, "No space left on device")

    (tmp_path / "out").mkdir()
    path = tmp_path / "out" / "all.json"
    path.write_text("old")
    monkeypatch.setattr("piximi_widgets.experiments.asking.sql_export.artifacts", fail)
    with pytest.raises(StoreError, match="No space left"):
        store.to_json(path, overwrite=True)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path / "out") == ["all.json"]


def test_a_path_that_cannot_be_is_refused(store, tmp_path):
    with pytest.raises(StoreError, match="is a folder"):
        store.to_json(tmp_path)
    with pytest.raises(StoreError, match="does not exist"):
        store.to_json(tmp_path / "missing" / "x.json")


def test_an_empty_store_is_an_empty_list(store):
    assert _strict(store.to_json())["experiments"] == []


def test_where_an_experiment_comes_from_is_told_in_both_formats(store, tmp_path):
    class Version:
        uid, name, fingerprint = "8a2b", "first", "0" * 64

    base = store.create_experiment("base")
    base.attach_dataset(Version, alias="train")
    whole = store.create_experiment("run", base_experiment=base, parameters={"rate": 1})
    whole.attach_dataset(Version, alias="train")
    child = store.create_experiment("run", base_experiment=base, parameters={"rate": 2}, if_exists="reuse")
    whole.export(tmp_path / "run.zip")
    (tmp_path / "other").mkdir()
    with ExperimentStore(tmp_path / "other" / "lab.db") as other:
        other.import_experiment(tmp_path / "run.zip")
        (taken,) = _strict(other.to_json())["experiments"]
        other.to_csv(tmp_path / "other" / "csv")
    assert taken["imported"]["uid"] == whole.uid
    assert pd.Timestamp(taken["imported"]["time"]) <= pd.Timestamp.now("UTC")
    assert taken["trained_on"] == ["8a2b"]
    first, second, third = _strict(store.to_json())["experiments"]
    assert [each["trained_on"] for each in (first, second, third)] == [["8a2b"]] * 3
    assert [each["imported"] for each in (first, second, third)] == [None] * 3
    assert (second["parent"], third["name"], third["parent"]) == (None, child.name, "run")
    store.to_csv(tmp_path / "csv")
    rows, (row_taken,) = (
        list(csv.DictReader((folder / "experiments.csv").read_text().splitlines()))
        for folder in (tmp_path / "csv", tmp_path / "other" / "csv")
    )
    assert (row_taken["imported_uid"], row_taken["imported"]) == tuple(taken["imported"].values())
    assert [row["parent"] for row in rows] == ["", "", "run"]
    assert [json.loads(row["trained_on"]) for row in rows] == [["8a2b"]] * 3
    assert {row["imported_uid"] for row in rows} == {""}
