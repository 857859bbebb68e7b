"""OME-Zarr images (versions 0.1 to 0.5) and plain Zarr arrays in folders on disk.

The format is that of https://ngff.openmicroscopy.org. Stores in a network are not read.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

from .formats import Unreadable
from .labeled import axes_of
from .npy import guessed_axes
from .stored import Stored, check_size
from .tiff_metadata import PixelSize, micrometres, size_or_none
from .zarr_chunks import check_codecs, packed_bytes, read_array
from .zarr_nodes import ZarrNode, is_zarr, zarr_node

_LETTERS = {"time": "T", "channel": "C"}


def open_zarr(folder: Path) -> Stored:
    """Describe the largest level of an OME-Zarr folder's first image, or a Zarr array's folder."""
    if not is_zarr(folder):
        raise IsADirectoryError(folder)
    node = zarr_node(folder)
    if node.array:
        return _plain(folder, node)
    scales = node.ome.get("multiscales")
    if not scales:
        fields = field_paths(folder, node)
        if fields:
            raise Unreadable(
                f"this is a plate or a series of {len(fields)} images; give the folder of one of them, for"
                f" example {os.path.join(folder, fields[0])}"
            )
        raise Unreadable(
            "this Zarr group holds no image (no multiscales); give the folder of one of its arrays"
        )
    scale = scales[0]
    level = scale["datasets"][0]
    place = _inside(folder, str(level["path"]))
    array = zarr_node(place)
    if not array.array:
        raise Unreadable(f"the folder is damaged: the image's pixels are missing in {level['path']!r}")
    axes, units = _axes(scale, len(array.shape))
    return _stored(
        place,
        array,
        axes,
        channel_names=_labels(node.ome.get("omero")),
        pixel_size=_pixel_size(axes, units, [*_scales(level), *_scales(scale)]),
    )


def field_paths(folder: Path, node: ZarrNode) -> list[str]:
    """The images below a plate, a well, or a folder of several images, relative to it."""
    ome = node.ome
    if isinstance(ome.get("plate"), dict):
        wells = [str(well["path"]) for well in ome["plate"].get("wells", ())]
        return [
            f"{well}/{field}"
            for well in wells
            for field in field_paths(_inside(folder, well), zarr_node(_inside(folder, well)))
        ]
    if isinstance(ome.get("well"), dict):
        return [str(image["path"]) for image in ome["well"].get("images", ())]
    if "bioformats2raw.layout" in ome:
        named = zarr_node(folder / "OME").ome.get("series")
        numbers = sorted((name for name in os.listdir(folder) if name.isdecimal()), key=int)
        return [str(name) for name in named] if isinstance(named, list) else numbers
    return []


def _plain(folder: Path, node: ZarrNode) -> Stored:
    if node.dims:
        try:
            return _stored(folder, node, axes_of(node.dims))
        except Unreadable:
            pass  # Names like dim_0 say no more than none.
    axes, guess = guessed_axes(node.shape)
    return _stored(folder, node, axes, guess=guess)


def _stored(place: Path, node: ZarrNode, axes: str, **told: Any) -> Stored:
    check_codecs(node.codecs)
    # A chunk is unpacked whole, however small the array is.
    check_size(1, 1, 1, math.prod(node.chunks), node.dtype.itemsize)
    # Many small files are counted only where it matters.
    large = math.prod(node.shape) * node.dtype.itemsize > 2**28
    return Stored(
        node.shape,
        axes,
        "uint8" if node.dtype.kind == "b" else node.dtype.name,
        lambda: read_array(place, node),
        file_bytes=packed_bytes(place, node) if large else None,
        free=True,
        **told,
    )


def _axes(scale: dict[str, Any], count: int) -> tuple[str, list[str | None]]:
    """A letter and a unit for each axis; before version 0.3 they were five and had no names."""
    axes = scale.get("axes", list("tczyx"))
    letters, units = "", []
    for axis in axes:
        name = str(axis["name"] if isinstance(axis, dict) else axis)
        kind = axis.get("type") if isinstance(axis, dict) else None
        letters += _LETTERS.get(str(kind)) or (axes_of((name,)))
        units.append(axis.get("unit") if isinstance(axis, dict) else None)
    if len(letters) != count:
        raise Unreadable(f"the metadata are damaged: {len(letters)} axes are named, the array has {count}")
    return letters, units


def _scales(part: dict[str, Any]) -> list[list[Any]]:
    return [
        change["scale"]
        for change in part.get("coordinateTransformations", ())
        if isinstance(change, dict) and isinstance(change.get("scale"), list)
    ]


def _pixel_size(axes: str, units: list[str | None], scales: list[list[Any]]) -> PixelSize | None:
    def side(letter: str) -> float | None:
        axis = axes.find(letter)
        unit = units[axis] if axis >= 0 else None
        if unit is None or not scales:
            return None
        return micrometres(math.prod(float(scale[axis]) for scale in scales), unit)

    return size_or_none(side("Z"), side("Y"), side("X"))


def _labels(omero: Any) -> tuple[str, ...] | None:
    channels = omero.get("channels", ()) if isinstance(omero, dict) else ()
    names = tuple(str(channel.get("label") or "") for channel in channels if isinstance(channel, dict))
    return names if names and all(names) else None


def _inside(folder: Path, path: str) -> Path:
    place = folder / path
    if not place.resolve().is_relative_to(folder.resolve()):
        raise Unreadable(f"the metadata point outside of the folder ({path!r})")
    return place
