"""Draws stay in their bounds and follow from seed, epoch and image; applied, each does to the pixels what it says."""

from __future__ import annotations

import numpy as np
import pytest

from piximi_widgets.engine.augmentation import Channels, apply, draw, measure_channels, view_of
from piximi_widgets.engine.config import TrainingConfig
from piximi_widgets.engine.partitions import Partition
from piximi_widgets.engine.preprocessing import fit_preprocessing

UNIT = Channels(np.zeros(1, np.float32), np.ones(1, np.float32))
EVERYTHING = TrainingConfig(
    augmentation="microscopy", rotation=20.0, zoom=0.2, brightness=0.3, contrast=0.2, noise=0.1, cutout=0.25
)


def only(**settings) -> TrainingConfig:
    return TrainingConfig(augmentation="none", **settings)


def applied(
    tensorflow, config: TrainingConfig, pixels: np.ndarray, channels: Channels = UNIT, epoch: int = 1
):
    drawn = draw(config, pixels.shape, epoch)
    tensors = {name: tensorflow.constant(value) for name, value in drawn.arrays().items()}
    return apply(
        tensorflow, tensors, tensorflow.constant(pixels), channels, noise=config.noise
    ).numpy(), drawn


def images(count: int = 12, height: int = 6, width: int = 6, depth: int = 1, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, height, width, depth)).astype(np.float32)


def test_what_is_off_is_not_drawn():
    drawn = draw(only(), (5, 4, 4, 1), 1)
    assert drawn.arrays() == {}
    assert drawn.view.tolist() == [0] * 5
    assert not drawn.continuous


def test_views_alone_are_not_continuous():
    turned = draw(only(horizontal_flip=True), (5, 4, 4, 1), 1)
    assert list(turned.arrays()) == ["view"]
    assert not turned.continuous
    assert draw(TrainingConfig(), (5, 4, 4, 1), 1).continuous


def test_draws_repeat_and_differ_by_seed_and_epoch():
    def values(config, epoch):
        return draw(config, (50, 20, 20, 2), epoch).arrays()

    first = values(EVERYTHING, 1)
    assert set(first) == {"view", "transform", "contrast", "brightness", "noise", "cutout"}
    for name, same in values(EVERYTHING, 1).items():
        np.testing.assert_array_equal(first[name], same)
    for other in (values(EVERYTHING, 2), values(EVERYTHING.model_copy(update={"seed": 1}), 1)):
        assert not any(np.array_equal(first[name], other[name]) for name in first)


def test_a_setting_does_not_change_what_another_draws():
    alone = draw(only(brightness=0.3), (50, 20, 20, 1), 1)
    np.testing.assert_array_equal(alone.brightness, draw(EVERYTHING, (50, 20, 20, 1), 1).brightness)


def test_the_eight_views_are_the_symmetries_of_a_square():
    image = np.arange(9).reshape(3, 3)
    views = [view_of(image, view) for view in range(8)]
    assert len({view.tobytes() for view in views}) == 8
    np.testing.assert_array_equal(views[1], np.rot90(image))
    np.testing.assert_array_equal(views[4], np.fliplr(image))
    np.testing.assert_array_equal(views[6], np.flipud(image))
    np.testing.assert_array_equal(views[5], np.rot90(np.fliplr(image)))


@pytest.mark.parametrize(
    ("settings", "side", "expected"),
    [
        ({"horizontal_flip": True}, 4, {0, 4}),
        ({"vertical_flip": True}, 4, {0, 6}),
        ({"horizontal_flip": True, "vertical_flip": True}, 4, {0, 2, 4, 6}),
        ({"quarter_turns": True}, 4, {0, 1, 2, 3}),
        ({"quarter_turns": True}, 5, {0, 2}),
        ({"horizontal_flip": True, "quarter_turns": True}, 4, set(range(8))),
        ({"horizontal_flip": True, "quarter_turns": True}, 5, {0, 2, 4, 6}),
    ],
)
def test_each_view_comes_equally_often(settings: dict, side: int, expected: set):
    views = draw(only(**settings), (4000, 4, side, 1), 1).view
    assert set(views.tolist()) == expected
    counts = np.bincount(views, minlength=8)[sorted(expected)]
    assert np.abs(counts / 4000 - 1 / len(expected)).max() < 0.04


