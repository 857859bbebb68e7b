"""Recognising files by their size, their pixels and the names of their folders."""

from __future__ import annotations

import itertools
import json
import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ...errors import ImageReadError
from ...imaging import read_header
from ..schema import DATABASE_NAME
from ..sql.images import Location
from .image_files import file_status, read_files, reading_of
from .pixels import pixel_hash

_READERS = 4
# Parts of a path by which files are looked up; where these are equal, all parts are compared.
_TAIL = 3
# How many files of the right name are read before all files of the right size are.
_FIRST_TRIES = 8
_COMBINATIONS = 64
# A name that so many files have says nothing.
_MOST_OF_A_NAME = 1000


class Found:
    """The files below a folder, by what they may be recognised by."""

    def __init__(self, folder: Path) -> None:
        self.sizes: dict[str, int] = {}
        self._tails: dict[str, list[str]] = defaultdict(list)
        self._alike: dict[tuple[int, str], list[str]] = defaultdict(list)
        for path in _walk(os.fspath(folder)):
            try:
                size = file_status(path)[0] or 0
            except OSError:
                # Gone since the folder was listed, or a link to nowhere.
                continue
            self.sizes[path] = size
            self._alike[size, _suffix(path)].append(path)
            for tail in _tails(path):
                self._tails[tail].append(path)

    def by_name(self, path: str, size: int | None) -> Iterator[list[str]]:
        """Files of this name and size: those whose folders agree too first, in lists of equal agreement."""
        given: set[str] = set()
        for tail in reversed(_tails(path)):
            alike = self._tails.get(tail, ())
            if len(alike) > _MOST_OF_A_NAME:
                return
            fresh = [one for one in alike if one not in given and (size is None or self.sizes[one] == size)]
            given.update(fresh)
            if len(fresh) < 2:
                if fresh:
                    yield fresh
                continue
            groups: dict[int, list[str]] = defaultdict(list)
            for one in fresh:
                groups[agreement(path, one)].append(one)
            for level in sorted(groups, reverse=True):
                yield sorted(groups[level])

    def by_size(self, path: str, size: int | None) -> list[str]:
        """Files of this size and suffix, whatever they are called."""
        return [] if size is None else self._alike.get((size, _suffix(path)), [])


class Search:
    """Says which of the files that were found an image's pixels are in; reads each of them at most once."""

    def __init__(self, folder: Path, found: Found) -> None:
        self._folder = folder
        self._found = found
        self._hashes: dict[tuple[str, str | None], bytes | None] = {}
        self._hashed: dict[tuple[int | None, str, str | None], dict[bytes, list[str]]] = {}

    def candidates(self, location: Location, path: str, taken: set[str]) -> Iterator[str]:
        """Files with the pixels of an image of one file whose hash is known, the likeliest first."""
        tries = 0
        tried = set(taken)
        for size in dict.fromkeys((location.size, None)):
            for level in self._found.by_name(path, size):
                for one in level:
                    if one in tried or tries >= _FIRST_TRIES:
                        continue
                    tries += 1
                    tried.add(one)
                    if self._hash(location, one) == location.pixel_hash:
                        yield one
        equal = self._all_hashes(location, path).get(location.pixel_hash or b"", [])
        for one in sorted(equal, key=lambda one: (-agreement(path, one), one)):
            if one not in tried:
                yield one

    def read_ahead(self, wanted: Sequence[tuple[Location, str]]) -> None:
        """Read the likeliest file of each image on several threads."""
        first = []
        for location, path in wanted:
            level = next(self._found.by_name(path, location.size), None)
            if level:
                first.append((location, level[0]))
        with ThreadPoolExecutor(_READERS, thread_name_prefix="piximi-relink") as readers:
            for _ in readers.map(lambda pair: self._hash(*pair), first):
                pass

    def joined(self, location: Location, paths: Sequence[str], lost: Sequence[int]) -> list[str] | str:
        """Files for an image of several, in their order, or the reason why none fit.

        Parameters
        ----------
        paths : sequence of str
            Where the files were.
        lost : sequence of int
            Positions of those that are gone.
        """
        sizes = (location.size, *(file.size for file in location.files))
        choices: list[list[str]] = []
        for position, path in enumerate(paths):
            if position not in lost:
                choices.append([path])
                continue
            levels = list(itertools.islice(self._found.by_name(path, sizes[position]), _FIRST_TRIES))
            if not levels:
                return f"no file fits {os.path.basename(path)}"
            # Without a hash the likeliest must be the only one.
            known = location.pixel_hash is not None
            choices.append([one for level in levels for one in level] if known else levels[0])
        if location.pixel_hash is None:
            if any(len(choice) > 1 for choice in choices):
                return "several files fit; keep only the right ones in the folder"
            chosen = [choice[0] for choice in choices]
            return chosen if headers_fit(location, chosen) else "the files of its names hold other images"
        for chosen_ in itertools.islice(itertools.product(*choices), _COMBINATIONS):
            if self._pixels(location, chosen_) == location.pixel_hash:
                return list(chosen_)
        return "the files of its names hold other pixels"

    def unverified(self, location: Location, path: str, taken: set[str]) -> str | list[str]:
        """The one file of the image's name, size and header; or those between which nothing decides."""
        for level in self._found.by_name(path, location.size):
            fitting = [one for one in level if one not in taken and headers_fit(location, [one])]
            if fitting:
                return fitting[0] if len(fitting) == 1 else fitting
        return []

    def _hash(self, location: Location, path: str) -> bytes | None:
        key = (path, location.reading)
        if key not in self._hashes:
            self._hashes[key] = self._pixels(location, [path])
        return self._hashes[key]

    def _pixels(self, location: Location, paths: Sequence[str]) -> bytes | None:
        try:
            return pixel_hash(read_files(self._folder, location, [Path(path) for path in paths]))
        except ImageReadError:
            # A file that is no image is not the one that is looked for.
            return None

    def _all_hashes(self, location: Location, path: str) -> dict[bytes, list[str]]:
        key = (location.size, _suffix(path), location.reading)
        if key not in self._hashed:
            table: dict[bytes, list[str]] = defaultdict(list)
            files = self._found.by_size(path, location.size)
            with ThreadPoolExecutor(_READERS, thread_name_prefix="piximi-relink") as readers:
                for one, digest in zip(
                    files, readers.map(lambda one: self._hash(location, one), files), strict=True
                ):
                    if digest is not None:
                        table[digest].append(one)
            self._hashed[key] = table
        return self._hashed[key]


