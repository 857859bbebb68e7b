"""Which kind of image file this is, and how its failures are put into words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import ImageReadError

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

# A header that promises more than this is an attack or an accident, not an image for a grid.
MAX_BYTES = 4 * 2**30


class Unreadable(Exception):
    """The reason why a file cannot be read, not yet joined with the file's name."""


def sniff(start: bytes) -> str:
    """Tell the format from a file's first bytes: file names lie too often.

    Parameters
    ----------
    start : bytes
        At least the first eight bytes of the file, or the whole of a shorter file.

    Returns
    -------
    str
        ``"png"``, ``"jpeg"``, ``"bmp"`` or ``"tiff"``.
    """
    if not start:
        raise Unreadable("the file is empty")
    if start.startswith(PNG_SIGNATURE):
        return "png"
    if start.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if start.startswith(b"BM"):
        return "bmp"
    if start.startswith(_TIFF_SIGNATURES):
        return "tiff"
    raise Unreadable("this is not a PNG, JPEG, BMP or TIFF image, whatever its name says")


def check_size(height: int, width: int, channels: int, planes: int, itemsize: int) -> None:
    """Refuse images without pixels, and images that no memory could hold."""
    if min(height, width, channels, planes) < 1:
        raise Unreadable("the image has no pixels")
    if height * width * channels * planes * itemsize > MAX_BYTES:
        raise Unreadable(
            f"the header announces {planes} x {height} x {width} x {channels} values, more than the"
            f" {MAX_BYTES // 2**30} GB that one image may take; cut it into smaller images"
        )


@contextmanager
def readable(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Turn whatever goes wrong while a file is read into one `ImageReadError` with a plain reason.

    Decoders of damaged files raise nearly anything (``struct.error``, ``SyntaxError``, ``KeyError``,
    ``zlib.error``), and one bad file must not stop a folder of good ones.
    """
    place = Path(path)
    try:
        yield place
    except ImageReadError:
        raise
    except MemoryError:
        raise ImageReadError(f"{place}: there is not enough memory to read this image") from None
    except Exception as error:
        raise ImageReadError(f"{place}: {_in_words(error)}") from error


def _in_words(error: Exception) -> str:
    if isinstance(error, Unreadable):
        return str(error)
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, IsADirectoryError):
        return "this is a folder, not an image"
    if isinstance(error, PermissionError):
        return "you have no permission to read this file"
    return f"the file is damaged or cut off ({type(error).__name__}: {error})"
