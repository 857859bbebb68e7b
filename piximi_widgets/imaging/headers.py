"""What an image file says about itself before a pixel is decoded."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .formats import START, readable, sniff
from .stored import PixelSize, Stored, check_size


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """Shape and type of an image, as `read_pixels` will return it.

    Attributes
    ----------
    height, width : int
        In pixels, after a JPEG's EXIF orientation was applied.
    channels, planes : int
        Colours or stains, and z-slices.
    dtype : str
        NumPy name of the native type, for example ``"uint16"``.
    channel_names : tuple of str or None
        One for each channel, where the file has them.
    pixel_size : tuple of three float or None
        Distance of planes, height and width of a pixel in micrometres, where the file has them; each may
        be None.
    guess : str or None
        One sentence where the file does not say how its pages are ordered and they had to be taken as
        something. ``axes=`` and ``channels=`` take the guess away.
    """

    height: int
    width: int
    channels: int
    planes: int
    dtype: str
    channel_names: tuple[str, ...] | None = None
    pixel_size: PixelSize | None = None
    guess: str | None = None


def read_header(
    path: str | os.PathLike[str], *, axes: str | None = None, channels: int | None = None
) -> ImageHeader:
    """Read an image's shape and type without decoding its pixels.

    A file that ends before its pixels do is noticed here too, as far as that can be told from sizes
    and end marks.

    Parameters
    ----------
    path : path-like
        A PNG, JPEG, BMP, TIFF, DICOM or ``.npy`` file, whose content decides, not its suffix; or the folder
        of an OME-Zarr image or a Zarr array.
    axes : str, optional
        The stored axes in their order, a letter of ``T Z C Y X S`` each, as in ``"ZCYX"``. It overrides what
        the file says.
    channels : int, optional
        The number of channels among pages of which the file says nothing, channels changing fastest:
        z1c1, z1c2, ..., z2c1.

    Returns
    -------
    ImageHeader

    Raises
    ------
    ImageReadError
        If the file is missing, cut off, no image of these kinds, too large, or does not fit `axes` and
        `channels`. The message is ``"<path>: <reason>"``.
    """
    with readable(path) as place:
        try:
            # Unbuffered: a small PNG is read whole by the one read that tells its format.
            file = open(place, "rb", buffering=0)  # noqa: SIM115
        except (IsADirectoryError, PermissionError):
            if not os.path.isdir(place):
                raise
            from .ome_zarr import open_zarr

            return _header(open_zarr(Path(place)), axes, channels)
        with file:
            start = file.read(START)
            kind = sniff(start, place)
            if kind == "png" and axes is None and channels is None:
                from .png import png_header

                height, width, kept, dtype, size = png_header(file, start)
                check_size(1, height, width, kept, 2 if dtype == "uint16" else 1, size)
                return ImageHeader(height, width, kept, 1, dtype)
            with io.BufferedReader(file) as buffered:
                return _header(open_file(kind, buffered, start), axes, channels)


def open_file(kind: str, file: BinaryIO, start: bytes) -> Stored:
    """Describe an open image file of a format that `sniff` has named."""
    if kind == "png":
        from .png import open_png

        return open_png(file, start)
    if kind == "jpeg":
        from .photos import open_jpeg

        return open_jpeg(file)
    if kind == "bmp":
        from .photos import open_bmp

        return open_bmp(file, start)
    if kind == "npy":
        from .npy import open_npy

        return open_npy(file)
    if kind == "dicom":
        from .dicom import open_dicom

        return open_dicom(file)
    from .tiff import open_tiff

    return open_tiff(file, start)


def _header(stored: Stored, axes: str | None, channels: int | None) -> ImageHeader:
    layout = stored.laid_out(axes, channels)
    planes, height, width, count = layout.shape
    names = stored.channel_names
    return ImageHeader(
        height,
        width,
        count,
        planes,
        stored.dtype,
        names if names is not None and len(names) == count else None,
        stored.pixel_size,
        layout.guess,
    )
