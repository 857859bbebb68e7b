"""OME-Zarr folders of versions 0.4 and 0.5, plates of them, plain arrays, and what must stay closed."""

from __future__ import annotations

import contextlib
import json
import pickle
import tracemalloc
from pathlib import Path

import numcodecs
import numpy as np
import pytest
import zarr

from piximi_widgets.errors import ImageReadError
from piximi_widgets.imaging import is_image_folder, list_images, read_header, read_pixels

VALUES = np.random.default_rng(14).integers(0, 60000, (2, 3, 10, 12), dtype=np.uint16)
AXES = [
    {"name": "c", "type": "channel"},
    {"name": "z", "type": "space", "unit": "micrometer"},
    {"name": "y", "type": "space", "unit": "nanometer"},
    {"name": "x", "type": "space", "unit": "micrometer"},
]
NAMES = ("DAPI", "GFP")


def write(folder: Path, version: int, values=VALUES, axes=AXES, **options) -> Path:
    """An OME-Zarr image of two levels, the second of half the size."""
    group = zarr.open_group(folder, mode="w", zarr_format=version)
    for number, level in enumerate((values, values[..., ::2, ::2])):
        group.create_array(str(number), data=level, chunks=(1,) * (values.ndim - 2) + (4, 5), **options)
    datasets = [
        {
            "path": str(number),
            "coordinateTransformations": [
                {"type": "scale", "scale": [1, 2, 500 * 2**number, 0.25 * 2**number]}
            ],
        }
        for number in range(2)
    ]
    scale = {
        "axes": axes,
        "datasets": datasets,
        "coordinateTransformations": [{"type": "scale", "scale": [1, 1, 1, 2]}],
    }
    ome = {"multiscales": [scale], "omero": {"channels": [{"label": name} for name in NAMES]}}
    group.attrs.update({"ome": {"version": "0.5", **ome}} if version == 3 else ome)
    return folder


@pytest.mark.parametrize("version", [2, 3])
def test_an_image_of_each_version(tmp_path, version):
    """The largest level, axes by name, channel names, and micrometres from whatever unit."""
    folder = write(tmp_path / "a.zarr", version)
    header = read_header(folder)
    assert (header.planes, header.height, header.width, header.channels) == (3, 10, 12, 2)
    assert header.channel_names == NAMES
    assert header.pixel_size == (2.0, 0.5, 0.5)
    assert (header.dtype, header.guess) == ("uint16", None)
    assert np.array_equal(read_pixels(folder), np.moveaxis(VALUES, 0, -1))
    assert is_image_folder(folder)
    assert list_images(folder) == [str(folder)]


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("dtype", ["uint8", ">u2", "<i4", "float32", "bool"])
def test_dtypes(tmp_path, version, dtype):
    """The native type in native order, as in every other format."""
    values = (VALUES % 2).astype(dtype)
    pixels = read_pixels(write(tmp_path / "a.zarr", version, values))
    expected = np.moveaxis(values, 0, -1) * (255 if dtype == "bool" else 1)
    assert np.array_equal(pixels, expected)
    assert pixels.dtype.name == read_header(tmp_path / "a.zarr").dtype
    assert pixels.dtype.isnative


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("separator", [".", "/"])
@pytest.mark.parametrize("codec", ["Blosc", "Zlib", "GZip", "Zstd", "LZ4", "BZ2", "LZMA", None])
def test_chunks_of_format_2(tmp_path, codec, order, separator):
    """What the package zarr packs is unpacked here, with the fill value where a chunk is missing."""
    compressor = None if codec is None else getattr(numcodecs, codec)()
    array = zarr.create_array(
        tmp_path / "a.zarr", shape=(13, 17), chunks=(5, 6), dtype="<i2", fill_value=-7, zarr_format=2, order=order,
        compressors=compressor, filters=None, chunk_key_encoding={"name": "v2", "separator": separator},
    )  # fmt: skip
    array[:9] = np.arange(9 * 17).reshape(9, 17)
    assert np.array_equal(read_pixels(tmp_path / "a.zarr")[0, ..., 0], array[...])
    assert array[12, 16] == -7


