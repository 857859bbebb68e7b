"""The mean of each image's values, measured once and kept in the project's cache.

The file ``cache/brightness.npy`` may be deleted, damaged or impossible to write at any time: then images are measured
again.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np

from ...errors import ImageReadError, PiximiError
from ...storage import Database, write_atomically
from ..files.image_files import pixel_signature
from ..files.pixels import PixelReader
from ..schema import CACHE_FOLDER
from ..selection import known as is_known
from ..sql import images as image_sql
from ..sql.images import Location

_FORMAT = "brightness 1"
_ROW = np.dtype([("id", "<i8"), ("signature", "<u8"), ("mean", "<f8")])
_PER_LOOK = 2000
_READERS = max(1, min(4, os.cpu_count() or 1))
_PER_SAVE = 10_000
# Small images are read faster than they are handed to a thread.
_PER_TASK = 16
_PATIENCE_SECONDS = 0.1

Measured = tuple[int, int, float]
"""An image's id, signature and brightness."""


class Flag(Protocol):
    """Anything that says whether to stop, for example a ``threading.Event``."""

    def is_set(self) -> bool:
        """Whether to stop."""


class Brightness:
    """Measures images and remembers them; several threads may ask at once.

    Parameters
    ----------
    database : Database
    folder : Path
        The project's.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder
        self._path = folder / CACHE_FOLDER / "brightness.npy"
        self._measuring = threading.Lock()
        # Ascending by id; never changed, but replaced by others.
        self._rows: np.ndarray | None = None
        # The rows and ids that these values were found for.
        self._shown: tuple[np.ndarray | None, np.ndarray, np.ndarray] | None = None

    def known(self, ids: np.ndarray) -> np.ndarray:
        """(N,) float64: the brightness of those images that were measured, NaN for the others.

        Files are looked at once, and then when `measured` is asked for.
        """
        shown = self._shown
        if shown is None or shown[0] is not self._rows or not np.array_equal(shown[1], ids):
            shown = self._show(ids, self._checked(ids)[0])
        return shown[2]

    def measured(
        self,
        ids: np.ndarray,
        progress: Callable[[int, int], object] | None = None,
        cancel: Flag | None = None,
    ) -> np.ndarray:
        """(N,) float64: the brightness of images, NaN where a file cannot be read.

        Parameters
        ----------
        ids : (N,) ndarray of int64
            Ascending.
        progress : callable, optional
            Told how many of all images are measured.
        cancel : optional
            Looked at before each image. What was measured until then is kept.

        Raises
        ------
        PiximiError
            If it was canceled.
        """
        # One thread measures; the others wait for what it finds.
        while not self._measuring.acquire(timeout=_PATIENCE_SECONDS):
            _heed(cancel)
        try:
            found, missing = self._checked(ids)
            if len(missing):
                self._measure(ids, missing, found, progress, cancel)
            return self._show(ids, found)[2]
        finally:
            self._measuring.release()

    def _show(self, ids: np.ndarray, found: np.ndarray) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
        found.flags.writeable = False
        self._shown = (self._rows, ids, found)
        return self._shown

    def _measure(
        self,
        ids: np.ndarray,
        missing: np.ndarray,
        found: np.ndarray,
        progress: Callable[[int, int], object] | None,
        cancel: Flag | None,
    ) -> None:
        """Measure the images at the positions `missing` and write their brightness into `found`."""
        done = len(ids) - len(missing)
        fresh: list[Measured] = []
        try:
            for count, results in self._results(ids[missing], cancel):
                found[np.searchsorted(ids, [one[0] for one in results])] = [one[2] for one in results]
                fresh += results
                done += count
                if progress is not None:
                    progress(done, len(ids))
                if len(fresh) > _PER_SAVE:
                    self._keep(fresh)
                    fresh = []
        finally:
            self._keep(fresh)

    def _results(self, ids: np.ndarray, cancel: Flag | None) -> Iterator[tuple[int, list[Measured]]]:
        """How many images were read, and what came of them, some images at a time."""
        ahead: deque[tuple[int, Future[list[Measured]]]] = deque()
        with (
            # One of its own, which hashes nothing in passing.
            closing(PixelReader(self._folder)) as reader,
            ThreadPoolExecutor(_READERS, thread_name_prefix="piximi-brightness") as readers,
        ):
            locations = self._locations(ids)
            while piece := list(islice(locations, _PER_TASK)):
                _heed(cancel)
                ahead.append((len(piece), readers.submit(self._read, reader, piece, cancel)))
                if len(ahead) > 2 * _READERS:
                    count, task = ahead.popleft()
                    yield count, task.result()
            for count, task in ahead:
                yield count, task.result()
                _heed(cancel)

    def _read(
        self, reader: PixelReader, locations: Sequence[Location], cancel: Flag | None
    ) -> list[Measured]:
        """Without those that cannot be read: that may be mended before they are asked for again."""
        results = []
        for location in locations:
            _heed(cancel)
            signature = self._signature(location)
            try:
                if signature is not None:
                    results.append((location.id, signature, brightness(reader.read(location))))
            except ImageReadError:
                continue
        return results

    def _checked(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What is known, and the positions of the images whose brightness is not, or not any more."""
        rows = self._loaded()
        found = np.full(len(ids), np.nan)
        there = np.flatnonzero(is_known(ids, rows["id"]))
        at = np.searchsorted(rows["id"], ids[there])
        signatures = [self._signature(location) or 0 for location in self._locations(ids[there])]
        same = np.array(signatures, dtype=np.uint64) == rows["signature"][at]
        found[there[same]] = rows["mean"][at[same]]
        missing = np.ones(len(ids), dtype=bool)
        missing[there[same]] = False
        return found, np.flatnonzero(missing)

    def _locations(self, ids: np.ndarray) -> Iterator[Location]:
        for start in range(0, len(ids), _PER_LOOK):
            with self._database.read() as connection:
                places = image_sql.locations(connection, ids[start : start + _PER_LOOK].tolist())
            yield from places

    def _signature(self, location: Location) -> int | None:
        digest = pixel_signature(self._folder, location, _FORMAT)
        return None if digest is None else int.from_bytes(digest[:8], "little")

    # -- the file ----------------------------------------------------------------------------------

    def _loaded(self) -> np.ndarray:
        if self._rows is None:
            self._rows = self._load()
        return self._rows

    def _load(self) -> np.ndarray:
        try:
            rows = np.load(self._path, allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return np.empty(0, dtype=_ROW)
        if rows.dtype != _ROW or rows.ndim != 1 or np.any(np.diff(rows["id"]) <= 0):
            return np.empty(0, dtype=_ROW)
        return rows

    def _keep(self, fresh: Sequence[Measured]) -> None:
        """Remember what was measured, in the file too if that can be written."""
        if not fresh:
            return
        new = np.array(fresh, dtype=_ROW)
        old = self._loaded()
        rows = np.concatenate([old[~np.isin(old["id"], new["id"])], new])
        rows = rows[np.argsort(rows["id"])]
        self._rows = rows
        if self._database.read_only:
            return
        try:
            self._path.parent.mkdir(exist_ok=True)
            write_atomically(self._path, lambda file: np.save(file, rows, allow_pickle=False))
        except OSError:
            # A full disk costs the next kernel the same work again, and this one nothing.
            return


def brightness(pixels: np.ndarray) -> float:
    """The mean of all values of an image, its planes and channels; of those that are finite, NaN without any.

    Parameters
    ----------
    pixels : (Z, H, W, C) ndarray
    """
    if pixels.dtype.kind == "f":
        pixels = pixels[np.isfinite(pixels)]
    return float(pixels.mean(dtype=np.float64)) if pixels.size else float("nan")


def _heed(cancel: Flag | None) -> None:
    if cancel is not None and cancel.is_set():
        raise PiximiError("Cancelled.")
