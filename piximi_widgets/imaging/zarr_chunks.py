"""Zarr's chunks, unpacked with a bound on each.

The package zarr believes what a chunk says of its own size, and knows codecs that run code; files from strangers
are read by these few lines instead.
"""

from __future__ import annotations

import bz2
import lzma
import math
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .formats import Unreadable
from .zarr_nodes import ZarrNode

_MISSING = 2**64 - 1


def read_array(folder: Path, node: ZarrNode) -> np.ndarray:
    """The whole array; chunks that are not there have the fill value."""
    out = np.full(node.shape, node.fill, node.dtype.newbyteorder("="))
    for index, path in _chunk_files(folder, node):
        with open(path, "rb") as file:
            chunk = _decoded(file.read(), node.codecs, node.chunks, node.dtype, node.fill)
        _put(out, chunk, index, node.chunks)
    return out


def check_codecs(codecs: Sequence[dict[str, Any]]) -> None:
    """Refuse what is not unpacked here, by name."""
    for codec in codecs:
        name = _name(codec)
        if name not in _UNPACK and name not in ("bytes", "transpose", "crc32c", "sharding_indexed"):
            raise Unreadable(
                f"its chunks are packed with {name!r}, which is not read here; write it anew with one of"
                f" {', '.join(sorted(_UNPACK))} or without compression"
            )
        if name == "sharding_indexed":
            options = codec["configuration"]
            check_codecs(options["codecs"])
            if [_name(each) for each in options.get("index_codecs", ())] not in (
                ["bytes", "crc32c"],
                ["bytes"],
            ):
                raise Unreadable("the index of its shards is packed, which is not read here")


def packed_bytes(folder: Path, node: ZarrNode) -> int:
    """What the array's chunks take on disk."""
    return sum(os.path.getsize(path) for _, path in _chunk_files(folder, node))


def _chunk_files(folder: Path, node: ZarrNode) -> Iterator[tuple[tuple[int, ...], str]]:
    """Those of the array's chunks that exist. The grid may have more places than anybody can visit."""
    grid = [-(-length // chunk) for length, chunk in zip(node.shape, node.chunks, strict=True)]
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            key = os.path.relpath(path, folder).replace(os.sep, "/")
            parts = key.removeprefix(node.prefix).split(node.separator)
            if not key.startswith(node.prefix) or len(parts) != len(grid):
                continue
            if all(part.isdecimal() and part.isascii() for part in parts):
                index = tuple(map(int, parts))
                if all(at < count for at, count in zip(index, grid, strict=True)):
                    yield index, path


def _put(out: np.ndarray, chunk: np.ndarray, index: Sequence[int], sizes: Sequence[int]) -> None:
    begins = [at * size for at, size in zip(index, sizes, strict=True)]
    target = out[tuple(slice(begin, begin + size) for begin, size in zip(begins, sizes, strict=True))]
    target[...] = chunk[tuple(slice(length) for length in target.shape)]


def _decoded(
    data: bytes, codecs: Sequence[dict[str, Any]], shape: tuple[int, ...], dtype: np.dtype, fill: Any
) -> np.ndarray:
    """Undo the codecs, the last first."""
    orders = [codec["configuration"]["order"] for codec in codecs if _name(codec) == "transpose"]
    stored = shape
    for order in orders:
        stored = tuple(stored[axis] for axis in order)
    size = math.prod(shape) * dtype.itemsize
    array = np.empty(0)
    for codec in reversed(codecs):
        name = _name(codec)
        if name == "crc32c":
            data = data[:-4]
        elif name in _UNPACK:
            # Sums of the bytes may have been packed with them.
            data = _UNPACK[name](data, size + 64)
        elif name == "bytes":
            order = (codec.get("configuration") or {}).get("endian")
            kind = dtype if order is None else dtype.newbyteorder("<" if order == "little" else ">")
            array = np.frombuffer(data, kind, math.prod(stored)).reshape(stored)
        elif name == "sharding_indexed":
            array = _shard(data, codec["configuration"], stored, dtype, fill)
        elif name == "transpose":
            array = array.transpose(np.argsort(orders.pop()))
    return array


def _shard(
    data: bytes, options: dict[str, Any], shape: tuple[int, ...], dtype: np.dtype, fill: Any
) -> np.ndarray:
    inner = tuple(map(int, options["chunk_shape"]))
    grid = tuple(length // size for length, size in zip(shape, inner, strict=True))
    count = math.prod(grid)
    length = 16 * count + (4 if len(options["index_codecs"]) == 2 else 0)
    if len(data) < length:
        raise Unreadable("the file is damaged: a shard is shorter than its index")
    start = 0 if options.get("index_location") == "start" else len(data) - length
    entries = np.frombuffer(data, "<u8", 2 * count, start).reshape(*grid, 2)
    out = np.full(shape, fill, dtype)
    for index in np.ndindex(grid):
        offset, size = map(int, entries[index])
        if offset == _MISSING:
            continue
        if offset + size > len(data):
            raise Unreadable("the file is damaged: a shard's chunk lies beyond its end")
        chunk = _decoded(data[offset : offset + size], options["codecs"], inner, dtype, fill)
        _put(out, chunk, index, inner)
    return out


def _name(codec: dict[str, Any]) -> str:
    return str(codec.get("name")).removeprefix("numcodecs.")


def _blosc(data: bytes, size: int) -> bytes:
    import imagecodecs

    # The library takes the sizes of the header as they are, and does not survive a failed allocation.
    unpacked, block, packed = struct.unpack_from("<III", data, 4)
    if unpacked > size or block > max(unpacked, 1) or packed != len(data) or not data[3]:
        raise Unreadable("the file is damaged: a chunk's header does not fit the chunk")
    return bytes(imagecodecs.blosc_decode(data))


def _zstd(data: bytes, size: int) -> bytes:
    import imagecodecs

    out = bytearray(size)
    return bytes(imagecodecs.zstd_decode(data, out=out))


def _lz4(data: bytes, size: int) -> bytes:
    import imagecodecs

    (unpacked,) = struct.unpack_from("<I", data)
    return bytes(imagecodecs.lz4_decode(data[4:], out=min(unpacked, size)))


_UNPACK: dict[str, Callable[[bytes, int], bytes]] = {
    "blosc": _blosc,
    "bz2": lambda data, size: bz2.BZ2Decompressor().decompress(data, size),
    "gzip": lambda data, size: zlib.decompressobj(47).decompress(data, size),
    "lz4": _lz4,
    "lzma": lambda data, size: lzma.LZMADecompressor(memlimit=2**30).decompress(data, size),
    "zlib": lambda data, size: zlib.decompressobj(47).decompress(data, size),
    "zstd": _zstd,
}
