"""Thumbnails of a project's images, kept in memory as far as a bound allows."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

import numpy as np

from .. import imaging
from ..errors import ImageReadError
from ..imaging import Window
from ..storage import Database
from .pixels import PixelReader
from .sql import images as sql
from .sql.images import Location

_CACHE_BYTES = 32 << 20
_SAMPLES = 24
# Python's own cost of an entry: key, bytes object, and the dict's slot.
_ENTRY_BYTES = 200


class Pictures:
    """Draws thumbnails with one contrast for the whole project."""

    def __init__(self, database: Database, reader: PixelReader, ids: Callable[[], np.ndarray]) -> None:
        self._database = database
        self._reader = reader
        self._ids = ids
        self._lock = threading.Lock()
        self._cache: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._bytes = 0
        self._window: Window | None = None
        self._window_images = 0

    def thumbnail(self, location: Location, size: int) -> bytes:
        """The PNG of one image, drawn or remembered."""
        window = self.window()
        key = (location.id, size)
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                return self._cache[key]
        pixels = self._reader.read(location)
        if pixels.dtype == np.uint8:
            # Bytes are shown as they are, also beside images whose values are wider.
            window = ((0.0, 255.0),) * pixels.shape[-1]
        png = imaging.thumbnail(pixels, size, window)
        with self._lock:
            if window is self._window or pixels.dtype == np.uint8:
                self._remember(key, png)
        return png

    def window(self) -> Window:
        """The contrast: chosen from a few images, and anew once the project has doubled."""
        count = len(self._ids())
        with self._lock:
            window = self._window
            if window is not None and count and self._window_images <= count < 2 * self._window_images:
                return window
        window = self._chosen()
        with self._lock:
            if window != self._window:
                self._cache.clear()
                self._bytes = 0
                self._window = window
            self._window_images = max(1, count)
            assert self._window is not None
            return self._window

    def _chosen(self) -> Window:
        with self._database.read() as connection:
            kinds = sql.kinds_of_pixels(connection)
            wide = [kind for kind in kinds if kind[0] != "uint8"]
            if not wide:
                return ((0.0, 255.0),) * max((channels for _, channels in kinds), default=1)
            ids = self._ids()
            spread = (
                ids[np.unique(np.linspace(0, len(ids) - 1, 4 * _SAMPLES).astype(int))] if len(ids) else ids
            )
            locations = sql.locations(connection, spread.tolist())
        samples = []
        for location in locations:
            try:
                pixels = self._reader.read(location)
            except ImageReadError:
                # A missing file says nothing about contrast; it is reported where it is asked for.
                continue
            if pixels.dtype != np.uint8:
                samples.append(pixels)
            if len(samples) == _SAMPLES:
                break
        return imaging.display_window(samples)

    def _remember(self, key: tuple[int, int], png: bytes) -> None:
        if key in self._cache:
            return
        self._cache[key] = png
        self._bytes += len(png) + _ENTRY_BYTES
        while self._bytes > _CACHE_BYTES:
            _, oldest = self._cache.popitem(last=False)
            self._bytes -= len(oldest) + _ENTRY_BYTES
