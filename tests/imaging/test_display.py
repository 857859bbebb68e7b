"""Contrast, colours and thumbnails."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from piximi_widgets.imaging import contact_sheet, display_window, thumbnail, to_rgb

FULL = ((0.0, 255.0),)


def picture(png: bytes) -> np.ndarray:
    """Decode a PNG."""
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        return np.asarray(image)


def test_bytes_are_shown_over_their_whole_range():
    """uint8 images keep their own contrast, for each channel."""
    assert display_window([np.full((1, 4, 4, 2), 90, np.uint8)]) == ((0.0, 255.0), (0.0, 255.0))


def test_window_is_shared_robust_and_by_channel():
    """Percentiles over all samples: one hot pixel in a thousand does not darken the rest."""
    first = np.zeros((1, 100, 100, 2), np.uint16)
    first[0, :, :, 0] = np.arange(10_000).reshape(100, 100) % 1000
    first[0, 0, 0, 0] = 65535
    second = first.copy()
    second[..., 1] = 700
    (low, high), other = display_window([first, second])
    assert low < 5
    assert 990 < high < 1000
    assert other == (0.0, 700.0)


def test_window_of_constant_empty_and_broken_samples():
    """Constant images, NaN and no image at all still give a window with two different ends."""
    for samples in ([], [np.full((1, 2, 2, 1), 7, np.uint16)], [np.full((1, 2, 2, 1), np.nan, np.float32)]):
        for low, high in display_window(samples):
            assert np.isfinite([low, high]).all()
            assert high > low
    mixed = display_window([np.zeros((1, 2, 2, 1), np.uint16), np.ones((1, 2, 2, 3), np.uint16)])
    assert len(mixed) == 3


def test_grey_is_scaled_by_the_window():
    """Black is the window's low end and below, white its high end and above."""
    pixels = np.array([[100, 200, 300, 400, 500]], np.uint16).reshape(1, 1, 5, 1)
    rgb = to_rgb(pixels, ((200.0, 400.0),))
    assert rgb.shape == (1, 5, 3)
    assert rgb[0, :, 0].tolist() == [0, 0, 128, 255, 255]
    assert np.array_equal(rgb[..., 0], rgb[..., 2])


def test_three_byte_channels_are_colours():
    """RGB photographs are shown as they are."""
    values = np.random.default_rng(1).integers(0, 256, (1, 3, 4, 3), dtype=np.uint8)
    assert np.array_equal(to_rgb(values, FULL * 3), values[0])


def test_channels_are_added_in_piximis_colours():
    """Red, green, blue, yellow, cyan, magenta, white: each alone gives its colour, two give their sum."""
    colors = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 1, 1), (1, 0, 1), (1, 1, 1), (1, 1, 1)]
    for channel, color in enumerate(colors):
        pixels = np.zeros((1, 1, 1, 8), np.uint16)
        pixels[..., channel] = 1000
        assert to_rgb(pixels, ((0.0, 1000.0),) * 8)[0, 0].tolist() == [255 * part for part in color]
    pixels = np.array([1000, 500], np.uint16).reshape(1, 1, 1, 2)
    assert to_rgb(pixels, ((0.0, 1000.0),) * 2)[0, 0].tolist() == [255, 128, 0]


def test_nan_is_black_and_missing_windows_are_filled():
    """Float images with holes are drawn; a channel without a window shows its own range."""
    pixels = np.array([np.nan, 1.0], np.float32).reshape(1, 1, 2, 1)
    assert to_rgb(pixels, ((0.0, 1.0),))[0, :, 0].tolist() == [0, 255]
    assert to_rgb(np.array([3, 9], np.uint16).reshape(1, 1, 2, 1), ())[0, :, 0].tolist() == [0, 255]


def test_planes_are_chosen():
    """The plane that is asked for is the one that is drawn."""
    pixels = np.arange(3, dtype=np.uint8).reshape(3, 1, 1, 1) * 100
    assert [to_rgb(pixels, FULL, plane)[0, 0, 0] for plane in range(3)] == [0, 100, 200]


@pytest.mark.parametrize(
    ("shape", "size", "expected"),
    [
        ((10, 20), 96, (10, 20)),
        ((100, 200), 96, (48, 96)),
        ((1000, 2000), 50, (25, 50)),
        ((2000, 7), 64, (64, 1)),
        ((3, 1000), 10, (1, 10)),
        ((97, 97), 96, (96, 96)),
    ],
)
def test_thumbnails_shrink_and_never_grow(shape, size, expected):
    """The longest side is at most the size; small images keep theirs."""
    pixels = np.zeros((1, *shape, 1), np.uint16)
    assert picture(thumbnail(pixels, size, ((0.0, 9.0),))).shape == expected


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_thumbnails_average(dtype):
    """A large image of a fine chequerboard becomes an even grey, not a pattern."""
    board = (np.indices((960, 960)).sum(axis=0) % 2 * 200).astype(dtype)
    small = picture(thumbnail(board[None, ..., None], 96, ((0.0, 200.0),) if dtype != np.uint8 else FULL))
    expected = 100 if dtype == np.uint8 else 128
    assert abs(small.astype(int) - expected).max() <= 2


def test_colour_thumbnails_keep_their_colours():
    """A two-channel image is drawn in red and green."""
    pixels = np.zeros((1, 300, 300, 2), np.uint16)
    pixels[0, :150, :, 0] = pixels[0, 150:, :, 1] = 1000
    small = picture(thumbnail(pixels, 30, ((0.0, 1000.0),) * 2))
    assert small[0, 0].tolist() == [255, 0, 0]
    assert small[29, 0].tolist() == [0, 255, 0]


def test_contact_sheet_places_pictures_in_rows():
    """Three pictures in two columns: two rows, transparent where nothing is."""
    pictures = [np.full((4, 6, 3), 50 * (number + 1), np.uint8) for number in range(3)]
    sheet = picture(contact_sheet(pictures, 2))
    assert sheet.shape == (4 * 2 + 2, 6 * 2 + 2, 4)
    assert sheet[0, 0].tolist() == [50, 50, 50, 255]
    assert sheet[0, -1].tolist() == [100, 100, 100, 255]
    assert sheet[-1, 0].tolist() == [150, 150, 150, 255]
    assert sheet[-1, -1, 3] == 0
    assert picture(contact_sheet([], 4)).shape == (1, 1, 4)
