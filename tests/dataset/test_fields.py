"""Fields against pandas and numbers worked by hand, and brightness that is measured once."""

from __future__ import annotations

import json
import math
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piximi_widgets.dataset import Dataset
from piximi_widgets.dataset.fields import brightness as brightness_module
from piximi_widgets.dataset.fields.brightness import brightness
from piximi_widgets.dataset.fields.certainty import entropy, margin
from piximi_widgets.dataset.fields.metadata import metadata_fields
from piximi_widgets.dataset.records import Field
from piximi_widgets.errors import PiximiError, SelectionError

BUILT_IN = [
    Field("name", "text"),
    Field("added", "number"),
    Field("labeled_by", "text"),
    Field("height", "number"),
    Field("width", "number"),
    Field("channels", "number"),
    Field("planes", "number"),
    Field("dtype", "text"),
    Field("pixel_size", "number"),
    Field("margin", "number"),
    Field("entropy", "number"),
    Field("brightness", "number"),
]


@pytest.fixture
def mixed(dataset: Dataset) -> Dataset:
    """Two kinds of images, three of them with metadata of all kinds, labels by two authors, and predictions."""
    metadata = {
        "dose": [1, None, 2.5],
        "well": ["A1", None, "B2"],
        "wild": [True, False, None],
        "odd": [1, "x", True],
        "serial": ["1", "2", "3"],
    }
    dataset.add_images(np.full((3, 4, 6), 7, np.uint8), metadata=metadata, labels=["a", None, "b"], by="ann")
    dataset.add_images(np.arange(2 * 3 * 5 * 5 * 2, dtype=np.uint16).reshape(2, 3, 5, 5, 2))
    dataset.label([2], "b", by="bob")
    probabilities = np.array([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0], [0.125, 0.75, 0.125]])
    dataset.store_predictions("e", ["a", "b", "c"], [1, 2, 4], probabilities)
    return dataset


def values(dataset: Dataset, name: str) -> list:
    """A field as a list, with None for NaN."""
    found = dataset.field_values(name)
    assert found.name == name
    return [None if value != value else value for value in found.values.tolist()]


def test_the_fields_and_their_kinds(mixed, tmp_path):
    """Those that every project has, then the metadata; numbers only where all values are numbers."""
    assert mixed.fields == [
        *BUILT_IN,
        Field("dose", "number"),
        Field("well", "text"),
        Field("wild", "text"),
        Field("odd", "text"),
        Field("serial", "text"),
    ]
    for field in mixed.fields:
        found = mixed.field_values(field.name)
        assert (found.name, found.kind) == field
        assert found.values.dtype == (np.float64 if field.kind == "number" else object)
        assert found.values.shape == (5,)
    with Dataset(tmp_path / "empty") as empty:
        assert empty.fields == BUILT_IN
        assert all(len(empty.field_values(field.name).values) == 0 for field in BUILT_IN)


def test_the_values(mixed):
    """Each field of five images, told by hand."""
    assert values(mixed, "name") == mixed.images["name"].tolist()
    for name in ("height", "width", "channels", "planes", "dtype"):
        assert values(mixed, name) == mixed.images[name].tolist()
    assert values(mixed, "labeled_by") == ["ann", "bob", "ann", None, None]
    assert values(mixed, "dose") == [1.0, None, 2.5, None, None]
    assert values(mixed, "well") == ["A1", None, "B2", None, None]
    assert values(mixed, "wild") == ["true", "false", None, None, None]
    assert values(mixed, "odd") == ["1", "x", "true", None, None]
    assert values(mixed, "serial") == ["1", "2", "3", None, None]
    assert values(mixed, "margin") == [0.25, 1.0, None, 0.625, None]
    assert values(mixed, "entropy")[0] == pytest.approx(1.5 * math.log(2))
    assert values(mixed, "entropy")[1] == 0.0
    assert values(mixed, "pixel_size") == [None] * 5
    with pytest.raises(SelectionError, match="no field 'secret'; there are name, added.*serial"):
        mixed.field_values("secret")


def test_when_images_were_added(mixed):
    """As the journal says, for each of the calls."""
    added = values(mixed, "added")
    told = mixed.journal.query("action == 'add_images'").drop_duplicates("revision")["time"]
    first, second = (moment.timestamp() for moment in told)
    assert added == pytest.approx([first] * 3 + [second] * 2, abs=1e-5)
    assert first < second
    mixed.remove_images([1])
    assert values(mixed, "added") == pytest.approx([first] * 2 + [second] * 2, abs=1e-5)


