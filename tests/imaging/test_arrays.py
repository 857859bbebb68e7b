"""Arrays from ``.npy`` files and from memory, with and without names of their axes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from piximi_widgets.errors import ImageReadError
from piximi_widgets.imaging import from_labeled, is_labeled, read_header, read_pixels

VALUES = np.random.default_rng(16).integers(0, 60000, (4, 6, 9, 2), dtype=np.uint16)


class Labeled:
    """What of xarray.DataArray is used: dims, shape, values, coords."""

    def __init__(self, values, dims, coords=None):
        self.values, self.dims, self.coords = values, tuple(dims), coords or {}
        self.shape = values.shape


NAMES = {
    "short": {"Z": "z", "Y": "y", "X": "x", "C": "c"},
    "long": {"Z": "plane", "Y": "row", "X": "column", "C": "channel"},
    "upper": {"Z": "Z", "Y": "Y", "X": "X", "C": "Channel"},
}


@pytest.mark.parametrize("names", NAMES)
def test_named_axes_of_every_order(names):
    """Names decide, not places."""
    for order in itertools.permutations(range(4)):
        dims = [NAMES[names]["ZYXC"[axis]] for axis in order]
        labeled = Labeled(VALUES.transpose(order), dims)
        assert is_labeled(labeled)
        pixels, channels = from_labeled(labeled)
        assert np.array_equal(pixels, VALUES)
        assert channels is None


def test_channel_names_come_with_the_array():
    """A coordinate of strings along the channels names them."""
    labeled = Labeled(VALUES, "zyxc", {"c": Labeled(np.array(["DAPI", "GFP"]), "c")})
    assert from_labeled(labeled)[1] == ("DAPI", "GFP")
    assert from_labeled(Labeled(VALUES, "zyxc", {"c": np.array([1, 2])}))[1] is None


def test_axes_that_have_no_place_are_refused():
    """Time of several points, unknown and doubled names, and objects that are no picture."""
    with pytest.raises(ValueError, match="the array holds 4 time points"):
        from_labeled(Labeled(VALUES, "tyxc"))
    with pytest.raises(ValueError, match="'dim_0', 'y', 'x', 'c' are not all known"):
        from_labeled(Labeled(VALUES, ("dim_0", "y", "x", "c")))
    with pytest.raises(ValueError, match="not all different"):
        from_labeled(Labeled(VALUES, ("row", "y", "x", "c")))
    assert from_labeled(Labeled(VALUES[:1], "tyxc"))[0].shape == (1, 6, 9, 2)
    for other in (VALUES, [1, 2], "zyx", None, 3.0):
        assert not is_labeled(other)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["uint8", "<u2", ">u2", "int32", "float32", "bool"])
def test_npy_files(tmp_path, dtype, order):
    """Any type and order of bytes and axes; bool is black and white."""
    values = np.asarray(VALUES % 200 > 99 if dtype == "bool" else VALUES % 200, dtype=dtype, order=order)
    np.save(tmp_path / "a.npy", values)
    pixels = read_pixels(tmp_path / "a.npy")
    header = read_header(tmp_path / "a.npy")
    assert np.array_equal(pixels, values * np.uint8(255) if dtype == "bool" else values)
    assert pixels.dtype.name == header.dtype
    assert pixels.flags.writeable
    assert "ZYXC" in header.guess


@pytest.mark.parametrize(
    ("shape", "expected", "guess"),
    [
        ((6, 9), (1, 6, 9, 1), None),
        ((6, 9, 3), (1, 6, 9, 3), "YXC"),
        ((4, 6, 9), (4, 6, 9, 1), "ZYX"),
        ((5, 6, 9, 2), (5, 6, 9, 2), "ZYXC"),
    ],
)
def test_what_npy_axes_are_taken_as(tmp_path, shape, expected, guess):
    """The guess is reported with the letters that would change it."""
    np.save(tmp_path / "a.npy", np.zeros(shape))
    header = read_header(tmp_path / "a.npy")
    assert (header.planes, header.height, header.width, header.channels) == expected
    assert header.guess is None if guess is None else f"({guess})" in header.guess


def test_what_cannot_be_guessed_is_asked(tmp_path):
    """Planes and channels before rows and columns may be in either order."""
    np.save(tmp_path / "a.npy", np.moveaxis(VALUES, -1, 1))
    with pytest.raises(ImageReadError, match=r"does not name its 4 axes \(4 x 2 x 6 x 9\)"):
        read_header(tmp_path / "a.npy")
    assert np.array_equal(read_pixels(tmp_path / "a.npy", axes="ZCYX"), VALUES)
    assert read_header(tmp_path / "a.npy", axes="ZCYX").guess is None


def test_objects_are_never_unpickled(tmp_path):
    """An array of objects is refused by its header."""
    np.save(tmp_path / "a.npy", np.array([[print]], object), allow_pickle=True)
    for read in (read_header, read_pixels):
        with pytest.raises(ImageReadError, match="whole or real numbers, not object"):
            read(tmp_path / "a.npy")


def test_a_cut_array_is_refused(tmp_path):
    """The size is in the header."""
    np.save(tmp_path / "a.npy", VALUES)
    (tmp_path / "a.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:-1])
    for read in (read_header, read_pixels):
        with pytest.raises(ImageReadError, match="cut off"):
            read(tmp_path / "a.npy")
