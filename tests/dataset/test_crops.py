"""Where crops lie: windows, tables of objects and label masks, worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from piximi_widgets.dataset.crops.windows import crop_size, crops_of_mask, crops_of_table, window
from piximi_widgets.dataset.sql.crops import Parent
from piximi_widgets.errors import SelectionError

IMAGE = Parent(7, "a.tif", height=100, width=200, metadata={"well": "A01"})


def regions(crops):
    """The crops' regions."""
    return [crop.region for crop in crops]


@pytest.mark.parametrize(
    ("y", "x", "size", "expected"),
    [
        (50, 60, (5, 5), (48, 58, 5, 5)),
        (50, 60, (4, 4), (49, 59, 4, 4)),
        (50.5, 60.5, (4, 4), (49, 59, 4, 4)),
        (50.4, 60.6, (5, 5), (48, 59, 5, 5)),
        (50.5, 60.49, (1, 1), (51, 60, 1, 1)),
        (50, 60, (10, 20), (46, 51, 10, 20)),
        (0, 0, (5, 5), (0, 0, 5, 5)),
        (99, 199, (5, 5), (95, 195, 5, 5)),
        (1, 198.4, (8, 6), (0, 194, 8, 6)),
        (99, 199, (100, 200), (0, 0, 100, 200)),
        # Higher than the image: centred, and beyond its edges; not wider: moved inside.
        (0, 3, (102, 10), (-50, 0, 102, 10)),
        (50, 100, (102, 202), (0, 0, 102, 202)),
        (49.5, 99.5, (102, 202), (-1, -1, 102, 202)),
    ],
)
def test_windows(y, x, size, expected):
    """The nearest window; of two equally near the lower and right one; inside where that is possible."""
    assert window(y, x, size, 100, 200) == expected


@given(st.floats(-0.5, 99.4), st.floats(-0.5, 199.4), st.integers(1, 260), st.integers(1, 260))
def test_every_window_has_its_size_and_its_centre(y, x, height, width):
    """A window is inside where it fits, has the centre's pixel in it, and lies as near as it can."""
    top, left, *size = window(y, x, (height, width), 100, 200)
    assert size == [height, width]
    for centre, start, side, limit in ((y, top, height, 100), (x, left, width, 200)):
        assert start - 0.5 <= centre <= start + side - 0.5
        if side <= limit:
            assert 0 <= start <= limit - side
            best = min(abs(first + (side - 1) / 2 - centre) for first in range(limit - side + 1))
        else:
            best = min(abs(first + (side - 1) / 2 - centre) for first in range(-side, limit + 1))
        assert abs(start + (side - 1) / 2 - centre) == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ("x", "y"),
        ("X", "Y"),
        ("Location_Center_X", "Location_Center_Y"),
        ("Nuclei_Location_Center_X", "Nuclei_Location_Center_Y"),
        ("AreaShape_Center_X", "AreaShape_Center_Y"),
        ("centroid-1", "centroid-0"),
        ("axis-1", "axis-0"),
        ("center_x", "center_y"),
        ("centroid_x", "centroid_y"),
    ],
)
def test_centroids(x, y):
    """CellProfiler's, scikit-image's (row first), napari's and plain columns mean the same."""
    table = pd.DataFrame({"extra": [0, 0], x: [60, 10.2], y: [50, 20]})
    crops, failed = crops_of_table(table, [IMAGE, IMAGE], (5, 7))
    assert failed == {}
    assert regions(crops) == [(48, 57, 5, 7), (18, 7, 5, 7)]
    assert [crop.name for crop in crops] == ["a.tif #1", "a.tif #2"]
    assert [crop.metadata for crop in crops] == [{"well": "A01", "object": n} for n in (1, 2)]
    assert [crop.parent_id for crop in crops] == [7, 7]


