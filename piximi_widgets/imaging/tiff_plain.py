"""The header of a plain TIFF file by hand: a scan meets a hundred thousand of them."""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

from .stored import PixelSize
from .tiff_metadata import centimetres

# Tags that change nothing about what the picture is; with any other one tifffile has to look.
_HARMLESS = frozenset((266, 271, 272, 274, 280, 281, 306, 315, 317))
_KNOWN = _HARMLESS | {254, 256, 257, 258, 259, 262, 270, 273, 277, 278, 279, 282, 283, 284, 296, 305, 339}
_COMPRESSIONS = (1, 5, 8, 32773, 32946)
_DTYPES = {
    (1, 8): "uint8", (1, 16): "uint16", (1, 32): "uint32",
    (2, 8): "int8", (2, 16): "int16", (2, 32): "int32",
    (3, 32): "float32", (3, 64): "float64",
}  # fmt: skip
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8}


def plain_tiff(file: BinaryIO, start: bytes) -> tuple[int, int, int, str, PixelSize | None] | None:
    """Height, width, samples, dtype and pixel size of a file of one page without any peculiarity.

    None stands for every other file, also for a damaged one: tifffile knows more about it.
    """
    try:
        return _plain(file, start)
    except (struct.error, LookupError, ArithmeticError, AttributeError, TypeError, ValueError, OSError):
        return None


def _plain(file: BinaryIO, start: bytes) -> tuple[int, int, int, str, PixelSize | None] | None:
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(start[:4])
    if order is None:
        return None
    (first,) = struct.unpack_from(order + "I", start, 4)
    base = 0
    if first + 512 > len(start):
        file.seek(first)
        base, start = first, file.read(4096)
    (count,) = struct.unpack_from(order + "H", start, first - base)
    entries = struct.unpack_from(f"{order}{'HHI4s' * count}I", start, first - base + 2)
    if entries[-1] != 0:
        return None
    tags: dict[int, tuple[int, ...] | bytes] = {}
    for tag, kind, length, value in zip(
        entries[0:-1:4], entries[1:-1:4], entries[2:-1:4], entries[3:-1:4], strict=True
    ):
        if tag not in _KNOWN or tag in tags:
            return None
        if tag in _HARMLESS:
            continue
        size = _SIZES[kind] * length
        if size > 4:
            if size > 65536:
                return None
            at = struct.unpack(order + "I", value)[0]
            if base <= at and at + size <= base + len(start):
                value = start[at - base : at - base + size]
            else:
                file.seek(at)
                value = file.read(size)
        if kind == 2:
            tags[tag] = value[:length]
        else:
            code = {1: "B", 3: "H", 4: "I", 5: "I"}[kind]
            tags[tag] = struct.unpack_from(f"{order}{length * (2 if kind == 5 else 1)}{code}", value)
    return _described(file, tags)


def _described(file: BinaryIO, tags: dict) -> tuple[int, int, int, str, PixelSize | None] | None:
    width, height = tags[256][0], tags[257][0]
    samples = tags.get(277, (1,))[0]
    bits = tags[258]
    photometric = tags[262][0]
    compression = tags.get(259, (1,))[0]
    formats = tags.get(339, (1,))
    shape = [height, width] if samples == 1 else [height, width, samples]
    if (
        (photometric, samples) not in ((1, 1), (2, 3))
        or tags.get(254, (0,)) != (0,)
        or compression not in _COMPRESSIONS
        or tags.get(284, (1,)) != (1,)
        or len(set(bits)) != 1
        or len(set(formats)) != 1
        or len(bits) != samples
        or tags.get(305, b"tifffile.py\0") != b"tifffile.py\0"
        or tags.get(270, b"").rstrip(b"\0") not in (b"", f'{{"shape": {shape}}}'.encode())
    ):
        return None
    dtype = _DTYPES[formats[0], bits[0]]
    offsets, counts = tags[273], tags[279]
    rows = min(tags.get(278, (height,))[0], height)
    if len(offsets) != len(counts) or len(offsets) != -(-height // rows) or 0 in counts or width < 1:
        return None
    if max(map(sum, zip(offsets, counts, strict=True))) > file.seek(0, os.SEEK_END):
        return None
    if compression == 1 and sum(counts) != height * width * samples * bits[0] // 8:
        return None
    return height, width, samples, dtype, centimetres(tags.get(296), tags.get(282), tags.get(283))
