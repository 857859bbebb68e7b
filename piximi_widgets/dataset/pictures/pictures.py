"""Thumbnails of a project's images, kept in memory as far as a bound allows."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...imaging.display import Display, Window, image_window
from ...imaging.projection import take_plane
from ...imaging.thumbnails import reduce_image, thumbnail
from ...storage import Database
from ..files.pixels import PixelReader
from ..sql import display as display_sql
from ..sql import settings
from ..sql.images import Location
from .contrast import ProjectContrast, contrast_sample
from .reduced import LONGEST, LONGEST_OF_LARGE, ReducedCopies, is_worth_keeping

SETTING = "display"
"""The name under which a project keeps how its images are shown."""

_CACHE_BYTES = 32 << 20
# Python's own cost of an entry: key, bytes object, and the dict's slot.
_ENTRY_BYTES = 200


@dataclass(frozen=True)
class _Look:
    """How pictures are drawn at one moment; the windows are None where each image has its own contrast."""

    display: Display
    bytes_window: Window | None = None
    wide_window: Window | None = None


class Pictures:
    """Draws thumbnails as the project's display settings say, which another process may change at any time."""

    def __init__(self, database: Database, reader: PixelReader, ids: Callable[[], np.ndarray]) -> None:
        self._database = database
        self._reader = reader
        self._ids = ids
        self._copies = ReducedCopies(database.path.parent, read_only=database.read_only)
        self._contrast = ProjectContrast(database, reader, self._copies)
        self._lock = threading.Lock()
        self._choosing = threading.Lock()
        self._cache: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._bytes = 0
        self._look: _Look | None = None
        self._look_of: tuple[Any, np.ndarray] | None = None
        self._sample: tuple[np.ndarray | None, list[int]] = (None, [])

    def thumbnail(self, location: Location, size: int) -> bytes:
        """The PNG of one image, drawn or remembered."""
        look = self._current()
        key = (location.id, size)
        with self._lock:
            if look is self._look and key in self._cache:
                self._cache.move_to_end(key)
                return self._cache[key]
        pixels = self._drawable(location, look.display, size)
        window = look.bytes_window if pixels.dtype == np.uint8 else look.wide_window
        if window is None:
            window = self._own_window(location, pixels, look.display)
        png = thumbnail(pixels, size, look.display, window)
        with self._lock:
            if look is self._look:
                self._remember(key, png)
        return png

    def window(self) -> Window:
        """The project's contrast: what was set for a channel, else what follows from the images."""
        display = Display.from_json(self._stored())
        ids = self._ids()
        automatic = self._contrast.window(display, ids, of_bytes=not self._contrast.has_wide_images(ids))
        return tuple(
            (display.channels[index].window if index < len(display.channels) else None) or window
            for index, window in enumerate(automatic)
        )

    def image_window(self, location: Location) -> Window:
        """The windows that a thumbnail of one image is drawn with, one for each of its channels."""
        look = self._current()
        window = look.bytes_window if location.dtype == "uint8" else look.wide_window
        if window is None:
            pixels = self._drawable(location, look.display, LONGEST)
            window = self._own_window(location, pixels, look.display)
        channels = look.display.resolved(location.channels)
        return tuple(
            channel.window or automatic for channel, automatic in zip(channels, window, strict=False)
        )

    def version(self) -> str:
        """A short text that is another one whenever thumbnails may look different than before."""
        ids, (of, sample) = self._ids(), self._sample
        if of is not ids:
            sample = contrast_sample(ids).tolist()
            self._sample = (ids, sample)
        content = [Display.from_json(self._stored()).to_json(), sample]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]

    # -- what is drawn -----------------------------------------------------------------------------

    def _drawable(self, location: Location, display: Display, size: int) -> np.ndarray:
        """The pixels that a picture is drawn from: the same ones whether they come from the cache or not."""
        if size > LONGEST_OF_LARGE or not is_worth_keeping(location):
            return self._reader.read(location)
        longest = LONGEST if size <= LONGEST else LONGEST_OF_LARGE
        signature = self._copies.signature(location)
        copy = self._copies.load(location, display.plane, longest, signature)
        if copy is None:
            copy = reduce_image(self._reader.read(location), display.plane, longest)
            self._copies.store(location, display.plane, longest, signature, copy)
        return copy

    def _own_window(self, location: Location, pixels: np.ndarray, display: Display) -> Window:
        with self._database.read() as connection:
            names = display_sql.names_of(connection, location.id)
        named = names is not None or any(channel.name for channel in display.channels)
        return image_window(take_plane(pixels, display.plane), display.percentiles, named=named)

    # -- how it is drawn ---------------------------------------------------------------------------

    def _stored(self) -> Any:
        with self._database.read() as connection:
            return settings.load(connection, SETTING)

    def _current(self) -> _Look:
        """The look of this moment; what was drawn with another one is forgotten."""
        stored, ids = self._stored(), self._ids()
        known = self._known(stored, ids)
        if known is not None:
            return known
        # One thread chooses the contrast; the others wait for what it finds.
        with self._choosing:
            known = self._known(stored, ids)
            if known is not None:
                return known
            look = self._made(Display.from_json(stored), ids)
            with self._lock:
                self._look_of = (stored, ids)
                if self._look is None or look != self._look:
                    self._look = look
                    self._cache.clear()
                    self._bytes = 0
                return self._look

    def _known(self, stored: Any, ids: np.ndarray) -> _Look | None:
        with self._lock:
            # The array of the ids stays the same object as long as no image came or went.
            if self._look_of is None or self._look_of[0] != stored or self._look_of[1] is not ids:
                return None
            return self._look

    def _made(self, display: Display, ids: np.ndarray) -> _Look:
        if display.contrast == "image":
            return _Look(display)
        return _Look(
            display,
            self._contrast.window(display, ids, of_bytes=True),
            self._contrast.window(display, ids, of_bytes=False),
        )

    def _remember(self, key: tuple[int, int], png: bytes) -> None:
        if key in self._cache:
            return
        self._cache[key] = png
        self._bytes += len(png) + _ENTRY_BYTES
        while self._bytes > _CACHE_BYTES:
            _, oldest = self._cache.popitem(last=False)
            self._bytes -= len(oldest) + _ENTRY_BYTES
