"""PNG files of every depth and colour type, written byte by byte by the tests."""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from piximi_widgets.errors import ImageReadError
from piximi_widgets.imaging import read_header, read_pixels

RANDOM = np.random.default_rng(12)


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def write_png(path: Path, values: np.ndarray, depth: int, color: int, *more: bytes) -> None:
    """A PNG whose samples are `values` (H, W, samples), each packed into `depth` bits."""
    height, width = values.shape[:2]
    rows = b""
    for row in values.reshape(height, -1):
        bits = "".join(f"{int(value):0{depth}b}" for value in row)
        bits += "0" * (-len(bits) % 8)
        rows += b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    body = b"".join([chunk(b"IHDR", header), *more, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")])
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_grey_of_every_depth(tmp_path, depth):
    """Below 8 bits grey is spread over 0 to 255 as the specification asks; 8 and 16 bits stay."""
    values = RANDOM.integers(0, 2**depth, (7, 5, 1))
    write_png(tmp_path / "a.png", values, depth, 0)
    pixels = read_pixels(tmp_path / "a.png")
    factor = {1: 255, 2: 85, 4: 17}.get(depth, 1)
    assert np.array_equal(pixels[0], values * factor)
    assert pixels.dtype == (np.uint16 if depth == 16 else np.uint8)
    header = read_header(tmp_path / "a.png")
    assert (header.height, header.width, header.channels, header.dtype) == (7, 5, 1, pixels.dtype.name)


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_palettes_of_every_depth(tmp_path, depth):
    """Numbers of colours become colours."""
    colors = RANDOM.integers(0, 256, (2**depth, 3), dtype=np.uint8)
    values = RANDOM.integers(0, 2**depth, (7, 5, 1))
    write_png(tmp_path / "a.png", values, depth, 3, chunk(b"PLTE", colors.tobytes()))
    assert np.array_equal(read_pixels(tmp_path / "a.png")[0], colors[values[..., 0]])
    assert read_header(tmp_path / "a.png").channels == 3


@pytest.mark.parametrize(("color", "samples", "kept"), [(2, 3, 3), (4, 2, 1), (6, 4, 3)])
@pytest.mark.parametrize("depth", [8, 16])
def test_colour_and_transparency(tmp_path, color, samples, kept, depth):
    """Colours stay, transparency goes, at 8 and at 16 bits."""
    values = RANDOM.integers(0, 2**depth, (7, 5, samples))
    write_png(tmp_path / "a.png", values, depth, color)
    assert np.array_equal(read_pixels(tmp_path / "a.png")[0], values[..., :kept])


def test_notes_do_no_harm(tmp_path):
    """Transparency, texts, animations and broken profiles are passed over without a warning."""
    values = RANDOM.integers(0, 2, (7, 5, 1))
    colors = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
    notes = [
        chunk(b"PLTE", colors.tobytes()),
        chunk(b"tRNS", b"\0\x80"),
        chunk(b"acTL", b"\0\0\0\0\0\0\0\0"),
        chunk(b"iCCP", b"broken"),
        chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**7))),
        chunk(b"eXIf", b"MM\0*\0\0\0\x08\xff\xff"),
    ]
    write_png(tmp_path / "a.png", values, 1, 3, *notes)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(read_pixels(tmp_path / "a.png")[0], colors[values[..., 0]])


def test_interlaced_pictures(tmp_path):
    """Adam7, which no writer at hand makes, is refused or read right: Pillow reads it."""
    # 1 x 1 pixels have one pass only, so that the file is interlaced and plain at once.
    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 1)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\x37")) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    assert read_pixels(tmp_path / "a.png").tolist() == [[[[0x37]]]]


@pytest.mark.parametrize(("depth", "color"), [(3, 0), (16, 3), (4, 2), (8, 5), (0, 0)])
def test_impossible_depths_are_refused(tmp_path, depth, color):
    """The header alone tells that no decoder will manage."""
    write_png(tmp_path / "a.png", np.zeros((2, 2, 1)), 8, 0)
    data = bytearray((tmp_path / "a.png").read_bytes())
    data[24:26] = bytes([depth, color])
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(ImageReadError, match="damaged"):
        read_header(tmp_path / "a.png")


def test_large_and_small_files_end_where_they_end(tmp_path):
    """Files of just below, at and above what is read at once are complete, and cut by a byte they are not."""
    for side in (20, 88, 89, 90, 91, 200):
        path = tmp_path / f"{side}.png"
        Image.fromarray(RANDOM.integers(0, 256, (side, side), dtype=np.uint8)).save(path)
        assert read_header(path).height == side
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(ImageReadError, match="cut off"):
            read_header(path)