@pytest.mark.parametrize("shuffle", ["noshuffle", "shuffle", "bitshuffle"])
@pytest.mark.parametrize("cname", ["lz4", "zstd", "zlib", "blosclz", "lz4hc"])
def test_blosc_of_every_kind(tmp_path, cname, shuffle):
    """All that Blosc has inside."""
    values = np.arange(200 * 300, dtype=np.uint16).reshape(200, 300)
    codec = zarr.codecs.BloscCodec(cname=cname, shuffle=shuffle)
    zarr.create_array(tmp_path / "a.zarr", data=values, chunks=(150, 150), compressors=codec)
    assert np.array_equal(read_pixels(tmp_path / "a.zarr")[0, ..., 0], values)


@pytest.mark.parametrize("encoding", ["default", "v2"])
@pytest.mark.parametrize("codecs", ["gzip", "zstd", "none", "transpose", "big", "crc32c", "shards", "first"])
def test_chunks_of_format_3(tmp_path, codecs, encoding):
    """Byte order, transposition, check sums and shards with gaps."""
    options: dict = {
        "gzip": {"compressors": zarr.codecs.GzipCodec()},
        "zstd": {"compressors": zarr.codecs.ZstdCodec()},
        "none": {"compressors": None},
        "transpose": {"filters": zarr.codecs.TransposeCodec(order=(2, 0, 1))},
        "big": {"serializer": zarr.codecs.BytesCodec(endian="big")},
        "crc32c": {"compressors": [zarr.codecs.ZstdCodec(), zarr.codecs.Crc32cCodec()]},
        "shards": {"shards": (4, 10, 12)},
        "first": {"shards": {"shape": (4, 10, 12), "index_location": "start"}},
    }[codecs]
    array = zarr.create_array(
        tmp_path / "a.zarr", shape=(3, 13, 17), chunks=(2, 5, 6), dtype="uint16", fill_value=9,
        chunk_key_encoding={"name": encoding}, **options,
    )  # fmt: skip
    array[1:, :4] = np.arange(2 * 4 * 17).reshape(2, 4, 17)
    assert np.array_equal(read_pixels(tmp_path / "a.zarr")[..., 0], array[...])


def test_a_chunk_that_swells_is_refused(tmp_path):
    """A few bytes that unpack to gigabytes fill nothing: no more is unpacked than a chunk can hold."""
    for codec in (numcodecs.GZip(), numcodecs.Zlib(), numcodecs.BZ2(), numcodecs.Zstd(), numcodecs.LZ4()):
        folder = tmp_path / type(codec).__name__
        zarr.create_array(folder, data=np.ones((8, 8), "u1"), zarr_format=2, compressors=codec, filters=None)
        (folder / "0.0").write_bytes(codec.encode(bytes(2**28)))
        tracemalloc.start()
        with contextlib.suppress(ImageReadError):
            read_pixels(folder)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2**24, type(codec)


def test_a_plate_is_its_fields(tmp_path):
    """list_images gives each field's folder, well by well; the plate itself is no image."""
    plate = tmp_path / "plate.zarr"
    wells = [{"path": "A/1"}, {"path": "B/2"}]
    zarr.open_group(plate, mode="w", zarr_format=2).attrs["plate"] = {"wells": wells}
    expected = []
    for number, well in enumerate(wells):
        images = [{"path": str(field)} for field in range(number + 1)]
        zarr.open_group(plate / well["path"], mode="w", zarr_format=2).attrs["well"] = {"images": images}
        for image in images:
            field = write(plate / well["path"] / image["path"], 2, VALUES + number)
            expected.append(str(field))
    assert list_images(plate) == expected
    assert np.array_equal(read_pixels(expected[2]), np.moveaxis(VALUES + 1, 0, -1))
    with pytest.raises(ImageReadError, match=r"a plate or a series of 3 images.*A/1/0"):
        read_header(plate)


def test_a_series_of_images_is_each_of_them(tmp_path):
    """bioformats2raw puts the images of one file side by side."""
    zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=2).attrs["bioformats2raw.layout"] = 3
    paths = [str(write(tmp_path / "a.zarr" / str(number), 2)) for number in (0, 1, 10)]
    assert list_images(tmp_path / "a.zarr") == paths


