"""Images whose files are not where they were, or no longer hold them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ...errors import ImageReadError
from ...storage import Database
from ..sql import files as sql
from ..sql import images as image_sql
from ..sql.files import FileRow, Seen
from ..sql.images import Location
from .image_files import image_status, read_files
from .pixels import pixel_hash
from .states import MISSING, OK, file_states

_PER_COMMIT = 500
_READERS = 4


@dataclass(frozen=True)
class Lost:
    """An image with files, at `positions`, that are missing or, where `is_there`, hold other pixels."""

    location: Location
    files: list[FileRow]
    positions: list[int]
    is_there: bool = False

    @property
    def row(self) -> FileRow:
        """The image's own file."""
        return self.files[0]

    @property
    def is_free(self) -> bool:
        """Whether another image may be known by the same path."""
        return self.row.origin is not None or self.row.removed


def lost_images(database: Database, folder: Path, files: Sequence[FileRow]) -> dict[int, Lost]:
    """Images of which a file is missing, or holds other pixels than those that are known.

    Of files that were written anew with the same pixels the new time is noted.
    """
    by_image: dict[int, list[FileRow]] = defaultdict(list)
    bad: dict[int, dict[int, str]] = defaultdict(dict)
    for file, (state, _) in zip(files, file_states(folder, files), strict=True):
        by_image[file.image_id].append(file)
        if state != OK:
            bad[file.image_id][file.position] = state
    lost: dict[int, Lost] = {}
    ids = sorted(bad)
    with ThreadPoolExecutor(_READERS, thread_name_prefix="piximi-relink") as readers:
        for start in range(0, len(ids), _PER_COMMIT):
            with database.read() as connection:
                locations = image_sql.locations(connection, ids[start : start + _PER_COMMIT])
            unsure, same = [], []
            for location in locations:
                states = bad[location.id]
                gone = [position for position, state in states.items() if state == MISSING]
                if gone:
                    lost[location.id] = Lost(location, by_image[location.id], gone)
                elif location.pixel_hash is not None:
                    unsure.append(location)
            for location, seen in zip(
                unsure, readers.map(lambda one: _look(folder, one), unsure), strict=True
            ):
                if seen is not None and seen.pixel_hash == location.pixel_hash:
                    same.append(seen)
                else:
                    positions = list(bad[location.id])
                    lost[location.id] = Lost(location, by_image[location.id], positions, is_there=True)
            if same:
                with database.write() as connection:
                    sql.note_seen(connection, same)
    return lost


def _look(folder: Path, location: Location) -> Seen | None:
    try:
        status = image_status(folder, location)
        digest = pixel_hash(read_files(folder, location))
    except (ImageReadError, OSError):
        return None
    paths = (location.path, *(file.path for file in location.files))
    return Seen(location.id, digest, paths, status)
