"""Contrast, colours and thumbnails."""

from __future__ import annotations

import io
import json
import math

import numpy as np
import pytest
from PIL import Image

from piximi_widgets.errors import ConfigurationError
from piximi_widgets.imaging import contact_sheet, display_window, thumbnail, to_rgb
from piximi_widgets.imaging.display import ChannelDisplay, Display, image_window, sampled
from piximi_widgets.imaging.projection import take_plane
from piximi_widgets.imaging.thumbnails import reduce_image

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


def test_chosen_percentiles_count_for_bytes_too():
    """The values 0 to 100 once each: their tenth and ninetieth percentile are 10 and 90."""
    bytes_ = np.arange(101, dtype=np.uint8).reshape(1, 1, 101, 1)
    assert display_window([bytes_], (10, 90)) == ((10.0, 90.0),)
    assert display_window([bytes_.astype(np.uint16)], (10, 90)) == ((10.0, 90.0),)


def test_an_image_has_a_contrast_of_its_own_unless_it_is_a_photograph():
    """A dim image of bytes is stretched; the colours of a photograph are not, and named channels are none."""
    dim = np.linspace(20, 40, 2001).astype(np.uint8).reshape(1, -1, 1)
    assert image_window(dim) == ((20.0, 39.0),)
    three = np.repeat(dim, 3, axis=-1)
    assert image_window(three) == FULL * 3
    assert image_window(three, named=True) == ((20.0, 39.0),) * 3


def test_a_sample_of_values_has_the_percentiles_of_the_whole():
    """One value in sixteen is taken, from all columns of an image whose width is a power of two."""
    image = np.empty((1, 1024, 1024, 2), np.uint16)
    image[..., 0] = np.arange(1024)
    image[..., 1] = np.arange(1024)[:, None] * 2
    values = sampled(image)
    assert values.size < image.size / 15
    for few, exact in zip(
        display_window([values], (25, 75)), ((255.75, 767.25), (511.5, 1534.5)), strict=True
    ):
        np.testing.assert_allclose(few, exact, atol=16)


def test_grey_is_scaled_by_the_window():
    """Black is the window's low end and below, white its high end and above."""
    pixels = np.array([[100, 200, 300, 400, 500]], np.uint16).reshape(1, 1, 5, 1)
    rgb = to_rgb(pixels, window=((200.0, 400.0),))
    assert rgb.shape == (1, 5, 3)
    assert rgb[0, :, 0].tolist() == [0, 0, 128, 255, 255]
    assert np.array_equal(rgb[..., 0], rgb[..., 2])


def test_three_byte_channels_are_colours():
    """RGB photographs are shown as they are, grey ones too, without a window and over the whole range."""
    values = np.random.default_rng(1).integers(0, 256, (1, 3, 4, 3), dtype=np.uint8)
    assert np.array_equal(to_rgb(values, window=FULL * 3), values[0])
    assert np.array_equal(to_rgb(values), values[0])
    grey = values[..., :1]
    assert np.array_equal(to_rgb(grey, window=FULL), np.repeat(grey[0], 3, axis=-1))


def test_channels_are_added_in_piximis_colours():
    """Red, green, blue, yellow, cyan, magenta, white: each alone gives its colour, two give their sum."""
    colors = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 1, 1), (1, 0, 1), (1, 1, 1), (1, 1, 1)]
    everything = Display(tuple(ChannelDisplay(visible=True) for _ in colors))
    for channel, color in enumerate(colors):
        pixels = np.zeros((1, 1, 1, 8), np.uint16)
        pixels[..., channel] = 1000
        rgb = to_rgb(pixels, everything, ((0.0, 1000.0),) * 8)
        assert rgb[0, 0].tolist() == [255 * part for part in color]
    pixels = np.array([1000, 500], np.uint16).reshape(1, 1, 1, 2)
    assert to_rgb(pixels, window=((0.0, 1000.0),) * 2)[0, 0].tolist() == [255, 128, 0]


def test_the_first_three_channels_are_visible_at_first():
    """Five channels in five colours would hide each other."""
    assert [channel.visible for channel in Display().resolved(5)] == [True, True, True, False, False]
    pixels = np.array([0, 0, 0, 1000, 1000], np.uint16).reshape(1, 1, 1, 5)
    assert to_rgb(pixels, window=((0.0, 1000.0),) * 5)[0, 0].tolist() == [0, 0, 0]


