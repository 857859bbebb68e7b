"""From the files of one image to its row: what headers say, without pixels."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import ImageReadError
from ...imaging import ImageHeader, read_header, read_pixels
from ..files.image_files import file_status
from ..files.pixels import copy_file, pixel_hash, stored_path
from ..sql.images import ImageFile, NewImage


@dataclass(frozen=True)
class Scan:
    """What every file of one call is read with.

    Attributes
    ----------
    folder : str
        The project's.
    copy, verify : bool
    axes : str, optional
    channels : int, optional
    """

    folder: str
    copy: bool
    verify: bool
    axes: str | None = None
    channels: int | None = None


def scan_files(
    scan: Scan, paths: Sequence[str], grid: Sequence[int] | None
) -> tuple[NewImage | str, str | None]:
    """Read the headers of an image's files.

    Returns
    -------
    NewImage or str
        The image's row, without what the source says about it; or the reason why it cannot be added.
    str or None
        How its pages were guessed to be ordered.
    """
    folder = Path(scan.folder)
    path = paths[0]
    # Of joined files it is the image that has so many channels.
    channels = None if grid else scan.channels
    try:
        # Asked before a file is read: one that changes meanwhile is noticed by its later time.
        statuses = [file_status(path) for path in paths]
        headers = []
        for path in paths:
            headers.append(read_header(path, axes=scan.axes, channels=channels))
        header = _joined(headers, paths, grid)
        if isinstance(header, str):
            return header, None
        digest = None
        if scan.verify:
            for path in paths:
                pixels = read_pixels(path, axes=scan.axes, channels=channels)
            # Of several files the hash is made when they are read together.
            digest = pixel_hash(pixels) if len(paths) == 1 else None
        places = [stored_path(folder, path) for path in paths]
        files = [ImageFile(place, None, *status) for place, status in zip(places, statuses, strict=True)]
        if scan.copy:
            for index, path in enumerate(paths):
                copied = copy_file(folder, path)
                files[index] = ImageFile(copied, places[index], *file_status(folder / copied))
    except ImageReadError as error:
        reason = str(error).removeprefix(f"{path}: ")
        return reason if len(paths) == 1 else f"{os.path.basename(path)}: {reason}", None
    except FileNotFoundError:
        reason = "there is no such file"
        return reason if len(paths) == 1 else f"{os.path.basename(path)}: {reason}", None
    except OSError as error:
        return f"it cannot be read ({error.strerror or error})", None
    first = files[0]
    reading = {"axes": scan.axes, "channels": channels, "grid": list(grid) if grid else None}
    given = {name: value for name, value in reading.items() if value is not None}
    row = NewImage(
        name=os.path.basename(paths[0].rstrip("/\\")),
        height=header.height,
        width=header.width,
        channels=header.channels,
        planes=header.planes,
        dtype=header.dtype,
        path=first.path,
        origin=first.origin,
        size=first.size,
        mtime_ns=first.mtime_ns,
        pixel_hash=digest,
        reading=json.dumps(given) if given else None,
        channel_names=json.dumps(header.channel_names, ensure_ascii=False) if header.channel_names else None,
        pixel_size=json.dumps(header.pixel_size) if header.pixel_size else None,
        files=tuple(files[1:]),
    )
    return row, header.guess


def _joined(
    headers: Sequence[ImageHeader], paths: Sequence[str], grid: Sequence[int] | None
) -> ImageHeader | str:
    """The header of the image that the files make together, or why they do not fit."""
    first = headers[0]
    if grid is None or len(headers) == 1:
        return first
    for header, path in zip(headers, paths, strict=True):
        if (header.height, header.width, header.dtype) != (first.height, first.width, first.dtype):
            return (
                f"{os.path.basename(path)} is {header.height} x {header.width} of {header.dtype}, but"
                f" {os.path.basename(paths[0])} is {first.height} x {first.width} of {first.dtype}; the files of one"
                " image must be alike"
            )
        if header.planes != (1 if grid[0] > 1 else first.planes):
            return f"{os.path.basename(path)} holds {header.planes} planes; that does not fit the other files"
    rows = [headers[start : start + grid[1]] for start in range(0, len(headers), grid[1])]
    counts = {tuple(header.channels for header in row) for row in rows}
    if len(counts) > 1:
        return "the files of its planes differ in their numbers of channels"
    return ImageHeader(
        first.height,
        first.width,
        sum(header.channels for header in rows[0]),
        grid[0] if grid[0] > 1 else first.planes,
        first.dtype,
        pixel_size=first.pixel_size,
        guess=first.guess,
    )
