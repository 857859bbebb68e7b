"""Where pixels lie on disk, and reading them from there."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
import uuid
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np

from ...errors import ImageReadError
from ...imaging import to_planes
from ...storage import write_atomically
from ..schema import IMAGES_FOLDER
from ..sql.images import Location
from .decoded import DecodedImages
from .image_files import FileStatus, full_path, pixel_status, read_files, refuse_changed

_OPEN_BLOCKS = 16


def stored_path(folder: Path, path: str) -> str:
    """How a project writes down a file's place.

    Relative to the project where the file lies in the folder around the project, so that both can be moved
    or sent together; absolute for files elsewhere. `path` is absolute and normal.
    """
    own = str(folder)
    around = os.path.dirname(own)
    if path.startswith(own + os.sep):
        path = path[len(own) + 1 :]
    elif around != folder.anchor and path.startswith(around + os.sep):
        path = f"..{path[len(around) :]}"
    return path if os.sep == "/" else path.replace(os.sep, "/")


def absolute_path(folder: Path, stored: str) -> Path:
    """The place that `stored_path` wrote down."""
    return Path(full_path(folder, stored))


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
    """Copy an image file or an OME-Zarr folder into the project and return its stored path.

    Equal files share one copy, whose name is made from the content.
    """
    if os.path.isdir(source):
        return _copy_folder(folder, source)
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


def _copy_folder(folder: Path, source: str) -> str:
    names = sorted(path.relative_to(source).as_posix() for path in Path(source).rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for name in names:
        with open(Path(source, name), "rb") as file:
            digest.update(f"{name}\n{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    target = (
        folder / IMAGES_FOLDER / f"{digest.hexdigest()[:32]}{Path(source).suffix.lower()[:10] or '.zarr'}"
    )
    if not target.exists():
        # Seen under its name only when it is whole; what a crash leaves begins with a dot and is no image.
        part = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
        try:
            for name in names:
                (part / name).parent.mkdir(parents=True, exist_ok=True)
                write_atomically(part / name, Path(source, name).read_bytes())
            part.rename(target)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            # Another process may have copied the same folder first.
            if not target.exists():
                raise
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


class Witness(Protocol):
    """Who is shown pixels as they are read."""

    def see(self, location: Location, pixels: np.ndarray, status: tuple[FileStatus, ...]) -> None:
        """Take note of an image's pixels and of the state in which its files were before they were read."""

    def close(self) -> None:
        """Write down what was noted."""


class PixelReader:
    """Reads images of one project; safe to use from several threads.

    Parameters
    ----------
    folder : Path
        The project's folder.
    witness : Witness, optional
        Shown every image that is read.
    """

    def __init__(self, folder: Path, witness: Witness | None = None) -> None:
        self._folder = folder
        self._witness = witness
        self._blocks: OrderedDict[str, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()
        self._parents = DecodedImages()

    def read(self, location: Location) -> np.ndarray:
        """The pixels at a location as a new (Z, H, W, C) array.

        A crop's parent stays decoded for the crops that follow, as far as 192 MB reach, and what of a region
        lies beyond the parent's edges is 0.

        Raises
        ------
        ImageReadError
            If a file is gone or damaged, or holds an image of another shape or dtype than it did.
        """
        if location.region is not None and location.parent is not None:
            status = self._status(location)
            pixels = self._crop(location, location.parent)
            self._show(location, pixels, status)
        elif location.block is not None:
            pixels = np.array(self._block_image(location))
        else:
            pixels = self._decoded(location)
        return pixels

    def close(self) -> None:
        """Let go of the memory-mapped blocks and decoded images, after what was noted is written."""
        if self._witness is not None:
            self._witness.close()
        self._parents.clear()
        with self._lock:
            self._blocks.clear()

    def _decoded(self, location: Location) -> np.ndarray:
        """The pixels of an image in files of its own."""
        status = self._status(location)
        pixels = read_files(self._folder, location)
        refuse_changed(absolute_path(self._folder, location.path or ""), location, pixels)
        self._show(location, pixels, status)
        return pixels

    def _status(self, location: Location) -> tuple[FileStatus, ...]:
        """Asked before a file is read: one that changes meanwhile is noticed by its later time."""
        try:
            return pixel_status(self._folder, location)
        except OSError:
            # Reading it will say why.
            return ()

    def _show(self, location: Location, pixels: np.ndarray, status: tuple[FileStatus, ...]) -> None:
        if self._witness is not None:
            self._witness.see(location, pixels, status)

    # -- crops -------------------------------------------------------------------------------------

    def _crop(self, location: Location, parent: Location) -> np.ndarray:
        top, left, height, width = json.loads(location.region or "[]")
        whole = self._whole(parent)
        crop = np.zeros((whole.shape[0], height, width, whole.shape[3]), whole.dtype)
        rows = slice(max(0, top), max(0, min(top + height, whole.shape[1])))
        columns = slice(max(0, left), max(0, min(left + width, whole.shape[2])))
        part = whole[:, rows, columns]
        if part.size:
            crop[
                :,
                rows.start - top : rows.start - top + part.shape[1],
                columns.start - left : columns.start - left + part.shape[2],
            ] = part
        refuse_changed(f"{location.name}, a crop of image {parent.id}", location, crop)
        return crop

    def _whole(self, parent: Location) -> np.ndarray:
        """A parent's pixels, not to be written into."""
        if parent.block is not None:
            return self._block_image(parent)
        if parent.region is not None:
            return self.read(parent)
        # A file that was written anew is decoded anew.
        return self._parents.get((parent.id, self._status(parent)), lambda: self.read(parent))

    # -- blocks ------------------------------------------------------------------------------------

    def _block_image(self, location: Location) -> np.ndarray:
        block = self._block(location.block or "")
        if not 0 <= (location.block_index or 0) < len(block):
            raise ImageReadError(
                f"{absolute_path(self._folder, location.block or '')}: the project's own pixels hold"
                f" {len(block)} images and not the one of index {location.block_index}. Restore this file"
                " from a copy of the project."
            )
        pixels = to_planes(block[location.block_index])
        refuse_changed(absolute_path(self._folder, location.block or ""), location, pixels)
        return pixels

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
