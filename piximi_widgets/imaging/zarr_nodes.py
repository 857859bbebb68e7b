"""The JSON beside Zarr's chunks: https://zarr-specs.readthedocs.io, formats 2 and 3."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .formats import Unreadable

_MARKS = ("zarr.json", ".zarray", ".zgroup", ".zattrs")
_BYTE = np.dtype("uint8")
_MAX_JSON = 64 * 2**20


@dataclass(frozen=True, slots=True)
class ZarrNode:
    """One folder of a Zarr hierarchy.

    Attributes
    ----------
    attributes : dict
    array : bool
        Whether it is an array; otherwise it is a group, and the rest is empty.
    shape, chunks : tuple of int
    dtype : numpy.dtype
        In the byte order of the file where that is the type's own, as in format 2.
    dims : tuple of str
        The names of the axes, where the array has them.
    codecs : list of dict
        As in format 3, into which those of format 2 are put.
    prefix, separator : str
        How a chunk's file is named.
    fill : number
        The value of chunks that are not there.
    """

    attributes: dict[str, Any]
    array: bool = False
    shape: tuple[int, ...] = ()
    chunks: tuple[int, ...] = ()
    dtype: np.dtype = _BYTE
    dims: tuple[str, ...] = ()
    codecs: tuple[dict[str, Any], ...] = ()
    prefix: str = ""
    separator: str = "."
    fill: Any = 0

    @property
    def ome(self) -> dict[str, Any]:
        """OME's part of the attributes: all of them before version 0.5."""
        ome = self.attributes.get("ome")
        return ome if isinstance(ome, dict) else self.attributes


def is_zarr(folder: Path) -> bool:
    """Whether a folder is a Zarr array or group."""
    return any((folder / mark).is_file() for mark in _MARKS)


def zarr_node(folder: Path) -> ZarrNode:
    """Read a folder's metadata, of Zarr format 2 or 3."""
    new = _json(folder / "zarr.json")
    if new is None:
        attributes, old = _json(folder / ".zattrs") or {}, _json(folder / ".zarray")
        return ZarrNode(attributes) if old is None else _second(attributes, old)
    attributes = _dict(new.get("attributes", {}))
    return _third(attributes, new) if new.get("node_type") == "array" else ZarrNode(attributes)


def _second(attributes: dict[str, Any], meta: dict[str, Any]) -> ZarrNode:
    shape, chunks, dtype = _array(meta["shape"], meta["chunks"], meta["dtype"])
    if meta.get("filters"):
        names = ", ".join(repr(_dict(each).get("id")) for each in meta["filters"])
        raise Unreadable(f"its chunks went through the filters {names}, which are not read; write it without")
    codecs: list[dict[str, Any]] = [{"name": "bytes"}]
    if meta.get("order") == "F":
        order = list(reversed(range(len(shape))))
        codecs.insert(0, {"name": "transpose", "configuration": {"order": order}})
    if meta.get("compressor"):
        codecs.append({"name": _dict(meta["compressor"]).get("id")})
    dims = tuple(map(str, attributes.get("_ARRAY_DIMENSIONS", ())))
    separator = str(meta.get("dimension_separator", "."))
    return _node(attributes, shape, chunks, dtype, dims, codecs, "", separator, meta.get("fill_value"))


def _third(attributes: dict[str, Any], meta: dict[str, Any]) -> ZarrNode:
    grid = _dict(_dict(meta["chunk_grid"])["configuration"])
    shape, chunks, dtype = _array(meta["shape"], grid["chunk_shape"], meta["data_type"])
    names = meta.get("dimension_names") or ()
    dims = tuple(names) if all(isinstance(name, str) for name in names) else ()
    keys = _dict(meta.get("chunk_key_encoding", {"name": "default"}))
    plain = keys.get("name") == "v2"
    separator = str(_dict(keys.get("configuration", {})).get("separator", "." if plain else "/"))
    prefix = "" if plain else "c" + separator
    return _node(
        attributes, shape, chunks, dtype, dims, meta["codecs"], prefix, separator, meta["fill_value"]
    )


def _array(shape: Any, chunks: Any, dtype: Any) -> tuple[tuple[int, ...], tuple[int, ...], np.dtype]:
    kind = np.dtype(dtype) if isinstance(dtype, str) else np.dtype(object)
    if kind.kind not in "uifb" or kind.itemsize > 8:
        raise Unreadable(f"pixels are whole or real numbers, not {dtype}")
    sizes, pieces = tuple(map(int, shape)), tuple(map(int, chunks))
    if len(sizes) != len(pieces) or min(sizes, default=1) < 0 or min(pieces, default=1) < 1:
        raise Unreadable(f"the metadata are damaged: the shape {shape} does not fit the chunks {chunks}")
    return sizes, pieces, kind


def _node(
    attributes: dict[str, Any],
    shape: tuple[int, ...],
    chunks: tuple[int, ...],
    dtype: np.dtype,
    dims: tuple[str, ...],
    codecs: Any,
    prefix: str,
    separator: str,
    fill: Any,
) -> ZarrNode:
    if separator not in (".", "/"):
        raise Unreadable(f"the metadata are damaged: {separator!r} separates no chunks")
    dims = dims if len(dims) == len(shape) else ()
    # "NaN" and "Infinity" are strings in JSON, and no value at all is any value.
    value = dtype.type(0 if fill is None else float(fill) if isinstance(fill, str) else fill)
    parts = tuple(_dict(codec) for codec in codecs)
    return ZarrNode(attributes, True, shape, chunks, dtype, dims, parts, prefix, separator, value)


def _json(path: Path) -> dict[str, Any] | None:
    try:
        with open(path, "rb") as file:
            large = os.fstat(file.fileno()).st_size > _MAX_JSON
            data = b"" if large else file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if large:
        raise Unreadable(f"{path.name} has more than {_MAX_JSON // 2**20} MB of metadata")
    return _dict(json.loads(data))


def _dict(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unreadable("the metadata are damaged: a JSON object was expected")
    return value