def test_the_pixel_size_is_that_of_the_images(ten):
    """In micrometres, where the file says."""
    with sqlite3.connect(ten.path / "project.db") as connection:
        connection.execute("UPDATE image SET pixel_size = '[null, 0.3, 0.25]' WHERE id = 2")
        connection.execute("UPDATE image SET pixel_size = '[2.0, null, null]' WHERE id = 3")
    connection.close()
    assert values(ten, "pixel_size")[:4] == [None, 0.25, None, None]
    assert np.array_equal(ten.field_values("pixel_size").values, ten.images["pixel_size"], equal_nan=True)
    assert ten.describe(2).pixel_size == (None, 0.3, 0.25)


def test_metadata_hides_a_built_in_field(dataset):
    """A column that somebody called margin is the one that they mean."""
    dataset.add_images(np.zeros((2, 4, 6), np.uint8), metadata={"margin": ["wide", "thin"], "added": [5, 6]})
    assert [field for field in dataset.fields if field.name == "margin"] == [Field("margin", "text")]
    assert values(dataset, "margin") == ["wide", "thin"]
    assert dataset.select("margin == 'thin'").tolist() == [2]
    assert dataset.select("added < 6").tolist() == [1]
    assert dataset.table("added")["added"].tolist() == [5, 6]


def test_a_refused_prediction_is_none_in_tables_and_queries(mixed):
    """As the labeler shows it; undo brings it back."""
    before = mixed.images["prediction"].tolist()
    image = int(mixed.images.index[mixed.images["prediction"].notna()][0])
    predicted = mixed.images.loc[image, "prediction"]
    query = f"prediction == {predicted!r} and confidence > 0"
    assert image in mixed.select(query)
    mixed.refuse_predictions([image])
    assert image not in mixed.select(query)
    assert image in mixed.select("prediction.isna() and confidence.isna()")
    mixed.undo()
    assert mixed.images["prediction"].astype(object).fillna("").tolist() == [
        "" if value != value else value for value in before
    ]


@pytest.mark.parametrize("name", ["origin", "agreement", "refused", "category"])
def test_metadata_cannot_hide_what_labels_say(dataset, name):
    """The labeler's filters of these names are about labels."""
    with pytest.raises(SelectionError, match=name):
        dataset.add_images(np.zeros((2, 4, 6), np.uint8), metadata={name: [5, 6]})


def test_bools_and_mixtures_are_texts_where_a_query_compares_them_with_texts(dataset):
    """As the labeler's filters write them; compared with their own kind they are what they are."""
    metadata = {"wild": [True, False, None, True], "odd": [1, "x", None, "1"]}
    dataset.add_images(np.zeros((4, 4, 6), np.uint8), metadata=metadata)
    assert dataset.select("wild == 'true'").tolist() == [1, 4]
    assert dataset.select("wild == True").tolist() == [1, 4]
    assert dataset.select("wild.str.contains('A', case=False)").tolist() == [2]
    assert dataset.select("odd in ['1']").tolist() == [1, 4]
    assert dataset.select("odd.isin(['1', 'x'])").tolist() == [1, 2, 4]
    assert dataset.select("odd == 1").tolist() == [1]
    assert dataset.select("wild.isna()").tolist() == [3]


def test_fields_follow_the_project(mixed):
    """Images that come, go and come back, labels, and newer predictions."""
    mixed.field_values("well")
    mixed.remove_images([1, 4])
    assert values(mixed, "well") == [None, "B2", None]
    assert values(mixed, "margin") == [1.0, None, None]
    mixed.undo()
    assert values(mixed, "margin") == [0.25, 1.0, None, 0.625, None]
    mixed.add_images(np.zeros((1, 4, 6), np.uint8), metadata={"well": ["C3"], "new": [1]})
    assert values(mixed, "well") == ["A1", None, "B2", None, None, "C3"]
    assert values(mixed, "new") == [*[None] * 5, 1.0]
    mixed.label([5], "a", by="cid")
    assert values(mixed, "labeled_by")[4] == "cid"
    mixed.store_predictions("f", ["a", "b"], [5], np.array([[0.75, 0.25]]))
    assert values(mixed, "margin") == [None] * 4 + [0.5, None]
    mixed.clear_predictions("f")
    assert values(mixed, "margin")[:4] == [0.25, 1.0, None, 0.625]
    mixed.clear_predictions()
    assert values(mixed, "entropy") == [None] * 6


