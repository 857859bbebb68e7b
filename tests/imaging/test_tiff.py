"""TIFF files as microscopes and ImageJ write them."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from piximi_widgets.errors import ImageReadError
from piximi_widgets.imaging import read_header, read_pixels
from piximi_widgets.imaging.headers import open_file
from piximi_widgets.imaging.tiff import open_tiff
from piximi_widgets.imaging.tiff_plain import plain_tiff

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
    # By hand: ImageJ's pages go channel by channel, then slice by slice.
    with tifffile.TiffFile(piximi_files / name) as tiff:
        pages = np.stack([page.asarray() for page in tiff.pages])
        told = tiff.imagej_metadata or {}
    channels, slices = told.get("channels", 1), told.get("slices", 1)
    if pages.ndim == 3:
        expected = np.moveaxis(pages.reshape(slices, channels, *pages.shape[1:]), 1, -1)
    else:
        expected = pages
    assert np.array_equal(pixels, expected)


@pytest.mark.parametrize("bits", [1, 2, 4, 10, 12, 14])
def test_packed_bits_become_whole_bytes(tmp_path, bits):
    """A camera's 12 bits are uint16 with the values that were measured, not scaled; 1 bit is 0 and 255."""
    values = RANDOM.integers(0, 2**bits, (6, 11), dtype=np.uint16)
    write_bits(tmp_path / "a.tif", values, bits)
    pixels = agree(tmp_path / "a.tif")
    assert pixels.dtype == (np.uint16 if bits > 8 else np.uint8)
    assert np.array_equal(pixels[0, ..., 0], values * (255 if bits == 1 else 1))


@pytest.mark.parametrize("bits", [12, 16])
def test_white_is_zero_is_turned_round_within_its_bits(tmp_path, bits):
    """The darkest of 12 bits is 4095, not 65535."""
    values = RANDOM.integers(0, 2**bits, (6, 10), dtype=np.uint16)
    write_bits(tmp_path / "a.tif", values, bits, photometric=0)
    assert np.array_equal(agree(tmp_path / "a.tif")[0, ..., 0], 2**bits - 1 - values)


