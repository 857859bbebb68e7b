"""Crops are exact pieces of an image, drawn once; resizing keeps proportions where it shall."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from piximi_widgets.engine.preprocessing import Framing, cut, random_places, resize, resize_within

RANDOM = np.random.default_rng(1)


def counted(height: int, width: int) -> np.ndarray:
    """(height, width, 2), every value another one and none of them 0."""
    return np.arange(1, 2 * height * width + 1, dtype=np.uint16).reshape(height, width, 2)


def test_a_crop_of_a_larger_image_is_its_middle():
    """Of 9 rows 4 are taken: 2 stay above and 3 below; of 6 columns 3: 1 at the left and 2 at the right."""
    image = counted(9, 6)
    np.testing.assert_array_equal(cut(image, 4, 3), image[2:6, 1:4].astype(np.float32))


def test_a_smaller_image_gets_a_border_of_zeros():
    """Three rows and two columns are missing: one row above, two below, one column at each side."""
    image = counted(4, 3)
    expected = np.zeros((7, 5, 2), np.float32)
    expected[1:5, 1:4] = image
    np.testing.assert_array_equal(cut(image, 7, 5), expected)


def test_one_side_is_cut_while_the_other_gets_a_border():
    image = counted(8, 3)
    expected = np.zeros((5, 6, 2), np.float32)
    expected[:, 1:4] = image[1:6]
    np.testing.assert_array_equal(cut(image, 5, 6), expected)


@pytest.mark.parametrize("place", [(0.0, 0.0), (0.999999, 0.999999), (1.0, 1.0), (0.5, 0.1)])
def test_a_crop_elsewhere_is_still_an_exact_piece(place):
    image = counted(9, 7)
    piece = cut(image, 4, 3, place)
    down, right = divmod(int(piece[0, 0, 0] - 1) // 2, 7)
    np.testing.assert_array_equal(piece, image[down : down + 4, right : right + 3].astype(np.float32))
    expected = {0.0: (0, 0), 0.999999: (5, 4), 1.0: (5, 4), 0.5: (3, 0)}[place[0]]
    assert (down, right) == expected


def test_random_places_reach_every_possible_one_about_equally_often():
    """Of 6 rows 4 are taken, so that there are 3 places; 3000 draws give each 1000, within five deviations."""
    image = counted(6, 4)
    tops = [int(cut(image, 4, 4, random_places(7, id, 1)[0])[0, 0, 0] - 1) // 8 for id in range(3000)]
    counts = np.bincount(tops, minlength=3)
    assert len(counts) == 3
    assert abs(counts - 1000).max() < 5 * np.sqrt(3000 / 3 * 2 / 3)


def test_places_depend_on_the_seed_and_the_image_and_on_nothing_else():
    assert random_places(3, 12, 4) == random_places(3, 12, 4)
    assert random_places(3, 12, 2) == random_places(3, 12, 4)[:2]
    assert random_places(3, 12, 4) != random_places(4, 12, 4)
    assert random_places(3, 12, 4) != random_places(3, 13, 4)


def test_framing_cuts_at_each_place_and_in_the_middle():
    image = RANDOM.integers(0, 4000, (3, 30, 25, 2)).astype(np.uint16)
    framing = Framing((10, 12, 1), plane="max", channels=(1,), crop="match")
    places = random_places(0, 5, 3)
    taken = framing.take(image, 5, [*places, None])
    assert taken.shape == (4, 10, 12, 1)
    brightest = image.max(axis=0)[..., 1:]
    for piece, place in zip(taken, [*places, None], strict=True):
        np.testing.assert_array_equal(piece, cut(brightest, 10, 12, place))
    np.testing.assert_array_equal(taken[3], brightest[10:20, 6:18].astype(np.float32))


@pytest.mark.parametrize(("method", "filter"), [("bilinear", 2), ("bicubic", 3), ("nearest", 0)])
def test_each_method_is_pillows_own_on_floating_point(method, filter):
    image = RANDOM.integers(0, 60_000, (31, 22, 2)).astype(np.uint16)
    small = resize(image, 12, 17, method)
    for channel in range(2):
        plane = Image.fromarray(image[..., channel].astype(np.float32))
        np.testing.assert_array_equal(small[..., channel], np.asarray(plane.resize((17, 12), filter)))


def test_nearest_takes_values_that_are_there():
    image = RANDOM.integers(0, 60_000, (31, 22, 1)).astype(np.uint16)
    assert set(resize(image, 9, 9, "nearest").ravel()) <= set(image.ravel().astype(np.float32))


def test_bicubic_averages_where_it_shrinks():
    board = np.indices((64, 64)).sum(axis=0)[:, :, None] % 2 * 200
    assert abs(resize(board, 16, 16, "bicubic")[4:-4, 4:-4] - 100).max() < 10


def test_proportions_are_kept_and_the_edge_repeated():
    """10 rows and 20 columns fit into 8 by 8 as 4 by 8: two rows of the top edge above, two of the bottom below."""
    image = RANDOM.integers(0, 255, (10, 20, 3)).astype(np.uint8)
    whole = resize_within(image, 8, 8)
    inner = resize(image, 4, 8)
    np.testing.assert_array_equal(whole[2:6], inner)
    np.testing.assert_array_equal(whole[:2], np.stack([inner[0]] * 2))
    np.testing.assert_array_equal(whole[6:], np.stack([inner[-1]] * 2))


def test_an_odd_rest_goes_to_the_bottom_and_a_small_image_grows():
    image = RANDOM.integers(0, 255, (4, 2, 1)).astype(np.uint8)
    whole = resize_within(image, 8, 9)
    inner = resize(image, 8, 4)
    np.testing.assert_array_equal(whole[:, 2:6], inner)
    np.testing.assert_array_equal(whole[:, :2], np.repeat(inner[:, :1], 2, axis=1))
    np.testing.assert_array_equal(whole[:, 6:], np.repeat(inner[:, -1:], 3, axis=1))


def test_a_line_of_pixels_keeps_at_least_one_row():
    assert resize_within(np.full((1, 500, 1), 9, np.uint8), 20, 20).tolist() == [[[9]] * 20] * 20
