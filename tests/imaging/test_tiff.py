"""TIFF files as microscopes and ImageJ write them."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image

from piximi_widgets.errors import ImageReadError
from piximi_widgets.imaging import read_header, read_pixels

RANDOM = np.random.default_rng(6)


def agree(path) -> np.ndarray:
    """Read a file and check that its header had announced just that array."""
    pixels, header = read_pixels(path), read_header(path)
    assert pixels.shape == (header.planes, header.height, header.width, header.channels)
    assert pixels.dtype.name == header.dtype
    return pixels


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "uint32", "float32", "float64"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_dtype_and_byte_order(tmp_path, dtype, byteorder):
    """Values keep their type, in the machine's byte order whatever the file's is."""
    values = (RANDOM.random((6, 9)) * 200).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", values, byteorder=byteorder)
    pixels = agree(tmp_path / "a.tif")
    assert pixels.dtype == dtype
    assert pixels.dtype.isnative
    assert np.array_equal(pixels[0, ..., 0], values)


@pytest.mark.parametrize(
    ("axes", "shape"),
    [
        ("ZYX", (4, 6, 9)),
        ("CYX", (3, 6, 9)),
        ("ZCYX", (4, 2, 6, 9)),
        ("YXS", (6, 9, 3)),
        ("ZYXS", (4, 6, 9, 3)),
    ],
)
def test_imagej_axes(tmp_path, axes, shape):
    """Planes and channels are told apart by ImageJ's metadata and land on their axes."""
    dtype = np.uint8 if "S" in axes else np.uint16
    values = RANDOM.integers(0, 250, shape).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", values, imagej=True, metadata={"axes": axes})
    channel = "C" if "C" in axes else "S"
    expected = np.einsum(
        f"{axes.lower()}->{''.join(a for a in 'zyx' + channel.lower() if a in axes.lower())}", values
    )
    expected = expected if "Z" in axes else expected[None]
    expected = expected if channel in axes else expected[..., None]
    assert np.array_equal(agree(tmp_path / "a.tif"), expected)


def test_ome_axes(tmp_path):
    """OME-TIFF's order of axes is read from its metadata."""
    values = RANDOM.integers(0, 60000, (2, 4, 6, 9), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.ome.tif", values, metadata={"axes": "CZYX"})
    assert np.array_equal(agree(tmp_path / "a.ome.tif"), np.moveaxis(values, 0, -1))


def test_pages_without_metadata_are_planes(tmp_path):
    """Several pages that say nothing about themselves are a stack."""
    values = RANDOM.integers(0, 250, (3, 6, 9), dtype=np.uint8)
    pages = [Image.fromarray(page) for page in values]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    assert np.array_equal(agree(tmp_path / "a.tif"), values[..., None])


def test_time_points_are_refused_with_advice(tmp_path):
    """To guess that time is depth would mix up time points; the reason says what to do."""
    values = np.zeros((5, 6, 9), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", values, imagej=True, metadata={"axes": "TYX"})
    with pytest.raises(ImageReadError, match="5 time points; save each"):
        read_header(tmp_path / "a.tif")


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
@pytest.mark.parametrize("mode", ["L", "RGB", "I;16"])
def test_compressions(tmp_path, compression, mode):
    """The usual lossless compressions are read without a further package."""
    if mode == "RGB":
        values = RANDOM.integers(0, 4, (20, 30, 3), dtype=np.uint8)
    else:
        values = RANDOM.integers(0, 4, (20, 30)).astype(np.uint16 if mode == "I;16" else np.uint8)
    Image.fromarray(values).save(tmp_path / "a.tif", compression=compression)
    assert np.array_equal(agree(tmp_path / "a.tif"), values.reshape(1, 20, 30, -1))


def test_jpeg_compression(tmp_path):
    """A JPEG-compressed TIFF is read, with JPEG's small losses."""
    values = np.full((32, 48, 3), (200, 40, 90), np.uint8)
    Image.fromarray(values).save(tmp_path / "a.tif", compression="jpeg", quality=95)
    assert abs(agree(tmp_path / "a.tif")[0].astype(int) - values).max() < 8


def test_an_unknown_compression_names_the_way_out(tmp_path):
    """What no installed decoder reads is refused with what to install or do instead."""
    try:
        import imagecodecs  # noqa: F401
    except ImportError:
        pass
    else:
        pytest.skip("imagecodecs is installed and reads it")
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((64, 64), np.uint8))
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        tiff.pages[0].tags["Compression"].overwrite(34712)  # JPEG 2000
    with pytest.raises(ImageReadError, match=r"JPEG2000.*pip install imagecodecs, or save"):
        read_pixels(path)


def test_white_is_zero_is_turned_round(tmp_path):
    """Where a file calls 0 white, its values are inverted, so that bright is large everywhere."""
    values = RANDOM.integers(0, 250, (6, 9), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="miniswhite")
    assert np.array_equal(agree(tmp_path / "a.tif")[0, ..., 0], 255 - values)


@pytest.mark.parametrize(
    ("name", "shape", "dtype"),
    [
        ("16b_1c_fluorescence.tif", (1, 384, 384, 1), "uint16"),
        ("16b_4c_neuron-composite.tif", (1, 512, 512, 4), "uint16"),
        ("8b_1c_confocal-series_LUT.tif", (1, 400, 400, 1), "uint8"),
        ("8b_5c_rat_hippocampal_neuron.tif", (1, 512, 512, 5), "uint8"),
        ("8b_rgb_FluorescentCells.tif", (1, 512, 512, 3), "uint8"),
        ("9z_1c_8b_shorter_3d_monolayer_xy1_ch0.tif", (9, 256, 256, 1), "uint8"),
    ],
)
def test_piximis_own_images(piximi_files, name, shape, dtype):
    """ImageJ's sample images have the planes, channels and values that tifffile finds page by page."""
    pixels = agree(piximi_files / name)
    assert pixels.shape == shape
    assert pixels.dtype == dtype
    with tifffile.TiffFile(piximi_files / name) as tiff:
        pages = [page.asarray() for page in tiff.pages]
    for number, page in enumerate(pages):
        if shape[0] > 1:
            assert np.array_equal(pixels[number, ..., 0], page)
        elif len(pages) > 1:
            assert np.array_equal(pixels[0, ..., number], page)
        else:
            assert np.array_equal(pixels[0].squeeze(), page)


@pytest.mark.parametrize("name", ["CT1_UNC.explicit_big_endian.dcm", "CT1_UNC.implicit_little_endian.dcm"])
def test_dicom_is_refused_in_words(piximi_files, name):
    """Files of another kind are refused, not misread."""
    with pytest.raises(ImageReadError):
        read_header(piximi_files / name)
