"""Rows of images: reading them in bulk and adding new ones."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

import numpy as np


@dataclass(frozen=True)
class ImageFile:
    """A further file of an image whose channels or planes lie in several files."""

    path: str
    origin: str | None = None
    size: int | None = None
    mtime_ns: int | None = None


@dataclass(frozen=True)
class NewImage:
    """A row for the image table, before it has an id.

    Attributes
    ----------
    origin : str, optional
        What the image was made from, where that is not its path: the file that was copied, or the region that
        was cut from a parent. No two images of a project have the same.
    region : str, optional
        JSON ``[top, left, height, width]`` in pixels of the parent; may reach beyond its edges.
    reading : str, optional
        JSON: the `axes` and `channels` that the file does not say itself, and the `grid` ``[planes, files]`` in
        which the files of an image are joined, row by row.
    channel_names, pixel_size : str, optional
        JSON: a list of texts; ``[plane distance, height, width]`` in micrometres, null where unknown.
    files : tuple of ImageFile
        Without the first file, which is the image's own path.
    """

    name: str
    height: int
    width: int
    channels: int
    planes: int
    dtype: str
    path: str | None = None
    origin: str | None = None
    block: str | None = None
    block_index: int | None = None
    size: int | None = None
    mtime_ns: int | None = None
    pixel_hash: bytes | None = None
    metadata: str | None = None
    parent_id: int | None = None
    kind: str = "image"
    region: str | None = None
    reading: str | None = None
    channel_names: str | None = None
    pixel_size: str | None = None
    files: tuple[ImageFile, ...] = ()


@dataclass(frozen=True)
class Location:
    """Where an image's pixels lie, and what is known about them; the texts are those of `NewImage`."""

    id: int
    name: str
    path: str | None
    block: str | None
    block_index: int | None
    size: int | None
    mtime_ns: int | None
    pixel_hash: bytes | None
    planes: int
    height: int
    width: int
    channels: int
    dtype: str
    region: str | None = None
    reading: str | None = None
    files: tuple[ImageFile, ...] = ()
    parent: Location | None = None


_DYNAMIC = "id, category_id, partition, excluded, unsure, fixed, refused"
_FIELDS = tuple(name for name in NewImage.__dataclass_fields__ if name != "files")
_VALUES = attrgetter(*_FIELDS)
_LOCATION = (
    "id, name, path, block, block_index, size, mtime_ns, pixel_hash, planes, height, width, channels, dtype, region,"
    " reading, parent_id, EXISTS (SELECT 1 FROM file WHERE image_id = image.id)"
)


def seed(connection: sqlite3.Connection) -> str:
    """The 32 random hexadecimal digits that the project was born with."""
    return str(connection.execute("SELECT value FROM project WHERE key = 'seed'").fetchone()[0])


def shapes(connection: sqlite3.Connection) -> np.ndarray:
    """(N, 4) int64: id, height, width and channels of all images, also of the removed ones, ascending."""
    rows = _plain(connection, "SELECT id, height, width, channels FROM image ORDER BY id")
    return np.array(rows, dtype=np.int64).reshape(-1, 4)


def count(connection: sqlite3.Connection) -> int:
    """Number of images that are not removed."""
    return int(connection.execute("SELECT COUNT(*) FROM image WHERE removed = 0").fetchone()[0])


def dynamic(connection: sqlite3.Connection) -> np.ndarray:
    """(7, N) int64: id, category, partition, excluded, unsure, fixed and refused of all images, ascending."""
    # As one text a column: half the time of a tuple a row, and other threads of the process run meanwhile.
    texts = connection.execute(
        f"SELECT {', '.join(f'group_concat({name})' for name in _DYNAMIC.split(', '))}"
        f" FROM (SELECT {_DYNAMIC} FROM image WHERE removed = 0 ORDER BY id)"
    ).fetchone()
    return np.array([np.fromstring(text or "", dtype=np.int64, sep=",") for text in texts])


def dynamic_of(connection: sqlite3.Connection, ids: Sequence[int]) -> list[tuple[int, ...]]:
    """(id, category, partition, excluded, unsure, fixed, refused, removed) of some images, ascending."""
    return _plain(
        connection,
        f"SELECT {_DYNAMIC}, removed FROM image WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",
        (json.dumps(list(ids)),),
    )


def names(connection: sqlite3.Connection, after: int = 0) -> list[tuple[int, str]]:
    """(id, name) of the images with a greater id."""
    return _plain(connection, "SELECT id, name FROM image WHERE removed = 0 AND id > ? ORDER BY id", (after,))


def static(connection: sqlite3.Connection, ids: np.ndarray) -> list[tuple[Any, ...]]:
    """What never changes about images, ascending as `ids` is.

    Rows of id, name, height, width, channels, planes, dtype, metadata, kind, parent_id and pixel_size.
    """
    rows = _plain(
        connection,
        "SELECT id, name, height, width, channels, planes, dtype, metadata, kind, parent_id, pixel_size FROM image"
        " WHERE id BETWEEN ? AND ? ORDER BY id",
        (int(ids[0]), int(ids[-1])) if len(ids) else (0, -1),
    )
    if len(rows) == len(ids):
        return rows
    wanted = set(ids.tolist())
    return [row for row in rows if row[0] in wanted]


def description(connection: sqlite3.Connection, image_id: int) -> tuple[Any, ...]:
    """Name, height, width, channels, planes, dtype and pixel size of one image."""
    row: tuple[Any, ...] = _plain(
        connection,
        "SELECT name, height, width, channels, planes, dtype, pixel_size FROM image WHERE id = ?",
        (image_id,),
    )[0]
    return row


