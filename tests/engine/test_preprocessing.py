"""Pixels keep their depth, statistics come from the training images, and bad pixels are named."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from piximi_widgets.engine.config import TrainingConfig
from piximi_widgets.engine.preprocessing import (
    Framing,
    Preprocessing,
    chosen_channels,
    fit_preprocessing,
    preprocessing_of,
    resize,
    resolve_input_shape,
    stack,
)
from piximi_widgets.engine.preprocessing.statistics import low_and_high
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


def two_stacks() -> list[np.ndarray]:
    """Two images of three planes and four channels, (3, 20, 24, 4)."""
    return [RANDOM.integers(0, 60_000, (3, 20, 24, 4)).astype(np.uint16) for _ in range(2)]


@pytest.mark.parametrize("channels", [None, (2,), (3, 0), (0, 1, 2, 3)])
@pytest.mark.parametrize("plane", [0, 2, 9, "middle", "max"])
def test_channels_and_planes_are_those_that_were_chosen(channels, plane):
    """At the images' own size the values are the raw ones, value by value."""
    images = two_stacks()
    order = channels or (0, 1, 2, 3)
    prepared = stack(images, (20, 24, len(order)), plane=plane, channels=channels)
    for image, result in zip(images, prepared, strict=True):
        for position, channel in enumerate(order):
            planes = [image[z, :, :, channel] for z in range(3)]
            expected = {0: planes[0], 2: planes[2], 9: planes[2], "middle": planes[1]}.get(plane)
            if plane == "max":
                expected = np.maximum(np.maximum(planes[0], planes[1]), planes[2])
            np.testing.assert_array_equal(result[:, :, position], expected.astype(np.float32))


def test_the_defaults_take_all_channels_of_the_first_plane_bit_for_bit():
    """What the settings' first version did: the first plane, resized, with all its channels."""
    images = two_stacks()
    default = TrainingConfig()
    chosen = stack(images, (16, 17, 4), plane=default.plane, channels=chosen_channels(default))
    expected = np.stack([resize(image[0], 16, 17) for image in images])
    assert chosen.tobytes() == expected.tobytes()


def test_the_choice_is_recorded_and_used_for_new_images():
    """What was fitted with two of four channels prepares other images by the same choice, with its own statistics."""
    images = two_stacks()
    pixels = stack(images, (20, 24, 2), plane="max", channels=(3, 1))
    preprocessing = fit_preprocessing(pixels, "training-statistics", plane="max", channels=(3, 1))
    again = Preprocessing.from_json(json.loads(json.dumps(preprocessing.to_json())))
    assert again == preprocessing
    raw = np.stack([image.max(axis=0) for image in images])[..., [3, 1]].astype(np.float64)
    expected = (raw - raw.mean(axis=(0, 1, 2))) / raw.std(axis=(0, 1, 2))
    np.testing.assert_allclose(again.prepare(images), expected, atol=1e-4)


def test_a_missing_channel_is_named():
    with pytest.raises(ImageReadError, match="Image 5.*channels 0, 2, counted from 0"):
        stack([np.zeros((1, 20, 20, 2))], (20, 20, 2), channels=(0, 2), names=[5])


def test_a_nan_in_any_plane_of_a_projection_is_named():
    """The greatest of a number and NaN would hide a damaged plane."""
    image = np.zeros((3, 20, 20, 1), np.float32)
    image[1, 4, 4] = np.nan
    assert stack([image], (20, 20, 1)).max() == 0
    with pytest.raises(ImageReadError, match="not finite"):
        stack([image], (20, 20, 1), plane="max")


@pytest.mark.parametrize(("channels", "expected"), [("all", 5), ((4,), 1), ((0, 3), 2)])
def test_auto_follows_the_chosen_channels(channels, expected):
    config = TrainingConfig(channels=channels)
    assert resolve_input_shape(config, np.array([(28, 30, 5)])) == (28, 30, expected)


