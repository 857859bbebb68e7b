"""The images that crops may be cut from."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Parent:
    """An image that is no crop itself, and what its crops take over from it.

    Attributes
    ----------
    places : tuple of str
        The stored paths of its files, and of the files that these were copied from.
    channel_names, pixel_size : str, optional
        JSON, as in ``NewImage``.
    """

    id: int
    name: str
    height: int
    width: int
    channels: int = 1
    planes: int = 1
    dtype: str = "uint8"
    channel_names: str | None = None
    pixel_size: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    places: tuple[str, ...] = ()


def parents(connection: sqlite3.Connection) -> list[Parent]:
    """All images that are no crops, by their ids."""
    places: dict[int, list[str]] = {}
    firsts = connection.execute(
        "SELECT id, path, origin FROM image WHERE removed = 0 AND parent_id IS NULL"
    ).fetchall()
    for image_id, *paths in [*map(tuple, firsts), *further_files(connection)]:
        places.setdefault(image_id, []).extend(path for path in paths if path)
    rows = connection.execute(
        "SELECT id, name, height, width, channels, planes, dtype, channel_names, pixel_size, metadata"
        " FROM image WHERE removed = 0 AND parent_id IS NULL ORDER BY id"
    ).fetchall()
    return [
        replace(Parent(*row[:-1]), metadata=json.loads(row[-1] or "{}"), places=tuple(places.get(row[0], ())))
        for row in map(tuple, rows)
    ]


def further_files(connection: sqlite3.Connection) -> list[tuple[int, str, str | None]]:
    """(image id, path, origin) of the files of images that have several, without the first ones."""
    rows = connection.execute(
        "SELECT image_id, file.path, file.origin FROM file JOIN image ON image.id = image_id AND removed = 0"
    ).fetchall()
    return [tuple(row) for row in rows]


def crop_ids(connection: sqlite3.Connection) -> set[int]:
    """The ids of all crops."""
    rows = connection.execute("SELECT id FROM image WHERE removed = 0 AND parent_id IS NOT NULL").fetchall()
    return {int(row[0]) for row in rows}
