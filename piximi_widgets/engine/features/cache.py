"""Features on disk: files that are written once, each with the features of some images.

A file, little-endian::

    "piximi features 1\\n"  rows (uint32)  features a row F (uint32)
    keys      (rows, 16) uint8      the pixels' hash and the view
    checks    (rows,) uint32        CRC-32 of each row's features
    check     uint32                CRC-32 of all of the above
    features  (rows, F) float32

Nobody changes a file, so that no process can disturb another. What is damaged counts as not there.
"""

from __future__ import annotations

import struct
import time
import uuid
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np

from ...storage import write_atomically
from ..partitions import PIXEL_DIGEST

_MAGIC = b"piximi features 1\n"
_SIZES = struct.Struct("<II")
_START = len(_MAGIC) + _SIZES.size
_KEY = PIXEL_DIGEST + 1
_ENDING = ".features"
_SMALL, _MOST_SMALL = 16 << 20, 32
_LIMIT = 1 << 30
_UNUSED_PART_SECONDS = 3600


class FeatureCache:
    """The features that one base has computed with one backend.

    Parameters
    ----------
    folder : Path
        Made when something is stored. Its parent holds those of other bases.
    limit : int
        Bytes that all bases' features may take; beyond them the files that were not read for longest go.
    """

    def __init__(self, folder: Path, limit: int = _LIMIT) -> None:
        self._folder = folder
        self._limit = limit

    def load(self, digests: np.ndarray, views: np.ndarray, into: np.ndarray) -> np.ndarray:
        """Fill in the features that are there.

        Parameters
        ----------
        digests : (n, 15) ndarray of uint8
        views : (n,) ndarray of int
            0 to 255.
        into : (n, F) ndarray of float32
            Rows that are found are written.

        Returns
        -------
        (n,) ndarray of bool
            Which rows were found.
        """
        found = np.zeros(len(into), dtype=bool)
        wanted = _keys(digests, views)
        places: dict[bytes, list[int]] = {}
        for place, key in enumerate(wanted):
            places.setdefault(key.tobytes(), []).append(place)
        # The first eight bytes choose candidates in one pass, also where the files hold far more than is wanted.
        heads = np.unique(_heads(wanted))
        for file in self._files():
            if found.all():
                break
            stored = _Stored.open(file, into.shape[1])
            if stored is None:
                continue
            used = False
            for row in np.flatnonzero(np.isin(_heads(stored.keys), heads)):
                chosen = [p for p in places.get(stored.keys[row].tobytes(), []) if not found[p]]
                if chosen and stored.intact(int(row)):
                    into[chosen], found[chosen], used = stored.features[row], True, True
            if used:
                with suppress(OSError):
                    file.touch()
        return found

    def store(self, digests: np.ndarray, views: np.ndarray, features: np.ndarray) -> None:
        """Keep features: (n, 15) uint8, (n,) int and (n, F) float32."""
        if not len(features):
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        self._write(_keys(digests, views), np.ascontiguousarray(features, dtype="<f4"))
        small = [file for file in self._files() if _size(file) < _SMALL]
        if len(small) > _MOST_SMALL:
            self._merge(small, features.shape[1])
        self._shrink()

    def _write(self, keys: np.ndarray, features: np.ndarray) -> None:
        checks = np.array([zlib.crc32(row.data) for row in features], dtype="<u4")
        head = b"".join([_MAGIC, _SIZES.pack(*features.shape), keys.tobytes(), checks.tobytes()])
        data = b"".join([head, zlib.crc32(head).to_bytes(4, "little"), features.tobytes()])
        write_atomically(self._folder / f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}{_ENDING}", data)

    def _files(self) -> list[Path]:
        # The newest first: they are the likeliest to hold what is wanted.
        return sorted(self._folder.glob(f"*{_ENDING}"), reverse=True)

    def _merge(self, files: list[Path], width: int) -> None:
        """Write the files as one. It is there before they go, so that nobody misses anything."""
        rows: dict[bytes, np.ndarray] = {}
        for file in files:
            stored = _Stored.open(file, width)
            if stored is not None:
                for row, key in enumerate(stored.keys):
                    if stored.intact(int(row)):
                        rows.setdefault(key.tobytes(), np.array(stored.features[row]))
        keys = np.frombuffer(b"".join(rows), np.uint8).reshape(-1, _KEY)
        self._write(keys, np.array(list(rows.values()), dtype="<f4").reshape(-1, width))
        for file in files:
            _remove(file)

    def _shrink(self) -> None:
        files = []
        for file in self._folder.parent.glob("*/*"):
            with suppress(OSError):
                files.append((file.stat().st_mtime, file.stat().st_size, file))
        excess = sum(size for _, size, _ in files) - self._limit
        for changed, size, file in sorted(files):
            # The rest of a write that was killed; a younger one may be going on.
            left_behind = file.suffix == ".part" and changed < time.time() - _UNUSED_PART_SECONDS
            if left_behind or (file.suffix == _ENDING and excess > 0):
                _remove(file)
                excess -= size


class _Stored:
    """One file, its features read only where they are asked for."""

    def __init__(self, keys: np.ndarray, checks: np.ndarray, features: np.ndarray) -> None:
        self.keys = keys
        self._checks = checks
        self.features = features

    @classmethod
    def open(cls, path: Path, width: int) -> _Stored | None:
        """Open a file of features of `width`; None where it is another, damaged or gone."""
        try:
            data = np.memmap(path, np.uint8, "r")
        except (OSError, ValueError):
            return None
        if bytes(data[: len(_MAGIC)]) != _MAGIC or len(data) < _START:
            return None
        rows, stored_width = _SIZES.unpack(data[len(_MAGIC) : _START].tobytes())
        end = _START + rows * (_KEY + 4)
        if stored_width != width or len(data) != end + 4 + rows * width * 4:
            return None
        if zlib.crc32(data[:end].data) != int.from_bytes(data[end : end + 4].tobytes(), "little"):
            return None
        keys = data[_START : _START + rows * _KEY].reshape(rows, _KEY)
        checks = np.frombuffer(data[_START + rows * _KEY : end].tobytes(), "<u4")
        return cls(
            np.array(keys), checks, np.frombuffer(data, "<f4", rows * width, end + 4).reshape(rows, width)
        )

    def intact(self, row: int) -> bool:
        """Whether the features of `row` are those that were written."""
        return zlib.crc32(self.features[row].data) == int(self._checks[row])


def _keys(digests: np.ndarray, views: np.ndarray) -> np.ndarray:
    return np.concatenate([digests, np.asarray(views, dtype=np.uint8)[:, None]], axis=1)


def _heads(keys: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(keys[:, :8]).view(np.uint64).ravel()


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _remove(file: Path) -> None:
    # Somebody else may have removed it; on Windows nobody can while it is read, and then it stays for the next time.
    with suppress(OSError):
        file.unlink(missing_ok=True)