def agreement(first: str, second: str) -> int:
    """How many parts two paths have in common, counted from their ends."""
    pairs = zip(reversed(_parts(first)), reversed(_parts(second)), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def headers_fit(location: Location, paths: Sequence[str]) -> bool:
    """Whether the headers of an image's files say what is noted of the image."""
    headers = {_header(location, path) for path in paths}
    header = headers.pop()
    if headers or header is None:
        return False
    planes, height, width, channels, dtype = header
    _, (rows, columns) = reading_of(location)
    return (planes * rows, height, width, channels * columns, dtype) == (
        location.planes,
        location.height,
        location.width,
        location.channels,
        location.dtype,
    )


def _header(location: Location, path: str) -> tuple[int, int, int, int, str] | None:
    try:
        header = read_header(path, **reading_of(location)[0])
    except ImageReadError:
        return None
    return header.planes, header.height, header.width, header.channels, header.dtype


def _walk(folder: str) -> Iterator[str]:
    """Files, and Zarr folders; hidden ones and what belongs to other projects are passed over."""
    for place, folders, files in os.walk(folder):
        kind = _zarr_kind(place, files)
        if DATABASE_NAME in files and place != folder:
            folders.clear()
        elif kind is not None:
            yield place
            # Arrays in a group are parts of an image, but the wells of a plate hold further images.
            inner = [] if kind == "array" else sorted(folders)
            folders[:] = [name for name in inner if _zarr_kind(os.path.join(place, name)) == "group"]
        else:
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            yield from (os.path.join(place, name) for name in sorted(files) if not name.startswith("."))


def _zarr_kind(folder: str, files: Sequence[str] | None = None) -> str | None:
    """Whether a folder is a Zarr group, a Zarr array, or neither."""
    names = os.listdir(folder) if files is None else files
    if ".zarray" in names:
        return "array"
    if ".zgroup" in names:
        return "group"
    if "zarr.json" not in names:
        return None
    try:
        with open(os.path.join(folder, "zarr.json"), "rb") as file:
            content = json.load(file)
    except (OSError, ValueError):
        return None
    return content.get("node_type") if isinstance(content, dict) else None


def _parts(path: str) -> list[str]:
    # Archives made on a Mac may write é as two characters, and Windows shows both cases as one.
    plain = path if path.isascii() else unicodedata.normalize("NFC", path)
    return plain.replace(os.sep, "/").casefold().split("/")


def _tails(path: str) -> list[str]:
    parts = _parts(path)
    return ["/".join(parts[-length:]) for length in range(1, min(_TAIL, len(parts)) + 1)]


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()
