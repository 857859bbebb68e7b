"""Logs: each type has its shape, and nothing else is let in."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from piximi_widgets.errors import LogError
from piximi_widgets.experiments import LogType
from piximi_widgets.experiments.metrics.writing import fold_all


@pytest.mark.parametrize(
    ("kind", "value", "stored"),
    [
        ("VALUE", 0.0, 0.0),
        ("VALUE", "resnet", "resnet"),
        ("VALUE", -0.0, -0.0),
        ("VALUE", math.nan, math.nan),
        ("VALUE", -math.inf, -math.inf),
        ("VALUE", {"value": 0.0}, 0.0),
        ("VALUE", np.float32(0.5), 0.5),
        ("LINE", 0, {"steps": [1], "values": [0.0]}),
        ("LINE", [-math.inf, 0.0], {"steps": [1, 2], "values": [-math.inf, 0.0]}),
        ("LINE", {"steps": np.array([2, 4]), "values": (1, 2)}, {"steps": [2, 4], "values": [1.0, 2.0]}),
        (
            "TABLE",
            {"columns": ["p"], "rows": ["cat"], "data": [[-0.0]]},
            {"columns": ["p"], "rows": ["cat"], "data": [[-0.0]]},
        ),
        (
            "BAR",
            {"x": ["a", "b"], "y": [0, math.inf], "image_list": [[1, 2], [3]]},
            {"x": ["a", "b"], "y": [0, math.inf], "image_list": [[1, 2], [3]]},
        ),
        ("EVALUATION", {7: {"cat": 0.5}, "b.png": {}}, {"7": {"cat": 0.5}, "b.png": {}}),
        (
            "EVALUATION",
            [{"image_id": 1, "boxes": [[0, 0, 1, 1]]}, {"image_id": "b", "boxes": []}],
            [{"image_id": 1, "boxes": [[0, 0, 1, 1]]}, {"image_id": "b", "boxes": []}],
        ),
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
        ("IMAGE", np.zeros((4, 4))),
        ("IMAGE", np.zeros((4, 4, 2), np.uint8)),
        ("IMAGE", np.zeros((0, 4), np.uint8)),
        ("IMAGE", Image.new("CMYK", (4, 4))),
        ("VALUE", {"value": 1, "unit": "s"}),
        ("VALUE", {"value": [1]}),
        ("LINE", {"steps": 1, "values": 2}),
        ("LINE", [1.0, 2.0, "x"]),
        ("LINE", {"steps": [1, 2, 2.5], "values": [1, 2, 3]}),
        ("TABLE", {"columns": ["a", "b"], "data": [[1, 2], [3, 4], [5]]}),
        ("TABLE", {"a": 1, "b": object()}),
        ("BAR", {"x": ["a", "b"], "y": [1, 2], "image_list": [1]}),
        ("EVALUATION", 1),
        ("EVALUATION", [{"image": 1}, {"image": 2}, {"score": 1}]),
        ("EVALUATION", [{"image": 1}, {"image": 1}]),
        ("EVALUATION", [{"image": None}]),
        ("EVALUATION", {"a.png": {}, "b.png": 0.5}),
        ("PIE", 1),
    ],
)
def test_a_wrong_shape_is_refused_and_nothing_is_written(experiment, query, kind, value):
    with pytest.raises((LogError,), match=r"\w"):
        experiment.log("it", value, type=kind)
    assert [log.name for log in experiment.logs] == ["parameters", "labelmap"]
    assert query("SELECT count(*) FROM point") == query("SELECT count(*) FROM series") == [(0,)]
    assert not list(experiment.store.folder.glob("artifacts/??/*"))


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
        (Image.new("L", (2, 2)), "IMAGE"),
        (np.zeros((2, 2), np.uint8), "IMAGE"),
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


# Pictures --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 3), (5, 7, 4)], ids=str)
def test_pixels_are_stored_as_png(experiment, shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    experiment.log("val/worst: <images> & Ümläut", pixels)
    log = experiment.get_log("val/worst: <images> & Ümläut")
    assert log.data == {"filename": "worst_images_Ümläut.png", "size": log.path.stat().st_size}
    with Image.open(log.path) as found:
        assert found.format == "PNG"
        np.testing.assert_array_equal(np.asarray(found), pixels.squeeze())


def test_a_pil_image_is_stored_as_png(experiment):
    image = Image.fromarray(np.arange(12, dtype=np.uint16).reshape(3, 4))
    experiment.log("..", image, type="IMAGE")
    log = experiment.get_log("..")
    assert log.data["filename"] == "image.png"
    with Image.open(log.path) as found:
        np.testing.assert_array_equal(np.asarray(found), np.arange(12).reshape(3, 4))


# Replacing, changing and deleting --------------------------------------------------------------------------

_SHARES = (0.4, 0.2, 0.15, 0.1, 0.1, 0.05)
KINDS = {
    "VALUE": ("a", "b"),
    "TABLE": ({"a": 1}, {"a": 2}),
    "BAR": ({"x": ["a"], "y": [1]}, {"x": ["a"], "y": [2]}),
    "HEATMAP": ({"categories": ["a"], "values": [[1]]}, {"categories": ["a"], "values": [[2]]}),
    "LABELMAP": ({"0": "a"}, {"0": "b"}),
    "EVALUATION": ([{"image": 1}], [{"image": 2}]),
    "IMAGE": (np.zeros((2, 2), np.uint8), np.ones((2, 2), np.uint8)),
    "LINE": ({"steps": [3], "values": [1.0]}, {"steps": [3], "values": [2.0]}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_there_is_not_replaced_where_that_is_forbidden(experiment, kind):
    first, second = KINDS[kind]
    experiment.log("it", first, type=kind, replace=False)
    before = experiment.get_log("it").data
    with pytest.raises(LogError, match="already"):
        experiment.log("it", second, type=kind, replace=False)
    assert experiment.get_log("it").data == before
    experiment.log("it", second, type=kind)
    assert kind == "IMAGE" or experiment.get_log("it").data == second


def test_a_line_may_grow_where_replacing_is_forbidden(experiment):
    experiment.log("line", [1, 2], replace=False)
    experiment.log("line", 3, replace=False)
    experiment.log("line", 9, step=7, replace=False)
    with pytest.raises(LogError, match="step 2 already"):
        experiment.log("line", {"steps": [8, 2], "values": [0, 0]}, replace=False)
    assert experiment.get_log("line").data == {"steps": [1, 2, 3, 7], "values": [1.0, 2.0, 3.0, 9.0]}


def test_the_empty_reserved_logs_may_be_filled_where_replacing_is_forbidden(experiment):
    for _ in range(2):
        experiment.log("parameters", {"lr": 1}, replace=False)
        experiment.log("labelmap", ["cat"], replace=False)
        for name, value in (("parameters", {"lr": 2}), ("labelmap", ["dog"])):
            with pytest.raises(LogError, match="already"):
                experiment.log(name, value, replace=False)
        assert (experiment.parameters, experiment.labelmap) == ({"lr": 1}, {"0": "cat"})
        experiment.delete_logs()


@pytest.mark.parametrize("kind", KINDS)
def test_a_log_is_updated_and_deleted(experiment, query, kind):
    first, second = KINDS[kind]
    experiment.log("other", 1)
    experiment.log("it", first, type=kind)
    log = experiment.get_log("it")
    with pytest.raises(LogError):
        log.update(object())
    log.update(second)
    if kind == "IMAGE":
        assert np.asarray(Image.open(log.path)).all()
        assert len(list(experiment.store.folder.glob("artifacts/??/*"))) == 1
    else:
        assert log.data == second
    log.delete()
    assert [log.name for log in experiment.logs] == ["parameters", "labelmap", "other"]
    for use in (lambda: log.data, lambda: log.update(second), log.delete, lambda: experiment.get_log("it")):
        with pytest.raises(LogError, match="no longer|has no log"):
            use()
    assert query("SELECT count(*) FROM log WHERE name = 'it'") == [(0,)]
    assert query("SELECT count(*) FROM point") == [(1,)]
    assert not list(experiment.store.folder.glob("artifacts/??/*"))


def test_a_line_is_updated_whole(experiment):
    experiment.log("train/loss", [5.0, 1.0, 9.0])
    experiment.log("train/other", [1.0, 2.0])
    experiment.get_log("train/loss").update([4.0, math.nan])
    assert repr(experiment.get_log("train/loss").data) == "{'steps': [1, 2], 'values': [4.0, nan]}"
    experiment.log_metrics({"loss": 3.0}, step=1, phase="train")
    steps, values = experiment.curve("train/loss")
    assert (steps.tolist(), values[0]) == ([1, 2], 3.0)
    row = experiment.store.search().loc[experiment.id]
    assert math.isnan(row["metric.train/loss"])
    assert row["metric.train/other"] == 2.0
    with pytest.raises(LogError, match="at least one point"):
        experiment.get_log("train/loss").update([])


def test_a_line_that_fails_to_be_updated_stays(experiment):
    experiment.log("loss", [5.0, 1.0])
    with pytest.raises(LogError, match="number"):
        experiment.get_log("loss").update([4.0, 3.0, "x"])
    assert experiment.get_log("loss").data["values"] == [5.0, 1.0]


def test_points_are_appended_to_a_line_only(experiment):
    experiment.log("loss", 1)
    experiment.log("table", {"a": 1})
    line = experiment.get_log("loss")
    line.append(2)
    line.append([3, 4])
    line.append({"steps": [9], "values": [5]})
    with pytest.raises(LogError, match="step 9 already"):
        line.append({"steps": [10, 9], "values": [5, 5]})
    assert line.data == {"steps": [1, 2, 3, 4, 9], "values": [1.0, 2.0, 3.0, 4.0, 5.0]}
    with pytest.raises(LogError, match="only a LINE grows"):
        experiment.get_log("table").append({"a": 2})


def test_a_deleted_line_can_be_logged_again_by_whoever_remembers_it(experiment):
    """Also where this or another process has its number in memory."""
    for step in range(1, 600):
        experiment.log_metrics({"loss": step}, step=step, phase="train")
    experiment.get_log("train/loss").delete()
    assert experiment.metrics == []
    assert experiment.metrics_array("train/loss")[0].tolist() == []
    with pytest.raises(LogError, match="no metric 'train/loss'"):
        experiment.metric("train/loss")
    with pytest.raises(LogError, match="LINE"):
        experiment.log("train/loss", {"a": 1}, type="TABLE")
    experiment.log_metrics({"loss": 7}, phase="train")
    experiment.log_metrics({"loss": 8}, phase="train")
    assert experiment.get_log("train/loss").data == {"steps": [1, 2], "values": [7.0, 8.0]}
    assert experiment.store.search().loc[experiment.id, "metric.train/loss"] == 8


@pytest.mark.parametrize("seed", range(4))
def test_lines_hold_after_any_changes(experiment, query, seed):
    """Two lines of a phase against dicts: their points, what is summed up of them, and their curves."""
    generator = np.random.default_rng(seed)
    truth: dict[str, dict[int, float]] = {"train/a": {}, "train/b": {}}
    for _ in range(40):
        name = str(generator.choice(list(truth)))
        steps = np.unique(generator.integers(-5, 400, generator.integers(1, 300))).tolist()
        values = generator.integers(-50, 50, len(steps)).astype(float).tolist()
        given_points = {"steps": steps, "values": values}
        operation = generator.choice(["log", "one", "update", "delete", "fold", "delete all"], p=_SHARES)
        if operation == "log":
            experiment.log(name, given_points)
            truth[name].update(zip(steps, values, strict=True))
        elif operation == "one":
            experiment.log_metrics({name: values[0]}, step=steps[0])
            truth[name][steps[0]] = values[0]
        elif operation == "fold":
            with experiment.writing() as connection:
                fold_all(connection, experiment.id)
        elif operation == "delete all":
            experiment.delete_logs()
            truth = {name: {} for name in truth}
        elif truth[name]:
            log = experiment.get_log(name)
            if operation == "update":
                log.update(given_points)
                truth[name] = dict(zip(steps, values, strict=True))
            else:
                log.delete()
                truth[name] = {}
        assert sorted(experiment.metrics) == [name for name, points in truth.items() if points]
        for name, points in truth.items():
            found, heights = experiment.metrics_array(name)
            assert dict(zip(found.tolist(), heights.tolist(), strict=True)) == points
            assert list(found) == sorted(points)
            thin_steps, thin = experiment.curve(name, points=10)
            if points:
                assert (thin.min(), thin.max()) == (min(points.values()), max(points.values()))
                assert (thin_steps[0], thin_steps[-1]) == (min(points), max(points))
    with experiment.writing() as connection:
        fold_all(connection, experiment.id)
    found = query(
        "SELECT name, count, last_step, last_value, min_value, max_value FROM series"
        " JOIN series_stat ON series_id = series.id ORDER BY name"
    )
    assert found == [
        (name, len(points), max(points), points[max(points)], min(points.values()), max(points.values()))
        for name, points in sorted(truth.items())
        if points
    ]


def test_the_reserved_logs_are_emptied_and_stay(experiment):
    experiment.log("parameters", {"lr": 1})
    experiment.log("labelmap", ["cat"])
    for name in ("parameters", "labelmap"):
        experiment.get_log(name).delete()
        assert experiment.get_log(name).data == {}
    experiment.get_log("parameters").update({"lr": 2})
    experiment.get_log("labelmap").update(["dog"])
    assert (experiment.parameters, experiment.labelmap) == ({"lr": 2}, {"0": "dog"})


def test_all_logs_are_deleted_and_those_of_others_stay(experiment, store):
    other = store.create_experiment("other", parameters={"lr": 1})
    for handle in (experiment, other):
        for kind, (value, _) in KINDS.items():
            handle.log(f"a {kind}", value, type=kind)
    experiment.parameters = {"lr": 2}
    experiment.labelmap = ["cat"]
    experiment.delete_logs()
    assert [log.name for log in experiment.logs] == ["parameters", "labelmap"]
    assert (experiment.parameters, experiment.labelmap, experiment.metrics) == ({}, {}, [])
    assert len(other.logs) == 2 + len(KINDS)
    assert other.get_log("a IMAGE").path.is_file(), "the same picture, of which only one reference went"
    other.delete_logs()
    assert not list(store.folder.glob("artifacts/??/*"))


# Names and sizes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ü/ß", "a'b\"c", "%_\\", "✓ 🦠", "a; DROP TABLE log", "../x", "metric.a"])
def test_any_name_can_be_read_again(experiment, name):
    experiment.log(f"{name} line", 1)
    experiment.log(f"  {name} ", {"a": 1})
    assert experiment.get_log(name).data == {"a": 1}
    assert experiment.metrics == [f"{name} line"]
    experiment.get_log(name).delete()
    experiment.get_log(f"{name} line").delete()
    assert len(experiment.logs) == 2


@pytest.mark.parametrize("name", ["", " ", "a\nb", "\x00", "x" * 201, 3, None])
def test_what_is_no_name_is_refused(experiment, name):
    with pytest.raises(LogError, match="name"):
        experiment.log(name, 1)


def test_a_table_of_a_megabyte_is_kept_and_one_beyond_the_bound_is_refused(experiment):
    data = np.random.default_rng(0).random((5000, 10))
    table = {"columns": [str(number) for number in range(10)], "data": data}
    experiment.log("table", table)
    assert experiment.get_log("table").data["data"] == data.tolist()
    large = {"text": "x" * (16 * 2**20)}
    with pytest.raises(LogError, match=r"'table' is too large: 16.0 MiB.*artifacts.store"):
        experiment.log("table", large)
    with pytest.raises(LogError, match="Parameter 'text' is too large"):
        experiment.log("parameters", large)
    assert experiment.get_log("table").data["data"] == data.tolist()
    assert experiment.parameters == {}


def test_single_numbers_are_folded_from_time_to_time(experiment, query):
    for step in range(300):
        experiment.log("loss", 1 / (step + 1), step=step)
    ((folded,),) = query("SELECT folded FROM phase")
    assert 0 < folded < 300


def test_two_points_at_one_step_are_refused_without_replacing(experiment):
    with pytest.raises(LogError, match="two points at one step"):
        experiment.log("line", {"steps": [1, 1, 2], "values": [1, 2, 3]}, replace=False)
    assert experiment.metrics == []
    experiment.log("line", {"steps": [1, 1, 2], "values": [1, 2, 3]})
    assert experiment.metrics_array("line")[1].tolist() == [2, 3]
