"""The files that one image lies in: their state, and reading them as one array."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import ImageReadError
from ...imaging import read_pixels
from ..sql.images import Location

FileStatus = tuple[int | None, int | None]
"""A file's size in bytes and the time of its last change in nanoseconds."""

# What an OME-Zarr folder says about itself, in either version of the format.
_FOLDER_METADATA = ("zarr.json", ".zattrs", ".zgroup", ".zarray")


def full_path(folder: Path, stored: str) -> str:
    """The place of a stored path, as text; see `pixels.stored_path`."""
    return os.path.normpath(os.path.join(folder, stored))


def file_status(path: str | os.PathLike[str]) -> FileStatus:
    """Size and time of change of an image file; of an OME-Zarr folder those of its metadata.

    A folder's own size says nothing, and looking at each of its chunks would take longer than reading one.

    Raises
    ------
    OSError
        If there is no such file.
    """
    status = os.stat(path)
    if not stat.S_ISDIR(status.st_mode):
        return status.st_size, status.st_mtime_ns
    found = []
    for name in _FOLDER_METADATA:
        try:
            found.append(os.stat(os.path.join(path, name)))
        except OSError:
            continue
    if not found:
        return 0, status.st_mtime_ns
    return sum(one.st_size for one in found), max(one.st_mtime_ns for one in found)


def image_status(folder: Path, location: Location) -> tuple[FileStatus, ...]:
    """`file_status` of an image's files as they are now; empty for pixels that have no file of their own.

    Raises
    ------
    OSError
        If one of them is missing.
    """
    if location.path is None:
        return ()
    paths = (location.path, *(file.path for file in location.files))
    return tuple(file_status(full_path(folder, path)) for path in paths)


def pixel_status(folder: Path, location: Location) -> tuple[FileStatus, ...]:
    """State of the files that an image's pixels come from, as `noted_status` tells it of an earlier moment.

    A crop's pixels come from its parent's files; in its own row stand the sum of their sizes and the last of
    their times, since the parent's row may be brought up to date while the crop's hash is still the old one.

    Raises
    ------
    OSError
        If one of them is missing.
    """
    whole = _whole(location)
    status = image_status(folder, whole)
    if whole is location or not status:
        return status
    return ((sum(size or 0 for size, _ in status), max(time or 0 for _, time in status)),)


def noted_status(location: Location) -> tuple[FileStatus, ...]:
    """`pixel_status` as it was when the files were last known to hold the image's pixels."""
    if _whole(location).path is None:
        return ()
    return ((location.size, location.mtime_ns), *((file.size, file.mtime_ns) for file in location.files))


def pixel_signature(folder: Path, location: Location, use: str) -> bytes | None:
    """16 bytes that stay the same only as long as an image's pixels do; None where its files cannot be looked at.

    Parameters
    ----------
    folder : Path
        The project's.
    location : Location
    use : str
        What the signature is for, with its version: another text makes another signature.
    """
    digest = hashlib.sha256(use.encode())
    place: Location | None = location
    while place is not None:
        try:
            status = image_status(folder, place)
        except (OSError, ValueError):
            return None
        files = (place.path, *(file.path for file in place.files))
        pixels = (place.block, place.block_index, place.region, place.reading)
        digest.update(repr((files, status, pixels)).encode())
        place = place.parent
    return digest.digest()[:16]


def _whole(location: Location) -> Location:
    """The image that a crop is cut from, or the image itself."""
    while location.region is not None and location.parent is not None:
        location = location.parent
    return location


def reading_of(location: Location) -> tuple[dict[str, Any], tuple[int, int]]:
    """How an image's files are read: the keywords for each, and planes and files per plane of their grid."""
    reading = json.loads(location.reading) if location.reading else {}
    options = {name: reading[name] for name in ("axes", "channels") if reading.get(name) is not None}
    rows, columns = reading.get("grid") or (1, 1 + len(location.files))
    return options, (rows, columns)


def read_files(folder: Path, location: Location, paths: Sequence[Path] | None = None) -> np.ndarray:
    """The pixels in an image's files, joined where there are several.

    Parameters
    ----------
    folder : Path
        The project's folder.
    location : Location
        Of an image that has files.
    paths : sequence of Path, optional
        Other files to read in their place.

    Returns
    -------
    (Z, H, W, C) ndarray
        A new array.

    Raises
    ------
    ImageReadError
        If a file is missing or damaged, or the files do not fit together.
    """
    if paths is None:
        stored = (location.path or "", *(file.path for file in location.files))
        paths = [Path(full_path(folder, path)) for path in stored]
    options, (rows, columns) = reading_of(location)
    if len(paths) == 1:
        return _writable(_read_file(paths[0], location, options))
    if rows * columns != len(paths):
        raise ImageReadError(
            f"{paths[0]}: image {location.id} is noted as {rows} planes of {columns} files each, and has"
            f" {len(paths)} files. Take it out with remove_images and add it again."
        )
    joined: np.ndarray | None = None
    for index, path in enumerate(paths):
        part = _read_file(path, location, options)
        planes, height, width, channels = part.shape
        if joined is None:
            first = part
            joined = np.empty((rows * planes, height, width, columns * channels), part.dtype)
        if part.shape != first.shape or part.dtype != first.dtype:
            raise ImageReadError(
                f"{path}: it holds {_size(part)}, but {paths[0].name}, with which it makes one image, holds"
                f" {_size(first)}. The files of an image have one shape and dtype; take image {location.id}"
                " out with remove_images, or put the right file back."
            )
        row, column = divmod(index, columns)
        joined[row * planes : (row + 1) * planes, ..., column * channels : (column + 1) * channels] = part
    assert joined is not None
    return joined


def _read_file(path: Path, location: Location, options: dict[str, Any]) -> np.ndarray:
    try:
        return read_pixels(path, **options)
    except ImageReadError:
        if path.exists():
            raise
        raise ImageReadError(
            f"{path}: there is no such file any more. Put it back, let relink(folder) find where it is now,"
            f" or take image {location.id} out with remove_images."
        ) from None


def _writable(pixels: np.ndarray) -> np.ndarray:
    """The array itself, or a copy of one that is mapped from a file."""
    if isinstance(pixels, np.memmap) or not pixels.flags.writeable:
        return np.array(pixels)
    return pixels


def refuse_changed(place: str | Path, location: Location, pixels: np.ndarray) -> None:
    """Raise ImageReadError where pixels are not of the shape and dtype that are noted of their image."""
    shape = (location.planes, location.height, location.width, location.channels)
    if pixels.shape != shape or pixels.dtype != np.dtype(location.dtype):
        was = np.broadcast_to(np.zeros((), location.dtype), shape)
        raise ImageReadError(
            f"{place}: the file has changed since it was added: it holds {_size(pixels)} now and held"
            f" {_size(was)} then. Put the old file back, or take image {location.id} out with remove_images"
            " and add the file again."
        )


def _size(pixels: np.ndarray) -> str:
    planes, height, width, channels = pixels.shape
    return f"{planes} x {height} x {width} x {channels} values of {pixels.dtype}"
