"""JPEG and BMP files with what cameras and old programs put around the picture."""

from __future__ import annotations

import struct
import warnings

import numpy as np
import pytest
from PIL import Image

from piximi_widgets.errors import ImageReadError
from piximi_widgets.imaging import read_header, read_pixels

RANDOM = np.random.default_rng(17)
RGB = np.repeat(np.repeat(RANDOM.integers(0, 250, (3, 4, 3), dtype=np.uint8), 8, axis=0), 8, axis=1)


def with_segments(data: bytes, *segments: tuple[int, bytes]) -> bytes:
    """A JPEG with application segments put behind its first two bytes."""
    parts = [b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body for marker, body in segments]
    return data[:2] + b"".join(parts) + data[2:]


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 95, "subsampling": 0}])
def test_jpeg_is_what_pillow_decodes(tmp_path, mode, options):
    """Notes are taken out before Pillow sees the file; the picture is the same to the last bit."""
    path = tmp_path / "a.jpg"
    Image.fromarray(RGB).convert(mode).save(path, icc_profile=bytes(3000), comment=b"note", **options)
    with Image.open(path) as image:
        expected = np.array(image).reshape(1, 24, 32, -1)
    assert np.array_equal(read_pixels(path), expected)
    assert read_header(path).channels == expected.shape[-1]


def test_broken_notes_do_no_harm(tmp_path):
    """A damaged EXIF, a false index of further pictures and long profiles are passed over in silence."""
    path = tmp_path / "a.jpg"
    Image.fromarray(RGB).save(path)
    before = read_pixels(path)
    notes = [
        (0xE1, b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01\x03\0"),
        (0xE1, b"Exif\0\0MM\0*\0\0\xff\xff"),
        (0xE2, b"MPF\0" + bytes(20)),
        *[(0xE2, b"ICC_PROFILE\0\1\1" + bytes(60_000))] * 4,
        (0xFE, b"x" * 60_000),
    ]
    path.write_bytes(with_segments(path.read_bytes(), *notes))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_header(path).width == 32
        assert np.array_equal(read_pixels(path), before)


@pytest.mark.parametrize("order", ["<", ">"])
def test_orientation_behind_other_tags(tmp_path, order):
    """The tag is found in either byte order and among others."""
    tags = struct.pack(f"{order}HHII", 0x010F, 2, 4, 0x00434241)
    tags += struct.pack(f"{order}HHIHH", 0x0112, 3, 1, 6, 0)
    mark = b"II*\0" if order == "<" else b"MM\0*"
    exif = b"Exif\0\0" + mark + struct.pack(f"{order}IH", 8, 2) + tags + bytes(4)
    path = tmp_path / "a.jpg"
    Image.fromarray(RGB).save(path)
    path.write_bytes(with_segments(path.read_bytes(), (0xE1, exif)))
    header = read_header(path)
    assert (header.height, header.width) == (32, 24)
    with Image.open(path) as image:
        assert np.array_equal(read_pixels(path)[0], np.array(image).swapaxes(0, 1)[:, ::-1])


def test_what_pillow_cannot_is_said_in_words(tmp_path):
    """Twelve bits, of which the header tells."""
    path = tmp_path / "a.jpg"
    Image.fromarray(RGB).save(path)
    data = bytearray(path.read_bytes())
    data[data.index(b"\xff\xc0") + 4] = 12
    path.write_bytes(data)
    for read in (read_header, read_pixels):
        with pytest.raises(ImageReadError, match="12 bits in 3 channels are not read; save it as TIFF"):
            read(path)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
def test_bmp_of_every_kind(tmp_path, mode):
    """Palettes are applied, transparency goes, black and white is 0 and 255."""
    path = tmp_path / "a.bmp"
    image = Image.fromarray(RGB).convert(mode)
    image.save(path)
    expected = np.array(image.convert("L" if mode in "1L" else "RGB")).reshape(1, 24, 32, -1)
    assert np.array_equal(read_pixels(path), expected)
    assert read_header(path).channels == expected.shape[-1]


def test_bmp_from_top_to_bottom(tmp_path):
    """A negative height turns the rows round."""
    path = tmp_path / "a.bmp"
    Image.fromarray(RGB).save(path)
    data = bytearray(path.read_bytes())
    data[22:26] = struct.pack("<i", -24)
    path.write_bytes(data)
    assert np.array_equal(read_pixels(path)[0], RGB[::-1])
