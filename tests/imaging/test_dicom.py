"""DICOM files: values in their unit, checked against pydicom's own rescaling and against what was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
    generate_uid,
)

from piximi_widgets.errors import ImageReadError
from piximi_widgets.imaging import read_header, read_pixels

RANDOM = np.random.default_rng(13)
SYNTAXES = [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian]
NAMES = ["CT1_UNC.explicit_big_endian.dcm", "CT1_UNC.implicit_little_endian.dcm"]


def agree(path: Path, **told) -> np.ndarray:
    """Read a file and check that its header had announced just that array."""
    pixels, header = read_pixels(path, **told), read_header(path, **told)
    assert pixels.shape == (header.planes, header.height, header.width, header.channels)
    assert pixels.dtype.name == header.dtype
    assert pixels.dtype.isnative
    return pixels


def write(path: Path, values: np.ndarray, syntax=ExplicitVRLittleEndian, bits=None, **elements) -> Dataset:
    """A DICOM file of frames (N, H, W) or (N, H, W, 3)."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", generate_uid()
    ds.Rows, ds.Columns = values.shape[1:3]
    ds.SamplesPerPixel = values.shape[3] if values.ndim == 4 else 1
    ds.PhotometricInterpretation = "RGB" if ds.SamplesPerPixel == 3 else "MONOCHROME2"
    if ds.SamplesPerPixel == 3:
        ds.PlanarConfiguration = 0
    if len(values) > 1:
        ds.NumberOfFrames = len(values)
    ds.BitsAllocated = 8 * values.dtype.itemsize
    ds.BitsStored = bits or ds.BitsAllocated
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(values.dtype.kind == "i")
    for name, value in elements.items():
        setattr(ds, name, value)
    stored = values.astype(values.dtype.newbyteorder(">" if syntax == ExplicitVRBigEndian else "<"))
    data = stored.tobytes()
    ds.PixelData = data + b"\0" * (len(data) % 2)
    ds["PixelData"].VR = "OW" if ds.BitsAllocated > 8 else "OB"
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.save_as(path, enforce_file_format=True)
    return ds


@pytest.mark.parametrize("name", NAMES)
def test_piximis_own_files_agree_with_pydicom(piximi_files, name):
    """Signed, with an intercept of -1024: Hounsfield units, by an independent reading."""
    ds = pydicom.dcmread(piximi_files / name)
    expected = pydicom.pixels.apply_rescale(ds.pixel_array, ds)
    pixels = agree(piximi_files / name)
    assert pixels.shape == (1, 512, 512, 1)
    assert pixels.dtype.kind == "i"
    assert np.array_equal(pixels[0, ..., 0], expected)
    assert read_header(piximi_files / name).pixel_size == pytest.approx((5000, 661.468, 661.468))


def test_piximis_own_files_hold_the_same_slice(piximi_files):
    """Big- and little-endian, explicit and implicit: one picture."""
    one, other = (read_pixels(piximi_files / name) for name in NAMES)
    assert np.array_equal(one, other)


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32"])
def test_sign_and_byte_order(tmp_path, syntax, dtype):
    """Without a rescale the values are those that were stored, in their own type."""
    limits = np.iinfo(dtype)
    values = RANDOM.integers(limits.min, limits.max, (1, 7, 6), dtype=dtype, endpoint=True)
    write(tmp_path / "a.dcm", values, syntax)
    pixels = agree(tmp_path / "a.dcm")
    assert pixels.dtype == dtype
    assert np.array_equal(pixels[..., 0], values)


@pytest.mark.parametrize(
    ("dtype", "bits", "slope", "intercept", "expected"),
    [
        ("uint16", 12, 1, -1024, "int16"),
        ("uint16", 16, 1, -1024, "int32"),
        ("int16", 12, 1, -1024, "int16"),
        ("int16", 16, 1, -1024, "int32"),
        ("uint16", 12, 2, 0, "uint16"),
        ("uint8", 8, 1, 0, "uint8"),
        ("uint8", 8, -1, 255, "uint8"),
        ("uint8", 8, 1000, 7, "uint32"),
        ("uint16", 12, 0.5, 0, "float32"),
        ("uint16", 12, 1, 0.25, "float32"),
    ],
)
def test_rescaling(tmp_path, dtype, bits, slope, intercept, expected):
    """Whole slopes and intercepts keep whole numbers, in a type that holds the range; others give floats."""
    values = RANDOM.integers(0, 2 ** (bits - 1), (1, 7, 6)).astype(dtype)
    ds = write(tmp_path / "a.dcm", values, bits=bits, RescaleSlope=slope, RescaleIntercept=intercept)
    pixels = agree(tmp_path / "a.dcm")
    assert pixels.dtype == expected
    assert np.array_equal(pixels[..., 0], pydicom.pixels.apply_rescale(values, ds))


