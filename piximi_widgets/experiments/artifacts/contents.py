"""Files kept under the hash of their content, so that equal files are kept once."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

from ...errors import ArtifactError
from ...storage import write_atomically
from ...storage.files import sync_folder
from .sharing import sign

_CHUNK = 1 << 20


class Contents:
    """A folder of files named by sha256, two letters of it as a subfolder.

    Parameters
    ----------
    folder : Path
        Made when the first file is kept.
    database : Path
        Of the store that keeps its files there; the folder gets a note of it with the first one.
    """

    def __init__(self, folder: Path, database: Path) -> None:
        self.folder = folder
        self._database = database

    def path(self, sha256: str) -> Path:
        """Where the content lies, or would lie."""
        return self.folder / sha256[:2] / sha256

    def keep(self, source: Path | bytes) -> tuple[str, int]:
        """Copy a file, or write bytes, into the folder; returns (sha256, size in bytes).

        Raises
        ------
        ArtifactError
            The file cannot be read, or changed while it was being copied; or the folder cannot be written.
        """
        return self.keep_many([source])[0]

    def keep_many(self, sources: Iterable[Path | bytes]) -> list[tuple[str, int]]:
        """Keep several files: as `keep`, but what is written waits for the disk once and not for each file."""
        kept = []
        parts: dict[str, Path] = {}
        try:
            for source in sources:
                sha256, size = _hash(source)
                kept.append((sha256, size))
                # one that was damaged since is mended here, not referred to once more
                if sha256 not in parts and not _is_whole(self.path(sha256), sha256, size):
                    parts[sha256] = self._new_part(sha256)
                    _write(source, sha256, parts[sha256])
            self.sign()
            self._put_in_place(parts)
        except BaseException as error:
            self._give_up(parts, error)
            raise
        return kept

    def keep_from(self, sizes: Mapping[str, int], copy: Callable[[str, BinaryIO], None]) -> None:
        """Keep files whose hashes are known beforehand; as `keep_many`, one that is there and whole is left alone.

        Parameters
        ----------
        sizes : mapping of str to int
            Bytes by sha256.
        copy : callable
            Given a sha256 and an open file, writes that content; it raises where it finds another one.

        Raises
        ------
        ArtifactError
            The folder cannot be written.
        """
        parts: dict[str, Path] = {}
        try:
            for sha256, size in sizes.items():
                if not _is_whole(self.path(sha256), sha256, size):
                    parts[sha256] = self._new_part(sha256)
                    with parts[sha256].open("xb") as file:
                        copy(sha256, file)
            if sizes:
                self.sign()
            self._put_in_place(parts)
        except BaseException as error:
            self._give_up(parts, error)
            raise

    def copy_many(self, copies: Iterable[tuple[str, Path]]) -> None:
        """Copy contents to files that are not there yet, each checked against its hash on the way.

        Raises
        ------
        ArtifactError
            A content is missing or damaged; the files made until then, and one in parts, are left to the caller.
        """
        made = []
        for sha256, target in copies:
            source = self.existing(sha256)
            with target.open("xb") as file:
                if _copy_and_hash(source, file) != sha256:
                    raise _damaged(source)
            made.append(target)
        _sync(made)

    def copy_to(self, sha256: str, target: Path) -> None:
        """Copy a content to `target`, checked against its hash on the way.

        Raises
        ------
        ArtifactError
            The content is missing or damaged; `target` is left as it was.
        """
        source = self.existing(sha256)

        def copy(file: BinaryIO) -> None:
            if _copy_and_hash(source, file) != sha256:
                raise _damaged(source)

        write_atomically(target, copy)

    def existing(self, sha256: str) -> Path:
        """The path of a content that is there.

        Raises
        ------
        ArtifactError
            The file was removed by somebody else.
        """
        path = self.path(sha256)
        if not path.is_file():
            raise ArtifactError(
                f"The file {path} is missing: it was removed or not copied along with the store. "
                "Restore it from a copy, or store the artifact again."
            )
        return path

    def sign(self) -> None:
        """Say in the folder that this store keeps files there, so that no other one removes them."""
        try:
            sign(self.folder, self._database)
        except OSError as error:
            raise ArtifactError(
                f"{self.folder} cannot be written: {error.strerror or error}. Nothing was stored."
            ) from error

    def _put_in_place(self, parts: Mapping[str, Path]) -> None:
        _sync(parts.values())
        for sha256, part in parts.items():
            part.replace(self.path(sha256))
        for folder in {part.parent for part in parts.values()}:
            sync_folder(folder)

    def _give_up(self, parts: Mapping[str, Path], error: BaseException) -> None:
        for part in parts.values():
            part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise ArtifactError(
                f"{self.folder} cannot be written: {error.strerror or error}. Nothing was stored."
            ) from error

    def _new_part(self, sha256: str) -> Path:
        folder = self.path(sha256).parent
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            sync_folder(self.folder)
        return folder / f".{sha256[:40]}.{uuid.uuid4().hex[:8]}.part"


def _hash(source: Path | bytes) -> tuple[str, int]:
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest(), len(source)
    return _read_hash(source)


def _write(source: Path | bytes, sha256: str, target: Path) -> None:
    with target.open("xb") as file:
        if isinstance(source, bytes):
            file.write(source)
        elif _copy_and_hash(source, file) != sha256:
            raise ArtifactError(f"{source} changed while it was being stored; store it again.")


def _sync(files: Iterable[Path]) -> None:
    """Make the content of files survive a power cut."""
    for path in files:
        with path.open("rb+") as file:
            os.fsync(file.fileno())


def _damaged(path: Path) -> ArtifactError:
    return ArtifactError(
        f"{path} is damaged: its content no longer has the recorded sha256. Restore the file from a copy."
    )


def _read_hash(source: Path) -> tuple[str, int]:
    try:
        with source.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            return sha256, file.tell()
    except OSError as error:
        raise ArtifactError(f"{source} cannot be read: {error.strerror or error}.") from error


def _is_whole(path: Path, sha256: str, size: int) -> bool:
    try:
        return path.stat().st_size == size and _read_hash(path)[0] == sha256
    except (OSError, ArtifactError):
        # also one that somebody removes in this very moment
        return False


def _copy_and_hash(source: Path, target: BinaryIO) -> str:
    digest = hashlib.sha256()
    try:
        file = source.open("rb")
    except OSError as error:
        raise ArtifactError(f"{source} cannot be read: {error.strerror or error}.") from error
    with file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            target.write(chunk)
    return digest.hexdigest()