def test_a_plain_array_is_guessed_or_told(tmp_path):
    """Without names the guess is reported, and what cannot be guessed has to be said."""
    zarr.create_array(tmp_path / "a.zarr", data=VALUES[0])
    assert "planes, height and width" in read_header(tmp_path / "a.zarr").guess
    assert np.array_equal(read_pixels(tmp_path / "a.zarr")[..., 0], VALUES[0])
    assert np.array_equal(read_pixels(tmp_path / "a.zarr", axes="CYX")[0], np.moveaxis(VALUES[0], 0, -1))
    zarr.create_array(tmp_path / "b.zarr", data=VALUES)
    with pytest.raises(ImageReadError, match=r"does not name its 4 axes \(2 x 3 x 10 x 12\).*say axes="):
        read_header(tmp_path / "b.zarr")
    zarr.create_array(tmp_path / "c.zarr", data=VALUES, dimension_names=["channel", "plane", "y", "x"])
    assert read_header(tmp_path / "c.zarr").guess is None
    assert np.array_equal(read_pixels(tmp_path / "c.zarr"), np.moveaxis(VALUES, 0, -1))


def test_time_is_refused_unless_told(tmp_path):
    """The rule of all formats."""
    axes = [{"name": "t", "type": "time"}, *AXES[1:]]
    folder = write(tmp_path / "a.zarr", 2, axes=axes)
    with pytest.raises(ImageReadError, match="2 time points"):
        read_header(folder)
    assert read_header(folder, axes="CZYX").channels == 2


class Bomb:
    def __reduce__(self):
        return Path.touch, (Path(Bomb.target),)


def test_no_codec_runs_a_strangers_code(tmp_path):
    """numcodecs knows a pickle; an array that is packed with it stays closed."""
    folder = tmp_path / "a.zarr"
    folder.mkdir()
    Bomb.target = str(tmp_path / "ran")
    meta = {
        "zarr_format": 2, "shape": [4, 4], "chunks": [4, 4], "dtype": "|u1", "fill_value": 0, "order": "C",
        "compressor": None, "filters": [{"id": "pickle", "protocol": 5}],
    }  # fmt: skip
    (folder / ".zarray").write_text(json.dumps(meta))
    (folder / "0.0").write_bytes(pickle.dumps(Bomb()))
    for read in (read_header, read_pixels):
        with pytest.raises(ImageReadError, match="filters 'pickle', which are not read"):
            read(folder)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("path", ["../secret", "/etc"])
def test_metadata_do_not_lead_outside(tmp_path, path):
    """A path in a stranger's file stays in its folder."""
    zarr.create_array(tmp_path / "secret", data=VALUES[0, 0])
    folder = write(tmp_path / "a.zarr", 2)
    attributes = json.loads((folder / ".zattrs").read_text())
    attributes["multiscales"][0]["datasets"][0]["path"] = path
    (folder / ".zattrs").write_text(json.dumps(attributes))
    with pytest.raises(ImageReadError, match="outside of the folder"):
        read_header(folder)


@pytest.mark.parametrize("name", [".zattrs", "0/.zarray"])
@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"multiscales": 5}', '{"shape": "x"}', '{"multiscales": [{}]}']
)
def test_damaged_metadata_get_a_reason(tmp_path, name, content):
    """Every failure is the one exception, with the folder's name."""
    folder = write(tmp_path / "a.zarr", 2)
    (folder / name).write_text(content)
    for read in (read_header, read_pixels):
        with pytest.raises(ImageReadError, match="a.zarr: "):
            read(folder)


def test_a_group_without_an_image_says_so(tmp_path):
    """And an ordinary folder is a folder."""
    zarr.open_group(tmp_path / "a.zarr", mode="w")
    with pytest.raises(ImageReadError, match="no multiscales"):
        read_header(tmp_path / "a.zarr")
    with pytest.raises(ImageReadError, match="a folder"):
        read_header(tmp_path)
    assert not is_image_folder(tmp_path)


def test_stores_in_a_network_are_refused():
    """Nothing leaves the machine."""
    with pytest.raises(ImageReadError, match="from disk only"):
        read_header("https://example.org/a.zarr")