def test_the_arrays_cannot_be_written(mixed):
    for name in ("height", "dose", "brightness"):
        with pytest.raises(ValueError, match="read-only"):
            mixed.field_values(name).values[0] = 1


# -- metadata as pandas reads it -------------------------------------------------------------------

CELL = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.floats(allow_nan=False), st.text(max_size=3)
)


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.lists(
            st.one_of(st.none(), st.integers(-99, 99), st.floats(allow_nan=False)), min_size=1, max_size=6
        ),
        st.lists(CELL, min_size=1, max_size=6),
    )
)
def test_kinds_are_those_of_pandas(column):
    """A column is of numbers exactly where pandas makes a column of numbers of it, with the same values."""
    documents = ",".join(json.dumps({"x": value}) for value in column)
    found = metadata_fields(list(range(len(column))), documents, len(column))["x"]
    series = pd.DataFrame({"x": column})["x"]
    is_number = pd.api.types.is_numeric_dtype(series) and not pd.api.types.is_bool_dtype(series)
    if series.isna().all():
        assert [value for value in found.values.tolist() if value is not None] == []
    elif is_number:
        assert found.kind == "number"
        assert np.array_equal(found.values, series.to_numpy(np.float64), equal_nan=True)
    else:
        assert found.kind == "text"
        for told, value in zip(found.values, column, strict=True):
            expected = {True: "true", False: "false"}[value] if isinstance(value, bool) else value
            assert told == (None if value is None else str(expected))


def test_a_number_too_large_for_a_float_is_a_name():
    found = metadata_fields([0, 1], f'{{"x": {10**400}}},{{"x": 1}}', 2)["x"]
    assert found.kind == "text"
    assert found.values.tolist() == [str(10**400), "1"]


# -- certainty -------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_margin_and_entropy_by_definition(classes, seed):
    """Sorted and summed in plain Python, zeros and ties among them."""
    random = np.random.default_rng(seed)
    rows = random.dirichlet(np.full(classes, 0.3), 20).astype(np.float32)
    rows[0] = 0
    rows[0, 0] = 1
    rows[1] = 1 / classes
    for row, m, e in zip(rows.tolist(), margin(rows), entropy(rows), strict=True):
        first, second = [*sorted(row, reverse=True), 0.0][:2]
        assert m == pytest.approx(first - second, abs=1e-12)
        assert e == pytest.approx(-sum(p * math.log(p) for p in row if p > 0), abs=1e-12)
    assert entropy(rows)[0] == 0.0
    assert math.copysign(1, entropy(rows)[0]) == 1


def test_no_images_no_certainty():
    assert margin(np.empty((0, 3))).shape == entropy(np.empty((0, 3))).shape == (0,)


# -- brightness ------------------------------------------------------------------------------------


def test_brightness_is_the_mean_of_all_values(mixed):
    """Of all planes and channels, raw."""
    every = np.arange(2 * 3 * 5 * 5 * 2).reshape(2, -1)
    assert values(mixed, "brightness") == [7.0, 7.0, 7.0, *every.mean(axis=1).tolist()]


def test_what_is_no_number_is_left_out():
    pixels = np.array([1.0, np.nan, np.inf, 2.0], np.float32).reshape(1, 2, 2, 1)
    assert brightness(pixels) == 1.5
    assert math.isnan(brightness(np.full((1, 2, 2, 1), np.nan)))
    assert brightness(np.full((1, 2000, 2000, 1), 65535, np.uint16)) == 65535.0


@pytest.fixture
def reads(monkeypatch) -> list[int]:
    """The ids of the images that were read to be measured."""
    seen: list[int] = []
    real = brightness_module.PixelReader.read

    def read(self, location):
        seen.append(location.id)
        return real(self, location)

    monkeypatch.setattr(brightness_module.PixelReader, "read", read)
    return seen


def test_brightness_is_measured_once(ten, reads, tmp_path):
    """Kept for the next kernel, and only new images are read."""
    told: list[tuple[int, int]] = []
    ten.field_values("brightness", progress=lambda done, total: told.append((done, total)))
    assert sorted(reads) == list(range(1, 11))
    assert told[-1] == (10, 10)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    ten.add_images(np.full((1, 4, 6), 3, np.uint8))
    reads.clear()
    assert values(ten, "brightness")[10] == 3.0
    assert reads == [11]
    with Dataset(ten.path) as again:
        reads.clear()
        assert values(again, "brightness") == values(ten, "brightness")
        assert reads == []


