"""Pixel hashes that are true now: known ones of files that did not change, and the others made."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np

from ...errors import ImageReadError
from ...storage import Database
from ..sql import images as image_sql
from ..sql.files import Seen, note_seen
from ..sql.hashes import Noted, noted
from ..sql.images import Location
from .image_files import FileStatus, file_status, full_path, noted_status, pixel_status
from .pixels import PixelReader, pixel_hash

_PER_COMMIT = 2000
_PER_LOOK = 250
_READERS = 4
_SHOWN = 5


@dataclass
class CurrentHashes:
    """Pixel hashes by id, and what went wrong while they were made.

    Attributes
    ----------
    of : dict of int to bytes
    broken : dict of int to str
        For each image that cannot be read the reason.
    changed : list of str
        Names of images whose pixels are not the ones that were hashed before.
    """

    of: dict[int, bytes] = field(default_factory=dict)
    broken: dict[int, str] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)

    def warn_of_changed(self, stacklevel: int) -> None:
        """Say which images changed: their new hashes are kept now, so that nobody else will."""
        if self.changed:
            shown = ", ".join(self.changed[:_SHOWN])
            more = f" and {len(self.changed) - _SHOWN} more" if len(self.changed) > _SHOWN else ""
            warnings.warn(
                f"{shown}{more}: the pixels are not the ones that were labeled; the file was changed since.",
                stacklevel=stacklevel + 1,
            )


def current_hashes(database: Database, folder: Path, ids: np.ndarray) -> CurrentHashes:
    """Pixel hashes of images, read from the files where they are not known or no longer sure.

    Those that were made are kept, unless the project was opened read-only.
    """
    found = CurrentHashes()
    with (
        # One of its own, which hashes nothing in passing.
        closing(PixelReader(folder)) as reader,
        ThreadPoolExecutor(_READERS, thread_name_prefix="piximi-hash") as readers,
    ):
        for start in range(0, len(ids), _PER_COMMIT):
            with database.read() as connection:
                known = noted(connection, ids[start : start + _PER_COMMIT].tolist())
            pieces = [known[at : at + _PER_LOOK] for at in range(0, len(known), _PER_LOOK)]
            asked = []
            for image, sure in chain.from_iterable(readers.map(partial(_looked_at, folder), pieces)):
                if sure and image.pixel_hash is not None:
                    found.of[image.id] = image.pixel_hash
                else:
                    asked.append(image.id)
            if not asked:
                continue
            with database.read() as connection:
                locations = image_sql.locations(connection, asked)
            unsure = []
            for location in locations:
                status = _status(folder, location)
                if location.pixel_hash is not None and status == noted_status(location):
                    found.of[location.id] = location.pixel_hash
                else:
                    unsure.append((location, status))
            rows = []
            joined = []
            results = readers.map(lambda item: _read(reader, item[0]), unsure)
            for (location, status), result in zip(unsure, results, strict=True):
                if isinstance(result, str):
                    found.broken[location.id] = result
                    continue
                if location.pixel_hash not in (None, result):
                    found.changed.append(location.name)
                found.of[location.id] = result
                rows.append((result, *(status[0] if status else (None, None)), location.id))
                if location.files and status:
                    paths = (location.path, *(file.path for file in location.files))
                    joined.append(Seen(location.id, result, paths, status))
            if rows and not database.read_only:
                with database.write() as connection:
                    image_sql.store_hashes(connection, rows)
                    note_seen(connection, joined)
    return found


def _looked_at(folder: Path, images: Sequence[Noted]) -> list[tuple[Noted, bool]]:
    """For each image whether its file is plainly the one that its hash was made from."""
    return [
        (image, image.is_plain and (image.path is None or _is_as_noted(folder, image.path, image)))
        for image in images
    ]


def _is_as_noted(folder: Path, path: str, image: Noted) -> bool:
    try:
        return file_status(full_path(folder, path)) == (image.size, image.mtime_ns)
    except OSError:
        return False


def _status(folder: Path, location: Location) -> tuple[FileStatus, ...] | None:
    """State of the files that an image's pixels come from; None where one is missing."""
    try:
        return pixel_status(folder, location)
    except OSError:
        return None


def _read(reader: PixelReader, location: Location) -> bytes | str:
    try:
        return pixel_hash(reader.read(location))
    except ImageReadError as error:
        return str(error)
