"""Bounded sizes: what a header may claim, which setting lifts the limit, and that nothing is left open."""

from __future__ import annotations

import contextlib
import gc
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import psutil
import pytest
import tifffile
from PIL import Image

from piximi_widgets.errors import ImageReadError
from piximi_widgets.imaging import read_header, read_pixels
from tests.imaging.seeds import write_seeds

SETTING = "PIXIMI_WIDGETS_MAX_IMAGE_GB"


def png_that_claims(path: Path, height: int, width: int, filler: int = 0) -> Path:
    """A PNG whose header announces a size, with `filler` bytes where the pixels should be."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", bytes(filler)), (b"IEND", b"")]
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
            for name, body in chunks
        )
    )
    return path


@pytest.fixture(autouse=True)
def no_setting(monkeypatch):
    """The tests speak of the limits as they are without the variable."""
    monkeypatch.delenv(SETTING, raising=False)


def test_more_than_four_gigabytes_are_refused_and_the_setting_lifts_that(tmp_path, monkeypatch):
    """The message names the variable, and to set it helps."""
    path = png_that_claims(tmp_path / "a.png", 100_000, 50_000, filler=6_000_000)
    for read in (read_header, read_pixels):
        with pytest.raises(
            ImageReadError, match=rf"100000 x 50000 x 1 values, .*more than the 4 GB.*{SETTING}"
        ):
            read(path)
    monkeypatch.setenv(SETTING, "10")
    assert read_header(path).height == 100_000
    monkeypatch.setenv(SETTING, "0.5")
    with pytest.raises(ImageReadError, match="more than the 0.5 GB"):
        read_header(path)
    monkeypatch.setenv(SETTING, "plenty")
    with pytest.raises(ImageReadError, match=f"{SETTING} is 'plenty'; it must be a number"):
        read_header(path)


def test_a_bomb_is_refused_and_a_dense_picture_is_not(tmp_path, monkeypatch):
    """Above 256 MB a thousandth of that must be there; below, anything may be empty."""
    bomb = png_that_claims(tmp_path / "bomb.png", 20_000, 20_000, filler=300_000)
    for read in (read_header, read_pixels):
        with pytest.raises(ImageReadError, match=f"less than a thousandth.*{SETTING}"):
            read(bomb)
    assert read_header(png_that_claims(tmp_path / "b.png", 20_000, 20_000, filler=400_000)).width == 20_000
    assert read_header(png_that_claims(tmp_path / "c.png", 16_000, 16_000)).width == 16_000
    monkeypatch.setenv(SETTING, "4")
    assert read_header(bomb).width == 20_000


def test_a_tiff_bomb_is_refused(tmp_path):
    """Seventy megabytes of nothing are read; half a gigabyte of it is not."""
    black = np.zeros((6_000, 6_000), np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", black, compression="zlib")
    assert read_pixels(tmp_path / "a.tif").max() == 0
    data = bytearray((tmp_path / "a.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        tags = [tiff.pages[0].tags[name] for name in ("ImageWidth", "ImageLength", "RowsPerStrip")]
    for tag in tags:
        struct.pack_into("<HHII", data, tag.offset, tag.code, 4, 1, 16_000)
    (tmp_path / "a.tif").write_bytes(data)
    for read in (read_header, read_pixels):
        with pytest.raises(ImageReadError, match="less than a thousandth"):
            read(tmp_path / "a.tif")


def test_a_strip_that_swells_is_cut(tmp_path):
    """A strip that inflates to more than the page needs takes no more memory than the page."""
    tifffile.imwrite(tmp_path / "a.tif", np.ones((64, 64), np.uint8), compression="zlib")
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+b") as tiff:
        page = tiff.pages[0]
        swelling = zlib.compress(bytes(2**28))
        end = tiff.filehandle.size
        page.tags["StripOffsets"].overwrite(end)
        page.tags["StripByteCounts"].overwrite(len(swelling))
    with (tmp_path / "a.tif").open("r+b") as file:
        file.seek(end)
        file.write(swelling)
    process = psutil.Process()
    before = process.memory_info().rss
    with contextlib.suppress(ImageReadError):
        read_pixels(tmp_path / "a.tif")
    assert process.memory_info().rss - before < 2**26


@pytest.mark.parametrize("compression", ["jpeg", "jpeg2000"])
def test_a_part_that_announces_more_than_its_page_is_refused(tmp_path, compression):
    """Decoders make room for what a strip says of itself; it may not say more than the page."""
    values = np.zeros((64, 64), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", values, compression=compression)
    assert read_pixels(tmp_path / "a.tif").shape == (1, 64, 64, 1)
    data = (tmp_path / "a.tif").read_bytes()
    if compression == "jpeg":
        place = data.index(b"\xff\xc0") + 5
        claimed = (60_000).to_bytes(2, "big") * 2
    else:
        place = data.index(b"\xff\x4f\xff\x51") + 8
        claimed = (60_000).to_bytes(4, "big") * 2
    (tmp_path / "a.tif").write_bytes(data[:place] + claimed + data[place + len(claimed) :])
    with pytest.raises(ImageReadError, match="announces 60000 x 60000 pixels, more than its page has"):
        read_pixels(tmp_path / "a.tif")


def test_pillow_warns_nobody(tmp_path):
    """Pillow calls ninety million pixels a bomb; here they are a slide, and are read without a word."""
    Image.fromarray(np.zeros((9_500, 9_500), np.uint8)).save(tmp_path / "a.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_header(tmp_path / "a.png").height == 9_500
        assert read_pixels(tmp_path / "a.png").shape == (1, 9_500, 9_500, 1)


def test_pillows_own_limit_does_not_hold(tmp_path, monkeypatch):
    """Where Pillow raises an error, ours alone decides."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
    values = np.arange(900, dtype=np.uint8).reshape(30, 30)
    for suffix in ("png", "jpg", "bmp"):
        Image.fromarray(values).save(tmp_path / f"a.{suffix}")
        assert read_pixels(tmp_path / f"a.{suffix}").shape == (1, 30, 30, 1)


def test_five_hundred_opens_leave_nothing_open(tmp_path):
    """No file stays open and no memory is lost, whether a file is good or damaged."""
    process = psutil.Process()
    seeds = write_seeds(tmp_path / "seeds")
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for path in seeds:
        if path.is_file():
            (damaged / path.name).write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])

    def open_all() -> int:
        count = 0
        for path in [*seeds, *damaged.iterdir()]:
            for read in (read_header, read_pixels):
                count += 1
                try:
                    read(path)
                except ImageReadError:
                    continue
        return count

    open_all()
    gc.collect()
    gc.disable()
    try:
        files, memory = process.num_fds(), process.memory_info().rss
        opened = 0
        while opened < 500:
            opened += open_all()
            assert process.num_fds() <= files
    finally:
        gc.enable()
    gc.collect()
    assert process.memory_info().rss - memory < 32 * 2**20


def test_a_refused_file_can_be_replaced(tmp_path):
    """On Windows an open file cannot be; nothing may hold it after the error."""
    path = png_that_claims(tmp_path / "a.png", 10, 10)
    for _ in range(3):
        with pytest.raises(ImageReadError):
            read_pixels(path)
    assert not [file for file in psutil.Process().open_files() if file.path == str(path)]
