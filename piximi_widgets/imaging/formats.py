"""Which kind of image file this is, and how its failures are put into words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import ImageReadError

IMAGE_SUFFIXES = frozenset(
    (
        *(".png", ".jpg", ".jpeg", ".jpe", ".bmp", ".dcm", ".dicom", ".npy", ".zarr"),
        *(
            ".tif",
            ".tiff",
            ".tf2",
            ".tf8",
            ".btf",
            ".lsm",
            ".stk",
            ".svs",
            ".ndpi",
            ".scn",
            ".bif",
            ".qptiff",
        ),
    )
)
"""The suffixes, in lower case, by which a folder is searched for images; ``.zarr`` is a folder itself."""

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_OLE_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_DICOM_SUFFIXES = (".dcm", ".dicom")
# The first element of a DICOM file without preamble belongs to group 2 or 8, the latter in either byte order.
_DICOM_GROUPS = (b"\x02\0", b"\x08\0", b"\0\x08")

# Microscopes' own formats: by signature, and by suffix where the content cannot tell.
_FOREIGN_SIGNATURES = (
    (b"ZISRAWFILE", "a Zeiss CZI file"),
    (b"\xda\xce\xbe\x0a", "a Nikon ND2 file"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "a JPEG 2000 file or an older Nikon ND2 file"),
)
FOREIGN_SUFFIXES = {
    ".czi": "a Zeiss CZI file",
    ".nd2": "a Nikon ND2 file",
    ".lif": "a Leica LIF file",
    ".oib": "an Olympus OIB file",
    ".oif": "an Olympus OIF file",
    ".oir": "an Olympus OIR file",
    ".vsi": "an Olympus VSI file",
    ".ims": "an Imaris file",
}
"""Suffixes of microscopes' formats that are refused, and what they are."""

# As much of a file's start as is read to tell its format, and to have the whole of a thumbnail.
START = 8192


class Unreadable(Exception):
    """The reason why a file cannot be read, not yet joined with the file's name."""


def sniff(start: bytes, name: str = "") -> str:
    """Tell the format from a file's first bytes: file names lie too often.

    Parameters
    ----------
    start : bytes
        At least the first 132 bytes of the file, or the whole of a shorter file.
    name : str, optional
        The file's name, which counts only where the content does not tell.

    Returns
    -------
    str
        ``"png"``, ``"jpeg"``, ``"bmp"``, ``"tiff"``, ``"dicom"`` or ``"npy"``.
    """
    if not start:
        raise Unreadable("the file is empty")
    if start.startswith(PNG_SIGNATURE):
        return "png"
    suffix = os.path.splitext(name)[1].lower()
    if start[128:132] == b"DICM":
        # Before TIFF: DICOM leaves its first 128 bytes free, and some files are a TIFF to who looks there.
        return "dicom"
    if start.startswith(_TIFF_SIGNATURES):
        # A VSI is a small TIFF beside a folder that holds the picture.
        if suffix == ".vsi":
            raise Unreadable(_way_out(FOREIGN_SUFFIXES[suffix]))
        return "tiff"
    if start.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if start.startswith(b"BM"):
        return "bmp"
    if start.startswith(b"\x93NUMPY"):
        return "npy"
    if suffix in _DICOM_SUFFIXES and start.startswith(_DICOM_GROUPS):
        return "dicom"
    if start.startswith(b"\x70\0\0\0") and start[8:9] == b"*":
        raise Unreadable(_way_out("a Leica LIF file"))
    for signature, what in _FOREIGN_SIGNATURES:
        if start.startswith(signature):
            raise Unreadable(_way_out(what))
    if start.startswith(b"PK\x03\x04"):
        raise Unreadable("this is a zip archive; unpack it first, also where it holds a Zarr folder")
    if suffix in FOREIGN_SUFFIXES:
        raise Unreadable(_way_out(FOREIGN_SUFFIXES[suffix]))
    if start.startswith(_OLE_SIGNATURE):
        raise Unreadable(_way_out("an OLE container, probably an Olympus OIB or a Zeiss ZVI file"))
    raise Unreadable(
        "this is not a PNG, JPEG, BMP or TIFF image, nor a DICOM, OME-Zarr or .npy one, whatever its name says"
    )


def _way_out(what: str) -> str:
    return (
        f"this is {what}, which is not read here; export it as OME-TIFF from the microscope's software, or"
        " convert it with the package bioio (BioImage(path).save('name.ome.tiff'))"
    )


@contextmanager
def readable(path: str | os.PathLike[str]) -> Iterator[str]:
    """Turn whatever goes wrong while a file is read into one `ImageReadError` with a plain reason.

    Decoders of damaged files raise nearly anything (``struct.error``, ``SyntaxError``, ``KeyError``,
    ``zlib.error``), and one bad file must not stop a folder of good ones.
    """
    place = os.fspath(path)
    try:
        yield place
    except ImageReadError:
        raise
    except MemoryError:
        raise ImageReadError(f"{place}: there is not enough memory to read this image") from None
    except Exception as error:
        raise ImageReadError(f"{place}: {_in_words(error, place)}") from error


def _in_words(error: Exception, path: str) -> str:
    if isinstance(error, Unreadable):
        return str(error)
    if isinstance(error, FileNotFoundError):
        if "://" in path:
            return "images are read from disk only; download the file or folder first"
        return "there is no such file"
    if isinstance(error, IsADirectoryError):
        return "this is a folder, not an image"
    if isinstance(error, PermissionError):
        return "you have no permission to read this file"
    if type(error).__name__ == "DecompressionBombError":
        # Of Pillow, which pydicom asks for the pictures within a file whose own size was found bearable.
        return "a picture in the file announces more than the file itself: it is made to fill the memory"
    return f"the file is damaged or cut off ({type(error).__name__}: {error})"