def test_monochrome1_is_inverted_so_that_larger_is_brighter(tmp_path):
    """Black is the largest value in such files; the range of the stored bits is turned round."""
    values = np.array([[[0, 1], [4094, 4095]]], np.uint16)
    write(tmp_path / "a.dcm", values, bits=12, PhotometricInterpretation="MONOCHROME1")
    assert agree(tmp_path / "a.dcm").ravel().tolist() == [4095, 4094, 1, 0]
    write(
        tmp_path / "a.dcm", values, bits=12, PhotometricInterpretation="MONOCHROME1", RescaleIntercept=-1000,
        RescaleSlope=1,
    )  # fmt: skip
    assert agree(tmp_path / "a.dcm").ravel().tolist() == [3095, 3094, -999, -1000]
    signed = np.array([[[-2048, 2047]]], np.int16)
    write(tmp_path / "a.dcm", signed, bits=12, PhotometricInterpretation="MONOCHROME1")
    assert agree(tmp_path / "a.dcm").ravel().tolist() == [2047, -2048]


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_frames_are_planes(tmp_path, syntax):
    """A multi-frame file is a stack; axes= makes channels of it."""
    values = RANDOM.integers(0, 60000, (4, 7, 6), dtype=np.uint16)
    write(tmp_path / "a.dcm", values, syntax, SpacingBetweenSlices=2.5, PixelSpacing=[0.5, 0.25])
    assert np.array_equal(agree(tmp_path / "a.dcm")[..., 0], values)
    assert read_header(tmp_path / "a.dcm").pixel_size == (2500.0, 500.0, 250.0)
    assert np.array_equal(agree(tmp_path / "a.dcm", axes="CYX")[0], np.moveaxis(values, 0, -1))


def test_frames_of_a_film_are_reported(tmp_path):
    """Frames that follow in time are taken as planes, which is said."""
    values = np.zeros((3, 5, 5), np.uint8)
    write(tmp_path / "a.dcm", values, FrameIncrementPointer=0x00181063, FrameTime=40)
    assert "3 frames follow one another in time" in read_header(tmp_path / "a.dcm").guess


def test_each_frame_may_have_its_own_rescale(tmp_path):
    """Enhanced files say slope and intercept, and the pixel's size, in groups."""
    values = RANDOM.integers(0, 4096, (2, 5, 5), dtype=np.uint16)

    def group(name: str, **elements) -> Dataset:
        outer, inner = Dataset(), Dataset()
        for key, value in elements.items():
            setattr(inner, key, value)
        setattr(outer, name, [inner])
        return outer

    frames = [
        group("PixelValueTransformationSequence", RescaleSlope=slope, RescaleIntercept=-10)
        for slope in (1, 3)
    ]
    shared = [group("PixelMeasuresSequence", PixelSpacing=[0.001, 0.002], SpacingBetweenSlices=0.003)]
    write(
        tmp_path / "a.dcm", values, bits=12, PerFrameFunctionalGroupsSequence=frames,
        SharedFunctionalGroupsSequence=shared,
    )  # fmt: skip
    pixels = agree(tmp_path / "a.dcm")
    assert pixels.dtype == np.int16
    assert np.array_equal(pixels[..., 0], values.astype(int) * np.array([1, 3])[:, None, None] - 10)
    assert read_header(tmp_path / "a.dcm").pixel_size == (3.0, 1.0, 2.0)


def test_colours(tmp_path):
    """RGB stays, by pixel and by plane; YBR becomes RGB; a palette becomes RGB."""
    values = RANDOM.integers(0, 256, (1, 6, 8, 3), dtype=np.uint8)
    write(tmp_path / "a.dcm", values)
    assert np.array_equal(agree(tmp_path / "a.dcm"), values)
    planar = np.ascontiguousarray(np.moveaxis(values, 3, 1)).reshape(values.shape)
    write(tmp_path / "a.dcm", planar, PlanarConfiguration=1)
    assert np.array_equal(agree(tmp_path / "a.dcm"), values)
    grey = np.full((1, 6, 8, 3), 128, np.uint8)
    grey[..., 0] = 77
    write(tmp_path / "a.dcm", grey, PhotometricInterpretation="YBR_FULL")
    assert (agree(tmp_path / "a.dcm") == 77).all()
    table = RANDOM.integers(0, 65536, (3, 256), dtype=np.uint16)
    write(
        tmp_path / "a.dcm", values[..., 0], PhotometricInterpretation="PALETTE COLOR",
        **{f"{color}PaletteColorLookupTableDescriptor": [256, 0, 16] for color in ("Red", "Green", "Blue")},
        **{
            f"{color}PaletteColorLookupTableData": row.astype("<u2").tobytes()
            for color, row in zip(("Red", "Green", "Blue"), table, strict=True)
        },
    )  # fmt: skip
    assert np.array_equal(agree(tmp_path / "a.dcm"), np.moveaxis(table[:, values[..., 0]], 0, -1))