def test_a_changed_file_is_measured_anew(dataset, picture: Callable[..., Path], tmp_path, reads):
    """As its size or time tells; a missing file has no brightness, and gets one when it is back."""
    paths = [picture(tmp_path / "raw" / f"{number}.bmp") for number in range(3)]
    dataset.add_images(tmp_path / "raw")
    before = values(dataset, "brightness")
    reads.clear()
    picture(paths[1])
    os.utime(paths[1], ns=(1, time.time_ns() + 10**9))
    content = paths[2].read_bytes()
    status = os.stat(paths[2])
    paths[2].unlink()
    after = values(dataset, "brightness")
    assert reads == [2]
    assert after[0] == before[0]
    assert after[1] == dataset.pixels(2).mean() != before[1]
    assert after[2] is None
    paths[2].write_bytes(content)
    os.utime(paths[2], ns=(status.st_atime_ns, status.st_mtime_ns))
    assert values(dataset, "brightness")[2] == before[2]


@pytest.mark.parametrize("content", [b"", b"nonsense", None, "other"])
def test_the_file_may_be_lost_or_damaged(ten, content):
    """Then images are measured again."""
    before = values(ten, "brightness")
    place = ten.path / "cache" / "brightness.npy"
    assert place.is_file()
    if content is None:
        place.unlink()
    elif content == "other":
        np.save(place, np.arange(10))
    else:
        place.write_bytes(content)
    with Dataset(ten.path) as again:
        assert values(again, "brightness") == before
    with Dataset(ten.path) as again:
        assert again.select("brightness > -1").tolist() == list(range(1, 11))


def test_a_project_that_may_only_be_read(ten):
    """Is measured in memory; nothing is written."""
    with Dataset(ten.path, "r") as reader:
        expected = ten.pixels(1).mean()
        assert values(reader, "brightness")[0] == expected
        assert reader.select(f"brightness == {expected}").tolist() == [1]
    assert not (ten.path / "cache" / "brightness.npy").exists()


def test_a_cache_that_cannot_be_written_stops_nothing(ten):
    (ten.path / "cache" / "brightness.npy").mkdir(parents=True)
    assert values(ten, "brightness")[0] == ten.pixels(1).mean()


def test_measuring_can_be_canceled_and_goes_on(dataset, monkeypatch, reads):
    """What was measured until then is kept."""
    monkeypatch.setattr(brightness_module, "_PER_TASK", 1)
    monkeypatch.setattr(brightness_module, "_READERS", 1)
    dataset.add_images(np.zeros((50, 4, 6), np.uint8))
    cancel = threading.Event()

    def progress(done: int, total: int) -> None:
        if done == 20:
            cancel.set()

    with pytest.raises(PiximiError, match=r"^Cancelled\.$"):
        dataset.field_values("brightness", progress, cancel)
    measured = dataset.select("brightness.notna()").tolist()
    assert 20 <= len(measured) < 30
    reads.clear()
    told: list[int] = []
    dataset.field_values("brightness", lambda done, total: told.append(done))
    assert not set(reads) & set(measured)
    assert len(reads) == 50 - len(measured)
    assert told[0] == len(measured) + 1


def test_who_waits_for_another_may_leave(ten, monkeypatch):
    """A second call waits for the first one's work, and can be canceled meanwhile."""
    started, go_on = threading.Event(), threading.Event()
    real = brightness_module.PixelReader.read

    def read(self, location):
        started.set()
        assert go_on.wait(30)
        return real(self, location)

    monkeypatch.setattr(brightness_module.PixelReader, "read", read)
    first = threading.Thread(target=ten.field_values, args=("brightness",))
    first.start()
    try:
        assert started.wait(30)
        cancel = threading.Event()
        cancel.set()
        with pytest.raises(PiximiError, match="Cancelled"):
            ten.field_values("brightness", cancel=cancel)
        # Others are not held up.
        assert ten.select("brightness > 0").tolist() == []
    finally:
        go_on.set()
        first.join()
    assert ten.select("brightness > 0").tolist() == list(range(1, 11))


