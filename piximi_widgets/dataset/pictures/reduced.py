"""Small copies of large images in the project's cache, so that a thumbnail need not decode the file again.

The file may be deleted, damaged, locked or impossible to write at any time: then images are decoded, and nobody
is told.
"""

from __future__ import annotations

import hashlib
import sqlite3
import zlib
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import numpy as np

from ...imaging.display import Window
from ...imaging.projection import Plane
from ..files.image_files import pixel_signature
from ..schema import CACHE_FOLDER
from ..sql import reduced as sql
from ..sql.images import Location

LONGEST = 256
"""The longest side of a copy, in pixels."""

LONGEST_OF_LARGE = 512
"""The longest side of the copies from which large thumbnails are drawn."""

_MOST_BYTES = 512 << 20
# An image below this many values is decoded as fast as its copy is found.
_WORTH_KEEPING = 1 << 18
_FORMAT = 1
_BUSY_SECONDS = 0.1

T = TypeVar("T")


class ReducedCopies:
    """The cache file of one project; safe to use from several threads and processes.

    Parameters
    ----------
    folder : Path
        The project's folder.
    read_only : bool
        Use what is there, and write nothing.
    """

    def __init__(self, folder: Path, *, read_only: bool) -> None:
        self._folder = folder
        self._path = folder / CACHE_FOLDER / "reduced.db"
        self._read_only = read_only

    def signature(self, location: Location) -> bytes | None:
        """What stays the same only as long as an image's pixels do; None where its files cannot be looked at."""
        return pixel_signature(self._folder, location, f"{_FORMAT}")

    def load(
        self, location: Location, plane: Plane, longest: int, signature: bytes | None
    ) -> np.ndarray | None:
        """The copy that was stored for the same arguments, as a read-only (1, h, w, C) array, if there is one."""
        if signature is None or not is_worth_keeping(location):
            return None
        view = f"{plane} {longest}"
        row = self._try(lambda connection: sql.load(connection, location.id, view), writing=False)
        if row is None or row[0] != signature:
            return None
        _, dtype, shape, checksum, pixels = row
        if _checksum(dtype, shape, pixels) != checksum:
            self._start_afresh()
            return None
        return np.frombuffer(pixels, dtype=np.dtype(dtype)).reshape(shape)

    def store(
        self, location: Location, plane: Plane, longest: int, signature: bytes | None, copy: np.ndarray
    ) -> None:
        """Keep a copy, if it can be kept."""
        if signature is None or not is_worth_keeping(location):
            return
        view = f"{plane} {longest}"
        pixels = copy.tobytes()
        dtype, shape = copy.dtype.str, copy.shape
        row = (signature, dtype, shape, _checksum(dtype, shape, pixels), pixels)
        self._try(lambda connection: sql.store(connection, location.id, view, row, _MOST_BYTES), writing=True)

    def contrast(self, key: bytes) -> Window | None:
        """The windows that were stored under a key, if any."""
        windows = self._try(lambda connection: sql.contrast(connection, key), writing=False)
        return None if windows is None else tuple((float(low), float(high)) for low, high in windows)

    def store_contrast(self, key: bytes, window: Window) -> None:
        """Keep windows under a key, if they can be kept."""
        windows = [list(pair) for pair in window]
        self._try(lambda connection: sql.store_contrast(connection, key, windows), writing=True)

    def _try(self, act: Callable[[sqlite3.Connection], T], *, writing: bool) -> T | None:
        """Do something with the file; None where it cannot be done."""
        if writing and self._read_only:
            return None
        try:
            if writing:
                self._path.parent.mkdir(exist_ok=True)
            elif not self._path.is_file():
                return None
            # A connection for each use: none is shared by threads, inherited by a fork, or left open.
            uri = f"{self._path.as_uri()}?mode={'rwc' if writing else 'ro'}"
            with closing(
                sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)
            ) as connection:
                return act(connection)
        except sqlite3.OperationalError:
            # Locked, read-only, a full disk, or no tables yet.
            return None
        except (sqlite3.DatabaseError, ValueError):
            self._start_afresh()
            return None
        except OSError:
            return None

    def _start_afresh(self) -> None:
        """Delete a file that is damaged."""
        if self._read_only:
            return
        try:
            self._path.unlink(missing_ok=True)
            self._path.with_name(f"{self._path.name}-journal").unlink(missing_ok=True)
        except OSError:
            return


def is_worth_keeping(location: Location) -> bool:
    """Whether an image takes long to decode: a large one, a deep stack, or a region of another image."""
    values = location.planes * location.height * location.width * location.channels
    return (
        max(location.height, location.width) > LONGEST
        or values > _WORTH_KEEPING
        or location.parent is not None
    )


def joined_signature(signatures: Iterable[bytes | None], *further: str) -> bytes:
    """One key for the signatures of several images, and for what else must be the same."""
    return hashlib.sha256(repr((list(signatures), further)).encode()).digest()[:16]


def _checksum(dtype: str, shape: tuple[int, ...], pixels: bytes) -> int:
    return zlib.crc32(pixels, zlib.crc32(f"{dtype} {shape}".encode()))