@pytest.mark.parametrize(
    "columns",
    [
        ("x_min", "y_min", "x_max", "y_max"),
        ("xmin", "ymin", "xmax", "ymax"),
        ("left", "top", "right", "bottom"),
        ("bbox-1", "bbox-0", "bbox-3", "bbox-2"),
        tuple(f"AreaShape_BoundingBox{end}_{axis}" for end in ("Minimum", "Maximum") for axis in "XY"),
        tuple(f"Cells_AreaShape_BoundingBox{end}_{axis}" for end in ("Minimum", "Maximum") for axis in "XY"),
    ],
)
def test_boxes(columns):
    """Half-open boxes become regions as they are; with a size, windows around their centres."""
    table = pd.DataFrame([[10, 20, 14, 30], [199, 0, 200, 1]], columns=list(columns))
    crops, failed = crops_of_table(table, [IMAGE, IMAGE])
    assert (regions(crops), failed) == ([(20, 10, 10, 4), (0, 199, 1, 1)], {})
    # Columns 10 to 13 have their centre at 11.5, rows 20 to 29 at 24.5.
    crops, _ = crops_of_table(table, [IMAGE, IMAGE], (4, 4))
    assert regions(crops) == [(23, 10, 4, 4), (0, 196, 4, 4)]


def test_boxes_by_width_and_height():
    """left, top, width and height; while x and y with width and height may be a corner or a centre."""
    table = pd.DataFrame({"left": [10], "top": [20], "width": [4], "height": [10]})
    assert regions(crops_of_table(table, [IMAGE])[0]) == [(20, 10, 10, 4)]
    with pytest.raises(SelectionError, match="corner or a centre"):
        crops_of_table(table.rename(columns={"left": "x", "top": "y"}), [IMAGE], (5, 5))


def test_a_box_that_reaches_over_the_edge_is_cut_off():
    """A detector's box a little outside gives the pixels that there are; one far outside or empty fails."""
    table = pd.DataFrame(
        {
            "x_min": [-0.6, 195.2, 300, 5],
            "y_min": [-3, 90.5, 5, 5],
            "x_max": [4, 201, 310, 5],
            "y_max": [2.2, 104, 9, 9],
        }
    )
    crops, failed = crops_of_table(table, [IMAGE] * 4)
    assert regions(crops) == [(0, 0, 3, 4), (90, 195, 10, 5)]
    assert list(failed) == ["row 3 (a.tif #3)", "row 4 (a.tif #4)"]
    assert "outside" in failed["row 3 (a.tif #3)"]
    assert "empty" in failed["row 4 (a.tif #4)"]


def test_both_centroids_and_boxes():
    """With a size the centroid counts, without one the box."""
    table = pd.DataFrame(
        {
            "centroid-0": [22.0],
            "centroid-1": [11.0],
            "bbox-0": [20],
            "bbox-1": [10],
            "bbox-2": [30],
            "bbox-3": [14],
        }
    )
    assert regions(crops_of_table(table, [IMAGE], (3, 3))[0]) == [(21, 10, 3, 3)]
    assert regions(crops_of_table(table, [IMAGE])[0]) == [(20, 10, 10, 4)]


def test_bad_rows_are_reported_and_stop_nothing():
    """A missing or infinite coordinate, text, a centre outside, and a row without an image."""
    table = pd.DataFrame(
        {
            "ObjectNumber": range(11, 18),
            "x": [5, np.nan, np.inf, "left", 200, -0.6, 199.4],
            "y": [5, 5, 5, 5, 5, 5, 99.4],
        }
    )
    crops, failed = crops_of_table(table, ["no such image", *[IMAGE] * 6], (3, 3))
    assert regions(crops) == [(97, 197, 3, 3)]
    assert crops[0].row == 6
    assert failed["row 1"] == "no such image"
    assert [key for key in failed if "no number" in failed[key]] == [
        f"row {n} (a.tif #{n + 10})" for n in (2, 3, 4)
    ]
    assert [key for key in failed if "outside of the image of 100 x 200" in failed[key]] == [
        f"row {n} (a.tif #{n + 10})" for n in (5, 6)
    ]


