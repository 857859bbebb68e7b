"""Where the images' files lie: reading it in bulk, and writing down that they moved or were seen."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple


class FileRow(NamedTuple):
    """One file of an image; `position` 0 is the image's own path, the others are its further files."""

    image_id: int
    position: int
    name: str
    path: str
    origin: str | None
    size: int | None
    mtime_ns: int | None
    removed: bool


@dataclass(frozen=True)
class Seen:
    """An image's pixel hash, with its files' paths (one None for a crop) and state when it was made."""

    image_id: int
    pixel_hash: bytes
    paths: tuple[str | None, ...]
    status: tuple[tuple[int | None, int | None], ...]


@dataclass(frozen=True)
class Move:
    """A file's new place.

    Attributes
    ----------
    was : str
        The stored path until now; where it is another one by the time of writing, nothing is written.
    origin : str, optional
        The file that was copied, where the project holds a copy now.
    """

    image_id: int
    position: int
    was: str
    path: str
    origin: str | None
    size: int | None
    mtime_ns: int | None


# Images that were removed may be the parents of crops that were not.
_NEEDED = (
    "(removed = 0 OR EXISTS"
    " (SELECT 1 FROM image AS crop WHERE crop.parent_id = image.id AND crop.removed = 0))"
)


def all_files(connection: sqlite3.Connection) -> list[FileRow]:
    """The files of all images, and of the parents of crops, in the order of ids and positions."""
    factory, connection.row_factory = connection.row_factory, None
    try:
        rows = connection.execute(
            "SELECT id, 0, name, path, origin, size, mtime_ns, removed FROM image"
            f" WHERE path IS NOT NULL AND {_NEEDED} ORDER BY id"
        ).fetchall()
        further = connection.execute(
            "SELECT image_id, position, image.name, file.path, file.origin, file.size, file.mtime_ns, removed"
            f" FROM file JOIN image ON image.id = file.image_id WHERE {_NEEDED}"
        ).fetchall()
    finally:
        connection.row_factory = factory
    files = [FileRow(*row) for row in rows]
    if further:
        files = sorted([*files, *(FileRow(*row) for row in further)], key=lambda row: row[:2])
    return files


def blocks(connection: sqlite3.Connection) -> dict[str, list[tuple[int, str]]]:
    """(id, name) of the images in each block."""
    found: dict[str, list[tuple[int, str]]] = {}
    for block, image_id, name in connection.execute(
        f"SELECT block, id, name FROM image WHERE block IS NOT NULL AND {_NEEDED} ORDER BY id"
    ).fetchall():
        found.setdefault(block, []).append((image_id, name))
    return found


def holders(connection: sqlite3.Connection, sources: Sequence[str]) -> dict[str, int]:
    """Which images are known by these stored paths: no second one can be."""
    rows = connection.execute(
        "SELECT COALESCE(origin, path), id FROM image WHERE removed = 0"
        " AND COALESCE(origin, path) IN (SELECT value FROM json_each(?))",
        (json.dumps(list(sources)),),
    ).fetchall()
    return {row[0]: row[1] for row in rows}


def note_seen(connection: sqlite3.Connection, rows: Iterable[Seen]) -> None:
    """Write down hashes and the files' state, unless somebody else has noted other ones since."""
    for seen in rows:
        size, mtime_ns = seen.status[0] if seen.status else (None, None)
        written = connection.execute(
            "UPDATE image SET pixel_hash = ?1, size = ?2, mtime_ns = ?3 WHERE id = ?4 AND path IS ?5"
            " AND (pixel_hash IS NULL OR pixel_hash = ?1)",
            (seen.pixel_hash, size, mtime_ns, seen.image_id, seen.paths[0]),
        ).rowcount
        if written and seen.paths[1:]:
            connection.executemany(
                "UPDATE file SET size = ?, mtime_ns = ? WHERE image_id = ? AND position = ? AND path = ?",
                [
                    (*status, seen.image_id, position, path)
                    for position, (path, status) in enumerate(zip(seen.paths, seen.status, strict=True))
                    if position
                ],
            )


def move(connection: sqlite3.Connection, moves: Sequence[Move]) -> int:
    """Write down where files are now, and return of how many that could be done."""
    own = [one for one in moves if not one.position]
    # Two images that have changed places must not meet at one path halfway.
    connection.executemany(
        "UPDATE image SET path = 'moving:' || id WHERE id = ? AND path = ? AND origin IS NULL",
        [(one.image_id, one.was) for one in own if one.origin is None],
    )
    count = 0
    for one in own:
        count += connection.execute(
            "UPDATE image SET path = ?, origin = ?, size = ?, mtime_ns = ?"
            " WHERE id = ? AND path IN (?, 'moving:' || id)",
            (one.path, one.origin, one.size, one.mtime_ns, one.image_id, one.was),
        ).rowcount
    for one in moves:
        if one.position:
            count += connection.execute(
                "UPDATE file SET path = ?, origin = ?, size = ?, mtime_ns = ?"
                " WHERE image_id = ? AND position = ? AND path = ?",
                (one.path, one.origin, one.size, one.mtime_ns, one.image_id, one.position, one.was),
            ).rowcount
    return count
