"""A TIFF's pages: the chain in which they lie, and their place in an image that several files make up."""

from __future__ import annotations

import os
import struct
from typing import Any, BinaryIO
from xml.etree import ElementTree

from .formats import Unreadable

# Byte order, and the formats of a page's number of tags and of an offset, by a file's first bytes.
_KINDS = {b"II*\0": "<HI", b"MM\0*": ">HI", b"II+\0": "<QQ", b"MM\0+": ">QQ"}
_MOST_TAGS = 4096


def check_chain(file: BinaryIO) -> None:
    """Refuse a file whose last page leads back to an earlier one: to walk over its pages would never end."""
    file.seek(0)
    kind = _KINDS.get(file.read(4))
    if kind is None:
        return
    order, count, offset = kind[0], kind[1], kind[2]
    number, next_ = struct.Struct(order + count), struct.Struct(order + offset)
    entry = 20 if offset == "Q" else 12
    seen: set[int] = set()
    place = 8 if offset == "Q" else 4
    while True:
        file.seek(place)
        data = file.read(next_.size)
        if len(data) < next_.size:
            return
        (page,) = next_.unpack(data)
        if page in seen:
            raise Unreadable("the file is damaged: its pages follow one another in a circle")
        if page == 0 or page > 2**62:
            return
        seen.add(page)
        file.seek(page)
        data = file.read(number.size)
        if len(data) < number.size or number.unpack(data)[0] > _MOST_TAGS:
            return
        place = page + number.size + entry * number.unpack(data)[0]


def own_pages(tiff: Any, axes: str, shape: tuple[int, ...]) -> str:
    """What the pages of this file are, by the metadata that describe the whole set.

    Parameters
    ----------
    tiff : tifffile.TiffFile
        Opened without the other files.
    axes : str
        As tifffile calls the axes of this file alone, its pages as ``I``.
    shape : tuple of int
        Their lengths.

    Returns
    -------
    str
        `axes` with the pages called ``Z``, ``C`` or ``T``; ``?`` if they differ in more than one of these, or
        it is not said where they belong, so that the caller has to say what they are.
    """
    pages = shape[axes.index("I")] if "I" in axes else 1
    if pages == 1:
        return axes
    places = _places(tiff)
    varied = [axis for axis in "ZCT" if len({place[axis] for place in places}) > 1]
    return axes.replace("I", varied[0] if len(places) == pages and len(varied) == 1 else "?")


def _places(tiff: Any) -> list[dict[str, int]]:
    """Plane, channel and time point of each page of this file."""
    try:
        root = ElementTree.fromstring(tiff.ome_metadata)
    except ElementTree.ParseError:
        return []
    name, uuid = os.path.basename(tiff.filename).lower(), root.get("UUID")
    places = []
    for data in root.iterfind("{*}Image/{*}Pixels/{*}TiffData"):
        other = data.find("{*}UUID")
        if other is not None and other.text != uuid and other.get("FileName", "").lower() != name:
            continue
        if int(data.get("PlaneCount", data.get("NumPlanes", "1"))) != 1:
            return []
        places.append({axis: int(data.get(f"First{axis}", "0")) for axis in "ZCT"})
    return places
