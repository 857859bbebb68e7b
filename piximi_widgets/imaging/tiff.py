"""TIFF files: finding planes and channels, and reading what the installed decoders allow."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np
import tifffile
from PIL import Image

from .formats import Unreadable, check_size

_WHITE_IS_ZERO = 0  # the TIFF tag PhotometricInterpretation


def tiff_header(file: BinaryIO) -> tuple[int, int, int, int, str]:
    """Height, width, channels, planes and dtype of a TIFF's first image, without its pixels."""
    file.seek(0)
    with tifffile.TiffFile(file) as tiff:
        series = _first_series(tiff)
        planes, height, width, channels = _shape(series)
        _check_complete(tiff, series)
        dtype = "uint8" if series.dtype == bool else np.dtype(series.dtype).name
        return height, width, channels, planes, dtype


def tiff_pixels(file: BinaryIO) -> np.ndarray:
    """Pixels of a TIFF's first image as (Z, H, W, C), colour tables not applied."""
    file.seek(0)
    with tifffile.TiffFile(file) as tiff:
        series = _first_series(tiff)
        shape = _shape(series)
        height, width, channels = shape[1:]
        check_size(height, width, channels, shape[0], np.dtype(series.dtype).itemsize)
        _check_complete(tiff, series)
        white_is_zero = int(series.keyframe.photometric) == _WHITE_IS_ZERO
        array = _decode(file, series)
    roles = _roles(series)
    pixels = array.transpose([axis for role in "ZYXC" for axis, is_ in enumerate(roles) if is_ == role])
    pixels = pixels.reshape(shape)
    if pixels.dtype == bool:
        pixels = pixels.astype(np.uint8) * np.uint8(255)
    if white_is_zero and pixels.dtype.kind == "u":
        pixels = np.iinfo(pixels.dtype).max - pixels
    return np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("="))


def _first_series(tiff: tifffile.TiffFile) -> Any:
    if not tiff.series or not tiff.series[0].axes:
        raise Unreadable("the TIFF file holds no image")
    series = tiff.series[0]
    if series.dtype is None or (series.dtype.kind not in "uif" and series.dtype != bool):
        raise Unreadable(f"pixels of type {series.dtype} cannot be shown; save them as whole or real numbers")
    return series


def _roles(series: Any) -> list[str]:
    """For each axis of the stored array which of Z, Y, X and C it becomes.

    Pages that say nothing about themselves are planes. A further axis, such as time, has no place in
    one image: to guess would mix time points into planes or channels.
    """
    roles = []
    for axis, length in zip(series.axes, series.shape, strict=True):
        if axis in "ZYX":
            roles.append(axis)
        elif axis in "SC":
            roles.append("C")
        elif axis in "IQ" or length == 1:
            roles.append("Z")
        else:
            what = f"{length} time points" if axis == "T" else f"an axis {axis!r} of length {length}"
            raise Unreadable(f"the file holds {what}; save each as a file of its own")
    if roles.count("Y") != 1 or roles.count("X") != 1:
        raise Unreadable(f"the axes {series.axes!r} are not those of a picture")
    return roles


def _shape(series: Any) -> tuple[int, int, int, int]:
    sizes = dict.fromkeys("ZYXC", 1)
    for role, length in zip(_roles(series), series.shape, strict=True):
        sizes[role] *= int(length)
    return sizes["Z"], sizes["Y"], sizes["X"], sizes["C"]


def _check_complete(tiff: tifffile.TiffFile, series: Any) -> None:
    size = tiff.filehandle.size
    for page in series.pages:
        if page is None:
            raise Unreadable("the file is cut off: pages are missing")
        ends = [offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False)]
        if max(ends, default=0) > size:
            raise Unreadable("the file is cut off: it ends before the end of the picture")
    if series.dataoffset is not None and series.dataoffset + series.nbytes > size:
        raise Unreadable("the file is cut off: it ends before the end of the picture")


def _decode(file: BinaryIO, series: Any) -> np.ndarray:
    try:
        return series.asarray()
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
    # LZW and JPEG compression need a package that tifffile does not bring; Pillow reads most of them.
    from .readers import pillow_array

    refusal = (
        f"its compression ({series.keyframe.compression.name}) with {series.dtype} pixels needs the package"
        " imagecodecs: pip install imagecodecs, or save the file without compression"
    )
    pages = []
    try:
        with Image.open(file, formats=["TIFF"]) as image:
            for page in series.pages:
                image.seek(page.index)
                pages.append(np.array(image) if image.mode == "P" else pillow_array(image))
    except (OSError, EOFError, ValueError, SyntaxError) as error:
        raise Unreadable(refusal) from error
    array = np.stack(pages)
    if array.dtype != series.dtype or array.size != np.prod(series.shape):
        raise Unreadable(refusal)
    return array.reshape(series.shape)