def test_a_record_without_channels_is_one_of_all():
    """Classifiers of the first version have a plane, and no word about channels."""
    old = {"input_shape": [20, 20, 2], "mean": [1.0, 2.0], "scale": [3.0, 4.0], "plane": 0}
    preprocessing = Preprocessing.from_json(old)
    assert (preprocessing.plane, preprocessing.channels) == (0, None)
    del old["plane"]
    assert Preprocessing.from_json(old) == preprocessing


def test_the_input_is_told_in_words():
    assert Preprocessing((32, 20, 3), (0.0,) * 3, (1.0,) * 3).input_words == "32×20×3"
    chosen = Preprocessing((32, 20, 2), (0.0,) * 2, (1.0,) * 2, "max", (0, 3))
    assert chosen.input_words == "32×20×2 (channels 0, 3; plane max)"


@pytest.mark.parametrize(
    "damage", [{"channels": [0]}, {"channels": [0, "x"]}, {"plane": "top"}, {"channels": []}]
)
def test_a_damaged_choice_is_refused(damage):
    good = {
        "input_shape": [20, 20, 2],
        "mean": [1.0, 2.0],
        "scale": [3.0, 4.0],
        "plane": 0,
        "channels": [1, 0],
    }
    assert Preprocessing.from_json(good).channels == (1, 0)
    with pytest.raises(ValueError, match="channel|Channel|Plane"):
        Preprocessing.from_json(good | damage)


def test_json_brings_back_the_same_preprocessing():
    pixels = RANDOM.normal(1000, 3, (4, 20, 20, 2)).astype(np.float32)
    preprocessing = fit_preprocessing(pixels, "training-statistics")
    assert Preprocessing.from_json(preprocessing.to_json()) == preprocessing


def test_damaged_json_is_refused():
    value = Preprocessing((20, 20, 1), (0.0,), (1.0,)).to_json()
    with pytest.raises(ValueError, match="number of channels"):
        Preprocessing.from_json(value | {"mean": [0.0, 1.0]})


@pytest.mark.parametrize(
    ("dtype", "value", "expected"),
    [
        ("uint8", 51, 0.2),
        ("uint16", 4095, 4095 / 65535),
        ("uint32", 2**31, 0.5),
        ("int16", -32767, -1.0),
        ("int8", 127, 1.0),
        ("bool", True, 1.0),
        ("float32", 0.25, 0.25),
        ("float64", 700.0, 700.0),
    ],
)
def test_bit_depth_divides_by_the_largest_value_of_each_images_own_type(dtype, value, expected):
    image = np.full((1, 24, 24, 1), value, dtype)
    other = np.full((1, 24, 24, 1), 255, np.uint8)
    preprocessing = Preprocessing((20, 20, 1), (0.0,), (1.0,), normalization="bit-depth")
    prepared = preprocessing.prepare([image, other])
    np.testing.assert_allclose(prepared[0], expected, rtol=1e-6)
    np.testing.assert_array_equal(prepared[1], 1)


def test_percentiles_of_the_training_images_become_zero_and_one():
    """NumPy's percentiles of all pixels of a channel; nothing is clipped."""
    pixels = RANDOM.gamma(2.0, 900.0, (9, 20, 22, 2)).astype(np.float32)
    preprocessing = fit_preprocessing(pixels, "percentile")
    low, high = np.percentile(pixels.reshape(-1, 2).astype(np.float64), (1, 99), axis=0)
    expected = (pixels - low) / (high - low)
    prepared = preprocessing.normalize(pixels.copy())
    np.testing.assert_allclose(prepared, expected, atol=1e-5)
    assert prepared.max() > 1
    assert prepared.min() < 0


def test_percentiles_of_many_pixels_are_near_those_of_all():
    pixels = RANDOM.normal(500, 40, (60, 200, 200, 1)).astype(np.float32)
    low, high = low_and_high(pixels)
    expected = np.percentile(pixels, (1, 99))
    np.testing.assert_allclose([low[0], high[0]], expected, atol=1.0)


