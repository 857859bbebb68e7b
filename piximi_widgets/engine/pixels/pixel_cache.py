"""Prepared pixels kept in a project's cache, so that the next training need not decode and resize the images again.

An entry is two files in ``cache/pixels``: ``<key>.f32`` holds rows of float32, ``<key>.json`` says what they are, with a
checksum for each row. The key is the SHA-256 of that description. Both appear whole or not at all, are verified when
they are used, and may be deleted, damaged or impossible to write at any time: then rows are made again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ...storage import write_atomically
from .mapping import each, release

MOST_BYTES = 4 << 30
"""The cache grows to so many bytes, or to a tenth of the free disk where that is less."""

_FORMAT = 1
_LARGEST_DESCRIPTION = 256 << 20
_ORPHANED_SECONDS = 3600.0


@dataclass(frozen=True)
class Row:
    """One prepared image in an entry's file.

    Attributes
    ----------
    pixels : (h, w, C) ndarray of float32
        In a read-only memory map.
    checksum : int
    """

    pixels: np.ndarray
    checksum: int

    def read(self) -> np.ndarray | None:
        """A copy of the pixels; None if they are not those that were written."""
        pixels = np.array(self.pixels)
        release(self.pixels)
        return pixels if row_checksum(pixels) == self.checksum else None


@dataclass(frozen=True)
class Contents:
    """What an entry is to hold.

    Attributes
    ----------
    settings : dict
        JSON values: all that decides, beside the names, on the pixels.
    shape : (h, w, C)
    names : tuple of str
        One for each row; equal for equal pixels only.
    """

    settings: dict[str, Any]
    shape: tuple[int, int, int]
    names: tuple[str, ...]

    @property
    def key(self) -> str:
        """SHA-256 in hexadecimal digits."""
        return hashlib.sha256(json.dumps(self._description(), sort_keys=True).encode()).hexdigest()

    @property
    def row_bytes(self) -> int:
        """Bytes of a row."""
        return 4 * int(np.prod(self.shape))

    @property
    def total_bytes(self) -> int:
        """Bytes of all rows."""
        return self.row_bytes * len(self.names)

    def with_checksums(self, checksums: Sequence[int]) -> bytes:
        """What is written beside the rows."""
        return json.dumps({**self._description(), "checksums": list(checksums)}).encode()

    def _description(self) -> dict[str, Any]:
        return {
            "format": _FORMAT,
            "settings": self.settings,
            "shape": list(self.shape),
            "names": list(self.names),
        }


class PixelCache:
    """The entries of one project; safe to use from several processes.

    Parameters
    ----------
    folder : Path
        Made when it is needed.
    read_only : bool
        Use what is there, and write nothing.
    """

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self._folder = folder
        self._read_only = read_only

    def rows(self, contents: Contents) -> dict[str, Row]:
        """Rows by name of all entries with these settings and this shape; each is verified when it is read."""
        wanted, found = set(contents.names), dict[str, Row]()
        for path in self._descriptions():
            entry = _read_description(path)
            if entry is None or (entry[0].settings, entry[0].shape) != (contents.settings, contents.shape):
                continue
            held, checksums = entry
            useful = [index for index, name in enumerate(held.names) if name in wanted and name not in found]
            pixels = _map(path.with_suffix(".f32"), held) if useful else None
            if pixels is None:
                continue
            for index in useful:
                found[held.names[index]] = Row(pixels[index], checksums[index])
            self._touch(path)
        return found

    def open(self, contents: Contents) -> np.ndarray | None:
        """The rows of `contents` as an (N, h, w, C) read-only memory map, verified; None where there is no such entry."""
        path = self._folder / f"{contents.key}.json"
        entry = _read_description(path)
        pixels = _map(path.with_suffix(".f32"), contents) if entry is not None else None
        if entry is None or pixels is None:
            return None
        for row, checksum in zip(each(pixels), entry[1], strict=True):
            if row_checksum(row) != checksum:
                return None
        self._touch(path)
        return pixels

    def has_room_for(self, contents: Contents) -> bool:
        """Whether an entry can be written, and would not be thrown away at once."""
        return not self._read_only and contents.total_bytes <= self._limit()

    def can_write(self, contents: Contents) -> bool:
        """Whether an entry can be written, if necessary in place of all others."""
        return not self._read_only and contents.total_bytes < _free_bytes(self._folder)

    def write(self, contents: Contents, rows: Iterable[np.ndarray]) -> np.ndarray:
        """Write an entry and return it as a memory map; others that hold nothing else, or are too old, go.

        Parameters
        ----------
        contents : Contents
        rows : iterable of (h, w, C) ndarray of float32
            In the order of the names; taken one at a time.

        Raises
        ------
        OSError
            The disk is full, or the folder cannot be written.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{contents.key}.f32"
        checksums: list[int] = []
        write_atomically(path, lambda file: write_rows(file, rows, checksums))
        write_atomically(path.with_suffix(".json"), contents.with_checksums(checksums))
        pixels = _map(path, contents)
        if pixels is None:
            raise OSError(f"{path} was deleted while it was written")
        self._drop_parts_of(contents)
        self._prune(contents.key)
        return pixels

    def _descriptions(self) -> list[Path]:
        """The descriptions of all entries, the last used first."""
        dated = []
        with suppress(OSError):
            for path in self._folder.glob("*.json"):
                with suppress(OSError):
                    dated.append((path.stat().st_mtime_ns, path))
        return [path for _, path in sorted(dated, reverse=True)]

    def _touch(self, path: Path) -> None:
        if not self._read_only:
            with suppress(OSError):
                os.utime(path)

    def _limit(self) -> int:
        return min(MOST_BYTES, (_free_bytes(self._folder) + self._used()) // 10)

    def _used(self) -> int:
        return sum(_size(path.with_suffix(".f32")) for path in self._descriptions())

    def _drop_parts_of(self, contents: Contents) -> None:
        """Delete entries all of whose rows are in a new one too: a project that grows has one entry, not many."""
        names = set(contents.names)
        for path in self._descriptions():
            entry = _read_description(path) if path.stem != contents.key else None
            if (
                entry is not None
                and (entry[0].settings, entry[0].shape) == (contents.settings, contents.shape)
                and names.issuperset(entry[0].names)
            ):
                _delete(path)

    def _prune(self, keep: str) -> None:
        """Delete the entries that were not used for longest until the others fit, and what a crash left."""
        limit, total = self._limit(), _size(self._folder / f"{keep}.f32")
        for path in self._descriptions():
            if path.stem != keep:
                size = _size(path.with_suffix(".f32"))
                if not size or total + size > limit:
                    _delete(path)
                else:
                    total += size
        before = time.time() - _ORPHANED_SECONDS
        for path in [*self._folder.glob("*.f32"), *self._folder.glob(".*.part")]:
            with suppress(OSError):
                if not path.with_suffix(".json").exists() and path.stat().st_mtime < before:
                    path.unlink()


def write_rows(file: BinaryIO, rows: Iterable[np.ndarray], checksums: list[int]) -> None:
    """Write rows one after the other, and note their checksums."""
    for row in rows:
        little = np.ascontiguousarray(row, dtype="<f4")
        checksums.append(row_checksum(little))
        file.write(little.data)


def row_checksum(row: np.ndarray) -> int:
    """The sum of a row's words of 64 bits: ten times as fast as CRC-32, and enough to notice a damaged disk."""
    words = np.ascontiguousarray(row).reshape(-1).view(np.uint32)
    even = len(words) // 2 * 2
    total = int(np.add.reduce(words[:even].view(np.uint64)))
    return (total + int(words[even:].sum())) % (1 << 64)


def mapped(path: Path | BinaryIO, contents: Contents) -> np.ndarray:
    """The rows in a file as a read-only (N, h, w, C) memory map."""
    return np.memmap(path, dtype="<f4", mode="r", shape=(len(contents.names), *contents.shape))


def _map(path: Path, contents: Contents) -> np.ndarray | None:
    try:
        if path.stat().st_size != contents.total_bytes:
            return None
        return mapped(path, contents)
    except (OSError, ValueError):
        return None


def _read_description(path: Path) -> tuple[Contents, list[int]] | None:
    """What an entry holds, and its checksums; None where the description is not the one that its name tells of."""
    try:
        if path.stat().st_size > _LARGEST_DESCRIPTION:
            return None
        value = json.loads(path.read_bytes())
        height, width, channels = value["shape"]
        contents = Contents(value["settings"], (height, width, channels), tuple(value["names"]))
        checksums = [int(number) for number in value["checksums"]]
        if contents.key != path.stem or len(checksums) != len(contents.names):
            return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return contents, checksums


def _free_bytes(folder: Path) -> int:
    place = next((parent for parent in (folder, *folder.parents) if parent.exists()), folder)
    try:
        return shutil.disk_usage(place).free
    except OSError:
        return 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _delete(path: Path) -> None:
    """Delete an entry, the description first: without it nobody looks at the rows."""
    for one in (path, path.with_suffix(".f32")):
        with suppress(OSError):
            one.unlink()
