"""DICOM files through pydicom: values in their unit, larger is brighter, colours are RGB."""

from __future__ import annotations

import os
import zlib
from typing import Any, BinaryIO

import numpy as np

from .dicom_values import Values, grey_values, pixel_size
from .formats import Unreadable
from .stored import MAX_GB, Stored, check_size, size_limit

# What is read of the header; the rest may be a patient's and is passed over.
_TAGS = [
    "Rows", "Columns", "SamplesPerPixel", "PlanarConfiguration", "NumberOfFrames", "BitsAllocated", "BitsStored",
    "HighBit", "PixelRepresentation", "PhotometricInterpretation", "RescaleSlope", "RescaleIntercept",
    "ModalityLUTSequence", "PixelSpacing", "SliceThickness", "SpacingBetweenSlices", "FrameIncrementPointer",
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "TotalPixelMatrixColumns",
    "RedPaletteColorLookupTableDescriptor", "Modality",
]  # fmt: skip
_FRAME_TIMES = (0x00181063, 0x00181065)
_PACKAGES = {
    "1.2.840.10008.1.2.4.5": "pylibjpeg pylibjpeg-libjpeg",
    "1.2.840.10008.1.2.4.6": "pylibjpeg pylibjpeg-libjpeg",
    "1.2.840.10008.1.2.4.7": "pylibjpeg pylibjpeg-libjpeg",
    "1.2.840.10008.1.2.4.8": "pyjpegls",
    "1.2.840.10008.1.2.4.9": "pylibjpeg pylibjpeg-openjpeg",
    "1.2.840.10008.1.2.4.20": "pylibjpeg pylibjpeg-openjpeg",
}


def open_dicom(file: BinaryIO) -> Stored:
    """Describe a DICOM file's picture without decoding it.

    Several frames are planes. Grey values are rescaled by slope and intercept: whole numbers by whole
    numbers stay whole, in a type that holds all that the header allows, everything else becomes
    floating-point. MONOCHROME1 is inverted; a palette is applied and YBR converted.
    """
    ds = _read(file, stop_before_pixels=True)
    start = file.tell()
    size = file.seek(0, os.SEEK_END)
    if "Rows" not in ds or start >= size:
        raise Unreadable(f"the DICOM file holds no picture (modality {ds.get('Modality', 'unknown')})")
    rows, columns, frames = int(ds.Rows), int(ds.Columns), int(ds.get("NumberOfFrames") or 1)
    if frames > 1 and int(ds.get("TotalPixelMatrixColumns") or 0) > columns:
        raise Unreadable(
            f"its {frames} frames are tiles of one slide, which are not put together here; convert it to"
            " OME-TIFF, for example with bioio"
        )
    samples = int(ds.get("SamplesPerPixel") or 1)
    palette = ds.PhotometricInterpretation == "PALETTE COLOR"
    bits = int(ds.BitsAllocated)
    if bits not in (1, 8, 16, 32, 64) or samples not in (1, 3):
        raise Unreadable(f"pictures of {samples} x {bits} bits a pixel are not read; convert it to TIFF")
    colors = 3 if palette else samples
    values = None if colors == 3 or bits == 1 else grey_values(ds, frames, _float_bits(file, start))
    dtype = values.dtype if values else _color_dtype(ds, bits, palette)
    syntax = ds.file_meta.TransferSyntaxUID
    packed = syntax.is_compressed
    # Checked before anything is decoded by the number of frames, which are as many as the header says.
    check_size(frames, rows, columns, colors, np.dtype(dtype).itemsize, size - start if packed else None)
    if packed and not syntax.is_deflated:
        _check_decoder(syntax)
    elif not packed and size - start < (rows * columns * frames * samples * bits + 7) // 8 * _share(ds):
        raise Unreadable("the file is cut off: it ends before the end of the picture")
    shape = (frames, rows, columns, colors)
    axes, guess = _frame_axis(ds, frames)
    return Stored(
        shape,
        f"{axes}YXS",
        dtype,
        lambda: _decode(file, shape, values, palette),
        size - start if packed else None,
        pixel_size=pixel_size(ds),
        guess=guess,
    )


