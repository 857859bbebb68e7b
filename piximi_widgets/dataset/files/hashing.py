"""Pixel hashes, made when an image is read for the first time and written down in the background."""

from __future__ import annotations

import logging
import threading
import warnings

import numpy as np

from ...errors import PiximiError
from ...storage import Database
from ..sql import files as sql
from ..sql.files import Seen
from ..sql.images import Location
from .image_files import FileStatus, noted_status
from .pixels import pixel_hash

logger = logging.getLogger(__name__)

_PER_COMMIT = 200
_SECONDS_BETWEEN_COMMITS = 1.0
_IDLE_SECONDS = 5.0
# What does not fit is hashed when it is read the next time.
_MOST_WAITING = 50_000


class PixelWitness:
    """Notes the pixel hash of every image that is read, and notices files that hold other pixels than before.

    Hashing happens where the image is read, writing on one thread that lives while there is something to
    write. Nothing is hashed twice as long as a file's size and time stay, and nothing in a read-only project.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._condition = threading.Condition()
        self._waiting: dict[int, tuple[tuple[FileStatus, ...], Seen]] = {}
        self._changed: dict[int, tuple[FileStatus, ...]] = {}
        self._warned = False
        self._closing = False
        self._thread: threading.Thread | None = None

    @property
    def changed(self) -> frozenset[int]:
        """Ids of images whose files were seen to hold other pixels than those that were added."""
        with self._condition:
            return frozenset(self._changed)

    def see(self, location: Location, pixels: np.ndarray, status: tuple[FileStatus, ...]) -> None:
        """Note an image's hash if it is not known, or if its files are not the ones that it was made from.

        Parameters
        ----------
        pixels : (Z, H, W, C) ndarray
            As they were just read.
        status : tuple
            `image_files.pixel_status` from before they were read.
        """
        if self._database.read_only or self._closing:
            return
        noted = noted_status(location)
        if len(status) != len(noted):
            # A file vanished or came back between the two looks; the next read sees it whole.
            return
        if location.pixel_hash is not None and status == noted:
            if self._changed:
                self._forgive(location.id)
            return
        with self._condition:
            seen = self._waiting.get(location.id)
            known = seen[0] if seen is not None else self._changed.get(location.id)
        if known is not None and known == status:
            return
        digest = pixel_hash(pixels)
        if location.pixel_hash not in (None, digest):
            self._blame(location, status)
            return
        paths = (location.path, *(file.path for file in location.files))
        self._write_later(location.id, status, Seen(location.id, digest, paths, status))

    def close(self) -> None:
        """Write what waits; nothing is noted afterwards."""
        with self._condition:
            self._closing = True
            thread = self._thread
            self._condition.notify_all()
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        self.flush()

    def flush(self) -> None:
        """Write what waits now."""
        while self._write_some():
            pass

    def _blame(self, location: Location, status: tuple[FileStatus, ...]) -> None:
        with self._condition:
            self._changed[location.id] = status
            first, self._warned = not self._warned, True
        if first:
            warnings.warn(
                f"{location.path or location.name}: the file of image {location.id} holds other pixels now"
                " than when it was added; its label may be wrong now. changed_files() lists such images.",
                stacklevel=2,
            )

    def _forgive(self, image_id: int) -> None:
        # The old file was put back.
        with self._condition:
            self._changed.pop(image_id, None)

    def _write_later(self, image_id: int, status: tuple[FileStatus, ...], seen: Seen) -> None:
        with self._condition:
            self._changed.pop(image_id, None)
            if self._closing or len(self._waiting) >= _MOST_WAITING:
                return
            self._waiting[image_id] = (status, seen)
            # After a fork the parent's thread is not there.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="piximi-hashes", daemon=True)
                self._thread.start()
            self._condition.notify_all()

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._waiting or self._closing, _IDLE_SECONDS)
                if self._closing or not self._waiting:
                    self._thread = None
                    return
                # More images are probably on their way.
                self._condition.wait_for(lambda: self._closing, _SECONDS_BETWEEN_COMMITS)
                if self._closing:
                    self._thread = None
                    return
            if not self._write_some():
                with self._condition:
                    self._thread = None
                return

    def _write_some(self) -> bool:
        """Write one batch; False when there is nothing left, or when it cannot be written."""
        with self._condition:
            batch = {image_id: self._waiting[image_id] for image_id in list(self._waiting)[:_PER_COMMIT]}
        if not batch:
            return False
        try:
            with self._database.write() as connection:
                sql.note_seen(connection, [seen for _, seen in batch.values()])
        except PiximiError as error:
            # A hash is a convenience that is made again at the next read; the disk's or the lock's trouble is
            # told by whatever the user does next.
            logger.info("Pixel hashes could not be written: %s", error)
            with self._condition:
                self._waiting.clear()
            return False
        with self._condition:
            for image_id, entry in batch.items():
                if self._waiting.get(image_id) is entry:
                    del self._waiting[image_id]
        return True
