"""Where a file does not say how its pages are ordered, the caller does, and a guess is reported."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from piximi_widgets.errors import ImageReadError
from piximi_widgets.imaging import read_header, read_pixels, to_planes

SIZES = {"T": 1, "Z": 4, "C": 2, "Y": 6, "X": 9}


def numbered(axes: str) -> np.ndarray:
    """An array in which each value says where it lies: thousands of plane, hundreds of channel, row, column."""
    grids = np.meshgrid(*(np.arange(SIZES[axis]) for axis in axes), indexing="ij")
    weights = {"T": 0, "Z": 1000, "C": 500, "Y": 20, "X": 1}
    return sum(grid * weights[axis] for axis, grid in zip(axes, grids, strict=True)).astype(np.uint16)


EXPECTED = numbered("ZYXC")


@given(st.permutations("ZCYX"))
def test_every_order_in_memory_is_put_right(order):
    """Whatever the order of the axes is, values land where their names say."""
    axes = "".join(order)
    assert np.array_equal(to_planes(numbered(axes), axes=axes), EXPECTED)


@pytest.mark.parametrize("axes", ["ZCYX", "CZYX", "TZCYX", "ZTCYX", "CTZYX", "zcyx"])
def test_pages_in_a_row_are_ordered_as_the_caller_says(tmp_path, axes):
    """A stack that says nothing about itself is cut by axes= and channels=."""
    pages = numbered(axes.upper()).reshape(-1, 6, 9)
    tifffile.imwrite(tmp_path / "a.tif", pages, metadata=None, photometric="minisblack")
    if "T" in axes:
        with pytest.raises(
            ImageReadError, match=r"names 5 axes, but the file has 3 of the lengths 8 x 6 x 9"
        ):
            read_header(tmp_path / "a.tif", axes=axes, channels=2)
        return
    assert np.array_equal(read_pixels(tmp_path / "a.tif", axes=axes, channels=2), EXPECTED)
    header = read_header(tmp_path / "a.tif", axes=axes, channels=2)
    assert (header.planes, header.channels, header.guess) == (4, 2, None)


def test_channels_alone_change_fastest(tmp_path):
    """As in Piximi: z1c1, z1c2, z2c1, and so on."""
    tifffile.imwrite(
        tmp_path / "a.tif", numbered("ZCYX").reshape(-1, 6, 9), metadata=None, photometric="minisblack"
    )
    assert np.array_equal(read_pixels(tmp_path / "a.tif", channels=2), EXPECTED)


def test_the_guess_is_reported_and_an_answer_takes_it_away(tmp_path):
    """Pages without a name are planes, which is said; who says it himself hears no guess."""
    tifffile.imwrite(tmp_path / "a.tif", numbered("ZYX"), metadata=None, photometric="minisblack")
    assert "4 pages" in read_header(tmp_path / "a.tif").guess
    for told in ({"axes": "ZYX"}, {"channels": 1}, {"axes": "CYX"}, {"channels": 4}):
        header = read_header(tmp_path / "a.tif", **told)
        assert header.guess is None
        assert header.channels == (4 if told in ({"axes": "CYX"}, {"channels": 4}) else 1)


def test_axes_override_what_the_file_says(tmp_path):
    """ImageJ calls every unknown stack slices; the caller knows better."""
    tifffile.imwrite(tmp_path / "a.tif", numbered("ZYX"), imagej=True, metadata={"axes": "ZYX"})
    assert read_pixels(tmp_path / "a.tif").shape == (4, 6, 9, 1)
    assert np.array_equal(read_pixels(tmp_path / "a.tif", axes="CYX")[0], np.moveaxis(numbered("ZYX"), 0, -1))
    cut = read_pixels(tmp_path / "a.tif", axes="ZCYX", channels=2)
    assert np.array_equal(cut, np.moveaxis(numbered("ZYX").reshape(2, 2, 6, 9), 1, -1))


def test_time_points_are_planes_only_if_the_caller_says_so(tmp_path):
    """Time is refused with the words that would allow it."""
    values = numbered("ZYX")
    tifffile.imwrite(tmp_path / "a.tif", values, imagej=True, metadata={"axes": "TYX"})
    with pytest.raises(ImageReadError, match="4 time points; save each .*axes='ZYX'"):
        read_header(tmp_path / "a.tif")
    assert np.array_equal(read_pixels(tmp_path / "a.tif", axes="ZYX")[..., 0], values)
    with pytest.raises(ImageReadError, match="4 time points"):
        read_header(tmp_path / "a.tif", axes="TYX")


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"axes": "YX"}, "names 2 axes, but the file has 3 of the lengths 8 x 6 x 9"),
        ({"axes": "ZCYX"}, "names 4 axes, but the file has 3 .*say channels= too"),
        ({"axes": "ZCYX", "channels": 3}, "8 pages, which is no multiple of channels=3"),
        ({"channels": 3}, "8 pages, which is no multiple of channels=3"),
        ({"channels": 0}, "whole number from 1"),
        ({"channels": True}, "whole number from 1"),
        ({"channels": 1.5}, "whole number from 1"),
        ({"axes": "ZQYX"}, "not understood"),
        ({"axes": "ZZYX"}, "not understood"),
        ({"axes": "ZCY"}, "not understood"),
        ({"axes": "YXC"}, "names 3 axes, but the file has 3"),
        ({"axes": "ZYX", "channels": 2}, "finds 1 channels"),
    ],
)
def test_what_does_not_fit_the_file_is_refused(tmp_path, told, reason):
    """Nothing is cut wrongly in silence: the sentence says what was got and what the file has."""
    tifffile.imwrite(
        tmp_path / "a.tif", numbered("ZCYX").reshape(-1, 6, 9), metadata=None, photometric="minisblack"
    )
    for read in (read_header, read_pixels):
        with pytest.raises(ImageReadError, match=f"a.tif: .*{reason}"):
            read(tmp_path / "a.tif", **told)


def test_channels_that_contradict_the_file_are_refused(tmp_path):
    """A file that names its channels is believed, and one that agrees passes."""
    tifffile.imwrite(tmp_path / "a.tif", numbered("ZCYX"), imagej=True, metadata={"axes": "ZCYX"})
    assert read_header(tmp_path / "a.tif", channels=2).channels == 2
    with pytest.raises(
        ImageReadError, match="channels=4, but the file says that it has 4 planes and 2 channels"
    ):
        read_header(tmp_path / "a.tif", channels=4)
    tifffile.imwrite(tmp_path / "b.tif", numbered("ZYX"), imagej=True, metadata={"axes": "ZYX"})
    with pytest.raises(ImageReadError, match="axes='ZCYX', channels=2"):
        read_header(tmp_path / "b.tif", channels=2)


def test_a_single_page_fits_longer_axes(tmp_path):
    """One setting for a folder: a single page is one plane of one channel of any stack."""
    tifffile.imwrite(tmp_path / "a.tif", numbered("YX"))
    assert read_pixels(tmp_path / "a.tif", axes="TZCYX").shape == (1, 6, 9, 1)


def test_arrays_in_memory_take_axes_too():
    """The same words for arrays, as ValueError."""
    pages = numbered("CZYX").reshape(8, 6, 9)
    assert np.array_equal(to_planes(pages, axes="CZYX", channels=2), EXPECTED)
    assert to_planes(numbered("YXC"), channels=2).shape == (1, 6, 9, 2)
    with pytest.raises(ValueError, match="channels=3, but the array"):
        to_planes(numbered("YXC"), channels=3)
    with pytest.raises(ValueError, match="the array has 2"):
        to_planes(numbered("YX"), axes="ZYXS", channels=3)


@pytest.mark.parametrize("axes", ["".join(order) for order in itertools.permutations("ZCT")])
def test_imagej_and_ome_agree_with_the_order_that_they_name(tmp_path, axes):
    """OME-TIFF of every order of planes, channels and time comes out in our order."""
    tifffile.imwrite(tmp_path / "a.ome.tif", numbered(axes + "YX"), metadata={"axes": axes + "YX"})
    assert np.array_equal(read_pixels(tmp_path / "a.ome.tif"), EXPECTED)
