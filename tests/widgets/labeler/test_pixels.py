"""Values in types that a page has arrays of, and means of blocks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from piximi_widgets.errors import PiximiError
from piximi_widgets.widgets.labeler.pixels import clamped, cut, wire_dtype

PAGE = {"uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"}


@pytest.mark.parametrize("dtype", sorted(PAGE))
def test_what_a_page_knows_is_sent_as_it_is(dtype: str) -> None:
    image = np.array([[[1], [2]], [[3], [100]]]).astype(np.dtype(dtype).newbyteorder(">"))
    (part,) = cut(image, [0], (0, 0, 2, 2), 1)
    assert part.dtype == np.dtype(dtype).newbyteorder("<")
    np.testing.assert_array_equal(part, [[1, 2], [3, 100]])


@pytest.mark.parametrize(
    ("value", "dtype", "sent", "expected"),
    [
        (2**40 + 1, "int64", "float64", 2**40 + 1),
        (2**50, "uint64", "float64", 2**50),
        (0.5, "float16", "float32", 0.5),
        (True, "bool", "uint8", 1),
        (3 + 4j, "complex64", "float32", 5),
        (3 - 4j, "complex128", "float64", 5),
        (1.25, "longdouble", "float64", 1.25),
    ],
)
def test_what_a_page_does_not_know_is_sent_as_the_next_best(
    value: complex, dtype: str, sent: str, expected: float
) -> None:
    (part,) = cut(np.full((1, 1, 1), value, dtype), [0], (0, 0, 1, 1), 1)
    assert part.dtype.name == sent
    assert part.item() == expected


@given(
    st.sampled_from(["uint8", "int16", "uint32", "int64", "float32", "bool"]),
    st.integers(2, 9),
    st.integers(1, 12),
    st.integers(1, 12),
)
def test_each_value_is_the_mean_of_the_pixels_that_are_there(
    dtype: str, step: int, height: int, width: int
) -> None:
    image = np.random.default_rng(height * 13 + width).integers(0, 100, (height, width, 1)).astype(dtype)
    (part,) = cut(image, [0], (0, 0, height, width), step)
    assert part.dtype == wire_dtype(image.dtype)
    stride = min(step, max(height, width))
    for row, top in enumerate(range(0, height, stride)):
        for column, left in enumerate(range(0, width, stride)):
            mean = image[top : top + stride, left : left + stride, 0].astype(np.float64).mean()
            expected = np.rint(mean) if part.dtype.kind in "ui" else mean
            assert part[row, column] == pytest.approx(expected, rel=1e-6)


def test_values_that_are_no_numbers_stay_where_they_are() -> None:
    image = np.ones((4, 4, 1), np.float32)
    image[0, 0], image[0, 1], image[3, 3] = np.inf, -np.inf, np.nan
    (part,) = cut(image, [0], (0, 0, 4, 4), 2)
    np.testing.assert_array_equal(np.isfinite(part), [[False, True], [True, False]])


def test_large_whole_numbers_keep_their_mean() -> None:
    image = np.full((64, 64, 1), 2**32 - 1, np.uint32)
    assert cut(image, [0], (0, 0, 64, 64), 64)[0].item() == 2**32 - 1


def test_a_region_that_starts_outside_has_no_pixels() -> None:
    assert clamped((1, 2, 10, 10), 4, 5) == (1, 2, 3, 3)
    with pytest.raises(PiximiError, match="outside"):
        clamped((4, 0, 1, 1), 4, 5)


def test_more_than_64_megabytes_are_refused() -> None:
    image = np.broadcast_to(np.float64(1), (4000, 3000, 1))
    with pytest.raises(PiximiError, match="92 MB"):
        cut(image, [0], (0, 0, 4000, 3000), 1)
    assert cut(image, [0], (0, 0, 4000, 3000), 1000)[0].shape == (4, 3)
