"""TIFF files through tifffile: which of their pictures is the image, and its pixels."""

from __future__ import annotations

import logging
import math
from typing import Any, BinaryIO

import numpy as np
import tifffile

from .formats import Unreadable
from .stored import Stored, check_size
from .tiff_metadata import channel_names, pixel_size
from .tiff_plain import plain_tiff
from .tiff_segments import check_segments
from .tiff_sets import check_chain, own_pages

# The damage that tifffile writes to its log is told by an exception here, or does no harm.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

_WHITE_IS_ZERO, _PALETTE = 0, 3  # values of the tag PhotometricInterpretation
_OTHER_COLORS = {5: "CMYK", 6: "YCbCr", 8: "CIELab", 9: "ICCLab", 10: "ITULab"}
_CUT_OFF = "the file is cut off: it ends before the end of the picture"

# Formats of slide scanners whose further pictures are labels, overviews and thumbnails of the first.
_SLIDES = ("svs", "ndpi", "qpi", "bif", "philips", "lsm", "indica", "eer", "mdgel")


def open_tiff(file: BinaryIO, start: bytes = b"") -> Stored:
    """Describe a TIFF's image; of a pyramid its largest level. Colour tables are not applied.

    Parameters
    ----------
    file : binary file
    start : bytes, optional
        Its first bytes. With them a plain file of one page is described without tifffile.
    """
    plain = plain_tiff(file, start) if start else None
    if plain is not None:
        height, width, samples, dtype, size = plain
        shape = (height, width, samples)
        return Stored(shape, "YXS", dtype, lambda: open_tiff(file).load(), pixel_size=size)
    check_chain(file)
    file.seek(0)
    # Other files of a set are not opened: each is listed for itself, and a name in a file may lead anywhere.
    tiff = tifffile.TiffFile(file, _multifile=False)
    series, guess = _image(tiff)
    page = series.keyframe
    itemsize = np.dtype(series.dtype).itemsize
    check_size(1, page.tilelength or 1, page.tilewidth or 1, page.samplesperpixel, itemsize)
    shape, axes = series.get_shape(squeeze=False), series.get_axes(squeeze=False)
    check_size(int(np.prod(shape, dtype=object)), 1, 1, 1, itemsize)
    packed = _check_complete(tiff, series)
    if guess is None and int(page.photometric) == _PALETTE and series.kind not in ("imagej", "ome"):
        guess = _table_guess(page)
    if series.kind != "ome" and tiff.is_ome:
        axes, guess = own_pages(tiff, axes, shape), None
    return Stored(
        shape,
        axes,
        "uint8" if series.dtype == bool else np.dtype(series.dtype).name,
        lambda: _decode(tiff, series),
        packed if page.compression != 1 else None,
        channel_names(tiff, series),
        pixel_size(tiff, series),
        guess,
    )


def _image(tiff: tifffile.TiffFile) -> tuple[Any, str | None]:
    """The series that is the image, and what had to be assumed."""
    found = [series for series in tiff.series if series.axes]
    whole = [series for series in found if not series.keyframe.is_reduced] or found
    if not whole:
        raise Unreadable("the TIFF file holds no image")
    series = whole[0]
    if series.dtype is None or (series.dtype.kind not in "uif" and series.dtype != bool):
        raise Unreadable(f"pixels of type {series.dtype} cannot be shown; save them as whole or real numbers")
    color = _OTHER_COLORS.get(int(series.keyframe.photometric))
    if color is not None and not (color == "YCbCr" and "JP" in series.keyframe.compression.name):
        raise Unreadable(f"its colours are stored as {color}; save it as RGB")
    if len(whole) == 1 or series.kind in _SLIDES or all(_same(series, other) for other in whole):
        return series, None
    sizes = ", ".join(" x ".join(map(str, other.shape)) for other in whole[:5])
    if series.kind == "ome":
        raise Unreadable(
            f"the file holds {len(whole)} images ({sizes}); save each as a file of its own, for example with"
            " bioio, or export them one by one from the microscope's software"
        )
    return series, (f"The file holds {len(whole)} pictures of different kinds ({sizes}); the first was read.")


def _same(one: Any, other: Any) -> bool:
    """Whether two series are the same pages."""
    return one.shape == other.shape and one.keyframe.dataoffsets == other.keyframe.dataoffsets


def _check_complete(tiff: tifffile.TiffFile, series: Any) -> int:
    """The bytes that the picture takes, all of which are there."""
    size = tiff.filehandle.size
    packed = 0
    for page in series.pages:
        if page is None:
            raise Unreadable("the file is cut off: pages are missing")
        # Missing strips or tiles would be filled with zeros, one by one: millions of them for a damaged height.
        if len(page.dataoffsets) < math.prod(page.keyframe.chunked):
            raise Unreadable(_CUT_OFF)
        packed += sum(page.databytecounts)
        ends = [offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False)]
        if max(ends, default=0) > size:
            raise Unreadable(_CUT_OFF)
    if series.dataoffset is not None and series.dataoffset + series.nbytes > size:
        raise Unreadable(_CUT_OFF)
    return packed


def _table_guess(page: Any) -> str | None:
    """A sentence where a colour table is no ramp, so that the values may be numbers of colours."""
    table = page.colormap
    if table is None or table.ndim != 2:
        return None
    # A ramp goes up and down a few times at most; a picture's colours jump from entry to entry.
    jumps = np.abs(np.diff(table.astype(np.float64), axis=1)).sum(axis=1)
    if jumps.max() <= 3 * np.iinfo(table.dtype).max:
        return None
    return (
        "The file has a colour table, which was not applied: its values were taken as measured. If they are"
        " numbers of colours, save it as RGB."
    )


def _decode(tiff: tifffile.TiffFile, series: Any) -> np.ndarray:
    check_segments(tiff, series)
    try:
        array = series.asarray()
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
        raise Unreadable(
            f"its compression ({series.keyframe.compression.name}) with {series.dtype} pixels needs a newer"
            " package imagecodecs: pip install -U imagecodecs, or save the file without compression"
        ) from error
    array = array.reshape(series.get_shape(squeeze=False))
    if int(series.keyframe.photometric) != _WHITE_IS_ZERO or array.dtype.kind not in "ub":
        return array
    if array.dtype == bool:
        return ~array
    bits = series.keyframe.bitspersample
    return array.dtype.type(2**bits - 1) - array
