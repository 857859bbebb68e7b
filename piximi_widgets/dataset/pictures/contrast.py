"""One contrast for all images of a project, from a sample of them that every process draws alike."""

from __future__ import annotations

import sqlite3

import numpy as np

from ...errors import ImageReadError
from ...imaging.display import Display, Window, display_window, sampled
from ...imaging.projection import take_plane
from ...imaging.thumbnails import reduce_image
from ...storage import Database
from ..files.pixels import PixelReader
from ..records import NO_IDS
from ..sql import display as display_sql
from ..sql import images as sql
from ..sql.images import Location
from .reduced import LONGEST, ReducedCopies, is_worth_keeping, joined_signature

_SAMPLES = 24
# Large images say enough sooner.
_ENOUGH_VALUES = 1 << 26
_FEWEST_SAMPLES = 8
# So many of a sample's files may be missing.
_SPARE = 3
_ALL_BELOW = 32
# Knuth's multiplicative hash (The Art of Computer Programming, volume 3, 6.4), which scatters consecutive ids.
_SCATTER = 2654435761
_REMEMBERED = 8
_BYTES = (0.0, 255.0)


class ProjectContrast:
    """Chooses the automatic windows of a project; those of the last settings are remembered."""

    def __init__(self, database: Database, reader: PixelReader, copies: ReducedCopies) -> None:
        self._database = database
        self._reader = reader
        self._copies = copies
        self._windows: dict[tuple[object, ...], Window] = {}
        self._kinds: tuple[np.ndarray, set[tuple[str, int]]] = (NO_IDS, set())

    def has_wide_images(self, ids: np.ndarray) -> bool:
        """Whether any of the project's images is not made of bytes."""
        with self._database.read() as connection:
            return any(dtype != "uint8" for dtype, _ in self._kinds_of(connection, ids))

    def window(self, display: Display, ids: np.ndarray, *, of_bytes: bool) -> Window:
        """The windows for the images of bytes, or for all others.

        Parameters
        ----------
        display : Display
            For its percentiles, and whether its plane is a projection; a single plane is shown with the contrast
            of the whole stacks, which stays the same from plane to plane.
        ids : (N,) ndarray of int64
            All images of the project, ascending.
        of_bytes : bool
        """
        with self._database.read() as connection:
            kinds = self._kinds_of(connection, ids)
            channels = [count for dtype, count in kinds if (dtype == "uint8") == of_bytes]
            if not channels or (of_bytes and display.percentiles is None):
                return (_BYTES,) * max(channels, default=1)
            if len(channels) < len(kinds):
                ids = display_sql.ids_by_depth(connection, of_bytes=of_bytes)
            sample = contrast_sample(ids).tolist()
            projected = display.plane == "max"
            key = (tuple(sample), display.percentiles, projected)
            if key in self._windows:
                return self._windows[key]
            places = {location.id: location for location in sql.locations(connection, sample)}
        window = self._chosen([places[image_id] for image_id in sample if image_id in places], display)
        kept = list(self._windows.items())[-_REMEMBERED + 1 :]
        self._windows = dict([*kept, (key, window)])
        return window

    def _kinds_of(self, connection: sqlite3.Connection, ids: np.ndarray) -> set[tuple[str, int]]:
        """The kinds of pixels in the project; where images were only added, the new ones alone are looked at."""
        known, kinds = self._kinds
        if not len(known) or not np.array_equal(ids[: len(known)], known):
            known, kinds = NO_IDS, set()
        if len(ids) > len(known):
            kinds = kinds | display_sql.kinds_after(connection, int(known[-1]) if len(known) else 0)
        self._kinds = (ids, kinds)
        return kinds

    def _chosen(self, locations: list[Location], display: Display) -> Window:
        signatures = [self._copies.signature(location) for location in locations]
        key = joined_signature(signatures, repr((display.percentiles, display.plane == "max")))
        window = self._copies.contrast(key)
        if window is not None:
            return window
        samples: list[np.ndarray] = []
        values = 0
        for location, signature in zip(locations, signatures, strict=True):
            try:
                pixels = self._reader.read(location)
            except ImageReadError:
                # A missing file says nothing about contrast; it is reported where it is asked for.
                continue
            if is_worth_keeping(location):
                copy = reduce_image(pixels, display.plane, LONGEST)
                self._copies.store(location, display.plane, LONGEST, signature, copy)
            samples.append(sampled(take_plane(pixels, "max") if display.plane == "max" else pixels))
            values += pixels.size
            if len(samples) == _SAMPLES or (len(samples) >= _FEWEST_SAMPLES and values > _ENOUGH_VALUES):
                break
        window = display_window(samples, display.percentiles)
        self._copies.store_contrast(key, window)
        return window


def contrast_sample(ids: np.ndarray) -> np.ndarray:
    """Images that the contrast is chosen from, in the order in which they are asked.

    The same for the same `ids` in every process, and hardly changed by images that come or go until the project
    has doubled: the first images, up to a power of two, in an order that is scattered over them.

    Parameters
    ----------
    ids : (N,) ndarray of int64
        Ascending.
    """
    if len(ids) >= _ALL_BELOW:
        ids = ids[: 1 << (len(ids).bit_length() - 1)]
    return ids[np.argsort(ids * _SCATTER % (1 << 32), kind="stable")][: _SPARE * _SAMPLES]
