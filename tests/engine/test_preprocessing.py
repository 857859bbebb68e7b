"""Pixels keep their depth, statistics come from the training images, and bad pixels are named."""

from __future__ import annotations

import numpy as np
import pytest

from piximi_widgets.engine.config import TrainingConfig
from piximi_widgets.engine.preprocessing import (
    Preprocessing,
    fit_preprocessing,
    resize,
    resolve_input_shape,
    stack,
)
from piximi_widgets.errors import ImageReadError

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_an_image_of_the_right_size_is_only_normalized(dtype: str, channels: int):
    images = [RANDOM.integers(0, 100, (1, 20, 24, channels)).astype(dtype) for _ in range(7)]
    images = [image * 300 if dtype == "uint16" else image for image in images]
    raw = np.concatenate(images).astype(np.float64)
    preprocessing = fit_preprocessing(stack(images, (20, 24, channels)), "training-statistics")
    np.testing.assert_allclose(preprocessing.mean, raw.mean(axis=(0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(preprocessing.scale, raw.std(axis=(0, 1, 2)), rtol=1e-6)
    expected = (raw - raw.mean(axis=(0, 1, 2))) / raw.std(axis=(0, 1, 2))
    np.testing.assert_allclose(preprocessing.prepare(images), expected, atol=1e-4)


def test_sixteen_bits_keep_their_depth():
    """Twelve-bit data in a 16-bit file, two grey values apart, stay apart after resizing."""
    image = np.full((30, 30, 1), 4000, np.uint16)
    image[:, 15:] = 4002
    small = resize(image, 20, 20)
    assert small.dtype == np.float32
    assert small[0, 0, 0] == 4000
    assert small[0, -1, 0] == 4002


def test_shrinking_averages_instead_of_picking():
    """A one-pixel chequerboard becomes grey, not a moiré."""
    board = np.indices((64, 64)).sum(axis=0)[:, :, None] % 2 * 200
    small = resize(board.astype(np.uint8), 16, 16)
    assert abs(small[4:-4, 4:-4] - 100).max() < 10


def test_channels_do_not_mix():
    image = np.zeros((40, 40, 3), np.uint8)
    image[:, :, 1] = 77
    small = resize(image, 21, 33)
    assert small.shape == (21, 33, 3)
    np.testing.assert_array_equal(small[:, :, 1], 77)
    np.testing.assert_array_equal(small[:, :, [0, 2]], 0)


@pytest.mark.parametrize("value", [0, 255, 60000.1, 1e-20])
def test_a_constant_channel_has_scale_one(value: float):
    pixels = np.full((5, 20, 20, 1), value, np.float32)
    preprocessing = fit_preprocessing(pixels, "training-statistics")
    assert preprocessing.scale == (1.0,)
    np.testing.assert_allclose(preprocessing.normalize(pixels), 0, atol=1e-3 * max(value, 1))


def test_no_normalization_passes_pixels_as_they_are():
    image = RANDOM.integers(0, 255, (1, 20, 20, 1)).astype(np.uint8)
    preprocessing = fit_preprocessing(stack([image], (20, 20, 1)), "none")
    np.testing.assert_array_equal(preprocessing.prepare([image])[0], image[0])


def test_the_first_plane_is_taken():
    image = np.stack([np.full((20, 20, 1), plane) for plane in (7, 8, 9)])
    np.testing.assert_array_equal(stack([image], (20, 20, 1)), 7)


def test_an_image_does_not_depend_on_its_neighbours():
    images = [RANDOM.integers(0, 255, (1, 37, 29, 2)).astype(np.uint8) for _ in range(4)]
    together = stack(images, (24, 24, 2))
    np.testing.assert_array_equal(together[2], stack(images[2:3], (24, 24, 2))[0])


def test_pixels_that_are_no_numbers_are_named():
    good, bad = np.zeros((1, 20, 20, 1)), np.full((1, 20, 20, 1), np.nan)
    with pytest.raises(ImageReadError, match="Image 17"):
        stack([good, bad], (20, 20, 1), names=[16, 17])


def test_another_number_of_channels_is_named():
    with pytest.raises(ImageReadError, match="1 channel"):
        stack([np.zeros((1, 20, 20, 3))], (20, 20, 1))


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        ([(28, 28, 1)] * 3, (28, 28, 1)),
        ([(10, 12, 3)], (20, 20, 3)),
        ([(512, 256, 2)], (128, 64, 2)),
        ([(1000, 20, 1)], (128, 20, 1)),
        ([(30, 40, 1), (31, 40, 1), (300, 40, 1)], (31, 40, 1)),
    ],
)
def test_auto_takes_the_median_within_bounds(shapes, expected):
    assert resolve_input_shape(TrainingConfig(), np.array(shapes)) == expected


def test_a_given_shape_is_kept():
    config = TrainingConfig(input_shape=(200, 17, 2))
    assert resolve_input_shape(config, np.array([(28, 28, 2)])) == (200, 17, 2)


def test_json_brings_back_the_same_preprocessing():
    pixels = RANDOM.normal(1000, 3, (4, 20, 20, 2)).astype(np.float32)
    preprocessing = fit_preprocessing(pixels, "training-statistics")
    assert Preprocessing.from_json(preprocessing.to_json()) == preprocessing


def test_damaged_json_is_refused():
    value = Preprocessing((20, 20, 1), (0.0,), (1.0,)).to_json()
    with pytest.raises(ValueError, match="number of channels"):
        Preprocessing.from_json(value | {"mean": [0.0, 1.0]})