def test_two_objects_with_one_window_are_told():
    """Near a corner two cells would get the same picture; the second one is reported."""
    table = pd.DataFrame({"label": [4, 8, 9], "x": [0, 1, 100], "y": [0, 1, 50]})
    crops, failed = crops_of_table(table, [IMAGE] * 3, (9, 9))
    assert [crop.name for crop in crops] == ["a.tif #4", "a.tif #9"]
    assert failed == {"row 2 (a.tif #8)": "its window is the same as that of object 4"}


@pytest.mark.parametrize(
    "column", ["ObjectNumber", "Nuclei_Number_Object_Number", "label", "object", "Label"]
)
def test_object_numbers(column):
    """The table's own numbers, whole even where a gap made them floats elsewhere."""
    table = pd.DataFrame({column: [3.0, 8.0], "x": [5, 50], "y": [5, 50]})
    crops, _ = crops_of_table(table, [IMAGE] * 2, (3, 3))
    assert [crop.metadata["object"] for crop in crops] == [3, 8]
    assert all(type(crop.metadata["object"]) is int for crop in crops)


def test_rows_are_numbered_within_each_image_otherwise():
    """Texts in a column called label are labels and no numbers; a column of labels can be set aside."""
    other = Parent(8, "b.tif", 100, 200)
    table = pd.DataFrame({"label": ["x", "y", "z"], "x": [5, 50, 5], "y": [5, 50, 5]})
    names = ["a.tif #1", "a.tif #2", "b.tif #1"]
    crops, _ = crops_of_table(table, [IMAGE, IMAGE, other], (3, 3))
    assert [crop.name for crop in crops] == names
    crops, _ = crops_of_table(table.assign(label=[5, 5, 5]), [IMAGE, IMAGE, other], (3, 3), ignored="label")
    assert [crop.name for crop in crops] == names


def test_columns_of_metadata():
    """Chosen columns become metadata, as JSON can hold them; unknown and hiding ones are refused."""
    table = pd.DataFrame({"x": [5], "y": [5], "Area": [np.int64(31)], "Mean": [np.nan], "category": ["a"]})
    (crop,), _ = crops_of_table(table, [IMAGE], (3, 3), columns=["Area", "Mean"])
    assert crop.metadata == {"well": "A01", "object": 1, "Area": 31, "Mean": None}
    for wrong in ("Aera", "category"):
        with pytest.raises(SelectionError, match=wrong):
            crops_of_table(table, [IMAGE], (3, 3), columns=[wrong])


def test_coordinates_that_are_missing_or_ambiguous():
    """Each error says what the table has and what to do."""
    with pytest.raises(SelectionError, match="size=64"):
        crops_of_table(pd.DataFrame({"x": [1], "y": [1]}), [IMAGE])
    with pytest.raises(SelectionError, match="needs centroids.*Area, Mean"):
        crops_of_table(pd.DataFrame({"Area": [1], "Mean": [1]}), [IMAGE], (3, 3))
    both = {f"{kind}_Location_Center_{axis}": [1] for kind in ("Nuclei", "Cells") for axis in "XY"}
    with pytest.raises(SelectionError, match="Nuclei_Location_Center_X, Cells_Location_Center_X"):
        crops_of_table(pd.DataFrame(both), [IMAGE], (3, 3))
    with pytest.raises(SelectionError, match="three axes"):
        crops_of_table(pd.DataFrame({f"centroid-{n}": [1] for n in range(3)}), [IMAGE], (3, 3))
    with pytest.raises(SelectionError, match="three axes"):
        crops_of_table(pd.DataFrame({f"bbox-{n}": [1] for n in range(6)}), [IMAGE])


@pytest.mark.parametrize("size", [0, -3, 2.5, "64", (3,), (3, 3, 3), (0, 5), True, 20_000, (5, None)])
def test_sizes_that_are_none(size):
    """A size is one whole number or two, and no cell is larger than 16384 pixels."""
    with pytest.raises(SelectionError, match="size is"):
        crop_size(size)


def test_sizes():
    """One number for both sides, or height and width."""
    assert crop_size(None) is None
    assert crop_size(np.int64(5)) == (5, 5)
    assert crop_size([4, 6]) == (4, 6)