def _read(file: BinaryIO, **options: Any) -> Any:
    import pydicom

    file.seek(128)
    named = file.read(4) == b"DICM"
    if named:
        _check_deflated(file)
    file.seek(0)
    if options:
        options["specific_tags"] = _TAGS
    ds = pydicom.dcmread(file, force=not named, **options)
    if "TransferSyntaxUID" not in ds.file_meta:
        implicit, little = ds.original_encoding
        ds.file_meta.TransferSyntaxUID = (
            pydicom.uid.ImplicitVRLittleEndian
            if implicit
            else pydicom.uid.ExplicitVRLittleEndian
            if little
            else pydicom.uid.ExplicitVRBigEndian
        )
    return ds


def _check_deflated(file: BinaryIO) -> None:
    """A deflated file is inflated whole, header and all: see first how much that is."""
    import pydicom

    file.seek(0)
    pydicom.filereader.read_preamble(file, False)
    meta = pydicom.filereader._read_file_meta_info(file)
    if not pydicom.uid.UID(meta.get("TransferSyntaxUID", "")).is_deflated:
        return
    limit, total = size_limit(), 0
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    data = file.read(65536)
    while data and not inflate.eof:
        total += len(inflate.decompress(data, 2**24))
        data = inflate.unconsumed_tail or file.read(65536)
        if total > limit:
            raise Unreadable(
                f"it inflates to more than the {limit / 2**30:.3g} GB that one image may take; set the"
                f" environment variable {MAX_GB} to a larger number to read it nevertheless"
            )


def _float_bits(file: BinaryIO, start: int) -> int:
    """32 or 64 where the picture is stored as floating-point numbers, else 0."""
    file.seek(start)
    return {b"\x08\0": 32, b"\0\x08": 32, b"\x09\0": 64, b"\0\x09": 64}.get(file.read(4)[2:], 0)


def _color_dtype(ds: Any, bits: int, palette: bool) -> str:
    if palette:
        return "uint16" if int(ds.RedPaletteColorLookupTableDescriptor[2]) > 8 else "uint8"
    return f"uint{max(8, bits)}"


def _share(ds: Any) -> float:
    # Every second pixel only has the two values of colour.
    return 2 / 3 if ds.PhotometricInterpretation == "YBR_FULL_422" else 1


def _check_decoder(syntax: Any) -> None:
    from pydicom.pixels import get_decoder

    try:
        if get_decoder(syntax).is_available:
            return
    except NotImplementedError:
        raise Unreadable(f"its compression ({syntax.name}) is not one of pictures") from None
    packages = next((names for uid, names in _PACKAGES.items() if syntax.startswith(uid)), "pylibjpeg")
    raise Unreadable(
        f"its compression ({syntax.name}) needs a further package: pip install {packages}, or save the file"
        " without compression"
    )


def _frame_axis(ds: Any, frames: int) -> tuple[str, str | None]:
    if frames == 1 or "SharedFunctionalGroupsSequence" in ds or ds.get("SpacingBetweenSlices"):
        return "Z", None
    pointer = ds.get("FrameIncrementPointer")
    if pointer is not None and any(int(tag) in _FRAME_TIMES for tag in np.atleast_1d(pointer)):
        return "I", (
            f"The file's {frames} frames follow one another in time; they were taken as planes"
            " (axes= or channels= says otherwise)."
        )
    return "I", None


def _decode(file: BinaryIO, shape: tuple[int, ...], values: Values | None, palette: bool) -> np.ndarray:
    from pydicom.pixels import apply_color_lut, pixel_array

    ds = _read(file)
    stored = pixel_array(ds)
    if palette:
        return apply_color_lut(stored, ds)[..., :3].reshape(shape)
    stored = stored.reshape(shape)
    if values is not None:
        return values.rescaled(stored, ds)
    if int(ds.BitsAllocated) == 1:
        return (stored == 0) if ds.PhotometricInterpretation == "MONOCHROME1" else (stored != 0)
    return stored
