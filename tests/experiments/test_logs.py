"""Logs: each type has its shape, and nothing else is let in."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from piximi_widgets.errors import LogError
from piximi_widgets.experiments import LogType


@pytest.mark.parametrize(
    ("kind", "value", "stored"),
    [
        ("VALUE", 0.0, 0.0),
        ("VALUE", "resnet", "resnet"),
        ("TABLE", {"a": 1, "b": [1, 2], "c": None}, {"a": 1, "b": [1, 2], "c": None}),
        (
            "TABLE",
            {"columns": ["p", "r"], "data": [[0.5, math.nan]]},
            {"columns": ["p", "r"], "rows": ["1"], "data": [[0.5, math.nan]]},
        ),
        (
            "TABLE",
            pd.DataFrame({"p": [0.5, 1.0], "n": [1, 2]}, index=["cat", "dog"]),
            {"columns": ["p", "n"], "rows": ["cat", "dog"], "data": [[0.5, 1], [1.0, 2]]},
        ),
        ("BAR", {"x": ["a", "b"], "y": [1, 2]}, {"x": ["a", "b"], "y": [1, 2]}),
        (
            "HEATMAP",
            {"categories": ["a", "b"], "values": np.array([[1, 2], [3, 4]])},
            {"categories": ["a", "b"], "values": [[1, 2], [3, 4]]},
        ),
        ("LABELMAP", {0: "cat", "1": "dog"}, {"0": "cat", "1": "dog"}),
        ("LABELMAP", ["cat", "dog"], {"0": "cat", "1": "dog"}),
        ("LINE", [1, math.nan], {"steps": [1, 2], "values": [1.0, math.nan]}),
        ("LINE", {"steps": [5, 3], "values": [1, 2]}, {"steps": [3, 5], "values": [2.0, 1.0]}),
    ],
)
def test_each_type_keeps_its_shape(experiment, kind, value, stored):
    experiment.log("it", value, type=kind)
    log = experiment.get_log("it")
    assert log.type is LogType(kind)
    assert repr(log.data) == repr(stored)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("VALUE", [1]),
        ("VALUE", None),
        ("TABLE", [1]),
        ("TABLE", {"columns": ["a"], "data": [[1, 2]]}),
        ("TABLE", {"columns": ["a"], "data": [[1]], "rows": []}),
        ("TABLE", {"columns": "a", "data": [[1]]}),
        ("BAR", {"x": ["a"], "y": [1, 2]}),
        ("BAR", {"x": ["a"], "y": ["b"]}),
        ("BAR", {"x": ["a"]}),
        ("HEATMAP", {"categories": ["a"], "values": [[1, 2]]}),
        ("HEATMAP", {"categories": ["a", "b"], "values": [[1, 2]]}),
        ("HEATMAP", {"categories": ["a"], "values": [["x"]]}),
        ("HEATMAP", [[1]]),
        ("LABELMAP", {"cat": 0}),
        ("LABELMAP", {"0": "a", "00": "b"}),
        ("LABELMAP", "cat"),
        ("LINE", "x"),
        ("LINE", {"steps": [1], "values": [1, 2]}),
        ("LINE", {"steps": [1, "x"], "values": [1, 2]}),
        ("LINE", {"value": 1}),
        ("IMAGE", 3),
        ("IMAGE", "missing.png"),
        ("EVALUATION", {}),
        ("PIE", 1),
    ],
)
def test_a_wrong_shape_is_refused_and_nothing_is_written(experiment, kind, value):
    with pytest.raises((LogError,), match=r"\w"):
        experiment.log("it", value, type=kind)
    assert [log.name for log in experiment.logs] == ["parameters", "labelmap"]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (0.5, "LINE"),
        ([1, 2], "LINE"),
        (np.float32(1), "LINE"),
        ({"steps": [1], "values": [1]}, "LINE"),
        ("text", "VALUE"),
        ({"x": ["a"], "y": [1]}, "BAR"),
        ({"categories": ["a"], "values": [[1]]}, "HEATMAP"),
        ({"a": 1}, "TABLE"),
    ],
)
def test_the_type_follows_from_the_shape(experiment, value, kind):
    experiment.log("it", value)
    assert experiment.get_log("it").type is LogType(kind)


def test_what_has_no_shape_is_refused(experiment):
    with pytest.raises(LogError, match="object"):
        experiment.log("it", object())


def test_a_line_grows_and_others_are_replaced(experiment):
    for value in (1, 2):
        experiment.log("line", value)
        experiment.log("value", value, type="VALUE")
    experiment.log("line", 9, step=1, phase=None)
    experiment.log("line", [7, 8])
    experiment.log("value", 3)
    assert experiment.get_log("line").data == {"steps": [1, 2, 3, 4], "values": [9.0, 2.0, 7.0, 8.0]}
    assert experiment.get_log("value").data == 3


def test_a_phase_goes_before_the_name(experiment):
    experiment.log("loss", 1, phase="val")
    experiment.log("metrics", {"a": 1}, phase="val")
    assert experiment.metrics == ["val/loss"]
    assert experiment.get_log("val/metrics").data == {"a": 1}


def test_a_log_keeps_its_type(experiment):
    experiment.log("table", {"a": 1})
    experiment.log("line", 1)
    with pytest.raises(LogError, match="TABLE"):
        experiment.log("table", {"categories": ["a"], "values": [[1]]}, type="HEATMAP")
    with pytest.raises(LogError, match="LINE"):
        experiment.log("line", 1, type="VALUE")
    with pytest.raises(LogError, match="no steps"):
        experiment.log("table", {"a": 1}, step=3)


def test_reserved_logs_are_the_parameters_and_the_label_map(experiment):
    experiment.log("parameters", {"lr": 0.1})
    experiment.log("labelmap", ["cat"])
    assert experiment.parameters == experiment.get_log("parameters").data == {"lr": 0.1}
    assert experiment.labelmap == {"0": "cat"}
    with pytest.raises(LogError, match="always a TABLE"):
        experiment.log("parameters", 1, type="LINE")
    with pytest.raises(LogError):
        experiment.labelmap = {"cat": 0}
    assert experiment.labelmap == {"0": "cat"}


def test_logs_are_listed_in_their_order(experiment):
    experiment.log("b", {"x": 1})
    experiment.log("a", 1)
    experiment.log("b", {"x": 2})
    assert [log.name for log in experiment.logs] == ["parameters", "labelmap", "b", "a"]
    with pytest.raises(LogError, match="'labelmap', 'b', 'a'"):
        experiment.get_log("c")


def test_an_image_is_copied_into_the_store(experiment, tmp_path, store):
    first, second = tmp_path / "first.png", tmp_path / "second.png"
    Image.new("L", (4, 4), 7).save(first)
    Image.new("L", (4, 4), 9).save(second)
    experiment.log("picture", first, type=LogType.IMAGE)
    log = experiment.get_log("picture")
    earlier = log.path
    assert log.data == {"filename": "first.png", "size": first.stat().st_size}
    assert earlier.read_bytes() == first.read_bytes()
    experiment.log("picture", str(second), type=LogType.IMAGE)
    assert log.path.read_bytes() == second.read_bytes()
    assert not earlier.exists()  # nothing refers to it any more


def test_a_text_file_is_no_image(experiment, tmp_path):
    path = tmp_path / "x.png"
    path.write_text("no picture")
    with pytest.raises(LogError, match="not an image"):
        experiment.log("picture", path, type="IMAGE")
    with pytest.raises(LogError, match="only an IMAGE"):
        experiment.get_log("labelmap").path  # noqa: B018
