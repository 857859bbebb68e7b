"""Copying the files that a project refers to into its folder, so that the folder can be sent away."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import ImageReadError, ProjectError
from ...storage import Database
from ..outcome import counted
from ..sql import files as sql
from ..sql import images as image_sql
from ..sql import journal as journal_sql
from ..sql.files import FileRow, Move
from ..sql.images import Location
from .image_files import file_status, full_path, image_status, noted_status, read_files
from .pixels import copy_file, pixel_hash
from .search import headers_fit

_PER_COMMIT = 200
_COPIERS = 4
# The databases grow too, and a disk without a free byte is nobody's friend.
_SPARE_BYTES = 64 << 20


@dataclass(frozen=True)
class PackReport:
    """What became of the files outside of a project's folder.

    Attributes
    ----------
    packed : list of int
        Ids of the images whose files lie in the project now.
    bytes : int
        How many were read; equal files take their place only once.
    failed : dict of str to str
        For each file that could not be copied the reason; its image still refers to it.
    """

    packed: list[int] = field(default_factory=list)
    bytes: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        lines = [
            f"{counted(len(self.packed))} packed ({self.bytes / 1e6:,.1f} MB), {len(self.failed)} failed"
        ]
        lines += [f"  {path}: {reason}" for path, reason in list(self.failed.items())[:10]]
        if len(self.failed) > 10:
            lines.append(f"  … and {len(self.failed) - 10} more in .failed")
        return "\n".join(lines)


def pack(database: Database, folder: Path, author: str) -> PackReport:
    """Copy every file outside of the folder into it, some hundred with each commit.

    Interrupted, it goes on where it was when it is called again.

    Raises
    ------
    ProjectError
        If the disk has not enough room; nothing was copied then.
    """
    with database.read() as connection:
        files = sql.all_files(connection)
    inside = f"{folder}{os.sep}"
    outside: dict[int, list[FileRow]] = defaultdict(list)
    for file in files:
        if not full_path(folder, file.path).startswith(inside):
            outside[file.image_id].append(file)
    _refuse_full_disk(folder, {full_path(folder, file.path) for some in outside.values() for file in some})
    packed: list[int] = []
    failed: dict[str, str] = {}
    size = 0
    ids = sorted(outside)
    with ThreadPoolExecutor(_COPIERS, thread_name_prefix="piximi-pack") as copiers:
        for start in range(0, len(ids), _PER_COMMIT):
            chunk = ids[start : start + _PER_COMMIT]
            with database.read() as connection:
                locations = image_sql.locations(connection, chunk)
            results = copiers.map(lambda one: _copied(folder, one, outside[one.id]), locations)
            moves: list[Move] = []
            for location, result in zip(locations, results, strict=True):
                if isinstance(result, list):
                    moves += result
                    size += sum(move.size or 0 for move in result)
                    packed.append(location.id)
                else:
                    failed.update([result])
            if moves:
                _commit(database, moves, author)
    return PackReport(packed, size, failed)


def _refuse_full_disk(folder: Path, paths: set[str]) -> None:
    needed = sum(map(_bytes, paths))
    free = shutil.disk_usage(folder).free
    if needed and needed + _SPARE_BYTES > free:
        raise ProjectError(
            f"Packing {folder} needs {needed / 1e9:,.2f} GB, but only {free / 1e9:,.2f} GB are free on its"
            " disk. Make room, or move the project to a larger disk; nothing was copied."
        )


def _bytes(path: str) -> int:
    try:
        if os.path.isdir(path):
            return sum(one.stat().st_size for one in Path(path).rglob("*") if one.is_file())
        return os.stat(path).st_size
    except OSError:
        # A file that is missing needs no room; why it fails is said where it is copied.
        return 0


def _copied(folder: Path, location: Location, files: Sequence[FileRow]) -> list[Move] | tuple[str, str]:
    """What is to be noted once all files of an image are copied, or the file that fails and why."""
    path = full_path(folder, files[0].path)
    try:
        if image_status(folder, location) != noted_status(location) and not _holds(folder, location):
            return path, (
                "it holds another image than the one that was added. Put the old file back, or take image"
                f" {location.id} out with remove_images"
            )
        moves = []
        for file in files:
            path = full_path(folder, file.path)
            stored = copy_file(folder, path)
            status = file_status(full_path(folder, stored))
            origin = file.path if file.origin is None else file.origin
            moves.append(Move(file.image_id, file.position, file.path, stored, origin, *status))
    except FileNotFoundError:
        return path, "there is no such file; relink(folder) finds files that moved"
    except OSError as error:
        return path, f"it cannot be copied ({error.strerror or error})"
    except ImageReadError as error:
        return path, str(error).removeprefix(f"{path}: ")
    return moves


def _holds(folder: Path, location: Location) -> bool:
    """Whether files that were written anew still hold the image's pixels, as far as these are known."""
    if location.pixel_hash is not None:
        return pixel_hash(read_files(folder, location)) == location.pixel_hash
    paths = (location.path or "", *(file.path for file in location.files))
    return headers_fit(location, [full_path(folder, path) for path in paths])


def _commit(database: Database, moves: Sequence[Move], author: str) -> None:
    with database.write() as connection:
        operation_id = journal_sql.next_id(connection)
        files = sql.move(connection, moves)
        images = len({move.image_id for move in moves})
        journal_sql.append(
            connection,
            operation_id,
            author=author,
            source="api",
            action="pack",
            detail={
                "images": images,
                "files": files,
                "message": f"{counted(images)} copied into the project.",
            },
        )