def test_shifts_stay_in_their_bounds_and_differ_by_image():
    transform = draw(only(shift=0.1), (500, 20, 40, 1), 1).transform
    np.testing.assert_array_equal(transform[:, [0, 1, 3, 4, 6, 7]], np.tile([1, 0, 0, 1, 0, 0], (500, 1)))
    assert 3.5 < np.abs(transform[:, 2]).max() <= 4
    assert 1.7 < np.abs(transform[:, 5]).max() <= 2
    assert len(np.unique(transform[:, 2])) == 500


def test_rotation_and_zoom_keep_the_middle_and_their_bounds():
    transform = draw(only(rotation=10.0, zoom=0.2), (500, 21, 41, 1), 1).transform
    middle = np.array([20.0, 10.0, 1.0])
    np.testing.assert_allclose(transform[:, :3] @ middle, 20, atol=1e-4)
    np.testing.assert_allclose(transform[:, 3:6] @ middle, 10, atol=1e-4)
    size = 1 / np.hypot(transform[:, 0], transform[:, 3])
    angle = np.rad2deg(np.arctan2(transform[:, 3], transform[:, 0]))
    assert 0.8 - 1e-5 <= size.min() < 0.82
    assert 1.18 < size.max() <= 1.2 + 1e-5
    assert 9.5 < np.abs(angle).max() <= 10.001


@pytest.mark.parametrize("normalization", ["none", "training-statistics"])
def test_channels_are_measured_where_a_draw_is_scaled_by_them(normalization: str):
    """Whatever the normalisation: that of a base, or mobilenet's, need not leave mean 0 and deviation 1."""
    pixels = images(20, 5, 7, 3) * np.array([1, 10, 0], np.float32) + np.array([0, 3, 5], np.float32)
    partition = Partition(pixels, np.zeros(20, np.int32))
    channels = measure_channels(TrainingConfig(normalization=normalization, noise=0.1), partition)
    mean, deviation = (getattr(pixels, name)(axis=(0, 1, 2), dtype=np.float64) for name in ("mean", "std"))
    np.testing.assert_allclose(channels.mean, mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(channels.deviation, deviation, rtol=1e-5, atol=1e-6)
    unscaled = measure_channels(TrainingConfig(normalization=normalization), partition)
    assert (unscaled.mean.tolist(), unscaled.deviation.tolist()) == ([0, 0, 0], [1, 1, 1])


def test_channels_of_a_memory_map_are_those_that_the_network_sees():
    pixels = images(20) * 7 + 100
    preprocessing = fit_preprocessing(pixels, "training-statistics")
    streamed = Partition(pixels, np.zeros(20, np.int32), preprocessing)
    channels = measure_channels(TrainingConfig(normalization="percentile", brightness=0.1), streamed)
    np.testing.assert_allclose(channels.mean, [0], atol=1e-4)
    np.testing.assert_allclose(channels.deviation, [1], rtol=1e-4)


@pytest.mark.training
@pytest.mark.parametrize("shape", [(40, 6, 6, 2), (40, 4, 7, 1)])
def test_views_are_exact(tensorflow, shape: tuple):
    pixels = images(*shape)
    varied, drawn = applied(
        tensorflow, only(horizontal_flip=True, vertical_flip=True, quarter_turns=True), pixels
    )
    for image, view, result in zip(pixels, drawn.view, varied, strict=True):
        np.testing.assert_array_equal(result, view_of(image, view))


@pytest.mark.training
def test_a_shift_moves_pixels_and_repeats_the_edge(tensorflow):
    image = np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1)
    transforms = draw(only(shift=0.1), (1, 4, 4, 1), 1).transform
    transforms[:, [2, 5]] = 1, 0  # one pixel to the left
    moved = apply(tensorflow, {"transform": transforms}, tensorflow.constant(image), UNIT).numpy()
    np.testing.assert_array_equal(moved[0, 0, :, 0], [1, 2, 3, 3])