def test_a_mask_worked_by_hand():
    """Bounding boxes, and windows around centroids."""
    mask = np.zeros((6, 8), np.uint16)
    mask[1:3, 2:5] = 9
    mask[4, 7] = 2
    mask[5, 0] = 2
    parent = Parent(3, "m", 6, 8)
    crops, failed = crops_of_mask(mask, parent)
    assert [(crop.name, crop.region) for crop in crops] == [("m #2", (4, 0, 2, 8)), ("m #9", (1, 2, 2, 3))]
    assert failed == {}
    # Object 2 has its centroid at row 4.5, column 3.5; object 9 at row 1.5, column 3.
    crops, _ = crops_of_mask(mask[None, :, :, None], parent, (3, 3))
    assert regions(crops) == [(3, 3, 3, 3), (1, 2, 3, 3)]
    assert crops_of_mask(np.zeros((6, 8), int), parent) == ([], {})


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint32, np.int64, np.float32])
def test_masks_against_brute_force(dtype):
    """Random masks with scattered objects: boxes as SciPy finds them, centroids as a plain loop does."""
    ndimage = pytest.importorskip("scipy.ndimage")
    random = np.random.default_rng(5)
    parent = Parent(3, "m", 30, 40)
    for _ in range(20):
        mask = (random.integers(0, 12, (30, 40)) * (random.random((30, 40)) < 0.02)).astype(dtype)
        crops, _ = crops_of_mask(mask, parent)
        windows, _ = crops_of_mask(mask, parent, (41, 41))
        slices = ndimage.find_objects(mask.astype(int))
        numbers = [number for number in range(1, 12) if (mask == number).any()]
        assert [crop.metadata["object"] for crop in crops] == numbers
        for number, crop in zip(numbers, crops, strict=True):
            rows, columns = slices[number - 1]
            assert crop.region == (
                rows.start,
                columns.start,
                rows.stop - rows.start,
                columns.stop - columns.start,
            )
        for crop in windows:
            points = [(y, x) for y in range(30) for x in range(40) if mask[y, x] == crop.metadata["object"]]
            y, x = np.mean(points, axis=0)
            assert abs(crop.region[0] + 20 - y) <= 0.5 + 1e-9
            assert abs(crop.region[1] + 20 - x) <= 0.5 + 1e-9


def test_huge_object_numbers_cost_nothing():
    """Numbers are no positions: 4 billion objects are not allocated for two."""
    mask = np.zeros((6, 8), np.uint32)
    mask[0, 0], mask[5, 7] = 4_000_000_000, 17
    crops, _ = crops_of_mask(mask, Parent(3, "m", 6, 8))
    assert [crop.metadata["object"] for crop in crops] == [17, 4_000_000_000]


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.zeros((8, 6), int), r"shape \(8, 6\); it must be \(6, 8\)"),
        (np.zeros((2, 6, 8), int), "shape"),
        (np.zeros((6, 8), bool), "scipy.ndimage.label"),
        (np.full((6, 8), -1), "negative"),
        (np.full((6, 8), 0.5), "whole numbers"),
        (np.full((6, 8), np.nan), "whole numbers"),
        (np.full((6, 8), "a"), "whole numbers"),
    ],
)
def test_what_is_no_mask(mask, message):
    """The wrong shape, a foreground mask, and numbers that are none."""
    with pytest.raises(SelectionError, match=message):
        crops_of_mask(mask, Parent(3, "m", 6, 8))


def test_a_column_of_classes_numbers_no_objects():
    """A column "label" with the same number twice in an image tells classes, not objects."""
    table = pd.DataFrame({"x": [5, 9, 13], "y": [5, 9, 13], "label": [0, 1, 0]})
    crops, _ = crops_of_table(table, [IMAGE] * 3, (4, 4))
    assert [crop.metadata["object"] for crop in crops] == [1, 2, 3]
    crops, _ = crops_of_table(table.assign(label=[7, 8, 9]), [IMAGE] * 3, (4, 4))
    assert [crop.metadata["object"] for crop in crops] == [7, 8, 9]
