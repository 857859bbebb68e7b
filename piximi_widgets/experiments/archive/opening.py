"""Opening an archive that may come from a stranger: nothing of it is believed before it has been checked."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from ...errors import NewerVersionError, PiximiError, StoreError
from . import layout

_CHUNK = 1 << 20
_MANIFEST_LIMIT = 64 << 20
_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")
_LARGE_END = struct.Struct("<4sQ2H2L4Q")
_BROKEN = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError),
    *(ValueError, TypeError, OverflowError, MemoryError, LookupError),
)


class Archive:
    """An archive whose every member has been found to be what its manifest says.

    Attributes
    ----------
    path : Path
    manifest : dict
    records : dict of str to bytes
        Members but for stored files.
    contents : dict of str to int
        Sizes of the stored files by their SHA-256.
    """

    def __init__(self, path: Path, file: zipfile.ZipFile, size: int) -> None:
        self.path = path
        self._zip = file
        self._infos = self._listed(size)
        self.manifest = self._read_manifest()
        declared = self.manifest["members"]
        if strangers := sorted(set(declared) ^ (set(self._infos) - {layout.MANIFEST})):
            self._refuse(f"{strangers[0][:80]!r} is not both in its manifest and in the file")
        for name in (layout.EXPERIMENT, layout.POINTS, *layout.TABLES):
            if name not in declared:
                self._refuse(f"it has no {name}")
        self.records: dict[str, bytes] = {}
        self.contents: dict[str, int] = {}
        for name, told in sorted(declared.items()):
            self._check(name, told)

    def copy(self, sha256: str, target: BinaryIO) -> None:
        """Write a stored file, checked once more on the way: the archive may have changed since."""
        digest = hashlib.sha256()
        for chunk in self._chunks(layout.CONTENTS + sha256):
            digest.update(chunk)
            # Not within `broken`: where this fails, the archive is not to blame.
            target.write(chunk)
        if digest.hexdigest() != sha256:
            self._refuse("it changed while it was being read")

    def _chunks(self, name: str) -> Iterator[bytes]:
        with ExitStack() as stack:
            with broken(self.path):
                source = stack.enter_context(self._zip.open(self._infos[name]))
            while True:
                with broken(self.path):
                    chunk = source.read(_CHUNK)
                if not chunk:
                    return
                yield chunk

    def _refuse(self, reason: str) -> NoReturn:
        raise StoreError(
            f"{self.path} is no sound archive of an experiment: {reason}. Nothing was imported; get the file again from"
            " where it comes from."
        )

    def _listed(self, size: int) -> dict[str, zipfile.ZipInfo]:
        """Members by name, with all that can be told of them without reading one."""
        infos = self._zip.infolist()
        if len(infos) > layout.MOST_MEMBERS:
            self._refuse(f"it has {len(infos):,} members, and may have {layout.MOST_MEMBERS:,}")
        found: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            name = info.orig_filename
            if name != layout.MANIFEST and not layout.is_record(name) and not layout.is_content(name):
                self._refuse(f"it has a member {name[:80]!r}, which belongs into no such archive")
            if name in found or info.filename != name:
                self._refuse(f"it has {name!r} twice")
            if info.flag_bits & 0x1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                self._refuse(f"{name!r} is encrypted or compressed in a way that is not expected")
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG) or info.is_dir():
                self._refuse(f"{name!r} is a link, a folder or a device and no file")
            limit = _MANIFEST_LIMIT if name == layout.MANIFEST else layout.LARGEST_RECORD
            if layout.is_content(name):
                if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
                    self._refuse(f"{name!r} is compressed, which stored files never are")
            elif info.file_size > limit:
                self._refuse(f"{name!r} has {info.file_size:,} bytes, and may have {limit:,}")
            elif info.file_size > layout.SMALL and info.file_size > layout.HIGHEST_RATIO * info.compress_size:
                self._refuse(f"{name!r} unfolds to more than {layout.HIGHEST_RATIO} times its size")
            found[name] = info
        if sum(info.compress_size for info in infos) > size:
            self._refuse("its members overlap")
        records = sum(info.file_size for name, info in found.items() if not layout.is_content(name))
        if records > 2 * layout.LARGEST_RECORD:
            self._refuse(f"its record has {records:,} bytes")
        if layout.MANIFEST not in found:
            self._refuse("it has no manifest.json")
        return found

    def _read_manifest(self) -> dict[str, Any]:
        manifest = as_json(self._zip.read(self._infos[layout.MANIFEST]), layout.MANIFEST)
        if not isinstance(manifest, dict) or manifest.get("format") != layout.FORMAT:
            self._refuse("its manifest is of another format")
        number = manifest.get("version")
        if type(number) is int and number > layout.VERSION:
            raise NewerVersionError(
                f"{self.path} was written by a newer version of piximi_widgets (format {number}, this one knows"
                f" {layout.VERSION}). Update with: pip install -U piximi-widgets"
            )
        members = manifest.get("members")
        if number != layout.VERSION or isinstance(number, bool) or not isinstance(members, dict):
            self._refuse("its manifest has no known version or no members")
        return manifest

    def _check(self, name: str, told: Any) -> None:
        """Read a member through, and keep it where it belongs to the record."""
        info = self._infos[name]
        if not isinstance(told, dict) or told.get("size") != info.file_size:
            self._refuse(f"{name!r} does not have the size that its manifest says")
        digest, size, kept = hashlib.sha256(), 0, []
        with self._zip.open(info) as source:
            while chunk := source.read(_CHUNK):
                size += len(chunk)
                digest.update(chunk)
                if layout.is_record(name):
                    kept.append(chunk)
        expected = told.get("sha256")
        if digest.hexdigest() != expected or size != info.file_size:
            self._refuse(f"{name!r} does not have the checksum that its manifest says")
        if layout.is_record(name):
            self.records[name] = b"".join(kept)
        elif name != layout.CONTENTS + digest.hexdigest():
            self._refuse(f"{name!r} is not named by its checksum")
        else:
            self.contents[expected] = size


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open and check an archive.

    Raises
    ------
    StoreError
        It cannot be read, is no archive of an experiment, or not what it says.
    NewerVersionError
        A newer version of this package wrote it.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            # Opening a pipe would wait for somebody to write into it.
            raise StoreError(f"{path} is not a file; give the path of an archive that export() has written.")
        file = path.open("rb")
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or error}.") from error
    with file:
        with broken(path):
            size = _refuse_long_list(path, file)
            archive = Archive(path, zipfile.ZipFile(file), size)
        yield archive


@contextmanager
def broken(path: Path) -> Iterator[None]:
    """Say of whatever reading a damaged file may raise that the file is damaged."""
    try:
        yield
    except PiximiError:
        raise
    except _BROKEN as error:
        raise StoreError(
            f"{path} is no sound archive of an experiment ({error or type(error).__name__}). Nothing was imported; get the"
            " file again from where it comes from."
        ) from error


def as_json(data: bytes | str, what: str) -> Any:
    """Parse JSON that may be meant to do harm.

    Raises
    ------
    StoreError
        It is none, too deep, or has numbers of thousands of digits.
    """
    try:
        return json.loads(data)
    except RecursionError:
        raise StoreError(f"{what} is nested too deeply to be read; nothing was imported.") from None
    except ValueError as error:
        raise StoreError(f"{what} cannot be read ({error}); nothing was imported.") from None


def _refuse_long_list(path: Path, file: BinaryIO) -> int:
    """Look at the end of a zip archive before `zipfile` reads its list into memory; returns the file's size."""
    size = file.seek(0, os.SEEK_END)
    start = max(0, size - _END.size - 0xFFFF)
    file.seek(start)
    tail = file.read()
    where = tail.rfind(b"PK\x05\x06")
    if where < 0 or where + _END.size > len(tail):
        raise StoreError(f"{path} is no zip archive, or its end is missing; nothing was imported.")
    length = _END.unpack_from(tail, where)[5]
    place = start + where - _LOCATOR.size
    if place >= 0:
        file.seek(place)
        mark, _, offset, _ = _LOCATOR.unpack(file.read(_LOCATOR.size))
        if mark == b"PK\x06\x07":
            # `zipfile` reads the record right before the locator, whatever that says: both must be the same.
            if offset != place - _LARGE_END.size:
                raise StoreError(f"{path} has two lists of members; nothing was imported.")
            file.seek(offset)
            large = _LARGE_END.unpack(file.read(_LARGE_END.size))
            if large[0] != b"PK\x06\x06":
                raise StoreError(f"{path} has no list of members where it says; nothing was imported.")
            length = max(length if length < 0xFFFFFFFF else 0, large[8])
    if length > min(size, layout.LARGEST_DIRECTORY):
        raise StoreError(f"{path} has a list of members of {length:,} bytes; nothing was imported.")
    file.seek(0)
    return size