# -- further columns -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("origin == 'imported'", [1, 3]),
        ("origin == 'hand' or origin == 'accepted'", [2]),
        ("origin.isna()", [4, 5]),
        ("labeled_by == 'bob'", [2]),
        ("labeled_by.str.contains('n') and well == 'B2'", [3]),
        ("labeled_at > added", [2]),
        ("labeled_at == labeled_at", [1, 2, 3]),
        ("agreement == 'agrees'", [1]),
        ("agreement == 'differs'", []),
        ("agreement.isna()", [2, 3, 4, 5]),
        ("margin < 0.7 and entropy > 0.5", [1, 4]),
        ("refused", [2]),
        ("not refused and `margin` > 0", [1, 4]),
        ("margin * 2 == 0.5", [1]),
        ("brightness > 0", []),
    ],
)
def test_queries_over_further_columns(mixed, query, expected):
    """Worked by hand: 1 agrees, 2 would, but its prediction was refused, 3 has no prediction and 4 no label."""
    mixed.refuse_predictions([2])
    assert mixed.select(query).tolist() == expected


def test_labels_that_differ_from_predictions(mixed):
    mixed.add_category("c")
    mixed.label([1, 2], "c", by="cid")
    assert mixed.select("agreement == 'differs'").tolist() == [1, 2]
    assert mixed.table(["agreement"])["agreement"].isna().tolist() == [False, False, True, True, True]


def test_tables_of_further_columns(mixed):
    """In the order asked for; `images` itself stays as it is."""
    mixed.field_values("brightness")
    before = list(mixed.images.columns)
    table = mixed.table(["brightness", "name", "origin", "labeled_by", "refused"], [4, 2])
    assert list(table.columns) == ["brightness", "name", "origin", "labeled_by", "refused"]
    assert table.index.tolist() == [4, 2]
    assert table["brightness"].tolist() == [74.5, 7.0]
    assert table["refused"].dtype == bool
    assert table["origin"].isna().tolist() == [True, False]
    assert mixed.table("added")["added"].notna().all()
    assert list(mixed.images.columns) == before
    with pytest.raises(SelectionError, match="no column 'secret'; there are name, .*origin, .*brightness"):
        mixed.table(["secret"])
    with pytest.raises(SelectionError, match="names 'secret', which is no column; there are .*labeled_by"):
        mixed.select("secret == 1")


def test_only_what_is_named_is_made(mixed, monkeypatch):
    """A query of the table's own columns asks neither journal nor cache."""
    made: list[str] = []
    fields = type(mixed._fields)
    real = fields.quick
    monkeypatch.setattr(
        fields, "quick", lambda self, name, columns: made.append(name) or real(self, name, columns)
    )
    mixed.select("category == 'a'")
    assert made == []
    mixed.select("margin > 0 and margin < 2")
    assert made == ["margin"]


def test_further_columns_calculate_no_text(mixed):
    """What holds for the table's columns holds for these."""
    for query in ("origin * 3 == 'x'", "origin.map(print)", "brightness.__class__", "labeled_by"):
        with pytest.raises(SelectionError):
            mixed.select(query)


# -- one image -------------------------------------------------------------------------------------


def test_describe(mixed):
    described = mixed.describe(4)
    assert described.name == mixed.images["name"][4]
    assert (described.height, described.width, described.channels) == (5, 5, 2)
    assert (described.planes, described.dtype, described.pixel_size) == (3, "uint16", None)
    for wrong in (99, 0, True, "4"):
        with pytest.raises(SelectionError):
            mixed.describe(wrong)


# -- a hundred thousand ----------------------------------------------------------------------------


def test_fields_of_a_hundred_thousand_images(tmp_path):
    """Each within a second, and again at once."""
    count = 100_000
    with Dataset(tmp_path / "cells") as dataset:
        dataset.add_images(np.zeros((1, 8, 8), np.uint8))
    connection = sqlite3.connect(tmp_path / "cells" / "project.db")
    with connection:
        connection.executemany(
            "INSERT INTO image (name, height, width, channels, planes, dtype, metadata)"
            " VALUES (?, 8, 8, 1, 1, 'uint8', ?)",
            ((f"image {n}", json.dumps({"well": f"A{n % 96}", "dose": n / 2})) for n in range(count - 1)),
        )
    connection.close()
    with Dataset(tmp_path / "cells") as dataset:
        dataset.columns()
        for field in dataset.fields:
            if field.name == "brightness":
                continue
            began = time.process_time()
            dataset.field_values(field.name)
            assert time.process_time() - began < 1.0
            began = time.process_time()
            found = dataset.field_values(field.name)
            assert time.process_time() - began < 0.25
            assert len(found.values) == count
        assert dataset.field_values("dose").values[1:4].tolist() == [0.0, 0.5, 1.0]