class Largest:
    """A generator that always draws the upper limit."""

    def uniform(self, low, high, shape):
        return np.full(shape, high)


@pytest.mark.training
@pytest.mark.parametrize(("rotation", "turns"), [(90.0, 1), (180.0, 2)])
def test_a_rotation_by_right_angles_turns_counter_clockwise_around_the_middle(
    tensorflow, monkeypatch: pytest.MonkeyPatch, rotation: float, turns: int
):
    monkeypatch.setattr("piximi_widgets.engine.augmentation.draws._generator", lambda *_: Largest())
    image = images(1, 6, 6)
    turned, _ = applied(tensorflow, only(rotation=rotation), image)
    np.testing.assert_allclose(turned[0], np.rot90(image[0], turns), atol=1e-4)


@pytest.mark.training
def test_a_zoom_enlarges(tensorflow, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("piximi_widgets.engine.augmentation.draws._generator", lambda *_: Largest())
    ramp = np.tile(np.arange(9, dtype=np.float32), (9, 1))[None, ..., None]
    zoomed, _ = applied(tensorflow, only(zoom=0.5), ramp)
    np.testing.assert_allclose(zoomed[0, 4, :, 0], 4 + (np.arange(9) - 4) / 1.5, atol=1e-5)


@pytest.mark.training
def test_contrast_stretches_around_the_mean_and_brightness_adds(tensorflow):
    pixels = images(6, depth=2)
    channels = Channels(np.zeros(2, np.float32), np.array([1, 10], np.float32))
    varied, drawn = applied(tensorflow, only(brightness=0.5, contrast=0.5), pixels, channels)
    before, after = pixels.mean(axis=(1, 2)), varied.mean(axis=(1, 2))
    np.testing.assert_allclose(after - before, drawn.brightness * [1, 10], atol=1e-5)
    np.testing.assert_allclose(varied.std(axis=(1, 2)), pixels.std(axis=(1, 2)) * drawn.contrast, rtol=1e-4)
    assert np.abs(drawn.brightness).max() <= 0.5
    assert np.abs(drawn.contrast - 1).max() <= 0.5


@pytest.mark.training
def test_noise_is_normal_and_belongs_to_the_image_not_to_the_batch(tensorflow):
    pixels = np.zeros((30, 16, 16, 2), np.float32)
    channels = Channels(np.zeros(2, np.float32), np.array([1, 10], np.float32))
    config = only(noise=0.5)
    noise, drawn = applied(tensorflow, config, pixels, channels)
    np.testing.assert_allclose(noise.std(axis=(0, 1, 2)), [0.5, 5], rtol=0.05)
    np.testing.assert_allclose(noise.mean(axis=(0, 1, 2)), [0, 0], atol=0.2)
    assert np.abs(np.corrcoef(noise[..., 0].reshape(30, -1)) - np.eye(30)).max() < 0.35
    chosen = [7, 3]
    some = apply(
        tensorflow, {"noise": drawn.noise[chosen]}, tensorflow.constant(pixels[chosen]), channels, noise=0.5
    )
    np.testing.assert_array_equal(some.numpy(), noise[chosen])


@pytest.mark.training
def test_cutout_blanks_one_rectangle_to_the_mean(tensorflow):
    pixels = images(200, 8, 12) + 100
    channels = Channels(np.array([3.0], np.float32), np.ones(1, np.float32))
    varied, drawn = applied(tensorflow, only(cutout=0.25), pixels, channels)
    for image, result, (top, left, bottom, right) in zip(pixels, varied, drawn.cutout, strict=True):
        expected = image.copy()
        expected[top:bottom, left:right] = 3
        np.testing.assert_array_equal(result, expected)
        assert (bottom - top, right - left) == (2, 3)
    assert set(drawn.cutout[:, 0].tolist()) == set(range(7))
    assert set(drawn.cutout[:, 3].tolist()) == set(range(3, 13))
