"""Microscopes' own formats are refused with the way out, by signature and by suffix; names may be strange."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from piximi_widgets.errors import ImageReadError
from piximi_widgets.imaging import FOREIGN_SUFFIXES, list_images, read_header, read_pixels


@pytest.mark.parametrize(
    ("name", "start", "what"),
    [
        ("a.czi", b"ZISRAWFILE\0\0", "Zeiss CZI"),
        ("a.dat", b"ZISRAWFILE\0\0", "Zeiss CZI"),
        ("a.nd2", b"\xda\xce\xbe\x0a\x10\0\0\0", "Nikon ND2"),
        ("a.dat", b"\xda\xce\xbe\x0a\x10\0\0\0", "Nikon ND2"),
        ("a.lif", b"\x70\0\0\0\x20\0\0\0\x2a\0\0\0", "Leica LIF"),
        ("a.dat", b"\x70\0\0\0\x20\0\0\0\x2a\0\0\0", "Leica LIF"),
        ("a.oib", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Olympus OIB"),
        ("a.dat", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "OLE container"),
        ("a.OIF", b"\xff\xfe[\0", "Olympus OIF"),
        ("a.vsi", b"II*\0\x08\0\0\0", "Olympus VSI"),
        ("a.ims", b"\x89HDF\r\n\x1a\n", "Imaris"),
    ],
)
def test_the_way_out_is_named(tmp_path, name, start, what):
    """The file is named, what it is, and both ways to a file that can be read."""
    (tmp_path / name).write_bytes(start.ljust(400, b"\0"))
    for read in (read_header, read_pixels):
        with pytest.raises(ImageReadError, match=rf"{name}: this is an? {what}.*OME-TIFF.*bioio"):
            read(tmp_path / name)


def test_every_foreign_suffix_is_refused_by_name(tmp_path):
    """Whatever such a file begins with."""
    for suffix in FOREIGN_SUFFIXES:
        (tmp_path / f"a{suffix}").write_bytes(b"something else")
        with pytest.raises(ImageReadError, match="bioio"):
            read_header(tmp_path / f"a{suffix}")


def test_a_picture_with_a_foreign_suffix_is_a_picture(tmp_path):
    """Content decides where it can."""
    Image.fromarray(np.zeros((5, 7), np.uint8)).save(tmp_path / "a.czi", format="PNG")
    assert read_header(tmp_path / "a.czi").width == 7


@pytest.mark.parametrize(
    "name", ["a [1].png", "50%.png", "#1.png", "..a.png", "zwei Zellen ö.png", "細胞.png", "a\nb.png"]
)
def test_strange_names(tmp_path, name):
    """Brackets, signs, spaces, dots and other alphabets are part of a name and nothing else."""
    values = np.arange(35, dtype=np.uint8).reshape(5, 7)
    Image.fromarray(values).save(tmp_path / name)
    assert np.array_equal(read_pixels(tmp_path / name)[0, ..., 0], values)
    assert read_header(str(tmp_path / name)).width == 7
    assert list_images(tmp_path / name) == [str(tmp_path / name)]
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(ImageReadError) as caught:
        read_header(tmp_path / name)
    assert str(caught.value) == f"{tmp_path / name}: the file is empty"
