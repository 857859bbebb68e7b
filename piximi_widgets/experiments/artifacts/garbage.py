"""Stored files to which nothing refers: what a process leaves that is killed while it stores or deletes."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..sql import contents as sql_contents
from .keeping import remove_unused
from .sharing import refuse_shared

if TYPE_CHECKING:
    from ..store import ExperimentStore

_AGE_SECONDS = 3600
_POINTS_A_COMMIT = 20_000
_CONTENT = re.compile(r"[0-9a-f]{64}")
_PART = re.compile(r"\..*\.part")


class Garbage(NamedTuple):
    """What `collect_garbage` has found.

    Attributes
    ----------
    files : tuple of Path
    size : int
        Bytes in all.
    """

    files: tuple[Path, ...]
    size: int


def collect_garbage(store: ExperimentStore, *, dry_run: bool) -> Garbage:
    """See ``ExperimentStore.collect_garbage``."""
    if not dry_run:
        store.check_writable()
        remove_orphaned_points(store)
    refuse_shared(store)
    ended = time.time() - _AGE_SECONDS
    sizes: dict[Path, int] = {}
    parts = []
    for path in _stored(store.contents.folder):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        if status.st_mtime < ended:
            sizes[path] = status.st_size
            if _PART.fullmatch(path.name):
                parts.append(path)
    contents = {path.name: path for path in sizes if _CONTENT.fullmatch(path.name)}
    if dry_run:
        with store.database.read() as connection:
            found = [contents[name] for name in sql_contents.unused(connection, list(contents))]
    else:
        found = remove_unused(store, contents)
        for path in parts:
            path.unlink(missing_ok=True)
    files = tuple(sorted([*found, *parts]))
    return Garbage(files, sum(sizes[path] for path in files))


def remove_orphaned_points(store: ExperimentStore) -> None:
    """Remove the points of experiments that were purged, in pieces, so that others can write in between."""
    while True:
        with store.database.write() as connection:
            phase = sql_contents.orphaned_phase(connection)
            if phase is None:
                return
            sql_contents.delete_points(connection, phase, _POINTS_A_COMMIT)


def _stored(folder: Path) -> list[Path]:
    found = []
    for first in folder.glob("[0-9a-f][0-9a-f]"):
        with os.scandir(first) as entries:
            found += [
                Path(entry.path)
                for entry in entries
                if entry.is_file(follow_symlinks=False)
                and (_CONTENT.fullmatch(entry.name) or _PART.fullmatch(entry.name))
            ]
    return found