@pytest.mark.parametrize("input_range", [None, (-1.0, 1.0)])
def test_percentiles_of_a_constant_channel_have_scale_one(input_range):
    pixels = np.full((5, 20, 20, 1), 60000.1, np.float32)
    preprocessing = fit_preprocessing(pixels, "percentile", input_range=input_range)
    assert preprocessing.scale == (1.0,)
    np.testing.assert_allclose(preprocessing.normalize(pixels), 0, atol=0.1)


def test_a_channel_that_is_nearly_all_background_keeps_its_objects_in_range():
    """With fewer than one bright pixel in a hundred both percentiles are the background."""
    pixels = np.full((4, 20, 20, 1), 100, np.float32)
    pixels[0, 3, 3] = 5100
    preprocessing = fit_preprocessing(pixels, "percentile")
    assert (preprocessing.mean, preprocessing.scale) == ((100.0,), (5000.0,))


def test_mobilenet_gets_the_range_of_its_photographs():
    """-1 and 1 are the 1st and 99th percentile of the training images, or 0 and the largest value of the data type."""
    photographs = RANDOM.integers(0, 256, (6, 32, 32, 3)).astype(np.float32)
    low, high = np.percentile(photographs.reshape(-1, 3).astype(np.float64), (1, 99), axis=0)
    for normalization in ("training-statistics", "percentile"):
        config = TrainingConfig(architecture="mobilenet", normalization=normalization)
        prepared = preprocessing_of(config, photographs).normalize(photographs.copy())
        expected = 2 * (photographs - low) / (high - low) - 1
        np.testing.assert_allclose(prepared, expected, atol=1e-5)
    config = TrainingConfig(architecture="mobilenet", normalization="bit-depth")
    preprocessing = preprocessing_of(config, photographs / 255)
    image = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    small = dataclasses.replace(preprocessing, input_shape=(16, 16, 3)).prepare([image])
    np.testing.assert_allclose(small[0, ..., 1].ravel(), np.arange(256) / 127.5 - 1, atol=1e-6)
    config = TrainingConfig(architecture="mobilenet", normalization="none")
    assert preprocessing_of(config, photographs).scale == (1.0, 1.0, 1.0)


def test_everything_that_a_training_chose_comes_back_from_json():
    config = TrainingConfig(
        crop="none", resize="nearest", aspect="keep", normalization="bit-depth", plane="middle", channels=(1,)
    )
    preprocessing = preprocessing_of(config, np.ones((2, 20, 24, 1), np.float32))
    again = Preprocessing.from_json(json.loads(json.dumps(preprocessing.to_json())))
    assert again == preprocessing
    assert again.framing == Framing((20, 24, 1), "middle", (1,), "none", "nearest", "keep", bit_depth=True)


def test_a_record_of_before_there_were_crops_is_as_it_was():
    old = {"input_shape": [20, 20, 1], "mean": [1.0], "scale": [3.0], "plane": 0, "channels": None}
    framing = Preprocessing.from_json(old).framing
    assert framing == Framing((20, 20, 1))
    assert (framing.crop, framing.resize, framing.aspect, framing.bit_depth) == (
        "none",
        "bilinear",
        "stretch",
        False,
    )


@pytest.mark.parametrize(
    "damage", [{"crop": "middle"}, {"resize": 3}, {"aspect": None}, {"normalization": "tanh"}]
)
def test_damaged_settings_are_refused(damage):
    value = Preprocessing((20, 20, 1), (0.0,), (1.0,)).to_json()
    with pytest.raises(ValueError, match="must be"):
        Preprocessing.from_json(value | damage)


def test_normalizing_is_the_same_in_any_layout():
    pixels = RANDOM.normal(100, 9, (3, 21, 20, 3)).astype(np.float32)
    preprocessing = fit_preprocessing(pixels, "training-statistics")
    strided = np.asfortranarray(pixels)
    expected = (pixels - np.float32(preprocessing.mean)) / np.float32(preprocessing.scale)
    np.testing.assert_array_equal(preprocessing.normalize(strided), expected)
    np.testing.assert_array_equal(preprocessing.normalize(pixels), expected)
