"""Writing an archive: the same experiment gives the same bytes."""

from __future__ import annotations

import hashlib
import json
import stat
import zipfile
import zlib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import BinaryIO

from ...errors import ArtifactError, StoreError
from ...storage import write_atomically
from ..artifacts.contents import Contents
from . import layout
from .gathering import Gathered

_CHUNK = 1 << 20
_LEVEL = 6


def write(path: Path, gathered: Gathered, contents: Contents) -> None:
    """Write an archive under its name once it is whole.

    Raises
    ------
    ArtifactError
        A stored file is missing or damaged; nothing was written.
    StoreError
        It is too large for an archive, or the file cannot be written.
    """
    sizes = {sha256: contents.existing(sha256).stat().st_size for sha256 in sorted(gathered.contents)}
    _refuse_too_large(gathered, len(sizes))
    try:
        write_atomically(path, lambda file: _fill(file, gathered, sizes, contents))
    except OSError as error:
        raise StoreError(
            f"{path} could not be written ({error.strerror or error}); what was there before is untouched. Make"
            " room, or choose another place."
        ) from error


def _refuse_too_large(gathered: Gathered, contents: int) -> None:
    count = 1 + len(gathered.records) + contents
    if count > layout.MOST_MEMBERS:
        raise StoreError(
            f"{gathered.name!r} has {count:,} files; an archive holds at most {layout.MOST_MEMBERS:,}. Store large folders"
            " as one zip or tar file, or copy the whole store."
        )
    sizes = {name: len(data) for name, data in gathered.records.items()}
    if max(sizes.values()) > layout.LARGEST_RECORD or sum(sizes.values()) > 2 * layout.LARGEST_RECORD:
        largest = max(sizes, key=sizes.__getitem__)
        raise StoreError(
            f"The record of {gathered.name!r} is too large for an archive: {largest} alone has {sizes[largest]:,} bytes."
            " Copy the whole store instead."
        )


def _fill(file: BinaryIO, gathered: Gathered, sizes: dict[str, int], contents: Contents) -> None:
    members = {
        name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in sorted(gathered.records.items())
    }
    members |= {layout.CONTENTS + name: {"size": size, "sha256": name} for name, size in sizes.items()}
    manifest = {
        "format": layout.FORMAT,
        "version": layout.VERSION,
        "package": _package_version(),
        "uid": gathered.uid,
        "name": gathered.name,
        "members": members,
    }
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(*_compressed(layout.MANIFEST, json.dumps(manifest, indent=1).encode()))
        for name in sorted(gathered.records):
            archive.writestr(*_compressed(name, gathered.records[name]))
        for sha256, size in sizes.items():
            info = _info(layout.CONTENTS + sha256, zipfile.ZIP_STORED)
            info.file_size = size
            _copy(contents, sha256, archive, info)


def _copy(contents: Contents, sha256: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
    digest = hashlib.sha256()
    with contents.existing(sha256).open("rb") as source, archive.open(info, "w") as target:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            target.write(chunk)
    if digest.hexdigest() != sha256:
        raise ArtifactError(
            f"{contents.path(sha256)} is damaged: its content no longer has the recorded sha256. Restore the file from"
            " a copy, or delete the artifact, before you export."
        )


def _compressed(name: str, data: bytes) -> tuple[zipfile.ZipInfo, bytes]:
    # What would look like a bomb to the reader is not compressed.
    large = len(data) > layout.SMALL
    bomb = large and len(zlib.compress(data, _LEVEL)) * layout.HIGHEST_RATIO // 2 < len(data)
    return _info(name, zipfile.ZIP_STORED if bomb else zipfile.ZIP_DEFLATED), data


def _info(name: str, method: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.compress_type = method
    info.create_system = 3
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    return info


def _package_version() -> str:
    try:
        return version("piximi-widgets")
    except PackageNotFoundError:
        return "unknown"