def notes(connection: sqlite3.Connection) -> dict[int, str]:
    """Note by id, of the images that have one."""
    return dict(_plain(connection, "SELECT id, note FROM image WHERE note != '' AND removed = 0"))


def refused_of(connection: sqlite3.Connection, ids: Sequence[int]) -> dict[int, int]:
    """Category of the refused prediction by id, of those images that have one."""
    return dict(
        _plain(
            connection,
            "SELECT id, refused FROM image WHERE refused != 0 AND id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(ids)),),
        )
    )


def kinds_of_pixels(connection: sqlite3.Connection) -> list[tuple[str, int]]:
    """The pairs of dtype and number of channels that occur."""
    return _plain(connection, "SELECT DISTINCT dtype, channels FROM image WHERE removed = 0")


def paths(connection: sqlite3.Connection) -> list[tuple[int, str | None, str | None, str]]:
    """(id, path, origin, name) of all images."""
    return _plain(connection, "SELECT id, path, origin, name FROM image WHERE removed = 0 ORDER BY id")


def known_sources(connection: sqlite3.Connection, sources: Sequence[str]) -> set[str]:
    """Which of these files are in the project already."""
    rows = connection.execute(
        "SELECT COALESCE(origin, path) FROM image WHERE removed = 0"
        " AND COALESCE(origin, path) IN (SELECT value FROM json_each(?1))"
        " UNION SELECT COALESCE(file.origin, file.path) FROM file JOIN image ON image.id = image_id AND removed = 0"
        " WHERE COALESCE(file.origin, file.path) IN (SELECT value FROM json_each(?1))",
        (json.dumps(list(sources)),),
    ).fetchall()
    return {row[0] for row in rows}


def insert(connection: sqlite3.Connection, images: Iterable[NewImage]) -> list[int | None]:
    """Add images; None for each whose file another writer has added in the meantime."""
    marks = ", ".join("?" for _ in _FIELDS)
    statement = f"INSERT INTO image ({', '.join(_FIELDS)}) VALUES ({marks}) ON CONFLICT DO NOTHING"
    ids: list[int | None] = []
    for image in images:
        cursor = connection.execute(statement, _VALUES(image))
        image_id = cursor.lastrowid if cursor.rowcount else None
        ids.append(image_id)
        if image_id is not None and image.files:
            connection.executemany(
                "INSERT INTO file VALUES (?, ?, ?, ?, ?, ?)",
                (
                    (image_id, position, file.path, file.origin, file.size, file.mtime_ns)
                    for position, file in enumerate(image.files, start=1)
                ),
            )
    return ids


def location(connection: sqlite3.Connection, image_id: int, *, also_removed: bool = False) -> Location | None:
    """Where one image's pixels lie; None if there is no such image."""
    rows = _plain(
        connection,
        f"SELECT {_LOCATION} FROM image WHERE id = ? AND (removed = 0 OR ?)",
        (image_id, also_removed),
    )
    return _located(connection, rows)[0] if rows else None


def locations(connection: sqlite3.Connection, ids: Sequence[int]) -> list[Location]:
    """Where the pixels of some images lie, in ascending order of their ids; removed ones are found too."""
    rows = _plain(
        connection,
        f"SELECT {_LOCATION} FROM image WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",
        (json.dumps(list(ids)),),
    )
    return _located(connection, rows)


def _located(connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]) -> list[Location]:
    """Locations with their further files, and with their parents, which may be removed from the project."""
    joined = [row[0] for row in rows if row[-1]]
    files: dict[int, list[ImageFile]] = {image_id: [] for image_id in joined}
    if joined:
        for image_id, *file in _plain(
            connection,
            "SELECT image_id, path, origin, size, mtime_ns FROM file"
            " WHERE image_id IN (SELECT value FROM json_each(?)) ORDER BY image_id, position",
            (json.dumps(joined),),
        ):
            files[image_id].append(ImageFile(*file))
    parent_ids = sorted({row[-2] for row in rows if row[-2] is not None})
    parents = {parent.id: parent for parent in locations(connection, parent_ids)} if parent_ids else {}
    found = []
    for row in rows:
        location = Location(*row[:-2])
        if row[0] in files or row[-2] is not None:
            location = replace(location, files=tuple(files.get(row[0], ())), parent=parents.get(row[-2]))
        found.append(location)
    return found


def store_hashes(
    connection: sqlite3.Connection, rows: Iterable[tuple[bytes, int | None, int | None, int]]
) -> None:
    """Note (pixel hash, file size, mtime in ns, id) of images that were read."""
    connection.executemany("UPDATE image SET pixel_hash = ?, size = ?, mtime_ns = ? WHERE id = ?", rows)


def hashes(connection: sqlite3.Connection, ids: Sequence[int]) -> dict[int, bytes]:
    """Pixel hash by id, for those that have one."""
    rows = _plain(
        connection,
        "SELECT id, pixel_hash FROM image WHERE pixel_hash IS NOT NULL"
        " AND id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(ids)),),
    )
    return dict(rows)


def _plain(connection: sqlite3.Connection, statement: str, arguments: Sequence[Any] = ()) -> list[Any]:
    # Tuples instead of sqlite3.Row: a third of the time for 100,000 rows.
    factory, connection.row_factory = connection.row_factory, None
    try:
        return connection.execute(statement, arguments).fetchall()
    finally:
        connection.row_factory = factory