def test_two_channels_with_known_windows_gamma_and_colours():
    """Worked by hand.

    Left: (300 - 100) / 800 = 0.25, to the power 0.5 is 0.5, in #ff8000: 127.5, 64, 0; and (30 - 10) / 40 = 0.5,
    squared 0.25, in #0040ff: 0, 16, 63.75; together 127.5, 80, 63.75. Right: both are beyond their windows, so that
    the sum is 255, 192, 255.
    """
    pixels = np.array([[300, 30], [950, 60]], np.uint16).reshape(1, 1, 2, 2)
    display = Display(
        (
            ChannelDisplay(color="#ff8000", window=(100, 900), gamma=0.5),
            ChannelDisplay(color="#0040FF", window=(10, 50), gamma=2),
        )
    )
    assert to_rgb(pixels, display, ((0.0, 1.0), (0.0, 1.0)))[0].tolist() == [[128, 80, 64], [255, 192, 255]]


def test_a_hidden_channel_is_not_there_and_all_hidden_is_black():
    pixels = np.full((1, 2, 2, 2), 7, np.uint16)
    red = Display((ChannelDisplay(), ChannelDisplay(visible=False)))
    assert to_rgb(pixels, red, ((0.0, 7.0),) * 2)[0, 0].tolist() == [255, 0, 0]
    none = Display((ChannelDisplay(visible=False),) * 2)
    assert not to_rgb(pixels, none, ((0.0, 7.0),) * 2).any()


def test_one_channel_is_shown_in_its_colour():
    display = Display((ChannelDisplay(color="magenta"),))
    pixels = np.array([0, 51, 255], np.uint8).reshape(1, 1, 3, 1)
    assert to_rgb(pixels, display, FULL)[0].tolist() == [[0, 0, 0], [51, 0, 51], [255, 0, 255]]
    assert picture(thumbnail(pixels, 9, display, FULL)).shape == (1, 3, 3)


def composite(image: np.ndarray, display: Display, window) -> list[list[list[int]]]:
    """The definition of the composite, pixel by pixel."""
    rows = []
    for row in image.tolist():
        rows.append([])
        for pixel in row:
            total = [0.0, 0.0, 0.0]
            for value, channel, automatic in zip(pixel, display.resolved(len(pixel)), window, strict=True):
                low, high = channel.window or automatic
                share = 0.0 if math.isnan(value) else min(max((value - low) / (high - low), 0.0), 1.0)
                for part in range(3):
                    color = int(channel.color[1 + 2 * part : 3 + 2 * part], 16)
                    total[part] += share**channel.gamma * color * channel.visible
            rows[-1].append([min(255, int(part + 0.5)) for part in total])
    return rows


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_any_settings_give_the_composite_as_it_is_defined(dtype, channels):
    random = np.random.default_rng(channels)
    for _ in range(5):
        image = (random.uniform(-0.2, 1.2, (4, 5, channels)) * 200).clip(0).astype(dtype)
        if dtype == "float32":
            image[0, 0] = np.nan
        display = Display(
            tuple(
                ChannelDisplay(
                    color=random.choice([None, "#123456", "#ffaa01"]),
                    visible=random.choice([None, True, False]),
                    window=[None, (20.0, 90.5)][random.integers(2)],
                    gamma=random.choice([1.0, 0.45, 2.2]),
                )
                for _ in range(random.integers(channels + 1))
            )
        )
        window = tuple((float(low), float(low) + 100) for low in random.integers(-50, 50, channels))
        assert to_rgb(image[None], display, window).tolist() == composite(image, display, window)


def test_nan_is_black_and_missing_windows_are_filled():
    """Float images with holes are drawn; a channel without a window shows its own range."""
    pixels = np.array([np.nan, 1.0], np.float32).reshape(1, 1, 2, 1)
    assert to_rgb(pixels, window=((0.0, 1.0),))[0, :, 0].tolist() == [0, 255]
    assert to_rgb(pixels, window=((-1.0, 1.0),))[0, :, 0].tolist() == [0, 255]
    assert to_rgb(np.array([3, 9], np.uint16).reshape(1, 1, 2, 1))[0, :, 0].tolist() == [0, 255]


def test_planes_are_chosen():
    """A number, of a shorter stack the last; the middle; and the brightest value of each pixel."""
    pixels = np.array([[9, 1], [4, 5], [0, 8], [3, 3]], np.uint8).reshape(4, 1, 2, 1)
    expected = {0: [9, 1], 2: [0, 8], 3: [3, 3], 7: [3, 3], "middle": [0, 8], "max": [9, 8]}
    for plane, values in expected.items():
        assert take_plane(pixels, plane)[0, :, 0].tolist() == values
        assert to_rgb(pixels, Display(plane=plane), FULL)[0, :, 0].tolist() == values
    assert take_plane(pixels[:3], "middle")[0, :, 0].tolist() == [4, 5]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("color", "#12345"),
        ("color", "bluish"),
        ("color", "#gggggg"),
        ("color", 255),
        ("window", (5, 5)),
        ("window", (6, 5)),
        ("window", (0, float("nan"))),
        ("window", (0, float("inf"))),
        ("window", (True, 7)),
        ("window", 5),
        ("window", "ab"),
        ("window", (0, 10**400)),
        ("window", (-1.7e308, 1.7e308)),
        ("gamma", 0),
        ("gamma", -1),
        ("gamma", float("nan")),
        ("gamma", "1"),
        ("gamma", True),
        ("visible", 1),
        ("name", " "),
        ("name", "x" * 101),
        ("name", 3),
        ("name", "a\ud800"),
    ],
)
def test_bad_settings_of_a_channel_are_named(field, value):
    with pytest.raises(ConfigurationError) as caught:
        ChannelDisplay(**{field: value})
    assert list(caught.value.problems) == [field]
    assert repr(value)[:20] in caught.value.problems[field]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("contrast", "both"),
        ("percentiles", (99, 1)),
        ("percentiles", (-1, 99)),
        ("percentiles", (1, 101)),
        ("plane", -1),
        ("plane", 1.5),
        ("plane", True),
        ("plane", "first"),
        ("plane", None),
    ],
)
def test_bad_settings_of_a_project_are_named(field, value):
    with pytest.raises(ConfigurationError) as caught:
        Display(**{field: value})
    assert list(caught.value.problems) == [field]


