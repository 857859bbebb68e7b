"""Image files become (planes, height, width, channels) arrays, and damage becomes a plain reason."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from piximi_widgets.errors import ImageReadError
from piximi_widgets.imaging import ImageHeader, read_header, read_pixels, to_planes

RANDOM = np.random.default_rng(5)
GREY = RANDOM.integers(0, 256, (7, 5), dtype=np.uint8)
RGB = RANDOM.integers(0, 256, (7, 5, 3), dtype=np.uint8)


def agree(path: Path) -> np.ndarray:
    """Read a file and check that its header had announced just that array."""
    pixels, header = read_pixels(path), read_header(path)
    assert pixels.shape == (header.planes, header.height, header.width, header.channels)
    assert pixels.dtype.name == header.dtype
    assert pixels.dtype.isnative
    return pixels


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
@pytest.mark.parametrize("values", [GREY, RGB], ids=["grey", "rgb"])
def test_lossless_formats_give_the_values_that_were_written(tmp_path, suffix, values):
    """What Pillow wrote without loss is read back value for value."""
    path = tmp_path / f"image.{suffix}"
    Image.fromarray(values).save(path)
    expected = values.reshape(1, 7, 5, -1)
    assert np.array_equal(agree(path), expected)


def test_png_transparency_is_dropped(tmp_path):
    """A fourth channel of transparency is no colour; the three colours stay exactly."""
    path = tmp_path / "image.png"
    Image.fromarray(np.dstack([RGB, GREY])).save(path)
    assert np.array_equal(agree(path)[0], RGB)
    Image.fromarray(np.dstack([GREY, GREY]), mode="LA").save(path)
    assert np.array_equal(agree(path)[0, ..., 0], GREY)


def test_png_palette_is_applied(tmp_path):
    """A palette PNG holds colours, not numbers of colours."""
    path = tmp_path / "image.png"
    picture = Image.fromarray(RGB).quantize(4)
    picture.save(path)
    assert np.array_equal(agree(path)[0], np.asarray(picture.convert("RGB")))


def test_black_and_white_is_0_and_255(tmp_path):
    """One bit a pixel becomes uint8 in every format."""
    bits = GREY > 127
    for suffix in ("png", "bmp"):
        path = tmp_path / f"image.{suffix}"
        Image.fromarray(bits).save(path)
        assert np.array_equal(agree(path)[0, ..., 0], bits * np.uint8(255)), suffix
    tifffile.imwrite(tmp_path / "bits.tif", bits, photometric="minisblack")
    assert np.array_equal(agree(tmp_path / "bits.tif")[0, ..., 0], bits * np.uint8(255))


def test_16_bit_grey_png_keeps_its_values(tmp_path):
    """A 16-bit grey PNG is uint16, not scaled and not clipped."""
    values = RANDOM.integers(0, 65536, (6, 4), dtype=np.uint16)
    path = tmp_path / "image.png"
    Image.fromarray(values).save(path)
    pixels = agree(path)
    assert pixels.dtype == np.uint16
    assert np.array_equal(pixels[0, ..., 0], values)


@pytest.mark.parametrize(("color", "channels", "kept"), [(2, 3, 3), (4, 2, 1), (6, 4, 3)])
def test_16_bit_colour_png_keeps_all_16_bits(wide_png, color, channels, kept):
    """Pillow would keep the upper 8 bits; all five row filters of PNG are undone."""
    values = RANDOM.integers(0, 65536, (11, 6, channels), dtype=np.uint16)
    pixels = agree(wide_png(values, color))
    assert pixels.dtype == np.uint16
    assert np.array_equal(pixels[0], values[..., :kept])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_jpeg_is_turned_upright(tmp_path, orientation):
    """The EXIF orientation turns pixels and header alike: the bright corner comes out top left."""
    upright = np.zeros((16, 24), dtype=np.uint8)
    upright[:8, :8] = 255
    # For each value of the tag, where the file's first row and column lie in the upright picture.
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: upright.T[::-1],
        7: upright.T[::-1, ::-1],
        8: upright.T[:, ::-1],
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "photo.jpg"
    Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif, quality=95)
    pixels = agree(path)
    assert pixels.shape == (1, 16, 24, 1)
    assert np.array_equal(pixels[0, ..., 0] > 127, upright > 127)


def test_cmyk_jpeg_is_rgb(tmp_path):
    """A print file is shown in colours that a screen has."""
    path = tmp_path / "print.jpg"
    Image.new("CMYK", (9, 8), (0, 255, 255, 0)).save(path)
    pixels = agree(path)
    assert pixels.shape == (1, 8, 9, 3)
    red, green, blue = pixels[0].reshape(-1, 3).mean(axis=0)
    assert red > 200 > 60 > max(green, blue)


def test_content_decides_not_the_suffix(tmp_path):
    """A PNG that is called .tif is read as PNG."""
    path = tmp_path / "wrong.tif"
    Image.fromarray(GREY).save(path, format="PNG")
    assert np.array_equal(agree(path)[0, ..., 0], GREY)


def test_header_needs_no_pixels(tmp_path):
    """A header is read from a file whose compressed pixels are rubbish."""
    path = tmp_path / "image.png"
    Image.fromarray(GREY).save(path)
    data = path.read_bytes()
    at = data.index(b"IDAT") + 4
    path.write_bytes(data[:at] + bytes(len(data) - at - 16) + data[-16:])
    assert read_header(path) == ImageHeader(7, 5, 1, 1, "uint8")
    with pytest.raises(ImageReadError, match=r"image\.png: .*damaged"):
        read_pixels(path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif"])
@pytest.mark.parametrize("kept", [0.97, 0.6, 0.2])
def test_a_truncated_file_is_noticed_by_its_header(tmp_path, suffix, kept):
    """A file that ends too early is refused before anybody labels it, and so are its pixels."""
    path = tmp_path / f"image.{suffix}"
    Image.fromarray(RANDOM.integers(0, 256, (60, 80, 3), dtype=np.uint8)).save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    for read in (read_header, read_pixels):
        with pytest.raises(ImageReadError, match=f"{path.name}: .*(cut off|damaged)"):
            read(path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif"])
def test_bytes_after_the_picture_do_no_harm(tmp_path, suffix):
    """What some programs append behind the end of a picture does not make it a damaged one."""
    path = tmp_path / f"image.{suffix}"
    Image.fromarray(GREY).save(path)
    before = read_pixels(path)
    with path.open("ab") as file:
        file.write(b"trailer" * 1000)
    assert np.array_equal(agree(path), before)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"hello, this is a text", "not a PNG, JPEG, BMP or TIFF"),
        (b"\x89PNG\r\n\x1a\n", "cut off"),
        (b"\xff\xd8\xff\xe0", "damaged|cut off|cannot"),
        (b"BM", "damaged|cut off"),
        (b"II*\0", "damaged|cut off|no image"),
        (b"II*\0\x08\0\0\0\0\0\0\0\0\0", "damaged|cut off|no image"),
    ],
)
def test_what_is_no_image_gets_a_reason(tmp_path, content, reason):
    """Every refusal names the file and says why in words."""
    path = tmp_path / "strange.png"
    path.write_bytes(content)
    for read in (read_header, read_pixels):
        with pytest.raises(ImageReadError, match=rf"strange\.png: .*({reason})"):
            read(path)


def test_missing_files_and_folders_get_a_reason(tmp_path):
    """No bare OSError reaches a user."""
    with pytest.raises(ImageReadError, match="no such file"):
        read_header(tmp_path / "nowhere.png")
    with pytest.raises(ImageReadError, match="a folder"):
        read_pixels(tmp_path)


def test_a_header_that_promises_terabytes_is_refused(tmp_path, wide_png):
    """An image bomb is refused by its header, before memory is asked for."""
    path = wide_png(np.zeros((2, 2, 3), np.uint16), 2)
    data = bytearray(path.read_bytes())
    data[16:24] = (200_000).to_bytes(4, "big") * 2
    path.write_bytes(bytes(data))
    for read in (read_header, read_pixels):
        with pytest.raises(ImageReadError, match=r"200000|4 GB"):
            read(path)


def test_every_random_damage_is_an_image_read_error(tmp_path):
    """Bytes overwritten at random never raise anything else, whatever the decoder stumbles over."""
    random = np.random.default_rng(11)
    originals = {}
    for suffix in ("png", "jpg", "bmp"):
        Image.fromarray(RGB).save(tmp_path / f"a.{suffix}")
        originals[suffix] = (tmp_path / f"a.{suffix}").read_bytes()
    tifffile.imwrite(tmp_path / "a.tif", RGB[None].repeat(2, 0), compression="zlib")
    originals["tif"] = (tmp_path / "a.tif").read_bytes()
    for suffix, data in originals.items():
        path = tmp_path / f"damaged.{suffix}"
        for _ in range(40):
            damaged = bytearray(data)
            for position in random.integers(0, len(data), 3):
                damaged[position] = random.integers(0, 256)
            path.write_bytes(bytes(damaged))
            for read in (read_header, read_pixels):
                try:
                    read(path)
                except ImageReadError:
                    continue


def test_unreadable_rights_get_a_reason(tmp_path):
    """A file that the user may not read is named as such."""
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    path = tmp_path / "secret.png"
    Image.fromarray(GREY).save(path)
    path.chmod(0)
    with pytest.raises(ImageReadError, match="no permission"):
        read_header(path)


def test_to_planes_adds_the_missing_axes():
    """Two, three and four axes are understood; others, and empty ones, are refused."""
    assert to_planes(GREY).shape == (1, 7, 5, 1)
    assert to_planes(RGB).shape == (1, 7, 5, 3)
    assert to_planes(RGB[None]).shape == (1, 7, 5, 3)
    assert np.array_equal(to_planes(GREY > 9)[0, ..., 0], (GREY > 9) * np.uint8(255))
    assert to_planes(GREY.astype(">u2")).dtype.isnative
    for wrong in (GREY[0], RGB[None, None], GREY[:0], GREY.astype(complex), np.array([["a"]])):
        with pytest.raises(ValueError, match=r"axes|pixels|numbers"):
            to_planes(wrong)
