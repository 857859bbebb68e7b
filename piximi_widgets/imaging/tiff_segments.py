"""Pictures within a TIFF's strips and tiles that say their own size, and may lie about it."""

from __future__ import annotations

import struct
from typing import Any

from .formats import Unreadable

_JPEG = (6, 7, 33007, 34892)
_JPEG_2000 = (33003, 33004, 33005, 34712)
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_2000_START = b"\xff\x4f\xff\x51"
_READ = 4096


def check_segments(tiff: Any, series: Any) -> None:
    """Refuse JPEG strips and tiles that are larger than the page has room for.

    Their decoders make room for what the segment says, not for what the page needs, and a few bytes can
    claim gigabytes.
    """
    compression = int(series.keyframe.compression)
    if compression not in _JPEG + _JPEG_2000:
        return
    page, file = series.keyframe, tiff.filehandle
    room = (page.tilewidth or page.imagewidth) * (page.tilelength or page.imagelength)
    for page in series.pages:
        for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False):
            file.seek(offset)
            data = file.read(min(count, _READ))
            size = _jpeg_size(data) if compression in _JPEG else _jpeg_2000_size(data)
            # Blocks of JPEG may reach a little beyond the edge.
            if size is not None and size[0] * size[1] > 4 * room + 4096:
                raise Unreadable(
                    f"the file is damaged: a part announces {size[0]} x {size[1]} pixels, more than its page has"
                )


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    position = 2
    while position + 9 <= len(data):
        if data[position] != 0xFF:
            return None
        if data[position + 1] in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, position + 5)
            return height, width
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return None


def _jpeg_2000_size(data: bytes) -> tuple[int, int] | None:
    start = data.find(_JPEG_2000_START)
    if start < 0 or start + 16 > len(data):
        return None
    width, height = struct.unpack_from(">II", data, start + 8)
    return height, width