def write_bits(path: Path, values: np.ndarray, bits: int, photometric: int = 1) -> None:
    """A TIFF of one strip by hand, in big-endian order, as the specification of version 6.0 says."""
    height, width = values.shape
    rows = ("".join(f"{value:0{bits}b}" for value in row) for row in values.tolist())
    filled = [row + "0" * (-len(row) % 8) for row in rows]
    data = b"".join(int(row, 2).to_bytes(len(row) // 8, "big") for row in filled)
    tags = [(256, width), (257, height), (258, bits), (259, 1), (262, photometric), (273, 8), (277, 1),
            (278, height), (279, len(data))]  # fmt: skip
    body = b"MM\0*" + (8 + len(data)).to_bytes(4, "big") + data + len(tags).to_bytes(2, "big")
    for tag, value in tags:
        body += tag.to_bytes(2, "big") + b"\0\x04" + (1).to_bytes(4, "big") + value.to_bytes(4, "big")
    path.write_bytes(body + bytes(4))


@pytest.mark.parametrize("compression", ["lzw", "zlib", "zstd", "packbits", "jpeg2000", "lzma", None])
@pytest.mark.parametrize(
    "options", [{}, {"tile": (16, 32)}, {"rowsperstrip": 5}, {"bigtiff": True}, {"byteorder": ">"}]
)
def test_compressed_tiled_big_and_big_endian(tmp_path, compression, options):
    """What imagecodecs unpacks comes out as it was written."""
    if compression == "jpeg2000" and "byteorder" in options:
        pytest.skip("tifffile writes swapped bytes into such a file")
    values = RANDOM.integers(0, 60000, (50, 70), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", values, compression=compression, **options)
    assert np.array_equal(agree(tmp_path / "a.tif")[0, ..., 0], values)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32])
def test_predictors(tmp_path, dtype):
    """Differences of neighbours are summed up again."""
    values = (RANDOM.random((40, 60)) * 200).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", values, compression="zlib", predictor=True)
    assert np.array_equal(agree(tmp_path / "a.tif")[0, ..., 0], values)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("compression", [None, "lzw"])
def test_planar_colours(tmp_path, dtype, compression):
    """Red, green and blue one after another are the colours of a pixel."""
    values = RANDOM.integers(0, 250, (20, 30, 3)).astype(dtype)
    planes = np.moveaxis(values, -1, 0)
    tifffile.imwrite(
        tmp_path / "a.tif", planes, photometric="rgb", planarconfig="separate", compression=compression
    )
    assert np.array_equal(agree(tmp_path / "a.tif")[0], values)


def test_four_samples_are_four_channels(tmp_path):
    """What calls itself transparency is a fourth stain as often as not, and stays."""
    values = RANDOM.integers(0, 60000, (20, 30, 4), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb", extrasamples=["unassalpha"])
    assert np.array_equal(agree(tmp_path / "a.tif")[0], values)


def test_jpeg_in_ycbcr_is_rgb_and_other_ycbcr_is_refused(tmp_path):
    """Slide scanners store JPEG's own colours; without JPEG they would come out wrong."""
    values = np.full((32, 48, 3), (200, 40, 90), np.uint8)
    strip = io.BytesIO()
    Image.fromarray(values).save(strip, "JPEG", quality=95)
    told = {"shape": values.shape, "dtype": "uint8", "compression": "jpeg", "photometric": "ycbcr"}
    tifffile.imwrite(tmp_path / "a.tif", iter([strip.getvalue()]), rowsperstrip=32, **told)
    assert abs(agree(tmp_path / "a.tif")[0].astype(int) - values).max() < 10
    tifffile.imwrite(tmp_path / "b.tif", values, photometric="rgb")
    with tifffile.TiffFile(tmp_path / "b.tif", mode="r+b") as tiff:
        tiff.pages[0].tags["PhotometricInterpretation"].overwrite(6)
    with pytest.raises(ImageReadError, match="stored as YCbCr; save it as RGB"):
        read_header(tmp_path / "b.tif")


def test_a_colour_table_is_not_applied_and_a_doubtful_one_reported(tmp_path):
    """Values are what was measured. Where the table is no ramp, that is said, since they may be colours' numbers."""
    values = RANDOM.integers(0, 256, (20, 30), dtype=np.uint8)
    ramp = np.zeros((3, 256), np.uint16)
    ramp[1] = np.arange(256) * 257
    tifffile.imwrite(tmp_path / "green.tif", values, photometric="palette", colormap=ramp)
    assert np.array_equal(agree(tmp_path / "green.tif")[0, ..., 0], values)
    assert read_header(tmp_path / "green.tif").guess is None
    colors = RANDOM.integers(0, 65536, (3, 256), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "colors.tif", values, photometric="palette", colormap=colors)
    assert np.array_equal(agree(tmp_path / "colors.tif")[0, ..., 0], values)
    assert "colour table" in read_header(tmp_path / "colors.tif").guess
    tifffile.imwrite(tmp_path / "glasbey.tif", values, imagej=True, colormap=(colors >> 8).astype(np.uint8))
    assert read_header(tmp_path / "glasbey.tif").guess is None


def test_only_the_largest_level_of_a_pyramid(tmp_path):
    """Smaller copies in SubIFDs or as further pages are no planes."""
    values = RANDOM.integers(0, 60000, (3, 64, 96), dtype=np.uint16)
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as file:
        file.write(values, subifds=2, metadata={"axes": "CYX"}, tile=(16, 16))
        for factor in (2, 4):
            file.write(values[:, ::factor, ::factor], subfiletype=1, tile=(16, 16))
    assert np.array_equal(agree(tmp_path / "a.ome.tif")[0], np.moveaxis(values, 0, -1))
    with tifffile.TiffWriter(tmp_path / "b.tif") as file:
        file.write(values[0, ::4, ::4], subfiletype=1, metadata=None)
        file.write(values[0], metadata=None)
        file.write(values[0, ::2, ::2], subfiletype=1, metadata=None)
    assert np.array_equal(agree(tmp_path / "b.tif")[0, ..., 0], values[0])
    assert read_header(tmp_path / "b.tif").guess is None


def test_a_slide_is_its_baseline(tmp_path):
    """Label, macro and thumbnail of an SVS are ignored, and its micrometres are read."""
    slide = RANDOM.integers(0, 250, (96, 128, 3), dtype=np.uint8)
    with tifffile.TiffWriter(tmp_path / "a.svs") as file:
        told = {"photometric": "rgb", "metadata": None}
        text = "Aperio Image Library v11.2.1\r\n128x96 |AppMag = 20|MPP = 0.4990"
        file.write(slide, tile=(32, 32), description=text, **told)
        file.write(slide[::4, ::4], description="Aperio Image Library v11.2.1\r\n32x24", **told)
        file.write(slide[::2, ::2], tile=(32, 32), description="Aperio Image Library v11.2.1\r\n", **told)
        file.write(slide[:20, :30], subfiletype=1, description="Aperio\r\nlabel 30x20", **told)
        file.write(slide[:10, :50], subfiletype=9, description="Aperio\r\nmacro 50x10", **told)
    assert np.array_equal(agree(tmp_path / "a.svs")[0], slide)
    header = read_header(tmp_path / "a.svs")
    assert (header.guess, header.pixel_size) == (None, (None, 0.499, 0.499))


def test_several_ome_images_are_refused(tmp_path):
    """Which of them is meant cannot be known; the message says how many there are and what to do."""
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as file:
        for side in (8, 9, 10):
            file.write(np.zeros((side, 12), np.uint8), metadata={"axes": "YX"})
    for read in (read_header, read_pixels):
        with pytest.raises(ImageReadError, match=r"holds 3 images \(8 x 12, 9 x 12, 10 x 12\); save each"):
            read(tmp_path / "a.ome.tif")


def test_pictures_of_different_kinds_are_reported(tmp_path):
    """Pages of other sizes are no planes; the first is read, and that is said."""
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(np.ones((8, 12), np.uint8), metadata=None)
        file.write(np.zeros((9, 12), np.uint8), metadata=None)
    assert agree(tmp_path / "a.tif").shape == (1, 8, 12, 1)
    assert "2 pictures of different kinds (8 x 12, 9 x 12)" in read_header(tmp_path / "a.tif").guess


def test_a_file_of_a_set_is_itself(tmp_path):
    """OME-TIFF may describe many files in each; only the pages at hand are read, and named by their place."""
    text = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:{own}"><Image ID="Image:0">'
        '<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="9" SizeY="6" SizeZ="{z}" SizeC="{c}"'
        ' SizeT="1">{data}</Pixels></Image></OME>'
    )
    place = '<TiffData IFD="{ifd}" FirstZ="{z}" FirstC="{c}" FirstT="0" PlaneCount="1"><UUID FileName="{name}">urn:uuid:{uuid}</UUID></TiffData>'
    values = RANDOM.integers(0, 60000, (2, 3, 6, 9), dtype=np.uint16)
    data = "".join(
        place.format(ifd=z, z=z, c=c, name=f"c{c}.ome.tif", uuid=f"file{c}")
        for c in range(2)
        for z in range(3)
    )
    for c in range(2):
        description = text.format(own=f"file{c}", z=3, c=2, data=data).encode()
        path = tmp_path / f"c{c}.ome.tif"
        tifffile.imwrite(path, values[c], description=description, metadata=None, photometric="minisblack")
        assert np.array_equal(agree(path)[..., 0], values[c])
        assert read_header(path).guess is None


def test_damaged_ome_metadata_are_no_guess(tmp_path):
    """A file that should say what its pages are and does not is not taken as a stack; the caller may say."""
    values = RANDOM.integers(0, 60000, (6, 8, 9), dtype=np.uint16)
    text = '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image></OME>'
    tifffile.imwrite(
        tmp_path / "a.ome.tif", values, description=text, metadata=None, photometric="minisblack"
    )
    with pytest.raises(ImageReadError, match="say axes="):
        read_header(tmp_path / "a.ome.tif")
    pixels = read_pixels(tmp_path / "a.ome.tif", axes="ZCYX", channels=2)
    assert np.array_equal(pixels, np.moveaxis(values.reshape(3, 2, 8, 9), 1, -1))


def test_ome_names_and_sizes(tmp_path):
    """Names of channels, and micrometres from whatever unit."""
    values = np.zeros((2, 3, 6, 9), np.uint16)
    told = {
        "axes": "CZYX", "Channel": {"Name": ["DAPI", "GFP"]}, "PhysicalSizeX": 108.0, "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": 0.108, "PhysicalSizeZ": 0.001, "PhysicalSizeZUnit": "mm",
    }  # fmt: skip
    tifffile.imwrite(tmp_path / "a.ome.tif", values, metadata=told)
    header = read_header(tmp_path / "a.ome.tif")
    assert header.channel_names == ("DAPI", "GFP")
    assert header.pixel_size == (1.0, 0.108, 0.108)


def test_imagej_names_and_sizes(tmp_path):
    """ImageJ says the unit in its text and pixels per unit in the resolution."""
    values = np.zeros((3, 2, 6, 9), np.uint16)
    told = {"axes": "ZCYX", "unit": "micron", "spacing": 1.5}
    tifffile.imwrite(tmp_path / "a.tif", values, imagej=True, resolution=(4, 2), metadata=told)
    assert read_header(tmp_path / "a.tif").pixel_size == (1.5, 0.5, 0.25)
    labels = {"axes": "CYX", "Labels": ["DAPI", "GFP"]}
    tifffile.imwrite(tmp_path / "b.tif", values[0], imagej=True, metadata=labels)
    assert read_header(tmp_path / "b.tif").channel_names == ("DAPI", "GFP")
    assert read_header(tmp_path / "b.tif").pixel_size is None


def test_metamorph_and_centimetres(tmp_path):
    """MetaXpress writes its calibration into the description; dots per inch are a printer's."""
    text = (
        '<MetaData><prop id="spatial-calibration-state" type="bool" value="on"/>'
        '<prop id="spatial-calibration-x" type="float" value="0.325"/>'
        '<prop id="spatial-calibration-y" type="float" value="0.65"/>'
        '<prop id="spatial-calibration-units" type="string" value="um"/></MetaData>'
    )
    values = np.zeros((6, 9), np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", values, description=text, metadata=None)
    assert read_header(tmp_path / "a.tif").pixel_size == (None, 0.65, 0.325)
    for unit, expected in (("CENTIMETER", (None, 0.5, 0.25)), ("INCH", None)):
        tifffile.imwrite(
            tmp_path / "a.tif", values, resolution=(40000, 20000), resolutionunit=unit, metadata=None
        )
        assert read_header(tmp_path / "a.tif").pixel_size == expected
    tifffile.imwrite(tmp_path / "a.tif", values, resolution=(118.11, 118.11), resolutionunit="CENTIMETER")
    assert read_header(tmp_path / "a.tif").pixel_size is None


def test_pages_in_a_circle_are_refused(tmp_path):
    """A last page that leads back to the first would never end."""
    tifffile.imwrite(
        tmp_path / "a.tif", np.zeros((3, 6, 9), np.uint8), photometric="minisblack", metadata=None
    )
    data = bytearray((tmp_path / "a.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        last, first = tiff.pages[2], tiff.pages[0].offset
        end = last.offset + 2 + 12 * len(last.tags)
    data[end : end + 4] = first.to_bytes(4, "little")
    (tmp_path / "a.tif").write_bytes(data)
    for read in (read_header, read_pixels):
        with pytest.raises(ImageReadError, match="in a circle"):
            read(tmp_path / "a.tif")


@given(
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    dtype=st.sampled_from(["uint8", "int8", "uint16", "int16", "uint32", "float32", "float64"]),
    rgb=st.booleans(),
    options=st.fixed_dictionaries(
        {},
        optional={
            "byteorder": st.sampled_from("<>"),
            "compression": st.sampled_from(["lzw", "zlib", "packbits", None]),
            "rowsperstrip": st.integers(1, 40),
            "metadata": st.none(),
            "resolution": st.just((20000, 10000)),
            "resolutionunit": st.sampled_from(["CENTIMETER", "INCH"]),
            "description": st.sampled_from(["a note", json.dumps({"shape": [3, 3]}), "ImageJ=1.53", ""]),
            "software": st.sampled_from(["", "tifffile.py", "MetaMorph"]),
        },
    ),
)
def test_the_short_way_tells_what_tifffile_tells(tmp_path_factory, shape, dtype, rgb, options):
    """Plain files are described by hand, and never otherwise than by tifffile."""
    path = tmp_path_factory.mktemp("plain") / "a.tif"
    values = np.ones((*shape, 3) if rgb else shape, dtype)
    photometric = "rgb" if rgb else "minisblack"
    tifffile.imwrite(path, values, photometric=photometric, **options)
    with open(path, "rb") as file:
        short = open_file("tiff", file, file.read(8192))
        whole = open_tiff(file)
        assert short.laid_out(None, None).shape == whole.laid_out(None, None).shape
        assert (short.dtype, short.pixel_size, short.guess) == (whole.dtype, whole.pixel_size, whole.guess)
        assert np.array_equal(short.load().reshape(values.shape), whole.load().reshape(values.shape))


@pytest.mark.parametrize("writer", ["tifffile", "pillow"])
def test_the_usual_files_take_the_short_way(tmp_path, writer):
    """What tifffile and Pillow write without ado is plain."""
    values = RANDOM.integers(0, 60000, (64, 64), dtype=np.uint16)
    if writer == "tifffile":
        tifffile.imwrite(tmp_path / "a.tif", values)
    else:
        Image.fromarray(values).save(tmp_path / "a.tif")
    with open(tmp_path / "a.tif", "rb") as file:
        assert plain_tiff(file, file.read(8192)) == (64, 64, 1, "uint16", None)


def test_damage_is_never_described_otherwise_by_the_short_way(tmp_path):
    """Whatever byte of a plain file is wrong: where both ways describe it, they agree."""
    values = RANDOM.integers(0, 60000, (9, 7), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", values)
    original = (tmp_path / "a.tif").read_bytes()
    described = 0
    for place in range(len(original) - values.nbytes):
        for value in (0, 1, 2, 3, 5, 255, original[place] ^ 1, original[place] ^ 64):
            data = bytearray(original)
            data[place] = value
            (tmp_path / "b.tif").write_bytes(data)
            with open(tmp_path / "b.tif", "rb") as file:
                plain = plain_tiff(file, file.read(8192))
                if plain is None:
                    continue
                with contextlib.suppress(Exception):
                    whole = open_tiff(file)
                    described += 1
                    planes, height, width, channels = whole.laid_out(None, None).shape
                    found = (planes, (height, width, channels, whole.dtype, whole.pixel_size))
                    if found != (1, plain):
                        pytest.fail(f"byte {place} as {value}: {plain} by hand, {found} by tifffile")
    assert described > 100


def test_ome_images_that_are_the_same_pages_are_one(tmp_path):
    """Some programs name one picture twice, which leaves no doubt about what is meant."""
    picture = (
        '<Image ID="Image:{n}"><Pixels ID="Pixels:{n}" DimensionOrder="XYCZT" Type="uint16" SizeX="9" SizeY="6"'
        ' SizeZ="1" SizeC="1" SizeT="1"><TiffData IFD="0" PlaneCount="1"/></Pixels></Image>'
    )
    text = f'<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">{picture.format(n=0)}{picture.format(n=1)}</OME>'
    values = RANDOM.integers(0, 60000, (6, 9), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.ome.tif", values, description=text, metadata=None)
    assert np.array_equal(agree(tmp_path / "a.ome.tif")[0, ..., 0], values)


def test_a_height_that_needs_more_tiles_than_there_are_is_refused_at_once(tmp_path):
    """tifffile would fill what is missing with zeros, a million tiles one by one."""
    path = tmp_path / "tall.tif"
    tifffile.imwrite(path, np.zeros((32, 32), np.uint8), tile=(16, 16), metadata=None)
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages[0].tags["ImageLength"].overwrite(16_000_000)
    for read in (read_header, read_pixels):
        with pytest.raises(ImageReadError, match="cut off"):
            read(path)