def test_one_bit_is_0_and_255(tmp_path):
    """A mask's bits become black and white as in every other format."""
    bits = RANDOM.integers(0, 2, (2, 8, 16), dtype=np.uint8)
    write(tmp_path / "a.dcm", bits, BitsAllocated=1, BitsStored=1, HighBit=0)
    ds = pydicom.dcmread(tmp_path / "a.dcm")
    ds.PixelData = pydicom.pixels.pack_bits(bits)
    ds.save_as(tmp_path / "a.dcm")
    assert np.array_equal(agree(tmp_path / "a.dcm")[..., 0], bits * 255)


def test_run_length_compression_needs_no_further_package(tmp_path):
    """RLE is decoded, and the header needs no pixels for it."""
    values = RANDOM.integers(0, 4, (3, 7, 6)).astype(np.uint16)
    ds = write(tmp_path / "a.dcm", values)
    ds.compress(RLELossless)
    ds.save_as(tmp_path / "a.dcm")
    assert np.array_equal(agree(tmp_path / "a.dcm")[..., 0], values)


def test_a_missing_decoder_is_named(tmp_path, monkeypatch):
    """Compressed files that no installed package reads are refused with what to install."""
    write(tmp_path / "a.dcm", np.zeros((1, 4, 4), np.uint8))
    ds = pydicom.dcmread(tmp_path / "a.dcm")
    ds.file_meta.TransferSyntaxUID = JPEG2000Lossless
    ds.PixelData = pydicom.encaps.encapsulate([b"\xff\x4f\xff\x51"])
    ds.save_as(tmp_path / "a.dcm")
    monkeypatch.setattr(type(pydicom.pixels.get_decoder(JPEG2000Lossless)), "is_available", False)
    for read in (read_header, read_pixels):
        with pytest.raises(ImageReadError, match=r"pip install pylibjpeg pylibjpeg-openjpeg"):
            read(tmp_path / "a.dcm")


def test_without_a_preamble_the_suffix_decides(tmp_path):
    """Old files begin with their first element; they are believed only with a DICOM suffix."""
    values = RANDOM.integers(0, 60000, (1, 7, 6), dtype=np.uint16)
    ds = write(tmp_path / "a.dcm", values, ImplicitVRLittleEndian)
    del ds.file_meta
    pydicom.dcmwrite(tmp_path / "b.dcm", ds, implicit_vr=True, little_endian=True)
    assert (tmp_path / "b.dcm").read_bytes()[128:132] != b"DICM"
    assert np.array_equal(agree(tmp_path / "b.dcm")[..., 0], values)
    (tmp_path / "b.dcm").rename(tmp_path / "b.dat")
    with pytest.raises(ImageReadError, match="not a PNG"):
        read_header(tmp_path / "b.dat")


def test_the_header_needs_no_pixels(tmp_path):
    """All that a scan reads lies before the pixels; a file that is cut within them is refused."""
    values = RANDOM.integers(0, 60000, (1, 70, 60), dtype=np.uint16)
    write(tmp_path / "a.dcm", values)
    data = (tmp_path / "a.dcm").read_bytes()
    (tmp_path / "a.dcm").write_bytes(data[: len(data) - 100])
    for read in (read_header, read_pixels):
        with pytest.raises(ImageReadError, match=r"a\.dcm: .*cut off"):
            read(tmp_path / "a.dcm")


def test_what_is_no_picture_is_refused_in_words(tmp_path):
    """Reports, plans and the tiles of slides have DICOM headers too."""
    ds = write(tmp_path / "a.dcm", np.zeros((4, 4, 4), np.uint8), TotalPixelMatrixColumns=8)
    with pytest.raises(ImageReadError, match="4 frames are tiles of one slide"):
        read_header(tmp_path / "a.dcm")
    for name in ("Rows", "PixelData", "TotalPixelMatrixColumns"):
        delattr(ds, name)
    ds.Modality = "SR"
    ds.save_as(tmp_path / "a.dcm")
    with pytest.raises(ImageReadError, match=r"no picture \(modality SR\)"):
        read_header(tmp_path / "a.dcm")