def test_any_name_in_a_file_gives_a_usable_one():
    names = [" DAPI ", "", "x" * 300, "a\ud800"]
    shown = [channel.name for channel in Display().resolved(5, names)]
    assert shown == ["DAPI", "channel 1", "x" * 100, "a?", "channel 4"]


def test_json_brings_back_the_same_display():
    display = Display(
        (ChannelDisplay(), ChannelDisplay("DAPI", "#0000ff", False, (3, np.float32(9.5)), 0.5)),
        "image",
        (1, 99),
        "max",
    )
    assert Display.from_json(json.loads(json.dumps(display.to_json()))) == display
    assert Display.from_json(None) == Display()


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
    assert picture(thumbnail(pixels, size, window=((0.0, 9.0),))).shape == expected


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_thumbnails_average(dtype):
    """A large image of a fine chequerboard becomes an even grey, not a pattern."""
    board = (np.indices((960, 960)).sum(axis=0) % 2 * 200).astype(dtype)
    small = picture(
        thumbnail(board[None, ..., None], 96, window=((0.0, 200.0),) if dtype != np.uint8 else FULL)
    )
    expected = 100 if dtype == np.uint8 else 128
    assert abs(small.astype(int) - expected).max() <= 2


def test_colour_thumbnails_keep_their_colours():
    """A two-channel image is drawn in red and green."""
    pixels = np.zeros((1, 300, 300, 2), np.uint16)
    pixels[0, :150, :, 0] = pixels[0, 150:, :, 1] = 1000
    small = picture(thumbnail(pixels, 30, window=((0.0, 1000.0),) * 2))
    assert small[0, 0].tolist() == [255, 0, 0]
    assert small[29, 0].tolist() == [0, 255, 0]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "uint32", "float32", "float64"])
@pytest.mark.parametrize("order", ["interleaved", "planar"])
def test_a_reduced_copy_holds_the_means_of_blocks(dtype, order):
    """1024 pixels become 256: four by four of them one, all channels, in the image's own type."""
    random = np.random.default_rng(5)
    image = (random.uniform(0, 120 if dtype == "uint8" else 30_000, (512, 1024, 2))).astype(dtype)
    if order == "planar":
        image = np.moveaxis(np.ascontiguousarray(np.moveaxis(image, -1, 0)), 0, -1)
    copy = reduce_image(image[None], 0, 256)
    assert copy.dtype == image.dtype
    assert copy.shape == (1, 128, 256, 2)
    assert copy.flags.c_contiguous
    expected = image.astype(np.float64).reshape(128, 4, 256, 4, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(copy[0], expected, atol=0.51 if copy.dtype.kind != "f" else 0.02)


def test_a_reduced_copy_of_the_brightest_values_does_not_turn_over():
    """The means of 65535 are 65535, however many there are, and whatever the scale."""
    for shape in ((2000, 600), (300, 300), (5000, 3)):
        for dtype in (np.uint16, np.uint8, np.uint32):
            brightest = np.iinfo(dtype).max
            copy = reduce_image(np.full((1, *shape, 1), brightest, dtype), 0, 256)
            assert max(copy.shape) == 256
            assert copy.min() >= brightest - brightest // 2**23


def test_a_reduced_copy_is_made_of_the_projection():
    """The maximum is taken before the mean: of two planes of a chequerboard it is bright everywhere."""
    board = (np.indices((512, 512)).sum(axis=0) % 2 * 200).astype(np.uint8)
    stack = np.stack([board, 200 - board])[..., None]
    assert (reduce_image(stack, "max", 256) == 200).all()
    assert (reduce_image(stack, 0, 256) == 100).all()
    small = stack[:, :50, :40]
    assert np.array_equal(reduce_image(small, 1, 256), small[1:])


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
