"""Where pixels lie on disk, and reading them from there."""

from __future__ import annotations

import hashlib
import os
import threading
import uuid
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..errors import ImageReadError
from ..imaging import read_pixels, to_planes
from ..storage import write_atomically
from .schema import IMAGES_FOLDER
from .sql.images import Location

_OPEN_BLOCKS = 16


def stored_path(folder: Path, path: str) -> str:
    """How a project writes down a file's place.

    Relative to the project where the file lies in the folder around the project, so that both can be moved
    or sent together; absolute for files elsewhere.
    """
    around = folder.parent if folder.parent != Path(folder.anchor) else folder
    if path.startswith((f"{around}{os.sep}", f"{folder}{os.sep}")):
        return Path(os.path.relpath(path, folder)).as_posix()
    return Path(path).as_posix()


def absolute_path(folder: Path, stored: str) -> Path:
    """The place that `stored_path` wrote down."""
    return Path(os.path.normpath(folder / stored))


def pixel_hash(pixels: np.ndarray) -> bytes:
    """SHA-256 of an image's shape, dtype and values: equal for equal pixels in whatever file they lie.

    Parameters
    ----------
    pixels : (Z, H, W, C) ndarray
    """
    little = np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("<"))
    digest = hashlib.sha256(f"{little.shape} {little.dtype.str}\n".encode())
    digest.update(little.data)
    return digest.digest()


def copy_file(folder: Path, source: str) -> str:
    """Copy an image file into the project and return its stored path; equal files share one copy."""
    with open(source, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    target = folder / IMAGES_FOLDER / f"{digest[:32]}{Path(source).suffix.lower()[:10]}"
    if not target.exists():

        def transfer(copy: BinaryIO) -> None:
            with open(source, "rb") as original:
                while piece := original.read(1 << 20):
                    copy.write(piece)

        write_atomically(target, transfer)
    return f"{IMAGES_FOLDER}/{target.name}"


def write_block(folder: Path, images: Iterable[np.ndarray], count: int) -> str:
    """Write images of one shape and dtype into a new ``.npy`` file and return its stored path.

    Parameters
    ----------
    images : iterable of (Z, H, W, C) ndarray
        Taken one at a time, so that a block may be larger than the memory that is left.
    count : int
        How many there are, at least one.
    """
    target = folder / IMAGES_FOLDER / f"block-{uuid.uuid4().hex[:16]}.npy"

    def write(file: BinaryIO) -> None:
        for index, image in enumerate(images):
            if not index:
                np.lib.format.write_array_header_2_0(
                    file,
                    {
                        "descr": np.lib.format.dtype_to_descr(image.dtype),
                        "fortran_order": False,
                        "shape": (count, *image.shape),
                    },
                )
            file.write(np.ascontiguousarray(image).data)

    write_atomically(target, write)
    return f"{IMAGES_FOLDER}/{target.name}"


class PixelReader:
    """Reads images of one project; safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._blocks: OrderedDict[str, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, location: Location) -> np.ndarray:
        """The pixels at a location as a new (Z, H, W, C) array.

        Raises
        ------
        ImageReadError
            If the file is gone or damaged.
        """
        if location.block is None:
            path = absolute_path(self._folder, location.path or "")
            try:
                return read_pixels(path)
            except ImageReadError:
                if path.exists():
                    raise
                raise ImageReadError(
                    f"{path}: there is no such file any more. Put it back, or take image {location.id} out with"
                    " remove_images."
                ) from None
        return to_planes(np.array(self._block(location.block)[location.block_index]))

    def close(self) -> None:
        """Let go of the memory-mapped blocks."""
        with self._lock:
            self._blocks.clear()

    def _block(self, stored: str) -> np.ndarray:
        with self._lock:
            block = self._blocks.get(stored)
            if block is None:
                path = absolute_path(self._folder, stored)
                try:
                    block = np.load(path, mmap_mode="r", allow_pickle=False)
                except (OSError, ValueError) as error:
                    raise ImageReadError(
                        f"{path}: the project's own pixels cannot be read ({error}). Restore this file from a"
                        " copy of the project."
                    ) from error
                self._blocks[stored] = block
                if len(self._blocks) > _OPEN_BLOCKS:
                    self._blocks.popitem(last=False)
            self._blocks.move_to_end(stored)
            return block
